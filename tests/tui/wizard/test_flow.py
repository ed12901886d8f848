"""The way through the pages, and from the review to a section and back."""

import pytest

from installer.draft import Section
from installer.interview import Session
from tests.tui.wizard.inquiries import RecordedInquiries
from tui.wizard.flow import PAGES, Flow
from tui.wizard.page import Move
from tui.wizard.review import ReviewPage


def flow_of(sections=tuple(Section), **more):
    session = Session(RecordedInquiries(), "x86_64", sections=sections)
    return Flow(session, **more), session


def headings(flow, session, step):
    """Until the end."""
    found = [type(flow.page)]
    while flow.move(Move(session.draft, back=step < 0)) and type(flow.page) is not found[-1]:
        found.append(type(flow.page))
    return found


def test_forward_and_back_are_the_same_way():
    flow, session = flow_of()
    there = headings(flow, session, 1)
    assert there[-1] is ReviewPage
    assert headings(flow, session, -1) == there[::-1]
    assert flow.page._first


def test_only_the_sections_that_are_open_are_asked():
    flow, session = flow_of((Section.DISK,))
    assert [page.section for page in headings(flow, session, 1)] == [None, Section.DISK, None]


@pytest.mark.parametrize("section", Section)
@pytest.mark.parametrize("back", [False, True])
def test_from_a_section_that_was_visited_the_way_leads_back_to_the_review(section, back):
    flow, session = flow_of((), at_review=True)
    assert flow.move(Move(session.draft, to=section))
    assert flow.page.section is section
    for _ in PAGES:
        if type(flow.page) is ReviewPage:
            break
        assert flow.page.section is section
        assert flow.move(Move(session.draft, back=back))
    assert type(flow.page) is ReviewPage


def test_after_a_visit_back_from_the_review_is_the_page_before_it():
    flow, session = flow_of(at_review=True)
    flow.move(Move(session.draft, to=Section.SOURCE))
    flow.move(Move(session.draft))
    flow.move(Move(session.draft, back=True))
    assert flow.page.section is Section.HOST

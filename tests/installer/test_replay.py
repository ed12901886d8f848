"""A dry run's installation: the events of a real one."""

import pytest

from engine.errors import Cancelled
from engine.events import JobFinished, Progress, StepFinished, StepStarted
from installer.install import Install
from installer.replay import MESSAGE, ReplayedInstallations, recorded_events
from installer.sequence import installation_steps
from installer.steps.keep_record import Record
from tests.installer.plans import make_plan


def replayed(wait, stop=lambda: False):
    attempt = ReplayedInstallations(wait=wait).start(Install())
    seen = []
    return attempt, seen, attempt.follow(seen.append, stop)


def test_the_recording_is_of_an_installation_as_it_is_now():
    """If not: python -m tests.installer.record"""
    started = [event for _at, event in recorded_events() if isinstance(event, StepStarted)]
    expected = installation_steps(make_plan(live=False), Record("", None))
    steps = [step for step in expected if step.id != "register-boot-entry"]
    found = [event.step for event in started if event.step != "configure-network"]
    assert found == [step.id for step in steps]
    assert {event.step: event.title for event in started}.items() >= {
        step.id: step.title for step in steps
    }.items()


def test_it_has_a_transfer_with_a_rate_and_names_no_machine_but_its_own():
    events = [event for _at, event in recorded_events()]
    transfer = [each for each in events if isinstance(each, Progress) and each.step == "pull-tree"]
    assert any(each.rate > 0 and each.total > 0 for each in transfer)
    assert isinstance(events[-1], JobFinished)
    assert "/dev/loop" not in str(events)
    times = [at for at, _event in recorded_events()]
    assert times == sorted(times)


def test_it_takes_the_time_it_took():
    passed = []
    attempt, seen, outcome = replayed(passed.append)
    assert sum(passed) == pytest.approx(recorded_events()[-1][0])
    assert outcome.get().message == MESSAGE
    assert attempt.outcome is outcome
    assert seen[-1].ok
    assert {each.step for each in seen if isinstance(each, StepFinished)} == {
        step.id for step in attempt.steps
    }


def test_it_can_be_cancelled_and_left():
    attempt, _seen, outcome = replayed(lambda _seconds: None, stop=lambda: True)
    assert outcome is None
    attempt.cancel()
    outcome = attempt.follow(lambda _event: None, lambda: False)
    assert isinstance(outcome.error, Cancelled)

"""What the review says, and what stands against an installation."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import NetworkError
from installer.branches import Branch
from installer.describe import current_partitions
from installer.plan import Disk
from installer.probe import BlockDevice
from installer.review import confirmation_word, review, without_secrets
from installer.source_size import measure_source
from tests.installer.plans import MACHINE, make_plan
from tests.tui.wizard.inquiries import COMMIT, recorded_machine
from tests.tui.wizard.wizards import HASH, answered, session_of


def reviewed(session):
    return review(session, session.draft, CancelToken())


def test_a_good_draft_has_everything_a_person_should_read(tmp_path):
    found = reviewed(session_of(tmp_path, answered(tmp_path, disk="/dev/vdb")))
    text = "\n".join(found.lines)
    assert found.problems == ()
    assert "/dev/vdb: everything (Scratch, 20.0 GiB" in text
    assert "/dev/vdb NOW" in text
    assert "/dev/vdb2  16.0 GiB  ext4" in text
    assert "/dev/vdb AFTERWARDS (gpt, for BIOS and UEFI)" in text
    assert COMMIT in text
    assert "to transfer   123.0 MB" in text
    assert "photon-host-def" in text
    assert HASH not in text
    assert (found.word, found.install.target) == ("vdb", "/dev/vdb")
    assert found.warnings


def test_a_disk_that_was_pulled_out_stands_against_it(tmp_path):
    session = session_of(tmp_path)
    session.inquiries.now = replace(recorded_machine("vm"), disks=())
    found = reviewed(session)
    assert found.install is None
    assert "there is no such disk" in str(found.problems[0])
    assert found.kickstart == ""


def test_a_source_that_does_not_answer_stands_against_it_but_not_in_a_dry_run(tmp_path):
    session = session_of(tmp_path, dry=False)
    session.inquiries.source = NetworkError("No answer.", "Try again.")
    assert reviewed(session).install is None
    session.dry = True
    found = reviewed(session)
    assert found.install is not None
    assert "No answer." in str(found.warnings[-1])


def test_what_no_page_asks_for_is_named(tmp_path):
    found = reviewed(session_of(tmp_path, answered(tmp_path, colour="red", hostname="a b")))
    assert found.unknown == ("colour",)
    assert (found.lines, found.install) == ((), None)


def test_variables_that_only_scripts_know_are_explained(tmp_path):
    keys = {"preinstall": ["export NAME=h"], "hostname": "$NAME"}
    found = reviewed(session_of(tmp_path, answered(tmp_path, **keys)))
    assert found.install is None
    assert "--interactive" in str(found.problems[0])


def test_the_word_to_type_is_every_disk_that_is_wiped():
    two = replace(make_plan().storage, disks=(Disk("a", Path("/dev/vda")), Disk("b", Path("/d/b"))))
    assert confirmation_word(make_plan(), MACHINE) == "vda"
    assert confirmation_word(replace(make_plan(), storage=two), MACHINE) == "vda b"
    image = Disk("default", image=Path("disk.img"), size_mb=4096)
    assert confirmation_word(make_plan(disk=image), MACHINE) == "yes"


def test_hashes_are_not_for_the_screen(tmp_path):
    keys = {"users": [{"name": "ada", "password": {"text": HASH, "crypted": True}}]}
    found = reviewed(session_of(tmp_path, answered(tmp_path, **keys)))
    shown = without_secrets(found.kickstart)
    assert HASH in found.kickstart
    assert "$6$" not in shown
    assert json.loads(shown)["users"][0]["password"] == {"text": "***", "crypted": True}


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (BlockDevice("/dev/a", "disk", 1), "no partitions"),
        (BlockDevice("/dev/a", "disk", 1, filesystem="xfs"), "no partitions, xfs"),
        (BlockDevice("/dev/a", "disk", 1, table="gpt"), "no partitions, an empty gpt table"),
    ],
)
def test_a_disk_without_partitions_says_so(device, said):
    assert current_partitions(device) == [said]


def test_a_local_repository_is_measured(tree):
    plan = make_plan(url=tree.repo.as_uri())
    found = measure_source(plan.source, CancelToken())
    stored = sum(path.stat().st_size for path in tree.repo.glob("objects/*/*"))
    assert (found.commit, found.version) == (tree.commit, tree.version)
    assert 0 < found.size <= stored


def test_of_a_tar_file_its_own_size_counts(tmp_path):
    archive = tmp_path / "repo.tar"
    archive.write_bytes(b"x" * 1000)
    source = replace(make_plan().source, url="", archive=archive)
    assert measure_source(source, CancelToken()) == Branch(source.ref, "", size=1000)

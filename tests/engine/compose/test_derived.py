"""The cache of what programs of the tree make: used again when, and only when, nothing changed."""

import pytest

from engine.command import SystemCommands
from engine.derived import Derived, DerivedCache, TreeState
from engine.overlay import OverlayTree
from engine.sandbox import Sandbox
from engine.treebuilder import committed_tree, flatten
from tests.rpms import Entry, Package

COMMAND = ["make"]
RESULT = Derived(b"image", {"usr/lib/made": (0o644, b"made")})
BASE = {
    "usr/bin/tool": "tool",
    "usr/lib/dracut/module": "dracut asks for /usr/share/wanted",
    "usr/lib/unnamed/file": "1",
    "usr/share/wanted/file": "1",
    "usr/etc/settings": "1",
}


@pytest.fixture
def make(tmp_path):
    """A function: the state of a tree with these files below, these above."""
    count = iter(range(100))

    def made(below, above=None, removed=()):
        folder = tmp_path / str(next(count))
        for name in ("lower", "upper", "work"):
            (folder / name).mkdir(parents=True)
        for path, content in below.items():
            (folder / "lower" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "lower" / path).write_text(content)
        tree = OverlayTree(folder / "lower", folder / "upper", folder / "work")
        for path, content in (above or {}).items():
            tree.write(path, content)
        for path in removed:
            tree.remove(path)
        return TreeState(tree, {path: f"checksum {content}" for path, content in below.items()})

    return made


@pytest.fixture
def cache(tmp_path):
    return DerivedCache(tmp_path / "derived")


def stored(cache, state, opened=("/usr/bin/tool", "/etc/settings", "/usr/lib/dracut")):
    cache.store(COMMAND, state, opened, RESULT)


def test_the_same_state_gives_the_result_back(cache, make):
    stored(cache, make(BASE))
    assert cache.find(COMMAND, make(BASE)) == RESULT


def test_a_change_of_a_file_that_nobody_opened_does_not_matter(cache, make):
    stored(cache, make(BASE))
    assert cache.find(COMMAND, make({**BASE, "usr/share/wanted/file": "2"})) == RESULT


@pytest.mark.parametrize(
    ("change", "above", "removed"),
    [
        ({"usr/bin/tool": "other tool"}, {}, ()),
        ({}, {"usr/bin/tool": "replaced by a script"}, ()),
        ({}, {}, ("usr/etc/settings",)),
        ({"usr/bin/new": "a program that might have been looked for"}, {}, ()),
        ({"usr/share/wanted/new": "in a folder that a script names"}, {}, ()),
        ({}, {"usr/etc/new": "settings made by a script"}, ()),
        ({"usr/lib/dracut/other": "module"}, {}, ()),
    ],
)
def test_what_may_matter_makes_the_result_unusable(cache, make, change, above, removed):
    stored(cache, make(BASE))
    assert cache.find(COMMAND, make({**BASE, **change}, above, removed)) is None


def test_new_names_in_a_folder_that_nothing_names_do_not_matter(cache, make):
    stored(cache, make(BASE))
    more = {"usr/lib/unnamed/new": "1", "usr/share/surprise/new": "1", "usr/share/doc/new": "1"}
    assert cache.find(COMMAND, make({**BASE, **more})) == RESULT


@pytest.mark.parametrize(
    "opened", ["/usr/lib/unnamed/file", "/usr/lib/unnamed", "/usr/share/doc", "/usr/lib"]
)
def test_a_program_that_looks_where_nobody_should_is_not_cached(cache, make, opened):
    stored(cache, make(BASE), ["/usr/bin/tool", opened])
    assert cache.find(COMMAND, make(BASE)) is None


def test_another_command_is_another_result(cache, make):
    stored(cache, make(BASE))
    assert cache.find(["make", "--differently"], make(BASE)) is None


def test_only_the_last_few_results_are_kept(cache, make, tmp_path):
    for number in range(8):
        stored(cache, make({**BASE, "usr/bin/tool": str(number)}))
    assert len(list((tmp_path / "derived").iterdir())) == 4
    assert cache.find(COMMAND, make({**BASE, "usr/bin/tool": "7"})) == RESULT


def test_the_list_of_opened_files_names_programs_libraries_data_and_folders(
    composer, base_packages, tmp_path
):
    composer.compose()
    lower = composer.cache / "lower"
    place = tmp_path / "place"
    for name in ("upper", "work", "mount", "var", "shared"):
        (place / name).mkdir(parents=True)
    tree = OverlayTree(lower, place / "upper", place / "work")
    sandbox = Sandbox(tree, place / "mount", place / "var", SystemCommands(), 0)
    record = place / "shared" / "opened"
    sandbox.run(
        ["/bin/sh", "-c", "cat /etc/nsswitch.conf; echo /usr/bin/*"],
        shared=place / "shared",
        isolated=True,
        record=record,
    )
    opened = set(record.read_text().splitlines())
    assert {"/usr/bin/sh", "/usr/bin/cat", "/etc/nsswitch.conf", "/usr/bin"} <= opened
    assert any(path.startswith("/usr/lib") and "libc.so" in path for path in opened)
    assert "/etc/passwd" not in opened


def test_the_composed_checksums_are_those_of_the_lower_files(composer):
    """What the state takes for a file's content is the object that is there."""
    composer.compose(Package("p", {"/usr/share/p": Entry("content")}))
    cache = composer.cache / "pkgcache-repo"
    text = (composer.cache / "lower.commit").read_text()
    from engine.repo import Repo

    checksums = {
        path: checksum
        for path, checksum, folder in flatten(committed_tree(Repo.open(cache), text))
        if not folder
    }
    checksum = checksums["usr/share/p"]
    inode = (cache / "objects" / checksum[:2] / f"{checksum[2:]}.file").stat().st_ino
    assert (composer.cache / "lower/usr/share/p").stat().st_ino == inode

"""What scripts find: a deployment covered where the new tree differs, and never written to."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkout import cover
from engine.events import StepStarted
from engine.layering.lower import overlay_on
from engine.ostree import OSTree
from engine.overlay import OverlayTree
from engine.repo import Repo
from engine.treebuilder import TreeBuilder, root_checksums
from engine.workplace import Workplace
from tests.engine.compose.test_overlay import FOLDERS, actions, apply, described, mounted, seen
from tests.engine.layering.conftest import BASE, Host, MakeHost
from tests.rpms import Entry, Package

NAMES = ["a", "b", "a/c", "a/d", "a/d/e", "b/f", "b/f/g"]
MEDDLER = Package(
    "meddler",
    {"/usr/share/meddler": Entry("m")},
    {"%post": "echo more >>/usr/bin/vi; echo ran >/etc/ran; rm /etc/notes.conf"},
)


def trees():
    """path -> content; a path with names below it is a directory."""
    return st.dictionaries(
        st.sampled_from(NAMES), st.sampled_from(["one", "two"]), max_size=len(NAMES)
    )


@settings(max_examples=60, deadline=None)
@given(trees(), trees(), actions())
def test_a_covered_tree_is_seen_as_the_other_one(old, new, changes):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repo = Repo.create(folder / "repo", "bare")
        repo.set_fsync(False)
        with repo.transaction():
            first, second = written(repo, old), written(repo, new)
        checked_out(repo, first, folder / "deployed")
        checked_out(repo, second, folder / "expected")
        for each in ("lower", "upper", "work", "mount"):
            (folder / each).mkdir()
        cover(repo, mutable(repo, first), mutable(repo, second), folder / "lower")
        below = (folder / "deployed",)
        tree = OverlayTree(folder / "lower", folder / "upper", folder / "work", below=below)
        assert described(tree) == seen(folder / "expected")
        before = seen(folder / "deployed"), seen(folder / "lower")
        for action, path, mode in changes:
            apply(tree, action, path, mode)
        assert described(tree) == mounted(tree, folder)
        assert before == (seen(folder / "deployed"), seen(folder / "lower"))


def written(repo, paths):
    builder = TreeBuilder(repo)
    for path, text in paths.items():
        if path in FOLDERS and any(other.startswith(f"{path}/") for other in paths):
            builder.add_directory(path, 0o040700 if text == "two" else 0o040755)
        else:
            builder.add_text(path, text)
    return builder.write()


def mutable(repo, root):
    return OSTree.MutableTree.new_from_checksum(repo.native, *root_checksums(root))


def checked_out(repo, root, target):
    with repo.transaction():
        _ok, commit = repo.native.write_commit(None, "", "", None, root, None)
    command = ["ostree", f"--repo={repo.path}", "checkout", "-H", commit, target]
    subprocess.run(command, check=True)


@pytest.fixture
def deployment(host: Host) -> Path:
    """The base tree as libostree deploys it, with what is the machine's own."""
    path = host.folder / "deployed"
    host.ostree("checkout", "-H", host.base, path)
    shutil.copytree(path / "usr/etc", path / "etc", symlinks=True)
    (path / "etc/machine-id").write_text("1\n")
    (path / "var/lib").mkdir()
    (path / ".usr-ovl-work").mkdir()
    return path


def test_what_a_deployment_has_of_the_machine_is_not_seen(host: Host, deployment: Path) -> None:
    host.publish(MEDDLER)
    target = host.layer("meddler")
    host.ostree("checkout", "-H", target, host.folder / "expected")
    place = Workplace(host.folder / "place")
    place.make()
    _ok, root, _commit = host.repo.native.read_commit(target)
    root.ensure_resolved()
    tree = overlay_on(
        host.repo,
        root,
        place,
        base=host.base,
        deployed={host.base: deployment},
        cancel=host.cancel,
    )
    (host.folder / "mount").mkdir()
    assert mounted(tree, host.folder) == seen(host.folder / "expected")


def test_layers_on_a_deployment_are_those_on_a_checkout(host: Host, deployment: Path) -> None:
    host.publish(MEDDLER)
    plan = host.plan("meddler", removals=("sharer",))
    checkout = host.write(plan)
    before = seen(deployment)
    assert host.write(plan, deployed={host.base: deployment}) == checkout
    assert seen(deployment) == before
    assert host.read(checkout, "/usr/bin/vi") == "tinymore\n"
    host.fsck()


def test_only_what_differs_from_the_deployment_is_linked(host: Host, deployment: Path) -> None:
    host.publish(MEDDLER)
    plan = host.plan("meddler")
    linked: set[str] = set()

    class Listener(list):  # type: ignore[type-arg]
        def append(self, event: object) -> None:
            if isinstance(event, StepStarted) and event.step == "scripts":
                (lower,) = host.path.glob("extensions/rpmostree/private/commit/*/lower")
                linked.update(str(each.relative_to(lower)) for each in lower.rglob("usr/**/*"))

    host.events = Listener()
    host.write(plan, deployed={host.base: deployment})
    assert linked == {"usr/share", "usr/share/meddler"}


def test_a_deployment_of_an_older_base_serves_too(
    host: Host, deployment: Path, make_host: MakeHost
) -> None:
    newer = make_host(*BASE[:-1], Package("fresh", {"/usr/share/fresh": Entry("f")}))
    newer.publish(MEDDLER)
    newer.ostree("pull-local", host.path, host.base)
    checkout = newer.layer("meddler")
    plan = newer.plan("meddler")
    assert newer.write(plan, deployed={host.base: deployment}) == checkout
    assert newer.read(checkout, "/usr/share/fresh") == "f"
    newer.fsck()


def test_of_several_deployments_one_with_the_base_is_taken(host: Host, deployment: Path) -> None:
    host.publish(MEDDLER, Package("other", {"/usr/share/other": Entry("o")}))
    layered = host.layer("other")
    plan = host.plan("meddler")
    checkout = host.write(plan)
    empty = host.folder / "empty"
    empty.mkdir()
    deployed = {layered: empty, host.base: deployment}
    assert host.write(plan, deployed=deployed) == checkout
    assert host.write(plan, deployed={layered: empty}) == checkout, "what has no /usr is no tree"

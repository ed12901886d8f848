"""What a plan says before anything is done: inactive requests, conflicts, things not found."""

import os
import re
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import PackageError
from engine.events import Emit, discard
from engine.layering.changes import LocalChanges
from engine.layering.plan import plan_layers
from engine.layering.sources import PackageSources
from engine.packages.rpmmd import Repository
from engine.packages.solver import UnsolvableError
from tests.engine.layering.conftest import Host
from tests.engine.packages.conftest import config_of
from tests.rpms import Entry, Package


def problems(error: pytest.ExceptionInfo[UnsolvableError]) -> str:
    return "\n".join(str(problem) for problem in error.value.problems)


def test_a_request_that_the_base_tree_fulfils_is_inactive(host: Host) -> None:
    plan = host.plan("vim-tiny", "libfoo.so.1", "/usr/bin/foo")
    assert plan.is_empty
    assert plan.active_requests == ()
    assert sorted(each.request for each in plan.inactive) == [
        "/usr/bin/foo",
        "libfoo.so.1",
        "vim-tiny",
    ]
    with pytest.raises(
        PackageError, match=re.escape('"vim-tiny" is already provided by: vim-tiny-1.0')
    ) as error:
        plan.require_active(["vim-tiny"])
    assert error.value.hint == "Use --allow-inactive to explicitly require it."


def test_a_newer_version_of_what_the_base_tree_has_stays_where_it_is(host: Host) -> None:
    host.publish(Package("vim-tiny", {"/usr/bin/vi": Entry("newer", 0o755)}, version="2.0"))
    assert host.plan("vim-tiny").is_empty


def test_a_glob_stands_for_all_its_packages_but_those_of_the_base_tree(host: Host) -> None:
    host.publish(*(Package(f"vim-{name}") for name in ("tiny", "common", "data")))
    plan = host.plan("vim-*")
    assert sorted(package.id.name for package in plan.added) == ["vim-common", "vim-data"]
    assert plan.active_requests == ("vim-*",)


def test_a_package_that_is_nowhere_is_not_found_and_near_names_are_shown(host: Host) -> None:
    host.publish(Package("htop"))
    with pytest.raises(UnsolvableError, match="Packages not found: htpo") as error:
        host.plan("htpo", "htop")
    assert problems(error) == ("the package htpo is not in any repository (did you mean htop?)")


def test_without_repositories_the_hint_says_where_they_belong(host: Host) -> None:
    with pytest.raises(UnsolvableError, match="Packages not found: zsh") as error:
        host.plan("zsh")
    assert "/etc/yum.repos.d" in error.value.hint


def test_a_conflict_with_the_base_tree_is_explained(host: Host) -> None:
    host.publish(Package("vim", header=("Conflicts: vim-tiny",)))
    with pytest.raises(UnsolvableError) as error:
        host.plan("vim")
    assert problems(error) == (
        "vim-1.0-1.ph5.x86_64 conflicts with vim-tiny-1.0-1.ph5.x86_64 of the base tree"
    )
    assert "override" in error.value.hint


def test_a_package_that_wants_another_version_than_the_base_trees_is_explained(host: Host) -> None:
    host.publish(
        Package("bar", header=("Requires: libfoo >= 2",)), Package("libfoo", version="2.0")
    )
    with pytest.raises(UnsolvableError) as error:
        host.plan("bar")
    assert problems(error) == (
        "bar-1.0-1.ph5.x86_64 requires libfoo >= 2, libfoo-2.0-1.ph5.x86_64 and "
        "libfoo-1.0-1.ph5.x86_64 of the base tree cannot both be installed"
    )


def test_a_package_that_obsoletes_one_of_the_base_tree_does_not_remove_it(host: Host) -> None:
    host.publish(Package("neovim", header=("Obsoletes: vim-tiny",)))
    with pytest.raises(UnsolvableError) as error:
        host.plan("neovim")
    assert "obsoletes vim-tiny-1.0-1.ph5.x86_64 of the base tree" in problems(error)


def test_a_missing_dependency_is_explained_from_the_request_on(host: Host) -> None:
    host.publish(Package("one", header=("Requires: two",)), Package("two", header=("Requires: x",)))
    with pytest.raises(UnsolvableError) as error:
        host.plan("one")
    assert "two-1.0-1.ph5.x86_64 requires x, nothing provides x" in problems(error)


def test_a_removal_of_what_others_need_says_who_needs_it(host: Host) -> None:
    with pytest.raises(UnsolvableError, match=r"The base tree needs .*: libfoo") as error:
        host.plan(removals=("libfoo",))
    assert problems(error) == (
        "foo-tool-1.0-1.ph5.x86_64 of the base tree requires libfoo.so.1 of libfoo-1.0-1.ph5.x86_64"
    )


def test_a_removal_is_not_undone_by_a_repository(host: Host) -> None:
    host.publish(Package("libfoo", header=("Provides: libfoo.so.1",), version="2.0"))
    with pytest.raises(UnsolvableError, match="The base tree needs"):
        host.plan(removals=("libfoo",))


def test_an_override_of_what_is_not_there_is_inactive_and_refused_for_a_new_one(host: Host) -> None:
    plan = host.plan(removals=("vim-tyni",))
    assert plan.is_empty
    with pytest.raises(PackageError, match=re.escape('Package "vim-tyni" not found.')) as error:
        plan.require_active(["vim-tyni"])
    assert error.value.hint == "Did you mean vim-tiny?"


def test_a_broken_repository_does_not_matter_where_none_is_needed(host: Host) -> None:
    host.configs.append(config_of("http://127.0.0.1:1/"))
    entries = host.bring(Package("own", {"/usr/share/own": Entry("o")}))
    assert [package.id.name for package in host.plan(local=entries).added] == ["own"]
    assert host.plan("vim-tiny").is_empty


def test_the_plan_counts_what_comes_and_writes_nothing(host: Host) -> None:
    host.publish(Package("big", {"/usr/share/big": Entry("x" * 5000)}))
    before = host.state()
    plan = host.plan("big")
    assert plan.installed_size == 5000
    assert plan.download_size == (host.folder / "rpms-main/big-1.0-1.ph5.x86_64.rpm").stat().st_size
    assert host.state() == before


def test_the_state_follows_from_packages_and_active_requests_only(host: Host) -> None:
    host.publish(Package("one"), Package("two"))
    assert host.plan("one").state == host.plan("one", "vim-tiny").state
    assert host.plan("one").state != host.plan("one", "two").state
    assert host.plan("one").state != host.plan("one", removals=("notes",)).state


def test_recommended_packages_come_too(host: Host) -> None:
    host.publish(Package("app", header=("Recommends: extra",)), Package("extra"))
    assert {package.id.name for package in host.plan("app").added} == {"app", "extra"}


def test_a_package_may_be_asked_for_in_an_exact_version(host: Host) -> None:
    host.publish(Package("app", version="1.0"), Package("app", version="2.0"))
    assert [p.id.version for p in host.plan("app").added] == ["2.0"]
    assert [p.id.version for p in host.plan("app-1.0-1.ph5.x86_64").added] == ["1.0"]


def test_a_base_tree_without_an_rpm_database_is_refused(host: Host) -> None:
    tree = host.folder / "tree"
    (tree / "usr").mkdir(parents=True)
    host.base = host.ostree("commit", "-b", "bare", f"--tree=dir={tree}").strip()
    with pytest.raises(PackageError, match="has no rpm database"):
        host.plan("x")


@dataclass(frozen=True)
class DeadlySources(PackageSources):
    """The process is killed when it asks for packages, in the middle of planning."""

    def load(self, emit: Emit, cancel: CancelToken) -> tuple[Repository, ...]:
        os.kill(os.getpid(), signal.SIGKILL)
        return ()


def test_what_a_killed_plan_leaves_is_removed_by_the_next(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = host.path / "extensions/rpmostree/private/commit"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    child = os.fork()
    if child == 0:
        sources = DeadlySources((), host.folder / "cache", SystemCommands())
        changes = LocalChanges(("htop",))
        plan_layers(host.repo, host.base, changes, sources, emit=discard, cancel=CancelToken())
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert list(place.glob("**/rpmdb.sqlite"))
    assert list(temporary.iterdir()) == []
    host.plan("vim-tiny")
    assert not place.exists()

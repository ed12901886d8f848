"""Base packages that are replaced by packages of the repositories."""

import pytest

from engine.errors import NetworkError, PackageError, PlanError
from engine.origin import Origin
from engine.transactions.overrides import Overrides
from engine.transactions.upgrade import Upgrade
from tests.engine.transactions.test_packages import (
    EDITOR,
    EXTRA,
    NEWER_EDITOR,
    PackageHost,
    base_packages,
    builds,
    host,
)
from tests.engine.trees import ostree
from tests.rpms import Entry, Package

__all__ = ["base_packages", "builds", "host"]


def editor(version: str) -> Package:
    return Package("editor", {"/usr/bin/editor": Entry(version, 0o755)}, version=version)


def version_of_editor(host: PackageHost) -> str:
    return (host.deployments[0].path / "usr/bin/editor").read_text()


def test_a_name_follows_its_repository_through_upgrades(host: PackageHost) -> None:
    host.serve(NEWER_EDITOR, repo="testing")
    host.serve(editor("9"))
    result = host.change(override_replace=("editor",), replace_from="testing")
    assert "editor 1-1.ph5 -> 2-1.ph5" in result.message
    assert version_of_editor(host) == "2"
    origin = host.deployments[0].origin
    assert (origin.replacements, origin.local_replacements) == (("repo=testing,editor",), ())
    host.serve(editor("3"), repo="testing")
    host.forget_metadata()
    host.compose(EDITOR, EXTRA)
    host.run(Upgrade)
    assert version_of_editor(host) == "3"
    assert host.programs == {"editor", "extra"}
    assert host.deployments[0].origin.replacements == ("repo=testing,editor",)
    ostree("fsck", "--quiet", f"--repo={host.repo.path}")


def test_without_a_repository_the_best_of_all_is_taken_and_followed(host: PackageHost) -> None:
    host.serve(NEWER_EDITOR)
    host.serve(editor("3"), repo="testing")
    host.change(override_replace=("editor",), install=("tool",))
    assert version_of_editor(host) == "3"
    origin = host.deployments[0].origin
    assert origin.replacements == ("repo=testing,editor",)
    assert origin.requested_packages == ("tool",)
    assert not host.change(override_replace=("editor",)).changed


def test_a_name_with_its_version_or_frozen_stays_what_it_is(host: PackageHost) -> None:
    host.serve(NEWER_EDITOR, editor("3"))
    host.change(override_replace=("editor-2-1.ph5.x86_64",), replace_from="updates")
    assert version_of_editor(host) == "2"
    origin = host.deployments[0].origin
    assert origin.replacements == ()
    (entry,) = origin.local_replacements
    assert entry.endswith(":editor-2-1.ph5.x86_64")
    host.change(override_replace=("editor",), freeze=True)
    assert version_of_editor(host) == "3"
    (entry,) = host.deployments[0].origin.local_replacements
    host.serve(editor("4"))
    host.forget_metadata()
    assert not host.run(Upgrade).changed
    assert host.deployments[0].origin.local_replacements == (entry,)


def test_the_newest_override_of_a_package_counts_and_reset_ends_it(host: PackageHost) -> None:
    base = host.deployments[0].commit
    host.serve(NEWER_EDITOR)
    host.change(override_replace=("editor",))
    host.change(override_replace=(str(host.built(editor("0.1"))),))
    assert version_of_editor(host) == "0.1"
    assert host.deployments[0].origin.replacements == ()
    host.change(override_replace=("editor",))
    assert version_of_editor(host) == "2"
    assert host.deployments[0].origin.local_replacements == ()
    host.change(override_remove=("editor",))
    assert host.deployments[0].origin.replacements == ()
    host.change(override_replace=("editor",))
    assert host.deployments[0].origin.removals == ()
    host.change(override_reset=("editor",))
    assert host.deployments[0].commit == base
    assert not host.deployments[0].origin.assembled


def test_what_the_base_tree_has_by_now_is_not_layered_but_followed_on(host: PackageHost) -> None:
    host.serve(NEWER_EDITOR)
    host.change(override_replace=("editor",))
    host.compose(NEWER_EDITOR)
    host.run(Upgrade)
    first = host.deployments[0]
    assert first.commit == host.repo.resolve("photon:photon/5.0/x86_64/test")
    assert first.origin.replacements == ("repo=updates,editor",)
    texts = [getattr(each, "text", "") for each in host.events]
    assert "Inactive: editor-2-1.ph5.x86_64 is already in the base tree." in texts


def test_replacements_that_cannot_be_had_leave_everything_as_it_was(host: PackageHost) -> None:
    host.serve(EDITOR, Package("editor-nox"))
    before = host.state()
    with pytest.raises(PackageError, match=r"editor-1-1.* is already in the base tree") as same:
        host.change(override_replace=("editor",))
    assert "The repository updates has no better version" in same.value.hint
    with pytest.raises(PlanError, match="Packages not found: editro") as near:
        host.change(override_replace=("editro",))
    assert "the package editro is not in any repository" in str(near.value.problems[0])
    assert "did you mean editor?" in str(near.value.problems[0])
    with pytest.raises(PlanError, match="Packages not found: editor") as nowhere:
        host.change(override_replace=("editor",), replace_from="updatse")
    assert 'no repository "updatse" (did you mean updates?)' in str(nowhere.value.problems[0])
    with pytest.raises(PackageError, match='Package "extra" not found'):
        host.change(override_replace=("extra",))
    assert host.state() == before


def test_a_server_that_is_down_stops_an_upgrade_that_needs_it_and_no_reset(
    host: PackageHost,
) -> None:
    host.serve(NEWER_EDITOR)
    host.change(override_replace=("editor",))
    repositories = host.deployments[0].path / "etc/yum.repos.d"
    (repositories / "updates.repo").write_text(
        "[updates]\nname=u\nbaseurl=http://127.0.0.1:9/\ngpgcheck=0\n"
    )
    host.forget_metadata()
    host.compose(EDITOR, EXTRA)
    before = host.state()
    with pytest.raises(NetworkError):
        host.run(Upgrade)
    assert host.state() == before
    host.change(override_reset=("*",))
    assert version_of_editor(host) == "1"


def test_an_override_that_is_asked_for_again_changes_no_order() -> None:
    origin = Origin.for_refspec("photon:photon/5.0").with_removals(["nano", "vim"])
    present = Overrides.of(origin)
    assert present.with_new(Overrides(removals=("nano",))) == present
    assert present.put_into(origin) == origin

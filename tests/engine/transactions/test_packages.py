"""Packages on a host: layered, carried along, overridden, refused, by real RPM files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.errors import NetworkError, PackageError, PlanError
from engine.origin import Origin
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.sysroot import Sysroot
from engine.transactions.cleanup import Cleanup
from engine.transactions.packages import ChangePackages
from engine.transactions.preview import PreviewUpgrade
from engine.transactions.reset import Reset
from engine.transactions.rollback import Rollback
from engine.transactions.transaction import Result
from engine.transactions.upgrade import Upgrade
from tests import rpms
from tests.engine.compose.conftest import REF, Composer, base_packages, builds
from tests.engine.packages.rpms import index
from tests.engine.transactions.conftest import TestHost
from tests.engine.trees import KERNEL, add_shell, ostree
from tests.nginx import nginx
from tests.rpms import Entry, Package

__all__ = ["base_packages", "builds"]

TOOL = Package("tool", {"/usr/bin/tool": Entry("tool", 0o755)}, header=("Requires: libtool1",))
LIBRARY = Package("libtool1", {"/usr/lib/libtool1": Entry("library")})
EXTRA = Package("extra", {"/usr/bin/extra": Entry("extra", 0o755)})
EDITOR = Package("editor", {"/usr/bin/editor": Entry("1", 0o755)}, version="1")
NEWER_EDITOR = Package("editor", {"/usr/bin/editor": Entry("2", 0o755)}, version="2")
FAILING = Package("failing", scripts={"%post": "echo out of luck >&2; exit 3"})


@dataclass
class PackageHost(TestHost):
    """A host whose tree was composed of packages. web: publishes repo (trees) and rpms."""

    composer: Composer | None = None
    kernel: Path = Path()

    __test__ = False

    def compose(self, *packages: Package) -> str:
        """Publish a tree of the base packages and these."""
        assert self.composer is not None
        result = self.composer.compose(self.kernel, *packages)
        assert result.commit is not None
        return result.commit

    def change(self, **values: object) -> Result:
        return self.run(ChangePackages, **values)

    @property
    def programs(self) -> set[str]:
        """In /usr/bin of what boots next, without those of the base."""
        present = {path.name for path in (self.deployments[0].path / "usr/bin").iterdir()}
        return present & {"tool", "extra", "editor"}

    def serve(self, *packages: Package, repo: str = "updates") -> None:
        """Publish RPM packages, and let the host know of them."""
        folder = self.path.parent / "published" / repo
        folder.mkdir(exist_ok=True)
        for package in packages:
            shutil.copy(self.built(package), folder)
        index(folder)
        repositories = self.deployments[0].path / "etc/yum.repos.d"
        repositories.mkdir(exist_ok=True)
        text = f"[{repo}]\nname={repo}\nbaseurl={self.url}{repo}\ngpgcheck=0\n"
        (repositories / f"{repo}.repo").write_text(text)

    def forget_metadata(self) -> None:
        """As if it had expired."""
        shutil.rmtree(self.path / "ostree/deploy/photon/var/cache/rpm-ostree/repomd")

    def built(self, package: Package) -> Path:
        assert self.composer is not None
        return rpms.build(package, self.composer.builds)

    def state(self) -> str:
        """What must be the same after a failure: the boot entries, the refs."""
        repo = f"--repo={self.repo.path}"
        return self.admin_status() + ostree("refs", "--list", repo, "ostree")


@pytest.fixture
def host(
    system: Path, tmp_path: Path, base_packages: tuple[Path, ...], builds: Path
) -> Iterator[PackageHost]:
    """Its tree has the package editor-1; the repository "updates" has tool, libtool1 and extra."""
    published = tmp_path / "published"
    published.mkdir()
    add_shell(tmp_path / "grub")
    menu = (tmp_path / "grub/usr/sbin/grub-mkconfig").read_text()
    files = {
        f"/usr/lib/modules/{KERNEL}/vmlinuz": Entry("kernel"),
        f"/usr/lib/modules/{KERNEL}/initramfs.img": Entry("initramfs"),
        "/usr/lib/os-release": Entry("ID=photon\nVERSION_ID=5.0\n"),
        "/usr/sbin/grub-mkconfig": Entry(menu, 0o755),
    }
    kernel = rpms.build(Package("kernel", files), builds)
    composer = Composer(published, base_packages, builds)
    found = PackageHost(system, published / "repo", {}, composer=composer, kernel=kernel)
    with nginx(published, tmp_path / "nginx") as web:
        found.url = web.url
        config = RemoteConfig("photon", f"{web.url}repo", gpg_verify=False)
        add_remote(found.repo, config, replace=True)
        found.compose(EDITOR)
        commit = pull(found.repo, "photon", REF)
        origin = Origin.for_refspec(f"photon:{REF}")
        Sysroot.load(system).deploy("photon", commit, origin, ["quiet"])
        found.serve(TOOL, LIBRARY, EXTRA)
        yield found


def test_packages_by_name_by_url_and_from_a_file_are_layered_together(host: PackageHost) -> None:
    host.serve(NEWER_EDITOR)
    file = host.built(FAILING_NOT)
    url = f"{host.url}updates/{host.built(EXTRA).name}"
    result = host.change(install=("tool", str(file), url))
    assert result.message.splitlines()[:1] == ["Added:"]
    assert host.programs == {"tool", "extra", "editor"}
    origin = host.deployments[0].origin
    assert origin.requested_packages == ("tool",)
    assert len(origin.requested_local_packages) == 2
    assert "baserefspec" in str(origin)
    assert "LocalPackages" not in host.admin_status()
    ostree("fsck", "--quiet", f"--repo={host.repo.path}")


FAILING_NOT = Package("quiet", {"/usr/share/quiet": Entry("q")}, {"%post": "touch /etc/quiet"})


def test_layers_are_carried_through_an_upgrade_and_dropped_when_the_base_has_them(
    host: PackageHost,
) -> None:
    host.change(install=("tool", "extra"))
    host.compose(EDITOR, EXTRA)
    assert host.run(Upgrade).changed
    first = host.deployments[0]
    commit = host.repo.load_commit(first.commit)
    assert commit.metadata["rpmostree.packages"] == ["tool"]
    assert first.origin.requested_packages == ("tool", "extra")
    assert any("is already provided by: extra" in getattr(each, "text", "") for each in host.events)
    assert host.programs == {"tool", "extra", "editor"}
    assert not host.run(Upgrade).changed


def test_a_newer_layered_package_is_an_upgrade_too(host: PackageHost) -> None:
    host.change(install=("extra",))
    newer = Package("extra", {"/usr/bin/extra": Entry("newer", 0o755)}, version="2")
    host.serve(newer)
    host.forget_metadata()
    result = host.run(Upgrade)
    assert "extra 1.0-1.ph5 -> 2-1.ph5" in result.message
    assert (host.deployments[0].path / "usr/bin/extra").read_text() == "newer"


def test_a_preview_names_exactly_what_the_upgrade_then_does(host: PackageHost) -> None:
    host.change(install=("tool", "extra"))
    host.serve(Package("extra", {"/usr/bin/extra": Entry("newer", 0o755)}, version="2"))
    host.forget_metadata()
    host.compose(NEWER_EDITOR, Package("brand-new"))
    before = host.state()
    packages = host.run(PreviewUpgrade).details["packages"]
    assert host.state() == before
    assert packages == {
        "upgraded": [["editor", "1-1.ph5", "2-1.ph5"], ["extra", "1.0-1.ph5", "2-1.ph5"]],
        "downgraded": [],
        "removed": [],
        "added": ["brand-new-1.0-1.ph5.x86_64"],
    }
    assert host.run(Upgrade).message.splitlines() == [
        "Upgraded:",
        "  editor 1-1.ph5 -> 2-1.ph5",
        "  extra 1.0-1.ph5 -> 2-1.ph5",
        "Added:",
        "  brand-new-1.0-1.ph5.x86_64",
    ]


def test_uninstall_takes_off_what_was_requested_only(host: PackageHost) -> None:
    host.change(install=("tool", str(host.built(EXTRA))))
    with pytest.raises(PackageError, match='"toool" is not requested') as caught:
        host.change(uninstall=("toool",))
    assert "did you mean tool?" in caught.value.hint
    host.change(uninstall=("tool", "extra"))
    assert host.programs == {"editor"}
    first = host.deployments[0]
    assert not first.origin.assembled
    assert first.commit == host.repo.resolve(f"photon:{REF}")
    assert not host.change(uninstall=("tool",), idempotent=True).changed


def test_overrides_remove_replace_and_reset(host: PackageHost) -> None:
    host.change(override_replace=(str(host.built(NEWER_EDITOR)),))
    assert (host.deployments[0].path / "usr/bin/editor").read_text() == "2"
    host.change(override_reset=("editor",), override_remove=("editor",))
    assert host.programs == set()
    assert host.deployments[0].origin.removals == ("editor",)
    host.change(override_reset=("*",))
    assert (host.deployments[0].path / "usr/bin/editor").read_text() == "1"
    with pytest.raises(PackageError, match='no override of the package "editor"'):
        host.change(override_reset=("editor",))


def test_reset_goes_back_to_the_base_tree(host: PackageHost) -> None:
    base = host.deployments[0].commit
    host.change(install=("tool",), override_remove=("editor",))
    assert host.run(Reset).changed
    assert host.deployments[0].commit == base
    host.run(Rollback)
    assert host.programs == {"tool"}


def test_a_dry_run_says_what_would_change_and_changes_nothing(host: PackageHost) -> None:
    before = host.state()
    result = host.change(install=("tool",), override_remove=("editor",), dry_run=True)
    assert result.message.splitlines() == [
        "Removed:",
        "  editor-1-1.ph5.x86_64",
        "Added:",
        "  libtool1-1.0-1.ph5.x86_64",
        "  tool-1.0-1.ph5.x86_64",
    ]
    assert result.details["added"] == ["libtool1-1.0-1.ph5.x86_64", "tool-1.0-1.ph5.x86_64"]
    assert host.state() == before


def test_what_is_requested_or_there_already_is_refused_unless_that_is_fine(
    host: PackageHost,
) -> None:
    with pytest.raises(PackageError, match='"editor" is already provided by: editor-1') as caught:
        host.change(install=("editor",))
    assert "--allow-inactive" in caught.value.hint
    host.change(install=("tool",))
    with pytest.raises(PackageError, match='"tool" is already requested'):
        host.change(install=("tool",))
    assert not host.change(install=("tool",), idempotent=True).changed
    assert host.change(install=("editor",), allow_inactive=True).changed
    assert host.deployments[0].origin.requested_packages == ("tool", "editor")


def test_packages_that_cannot_be_had_leave_everything_as_it_was(host: PackageHost) -> None:
    before = host.state()
    with pytest.raises(PlanError, match="Packages not found: tol") as caught:
        host.change(install=("tol",))
    assert "tool" in str(caught.value.problems[0])
    with pytest.raises(PackageError, match=r"/repo/config is not an RPM package"):
        host.change(install=(f"{host.url}repo/config",))
    with pytest.raises(NetworkError, match="404"):
        host.change(install=(f"{host.url}nothing.rpm",))
    with pytest.raises(PackageError, match=r"%post of failing-1\.0.* out of luck"):
        host.change(install=(str(host.built(FAILING)),))
    with pytest.raises(PlanError) as refused:
        host.change(install=("tool",), disabled_repositories=("updatse",))
    assert "did you mean updates?" in str(refused.value.problems[0])
    assert host.state() == before
    ostree("fsck", "--quiet", f"--repo={host.repo.path}")


def test_a_repository_that_does_not_answer_does_not_block_a_file(host: PackageHost) -> None:
    broken = host.deployments[0].path / "etc/yum.repos.d/broken.repo"
    broken.write_text("[broken]\nname=b\nbaseurl=http://127.0.0.1:9/\ngpgcheck=0\n")
    assert host.change(install=(str(host.built(EXTRA)),)).changed
    with pytest.raises(NetworkError) as caught:
        host.change(install=("tool",))
    assert "--disablerepo=broken" in caught.value.hint
    assert host.change(install=("tool",), disabled_repositories=("broken",)).changed


def test_objects_of_layers_are_kept_while_they_are_deployed_and_no_longer(
    host: PackageHost,
) -> None:
    base = host.deployments[0].commit
    host.change(install=("tool",))
    host.compose(EDITOR, EXTRA)
    host.run(Upgrade)
    assert host.repo.has_commit(base)
    refs = host.repo.refs()
    assert {ref for ref in refs if ref.startswith("rpmostree/pkg/tool")}
    assert len([ref for ref in refs if ref.startswith("rpmostree/base/")]) == 2
    host.change(uninstall=("tool",))
    host.run(Cleanup, rollback=True)
    host.run(Cleanup, base=True)
    assert not host.repo.has_commit(base)
    assert [ref for ref in host.repo.refs() if ref.startswith("rpmostree/")] == []
    ostree("fsck", "--quiet", f"--repo={host.repo.path}")


def test_ostree_reads_a_layered_host(host: PackageHost) -> None:
    host.change(install=("tool",))
    commit = host.deployments[0].commit
    log = ostree("log", f"--repo={host.repo.path}", commit)
    assert commit in log
    done = subprocess.run(
        ["ostree", "admin", "status", f"--sysroot={host.path}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert commit in done.stdout

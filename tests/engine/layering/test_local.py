"""Packages that come as files, and overrides of the base tree's."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.errors import PackageError, SignatureError
from engine.layering.changes import RepositoryReplacement
from engine.layering.local_packages import import_local
from engine.packages.solver import UnsolvableError
from tests import rpms
from tests.engine.layering.conftest import Host, MakeHost
from tests.rpms import Entry, Package

OWN = Package("own", {"/usr/bin/own": Entry("own", 0o755)})
NEWER = Package(
    "vim-tiny",
    {"/usr/bin/vi": Entry("newer", 0o755), "/usr/share/vi": Entry("share")},
    {"%post": "echo $1 >/etc/replaced"},
    version="2.0",
)


def test_a_local_package_is_layered_without_its_file(host: Host) -> None:
    (entry,) = host.bring(OWN)
    checksum, nevra = entry.split(":")
    assert (len(checksum), nevra) == (64, "own-1.0-1.ph5.x86_64")
    commit = host.layer(local=(entry,))
    assert host.read(commit, "/usr/bin/own") == "own"
    assert "own-1.0" in host.packages(commit)
    assert host.repo.load_commit(commit).metadata["rpmostree.packages"] == []
    host.fsck()


def test_a_local_package_gets_its_dependencies_from_the_repositories(host: Host) -> None:
    host.publish(Package("helper", {"/usr/bin/helper": Entry("h")}))
    entries = host.bring(Package("needy", header=("Requires: helper",)))
    assert host.packages(host.layer(local=entries)) >= {"needy-1.0", "helper-1.0"}


def test_files_that_cannot_be_installed_are_refused_by_name(host: Host, tmp_path: Path) -> None:
    def bring(path: Path) -> None:
        import_local(host.repo, [path], host.events.append, host.cancel, arch="x86_64")

    text = tmp_path / "page.rpm"
    text.write_text("<html>")
    with pytest.raises(PackageError, match=r"page\.rpm cannot be installed: it is not an RPM"):
        bring(text)
    with pytest.raises(PackageError, match=r"gone\.rpm cannot be installed: it does not exist"):
        bring(tmp_path / "gone.rpm")
    built = rpms.build(OWN, host.builds)
    with pytest.raises(PackageError, match="it is for x86_64, this machine is aarch64"):
        import_local(host.repo, [built], host.events.append, host.cancel, arch="aarch64")
    damaged = shutil.copy(built, tmp_path / "damaged.rpm")
    content = bytearray(damaged.read_bytes())
    content[-20] ^= 0xFF
    damaged.write_bytes(content)
    with pytest.raises(SignatureError, match=r"own-1\.0-1\.ph5\.x86_64 is damaged"):
        bring(damaged)
    assert "rpmostree/pkg/own" not in host.ostree("refs", "--list")


def test_a_source_package_is_refused_by_name(host: Host, tmp_path: Path) -> None:
    spec = tmp_path / "src.spec"
    spec.write_text(
        "Name: src\nVersion: 1\nRelease: 1\nSummary: s\nLicense: l\n%description\ns\n%files\n"
    )
    command = ["rpmbuild", "-bs", "--quiet", "--define", f"_topdir {tmp_path}", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = tmp_path.glob("SRPMS/*.src.rpm")
    with pytest.raises(PackageError, match=r"src-1-1\.src\.rpm cannot be installed: .* source"):
        import_local(host.repo, [built], host.events.append, host.cancel, arch="x86_64")


def test_a_local_package_with_a_name_of_the_base_tree_needs_an_override(host: Host) -> None:
    entries = host.bring(NEWER)
    with pytest.raises(PackageError, match=re.escape("the base tree has vim-tiny-1.0")) as error:
        host.plan(local=entries)
    assert "override replace" in error.value.hint


def test_a_local_package_that_the_base_tree_has_by_now_is_inactive(host: Host) -> None:
    entries = host.bring(Package("vim-tiny", {"/usr/bin/vi": Entry("old")}, version="0.9"))
    plan = host.plan(local=entries)
    assert plan.is_empty
    assert [(each.kind, each.request) for each in plan.inactive] == [("local", entries[0])]


def test_a_replacement_takes_the_place_of_a_package(host: Host) -> None:
    entries = host.bring(NEWER)
    plan = host.plan(replacements=entries)
    assert [(each.old.version, each.new.version) for each in plan.replaced] == [("1.0", "2.0")]
    assert plan.added == ()
    commit = host.write(plan)
    assert host.read(commit, "/usr/bin/vi") == "newer"
    assert host.read(commit, "/usr/etc/replaced") == "1\n"
    assert "vim-tiny-2.0" in host.packages(commit)
    assert "vim-tiny-1.0" not in host.packages(commit)
    ((new, old),) = host.repo.load_commit(commit).metadata["rpmostree.replaced-base-packages"]
    assert new == ("vim-tiny-2.0-1.ph5.x86_64", "vim-tiny", 0, "2.0", "1.ph5", "x86_64")
    assert old[0] == "vim-tiny-1.0-1.ph5.x86_64"
    host.fsck()


def test_an_older_package_can_replace_a_newer_one(host: Host) -> None:
    entries = host.bring(Package("vim-tiny", {"/usr/bin/ed": Entry("ed", 0o755)}, version="0.1"))
    commit = host.layer(replacements=entries)
    assert "/usr/bin/vi" not in host.paths(commit, "/usr/bin")
    assert host.read(commit, "/usr/bin/ed") == "ed"


def test_a_replacement_that_the_base_tree_needs_in_its_old_form_is_refused(host: Host) -> None:
    entries = host.bring(Package("libfoo", {"/usr/lib/libfoo.so.2": Entry("2")}, version="2.0"))
    with pytest.raises(PackageError, match=r"The base tree needs .*: libfoo"):
        host.plan(replacements=entries)


def test_a_package_of_a_repository_takes_the_place_of_a_package(host: Host) -> None:
    host.publish(NEWER, name="testing")
    host.publish(Package("vim-tiny", version="3.0"), name="other")
    plan = host.plan(repository_replacements=(RepositoryReplacement("testing", "vim-tiny"),))
    assert [(each.old.version, each.new.version) for each in plan.replaced] == [("1.0", "2.0")]
    assert plan.added == ()
    commit = host.write(plan)
    assert host.read(commit, "/usr/bin/vi") == "newer"
    assert host.packages(commit) >= {"vim-tiny-2.0"}
    metadata = host.repo.load_commit(commit).metadata
    assert metadata["rpmostree.replaced-base-packages"] == []
    remote = metadata["rpmostree.replaced-base-remote-packages"]
    ((new, old),) = remote.pop("repo=testing")
    assert (new[0], old[0]) == ("vim-tiny-2.0-1.ph5.x86_64", "vim-tiny-1.0-1.ph5.x86_64")
    assert not remote
    host.fsck()


def test_an_older_package_of_a_repository_can_replace_a_newer_one(host: Host) -> None:
    host.publish(Package("vim-tiny", {"/usr/bin/ed": Entry("ed", 0o755)}, version="0.1"))
    commit = host.layer(repository_replacements=(RepositoryReplacement("main", "vim-tiny"),))
    assert "/usr/bin/vi" not in host.paths(commit, "/usr/bin")


def test_a_replacement_brings_what_it_needs_and_may_not_change_other_packages(host: Host) -> None:
    host.publish(
        Package("foo-tool", {"/usr/bin/foo": Entry("2", 0o755)}, version="2",
                header=("Requires: helper",)),
        Package("helper", {"/usr/bin/helper": Entry("h", 0o755)}),
        Package("vim-tiny", {"/usr/bin/vi": Entry("2", 0o755)}, version="2",
                header=("Requires: libfoo >= 2",)),
        Package("libfoo", {"/usr/lib/libfoo.so.1": Entry("2")}, version="2.0",
                header=("Provides: libfoo.so.1",)),
    )  # fmt: skip
    of_main = {name: RepositoryReplacement("main", name) for name in ("foo-tool", "vim-tiny")}
    plan = host.plan(repository_replacements=(of_main["foo-tool"],))
    assert [each.id.name for each in plan.added] == ["helper"]
    with pytest.raises(UnsolvableError) as error:
        host.plan(repository_replacements=(of_main["vim-tiny"],))
    assert "requires libfoo >= 2" in str(error.value.problems[0])
    both = (of_main["vim-tiny"], RepositoryReplacement("main", "libfoo"))
    plan = host.plan(repository_replacements=both)
    assert sorted(each.new.name for each in plan.replaced) == ["libfoo", "vim-tiny"]


def test_a_replacement_that_is_the_base_trees_own_package_is_inactive(host: Host) -> None:
    host.publish(Package("vim-tiny", {"/usr/bin/vi": Entry("tiny", 0o755)}))
    plan = host.plan(repository_replacements=(RepositoryReplacement("main", "vim-tiny"),))
    assert plan.is_empty
    assert plan.replaced == ()
    (inactive,) = plan.inactive
    assert inactive.request == "repo=main,vim-tiny"
    assert inactive.message == "vim-tiny-1.0-1.ph5.x86_64 is already in the base tree."


def test_a_replacement_that_its_repository_lost_is_an_error_with_near_names(host: Host) -> None:
    host.publish(Package("vim-tinny"))
    host.publish(Package("vim-tiny", version="2"), name="other")
    with pytest.raises(UnsolvableError, match="were not found: vim-tiny") as error:
        host.plan(repository_replacements=(RepositoryReplacement("main", "vim-tiny"),))
    assert [str(each) for each in error.value.problems] == [
        "the package vim-tiny is not in the repository main (did you mean vim-tinny?)"
    ]
    assert "override reset vim-tiny" in error.value.hint
    with pytest.raises(UnsolvableError) as error:
        host.plan(repository_replacements=(RepositoryReplacement("gone", "vim-tiny"),))
    assert [str(each) for each in error.value.problems] == [
        'vim-tiny: there is no repository "gone" (there are: main, other)'
    ]


def test_the_state_tells_repositories_of_replacements_apart(host: Host) -> None:
    host.publish(NEWER, name="one")
    host.publish(NEWER, name="two")
    states = {
        host.plan(repository_replacements=(RepositoryReplacement(name, "vim-tiny"),)).state
        for name in ("one", "two", "two")
    }
    assert len(states) == 2, "the commit says where each came from"


def test_a_removed_package_takes_its_own_files_with_it(host: Host) -> None:
    commit = host.layer(removals=("notes",))
    paths = host.paths(commit)
    for path in ("/usr/share/notes", "/usr/etc/notes.conf", "/usr/lib/tmpfiles.d/pkg-notes.conf"):
        assert path in host.paths(host.base)
        assert path not in paths
    assert "/usr/share/shared/common" in paths, "another package has it too"
    assert "notes-1.0" not in host.packages(commit)
    ((nevra, *_rest),) = host.repo.load_commit(commit).metadata["rpmostree.removed-base-packages"]
    assert nevra == "notes-1.0-1.ph5.x86_64"
    host.fsck()


def test_what_was_removed_can_be_replaced_by_another_package(host: Host) -> None:
    host.publish(
        Package("vim", {"/usr/bin/vi": Entry("big", 0o755)}, header=("Conflicts: vim-tiny",))
    )
    commit = host.layer("vim", removals=("vim-tiny",))
    assert host.read(commit, "/usr/bin/vi") == "big"


def test_an_entry_whose_package_was_rebuilt_or_dropped_is_an_error(host: Host) -> None:
    (entry,) = host.bring(OWN)
    host.bring(Package("own", {"/usr/bin/own": Entry("rebuilt", 0o755)}))
    with pytest.raises(
        PackageError, match=re.escape("own-1.0-1.ph5.x86_64 was replaced by another build")
    ):
        host.plan(local=(entry,))
    host.ostree("refs", "--delete", "rpmostree/pkg/own")
    with pytest.raises(
        PackageError, match=re.escape("own-1.0-1.ph5.x86_64 is no longer in")
    ) as error:
        host.plan(local=(entry,))
    assert "Install its file again" in error.value.hint


def test_a_local_package_may_take_files_over_if_the_origin_says_so(host: Host) -> None:
    entries = host.bring(Package("rival", {"/usr/bin/vi": Entry("mine", 0o755)}))
    with pytest.raises(PackageError, match="is also in vim-tiny"):
        host.layer(local=entries)
    assert host.read(host.layer(local_fileoverride=entries), "/usr/bin/vi") == "mine"


def kernel(version: str) -> Package:
    return Package(
        "linux",
        {f"/boot/vmlinuz-{version}": Entry(version), f"/lib/modules/{version}/a.ko": Entry("a")},
        version=version,
    )


def test_a_replaced_kernel_is_put_where_hosts_look_for_it(make_host: MakeHost) -> None:
    host = make_host(kernel("5.1"), keys={"container": False, "no-initramfs": True})
    entries = host.bring(kernel("5.2"))
    commit = host.layer(replacements=entries)
    paths = [path for path in host.paths(commit) if "5.1" in path or "5.2" in path]
    assert sorted(paths) == [
        "/usr/lib/modules/5.2",
        "/usr/lib/modules/5.2/a.ko",
        "/usr/lib/modules/5.2/vmlinuz",
    ]
    metadata = host.repo.load_commit(commit).metadata
    assert (metadata["ostree.linux"], metadata["ostree.bootable"]) == ("5.2", True)


def test_layers_of_a_bootable_tree_are_bootable(make_host: MakeHost) -> None:
    host = make_host(kernel("5.1"), keys={"container": False, "no-initramfs": True})
    host.publish(Package("app"))
    metadata = host.repo.load_commit(host.layer("app")).metadata
    assert (metadata["ostree.linux"], metadata["ostree.bootable"]) == ("5.1", True)


DRACUT = Package(
    "dracut",
    {
        "/usr/bin/dracut": Entry(
            "#!/bin/sh\necho dracut $* >/run/photree/initramfs.img\n"
            "cat /etc/machine.conf >>/run/photree/initramfs.img\n",
            0o755,
        ),
        "/etc/machine.conf": Entry("of the tree\n"),
    },
)


def test_an_initramfs_of_its_own_has_the_machines_files_and_arguments(
    make_host: MakeHost, tmp_path: Path
) -> None:
    host = make_host(kernel("5.1"), DRACUT, keys={"container": False, "initramfs-args": ["--base"]})
    image = "/usr/lib/modules/5.1/initramfs.img"
    assert "--base" in host.read(host.base, image)
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "machine.conf").write_text("of the machine\n")
    plan = host.plan(
        regenerate_initramfs=True,
        initramfs_arguments=("--own",),
        initramfs_etc=("/etc/machine.conf",),
    )
    assert not plan.is_empty
    text = host.read(host.write(plan, etc=etc), image)
    assert "--own --include /etc/machine.conf /etc/machine.conf" in text
    assert "--base" not in text
    assert text.endswith("of the machine\n")
    missing = host.plan(initramfs_etc=("/etc/crypttab",))
    with pytest.raises(PackageError, match="/etc/crypttab cannot be put into the initramfs"):
        host.write(missing, etc=etc)


def test_a_replaced_kernel_gets_an_initramfs_like_the_base_trees(make_host: MakeHost) -> None:
    host = make_host(kernel("5.1"), DRACUT, keys={"container": False, "initramfs-args": ["--base"]})
    commit = host.layer(replacements=host.bring(kernel("5.2")))
    text = host.read(commit, "/usr/lib/modules/5.2/initramfs.img")
    assert "--base" in text
    assert text.endswith("of the tree\n")

"""compose tree on little real packages, read back with ostree itself."""

import dataclasses
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.compose import UNCHANGED
from engine.errors import Cancelled, CommandError, PackageError, PlanError
from engine.events import LogLine, StepStarted
from engine.objects import recorded_sizes
from engine.repo import Repo
from tests.engine.compose.conftest import REF
from tests.rpms import Entry, Package, build, folder, link

APP = Package(
    "app",
    {
        "/usr/bin/app": Entry("app", 0o4755, "appuser", "appgroup"),
        "/usr/share/app": folder(0o2750, "root", "appgroup"),
        "/usr/bin/ping": Entry("ping", 0o755, directive="%caps(cap_net_raw=ep)"),
        "/etc/app.conf": Entry("packaged\n", directive="%config(noreplace)"),
        "/var/lib/app": folder(0o750, "appuser", "appgroup"),
        "/opt/app/tool": Entry("tool", 0o755),
    },
    {
        "%pre": "echo appuser:x:77:78::/:/bin/false >>/etc/passwd\n"
        "echo appgroup:x:78: >>/etc/group",
        "%post": "mkdir /var/lib/made; touch /var/log/made; echo more >>/etc/app.conf\n"
        "rm /usr/bin/sed; ln -s app /usr/bin/app2",
    },
)


def tip(repo: Path) -> str | None:
    return Repo.open(repo).resolve(REF) if (repo / "objects").is_dir() else None


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def test_owners_modes_and_capabilities_are_those_of_the_package(composer):
    composer.compose(APP)
    paths = composer.paths("/usr")
    assert paths["/usr/bin/app"] == "-04755 77 78"
    assert paths["/usr/share/app"] == "d02750 0 78"
    attributes = composer.ostree("ls", "-X", REF, "/usr/bin/ping")
    assert "security.capability" in attributes


def test_the_result_is_a_repository_that_ostree_finds_no_fault_with(composer):
    result = composer.compose(APP)
    assert "no errors found" in composer.ostree("fsck")
    assert composer.ostree("rev-parse", REF).strip() == result.commit
    assert REF in composer.ostree("summary", "-v")


def test_what_scripts_change_is_in_the_tree_and_the_cache_stays_as_unpacked(composer):
    composer.compose(APP)
    assert composer.read("/usr/etc/app.conf") == "packaged\nmore\n"
    assert "/usr/bin/sed" not in composer.paths("/usr/bin")
    assert composer.paths("/usr/bin")["/usr/bin/app2"].startswith("l")
    cache = composer.cache / "pkgcache-repo"
    subprocess.run(["ostree", f"--repo={cache}", "fsck"], check=True, capture_output=True)


def test_var_and_opt_become_tmpfiles_entries_and_nothing_of_var_is_committed(composer):
    composer.compose(APP)
    assert composer.paths("/var") == {"/var": "d00755 0 0"}
    packaged = composer.read("/usr/lib/tmpfiles.d/pkg-app.conf")
    assert "d /var/lib/app 0750 appuser appgroup - -" in packaged
    assert "L /var/opt/app - - - - ../../usr/lib/opt/app" in packaged
    assert composer.paths("/usr/lib/opt")["/usr/lib/opt/app/tool"] == "-00755 0 0"
    made = composer.read("/usr/lib/tmpfiles.d/rpm-ostree-1-autovar.conf")
    assert made == "d /var/lib/made 0755 root root - -\n"
    assert "/var/log/made was made by a package script and is left out" in composer.log()


def test_packaged_files_in_var_are_kept_as_factory_copies(composer):
    composer.compose(Package("data", {"/var/lib/data": Entry("precious", 0o600)}))
    assert composer.read("/usr/share/factory/var/lib/data") == "precious"
    assert "C /var/lib/data 0600 root root - -" in composer.read(
        "/usr/lib/tmpfiles.d/pkg-data.conf"
    )


def test_users_live_in_usr_lib_and_nsswitch_looks_there(composer):
    composer.compose(APP)
    assert composer.read("/usr/etc/passwd") == "root:x:0:0:root:/root:/bin/sh\n"
    assert "appuser:x:77:78::/:/bin/false\n" in composer.read("/usr/lib/passwd")
    assert "appgroup:x:78:\n" in composer.read("/usr/lib/group")
    assert composer.read("/usr/etc/nsswitch.conf").splitlines()[:2] == [
        "passwd: files altfiles",
        "group: files altfiles",
    ]


def test_etc_group_members_stay_in_etc_too(composer):
    composer.compose(keys={"etc-group-members": ["wheel"]})
    assert composer.read("/usr/etc/group") == "root:x:0:\nwheel:x:10:\n"
    assert "wheel:x:10:\n" in composer.read("/usr/lib/group")


def test_the_root_has_the_links_and_directories_of_an_ostree_host(composer):
    composer.compose()
    listed = composer.ostree("ls", REF)
    for line in ("/home -> var/home", "/root -> var/roothome", "/ostree -> sysroot/ostree"):
        assert line in listed
    paths = composer.paths()
    assert paths["/tmp"] == "d01777 0 0"
    assert paths["/usr/lib/ostree-boot"] == "d00755 0 0"
    assert paths["/usr/local"].startswith("l")
    assert paths["/usr/etc/machine-id"] == "-00444 0 0"


def test_rpm_itself_reads_the_database_of_the_tree(composer, tmp_path):
    result = composer.compose(APP)
    out = tmp_path / "out"
    composer.ostree("checkout", "-U", REF, str(out))
    names = subprocess.run(
        ["rpm", f"--dbpath={out}/usr/share/rpm", "-qa", "--qf", "%{name}\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert sorted(names) == ["app", "filesystem", "shell"]
    assert result.package_count == 3
    assert sorted(path.name for path in (out / "usr/share/rpm").iterdir()) == ["rpmdb.sqlite"]
    copy = out / "usr/lib/sysimage/rpm-ostree-base-db/rpmdb.sqlite"
    assert copy.read_bytes() == (out / "usr/share/rpm/rpmdb.sqlite").read_bytes()


def test_the_commit_carries_rpm_ostrees_metadata(composer):
    result = composer.compose(
        APP,
        keys={"add-commit-metadata": {"channel": "test"}},
        metadata={"note": "by hand"},
        now=lambda: 1_800_000_000.5,
    )
    commit = Repo.open(composer.repo).load_commit(REF)
    assert commit.checksum == result.commit
    assert commit.timestamp == 1_800_000_000
    assert commit.metadata["version"] == "5.0_test"
    assert commit.metadata["channel"] == "test"
    assert commit.metadata["note"] == "by hand"
    assert ("app", "0", "1.0", "1.ph5", "x86_64") in commit.metadata["rpmostree.rpmdb.pkglist"]
    assert commit.metadata["rpmostree.rpmmd-repos"] == [
        {"id": "test", "timestamp": int.from_bytes((1).to_bytes(8, "big"), sys.byteorder)}
    ]
    assert re.fullmatch(r"[0-9a-f]{64}", commit.metadata["rpmostree.inputhash"])


def test_the_commit_says_how_large_each_of_its_objects_is(composer):
    result = composer.compose(APP)
    objects = composer.repo / "objects"
    on_disk = {
        folder.name + file.name.removesuffix("z"): file.stat().st_size
        for folder in objects.iterdir()
        for file in folder.iterdir()
        if file.suffix not in (".commit", ".commitmeta")
    }
    sizes = recorded_sizes(Repo.open(composer.repo), result.commit)
    assert {size.name: size.stored for size in sizes} == on_disk
    unpacked = {size.unpacked for size in sizes if size.name.endswith(".file")}
    assert {0, len("app"), len("packaged\nmore\n")} <= unpacked


def test_the_second_compose_counts_up_and_has_the_first_as_parent(composer):
    first = composer.compose()
    second = composer.compose(APP)
    assert (first.version, second.version) == ("5.0_test", "5.0_test.1")
    assert Repo.open(composer.repo).load_commit(REF).parent == first.commit


def test_nothing_changed_is_noticed_and_can_be_overridden(composer):
    first = composer.compose()
    again = composer.compose()
    assert again.unchanged
    assert again.commit == first.commit
    assert LogLine(UNCHANGED) in composer.events
    forced = composer.compose(force_nocache=True)
    assert not forced.unchanged
    assert Repo.open(composer.repo).load_commit(REF).parent == first.commit


def test_a_changed_treefile_or_package_is_a_change(composer):
    composer.compose(APP)
    assert not composer.compose(APP, keys={"default-target": "graphical.target"}).unchanged
    rebuilt = Package("app", APP.files, APP.scripts, release="2.ph5")
    assert not composer.compose(rebuilt, keys={"default-target": "graphical.target"}).unchanged


def test_the_same_input_gives_the_same_tree_whatever_the_umask(composer):
    built = build(APP, composer.builds)
    composer.compose(built)
    first = composer.content()
    former = os.umask(0o077)
    try:
        other = dataclasses.replace(composer, folder=composer.folder / "other")
        other.folder.mkdir()
        other.compose(built)
    finally:
        os.umask(former)
    assert other.content() == first
    composer.compose(built, force_nocache=True)
    assert composer.content() == first


def test_ids_of_the_previous_commit_are_kept(composer):
    take_next = (
        "n=77; while sed -n /:x:$n:/p /etc/passwd | sed -n 1p | id >/dev/null && "
        '[ -n "$(sed -n /:x:$n:/p /etc/passwd)" ]; do n=$((n+1)); done\n'
        '[ -n "$(sed -n /^NAME:/p /etc/passwd)" ] || echo NAME:x:$n:$n::/:/bin/false >>/etc/passwd'
    )

    def with_user(package: str) -> Package:
        file = {f"/usr/bin/{package}": Entry("x", 0o755, package)}
        return Package(package, file, {"%pre": take_next.replace("NAME", package)})

    composer.compose(with_user("zebra"))
    assert composer.paths("/usr/bin")["/usr/bin/zebra"] == "-00755 77 0"
    composer.compose(with_user("ant"), with_user("zebra2"), with_user("zebra"))
    assert composer.paths("/usr/bin")["/usr/bin/zebra"] == "-00755 77 0"
    assert composer.paths("/usr/bin")["/usr/bin/ant"] == "-00755 78 0"


def test_a_failing_script_names_its_package_and_shows_its_output(composer):
    bad = Package("bad", {}, {"%post": "echo what went wrong >&2; exit 7"})
    with pytest.raises(PackageError) as caught:
        composer.compose(bad)
    assert "%post of bad-1.0-1.ph5.x86_64 failed with exit code 7: what went wrong" in str(
        caught.value
    )
    assert tip(composer.repo) is None
    assert not (composer.cache / "work").exists()


def test_a_file_conflict_names_both_packages_and_the_path(composer):
    one = Package("one", {"/usr/share/same": Entry("1")})
    two = Package("two", {"/usr/share/same": Entry("2")})
    with pytest.raises(PackageError) as caught:
        composer.compose(one, two)
    for part in ("/usr/share/same", "one-1.0-1", "two-1.0-1"):
        assert part in caught.value.message


def test_identical_files_of_two_packages_are_no_conflict(composer):
    files = {"/usr/share/same": Entry("same"), "/usr/share/shared": folder()}
    composer.compose(Package("one", files), Package("two", files))
    assert composer.read("/usr/share/same") == "same"


def test_a_path_through_another_packages_link_lands_where_the_link_leads(composer):
    composer.compose(
        Package("links", {"/usr/real": folder(), "/usr/alias": link("real")}),
        Package("user", {"/usr/alias/file": Entry("there")}),
    )
    assert composer.read("/usr/real/file") == "there"


def test_a_missing_dependency_is_named_with_who_needs_it(composer):
    needy = Package("needy", header=("Requires: unobtainium >= 2",))
    with pytest.raises(PackageError, match=r"unobtainium >= 2 is needed by needy-1.0-1.ph5"):
        composer.compose(needy)


def test_a_path_outside_of_the_tree_is_refused_with_the_package(composer):
    with pytest.raises(PackageError, match=r"odd-1.0-1.ph5.x86_64 has /odd/file"):
        composer.compose(Package("odd", {"/odd/file": Entry("x")}))


def test_treefile_edits_happen(composer):
    (composer.folder / "motd").write_text("welcome\n")
    (composer.folder / "script.sh").write_text("#!/bin/sh\necho scripted >>/etc/motd\n")
    composer.compose(
        Package("doc", {"/usr/lib/os-release": Entry('NAME=X\nVERSION="5.0"\nID=photon\n')}),
        keys={
            "add-files": [["motd", "/etc/motd"]],
            "remove-files": ["etc/nsswitch.conf"],
            "postprocess": ["#!/bin/sh\necho inline >>/etc/motd"],
            "postprocess-script": "script.sh",
            "units": ["app.service"],
            "default-target": "multi-user.target",
            "mutate-os-release": "5.0",
        },
    )
    assert composer.read("/usr/etc/motd") == "welcome\ninline\nscripted\n"
    assert "/usr/etc/nsswitch.conf" not in composer.paths("/usr/etc")
    assert 'VERSION="5.0_test"' in composer.read("/usr/lib/os-release")
    wants = "/usr/etc/systemd/system/multi-user.target.wants"
    assert f"{wants}/app.service" in composer.paths(wants)
    assert "app.service is in no package" in composer.log()


def test_a_failing_postprocess_script_shows_its_output_and_commits_nothing(composer):
    with pytest.raises(CommandError, match="no good"):
        composer.compose(keys={"postprocess": ["#!/bin/sh\necho no good >&2; exit 1"]})
    assert tip(composer.repo) is None


def test_remove_from_packages_leaves_files_out(composer):
    files = {"/etc/keep": Entry("k"), "/etc/drop.conf": Entry("d"), "/usr/share/x": Entry("x")}
    composer.compose(
        Package("some", files), keys={"remove-from-packages": [["some", "/etc/drop.*", "/usr/.*"]]}
    )
    assert "/usr/etc/keep" in composer.paths("/usr/etc")
    assert "/usr/etc/drop.conf" not in composer.paths("/usr/etc")
    assert "/usr/share/x" not in composer.paths("/usr/share")


def test_documentation_can_be_left_out(composer):
    docs = Package("docs", {"/usr/share/doc/text": Entry("t", directive="%doc")})
    composer.compose(docs, keys={"documentation": False})
    assert "/usr/share/doc/text" not in composer.paths("/usr/share")


def test_unsupported_keys_are_refused_together_with_their_places(composer):
    with pytest.raises(PlanError) as caught:
        composer.compose(keys={"ima": True, "cliwrap": True, "boot-location": "legacy"})
    assert len(caught.value.problems) == 3


def test_a_dry_run_lists_the_packages_and_writes_nothing(composer):
    result = composer.compose(dry_run=True)
    assert result.commit is None
    assert result.packages == ("filesystem-1.0-1.ph5.x86_64", "shell-1.0-1.ph5.x86_64")
    assert not composer.repo.exists()


def test_a_second_compose_in_the_same_cache_directory_is_refused(composer):
    second = dataclasses.replace(composer, events=[])
    refusals = []

    def try_too():
        with pytest.raises(PackageError) as caught:
            second.compose()
        refusals.append(caught.value.message)

    composer.events = At("assemble", try_too)
    composer.compose()
    assert refusals == [f"Another compose is using {composer.cache}."]


@pytest.mark.parametrize("step", ["import", "assemble", "scripts", "commit", "publish"])
def test_a_cancelled_compose_leaves_the_ref_and_no_mount(composer, step):
    first = composer.compose()
    before = mounts()
    composer.cancel = CancelToken()
    composer.events = At(step, composer.cancel.cancel)
    with pytest.raises(Cancelled):
        composer.compose(APP)
    assert tip(composer.repo) == first.commit
    assert mounts() == before
    assert not (composer.cache / "work").exists()
    composer.cancel, composer.events = CancelToken(), []
    assert composer.compose(APP).version == "5.0_test.1"


class At(list):
    """Collects events; does something when a step begins."""

    def __init__(self, step, action):
        super().__init__()
        self._step, self._action = step, action

    def append(self, event):
        super().append(event)
        if isinstance(event, StepStarted) and event.step == self._step:
            self._action()


def test_a_killed_compose_leaves_no_mount_and_the_next_one_cleans_up(composer):
    """SIGKILL while a package's script runs; the script tells that it does by its output file."""
    slow = build(Package("slow", {}, {"%post": "echo started; sleep 60"}), composer.builds)
    program = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from tests.engine.compose.conftest import Composer
        base = [Path(path) for path in {[str(path) for path in composer.base]!r}]
        folder = Path({str(composer.folder)!r})
        composer = Composer(folder, tuple(base), folder)
        composer.events = type("E", (list,), {{"append": lambda self, event: print(event)}})()
        composer.compose(Path({str(slow)!r}))
    """)
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    before = mounts()
    assert any("%post of slow" in line for line in process.stdout)
    process.kill()
    process.wait()
    process.stdout.close()
    assert mounts() == before
    assert (composer.cache / "work").exists()
    assert tip(composer.repo) is None
    composer.compose()
    assert not (composer.cache / "work").exists()

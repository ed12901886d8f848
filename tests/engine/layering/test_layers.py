"""Packages from repositories on a base tree: what the commit has, and what it never touches."""

from pathlib import Path

import pytest

from engine.errors import Cancelled, PackageError
from engine.events import LogLine, StepStarted
from engine.layering.commit import find_layers
from tests import rpms
from tests.engine.layering.conftest import BASE, Host, MakeHost
from tests.rpms import Entry, Package

WGET = Package(
    "wget",
    {
        "/usr/bin/wget": Entry("get", 0o755),
        "/etc/wgetrc": Entry("rc"),
        "/var/lib/wget": rpms.folder(),
    },
    header=("Requires: libidn",),
)
IDN = Package("libidn", {"/usr/lib/libidn.so": Entry("idn")})


def test_a_package_comes_with_its_dependencies_at_the_places_of_a_tree(host: Host) -> None:
    host.publish(WGET, IDN)
    plan = host.plan("wget")
    assert [package.id.name for package in plan.added] == ["libidn", "wget"]
    assert plan.download_size > 0
    commit = host.write(plan)
    assert host.read(commit, "/usr/bin/wget") == "get"
    assert host.read(commit, "/usr/etc/wgetrc") == "rc"
    assert host.read(commit, "/usr/lib/tmpfiles.d/pkg-wget.conf") == (
        "d /var/lib/wget 0755 root root - -\n"
    )
    assert host.packages(commit) >= {"wget-1.0", "libidn-1.0", "foo-tool-1.0"}
    host.fsck()


def test_what_was_not_asked_for_stays_the_same_object(host: Host) -> None:
    host.publish(IDN)
    before = host.ostree("ls", "-RC", host.base).splitlines()
    after = host.ostree("ls", "-RC", host.layer("libidn")).splitlines()
    gone = {line.split()[-1] for line in before if line not in after and line[0] != "d"}
    new = {line.split()[-1] for line in after if line not in before and line[0] != "d"}
    assert gone == {"/usr/share/rpm/rpmdb.sqlite"}
    assert new == {"/usr/share/rpm/rpmdb.sqlite", "/usr/lib/libidn.so"}


def test_the_metadata_is_that_of_a_client_layer(host: Host) -> None:
    host.publish(WGET, IDN)
    commit = host.repo.load_commit(host.layer("wget", "vim-tiny"))
    base = host.repo.load_commit(host.base)
    assert commit.parent == host.base
    assert commit.version == base.version
    assert commit.metadata["rpmostree.clientlayer"] is True
    assert commit.metadata["rpmostree.clientlayer_version"] == 6
    assert commit.metadata["rpmostree.packages"] == ["wget"]
    for key in ("modules", "removed-base-packages", "replaced-base-packages"):
        assert commit.metadata[f"rpmostree.{key}"] == []
    assert commit.metadata["rpmostree.replaced-base-remote-packages"] == {}
    assert len(commit.metadata["rpmostree.state-sha512"]) == 128
    assert [each["id"] for each in commit.metadata["rpmostree.rpmmd-repos"]] == ["main"]
    names = [each[0] for each in commit.metadata["rpmostree.rpmdb.pkglist"]]
    former = [each[0] for each in base.metadata["rpmostree.rpmdb.pkglist"]]
    assert names == sorted([*former, "wget", "libidn"])


def test_the_base_trees_database_stays_beside_the_new_one(host: Host) -> None:
    host.publish(IDN)
    path = "/usr/lib/sysimage/rpm-ostree-base-db/rpmdb.sqlite"
    before = host.ostree("ls", "-C", host.base, path).split()[4]
    assert host.ostree("ls", "-C", host.layer("libidn"), path).split()[4] == before


def test_an_equal_plan_finds_what_it_made_before_and_another_does_not(host: Host) -> None:
    host.publish(WGET, IDN)
    plan = host.plan("libidn")
    assert find_layers(host.repo, plan) is None
    commit = host.write(plan)
    again = host.plan("libidn")
    assert (again.state, again.download_size) == (plan.state, 0)
    assert find_layers(host.repo, again, [host.base, commit]) == commit
    assert find_layers(host.repo, host.plan("wget"), [commit]) is None
    assert host.write(again) == commit, "the same input, the same commit"


def test_scripts_run_with_the_tree_but_never_write_to_the_repositorys_objects(host: Host) -> None:
    scripts = {
        "%pre": "echo pre $1 >>/etc/ran",
        "%post": "echo post $1 >>/etc/ran; echo more >>/usr/bin/vi; mkdir /var/lib/made",
        "%preun": "exit 1",
        "%postun": "exit 1",
    }
    host.publish(Package("scripted", {"/usr/share/scripted": Entry("s")}, scripts))
    commit = host.layer("scripted")
    assert host.read(commit, "/usr/etc/ran") == "pre 1\npost 1\n"
    assert host.read(commit, "/usr/bin/vi") == "tinymore\n"
    assert host.read(host.base, "/usr/bin/vi") == "tiny"
    assert "d /var/lib/made 0755 root root" in host.read(
        commit, "/usr/lib/tmpfiles.d/rpm-ostree-1-autovar.conf"
    )
    host.fsck()


def test_the_time_of_each_script_is_logged(host: Host) -> None:
    host.publish(Package("scripted", {}, {"%post": "echo heard"}))
    host.layer("scripted")
    assert "%post of scripted-1.0-1.ph5.x86_64: heard" in host.log()
    assert any(
        isinstance(event, LogLine)
        and event.text.startswith("%post of scripted-1.0-1.ph5.x86_64: 0")
        for event in host.events
    )


def test_a_script_that_fails_names_its_package_and_leaves_nothing(host: Host) -> None:
    host.publish(Package("broken", {"/usr/b": Entry("b")}, {"%post": "echo alas; exit 7"}))
    with pytest.raises(
        PackageError, match=r"%post of broken-1\.0-1\.ph5\.x86_64 failed with exit code 7: alas"
    ):
        host.layer("broken")
    host.fsck()
    assert not (host.path / "extensions/rpmostree/private/commit").exists()
    assert not any((host.path / "tmp").glob("*/*.commit")), "the commit was aborted"


def test_triggers_of_the_base_tree_see_the_new_files_only(host: Host) -> None:
    host.publish(
        Package("files", {"/usr/share/seen/new": Entry("n")}),
        Package(
            "nosy",
            {"/usr/share/nosy": Entry("n")},
            {"%transfiletriggerin -- /usr/share/watcher": "cat >/etc/nosy"},
        ),
    )
    commit = host.layer("files", "nosy")
    assert host.read(commit, "/usr/etc/seen") == "/usr/share/seen/new\n"
    assert host.read(commit, "/usr/etc/nosy") == "/usr/share/watcher\n"


def test_a_user_that_a_package_makes_gets_an_id_beside_the_base_trees(host: Host) -> None:
    host.publish(
        Package(
            "daemon-one",
            {"/usr/share/one": Entry("1", 0o640, owner="one", group="one")},
            {
                "%pre": "echo one:x:77:77::/:/bin/false >>/etc/passwd\n"
                "echo one:x:77: >>/etc/group\necho one:!:1:::::: >>/etc/shadow",
            },
        )
    )
    commit = host.layer("daemon-one")
    assert "one:x:77:77::/:/bin/false\n" in host.read(commit, "/usr/lib/passwd")
    assert "one:x:77:\n" in host.read(commit, "/usr/lib/group")
    for name in ("passwd", "group"):
        assert host.read(commit, f"/usr/etc/{name}") == host.read(host.base, f"/usr/etc/{name}")
    before = host.read(host.base, "/usr/lib/passwd")
    assert set(before.splitlines()) < set(host.read(commit, "/usr/lib/passwd").splitlines())
    assert "one:" in host.read(commit, "/usr/etc/shadow")
    assert host.paths(commit, "/usr/share/one") == {"/usr/share/one": "-00640 77 77"}
    host.fsck()


ADD_USER = """\
taken() {
    while IFS=: read name x id rest; do [ $id != $1 ] || return 0; done </etc/passwd
    return 1
}
while IFS=: read name rest; do [ $name != NAME ] || exit 0; done </etc/passwd
new=90
while taken $new; do new=$((new + 1)); done
echo NAME:x:$new:$new::/:/bin/false >>/etc/passwd
echo NAME:x:$new: >>/etc/group
"""


def test_a_user_keeps_its_id_when_its_package_is_layered_again_without_another(host: Host) -> None:
    host.publish(*(Package(name, {}, {"%pre": ADD_USER.replace("NAME", name)}) for name in "ab"))
    former = host.layer("a", "b")
    (line,) = [line for line in host.read(former, "/usr/lib/passwd").splitlines() if ":91:" in line]
    later = line[0]
    commit = host.write(host.plan(later), former=former)
    passwd = host.read(commit, "/usr/lib/passwd").splitlines()
    assert line in passwd
    assert not any(":90:" in line for line in passwd), "its package is gone"
    alone = host.read(host.layer(later), "/usr/lib/passwd")
    assert ":90:" in alone, "without a former commit it is the first"


def test_a_file_of_the_base_tree_is_not_taken_over(host: Host) -> None:
    host.publish(Package("rival", {"/usr/bin/vi": Entry("mine", 0o755)}))
    with pytest.raises(
        PackageError,
        match=r"/usr/bin/vi of rival-1\.0-1\.ph5\.x86_64 is also in vim-tiny-1\.0-1\.ph5\.x86_64 "
        "of the base tree",
    ):
        host.layer("rival")


def test_a_file_of_two_new_packages_is_a_conflict_of_both(host: Host) -> None:
    host.publish(
        Package("a", {"/usr/share/both": Entry("a")}), Package("b", {"/usr/share/both": Entry("b")})
    )
    with pytest.raises(PackageError, match=r"/usr/share/both .* a-1\.0-1\S* and b-1\.0-1"):
        host.layer("a", "b")


def test_the_same_file_in_both_is_no_conflict(host: Host) -> None:
    host.publish(Package("third", {"/usr/share/shared/common": Entry("common")}))
    commit = host.layer("third")
    assert host.read(commit, "/usr/share/shared/common") == "common"


def test_paths_lead_through_the_base_trees_links(host: Host) -> None:
    host.publish(Package("old-style", {"/lib/old/thing": Entry("t"), "/bin/old": Entry("o")}))
    commit = host.layer("old-style")
    assert host.read(commit, "/usr/lib/old/thing") == "t"
    assert host.paths(commit, "/bin") == host.paths(host.base, "/bin")


def test_layers_go_onto_a_newer_base_tree(host: Host, make_host: MakeHost) -> None:
    newer = make_host(*BASE[:-1], Package("fresh", {"/usr/share/fresh": Entry("f")}))
    newer.publish(WGET, IDN)
    commit = newer.layer("wget")
    assert newer.packages(commit) >= {"fresh-1.0", "wget-1.0"}
    assert "watcher-1.0" not in newer.packages(commit)


def test_layering_what_is_layered_already_gives_the_same_as_at_once(host: Host) -> None:
    host.publish(WGET, IDN, Package("more", {"/usr/share/more": Entry("m")}))
    host.layer("wget")
    later = host.plan("wget", "more")
    assert [package.download_size > 0 for package in later.packages].count(True) == 1
    commit = host.write(later)
    assert host.packages(commit) >= {"wget-1.0", "more-1.0", "libidn-1.0"}
    assert host.repo.load_commit(commit).parent == host.base


@pytest.mark.parametrize("line", ["Import", "Put the", "Run package", "%post of", "Commit"])
def test_cancelling_anywhere_leaves_no_commit_and_no_files(host: Host, line: str) -> None:
    host.publish(Package("slow", {"/usr/share/slow": Entry("s")}, {"%post": "echo slowly"}))
    host.plan("slow")
    append = host.events.append

    class Listener(list):  # type: ignore[type-arg]
        def append(self, event: object) -> None:
            append(event)  # type: ignore[arg-type]
            title = event.title if isinstance(event, StepStarted) else getattr(event, "text", "")
            if title.startswith(line):
                host.cancel.cancel()

    plan = host.plan("slow")
    before = host.state()
    host.events = Listener()
    with pytest.raises(Cancelled):
        host.write(plan)
    refs, objects = host.state()
    packages = {ref for ref in refs.splitlines() if ref.startswith("rpmostree/pkg/")}
    assert set(refs.splitlines()) - packages == set(before[0].splitlines())
    commits = {name for name in objects - before[1] if name.endswith(".commit")}
    assert len(commits) == len(packages), "nothing but imported packages"
    assert not (host.path / "extensions/rpmostree/private/commit").exists()
    host.fsck()


def test_what_a_killed_run_left_goes_with_the_next(host: Host) -> None:
    left = host.path / "extensions/rpmostree/private/commit"
    for name in ("work/upper", "lower/usr"):
        (left / name).mkdir(parents=True)
        (left / name / "left").write_text("x")
    host.publish(IDN)
    host.layer("libidn")
    assert not left.exists()
    assert (left.parent.stat().st_mode & 0o777) == 0o700


def test_packages_imported_once_are_not_downloaded_again(host: Host) -> None:
    host.publish(WGET, IDN)
    host.layer("wget")
    assert not list(Path(host.folder / "cache").glob("packages/*.rpm"))
    assert "rpmostree/pkg/libidn/1.0-1.ph5.x86__64" in host.ostree("refs", "--list")
    assert host.plan("wget").download_size == 0

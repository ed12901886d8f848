"""Writing into a deployment, and nowhere else."""

import stat

import pytest

from engine.errors import StorageError
from installer.accounts import AccountFiles
from installer.files import HostFiles


@pytest.fixture
def host(tmp_path):
    """A deployment and a /var with the links of a tree; files.deployment and files.var."""
    deployment, var = tmp_path / "deploy", tmp_path / "var"
    for folder in (deployment / "etc", deployment / "usr/lib", deployment / "var", var):
        folder.mkdir(parents=True)
    (deployment / "root").symlink_to("var/roothome")
    (deployment / "home").symlink_to("var/home")
    (deployment / "usr/local").symlink_to("../var/usrlocal")
    (deployment / "usr/lib/file").write_text("an object of the repository")
    return tmp_path


@pytest.fixture
def files(host):
    return HostFiles(host / "deploy", host / "var")


def test_etc_is_the_deployments_own(files, host):
    files.write("/etc/hostname", "name\n")
    assert (host / "deploy/etc/hostname").read_text() == "name\n"


def test_var_is_the_stateroots(files, host):
    files.write("/var/lib/file", "x")
    assert (host / "var/lib/file").read_text() == "x"
    assert not (host / "deploy/var/lib").exists()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/root/.ssh/authorized_keys", "var/roothome/.ssh/authorized_keys"),
        ("/home/ada/file", "var/home/ada/file"),
        ("/usr/local/bin/tool", "var/usrlocal/bin/tool"),
    ],
)
def test_links_of_the_tree_are_followed(files, host, path, place):
    files.write(path, "x")
    assert (host / place).read_text() == "x"


def test_an_absolute_link_does_not_lead_to_the_installers_files(files, host):
    (host / "deploy/etc/resolv.conf").symlink_to("/etc/real.conf")
    files.write("/etc/resolv.conf", "x")
    assert (host / "deploy/etc/real.conf").read_text() == "x"


def test_a_link_that_climbs_out_ends_at_the_root(files, host):
    (host / "deploy/etc/up").symlink_to("../../../../../../var/there")
    files.write("/etc/up", "x")
    assert (host / "var/there").read_text() == "x"


@pytest.mark.parametrize("path", ["/usr/lib/file", "/usr/new", "/file", "/etc", "/boot/x"])
def test_the_tree_is_not_written(files, host, path):
    with pytest.raises(StorageError, match="read-only tree"):
        files.write(path, "x")
    assert (host / "deploy/usr/lib/file").read_text() == "an object of the repository"


def test_a_link_into_the_tree_is_not_written_through(files, host):
    (host / "deploy/etc/os-release").symlink_to("../usr/lib/file")
    with pytest.raises(StorageError, match="read-only tree"):
        files.write("/etc/os-release", "x")


@pytest.mark.parametrize("path", ["etc/x", "/etc/../usr/x", ""])
def test_paths_are_absolute_and_plain(files, path):
    with pytest.raises(StorageError, match="not an absolute path"):
        files.write(path, "x")


def test_a_loop_of_links_is_an_error(files, host):
    (host / "deploy/etc/a").symlink_to("b")
    (host / "deploy/etc/b").symlink_to("a")
    with pytest.raises(StorageError, match="loop of links"):
        files.read("/etc/a/file")


def test_mode_and_content_replace_what_was_there(files, host):
    files.write("/etc/file", "long old content")
    files.write("/etc/file", "new", 0o600)
    target = host / "deploy/etc/file"
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_a_hard_link_elsewhere_keeps_its_content(files, host):
    original = host / "object"
    original.write_text("shared")
    (host / "deploy/etc/file").hardlink_to(original)
    files.write("/etc/file", "own")
    assert original.read_text() == "shared"


def test_edit_keeps_the_mode_of_the_file(files, host):
    files.write("/etc/file", "a", 0o640)
    files.edit("/etc/file", str.upper, "why")
    target = host / "deploy/etc/file"
    assert target.read_text() == "A"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_edit_of_a_missing_file_starts_empty(files, host):
    files.edit("/etc/file", lambda text: text + "x", "why", 0o600)
    assert stat.S_IMODE((host / "deploy/etc/file").stat().st_mode) == 0o600


@pytest.mark.root
def test_an_owner_is_looked_up_on_the_new_machine(files, host):
    files.write("/etc/passwd", "ada:x:4711:4712::/var/home/ada:/bin/bash\n")
    files.make_directory("/home/ada", 0o700, "ada")
    status = (host / "var/home/ada").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (4711, 4712, 0o700)


def test_nothing_of_the_accounts_is_written_when_the_change_is_refused(files, host):
    files.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")

    def refuse(_accounts: AccountFiles) -> AccountFiles:
        raise StorageError("no")

    with pytest.raises(StorageError, match="no"):
        files.change_accounts(refuse, "why")
    assert sorted(path.name for path in (host / "deploy/etc").iterdir()) == ["passwd"]


def test_a_link_replaces_a_file(files, host):
    files.write("/etc/file", "x")
    files.link("/etc/file", "/dev/null")
    assert (host / "deploy/etc/file").readlink().as_posix() == "/dev/null"


def test_a_directory_is_copied_with_its_modes(files, host, tmp_path):
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "below/tool").write_text("x")
    (source / "below/tool").chmod(0o755)
    files.copy(source, "/etc/copied")
    assert stat.S_IMODE((host / "deploy/etc/copied/below/tool").stat().st_mode) == 0o755


def test_a_file_copied_to_a_directory_keeps_its_name(files, host, tmp_path):
    (tmp_path / "file").write_text("x")
    files.copy(tmp_path / "file", "/etc/folder/")
    assert (host / "deploy/etc/folder/file").read_text() == "x"


def test_a_missing_source_is_named(files, tmp_path):
    with pytest.raises(StorageError, match=r"missing to /etc/x: .*No such file"):
        files.copy(tmp_path / "missing", "/etc/x")


def test_an_alias_leads_to_the_unit_behind_it(tmp_path):
    units = tmp_path / "deployment/etc/systemd/system"
    units.mkdir(parents=True)
    (units / "sshd.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    files = HostFiles(tmp_path / "deployment", tmp_path / "var")
    assert (
        files.real_path("/etc/systemd/system/sshd.service") == "/usr/lib/systemd/system/ssh.service"
    )

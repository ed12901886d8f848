import hashlib
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import Cancelled, NetworkError, PackageError, PhotreeError, SignatureError
from engine.packages.pool import PackagePool
from engine.packages.repofiles import RepositoryConfig
from engine.packages.rpmmd import Repository, load_repositories, location_url
from engine.packages.transport import Patience
from tests.engine.packages.conftest import QUICK, Listener, MakeRepository, config_of
from tests.engine.packages.rpms import Rpm, SigningKey, build, detached_signature, index
from tests.nginx import closed_port, nginx, self_signed


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rpmmd")
    build([Rpm("one"), Rpm("two", files={"/opt/two": b"2"})], folder / "r", folder / "build")
    index(folder / "r")
    return folder / "r"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "repository"))


def load(
    configs: Sequence[RepositoryConfig], cachedir: Path, emit: Listener | None = None
) -> tuple[Repository, ...]:
    listener = emit or Listener()
    return load_repositories(
        configs, cachedir, SystemCommands(), listener, CancelToken(), patience=QUICK
    )


def names(repositories: Sequence[Repository]) -> set[str]:
    return PackagePool(repositories, "x86_64", {}, CancelToken()).names()


def error_of(config: RepositoryConfig, cachedir: Path, kind: type[PhotreeError]) -> PhotreeError:
    with pytest.raises(kind) as caught:
        load([config], cachedir)
    return caught.value


def test_the_index_gives_id_revision_and_the_newest_time_stamp(
    folder: Path, tmp_path: Path
) -> None:
    index(folder, "--revision=77", "--set-timestamp-to-revision")
    content = (folder / "repodata/repomd.xml").read_bytes()
    content = content.replace(b"<timestamp>77</timestamp>", b"<timestamp>99</timestamp>", 1)
    (folder / "repodata/repomd.xml").write_bytes(content)
    (repository,) = load([config_of(folder)], tmp_path / "cache")
    assert repository.metadata.id == "main"
    assert repository.metadata.revision == "77"
    assert repository.metadata.timestamp == 99
    assert repository.metadata.checksum.value == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("compression", ["gz", "xz", "bz2", "zst"])
def test_package_lists_may_be_compressed_in_any_usual_way(
    folder: Path, tmp_path: Path, compression: str
) -> None:
    if compression == "zst":
        recompress_with_zstd(folder)
    else:
        index(folder, f"--general-compress-type={compression}")
    assert names(load([config_of(folder)], tmp_path / "cache")) == {"one", "two"}


def recompress_with_zstd(folder: Path) -> None:
    """createrepo_c 0.17 cannot write zstd itself."""
    index(folder, "--simple-md-filenames")
    (plain,) = folder.glob("repodata/primary.xml.gz")
    unpacked = subprocess.run(["zcat", plain], check=True, capture_output=True).stdout
    packed = subprocess.run(["zstd", "-q"], input=unpacked, check=True, capture_output=True).stdout
    (folder / "repodata/primary.xml.zst").write_bytes(packed)
    index_file = folder / "repodata/repomd.xml"
    text = index_file.read_text().replace("primary.xml.gz", "primary.xml.zst")
    for old, new in (
        (hashlib.sha256(plain.read_bytes()).hexdigest(), hashlib.sha256(packed).hexdigest()),
        (f"<size>{plain.stat().st_size}</size>", f"<size>{len(packed)}</size>"),
    ):
        text = text.replace(old, new)
    index_file.write_text(text)


def test_only_the_index_is_asked_for_again_when_nothing_changed(
    folder: Path, tmp_path: Path
) -> None:
    with nginx(folder, tmp_path / "nginx") as server:
        for _turn in range(2):
            names(load([config_of(server.url)], tmp_path / "cache"))
    paths = [request.path.rpartition("/")[2] for request in server.requests()]
    assert [path.partition("-")[2] or path for path in paths] == [
        "repomd.xml",
        "primary.xml.gz",
        "repomd.xml",
    ]


def test_a_changed_repository_replaces_its_cached_lists(
    folder: Path, tmp_path: Path, make_repository: MakeRepository
) -> None:
    cachedir = tmp_path / "cache"
    names(load([config_of(folder)], cachedir))
    before = set(cachedir.glob("repomd/*/*-*"))
    make_repository([Rpm("three")], name="more")
    (tmp_path / "more-repository/three-1-1.noarch.rpm").rename(folder / "three.rpm")
    index(folder)
    assert names(load([config_of(folder)], cachedir)) == {"one", "two", "three"}
    assert not before & set(cachedir.glob("repomd/*/*-*"))


def test_a_list_with_a_wrong_checksum_is_refused(folder: Path, tmp_path: Path) -> None:
    (primary,) = folder.glob("repodata/*primary.xml.gz")
    content = bytearray(primary.read_bytes())
    content[20] ^= 1
    primary.write_bytes(content)
    error = error_of(config_of(folder), tmp_path / "cache", SignatureError)
    assert "The primary metadata of the repository main has a wrong checksum" in error.message
    assert hashlib.sha256(content).hexdigest() in error.message
    assert not list((tmp_path / "cache").glob("repomd/*/*"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<repomd><data", "is not valid XML"),
        ("<html><body>Please log in</body></html>", "names no primary metadata"),
        ("", "is not valid XML"),
        (
            '<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">'
            '<location href="x"/></data></repomd>',
            "has no checksum",
        ),
        (
            '<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">'
            '<checksum type="sha">a9993e364706816aba3e25717850c26c9cd0d89d</checksum>'
            '<location href="x"/></data></repomd>',
            "sha1 are not safe",
        ),
    ],
)
def test_a_broken_index_is_named_with_its_url(
    folder: Path, tmp_path: Path, content: str, reason: str
) -> None:
    (folder / "repodata/repomd.xml").write_text(content)
    error = error_of(config_of(folder), tmp_path / "cache", PackageError)
    assert reason in error.message
    assert "The repository main is damaged: file:///" in error.message


def test_a_missing_repository_is_a_missing_file(tmp_path: Path) -> None:
    error = error_of(config_of(tmp_path / "nowhere"), tmp_path / "cache", NetworkError)
    assert f"There is no file {tmp_path}/nowhere/repodata/repomd.xml" in error.message


def test_each_network_failure_has_a_sentence_of_its_own(folder: Path, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with nginx(folder, tmp_path / "n1", certificate=certificate, key=key) as secure:
        untrusted = error_of(config_of(secure.url), tmp_path / "cache", NetworkError)
    with nginx(folder, tmp_path / "n2", directives="location /x/ { return 503; }") as server:
        missing = error_of(config_of(server.url + "none/"), tmp_path / "cache", NetworkError)
        broken = error_of(config_of(server.url + "x/"), tmp_path / "cache", NetworkError)
    assert len(server.requests()) == 3, "only what may pass is tried again"
    port = closed_port()
    refused = error_of(config_of(f"http://127.0.0.1:{port}/"), tmp_path / "cache", NetworkError)
    unknown = error_of(config_of("http://no-such.invalid/"), tmp_path / "cache", NetworkError)
    assert "TLS with 127.0.0.1 failed: its certificate is not accepted" in untrusted.message
    assert "127.0.0.1 has no such file (404)" in missing.message
    assert "127.0.0.1 answered 503" in broken.message
    assert "127.0.0.1 refused the connection" in refused.message
    assert f"http://127.0.0.1:{port}/repodata/repomd.xml" in refused.message
    assert re.search(r"(name|for) no-such\.invalid( is not known)? \(DNS\)", unknown.message)
    assert all(error.hint for error in (untrusted, missing, broken, refused, unknown))


def test_a_server_that_sends_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = config_of(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        with pytest.raises(NetworkError, match=r"127\.0\.0\.1 sent nothing for 0\.1 s"):
            load_repositories(
                [config],
                tmp_path / "cache",
                SystemCommands(),
                Listener(),
                CancelToken(),
                patience=Patience(attempts=1, read=0.1),
            )


def test_retries_are_visible_and_the_wait_can_be_cancelled(tmp_path: Path) -> None:
    cancel = CancelToken()
    seen: list[str] = []

    def stop_at_the_first_retry(event: object) -> None:
        seen.append(str(event))
        cancel.cancel()

    with pytest.raises(Cancelled):
        load_repositories(
            [config_of(f"http://127.0.0.1:{closed_port()}/")],
            tmp_path / "cache",
            SystemCommands(),
            stop_at_the_first_retry,
            cancel,
            patience=Patience(attempts=2, first_wait=600),
        )
    assert "Trying again in 600 s (1 of 1)" in seen[0]


def test_the_repositorys_own_certificate_authority_is_believed(
    folder: Path, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    with nginx(folder, tmp_path / "nginx", certificate=certificate, key=key) as server:
        config = config_of(server.url, sslcacert=str(certificate))
        assert names(load([config], tmp_path / "c1")) == {"one", "two"}
        careless = config_of(server.url, sslverify=False)
        assert names(load([careless], tmp_path / "c2")) == {"one", "two"}


def test_a_repository_behind_a_password(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "users").write_text("anna:{PLAIN}secret\n")
    rules = f'auth_basic "x"; auth_basic_user_file {tmp_path}/users;'
    with nginx(folder, tmp_path / "nginx", directives=rules) as server:
        config = config_of(server.url, username="anna", password="secret")
        assert names(load([config], tmp_path / "cache")) == {"one", "two"}
        inside = server.url.replace("//", "//anna:wrong@")
        error = error_of(config_of(inside), tmp_path / "c2", NetworkError)
    assert "does not allow it (401)" in error.message
    assert "wrong" not in error.message + error.hint + error.detail


def test_the_next_url_is_taken_when_the_first_fails(folder: Path, tmp_path: Path) -> None:
    config = RepositoryConfig(
        "main", (f"http://127.0.0.1:{closed_port()}/", folder.as_uri() + "/"), gpgcheck=False
    )
    (repository,) = load([config], tmp_path / "cache")
    assert repository.baseurls[0].startswith("file:")


def test_a_repository_that_may_be_missing_is_left_out_with_a_warning(
    folder: Path, tmp_path: Path
) -> None:
    emit = Listener()
    away = config_of(f"http://127.0.0.1:{closed_port()}/", "away", skip_if_unavailable=True)
    repositories = load([away, config_of(folder)], tmp_path / "cache", emit)
    assert [repository.id for repository in repositories] == ["main"]
    assert "The repository away is left out" in emit.text()
    with pytest.raises(PackageError, match="None of the package repositories"):
        load([away], tmp_path / "cache", emit)


def test_a_damaged_repository_is_never_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "repodata/repomd.xml").write_text("<repomd>")
    config = config_of(folder, skip_if_unavailable=True)
    error_of(config, tmp_path / "cache", PackageError)


def test_a_signed_index_is_verified(
    folder: Path, tmp_path: Path, key: SigningKey, other_key: SigningKey
) -> None:
    config = config_of(folder, repo_gpgcheck=True, gpgkeys=(key.public.as_uri(),))
    unsigned = error_of(config, tmp_path / "cache", NetworkError)
    assert "repomd.xml.asc" in unsigned.message
    detached_signature(folder / "repodata/repomd.xml", key)
    assert names(load([config], tmp_path / "cache")) == {"one", "two"}
    with (folder / "repodata/repomd.xml").open("a") as file:
        file.write("\n")
    changed = error_of(config, tmp_path / "cache", SignatureError)
    assert "(repository main) does not match" in changed.message
    detached_signature(folder / "repodata/repomd.xml", other_key)
    stranger = error_of(config, tmp_path / "cache", SignatureError)
    assert "(repository main) is by an unknown key" in stranger.message


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("noarch/a-1+b~c^1.rpm", "http://h/noarch/a-1+b~c^1.rpm"),
        ("a b#c.rpm", "http://h/a%20b%23c.rpm"),
        ("a%2Bb.rpm", "http://h/a%2Bb.rpm"),
        ("https://else/a.rpm", "https://else/a.rpm"),
    ],
)
def test_locations_become_urls(location: str, url: str) -> None:
    assert location_url("http://h/", location) == url

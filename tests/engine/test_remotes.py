"""Remotes, and what a repository elsewhere says of its refs, by real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import NetworkError, OstreeError, PlanError
from engine.remotes import (
    RemoteConfig,
    Tls,
    add_remote,
    delete_remote,
    fetch_refs,
    find_ref,
    list_remotes,
    remote_url,
    url_problem,
)
from engine.repo import Repo
from tests.engine.conftest import Published
from tests.engine.trees import REF, ostree
from tests.gpg import GpgKey
from tests.nginx import WebServer, closed_port, nginx, self_signed


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.create(tmp_path / "repo", "bare")


@pytest.fixture
def server(published: Published, tmp_path: Path) -> Iterator[WebServer]:
    with nginx(published.path.parent, tmp_path / "nginx") as running:
        yield running


def test_a_remote_with_a_key_verifies_and_ostree_sees_it(
    repo: Repo, keys: tuple[GpgKey, GpgKey]
) -> None:
    add_remote(repo, RemoteConfig("photon", "http://h/repo", gpg_key=keys[0].public))
    assert ostree(f"--repo={repo.path}", "remote", "show-url", "photon") == "http://h/repo"
    assert keys[0].id in ostree(f"--repo={repo.path}", "remote", "gpg-list-keys", "photon")
    assert list_remotes(repo) == (RemoteConfig("photon", "http://h/repo", gpg_verify=True),)


def test_tls_files_are_kept(repo: Repo, tmp_path: Path) -> None:
    tls = Tls(*self_signed(tmp_path)[:1] * 3)
    add_remote(repo, RemoteConfig("photon", "https://h/repo", gpg_verify=False, tls=tls))
    assert list_remotes(repo)[0].tls == tls


def test_deleting_a_remote_leaves_no_trace(repo: Repo, keys: tuple[GpgKey, GpgKey]) -> None:
    add_remote(repo, RemoteConfig("photon", "http://h/repo", gpg_key=keys[0].public))
    delete_remote(repo, "photon")
    assert list_remotes(repo) == ()
    assert not list(repo.path.glob("*.trustedkeys.gpg"))
    with pytest.raises(OstreeError, match="no remote 'photon'"):
        remote_url(repo, "photon")


def test_a_remote_is_overwritten_only_when_that_is_asked_for(repo: Repo) -> None:
    add_remote(repo, RemoteConfig("photon", "http://old/repo", gpg_verify=False))
    new = RemoteConfig("photon", "http://new/repo", gpg_verify=False)
    with pytest.raises(OstreeError, match="exists already"):
        add_remote(repo, new)
    add_remote(repo, new, replace=True)
    assert remote_url(repo, "photon") == "http://new/repo"


def test_every_mistake_is_reported_at_once(repo: Repo, tmp_path: Path) -> None:
    tls = Tls(client_certificate=tmp_path / "none.crt")
    config = RemoteConfig("a/b", "ftp://h/", gpg_key=tmp_path / "none.asc", tls=tls)
    with pytest.raises(PlanError) as caught:
        add_remote(repo, config)
    assert len(caught.value.problems) == 5
    assert list_remotes(repo) == ()


def test_a_file_without_a_key_is_refused_and_the_remote_is_not_kept(
    repo: Repo, tmp_path: Path
) -> None:
    (tmp_path / "key.asc").write_text("no key at all")
    with pytest.raises(OstreeError, match=r"key\.asc"):
        add_remote(repo, RemoteConfig("photon", "http://h/repo", gpg_key=tmp_path / "key.asc"))
    assert list_remotes(repo) == ()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://h/repo", ""),
        ("https://h:8443/repo", ""),
        ("file:///srv/repo", ""),
        ("ftp://h/repo", "must begin with"),
        ("/srv/repo", "must begin with"),
        ("http:///repo", "no host name"),
        ("file://srv/repo", "three slashes"),
        ("file://", "no path"),
        ("http://h/a b", "space"),
        ("http://h:port/", "not a URL"),
    ],
)
def test_urls(url: str, says: str) -> None:
    assert says in url_problem(url)
    assert bool(says) == bool(url_problem(url))


def test_refs_are_read_from_the_summary(server: WebServer, published: Published) -> None:
    refs = fetch_refs(server.url + "published")
    assert list(refs) == [REF]
    assert refs[REF].commit == published.commit
    assert refs[REF].timestamp == Repo.open(published.path).load_commit(REF).timestamp
    assert fetch_refs(published.url)[REF].version == "5.0_minimal"
    assert find_ref(server.url + "published", REF) == refs[REF]


def test_a_ref_that_is_not_there_is_reported_with_those_that_are(server: WebServer) -> None:
    with pytest.raises(OstreeError, match="no ref 'photon/6'") as caught:
        find_ref(server.url + "published", "photon/6")
    assert REF in caught.value.hint


def test_a_repository_without_a_summary_can_still_be_asked_for_a_ref(
    server: WebServer, published: Published
) -> None:
    (published.path / "summary").unlink()
    with pytest.raises(OstreeError, match="has no summary"):
        fetch_refs(server.url + "published")
    assert find_ref(server.url + "published", REF).commit == published.commit
    with pytest.raises(OstreeError, match="no ref 'other'"):
        find_ref(server.url + "published", "other")


def test_what_answers_but_is_no_repository_says_so(server: WebServer) -> None:
    with pytest.raises(NetworkError, match="not an OSTree repository"):
        fetch_refs(server.url + "elsewhere")


def test_a_damaged_summary_says_so(server: WebServer, published: Published) -> None:
    (published.path / "summary").write_bytes(b"<html>not a summary</html>")
    with pytest.raises(OstreeError, match="not an OSTree summary"):
        fetch_refs(server.url + "published")


def test_a_server_that_is_off_or_unknown_or_untrusted_each_has_its_sentence(
    tmp_path: Path,
) -> None:
    with pytest.raises(NetworkError, match="refused the connection"):
        fetch_refs(f"http://127.0.0.1:{closed_port()}/repo")
    with pytest.raises(NetworkError, match="is not known"):
        fetch_refs("http://photree.invalid/repo")
    certificate, key = self_signed(tmp_path)
    secure = nginx(tmp_path, tmp_path / "nginx", certificate=certificate, key=key)
    with secure as server, pytest.raises(NetworkError, match="certificate is not accepted"):
        fetch_refs(server.url)


def test_a_given_ca_is_trusted(published: Published, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with nginx(published.path, tmp_path / "nginx", certificate=certificate, key=key) as server:
        assert REF in fetch_refs(server.url, tls=Tls(ca=certificate))

"""What the server of a custom host says, by real servers and real signatures."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, NetworkError, OstreeError, PhotreeError, SignatureError
from engine.packages.transport import Patience
from engine.repo import Repo
from installer.branches import NoSuchBranchError, Offer
from installer.custom_source import fetch_key, measured, offered, read_key, verified
from installer.inquiries import MachineInquiries
from installer.interview import Inquiries
from tests.certificates import make_authority
from tests.engine.trees import commit_tree, many_files, ostree, write_tree
from tests.gpg import GpgKey, gpg_key
from tests.nginx import WebServer, closed_port, nginx

MINIMAL, BASE = "photon/5.0/x86_64/minimal", "photon/5.0/x86_64/base"
PACKAGES = "[('bash', '0', '5.2', '1', 'x86_64'), ('zlib', '0', '1.3', '2', 'x86_64')]"
HASTY = Patience(attempts=1, connect=5.0, read=0.2)


@dataclass(frozen=True)
class Server:
    """base is signed by the publisher, minimal by nobody."""

    repo: Path
    publisher: GpgKey
    stranger: GpgKey
    commit: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    tree = write_tree(folder / "tree", many_files(300))
    with gpg_key(folder, "publisher") as publisher, gpg_key(folder, "stranger") as stranger:
        repo = folder / "repo"
        commit_tree(repo, tree, "--add-metadata-string=version=5.0_minimal", ref=MINIMAL)
        commit = commit_tree(
            repo,
            tree,
            "--generate-sizes",
            "--add-metadata-string=version=5.0_base.1",
            f"--add-metadata=rpmostree.rpmdb.pkglist={PACKAGES}",
            "--timestamp=2024-11-28 12:00:00 +0000",
            f"--gpg-homedir={publisher.homedir}",
            f"--gpg-sign={publisher.id}",
            ref=BASE,
        )
        yield Server(repo, publisher, stranger, commit)


@pytest.fixture
def server(made: Server, tmp_path: Path) -> Server:
    """A copy of its own for every test, which may damage it."""
    repo = tmp_path / "www/repo"
    repo.parent.mkdir()
    subprocess.run(["cp", "--archive", made.repo, repo], check=True)
    return Server(repo, made.publisher, made.stranger, made.commit)


@pytest.fixture
def web(server: Server, tmp_path: Path) -> Iterator[WebServer]:
    with nginx(server.repo.parent, tmp_path / "nginx") as running:
        yield running


def ask(url: str, **more: Patience) -> Offer:
    return offered(url, CancelToken(), **more)


def commit_file(repo: Path, commit: str) -> Path:
    return repo / "objects" / commit[:2] / f"{commit[2:]}.commit"


def refusal(url: str, ref: str, key: Path | None = None) -> PhotreeError:
    with pytest.raises(PhotreeError) as caught:
        verified(url, ref, key, CancelToken())
    return caught.value


def test_the_branches_are_listed_with_what_their_commits_say(web: WebServer, server: Server):
    offer = ask(f"{web.url}repo")
    assert [each.ref for each in offer.branches] == [BASE, MINIMAL]
    assert offer.summary == "2 branches"
    base, minimal = measured(offer, CancelToken()).branches
    size = Repo.open(server.repo).commit_size(server.commit).stored
    assert (base.commit, base.version, base.packages) == (server.commit, "5.0_base.1", 2)
    assert size * 0.9 < base.size <= size
    assert base.summary == f"version 5.0_base.1, 2024-11-28, {base.size / 10**6:.1f} MB, 2 packages"
    assert (minimal.version, minimal.size, minimal.packages) == ("5.0_minimal", None, None)


def test_only_the_commits_are_fetched(web: WebServer, server: Server):
    measured(ask(f"{web.url}repo/"), CancelToken())
    paths = [request.path.rsplit(".", 1)[-1] for request in web.requests()]
    assert paths == ["/repo/summary", "commit", "commit"]


def test_a_directory_of_this_machine_is_asked_the_same(server: Server):
    offer = measured(ask(server.repo.as_uri()), CancelToken())
    assert offer.find(BASE).packages == 2
    assert (
        verified(server.repo.as_uri(), BASE, server.publisher.public, CancelToken()).packages == 2
    )


def test_a_branch_whose_commit_is_gone_or_damaged_cannot_be_chosen(web: WebServer, server: Server):
    offer = ask(f"{web.url}repo")
    base, minimal = (commit_file(server.repo, branch.commit) for branch in offer.branches)
    whole = base.read_bytes()
    for damaged in (b"damaged", whole.replace(b"5.0_base", b"6.0_base")):
        base.write_bytes(damaged)
        assert measured(offer, CancelToken()).branches[0].fault == "its commit is damaged"
    minimal.unlink()
    found = measured(offer, CancelToken()).branches[1]
    assert (found.fault, found.ref) == ("its commit is not on the server", MINIMAL)


def test_a_repository_without_a_summary_has_branches_to_be_typed(web: WebServer, server: Server):
    (server.repo / "summary").unlink()
    offer = ask(f"{web.url}repo")
    assert (offer.listed, offer.branches) == (False, ())
    assert "its branches are not known" in offer.summary
    key = server.publisher.public
    assert verified(f"{web.url}repo", BASE, key, CancelToken()).commit == server.commit
    error = refusal(f"{web.url}repo", "photon/9")
    assert isinstance(error, NoSuchBranchError)
    assert "has no ref 'photon/9'" in error.message


def test_an_empty_repository_says_so(web: WebServer, server: Server):
    for ref in (BASE, MINIMAL):
        ostree("refs", f"--repo={server.repo}", "--delete", ref)
    ostree("summary", "-u", f"--repo={server.repo}")
    assert ask(f"{web.url}repo").summary == "a repository without branches"


def test_each_kind_of_silence_has_its_sentence():
    cases = {
        "http://photree.invalid/repo": "photree.invalid is not known (DNS)",
        f"http://127.0.0.1:{closed_port()}/repo": "127.0.0.1 refused the connection",
    }
    for url, says in cases.items():
        with pytest.raises(NetworkError) as caught:
            ask(url)
        assert says in caught.value.message
        assert caught.value.hint
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NetworkError, match=r"127\.0\.0\.1 sent nothing for 0\.2 s"):
            ask(f"http://127.0.0.1:{port}/repo", patience=HASTY)


def test_what_answers_but_is_no_repository_says_so(web: WebServer, server: Server):
    with pytest.raises(NetworkError, match=r"nothing at this address \(404\)"):
        ask(f"{web.url}rep")
    (server.repo.parent / "site").mkdir()
    with pytest.raises(NetworkError, match="is not an OSTree repository: it has no config file"):
        ask(f"{web.url}site")
    (server.repo / "summary").write_text("<html>")
    with pytest.raises(OstreeError, match="not an OSTree summary"):
        ask(f"{web.url}repo")


@pytest.mark.parametrize(
    ("name", "days", "trusted", "says", "hint"),
    [
        ("IP:127.0.0.1", 30, False, "unable to get local issuer", "authority that signed it"),
        ("DNS:other.example.com", 30, True, "IP address mismatch", "Use the name"),
        ("IP:127.0.0.1", -1, True, "has expired", "renew it"),
        ("IP:127.0.0.1", 30, True, "", ""),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    days: int,
    trusted: bool,
    says: str,
    hint: str,
):
    ours, other = make_authority(tmp_path / "ours"), make_authority(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str((ours if trusted else other).certificate))
    certificate, key = ours.issue(name, days=days)
    secure = nginx(server.repo, tmp_path / "nginx", certificate=certificate, key=key)
    with secure as running:
        if not says:
            assert len(ask(running.url).branches) == 2
            return
        with pytest.raises(NetworkError) as caught:
            ask(running.url)
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_a_port_that_speaks_no_tls_is_told_apart_from_a_bad_certificate(web: WebServer):
    with pytest.raises(NetworkError, match="TLS with") as caught:
        ask(f"https://127.0.0.1:{web.port}/repo")
    assert caught.value.hint == "Check that this port speaks HTTPS."


def test_a_silent_server_lets_itself_be_called_away_from():
    token, accepted = CancelToken(), []
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def cancel_when_asked() -> None:
            accepted.append(silent.accept()[0])
            token.cancel()

        asked = threading.Thread(target=cancel_when_asked)
        asked.start()
        with pytest.raises(Cancelled):
            offered(f"http://127.0.0.1:{silent.getsockname()[1]}/repo", token)
        asked.join()
        accepted[0].close()


def test_a_signature_by_the_given_key_is_accepted(web: WebServer, server: Server):
    branch = verified(f"{web.url}repo", BASE, server.publisher.public, CancelToken())
    assert (branch.commit, branch.version, branch.packages) == (server.commit, "5.0_base.1", 2)
    assert verified(f"{web.url}repo", MINIMAL, None, CancelToken()).version == "5.0_minimal"


def test_another_key_is_refused_and_the_right_one_named(web: WebServer, server: Server):
    error = refusal(f"{web.url}repo", BASE, server.stranger.public)
    assert isinstance(error, SignatureError)
    assert f"but by the key {server.publisher.id[-16:]}" in error.message


def test_a_branch_that_nobody_signed_is_refused_when_a_key_is_given(web: WebServer, server: Server):
    error = refusal(f"{web.url}repo", MINIMAL, server.publisher.public)
    assert isinstance(error, SignatureError)
    assert "carries no signature" in error.message
    assert "unsigned" in error.hint


def test_a_missing_branch_is_told_with_what_was_probably_meant(web: WebServer):
    error = refusal(f"{web.url}repo", "photon/5.0/x86_64/minmal")
    assert isinstance(error, NoSuchBranchError)
    assert error.hint == f'did you mean "{MINIMAL}"?'
    assert f"there is: {BASE}, {MINIMAL}" in refusal(f"{web.url}repo", "zzz").hint


def test_exactly_a_commit_is_verified_when_that_was_asked_for(web: WebServer, server: Server):
    older = server.commit
    write_tree(server.repo.parent / "tree", many_files(3))
    commit_tree(server.repo, server.repo.parent / "tree", ref=BASE)
    key = server.publisher.public
    found = verified(f"{web.url}repo", BASE, key, CancelToken(), commit=older)
    assert found.commit == older
    assert "carries no signature" in refusal(f"{web.url}repo", BASE, key).message


def test_a_key_file_shows_its_fingerprint_and_owner(server: Server):
    found = read_key(server.publisher.public)
    assert found.fingerprints == (server.publisher.id,)
    assert found.summary.splitlines()[1] == "publisher <publisher@example.com>"
    assert found.summary.replace(" ", "").startswith(server.publisher.id)


def test_a_key_file_that_is_none_says_so(tmp_path: Path):
    (tmp_path / "text").write_text("no key")
    for path, says in {"text": "holds no GPG public key", "none": "does not exist"}.items():
        with pytest.raises(OstreeError, match=says):
            read_key(tmp_path / path)
    with pytest.raises(OstreeError, match="is not a file"):
        read_key(tmp_path)


def test_a_fetched_key_is_kept_for_this_user_alone(web: WebServer, server: Server, tmp_path: Path):
    text = server.publisher.public.read_text()
    (server.repo.parent / "key.asc").write_text(f"Our key:\n\n{text}")
    folder = tmp_path / "run/keys"
    found = fetch_key(f"{web.url}key.asc", folder, CancelToken())
    assert (found.origin, found.fingerprints) == (f"{web.url}key.asc", (server.publisher.id,))
    path = Path(found.path)
    assert list(folder.iterdir()) == [path]
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert verified(f"{web.url}repo", BASE, path, CancelToken()).commit == server.commit


def test_what_is_no_key_is_not_kept(web: WebServer, server: Server, tmp_path: Path):
    files = {"page": b"<html>", "half": server.publisher.public.read_bytes()[:200]}
    for name, content in files.items():
        (server.repo.parent / name).write_bytes(content)
        with pytest.raises(SignatureError, match=f"{name} is no GPG public key"):
            fetch_key(f"{web.url}{name}", tmp_path / "keys", CancelToken())
    with pytest.raises(NetworkError, match="has no such file"):
        fetch_key(f"{web.url}none", tmp_path / "keys", CancelToken())
    assert not list(tmp_path.glob("keys/*"))


def test_the_machines_inquiries_ask_the_world(web: WebServer, server: Server):
    from engine.command import SystemCommands

    ours: Inquiries = MachineInquiries(SystemCommands())
    key = str(server.publisher.public)
    offer = ours.measured(ours.offered(f"{web.url}repo", CancelToken()), CancelToken())
    assert offer.find(BASE).packages == 2
    assert ours.signing_key(key, CancelToken()).fingerprints == (server.publisher.id,)
    found = ours.verified(f"{web.url}repo", BASE, Path(key), None, CancelToken())
    assert found.commit == server.commit

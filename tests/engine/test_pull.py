"""Pulls over HTTP from a real server: whole, broken off, resumed, refused."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, NetworkError, OstreeError, PhotreeError, SignatureError
from engine.events import Event, LogLine, Progress
from engine.pull import pull
from engine.remotes import RemoteConfig, Tls, add_remote
from engine.repo import Repo
from tests.engine.conftest import Published
from tests.engine.trees import REF, commit_tree, many_files, ostree, write_tree
from tests.gpg import GpgKey
from tests.nginx import Request, WebServer, closed_port, nginx, self_signed

UNDER_WAY = 16  # requests that libostree has open, or not yet written, when it is stopped
STALLING = "location ~ ^/objects/[0-3].*filez { limit_rate 2k; }"  # a quarter takes 2 s each


def contents(requests: list[Request]) -> list[str]:
    return [each.path for each in requests if each.path.endswith(".filez") and each.status == 200]


def assert_whole(repo: Repo, published: Published) -> None:
    assert repo.resolve(f"photon:{REF}") == published.commit
    assert not repo.load_commit(published.commit).partial
    ostree("fsck", "--quiet", f"--repo={repo.path}")


def test_a_pull_brings_the_commit_with_exact_progress(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    events: list[Event] = []
    first = published.contents()[0].parent.name
    slow = f"location /objects/{first} {{ limit_rate 3k; }}"  # so that there is something to see
    with nginx(published.path, tmp_path / "nginx", directives=slow) as server:
        assert pull(target, "photon", REF, url=server.url, emit=events.append) == published.commit
    assert_whole(target, published)
    seen = [event for event in events if isinstance(event, Progress)]
    dones = [event.done for event in seen]
    stored = sum(path.stat().st_size for path in published.contents())
    assert len(seen) > 2
    assert dones == sorted(dones)
    assert seen[0].total == seen[-1].total == seen[-1].done >= stored
    assert {event.unit for event in seen} == {"bytes"}


def test_a_commit_without_recorded_sizes_is_counted_in_objects(
    target: Repo, tmp_path: Path
) -> None:
    tree = write_tree(tmp_path / "tree", many_files(20))
    commit = commit_tree(tmp_path / "plain", tree)
    events: list[Event] = []
    with nginx(tmp_path / "plain", tmp_path / "nginx") as server:
        assert pull(target, "photon", REF, url=server.url, emit=events.append) == commit
    last = events[-1]
    assert isinstance(last, Progress)
    assert (last.unit, last.done) == ("objects", last.total)


def test_a_repository_without_a_summary_is_pulled_by_name(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    (published.path / "summary").unlink()
    with nginx(published.path, tmp_path / "nginx") as server:
        assert pull(target, "photon", REF, url=server.url) == published.commit
    assert_whole(target, published)


def test_pulling_again_transfers_nothing(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    with nginx(published.path, tmp_path / "one") as server:
        pull(target, "photon", REF, url=server.url)
    with nginx(published.path, tmp_path / "two") as server:
        assert pull(target, "photon", REF, url=server.url) == published.commit
    assert contents(server.requests()) == []
    assert_whole(target, published)


def test_an_exact_commit_is_pulled_although_the_ref_has_moved_on(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    commit_tree(published.path, write_tree(tmp_path / "next", {"usr/new": "new"}))
    with nginx(published.path, tmp_path / "nginx") as server:
        pulled = pull(target, "photon", REF, commit=published.commit, url=server.url)
    assert pulled == published.commit
    assert_whole(target, published)


def test_a_cancelled_pull_leaves_no_ref_and_the_next_one_goes_on(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    token = CancelToken()

    def cancel_once_begun(event: Event) -> None:
        if isinstance(event, Progress) and event.done:
            token.cancel()

    slow = nginx(published.path, tmp_path / "slow", directives=STALLING)
    with slow as server, pytest.raises(Cancelled):
        pull(target, "photon", REF, url=server.url, emit=cancel_once_begun, cancel=token)
    assert target.resolve(f"photon:{REF}") is None
    assert_resumes(target, published, server, tmp_path)


def test_a_server_that_stops_half_way_is_named_and_the_next_pull_goes_on(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    events: list[Event] = []
    last = published.contents()[-1].parent.name
    half = f"location /objects/{last} {{ return 444; }}"  # closes without an answer
    # With requests still unread in its socket the kernel resets the connection: another code.
    broken = "closed the connection without an answer|the connection broke"
    with (
        nginx(published.path, tmp_path / "half", directives=half) as server,
        pytest.raises(NetworkError, match=broken) as caught,
    ):
        pull(target, "photon", REF, url=server.url, emit=events.append)
    assert "resumes" in caught.value.hint
    assert sum("Trying again" in e.text for e in events if isinstance(e, LogLine)) == 2
    assert target.resolve(f"photon:{REF}") is None
    assert_resumes(target, published, server, tmp_path)


def test_a_killed_pull_is_resumed(published: Published, target: Repo, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from engine.events import Progress
from engine.pull import pull
from engine.repo import Repo
def emit(event):
    if isinstance(event, Progress) and event.done:
        print("begun", flush=True)
pull(Repo.open(Path(sys.argv[1])), "photon", sys.argv[2], url=sys.argv[3], emit=emit)
"""
    with nginx(published.path, tmp_path / "slow", directives=STALLING) as server:
        argv = [sys.executable, "-c", program, str(target.path), REF, server.url]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            process.send_signal(signal.SIGKILL)
    assert_resumes(target, published, server, tmp_path)


def assert_resumes(target: Repo, published: Published, before: WebServer, tmp_path: Path) -> None:
    """A second pull asks only for what the first did not bring."""
    with nginx(published.path, tmp_path / "whole") as server:
        pull(target, "photon", REF, url=server.url)
    assert_whole(target, published)
    everything = len(published.contents())
    first, second = set(contents(before.requests())), contents(server.requests())
    assert 0 < len(first) < everything
    assert len(second) == len(set(second)) < everything
    assert len(first & set(second)) <= UNDER_WAY


def test_a_damaged_object_is_named_and_no_ref_is_set(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    one, other = published.contents()[:2]
    one.write_bytes(other.read_bytes())
    checksum = one.parent.name + one.stem
    with (
        nginx(published.path, tmp_path / "nginx") as server,
        pytest.raises(SignatureError, match=f"the object {checksum}"),
    ):
        pull(target, "photon", REF, url=server.url)
    assert target.resolve(f"photon:{REF}") is None


def signed_remote(target: Repo, key: GpgKey) -> None:
    add_remote(target, RemoteConfig("signed", "http://h/", gpg_verify=True, gpg_key=key.public))


def test_a_good_signature_is_accepted(
    published: Published, target: Repo, keys: tuple[GpgKey, GpgKey], tmp_path: Path
) -> None:
    signed_remote(target, keys[0])
    with nginx(published.path, tmp_path / "nginx") as server:
        assert pull(target, "signed", REF, url=server.url) == published.commit
    assert pull(target, "signed", REF, url=published.url) == published.commit


@pytest.mark.parametrize("over_http", [True, False])
@pytest.mark.parametrize("signed", [True, False])
def test_a_strangers_signature_and_none_are_refused_before_anything_is_copied(
    published: Published,
    target: Repo,
    keys: tuple[GpgKey, GpgKey],
    tmp_path: Path,
    over_http: bool,
    signed: bool,
) -> None:
    signed_remote(target, keys[1])
    if not signed:
        published.object(published.commit, "commitmeta").unlink()
    says = "not signed by a key that the remote trusts" if signed else "carries no signature"
    with nginx(published.path, tmp_path / "nginx") as server:
        url = server.url if over_http else published.url
        with pytest.raises(SignatureError, match=says):
            pull(target, "signed", REF, url=url)
    assert contents(server.requests()) == []
    assert target.resolve(f"signed:{REF}") is None


def test_a_commit_pulled_unverified_is_verified_when_a_remote_asks_for_it(
    published: Published, target: Repo, keys: tuple[GpgKey, GpgKey]
) -> None:
    pull(target, "photon", REF, url=published.url)
    signed_remote(target, keys[1])
    with pytest.raises(SignatureError):
        pull(target, "signed", REF, url=published.url)


@pytest.mark.parametrize("over_http", [True, False])
def test_a_commit_made_for_another_ref_is_refused(
    published: Published, target: Repo, tmp_path: Path, over_http: bool
) -> None:
    other = Repo.open(published.path)
    other.set_ref("photon/forged", published.commit)
    other.update_summary()
    with nginx(published.path, tmp_path / "nginx") as server:
        url = server.url if over_http else published.url
        with pytest.raises(SignatureError, match=f"was made for {REF}, not for photon/forged"):
            pull(target, "photon", "photon/forged", url=url)


def test_each_refusal_has_its_sentence(published: Published, target: Repo, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)

    def message(url: str, ref: str = REF) -> str:
        with pytest.raises(PhotreeError) as caught:
            pull(target, "photon", ref, url=url)
        return caught.value.message

    with nginx(published.path, tmp_path / "nginx") as server:
        assert "has no ref 'photon/6'" in message(server.url, "photon/6")
        assert "is not an OSTree repository" in message(server.url + "elsewhere")
    assert "does not accept connections" in message(f"http://127.0.0.1:{closed_port()}/")
    assert "does not resolve" in message("http://photree.invalid/repo")
    assert "must begin with" in message("rsync://h/repo")
    assert "not an OSTree repository" in message(f"file://{tmp_path}")
    secure = nginx(published.path, tmp_path / "tls", certificate=certificate, key=key)
    with secure as server:
        assert "certificate is not trusted" in message(server.url)
        trusting = RemoteConfig("secure", server.url, gpg_verify=False, tls=Tls(ca=certificate))
        add_remote(target, trusting)
        assert pull(target, "secure", REF) == published.commit


def test_an_unknown_remote_and_a_short_commit_id_are_refused(target: Repo) -> None:
    with pytest.raises(OstreeError, match="no remote 'other'"):
        pull(target, "other", REF, url="http://h/")
    with pytest.raises(OstreeError, match="not a commit id"):
        pull(target, "photon", REF, commit="abc", url="http://h/")

"""What is shown of a key, and where keys come from."""

import subprocess

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, NetworkError
from installer.ssh_keys import fetch_keys, is_address, key_facts
from tests.installer.kickstarts import KEY, OTHER_KEY
from tests.nginx import nginx, self_signed


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_the_fingerprint_is_that_of_ssh_keygen(tmp_path, kind):
    file = tmp_path / "key"
    make = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "ada at home", "-f", str(file)]
    subprocess.run(make, check=True)
    said = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{file}.pub"], check=True, capture_output=True, text=True
    ).stdout.split()
    facts = key_facts((tmp_path / "key.pub").read_text())
    assert (facts.fingerprint, facts.comment) == (said[1], "ada at home")


def test_options_in_front_are_no_part_of_a_key():
    restricted = key_facts(f'command="/bin/true",no-pty {KEY}')
    assert restricted == key_facts(KEY)
    assert (restricted.type, restricted.comment) == ("ssh-ed25519", "ada@example.com")


@pytest.mark.parametrize("line", ["", "hello", "ssh-rsa AAAA", "ssh-ed25519"])
def test_what_is_no_key_has_no_facts(line):
    assert key_facts(line) is None


def test_an_address_is_no_key():
    assert is_address("https://github.com/ada.keys")
    assert is_address("http://example.com/key")
    assert not is_address(KEY)
    assert not is_address("")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A function that serves a text over https, trusted, and returns its address."""
    (tmp_path / "root").mkdir()
    certificate, key = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def serve(text, directives=""):
        (tmp_path / "root/ada.keys").write_text(text)
        return nginx(
            tmp_path / "root",
            tmp_path / "nginx",
            directives=directives,
            certificate=certificate,
            key=key,
        )

    return serve


def test_keys_are_fetched_line_by_line(served):
    with served(f"# mine\n{KEY}\n\n{OTHER_KEY}\n") as server:
        assert fetch_keys(f"{server.url}ada.keys", CancelToken()) == (KEY, OTHER_KEY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("<!doctype html>\n<html>", "is a web page, not keys"),
        ("hello", "must begin with the key's type"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "this is the private one"),
        (f"{KEY}\n" * 4000, "is larger than 256 KiB"),
    ],
)
def test_what_holds_no_keys_is_refused(served, text, said):
    with served(text) as server, pytest.raises(NetworkError, match=said):
        fetch_keys(f"{server.url}ada.keys", CancelToken())


def test_a_missing_file_is_said(served):
    with served(KEY) as server, pytest.raises(NetworkError, match="has no such file"):
        fetch_keys(f"{server.url}bob.keys", CancelToken())


def test_http_is_refused_before_anything_is_asked():
    with pytest.raises(NetworkError, match="not fetched over http") as caught:
        fetch_keys("http://192.0.2.1/ada.keys", CancelToken())
    assert caught.value.hint == "Use https://, or paste the key."


def test_a_way_over_http_is_refused(served, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/ada.keys").write_text(KEY)
    with nginx(tmp_path / "plain", tmp_path / "http") as plain:
        redirect = f"location / {{ return 302 {plain.url}ada.keys; }}"
        with served(KEY, redirect) as server, pytest.raises(NetworkError, match="leads to http://"):
            fetch_keys(f"{server.url}ada.keys", CancelToken())


def test_an_unknown_certificate_is_refused(served, monkeypatch):
    with served(KEY) as server:
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(NetworkError, match=r"TLS with 127\.0\.0\.1 failed"):
            fetch_keys(f"{server.url}ada.keys", CancelToken())


def test_fetching_can_be_given_up(served):
    token = CancelToken()
    token.cancel()
    with served(KEY) as server, pytest.raises(Cancelled):
        fetch_keys(f"{server.url}ada.keys", token)

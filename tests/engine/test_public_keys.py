"""What is in files of public keys."""

import os
import subprocess
from pathlib import Path

import pytest

from engine.errors import OstreeError
from engine.public_keys import PublicKey, read_public_keys
from tests.gpg import GpgKey


def test_a_key_is_its_fingerprint_and_owner(keys: tuple[GpgKey, GpgKey]) -> None:
    [key] = read_public_keys(keys[0].public)
    assert key == PublicKey(keys[0].id, ("publisher <publisher@example.com>",))


def test_a_file_may_hold_several(keys: tuple[GpgKey, GpgKey], tmp_path: Path) -> None:
    both = tmp_path / "both.asc"
    both.write_text("".join(key.public.read_text() for key in keys))
    assert {key.fingerprint for key in read_public_keys(both)} == {key.id for key in keys}


def test_an_expired_key_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}
    gpg = ["gpg", "--batch", "--quiet", "--faked-system-time=20200101T000000!"]
    try:
        make = ["--passphrase", "", "--quick-generate-key", "old", "ed25519", "sign", "1d"]
        subprocess.run([*gpg, *make], env=environment, check=True, capture_output=True)
        shown = subprocess.run(
            [*gpg, "--armor", "--export"], env=environment, check=True, capture_output=True
        )
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)
    (tmp_path / "old.asc").write_bytes(shown.stdout)
    [key] = read_public_keys(tmp_path / "old.asc")
    assert (key.owners, key.fault) == (("old",), "expired")


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key")
    with pytest.raises(OstreeError, match="text"):
        read_public_keys(tmp_path / "text")

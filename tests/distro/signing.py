"""The key that signs the test packages: made once per cache, never part of the project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands

USER_ID = "Photree test packages <packages@photon.test>"
_PARAMETERS = f"""\
%no-protection
Key-Type: RSA
Key-Length: 2048
Key-Usage: sign
Name-Real: {USER_ID.split(" <", maxsplit=1)[0]}
Name-Email: packages@photon.test
Creation-Date: 20260101T000000
Expire-Date: 0
%commit
"""


@dataclass(frozen=True)
class Key:
    """A key pair as two armoured files."""

    secret: Path
    public: Path


@dataclass(frozen=True)
class SigningHome:
    """A GnuPG home with the secret key in it; valid inside `opened` only."""

    path: Path

    def sign(self, package: Path, commands: Commands) -> None:
        """Sign an RPM file in place, replacing a signature that it has."""
        macros = (f"_gpg_name {USER_ID}", f"_gpg_path {self.path}", "__gpg /usr/bin/gpg")
        defines = [word for macro in macros for word in ("--define", macro)]
        commands.run(
            ["rpmsign", "--resign", *defines, str(package)],
            env={"GNUPGHOME": str(self.path), "HOME": str(self.path)},
        )


def make_key(folder: Path, commands: Commands) -> Key:
    """The key pair kept in folder; made when there is none."""
    key = Key(folder / "secret.asc", folder / "public.asc")
    if key.secret.exists() and key.public.exists():
        return key
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _gnupg_home(commands) as home:
        environment = {"GNUPGHOME": str(home)}
        commands.run(["gpg", "--batch", "--generate-key"], input=_PARAMETERS, env=environment)
        for path, option in ((key.secret, "--export-secret-keys"), (key.public, "--export")):
            exported = commands.run(
                ["gpg", "--batch", "--armor", option, USER_ID], env=environment, quiet=True
            )
            path.touch(mode=0o600)
            path.write_text(exported.stdout)
    return key


@contextmanager
def opened(key: Key, commands: Commands) -> Iterator[SigningHome]:
    """A short-lived GnuPG home that can sign with key; its agent ends with it."""
    with _gnupg_home(commands) as home:
        commands.run(["gpg", "--batch", "--import", str(key.secret)], env={"GNUPGHOME": str(home)})
        yield SigningHome(home)


@contextmanager
def _gnupg_home(commands: Commands) -> Iterator[Path]:
    # In /tmp, because the agent's socket must have a short path.
    home = Path(tempfile.mkdtemp(prefix="photree-gnupg-", dir="/tmp"))
    try:
        yield home
    finally:
        commands.run(["gpgconf", "--homedir", str(home), "--kill", "all"], accept=(0, 1, 2))
        shutil.rmtree(home, ignore_errors=True)

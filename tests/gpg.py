"""GnuPG keys without passphrases, for servers that sign their commits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GpgKey:
    """homedir: for `ostree commit --gpg-homedir`. public: the armoured public key."""

    homedir: Path
    id: str
    public: Path

    def sign(self, repo: Path, commit: str) -> None:
        """Add a signature to a commit, as an administrator does before publishing."""
        where = (f"--repo={repo}", f"--gpg-homedir={self.homedir}")
        subprocess.run(
            ["ostree", "gpg-sign", *where, commit, self.id], check=True, capture_output=True
        )


@contextmanager
def gpg_key(folder: Path, name: str) -> Iterator[GpgKey]:
    """A new key in folder; GnuPG's agents end with the block."""
    home = folder / name
    home.mkdir(mode=0o700)
    user = f"{name} <{name}@example.com>"
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def gpg(*words: str) -> str:
        return subprocess.run(
            ["gpg", "--batch", "--quiet", *words],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    try:
        gpg("--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never")
        public = folder / f"{name}.asc"
        public.write_text(gpg("--armor", "--export", user))
        listed = gpg("--with-colons", "--list-keys", user).splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        yield GpgKey(home, fingerprint, public)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)

"""Repositories with one thing wrong, for tests of what a user is told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tests.distro.builder import Builder
from tests.distro.recipes import HERE
from tests.distro.repository import place, write_metadata
from tests.distro.signing import make_key, opened
from tests.distro.sources import OwnSource
from tests.distro.synthetic import read_own

DamageKind = Literal["wrong-checksum", "bad-signature", "missing-package", "unsatisfiable"]
# photree-chain-a requires photree-chain-b, which requires photree-chain-missing >= 2: no package.
CHAIN = ("photree-chain-a", "photree-chain-b")


def damage(folder: Path, kind: DamageKind, file_name: str, builder: Builder) -> None:
    """Damage the repository in folder.

    wrong-checksum: the file's last byte is not what the metadata promises (the size is).
    bad-signature: the file is signed with a key that nobody trusts; the metadata is right.
    missing-package: the file is in the metadata only.
    unsatisfiable: adds the packages of CHAIN; file_name stays as it is.
    """
    file = folder / file_name
    if kind == "wrong-checksum":
        contents = bytearray(file.read_bytes())
        contents[-1] ^= 0xFF
        _replace(file, bytes(contents))
    elif kind == "bad-signature":
        _sign_with_another_key(file, builder)
        write_metadata(folder, builder.commands)
    elif kind == "missing-package":
        file.unlink()
    else:
        chain = [HERE / "broken" / name for name in CHAIN]
        jobs = [builder.job(OwnSource(path, read_own(path), {})) for path in chain]
        for package in builder.build(jobs).values():
            place(package, folder)
        write_metadata(folder, builder.commands)


def _replace(file: Path, contents: bytes) -> None:
    """Give file new contents; other names of the old file keep theirs."""
    new = file.with_suffix(".new")
    new.write_bytes(contents)
    new.rename(file)


def _sign_with_another_key(file: Path, builder: Builder) -> None:
    with builder.locked():
        stranger = make_key(builder.cache / "key-of-a-stranger", builder.commands)
    _replace(file, file.read_bytes())
    with opened(stranger, builder.commands) as signing:
        signing.sign(file, builder.commands)

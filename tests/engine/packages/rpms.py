"""Small real RPM packages and repositories, made from a table."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "1700000000"}


@dataclass(frozen=True)
class Rpm:
    """A package to build. files: content by absolute path. relations: lines of the spec file
    ("Requires: b >= 2")."""

    name: str
    version: str = "1"
    release: str = "1"
    relations: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    arch: str = "noarch"
    summary: str = "test"

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version.split(':')[-1]}-{self.release}.{self.arch}.rpm"


@dataclass(frozen=True)
class SigningKey:
    """A key pair in a GnuPG home of its own. public: the armoured public key."""

    home: Path
    name: str
    public: Path


def build(packages: Sequence[Rpm], folder: Path, work: Path, key: SigningKey | None = None) -> None:
    """Put the packages into folder. work: an empty folder for rpmbuild. key: signs them all."""
    work.mkdir(parents=True)
    specs = [_write_spec(package, number, work) for number, package in enumerate(packages)]
    defines = {"_topdir": work, "_rpmdir": work / "rpms", "_dbpath": work / "db"}
    defines |= {"_rpmfilename": "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm"}
    _run("rpmbuild", "-bb", "--quiet", *_defined(defines), *specs)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((work / "rpms").glob("*.rpm")):
        shutil.move(path, folder / path.name)
    if key is not None:
        sign([folder / package.file_name for package in packages], key)


def sign(paths: Sequence[Path], key: SigningKey) -> None:
    defines = {"__gpg": "/usr/bin/gpg", "_gpg_path": key.home, "_gpg_name": key.name}
    _run("rpmsign", *_defined(defines), "--addsign", *paths, GNUPGHOME=str(key.home))


def index(folder: Path, *options: str) -> None:
    """createrepo_c."""
    _run("createrepo_c", "--quiet", "--no-database", *options, folder)


def make_key(home: Path, name: str, *, subkey: bool = False) -> SigningKey:
    """A key that signs, or one whose subkey does. `forget` ends its agent."""
    home.mkdir(mode=0o700, parents=True)
    gpg = ["gpg", "--batch", "--quiet", "--homedir", home, "--pinentry-mode", "loopback"]
    gpg += ["--passphrase", ""]
    _run(*gpg, "--quick-gen-key", f"{name} <{name}@example.com>", "rsa2048", "sign", "never")
    if subkey:
        listing = _run(*gpg, "--with-colons", "--list-keys").stdout
        fingerprint = next(line for line in listing.splitlines() if line.startswith("fpr"))
        _run(*gpg, "--quick-add-key", fingerprint.split(":")[9], "rsa2048", "sign", "never")
    public = home / "public.asc"
    public.write_text(_run(*gpg, "--armor", "--export").stdout)
    return SigningKey(home, name, public)


def forget(key: SigningKey) -> None:
    _run("gpgconf", "--homedir", key.home, "--kill", "all")


def detached_signature(path: Path, key: SigningKey) -> None:
    """PATH.asc"""
    gpg = ["gpg", "--batch", "--quiet", "--yes", "--homedir", key.home]
    _run(*gpg, "--armor", "--detach-sign", path)


def _write_spec(package: Rpm, number: int, work: Path) -> Path:
    epoch, _colon, version = package.version.rpartition(":")
    source = work / f"files{number}"
    for path, content in package.files.items():
        target = source / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    lines = [
        f"Name: {package.name}",
        f"Version: {version}",
        f"Release: {package.release}",
        *([f"Epoch: {epoch}"] if epoch else []),
        f"Summary: {package.summary}",
        "License: test",
        *([f"BuildArch: {package.arch}"] if package.arch == "noarch" else []),
        "AutoReqProv: no",
        *package.relations,
        "%description",
        "test",
        "%install",
        *([f"cp -a {source}/. %{{buildroot}}/"] if package.files else []),
        "%files",
        *package.files,
    ]
    spec = work / f"{number}.spec"
    spec.write_text("\n".join(lines) + "\n")
    return spec


def _defined(macros: Mapping[str, object]) -> list[str]:
    arguments = []
    for name, value in macros.items():
        arguments += ["--define", f"{name} {value}"]
    return arguments


def _run(*argv: object, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in argv],
        env={**_ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {done.stderr}{done.stdout}"
    return done

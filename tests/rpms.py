"""Small real RPM packages for tests, made by rpmbuild."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BUILD_TIME = 1767225600  # 2026-01-01


@dataclass(frozen=True)
class Entry:
    """A packaged file, directory (content None, no target) or symbolic link (target)."""

    content: str | bytes | None = ""
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    target: str | None = None
    directive: str = ""


def folder(mode: int = 0o755, owner: str = "root", group: str = "root") -> Entry:
    return Entry(None, mode, owner, group)


def link(target: str) -> Entry:
    return Entry(None, target=target)


@dataclass(frozen=True)
class Package:
    """scripts: spec section headers ("%post", "%transfiletriggerin -- /usr") and their bodies."""

    name: str
    files: dict[str, Entry] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    version: str = "1.0"
    release: str = "1.ph5"
    header: tuple[str, ...] = ()


def build(package: Package, into: Path) -> Path:
    """Build package, once for the same contents; the path of the RPM file below into."""
    into = into / hashlib.sha256(repr(package).encode()).hexdigest()[:16]
    for made in into.glob("*.rpm"):
        return made
    top = into / "build"
    root = top / "contents"
    root.mkdir(parents=True)
    listed = []
    for path, entry in package.files.items():
        _put(root / path.lstrip("/"), entry)
        listed.append(_listed(path, entry))
    spec = top / "package.spec"
    spec.write_text(_spec(package, root, listed))
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", spec],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(top), "SOURCE_DATE_EPOCH": str(BUILD_TIME)},
    )
    (built,) = top.glob("RPMS/*/*.rpm")
    result = into / built.name
    built.rename(result)
    shutil.rmtree(top)
    return result


def shell() -> Package:
    """A shell and a few programs, with their libraries, from this machine."""
    programs = ["cat", "chown", "ln", "mkdir", "touch", "id", "sed", "sleep", "rm"]
    files = {"/usr/bin/sh": Entry(Path("/bin/dash").read_bytes(), 0o755)}
    for program in programs:
        files[f"/usr/bin/{program}"] = Entry(_program(program).read_bytes(), 0o755)
    for path in libraries([Path("/bin/dash"), *map(_program, programs)]):
        inside = str(path) if str(path).startswith("/usr/") else f"/usr{path}"
        files[inside] = Entry(path.read_bytes(), 0o755)
    return Package("shell", files, header=("Provides: /bin/sh",))


def filesystem() -> Package:
    """Users, groups and directories, as the package of that name has them."""
    passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\n"
    return Package(
        "filesystem",
        {
            "/bin": link("usr/bin"),
            "/lib": link("usr/lib"),
            "/lib64": link("usr/lib64"),
            "/etc/passwd": Entry(passwd),
            "/etc/group": Entry("root:x:0:\ndaemon:x:1:\nwheel:x:10:\n"),
            "/etc/shadow": Entry("root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n", 0o640),
            "/etc/nsswitch.conf": Entry("passwd: files\ngroup: files\nhosts: files dns\n"),
            "/home": folder(),
            "/root": folder(0o700),
            "/var/lib": folder(),
            "/var/log": folder(),
            "/var/run": link("../run"),
        },
    )


def _program(name: str) -> Path:
    found = shutil.which(name, path="/usr/bin:/bin")
    assert found is not None, name
    return Path(found)


def libraries(programs: list[Path]) -> list[Path]:
    """The shared libraries that programs of this machine need."""
    output = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    words = {word for line in output.splitlines() for word in line.split() if word[0] == "/"}
    return sorted({Path(word) for word in words if not word.endswith(":")})


def _put(path: Path, entry: Entry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.target is not None:
        path.symlink_to(entry.target)
    elif entry.content is None:
        path.mkdir(exist_ok=True)
    else:
        data = entry.content.encode() if isinstance(entry.content, str) else entry.content
        path.write_bytes(data)


def _listed(path: str, entry: Entry) -> str:
    words = [entry.directive] if entry.directive else []
    if entry.target is None:
        words.append(f"%attr({entry.mode:04o},{entry.owner},{entry.group})")
        if entry.content is None:
            words.append("%dir")
    return " ".join([*words, f'"{path}"'])


def _spec(package: Package, root: Path, listed: list[str]) -> str:
    scripts = [f"{header}\n{body}\n" for header, body in package.scripts.items()]
    return "\n".join(
        [
            "%define debug_package %{nil}",
            "%define __os_install_post %{nil}",
            "%define _build_id_links none",
            "%define _binary_payload w3.zstdio",
            "%define use_source_date_epoch_as_buildtime 1",
            "%define clamp_mtime_to_source_date_epoch 1",
            "%define _buildhost test",
            f"Name: {package.name}",
            f"Version: {package.version}",
            f"Release: {package.release}",
            "Summary: test",
            "License: test",
            "AutoReqProv: no",
            *package.header,
            "%description",
            "test",
            "%install",
            f"mkdir -p %{{buildroot}} && cp -a {root}/. %{{buildroot}}/",
            *scripts,
            "%files",
            *listed,
            "",
        ]
    )

"""Small trees that libostree can deploy, repositories that hold them, and a pretended boot."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

KERNEL = "6.1.0-test"
REF = "photon/5.0/x86_64/minimal"

# Writes the menu as Photon's does, from the boot entries. Builtins only: the tree has no programs.
_MKCONFIG = """#!/bin/sh
[ -n "$FAIL_MKCONFIG" ] && { echo "no root device"; exit 1; }
folder=${2%/grub.cfg}
for entry in "$folder"/entries/*.conf; do
  while read -r key value; do echo "$key=$value"; done < "$entry"
done > "$2"
"""


def write_tree(folder: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """A bootable tree (kernel, initramfs, /usr/etc, os-release), with more files by path."""
    content: dict[str, str | bytes] = {
        f"usr/lib/modules/{KERNEL}/vmlinuz": "kernel",
        f"usr/lib/modules/{KERNEL}/initramfs.img": "initramfs",
        "usr/lib/os-release": 'ID=photon\nVERSION_ID=5.0\nPRETTY_NAME="Photon OS 5.0"\n',
        "usr/lib/ostree-boot/.keep": "",
        "usr/etc/hostname": "photon\n",
        "usr/bin/hello": "hello\n" * 50,
        **(files or {}),
    }
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    for name in ("boot", "dev", "proc", "run", "sys", "sysroot", "var", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    links = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
    for name, target in {**links, "ostree": "sysroot/ostree"}.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    return folder


def add_shell(folder: Path) -> None:
    """A shell with its libraries, and a grub-mkconfig for it."""
    shell = Path("/bin/dash")
    listed = subprocess.run(["ldd", shell], check=True, capture_output=True, text=True).stdout
    libraries = [word for word in listed.split() if word.startswith("/")]
    (folder / "usr/bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(shell, folder / "usr/bin/sh")
    for library in libraries:
        target = folder / "usr" / library.removeprefix("/usr").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    program = folder / "usr/sbin/grub-mkconfig"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(_MKCONFIG)
    program.chmod(0o755)


def many_files(count: int, size: int = 4000) -> dict[str, bytes]:
    """Files whose content does not compress, the same in every run."""
    return {
        f"usr/share/data/{number:04}": b"".join(
            hashlib.sha256(f"{number}-{block}".encode()).digest() for block in range(size // 32)
        )
        for number in range(count)
    }


def ostree(*words: str | Path) -> str:
    """The ostree command's output."""
    return ostree_text(*words).strip()


def ostree_text(*words: str | Path) -> str:
    """The ostree command's output as it is: that of `ostree cat` may end in blank lines."""
    done = subprocess.run(["ostree", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def committed_paths(repo: Path, revision: str, folder: str = "/") -> dict[str, str]:
    """path -> "mode uid gid" of all below folder, as `ostree ls` shows them: "-04755 77 77"."""
    found = {}
    for line in ostree("ls", "-R", revision, folder, f"--repo={repo}").splitlines():
        mode, uid, gid, _size, path = line.split(maxsplit=4)
        found[path.split(" -> ")[0]] = f"{mode} {uid} {gid}"
    return found


def commit_tree(repo: Path, tree: Path, *options: str, ref: str = REF) -> str:
    """Commit by the ostree command, making the archive repository; returns the commit's id."""
    if not (repo / "objects").exists():
        ostree("init", f"--repo={repo}", "--mode=archive")
    owner = ("--owner-uid=0", "--owner-gid=0")
    checksum = ostree(
        "commit", f"--repo={repo}", f"--branch={ref}", *owner, *options, f"--tree=dir={tree}"
    )
    ostree("summary", "-u", f"--repo={repo}")
    return checksum


def run_booted(
    sysroot: Path, deployment: Path, argv: Sequence[str], *, uid: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a program of this machine as if it had booted the deployment.

    The deployment is /, with the stateroot's /var, the system root /sysroot, and a mark in /run
    says so; /usr is the machine's, for the program; only GRUB's menu is made by the deployment's
    own grub-mkconfig. The machine's whole root is in /tmp/machine, this project and its packages
    first on Python's path.
    """
    script = f"""
root={deployment}
mount --bind $root $root
mount --bind {sysroot} $root/sysroot
mount --bind {sysroot}/boot $root/boot
mount --bind {deployment.parent.parent}/var $root/var
mkdir -p $root/var/tmp
mount -t proc proc $root/proc
mount --rbind /dev $root/dev
mount -t tmpfs tmpfs $root/run
mount -t tmpfs tmpfs $root/tmp
touch $root/run/ostree-booted
mkdir $root/tmp/machine
mount --bind / $root/tmp/machine
mount --bind /usr $root/usr
cd $root
exec chroot --userspec={uid}:{uid} . "$@"
"""
    project = Path(__file__).parents[2]
    found = [project, *project.glob(".venv/lib/python3.*/site-packages")]
    menu = deployment.relative_to(sysroot) / "usr/sbin/grub-mkconfig"
    space = ["unshare", "--mount", "--pid", "--fork", "--propagation", "private"]
    return subprocess.run(
        [*space, "sh", "-euc", script, "sh", *argv],
        env={
            **os.environ,
            "PYTHONPATH": ":".join(f"/tmp/machine{path}" for path in found),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OSTREE_GRUB2_EXEC": f"/sysroot/{menu}",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def run_python_booted(
    sysroot: Path, deployment: Path, *words: str, uid: int = 0
) -> subprocess.CompletedProcess[str]:
    """`python3 WORDS` of the machine's Python, which has libostree's bindings."""
    return run_booted(sysroot, deployment, ["/usr/bin/python3", *words], uid=uid)

"""A tree that has what an installation touches, and boots nothing: made in a second."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

REF = "photon/5.0/x86_64/minimal"
KERNEL = "6.1.0-test"

_FILES = {
    "usr/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "usr/etc/group": "root:x:0:\n",
    "usr/etc/shadow": "root:*:19000:0:99999:7:::\n",
    "usr/etc/gshadow": "root:::\n",
    "usr/etc/hosts": "127.0.0.1 localhost\n",
    "usr/etc/machine-id": "",
    "usr/etc/ssh/sshd_config": "Port 22\nPermitRootLogin no\n",
    "usr/lib/passwd": "daemon:x:1:1::/:/usr/sbin/nologin\n",
    "usr/lib/group": "daemon:x:1:\nwheel:x:10:\nsudo:x:27:\n",
    "usr/lib/os-release": 'NAME="Test"\nID=test\nVERSION_ID=1\nPRETTY_NAME="Test tree"\n',
    "usr/lib/systemd/system/hello.service": "[Service]\nExecStart=/bin/true\n"
    "[Install]\nWantedBy=multi-user.target\n",
    "usr/lib/systemd/system/systemd-resolved.service": "[Service]\nExecStart=/bin/true\n",
    f"usr/lib/modules/{KERNEL}/vmlinuz": "a kernel\n",
    f"usr/lib/modules/{KERNEL}/initramfs.img": "an initramfs\n",
}
_LINKS = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "home": "var/home",
    "root": "var/roothome",
    "srv": "var/srv",
    "opt": "var/opt",
    "mnt": "var/mnt",
    "ostree": "sysroot/ostree",
    "usr/local": "../var/usrlocal",
}
_DIRECTORIES = ("boot", "dev", "proc", "run", "sys", "sysroot", "tmp", "var", "usr/bin", "usr/sbin")
_DIRECTORIES += ("usr/lib/ostree-boot", "usr/lib64")


@dataclass(frozen=True)
class FakeTree:
    """repo: an archive repository whose REF points to commit."""

    repo: Path
    commit: str
    version: str = "5.0_minimal"


def make_fake_tree(folder: Path) -> FakeTree:
    """Commit the tree to folder/repo. Its shell is busybox when this machine has a static one."""
    root = folder / "root"
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "usr/etc/shadow").chmod(0o600)
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
    _add_programs(root)
    repo = folder / "repo"
    tree = FakeTree(repo, "")
    subprocess.run(["ostree", f"--repo={repo}", "init", "--mode=archive"], check=True)
    done = subprocess.run(
        [
            *("ostree", f"--repo={repo}", "commit", f"--branch={REF}", f"--tree=dir={root}"),
            *("--owner-uid=0", "--owner-gid=0", f"--add-metadata-string=version={tree.version}"),
            *("--bootable"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    subprocess.run(["ostree", f"--repo={repo}", "summary", "--update"], check=True)
    return FakeTree(repo, done.stdout.strip())


def _add_programs(root: Path) -> None:
    """A grub-mkconfig, this machine's shell, a few programs, and the libraries they need."""
    own = Path(__file__).parent.parent / "distro/own/photon-bls-grub/root"
    _copy(own / "usr/sbin/grub-mkconfig", root / "usr/sbin/grub-mkconfig")
    programs = ["/bin/sh", "/bin/bash"]
    programs += [
        f"/usr/bin/{name}"
        for name in ("cat", "id", "ls", "mv", "sed", "sleep", "sort", "tail", "touch", "tr")
    ]
    for program in programs:
        _copy(Path(program), root / "usr/bin" / Path(program).name)
        listing = subprocess.run(["ldd", program], check=True, capture_output=True, text=True)
        for word in listing.stdout.split():
            if word.startswith("/"):
                _copy(Path(word), root / "usr" / word.lstrip("/").removeprefix("usr/"))


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.resolve().read_bytes())
        target.chmod(0o755)

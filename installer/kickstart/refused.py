"""Keys of photon-os-installer that do not work here: each with the reason, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from engine.document import Document, Path
from engine.errors import Problem
from engine.validation import dotted


class Refusal(NamedTuple):
    """harmless: values that ask for nothing; the key is then left out silently."""

    reason: str
    hint: str = ""
    harmless: tuple[Any, ...] = ()


_LAYERS = Refusal(
    "packages cannot be added during the installation yet, the tree brings its own",
    "leave it out, or compose a tree that has them and name its repo_url and repo_ref",
    ([], ""),
)
_KERNEL = Refusal(
    "the kernel is part of the tree",
    "leave it out, or choose the branch of a tree that has this kernel by ostree.repo_ref",
    ("linux",),
)
_NO_TDNF = Refusal("nothing is installed package by package here", "leave it out")
_PREPKGS = Refusal(
    "there is no moment before the packages: the tree comes whole", "use postinstall", ([], "")
)
_BY_TREE = "it belongs to the tree"

# By path; "*" stands for any key or index
REFUSED: dict[tuple[str, ...], Refusal] = {
    ("packages",): _LAYERS,
    ("additional_packages",): _LAYERS,
    ("packagelist_file",): _LAYERS,
    ("packagelist_files",): _LAYERS,
    ("packages_x86_64",): _LAYERS,
    ("packages_aarch64",): _LAYERS,
    ("additional_rpms_path",): _LAYERS,
    ("linux_flavor",): _KERNEL,
    ("linux_flavor_x86_64",): _KERNEL,
    ("linux_flavor_aarch64",): _KERNEL,
    ("tdnf_cachedir",): _NO_TDNF,
    ("no_clean",): _NO_TDNF._replace(harmless=(True, False)),
    ("prepkgsinstall",): _PREPKGS,
    ("prepkgsinstallscripts",): _PREPKGS,
    ("photon_docker_image",): Refusal(
        "container images are not part of a tree", "pull it in a firstboot script"
    ),
    ("docker",): Refusal(
        "container images cannot be loaded while a tree is deployed",
        "load them in a firstboot script",
    ),
    ("ansible",): Refusal(
        "playbooks change packages and /usr, which are read-only in a tree",
        "use postinstall for /etc and /var, and the treefile for the rest",
    ),
    ("security", "selinux"): Refusal(
        f"SELinux is a matter of the treefile ({_BY_TREE})", "leave it out", ("disabled", None)
    ),
    ("security", "fips"): Refusal(
        f"the FIPS modules are a matter of the treefile ({_BY_TREE})",
        'leave it out; a tree with them takes "kargs": ["fips=1"]',
        (False, None),
    ),
    ("user_grub_cfg_file",): Refusal(
        "the boot menu is written from the deployments", "write kernel arguments in kargs"
    ),
    ("setup_grub_script",): Refusal(
        "the boot menu is written from the deployments", "write kernel arguments in kargs"
    ),
    ("grub",): Refusal("a password of the boot menu is not supported yet", "leave it out"),
    ("dps",): Refusal(
        "partitions are found by fstab, not by their types", "leave it out", (False,)
    ),
    ("manifest_file",): Refusal("no manifest is written yet", "leave it out", (None, "")),
    ("no_unmount",): Refusal(
        "everything is unmounted at the end, always", "leave it out", (False,)
    ),
    ("archives",): Refusal("no archive of the tree is made", "leave it out", ([], {})),
    ("autopartition",): Refusal(
        "without partitions the default layout is used",
        "leave partitions and this key out",
        (True,),
    ),
    ("build_mounts",): Refusal("a tree is deployed as it is", "leave it out", ([],)),
    ("plugins",): Refusal("plugins of photon-os-installer do not run here", "leave it out", ([],)),
    ("server",): Refusal(
        "the server profile cannot be installed yet", "install a host, leave this key out"
    ),
    ("partitions", "*", "ab"): Refusal(
        "OSTree already keeps two systems and switches between them at boot",
        "leave it out, rollback is built in",
        (False,),
    ),
    ("partitions", "*", "all_disk"): Refusal(
        "a disk without a partition table is not supported yet",
        'leave it out and write "size": 0 for one partition over the disk',
        (False,),
    ),
}


def refuse(document: Document) -> tuple[Document, list[Problem], list[Path]]:
    """The document without refused keys, the problems they are, and where they were."""
    problems: list[Problem] = []
    gone: list[Path] = []
    for pattern, refusal in REFUSED.items():
        for path in _matches(document.data, pattern):
            if not any(_same(document.find(path), value) for value in refusal.harmless):
                where = document.place(path, of_key=True)
                message = f'"{dotted(path)}" is not possible: {refusal.reason}'
                problems.append(Problem(where, message, refusal.hint))
            gone.append(path)
    for path in gone:
        document = document.without(path)
    if document.has(("security",)) and document.find(("security",)) == {}:
        document = document.without(("security",))
    return document, problems, gone


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _matches(data: Any, pattern: tuple[str, ...], path: Path = ()) -> Iterator[Path]:
    if not pattern:
        yield path
    elif pattern[0] == "*":
        for index, item in enumerate(data if isinstance(data, list) else []):
            yield from _matches(item, pattern[1:], (*path, index))
    elif isinstance(data, dict) and pattern[0] in data:
        yield from _matches(data[pattern[0]], pattern[1:], (*path, pattern[0]))

"""What a machine's tree has that its base commit has not, as the origin asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import PackageError
from engine.origin import Origin

_REPOSITORY = "repo="


@dataclass(frozen=True)
class RepositoryReplacement:
    """The package of the base tree called name gives its place to the one that the repository has,
    in the best version that it has by then."""

    repo: str
    name: str

    @property
    def source(self) -> str:
        """As commits and `status` call it."""
        return f"{_REPOSITORY}{self.repo}"

    def __str__(self) -> str:
        return f"{self.source},{self.name}"


def read_replacements(entries: Iterable[str]) -> tuple[RepositoryReplacement, ...]:
    """Of an origin's `[overrides] replace`, whose entries are "repo=ID,NAME,NAME".

    This is the form that rpm-ostree's client reads and writes (its rust/src/origin.rs). It refuses
    an origin with another kind of source, so every package has a repository here, even if none was
    asked for. It knows names only: a version that a repository has dropped would end all upgrades.
    One build for good is a local replacement (`replace-local`, "SHA256:NEVRA") wherever it came
    from. Of several entries for one name the last one counts. Raises PackageError for other text.
    """
    found: dict[str, RepositoryReplacement] = {}
    for entry in entries:
        source, *names = entry.split(",")
        repo = source.removeprefix(_REPOSITORY)
        if repo in ("", source) or not all(names):
            raise PackageError(
                f'The override "{entry}" in the origin cannot be read.',
                "It should be repo=ID,NAME. `photree override reset --all` ends all overrides.",
            )
        found |= {name: RepositoryReplacement(repo, name) for name in names}
    return tuple(found.values())


def written_replacements(replacements: Iterable[RepositoryReplacement]) -> tuple[str, ...]:
    """For an origin: an entry a repository."""
    names: dict[str, set[str]] = {}
    for each in replacements:
        names.setdefault(each.source, set()).add(each.name)
    return tuple(",".join([source, *sorted(found)]) for source, found in names.items())


@dataclass(frozen=True)
class LocalChanges:
    """requested: names, provides, globs, name-version-release.arch or paths. local,
    local_fileoverride, replacements: "SHA256:NEVRA" of packages whose commits the repository has;
    local_fileoverride's files may take the place of the base tree's. repository_replacements: what
    else takes a base package's place. removals: names of packages of the base tree.
    initramfs_etc: files of /etc for the initramfs, absolute."""

    requested: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    local_fileoverride: tuple[str, ...] = ()
    removals: tuple[str, ...] = ()
    replacements: tuple[str, ...] = ()
    repository_replacements: tuple[RepositoryReplacement, ...] = ()
    regenerate_initramfs: bool = False
    initramfs_arguments: tuple[str, ...] = ()
    initramfs_etc: tuple[str, ...] = ()

    @classmethod
    def of(cls, origin: Origin) -> LocalChanges:
        return cls(
            requested=origin.requested_packages,
            local=origin.requested_local_packages,
            local_fileoverride=origin.requested_local_fileoverride_packages,
            removals=origin.removals,
            replacements=origin.local_replacements,
            repository_replacements=read_replacements(origin.replacements),
            regenerate_initramfs=origin.regenerate_initramfs,
            initramfs_arguments=origin.initramfs_arguments,
            initramfs_etc=origin.initramfs_etc,
        )

    @property
    def makes_initramfs(self) -> bool:
        return self.regenerate_initramfs or bool(self.initramfs_etc)

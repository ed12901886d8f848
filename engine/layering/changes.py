"""What a machine's tree has that its base commit has not, as the origin asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.origin import Origin


@dataclass(frozen=True)
class LocalChanges:
    """requested: names, provides, globs, name-version-release.arch or paths. local,
    local_fileoverride, replacements: "SHA256:NEVRA" of packages whose commits the repository has;
    local_fileoverride's files may take the place of the base tree's. removals: names of packages of
    the base tree. initramfs_etc: files of /etc for the initramfs, absolute."""

    requested: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    local_fileoverride: tuple[str, ...] = ()
    removals: tuple[str, ...] = ()
    replacements: tuple[str, ...] = ()
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
            regenerate_initramfs=origin.regenerate_initramfs,
            initramfs_arguments=origin.initramfs_arguments,
            initramfs_etc=origin.initramfs_etc,
        )

    @property
    def makes_initramfs(self) -> bool:
        return self.regenerate_initramfs or bool(self.initramfs_etc)

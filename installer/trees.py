"""The door to libostree: the engine's operations on the new machine's sysroot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.origin import Origin
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
from engine.sysroot import Sysroot, initialise_sysroot, prepare_grub_boot
from installer.doors import Tree
from installer.media import is_repository
from installer.plan import Remote, Source


class OstreeTrees:
    """Works on a mounted target. Raises OstreeError, NetworkError, SignatureError, Cancelled."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel

    def initialise(self, sysroot: Path, osname: str) -> None:
        """The repository, the stateroot, and a /boot that libostree takes for GRUB's."""
        initialise_sysroot(sysroot, osname)
        # GRUB of Photon and Fedora reads its menu from another directory.
        prepare_grub_boot(sysroot, "grub2")

    def add_remote(self, sysroot: Path, remote: Remote) -> None:
        """Configure the remote that the installed machine follows, with its key."""
        config = RemoteConfig(
            name=remote.name, url=remote.url, gpg_verify=remote.gpg_verify, gpg_key=remote.gpg_key
        )
        add_remote(_repository(sysroot), config)

    def pull(self, sysroot: Path, source: Source, url: str, emit: Emit) -> str:
        """Pull the source's ref, or exactly its commit, from url; returns the commit's id."""
        repo = _repository(sysroot)
        repo.set_fsync(False)  # the installation ends with a sync of the whole disk
        return pull(
            repo,
            source.remote.name,
            source.ref,
            commit=source.commit,
            url=url,
            emit=emit,
            cancel=self._cancel,
            step="pull-tree",
        )

    def deploy(
        self, sysroot: Path, source: Source, commit: str, kernel_arguments: Sequence[str]
    ) -> Tree:
        """Deploy the commit, following the remote's ref from now on."""
        root = Sysroot.load(sysroot, writable=True)
        origin = Origin.for_refspec(f"{source.remote.name}:{source.ref}")
        deployment = root.deploy(
            source.osname, commit, origin, kernel_arguments, cancel=self._cancel
        )
        version = root.repo.load_commit(commit).version or ""
        var = sysroot / "ostree/deploy" / source.osname / "var"
        return Tree(commit, version, deployment.path, var)

    def locate_repository(self, folder: Path) -> Path:
        """The repository in an unpacked tar file: its top, or a directory below it."""
        candidates = [folder, *sorted(path for path in folder.glob("**/") if path.name == "repo")]
        found = next((path for path in candidates if is_repository(path)), None)
        if found is None:
            raise OstreeError(
                "The archive holds no OSTree repository.",
                hint="It should hold a repository's config and objects.",
            )
        return found


def _repository(sysroot: Path) -> Repo:
    return Repo.open(sysroot / "ostree/repo")

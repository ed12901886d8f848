"""Photon's official OSTree repositories, as photon-os-installer 2.8 names them."""

from __future__ import annotations

RELEASE = "5.0"
_URL = "https://packages.vmware.com/photon/rpm-ostree/base/{release}/{arch}/repo"
_REF = "photon/{release}/{arch}/minimal"


def official_ref(arch: str, release: str = RELEASE) -> str:
    """The branch of a minimal host."""
    return _REF.format(release=release, arch=arch)


def official_url(ref: str, arch: str) -> str:
    """Where the updates of an official branch (photon/RELEASE/ARCH/NAME) come from."""
    parts = ref.split("/")
    release = parts[1] if len(parts) == 4 and parts[0] == "photon" else RELEASE
    return _URL.format(release=release, arch=arch)

"""Making RPM files: rpmbuild on a prepared build root, then the test key's signature."""

from __future__ import annotations

from pathlib import Path

from engine.command import Commands
from engine.errors import PackageError
from tests.distro.signing import SigningHome
from tests.distro.spec import Package, write_spec
from tests.distro.tree import Tree

# The same for every build, so that equal inputs give equal packages: 5 January 2026.
EPOCH = 1767571200
_MACROS = {
    "_binary_payload": "w3.zstdio",
    "_build_name_fmt": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
    "_buildhost": "builder.photon.test",
    "use_source_date_epoch_as_buildtime": "1",
    "clamp_mtime_to_source_date_epoch": "0",
    "debug_package": "%{nil}",
    "_build_id_links": "none",
    "__os_install_post": "%{nil}",
    # The build root is filled already and must not be emptied.
    "__spec_install_pre": "%{nil}",
}


def build_rpm(
    package: Package, tree: Tree, folder: Path, signing: SigningHome, commands: Commands
) -> Path:
    """Build and sign one package below folder; the path of the RPM file.

    Raises CommandError when rpmbuild refuses, and PackageError when it wrote no file.
    """
    spec = folder / f"{package.name}.spec"
    spec.write_text(write_spec(package, tree.entries.values()), encoding="utf-8")
    output = folder / "RPMS"
    macros = {**_MACROS, "_topdir": str(folder), "_rpmdir": str(output)}
    defines = [word for item in macros.items() for word in ("--define", " ".join(item))]
    target = ["--buildroot", str(tree.root), "--target", f"{package.architecture}-linux"]
    commands.run(
        ["rpmbuild", "-bb", "--quiet", "--nodeps", "--noclean", *defines, *target, str(spec)],
        # HOME keeps rpmbuild away from the user's own macros.
        env={"SOURCE_DATE_EPOCH": str(EPOCH), "HOME": str(folder)},
        quiet=True,
    )
    files = list(output.glob("*.rpm"))
    if len(files) != 1:
        raise PackageError(f"rpmbuild made {len(files)} packages of {package.name}.")
    signing.sign(files[0], commands)
    return files[0]

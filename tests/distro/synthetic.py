"""Our own packages: a folder with package.yaml, and with the files below root/.

Beyond that folder, `photree` takes the project's sources and `nss-altfiles` compiles its module.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from engine.command import Commands
from tests.distro.apply import account_requirements, apply_recipe, scriptlets
from tests.distro.recipes import HERE, Recipe, parse_yaml
from tests.distro.rpms import EPOCH
from tests.distro.spec import Change, Package
from tests.distro.tree import Entry, Tree
from tests.distro.versions import DIST

OWN = HERE / "own"
PROJECT = HERE.parent.parent
_DIST_PACKAGES = "usr/lib/python3/dist-packages"
_VERSION = re.compile(r"@VERSION:(\S+?)@")
_AUTHOR = "Photree tests <packages@photon.test>"
_CFLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared")


class OwnRecipe(Recipe):
    """package.yaml: a recipe, and what a Debian package would say of itself.

    links: path to target. sources: folders of the project, and where their Python goes.
    libraries: C file to the path of the shared library made of it.
    distributions: Python distributions to take from the environment the tests run in.
    executables: files below root/ with mode 0755. release: counted by us, before the rebuild.
    """

    version: str
    release: int = 1
    noarch: bool = True
    summary: str
    description: str = ""
    licence: str = "LGPL-2.1-or-later"
    group: str = "System Environment/Base"
    links: Mapping[str, str] = {}
    sources: Mapping[str, str] = {}
    libraries: Mapping[str, str] = {}
    distributions: tuple[str, ...] = ()
    executables: tuple[str, ...] = ()


def own_folders() -> list[Path]:
    """The folders of our own packages, sorted; a folder's name is the package's."""
    return sorted(path.parent for path in OWN.glob("*/package.yaml"))


def read_own(folder: Path) -> OwnRecipe:
    """The recipe of one of our own packages; @VERSION:x@ is that of the installed x."""
    text = (folder / "package.yaml").read_text()
    text = _VERSION.sub(lambda match: metadata.version(match.group(1)), text)
    return OwnRecipe.model_validate(parse_yaml(text))


def shared_directories() -> frozenset[str]:
    """The paths that `filesystem` owns, links between the halves of the merge included."""
    recipe = read_own(OWN / "filesystem")
    return frozenset({*recipe.directories, *recipe.links})


def source_digest(folder: Path, recipe: OwnRecipe, extra: Mapping[str, Path]) -> str:
    """Changes with any file that the package is made from."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    for path, file in sorted([*_source_files(folder, recipe), *extra.items()]):
        digest.update(f"{path}\0{file.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def make_own(
    folder: Path,
    recipe: OwnRecipe,
    tree: Tree,
    release: int,
    extra: Mapping[str, Path],
    commands: Commands,
) -> Package:
    """Fill tree and return the rest of the package. extra: more files, by path in the package."""
    for path, file in sorted([*_source_files(folder, recipe), *extra.items()]):
        if path.endswith(".c"):
            continue
        mode = 0o755 if path in recipe.executables else 0o644
        config = path.startswith("etc/")
        tree.add_file(Entry(path, "file", mode, config=config), file.read_bytes(), EPOCH)
    for source, path in recipe.libraries.items():
        _compile_library(folder / source, path, tree, commands)
    apply_recipe(recipe, tree)
    for path, target in recipe.links.items():
        tree.add_link(path, target)
    python = {*recipe.sources.values(), *([_DIST_PACKAGES] if recipe.distributions else [])}
    tree.compile_python(python)
    for path in python:
        _own_directories(path, tree)
    name = folder.name
    return Package(
        name=name,
        epoch="0",
        version=recipe.version,
        release=f"{recipe.release}.{release}.{DIST}",
        noarch=recipe.noarch,
        summary=recipe.summary,
        description=recipe.description or recipe.summary,
        licence=recipe.licence,
        url="https://photon.test/",
        group=recipe.group,
        dependencies=_dependencies(name, recipe),
        scriptlets=scriptlets(name, recipe, tree),
        changelog=(
            Change(EPOCH, _AUTHOR, f"{recipe.version}-{recipe.release}", ("- First version",)),
        ),
        automatic=recipe.automatic,
    )


def _dependencies(name: str, recipe: OwnRecipe) -> dict[str, list[str]]:
    first = [] if name == "filesystem" else ["filesystem"]
    return {
        "Requires(pre)": [*first, *account_requirements(recipe), *recipe.requires_pre],
        "Requires(post)": list(recipe.requires_post),
        "Requires": list(recipe.requires),
        "Recommends": list(recipe.recommends),
        "Provides": [f"{name} = {recipe.version}-{recipe.release}", *recipe.provides],
        "Conflicts": list(recipe.conflicts),
        "Obsoletes": list(recipe.obsoletes),
    }


def _source_files(folder: Path, recipe: OwnRecipe) -> Iterator[tuple[str, Path]]:
    """Files by their path in the package; C sources by their own name."""
    root = folder / "root"
    for file in sorted(root.rglob("*")):
        if file.is_file():
            yield str(file.relative_to(root)), file
    for source in recipe.libraries:
        yield source, folder / source
    for distribution in recipe.distributions:
        for path in metadata.files(distribution) or ():
            if "__pycache__" not in path.parts and ".." not in path.parts:
                yield f"{_DIST_PACKAGES}/{path}", Path(path.locate())
    for source, destination in recipe.sources.items():
        for file in sorted((PROJECT / source).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{destination}/{file.relative_to(PROJECT)}", file


def _own_directories(folder: str, tree: Tree) -> None:
    """Make the package the owner of folder and of every directory below it."""
    for path in list(tree.entries):
        for parent in Path(path).parents:
            if str(parent) == folder or Path(folder) in parent.parents:
                tree.add_directory(str(parent), 0o755)


def _compile_library(source: Path, path: str, tree: Tree, commands: Commands) -> None:
    built = tree.root.parent / Path(path).name
    commands.run(["gcc", *_CFLAGS, f"-Wl,-soname,{built.name}", "-o", str(built), str(source)])
    tree.add_file(Entry(path, "file", 0o755), built.read_bytes(), EPOCH)

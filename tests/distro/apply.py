"""Carrying out a recipe on a package's files, and the scriptlets that follow from both."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from pathlib import PurePosixPath

from engine.errors import PackageError
from tests.distro.recipes import Attributes, FileRecipe, Group, Recipe, User
from tests.distro.tree import Entry, Tree

_UNIT_TYPES = (".service", ".socket", ".timer", ".path")
_UNITS = PurePosixPath("usr/lib/systemd/system")


def apply_recipe(recipe: Recipe, tree: Tree) -> None:
    """Add the recipe's files and directories and set its attributes.

    Raises PackageError for a recipe that speaks of files the package does not have.
    """
    for path, attributes in recipe.directories.items():
        tree.add_directory(
            path, attributes.mode or 0o755, attributes.user or "root", attributes.group or "root"
        )
    for path, file in recipe.files.items():
        _add_file(path, FileRecipe(text=file) if isinstance(file, str) else file, tree)
    for path, attributes in recipe.attributes.items():
        if path not in tree.entries:
            raise PackageError(f"A recipe names {path}, which its package does not have.")
        _set_attributes(path, attributes, tree)


def _add_file(path: str, file: FileRecipe, tree: Tree) -> None:
    if file.link is not None:
        tree.add_link(path, file.link)
        return
    config = path.startswith("etc/")
    entry = Entry(path, "file", file.mode, file.user, file.group, config=config)
    tree.add_file(entry, _contents(path, file, tree))


def _contents(path: str, file: FileRecipe, tree: Tree) -> bytes:
    if file.text is not None:
        return file.text.encode()
    pattern = file.copy_of or file.join
    names = sorted(fnmatch.filter(tree.entries, pattern)) if pattern else []
    if not names:
        raise PackageError(f"The recipe of {path} finds no {pattern or 'source'}.")
    return b"".join(tree.path(name).read_bytes() for name in names)


def _set_attributes(path: str, attributes: Attributes, tree: Tree) -> None:
    tree.change(path, **attributes.model_dump(exclude_none=True))


def scriptlets(name: str, recipe: Recipe, tree: Tree) -> dict[str, str]:
    """The package's scriptlets: accounts, the recipe's own, and presets for its units."""
    scripts: dict[str, str] = {
        section: text.strip("\n") for section, text in recipe.scriptlets.items()
    }
    accounts = _account_commands(recipe)
    if accounts:
        scripts["pre"] = "\n".join([*accounts, scripts.get("pre", "")]).strip("\n")
    units = " ".join(_installable_units(tree))
    if units and name != "systemd":
        _prepend(scripts, "post", f'[ "$1" -gt 1 ] || systemctl --no-reload preset {units} || :')
        _prepend(scripts, "preun", f'[ "$1" -gt 0 ] || systemctl --no-reload disable {units} || :')
    trigger = scripts.pop("transfiletriggerin", None)
    if trigger is not None:
        scripts[f"transfiletriggerin -- {' '.join(recipe.trigger_paths)}"] = trigger
    return scripts


def _prepend(scripts: dict[str, str], section: str, command: str) -> None:
    """Put a command of systemd's first; a machine without systemd skips it."""
    guarded = f"if [ -x /usr/bin/systemctl ]; then\n  {command}\nfi >/dev/null 2>&1"
    scripts[section] = "\n".join(filter(None, [guarded, scripts.get(section, "")]))


def _account_commands(recipe: Recipe) -> list[str]:
    """Commands that fail, and with them the installation, when an account cannot be made."""
    groups: list[Group | User] = [*recipe.groups, *recipe.users]
    commands = [
        f"getent group {group.name} >/dev/null || groupadd -r -g {group.id} {group.name} || exit 1"
        for group in groups
    ]
    commands += [
        f"getent passwd {user.name} >/dev/null || useradd -r -M -N -u {user.id} -g {user.name}"
        f" -d {user.home} -s {user.shell} {user.name} || exit 1"
        for user in recipe.users
    ]
    return commands


def account_requirements(recipe: Recipe) -> list[str]:
    """Packages with the programs that make the recipe's accounts, needed by %pre."""
    return ["libc-bin", "login", "passwd"] if recipe.users or recipe.groups else []


def _installable_units(tree: Tree) -> Iterable[str]:
    """Names of the units with an [Install] section, templates excepted."""
    for path in sorted(tree.entries):
        name = PurePosixPath(path)
        if (
            name.parent == _UNITS
            and name.suffix in _UNIT_TYPES
            and "@" not in name.name
            and tree.entries[path].kind == "file"
            and "\n[Install]" in tree.path(path).read_text(errors="replace")
        ):
            yield name.name

"""The keys of a treefile, as rpm-ostree's "Treefile reference" describes them.

Every key may be written with "-" or "_"; `canonical_key` gives the one spelling used here. Defaults
are rpm-ostree's for edition 2014; `engine.treefile` applies those that edition 2024 changes.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt

from engine.validation import RuleError

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONDITION = re.compile(r"\s*([A-Za-z_]\w*)\s*(==|!=|<=|>=|<|>)\s*(\S.*?)\s*")

Variable = StrictBool | StrictInt | str


@dataclass(frozen=True)
class Condition:
    """`variable operator value` of a conditional include."""

    variable: str
    comparison: str
    value: Variable

    def holds(self, variables: Mapping[str, Variable]) -> bool:
        """Raises RuleError for an unknown variable or one of another type."""
        if self.variable not in variables:
            raise RuleError(f'the variable "{self.variable}" is not defined')
        actual = variables[self.variable]
        if type(actual) is not type(self.value):
            kinds = {bool: "true or false", int: "a number", str: "text"}
            raise RuleError(
                f"{self.variable} is {kinds[type(actual)]}, not {kinds[type(self.value)]}"
            )
        return _OPERATORS[self.comparison](actual, self.value)


def parse_condition(text: str) -> Condition:
    """Numbers may be ordered, texts (in quotes) and true/false only compared for equality."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise RuleError("must be VARIABLE OPERATOR VALUE", 'for example: stream == "stable"')
    variable, comparison, written = match.groups()
    value: Variable
    if written in ("true", "false"):
        value = written == "true"
    elif re.fullmatch(r"-?\d+", written):
        value = int(written)
    elif len(written) >= 2 and written[0] == written[-1] and written[0] in "\"'":
        value = written[1:-1]
    else:
        raise RuleError("must compare with true, false, a number or a text in quotes")
    if comparison not in ("==", "!=") and type(value) is not int:
        raise RuleError(f"must not use {comparison} with anything but a number")
    return Condition(variable, comparison, value)


def split_packages(entry: str) -> tuple[str, ...]:
    """The names in one entry of a package list: separated by blanks, unless '...' encloses one.

    An entry that begins with "(" is one rich dependency, which has blanks of its own.
    """
    text = entry.strip()
    if text.startswith("("):
        return (text,)
    words = re.findall(r"'[^']*'|[^\s']+|'", text)
    names = tuple(word.strip("'").strip() for word in words)
    if "'" in words or "" in names:
        raise RuleError("must have a name in quotes that end")
    return names


def canonical_key(key: str) -> str:
    """The spelling used here: with "-", but "_" stays in the name of an architecture."""
    plain = key.replace("_", "-")
    if plain.startswith("packages-"):
        return f"packages-{key[len('packages-') :]}"
    return plain


def _check_condition(text: str) -> str:
    parse_condition(text)
    return text


def _check_package(entry: str) -> str:
    if not split_packages(entry):
        raise RuleError("must name a package")
    return entry


def _check_single(text: str) -> str:
    if len(text) != 1 or not text.isascii():
        raise RuleError("must be one ASCII character")
    return text


def _check_names(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(values) < 2:
        raise RuleError("must name a package and at least one regular expression")
    return values


Texts = tuple[str, ...]
Packages = tuple[Annotated[str, AfterValidator(_check_package)], ...]
Includes = str | Texts
Conditions = Annotated[str, AfterValidator(_check_condition)]


class _Keys(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        alias_generator=lambda name: name.rstrip("_").replace("_", "-"),
    )


class ConditionalInclude(_Keys):
    """include is read when every condition holds."""

    if_: Conditions | tuple[Conditions, ...]
    include: Includes


class RepoPackages(_Keys):
    """packages that must come from this repository."""

    repo: str
    packages: Packages


class CheckAccounts(_Keys):
    """Against what the passwd or group file of the tree is compared."""

    type: Literal["none", "previous", "file", "data"]
    filename: str | None = None
    entries: dict[str, StrictInt | tuple[StrictInt, ...]] | None = None


class TreefileKeys(_Keys):
    """A treefile, one field a key. `comment` and `osname` are Photon's and change nothing."""

    comment: str | Texts | None = None
    osname: str | None = None
    # inputs
    edition: Literal[2014, 2024] = 2014
    basearch: str | None = None
    ref: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, Variable] = Field(default_factory=dict)
    include: Includes = ()
    arch_include: dict[str, Includes] = Field(default_factory=dict)
    conditional_include: tuple[ConditionalInclude, ...] = ()
    repos: Texts = ()
    lockfile_repos: Texts = ()
    repovars: dict[str, str] = Field(default_factory=dict)
    releasever: str | StrictInt | None = None
    gpg_key: str | None = None
    # packages
    packages: Packages = ()
    bootstrap_packages: Packages = ()
    packages_x86_64: Packages = Field((), alias="packages-x86_64")
    packages_aarch64: Packages = Field((), alias="packages-aarch64")
    packages_ppc64le: Packages = Field((), alias="packages-ppc64le")
    packages_s390x: Packages = Field((), alias="packages-s390x")
    packages_riscv64: Packages = Field((), alias="packages-riscv64")
    packages_loongarch64: Packages = Field((), alias="packages-loongarch64")
    packages_i386: Packages = Field((), alias="packages-i386")
    packages_i686: Packages = Field((), alias="packages-i686")
    packages_armhfp: Packages = Field((), alias="packages-armhfp")
    repo_packages: tuple[RepoPackages, ...] = ()
    exclude_packages: Packages = ()
    recommends: StrictBool = True
    documentation: StrictBool = True
    install_langs: Texts = ()
    ostree_layers: Texts = ()
    ostree_override_layers: Texts = ()
    remove_from_packages: tuple[Annotated[Texts, AfterValidator(_check_names)], ...] = ()
    platform_module: str | None = None
    # the root of the tree
    selinux: StrictBool = True
    selinux_label_version: StrictInt | None = None
    boot_location: Literal["both", "legacy", "new", "modules", "kernel-install"] = "new"
    tmp_is_dir: StrictBool = False
    opt_usrlocal: Literal["var", "root", "state-overlay", "stateoverlay"] = "var"
    machineid_compat: StrictBool = True
    initramfs_args: Texts = ()
    no_initramfs: StrictBool = False
    readonly_executables: StrictBool = False
    cliwrap: StrictBool = False
    cliwrap_binaries: Texts = ()
    container: StrictBool = False
    container_cmd: Texts = ()
    rpmdb: Literal["target", "host", "sqlite", "ndb", "bdb"] = "target"
    rpmdb_normalize: StrictBool = False
    ignore_devices: StrictBool = True
    ima: StrictBool = False
    # users and groups
    etc_group_members: Texts = ()
    preserve_passwd: StrictBool = True
    check_passwd: CheckAccounts = CheckAccounts(type="previous")
    check_groups: CheckAccounts = CheckAccounts(type="previous")
    ignore_removed_users: Texts = ()
    ignore_removed_groups: Texts = ()
    sysusers: Literal["compose-auto", "compose-forced"] = "compose-auto"
    # edits
    units: Texts = ()
    default_target: str | None = None
    mutate_os_release: str | None = None
    add_files: tuple[tuple[str, str], ...] = ()
    remove_files: Texts = ()
    postprocess: Texts = ()
    postprocess_script: str | None = None
    # metadata of the commit
    automatic_version_prefix: str | None = None
    automatic_version_suffix: Annotated[str, AfterValidator(_check_single)] = "."
    add_commit_metadata: dict[str, Any] = Field(default_factory=dict)
    repo_metadata: Literal["inline", "detached", "disabled"] = "inline"
    advisories_metadata: Literal["inline", "detached", "disabled"] = "inline"

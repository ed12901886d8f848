"""The test distribution: true packages, a true repository, and nothing built twice."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rpm

from engine.command import SystemCommands
from engine.errors import CommandError, PackageError
from engine.events import Event
from tests.distro.build import Distribution, distribution
from tests.distro.builder import Builder
from tests.distro.damage import CHAIN
from tests.distro.recipes import HERE, read_recipes
from tests.distro.signing import make_key
from tests.distro.sources import OwnSource
from tests.distro.synthetic import own_folders, read_own

OWN_NAMES = {folder.name for folder in own_folders()}


@pytest.fixture(scope="module")
def distro() -> Distribution:
    return distribution()


@pytest.fixture(scope="module")
def headers(distro: Distribution) -> Mapping[str, Any]:
    return {name: read_header(path) for name, path in distro.packages.items()}


def read_header(path: Path) -> Any:
    transaction = rpm.TransactionSet()
    transaction.setVSFlags(rpm.RPMVSF_MASK_NOSIGNATURES | rpm.RPMVSF_MASK_NODIGESTS)
    with path.open("rb") as file:
        return transaction.hdrFromFdno(file)


def entry(header: Any, path: str) -> Any:
    return next(file for file in rpm.files(header) if file.name == path)


def try_install(packages: list[Path], root: Path) -> None:
    where = ("--root", str(root), "--force-debian", "--define", "_dbpath /var/lib/rpm")
    SystemCommands().run(["rpm", *where, "--nosignature", "-i", "--test", *map(str, packages)])


def test_the_whole_set_installs_without_a_missing_dependency_or_a_file_conflict(
    distro: Distribution, tmp_path: Path
) -> None:
    packages = [path for name, path in distro.packages.items() if name != "grub-mkconfig"]
    assert len(packages) > 200
    try_install(packages, tmp_path)


def test_the_two_menu_generators_are_in_conflict(distro: Distribution, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="conflicts") as caught:
        try_install(list(distro.packages.values()), tmp_path)
    assert "photon-bls-grub" in caught.value.detail


def test_every_package_is_signed_with_the_key(distro: Distribution, tmp_path: Path) -> None:
    commands = SystemCommands()
    database = ["--dbpath", str(tmp_path)]
    commands.run(["rpmkeys", *database, "--import", str(distro.public_key)])
    output = commands.run(["rpmkeys", *database, "-K", *map(str, distro.packages.values())])
    verdicts = Counter(line.rpartition(": ")[2] for line in output.stdout.splitlines())
    assert verdicts == {"digests signatures OK": len(distro.packages)}


def test_files_keep_modes_owners_and_capabilities(headers: Mapping[str, Any]) -> None:
    assert entry(headers["iputils-ping"], "/usr/bin/ping").caps == "cap_net_raw=ep"
    assert stat.S_IMODE(entry(headers["sudo"], "/usr/bin/sudo").mode) == 0o4755
    checker = entry(headers["libpam-modules-bin"], "/usr/sbin/unix_chkpwd")
    assert (stat.S_IMODE(checker.mode), checker.group) == (0o2755, "shadow")


def test_conffiles_are_kept_on_upgrades(headers: Mapping[str, Any]) -> None:
    flags = entry(headers["nginx-common"], "/etc/nginx/nginx.conf").fflags
    assert flags & rpm.RPMFILE_CONFIG
    assert flags & rpm.RPMFILE_NOREPLACE


def test_manual_pages_are_documentation(headers: Mapping[str, Any]) -> None:
    assert entry(headers["jq"], "/usr/share/man/man1/jq.1.gz").fflags & rpm.RPMFILE_DOC


def test_every_package_has_a_changelog(headers: Mapping[str, Any]) -> None:
    assert [n for n, header in headers.items() if not header[rpm.RPMTAG_CHANGELOGTEXT]] == []


def test_every_debian_package_keeps_its_licence(headers: Mapping[str, Any]) -> None:
    without = [
        name
        for name, header in headers.items()
        if name not in OWN_NAMES
        and not any(f.name.startswith("/usr/share/licenses/") for f in rpm.files(header))
    ]
    assert without == []


def test_nothing_is_outside_the_merged_usr(headers: Mapping[str, Any]) -> None:
    strays = [
        file.name
        for name, header in headers.items()
        for file in rpm.files(header)
        if name != "filesystem"
        and file.name.split("/")[1] not in ("usr", "etc", "var", "boot", "root")
    ]
    assert strays == []


def test_alternatives_are_rich_dependencies(headers: Mapping[str, Any]) -> None:
    texts = {dep for header in headers.values() for dep in header[rpm.RPMTAG_REQUIRES]}
    assert any(text.startswith("(") and " or " in text for text in texts)


def test_accounts_have_numbers_of_their_own() -> None:
    recipes = read_recipes("0").values()
    base = read_own(HERE / "own" / "filesystem").files
    named = [(user.name, user.id) for recipe in recipes for user in recipe.users]
    for kind in ("passwd", "group"):
        text = base[f"etc/{kind}"]
        assert isinstance(text, str)
        lines = [line.split(":") for line in text.splitlines()]
        made = [(group.name, group.id) for recipe in recipes for group in recipe.groups]
        numbers = [int(line[2]) for line in lines] + [number for _, number in named]
        numbers += [number for _, number in made] if kind == "group" else []
        assert [n for n, count in Counter(numbers).items() if count > 1] == []


def test_a_second_run_does_nothing() -> None:
    events: list[Event] = []
    first = distribution()
    again = distribution(emit=events.append)
    assert again.repository == first.repository
    assert events == []


def test_a_rebuilt_package_is_newer_and_differs(
    distro: Distribution, headers: Mapping[str, Any], tmp_path: Path
) -> None:
    repository = distro.rebuild(["jq", "nginx-common", "photon-release"], tmp_path / "next")
    assert len(list(repository.glob("*.rpm"))) == len(distro.packages)
    for name in ("jq", "nginx-common", "photon-release"):
        (path,) = repository.glob(f"{name}-[0-9]*.rpm")
        new, old = read_header(path), headers[name]
        assert rpm.versionCompare(new, old) > 0
        assert "Release 2" in new[rpm.RPMTAG_CHANGELOGTEXT][0]
        assert entry(new, f"/usr/share/photree-test/{name}-r2")
        # What asks for exactly Debian's version still gets it.
        assert {p for p in old[rpm.RPMTAG_PROVIDENEVRS] if "ph5" not in p} <= set(
            new[rpm.RPMTAG_PROVIDENEVRS]
        )
    (path,) = repository.glob("nginx-common-[0-9]*.rpm")
    configuration = "/etc/nginx/nginx.conf"
    assert (
        entry(read_header(path), configuration).digest
        != entry(headers["nginx-common"], configuration).digest
    )


def test_a_rebuilt_repository_shares_the_files_of_all_other_packages(
    distro: Distribution, tmp_path: Path
) -> None:
    repository = distro.rebuild(["jq"], tmp_path / "next")
    unchanged = distro.packages["less"]
    assert (repository / unchanged.name).stat().st_size == unchanged.stat().st_size
    assert not (repository / distro.packages["jq"].name).exists()
    both = distro.rebuild(["jq"], tmp_path / "both", keep_old=True)
    assert len(list(both.glob("jq-[0-9]*.rpm"))) == 2


def test_damaged_files_leave_the_distribution_alone(distro: Distribution, tmp_path: Path) -> None:
    original = distro.packages["less"]
    before = original.read_bytes()
    wrong = distro.damaged(tmp_path / "checksum", "wrong-checksum") / original.name
    assert wrong.stat().st_size == len(before)
    assert wrong.read_bytes() != before
    assert original.read_bytes() == before
    missing = distro.damaged(tmp_path / "missing", "missing-package")
    assert not (missing / original.name).exists()


def test_a_strangers_signature_does_not_verify(distro: Distribution, tmp_path: Path) -> None:
    repository = distro.damaged(tmp_path / "repository", "bad-signature")
    commands = SystemCommands()
    database = ["--dbpath", str(tmp_path / "keys")]
    commands.run(["rpmkeys", *database, "--import", str(distro.public_key)])
    with pytest.raises(CommandError):
        commands.run(["rpmkeys", *database, "-K", str(repository / distro.packages["less"].name)])


def test_an_unsatisfiable_chain_ends_at_a_missing_package(
    distro: Distribution, tmp_path: Path
) -> None:
    repository = distro.damaged(tmp_path / "repository", "unsatisfiable")
    chain = [next(repository.glob(f"{name}-*.rpm")) for name in CHAIN]
    headers = [read_header(path) for path in chain]
    assert CHAIN[1] in headers[0][rpm.RPMTAG_REQUIRENAME]
    assert "photree-chain-missing" in headers[1][rpm.RPMTAG_REQUIRENAME]


def test_treefiles_point_to_the_repository_and_its_key(
    distro: Distribution, tmp_path: Path
) -> None:
    folder = distro.write_treefiles(tmp_path / "treefiles")
    definition = (folder / "photon.repo").read_text()
    assert distro.repository.as_uri() in definition
    assert (folder / "photon-base.json").exists()
    assert (folder / "photon-minimal.json").exists()


def chain_job(cache: Path) -> tuple[Builder, Any]:
    builder = Builder(cache)
    with builder.locked():
        make_key(cache / "key", builder.commands)
    folder = HERE / "broken" / CHAIN[1]
    return builder, builder.job(OwnSource(folder, read_own(folder), {}))


def test_two_builds_at_once_build_once(tmp_path: Path) -> None:
    def build(_: int) -> int:
        builder, job = chain_job(tmp_path)
        return builder.build([job])[CHAIN[1]].stat().st_ino

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(build, range(2))
    assert first == second


def test_a_package_that_cannot_be_built_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    builder, _ = chain_job(tmp_path)
    folder = HERE / "broken" / CHAIN[1]
    recipe = read_own(folder).model_copy(update={"requires": (">= is no dependency",)})
    with pytest.raises(PackageError, match=CHAIN[1]):
        builder.build([builder.job(OwnSource(folder, recipe, {}))])
    assert list((tmp_path / "rpms").iterdir()) == []

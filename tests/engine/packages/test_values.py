"""Small pure parts: variables, near names, versions, keys."""

import base64
import functools

import pytest
import rpm
import solv
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PackageError
from engine.packages.keys import dearmoured, split_certificates
from engine.packages.model import Checksum, ResolvedPackage, split_evr, without_password
from engine.packages.nearby import meant
from engine.packages.variables import substitute
from tests.engine.packages.rpms import SigningKey

VARIABLES = {"releasever": "5.0", "basearch": "x86_64", "base": "no"}
VERSIONS = st.text("0123456789abz.~^+", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("photon_$releasever_$basearch", "photon_5.0_x86_64"),
        ("${releasever}0/${basearch}", "5.00/x86_64"),
        ("$other ${other} $ $$ 5$", "$other ${other} $ $$ 5$"),
        ("$base-$basearch", "no-x86_64"),
    ],
)
def test_the_longest_variable_name_that_fits_is_replaced(text: str, result: str) -> None:
    assert substitute(text, VARIABLES) == result


@given(st.text("ab", min_size=1), st.text(), st.text("cd_-/"))
def test_a_braced_variable_is_replaced_whatever_follows(name: str, value: str, rest: str) -> None:
    assert substitute(f"x${{{name}}}{rest}", {name: value}) == f"x{value}{rest}"


def test_near_names_are_few_and_ordered() -> None:
    known = ["openssh-server", "openssh-clients", "openssl", "bash"]
    assert meant("openssh-servr", known) == "did you mean openssh-server?"
    assert meant("OpenSSH_Server", known) == "did you mean openssh-server?"
    assert meant("emacs", known) == ""


@given(st.integers(0, 9), VERSIONS, VERSIONS)
def test_a_version_is_split_as_it_is_printed(epoch: int, version: str, release: str) -> None:
    package = ResolvedPackage(
        "n", epoch, version, release, "noarch", "r", "n.rpm", ("file:///n.rpm",), CHECKSUM, 1
    )
    assert split_evr(package.evr) == (epoch, version, release)


@given(st.tuples(VERSIONS, VERSIONS, VERSIONS))
def test_the_solver_orders_versions_as_rpm_does(versions: tuple[str, ...]) -> None:
    """Two implementations decide what is newer: libsolv here, librpm on the host."""
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    repo = pool.add_repo("r")
    solvables = []
    for version in versions:
        solvable = repo.add_solvable()
        solvable.evr = f"{version}-1"
        solvables.append(solvable)
    by_rpm = sorted(versions, key=functools.cmp_to_key(compared_by_rpm))
    by_solver = sorted(solvables, key=functools.cmp_to_key(lambda a, b: a.evrcmp(b)))
    pairs = zip(by_rpm, (split_evr(s.evr)[1] for s in by_solver), strict=True)
    assert all(compared_by_rpm(one, other) == 0 for one, other in pairs)


def compared_by_rpm(one: str, other: str) -> int:
    return int(rpm.labelCompare(("0", one, "1"), ("0", other, "1")))


CHECKSUM = Checksum("sha256", "0" * 64)


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha", "none"])
def test_broken_hash_functions_are_refused(kind: str) -> None:
    with pytest.raises(PackageError, match="not safe"):
        Checksum(kind, "0")


def test_passwords_in_urls_are_not_shown() -> None:
    assert without_password("https://me:s@host:1/x?y@z") == "https://***@host:1/x?y@z"
    assert without_password("https://host/x@y") == "https://host/x@y"


def test_a_key_file_may_hold_several_keys_in_one_or_many_blocks(
    key: SigningKey, other_key: SigningKey
) -> None:
    first, second = (dearmoured(k.public.read_bytes()) for k in (key, other_key))
    armour = base64.encodebytes(first + second)
    block = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\nVersion: 1\r\n\r\n" + armour + b"=abcd\r\n"
    block += b"-----END PGP PUBLIC KEY BLOCK-----\n"
    assert list(split_certificates(dearmoured(block))) == [first, second]
    many = b"Some text\n" + key.public.read_bytes() + other_key.public.read_bytes()
    assert list(split_certificates(dearmoured(many))) == [first, second]
    assert list(split_certificates(dearmoured(first))) == [first], "binary keys too"


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_a_key_that_is_cut_off_is_no_key(key: SigningKey, cut: int) -> None:
    whole = dearmoured(key.public.read_bytes())
    with pytest.raises(ValueError, match="middle of a packet"):
        list(split_certificates(whole[:-cut]))


@given(st.binary(max_size=200))
def test_nonsense_is_never_taken_for_a_key_and_never_a_crash(content: bytes) -> None:
    try:
        certificates = list(split_certificates(dearmoured(content)))
    except ValueError:
        return
    assert b"".join(certificates) == content

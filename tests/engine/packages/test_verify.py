import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import SignatureError
from engine.packages.download import file_checksum
from engine.packages.fetch import fetch_packages
from engine.packages.keys import Keyring, dearmoured, split_certificates
from engine.packages.model import Checksum, Resolution, ResolvedPackage
from engine.packages.verify import verify_packages
from tests.engine.packages.conftest import Listener, config_of
from tests.engine.packages.rpms import Rpm, SigningKey, build, sign

LEAD = 96


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    packages = [Rpm("one", "3:1", files={"/usr/share/one": b"1" * 5000}), Rpm("two")]
    build(packages, folder / "r", folder / "build")
    return folder / "r"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "repository"))


@pytest.fixture
def signed(folder: Path, key: SigningKey) -> Path:
    sign(sorted(folder.glob("*.rpm")), key)
    return folder


def ring(*keys: SigningKey) -> Keyring:
    certificates: list[bytes] = []
    for key in keys:
        certificates += split_certificates(dearmoured(key.public.read_bytes()))
    return Keyring(tuple(certificates))


def package(name: str, epoch: int = 0) -> ResolvedPackage:
    return ResolvedPackage(
        name=name,
        epoch=epoch,
        version="1",
        release="1",
        arch="noarch",
        repo_id="main",
        location=f"{name}-1-1.noarch.rpm",
        urls=(f"file:///r/{name}-1-1.noarch.rpm",),
        checksum=Checksum("sha256", "0" * 64),
        size=5000,
    )


ONE = package("one", epoch=3)


def verify(folder: Path, keyring: Keyring | None, *packages: ResolvedPackage) -> None:
    chosen = packages or (ONE, package("two"))
    paths = [folder / item.location for item in chosen]
    verify_packages(chosen, paths, {"main": keyring}, Listener(), CancelToken())


def error_of(folder: Path, keyring: Keyring | None, *packages: ResolvedPackage) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        verify(folder, keyring, *packages)
    assert "of the repository main" in caught.value.message
    assert caught.value.hint
    return caught.value


def payload_start(content: bytes) -> int:
    """Where the payload of an RPM begins: after the lead, the signature and the header."""
    position = LEAD
    for padded in (True, False):
        entries, size = struct.unpack(">8xII", content[position : position + 16])
        position += 16 + 16 * entries + size
        position += -position % 8 if padded else 0
    return position


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_packages_signed_by_a_subkey_of_the_repositorys_key_are_good(
    signed: Path, key: SigningKey
) -> None:
    verify(signed, ring(key))


def test_any_key_of_the_repository_may_have_signed(
    signed: Path, key: SigningKey, other_key: SigningKey
) -> None:
    sign([signed / "two-1-1.noarch.rpm"], other_key)
    verify(signed, ring(key, other_key))


def test_an_unsigned_package_is_refused(folder: Path, key: SigningKey) -> None:
    error = error_of(folder, ring(key))
    assert "The package one-3:1-1.noarch of the repository main is not signed" in error.message


def test_an_unsigned_package_is_accepted_where_signatures_do_not_count(folder: Path) -> None:
    verify(folder, None)


def test_a_package_signed_with_an_unknown_key_is_refused(
    signed: Path, other_key: SigningKey
) -> None:
    error = error_of(signed, ring(other_key))
    assert "is signed with an unknown key" in error.message


def test_no_key_at_all_trusts_nobody(signed: Path) -> None:
    assert "unknown key" in error_of(signed, Keyring(())).message


def test_a_changed_header_is_a_bad_signature(signed: Path, key: SigningKey) -> None:
    path = signed / ONE.location
    flip(path, payload_start(path.read_bytes()) - 30)
    error = error_of(signed, ring(key), ONE)
    assert "has a bad signature" in error.message
    assert "BAD" in error.detail


def test_a_changed_header_is_noticed_without_signatures_too(folder: Path) -> None:
    path = folder / ONE.location
    flip(path, payload_start(path.read_bytes()) - 30)
    assert "is damaged" in error_of(folder, None, ONE).message


@pytest.mark.parametrize("checked", [True, False])
def test_a_changed_payload_is_noticed(signed: Path, key: SigningKey, checked: bool) -> None:
    flip(signed / ONE.location, -3)
    error = error_of(signed, ring(key) if checked else None, ONE)
    assert "its payload does not match its header" in error.message


def test_a_good_signature_of_another_package_is_no_proof(signed: Path, key: SigningKey) -> None:
    older = replace(package("two"), version="2")
    (signed / "two-1-1.noarch.rpm").rename(signed / "two-2-1.noarch.rpm")
    older = replace(older, location="two-2-1.noarch.rpm")
    error = error_of(signed, ring(key), older)
    assert "The package two-2-1.noarch" in error.message
    assert "is another package: the file says two-1-1.noarch" in error.message


@pytest.mark.parametrize("content", [b"", b"no rpm", b"\xed\xab\xee\xdb" + b"\0" * 300])
def test_what_is_no_package_is_refused(signed: Path, key: SigningKey, content: bytes) -> None:
    (signed / ONE.location).write_bytes(content)
    error_of(signed, ring(key), ONE)
    assert "is damaged" in error_of(signed, None, ONE).message


def test_a_signature_tag_in_the_main_header_does_not_count(folder: Path, key: SigningKey) -> None:
    """Only librpm's signature header is verified, so only that may say that there is one."""
    path = folder / ONE.location
    content = bytearray(path.read_bytes())
    entries, size = struct.unpack(">8xII", content[LEAD : LEAD + 16])
    header = LEAD + 16 + 16 * entries + size
    header += -header % 8
    content[header + 16 + 16 : header + 16 + 20] = struct.pack(">I", 268)
    path.write_bytes(content)
    assert "is not signed" in error_of(folder, ring(key), ONE).message


def test_librpm_writes_nothing_to_the_screen(
    signed: Path, other_key: SigningKey, capfd: pytest.CaptureFixture[str]
) -> None:
    error_of(signed, ring(other_key))
    assert capfd.readouterr() == ("", "")


def test_no_rpm_database_of_the_machine_is_opened_or_made(
    signed: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))  # where Debian's rpm has its database
    verify(signed, ring(key))
    assert not list(home.iterdir())


def test_the_repositorys_keys_are_read_from_its_gpgkey(
    signed: Path, key: SigningKey, other_key: SigningKey, tmp_path: Path
) -> None:
    local = replace(ONE, urls=((signed / ONE.location).as_uri(),))
    checksum = file_checksum(signed / ONE.location, "sha256", CancelToken())
    wanted = Resolution((replace(local, checksum=checksum),), ())
    urls = (other_key.public.as_uri(), key.public.as_uri())
    good = config_of(signed, gpgcheck=True, gpgkeys=urls)
    assert fetch_packages(wanted, [good], tmp_path / "c", Listener(), CancelToken())
    bad = config_of(signed, gpgcheck=True, gpgkeys=urls[:1])
    with pytest.raises(SignatureError, match="unknown key"):
        fetch_packages(wanted, [bad], tmp_path / "c", Listener(), CancelToken())
    (tmp_path / "key.html").write_text("<html>Not found</html>")
    broken = config_of(signed, gpgcheck=True, gpgkeys=((tmp_path / "key.html").as_uri(),))
    with pytest.raises(SignatureError, match=r"key\.html, the gpgkey of the repository main"):
        fetch_packages(wanted, [broken], tmp_path / "c", Listener(), CancelToken())

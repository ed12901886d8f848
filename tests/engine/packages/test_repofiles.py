from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.packages.repofiles import RepositoryConfig, read_repositories
from tests.engine.packages.conftest import Listener

VARIABLES = {"releasever": "5.0", "basearch": "x86_64"}


def read(folder: Path, *ids: str, emit: Listener | None = None) -> tuple[RepositoryConfig, ...]:
    return read_repositories(folder, ids, VARIABLES, emit or Listener())


def problems(folder: Path, *ids: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        read(folder, *ids)
    return [str(problem) for problem in caught.value.problems]


def write(folder: Path, text: str, name: str = "test.repo") -> Path:
    (folder / name).write_text(text)
    return folder


def test_photons_own_repo_file_parses_as_it_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        "[photon]\n"
        "name=VMware Photon Linux $releasever ($basearch)\n"
        "baseurl=https://packages.vmware.com/photon/$releasever/photon_$releasever_$basearch\n"
        "gpgkey=file:///etc/pki/rpm-gpg/VMWARE-RPM-GPG-KEY file:///etc/pki/rpm-gpg/SECOND\n"
        "gpgcheck=1\nenabled=1\nskip_if_unavailable=True\n",
    )
    (config,) = read(tmp_path)
    assert config.baseurls == ("https://packages.vmware.com/photon/5.0/photon_5.0_x86_64/",)
    assert config.name == "VMware Photon Linux 5.0 (x86_64)"
    assert len(config.gpgkeys) == 2
    assert (config.gpgcheck, config.skip_if_unavailable) == (True, True)


def test_packages_are_verified_unless_the_file_says_otherwise_and_that_is_said(
    tmp_path: Path,
) -> None:
    emit = Listener()
    write(
        tmp_path,
        "[a]\nbaseurl=http://a/\ngpgkey=file:///k\n[b]\nbaseurl=https://b/\ngpgcheck=0\nsslverify=0\n",
    )
    first, second = read(tmp_path, emit=emit)
    assert (first.gpgcheck, second.gpgcheck) == (True, False)
    assert emit.text().splitlines() == [
        "test.repo [b]: signatures of packages are not verified (gpgcheck=0)",
        "test.repo [b]: the server's certificate is not verified (sslverify=0)",
    ]


def test_every_option_is_understood(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    write(
        tmp_path,
        f"[a]\nbaseurl=http://a/x\n http://b/y, file:///c\ngpgcheck=no\nrepo_gpgcheck=on\n"
        f"gpgkey=https://k/key\nsslcacert={certificate}\nsslclientcert={certificate}\n"
        f"sslclientkey={certificate}\npriority=7\ncost=5\nexcludepkgs=x* y\nincludepkgs=z\n"
        "username=u\npassword=p\n",
    )
    (config,) = read(tmp_path)
    assert config == RepositoryConfig(
        id="a",
        where="test.repo [a]",
        baseurls=("http://a/x/", "http://b/y/", "file:///c/"),
        gpgkeys=("https://k/key",),
        gpgcheck=False,
        repo_gpgcheck=True,
        sslcacert=str(certificate),
        sslclientcert=str(certificate),
        sslclientkey=str(certificate),
        priority=7,
        cost=5,
        excludes=("x*", "y"),
        includes=("z",),
        username="u",
        password="p",
    )
    assert "'p'" not in repr(config)


def test_named_repositories_come_in_the_order_they_are_named_even_when_disabled(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        "[a]\nbaseurl=http://a\ngpgcheck=0\n[off]\nbaseurl=http://o\nenabled=0\ngpgcheck=0\n",
    )
    write(tmp_path, "[z]\nbaseurl=http://z\ngpgcheck=0\n", "other.repo")
    assert [config.id for config in read(tmp_path, "off", "z")] == ["off", "z"]
    assert [config.id for config in read(tmp_path)] == ["z", "a"]


def test_every_problem_is_reported_with_file_and_section(tmp_path: Path) -> None:
    write(
        tmp_path,
        "[a]\nname=x\ngpgcheck=0\n"
        "[b]\nmetalink=https://m/\ngpgkey=file:///k\n"
        "[c]\nbaseurl=ftp://c/ /srv/x file://srv/x https:///x http://$stream/\n"
        "priority=high\nrepo_gpgcheck=perhaps\n"
        "[d]\nbaseurl=http://d\nsslcacert=/no/such/file\n",
    )
    assert problems(tmp_path) == [
        "test.repo [a]: there is no baseurl (write baseurl=https://...)",
        "test.repo [b]: there is no baseurl (metalink is not supported) (write baseurl=https://...)",
        "test.repo [c]: baseurl: ftp://c/ is no file:, http: or https: URL",
        "test.repo [c]: baseurl: /srv/x is no file:, http: or https: URL (write file:///srv/x)",
        "test.repo [c]: baseurl: file://srv/x has too few slashes (write file:///...)",
        "test.repo [c]: baseurl: https:///x has no host",
        "test.repo [c]: baseurl: the variable $stream has no value",
        'test.repo [c]: repo_gpgcheck must be 1 or 0, not "perhaps"',
        'test.repo [c]: priority must be a whole number, not "high"',
        "test.repo [c]: gpgcheck is on, but there is no gpgkey "
        "(add gpgkey=, or gpgcheck=0 if the packages are trusted without)",
        "test.repo [d]: sslcacert: there is no file /no/such/file",
        "test.repo [d]: gpgcheck is on, but there is no gpgkey "
        "(add gpgkey=, or gpgcheck=0 if the packages are trusted without)",
    ]


def test_problems_of_repositories_that_are_not_used_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, "[a]\nbaseurl=http://a\ngpgcheck=0\n[b]\nname=x\n[c]\nenabled=0\n")
    assert [config.id for config in read(tmp_path, "a")] == ["a"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("baseurl=x\n[a]\n", "test.repo:1: the line is before the first [section]"),
        ("[a]\nbaseurl=http://a\nwhat\n", "test.repo:3: not KEY=VALUE: 'what\\n'"),
        ("[a]\nname=x\nname=y\n", 'test.repo:3: "name" is given twice in [a]'),
        ("[a]\n[b]\n[a]\n", "test.repo:3: a second section [a]"),
    ],
)
def test_a_syntax_error_has_its_line(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems(write(tmp_path, text))


def test_a_repository_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.repo", "b.repo"):
        write(tmp_path, "[x]\nbaseurl=http://x\ngpgcheck=0\n", name)
    assert problems(tmp_path) == ["b.repo [x]: the repository is in a.repo too"]


def test_an_unknown_id_is_named_with_what_there_is(tmp_path: Path) -> None:
    write(tmp_path, "[photon]\nbaseurl=http://x\ngpgcheck=0\n")
    assert problems(tmp_path, "photn", "other") == [
        f'no .repo file in {tmp_path} has the repository "photn" (did you mean photon?)',
        f'no .repo file in {tmp_path} has the repository "other" (there are: photon)',
    ]
    assert "no repository is enabled" in problems(tmp_path / "empty")[0]


def test_a_mistyped_option_is_warned_of(tmp_path: Path) -> None:
    emit = Listener()
    write(tmp_path, "[a]\nbaseurl=http://a\ngpgcheck=0\ngpgchek=1\nmetadata_expire=1d\nfoo=1\n")
    read(tmp_path, emit=emit)
    assert emit.text().splitlines()[1:] == [
        'test.repo [a]: the option "gpgchek" has no effect, did you mean "gpgcheck"?',
        'test.repo [a]: the option "foo" has no effect',
    ]

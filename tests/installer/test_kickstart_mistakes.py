"""Bad kickstarts: every mistake at once, each with its place, and what other files are."""

import pytest

from engine.errors import PlanError
from installer.kickstart.load import parse_kickstart
from installer.kickstart.refused import REFUSED
from tests.installer.kickstarts import CUSTOM, HASH, outcome, planned, problems, warnings

TEN_MISTAKES = """\
hostnam: photon
ostree:
  repo_url: example.com/repo
  repo_ref: photon/5.0/x86_64/minimal
disk: $DISK
bootmode: uefi
partitions:
  - mountpoint: /
    size: -1
  - mountpoint: /usr
    size: 100
  - mountpoint: /var/log
    size: 100
    filesystm: xfs
password:
  text: hunter2
  crypted: yes
packages: [vim]
network:
  version: 2
  ethernets:
    eth0:
      addresses: [192.0.2.10]
bootmode: efi
"""


def test_ten_mistakes_are_ten_problems_with_line_and_column():
    assert problems(TEN_MISTAKES) == [
        'k:1:1: unknown key "hostnam" (did you mean "hostname"?)',
        "k:3:13: ostree.repo_url: must be a URL that begins with https://, http:// or file://, "
        'not "example.com/repo" (write "https://example.com/repo")',
        "k:5:7: the variable $DISK has no value "
        "(export it in preinstall, or write $$ for a dollar)",
        "k:9:11: partitions[0].size: must be at least 0, not -1",
        "k:10:17: /usr belongs to the tree, nothing can be mounted there",
        'k:14:5: unknown key "filesystm" in partitions[2] (did you mean "filesystem"?)',
        "k:17:12: password.crypted: must be true or false, not *** (write true)",
        'k:18:1: "packages" is not possible: packages cannot be added during the installation yet, '
        "the tree brings its own (leave it out, or compose a tree that has them and name its "
        "repo_url and repo_ref)",
        'k:23:19: network.ethernets.eth0.addresses[0]: must have a prefix length, not "192.0.2.10" '
        '(write "192.0.2.10/24")',
        'k:24:1: the key "bootmode" is given twice, first at 6:1',
    ]


def test_problems_never_show_secrets():
    assert "hunter2" not in "".join(problems(TEN_MISTAKES))
    keys = {
        "password": {"text": "$hunter2"},
        "shadow_password": "hunter2",
        "users": [{"name": "a", "password": "hunter2"}],
        "public_key": "-----BEGIN OPENSSH PRIVATE KEY----- hunter2",
    }
    found = problems(keys)
    assert len(found) == 4
    assert "hunter2" not in "".join(found)


def test_an_empty_map_lacks_a_tree_and_a_disk():
    assert problems("{}") == [
        'k:1:1: the key "ostree" is missing (write "ostree": {"default_repo": true} for the tree '
        "on the media, or repo_url and repo_ref of a repository)",
        'k:1:1: no disk to install on is given (write "disk": "/dev/sda", or disks with an image '
        "file)",
    ]


@pytest.mark.parametrize("text", ["[]", "hello", "7"])
def test_a_document_that_is_no_map_is_one_problem(text):
    [problem] = problems(text)
    assert "must be a map" in problem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ostre: {default_repo: true}\ndisk: /dev/sda", ['k:1:1: unknown key "ostre"']),
        ("ostree: true\ndisk: /dev/sda", ["k:1:9: ostree: must be a map, not true"]),
        ("disk: /dev/sda\nostree: {repo_url: 5, repo_ref: a/b}", ["k:2:20: ostree.repo_url: must"]),
        (
            "ostree: {repo_url: 'https://a', repo_reff: a/b}\ndisk: /dev/sda",
            ['k:1:33: unknown key "repo_reff" in ostree'],
        ),
        (
            "ostree: {repo_url: 'https://a', repo_ref: a}\ndisk: [x]\npartitions: [{size: 0}, 7]",
            ["k:2:7: disk: must be text", "k:3:14: a partition without", "k:3:25: partitions[1]:"],
        ),
    ],
)
def test_a_mistake_has_no_consequences_that_are_reported_too(text, found):
    reported = problems(text)
    assert len(reported) == len(found)
    assert all(text.startswith(start) for text, start in zip(reported, found, strict=True))


# --- keys that do not work here


@pytest.mark.parametrize("path", REFUSED)
def test_a_key_that_cannot_work_is_refused_by_name_with_a_reason_and_a_hint(path):
    value: object = "something"
    for key in reversed(path):
        value = [value] if key == "*" else {key: value}
    assert isinstance(value, dict)
    if "partitions" in value:
        value["partitions"][0].update({"mountpoint": "/", "size": 0})
    [problem] = outcome(value).problems
    name = ".".join(path).replace(".*", "[0]")
    assert problem.message.startswith(f'"{name}" is not possible: ')
    assert problem.hint
    assert problem.where != "k:1:1"


def test_values_that_ask_for_nothing_are_no_problem():
    keys = {
        "linux_flavor": "linux",
        "packages": [],
        "dps": False,
        "no_unmount": False,
        "security": {"selinux": "disabled", "fips": False},
        "partitions": [{"mountpoint": "/", "size": 0, "ab": False, "all_disk": False}],
    }
    assert planned(keys)


def test_a_or_b_partitions_are_refused_because_ostree_has_them():
    keys = {"partitions": [{"mountpoint": "/", "size": 0, "ab": True}]}
    [problem] = problems(keys)
    assert "OSTree already keeps two systems" in problem


# --- former forms


def test_photon_1_to_5_kickstarts_of_hosts_are_translated():
    text = """{
\t"type": "ostree_host",
\t"ostree_repo_url": "http://192.0.2.1",
\t"ostree_repo_ref": "photon/1.0/x86_64/minimal",
\t"disk": "/dev/sda",
\t"partition": [{"mountpoint": "/", "size": 0, "disk": "default"}],
\t"release_version": "1.0"
}"""
    plan = planned(text)
    assert plan.source.url == "http://192.0.2.1"
    assert plan.source.ref == "photon/1.0/x86_64/minimal"
    found = warnings(text)
    assert [warning.split(": ", 1)[1].split(" (")[0] for warning in found[:5]] == [
        'type "ostree_host" is no longer needed',
        '"ostree_repo_url" is the former name of "ostree.repo_url"',
        "commits from http://192.0.2.1 are not verified: anybody on the way can change them",
        '"ostree_repo_ref" is the former name of "ostree.repo_ref"',
        '"partition" is the former name of "partitions"',
    ]


def test_mistakes_in_former_forms_keep_their_places():
    text = "type: ostree_host\nostree_repo_url: example.com\nostree_repo_ref: a\ndisk: /dev/sda"
    [problem] = problems(text)
    assert problem.startswith("k:2:18: ostree.repo_url: must be a URL")


def test_a_former_and_a_new_name_together_are_refused():
    [problem] = problems({"ostree_repo_url": "https://b"})
    assert (
        '"ostree_repo_url" is the former name of "ostree.repo_url", and both are given' in problem
    )


@pytest.mark.parametrize("kind", ["minimal", "full", "developer"])
def test_package_installations_are_told_what_to_write(kind):
    [problem] = problems({"type": kind, "ostree": None})
    assert f'type "{kind}" installs packages, and no source of a tree is given' in problem
    assert '"ostree": {"default_repo": true}' in problem


def test_the_type_of_a_server_is_refused_by_name():
    [problem] = problems({"type": "ostree_server", "ostree": None})
    assert "server profile cannot be installed yet" in problem


def test_a_type_beside_a_source_has_no_effect():
    assert any("type has no effect" in text for text in warnings({"type": "minimal"}))


def test_the_former_flag_of_the_kernel_is_translated_and_then_refused():
    [problem] = problems({"install_linux_esx": True})
    assert "the kernel is part of the tree" in problem
    assert planned({"install_linux_esx": False})
    [problem] = problems({"install_linux_esx": "yes"})
    assert "must be true or false" in problem


# --- files that are something else


def refusal(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        outcome(text)
    return [str(problem) for problem in caught.value.problems]


def test_an_anaconda_kickstart_is_recognised_and_its_tree_quoted():
    text = """\
lang en_US.UTF-8
ostreesetup --osname=fedora --url=https://example.com/repo --ref=fedora/39/x86_64 --nogpg
reboot
"""
    assert refusal(text) == [
        "k:2:1: an Anaconda kickstart, whose tree is fedora/39/x86_64 from "
        'https://example.com/repo (write a kickstart in YAML or JSON with "ostree": {"repo_url": "https://example.com/repo",'
        ' "repo_ref": "fedora/39/x86_64", "gpg_verify": false})'
    ]


def test_an_anaconda_kickstart_without_a_tree_is_recognised():
    [problem] = refusal("# comment\nclearpart --all\nautopart\n%packages\nvim\n%end\n")
    assert problem.startswith("k:2:1: an Anaconda kickstart (write a kickstart in YAML")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("disk: {{ disk }}\n", "k:1:7"),
        ("a: 1\n<% if x %>\n", "k:2:1"),
        ("{% raw %}\na: 1\n", "k:1:1"),
        ("disk: !param device=/dev/sda\n", "k:1:7"),
    ],
)
def test_a_template_that_cannot_be_read_is_named_with_its_line(text, place):
    [problem] = refusal(text)
    assert problem.startswith(f"{place}: a template that was not rendered")


def test_a_template_in_a_value_is_one_problem():
    [problem] = problems({"hostname": "photon-{{ number }}"})
    assert problem == (
        "k:6:11: a template that was not rendered: {{ number }} (put the value in its place)"
    )


def test_scripts_may_have_braces():
    assert planned({"postinstall": ["docker ps --format '{{.ID}}'", "echo ${HOME}"]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("function: build-iso\nphoton_release_version: '5.0'", "Photon's ISO builder"),
        ("packageslist_file: x\ninitrd_pkgs_list_file: y", "Photon's ISO builder"),
        ('{"image_type": "ova", "size": {"root": 1}}', "Photon's image builder"),
        ('{"eula_file_path": null, "license_display_title": null}', "ui configuration"),
        ("system: {name: x}\nhardware: {cpus: 2}", "virtual machine"),
    ],
)
def test_configurations_of_other_programs_are_named_as_such(text, words):
    [problem] = refusal(text)
    assert words in problem


def test_a_syntax_error_is_just_that():
    with pytest.raises(PlanError, match="k cannot be read"):
        parse_kickstart("a: [1", "k")


def test_photons_placeholders_are_no_keys():
    [problem] = problems({"public_key": "<ssh-key-here>"})
    assert "this is a placeholder" in problem


def test_a_hash_is_no_variable():
    assert planned({"password": {"text": HASH, "crypted": True}, "ostree": CUSTOM})

"""The machine a kickstart describes: passwords, users, files, scripts, network."""

import pytest

from engine.command import SystemCommands
from installer.passwords import hash_password
from installer.plan import (
    CopiedFile,
    Interface,
    Password,
    RpmRepository,
    Script,
    Secret,
    User,
)
from tests.installer.kickstarts import (
    HASH,
    KEY,
    OTHER_KEY,
    planned,
    problems,
    warnings,
)


def test_passwords_are_hashed_or_taken_as_hashes():
    users = [
        {"name": "ada", "password": {"text": "lovelace", "age": 30}},
        {"name": "bob", "password": {"text": HASH, "crypted": True}},
        {"name": "eve", "password": {"text": "*", "crypted": True, "age": 0}},
        {"name": "tom"},
    ]
    plan = planned({"users": users, "shadow_password": HASH})
    assert plan.host.root_password == Password(Secret(HASH))
    assert [user.password for user in plan.host.users] == [
        Password(Secret("hash of lovelace"), 30),
        Password(Secret(HASH)),
        Password(None, 0),
        Password(),
    ]


def test_clear_text_passwords_are_a_warning_that_does_not_show_them():
    found = warnings({"password": {"text": "hunter2"}})
    assert any("the password is in clear text" in warning for warning in found)
    assert "hunter2" not in "".join(found)


def test_nothing_shows_a_password():
    assert "hunter2" not in repr(planned({"password": {"text": "hunter2"}}))


def test_openssl_makes_the_hash_and_its_command_shows_nothing():
    events = []
    hashed = hash_password("hunter2", SystemCommands(events.append))
    assert hashed.reveal().startswith("$6$")
    assert hashed != hash_password("hunter2", SystemCommands())
    assert "hunter2" not in repr(events)


def test_users_have_keys_groups_and_sudo():
    user = {"name": "ada", "groups": ["wheel"], "public_keys": [KEY, {"key": OTHER_KEY}]}
    plan = planned({"users": [{**user, "sudo": True}], "public_key": f"{KEY}\n{OTHER_KEY}"})
    assert plan.host.users == (
        User("ada", groups=("wheel",), public_keys=(KEY, OTHER_KEY), sudo=True),
    )
    assert plan.host.root_keys == (KEY, OTHER_KEY)


def test_services_files_kernel_arguments_and_repositories(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "motd").write_text("hello")
    plan = planned(
        {
            "services": {"sshd": "enabled", "a.timer": "masked"},
            "search_path": ["sub"],
            "additional_files": [{"motd": "/etc/"}, {"https://a/b": "/root/b"}],
            "kargs": ["quiet"],
            "updates": "stage",
            "timezone": "Europe/Berlin",
            "environment": {"A": "b"},
            "repos": {"r": {"baseurl": "https://r/$basearch", "gpgcheck": 1, "enabled": True}},
            "insecure_repo": True,
        },
        folder=tmp_path,
    )
    assert plan.host.services == (("sshd.service", "enabled"), ("a.timer", "masked"))
    assert plan.host.files == (
        CopiedFile(str(tmp_path / "sub" / "motd"), "/etc/motd"),
        CopiedFile("https://a/b", "/var/roothome/b"),
    )
    assert plan.host.kernel_arguments == ("quiet",)
    assert plan.host.updates == "stage"
    assert plan.host.timezone == "Europe/Berlin"
    assert plan.host.environment == (("A", "b"),)
    options = {"baseurl": "https://r/$basearch", "gpgcheck": "1", "enabled": "1", "name": "r"}
    assert plan.host.repositories == (
        RpmRepository("r", tuple({**options, "sslverify": "0"}.items())),
    )


def test_scripts_come_from_lines_and_files(tmp_path):
    (tmp_path / "b.sh").write_text("#!/bin/sh\necho b\n")
    plan = planned(
        {
            "postinstall": ["#!/bin/sh", "echo a"],
            "postinstallscripts": ["b.sh", {"name": "c", "text": "echo c"}],
            "firstboot": {"scripts": ["b.sh"]},
            "preinstall": "echo first\n",
        },
        folder=tmp_path,
    )
    b = Script("b.sh", "#!/bin/sh\necho b\n")
    assert plan.scripts.pre == (Script("preinstall", "echo first\n"),)
    assert plan.scripts.post == (
        Script("postinstall", "#!/bin/sh\necho a\n"),
        b,
        Script("c", "echo c"),
    )
    assert plan.scripts.firstboot == (b,)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"users": [{"name": "a"}, {"name": "a"}]}, "must be a user's only entry"),
        ({"password": {"text": ""}}, "password.text: must not be empty"),
        ({"password": {"text": "x", "crypted": True}}, "must be a crypt(3) hash"),
        ({"password": {"text": "x"}, "shadow_password": HASH}, "both password and shadow_password"),
        ({"hostname": "a", "network": {"hostname": "b"}}, 'called "a" by hostname and "b" here'),
        ({"additional_files": {"/proc/version": "/usr/x"}}, "rest of the tree is read-only"),
        ({"additional_files": {"nowhere": "/etc/x"}}, 'no file "nowhere"'),
        ({"postinstallscripts": ["nowhere.sh"]}, 'no file "nowhere.sh"'),
        ({"postinstallscripts": ["/proc/self/fd"]}, "cannot be read: Is a directory"),
        ({"repos": {"r": {"name": "x"}}}, 'repos.r: the key "baseurl" is missing'),
    ],
)
def test_hosts_that_cannot_be(keys, words):
    [problem] = problems(keys)
    assert words in problem


# --- network


def test_interfaces_and_vlans():
    network = {
        "version": 2,
        "hostname": "named",
        "nameservers": {"addresses": ["192.0.2.53"]},
        "ethernets": {
            "a": {"match": {"macaddress": "00-11-22-33-44-FF"}, "dhcp4": "yes", "accept-ra": False},
            "eth1": {
                "addresses": ["192.0.2.1/24"],
                "gateway": "192.0.2.254",
                "nameservers": {"addresses": ["192.0.2.2"], "search": ["a.org"]},
            },
        },
        "vlans": {"v": {"id": 5, "link": "eth1", "dhcp6": True}},
    }
    plan = planned({"network": network})
    assert plan.host.hostname == "named"
    assert plan.network.interfaces == (
        Interface(
            "a",
            match_mac="00:11:22:33:44:ff",
            dhcp4=True,
            accept_ra=False,
            nameservers=("192.0.2.53",),
        ),
        Interface(
            "eth1",
            match_name="eth1",
            addresses=("192.0.2.1/24",),
            gateway="192.0.2.254",
            nameservers=("192.0.2.2",),
            search=("a.org",),
        ),
        Interface("v", dhcp6=True, nameservers=("192.0.2.53",), vlan_id=5, link="eth1"),
    )


@pytest.mark.parametrize(
    ("network", "interfaces"),
    [
        ({"type": "dhcp"}, (Interface("dhcp-en", match_name="e*", dhcp4=True),)),
        (
            {
                "type": "static",
                "ip_addr": "192.0.2.5",
                "netmask": "255.255.255.0",
                "gateway": "192.0.2.1",
                "nameserver": "192.0.2.53",
            },
            (
                Interface(
                    "static-en",
                    match_name="eth0",
                    addresses=("192.0.2.5/24",),
                    gateway="192.0.2.1",
                    nameservers=("192.0.2.53",),
                ),
            ),
        ),
        (
            {"version": "1", "type": "vlan", "vlan_id": "7"},
            (
                Interface("dhcp-en", match_name="eth0", dhcp4=True),
                Interface("vlan7", dhcp4=True, vlan_id=7, link="dhcp-en"),
            ),
        ),
    ],
)
def test_the_legacy_network(network, interfaces):
    assert planned({"network": network}).network.interfaces == interfaces


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"type": "static", "ip_addr": "192.0.2.5"}, 'the key "netmask" is missing'),
        ({"vlans": {"v": {"id": 5, "link": "x"}}}, 'there is no ethernet "x"'),
        (
            {
                "ethernets": {"a": {"match": {"name": "e*"}}},
                "vlans": {"v": {"id": 5, "link": "a"}},
            },
            "matched by no plain name",
        ),
        (
            {"ethernets": {"a": {}}, "vlans": {"a": {"id": 5, "link": "a"}}},
            'the id "a" is given to an ethernet already',
        ),
    ],
)
def test_networks_that_cannot_be(network, words):
    [problem] = problems({"network": network})
    assert words in problem


def test_a_gateway_outside_of_the_network_is_a_warning():
    network = {"ethernets": {"a": {"addresses": ["192.0.2.1/24"], "gateway": "198.51.100.1"}}}
    assert any("is it right?" in warning for warning in warnings({"network": network}))

"""The rules of single values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer import rules
from tests.installer.kickstarts import HASH, KEY, OTHER_KEY

ALL_RULES = [
    rule
    for name, rule in vars(rules).items()
    if callable(rule) and getattr(rule, "__module__", "") == rules.__name__ and name.islower()
    if name not in ("looks_hashed", "mapped_path", "public_key_lines") and name[0] != "_"
]


@given(st.sampled_from(ALL_RULES), st.text(max_size=40))
def test_every_rule_answers_to_any_text(rule, text):
    broken = rule(text)
    assert broken is None or broken.message.startswith("must ")


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.hostname, ["a", "photon-1", "a.b-c.example.com", "1a", "x" * 63],
         ["", "-a", "a-", "a_b", "a..b", "a.", "x" * 64, ".".join(["abcdefg"] * 9), "a b"]),
        (rules.user_name, ["ada", "_x", "a-1"], ["root", "Ada", "1a", "a" * 33, "a b", ""]),
        (rules.public_key, [KEY, OTHER_KEY, f'from="10.0.0.1" {KEY}', f"# of Ada\n{KEY}\n"],
         ["", "<ssh-key-here>", "ssh-rsa", "ssh-ed25519 AAAA", KEY.replace("ed25519", "rsa"),
          "-----BEGIN OPENSSH PRIVATE KEY-----\nx", "---- BEGIN SSH2 PUBLIC KEY ----", "x y"]),
        (rules.password_hash, [HASH, "*", "!", "$y$j9T$abcdefgh$ijklmnop", "$2b$12$" + "a" * 53],
         ["", "photon", "$6$", "$9$aaaaaaaaaaaa"]),
        (rules.unit_name, ["sshd", "a@b.service", r"dev-\x2d.mount"], ["", "a b", "a/b"]),
        (rules.time_zone, ["UTC", "Europe/Berlin", "America/Argentina/Salta", "Etc/GMT+1"],
         ["", "/etc", "../UTC", "Europe/", "a b", "Europe/../UTC"]),
        (rules.kernel_argument, ["quiet", "console=ttyS0,115200", 'x="a b"'],
         ["", "root=/dev/sda", "ostree=/x", "a b", "a\nb"]),
        (rules.ostree_ref, ["photon/5.0/x86_64/minimal", "a"],
         ["", "photon:a/b", "/a", "a//b", "a/", "a b"]),
        (rules.commit, ["a" * 64], ["a" * 63, "A" * 64, "latest", ""]),
        (rules.repository_url, ["http://a/b", "https://a:8080", "file:///srv/repo", "http://[::1]/"],
         ["", "ftp://a", "/srv/repo", "http://", "file://srv/repo", "http://a:b/", "http://a/ b",
          "http://u:p@a/"]),
        (rules.device, ["/dev/sda", "/dev/disk/by-id/x"], ["sda", "/dev/", "/tmp/x", "/dev/../x"]),
        (rules.copy_target, ["/etc/x", "/var/lib/x", "/home/a/x", "/usr/local/bin/x", "/opt/x"],
         ["/usr/bin/x", "/lib/systemd/system/x.service", "etc/x", "/x", "/etc/../usr/x", "/etc"]),
        (rules.mac_address, ["00:11:22:aa:BB:cc", "00-11-22-33-44-55"], ["", "00:11:22:33:44"]),
        (rules.interface_address, ["10.0.0.1/8", "2001:db8::1/64"], ["10.0.0.1", "10.0.0.1/33"]),
        (rules.ip_address, ["10.0.0.1", "::1"], ["", "10.0.0.1/8", "300.1.1.1"]),
        (rules.netmask, ["255.255.255.0", "0.0.0.0"], ["255.0.255.0", "", "x"]),
        (rules.interface_name, ["eth0", "e*"], ["", "a" * 16, "a b", "a/b"]),
        (rules.variable_name, ["A", "_b1"], ["", "1a", "a-b"]),
        (rules.identifier, ["default", "eth0.5"], ["", "../x", "a b", "a/b", "-a"]),
    ],
)  # fmt: skip
def test_rules_accept_and_refuse(rule, good, bad):
    assert [text for text in good if rule(text)] == []
    assert [text for text in bad if not rule(text)] == []


@pytest.mark.parametrize(
    ("rule", "text", "hint"),
    [
        (rules.hostname, "my_host", 'write "my-host"'),
        (rules.hostname, "photon-$((RANDOM%4096))", "leave hostname out"),
        (rules.ostree_ref, "photon:a/b", 'write "a/b"'),
        (rules.repository_url, "example.com/repo", 'write "https://example.com/repo"'),
        (rules.device, "nvme0n1", 'write "/dev/nvme0n1"'),
        (rules.normal_path, "/var//lib/", 'write "/var/lib"'),
        (rules.interface_address, "192.0.2.1", 'write "192.0.2.1/24"'),
        (rules.copy_target, "/lib/systemd/system/x", 'write "/etc/systemd/system/x"'),
    ],
)
def test_hints_say_what_to_write(rule, text, hint):
    assert hint in rule(text).hint


@given(st.from_regex(r"[ -~]{1,70}", fullmatch=True))
def test_a_suggested_host_name_is_a_host_name(text):
    broken = rules.hostname(text)
    if broken and broken.hint.startswith('write "'):
        assert rules.hostname(broken.hint.removeprefix('write "').removesuffix('"')) is None


def test_links_of_a_tree_lead_to_var():
    assert rules.mapped_path("/root/.ssh") == "/var/roothome/.ssh"
    assert rules.mapped_path("/home") == "/var/home"
    assert rules.mapped_path("/homes") == "/homes"

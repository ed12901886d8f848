"""What the steps that configure the machine write."""

from pathlib import Path

import pytest

from installer.dry import DryFiles
from installer.plan import (
    CopiedFile,
    Host,
    Interface,
    Network,
    Partition,
    Password,
    RpmRepository,
    Script,
    Scripts,
    Secret,
    Subvolume,
    User,
)
from installer.steps.configure_host import ConfigureHost, environment, hosts, photree_conf
from installer.steps.configure_network import ConfigureNetwork, network_files, resolv_conf
from installer.steps.copy_files import CopyFiles
from installer.steps.create_accounts import CreateAccounts, allow_root_keys
from installer.steps.enable_services import EnableServices
from installer.steps.run_post_scripts import RunPostScripts
from installer.steps.schedule_first_boot import ScheduleFirstBoot
from installer.steps.write_fstab import WriteFstab
from tests.installer.plans import ROOT, deployed, lines_of, make_plan

PROJECT = Path(__file__).resolve().parents[3]

KEY = "ssh-ed25519 AAAA ada@example.test"


def told_by(step, plan):
    ctx, told = deployed(plan)
    return lines_of(step, ctx, told)


def test_fstab_names_everything_but_root_by_uuid():
    swap = Partition("default", "swap", "swap", size_mb=128)
    var = Partition("default", "data", "xfs", "/var", size_mb=400, mount_options="noatime")
    assert told_by(WriteFstab(), make_plan(swap, var, ROOT))[1:] == [
        "    # Written by photree-installer. / is mounted by the kernel arguments.",
        "    UUID=UUID-3 /boot ext4 defaults 0 2",
        "    UUID=UUID-2 /boot/efi vfat umask=0077,nofail 0 2",
        "    UUID=UUID-5 /var xfs noatime 0 0",
        "    UUID=UUID-4 none swap defaults 0 0",
    ]


def test_fstab_mounts_subvolumes_and_escapes_spaces():
    subvolumes = (Subvolume("root", "/"), Subvolume("my data", "/var/my data"))
    root = Partition("default", "root", "btrfs", "/", subvolumes=subvolumes)
    lines = told_by(WriteFstab(), make_plan(root))
    assert lines[-1] == "    UUID=UUID-4 /var/my\\040data btrfs subvol=my\\040data 0 0"


def test_the_time_zone_is_a_link():
    lines = told_by(ConfigureHost(), make_plan(host=Host("h", timezone="Europe/Berlin")))
    assert "- link /etc/localtime to ../usr/share/zoneinfo/Europe/Berlin" in lines


def test_a_time_zone_that_the_tree_lacks_is_a_warning(monkeypatch):
    monkeypatch.setattr(DryFiles, "exists", lambda _files, path: "zoneinfo" not in path)
    lines = told_by(ConfigureHost(), make_plan(host=Host("h", timezone="Mars/Base")))
    assert "The tree has no time zone Mars/Base: the machine's time stays UTC." in lines
    assert not any("localtime" in line for line in lines)


def test_the_machine_gets_its_name_id_and_update_policy():
    lines = told_by(ConfigureHost(), make_plan(host=Host("web1", updates="stage")))
    assert lines[:3] == [
        "- write /etc/hostname (0644 root)",
        "    web1",
        "- change /etc/hosts: the machine's name",
    ]
    assert lines[-1] == "- change /etc/photree.conf: automatic updates: stage"
    machine_id = lines[lines.index("- write /etc/machine-id (0444 root)") + 1].strip()
    assert len(machine_id) == 32
    assert int(machine_id, 16)


def test_the_update_policy_takes_the_place_of_the_default_in_the_trees_file():
    shipped = (PROJECT / "engine/units/photree.conf").read_text()
    changed = photree_conf(shipped, "stage")
    assert [line for line in changed.splitlines() if line not in shipped.splitlines()] == [
        "AutomaticUpdatePolicy=stage"
    ]
    assert photree_conf("", "check") == "[Daemon]\nAutomaticUpdatePolicy=check\n"


def test_an_update_policy_enables_the_timer():
    (line,) = told_by(EnableServices(), make_plan(host=Host("h", updates="apply")))
    assert line.endswith("enable photree-automatic.timer")
    off = Host("h", updates="apply", services=(("photree-automatic.timer", "disabled"),))
    (line,) = told_by(EnableServices(), make_plan(host=off))
    assert line.endswith("disable photree-automatic.timer")


def test_an_image_for_many_machines_has_an_empty_machine_id():
    lines = told_by(ConfigureHost(), make_plan(live=False))
    place = lines.index("- write /etc/machine-id (0444 root)")
    assert not any(line.startswith("    ") for line in lines[place + 1 :])


def test_every_installation_has_a_machine_id_of_its_own():
    assert told_by(ConfigureHost(), make_plan()) != told_by(ConfigureHost(), make_plan())


def test_repositories_are_written_and_those_with_a_password_for_root_only():
    plain = RpmRepository("updates", (("name", "Updates"), ("baseurl", "https://e.test")))
    secret = RpmRepository("private", (("baseurl", "https://e.test"), ("password", "hunter2")))
    lines = told_by(ConfigureHost(), make_plan(host=Host("h", repositories=(plain, secret))))
    assert "- write /etc/yum.repos.d/updates.repo (0644 root)" in lines
    assert "    baseurl=https://e.test" in lines
    assert "- write /etc/yum.repos.d/private.repo (0600 root)" in lines
    assert "hunter2" not in "".join(lines)


def test_hosts_gets_the_full_and_the_short_name_once():
    once = hosts("127.0.0.1 localhost\n", "web1.example.test")
    assert once == (
        "127.0.0.1 localhost\n127.0.0.1 web1.example.test web1\n::1 web1.example.test web1\n"
    )
    assert hosts(once, "web1.example.test") == once


def test_environment_replaces_a_variable_and_quotes_its_value():
    assert (
        environment("PATH=/bin\nA=old\n", (("A", 'say "hi"'),)) == 'PATH=/bin\nA="say \\"hi\\""\n'
    )


def test_accounts_keys_homes_and_sudo():
    ada = User("ada", Password(Secret("$6$x$y")), ("sudo",), (KEY,), sudo=True)
    plan = make_plan(host=Host("h", root_keys=(KEY,), users=(ada,)))
    assert told_by(CreateAccounts(), plan) == [
        "- change /etc/passwd, group, shadow and gshadow: root, ada",
        "- make the directory /var/roothome (0700 root)",
        "- make the directory /var/roothome/.ssh (0700 root)",
        "- write /var/roothome/.ssh/authorized_keys (0600 root)",
        "- change /etc/ssh/sshd_config: let root log in with a key",
        "- make the directory /var/home (0755 root)",
        "- make the directory /var/home/ada (0700 ada)",
        "- make the directory /var/home/ada/.ssh (0700 ada)",
        "- write /var/home/ada/.ssh/authorized_keys (0600 ada)",
        "- write /etc/sudoers.d/photree-ada (0440 root)",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Port 22\nPermitRootLogin no\n", "Port 22\nPermitRootLogin prohibit-password\n"),
        ("permitrootlogin  NO\n", "PermitRootLogin prohibit-password\n"),
        ("PermitRootLogin yes\n", "PermitRootLogin yes\n"),
        ("#PermitRootLogin no\n", "#PermitRootLogin no\n"),
        ("", ""),
    ],
)
def test_only_a_refusal_of_root_is_weakened_to_keys(before, after):
    assert allow_root_keys(before) == after


def test_a_dhcp_interface():
    network = Network((Interface("lan", match_name="e*", dhcp4=True),))
    assert network_files(network) == [
        ("10-lan.network", "[Match]\nName=e*\n\n[Network]\nDHCP=ipv4\n")
    ]


def test_a_static_interface():
    link = Interface(
        "lan",
        match_mac="00:11:22:33:44:55",
        addresses=("192.0.2.10/24", "2001:db8::1/64"),
        gateway="192.0.2.1",
        nameservers=("192.0.2.2", "192.0.2.3"),
        search=("example.test", "lan"),
        accept_ra=False,
    )
    ((_name, text),) = network_files(Network((link,)))
    assert text == (
        "[Match]\nMACAddress=00:11:22:33:44:55\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\n"
        "Address=192.0.2.10/24\nAddress=2001:db8::1/64\nGateway=192.0.2.1\n"
        "DNS=192.0.2.2\nDNS=192.0.2.3\nDomains=example.test lan\n"
    )


def test_a_vlan_is_a_device_that_its_link_carries():
    network = Network(
        (
            Interface("lan", match_name="eth0"),
            Interface("office", vlan_id=42, link="lan", dhcp4=True, dhcp6=True),
        )
    )
    assert network_files(network) == [
        ("10-lan.network", "[Match]\nName=eth0\n\n[Network]\nDHCP=no\nVLAN=office\n"),
        ("10-office.netdev", "[NetDev]\nName=office\nKind=vlan\n\n[VLAN]\nId=42\n"),
        ("10-office.network", "[Match]\nName=office\n\n[Network]\nDHCP=yes\n"),
    ]


def test_network_files_are_written_where_networkd_looks():
    plan = make_plan(network=Network((Interface("lan", dhcp6=True),)))
    assert told_by(ConfigureNetwork(), plan) == [
        "- write /etc/systemd/network/10-lan.network (0644 root)",
        "    [Match]",
        "    Name=lan",
        "    ",
        "    [Network]",
        "    DHCP=ipv6",
    ]


def test_resolv_conf_has_every_server_and_domain_once():
    link = Interface("a", nameservers=("192.0.2.1",), search=("lan",))
    again = Interface("b", nameservers=("192.0.2.1", "192.0.2.2"))
    assert resolv_conf(Network((link, again))) == (
        "search lan\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n"
    )


def test_services_are_enabled_disabled_and_masked_in_the_deployment():
    services = (("a.service", "enabled"), ("b.timer", "masked"), ("c.service", "enabled"))
    root = "--root=/run/photree/install/sysroot/ostree/deploy/photon/deploy/c0ffee.0"
    assert told_by(EnableServices(), make_plan(host=Host("h", services=services))) == [
        f"$ systemctl {root} enable a.service c.service",
        f"$ systemctl {root} mask b.timer",
    ]


def test_files_and_downloads_are_copied():
    files = (CopiedFile("/media/motd", "/etc/motd"), CopiedFile("https://e.test/x", "/var/x"))
    assert told_by(CopyFiles(), make_plan(host=Host("h", files=files))) == [
        "- copy /media/motd to /etc/motd",
        "- download https://e.test/x to /run/photree/install/file-1",
        "- copy /run/photree/install/file-1 to /var/x",
    ]


def test_scripts_of_the_first_boot_run_in_order_by_a_unit_that_runs_once():
    scripts = Scripts(firstboot=(Script("one", "echo 1"), Script("two", "#!/bin/sh\necho 2\n")))
    lines = told_by(ScheduleFirstBoot(), make_plan(scripts=scripts))
    assert "- write /var/lib/photree/firstboot/01 (0700 root)" in lines
    unit = [line.strip() for line in lines]
    assert unit.index("ExecStart=/var/lib/photree/firstboot/01") < unit.index(
        "ExecStart=/var/lib/photree/firstboot/02"
    )
    assert "ConditionPathExists=!/var/lib/photree/firstboot.done" in unit
    assert "ExecStart=/usr/bin/touch /var/lib/photree/firstboot.done" in unit
    assert lines[-1] == (
        "- link /etc/systemd/system/multi-user.target.wants/photree-firstboot.service "
        "to /etc/systemd/system/photree-firstboot.service"
    )


def test_a_post_script_runs_inside_with_a_read_only_tree_and_its_variables():
    plan = make_plan(
        host=Host("h", environment=(("COLOUR", "deep red"),)),
        scripts=Scripts(post=(Script("colour", "echo $COLOUR"),)),
    )
    deployment = "/run/photree/install/sysroot/ostree/deploy/photon/deploy/c0ffee.0"
    assert told_by(RunPostScripts(), plan) == [
        "$ mkdir --parents /run/photree/install/script",
        "$ install --mode=0700 /dev/stdin /run/photree/install/script/script"
        "  # reads 25 characters from standard input",
        "$ COLOUR='deep red' bwrap --die-with-parent --unshare-pid --unshare-ipc"
        f" --bind {deployment} / --ro-bind {deployment}/usr /usr"
        " --ro-bind /run/photree/install/sysroot /sysroot"
        " --bind /run/photree/install/sysroot/ostree/deploy/photon/var /var"
        " --bind /run/photree/install/sysroot/boot /boot"
        " --dev-bind /dev /dev --proc /proc --ro-bind /sys /sys --tmpfs /run --tmpfs /tmp"
        " --ro-bind-try /etc/resolv.conf /run/systemd/resolve/stub-resolv.conf"
        " --ro-bind-try /etc/resolv.conf /run/systemd/resolve/resolv.conf"
        " --bind /run/photree/install/script /run/photree --chdir / -- /run/photree/script",
    ]

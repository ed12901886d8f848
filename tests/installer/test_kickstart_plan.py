"""A kickstart becomes a plan with every default filled in."""

import pytest

from engine.command import SystemCommands
from engine.errors import PlanError
from installer.kickstart.plan import plan_from_kickstart
from installer.kickstart.reading import Facts
from installer.plan import (
    BootMode,
    Disk,
    Interface,
    LogicalVolume,
    Password,
    Profile,
    Remote,
    Source,
    Subvolume,
    TableType,
)
from tests.installer.kickstarts import (
    CUSTOM,
    document,
    make_repository,
    planned,
    problems,
    warnings,
)

REF = "photon/5.0/x86_64/minimal"
OFFICIAL = "https://packages.vmware.com/photon/rpm-ostree/base/5.0/x86_64/repo"


@pytest.fixture
def media(tmp_path):
    make_repository(tmp_path / "media" / "repo", REF, "photon/5.0/x86_64/base")
    return tmp_path / "media"


def test_the_shortest_kickstart_has_every_default():
    plan = planned({}, name_suffix="1a2b")
    assert plan.profile is Profile.CUSTOM_HOST
    assert plan.host.hostname == "photon-1a2b"
    assert plan.host.root_password == Password()
    assert plan.host.updates == "none"
    assert plan.storage.disks == (Disk("default", plan.storage.disks[0].device),)
    assert plan.storage.table is TableType.GPT
    assert plan.storage.bootmode is BootMode.DUAL
    assert [p.role for p in plan.storage.partitions] == ["bios", "efi", "boot", "root"]
    assert plan.network.interfaces == (Interface("dhcp-en", match_name="e*", dhcp4=True),)
    assert plan.arch == "x86_64"
    assert plan.live


# --- source


def test_a_custom_host_follows_the_server_it_came_from():
    plan = planned({})
    url = "https://example.com/repo"
    assert plan.source == Source(url, REF, Remote("photon", url, gpg_verify=False))


def test_a_key_means_verified_commits(tmp_path):
    (tmp_path / "k.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    ostree = {"repo_url": "https://a/r", "repo_ref": REF, "gpg_key": "k.asc", "commit": "a" * 64}
    plan = planned({"ostree": ostree}, folder=tmp_path)
    assert plan.source.remote.gpg_verify
    assert plan.source.remote.gpg_key == tmp_path / "k.asc"
    assert plan.source.commit == "a" * 64
    assert warnings({"ostree": ostree}, folder=tmp_path) == []


def test_unverified_commits_are_a_warning():
    [warning] = warnings({"ostree": {"repo_url": "http://a/r", "repo_ref": REF}})
    assert "anybody on the way can change them" in warning
    [warning] = warnings({"ostree": {"repo_url": "https://a/r", "repo_ref": REF}})
    assert "not verified by signature" in warning


def test_a_default_host_comes_from_the_media_and_follows_the_official_repository(media):
    plan = planned({"ostree": {"default_repo": True}}, media=media)
    assert plan.profile is Profile.DEFAULT_HOST
    assert plan.source.url == (media / "repo").as_uri()
    assert plan.source.ref == REF
    assert plan.source.remote == Remote("photon", OFFICIAL, gpg_verify=False)


def test_the_branch_of_the_media_can_be_chosen(media):
    ostree = {"default_repo": True, "repo_ref": "photon/5.0/x86_64/base"}
    assert planned({"ostree": ostree}, media=media).source.ref == "photon/5.0/x86_64/base"


def test_the_medias_repository_may_be_a_tar_file(tmp_path):
    (tmp_path / "ostree-repo.tar.gz").write_bytes(b"")
    source = planned({"ostree": {"default_repo": True}}, media=tmp_path).source
    assert source.url == ""
    assert source.archive == tmp_path / "ostree-repo.tar.gz"


def test_path_names_a_repository_or_a_tar_file(tmp_path, media):
    ostree = {"path": str(media / "repo"), "osname": "other", "remote": "mine"}
    source = planned({"ostree": ostree}).source
    assert (source.url, source.osname, source.remote.name) == (
        (media / "repo").as_uri(),
        "other",
        "mine",
    )
    (tmp_path / "repo.tar").write_bytes(b"")
    archive = planned({"ostree": {"default_repo": True, "path": "repo.tar"}}, folder=tmp_path)
    assert archive.source.archive == tmp_path / "repo.tar"


@pytest.mark.parametrize(
    ("ostree", "words"),
    [
        ({}, "names no source"),
        ({"default_repo": False}, "names no source"),
        ({**CUSTOM, "default_repo": True}, "both repo_url and default_repo"),
        ({**CUSTOM, "path": "/x"}, "both repo_url and path"),
        ({"default_repo": False, "path": "/x"}, "path belongs to default_repo"),
        ({"repo_url": "https://a/r"}, 'the key "repo_ref" is missing'),
        ({**CUSTOM, "profile": "default"}, "a default host needs default_repo"),
        ({**CUSTOM, "profile": "server"}, "server profile cannot be installed yet"),
        ({**CUSTOM, "gpg_verify": True}, "gpg_verify needs a key"),
        ({**CUSTOM, "gpg_key": "nowhere.asc"}, 'no file "nowhere.asc"'),
        ({"default_repo": True}, "media with the tree is not known"),
        ({"path": "/proc"}, "/proc is no OSTree repository"),
    ],
)
def test_exactly_one_source_is_needed(ostree, words):
    [problem] = problems({"ostree": ostree})
    assert words in problem


def test_what_the_media_lacks_is_known_before_anything_is_wiped(media):
    ostree = {"default_repo": True, "repo_ref": "photon/5.0/x86_64/minimall", "commit": "b" * 64}
    branch, commit = problems({"ostree": ostree}, media=media)
    assert 'no branch "photon/5.0/x86_64/minimall"' in branch
    assert f'did you mean "{REF}"?' in branch
    assert "this commit is not in" in commit
    [empty] = problems({"ostree": {"default_repo": True}}, media=media.parent)
    assert "no OSTree repository" in empty


def test_a_file_that_is_no_key_is_refused(tmp_path):
    (tmp_path / "k").write_text("hello")
    [problem] = problems({"ostree": {**CUSTOM, "gpg_key": "k"}}, folder=tmp_path)
    assert "no public key of GnuPG" in problem


# --- storage


def test_partitions_keep_all_their_keys():
    [data] = [
        partition
        for partition in planned(
            {
                "disks": {"default": {"device": "/dev/sda"}, "b": {"device": "/dev/sdb"}},
                "disk": None,
                "partitions": [
                    {"mountpoint": "/", "size": 0},
                    {
                        "mountpoint": "/var/data",
                        "sizepercent": 50,
                        "filesystem": "btrfs",
                        "disk_id": "b",
                        "fs_options": ["noatime", "nodev"],
                        "mkfs_options": "--nodesize 32K",
                        "partlabel": "data",
                        "btrfs": {
                            "label": "main",
                            "subvols": [
                                {
                                    "name": "a",
                                    "mountpoint": "/srv",
                                    "subvols": [{"name": "b", "mountpoint": "/var/b"}],
                                }
                            ],
                        },
                    },
                ],
            }
        ).storage.partitions
        if partition.role == "data"
    ]
    assert data.size_percent == 50
    assert (data.label, data.partlabel) == ("main", "data")
    assert data.mount_options == "noatime,nodev"
    assert data.mkfs_options == ("--nodesize", "32K")
    assert data.subvolumes == (Subvolume("a", "/var/srv"), Subvolume("a/b", "/var/b"))


def test_logical_volumes_have_their_group_and_name():
    partitions = [
        {"mountpoint": "/", "size": 0, "lvm": {"vg_name": "vg0", "lv_name": "root"}},
        {"mountpoint": "/boot", "size": 512},
    ]
    found = {p.role: p.lvm for p in planned({"partitions": partitions}).storage.partitions}
    expected = {"bios": None, "efi": None, "boot": None, "root": LogicalVolume("vg0", "root")}
    assert found == expected


@pytest.mark.parametrize(
    ("lvm", "words"),
    [
        ({"vg_name": "vg0"}, 'the key "lv_name" is missing'),
        ({"vg_name": "-a", "lv_name": "root"}, "not beginning with -"),
        ({"vg_name": "v g", "lv_name": "root"}, "must be a name of letters"),
        ({"vg_name": "sda", "lv_name": "root"}, "must not be the name of a device"),
        ({"vg_name": "mapper", "lv_name": "root"}, "must not be the name of a device"),
        ({"vg_name": "vg0", "lv_name": "pvmove0"}, "LVM uses itself"),
        ({"vg_name": "vg0", "lv_name": "a_rimage_0"}, "LVM uses itself"),
        ({"vg_name": "vg0", "lv_name": ".."}, "must be a name of letters"),
        ({"vg_name": "v" * 64, "lv_name": "root"}, "at most 63 characters"),
        (
            {"vg_name": "vg0", "lv_name": "root", "size": 5},
            'unknown key "size" in partitions[0].lvm',
        ),
    ],
)
def test_names_that_lvm_does_not_take(lvm, words):
    [problem] = problems({"partitions": [{"mountpoint": "/", "size": 0, "lvm": lvm}]})
    assert words in problem


def test_boot_on_a_logical_volume_is_refused_with_what_to_do():
    lvm = {"vg_name": "vg0", "lv_name": "boot"}
    partitions = [{"mountpoint": "/", "size": 0}, {"mountpoint": "/boot", "size": 512, "lvm": lvm}]
    [problem] = problems({"partitions": partitions})
    assert "/boot cannot be a logical volume" in problem
    assert "leave lvm out for a plain partition" in problem


def test_mkfs_options_in_photons_form_are_features():
    partitions = [{"mountpoint": "/", "size": 0, "mkfs_options": "^metadata_csum"}]
    root = planned({"partitions": partitions}).storage.partitions[-1]
    assert root.mkfs_options == ("-O", "^metadata_csum")


def test_an_image_is_made_for_other_machines():
    plan = planned({"disk": None, "disks": {"default": {"filename": "a.img", "size": 4096}}})
    assert str(plan.storage.disks[0].image) == "a.img"
    assert not plan.live
    assert planned({"live": False}).live is False
    assert planned({"disk": "/dev/loop0"}).live is False


def test_an_image_too_small_is_refused_with_the_size_it_needs():
    keys = {"disk": None, "disks": {"default": {"filename": "a.img", "size": 600}}}
    [problem] = problems(keys)
    assert problem == (
        "k:8:11: disks.default.size: 600 MB are too small for the partitions (at least 1674)"
    )


def test_a_disk_without_partitions_is_left_alone():
    disks = {"default": {"device": "/dev/sda"}, "spare": {"device": "/dev/sdb"}}
    keys = {"disk": None, "disks": disks}
    found = warnings(keys)
    assert any('"spare" has no partitions, it is left alone' in warning for warning in found)
    assert [disk.name for disk in planned(keys).storage.disks] == ["/dev/sda"]


def test_aarch64_boots_by_efi_only():
    plan = planned({"arch": "aarch64"}, arch="aarch64")
    assert plan.storage.bootmode is BootMode.EFI
    [problem] = problems({"bootmode": "dualboot"}, arch="aarch64")
    assert "do not boot by BIOS" in problem


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"disk": None}, "no disk to install on"),
        ({"disks": {"default": {"device": "/dev/sdb"}}}, "both disk and disks"),
        ({"disk": None, "disks": {"a": {"device": "/dev/sdb"}}}, 'one with the id "default"'),
        ({"disk": None, "disks": {"default": {}}}, "either device or filename"),
        ({"disk": None, "disks": {"default": {"filename": "x"}}}, 'the key "size" is missing'),
        (
            {"disk": None, "disks": {"default": {"device": "/dev/a", "size": 9}}},
            "belongs to images only",
        ),
        (
            {"disk": None, "disks": {"default": {"device": "/dev/a"}, "b": {"device": "/dev/a"}}},
            "/dev/a is given twice",
        ),
        ({"partitions": [{"mountpoint": "/"}]}, "neither size nor sizepercent"),
        ({"partitions": [{"mountpoint": "/", "size": 0, "sizepercent": 5}]}, "both size and"),
        ({"partitions": []}, "no partition for /"),
        (
            {"partitions": [{"mountpoint": "/", "size": 0, "fs_options": "-n EFI"}]},
            "must be mount options",
        ),
        (
            {"partitions": [{"mountpoint": "/", "size": 0, "btrfs": {"label": "x"}}]},
            "btrfs does not fit to ext4",
        ),
        (
            {"partitions": [{"mountpoint": "/", "size": 0, "mkfs_options": "-L 'x"}]},
            "all its quotes closed",
        ),
        ({"arch": "aarch64"}, "programs of an aarch64 tree cannot run here"),
    ],
)
def test_storage_that_cannot_be(keys, words):
    [problem] = problems(keys)
    assert words in problem


# --- as a whole


def test_warnings_are_log_lines_and_problems_are_raised():
    events = []
    commands = SystemCommands()
    facts = Facts("x86_64", variables={})
    plan_from_kickstart(document({"password": {"text": "x"}}), facts, commands, events.append)
    assert [event.level for event in events if "clear text" in event.text] == ["warning"]
    with pytest.raises(PlanError) as caught:
        plan_from_kickstart(document({"hostname": "-"}), facts, commands, events.append)
    assert len(caught.value.problems) == 1

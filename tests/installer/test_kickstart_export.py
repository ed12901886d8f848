"""A plan written as a kickstart gives the same plan again."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from installer.kickstart.export import kickstart_from_plan, write_kickstart
from installer.media import find_repository
from installer.official import official_url
from installer.plan import (
    BootMode,
    CopiedFile,
    Disk,
    Host,
    InstallPlan,
    Interface,
    LogicalVolume,
    Network,
    Partition,
    Password,
    Profile,
    Remote,
    RpmRepository,
    Script,
    Scripts,
    Secret,
    Source,
    Storage,
    Subvolume,
    TableType,
    User,
)
from installer.storage.layout import complete_layout, minimum_sizes
from tests.installer.kickstarts import HASH, KEY, OTHER_KEY, make_repository, planned

REF = "photon/5.0/x86_64/minimal"
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
WORDS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
PASSWORDS = st.builds(
    Password,
    st.none() | st.just(Secret(HASH)),
    st.none() | st.integers(-1, 9999),
)
KEYS = st.lists(st.sampled_from([KEY, OTHER_KEY]), unique=True).map(tuple)
ADDRESSES = st.sampled_from(["192.0.2.1", "2001:db8::1", "198.51.100.7"])


def unique(items: st.SearchStrategy, by) -> st.SearchStrategy:
    return st.lists(items, max_size=3, unique_by=by).map(tuple)


USERS = st.builds(
    User,
    NAMES.filter(lambda name: name != "root"),
    PASSWORDS,
    st.lists(NAMES, max_size=2).map(tuple),
    KEYS,
    st.booleans(),
)
SCRIPTS = st.lists(st.builds(Script, NAMES, TEXTS), max_size=2).map(tuple)
HOSTS = st.builds(
    Host,
    NAMES,
    PASSWORDS,
    KEYS,
    unique(USERS, lambda user: user.name),
    unique(
        st.tuples(NAMES.map("{}.service".format), st.sampled_from(["enabled", "masked"])),
        lambda pair: pair[0],
    ),
    st.lists(st.sampled_from(["quiet", "a=1,2", "price=$5", "a=$HOME", "$$x${y}"]), max_size=3).map(
        tuple
    ),
    st.lists(
        st.builds(CopiedFile, st.just("/proc/version"), st.sampled_from(["/etc/a", "/var/b"])),
        max_size=2,
    ).map(tuple),
    unique(
        st.builds(
            RpmRepository,
            NAMES,
            WORDS.map(lambda word: (("baseurl", f"https://a/$basearch{word}"), ("name", word))),
        ),
        lambda repository: repository.id,
    ),
    st.sampled_from(["none", "check", "stage", "apply"]),
    unique(st.tuples(NAMES, TEXTS), lambda pair: pair[0]),
    st.sampled_from(["", "UTC", "Europe/Berlin"]),
)


@st.composite
def networks(draw) -> Network:
    lower = draw(
        unique(
            st.builds(
                Interface,
                NAMES,
                match_name=st.just("eth0"),
                match_mac=st.sampled_from(["", "00:11:22:33:44:55"]),
                dhcp4=st.booleans(),
                dhcp6=st.booleans(),
                accept_ra=st.none() | st.booleans(),
                addresses=st.lists(ADDRESSES.map("{}/24".format), max_size=2).map(tuple),
                gateway=st.just("") | ADDRESSES,
                nameservers=st.lists(ADDRESSES, max_size=2).map(tuple),
                search=st.lists(NAMES, max_size=2).map(tuple),
            ),
            lambda interface: interface.id,
        )
    )
    if not lower or draw(st.booleans()):
        return Network(lower)
    vlan = Interface("v.1", dhcp4=True, vlan_id=draw(st.integers(1, 4094)), link=lower[0].id)
    return Network((*lower, vlan))


@st.composite
def storages(draw) -> Storage:
    table = draw(st.sampled_from(TableType))
    mode = draw(st.sampled_from(BootMode))
    kind = draw(st.sampled_from(["ext4", "xfs", "btrfs"]))
    lvm = draw(st.sampled_from([None, LogicalVolume("vg.0", "root")]))
    root = Partition("default", "root", kind, "/", lvm=lvm)
    subvolumes = (Subvolume("a"), Subvolume("a/b", "/var/b"), Subvolume("c", "/var/c"))
    more = draw(
        st.lists(
            st.sampled_from(
                [
                    Partition("data", "swap", "swap", size_mb=64),
                    Partition("data", "data", "xfs", "/var/x", size_percent=7, label="$x"),
                    Partition("data", "data", "btrfs", "/var/y", subvolumes=subvolumes),
                    Partition("data", "data", "ext4", "/var/z", size_mb=99, mount_options="a,b=c"),
                    Partition("data", "data", "ext4", "/var/w", size_mb=99,
                              mkfs_options=("-O", "^x,y", "-L", "a b's")),
                    Partition("data", "data", "ext4", "/var/u", size_mb=98,
                              lvm=LogicalVolume("vg.0", "u-1")),
                    Partition("data", "swap", "swap", size_percent=3,
                              lvm=LogicalVolume("vg.0", "swap")),
                ]
            ),
            unique=True,
            max_size=3,
        )
    )  # fmt: skip
    layout = complete_layout([root, *more], mode, table)
    sizes = minimum_sizes(layout)
    device = draw(st.booleans())
    disks = tuple(
        Disk(id, device=Path(f"/dev/{id}"))
        if device
        else Disk(id, image=Path(f"{id}.img"), size_mb=sizes[id] + 5, sector_size=4096)
        for id in sizes
    )
    return Storage(disks, layout, table, mode)


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("media with blank")
    make_repository(folder / "repo", REF)
    (folder / "k.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    (folder / "repo.tar").write_bytes(b"")
    return folder


@st.composite
def sources(draw, media: Path) -> tuple[Profile, Source]:
    key = draw(st.sampled_from([None, media / "k.asc"]))
    verify = key is not None and draw(st.booleans())
    kind = draw(st.sampled_from(["custom", "directory", "archive"]))
    osname = draw(NAMES)
    if kind == "custom":
        url, commit = "https://a.org/repo", draw(st.sampled_from([None, "a" * 64]))
        remote = Remote(draw(NAMES), url, verify, key)
        return Profile.CUSTOM_HOST, Source(url, REF, remote, commit, osname)
    remote = Remote("photon", official_url(REF, "x86_64"), verify, key)
    if kind == "archive":
        source = Source("", REF, remote, None, osname, archive=media / "repo.tar")
        return Profile.DEFAULT_HOST, source
    repository = find_repository(media)
    assert repository is not None
    return Profile.DEFAULT_HOST, Source(repository.as_uri(), REF, remote, None, osname)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_plan_comes_back_from_its_kickstart(media, data):
    profile, source = data.draw(sources(media))
    scripts = Scripts(data.draw(SCRIPTS), data.draw(SCRIPTS), data.draw(SCRIPTS))
    plan = InstallPlan(
        profile,
        source,
        data.draw(storages()),
        data.draw(HOSTS),
        data.draw(networks()),
        scripts,
        live=data.draw(st.booleans()),
    )
    text = kickstart_from_plan(plan)
    assert planned(text, variables={}) == plan
    assert kickstart_from_plan(planned(text, variables={})) == text


def test_clear_text_passwords_leave_as_hashes():
    plan = planned({"password": {"text": "hunter2"}, "users": [{"name": "a"}]})
    keys = json.loads(kickstart_from_plan(plan))
    assert keys["password"] == {"text": "hash of hunter2", "crypted": True}
    assert "password" not in keys["users"][0]


def test_only_its_owner_can_read_the_file(tmp_path):
    path = tmp_path / "ks.json"
    path.write_text("old")
    path.chmod(0o644)
    write_kickstart(planned({}), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["disks"] == {"default": {"device": "/dev/sda"}}

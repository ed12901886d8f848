"""Where packaged paths go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.packages.placement import Area, on_machine, placement


@pytest.mark.parametrize(
    ("packaged", "area", "path"),
    [
        ("/usr/bin/sh", Area.TREE, "usr/bin/sh"),
        ("/bin", Area.TREE, "bin"),
        ("/bin/sh", Area.TREE, "usr/bin/sh"),
        ("/lib64/ld.so", Area.TREE, "usr/lib64/ld.so"),
        ("/etc/passwd", Area.TREE, "usr/etc/passwd"),
        ("/etc", Area.TREE, "usr/etc"),
        ("/boot/vmlinuz-6.1", Area.TREE, "usr/lib/ostree-boot/vmlinuz-6.1"),
        ("/opt/app/bin", Area.TREE, "usr/lib/opt/app/bin"),
        ("/var/lib/app", Area.VAR, "var/lib/app"),
        ("/var/run/app", Area.RUN, "run/app"),
        ("/var/lock/app", Area.RUN, "run/lock/app"),
        ("/run/app", Area.RUN, "run/app"),
        ("/root/.bashrc", Area.VAR, "var/roothome/.bashrc"),
        ("/home/user", Area.VAR, "var/home/user"),
        ("/usr/local/bin", Area.VAR, "var/usrlocal/bin"),
        ("/usr/localized", Area.TREE, "usr/localized"),
        ("/media/cdrom", Area.RUN, "run/media/cdrom"),
        ("/var/runtime", Area.VAR, "var/runtime"),
        ("/var", Area.SKELETON, "var"),
        ("/home", Area.SKELETON, "home"),
        ("/dev/null", Area.SKELETON, "dev/null"),
        ("/", Area.SKELETON, ""),
        ("/odd/file", Area.REFUSED, "odd/file"),
        ("/file", Area.REFUSED, "file"),
    ],
)
def test_the_place_of_a_path(packaged, area, path):
    found = placement(packaged)
    assert (found.area, found.path) == (area, path)


@given(st.sampled_from(["/usr", "/etc", "/boot", "/opt"]), st.text("ab/", min_size=1, max_size=9))
def test_programs_find_a_path_of_the_tree_under_its_packaged_name(top, rest):
    packaged = f"{top}/x{rest}".rstrip("/")
    assert on_machine(placement(packaged).path) == packaged

"""Accounts as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StorageError
from installer.accounts import AccountFiles, add_user, owner_ids, set_password
from installer.plan import Password, Secret, User

FILES = AccountFiles(
    passwd="root:x:0:0:root:/root:/bin/bash\n",
    group="root:x:0:\n",
    shadow="root:*:19000:0:99999:7:::\n",
    gshadow="root:::\n",
    tree_passwd="daemon:x:1:1::/:/usr/sbin/nologin\n",
    tree_group="daemon:x:1:\nsudo:x:27:\nusers:x:1000:\n",
)
names = st.from_regex(r"[a-z_][a-z0-9_-]{0,20}", fullmatch=True).filter(
    lambda name: name not in ("root", "daemon", "sudo", "users")
)


def row(text, name):
    return next(line.split(":") for line in text.splitlines() if line.startswith(f"{name}:"))


def test_root_gets_its_hash_and_the_day():
    files = set_password(FILES, "root", Password(Secret("$6$salt$hash")), 20000)
    assert files.shadow == "root:$6$salt$hash:20000:0:99999:7:::\n"


def test_a_locked_account_can_still_log_in_with_a_key():
    assert row(set_password(FILES, "root", Password(), 20000).shadow, "root")[1] == "*"


def test_max_days_zero_asks_for_a_new_password_at_the_first_login():
    shadow = set_password(FILES, "root", Password(Secret("h"), max_days=0), 20000).shadow
    assert row(shadow, "root")[2:5] == ["0", "0", "99999"]


def test_max_days_is_written_and_minus_one_means_never():
    limited = set_password(FILES, "root", Password(Secret("h"), max_days=90), 20000)
    never = set_password(limited, "root", Password(Secret("h"), max_days=-1), 20000)
    assert row(limited.shadow, "root")[4] == "90"
    assert row(never.shadow, "root")[4] == "99999"


def test_an_unset_clock_does_not_expire_passwords():
    assert row(set_password(FILES, "root", Password(Secret("h")), None).shadow, "root")[2] == ""


def test_a_user_gets_a_free_id_a_group_and_a_home_in_var():
    files = add_user(FILES, User("ada"), 20000)
    assert files.passwd.endswith("\nada:x:1001:1001::/var/home/ada:/bin/bash\n")
    assert row(files.group, "ada") == ["ada", "x", "1001", ""]
    assert row(files.gshadow, "ada") == ["ada", "!", "", ""]
    assert row(files.shadow, "ada")[1:3] == ["*", "20000"]


def test_a_group_of_the_tree_is_copied_to_etc_with_its_new_member():
    files = add_user(FILES, User("ada", groups=("sudo",)), 20000)
    assert row(files.group, "sudo") == ["sudo", "x", "27", "ada"]
    assert row(files.gshadow, "sudo") == ["sudo", "!", "", "ada"]


def test_an_unknown_group_is_refused_with_those_there_are():
    with pytest.raises(StorageError, match="the tree has no such group") as caught:
        add_user(FILES, User("ada", groups=("wheel",)), 20000)
    assert "ada, daemon, root, sudo, users" in caught.value.hint


def test_a_system_account_of_the_tree_is_not_taken_over():
    with pytest.raises(StorageError, match="system account of that name"):
        add_user(FILES, User("daemon"), 20000)


def test_a_group_of_the_users_name_is_not_taken_over():
    with pytest.raises(StorageError, match="a group of that name"):
        add_user(FILES, User("sudo"), 20000)


def test_adding_an_account_twice_changes_nothing_more():
    user = User("ada", groups=("sudo",))
    once = add_user(FILES, user, 20000)
    assert add_user(once, user, 20000) == once


@given(st.lists(names, unique=True, max_size=8))
def test_every_account_has_ids_of_its_own(users):
    files = FILES
    for name in users:
        files = add_user(files, User(name, groups=("sudo",)), 20000)
    ids = [owner_ids(files, name) for name in users]
    assert len(set(ids)) == len(users)
    assert all(uid == gid >= 1000 for uid, gid in ids)
    assert row(files.group, "sudo")[3] == ",".join(users) if users else True


def test_an_owner_that_is_not_there_is_refused():
    with pytest.raises(StorageError, match="no user eve"):
        owner_ids(FILES, "eve")

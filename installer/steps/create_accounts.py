"""root's password and keys, and the plan's users."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from installer.context import Context
from installer.plan import User
from installer.steps.accounts import HOMES, AccountFiles, add_user, set_password, today
from installer.steps.step import Step

ROOT_HOME = "/var/roothome"
_SSHD_CONFIG = "/etc/ssh/sshd_config"


class CreateAccounts(Step):
    id = "create-accounts"
    title = "Create the accounts"

    def do(self, ctx: Context) -> None:
        host, files = ctx.plan.host, ctx.files
        accounts = AccountFiles(
            passwd=files.read("/etc/passwd"),
            group=files.read("/etc/group"),
            shadow=files.read("/etc/shadow"),
            gshadow=files.read("/etc/gshadow"),
            tree_passwd=files.read("/usr/lib/passwd"),
            tree_group=files.read("/usr/lib/group"),
        )
        day = today()
        accounts = set_password(accounts, "root", host.root_password, day)
        ids: dict[str, int] = {}
        for user in host.users:
            accounts, ids[user.name] = add_user(accounts, user, day)
        _write(ctx, accounts)
        files.make_directory(ROOT_HOME, 0o700)
        if host.root_keys:
            _authorize(ctx, ROOT_HOME, 0, host.root_keys)
            files.edit(_SSHD_CONFIG, allow_root_keys, "let root log in with a key")
        for user in host.users:
            _make_home(ctx, user, ids[user.name])


def _write(ctx: Context, accounts: AccountFiles) -> None:
    names = ", ".join(["root", *(user.name for user in ctx.plan.host.users)])
    ctx.files.edit("/etc/passwd", lambda _: accounts.passwd, names)
    ctx.files.edit("/etc/group", lambda _: accounts.group, names)
    ctx.files.edit("/etc/shadow", lambda _: accounts.shadow, f"passwords: {names}", 0o600)
    ctx.files.edit("/etc/gshadow", lambda _: accounts.gshadow, names, 0o600)


def _make_home(ctx: Context, user: User, uid: int) -> None:
    home = f"{HOMES}/{user.name}"
    ctx.files.make_directory(HOMES)
    ctx.files.make_directory(home, 0o700, uid, uid)
    for name in (".bash_profile", ".bashrc", ".profile"):
        if text := ctx.files.read(f"/etc/skel/{name}"):
            ctx.files.write(f"{home}/{name}", text, 0o644, uid, uid)
    if user.public_keys:
        _authorize(ctx, home, uid, user.public_keys)
    if user.sudo:
        rule = f"{user.name} ALL=(ALL:ALL) ALL\n"
        ctx.files.write(f"/etc/sudoers.d/photree-{user.name}", rule, 0o440)


def _authorize(ctx: Context, home: str, uid: int, keys: Sequence[str]) -> None:
    ctx.files.make_directory(f"{home}/.ssh", 0o700, uid, uid)
    text = "".join(f"{key.strip()}\n" for key in keys)
    ctx.files.write(f"{home}/.ssh/authorized_keys", text, 0o600, uid, uid)


def allow_root_keys(config: str) -> str:
    """sshd_config(5) with `PermitRootLogin no` weakened to keys only (Photon ships it so)."""

    def line(text: str) -> str:
        words = text.split()
        refused = [word.lower() for word in words[:2]] == ["permitrootlogin", "no"]
        return "PermitRootLogin prohibit-password" if refused else text

    return reduce(lambda done, text: f"{done}{line(text)}\n", config.splitlines(), "")

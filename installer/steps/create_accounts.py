"""root's password and keys, and the plan's users."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from installer.accounts import HOMES, AccountFiles, add_user, set_password, today
from installer.context import Context
from installer.plan import Host, User
from installer.steps.step import Step

ROOT_HOME = "/var/roothome"
_SSHD_CONFIG = "/etc/ssh/sshd_config"


class CreateAccounts(Step):
    id = "create-accounts"
    title = "Create the accounts"

    def do(self, ctx: Context) -> None:
        host, files = ctx.plan.host, ctx.files
        names = ", ".join(["root", *(user.name for user in host.users)])
        files.change_accounts(lambda accounts: with_accounts(accounts, host, today()), names)
        files.make_directory(ROOT_HOME, 0o700)
        if host.root_keys:
            _authorize(ctx, ROOT_HOME, "root", host.root_keys)
            files.edit(_SSHD_CONFIG, allow_root_keys, "let root log in with a key")
        for user in host.users:
            _make_home(ctx, user)


def with_accounts(files: AccountFiles, host: Host, day: int | None) -> AccountFiles:
    """With root's password and the users; day: of the password's change (accounts.today)."""
    files = set_password(files, "root", host.root_password, day)
    return reduce(lambda done, user: add_user(done, user, day), host.users, files)


def _make_home(ctx: Context, user: User) -> None:
    home = f"{HOMES}/{user.name}"
    ctx.files.make_directory(HOMES)
    ctx.files.make_directory(home, 0o700, user.name)
    for name in (".bash_profile", ".bashrc", ".profile"):
        if text := ctx.files.read(f"/etc/skel/{name}"):
            ctx.files.write(f"{home}/{name}", text, 0o644, user.name)
    if user.public_keys:
        _authorize(ctx, home, user.name, user.public_keys)
    if user.sudo:
        rule = f"{user.name} ALL=(ALL:ALL) ALL\n"
        ctx.files.write(f"/etc/sudoers.d/photree-{user.name}", rule, 0o440)


def _authorize(ctx: Context, home: str, owner: str, keys: Sequence[str]) -> None:
    ctx.files.make_directory(f"{home}/.ssh", 0o700, owner)
    text = "".join(f"{key.strip()}\n" for key in keys)
    ctx.files.write(f"{home}/.ssh/authorized_keys", text, 0o600, owner)


def allow_root_keys(config: str) -> str:
    """sshd_config(5) with `PermitRootLogin no` weakened to keys only (Photon ships it so)."""

    def line(text: str) -> str:
        words = text.split()
        refused = [word.lower() for word in words[:2]] == ["permitrootlogin", "no"]
        return "PermitRootLogin prohibit-password" if refused else text

    return reduce(lambda done, text: f"{done}{line(text)}\n", config.splitlines(), "")

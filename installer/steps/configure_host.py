"""What makes the machine different from its tree: name, identity, environment, repositories."""

from __future__ import annotations

import uuid

from engine.events import LogLine
from installer.context import Context
from installer.plan import RpmRepository
from installer.steps.step import Step

_CREDENTIALS = ("username", "password")
_LOCALHOST = ("127.0.0.1", "::1")


class ConfigureHost(Step):
    id = "configure-host"
    title = "Configure the machine"

    def do(self, ctx: Context) -> None:
        host, files = ctx.plan.host, ctx.files
        files.write("/etc/hostname", f"{host.hostname}\n")
        files.edit("/etc/hosts", lambda text: hosts(text, host.hostname), "the machine's name")
        # Neither is a first boot to systemd, which would reset by presets which services are
        # enabled: an id, or an empty file, which every copy of an image fills with one of its own
        # (machine-id(5)).
        files.write("/etc/machine-id", f"{uuid.uuid4().hex}\n" if ctx.plan.live else "", 0o444)
        if host.environment:
            files.edit(
                "/etc/environment",
                lambda text: environment(text, host.environment),
                "variables of the kickstart",
            )
        for repository in host.repositories:
            path = f"/etc/yum.repos.d/{repository.id}.repo"
            private = any(key in _CREDENTIALS for key, _value in repository.options)
            files.write(path, repo_file(repository), 0o600 if private else 0o644)
        if host.timezone:
            _set_timezone(ctx, host.timezone)
        if host.updates != "none":
            files.edit(
                "/etc/photree.conf",
                lambda text: photree_conf(text, host.updates),
                f"automatic updates: {host.updates}",
            )


def _set_timezone(ctx: Context, name: str) -> None:
    """localtime(5): a link, whose target is the zone's name, too."""
    data = f"/usr/share/zoneinfo/{name}"
    if not ctx.files.exists(data):
        warning = f"The tree has no time zone {name}: the machine's time stays UTC."
        ctx.emit(LogLine(warning, "warning", ConfigureHost.id))
        return
    ctx.files.link("/etc/localtime", f"..{data}")


def hosts(text: str, hostname: str) -> str:
    """/etc/hosts with the machine's own name on the loopback addresses, once."""
    names = hostname if "." not in hostname else f"{hostname} {hostname.split('.', 1)[0]}"
    known = any(hostname in line.split()[1:] for line in text.splitlines())
    if known:
        return text
    own = "".join(f"{address} {names}\n" for address in _LOCALHOST)
    return (text if text.endswith("\n") or not text else f"{text}\n") + own


def environment(text: str, variables: tuple[tuple[str, str], ...]) -> str:
    """environment(5): NAME="value" lines; a variable that is there already is replaced."""
    names = {name for name, _value in variables}
    kept = [line for line in text.splitlines() if line.split("=", 1)[0].strip() not in names]
    escaped = [(name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in variables]
    return "".join(f"{line}\n" for line in (*kept, *(f'{n}="{v}"' for n, v in escaped)))


def repo_file(repository: RpmRepository) -> str:
    """A .repo file, as yum.conf(5) has it."""
    return f"[{repository.id}]\n" + "".join(f"{key}={value}\n" for key, value in repository.options)


def photree_conf(text: str, updates: str) -> str:
    """The policy of automatic updates, in the place of the line that shows the default."""
    policy = f"AutomaticUpdatePolicy={updates}"
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.lstrip("# ").startswith("AutomaticUpdatePolicy="):
            lines[number] = policy
            return "\n".join(lines) + "\n"
    return "\n".join(["[Daemon]", policy, *lines]) + "\n"

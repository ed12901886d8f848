"""Name, passwords, keys, users, files, services, repositories and scripts of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from engine.document import Path as Place
from installer import rules
from installer.kickstart.reading import Reading, is_web_address
from installer.kickstart.schema import (
    InlineScript,
    Network1,
    Network2,
    PasswordKeys,
    PublicKeyKeys,
    UserKeys,
)
from installer.plan import CopiedFile, Host, Password, RpmRepository, Script, Scripts, Secret, User


def read_host(reading: Reading) -> Host:
    keys = reading.keys
    if keys.eject_cdrom:
        reading.warn(("eject_cdrom",), "the medium is not ejected yet", of_key=True)
    return Host(
        hostname=_read_hostname(reading),
        root_password=_read_root_password(reading),
        root_keys=_read_key(keys.public_key),
        users=_read_users(reading),
        services=tuple((_unit(name), state) for name, state in keys.services.items()),
        kernel_arguments=tuple(keys.kargs),
        files=_read_files(reading),
        repositories=_read_repositories(reading),
        updates=keys.updates,
        timezone=keys.timezone or "",
        environment=tuple(keys.environment.items()),
    )


def read_scripts(reading: Reading) -> Scripts:
    keys = reading.keys
    firstboot = keys.firstboot.scripts if keys.firstboot else []
    pre = _script_files(reading, ("preinstallscripts",), keys.preinstallscripts)
    post = _script_files(reading, ("postinstallscripts",), keys.postinstallscripts)
    return Scripts(
        pre=(*_script("preinstall", keys.preinstall), *pre),
        post=(*_script("postinstall", keys.postinstall), *post),
        firstboot=_script_files(reading, ("firstboot", "scripts"), firstboot),
    )


def _read_hostname(reading: Reading) -> str:
    own, network = reading.keys.hostname, reading.keys.network
    other = network.hostname if isinstance(network, Network1 | Network2) else None
    if own and other and own != other:
        message = f'the machine is called "{own}" by hostname and "{other}" here'
        reading.problem(("network", "hostname"), message, "leave one out")
    return own or other or f"photon-{reading.facts.name_suffix}"


def _read_root_password(reading: Reading) -> Password:
    keys = reading.keys
    if keys.password is not None and keys.shadow_password is not None:
        path = ("shadow_password",)
        hint = "leave one out"
        reading.problem(path, "both password and shadow_password are given", hint, of_key=True)
    if keys.shadow_password is not None:
        return Password(_secret(keys.shadow_password))
    return _read_password(reading, ("password",), keys.password)


def _read_password(reading: Reading, path: Place, keys: PasswordKeys | None) -> Password:
    if keys is None:
        return Password()
    where = (*path, "text")
    broken = rules.password_hash(keys.text) if keys.crypted else rules.plain_password(keys.text)
    if broken:
        reading.problem(where, f"{'.'.join(map(str, where))}: {broken.message}", broken.hint)
        return Password()
    if keys.crypted:
        return Password(_secret(keys.text), keys.age)
    if rules.looks_hashed(keys.text):
        reading.warn(where, "this looks like a hash, and is taken as clear text", "crypted: true?")
    hint = "put a hash, made by openssl passwd -6, and crypted: true"
    reading.warn(where, "the password is in clear text", hint)
    hashed = None if reading.problems else reading.hash_password(keys.text)
    return Password(hashed, keys.age)


def _secret(hashed: str) -> Secret | None:
    """None for what locks an account."""
    return None if hashed.startswith(("*", "!")) else Secret(hashed)


def _read_key(key: str | PublicKeyKeys | None) -> tuple[str, ...]:
    if key is None:
        return ()
    return rules.public_key_lines(key if isinstance(key, str) else key.key)


def _read_users(reading: Reading) -> tuple[User, ...]:
    users: list[User] = []
    for index, keys in enumerate(reading.keys.users):
        path = ("users", index)
        if keys.name in [user.name for user in users]:
            reading.broken((*path, "name"), "must be a user's only entry", keys.name)
        users.append(_read_user(reading, path, keys))
    return tuple(users)


def _read_user(reading: Reading, path: Place, keys: UserKeys) -> User:
    return User(
        name=keys.name,
        password=_read_password(reading, (*path, "password"), keys.password),
        groups=tuple(keys.groups),
        public_keys=tuple(line for key in keys.public_keys for line in _read_key(key)),
        sudo=keys.sudo,
    )


def _unit(name: str) -> str:
    return name if PurePosixPath(name).suffix else f"{name}.service"


def _read_files(reading: Reading) -> tuple[CopiedFile, ...]:
    given = reading.keys.additional_files
    groups = [((), given)] if isinstance(given, dict) else [((i,), g) for i, g in enumerate(given)]
    files = []
    for step, group in groups:
        for source, target in group.items():
            path: Place = ("additional_files", *step, source)
            if target.endswith("/"):
                target = f"{target}{PurePosixPath(source).name}"  # noqa: PLW2901 - as cp does
            if broken := rules.copy_target(target):
                reading.broken(path, f"the target {broken.message}", target, broken.hint)
            found = source if is_web_address(source) else reading.find_file(source, path)
            if found is not None and not broken:
                files.append(CopiedFile(str(found), rules.mapped_path(target)))
    return tuple(files)


def _read_repositories(reading: Reading) -> tuple[RpmRepository, ...]:
    repositories = []
    for id, options in reading.keys.repos.items():
        path = ("repos", id)
        values = {key: _option(value) for key, value in options.items()}
        if not any(key in values for key in ("baseurl", "mirrorlist", "metalink")):
            if not reading.doubts(*path):
                reading.problem(path, f'repos.{id}: the key "baseurl" is missing')
            continue
        values.setdefault("name", id)
        if values.get("gpgcheck", "1") == "0":
            message = f"packages of {id} are not verified by signature"
            reading.warn((*path, "gpgcheck"), message, 'write "gpgcheck": 1 and gpgkey')
        if reading.keys.insecure_repo:
            values["sslverify"] = "0"
            reading.warn(("insecure_repo",), f"the server of {id} is not verified", of_key=True)
        repositories.append(RpmRepository(id, tuple(values.items())))
    return tuple(repositories)


def _option(value: str | int) -> str:
    return str(int(value)) if isinstance(value, int) else value


def _script(name: str, lines: list[str] | str) -> Iterable[Script]:
    text = lines if isinstance(lines, str) else "\n".join(lines)
    if text.strip():
        yield Script(name, text if text.endswith("\n") else f"{text}\n")


def _script_files(
    reading: Reading, path: Place, items: list[str | InlineScript]
) -> tuple[Script, ...]:
    found = (reading.read_script(item, (*path, index)) for index, item in enumerate(items))
    return tuple(script for script in found if script is not None)

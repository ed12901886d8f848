"""The host's part of a draft: its name, its accounts, and whether anybody can log in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from installer.draft import Draft, Key, Remark
from installer.plan import Secret
from installer.rules import public_key_lines

Keys = Mapping[str, Any]
Hasher = Callable[[str], Secret]
_LOCKED = ("*", "!")


def host_name(draft: Draft, default: str) -> str:
    """The name that was given, by either key."""
    return str(draft.get("hostname") or draft.get("network", "hostname") or default)


def with_host_name(draft: Draft, name: str) -> Draft:
    """In one place only, so that nothing contradicts it."""
    network = draft.get("network")
    if isinstance(network, dict) and "hostname" in network:
        del network["hostname"]
        draft = draft.with_value(network, "network")
    return draft.with_value(name, "hostname")


def with_password(keys: Keys, text: Secret, hasher: Hasher) -> dict[str, Any]:
    """An account's keys (a user's, or the document's for root) with a new password, as a hash.
    Its age stays. Raises CommandError, which does not have the text."""
    former = keys.get("password")
    kept = {k: v for k, v in former.items() if k == "age"} if isinstance(former, Mapping) else {}
    hashed = {"text": hasher(text.reveal()).reveal(), "crypted": True, **kept}
    return {**without_password(keys), "password": hashed}


def without_password(keys: Keys) -> dict[str, Any]:
    """The account is locked."""
    return {k: v for k, v in keys.items() if k not in ("password", "shadow_password")}


def with_hashes(draft: Draft, hasher: Hasher) -> Draft:
    """No password is left in clear text; an empty one locks its account. Raises CommandError."""
    keys = _hashed(draft.keys, hasher)
    users = keys.get("users")
    if isinstance(users, list):
        keys["users"] = [_hashed(u, hasher) if isinstance(u, Mapping) else u for u in users]
    return Draft(keys)


def _hashed(keys: Keys, hasher: Hasher) -> dict[str, Any]:
    password = keys.get("password")
    if not isinstance(password, Mapping) or password.get("crypted"):
        return dict(keys)
    text = password.get("text")
    if not isinstance(text, str):
        return dict(keys)
    return with_password(keys, Secret(text), hasher) if text else without_password(keys)


def has_password(keys: Keys) -> bool:
    password = keys.get("password")
    text = password.get("text") if isinstance(password, Mapping) else keys.get("shadow_password")
    return bool(text) and not str(text).startswith(_LOCKED)


def key_lines(given: Any) -> tuple[str, ...]:
    """The lines of a kickstart's key: a text, or a map with it."""
    text = given.get("key") if isinstance(given, Mapping) else given
    return public_key_lines(text) if isinstance(text, str) else ()


def root_keys(draft: Draft) -> tuple[str, ...]:
    return key_lines(draft.get("public_key"))


def user_keys(user: Keys) -> tuple[str, ...]:
    return tuple(line for each in user.get("public_keys") or () for line in key_lines(each))


def users_of(draft: Draft) -> list[dict[str, Any]]:
    found = draft.get("users")
    return [user for user in found if isinstance(user, dict)] if isinstance(found, list) else []


def with_users(draft: Draft, users: Sequence[Keys]) -> Draft:
    if not users:
        return draft.without("users")
    return draft.with_value([dict(user) for user in users], "users")


def with_root_keys(draft: Draft, lines: Sequence[str]) -> Draft:
    """Left as they were written when they are the same."""
    if tuple(lines) == root_keys(draft):
        return draft
    if not lines:
        return draft.without("public_key")
    return draft.with_value("\n".join(lines), "public_key")


def describe_user(user: Keys) -> str:
    """Such as "password set, 1 SSH key, may use sudo, in wheel"."""
    count = len(user_keys(user))
    facts = ["password set" if has_password(user) else "no password"]
    if count:
        facts.append(f"{count} SSH key{'s' * (count != 1)}")
    if user.get("sudo"):
        facts.append("may use sudo")
    if user.get("groups"):
        facts.append(f"in {', '.join(user['groups'])}")
    return ", ".join(facts)


def login_problems(draft: Draft) -> Iterator[Remark]:
    """Somebody must be able to log in and to become root; sudo asks for the user's password."""
    users = users_of(draft)
    rooted = has_password(draft.keys) or bool(root_keys(draft))
    if rooted or any(user.get("sudo") and has_password(user) for user in users):
        return
    hint = "give root a password or an SSH key, or add a user with a password who may use sudo"
    path: tuple[Key, ...] = ("password",)
    if any(has_password(user) or user_keys(user) for user in users):
        yield Remark(path, "nobody could become root on this machine", hint)
    else:
        yield Remark(path, "nobody could log in to this machine", hint)

"""The rules of single values, shared by the kickstart's model and the wizard's fields.

A rule takes text and returns None, or what is Broken: a sentence part "must be ..." and a hint.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

MAX_HOSTNAME = 64  # the kernel's limit, below DNS's
_LVM_NAME = 63
MAPPED_DIRECTORIES = {
    "/home": "/var/home",
    "/root": "/var/roothome",
    "/srv": "/var/srv",
    "/opt": "/var/opt",
    "/mnt": "/var/mnt",
    "/usr/local": "/var/usrlocal",
}
KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


class Broken(NamedTuple):
    message: str
    hint: str = ""


Rule = Callable[[str], Broken | None]

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")


def hostname(text: str) -> Broken | None:
    """RFC 1123 labels, 64 characters at most."""
    if len(text) > MAX_HOSTNAME:
        return Broken(f"must have at most {MAX_HOSTNAME} characters")
    if all(_LABEL.match(label) for label in text.split(".")):
        return None
    if "$((" in text:
        return Broken(
            "must be a name, arithmetic is not evaluated",
            "leave hostname out for a random one, or export a variable in preinstall",
        )
    better = re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")
    rule = "must be a host name: letters, digits and hyphens, in parts divided by dots"
    good = better not in ("", text) and hostname(better) is None
    return Broken(rule, f'write "{better}"' if good else "")


def user_name(text: str) -> Broken | None:
    """What useradd of every distribution accepts."""
    if text == "root":
        return Broken("must not be root", 'root is set by "password" and "public_key"')
    if re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text):
        return None
    return Broken("must be a user name: lower-case letters, digits, - and _, at most 32")


def group_name(text: str) -> Broken | None:
    if re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text):
        return None
    return Broken("must be a group name: lower-case letters, digits, - and _, at most 32")


def public_key(text: str) -> Broken | None:
    """Lines of an authorized_keys file, options in front included; at least one key."""
    keys = public_key_lines(text)
    if not keys:
        return Broken("must have a key")
    return next((broken for line in keys if (broken := _public_key_line(line))), None)


def public_key_lines(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


_NO_KEYS = (
    (r".*PRIVATE KEY", "must be the public key, this is the private one", "use the .pub file"),
    (r".*BEGIN SSH2 PUBLIC", "must be in OpenSSH's form", "convert it by: ssh-keygen -i -f FILE"),
    (r"<[^<>]*>$", "must be a key, this is a placeholder", ""),
)


def _public_key_line(line: str) -> Broken | None:
    for form, message, hint in _NO_KEYS:
        if re.match(form, line):
            return Broken(message, hint)
    words = line.split()
    kind = next((i for i, word in enumerate(words) if word in KEY_TYPES), None)
    if kind is None:
        return Broken("must begin with the key's type, such as ssh-ed25519 or ssh-rsa")
    try:
        data = base64.b64decode(" ".join(words[kind + 1 : kind + 2]), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    name = words[kind].encode()
    if data[: 4 + len(name)] != len(name).to_bytes(4, "big") + name or len(data) < 32:
        return Broken("must be a whole key, this one is damaged", "copy the line of the .pub file")
    return None


_CRYPT = re.compile(r"\$(1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$,=+*-]{8,}$")


def password_hash(text: str) -> Broken | None:
    """A crypt(3) string, or one that locks the account (* or ! in front)."""
    if _CRYPT.match(text) or text.startswith(("*", "!")):
        return None
    return Broken("must be a crypt(3) hash", "make one by: openssl passwd -6")


def looks_hashed(text: str) -> bool:
    return bool(_CRYPT.match(text))


def plain_password(text: str) -> Broken | None:
    if not text:
        return Broken("must not be empty", "leave it out for a locked account")
    if "\n" in text or "\0" in text:
        return Broken("must be one line")
    return None


def unit_name(text: str) -> Broken | None:
    if re.fullmatch(r"[A-Za-z0-9:_.@\\-]{1,255}", text):
        return None
    return Broken("must be a unit's name, such as sshd.service")


def time_zone(text: str) -> Broken | None:
    """The form of a name of the IANA database. Only the tree knows which ones it has."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", text):
        return None
    return Broken("must be the name of a time zone, such as Europe/Berlin or UTC")


def kernel_argument(text: str) -> Broken | None:
    name = text.split("=", 1)[0]
    if name in ("root", "ostree"):
        return Broken(f"must not be {name}=", "the installer sets it")
    if not text or not text.isprintable() or (re.search(r"\s", text) and '"' not in text):
        return Broken("must be one kernel argument", "write a list item for each")
    return None


def ostree_ref(text: str) -> Broken | None:
    """The names that libostree allows for refs."""
    if re.fullmatch(r"[\w\d][-._\w\d]*(/[-._\w\d]+)*", text, re.ASCII):
        return None
    bare = text.split(":", 1)[-1]
    hint = f'the remote\'s name does not belong to it: write "{bare}"' if ":" in text else ""
    return Broken("must be a ref, such as photon/5.0/x86_64/minimal", hint)


def commit(text: str) -> Broken | None:
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return None
    return Broken("must be a whole commit: 64 digits 0-9, a-f")


def remote_name(text: str) -> Broken | None:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        return None
    return Broken("must be a name of letters, digits, ., _ and -")


def repository_url(text: str) -> Broken | None:
    """http, https or file; what is behind it is tried elsewhere."""
    try:
        parts = urlsplit(text)
        host, password = parts.hostname, parts.password
        _ = parts.port
    except ValueError:
        return Broken("must be a URL")
    if parts.scheme not in ("http", "https", "file"):
        hint = f'write "https://{text}"' if re.match(r"[\w.-]+\.\w+(:\d+)?(/|$)", text) else ""
        return Broken("must be a URL that begins with https://, http:// or file://", hint)
    if password:
        return Broken("must be a URL without a password", "the host would keep it in clear text")
    local = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    if (not local and (parts.scheme == "file" or not host)) or re.search(r"\s", text):
        form = "file:///path" if parts.scheme == "file" else f"{parts.scheme}://host/path"
        return Broken(f"must be a URL of the form {form}")
    return None


def device(text: str) -> Broken | None:
    if text.startswith("/dev/") and normal_path(text) is None and text != "/dev/":
        return None
    better = f"/dev/{text}"
    known = re.fullmatch(r"(sd|vd|xvd|hd)[a-z]+|nvme\d+n\d+|disk/by-.*", text)
    return Broken("must be a disk below /dev", f'write "{better}"' if known else "")


def normal_path(text: str) -> Broken | None:
    """Absolute, without . and .. and double slashes."""
    if not text.startswith("/"):
        return Broken("must be an absolute path", f'write "/{text}"' if text else "")
    if "\0" in text or any(part in ("..", ".") for part in text.split("/")):
        return Broken("must be a path without . and ..")
    if "//" in text or (text.endswith("/") and text != "/"):
        clean = "/" + "/".join(part for part in text.split("/") if part)
        return Broken("must be a path without needless slashes", f'write "{clean}"')
    return None


def mapped_path(path: str) -> str:
    """Where a path really is in an OSTree machine, whose /home, /root ... are links to /var."""
    for link, target in MAPPED_DIRECTORIES.items():
        if path == link or path.startswith(f"{link}/"):
            return target + path[len(link) :]
    return path


def copy_target(path: str) -> Broken | None:
    """A place in a deployment that files can be copied to: /etc and /var, by their names."""
    if broken := normal_path(path):
        return broken
    real = mapped_path(path)
    if real.startswith(("/etc/", "/var/")):
        return None
    hint = "use a place below /etc or /var"
    if match := re.match(r"/(?:usr/)?lib/systemd/(.*)", path):
        hint = f'write "/etc/systemd/{match[1]}"'
    elif match := re.match(r"/(?:usr/)?s?bin/(.*)", path):
        hint = f'write "/usr/local/bin/{match[1]}"'
    return Broken("must be below /etc or /var, the rest of the tree is read-only", hint)


def mac_address(text: str) -> Broken | None:
    if re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", text):
        return None
    return Broken("must be a MAC address, such as 00:11:22:33:44:55")


def interface_address(text: str) -> Broken | None:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return Broken("must be an IP address with its prefix, such as 192.0.2.10/24")
    if "/" not in text:
        return Broken("must have a prefix length", f'write "{text}/24"' if "." in text else "")
    return None


def ip_address(text: str) -> Broken | None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return Broken("must be an IP address, such as 192.0.2.1")
    return None


def netmask(text: str) -> Broken | None:
    try:
        ipaddress.ip_network(f"0.0.0.0/{text}")
    except ValueError:
        return Broken("must be a netmask, such as 255.255.255.0")
    return None


def interface_name(text: str) -> Broken | None:
    """A network interface's name, or a pattern of names."""
    if re.fullmatch(r"[^\s/]{1,15}", text):
        return None
    return Broken("must be an interface's name of at most 15 characters, * and ? allowed")


def variable_name(text: str) -> Broken | None:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        return None
    return Broken("must be a variable's name: letters, digits and _")


def identifier(text: str) -> Broken | None:
    """An id in the kickstart that becomes part of a file name."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}", text):
        return None
    return Broken("must be a short name of letters, digits, ., :, @, _ and -")


# Names below /dev that a volume group's directory would be in the way of
_DEVICES = re.compile(
    r"(sd|vd|xvd|hd)[a-z]+\d*|(dm-|loop|md|mmcblk|nbd|nvme|ram|sr|tty|vcs|zram)\w*|block|bsg|bus|char"
    r"|console|cpu|cpu_dma_latency|cdrom|core|disk|dri|fd|full|fuse|hugepages|input|kmsg|kvm|log"
    r"|mapper|mem|mqueue|net|null|ptmx|pts|random|rtc\d*|shm|snd|stderr|stdin|stdout|urandom|vfio|zero"
)
_LVM_RESERVED = re.compile(
    r"(snapshot|pvmove)"
    r"|.*_(cdata|cmeta|corig|cpool|cvol|iorig|mimage|mlog|pmspare|rimage|rmeta|tdata|tmeta|vdata"
    r"|vorigin|wcorig)"
)


def volume_group(text: str) -> Broken | None:
    """What LVM allows, and what can be a directory in /dev."""
    if _DEVICES.fullmatch(text):
        return Broken("must not be the name of a device", "choose another, such as vg0")
    return _lvm_name(text)


def logical_volume(text: str) -> Broken | None:
    if _LVM_RESERVED.match(text):
        return Broken("must not be a name that LVM uses itself", "choose another, such as root")
    return _lvm_name(text)


def _lvm_name(text: str) -> Broken | None:
    """lvm(8), "Valid names". Both together, hyphens doubled, are a name of the device mapper's,
    which has at most 127 bytes."""
    if re.fullmatch(r"[A-Za-z0-9_.+][A-Za-z0-9_.+-]*", text) and text not in (".", ".."):
        if len(text) + text.count("-") <= _LVM_NAME:
            return None
        return Broken(f"must have at most {_LVM_NAME} characters, hyphens counted twice")
    return Broken("must be a name of letters, digits, ., _, + and -, not beginning with -")

"""What the kickstart tests share: documents from values, plans from documents."""

import base64
from pathlib import Path
from typing import Any

import yaml

from engine.document import Document
from engine.errors import Problem
from installer.kickstart.load import parse_kickstart
from installer.kickstart.plan import Outcome, read_plan
from installer.kickstart.reading import Facts
from installer.plan import InstallPlan, Secret

PROJECT = Path(__file__).resolve().parents[2]
HASH = "$6$salt$" + "a" * 86
CUSTOM = {
    "repo_url": "https://example.com/repo",
    "repo_ref": "photon/5.0/x86_64/minimal",
    "gpg_verify": False,
}


def _public_key(kind: str, comment: str) -> str:
    name = kind.encode()
    data = len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + bytes(range(32))
    return f"{kind} {base64.b64encode(data).decode()} {comment}"


KEY = _public_key("ssh-ed25519", "ada@example.com")
OTHER_KEY = _public_key("ssh-rsa", "bob@example.com")


def document(keys: dict[str, Any]) -> Document:
    """A kickstart that installs a custom host, with keys added or replaced (None: taken away)."""
    values = {"ostree": CUSTOM, "disk": "/dev/sda", **keys}
    text = yaml.safe_dump({k: v for k, v in values.items() if v is not None}, sort_keys=False)
    return parse_kickstart(text, "k")


def outcome(keys: dict[str, Any] | str, **facts: Any) -> Outcome:
    given = parse_kickstart(keys, "k") if isinstance(keys, str) else document(keys)
    values = {"arch": "x86_64", "variables": {}, **facts}
    return read_plan(given, Facts(**values), lambda text: Secret(f"hash of {text}"))


def planned(keys: dict[str, Any] | str, **facts: Any) -> InstallPlan:
    found = outcome(keys, **facts)
    assert found.plan is not None, "\n".join(map(str, found.problems))
    return found.plan


def problems(keys: dict[str, Any] | str, **facts: Any) -> list[str]:
    return texts(outcome(keys, **facts).problems)


def warnings(keys: dict[str, Any] | str, **facts: Any) -> list[str]:
    return texts(outcome(keys, **facts).warnings)


def texts(found: tuple[Problem, ...]) -> list[str]:
    return [str(problem) for problem in found]


def make_repository(folder: Path, *refs: str) -> Path:
    """What looks like an OSTree repository with these branches, as far as planning looks."""
    (folder / "objects").mkdir(parents=True)
    (folder / "config").write_text("[core]\nrepo_version=1\nmode=archive-z2\n")
    for ref in refs:
        path = folder / "refs" / "heads" / ref
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a" * 64 + "\n")
    return folder

"""Which Debian packages the distribution is made from."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from engine.errors import PackageError
from tests.distro.apt import Archive, DebianPackage
from tests.distro.versions import Relation, parse_relations


def close(archive: Archive, roots: Sequence[str], dropped: Collection[str]) -> list[DebianPackage]:
    """The roots and all they depend on (no recommendations), sorted by name.

    Of alternatives, one that is chosen already wins, then one of the roots, then the first.
    dropped: names that count as present but are never chosen.
    Raises PackageError for a name that Debian does not have.
    """
    chosen: dict[str, DebianPackage] = {}
    queue = deque(roots)
    while queue:
        name = queue.popleft()
        if name in chosen:
            continue
        package = archive.get(name)
        if package is None:
            raise PackageError(f"Debian has no package {name}.")
        chosen[name] = package
        for field in ("Pre-Depends", "Depends"):
            for alternatives in parse_relations(package.fields.get(field, "")):
                if any(relation.name in dropped for relation in alternatives):
                    continue
                wanted = _pick(archive, alternatives, {*chosen, *roots, *queue})
                if wanted is None:
                    raise PackageError(f"{name} depends on {alternatives}, which nothing is.")
                queue.append(wanted)
    return [chosen[name] for name in sorted(chosen)]


def _pick(
    archive: Archive, alternatives: Sequence[Relation], present: Collection[str]
) -> str | None:
    """The real package that shall fulfil one clause."""
    candidates = []
    for relation in alternatives:
        if archive.get(relation.name) is not None:
            candidates.append(relation.name)
        candidates.extend(archive.providers(relation.name))
    for candidate in candidates:
        if candidate in present:
            return candidate
    return candidates[0] if candidates else None

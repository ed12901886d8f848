"""`$releasever`, `$basearch` and the like in treefiles and .repo files."""

from __future__ import annotations

import re
from collections.abc import Mapping


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """text with `${name}` and `$name` replaced; unknown names stay as they are.

    `$name` takes the longest known name that fits, because Photon writes
    `photon_release_$releasever_$basearch`.
    """
    if "$" not in text or not variables:
        return text
    names = "|".join(re.escape(name) for name in sorted(variables, key=len, reverse=True))
    pattern = rf"\$\{{({names})\}}|\$({names})"
    return re.sub(pattern, lambda match: variables[match[1] or match[2]], text)

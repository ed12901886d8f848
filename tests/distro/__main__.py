"""`python -m tests.distro`: build the test distribution if need be, and say what it is."""

from __future__ import annotations

import sys
import time

from engine.errors import PhotreeError
from engine.events import Event, Progress
from tests.distro.build import distribution


def main() -> int:
    """0, or 1 with the reason on standard error."""
    start = time.monotonic()
    try:
        distro = distribution(emit=_show)
    except PhotreeError as error:
        print(f"{error.message} {error.hint}\n{error.detail}".strip(), file=sys.stderr)
        return 1
    seconds = time.monotonic() - start
    size = sum(path.stat().st_size for path in distro.packages.values())
    print(f"repository  {distro.repository}")
    print(f"public key  {distro.public_key}")
    print(f"packages    {len(distro.packages)}, {size / 1e6:.0f} MB, ready in {seconds:.1f} s")
    return 0


def _show(event: Event) -> None:
    if isinstance(event, Progress):
        print(f"{event.done}/{event.total} {event.note}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

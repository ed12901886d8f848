"""The `photree` command: rpm-ostree's verbs. A verb's module is imported only when it is called,
so that `photree status` does not pay for the rest."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from tui.console import guarded

# verb (a path of words) -> module below tui.verbs, one-line summary
VERBS: dict[tuple[str, ...], tuple[str, str]] = {
    ("status",): ("status", "Show the deployments of this machine in boot order"),
    ("upgrade",): ("upgrade", "Deploy the newest commit of the followed ref"),
    ("rollback",): ("rollback", "Put the former deployment first"),
    ("deploy",): ("deploy", "Deploy one version or commit, and stay there"),
    ("rebase",): ("rebase", "Follow another ref or remote"),
    ("undeploy",): ("undeploy", "Remove one deployment"),
    ("pin",): ("pin", "Keep deployments, whatever is deployed later"),
    ("cleanup",): ("cleanup", "Remove pending or rollback deployments, leftovers, metadata"),
    ("reset",): ("reset", "Go back to the pure base tree"),
    ("kargs",): ("kargs", "Show or change kernel arguments"),
    ("initramfs",): ("initramfs", "Show or change whether the initramfs is made here"),
    ("usroverlay",): ("usroverlay", "Make /usr writable until the next boot"),
    ("finalize-deployment",): ("finalize_deployment", "Reboot into what was staged locked"),
    ("compose", "tree"): ("compose_tree", "Make a tree from RPM packages and commit it"),
}
_WIDTH = 22


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (0, 1 failure, 2 usage, 77 unchanged, 130 cancelled)."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb, module_name = _find_verb(words)
    if verb is None:
        return _overview(words)
    module = importlib.import_module(f"tui.verbs.{module_name}")
    parser = argparse.ArgumentParser(
        prog=" ".join(("photree", *verb)),
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    options = parser.parse_args(words[len(verb) :])
    return guarded(lambda: int(module.run(options)), json_output=getattr(options, "json", False))


def _find_verb(words: Sequence[str]) -> tuple[tuple[str, ...] | None, str]:
    for verb, (module, _summary) in VERBS.items():
        if tuple(words[: len(verb)]) == verb:
            return verb, module
    return None, ""


def _overview(words: Sequence[str]) -> int:
    """`photree`, `photree --help`, `photree --version`, or an unknown verb."""
    parser = argparse.ArgumentParser(
        prog="photree",
        description="Manage OSTree deployments and compose trees from RPM packages.",
        epilog="verbs:\n"
        + "\n".join(f"  {' '.join(verb):<{_WIDTH}}{text}" for verb, (_, text) in VERBS.items())
        + "\n\n`photree VERB --help` explains one.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    parser.add_argument("verb", nargs="*", metavar="VERB")
    options = parser.parse_args(words)
    if options.version:
        from importlib.metadata import version  # noqa: PLC0415 - costs 20 ms, needed here only

        print(f"photree {version('photree')}")  # noqa: T201 - a front end
        return 0
    if options.verb:
        parser.error(f"there is no verb {' '.join(options.verb)!r}")
    parser.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())

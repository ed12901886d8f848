"""The `photree` command: rpm-ostree's verbs. A verb's module is imported only when it is called,
so that `photree status` does not pay for the rest."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

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
    ("install",): ("install", "Layer packages by name, file or URL"),
    ("uninstall",): ("uninstall", "Take layered packages off again"),
    ("override", "remove"): ("override_remove", "Remove packages of the base tree"),
    ("override", "replace"): ("override_replace", "Replace packages of the base tree"),
    ("override", "reset"): ("override_reset", "End overrides of packages of the base tree"),
    ("cleanup",): ("cleanup", "Remove pending or rollback deployments, leftovers, metadata"),
    ("reset",): ("reset", "Go back to the pure base tree"),
    ("kargs",): ("kargs", "Show or change kernel arguments"),
    ("initramfs",): ("initramfs", "Show or change whether the initramfs is made here"),
    ("apply-live",): ("apply_live", "Use the packages of the pending deployment at once"),
    ("usroverlay",): ("usroverlay", "Make /usr writable until the next boot"),
    ("finalize-deployment",): ("finalize_deployment", "Reboot into what was staged locked"),
    ("cancel",): ("cancel", "Cancel the active transaction"),
    ("attach",): ("attach", "Watch the active transaction"),
    ("history",): ("history", "List the last transactions"),
    ("reload",): ("reload", "Read the configuration again and say what is wrong"),
    ("completion",): ("completion", "Print a shell's completion script"),
    ("auto-update",): ("auto_update", "Do what the policy of automatic updates asks for"),
    ("health",): ("health", "Say whether the running deployment works"),
    ("db", "list"): ("db_list", "List the packages of trees"),
    ("db", "diff"): ("db_diff", "Show which packages differ between two trees"),
    ("diff",): ("diff", "Show which files differ between two trees"),
    ("config-diff",): ("config_diff", "Show what was changed in /etc"),
    ("log",): ("log", "Show the history of a ref"),
    ("search",): ("search", "Search the RPM repositories for packages"),
    ("refresh-md",): ("refresh_md", "Get the metadata of the RPM repositories"),
    ("remote", "add"): ("remote_add", "Add a server from which trees are pulled"),
    ("remote", "list"): ("remote_list", "List the remotes"),
    ("remote", "delete"): ("remote_delete", "Delete a remote with its keys"),
    ("remote", "show-url"): ("remote_show_url", "Print a remote's URL"),
    ("remote", "refs"): ("remote_refs", "List the refs that a remote offers"),
    ("compose", "tree"): ("compose_tree", "Make a tree from RPM packages and commit it"),
}
COMPLETE = "__complete"  # what the completion scripts ask
_WIDTH = 22


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (0, 1 failure, 2 usage, 77 unchanged, 130 cancelled)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == [COMPLETE]:
        from tui.completion import complete  # noqa: PLC0415 - needed here only

        return guarded(lambda: complete(words[1:]))
    verb = find_verb(words)
    if verb is None:
        return _overview(words)
    return guarded(lambda: _run(verb, words[len(verb) :]), json_output="--json" in words)


def _run(verb: tuple[str, ...], arguments: Sequence[str]) -> int:
    options = verb_parser(verb).parse_args(arguments)
    return int(_module(verb).run(options))


def find_verb(words: Sequence[str]) -> tuple[str, ...] | None:
    """The verb that words begin with."""
    return next((verb for verb in VERBS if tuple(words[: len(verb)]) == verb), None)


def verb_parser(verb: tuple[str, ...]) -> argparse.ArgumentParser:
    """The parser of a verb's options. Imports its module."""
    module = _module(verb)
    parser = argparse.ArgumentParser(
        prog=" ".join(("photree", *verb)),
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def _module(verb: tuple[str, ...]) -> ModuleType:
    return importlib.import_module(f"tui.verbs.{VERBS[verb][0]}")


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

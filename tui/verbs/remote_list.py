"""List the remotes: the servers from which trees are pulled.

  photree remote list
  photree remote list -u      # with their URLs

Exit codes: 0 listed, 1 failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping

from engine.remotes import RemoteConfig, list_remotes
from tui.places import add_place, open_place, write_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-u", "--show-urls", action="store_true", help="show their URLs")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_place(parser)


def run(options: argparse.Namespace) -> int:
    remotes = list_remotes(open_place(options).repo)
    if options.json:
        sys.stdout.write(json.dumps([_values(each) for each in remotes], indent=2) + "\n")
        return 0
    width = max((len(each.name) for each in remotes), default=0)
    for each in remotes:
        write_lines([f"{each.name:<{width}}  {each.url}" if options.show_urls else each.name])
    return 0


def _values(remote: RemoteConfig) -> Mapping[str, object]:
    tls = remote.tls
    files = {"ca": tls.ca, "cert": tls.client_certificate, "key": tls.client_key}
    return {
        "name": remote.name,
        "url": remote.url,
        "gpg-verify": remote.gpg_verify,
        "gpg-verify-summary": remote.gpg_verify_summary,
        **{f"tls-{what}": str(path) for what, path in files.items() if path is not None},
    }

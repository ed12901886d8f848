"""Add a remote: a server from which trees are pulled.

Commits from it must be signed by a key that the remote trusts, unless --no-gpg-verify is given.
NAME is what comes before the colon in "photon:photon/5.0/x86_64/minimal".

  photree remote add --gpg-import=photon.asc photon https://updates.example.com/repo
  photree remote add --no-gpg-verify lab http://photon-srv1.example.com/repo
  photree remote add --tls-ca=ca.pem --tls-cert=me.pem --tls-key=me.key lab https://srv.example.com/

The server is not asked: `photree remote refs NAME` does that. On the running machine the remote is
written to /etc/ostree/remotes.d, elsewhere to the repository's configuration.
Exit codes: 0 added (or there already, with --if-not-exists), 1 failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.remotes import RemoteConfig, Tls, add_remote, list_remotes
from tui.places import add_place, changing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("url", metavar="URL", help="http://, https:// or file://")
    parser.add_argument(
        "--gpg-import", type=Path, metavar="FILE", help="trust the public key in FILE"
    )
    parser.add_argument(
        "--no-gpg-verify", action="store_true", help="accept commits that nobody signed"
    )
    parser.add_argument("--tls-ca", type=Path, metavar="FILE", help="the CA of the server")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="our client certificate")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_key_and_value,
        metavar="KEY=VALUE",
        help="another option of ostree's configuration, such as proxy=URL",
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--if-not-exists", action="store_true", help="do nothing if the remote exists"
    )
    either.add_argument("--force", action="store_true", help="replace the remote if it exists")
    add_place(parser)


def run(options: argparse.Namespace) -> int:
    with changing(options) as repo:
        if options.if_not_exists and options.name in {each.name for each in list_remotes(repo)}:
            return 0
        imported = add_remote(repo, _configuration(options), replace=options.force)
    if imported:
        keys = "key" if imported == 1 else "keys"
        sys.stdout.write(f'Imported {imported} GPG {keys} to remote "{options.name}"\n')
    return 0


def _configuration(options: argparse.Namespace) -> RemoteConfig:
    # an absolute path is what libostree needs later, whatever its directory is then
    tls = (each and each.absolute() for each in (options.tls_ca, options.tls_cert, options.tls_key))
    return RemoteConfig(
        options.name,
        options.url,
        gpg_verify=not options.no_gpg_verify,
        gpg_key=options.gpg_import,
        tls=Tls(*tls),
        options=dict(options.set),
    )


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value

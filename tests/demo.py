"""`make demo`: RPM packages -> tree -> installed disk -> booted machine, by the commands of a user.

Every command is shown before it runs, so that the demo can be followed by hand.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.vm.machine import Hardware, Machine, attach

PROJECT = Path(__file__).resolve().parent.parent
PHOTON = "https://packages.vmware.com/photon/5.0/photon_release_5.0_x86_64/repodata/repomd.xml"
# Photon has no python3 packages of these, or other versions
_OURS = ("photree", "python3-pydantic", "python3-textual", "python3-typing-extensions")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--console", choices=["attach", "none"], default="attach")
    parser.add_argument("--distro", choices=["embedded", "photon"], default="embedded")
    parser.add_argument("--firmware", choices=["bios", "uefi"], default="bios")
    options = parser.parse_args()
    folder = PROJECT / "build" / f"demo-{options.distro}"
    folder.mkdir(parents=True, exist_ok=True)
    treefile = write_treefile(options.distro, folder / "tree")
    repository = folder / "media" / "repo"
    commit = compose(treefile, repository, folder / "cache")
    disk = install(folder)
    hardware = Hardware(disk, firmware=options.firmware, keep_changes=True)
    if options.console == "attach":
        say("The machine boots now. Log in as root, password photon; Ctrl-A x ends it.")
        return attach(hardware, folder / "vm")
    return show_status(hardware, folder / "vm", commit)


def say(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def run(argv: Sequence[str], cwd: Path = PROJECT) -> str:
    """Show a command, run it with its messages on this terminal, return its standard output."""
    print(f"$ {shlex.join(argv)}", flush=True)
    environment = dict(os.environ, PATH=f"{PROJECT}/.venv/bin:{os.environ['PATH']}")
    done = subprocess.run(
        argv, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    sys.stdout.write(done.stdout)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def write_treefile(distro: str, folder: Path) -> Path:
    """The treefile and its .repo files: of the embedded distribution, or of Photon itself."""
    from tests.distro.build import distribution

    if distro == "embedded":
        say("RPM packages, made from Debian's (kept in the cache)")
        return distribution().write_treefiles(folder) / "photon-minimal.json"
    try:
        urllib.request.urlopen(PHOTON, timeout=20).close()
    except (urllib.error.URLError, OSError) as error:
        sys.exit(
            f"error: Photon's repository does not answer: {error}\n"
            "hint: `make demo` without DISTRO=photon needs no network beyond Debian's packages."
        )
    say("Photon's public RPM repositories")
    folder.mkdir(parents=True, exist_ok=True)
    for source in (PROJECT / "tests" / "photon").iterdir():
        shutil.copy(source, folder / source.name)
    packages = distribution()
    (folder / "photree.repo").write_text(
        f"[photree]\nname=photree\nbaseurl={packages.repository.as_uri()}\n"
        f"gpgkey={packages.public_key.as_uri()}\nincludepkgs={' '.join(_OURS)}\n"
    )
    return folder / "photon-minimal.json"


def compose(treefile: Path, repository: Path, cache: Path) -> str:
    """Compose, or find that nothing changed; the commit the ref points to."""
    say("A tree, composed from packages and committed")
    output = run(
        ["photree", "compose", "tree", f"--repo={repository}", f"--cachedir={cache}", str(treefile)]
    )
    commit = output.split()[-1]
    say(f"The tree is commit {commit}")
    return commit


def install(folder: Path) -> Path:
    """Install the default host profile on a disk image, from kickstarts/demo.yaml."""
    say("A machine, installed from a kickstart on a disk image")
    kickstart = PROJECT / "kickstarts" / "demo.yaml"
    media = folder / "media"
    run(["photree-installer", "--kickstart", str(kickstart), "--media", str(media)], cwd=folder)
    return folder / "disk.img"


def show_status(hardware: Hardware, folder: Path, commit: str) -> int:
    """Boot, log in, and let the machine itself say what it runs."""
    say(f"The machine boots ({hardware.firmware}, software emulation: half a minute or more)")
    with Machine(hardware, folder) as machine:
        machine.login()
        for command in (
            "photree status",
            "ostree admin status",
            "systemctl is-system-running --wait",
        ):
            print(f"\n[{machine.run('hostname').text}]# {command}")
            result = machine.run(command)
            print(result.output.strip(), flush=True)
            if result.code:
                return 1
            if command == "photree status" and commit not in result.output:
                print(f"error: the machine does not run commit {commit}", file=sys.stderr)
                return 1
        machine.power_off()
    say("Done: the machine runs the commit that was composed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

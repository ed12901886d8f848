"""A host with two deployments, whose server has the history of three versions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.events import Event
from engine.origin import Origin
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
from engine.sysroot import Deployment, Sysroot
from engine.transactions.transaction import Result, Transaction
from tests.engine.trees import REF, add_shell, commit_tree, ostree, run_python_booted, write_tree
from tests.nginx import nginx

VERSIONS = ("5.0_minimal", "5.0_minimal.1", "5.0_minimal.2")

# Runs one transaction in a pretended boot and prints its result.
_BOOTED = """
import importlib, json, sys
from dataclasses import asdict
from engine.cancel import CancelToken
from engine.errors import PhotreeError
from engine.events import discard
module, name, values = sys.argv[1:]
values = {key: tuple(value) if isinstance(value, list) else value
          for key, value in json.loads(values).items()}
transaction = getattr(importlib.import_module(module), name)(**values)
try:
    print(json.dumps(asdict(transaction.execute(discard, CancelToken()))))
except PhotreeError as error:
    sys.exit(f"{type(error).__name__}: {error.message} {error.hint}")
"""


@dataclass
class TestHost:
    """path: of the system root. server: the repository published at url. commits: by version."""

    path: Path
    server: Path
    commits: dict[str, str]
    url: str = ""
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    __test__ = False

    @property
    def repo(self) -> Repo:
        return Repo.open(self.path / "ostree/repo")

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return Sysroot.load(self.path).deployments

    @property
    def versions(self) -> list[str | None]:
        """Of the deployments in boot order."""
        return [self.repo.load_commit(each.commit).version for each in self.deployments]

    def run(self, transaction: type[Transaction], **values: object) -> Result:
        return transaction(sysroot=str(self.path), **values).execute(  # type: ignore[arg-type]
            self.events.append, self.cancel
        )

    def admin_status(self) -> str:
        """What ostree's own command says; it must be able to read every state."""
        return ostree("admin", "status", f"--sysroot={self.path}")

    def publish(self, version: str, ref: str = REF, **files: str) -> str:
        """Commit one more version on the server."""
        tree = write_tree(self.path.parent / f"tree-{version}", {"usr/version": version, **files})
        add_shell(tree)
        when = f"--timestamp=2026-11-{len(self.commits) + 1:02}T12:00:00Z"
        options = [f"--add-metadata-string=version={version}", "--generate-sizes", when]
        self.commits[version] = commit_tree(self.server, tree, *options, ref=ref)
        return self.commits[version]

    def deploy(self, version: str, merge: Deployment | None = None) -> Deployment:
        """Pull and deploy a version of the server, as the installer does."""
        commit = pull(self.repo, "photon", REF, commit=self.commits[version])
        sysroot = Sysroot.load(self.path)
        origin = Origin.for_refspec(f"photon:{REF}")
        return sysroot.deploy("photon", commit, origin, ["root=UUID=1", "quiet"], merge=merge)

    def tip(self, version: str) -> None:
        """Point the server's ref at a version."""
        server = Repo.open(self.server)
        server.set_ref(REF, self.commits[version])
        server.update_summary()

    def run_booted(
        self, transaction: type[Transaction], booted: Deployment, **values: object
    ) -> Result:
        """The transaction on this host as if the deployment were running."""
        where = (transaction.__module__, transaction.__name__, json.dumps(values))
        done = run_python_booted(self.path, booted.path, "-c", _BOOTED, *where)
        if done.returncode:
            raise AssertionError(done.stderr)
        return Result(**json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def small_boot(host: TestHost) -> Iterator[None]:
    """2 MB are left in /boot."""
    boot = host.path / "boot"
    kept = host.path / "boot-content"
    boot.rename(kept)
    boot.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", boot], check=True)
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", boot], check=True)
        yield
    finally:
        subprocess.run(["umount", boot], check=True)


@pytest.fixture
def host(system: Path, tmp_path: Path) -> Iterator[TestHost]:
    """The server's ref is at the last version; the first two are deployed, the second boots."""
    found = TestHost(system, tmp_path / "server", {})
    for version in VERSIONS:
        found.publish(version)
    with nginx(found.server, tmp_path / "nginx") as web:
        found.url = web.url
        config = RemoteConfig("photon", found.url, gpg_verify=False)
        add_remote(found.repo, config, replace=True)
        first = found.deploy(VERSIONS[0])
        found.deploy(VERSIONS[1], merge=first)
        found.tip(VERSIONS[2])
        yield found

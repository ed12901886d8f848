"""python -m tests.bench.layer_packages REPO COMMIT RPMS CACHE PACKAGE...: plan and write the commit
with these packages, from an RPM repository; prints its id."""

import sys
from pathlib import Path


def main() -> None:
    # As in the commands: a worker process that reads this file again must not load libostree.
    from engine.cancel import CancelToken
    from engine.command import SystemCommands
    from engine.events import discard
    from engine.layering.changes import LocalChanges
    from engine.layering.commit import write_layers
    from engine.layering.plan import plan_layers
    from engine.layering.sources import PackageSources
    from engine.layering.steps import LAYERING_STEPS
    from engine.packages.repofiles import RepositoryConfig
    from engine.repo import Repo
    from engine.steps import Steps

    repo, base, rpms, cache, *packages = sys.argv[1:]
    config = RepositoryConfig("photon", (f"{Path(rpms).absolute().as_uri()}/",), gpgcheck=False)
    cancel = CancelToken()
    commands = SystemCommands(discard, cancel)
    opened = Repo.open(Path(repo))
    plan = plan_layers(
        opened,
        base,
        LocalChanges(tuple(packages)),
        PackageSources((config,), Path(cache), commands),
        emit=discard,
        cancel=cancel,
    )
    commit = write_layers(opened, plan, commands, Steps(LAYERING_STEPS, discard, cancel))
    sys.stdout.write(f"{commit}\n")


if __name__ == "__main__":
    main()

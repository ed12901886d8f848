"""python -m tests.bench.layer_packages ROOT COMMIT RPMS CACHE PACKAGE...: plan and write the commit
with these packages, from an RPM repository; prints its id. CACHE: for repository metadata."""

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
    from engine.steps import Steps
    from engine.sysroot import Sysroot

    root, base, rpms, cache, *packages = sys.argv[1:]
    config = RepositoryConfig("photon", (f"{Path(rpms).absolute().as_uri()}/",), gpgcheck=False)
    cancel = CancelToken()
    commands = SystemCommands(discard, cancel)
    sysroot = Sysroot.load(Path(root))
    plan = plan_layers(
        sysroot.repo,
        base,
        LocalChanges(tuple(packages)),
        PackageSources((config,), Path(cache), commands),
        emit=discard,
        cancel=cancel,
    )
    commit = write_layers(
        sysroot.repo,
        plan,
        commands,
        Steps(LAYERING_STEPS, discard, cancel),
        deployed={each.commit: each.path for each in sysroot.deployments},
    )
    sys.stdout.write(f"{commit}\n")


if __name__ == "__main__":
    main()

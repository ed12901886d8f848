"""python -m tests.bench.install_tree ROOT REPO REF: what the installer does between a mounted disk
and a deployment, by the engine."""

import sys
from pathlib import Path


def main() -> None:
    # As in the commands: a worker process that reads this file again must not load libostree.
    from engine.cancel import CancelToken
    from engine.events import discard
    from installer.plan import Remote, Source
    from installer.trees import OstreeTrees

    root, repo, ref = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    trees = OstreeTrees(CancelToken())
    source = Source(
        url=repo.resolve().as_uri(),
        ref=ref,
        remote=Remote("photon", "http://example.com", gpg_verify=False),
    )
    trees.initialise(root, source.osname)
    trees.add_remote(root, source.remote)
    commit = trees.pull(root, source, source.url, discard)
    trees.deploy(root, source, commit, ["root=LABEL=root", "rw"])


if __name__ == "__main__":
    main()

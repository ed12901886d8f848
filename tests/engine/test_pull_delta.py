"""Pulls where the server has a static delta from what the host has."""

from pathlib import Path

from engine.events import Progress
from engine.pull import pull
from engine.repo import Repo
from tests.engine.conftest import Published
from tests.engine.trees import REF, commit_tree, many_files, ostree, write_tree
from tests.nginx import nginx


def test_a_static_delta_is_used_with_exact_progress(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    pull(target, "photon", REF, url=published.url)
    changed = {name: content[:-1] + b"!" for name, content in many_files(40).items()}
    tree = write_tree(tmp_path / "next", {**many_files(320), **changed})
    commit = commit_tree(published.path, tree, "--generate-sizes")
    ostree(
        "static-delta", "generate", f"--repo={published.path}", f"--from={published.commit}",
        f"--to={commit}",
    )  # fmt: skip
    ostree("summary", "-u", f"--repo={published.path}")
    events: list[Progress] = []
    with nginx(published.path, tmp_path / "nginx") as server:
        assert pull(target, "photon", REF, url=server.url, emit=events.append) == commit  # type: ignore[arg-type]
    asked = [each.path for each in server.requests() if each.status == 200]
    assert any(path.startswith("/deltas/") for path in asked)
    assert not any(path.endswith(".filez") for path in asked)
    assert events[-1].done == events[-1].total
    dones = [event.done for event in events]
    assert dones == sorted(dones)
    ostree("fsck", "--quiet", f"--repo={target.path}")

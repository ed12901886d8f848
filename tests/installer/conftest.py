"""What tests of the installer share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.storage.loop import attach
from tests.installer.fake_tree import FakeTree, make_fake_tree


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> FakeTree:
    """A small tree in a repository; not to be written."""
    return make_fake_tree(tmp_path_factory.mktemp("fake-tree"))


@pytest.fixture
def empty_disk(tmp_path: Path) -> Iterator[str]:
    """A loop device of 2 GiB in the place of a real disk."""
    with (tmp_path / "real-disk").open("w+b") as image:
        image.truncate(2048 * 1024 * 1024)
        device = attach(image.fileno(), image.name, 512)
    yield device.path
    device.detach()

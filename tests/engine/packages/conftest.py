"""Repositories and keys for the tests of engine.packages."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.events import Event
from engine.packages.repofiles import RepositoryConfig
from engine.packages.transport import Patience
from tests.engine.packages.rpms import Rpm, SigningKey, build, forget, index, make_key

QUICK = Patience(attempts=2, first_wait=0.01, connect=5, read=5)

MakeRepository = Callable[..., Path]


class Listener:
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def text(self) -> str:
        return "\n".join(getattr(event, "text", "") for event in self.events)


@pytest.fixture
def emit() -> Listener:
    return Listener()


@pytest.fixture
def cancel() -> CancelToken:
    return CancelToken()


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    """The repository's key; a subkey of it signs."""
    made = make_key(tmp_path_factory.mktemp("gpg") / "h", "repository", subkey=True)
    yield made
    forget(made)


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    made = make_key(tmp_path_factory.mktemp("gpg") / "h", "stranger")
    yield made
    forget(made)


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """make_repository([Rpm(...)], name="main", key=None) -> its folder."""

    def make(packages: Sequence[Rpm], name: str = "main", key: SigningKey | None = None) -> Path:
        folder = tmp_path / f"{name}-repository"
        build(packages, folder, tmp_path / f"{name}-build", key)
        index(folder)
        return folder

    return make


def config_of(url: str | Path, name: str = "main", **options: object) -> RepositoryConfig:
    """A repository that is not signed, unless options say otherwise."""
    base = url.as_uri() + "/" if isinstance(url, Path) else url
    values: dict[str, object] = {"gpgcheck": False, **options}
    return RepositoryConfig(name, (base,), where=f"test.repo [{name}]", **values)  # type: ignore[arg-type]

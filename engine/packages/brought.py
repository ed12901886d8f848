"""RPM files that an administrator names by URL, brought into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.events import Emit
from engine.packages.model import without_password
from engine.packages.repofiles import RepositoryConfig
from engine.packages.rpmfile import RpmFile
from engine.packages.transport import Transport, file_path
from engine.progress import ProgressMeter

_SCHEMES = ("http", "https", "file")


def is_package_file(word: str) -> bool:
    """Whether a user means a file or URL with this word, and no package's name."""
    return urlsplit(word).scheme in _SCHEMES or word.endswith(".rpm")


def bring_packages(
    words: Sequence[str], folder: Path, emit: Emit, cancel: CancelToken, step: str
) -> list[Path]:
    """The RPM files that words (paths or URLs) name, in order; what has to be downloaded is put
    into folder. Raises NetworkError, PackageError for a URL of something else, Cancelled."""
    found = []
    for number, word in enumerate(words):
        path = _local(word)
        if path is None:
            place = folder / str(number)  # two URLs may end in the same name
            place.mkdir()
            path = _download(word, place, emit, cancel, step)
        found.append(path)
    return found


def _local(word: str) -> Path | None:
    return file_path(word) if urlsplit(word).scheme else Path(word)


def _download(url: str, folder: Path, emit: Emit, cancel: CancelToken, step: str) -> Path:
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "package.rpm"
    target = folder / name
    shown = without_password(url)
    meter = ProgressMeter(emit, step)
    with (
        Transport(RepositoryConfig("url", (url,)), cancel, emit) as transport,
        transport.open(url) as body,
        target.open("wb") as file,
    ):
        for chunk in body.chunks:
            file.write(chunk)
            meter.update(file.tell(), note=name)
    meter.finish()
    try:
        RpmFile.open(target)
    except PackageError as error:
        raise PackageError(
            f"{shown} is not an RPM package.",
            "Give the URL of a file that ends in .rpm.",
            error.message,
        ) from error
    return target

"""Certificates of an authority of the test's own."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Authority:
    """certificate: what a client has to trust."""

    folder: Path
    certificate: Path

    def issue(self, name: str, *, days: int = 30) -> tuple[Path, Path]:
        """(certificate, key) of a server called name ("IP:127.0.0.1", "DNS:host"); a negative
        number of days: it has expired."""
        request, key, made = (self.folder / f"server.{kind}" for kind in ("csr", "key", "crt"))
        named = ("-subj", "/CN=server", "-addext", f"subjectAltName={name}")
        _openssl("req", *_KEY, *named, "-keyout", key, "-out", request)
        signer = ("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        form = ("-days", str(days), "-copy_extensions", "copy")
        _openssl("x509", "-req", "-in", request, *signer, *form, "-out", made)
        return made, key


def make_authority(folder: Path) -> Authority:
    """A new one, in an empty folder."""
    folder.mkdir(exist_ok=True)
    made = Authority(folder, folder / "ca.crt")
    files = ("-keyout", folder / "ca.key", "-out", made.certificate)
    _openssl("req", "-x509", *_KEY, "-days", "30", "-subj", "/CN=authority", *files)
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

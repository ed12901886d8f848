"""python -m engine.packages.rpmdb_worker: one transaction of librpm, for `engine.packages.rpmdb`.

Imports little: nothing else is done before it ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

import rpm

_DATABASE = "usr/share/rpm"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _main() -> None:
    """Read a request from standard input, answer on standard output."""
    request = json.load(sys.stdin)
    if not _ends_with(request["parent"]):
        return
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # librpm prints where it likes
    json.dump(_transaction(request), answer)
    answer.close()


def _ends_with(parent: int) -> bool:
    """Be killed when the parent is: its next run has its database in the same place. Returns
    whether the parent still lives."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def _transaction(request: dict[str, Any]) -> dict[str, Any]:
    os.umask(0o022)
    root, packages = request["root"], request["packages"]
    os.makedirs(f"{root}/{_DATABASE}", exist_ok=True)  # noqa: PTH103 - pathlib takes 10 ms to load
    rpm.addMacro("_dbpath", f"/{_DATABASE}")
    rpm.addMacro("_db_backend", "sqlite")
    # packages of both word sizes are not told apart, as on hosts of one architecture
    rpm.addMacro("_transaction_color", "0")
    transaction = rpm.TransactionSet(root)
    transaction.setVSFlags(rpm._RPMVSF_NODIGESTS | rpm._RPMVSF_NOSIGNATURES)
    transaction.setVfyLevel(0)
    transaction.setFlags(
        rpm.RPMTRANS_FLAG_JUSTDB | rpm.RPMTRANS_FLAG_NOSCRIPTS | rpm.RPMTRANS_FLAG_NOTRIGGERS
    )
    transaction.setProbFilter(
        rpm.RPMPROB_FILTER_DISKSPACE | rpm.RPMPROB_FILTER_DISKNODES | request["accepted"]
    )
    for path in packages:
        with open(path, "rb") as file:  # noqa: PTH123 - librpm wants the descriptor
            transaction.addInstall(transaction.hdrFromFdno(file), path, "i")
    for number in request["removed"]:
        transaction.addErase(number)
    transaction.check()
    transaction.order()
    places = {path: index for index, path in enumerate(packages)}
    order = [places[element.Key()] for element in transaction if element.Key() in places]
    opened = {path: os.open(path, os.O_RDONLY) for path in packages}  # the root changes in run()
    problems = transaction.run(_callback(opened), "")
    transaction.closeDB()
    for descriptor in opened.values():
        os.close(descriptor)
    return {"order": order, "problems": sorted({str(text) for text, _ in problems or ()})}


def _callback(opened: dict[str, int]) -> Any:
    def called(what: int, _amount: int, _total: int, key: Any, _data: Any) -> int | None:
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            return os.dup(opened[key])
        return None

    return called


if __name__ == "__main__":
    _main()

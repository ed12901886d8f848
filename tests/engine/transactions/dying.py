"""Transactions in processes that are killed at a chosen change of the file system's names.

Every state that an interruption can leave lies between two such changes (links, renames, new and
removed directories), so a number of them is a point of interruption that is the same in every run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.transactions.transaction import Transaction

# Counts the calls of the process that it is loaded into, not those of programs it starts.
_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long changes;
static long last;
static char report[4096];

__attribute__((constructor)) static void begin(void)
{
  last = atol(getenv("DIE_AT"));
  snprintf(report, sizeof report, "%s", getenv("DIE_REPORT"));
  unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void)
{
  FILE *file = fopen(report, "w");
  fprintf(file, "%ld", atomic_load(&changes));
  fclose(file);
}

static void change(void)
{
  if (atomic_fetch_add(&changes, 1) + 1 == last)
    kill(getpid(), SIGKILL);
}

#define COUNTED(name, parameters, arguments)      \\
  int name parameters                             \\
  {                                               \\
    int (*next) parameters = dlsym(RTLD_NEXT, #name); \\
    change();                                     \\
    return next arguments;                        \\
  }

COUNTED(rename, (const char *a, const char *b), (a, b))
COUNTED(renameat, (int x, const char *a, int y, const char *b), (x, a, y, b))
COUNTED(renameat2, (int x, const char *a, int y, const char *b, unsigned f), (x, a, y, b, f))
COUNTED(link, (const char *a, const char *b), (a, b))
COUNTED(linkat, (int x, const char *a, int y, const char *b, int f), (x, a, y, b, f))
COUNTED(symlink, (const char *a, const char *b), (a, b))
COUNTED(symlinkat, (const char *a, int y, const char *b), (a, y, b))
COUNTED(unlink, (const char *a), (a))
COUNTED(unlinkat, (int x, const char *a, int f), (x, a, f))
COUNTED(rmdir, (const char *a), (a))
COUNTED(mkdir, (const char *a, mode_t m), (a, m))
COUNTED(mkdirat, (int x, const char *a, mode_t m), (x, a, m))
"""

_PROGRAM = """
import importlib, json, sys
from engine.cancel import CancelToken
from engine.events import discard
module, name, values = sys.argv[1:]
values = {key: tuple(value) if isinstance(value, list) else value
          for key, value in json.loads(values).items()}
getattr(importlib.import_module(module), name)(**values).execute(discard, CancelToken())
"""


@dataclass(frozen=True)
class Dying:
    """library: what counts, and kills."""

    library: Path

    @classmethod
    def build(cls, folder: Path) -> Dying:
        source, library = folder / "dying.c", folder / "dying.so"
        source.write_text(_SOURCE)
        options = ["-shared", "-fPIC", "-Wall", "-Werror", "-O1"]
        subprocess.run(["gcc", *options, "-o", library, source, "-ldl"], check=True)
        return cls(library)

    def count(
        self, sysroot: Path, transaction: type[Transaction], values: Mapping[str, object]
    ) -> int:
        """Run the transaction to its end; how many changes it makes."""
        done = self._run(sysroot, transaction, values, 0)
        assert done.returncode == 0, done.stderr
        return int(self._report.read_text())

    def kill(
        self,
        sysroot: Path,
        transaction: type[Transaction],
        values: Mapping[str, object],
        change: int,
    ) -> None:
        """Run the transaction until just before its change of this number, from 1."""
        done = self._run(sysroot, transaction, values, change)
        assert done.returncode == -signal.SIGKILL, done.stderr

    @property
    def _report(self) -> Path:
        return self.library.with_suffix(".count")

    def _run(
        self,
        sysroot: Path,
        transaction: type[Transaction],
        values: Mapping[str, object],
        change: int,
    ) -> subprocess.CompletedProcess[str]:
        words = (
            transaction.__module__,
            transaction.__name__,
            json.dumps({"sysroot": str(sysroot), **values}),
        )
        return subprocess.run(
            [sys.executable, "-c", _PROGRAM, *words],
            env={
                **os.environ,
                "LD_PRELOAD": str(self.library),
                "DIE_AT": str(change),
                "DIE_REPORT": str(self._report),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=False,
        )

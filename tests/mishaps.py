"""Mishaps: what happens to a training in its own process once it has written the row of step 30."""

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnlab.rundir import RunDir
from tests.forks import without_pictures

KEPT: list[Any] = []


def no_handles() -> None:
    """No file can be opened any more."""

    def happens() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                KEPT.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            return

    _at_step_30(happens)


def no_memory() -> None:
    """All memory is taken, also what was free inside."""

    def happens() -> None:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used, used))
        while len(KEPT) < 10**6:
            KEPT.append(bytearray(1 << 16))

    _at_step_30(happens)


def no_folder() -> None:
    """The runs are deleted."""
    _at_step_30(lambda: shutil.rmtree(Path("runs")))


def file_limit() -> None:
    """Files may be no larger than 2000 bytes."""
    _at_step_30(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)))


def _at_step_30(happens: Callable[[], None]) -> None:
    append = RunDir.append_metrics

    def appended(self: RunDir, row: Any) -> None:
        append(self, row)
        if row[0] == 30:
            happens()

    RunDir.append_metrics = appended
    without_pictures()

"""Real processes: the command line, and workers that are functions of a part, started without waiting."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

READY, GO = "ready-", "go"
NNLAB = (sys.executable, "-m", "nnlab")


def nnlab(folder: Path, *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run ``nnlab`` in a folder; what it prints is kept, bytes that are no UTF-8 too."""
    command = [*NNLAB, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="backslashreplace", timeout=timeout
    )


def start_nnlab(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start ``nnlab`` in a folder."""
    return _start([*NNLAB, *map(str, arguments)], folder, dict(os.environ))


def start_worker(module: str, folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start ``python -m tests.reliability.MODULE ARGUMENTS`` in a folder; it prints its answer as JSON."""
    command = [sys.executable, "-B", "-m", f"tests.reliability.{module}", *map(str, arguments)]
    return _start(command, folder, {**os.environ, "PYTHONPATH": str(ROOT)})


def _start(command: Sequence[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def ended(process: subprocess.Popen[str], timeout: float) -> tuple[int, str, str]:
    """Exit code, output and errors of a started process; one that takes too long is killed."""
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        errors += f"\nstill running after {timeout} s"
    return process.returncode, output, errors


def begin_together(folder: Path, workers: Sequence[subprocess.Popen[str]]) -> None:
    """Once all workers are ready, or one is gone, let them go."""
    while sum(path.name.startswith(READY) for path in folder.iterdir()) < len(workers):
        if any(worker.poll() is not None for worker in workers):
            break
        time.sleep(0.01)
    (folder / GO).touch()


def wait_for_the_others() -> None:
    """A worker's own side of that."""
    Path(f"{READY}{os.getpid()}").touch()
    while not Path(GO).exists():
        time.sleep(0.0005)


def answer(process: subprocess.Popen[str], timeout: float) -> tuple[Any, str]:
    """What a worker printed, and what went wrong with it; one of them is empty."""
    code, output, errors = ended(process, timeout)
    if code:
        return None, f"a worker ended with {code}: {errors.strip()[-1000:]}"
    return json.loads(output), ""

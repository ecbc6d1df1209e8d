"""Processes: whole commands, timed from outside, with the memory that they took."""

import json
import os
import pty
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 2**20


LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@dataclass(frozen=True)
class Ended:
    """A command that has ended well."""

    seconds: float
    output: str


def run(*command: str, terminal: bool = False) -> Ended:
    """Run a command; with ``terminal`` its stderr is one, so that progress is drawn. Raises SystemExit if it fails."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    errors: list[bytes] = []
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        drain = threading.Thread(target=_drain, args=(ours, errors))
        drain.start()
        output = process.stdout.read() if process.stdout else ""
        process.wait()
        drain.join()
    seconds = time.perf_counter() - began
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}\n{b''.join(errors).decode()[-2000:]}")
    return Ended(seconds, output)


def measured(*command: str, terminal: bool = False) -> tuple[Ended, float]:
    """The same with the command's largest resident memory in MiB.

    A small process starts it and asks afterwards: a process's own figure begins with that of the one it came from.
    """
    ended = run(sys.executable, "-S", "-c", LAUNCHER, *command, terminal=terminal)
    output, _, peak = ended.output.rstrip().rpartition("\n")
    return Ended(ended.seconds, output), int(peak) * (1 if sys.platform == "darwin" else 1024) / MIB


NNLAB = str(Path(sys.executable).parent / "nnlab")


def train(config: Path, runs: Path, *overrides: str, terminal: bool = False) -> tuple[Ended, float, dict[str, Any]]:
    """Train a config: the process, its largest memory in MiB, and the run.json."""
    options = ["--runs-dir", str(runs), *([] if terminal else ["-q"])]
    ended, peak = measured(NNLAB, "train", str(config), *overrides, *options, terminal=terminal)
    path = Path(ended.output.strip().splitlines()[-1])
    return ended, peak, json.loads((path / "run.json").read_text())


def _drain(descriptor: int, found: list[bytes]) -> None:
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # how Linux says that a terminal's other end is closed
            return
        if not part:
            return
        found.append(part)

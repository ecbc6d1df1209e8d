"""Processes: whole commands, timed from outside, with the memory they took."""

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


@dataclass(frozen=True)
class Ended:
    """A command that has ended well."""

    seconds: float
    peak_mib: float
    """Its largest resident memory."""
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
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        drain.join()
    seconds = time.perf_counter() - began
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}\n{b''.join(errors).decode()[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Ended(seconds, usage.ru_maxrss * scale / MIB, output)


def nnlab(*arguments: str, terminal: bool = False) -> Ended:
    """Run nnlab as its user would."""
    return run(str(Path(sys.executable).parent / "nnlab"), *arguments, terminal=terminal)


def train(config: Path, runs: Path, *overrides: str, terminal: bool = False) -> tuple[Ended, dict[str, Any]]:
    """Train a config and return the process and its run.json."""
    ended = nnlab(
        "train", str(config), *overrides, "--runs-dir", str(runs), *([] if terminal else ["-q"]), terminal=terminal
    )
    path = Path(ended.output.strip().splitlines()[-1])
    return ended, json.loads((path / "run.json").read_text())


def _drain(descriptor: int, found: list[bytes]) -> None:
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # how Linux says that a terminal's other end is closed
            return
        if not part:
            return
        found.append(part)

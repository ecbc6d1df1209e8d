"""Signals: real trainings in real processes get a real signal, and how long they take to end is measured."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from nnlab import rundir
from nnlab.rundir import RunDir
from tests.conftest import ROOT
from tests.reliability.finding import Finding

GOAL = "first Ctrl-C, SIGTERM or SIGHUP: a checkpoint, status interrupted, exit 130 / 143 / 129 within 2 s"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WITHIN = 2.0
RECIPES = {
    "ann.yaml": ["train.epochs=1000"],
    "cnn.yaml": ["train.epochs=100"],
    "mlp-np.yaml": ["train.epochs=1000"],
    "logreg.yaml": ["train.epochs=1000"],
    "linreg.yaml": ["train.epochs=200000"],
}


def measure(full: bool, folder: Path) -> Finding:
    """Every recipe and every signal, twice, at moments that differ; a quick round has one of each kind."""
    failures, notes, seconds = [], [], []
    rounds = 2 if full else 1
    for name, overrides in RECIPES.items() if full else [("linreg.yaml", RECIPES["linreg.yaml"])]:
        for number, chosen in enumerate(SIGNALS * rounds if full else SIGNALS[1:2]):
            runs = folder / f"{name}-{number}"
            took, wrong = _stopped(name, overrides, chosen, runs, 0.3 + 0.37 * number)
            seconds.append(took)
            failures += [f"{name}, {chosen.name}: {text}" for text in wrong]
        notes.append(f"{name}: {', '.join(f'{each:.2f} s' for each in seconds[-len(SIGNALS) * rounds :])}")
    found = f"{len(seconds)} signals: exit after {median(seconds):.2f} s (median), {max(seconds):.2f} s at most"
    return Finding(GOAL, found, failures, notes)


def _stopped(
    name: str, overrides: list[str], chosen: signal.Signals, runs: Path, wait: float
) -> tuple[float, list[str]]:
    """Seconds from the signal to the exit, and what was not as it should be."""
    command = [
        sys.executable,
        "-m",
        "nnlab",
        "train",
        str(ROOT / "configs" / name),
        *overrides,
        "--runs-dir",
        str(runs),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(chosen, signal.SIG_DFL),  # what started us may ignore it
    )
    run = _begun(runs, process)
    time.sleep(wait)
    began = time.perf_counter()
    process.send_signal(chosen)
    _, messages = process.communicate(timeout=60)
    took = time.perf_counter() - began
    state = run.checkpoint_state()
    wrong = [f"took {took:.2f} s"] if took > WITHIN else []
    if process.returncode != 128 + chosen or "Traceback" in messages:
        wrong.append(f"exit code {process.returncode}: {messages[-200:]}")
    if run.summary().status != "interrupted" or state is None or state.standing.step != run.summary().steps:
        wrong.append("no checkpoint of where it was stopped")
    return took, wrong


def _begun(runs: Path, process: subprocess.Popen[str]) -> RunDir:
    """The run, once it has written its first row."""
    for _ in range(2400):
        for run in rundir.all_runs(runs):
            if run.metrics.bytes().count(b"\n") > 1:
                return run
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the training did not begin")

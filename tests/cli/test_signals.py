"""Signals: a training that is stopped leaves a run that can be used."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from nnlab import rundir
from tests.run_fixtures import LINE, good, posix


def start_long(folder: Path, program: tuple[str, str] = ("-m", "nnlab"), **options) -> tuple[subprocess.Popen, Path]:
    """A training that would take minutes, once it has written its first evaluation."""
    (folder / "long.yaml").write_text(LINE)
    command = [sys.executable, *program, "train", "long.yaml", "train.steps=10000000", "train.eval_every=100"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    for _ in range(1200):
        found = list((folder / "runs").glob("*/metrics.csv")) if (folder / "runs").is_dir() else []
        if found and found[0].read_text().count("\n") > 2:
            return process, found[0].parent
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the training did not begin")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_an_interrupted_run_that_can_be_used(cli, tmp_path, name):
    number = getattr(signal, name)

    def heed() -> None:
        signal.signal(number, signal.SIG_DFL)  # a suite started in the background may have inherited it ignored

    process, run = start_long(tmp_path, preexec_fn=heed)
    process.send_signal(number)
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert output == ""
    assert "Traceback" not in messages
    assert "interrupted" in messages
    summary = json.loads((run / "run.json").read_text())
    assert summary["status"] == "interrupted"
    assert summary["steps"] > 0
    assert all(np.isfinite(weight).all() for weight in load_file(run / "weights.safetensors").values())
    assert len(np.load(run / "losses.npy")) == summary["steps"]
    assert rundir.RunDir(run).metrics.read()["step"]
    assert not list(run.glob(".*"))
    if name == "SIGINT":
        assert json.loads(good(cli("eval", "latest", "--json")).stdout)["metrics"]["loss"] >= 0


@posix
def test_further_signals_do_not_spoil_what_the_first_one_left(tmp_path):
    process, run = start_long(tmp_path)
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert not list(run.glob(".*"))


SLOW_DISK = """\
import os, time
flush = os.fsync
os.fsync = lambda file: (time.sleep(0.1), flush(file))
from nnlab.cli import main
main()
"""


@posix
def test_signals_that_go_on_while_the_files_are_brought_up_to_date_spoil_nothing(tmp_path):
    process, run = start_long(tmp_path, ("-c", SLOW_DISK))
    for _ in range(3000):
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in said
    assert "interrupted; go on with it" in said
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert (run / "manifest.json").exists()
    assert not list(run.glob(".*"))


@posix
def test_a_signal_that_was_ignored_from_the_start_stays_ignored_as_under_nohup(tmp_path):
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process, run = start_long(tmp_path, preexec_fn=nohup)
    process.send_signal(signal.SIGHUP)
    written = (run / "metrics.csv").read_text().count("\n")
    for _ in range(600):
        if (run / "metrics.csv").read_text().count("\n") > written + 1 or process.poll() is not None:
            break
        time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143

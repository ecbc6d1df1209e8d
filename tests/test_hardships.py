"""Hardships: what happens around a training is real, its message is short, and what was committed is kept."""

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from nnlab import experiment, rundir
from nnlab.errors import RunError, TrainingError
from nnlab.rundir import folder
from tests.forks import Forks
from tests.reliability.twins import differing, outcome
from tests.run_fixtures import config_for, run_to_end

pytestmark = pytest.mark.usefixtures("no_pictures")
posix = pytest.mark.skipif(os.name != "posix", reason="needs the limits and file systems of POSIX")
TRAIN = "steps: 60, batch_size: 50, eval_every: 5, checkpoint_every: 20, optimizer: adam"


@posix
@pytest.mark.parametrize(
    ("happens", "message"),
    [
        ("no_handles", "cannot be written: Too many open files"),
        ("no_memory", "out of memory"),
        ("file_limit", "cannot be written: File too large"),
    ],
)
def test_what_runs_out_ends_in_a_message_and_the_run_goes_on_later(
    happens: str, message: str, tmp_path: Path, forks: Forks
) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, TRAIN))
    straight = run_to_end(experiment.train(resolved, tmp_path / "straight"))
    done = hit(forks, happens, tmp_path)
    assert done.returncode == 1, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 6 + 6, done.stderr  # with the lines of progress
    (run,) = rundir.all_runs(tmp_path / "runs")
    assert run.summary().status in ("failed", "died")
    assert run.metrics.read()["step"][:6] == [5, 10, 15, 20, 25, 30]
    assert run.checkpoint_state().standing.step == 20
    run_to_end(experiment.resume(run))
    assert not differing(run, outcome(straight))


@posix
def test_a_deleted_run_directory_ends_the_training_and_is_not_made_again(tmp_path: Path, forks: Forks) -> None:
    config_for("mlp-np", tmp_path, TRAIN)
    done = hit(forks, "no_folder", tmp_path)
    assert done.returncode == 1
    assert "the run cannot be written: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def hit(forks: Forks, happens: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, to which this happens at step 30."""
    from tests import mishaps  # its limits are those of POSIX

    return forks.run(["train", "mlp-np.yaml"], folder, dict(os.environ), 60, getattr(mishaps, happens))


@posix
@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a file system that nobody can write to")
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    with pytest.raises(RunError, match="no run directory can be made here"):
        next(event for event in experiment.train(resolved, Path("/sys/kernel/runs")) if event is None)


def test_a_small_disk_that_fills_up(tmp_path: Path) -> None:
    """A real one where this process may mount it: whatever its size, the run is unharmed or never was."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    config = config_for("mlp-np", tmp_path, TRAIN)
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if not made or made.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        resolved = experiment.resolve(config, ["model.hidden=[150, 150, 150]"])
        straight = run_to_end(experiment.train(resolved, tmp_path / "straight"))
        (disk / "ballast").write_bytes(bytes(5_200_000))
        with pytest.raises(TrainingError, match="No space left on device"):
            run_to_end(experiment.train(resolved, disk / "runs"))
        (disk / "ballast").unlink()
        (run,) = rundir.all_runs(disk / "runs")
        run_to_end(experiment.resume(run))
        assert not differing(run, outcome(straight))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_clock_that_jumps_back_gives_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [datetime(2026, 10, 25, 2, 59, 59), datetime(2026, 10, 25, 2, 0, 0), datetime(2026, 10, 25, 2, 59, 59)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return times.pop(0)

    monkeypatch.setattr(folder, "datetime", Clock)
    names = [folder.create(tmp_path, "m", "d").path.name for _ in range(3)]
    assert names == ["20261025-025959-m-d", "20261025-020000-m-d", "20261025-025959-m-d-2"]


def test_a_torn_last_line_of_metrics_is_not_read(tmp_path: Path) -> None:
    run = run_to_end(experiment.train(experiment.resolve(config_for("mlp-np", tmp_path, TRAIN)), tmp_path))
    whole = run.metrics.bytes()
    start = whole[:-1].rfind(b"\n") + 1
    for length in range(start, len(whole)):
        run.write("metrics.csv", whole[:length])
        assert run.metrics.read()["step"][-1] == 55


@posix
def test_messages_that_nobody_reads_stop_no_training(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("model: {name: mlp-np, hidden: [4]}\ndataset: {name: digits, limit: 60}\ntrain: {epochs: 30}\n")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "nnlab", "train", str(config), "--runs-dir", str(tmp_path / "runs")]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=writing, timeout=100)
    os.close(writing)
    assert done.returncode == 0
    assert rundir.all_runs(tmp_path / "runs")[0].summary().status == "finished"

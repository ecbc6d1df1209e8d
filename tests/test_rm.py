"""rm: what nnlab wrote of a run goes, and all else in its folder is named and stays."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nnlab.rundir.directory import KEPT_ARRAYS
from tests.conftest import Cli
from tests.run_fixtures import bad, good

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and signals")
CONFIG = "model: {name: logreg-np}\ndataset: {name: digits, limit: 60, val_fraction: 0.2}\ntrain: {steps: STEPS}\n"


@pytest.fixture
def run(cli: Cli, tmp_path: Path) -> Path:
    """A finished run, with a picture that eval has drawn of another split."""
    (tmp_path / "c.yaml").write_text(CONFIG.replace("STEPS", "6"))
    path = tmp_path / good(cli("train", "c.yaml", "-q")).stdout.strip()
    good(cli("eval", "latest", "--split", "val"))
    return path


def test_all_that_nnlab_writes_of_a_run_is_deleted_with_its_folder(cli: Cli, run: Path) -> None:
    names = sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    assert {"confusion-val.png", "checkpoint/state.json", "frames/000000000000.safetensors"} <= set(names)
    done = good(cli("rm", "latest", "-y", "--json"))
    assert json.loads(done.stdout) == [{"run": run.name, "path": f"runs/{run.name}", "removed": names, "left": []}]
    assert not run.exists()


@posix
@pytest.mark.usefixtures("no_pictures")
def test_what_is_the_users_own_is_named_and_left(cli: Cli, run: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis.txt").write_text("years of work")
    (run / "notes.txt").write_text("do not lose this")
    (run / "mine").mkdir()
    (run / "mine" / "weights.safetensors").write_text("of my own")
    (run / "checkpoint" / "why.md").write_text("kept by hand")
    (run / "frames" / "mine").mkdir()
    (run / "inner").mkdir()
    for name in ("run.json", "config.yaml"):
        (run / "inner" / name).write_bytes((run / name).read_bytes())
    (run / "loss.png").symlink_to(outside / "thesis.txt")
    (run / "link").symlink_to(outside)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()}
    done = good(cli("rm", run, "-y", "--json"))
    (found,) = json.loads(done.stdout)
    left = ["checkpoint/why.md", "frames/mine/", "inner/", "link", "loss.png", "mine/", "notes.txt"]
    assert found["left"] == left
    assert {"run.json", "weights.safetensors", "frames/000000000000.safetensors"} <= set(found["removed"])
    assert all(name in done.stderr for name in left)
    theirs = [run / "notes.txt", run / "checkpoint/why.md", run / "mine/weights.safetensors", outside / "thesis.txt"]
    for path in (*theirs, run / "inner/run.json", run / "inner/config.yaml"):
        assert path.read_bytes() == kept[path]
    assert (run / "loss.png").is_symlink()
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoint",
        "frames",
        "inner",
        "link",
        "loss.png",
        "mine",
        "notes.txt",
    ]
    bad(cli("rm", run, "-y"), 2, "there are no runs")


@pytest.mark.usefixtures("no_pictures")
def test_what_came_before_the_manifest_is_the_users_all_the_same(cli: Cli, run: Path) -> None:
    """A run that is made longer gets a new manifest, of every file that is there."""
    (run / "notes.txt").write_text("do not lose this")
    good(cli("resume", "latest", "--epochs", "6", "-q"))
    assert "notes.txt" in json.loads((run / "manifest.json").read_text())["sha256"]
    done = good(cli("rm", "latest", "-y"))
    assert "notes.txt" in done.stderr
    assert [path.name for path in run.iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("no_pictures")
def test_a_copy_of_the_data_goes_with_its_run_and_a_file_like_it_stays(cli: Cli, run: Path, tmp_path: Path) -> None:
    import nnlab

    data = {"x": np.linspace(0, 1, 40).reshape(20, 2), "y": np.arange(20) % 2}
    config = tmp_path / "arrays.yaml"
    config.write_text("model: {name: logreg-np}\ndataset: {name: arrays, path: x.npz}\ntrain: {steps: 2}\n")
    kept = nnlab.train(config, runs_dir=tmp_path / "runs", data=data, keep_data=True).path
    assert (kept / KEPT_ARRAYS).is_file()
    (run / "data.npz").write_bytes(b"my own")
    good(cli("rm", kept, run, "-y"))
    assert not kept.exists()
    assert [path.name for path in run.iterdir()] == ["data.npz"]


@posix
@pytest.mark.usefixtures("no_pictures")
def test_everything_is_deleted_where_that_is_asked_for_and_nothing_behind_a_link(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "thesis.txt").write_text("years of work")
    (run / "notes.txt").write_text("not wanted any more")
    (run / "link").symlink_to(tmp_path / "outside")
    done = good(cli("rm", "latest", "-y", "--everything", "--json"))
    (found,) = json.loads(done.stdout)
    assert {"notes.txt", "link", "run.json", "checkpoint/"} <= set(found["removed"])
    assert found["left"] == []
    assert not run.exists()
    assert (tmp_path / "outside" / "thesis.txt").read_text() == "years of work"


@posix
def test_a_run_that_was_killed_and_one_with_a_damaged_run_json_go_by_their_names(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG.replace("STEPS", "100000000"))
    command = [sys.executable, "-m", "nnlab", "train", "c.yaml", "train.eval_every=1000", "-q"]
    going = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    runs = tmp_path / "runs"
    while not list(runs.glob("*/metrics.csv")):
        assert going.poll() is None
        time.sleep(0.05)
    bad(cli("rm", "latest", "-y"), 2, "this run is still going", "--force")
    os.kill(going.pid, signal.SIGKILL)
    going.wait(60)
    (run,) = runs.iterdir()
    (run / ".metrics.csv.tmp").write_text("half a row")
    (run / "checkpoint").mkdir(exist_ok=True)
    (run / "checkpoint" / ".state.json.tmp").write_text("{")
    (run / "notes.txt").write_text("mine")
    good(cli("rm", "latest", "-y"))
    assert [path.name for path in run.iterdir()] == ["notes.txt"]
    (run / "run.json").write_text("{")
    bad(cli("rm", run, "-y"), 2, "damaged", "--force")
    good(cli("rm", run, "-y", "--force"))
    assert [path.name for path in run.iterdir()] == ["notes.txt"]


@posix
@pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written_is_said_with_its_path(cli: Cli, run: Path) -> None:
    run.chmod(0o500)
    try:
        bad(cli("rm", run, "-y"), 2, str(run), "cannot be deleted")
    finally:
        run.chmod(0o700)

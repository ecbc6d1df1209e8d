"""Edited: a run whose files are no longer those of its manifest is not praised on any first page."""

import json
import os
import shutil
from pathlib import Path

import pytest

from nnlab import experiment, rundir
from nnlab.rundir import RunDir
from nnlab.rundir.directory import METRICS, SUMMARY, WEIGHTS
from nnlab.rundir.edited import edited
from tests.conftest import Cli
from tests.run_fixtures import config_for, good, run_to_end, stop_at

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnlab.experiment.pictures.of_training", lambda *arguments: iter(()))
        run_to_end(experiment.train(experiment.resolve(config_for("mlp-np", folder)), folder / "runs", "whole"))
        stop_at(experiment.train(experiment.resolve(config_for("mlp-np", folder)), folder / "runs", "stopped"), 20)
    return folder / "runs"


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "runs"))


def whole(runs: Path) -> RunDir:
    return rundir.find(runs, "whole")


def marks(run: RunDir) -> list[str]:
    return edited(run, run.summary())


def praise(run: RunDir) -> None:
    """An edit of run.json by hand."""
    summary = run.json.read()
    summary["metrics"]["test"]["accuracy"] = 1.0
    (run.path / SUMMARY).write_text(json.dumps(summary, indent=2))


def test_a_run_as_it_ended_has_no_marks_and_neither_has_a_copy_of_its_folder(runs: Path) -> None:
    for name in ("whole", "stopped"):
        assert not marks(rundir.find(runs, name))
    for path in whole(runs).path.rglob("*"):  # as git or unzip may leave them: some before the manifest, most after it
        os.utime(path, (2e9, 2e9) if path.name != "manifest.json" else (1e9, 1e9))
    assert not marks(whole(runs))


def test_every_file_that_is_edited_or_gone_is_named(runs: Path) -> None:
    run = whole(runs)
    for name in run.manifest.read().sha256:
        content, times = run.read(name), (run.path / name).stat()
        (run.path / name).write_bytes(content + b" ")
        os.utime(run.path / name, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert marks(run) == [f"{name} was edited since the run ended"] or name == SUMMARY
        (run.path / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        os.utime(run.path / name, (4e9, 4e9))
        if name != SUMMARY:
            assert marks(run) == [f"{name} was edited since the run ended"]
            (run.path / name).unlink()
            assert marks(run) == [f"{name} was edited since the run ended"]
        (run.path / name).write_bytes(content)
        os.utime(run.path / name, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert not marks(run)


def test_run_json_is_always_read_whatever_the_clock_says(runs: Path) -> None:
    for name in ("whole", "stopped"):
        run = rundir.find(runs, name)
        times = (run.path / SUMMARY).stat()
        content = run.read(SUMMARY)
        (run.path / SUMMARY).write_bytes(content.replace(b'"seed": 0', b'"seed": 1'))
        os.utime(run.path / SUMMARY, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert marks(run) == ["run.json was edited since the run ended"]


def test_in_a_copy_what_is_small_is_read_again(runs: Path) -> None:
    run = whole(runs)
    content = run.read(METRICS)
    run.write(METRICS, content.replace(b"0.", b"1.", 1))
    for path in run.path.rglob("*"):
        os.utime(path, (2e9, 2e9) if path.name != "manifest.json" else (1e9, 1e9))
    assert marks(run) == [f"{METRICS} was edited since the run ended"]


def test_without_a_manifest_or_with_an_edited_one_it_is_said(runs: Path) -> None:
    run = whole(runs)
    content = run.read("manifest.json")
    (run.path / "manifest.json").write_bytes(content.replace(b'"schema_version": 1', b'"schema_version": 2'))
    assert marks(run) == ["manifest.json was edited or damaged"]
    (run.path / "manifest.json").unlink()
    (mark,) = marks(run)
    assert mark.startswith("manifest.json is gone")
    stopped = rundir.find(runs, "stopped")
    (stopped.path / "manifest.json").unlink()
    assert not marks(stopped), "a run may be stopped before it has one"


def test_notes_of_ones_own_are_no_edit(runs: Path) -> None:
    run = whole(runs)
    (run.path / "notes.txt").write_text("first")
    run.write_manifest()
    (run.path / "notes.txt").write_text("second thoughts")
    assert not marks(run)


def test_a_copy_under_another_name_is_pointed_out(runs: Path) -> None:
    run = whole(runs)
    copy = RunDir(Path(shutil.copytree(run.path, runs / "the-winner")))
    assert marks(copy) == [f"made as {run.name}: renamed, or a copy"]


def test_a_run_that_goes_on_has_no_marks_of_files_that_change(runs: Path) -> None:
    run = whole(runs)
    run_to_end(experiment.resume(run, epochs=20))
    assert not marks(run)
    run.manifest.delete()
    run.json.write({**run.json.read(), "status": "running"})
    with run.locked():
        assert not marks(run)


def test_runs_compare_and_the_report_show_an_edit_beside_its_score(runs: Path, cli: Cli, tmp_path: Path) -> None:
    run, mark = whole(runs), "run.json was edited since the run ended"
    praise(run)
    for command in (["runs", "--each"], ["compare", "--each"], ["compare", "--format", "md"]):
        shown = good(cli(*command)).stdout
        assert mark in shown, command
    (found,) = [each for each in json.loads(good(cli("runs", "--json")).stdout) if each["marks"]]
    assert found["path"] == f"runs/{run.name}"
    assert found["marks"] == [mark]
    groups = json.loads(good(cli("compare", "--json")).stdout)["groups"]
    assert [row["marks"] for group in groups for row in group["runs"] if row["name"] == run.name] == [[mark]]
    good(cli("report", run.path, "-o", "page.html"))
    assert mark in (tmp_path / "page.html").read_text()
    (run.path / WEIGHTS).unlink()
    assert f"run.json, {WEIGHTS} were edited" in good(cli("runs")).stdout

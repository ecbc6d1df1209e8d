"""Verify and reproduce: what is right is said to be, and what is changed is found and named, to the exit code."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nnlab import experiment, rundir
from nnlab.errors import RunError
from nnlab.experiment import compare_runs
from nnlab.experiment.reproduce import latest_of
from nnlab.finding import subjects, worst
from nnlab.rundir import RunDir, sealed
from nnlab.rundir.directory import LOSSES, METRICS, WEIGHTS
from tests.conftest import Cli
from tests.run_fixtures import config_for, run_to_end, stop_at

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of mlp-np and one that was interrupted."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnlab.experiment.pictures.of_training", lambda *arguments: iter(()))
        resolved = experiment.resolve(config_for("mlp-np", folder))
        run_to_end(experiment.train(resolved, folder / "runs", "whole"))
        stop_at(experiment.train(resolved, folder / "runs", "stopped"), 20)
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "runs"


def whole(runs: Path) -> RunDir:
    return rundir.find(runs, "whole")


def wrong(run: RunDir) -> dict[str, str]:
    """What verify finds wrong, by subject."""
    return {check.subject: check.detail for check in experiment.verify(run) if check.outcome == "wrong"}


def reseal(run: RunDir) -> None:
    """What someone does who changes a run and does not want it to show."""
    run.manifest.delete()
    run.write_manifest()


def test_a_run_as_it_was_written_is_verified(runs: Path) -> None:
    for name in ("whole", "stopped"):
        checks = list(experiment.verify(rundir.find(runs, name)))
        assert worst(checks) == "untold", checks
    assert any("to the bit" in check.detail for check in experiment.verify(whole(runs)))


def test_a_run_that_is_still_going_is_not_verified(runs: Path) -> None:
    run = whole(runs)
    run.json.write({**run.summary().to_json(), "status": "running"})
    with run.locked(), pytest.raises(RunError, match="still going"):
        list(experiment.verify(run))


def test_every_file_that_changes_or_goes_is_named(runs: Path) -> None:
    for name in ("whole", "stopped"):
        run = rundir.find(runs, name)
        for file in run.files():
            content = (run.path / file).read_bytes()
            (run.path / file).write_bytes(bytes([content[0] ^ 1]) + content[1:])
            assert file in wrong(run)
            (run.path / file).unlink()
            assert (name, file) == ("stopped", "manifest.json") or file in wrong(run)
            (run.path / file).write_bytes(content)
        assert not wrong(run)


def change_weights(run: RunDir) -> None:
    weights = run.weights.read()
    run.weights.write({name: array + np.float32(0.1) for name, array in weights.items()})


def change_score(run: RunDir) -> None:
    summary = run.summary().to_json()
    summary["metrics"]["test"]["accuracy"] = 0.99
    run.json.write(summary)


def change_rows(run: RunDir) -> None:
    run.write(METRICS, run.read(METRICS).replace(b"\n20,", b"\n21,"))


def leave_out_a_row(run: RunDir) -> None:
    lines = run.read(METRICS).splitlines(keepends=True)
    run.write(METRICS, b"".join([*lines[:2], *lines[3:]]))


def change_a_loss(run: RunDir) -> None:
    losses = run.losses.read()
    losses[3] += 0.5
    run.losses.write(losses)


def change_the_config(run: RunDir) -> None:
    run.write("config.yaml", run.read("config.yaml").replace(b"seed: 0", b"seed: 7"))


def change_predictions(run: RunDir) -> None:
    arrays = run.predictions.read()
    run.predictions.write({"scores": arrays["scores"] + 1, "targets": arrays["targets"]})


def change_the_best(run: RunDir) -> None:
    summary = run.summary().to_json()
    summary["best"]["value"] += 0.001
    run.json.write(summary)


def change_the_best_weights(run: RunDir) -> None:
    weights = run.best.read()
    run.best.write({name: -array for name, array in weights.items()})


def change_the_seed_and_its_id(run: RunDir) -> None:
    change_the_config(run)
    summary = run.summary().to_json()
    run.json.write({**summary, "config_sha256": sealed.sha256(run.read("config.yaml"))})


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        (change_weights, WEIGHTS),
        (change_score, WEIGHTS),
        (change_rows, METRICS),
        (leave_out_a_row, METRICS),
        (change_a_loss, METRICS),
        (change_the_config, "config.yaml"),
        (change_predictions, WEIGHTS),
        (change_the_best, METRICS),
        (change_the_best_weights, "checkpoint"),
        (change_the_seed_and_its_id, "config.yaml"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_no_longer_belongs_together_is_found_though_every_hash_is_right(change, subject, runs: Path) -> None:
    run = whole(runs)
    change(run)
    reseal(run)
    assert subject in wrong(run)
    assert "manifest.json" not in wrong(run)


def test_a_stopped_run_whose_weights_or_losses_are_not_its_checkpoints_is_found(runs: Path) -> None:
    for change in (change_weights, change_a_loss, change_the_best):
        run = rundir.find(runs, "stopped")
        kept = {name: run.read(name) for name in run.files()}
        change(run)
        reseal(run)
        assert "checkpoint" in wrong(run)
        for name, content in kept.items():
            run.write(name, content)
    assert not wrong(run)


def test_a_stopped_run_whose_table_or_losses_are_no_such_thing_is_found(runs: Path) -> None:
    run = rundir.find(runs, "stopped")
    kept = {name: run.read(name) for name in run.files()}
    np.save(run.path / LOSSES, np.zeros(20, [("a", "f4"), ("b", "f4")]))
    reseal(run)
    assert "checkpoint" in wrong(run)
    for name, content in kept.items():
        run.write(name, content)
    for table in (b"val_accuracy\n0.5\n", b"step,epoch,train_loss,val_accuracy\nnan,1,1,0.5\n"):
        state = sealed.unseal(kept["checkpoint/state.json"])
        state["state"] |= {"metrics_bytes": len(table), "metrics_sha256": sealed.sha256(table)}
        run.write("checkpoint/state.json", sealed.seal(state))
        run.write(METRICS, table)
        reseal(run)
        assert "checkpoint" in wrong(run)


def test_data_that_is_not_there_is_not_checked_and_data_that_changed_is_wrong(tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("x,y\n" + "".join(f"{n},{3 * n}.5\n" for n in range(40)))
    config = tmp_path / "c.yaml"
    config.write_text(
        "model: {name: mlp-np, hidden: []}\ndataset: {name: csv, path: d.csv, target: y}\ntrain: {epochs: 2}\n"
    )
    run = run_to_end(experiment.train(experiment.resolve(config), tmp_path / "runs"))
    kept = data.read_text()
    data.unlink()
    checks = list(experiment.verify(run))
    assert subjects(checks, "wrong", "not checked") == [WEIGHTS]
    assert {check.subject: check.outcome for check in checks}[WEIGHTS] == "not checked"
    data.write_text(kept.replace("3,9.5", "3,9.25"))
    assert "SHA-256 differs" in wrong(run)[WEIGHTS]


def test_verify_and_reproduce_on_the_command_line(runs: Path, cli: Cli) -> None:
    good = cli("verify", "whole")
    assert good.returncode == 0, good.stderr
    assert "evaluated again" in good.stdout
    same = cli("reproduce", "whole", "--json")
    assert same.returncode == 0, same.stderr
    assert json.loads(same.stdout)["verdict"] == "BITWISE"
    assert any(run.name.endswith("-reproduction") for run in rundir.all_runs(runs))
    run = whole(runs)
    change_a_loss(run)
    bad = cli("verify", "whole", "--json")
    assert bad.returncode == 3
    assert "losses.npy" in bad.stderr
    assert json.loads(bad.stdout)["verified"] is False
    refused = cli("reproduce", "stopped")
    assert refused.returncode == 2
    assert "not finished: interrupted" in refused.stderr


def test_reproduce_all_trains_what_has_no_run_and_takes_the_latest_of_what_has(runs: Path, cli: Cli) -> None:
    folder = runs.parent / "course"
    folder.mkdir()
    shutil.copy(runs.parent / "mlp-np.yaml", folder)
    config_for("nn2-np", folder, "steps: 5")
    assert latest_of(experiment.resolve(folder / "mlp-np.yaml"), runs).name == whole(runs).name
    done = cli("reproduce", "--all", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("BITWISE") == 2
    assert done.stderr.count("trained twice") == 1
    assert len(rundir.all_runs(runs)) == 5


def test_a_run_that_comes_out_otherwise_is_told_from_where(runs: Path, tmp_path: Path) -> None:
    run = whole(runs)
    resolved = experiment.resolve(tmp_path / "mlp-np.yaml", ["train.lr=0.010001"])
    near = compare_runs(run, run_to_end(experiment.train(resolved, tmp_path / "near")))
    assert (near.values["verdict"], near.values["step"]) == ("WITHIN TOLERANCE", None)
    assert 0 < near.values["largest"] < 1e-3
    resolved = experiment.resolve(tmp_path / "mlp-np.yaml", ["train.lr=1"])
    other = compare_runs(run, run_to_end(experiment.train(resolved, tmp_path / "other")))
    assert other.values["verdict"] == "DIFFERENT"
    assert other.values["step"] == 2, "the first step's loss comes before any update"
    assert "from step 2 on" in other.detail


def test_with_no_tolerance_the_step_is_the_first_whose_bits_differ(runs: Path) -> None:
    run = whole(runs)
    other = RunDir(shutil.copytree(run.path, runs / "other"))
    losses = run.losses.read().copy()
    losses[15] = np.nextafter(losses[15], 1)
    other.losses.write(losses)
    found = compare_runs(run, other, 0.0)
    assert (found.values["verdict"], found.values["step"]) == ("DIFFERENT", 16)
    summary = run.json.read()
    summary["metrics"]["test"]["loss"] = None
    other.losses.write(run.losses.read())
    other.json.write(summary)
    assert compare_runs(run, other).values["verdict"] == "DIFFERENT"


def test_training_a_runs_config_for_longer_does_not_touch_the_run(runs: Path, tmp_path: Path) -> None:
    run = whole(runs)
    before = {name: run.read(name) for name in run.files()}
    longer = experiment.resolve(run.path / "config.yaml", ["train.steps=60"])
    other = run_to_end(experiment.train(longer, tmp_path / "other"))
    assert other.summary().steps == 60
    assert {name: run.read(name) for name in run.files()} == before

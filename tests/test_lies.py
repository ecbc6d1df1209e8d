"""Lies: a run is changed, every hash is put right after it, and verify says it is wrong, or that it cannot tell."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nnlab import environment, experiment, rundir
from nnlab.dataset import Classification
from nnlab.experiment.verify.scores import reach
from nnlab.finding import Outcome, worst
from nnlab.rundir import RunDir
from nnlab.rundir.directory import SUMMARY, WEIGHTS
from tests.conftest import Cli
from tests.reliability.lies import CLASSES, CONFIGS, Lie, all_lies, found_out, honest, put_right
from tests.run_fixtures import run_to_end, stop_at


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDir]:
    """An honest run of either task, with its pictures."""
    folder = tmp_path_factory.mktemp("honest")
    trained = {}
    for base in CONFIGS:
        trained[base] = run_to_end(experiment.train(experiment.resolve(honest(folder, base)), folder / base))
    return trained


def copied(run: RunDir, folder: Path, *, pictures: bool) -> RunDir:
    """A copy to be changed; to draw pictures again takes most of the time."""
    copy = RunDir(shutil.copytree(run.path, folder / run.name))
    for path in copy.path.glob("*.png") if not pictures else ():
        path.unlink()
    put_right(copy)
    return copy


def checks(run: RunDir) -> list[tuple[str, Outcome]]:
    return [(check.subject, check.outcome) for check in experiment.verify(run)]


def test_an_honest_run_is_verified_and_what_cannot_be_told_is_named(made: dict[str, RunDir]) -> None:
    for run in made.values():
        found = list(experiment.verify(run))
        assert worst(found) == "untold", found
        assert {check.outcome for check in found} == {"ok", "untold"}
        assert all(check.detail for check in found)
        named = [check.subject for check in found if check.outcome == "untold"]
        for subject in (f"{WEIGHTS}: origin", "env.json", "run.json: times", "metrics.csv: earlier scores"):
            assert subject in named


@pytest.mark.parametrize("lie", all_lies(), ids=lambda lie: lie.name)
def test_a_lie_with_every_hash_right_is_found_out_or_named(lie: Lie, made: dict[str, RunDir], tmp_path: Path) -> None:
    run = copied(made[lie.base], tmp_path, pictures="png" in lie.subject or "picture" in lie.name)
    lie.tell(run)
    put_right(run)
    found = checks(run)
    assert found_out(lie, found), found
    assert ("manifest.json", "ok") in found


def changed(value: object) -> object:
    """Some other value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        return [*value[1:], "x"]
    return {**value, "x": 1} if isinstance(value, dict) else "another"


def test_no_key_of_run_json_can_be_changed_without_a_word(made: dict[str, RunDir], tmp_path: Path) -> None:
    """Whatever is added to run.json one day must be held against something, or named."""
    run = copied(made[CLASSES], tmp_path, pictures=False)
    before = run.json.read()
    named = {"started": "times", "finished": "times", "name": "name", "path_given": "path_given"}
    for key, value in before.items():
        run.json.write({**before, key: changed(value)})
        run.write_manifest()
        found = checks(run)
        if key in named:
            assert (f"run.json: {named[key]}", "untold") in found, key
        else:
            assert any(outcome == "wrong" for _, outcome in found), key
    for key, value in before["dataset"].items():
        run.json.write({**before, "dataset": {**before["dataset"], key: changed(value)}})
        run.write_manifest()
        assert any(outcome == "wrong" for _, outcome in checks(run)), key


def test_what_a_run_says_of_its_group_is_held_against_its_config_or_named(
    made: dict[str, RunDir], tmp_path: Path
) -> None:
    run = copied(made[CLASSES], tmp_path, pictures=False)
    before = run.json.read()
    name = "0123456789abcdef"
    for group, right in [
        ({"id": name, "varied": {"seed": 0}}, True),
        ({"id": "f" * 16, "varied": {"seed": 0, "train.lr": 0.01}}, True),
        ({"id": name, "varied": {"seed": 1}}, False),
        ({"id": name, "varied": {"seed": False}}, False),
        ({"id": name, "varied": {"seed": 0, "train.lr": 0.02}}, False),
        ({"id": name, "varied": {"no.such.key": 0}}, False),
        ({"id": name, "varied": {}}, False),
        ({"id": name, "varied": {"seed": [0]}}, False),
        ({"id": name}, False),
        ({"id": name, "varied": {"seed": 0}, "x": 1}, False),
        ({"id": "../../elsewhere", "varied": {"seed": 0}}, False),
        ({"id": 1, "varied": {"seed": 0}}, False),
        ("together", False),
    ]:
        run.json.write({**before, "group": group})
        run.write_manifest()
        found = checks(run)
        assert any(outcome == "wrong" for _, outcome in found) is not right, group
        assert ("run.json: group", "untold") in found or not right, group


def test_on_another_machine_only_an_example_that_is_near_a_boundary_may_change_sides(
    made: dict[str, RunDir], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(made[CLASSES], tmp_path, pictures=False)
    kept = run.predictions.read()
    noise = np.random.default_rng(0).uniform(-1, 1, kept["scores"].shape) * np.abs(kept["scores"]).max()
    scores = (kept["scores"] + 1e-6 * noise).astype(np.float32)
    run.predictions.write({"scores": scores, "targets": kept["targets"]})
    put_right(run)
    assert (WEIGHTS, "wrong") in checks(run)
    describe = environment.describe
    monkeypatch.setattr(environment, "describe", lambda *given: {**describe(*given), "cpu": "another"})
    summary = run.json.read()
    loss = experiment.compare_runs(run, run)
    assert loss.values["verdict"] == "BITWISE"
    summary["metrics"]["test"] = Classification().measure(scores, kept["targets"])
    run.json.write(summary)
    put_right(run)
    assert (WEIGHTS, "ok") in checks(run)
    scores[0] += 1
    run.predictions.write({"scores": scores, "targets": kept["targets"]})
    put_right(run)
    assert (WEIGHTS, "wrong") in checks(run)


def test_an_accuracy_reaches_as_far_as_the_examples_that_are_near_a_boundary() -> None:
    scores = np.array([[1.0, 0.0], [0.50001, 0.5], [0.5, 0.50001], [0.0, 1.0]])
    targets = np.zeros(4, np.int64)
    assert reach(scores, targets, 0.0) == (2, 2)
    assert reach(scores, targets, 1e-5) == (1, 3)
    assert reach(scores, targets, 1.0) == (0, 4)


def test_a_run_made_on_a_device_that_is_not_here_is_no_lie(made: dict[str, RunDir], tmp_path: Path) -> None:
    """As if it came from a machine with a CUDA device: its own files agree, and the scores are within rounding."""
    config = tmp_path / "torch.yaml"
    config.write_text(
        CONFIGS[CLASSES].replace("mlp-np", "ann-torch").replace("hidden: [8]", "hidden: [8], activations: tanh")
    )
    run = copied(
        run_to_end(experiment.train(experiment.resolve(config), tmp_path / "a")), tmp_path / "b", pictures=False
    )
    for name in ("config.yaml", SUMMARY, "env.json"):
        run.write(name, run.read(name).replace(b"device: cpu", b"device: cuda:7").replace(b'"cpu",', b'"cuda:7",'))
    put_right(run)
    assert worst(experiment.verify(run)) == "untold"


def test_a_run_that_was_too_short_for_frames_and_made_longer_is_no_lie(tmp_path: Path) -> None:
    config = tmp_path / "short.yaml"
    config.write_text(CONFIGS[CLASSES].replace("epochs: 6", "steps: 3").replace("eval_every: 4", "eval_every: 2"))
    run = run_to_end(experiment.train(experiment.resolve(config), tmp_path / "runs"))
    assert not run.frames()
    assert worst(experiment.verify(run)) == "untold"
    run_to_end(experiment.resume(run, epochs=3))
    assert [frame.step for frame in run.frames()] == [4, 8, 12]
    assert worst(experiment.verify(run)) == "untold", list(experiment.verify(run))


def test_a_stopped_run_that_shows_scores_or_other_classes_is_found(tmp_path: Path) -> None:
    config = honest(tmp_path, CLASSES)
    run = stop_at(experiment.train(experiment.resolve(config), tmp_path / "runs"), 12)
    before = run.json.read()
    assert worst(experiment.verify(run)) == "untold"
    lies = [{"metrics": {"train": None, "val": None, "test": {"loss": 0.1, "accuracy": 1.0}}}]
    lies += [{"dataset": {**before["dataset"], "classes": before["dataset"]["classes"][::-1]}}, {"baselines": None}]
    for lie in lies:
        run.json.write({**before, **lie})
        put_right(run)
        assert any(outcome == "wrong" for _, outcome in checks(run)), lie


def test_on_the_command_line_what_cannot_be_told_is_named_and_changes_no_exit_code(
    made: dict[str, RunDir], tmp_path: Path, cli: Cli
) -> None:
    run = copied(made[CLASSES], tmp_path / "runs", pictures=True)
    good = cli("verify", "latest")
    assert good.returncode == 0, good.stderr
    assert "WRONG" not in good.stdout
    assert all(word in good.stdout for word in ("not checked", "run.json: times", "drawn again", "worked out again"))
    for path in run.path.glob("*.png"):  # to be drawn again by one command is enough
        path.unlink()
    put_right(run)
    document = json.loads(cli("verify", "latest", "--json").stdout)
    assert document["verified"] is True
    assert "run.json: times" in document["not_checked"]
    assert {check["held"] for check in document["checks"]} == {True, None}
    summary = run.json.read()
    summary["baselines"] = None
    run.json.write(summary)
    put_right(run)
    bad = cli("verify", "latest")
    assert bad.returncode == 3
    assert "run.json: baselines" in bad.stderr
    assert rundir.find(tmp_path / "runs", "latest").name == run.name

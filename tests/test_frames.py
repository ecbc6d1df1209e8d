"""Frames: what a training keeps of its epochs, at which steps, and that keeping them changes nothing else."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from nnlab import experiment, metrics
from nnlab.errors import RunError
from nnlab.experiment import frames
from nnlab.experiment.loading import load_dataset
from nnlab.experiment.making import model_for
from nnlab.experiment.plan import plan_for
from nnlab.fit import Plan, each_step
from nnlab.rundir import RunDir
from nnlab.rundir.frames import Frame


def trained(config: Path, runs: Path, *overrides: str) -> RunDir:
    *_, last = experiment.train(experiment.resolve(config, list(overrides)), runs)
    return last.run


@pytest.mark.parametrize(
    ("plan", "steps"),
    [
        (Plan(450, 100, 10, 0, 0.1), (10, 20, 30, 40, 60, 90, 130, 190, 280, 420)),
        (Plan(300, 10, 1, 0, 0.1), (100, 200, 300)),
        (Plan(50, None, 7, 0, 0.1), (7, 14, 21, 28, 42)),
        (Plan(50, 10, 7, 0, 0.1), ()),
        (Plan(10**9, None, 1, 0, 0.1), None),
    ],
)
def test_the_steps_are_evaluations_after_epochs_ever_further_apart(plan: Plan, steps: tuple[int, ...] | None):
    found = frames.steps_of(plan, 1000, 10)
    if steps is None:
        assert len(found) < 60
    else:
        assert found == steps
    longer = frames.steps_of(Plan(2 * plan.steps, plan.batch_size, plan.eval_every, 0, 0.1), 1000, 10)
    assert longer[: len(found)] == found
    assert frames.steps_of(plan, 1000, frames.MOST_PARAMETERS + 1) == ()


def test_a_frame_is_the_net_after_its_step(digits: Path, tmp_path: Path, no_pictures: None):
    run = trained(digits, tmp_path / "runs", "train.epochs=3", "train.eval_every=20", "dataset.limit=200")
    config, dataset, _ = load_dataset(experiment.resolve(run.path / "config.yaml").config)
    model = model_for(config, dataset)
    found = run.frames()
    assert [(frame.step, frame.epoch) for frame in found] == [(0, 0.0), (20, 20 / 7)] or len(found) > 1
    order = list(islice(each_step(200, plan_for(config, 200)), 21))
    data, step = model.put(dataset.train), 0
    for frame in found:
        if frame.step:
            model.train(data, order[step : frame.step - 1])
            before = model.weights()
            model.train(data, order[frame.step - 1 : frame.step])
            after = model.weights()
            for name, ratio in frame.ratios.items():
                change = np.linalg.norm(after[name].astype(float) - before[name])
                assert ratio == pytest.approx(change / np.linalg.norm(before[name].astype(float)))
            scores = model.predict(model.put(dataset.test))
            assert np.array_equal(frame.confusion, metrics.confusion(scores, dataset.test.targets, 10))
        else:
            assert (frame.ratios, frame.confusion) == ({}, None)
        assert np.array_equal(frame.weight, model.weights()["0.weight"].astype(np.float16))
        step = frame.step


def test_keeping_frames_changes_no_bit_of_the_training(digits: Path, tmp_path: Path, no_pictures: None, monkeypatch):
    with_frames = trained(digits, tmp_path / "a")
    monkeypatch.setattr(frames, "MOST_PARAMETERS", 0)
    without = trained(digits, tmp_path / "b")
    assert with_frames.frames()
    assert without.frames() == []
    for name in ("weights.safetensors", "losses.npy"):
        assert with_frames.read(name) == without.read(name)


def test_a_damaged_frame_is_refused(tmp_path: Path):
    run = RunDir(tmp_path)
    run.write_frame(Frame(3, 1.5, np.zeros((2, 4), np.float16), {"0.weight": 0.25}, np.eye(2, dtype=np.int64)))
    (frame,) = run.frames()
    assert (frame.step, frame.epoch, frame.ratios) == (3, 1.5, {"0.weight": 0.25})
    (path,) = (tmp_path / "frames").iterdir()
    for damage in (b"", path.read_bytes()[:-1], path.read_bytes().replace(b"F16", b"I16"), b"\xff" * 100):
        path.write_bytes(damage)
        with pytest.raises(RunError):
            run.frames()

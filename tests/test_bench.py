"""Bench: every backend takes part, the advice follows from the figures, and nothing is written."""

import json
import sys
from pathlib import Path

import pytest

from nnlab import discover
from nnlab.config import Named
from nnlab.errors import ConfigError
from nnlab.experiment import resolve
from nnlab.experiment.making import threads_for
from nnlab.inspection import bench as timed
from nnlab.inspection.bench import Contestant, Speed, _advice, twin
from tests.conftest import ROOT, Cli
from tests.model_fixtures import build, cases

CPU1, CPU2 = Contestant("ann-torch", "cpu", 1), Contestant("ann-torch", "cpu", 2)
GPU, NUMPY = Contestant("ann-torch", "cuda:0", 1), Contestant("mlp-np", "cpu", 1)


def speeds(**by_batch: list[tuple[Contestant, float]]) -> list[Speed]:
    return [Speed(c, int(batch[1:]), s, s, s) for batch, found in by_batch.items() for c, s in found]


def test_advice_names_the_fastest_and_where_the_gpu_overtakes() -> None:
    found = speeds(b16=[(CPU1, 90), (GPU, 10)], b1024=[(CPU1, 100), (GPU, 80)], b2048=[(CPU1, 100), (GPU, 200)])
    first, second = _advice(found, CPU1, 2048)
    assert first == (
        "at this config's batch of 2,048, ann-torch on cuda:0 is the fastest, "
        "2.0 times as fast as ann-torch on cpu, 1 thread, which nnlab train takes"
    )
    assert second == "the CPU: faster than the GPU below batch 2,048; the GPU from there on"
    assert _advice(found, CPU1, 16)[0] == "at this config's batch of 16, ann-torch on cpu, 1 thread is the fastest"


@pytest.mark.parametrize(
    ("one", "two", "sentence"),
    [
        ([10, 10, 10], [9.8, 10.1, 10], "1 thread: as fast as 2 threads, give or take the noise"),
        ([10, 10, 10], [20, 10, 11], "2 threads: faster than 1 thread, or as fast, at every batch tried"),
        ([10, 10, 10], [5, 20, 30], "1 thread: faster than 2 threads below batch 64; 2 threads from there on"),
        ([10, 10, 10], [20, 5, 30], "1 thread and 2 threads: now one is faster, now the other"),
    ],
)
def test_advice_on_threads(one: list[float], two: list[float], sentence: str) -> None:
    batches = zip(("b16", "b64", "b256"), one, two, strict=True)
    assert _advice(speeds(**{b: [(CPU1, x), (CPU2, y)] for b, x, y in batches}), CPU1, 64)[1:] == [sentence]


def test_advice_on_backends() -> None:
    found = speeds(b16=[(NUMPY, 30), (CPU1, 10)], b64=[(NUMPY, 30), (CPU1, 40)])
    assert "NumPy: faster than PyTorch below batch 64; PyTorch from there on" in _advice(found, CPU1, 16)


WITH_TWIN = [case for case in cases() if case[2] > 2 and discover.model(case[0]).twin]


@pytest.mark.parametrize(("name", "task", "outputs"), WITH_TWIN)
def test_a_twin_is_the_same_network_in_the_other_backend(name: str, task: str, outputs: int) -> None:
    file = discover.model(name)
    other, keys = file.twin(file.params())
    assert name.endswith("-torch") != other.endswith("-torch")
    ours, theirs = build(name, task, outputs), build(other, task, outputs, **keys)
    shapes = [[weight.shape for weight in model.weights().values()] for model in (ours, theirs)]
    assert shapes[0] == shapes[1]


def test_a_network_that_numpy_cannot_compute_has_no_twin() -> None:
    file = discover.model("ann-torch")
    for keys in ({"activations": "gelu"}, {"dropout": 0.5}):
        assert twin(Named("ann-torch", file.params(**keys)), None) is None


def test_every_contestant_is_timed_at_every_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = sys.modules["nnlab.inspection.bench"]
    monkeypatch.setattr(module, "SECONDS", 0.001)
    monkeypatch.setattr(module, "REST", 0)
    monkeypatch.chdir(tmp_path)
    found = timed(resolve(ROOT / "configs/ann.yaml", ["dataset.name=digits", "train.batch_size=100"]))
    assert (found.model, found.dataset, found.batch) == ("ann-torch", "digits", 100)
    assert found.auto.model == "ann-torch"
    batches = {speed.batch for speed in found.speeds}
    assert batches == {16, 64, 100, 256, 1024}
    contestants = {speed.contestant for speed in found.speeds}
    assert {contestant.model for contestant in contestants} == {"ann-torch", "mlp-np"}
    assert len(found.speeds) == len(batches) * len(contestants)
    assert all(0 < speed.low <= speed.median <= speed.high for speed in found.speeds)
    assert not list(tmp_path.iterdir())


def test_a_model_without_steps_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"logreg-sklearn has no training steps"):
        timed(resolve(ROOT / "configs/logreg-sklearn.yaml", ["dataset.name=digits"]))


def test_the_command_prints_a_table_and_advice(cli: Cli) -> None:
    done = cli("bench", str(ROOT / "configs/linreg.yaml"))
    assert done.returncode == 0, done.stderr
    assert "linreg-torch on cpu" in done.stdout
    assert "at this config's batch of 7" in done.stdout


def test_the_command_prints_one_document(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from nnlab.cli.bench import bench

    monkeypatch.setattr(sys.modules["nnlab.inspection.bench"], "SECONDS", 0.001)
    monkeypatch.setattr(sys.modules["nnlab.inspection.bench"], "REST", 0)
    bench(ROOT / "configs/linreg.yaml", json=True)
    document = json.loads(capsys.readouterr().out)
    assert {"model", "dataset", "batch", "rows", "auto", "speeds", "advice", "warnings"} == set(document)


def test_threads_follow_the_work_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.experiment.making.cores", lambda: 64)
    assert [threads_for(work) for work in (0, 10_000, 999_999, 1_000_000, 2_600_000, 10**9)] == [1, 1, 1, 2, 5, 8]
    monkeypatch.setattr("nnlab.experiment.making.cores", lambda: 2)
    assert threads_for(10**9) == 2

"""One conformance suite for every model in the folder: a new file is tested the day it appears."""

import numpy as np
import pytest
from pydantic import ValidationError

from nnlab import discover
from nnlab.dataset import Classification
from nnlab.dataset.task import TASKS
from nnlab.errors import ConfigError, DeviceError, RunError
from nnlab.model import Model, Optimizer, Setup
from tests.model_fixtures import OPTIMIZERS, ROWS, build, cases, data, numbered, steppable, steps

MODELS = discover.names("models")
EACH = pytest.mark.parametrize(("name", "task", "outputs"), cases())
EACH_STEPPABLE = pytest.mark.parametrize(("name", "task", "outputs"), steppable())


def same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> bool:
    """Whether two sets of arrays have the same names and bits."""
    return list(ours) == list(theirs) and all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_file_says_what_it_is_and_refuses_unknown_keys(name: str) -> None:
    file = discover.model(name)
    assert file.about
    assert set(file.tasks) <= set(TASKS.values())
    with pytest.raises(ValidationError, match="extra_forbidden"):
        file.params(no_such_key=1)


@EACH
def test_it_has_the_verbs_of_a_model(name: str, task: str, outputs: int) -> None:
    assert isinstance(build(name, task, outputs), Model)


@EACH
def test_weights_are_float32_copies(name: str, task: str, outputs: int) -> None:
    model = build(name, task, outputs)
    weights = model.weights()
    assert weights
    assert all(weight.dtype == np.float32 for weight in weights.values())
    for weight in weights.values():
        weight += 1
    assert not any(np.array_equal(weight, model.weights()[key]) for key, weight in weights.items())


@EACH
def test_the_seed_alone_decides_the_initial_weights(name: str, task: str, outputs: int) -> None:
    np.random.seed(3)  # noqa: NPY002 - the global state must not matter
    first = build(name, task, outputs, seed=5).weights()
    np.random.seed(4)  # noqa: NPY002
    assert same(first, build(name, task, outputs, seed=5).weights())


@EACH
def test_training_lowers_the_loss_and_returns_that_of_every_step(name: str, task: str, outputs: int) -> None:
    model, split = build(name, task, outputs), data(task, outputs)
    placed = model.put(split)
    everything = numbered([np.arange(ROWS)] * 60)
    losses = model.train(placed, everything)
    assert losses.shape == (60,)
    assert losses.dtype == np.float64
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0] or not discover.model(name).backend.steppable


@EACH
def test_prediction_has_a_score_per_output_and_changes_nothing(name: str, task: str, outputs: int) -> None:
    model, split = build(name, task, outputs), data(task, outputs)
    placed = model.put(split)
    model.train(placed, numbered([np.arange(ROWS)] * 3))
    before = model.weights()
    scores = model.predict(placed)
    assert scores.shape == (ROWS, outputs)
    assert np.isfinite(scores).all()
    assert np.array_equal(scores, model.predict(placed))
    assert same(before, model.weights())


@EACH
def test_loaded_weights_predict_the_same_bits(name: str, task: str, outputs: int) -> None:
    trained, split = build(name, task, outputs), data(task, outputs)
    placed = trained.put(split)
    trained.train(placed, numbered([np.arange(ROWS)] * 3))
    fresh = build(name, task, outputs, seed=9)
    fresh.load_weights(trained.weights())
    assert np.array_equal(fresh.predict(fresh.put(split)), trained.predict(placed))


@EACH
def test_weights_that_do_not_fit_are_refused_and_nothing_changes(name: str, task: str, outputs: int) -> None:
    model = build(name, task, outputs)
    before = model.weights()
    key = next(iter(before))
    wrong = [
        {other: weight for other, weight in before.items() if other != key},
        {**before, "another": before[key]},
        {**before, key: before[key][..., :-1]},
        {**before, key: before[key].astype(np.float64)},
    ]
    for weights in wrong:
        with pytest.raises(RunError, match="weights"):
            model.load_weights(weights)
    assert same(before, model.weights())


@EACH_STEPPABLE
def test_training_does_not_depend_on_how_its_steps_are_handed_over(name: str, task: str, outputs: int) -> None:
    taken = steps(ROWS, 8)
    whole, parts = build(name, task, outputs), build(name, task, outputs)
    split = data(task, outputs)
    losses = whole.train(whole.put(split), taken)
    placed = parts.put(split)
    pieces = [parts.train(placed, taken[:1]), parts.train(placed, taken[1:6]), parts.train(placed, taken[6:])]
    assert np.array_equal(losses, np.concatenate(pieces))
    assert same(whole.weights(), parts.weights())


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: f"{o.name}{o.momentum or ''}")
@EACH_STEPPABLE
def test_weights_and_optimizer_state_are_all_that_going_on_needs(
    name: str, task: str, outputs: int, optimizer: Optimizer
) -> None:
    taken = steps(ROWS, 10, lr=0.02 if optimizer.name == "sgd" else 0.01)
    split = data(task, outputs)
    straight = build(name, task, outputs, optimizer=optimizer)
    straight.train(straight.put(split), taken)
    first = build(name, task, outputs, optimizer=optimizer)
    first.train(first.put(split), taken[:5])
    second = build(name, task, outputs, optimizer=optimizer, seed=7)
    second.load_weights(first.weights())
    second.load_optimizer_state(first.optimizer_state())
    second.train(second.put(split), taken[5:])
    if not getattr(second, "_random", False):  # dropout is derived from the seed, which differs here
        assert same(straight.weights(), second.weights())


@EACH_STEPPABLE
def test_optimizer_state_of_another_shape_is_refused(name: str, task: str, outputs: int) -> None:
    model = build(name, task, outputs, optimizer=OPTIMIZERS[2])
    model.train(model.put(data(task, outputs)), steps(ROWS, 2))
    state = model.optimizer_state()
    key = next(key for key in state if key != "step")
    with pytest.raises(RunError, match="optimizer state"):
        model.load_optimizer_state({**state, key: np.zeros((3, 1, 2), np.float32)})


@pytest.mark.parametrize(("name", "params"), [("ann-torch", {"hidden": [8]}), ("cnn-torch", {"channels": [2]})])
def test_dropout_is_derived_from_the_seed_and_off_when_predicting(name: str, params: dict[str, list[int]]) -> None:
    import torch

    split = data("classification", 4)
    results = []
    for state in (1, 2):
        torch.manual_seed(state)
        model = build(name, "classification", 4, dropout=0.5, **params)
        before = torch.get_rng_state()
        losses = model.train(model.put(split), steps(ROWS, 6))
        assert torch.equal(before, torch.get_rng_state())
        results.append((losses, model.weights(), model.predict(model.put(split))))
    assert np.array_equal(results[0][0], results[1][0])
    assert same(results[0][1], results[1][1])
    assert np.array_equal(results[0][2], results[1][2])


def test_a_picture_model_says_so_to_other_data() -> None:
    with pytest.raises(ConfigError, match=r"cnn-torch needs pictures"):
        build("cnn-torch", "classification", 2, shape=(5,))
    with pytest.raises(ConfigError, match=r"4 poolings leave nothing of 8x8 pictures"):
        build("cnn-torch", "classification", 2, channels=[1, 1, 1, 1])
    assert build("cnn-torch", "classification", 3, shape=(3, 8, 8)).weights()["1.weight"].shape == (16, 3, 5, 5)


def cuda_devices() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def test_a_device_that_is_not_there_is_refused_with_what_is() -> None:
    from nnlab.backends.torch import find_device

    missing = f"cuda:{cuda_devices()}"
    with pytest.raises(DeviceError, match=r"no CUDA device is found|there are"):
        find_device(missing)
    assert str(find_device("cpu")) == "cpu"
    assert str(find_device("auto")) == ("cuda:0" if cuda_devices() else "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("name", [name for name in MODELS if name.endswith("-torch")])
def test_cuda_gives_the_cpus_results_within_rounding_and_the_same_bits_twice(name: str) -> None:
    if not cuda_devices():
        pytest.skip("needs a CUDA device, and none is here")
    file = discover.model(name)
    outputs = 4 if Classification in file.tasks else 1
    task = file.tasks[0].of(range(outputs), outputs)
    split, taken = data(task.name, outputs), steps(ROWS, 20, lr=0.05)
    results = []
    for device in ("cpu", "cuda", "cuda"):
        model = file.build(file.params(), Setup((8, 8), task, Optimizer(), 0, device))
        losses = model.train(model.put(split), taken)
        results.append((model.device, losses, model.weights(), model.predict(model.put(split))))
    assert [result[0] for result in results] == ["cpu", "cuda:0", "cuda:0"]
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(results[1][3], results[0][3], rtol=1e-3, atol=1e-4)
    assert same(results[1][2], results[2][2])

"""One conformance suite for every model in the folder: a new file is tested the day it appears."""

from collections.abc import Callable

import numpy as np
import pytest

from nnlab import discover
from nnlab.dataset import Classification
from nnlab.errors import ConfigError, DeviceError
from nnlab.model import Optimizer, Setup
from nnlab.testing.model_checks import ModelCase, cases, checks, same
from tests.model_fixtures import ROWS, build, data, steps

MODELS = discover.names("models")
CASES = [(name, case) for name in MODELS for case in cases(discover.model(name))]


@pytest.mark.parametrize(
    ("case", "check"),
    [
        pytest.param(case, check, id=f"{name}-{case.task.name}-{case.task.outputs}-{check.__name__}")
        for name, case in CASES
        for check in checks(case.file)
    ],
)
def test_a_model_keeps_to_what_all_do(case: ModelCase, check: Callable[[ModelCase], None]) -> None:
    check(case)


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

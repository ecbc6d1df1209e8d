"""Memory: what is free is what every limit leaves, and what would not fit is refused before any of it is made."""

import json
import re
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nnlab import budget, discover, experiment, memory
from nnlab.config import Config
from nnlab.errors import ConfigError, NnlabError, RunError
from nnlab.experiment import pictures
from nnlab.experiment.making import made
from nnlab.experiment.plan import plan_for
from nnlab.model import Model, Optimizer, Setup
from nnlab.rundir import RunDir
from nnlab.rundir.evaluations import MAX_ROWS
from tests.conftest import DIGITS, ROOT, Cli
from tests.model_fixtures import cases, task_for
from tests.predicting import predict

GIB = 2**30
FREE = 8 * GIB
ROOM = "6.4 GiB"
EACH = pytest.mark.parametrize(("name", "task", "outputs"), cases())
WIDE = pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("ann-torch", {"hidden": [100_000, 100_000]}),
        ("ann-torch", {"hidden": [100_000, 100_000], "dropout": 0.5}),
        ("mlp-np", {"hidden": [100_000, 100_000]}),
        ("mlp-np", {"hidden": [5_000] * 100}),  # each layer fits
        ("ann-torch", {"hidden": [5_000] * 100}),
        ("cnn-torch", {"channels": [4096, 4096, 4096], "kernel": 31}),
        ("cnn-torch", {"hidden": 100_000, "channels": [4096]}),
    ],
)


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """What models import, which takes memory of its own, is there before any is measured."""
    import sklearn.linear_model  # noqa: F401
    import torch  # noqa: F401


@pytest.fixture
def eight_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which 8 GiB are free, whatever this one has."""
    monkeypatch.setattr(memory, "free", lambda: FREE)


@contextmanager
def nothing_large() -> Iterator[None]:
    """Fails where what is inside takes memory worth mentioning: of Python and NumPy, or of anything at all."""
    before = peak()
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert peak() - before < 50 * 2**20


def peak() -> int:
    """The most bytes that this process has had resident."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found


def build(name: str, setup: Setup, **keys: Any) -> Model:
    """The model of that name."""
    file = discover.model(name)
    return made(file, file.params(**keys), setup)


def refused(make: Callable[[], object]) -> ConfigError:
    """What it is refused with, and that nothing large was made first."""
    with nothing_large(), pytest.raises(ConfigError) as caught:
        make()
    assert re.match(r"(model|train)\.\w+: ", caught.value.message)
    assert caught.value.hint
    return caught.value


def picture(side: int, rows: int = 1, outputs: int = 10, optimizer: str = "sgd") -> Setup:
    """Square pictures to classify."""
    return Setup(
        (side, side), task_for("classification", outputs), Optimizer(optimizer), 0, "cpu", "float32", rows, rows
    )


# What is free


def lay_out(root: Path, files: dict[str, object]) -> None:
    """Files below ``root`` by their paths."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"{content}\n")


STAT = "anon 5\nfile 900\nactive_file 200\ninactive_file 100\ntotal_active_file 200\ntotal_inactive_file 100"
V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/memory"
MACHINES: dict[str, tuple[dict[str, object], int]] = {
    "nothing but the machine": ({}, 1_024_000),
    "groups without a limit": ({"proc/self/cgroup": "0::/a/b", f"{V2}/a/memory.max": "max"}, 1_024_000),
    "a group's limit": (
        {"proc/self/cgroup": "0::/a", f"{V2}/a/memory.max": 5000, f"{V2}/a/memory.current": 3000},
        2000,
    ),
    "files in memory can go": (
        {
            "proc/self/cgroup": "0::/a",
            f"{V2}/a/memory.max": 5000,
            f"{V2}/a/memory.current": 3000,
            f"{V2}/a/memory.stat": STAT,
        },
        2300,
    ),
    "the limit of a group around it": (
        {
            "proc/self/cgroup": "0::/a/b/c",
            f"{V2}/a/memory.max": 700,
            f"{V2}/a/memory.current": 100,
            f"{V2}/a/b/memory.max": 5000,
            f"{V2}/a/b/memory.current": 100,
            f"{V2}/a/b/c/memory.max": "max",
        },
        600,
    ),
    "inside a container": (
        {"proc/self/cgroup": "0::/out/of/sight", f"{V2}/memory.max": 900, f"{V2}/memory.current": 100},
        800,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "9:cpu,cpuacct:/x\n4:memory:/a\n0::/y",
            f"{V1}/memory.limit_in_bytes": 9223372036854771712,
            f"{V1}/memory.usage_in_bytes": 1,
            f"{V1}/a/memory.limit_in_bytes": 5000,
            f"{V1}/a/memory.usage_in_bytes": 4000,
            f"{V1}/a/memory.stat": STAT,
        },
        1300,
    ),
    "more than the limit": (
        {"proc/self/cgroup": "0::/", f"{V2}/memory.max": 5000, f"{V2}/memory.current": 6000},
        0,
    ),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_free_is_what_the_tightest_limit_leaves(machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, expected = MACHINES[machine]
    lay_out(tmp_path, {"proc/meminfo": "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    1000 kB"} | files)
    monkeypatch.setattr(memory, "_ROOT", tmp_path)
    assert memory.free() == expected
    assert memory.room() == int(0.8 * expected)


def test_without_proc_it_is_the_machines_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_ROOT", tmp_path)
    assert 2**28 < memory.free() < 2**50


def test_here_something_is_free_and_less_than_everything() -> None:
    assert 0 < memory.room() < memory.free() < 2**50


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the address space in use is not told")
def test_a_limit_on_the_address_space_counts() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))\n"
        "from nnlab import memory\nprint(memory.free())\n"
        "memory.check(2**29, 'model.hidden: it', 'less')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert 0 < int(done.stdout) < 2**29
    assert "ConfigError: model.hidden: it need about 0.5 GiB, and 80 % of the free memory are 0." in done.stderr


# What is refused


@pytest.mark.usefixtures("eight_gib")
@EACH
def test_every_model_refuses_inputs_that_are_too_large_for_it(name: str, task: str, outputs: int) -> None:
    for side in (32_000, 10**10, 10**400):
        for rows in (0, 1, 60_000):
            setup = Setup((side, side), task_for(task, outputs), Optimizer(), 0, "cpu", "float32", rows, max(rows, 1))
            error = refused(lambda setup=setup: build(name, setup))
            assert "parameters" in error.message or "more weights than can be counted" in error.message


@pytest.mark.parametrize("name", discover.names("models"))
def test_a_net_that_cannot_be_drafted_tells_its_layers(name: str) -> None:
    file = discover.model(name)
    assert bool(file.layers) == (file.backend.steppable and not file.backend.autograd)


@pytest.mark.usefixtures("eight_gib")
@WIDE
def test_layers_that_are_too_wide_or_too_many_are_refused_with_the_figures(name: str, keys: dict[str, Any]) -> None:
    error = refused(lambda: build(name, picture(28, rows=100), **keys))
    key = "channels" if "kernel" in keys else "hidden"
    found = re.fullmatch(
        rf"model\.{key}: ([\d,]+) parameters trained with sgd on batches of 100 need about ([\d,.]+) GiB,"
        rf" and 80 % of the free memory are {ROOM}",
        error.message,
    )
    assert found
    parameters, gib = (float(figure.replace(",", "")) for figure in found.groups())
    assert parameters > 1e8
    assert gib * GIB > 7.9 * 4 * parameters


@pytest.mark.usefixtures("eight_gib")
def test_the_state_of_the_optimizer_counts() -> None:
    size = budget.Size(12 * 10**7, step=28 * 28 + 30, predicting=10)
    budget.check(picture(28), size)
    for optimizer in ("adam", "adamw"):
        error = refused(lambda rule=optimizer: budget.check(picture(28, optimizer=rule), size))
        assert f"trained with {optimizer} on" in error.message


@pytest.mark.usefixtures("eight_gib")
@pytest.mark.parametrize("name", ["ann-torch", "mlp-np"])
def test_where_only_the_batch_is_too_large_it_is_blamed_and_one_that_fits_is_named(name: str) -> None:
    keys: dict[str, Any] = {"hidden": [100] * 50}
    error = refused(lambda: build(name, picture(28, rows=10**6), **keys))
    assert error.message.startswith("train.batch_size: ")
    found = re.fullmatch(r"batches of up to ([\d,]+) fit", error.hint)
    assert found
    fitting = int(found[1].replace(",", ""))
    assert 1000 < fitting < 10**6
    # What is evaluated is as large as it was, so a little more than the hint may fit.
    build(name, picture(28, rows=fitting), **keys)
    refused(lambda: build(name, picture(28, rows=int(1.1 * fitting)), **keys))


def test_a_net_of_ones_own_is_judged_without_a_word_in_its_file(eight_gib: None) -> None:
    from torch import nn

    from nnlab.backends.torch import TorchModel

    for width in (60_000, 2**62, 10**30):
        make = lambda width=width: nn.Sequential(nn.Linear(784, width), nn.Linear(width, 60_000))  # noqa: E731
        assert refused(lambda make=make: TorchModel(make, picture(28))).message.startswith("model.name: ")


def test_pictures_are_judged_by_what_each_layer_really_gives(eight_gib: None) -> None:
    """As if all channels kept the picture's size it would not fit; halved by each pooling, it does."""
    import torch

    from nnlab.backends.torch import draft
    from nnlab.models import cnn_torch

    net = cnn_torch.net((1, 32, 32), 10, cnn_torch.Params(channels=[4, 8], hidden=16))
    with torch.device("meta"):
        drafted = cnn_torch.net((1, 32, 32), 10, cnn_torch.Params(channels=[4, 8], hidden=16))
    given: list[int] = []
    for part in net:
        part.register_forward_hook(lambda part, _, out: given.append(out.numel()))
    net(torch.zeros(1, 1024))
    assert draft._outputs(drafted, 1024) == given
    assert sum(draft._outputs_guessed(drafted, 1024)) > sum(given)
    rows = 6 * GIB // (4 * 3 * sum(draft._outputs_guessed(drafted, 1024)))
    build("cnn-torch", picture(32, rows=2 * rows), channels=[4, 8], hidden=16)
    error = refused(lambda: build("cnn-torch", picture(32, rows=200 * rows), channels=[4, 8], hidden=16))
    assert error.message.startswith("train.batch_size: ")


# What is let through


def test_a_net_that_needs_real_numbers_to_be_made_is_made(eight_gib: None) -> None:
    import torch
    from torch import nn

    from nnlab.backends.torch import TorchModel

    def net() -> nn.Module:
        made = nn.Linear(784, 10)
        made.register_buffer("scale", torch.tensor(float(torch.ones(3).sum())))
        return made

    assert TorchModel(net, picture(28)).weights()["scale"] == 3


def test_what_is_estimated_first_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the weights, those that a net draws itself included, nor in PyTorch's own generator."""
    import numpy as np
    import torch
    from torch import nn

    from nnlab.backends.torch import TorchModel, torch_model

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(784, 5), nn.Embedding(3, 5)
            self.own = nn.Parameter(torch.randn(5, generator=None) + torch.rand(5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.first(x) + self.own + self.second.weight.sum(0)

    torch.manual_seed(7)
    state = torch.get_rng_state()
    weights = TorchModel(Net, picture(28)).weights()
    assert torch.equal(state, torch.get_rng_state())
    monkeypatch.setattr(torch_model, "check_net", lambda *arguments: None)
    for name, weight in TorchModel(Net, picture(28)).weights().items():
        assert np.array_equal(weight, weights[name])


def test_estimating_loads_no_compiler() -> None:
    """PyTorch imports its own at the first step on tensors without numbers: 900 modules, a second and a half."""
    code = (
        "import sys, torch\nfrom torch import nn\nfrom nnlab import discover\n"
        "from nnlab.backends.torch import TorchModel\n"
        "from nnlab.model import Optimizer, Setup\n"
        "def setup(task):\n"
        "    return Setup((28, 28), task.of('0123456789', 10), Optimizer(), 0, 'cpu', 'float32', 100, 60_000)\n"
        "for name in discover.names('models'):\n"
        "    file = discover.model(name)\n"
        "    if file.backend.autograd: file.build(file.params(), setup(file.tasks[0]))\n"
        "def net():\n"
        "    made = nn.Sequential(nn.Linear(784, 10), nn.Embedding(3, 4), nn.TransformerEncoderLayer(4, 2))\n"
        "    made.token = nn.Parameter(torch.randn(1, 4))\n"
        "    return made\n"
        "TorchModel(net, setup(file.tasks[0]))\n"
        "print([name for name in sys.modules if name.startswith(('torch._dynamo', 'torch._inductor'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout[-500:] + done.stderr


# Records


def config_of(folder: Path, train: str) -> Config:
    path = folder / "c.yaml"
    path.write_text(f"model: {{name: mlp-np}}\ndataset: {{name: digits}}\ntrain: {{{train}}}\n")
    return experiment.resolve(path).config


@pytest.mark.usefixtures("eight_gib")
@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("steps: 1000000000, eval_every: 10000", "train.steps: the losses of 1,000,000,000 steps need about 22.4 GiB"),
        ("steps: 200000000, eval_every: 200000000", "train.steps: the losses of 200,000,000 steps need about 10.4 GiB"),
        ("epochs: 1000000, batch_size: 1", "train.epochs: the losses of 1,437,000,000 steps need about"),
        ("epochs: 250001", "train.eval_every: 250,001 evaluations are more than the 250,000 that are recorded"),
        ("steps: 500001, eval_every: 2", "train.eval_every: 250,001 evaluations are more than the 250,000"),
    ],
)
def test_more_records_than_there_is_room_for_are_refused(tmp_path: Path, train: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(config_of(tmp_path, train), 1437)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_as_many_records_as_there_is_room_for_are_kept(tmp_path: Path) -> None:
    plan = plan_for(config_of(tmp_path, f"epochs: {MAX_ROWS}, batch_size: full"), 1437)
    assert (plan.steps, plan.eval_every, plan.batch_size) == (MAX_ROWS, 1, None)
    plan = plan_for(config_of(tmp_path, "steps: 500000, eval_every: 2, batch_size: 100"), 1437)
    assert (plan.steps, plan.eval_every, plan.batch_size) == (500_000, 2, 100)


@pytest.mark.usefixtures("eight_gib")
@pytest.mark.parametrize("key", ["steps: 1000000000, eval_every: 100000", "eval_every: 1, epochs: 9000"])
def test_records_are_counted_before_a_run_is_made(tmp_path: Path, key: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(DIGITS.replace("epochs: 12", key.replace(", ", "\n  ")))
    with pytest.raises(ConfigError, match=rf"c\.yaml:7:\d+: train\.{key.partition(':')[0]}: "):
        list(experiment.train(experiment.resolve(path), tmp_path / "runs"))
    assert list(tmp_path.iterdir()) == [path]


# Runs and the command line


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run of one step."""
    folder = tmp_path_factory.mktemp("memory")
    (folder / "c.yaml").write_text(DIGITS.replace("epochs: 12", "steps: 1"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pictures, "of_training", lambda *arguments: iter(()))
        *_, last = experiment.train(experiment.resolve(folder / "c.yaml"), folder / "runs")
    assert isinstance(last, experiment.Finished)
    return last.run


@pytest.mark.usefixtures("eight_gib")
@pytest.mark.parametrize(
    "forged",
    [
        {"features": 10**12},
        {"features": 10**12, "shape": [10**6, 10**6]},
        {"features": 2**64, "shape": [2**32, 2**32]},
        {"features": 10**300, "shape": [10**300]},
        {"features": 64, "shape": [-8, -8]},
        {"features": 64, "shape": ["a"]},
        {"outputs": 10**12},
    ],
    ids=str,
)
def test_a_forged_run_takes_no_memory(finished: RunDir, forged: dict[str, object]) -> None:
    path = finished.path / "run.json"
    before = path.read_text()
    summary = json.loads(before)
    summary["dataset"] |= forged
    path.write_text(json.dumps(summary))
    try:
        with nothing_large(), pytest.raises(NnlabError) as caught:
            predict(finished, ["1"])
    finally:
        path.write_text(before)
    assert isinstance(caught.value, ConfigError | RunError)
    assert caught.value.hint


def test_the_command_line_names_the_place_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    config, wide = ROOT / "configs/mlp-np.yaml", ", ".join(["100000"] * 9)  # more than any machine has
    message = r"model\.hidden: 80,\d{3},\d{3},\d{3} parameters .* need about 2,\d{3}\.\d GiB, and 80 % of"
    done = cli("train", config, "dataset.name=digits", f"model.hidden=[{wide}]", "model.activations=relu")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.search(rf"command line: model\.hidden=.*: {message}", done.stderr)
    (tmp_path / "wide.yaml").write_text(DIGITS.replace("[16]", f"[{wide}]"))
    done = cli("train", "wide.yaml")
    assert done.returncode == 2
    assert re.search(rf"wide\.yaml:3:11: {message}", done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["wide.yaml"]

"""What ``nnlab new`` lays out: the files work once they are filled in, and until then errors say where in two lines."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnlab import discover
from nnlab.errors import CheckError
from nnlab.testing import check_dataset, check_model
from tests.conftest import Cli
from tests.run_fixtures import bad, good

pytestmark = pytest.mark.usefixtures("no_pictures")

FORWARD = 'return inputs @ self.weights["weight"].T + self.weights["bias"]'
GRADS = """from nnlab.models._loss import loss_and_grad
        loss, dz = loss_and_grad("cross-entropy", self.forward(inputs), targets)
        return loss, {"weight": dz.T @ inputs, "bias": dz.sum(axis=0)}"""
TORCH = "return self.last(self.hidden(inputs).relu())"


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Path]:
    """The folder that ``nnlab new`` lays out; what a test takes from it is forgotten after it."""
    yield tmp_path / "plugins"
    discover.use([])


def fill(file: Path, *bodies: str) -> Path:
    """The file with its unwritten methods, in their order, written so; those that are left stay as they are."""
    text = file.read_text()
    for body in bodies:
        text = text.replace("raise NotImplementedError", body, 1)
    file.write_text(text)
    return file


@pytest.mark.parametrize(("backend", "bodies"), [("numpy", [FORWARD, GRADS]), ("torch", [TORCH])])
def test_a_model_that_is_filled_in_is_right_and_keeps_to_what_all_do(
    cli: Cli, plugins: Path, backend: str, bodies: list[str]
) -> None:
    laid_out = good(cli("new", "model", "my-net", f"--{backend}"))
    assert laid_out.stdout.split() == [
        f"plugins/{place}" for place in ("models/my_net.py", "tests/test_my_net.py", "configs/my-net.yaml")
    ]
    fill(plugins / "models/my_net.py", *bodies)
    checked = good(cli("gradcheck", "plugins/configs/my-net.yaml", "--plugins", "plugins"))
    assert "my-net's gradients agree" in checked.stdout
    good(cli("--plugins", "plugins", "train", "plugins/configs/my-net.yaml", "train.epochs=1"))
    runpy.run_path(str(plugins / "tests/test_my_net.py"))["test_my_net"]()


def test_a_dataset_works_as_it_is_laid_out(cli: Cli, plugins: Path) -> None:
    good(cli("new", "dataset", "my-points"))
    good(cli("--plugins", "plugins", "train", "plugins/configs/my-points.yaml", "train.epochs=1"))
    runpy.run_path(str(plugins / "tests/test_my_points.py"))["test_my_points"]()


MISTAKES = {
    "nothing written": ([], 2, "33: forward is not written yet"),
    "half of it written": ([FORWARD], 2, "41: loss_and_grads is not written yet"),
    "no such array": (["return inputs @ self.weights['w'].T"], 2, "33: in forward: KeyError: 'w'"),
    "sizes that do not go together": (['return inputs @ self.weights["weight"]'], 2, "33: in forward: ValueError"),
    "too few scores": (['return inputs @ self.weights["weight"].T[:, :3]'], 3, "31: forward gives scores of shape"),
    "nothing returned": (["pass"], 3, "31: forward gives nothing"),
    "no gradients returned": ([FORWARD, "return 0.5"], 3, "35: loss_and_grads gives a float"),
    "a gradient of another shape": (
        [FORWARD, GRADS.replace("dz.T @ inputs", "inputs.T @ dz")],
        3,
        "35: loss_and_grads gives a gradient by 'weight' of shape (64, 10)",
    ),
    "no Python": (["return inputs @"], 2, "33: SyntaxError"),
    "it ends the program": (["raise SystemExit(0)"], 2, "33: in forward: SystemExit"),
    "an error of several lines": (["raise ValueError('one\\ntwo\\rthree')"], 2, "33: in forward: ValueError: one two"),
    "inputs changed": ([f"inputs *= 2; {FORWARD}", GRADS], 3, "31: forward gives back its inputs changed"),
    "weights changed": ([FORWARD, f'self.weights["bias"] += 1; {GRADS}'], 3, "35: loss_and_grads gives back bias"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_file_and_line_and_no_traceback(cli: Cli, plugins: Path, mistake: str) -> None:
    bodies, code, said = MISTAKES[mistake]
    good(cli("new", "model", "my-net", "--numpy"))
    fill(plugins / "models/my_net.py", *bodies)
    arguments = ("gradcheck", "plugins/configs/my-net.yaml", "--plugins", "plugins")
    failed = bad(cli(*arguments), code, f"error: plugins/models/my_net.py:{said}")
    assert len(failed.stderr.splitlines()) == 2


def test_the_traceback_of_a_mistake_is_shown_to_who_asks_for_it(cli: Cli, plugins: Path) -> None:
    good(cli("new", "model", "my-net", "--numpy"))
    failed = cli("gradcheck", "plugins/configs/my-net.yaml", "--plugins", "plugins", "--traceback")
    assert failed.returncode == 2
    assert "Traceback" in failed.stderr
    assert failed.stderr.splitlines()[-2].startswith("error: plugins/models/my_net.py:")


def test_a_mistake_is_told_when_a_training_comes_upon_it_and_the_run_has_failed(cli: Cli, plugins: Path) -> None:
    good(cli("new", "model", "my-net", "--numpy"))
    fill(plugins / "models/my_net.py", FORWARD, "1 / 0")
    bad(cli("--plugins", "plugins", "train", "plugins/configs/my-net.yaml"), 2, "41: in loss_and_grads: ZeroDivision")
    assert not (plugins.parent / "runs").exists()
    late = "self.calls = getattr(self, 'calls', 0) + 1; 1 / (9 - self.calls); " + GRADS
    file = plugins / "models/my_net.py"
    file.write_text(file.read_text().replace("1 / 0", late))
    failed = cli("--plugins", "plugins", "train", "plugins/configs/my-net.yaml")
    assert failed.returncode == 2
    assert '"status": "failed"' in next((plugins.parent / "runs").glob("*/run.json")).read_text()
    assert "plugins/models/my_net.py:41: in loss_and_grads: ZeroDivisionError" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_model_that_keeps_to_little_is_told_what_does_not_hold(cli: Cli, plugins: Path) -> None:
    good(cli("new", "model", "my-net", "--numpy"))
    fill(plugins / "models/my_net.py", FORWARD, GRADS.replace("dz.sum(axis=0)", "dz.mean(axis=0)"))
    model = (plugins / "models/my_net.py").read_text()
    discover.use([plugins])
    with pytest.raises(CheckError, match=r"gradients agree with finite differences \(classification, 2\).*bias"):
        check_model(discover.model("my-net"))
    (plugins / "models/my_net.py").write_text(model.replace("[(setup.features, setup.scores)]", "[(1, setup.scores)]"))
    discover.use([plugins])
    with pytest.raises(CheckError, match=r"declared layers are those of the weights.*2 parameters, its weights 65"):
        check_model(discover.model("my-net"))
    good(cli("new", "dataset", "my-points"))
    file = plugins / "datasets/my_points.py"
    file.write_text(file.read_text().replace("default_rng(part)", "default_rng()"))
    discover.use([plugins])
    with pytest.raises(CheckError, match="the same seed gives the same arrays"):
        check_dataset(discover.dataset("my-points"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model", "my-net"], "in NumPy or in PyTorch?"),
        (["model", "my-net", "--numpy", "--torch"], "in NumPy or in PyTorch?"),
        (["model", "ann-torch", "--torch"], "there is a model called 'ann-torch' already"),
        (["model", "../my-net", "--torch"], "given '../my-net'"),
        (["dataset", "mnist"], "there is a dataset called 'mnist' already"),
        (["dataset", "true"], "given 'true'"),
        (["model", "1e5", "--torch"], "given '1e5'"),
        (["model", "my-net", "--torch", "--into", "plugins\nseed: 5"], "--into: given"),
        (["model", "my-net", "--torch", "--into", "p" * 300], "--into: File name too long"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_and_nothing_is_written(
    cli: Cli, plugins: Path, arguments: list[str], said: str
) -> None:
    bad(cli("new", *arguments), 2, said)
    assert not plugins.exists()


def test_what_is_there_is_never_written_over(cli: Cli, plugins: Path) -> None:
    good(cli("new", "model", "my-net", "--numpy"))
    (plugins / "models/my_net.py").write_text("mine")
    bad(cli("new", "model", "my-net", "--torch"), 2, "there is such a file already")
    assert (plugins / "models/my_net.py").read_text() == "mine"
    good(cli("new", "model", "my-net", "--torch", "--into", "elsewhere"))


def test_a_plugin_is_checked_from_the_command_line_as_tests_check_it(cli: Cli, plugins: Path) -> None:
    good(cli("new", "model", "my-net", "--numpy"))
    fill(plugins / "models/my_net.py", FORWARD, GRADS)
    arguments = ("--plugins", "plugins", "check", "--plugin", "my-net")
    held = json.loads(good(cli(*arguments, "--json")).stdout)["checks"]
    assert len(held) > 20
    assert all(check["held"] for check in held)
    file = plugins / "models/my_net.py"
    file.write_text(file.read_text().replace("dz.sum(axis=0)", "dz.mean(axis=0)"))
    wrong = cli(*arguments)
    assert wrong.returncode == 3
    assert "gradients agree with finite differences (classification, 2)" in wrong.stdout
    assert "too small" in wrong.stdout
    assert "the hash is of what scores depend on" in good(cli("check", "--plugin", "digits")).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "of what?"),
        (["c.yaml", "--plugin", "digits"], "of what?"),
        (["--plugin", "nothing-like-it"], "there is no model called 'nothing-like-it'"),
        (["--plugin", "csv"], "it needs path, target"),
    ],
)
def test_what_cannot_be_checked_is_said(cli: Cli, arguments: list[str], said: str) -> None:
    bad(cli("check", *arguments), 2, said)


BUILT = {
    "it builds nothing": ("return NumpyModel", "NumpyModel", "models/my_net.py: build gives nothing"),
    "it is called otherwise": (
        "def build(params: Params, setup: Setup)",
        "def build(setup: Setup)",
        "takes 1 positional",
    ),
    "weights of another type": ("np.float32(params.scale) * bias", "bias.astype(np.float64)", "no float32 array"),
    "a twin that is none": ("NUMPY, build", "NUMPY, build, twin=3", "twin: given 3"),
}


@pytest.mark.parametrize("mistake", BUILT)
@pytest.mark.parametrize("command", ["train", "gradcheck"])
def test_what_is_built_otherwise_than_it_should_is_refused_before_there_is_a_run(
    cli: Cli, plugins: Path, mistake: str, command: str
) -> None:
    good(cli("new", "model", "my-net", "--numpy"))
    file = fill(plugins / "models/my_net.py", FORWARD, GRADS)
    before, after, said = BUILT[mistake]
    file.write_text(file.read_text().replace(before, after))
    failed = cli("--plugins", "plugins", command, "plugins/configs/my-net.yaml")
    assert failed.returncode in (2, 3)
    assert said in failed.stderr
    assert len(failed.stderr.splitlines()) == 2
    assert not (plugins.parent / "runs").exists()


LOADED = {
    "nothing": ("return build(", "build(", "load gives nothing"),
    "class numbers that are none": (", targets)", ", targets + 5)", "my_points.py"),
    "texts for numbers": (", targets)", ", targets.astype(str))", "my_points.py"),
    "inputs that are no numbers": ("inputs.astype(np.float32)", "inputs.astype(np.float32) * np.nan", "not finite"),
    "classes that are no texts": ('["left", "right"]', "[1, 2]", "classes that are no texts"),
    "the end of the program": ("rng = ", "raise SystemExit(0)\n    rng = ", "SystemExit"),
}


@pytest.mark.parametrize("mistake", LOADED)
def test_data_that_is_none_is_refused_with_its_file(cli: Cli, plugins: Path, mistake: str) -> None:
    good(cli("new", "dataset", "my-points"))
    before, after, said = LOADED[mistake]
    file = plugins / "datasets/my_points.py"
    file.write_text(file.read_text().replace(before, after))
    failed = bad(cli("--plugins", "plugins", "train", "plugins/configs/my-points.yaml"), 2, said)
    assert len(failed.stderr.splitlines()) == 2
    assert not (plugins.parent / "runs").exists()


def test_nothing_is_left_of_what_cannot_be_laid_out_whole(cli: Cli, plugins: Path) -> None:
    plugins.mkdir()
    (plugins / "configs").write_text("a file")
    bad(cli("new", "model", "my-net", "--numpy"), 2, "plugins/configs: this is a file, not a folder")
    assert [path.name for path in plugins.iterdir()] == ["configs"]

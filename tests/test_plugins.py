"""Plug-ins: found in a folder or an installed package, never by a config, and a run is held to the one it had."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nnlab import discover
from nnlab.cli import complete
from nnlab.discover.registry import Registry
from nnlab.errors import ConfigError, NnlabError
from nnlab.rundir import RunDir
from tests.conftest import ROOT, Cli

pytestmark = pytest.mark.usefixtures("no_pictures")

NET = '''\
"""One layer, by hand."""

import numpy as np

from nnlab.backends import NUMPY
from nnlab.backends.numpy import NumpyModel
from nnlab.config import Strict
from nnlab.dataset import Classification
from nnlab.models._loss import loss_and_grad
from nnlab.plugin import ModelFile


class Params(Strict):
    """Keys of its own."""

    start: float = 0.01
    """The initial weights."""


class Net:
    def __init__(self, weight, bias):
        self.weights = {"weight": weight, "bias": bias}

    def forward(self, inputs):
        return inputs @ self.weights["weight"].T + self.weights["bias"]

    def loss_and_grads(self, inputs, targets):
        loss, dz = loss_and_grad("cross-entropy", self.forward(inputs), targets)
        return loss, {"weight": dz.T @ inputs, "bias": dz.sum(axis=0)}


def build(params, setup):
    weight = np.full((setup.scores, setup.features), params.start, np.float32)
    return NumpyModel(Net(weight, np.zeros(setup.scores, np.float32)), setup)


MODEL = ModelFile(Params, (Classification,), NUMPY, build)
'''
DATA = '''\
"""Points on two sides of a line."""

import numpy as np

from nnlab.dataset import Card, Classification, quiet
from nnlab.datasets import Examples, HoldOutKeys, TrainKeys, build, hold_out
from nnlab.plugin import DatasetFile


class Params(HoldOutKeys, TrainKeys):
    """The shared keys."""


def load(params, seed, progress=quiet):
    points = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
    train, test = hold_out(Examples(points, (points.sum(axis=1) > 0).astype(np.int64)), params)
    return build("two-sides", params, seed, train, test, classes=["left", "right"])


DATASET = DatasetFile(Params, Card("built in", Classification), load)
'''
CONFIG = "model: {name: my-net}\ndataset: {name: digits, limit: 100}\ntrain: {epochs: 2, lr: 0.1}\n"


def folder_with(place: Path, model: str = NET, name: str = "my_net") -> Path:
    """A folder of plug-ins with this model."""
    (place / "models").mkdir(parents=True, exist_ok=True)
    (place / "models" / f"{name}.py").write_text(model)
    return place


def package_with(
    place: Path, version: str = "0.3", model: str = NET, name: str = "my-net", package: str = "my-pkg"
) -> Path:
    """A folder for Python's path that holds an installed package with this model."""
    module = package.replace("-", "_")
    (place / module).mkdir(parents=True)
    (place / module / "__init__.py").write_text("")
    (place / module / "the_net.py").write_text(model)
    information = place / f"{module}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (information / "entry_points.txt").write_text(f"[nnlab.models]\n{name} = {module}.the_net\n")
    return place


@pytest.fixture
def nnlab(tmp_path: Path, cli: Cli):
    """The command line beside a config of my-net; a ``path`` is put on Python's."""
    (tmp_path / "c.yaml").write_text(CONFIG)

    def run(*arguments: object, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        if path:
            environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(path)])
        return cli(*arguments, **environment)

    run.work = tmp_path
    return run


@pytest.fixture(autouse=True)
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test takes in counts in that test alone."""
    monkeypatch.setenv(discover.VARIABLE, "")  # not deleted: what ``use`` sets then would outlive the test
    monkeypatch.setattr(discover, "_registry", None)


def trained(nnlab, *arguments: object, path: Path | None = None) -> Path:
    done = nnlab("train", "c.yaml", "-q", *arguments, path=path)
    assert done.returncode == 0, done.stderr
    return nnlab.work / done.stdout.strip()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of my-net, trained once for all tests, and the folder of plug-ins that has it."""
    place = tmp_path_factory.mktemp("once")
    (place / "c.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "nnlab", "train", "c.yaml", "-q", "--plugins", str(folder_with(place / "mine"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=100, check=True)
    return place / done.stdout.strip(), place / "mine"


@pytest.fixture
def run(once: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of that run, to be changed."""
    return Path(shutil.copytree(once[0], tmp_path / "runs" / once[0].name))


@pytest.fixture
def mine(once: tuple[Path, Path]) -> Path:
    """The folder of plug-ins that it was trained with."""
    return once[1]


def refused(done: subprocess.CompletedProcess[str], *parts: str, code: int = 2) -> None:
    """It ended in this code with two lines, and no traceback, that hold these parts."""
    said = done.stderr + done.stdout
    assert done.returncode == code, said
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in said, said


def test_a_model_of_a_folder_is_recorded_and_verified(nnlab, run: Path, mine: Path) -> None:
    said = json.loads((run / "env.json").read_text())["plugins"]["my-net"]
    assert (said["kind"], said["source"], said["version"]) == ("model", "models/my_net.py", None)
    assert (run / "plugins/my_net.py.txt").read_text() == NET
    assert "plugins/my_net.py.txt" in json.loads((run / "manifest.json").read_text())["sha256"]
    for arguments in (["verify", run], ["eval", run], ["reproduce", run], ["predict", run, ",".join(["0.1"] * 64)]):
        done = nnlab("--plugins", mine, *arguments)
        assert done.returncode == 0, done.stderr
    resumed = nnlab("resume", run, "--epochs", 3, "--plugins", mine)
    assert resumed.returncode == 0, resumed.stderr
    assert nnlab("verify", run, NNLAB_PLUGINS=str(mine)).returncode == 0
    removed = nnlab("rm", run, "--yes")
    assert removed.returncode == 0, removed.stderr
    assert not run.exists()


def test_a_run_of_what_nnlab_brings_says_nothing_of_plugins(nnlab, tmp_path: Path) -> None:
    run = trained(nnlab, "model.name=logreg-np", "--plugins", folder_with(tmp_path / "mine"))
    assert "plugins" not in json.loads((run / "env.json").read_text())
    assert not (run / "plugins").exists()


def test_another_file_of_that_name_is_refused(nnlab, run: Path, tmp_path: Path) -> None:
    other = folder_with(tmp_path / "other", NET.replace("dz.sum(axis=0)", "0 * dz.sum(axis=0)"))
    for arguments in (["verify"], ["eval"], ["reproduce"], ["resume"]):
        more = ["--epochs", 3] if arguments == ["resume"] else []
        done = nnlab(*arguments, run, *more, "--plugins", other)
        refused(done, "it was trained with plug-in my-net (models/my_net.py), SHA-256", "and here is my-net")
    refused(nnlab("predict", run, "1", "--plugins", other), "it was trained with plug-in my-net")
    done = nnlab("resume", run, "--epochs", 3, "--allow-inexact", "--plugins", other)
    assert done.returncode == 0, done.stderr
    assert "my-net" in str(json.loads((run / "run.json").read_text())["resumed"][0]["inexact"])
    done = nnlab("verify", run, "--plugins", other)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_needs_no_model_works_without_it_and_the_rest_says_what_is_missing(nnlab, run: Path) -> None:
    for arguments in (["runs"], ["compare", run], ["show", run], ["diff", run, run], ["report", run, "-o", "r.html"]):
        done = nnlab(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    for arguments in (["verify"], ["eval"], ["reproduce"], ["resume"]):
        more = ["--epochs", 3] if arguments == ["resume"] else []
        refused(nnlab(*arguments, run, *more), "needs plug-in my-net (models/my_net.py)", "--plugins DIR")
    assert nnlab("rm", run, "--yes").returncode == 0


@pytest.mark.parametrize("forged", ["", "plugins", "sha256"])
def test_a_forged_record_is_a_forgery_wherever_the_plugin_is(nnlab, run: Path, mine: Path, forged: str) -> None:
    said = json.loads((run / "env.json").read_text())
    if forged == "sha256":
        said["plugins"]["my-net"]["sha256"] = "0" * 64
    else:
        said["plugins"] = {} if forged else {"other": said["plugins"]["my-net"]}
    (run / "env.json").write_text(json.dumps(said))
    refused(nnlab("verify", run, "--plugins", mine), "env.json", code=3)
    refused(nnlab("verify", run), "env.json", code=3)


def test_a_record_that_is_gone_from_the_manifest_too_is_a_forgery(nnlab, run: Path, mine: Path) -> None:
    found = RunDir(run)
    said = found.environment.read()
    del said["plugins"]
    found.environment.write(said)
    found.write_manifest()
    refused(nnlab("verify", run, "--plugins", mine), "it does not say which plug-in my-net", code=3)
    refused(nnlab("eval", run, "--plugins", mine), "it does not say which plug-in my-net")


def test_an_installed_package_is_found_by_its_entry_points(nnlab, tmp_path: Path) -> None:
    site = package_with(tmp_path / "site")
    run = trained(nnlab, path=site)
    said = json.loads((run / "env.json").read_text())["plugins"]["my-net"]
    assert (said["kind"], said["source"], said["version"]) == ("model", "my-pkg", "0.3")
    assert nnlab("verify", run, path=site).returncode == 0
    refused(nnlab("verify", run), "needs plug-in my-net 0.3 (my-pkg)", "install it, or --plugins DIR")
    newer = package_with(tmp_path / "newer", "0.4", NET + "\n# another\n")
    refused(nnlab("eval", run, path=newer), "plug-in my-net 0.3 (my-pkg)", "here is my-net 0.4", "install my-pkg 0.3")
    listed = json.loads(nnlab("models", "--json", path=site).stdout)
    assert {row["name"]: row["source"] for row in listed}["my-net"] == "my-pkg 0.3"
    assert {row["name"]: row["source"] for row in listed}["mlp-np"] == "nnlab"
    rows = json.loads(nnlab("plugins", "--json", path=site).stdout)
    assert {"name": "my-net", "kind": "model", "origin": "my-pkg", "version": "0.3", "ignored": False} in rows
    schema = json.loads(nnlab("schema", path=site).stdout)
    assert "my-net" in json.dumps(schema)


def test_a_package_is_imported_only_when_it_is_named(nnlab, tmp_path: Path) -> None:
    site = package_with(tmp_path / "site", model="raise SystemExit('imported')\n")
    assert nnlab("train", "c.yaml", "model.name=logreg-np", "-q", path=site).returncode == 0
    done = nnlab("train", "c.yaml", path=site)
    refused(done, "my-net of my-pkg 0.3", "the_net.py:1: SystemExit: imported")
    listed = nnlab("models", path=site)
    assert listed.returncode == 0
    assert "warning: my-net of my-pkg 0.3" in listed.stderr


def test_what_lies_in_the_working_directory_is_no_package(nnlab) -> None:
    package_with(nnlab.work)
    elsewhere = nnlab.work / "elsewhere"
    refused(nnlab("train", "c.yaml", path=elsewhere), "there is no model called 'my-net'")
    refused(nnlab("train", "c.yaml", "dataset.name=my-net", path=elsewhere), "there is no dataset called 'my-net'")


def test_names_of_nnlabs_own_cannot_be_taken(nnlab, tmp_path: Path) -> None:
    taken = folder_with(tmp_path / "mine", name="mlp_np")
    done = nnlab("train", "c.yaml", "model.name=mlp-np", "--plugins", taken)
    refused(done, "mlp_np.py: nnlab has a model mlp-np of its own", "rename it")
    site = package_with(tmp_path / "site", name="logreg-np")
    assert "ignored" in nnlab("plugins", path=site).stdout
    run = trained(nnlab, "model.name=logreg-np", path=site)
    assert "plugins" not in json.loads((run / "env.json").read_text())


def test_two_plugins_of_one_name_are_both_named(nnlab, tmp_path: Path) -> None:
    site, folder = package_with(tmp_path / "site"), folder_with(tmp_path / "mine")
    done = nnlab("train", "c.yaml", "--plugins", folder, path=site)
    refused(done, "there are two plug-ins called 'my-net'", "my_net.py", "my-pkg 0.3")
    second = folder_with(tmp_path / "second")
    refused(nnlab("train", "c.yaml", "--plugins", folder, "--plugins", second), "mine/models", "second/models")


def test_a_dataset_of_a_folder(nnlab, tmp_path: Path) -> None:
    plugins = folder_with(tmp_path / "mine")
    (plugins / "datasets").mkdir()
    (plugins / "datasets/two_sides.py").write_text(DATA)
    (nnlab.work / "c.yaml").write_text(CONFIG.replace("{name: digits, limit: 100}", "{name: two-sides}"))
    run = trained(nnlab, "--plugins", plugins)
    said = json.loads((run / "env.json").read_text())["plugins"]
    assert {name: each["kind"] for name, each in said.items()} == {"my-net": "model", "two-sides": "dataset"}
    assert nnlab("verify", run, "--plugins", plugins).returncode == 0
    rows = json.loads(nnlab("datasets", "--json", "--plugins", plugins).stdout)
    assert {row["name"]: row["origin"] for row in rows}["two-sides"].endswith("mine/datasets/two_sides.py")
    (plugins / "datasets/two_sides.py").unlink()
    refused(nnlab("verify", run, "--plugins", plugins), "needs plug-in two-sides (datasets/two_sides.py)")


def test_seeds_are_trained_with_the_same_plugins(nnlab, tmp_path: Path) -> None:
    plugins = folder_with(tmp_path / "mine")
    done = nnlab("train", "c.yaml", "--seeds", "0,1", "--jobs", 1, "-q", "--plugins", plugins)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import numpy\n\ndef build(:\n", "my_net.py:3: SyntaxError: "),
        ("x = 1\n\n\ny = nothing\n", "my_net.py:4: NameError: name 'nothing' is not defined"),
        ("import no_such_package\n", "my_net.py:1: ModuleNotFoundError: "),
        ("raise SystemExit(7)\n", "my_net.py:1: SystemExit: 7"),
        ("x = 1\n", "my_net.py: it declares no MODEL"),
        ("MODEL = 1\n", "my_net.py: its MODEL is of type int, not ModelFile"),
        (NET.replace("(Classification,)", "'classification'"), "tasks: given 'classification', should be a tuple"),
        (NET.replace("ModelFile(Params", "ModelFile(Net"), "params: given <class"),
        (NET.replace(", NUMPY, build", ", 'numpy', build"), "backend: given 'numpy', should be"),
        (NET.replace(", NUMPY, build", ""), "my_net.py:37: TypeError: "),
    ],
)
def test_a_file_that_is_not_right_says_where_in_two_lines(nnlab, tmp_path: Path, text: str, said: str) -> None:
    plugins = folder_with(tmp_path / "mine", text)
    done = nnlab("train", "c.yaml", "--plugins", plugins)
    refused(done, said)
    assert len(done.stderr.splitlines()) == 2
    assert not (nnlab.work / "runs").exists()
    if "SyntaxError" in said or "NameError" in said:
        assert "Traceback" in nnlab("train", "c.yaml", "--plugins", plugins, "--traceback").stderr


@pytest.mark.parametrize(
    "name",
    ["../mine/models/my_net", "mine.models.my_net", "/etc/passwd", "_hidden", "my_net", "os", "", "\0", "my-net.py"],
)
def test_a_name_that_is_not_listed_reaches_no_import_and_no_path(name: str, tmp_path: Path, monkeypatch) -> None:
    folder = folder_with(tmp_path / "mine", "raise AssertionError('imported')\n")
    folder_with(folder, "raise AssertionError('imported')\n", "_hidden")
    registry = Registry([folder])
    monkeypatch.setattr("nnlab.discover.sources.import_module", lambda name: pytest.fail(f"imports {name}"))
    assert not registry.knows("models", name)
    with pytest.raises(ConfigError, match="there is no model called"):
        registry.file("models", name)


def test_a_config_cannot_name_a_folder(nnlab, tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "mine")
    for key in (f"plugins={folder}", f"model.plugins={folder}", f"model.path={folder}"):
        refused(nnlab("train", "c.yaml", "model.name=mlp-np", key), "there is no such key")


@pytest.mark.parametrize("command", [["runs"], ["--version"]])
def test_a_folder_that_is_gone_stops_nothing_that_needs_no_plugin(nnlab, command: list[str]) -> None:
    done = nnlab(*command, NNLAB_PLUGINS=str(nnlab.work / "gone"))
    assert done.returncode == 0, done.stderr
    assert "NNLAB_PLUGINS" not in done.stderr


def test_who_is_to_blame_is_asked_of_what_was_loaded_and_no_package_is_looked_for(monkeypatch) -> None:
    def never(kind: str) -> None:
        raise AssertionError("installed packages were listed")

    monkeypatch.setattr(sys.modules["nnlab.discover.registry"], "installed", never)
    discover.model("logreg-np")
    assert discover.actionable(SystemExit(0)) is None


def test_a_folder_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder_with(tmp_path / "here"))
    for place in ("", "a:b"):
        with pytest.raises(ConfigError, match="`plugins`: given"):
            discover.use([place])
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ConfigError, match="has no folder models or datasets"):
            discover.use([place])
    folder_with(tmp_path, name="my net")
    with pytest.raises(ConfigError, match="cannot be called this"):
        discover.use([tmp_path])


def test_a_notebook_reads_the_file_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nnlab

    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    first = nnlab.train("c.yaml", plugins=folder_with(tmp_path / "mine"), train__epochs=1)
    assert first.verify()
    folder_with(tmp_path / "mine", NET.replace("0.01", "0.02"))
    second = nnlab.train("c.yaml", plugins=tmp_path / "mine", train__epochs=1)
    hashes = {json.loads((run.path / "env.json").read_text())["plugins"]["my-net"]["sha256"] for run in (first, second)}
    assert len(hashes) == 2
    with pytest.raises(NnlabError, match="it was trained with plug-in my-net"):
        first.evaluate()


def test_names_are_completed(tmp_path: Path) -> None:
    discover.use([folder_with(tmp_path / "mine")])
    assert "model.name=my-net" in complete.overrides("model.name=")

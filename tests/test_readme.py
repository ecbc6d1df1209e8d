"""The README is held to what it says: its commands, its tree, its tables and its model of your own."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nnlab.cli.app import app
from tests.conftest import ROOT, Cli
from tests.run_fixtures import good

README = (ROOT / "README.md").read_text()
SHIPPED_MODELS = {
    option["properties"]["name"]["const"]
    for option in json.loads((ROOT / "configs/schema.json").read_text())["$defs"]["model"]["oneOf"]
}
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    """The contents of all code blocks of one language."""
    return [text for found, text in BLOCKS if found == language]


def shell_lines() -> list[str]:
    """Every command line in the README."""
    return [line for block in blocks("sh") for line in block.splitlines() if line]


def test_two_commands_do_all_the_setting_up() -> None:
    assert "pip install -e . && nnlab train configs/ann.yaml" in shell_lines()
    assert "pip install -e '.[test]' && pytest" in shell_lines()


def test_the_pair_for_the_cpu_comes_from_one_index_and_before_the_rest() -> None:
    (line,) = [line for line in shell_lines() if "--index-url" in line]
    pair, rest = line.split(" && ")
    assert pair == "pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu"
    assert rest == "pip install -e ."  # no --upgrade, which would fetch PyTorch again


def test_the_tested_versions_can_be_had() -> None:
    (line,) = [line for line in shell_lines() if " -c " in line]
    assert line.startswith("pip install -e . -c ")
    assert (ROOT / line.split()[-1]).is_file()


def test_every_command_it_shows_is_one_that_there_is() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name for group in app.registered_groups if group.name}
    shown = set()
    for line in shell_lines():
        words = shlex.split(line, comments=True)
        if "nnlab" in words and not words[-1].startswith("--install"):
            shown.add(words[words.index("nnlab") + 1])
    assert shown <= known
    assert shown == known
    assert "`nnlab init`" in README  # without a table


def test_every_config_it_names_is_there_and_every_config_is_named() -> None:
    named = set(re.findall(r"(?<!plugins/)configs/([\w-]+\.yaml)", README))
    assert named == {path.name for path in (ROOT / "configs").glob("*.yaml")}


def test_every_shell_line_with_a_shipped_config_resolves(cli: object) -> None:
    from nnlab import experiment
    from nnlab.experiment.reproduce import configs_in

    for line in shell_lines():
        words = shlex.split(line, comments=True)
        if "configs/" in words:
            assert configs_in(ROOT / "configs")
        elif "configs/" in line and "nnlab" in words:
            arguments = words[words.index("nnlab") + 2 :]
            for config in [word for word in arguments if word.startswith("configs/")]:
                experiment.resolve(ROOT / config, [word for word in arguments if "=" in word])


def test_the_tree_is_the_tree() -> None:
    (tree,) = [text for text in blocks("") if text.startswith("nnlab/\n")]
    shown, missing = set(), []
    folder = ""
    for line in tree.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else ""
        if not (ROOT / folder / name).exists():
            missing.append(folder + name)
        if line.startswith(" "):
            shown.add(name.rstrip("/"))
        elif name == "nnlab/":
            folder = name
    assert not missing
    there = {path.name for path in (ROOT / "nnlab").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert shown == there - {"__init__.py", "__main__.py", "__pycache__", "configs"}


def test_the_config_it_shows_resolves(tmp_path: Path) -> None:
    from nnlab import experiment

    (config,) = [text for text in blocks("yaml") if "ann-torch" in text]
    (tmp_path / "c.yaml").write_text(config)
    assert experiment.resolve(tmp_path / "c.yaml").config.fallback


def test_every_shipped_model_is_in_some_config() -> None:
    used = {yaml.safe_load(path.read_text())["model"]["name"] for path in (ROOT / "configs").glob("*.yaml")}
    assert used >= SHIPPED_MODELS


def model_of_your_own() -> str:
    """The README's file of a model."""
    (code,) = [text for text in blocks("python") if "def build" in text]
    return code


@pytest.mark.usefixtures("no_pictures")
def test_a_model_of_your_own_is_one_file_and_one_yaml(cli: Cli, tmp_path: Path) -> None:
    (config,) = [text for text in blocks("yaml") if "residual-torch" in text]
    assert len(model_of_your_own().splitlines()) < 23
    (tmp_path / "plugins/models").mkdir(parents=True)
    (tmp_path / "plugins/models/residual_torch.py").write_text(model_of_your_own())
    (tmp_path / "residual.yaml").write_text(config)
    (command,) = [line.split("#")[0] for line in shell_lines() if "--plugins plugins residual" in line]
    good(cli(*command.split()[1:], "train.epochs=2"))


@pytest.mark.usefixtures("no_pictures")
def test_a_dataset_of_your_own_is_one_file_and_one_yaml(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "plugins/datasets").mkdir(parents=True)
    (tmp_path / "plugins/datasets/two_moons.py").write_text(TWO_MOONS)
    (tmp_path / "moons.yaml").write_text(
        "model: {name: mlp-np, hidden: [8]}\ndataset: {name: two-moons}\ntrain: {epochs: 3, lr: 0.1}\n"
    )
    good(cli("train", "--plugins", "plugins", "moons.yaml"))


def test_what_is_put_into_the_package_is_found_by_its_own_tests(tmp_path: Path) -> None:
    for name in ("nnlab", "tests", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "nnlab/models/residual_torch.py").write_text(model_of_your_own())
    (tmp_path / "nnlab/datasets/two_moons.py").write_text(TWO_MOONS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-v", "-n0", "-p", "no:cacheprovider", "-k", "residual or moons"]
    command += ["tests/test_models.py", "tests/test_datasets.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [line for line in done.stdout.splitlines() if "PASSED" in line]
    assert sum("residual" in line for line in passed) > 20
    assert sum("moons" in line for line in passed) > 5


TWO_MOONS = '''\
"""Two half circles of points that reach into each other."""

from nnlab.dataset import Card, Classification, Dataset, Progress, quiet
from nnlab.datasets import Examples, HoldOutKeys, TrainKeys, build, hold_out
from nnlab.plugin import DatasetFile

class Params(HoldOutKeys, TrainKeys):
    """The shared keys."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, 2)."""
    from sklearn.datasets import make_moons

    points, moons = make_moons(200, noise=0.1, random_state=0)
    train, test = hold_out(Examples(points.astype("float32"), moons.astype("int64")), params)
    return build("two-moons", params, seed, train, test, classes=["upper", "lower"])


CARD = Card("built in", Classification, train=160, test=40, shape=(2,), outputs=2)
DATASET = DatasetFile(Params, CARD, load)
'''

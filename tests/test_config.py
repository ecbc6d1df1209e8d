"""Configs: what each mistake is answered with, how layers are merged, and that a resolved config is complete."""

import copy
import os
import time
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nnlab import discover, experiment
from nnlab.config import yaml
from nnlab.config.frame import Train
from nnlab.errors import ConfigError, DataUnavailableError, NnlabError
from tests.conftest import ROOT

SHIPPED = sorted((ROOT / "configs").glob("*.yaml"))
GOOD = """\
model:
  name: mlp-np
  hidden: [8, 8]
dataset:
  name: digits
train:
  epochs: 1
"""
AT = "c.yaml:"
CLI = "command line: "


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def resolve(text: str, *overrides: str):
    Path("c.yaml").write_text(text, encoding="utf-8")
    return experiment.resolve(Path("c.yaml"), list(overrides))


def refused(text: str, *overrides: str) -> NnlabError:
    """The error that this config ends in, now or once its data is looked at; it leaves no run directory."""
    with pytest.raises(NnlabError) as found:
        list(experiment.train(resolve(text, *overrides), Path("runs")))
    assert not Path("runs").exists()
    assert found.value.exit_code == 2
    return found.value


def good(old: str = "", new: str = "", end: str = "") -> str:
    """The good config with one thing changed or added."""
    assert old in GOOD
    return GOOD.replace(old, new, 1) + end


BAD_FILES = [
    # The file as a whole
    ("", "1:1", ["the file is empty"]),
    ("# nothing\n", "1:1", ["the file is empty"]),
    ("- a\n- b\n", "1:1", ["a config is a mapping of keys", "model:"]),
    ("just words", "1:1", ["a config is a mapping of keys"]),
    ("{}", "1:1", ["model is missing", "dataset is missing"]),
    ("model: [1\n", "2:1", ["not valid YAML"]),
    ("model:\n\tname: mlp-np\n", "2:1", ["not valid YAML"]),
    ("[" * 100_000, "1:21", ["nested too deeply", "at most 20"]),
    ("a: " + "{a: " * 60_000, "1:80", ["nested too deeply"]),
    (good(end="---\nmodel: {}\n"), "8:1", ["a second document"]),
    (good(end="? [a]\n: b\n"), "8:3", ["a key must be a plain word", "key: value"]),
    (good(end="seed: 1\nseed: 2\n"), "9:1", ["'seed' stands here a second time", "c.yaml:8:1"]),
    (good(end="seed: !!int 3\n"), "8:7", ["the tag", "plain data"]),
    (good(end="seed: &x 3\n"), "8:7", ["the anchor &x", "write the value out"]),
    (good(end="seed: *x\n"), "8:7", ["the alias *x", "write the value out"]),
    (good(end="<<: {seed: 1}\n"), "8:1", ["<<: there is no such key"]),
    # Keys
    (good("model:", "modle:"), "1:1", ["modle: there is no such key", "did you mean model?", "model is missing"]),
    (good(end="lr: 0.1\n"), "8:1", ["lr: there is no such key", "did you mean train.lr?"]),
    (good(end="output: /tmp/x\n"), "8:1", ["output: there is no such key", "keys here: extends, model, dataset"]),
    (good("epochs", "epoch"), "7:3", ["train.epoch: there is no such key", "did you mean epochs?"]),
    (good(end="  learning_rate: 1\n"), "8:3", ["train.learning_rate: there is no such key", "did you mean lr?"]),
    (good("hidden", "hiden"), "3:3", ["model.hiden: there is no such key", "did you mean hidden?"]),
    (good("hidden", "layers"), "3:3", ["model.layers: there is no such key", "did you mean hidden?"]),
    (good("digits", "digits\n  url: http://x"), "6:3", ["dataset.url: there is no such key"]),
    (good("digits", "digits\n  target: y"), "6:3", ["dataset.target: there is no such key", "keys here: name, "]),
    (good("digits", "car-prices\n  limit: 3"), "6:3", ["dataset.limit: there is no such key"]),
    # Sections
    (good("model:\n  name: mlp-np\n  hidden: [8, 8]\n", ""), "1:1", ["model is missing", "add model:"]),
    (good("model:\n  name: mlp-np\n  hidden: [8, 8]\n", "model: {}\n"), "1:8", ["model.name is missing", "mlp-np"]),
    (good("model:\n  name: mlp-np\n  hidden: [8, 8]\n", "model: mlp-np\n"), "1:8", ["given 'mlp-np'", "a mapping"]),
    (good("  name: mlp-np\n", ""), "2:3", ["model.name is missing", "models: ann-torch"]),
    (good("  name: digits\n", ""), "4:9", ["dataset: given null", "a mapping of keys"]),
    (good("  epochs: 1\n", ""), "6:7", ["train: given null", "a mapping of keys"]),
    (good("train:\n  epochs: 1\n", ""), "1:1", ["neither epochs nor steps is given", "epochs: 10"]),
    (good("train:\n  epochs: 1\n", "train: [1]\n"), "6:8", ["train: given [1]", "a mapping of keys"]),
    # Names
    (good("mlp-np", "mlp-npp"), "2:9", ["there is no model called 'mlp-npp'", "did you mean mlp-np?", "models: "]),
    (good("mlp-np", "no"), "2:9", ["there is no model called 'no'", "models: "]),
    (good("mlp-np", "os"), "2:9", ["there is no model called 'os'"]),
    (good("mlp-np", "../mlp-np"), "2:9", ["there is no model called '../mlp-np'"]),
    (good("mlp-np", "[a, b]"), "2:9", ["there is no model called ['a', 'b']"]),
    (good("mlp-np", "_stack"), "2:9", ["there is no model called '_stack'"]),
    (good("digits", "mnits"), "5:9", ["there is no dataset called 'mnits'", "did you mean mnist?", "datasets: "]),
    # Types and values
    (good("epochs: 1", "epochs: 1e1"), "7:11", ["train.epochs: given 10.0", "a whole number"]),
    (good("epochs: 1", "epochs: 1.5"), "7:11", ["train.epochs: given 1.5", "a whole number"]),
    (good("epochs: 1", "epochs: '1'"), "7:11", ["train.epochs: given '1'", "a whole number"]),
    (good("epochs: 1", "epochs: 1_000"), "7:11", ["train.epochs: given '1_000'", "a whole number"]),
    (good("epochs: 1", "epochs: 1:30"), "7:11", ["train.epochs: given '1:30'", "a whole number"]),
    (good("epochs: 1", "epochs: true"), "7:11", ["train.epochs: given true", "a whole number"]),
    (good("epochs: 1", "epochs: 0"), "7:11", ["train.epochs: given 0", "greater than or equal to 1"]),
    (good("epochs: 1", "epochs: " + "9" * 350), "7:11", ["(350 characters)", "less than or equal to"]),
    (good(end="  steps: 5\n"), "8:10", ["epochs (1) and steps (5) are both given", "keep exactly one"]),
    (good(end="  lr: -1\n"), "8:7", ["train.lr: given -1", "greater than 0"]),
    (good(end="  lr: 0\n"), "8:7", ["train.lr: given 0", "greater than 0"]),
    (good(end="  lr: .nan\n"), "8:7", ["train.lr: given nan", "a finite number"]),
    (good(end="  lr: -.inf\n"), "8:7", ["train.lr: given -inf", "a finite number"]),
    (good(end="  lr: 1e999\n"), "8:7", ["train.lr: given inf", "a finite number"]),
    (good(end="  lr: fast\n"), "8:7", ["train.lr: given 'fast'", "a number such as 0.1 or 1e-3"]),
    (good(end="  lr: {a: 1}\n"), "8:7", ["train.lr: given {'a': 1}", "a number"]),
    (good(end="  batch_size: 0\n"), "8:15", ["train.batch_size: given 0", "at least 1, or full"]),
    (good(end="  batch_size: -3\n"), "8:15", ["train.batch_size: given -3", "at least 1, or full"]),
    (good(end="  batch_size: ful\n"), "8:15", ["train.batch_size: given 'ful'", "did you mean full?", "whole number"]),
    (good(end="  optimizer: adma\n"), "8:14", ["train.optimizer: given 'adma'", "did you mean adam?", "sgd, adam"]),
    (good(end="  optimizer: [sgd]\n"), "8:14", ["train.optimizer: given ['sgd']", "one of sgd, adam"]),
    (good(end="  momentum: 1\n"), "8:13", ["train.momentum: given 1", "less than 1"]),
    (good(end="  optimizer: adam\n  momentum: 0.9\n"), "9:13", ["momentum belongs to sgd", "remove momentum"]),
    (good(end="  optimizer: adamw\n  nesterov: true\n"), "9:13", ["nesterov belongs to sgd", "remove nesterov"]),
    (good(end="  betas: [0.9, 0.99]\n"), "8:10", ["betas belongs to adam and adamw", "remove betas"]),
    (good(end="  eps: 1e-8\n"), "8:8", ["eps belongs to adam and adamw", "remove eps"]),
    (good(end="  optimizer: adam\n  betas: [0.9]\n"), "9:10", ["train.betas: given [0.9]", "a list of at least 2"]),
    (good(end="  optimizer: adam\n  betas: [0.9, 1]\n"), "9:10", ["given [0.9, 1]", "below 1"]),
    (good(end="  optimizer: adam\n  betas: [0.9, x]\n"), "9:16", ["train.betas.1: given 'x'", "a number"]),
    (good(end="  nesterov: true\n"), "8:13", ["nesterov needs momentum above 0", "momentum: 0.9"]),
    (good(end="  nesterov: yes\n"), "8:13", ["train.nesterov: given 'yes'", "true or false"]),
    (good(end="  weight_decay: -1\n"), "8:17", ["train.weight_decay: given -1", "greater than or equal to 0"]),
    (good(end="  eval_every: 0\n"), "8:15", ["train.eval_every: given 0", "greater than or equal to 1"]),
    (good(end="seed: -1\n"), "8:7", ["seed: given -1", "greater than or equal to 0"]),
    (good(end=f"seed: {2**63}\n"), "8:7", ["seed: given 9223372036854775808", "less than 9223372036854775808"]),
    (good(end="seed: 1.0\n"), "8:7", ["seed: given 1.0", "a whole number"]),
    (good(end="seed: 2001-12-14\n"), "8:7", ["seed: given '2001-12-14'", "a whole number"]),
    (good(end="device: gpu\n"), "8:9", ["device: given 'gpu'", "auto, cpu, cuda or cuda:N"]),
    (good(end="device: cuda:-1\n"), "8:9", ["device: given 'cuda:-1'", "cuda:N"]),
    (good(end='device: "cpu\\n"\n'), "8:9", ["device: given 'cpu\\n'", "cuda:N"]),
    (good(end="device: 0\n"), "8:9", ["device: given 0", "text"]),
    (good(end="threads: 0\n"), "8:10", ["threads: given 0", "from 1 to 1024, or auto"]),
    (good(end="threads: many\n"), "8:10", ["threads: given 'many'", "a whole number", "auto"]),
    (good(end="precision: fp16\n"), "8:12", ["precision: given 'fp16'", "one of float32, bf16"]),
    (good(end="precision: bf16\n"), "8:12", ["precision: given 'bf16', but mlp-np computes in float32", "*-torch"]),
    (good("[8, 8]", "8"), "3:11", ["model.hidden: given 8", "a list such as [150, 150]"]),
    (good("[8, 8]", "[8, a]"), "3:15", ["model.hidden.1: given 'a'", "a whole number"]),
    (good("[8, 8]", "[8, 0]"), "3:15", ["model.hidden.1: given 0", "greater than or equal to 1"]),
    (good("[8, 8]", "[8, [8]]"), "3:15", ["model.hidden.1: given [8]", "a whole number"]),
    (good("[8, 8]", "[" + "1, " * 101 + "]"), "3:11", ["model.hidden: given", "a list of at most 100"]),
    (good("[8, 8]", "[8, 8]\n  activations: [relu]"), "4:16", ["given ['relu']", "each of the 2 hidden layers"]),
    (good("[8, 8]", "[8, 8]\n  activations: rleu"), "4:16", ["given 'rleu'", "did you mean relu?", "tanh"]),
    (good("[8, 8]", "[8, 8]\n  activations: [relu, tnh]"), "4:23", ["given 'tnh'", "did you mean tanh?"]),
    (good("[8, 8]", "[8, 8]\n  activations: 3"), "4:16", ["given 3", "one of relu, tanh", "a list"]),
    (good("digits", "digits\n  limit: 0"), "6:10", ["dataset.limit: given 0", "greater than or equal to 1"]),
    (good("digits", "digits\n  val_fraction: 1"), "6:17", ["dataset.val_fraction: given 1", "less than 1"]),
    (good("digits", "digits\n  classes: [1]"), "6:12", ["dataset.classes: given [1]", "a list of at least 2"]),
    (good("digits", "digits\n  classes: 0"), "6:12", ["dataset.classes: given 0", "a list"]),
    (good("digits", "csv\n  target: y"), "5:3", ["dataset.path is missing", "add path:"]),
    (good("digits", "csv\n  path: 3\n  target: y"), "6:9", ["dataset.path: given 3", "text"]),
    (good("digits", "csv\n  path: ~nobody-here/x.csv\n  target: y"), "6:9", ["given '~nobody-here/x.csv'"]),
    (good("digits", 'csv\n  path: "a\\0b"\n  target: y'), "6:9", ["dataset.path: given 'a\\x00b'", "give the path"]),
    # Fallbacks
    (
        good("digits", "mnist\n  fallback: dgits"),
        "6:13",
        ["there is no dataset called 'dgits'", "did you mean digits?"],
    ),
    (good("digits", "mnist\n  fallback: 3"), "6:13", ["dataset.fallback: given 3", "such as digits"]),
    (good("digits", "mnist\n  fallback: {}"), "6:13", ["dataset.fallback: given {}", "such as digits"]),
    (good("digits", "mnist\n  fallback: {limit: 5}"), "6:13", ["dataset.fallback.name is missing", "digits"]),
    (good("digits", "mnist\n  fallback: {name: digits, limt: 5}"), "6:28", ["fallback.limt", "did you mean limit?"]),
    (good("digits", "mnist\n  fallback: {name: digits, fallback: mnist}"), "6:28", ["fallback.fallback: there is no"]),
    (good("digits", "mnist\n  fallback: csv"), "6:13", ["dataset.fallback.path is missing", "target is missing"]),
    # Bases
    ("extends: base.yml\n", "1:10", ["base.yml: there is no such file", "c.yaml"]),
    ("extends: /etc/passwd\n", "1:10", ["extends: given '/etc/passwd'", "relative to this one"]),
    ("extends: [a.yaml]\n", "1:10", ["extends: given ['a.yaml']", "name one file"]),
    ("extends: 3\n", "1:10", ["extends: given 3", "name one file"]),
    ("extends: c.yaml\n", "1:10", ["'c.yaml' leads round in a circle"]),
    ("extends: ''\n", "1:10", ["this is not a file"]),
    ('extends: "a\\0b"\n', "1:10", ["there is no such file"]),
    (f"extends: {'a' * 300}.yaml\n", "1:10", ["cannot be read"]),
    # Only the data or the model's file can tell
    (good("mlp-np\n  hidden: [8, 8]", "linreg-torch"), "2:9", ["linreg-torch cannot learn classification", "mlp-np"]),
    (
        good("digits", "car-prices").replace("mlp-np\n  hidden: [8, 8]", "nn2-np"),
        "2:9",
        ["nn2-np cannot learn regress"],
    ),
    (good(end="device: cuda\n"), "8:9", ["device: given 'cuda', but mlp-np runs on the cpu", "*-torch"]),
    (good("mlp-np\n  hidden: [8, 8]", "cnn-torch\n  channels: [2, 2, 2, 2]"), "3:13", ["of 8x8 pictures", "fewer"]),
    (good("digits", "digits\n  classes: [3, 11]"), "6:12", ["dataset.classes: there is no class 11", "classes: 0, 1"]),
    (good("digits", "digits\n  val_fraction: 0.999"), "6:17", ["too few to train on"]),
    (good("digits", "digits\n  limit: 3"), "6:10", ["3 training examples cannot show 10 classes"]),
    (good("digits", "csv\n  path: no.csv\n  target: y"), "6:9", ["there is no file", "no.csv"]),
    (good("digits", "image-folder\n  path: no"), "6:9", ["there is no folder"]),
]


@pytest.mark.parametrize(("text", "place", "fragments"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_file_is_answered_with_its_place_what_was_given_and_what_would_work(text, place, fragments):
    error = refused(text)
    lines = error.message.splitlines()
    assert lines[0].startswith(f"{AT}{place}: ")
    assert all(line.startswith(AT) for line in lines)
    for fragment in fragments:
        assert fragment in str(error)
    assert error.hint or "(" in error.message
    assert len(str(error)) < 1000


BAD_OVERRIDES = [
    (["train.lr"], "train.lr: this is not an override", "dotted.key=value"),
    (["=3"], "=3: this is not an override", "dotted.key=value"),
    (["train..lr=3"], "train..lr=3: this is not an override", "dotted.key=value"),
    (["train.lr =3"], "train.lr =3: this is not an override", "dotted.key=value"),
    (["--lr=3"], "--lr=3: this is not an override", "dotted.key=value"),
    (["train.lr=0.1=0.2"], "train.lr=0.1=0.2: train.lr: given '0.1=0.2'", "a number"),
    (["train.lr=-1"], "train.lr=-1: train.lr: given -1", "greater than 0"),
    (["train.lr=1", "train.lr=2"], "train.lr=2: train.lr is given twice", "keep one"),
    (["train.lr=1", "train={epochs: 5}"], "train={epochs: 5}: keys inside train are given too", "keep one"),
    (["train={epochs: 5}", "train.epochs=6"], "train.epochs=6: train.epochs is given twice", "keep one"),
    (["train=5", "train.epochs=6"], "train.epochs=6: train is given a value too", "keep one"),
    (["train.lr="], "train.lr=: there is no value", "write train.lr=VALUE"),
    (["dataset=mnist"], "dataset=mnist: dataset: given 'mnist'", "such as {name: mnist}"),
    (["train.epochs=2", "train.steps=3"], "train.steps=3: train: epochs (2) and steps (3) are both", "exactly one"),
    (["train=5"], "train=5: train: given 5", "a mapping of keys"),
    (["train=null"], "train=null: train: given null", "a mapping of keys"),
    (["train={lr: 0.1}"], "train={lr: 0.1}: train: neither epochs nor steps", "steps: 1000"),
    (["model=logreg-np"], "model=logreg-np: model: given 'logreg-np'", "a mapping of keys"),
    (["model={}"], "model={}: model.name is missing", "models: "),
    (["seed.x=1"], "seed.x=1: seed: given {'x': 1}", "a whole number"),
    (["sede=1"], "sede=1: sede: there is no such key", "did you mean seed?"),
    (["modle.name=mlp-np"], "modle.name=mlp-np: modle: there is no such key", "did you mean model?"),
    (["lr=1"], "lr=1: lr: there is no such key", "did you mean train.lr?"),
    (["extends=base.yaml"], "extends=base.yaml: extends cannot be overridden", "name another config"),
    (["extends.x=1"], "extends.x=1: extends cannot be overridden", "name another config"),
    (["dataset.path=x.csv"], "dataset.path=x.csv: dataset.path: there is no such key", "keys here"),
    (["dataset.fallback.limit=3"], "dataset.fallback.limit=3: dataset.fallback.name is missing", "digits"),
    (["train.lr=[1"], "train.lr=[1:2:1: did not find", "not valid YAML"),
    (["train.lr=&a 1"], "train.lr=&a 1:1:1: the anchor &a", "write the value out"),
    (["train.lr=!!float 1"], "train.lr=!!float 1:1:1: the tag", "plain data"),
    (["model.name=cnn-troch"], "model.name=cnn-troch: model.name: there is no model", "did you mean cnn-torch?"),
    (["dataset.classes=[0, 11]"], "dataset.classes=[0, 11]: dataset.classes: there is no class 11", "classes: 0"),
    (["device=cuda"], "device=cuda: device: given 'cuda', but mlp-np runs on the cpu", "device: cpu"),
    (["dataset.path=~nobody-here/x"], "dataset.path=~nobody-here/x: dataset.path: given", "path of a file"),
]


@pytest.mark.parametrize(("overrides", "message", "hint"), BAD_OVERRIDES, ids=lambda value: str(value)[:40])
def test_a_bad_override_is_answered_with_the_override_itself(overrides, message, hint):
    error = refused(GOOD, *overrides)
    assert error.message.startswith(CLI + message)
    assert "\n" not in error.message
    assert hint in error.hint


def test_a_long_override_is_not_repeated_whole():
    error = refused(GOOD, "model.hidden=" + "[" * 100_000)
    assert "nested too deeply" in error.message
    assert len(str(error)) < 400


def test_an_override_of_very_many_dots_is_none():
    error = refused(GOOD, "a." * 20_000 + "a=1")
    assert "this is not an override" in error.message
    assert len(str(error)) < 400


MANY = ", ".join(f"key{number}: 1" for number in range(4900))
MANY_X = "[" + "x, " * 9900 + "]"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (GOOD + MANY.replace(", ", "\n") + "\n", ""),
        (good("[8, 8]", f"[8, 8]\n  activations: {MANY_X}"), ""),
        (good("digits", f"digits\n  classes: {MANY_X.replace('x', '1.5')}"), ""),
        (good("digits", f"mnist\n  fallback: {{name: digits, {MANY}}}"), ""),
        (f"extends: base.yaml\nmodel: {{name: mlp-np, {MANY}}}\n", good("[8, 8]", f"[8]\n  x: {{{MANY}}}")),
        (f"extends: base.yaml\nmodel: {{{MANY}}}\n", f"model: {{name: mlp-np, {MANY}}}\n"),
        ("extends: base.yaml\nmodel: {name: nn2-np}\ntrain: 3\n", f"model: {{name: mlp-np, {MANY}}}\n"),
        (good("digits", f"csv\n  target: y\n  path: {'a/' * 120_000}"), ""),
    ],
    ids=range(8),
)
def test_a_config_full_of_mistakes_is_refused_in_a_moment(text, base):
    Path("base.yaml").write_text(base)
    began = time.process_time()
    error = refused(text)
    assert time.process_time() - began < 2  # where each mistake is compared with all others it takes minutes
    assert len(str(error)) < 3000


LONG = "k" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        f"extends: {LONG}\n",
        f"extends: /{LONG}\n",
        f"extends: [{LONG}]\n",
        good(end=f"? {LONG}\n: 1\n"),
        good(end=f"? {LONG}\n: 1\n? {LONG}\n: 2\n"),
        good(end=f"seed: &{LONG} 1\n"),
        good(end=f"seed: *{LONG}\n"),
        good(end=f"seed: !<tag:{LONG}> 1\n"),
        good("[8, 8]", f"[8]\n  ? {LONG}\n  : {{{LONG[:900]}: 1}}"),
        good("digits", f'csv\n  target: y\n  path: "a\\0{LONG}"'),
        good("digits", f"csv\n  target: y\n  path: ~{LONG}"),
        good("digits", f"mnist\n  fallback: {LONG}"),
    ],
    ids=range(12),
)
def test_a_long_word_is_not_repeated_whole(text):
    assert len(str(refused(text))) < 1000


@pytest.mark.parametrize("override", [f"{LONG}=1", f"model.{LONG}=1", f"{LONG}.x=&a 1", LONG, f"{LONG}="])
def test_the_long_key_of_an_override_is_not_repeated_whole(override):
    assert len(str(refused(GOOD, override))) < 1000
    assert len(str(refused(GOOD, override, override))) < 1000


def test_an_override_is_split_at_its_first_equals_sign():
    found = resolve(good("digits", "csv\n  path: a.csv\n  target: x"), "dataset.target=a=b")
    assert found.config.dataset.params.target == "a=b"


def test_several_mistakes_are_all_told_a_line_each():
    error = refused(good(end="  lr: -1\n  momentm: 1\nseed: x\n").replace("[8, 8]", "[8, 0]"))
    lines = error.message.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [f"{AT}8:7:", f"{AT}9:3:", f"{AT}10:7:", f"{AT}3:15:"]
    assert all(line.endswith(")") for line in lines)


def test_of_very_many_mistakes_ten_are_told():
    error = refused(good(end="".join(f"x{number}: 1\n" for number in range(50))))
    assert len(error.message.splitlines()) == 11
    assert error.message.endswith("and 40 more")


def test_a_fallbacks_own_mistake_is_told_where_the_fallback_stands(monkeypatch):
    monkeypatch.setenv("NNLAB_MIRROR", Path("nothing").absolute().as_uri())
    monkeypatch.setenv("NNLAB_DATA", str(Path("data").absolute()))
    text = good("digits", "sign-digits\n  limit: 50\n  fallback: {name: digits, limit: 3}")
    error = refused(text)
    assert error.message.startswith(f"{AT}7:35: dataset.fallback.limit: 3 training examples")


def test_data_that_cannot_be_had_and_no_fallback_leave_nothing_behind(monkeypatch):
    monkeypatch.setenv("NNLAB_MIRROR", Path("nothing").absolute().as_uri())
    monkeypatch.setenv("NNLAB_DATA", str(Path("data").absolute()))
    assert isinstance(refused(good("digits", "sign-digits")), DataUnavailableError)


# The file itself


def test_a_missing_file_is_named_with_the_configs_that_are_there():
    Path("a.yaml").write_text(GOOD)
    with pytest.raises(ConfigError) as found:
        experiment.resolve(Path("b.yaml"))
    assert found.value.message == "b.yaml: there is no such file"
    assert "a.yaml" in found.value.hint


def test_where_there_are_no_configs_the_way_to_some_is_shown():
    with pytest.raises(ConfigError, match="nnlab init"):
        experiment.resolve(Path("b.yaml"))


def make_link_to_itself(path: Path):
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.mkdir, "this is not a file"),
        (make_link_to_itself, "there is no such file"),
        (lambda path: path.write_bytes(b"a: 1\nb: \xff\n"), "x.yaml:2:4: this is not UTF-8 text"),
        (lambda path: path.write_bytes(b"a" * 2_000_000), "too many for a config"),
        (lambda path: path.write_text("a: \x1b[31m", "utf-8"), "x.yaml:1:4: the character '\\x1b' is not allowed"),
    ],
    ids=["folder", "link to itself", "not UTF-8", "too large", "escape sequence"],
)
def test_what_is_no_config_file_is_refused(make, message):
    make(Path("x.yaml"))
    for ask in (lambda: experiment.resolve(Path("x.yaml")), lambda: resolve("extends: x.yaml\n")):
        with pytest.raises(ConfigError) as found:
            ask()
        assert message in found.value.message
        assert found.value.hint


def test_a_pipe_is_refused_without_waiting_for_it():
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo("x.yaml")
    with pytest.raises(ConfigError, match="this is not a file"):
        experiment.resolve(Path("x.yaml"))


def test_a_name_longer_than_the_file_system_allows_is_refused():
    with pytest.raises(ConfigError, match="cannot be read"):
        experiment.resolve(Path("x" * 5000))


# Merging


def data_of(resolved):
    return resolved.config.to_dict()


def test_a_config_lies_over_the_one_it_extends_key_by_key():
    Path("base.yaml").write_text(GOOD + "  lr: 0.5\nseed: 3\n")
    Path("sub").mkdir()
    Path("sub/mid.yaml").write_text("extends: ../base.yaml\ntrain: {momentum: 0.5}\nseed: 4\n")
    found = resolve("extends: sub/mid.yaml\nmodel: {hidden: [5]}\ntrain: {epochs: 7}\n")
    data = data_of(found)
    assert data["model"]["hidden"] == [5]
    assert data["train"] | {"epochs": 7, "lr": 0.5, "momentum": 0.5} == data["train"]
    assert data["seed"] == 4
    assert found.origins["model", "name"].endswith("base.yaml:2:9")
    assert found.origins["model", "hidden"] == "c.yaml:2:17"
    assert found.origins["seed",].endswith("mid.yaml:3:7")
    assert not found.warnings


def test_a_mistake_in_a_base_is_told_where_it_stands():
    Path("base.yaml").write_text(GOOD + "  lr: -1\n")
    assert refused("extends: base.yaml\n").message.startswith("base.yaml:8:7: train.lr: given -1")


def test_a_mistake_may_come_of_two_files():
    Path("base.yaml").write_text(GOOD + "  optimizer: adam\n")
    assert "c.yaml:2:19: train: momentum belongs" in refused("extends: base.yaml\ntrain: {momentum: 0.9}\n").message


def test_a_row_of_too_many_bases_is_refused():
    for number in range(12):
        Path(f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    assert "more than 10 files" in refused("extends: 0.yaml\n").message


@pytest.mark.skipif(not os.access("/proc/kmsg", os.R_OK), reason="needs a file that is never read to its end")
def test_a_base_that_never_ends_is_not_waited_for():
    up = os.path.relpath("/proc/kmsg")
    assert refused(f"extends: {up}\n").exit_code == 2


def test_a_working_directory_that_is_gone_is_said_to_be():
    path = Path("c.yaml").absolute()
    path.write_text(GOOD)
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()
    with pytest.raises(ConfigError, match="working directory is gone"):
        experiment.resolve(path)


def test_a_circle_of_bases_is_refused_however_it_is_spelt():
    Path("a.yaml").write_text("extends: ./c.yaml\n")
    assert "leads round in a circle" in refused("extends: a.yaml\n").message


def test_extending_nothing_is_no_extending():
    assert data_of(resolve(GOOD + "extends: ~\n")) == data_of(resolve(GOOD))


@pytest.mark.parametrize(
    ("override", "kept", "gone"), [("train.steps=5", "steps", "epochs"), ("train={steps: 5}", "steps", "epochs")]
)
def test_steps_in_an_override_take_the_place_of_epochs_in_the_file(override, kept, gone):
    train = data_of(resolve(GOOD, override))["train"]
    assert train[kept] == 5
    assert gone not in train


def test_steps_take_the_place_of_epochs_in_a_base_and_the_other_way_round():
    Path("base.yaml").write_text(GOOD)
    found = resolve("extends: base.yaml\ntrain: {steps: 5}\n")
    assert "epochs" not in data_of(found)["train"]
    assert "steps" not in data_of(resolve("extends: base.yaml\ntrain: {steps: 5}\n", "train.epochs=2"))["train"]


def test_overrides_win_over_the_file_and_are_named_as_where_a_value_comes_from():
    found = resolve(GOOD, "train.lr=1e-3", "model.hidden=[4]", "seed=7", "train.epochs=3")
    data = data_of(found)
    assert (data["train"]["lr"], data["model"]["hidden"], data["seed"], data["train"]["epochs"]) == (0.001, [4], 7, 3)
    assert found.origins["train", "lr"] == "command line: train.lr=1e-3"


def test_a_mapping_as_override_replaces_the_section_whole():
    assert data_of(resolve(GOOD, "model={name: logreg-np}"))["model"] == {"name": "logreg-np", "init": "auto"}


def test_a_list_is_replaced_and_not_merged():
    Path("base.yaml").write_text(GOOD)
    assert data_of(resolve("extends: base.yaml\nmodel: {hidden: []}\n"))["model"]["hidden"] == []


def test_null_takes_a_value_back_to_its_default():
    assert data_of(resolve(good(end="  lr: 0.5\n"), "train.lr=null"))["train"]["lr"] == 0.01


def test_another_model_or_dataset_drops_the_keys_of_the_old_one_with_a_warning():
    text = good("digits", "digits\n  limit: 100\n  fallback: mnist")
    found = resolve(text, "model.name=logreg-np", "dataset.name=sign-digits")
    assert data_of(found)["model"] == {"name": "logreg-np", "init": "auto"}
    assert data_of(found)["dataset"]["limit"] == 100
    assert data_of(found)["dataset"]["fallback"]["name"] == "mnist"
    assert found.warnings == ("model.hidden (c.yaml:3:11) is not a key of logreg-np and is left out",)


def test_a_foreign_key_given_together_with_the_name_is_still_a_mistake():
    error = refused(GOOD, "model.name=logreg-np", "model.hidden=[3]")
    assert error.message.startswith(f"{CLI}model.hidden=[3]: model.hidden: there is no such key")


def test_a_model_that_trains_in_one_call_says_which_keys_it_does_not_use():
    found = resolve(good("mlp-np\n  hidden: [8, 8]", "logreg-sklearn", end="  lr: 0.5\n"))
    assert found.warnings == ("logreg-sklearn trains in one call of its own solver: train.epochs, train.lr left out",)
    assert data_of(found)["train"] | {"steps": 1, "batch_size": "full"} == data_of(found)["train"]


def test_a_model_that_trains_in_one_call_needs_no_train_section():
    found = resolve("model: {name: logreg-sklearn}\ndataset: {name: digits}\n")
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("optimizer", "lr", "decay"), [("sgd", 0.01, 0.0), ("adam", 0.001, 0.0), ("adamw", 0.001, 0.01)]
)
def test_each_optimizer_has_its_own_defaults(optimizer, lr, decay):
    train = data_of(resolve(GOOD, f"train.optimizer={optimizer}"))["train"]
    assert (train["lr"], train["weight_decay"]) == (lr, decay)
    assert ("momentum" in train) == (optimizer == "sgd")
    assert ("betas" in train) == (optimizer != "sgd")


def test_a_path_is_meant_from_the_file_it_stands_in_and_in_an_override_from_here():
    Path("sub").mkdir()
    Path("sub/base.yaml").write_text(good("digits", "csv\n  path: data/x.csv\n  target: y"))
    found = resolve("extends: sub/base.yaml\n")
    assert found.config.dataset.params.path == str(Path("sub/data/x.csv").resolve())
    assert resolve("extends: sub/base.yaml\n", "dataset.path=x.csv").config.dataset.params.path == str(
        Path("x.csv").resolve()
    )
    mid = resolve("extends: sub/base.yaml\ndataset: {path: y.csv}\n")
    assert mid.config.dataset.params.path == str(Path("y.csv").resolve())


def test_a_tilde_is_somebodys_home_only_where_the_path_starts_with_it():
    found = resolve(good("digits", "csv\n  path: ./~nobody-here.csv\n  target: y"))
    assert found.config.dataset.params.path == str(Path("./~nobody-here.csv").resolve())
    found = resolve(good("digits", "csv\n  path: ~/x.csv\n  target: y"))
    assert found.config.dataset.params.path == str((Path.home() / "x.csv").resolve())


def test_the_path_of_a_fallback_is_meant_from_its_file_too():
    Path("sub").mkdir()
    Path("sub/base.yaml").write_text(good("digits", "mnist\n  fallback: {name: arrays, path: x.npz}"))
    found = resolve("extends: sub/base.yaml\n")
    assert found.config.fallback.params.path == str(Path("sub/x.npz").resolve())


# What comes out


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_config_resolves_without_warnings_to_one_that_resolves_to_itself(path):
    found = experiment.resolve(path)
    assert found.warnings == ()
    again = resolve(found.config.to_yaml())
    assert again.config == found.config
    assert again.config.to_yaml() == found.config.to_yaml()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_resolved_config_is_complete(path):
    found = experiment.resolve(path)
    data = data_of(found)
    assert list(data) == ["model", "dataset", "train", "seed", "device", "threads", "precision"]
    assert {"batch_size", "optimizer"} <= set(data["train"])
    assert path.name == "logreg-sklearn.yaml" or {"lr", "weight_decay"} <= set(data["train"])
    assert "extends" not in data
    for section, kind in (("model", "models"), ("dataset", "datasets")):
        fields = discover.file(kind, data[section]["name"]).params.model_fields
        required = {key for key, field in fields.items() if field.default is not None}
        assert required <= set(data[section])


def test_explained_says_of_each_value_where_it_comes_from_and_is_still_the_config():
    found = resolve(GOOD + "seed: 5\n", "train.lr=0.1")
    lines = found.explained().splitlines()
    marked = {line.split("#")[0].strip(): line.partition("# ")[2] for line in lines}
    assert marked["name: mlp-np"] == "c.yaml:2:9"
    assert marked["hidden: [8, 8]"] == "c.yaml:3:11"
    assert marked["lr: 0.1"] == "command line: train.lr=0.1"
    assert marked["batch_size: 32"] == "default"
    assert marked["seed: 5"] == "c.yaml:8:7"
    assert len({line.index("  # ") for line in lines if "  # " in line}) == 1
    assert yaml.read(found.explained(), "x").data == data_of(found)


def test_explained_is_still_the_config_where_a_value_holds_a_line_break():
    text = good("digits", 'csv\n  path: "a\\nb # c: d.csv"\n  target: "x\\n\\ny"')
    found = resolve(text)
    assert yaml.read(found.explained(), "x").data == data_of(found)


MODELS = st.one_of(
    st.builds(
        lambda hidden, activation: {"name": "mlp-np", "hidden": hidden, "activations": activation},
        st.lists(st.integers(1, 300), max_size=4),
        st.sampled_from(["relu", "tanh", "sigmoid", "elu"]),
    ),
    st.builds(lambda hidden: {"name": "nn2-np", "hidden": hidden}, st.integers(1, 100)),
    st.sampled_from([{"name": "logreg-np"}, {"name": "logreg-np", "init": 0.5}, {"name": "logreg-torch"}]),
)
FRACTIONS = st.floats(0, 0.99) | st.just(0)
DATASETS = st.one_of(
    st.fixed_dictionaries(
        {"name": st.just("digits")},
        optional={
            "classes": st.lists(st.integers(0, 9), min_size=2, unique=True),
            "limit": st.integers(1, 1000),
            "val_fraction": FRACTIONS,
            "test_fraction": FRACTIONS,
        },
    ),
    st.fixed_dictionaries({"name": st.just("mnist")}, optional={"fallback": st.sampled_from(["digits", "car-prices"])}),
    st.fixed_dictionaries({"name": st.just("csv"), "path": st.text("ab./ #:\n~", min_size=1), "target": st.text()}),
)
LENGTHS = st.one_of(
    st.builds(lambda n: {"epochs": n}, st.integers(1, 1000)), st.builds(lambda n: {"steps": n}, st.integers(1, 10**6))
)
TRAINS = st.builds(
    lambda length, rest: {**length, **rest},
    LENGTHS,
    st.fixed_dictionaries(
        {},
        optional={
            "batch_size": st.integers(1, 10**6) | st.just("full"),
            "lr": st.floats(1e-9, 1e6) | st.integers(1, 10),
            "optimizer": st.sampled_from(["sgd", "adam", "adamw"]),
            "weight_decay": st.floats(0, 10),
            "eval_every": st.integers(1, 100),
        },
    ),
)
CONFIGS = st.fixed_dictionaries(
    {"model": MODELS, "dataset": DATASETS, "train": TRAINS},
    optional={
        "seed": st.integers(0, 2**63 - 1),
        "device": st.sampled_from(["auto", "cpu", "cuda", "cuda:3"]),
        "threads": st.integers(1, 64) | st.just("auto"),
    },
)
quick = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(CONFIGS)
def test_any_valid_config_resolves_to_one_that_resolves_to_itself(data):
    path = data["dataset"].get("path", "")
    assume(not path.startswith("~"))  # whose home that is depends on the machine
    found = resolve(yaml.dump(data))
    again = resolve(found.config.to_yaml())
    assert again.config == found.config
    assert yaml.read(found.explained(), "x").data == data_of(found)


def places(data, path=()):
    """The path of everything in a mapping."""
    for key, value in data.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    st.just("~root/\0x"),
    st.sampled_from([[], {}, [[]], {"name": {}}, {"name": "digits"}, ["a", 1, None], 10**30, "cuda:1", -1, [-1], "\0"]),
)


@quick
@given(CONFIGS, st.data())
def test_a_valid_config_with_anything_put_in_its_place_is_refused_or_resolves(data, draw):
    mutated = copy.deepcopy(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        path = draw.draw(st.sampled_from(sorted(places(mutated), key=str)))
        inside = mutated
        for step in path[:-1]:
            inside = inside[step]
        what = draw.draw(st.sampled_from(["replace", "delete", "rename", "add"]))
        if what == "replace":
            inside[path[-1]] = copy.deepcopy(draw.draw(ODD))
        elif what == "add":
            inside[draw.draw(st.text("abcnme", max_size=5))] = copy.deepcopy(draw.draw(ODD))
        else:
            value = inside.pop(path[-1])
            if what == "rename":
                inside[path[-1][::-1]] = value
        if not mutated:
            break
    overrides = draw.draw(
        st.lists(
            st.sampled_from(["train.lr=0.1", "model.name=nn2-np", "dataset=", "seed=x", "train.steps=3"]), max_size=2
        )
    )
    try:
        resolve(yaml.dump(mutated), *overrides)
    except ConfigError as error:
        assert error.message.strip(), "an error says something"  # noqa: PT017
        assert all(line.startswith((AT, CLI, "and ")) for line in error.message.split("\n"))  # noqa: PT017


# The JSON Schema


@pytest.fixture(scope="module")
def schema():
    found = experiment.json_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_schema_accepts_every_shipped_config_also_when_resolved(path, schema):
    assert not list(schema.iter_errors(yaml.read(path.read_text(), path.name).data))
    assert not list(schema.iter_errors(data_of(experiment.resolve(path))))


@pytest.mark.parametrize(
    "text",
    [
        good("hidden", "hiden"),
        good("mlp-np", "mlp"),
        good("digits", "mnits"),
        good("epochs: 1", "epochs: many"),
        good(end="  lr: -1\n"),
        good(end="lr: 1\n"),
        good(end="device: gpu\n"),
        good("digits", "car-prices\n  limit: 3"),
        good("dataset:\n  name: digits\n", ""),
    ],
)
def test_the_schema_refuses_a_mistake(text, schema):
    assert list(schema.iter_errors(yaml.read(text, "x").data))


def test_the_schema_lets_a_config_that_extends_another_leave_things_out(schema):
    assert not list(schema.iter_errors({"extends": "base.yaml"}))
    assert not list(schema.iter_errors({"extends": "base.yaml", "train": {"lr": 0.1}}))


def test_the_schema_knows_every_model_and_dataset_and_describes_every_key():
    found = experiment.json_schema()
    for section, kind in (("model", "models"), ("dataset", "datasets")):
        options = found["$defs"][section]["oneOf"]
        assert [option["properties"]["name"]["const"] for option in options] == discover.names(kind)
        for option in options:
            for key, described in option["properties"].items():
                assert key == "name" or described["description"]
    assert all(described.get("description") for described in found["$defs"]["Train"]["properties"].values())
    assert set(found["$defs"]["Train"]["properties"]) == set(Train.model_fields)


def test_a_model_that_trains_in_one_call_takes_its_own_resolved_config_without_a_word(tmp_path):
    first = experiment.resolve(ROOT / "configs/logreg-sklearn.yaml")
    (tmp_path / "again.yaml").write_text(first.config.to_yaml())
    assert experiment.resolve(tmp_path / "again.yaml").warnings == ()
    assert experiment.resolve(tmp_path / "again.yaml", ["train.lr=0.1"]).warnings


@pytest.mark.parametrize(
    ("given", "meant"),
    [("ann", "configs/ann.yaml"), ("configs/an.yaml", "configs/ann.yaml"), ("confgs/cnn.yaml", "configs/cnn.yaml")],
)
def test_a_config_that_is_not_there_is_answered_with_the_one_meant(given, meant, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(ConfigError) as caught:
        experiment.resolve(Path(given))
    assert caught.value.hint == f"did you mean {meant}?"

"""The command line as its users meet it: every command as a process, with its output, messages and exit code."""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from nnlab import discover, experiment, rundir
from nnlab.cli import complete, screen
from nnlab.config import yaml
from nnlab.errors import DataError
from nnlab.finding import subjects
from tests.conftest import DIGITS, ROOT, needs_mirror
from tests.test_comparison import forge

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, pipes and terminals")
COMMANDS = [
    "train",
    "eval",
    "compare",
    "predict",
    "runs",
    "show",
    "rm",
    "models",
    "datasets",
    "config",
    "schema",
    "init",
]
LINE = """\
model:
  name: mlp-np
  hidden: []
dataset:
  name: car-prices
train:
  steps: 200
  batch_size: full
  lr: 0.02
  eval_every: 50
"""


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a config and its finished run, ``runs/…-digits``, made once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "digits.yaml").write_text(DIGITS)
    command = [sys.executable, "-m", "nnlab", "train", "digits.yaml"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    (folder / "stdout").write_text(made.stdout)
    (folder / "stderr").write_text(made.stderr)
    return folder


@pytest.fixture
def here(trained, tmp_path):
    """A copy of it in the folder where ``cli`` runs."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path


def the_run(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


def good(process):
    assert process.returncode == 0, process.stderr
    return process


def bad(process, code: int = 2, *fragments: str):
    """The process failed with this code, said why on stderr without a traceback and nothing on stdout."""
    assert process.returncode == code, process.stderr
    assert process.stdout == ""
    assert "Traceback" not in process.stderr
    for fragment in fragments:
        assert fragment in process.stderr
    return process


# train


def test_train_prints_the_result_and_last_the_path_and_all_else_on_stderr(trained):
    lines = (trained / "stdout").read_text().splitlines()
    run = the_run(trained)
    assert lines[-1] == f"runs/{run.name}"
    assert lines[0].startswith("mlp-np on digits, ")
    assert [line.split()[0] for line in lines[3:5]] == ["train", "test"]
    assert re.search(r"test +359 +\d\.\d+ +\d\d\.\d\d %", "\n".join(lines))
    noise = (trained / "stderr").read_text()
    assert noise.startswith(f"training {run.name}: 540 steps, 1,210 parameters, cpu, 1 thread\n")
    assert "step 540/540" in noise
    assert len(noise.splitlines()) <= 12
    assert "\x1b" not in noise + "".join(lines)


def test_quiet_train_prints_nothing_but_the_path_and_json_one_document(cli, digits):
    quiet = good(cli("train", "-q", digits, "train.epochs=1"))
    assert quiet.stderr == ""
    assert re.fullmatch(r"runs/\d{8}-\d{6}-mlp-np-digits\n", quiet.stdout)
    other = ("train.epochs=1", "train.lr=0.2")
    shown = good(cli("train", digits, *other, "--json", "--name", "second", "--runs-dir", "other/place"))
    found = json.loads(shown.stdout)
    assert found["path"].startswith("other/place/")
    assert found["path"].endswith("-mlp-np-digits-second")
    assert found["status"] == "finished"
    assert found["metrics"]["test"]["accuracy"] > 0
    # Two paths as a shell hands them over
    compared = good(cli("compare", quiet.stdout.strip(), found["path"]))
    assert compared.stdout.count("mlp-np-digits") == 2
    assert compared.stderr == ""


def test_a_finished_run_holds_the_files_of_the_contract_and_no_others(trained):
    run = the_run(trained)
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    (arrays,) = [name for name in files if re.fullmatch(r"checkpoint/000000000540-[0-9a-f]{16}\.safetensors", name)]
    pictures = {"loss.png", "accuracy.png", "confusion-test.png", "samples.png"}
    assert files == pictures | {
        "config.yaml",
        "run.json",
        "metrics.csv",
        "weights.safetensors",
        "predictions.npz",
        "losses.npy",
        "env.json",
        "manifest.json",
        "checkpoint/state.json",
        arrays,
        *(f"frames/{step:012}.safetensors" for step in (0, 45, 90, 135, 180, 270, 405)),
    }
    for name in pictures:
        with Image.open(run / name) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 200


def test_a_run_directory_says_what_the_contract_says(trained):
    run = the_run(trained)
    summary = json.loads((run / "run.json").read_text())
    keys = "schema_version status name model dataset task device seed parameters started finished seconds steps epochs"
    assert set(summary) >= {*keys.split(), "metrics", "best", "error"}
    assert (summary["status"], summary["error"], summary["best"]) == ("finished", None, None)
    assert summary["name"] == run.name
    assert {"name", "sha256", "train", "val", "test", "features", "outputs"} <= set(summary["dataset"])
    assert set(summary["seconds"]) == {"total", "train", "eval"}
    assert (summary["steps"], summary["epochs"], summary["parameters"]) == (540, 12.0, 1210)
    assert summary["metrics"]["val"] is None
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "train_loss", "test_loss", "test_accuracy", "seconds"]
    assert [int(row["step"]) for row in rows] == list(range(45, 541, 45))
    assert float(rows[-1]["test_loss"]) == summary["metrics"]["test"]["loss"]
    with np.load(run / "predictions.npz") as arrays:
        scores, targets = arrays["scores"], arrays["targets"]
    assert scores.shape == (359, 10)
    assert np.mean(scores.argmax(axis=1) == targets) == summary["metrics"]["test"]["accuracy"]
    losses = np.load(run / "losses.npy")
    assert losses.shape == (540,)
    assert np.isclose(losses[-45:].mean(), float(rows[-1]["train_loss"]), rtol=1e-12)
    environment = json.loads((run / "env.json").read_text())
    assert environment["threads"] == 1
    assert str(Path.home()) not in (run / "env.json").read_text()
    config = yaml.read((run / "config.yaml").read_text(), "config.yaml").data
    assert (config["device"], config["threads"], config["train"]["eval_every"]) == ("cpu", 1, 45)


def test_the_manifest_has_the_hash_of_every_other_file(trained):
    run = the_run(trained)
    hashes = json.loads((run / "manifest.json").read_text())["sha256"]
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    del files["manifest.json"]
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == hashes


def test_the_same_config_and_seed_give_the_same_bits_also_from_the_runs_own_config(here, cli):
    first = the_run(here)
    for config in ("digits.yaml", first / "config.yaml"):
        again = here / good(cli("train", "-q", config)).stdout.strip()
        assert again.name != first.name
        for name in ("weights.safetensors", "losses.npy"):
            assert (again / name).read_bytes() == (first / name).read_bytes()
        with np.load(again / "predictions.npz") as ours, np.load(first / "predictions.npz") as theirs:
            assert ours["scores"].tobytes() == theirs["scores"].tobytes()
        ours, theirs = (
            [line.rpartition(",")[0] for line in (run / "metrics.csv").read_text().splitlines()]
            for run in (again, first)
        )
        assert ours == theirs
        assert (again / "config.yaml").read_text() == (first / "config.yaml").read_text()


def test_a_validation_split_chooses_the_best_weights(cli, digits, tmp_path):
    good(cli("train", "-q", digits, "dataset.val_fraction=0.2", "train.lr=1.0"))
    run = the_run(tmp_path)
    best = json.loads((run / "run.json").read_text())["best"]
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert best["metric"] == "val_accuracy"
    assert best["value"] == max(float(row["val_accuracy"]) for row in rows)
    assert load_file(run / "best.safetensors").keys() == load_file(run / "weights.safetensors").keys()


def test_two_runs_of_the_same_second_get_names_of_their_own(cli, digits, tmp_path):
    # As if a run had been made at every second from now on for two minutes.
    now = time.time()
    for second in range(120):
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now + second))
        (tmp_path / "runs" / f"{stamp}-mlp-np-digits").mkdir(parents=True)
    made = good(cli("train", "-q", digits, "train.steps=1"))
    assert made.stdout.strip().endswith("-mlp-np-digits-2")


def test_device_is_an_override_like_any_other(cli, digits):
    bad(cli("train", digits, "--device", "cuda"), 2, "device=cuda", "mlp-np runs on the cpu", "hint: ")
    bad(cli("train", digits, "--device", "warp"), 2, "device: given 'warp'")
    bad(cli("train", digits, "--device", "cpu", "device=cpu"), 2, "given twice")


def test_a_cuda_device_that_is_not_there_is_refused_before_anything_is_made(cli, digits, tmp_path):
    refused = cli("train", digits, "model={name: logreg-torch}", "device=cuda:99")
    bad(refused, 2, "command line: device=cuda:99: device: given 'cuda:99'", "hint: ")
    assert not (tmp_path / "runs").exists()


def test_a_broken_torch_is_a_missing_dependency(cli, digits, tmp_path):
    (tmp_path / "fake" / "torch").mkdir(parents=True)
    (tmp_path / "fake" / "torch" / "__init__.py").write_text("raise ImportError('no torch for this machine')")
    path = os.pathsep.join([str(tmp_path / "fake"), str(ROOT)])
    failed = cli("train", digits, "model={name: logreg-torch}", PYTHONPATH=path)
    bad(failed, 4, "error: ", "no torch for this machine", "hint: ")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["nothing.yaml"], ["error: nothing.yaml: there is no such file", "digits.yaml"]),
        (["digits.yaml", "train.lr=-1"], ["error: command line: train.lr=-1: train.lr: given -1", "hint: "]),
        (["digits.yaml", "trian.lr=1"], ["there is no such key", "did you mean train?"]),
        (["digits.yaml", "model.name=linreg-torch"], ["cannot learn classification", "mlp-np"]),
        (["digits.yaml", "--name", "../x"], ["--name: given '../x'"]),
        (["digits.yaml", "--nmae", "x"], ["No such option", "--nmae"]),
        (["digits.yaml", "--runs-dir", "digits.yaml"], ["digits.yaml: no run directory can be made here"]),
        ([], ["Missing argument", "CONFIG"]),
        (["bad.yaml"], ["error: bad.yaml:1:5: ", "not valid YAML"]),
        (["several.yaml"], ["error: several.yaml:1:1: ", "error: several.yaml:2:1: "]),
    ],
)
def test_what_the_user_can_fix_ends_in_exit_code_2_and_no_run(cli, digits, tmp_path, arguments, fragments):
    (tmp_path / "bad.yaml").write_text("a: b: c")
    (tmp_path / "several.yaml").write_text("sede: 1\nmodle: 1\n")
    bad(cli("train", *arguments), 2, *fragments)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("text", ["[" * 100_000, "a: &x [1]\nb: *x", "a: 1\na: 2", "model: {name: ann-torch, lr: 1}"])
def test_a_config_that_is_refused_loads_neither_torch_nor_sklearn(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    assert loaded(tmp_path, "train", "c.yaml", code=2) == []


def test_a_diverging_loss_fails_the_run_keeps_what_was_written_and_says_what_to_try(cli, tmp_path):
    (tmp_path / "line.yaml").write_text(LINE)
    failed = cli("train", "line.yaml", "train.lr=500000", "train.eval_every=1")
    bad(failed, 1, "the loss became", "at step", "hint: try a smaller learning rate (train.lr=50000)")
    run = the_run(tmp_path)
    summary = json.loads((run / "run.json").read_text())
    assert summary["status"] == "failed"
    assert "the loss became" in summary["error"]
    assert str(run.name) in failed.stderr
    assert (run / "metrics.csv").read_text().startswith("step,")
    assert {"config.yaml", "env.json", "metrics.csv", "losses.npy"} <= {path.name for path in run.iterdir()}
    assert set(subjects(experiment.verify(rundir.RunDir(run)), "wrong", "not checked")) <= {"checkpoint"}
    shown = good(cli("runs"))
    assert "failed" in shown.stdout
    assert "failed" in good(cli("show", "latest")).stdout


@posix
def test_a_full_disk_fails_the_run_with_exit_code_1(digits, tmp_path):
    import resource

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    command = [sys.executable, "-m", "nnlab", "train", str(digits), "train.epochs=1", "model.hidden=[100]"]
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=limited, timeout=100)
    bad(failed, 1, "the run cannot be written: File too large", "hint: ")
    run = the_run(tmp_path)
    assert json.loads((run / "run.json").read_text())["status"] == "failed"
    assert not list(run.glob(".*"))


# Data that cannot be had


@pytest.fixture
def no_data(tmp_path):
    """An empty cache, and a mirror that has nothing."""
    (tmp_path / "mirror").mkdir()
    return {"NNLAB_MIRROR": (tmp_path / "mirror").as_uri(), "NNLAB_DATA": str(tmp_path / "data")}


def test_the_fallback_is_taken_with_a_warning_and_named_everywhere(cli, digits, tmp_path, no_data):
    dataset = "dataset={name: sign-digits, fallback: digits}"
    made = good(cli("train", "-q", digits, dataset, **no_data))
    assert "warning: " in made.stderr
    assert "using the fallback instead: digits" in made.stderr
    assert re.fullmatch(r"runs/\d{8}-\d{6}-mlp-np-digits\n", made.stdout)
    run = the_run(tmp_path)
    assert run.name.endswith("-mlp-np-digits")
    assert json.loads((run / "run.json").read_text())["dataset"]["name"] == "digits"
    config = yaml.read((run / "config.yaml").read_text(), "config.yaml").data
    assert config["dataset"]["name"] == "digits"
    assert "fallback" not in config["dataset"]


def test_without_a_fallback_missing_data_ends_in_exit_code_2_and_leaves_nothing(cli, digits, tmp_path, no_data):
    bad(cli("train", digits, "dataset={name: sign-digits}", **no_data), 2, "error: ", "hint: ")
    bad(cli("datasets", "fetch", "sign-digits", **no_data), 2, "error: ")
    assert not (tmp_path / "runs").exists()
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


# eval


def test_eval_gives_the_numbers_of_run_json_bit_for_bit(here, cli):
    run = the_run(here)
    before = {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    recorded = json.loads((run / "run.json").read_text())["metrics"]
    for split in ("train", "test"):
        found = good(cli("eval", "latest", "--split", split, "--json"))
        assert found.stderr == ""
        report = json.loads(found.stdout)
        assert report["metrics"] == report["recorded"] == recorded[split]
        assert Path(here, report["picture"]).read_bytes().startswith(b"\x89PNG")
        matrix = np.array(report["confusion"])
        assert matrix.sum() == {"train": 1438, "test": 359}[split]
        assert matrix.trace() / matrix.sum() == report["metrics"]["accuracy"]
        assert [row["count"] for row in report["classes"]] == matrix.sum(axis=1).tolist()
        assert {"name", "precision", "recall", "f1", "count"} == set(report["classes"][0])
    assert {name: (run / name).read_bytes() for name in before} == before


def test_eval_prints_scores_of_each_class_and_the_confusion_matrix(here, cli):
    found = good(cli("eval", "digits"))
    assert found.stderr == ""
    assert re.search(r"class +precision +recall +F1 +examples", found.stdout)
    assert re.search(r"true \\ predicted +0 +1 +2", found.stdout)
    assert found.stdout.rstrip().endswith("confusion-test.png")


def test_eval_says_where_its_numbers_are_others_and_refuses_data_and_files_that_changed(here, cli):
    bad(cli("eval", "latest", "--split", "val"), 2, "has no val split", "train, test")
    bad(cli("eval", "latest", "--split", "vla"), 2, "--split")
    run = the_run(here)
    summary = json.loads((run / "run.json").read_text())
    summary["metrics"]["test"]["loss"] += 1e-9
    (run / "run.json").write_text(json.dumps(summary))
    assert "warning: these numbers differ" in good(cli("eval", "latest")).stderr
    summary["dataset"]["sha256"] = "0" * 64
    (run / "run.json").write_text(json.dumps(summary))
    bad(cli("eval", "latest"), 2, "not what this run was trained on")
    (run / "weights.safetensors").write_bytes(b"damaged")
    bad(cli("eval", "latest"), 2, "weights.safetensors", "not a safetensors file")
    (run / "run.json").write_text("{")
    bad(cli("eval", "latest"), 2, "run.json", "not valid JSON")


# predict


@pytest.fixture(scope="session")
def line(tmp_path_factory):
    """A run that fitted a straight line to the car prices."""
    folder = tmp_path_factory.mktemp("line")
    (folder / "line.yaml").write_text(LINE)
    command = [sys.executable, "-m", "nnlab", "train", "-q", "line.yaml"]
    return folder / subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_predict_takes_numbers_and_says_what_the_line_says(line, cli):
    weights = load_file(line / "weights.safetensors")
    slope, offset = weights["0.weight"].item(), weights["0.bias"].item()
    given = ["100", "-5", "1e1", "-.5", "3,4"]
    found = good(cli("predict", line, *given, "--json"))
    assert found.stderr == ""
    report = json.loads(found.stdout)
    assert report["task"] == "regression"
    assert [row["input"] for row in report["predictions"]] == [*given[:4], "3,4:1", "3,4:2"]
    for row, x in zip(report["predictions"], [100, -5, 10, -0.5, 3, 4], strict=True):
        assert np.isclose(row["value"], slope * x + offset, rtol=1e-5)
        assert row["values"] == [row["value"]]
    shown = good(cli("predict", line, "100"))
    assert "cars sold" in shown.stdout
    assert f"{report['predictions'][0]['value']:.6g}" in shown.stdout


def test_predict_keeps_the_order_of_its_inputs(line, cli, tmp_path):
    (tmp_path / "x.csv").write_text("price\n7\n8\n")
    np.save(tmp_path / "y.npy", np.array([[1.0], [2.0]]))
    found = json.loads(good(cli("predict", line, "5", "x.csv", "-6", "9", "y.npy", "--json")).stdout)
    names = [row["input"] for row in found["predictions"]]
    assert names == ["5", "x.csv:1", "x.csv:2", "-6", "9", "y.npy:1", "y.npy:2"]


@pytest.mark.parametrize(
    ("given", "fragments"),
    [
        ("seven", ["seven: this is neither a number nor a file"]),
        ("nan", ["row 1, column 1 is nan"]),
        ("-inf", ["row 1, column 1 is -inf"]),
        ("1e300", ["row 1, column 1 is 1e+300", "float32"]),
        ("x.doc", ["x.doc: files ending in '.doc' are not read", ".npy"]),
        ("folder.csv", ["folder.csv: this is not a plain file"]),
        ("empty.csv", ["empty.csv: there are no rows in it"]),
        ("text.csv", ["text.csv:3: the row is not 1 number", "price"]),
        ("wide.csv", ["wide.csv:1: the row is not 1 number", "price"]),
        ("objects.npy", ["objects.npy: cannot be read"]),
        ("noise.npy", ["noise.npy: cannot be read"]),
        ("shape.npy", ["shape.npy: the shape is (3, 2)", "(n, 1)"]),
        ("words.npy", ["words.npy: the values are <U1, not numbers"]),
        ("picture.png", ["is not made of picture files", "give numbers"]),
    ],
)
def test_predict_refuses_what_the_model_was_not_trained_on(line, tmp_path, monkeypatch, given, fragments):
    monkeypatch.chdir(tmp_path)
    Path("x.doc").write_text("1")
    Path("folder.csv").mkdir()
    Path("empty.csv").write_text("price\n")
    Path("text.csv").write_text("price\n3\nthree\n")
    Path("wide.csv").write_text("3,4\n")
    np.save("objects.npy", np.array([object()]), allow_pickle=True)
    Path("noise.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff" + b"x" * 50)
    np.save("shape.npy", np.zeros((3, 2)))
    np.save("words.npy", np.array([["a"]]))
    Image.new("L", (8, 8)).save("picture.png")
    with pytest.raises(DataError) as refused:
        experiment.predict(rundir.RunDir(line), [given])
    for fragment in fragments:
        assert fragment in str(refused.value)


def test_predict_tells_a_mistake_in_an_option_from_a_number(line, cli):
    bad(cli("predict", line, "--typo"), 2, "error: --typo: this is neither a number nor a file", "hint: give numbers")
    bad(cli("predict", line), 2, "Missing argument")


def digit(number: int):
    """One of scikit-learn's digits: its 8x8 shades from 0 to 16, and what it shows."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images[number], int(found.target[number])


def test_predict_takes_pictures_arrays_and_tables_of_pixels_alike(here, cli):
    shades, shown = digit(0)
    pixels = np.round(shades / 16 * 255).astype(np.uint8)
    Image.fromarray(pixels).save(here / "digit.png")
    Image.fromarray(pixels).convert("RGB").resize((80, 80), Image.Resampling.NEAREST).save(here / "large.PNG")
    np.save(here / "digit.npy", (shades / 16).astype(np.float32))
    (here / "digit.csv").write_text(",".join(str(shade / 16) for shade in shades.ravel()) + "\n")
    found = good(cli("predict", "latest", "digit.png", "large.PNG", "digit.npy", "digit.csv", "--json"))
    report = json.loads(found.stdout)
    assert report["classes"] == [str(number) for number in range(10)]
    rows = report["predictions"]
    assert [row["input"] for row in rows] == ["digit.png", "large.PNG", "digit.npy", "digit.csv"]
    assert {row["label"] for row in rows} == {str(shown)}
    for row in (rows[2], rows[3]):
        assert np.allclose(row["probabilities"], rows[0]["probabilities"], rtol=0, atol=1e-7)
    assert abs(sum(rows[0]["probabilities"]) - 1) < 1e-6
    assert rows[0]["probability"] == max(rows[0]["probabilities"])
    table = good(cli("predict", "latest", "digit.png"))
    assert re.search(rf"digit\.png +{shown} +\d+\.\d\d %", table.stdout)
    (here / "noise.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 90)
    (here / "cut.png").write_bytes((here / "digit.png").read_bytes()[:60])
    for name in ("noise.png", "cut.png"):
        bad(cli("predict", "latest", name), 2, name)
    bad(cli("predict", "latest", "1,2,3"), 2, "3 numbers given, and one input has 64")


# runs, show, rm


@pytest.fixture
def forged(tmp_path):
    """Three runs that were never trained."""
    forge(tmp_path / "runs", "20260101-000000-mlp-np-digits", test=0.5)
    forge(tmp_path / "runs", "20260102-000000-mlp-np-digits", test=0.75, lr=0.5)
    forge(tmp_path / "runs", "20260103-000000-ann-torch-mnist", data="mnist", sha256="b" * 64, model="ann-torch")
    return tmp_path / "runs"


def test_runs_lists_them_oldest_first_and_what_is_damaged_as_a_warning(cli, forged, tmp_path):
    (forged / "20260102-000000-mlp-np-digits" / "run.json").write_text("{")
    found = good(cli("runs"))
    rows = [line.split()[0] for line in found.stdout.splitlines() if line.startswith("2026")]
    assert rows == ["20260101-000000-mlp-np-digits", "20260103-000000-ann-torch-mnist"]
    assert "test accuracy 50.00 %" in found.stdout
    assert found.stderr.startswith("warning: runs/20260102-000000-mlp-np-digits/run.json: ")
    listed = json.loads(good(cli("runs", "--json")).stdout)
    assert [Path(run["path"]).name for run in listed] == rows
    nothing = good(cli("runs", "--runs-dir", tmp_path / "none"))
    assert nothing.stdout == ""
    assert "nnlab train" in nothing.stderr
    assert json.loads(good(cli("runs", "--runs-dir", tmp_path / "none", "--json")).stdout) == []


def test_show_finds_a_run_by_latest_path_and_unique_part(cli, forged, tmp_path):
    for wanted, name in (
        ("latest", "20260103-000000-ann-torch-mnist"),
        ("0102", "20260102-000000-mlp-np-digits"),
        ("ann-torch", "20260103-000000-ann-torch-mnist"),
        (forged / "20260101-000000-mlp-np-digits", "20260101-000000-mlp-np-digits"),
    ):
        shown = json.loads(good(cli("show", wanted, "--json")).stdout)
        assert shown["name"] == name
        assert shown["files"].keys() == {"config.yaml", "manifest.json", "metrics.csv", "run.json"}
    text = good(cli("show", "latest")).stdout
    assert "name: ann-torch" in text
    assert text.splitlines()[-1] == "runs/20260103-000000-ann-torch-mnist"
    bad(cli("show", "mlp-np"), 2, "2 runs in runs have this in their name", "20260101", "20260102")
    bad(cli("show", "cnn"), 2, "there is no such run", "latest")
    bad(cli("show", "latest", "--runs-dir", tmp_path / "none"), 2, "there are no runs", "nnlab train")


def test_show_of_a_real_run_has_its_result_config_and_files(here, cli):
    text = good(cli("show", "latest")).stdout
    run = the_run(here)
    assert (run / "config.yaml").read_text() in text
    for path in [path for path in run.rglob("*") if path.is_file()]:
        assert re.search(
            rf"^{re.escape(path.relative_to(run).as_posix())} +{path.stat().st_size:,}$", text, re.MULTILINE
        )


def test_rm_deletes_the_runs_that_are_named_and_no_others(cli, forged):
    gone = good(cli("rm", "0101", "latest", forged / "20260101-000000-mlp-np-digits"))
    assert gone.stdout == ""
    assert gone.stderr.count("deleted") == 2
    assert [path.name for path in forged.iterdir()] == ["20260102-000000-mlp-np-digits"]


def test_rm_refuses_all_where_one_cannot_be_deleted(cli, forged, tmp_path):
    (tmp_path / "folder").mkdir()
    forge(forged, "20260104-000000-x", status="running", test=None)
    forge(forged, "20260105-000000-y")
    (forged / "20260105-000000-y" / "run.json").write_text('{"scores": [1, 2]}')
    (forged / "link").symlink_to("20260101-000000-mlp-np-digits")
    before = sorted(forged.iterdir())
    bad(cli("rm"), 2, "no run is named")
    bad(cli("rm", "0101", "nothing"), 2, "there is no such run")
    bad(cli("rm", "0101", tmp_path / "folder"), 2, "there is no such run")
    bad(cli("rm", "mlp-np"), 2, "2 runs in runs")
    with rundir.RunDir(forged / "20260104-000000-x").locked():  # as a training does
        bad(cli("rm", "0101", "0104"), 2, "this run is still going", "--force")
    bad(cli("rm", "0105"), 2, "not a run's, or damaged", "--force")
    bad(cli("rm", forged / "link"), 2, "this is not a run directory")
    assert sorted(forged.iterdir()) == before
    good(cli("rm", "--force", "0104", "0105"))
    assert len(list(forged.iterdir())) == 4


# compare


def test_compare_ranks_the_best_first_and_other_data_apart(cli, forged, tmp_path):
    found = good(cli("compare"))
    assert found.stderr == ""
    titles = [line for line in found.stdout.splitlines() if "; data " in line]
    assert [title.partition(":")[0] for title in titles] == ["digits", "mnist"]
    rows = [line.split()[0] for line in found.stdout.splitlines() if line.startswith("2026")]
    assert [row[:8] for row in rows] == ["20260102", "20260101", "20260103"]
    assert "train.lr" in found.stdout
    assert "seed" not in found.stdout
    turned = good(cli("compare", "0101", "0102", "--sort", "-test_accuracy"))
    assert [line[:8] for line in turned.stdout.splitlines() if line.startswith("2026")] == ["20260101", "20260102"]
    data = json.loads(good(cli("compare", "--json")).stdout)
    assert [len(group["runs"]) for group in data["groups"]] == [2, 1]
    bad(cli("compare", "--sort", "speed"), 2, "there is no column 'speed'", "test_accuracy")
    bad(cli("compare", "--runs-dir", tmp_path / "none"), 2, "there are no runs", "nnlab train")


def test_compare_draws_curves_and_a_page(cli, forged, tmp_path):
    found = good(cli("compare", "--plot", "all.png", "--html", "all.html", "--json"))
    json.loads(found.stdout)
    assert found.stderr == "curves: all.png\ncurves: all-2.png\npage: all.html\n"
    for name in ("all.png", "all-2.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
    page = (tmp_path / "all.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<h2>") == 2
    bad(cli("compare", "--plot", "all.jpg"), 2, "pictures are PNG files")
    bad(cli("compare", "--html", "none/all.html"), 2, "none/all.html: cannot be written")
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "all.png", "all-2.png", "all.html"}


def test_nothing_in_a_run_directory_steers_the_terminal_or_is_read_as_markup(cli, tmp_path):
    evil = "[/x]\x1b[31m\x9b31m\u202e\x07[bold]:smile:\\"
    run = forge(tmp_path / "runs", "[x] [red] [bold]", data=evil, model=evil)
    (run.path / "config.yaml").write_text('model: {name: "[/x]\\e[31m"}\n"[/y]\\e": "\\e[31m"\n')
    for arguments in (["runs"], ["show", "latest"], ["compare"], ["show", "[x]"], ["eval", "latest"], ["show", evil]):
        shown = cli(*arguments)
        assert shown.returncode in (0, 2), shown.stderr
        assert "Traceback" not in shown.stderr
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown.stdout + shown.stderr)
        assert "[/x]" in shown.stdout + shown.stderr or "[x]" in shown.stdout + shown.stderr
    for arguments in (["runs", "--json"], ["show", "latest", "--json"], ["compare", "--json"]):
        shown = good(cli(*arguments)).stdout
        assert shown.isascii()
        assert json.dumps(evil) in shown


# models, datasets, config, schema, init


def test_models_lists_every_model_with_its_keys(cli):
    rows = json.loads(good(cli("models", "--json")).stdout)
    assert [row["name"] for row in rows] == discover.names("models")
    assert {"hidden", "activations"} <= set(rows[discover.names("models").index("mlp-np")]["keys"])
    text = good(cli("models")).stdout
    assert all(re.search(rf"^{re.escape(name)} ", text, re.MULTILINE) for name in discover.names("models"))


def test_datasets_lists_every_dataset_with_size_shape_and_whether_it_is_cached(cli, no_data):
    rows = {row["name"]: row for row in json.loads(good(cli("datasets", "--json", **no_data)).stdout)}
    assert list(rows) == discover.names("datasets")
    assert (rows["mnist"]["cached"], rows["mnist"]["train"], rows["mnist"]["shape"]) == (False, 60_000, [28, 28])
    assert rows["digits"]["cached"] is None
    text = good(cli("datasets", **no_data)).stdout
    assert re.search(r"^mnist .*60,000 +10,000 +28x28 +10 +download, 11 MiB", text, re.MULTILINE)
    assert re.search(r"^digits .*1,438 +359 +8x8 +10 +built in", text, re.MULTILINE)
    assert re.search(r"^csv .*your files", text, re.MULTILINE)


def test_fetch_refuses_what_needs_no_download_or_is_not_there(cli):
    bad(cli("datasets", "fetch", "digits"), 2, "digits needs no download: it is built in")
    bad(cli("datasets", "fetch", "mnits"), 2, "there is no dataset called 'mnits'", "mnist")
    bad(cli("datasets", "fecth", "mnist"), 2, "fecth")


@needs_mirror
def test_fetch_fetches_once(cli):
    good(cli("datasets", "fetch", "mnist"))
    again = good(cli("datasets", "fetch", "mnist"))
    assert again.stderr == "mnist is cached already\n"
    rows = {row["name"]: row for row in json.loads(good(cli("datasets", "--json")).stdout)}
    assert rows["mnist"]["cached"] is True


def test_show_draws_a_sheet_of_samples(cli, tmp_path):
    assert good(cli("datasets", "show", "digits", "classes=[3, 7]")).stdout == "digits-samples.png\n"
    assert good(cli("datasets", "show", "car-prices", "--plot", "cars.png")).stdout == "cars.png\n"
    for name in ("digits-samples.png", "cars.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
    bad(cli("datasets", "show", "digits", "clases=[3]"), 2, "command line", "did you mean classes?")
    bad(cli("datasets", "show", "csv"), 2, "dataset.path is missing")
    bad(cli("datasets", "show", "car-prices", "--plot", "x.gif"), 2, "PNG")


def test_config_prints_the_resolved_config_and_where_each_value_comes_from(cli, digits, tmp_path):
    found = good(cli("config", digits, "train.lr=0.5", "model.name=nn2-np", "model.hidden=5"))
    lines = found.stdout.splitlines()
    assert re.search(r"^  lr: 0\.5 +# command line: train\.lr=0\.5$", found.stdout, re.MULTILINE)
    assert re.search(r"^  epochs: 12 +# digits\.yaml:7:11$", found.stdout, re.MULTILINE)
    assert re.search(r"^  batch_size: 32 +# default$", found.stdout, re.MULTILINE)
    assert lines[0] == "model:"
    assert found.stderr == ""
    (tmp_path / "again.yaml").write_text(found.stdout)
    data = json.loads(good(cli("config", "again.yaml", "--json")).stdout)
    assert data["config"] == yaml.read(found.stdout, "x").data
    assert data["origins"]["train.lr"] == "again.yaml:14:7"
    warned = good(cli("config", digits, "model.name=logreg-np"))
    assert warned.stderr == "warning: model.hidden (digits.yaml:3:11) is not a key of logreg-np and is left out\n"
    assert not (tmp_path / "runs").exists()


def test_schema_is_one_json_document(cli):
    schema = json.loads(good(cli("schema")).stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"] == "nnlab config"


def test_init_lays_out_the_shipped_configs_and_never_overwrites(cli, tmp_path):
    names = sorted(path.name for path in (ROOT / "configs").iterdir())
    found = good(cli("init", "new/place"))
    assert found.stdout.splitlines() == [f"new/place/configs/{name}" for name in names]
    assert "nnlab train new/place/configs/ann.yaml" in found.stderr
    for name in names:
        assert (tmp_path / "new/place/configs" / name).read_bytes() == (ROOT / "configs" / name).read_bytes()
    (tmp_path / "new/place/configs" / names[0]).write_text("mine")
    bad(cli("init", "new/place"), 2, "files of these names already", names[0])
    assert (tmp_path / "new/place/configs" / names[0]).read_text() == "mine"
    (tmp_path / "file").write_text("")
    bad(cli("init", "file"), 2, "file")


# The program as a whole


def test_every_command_has_help_that_says_what_it_does(cli):
    text = good(cli("--help")).stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z]", text, re.MULTILINE)
    assert good(cli("-h")).stdout == text
    assert re.search(r"CONFIG .*A YAML config", good(cli("train", "-h")).stdout)


def test_what_is_no_command_or_option_ends_in_exit_code_2(cli):
    bad(cli("trian"), 2, "No such command", "trian")
    bad(cli("--verbose"), 2, "No such option")
    bad(cli("runs", "--jsn"), 2, "No such option")
    bad(cli("show"), 2, "Missing argument")
    assert cli().returncode == 2


def test_the_version_is_the_packages_own_also_by_the_installed_command(cli):
    import nnlab

    assert good(cli("--version")).stdout == f"nnlab {nnlab.__version__}\n"
    script = shutil.which("nnlab", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the package is not installed beside this Python")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"nnlab {nnlab.__version__}\n"


HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "scipy")


def loaded(folder: Path, *arguments: str, code: int = 0) -> list[str]:
    """Which of the heavy packages a command has imported by its end."""
    program = (
        "import sys; sys.argv = ['nnlab', *sys.argv[1:]]\n"
        "from nnlab.cli import main\n"
        "try: main()\n"
        f"finally: print(*[name for name in {HEAVY} if name in sys.modules], sep=',', file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == code, done.stderr
    return [name for name in done.stderr.splitlines()[-1].split(",") if name]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["runs"],
        ["show", "latest"],
        ["compare"],
        ["models"],
        ["datasets"],
        ["schema"],
        ["config", str(ROOT / "configs" / "ann.yaml")],
        ["config", str(ROOT / "configs" / "cnn.yaml"), "device=cuda"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_that_train_nothing_load_nothing_heavy(trained, arguments):
    assert loaded(trained, *arguments) == []


def test_numpy_models_train_evaluate_and_predict_without_torch(here):
    for arguments in (
        ["train", "digits.yaml", "train.steps=1"],
        ["eval", "latest"],
        ["predict", "latest", ",".join("1" * 64)],
    ):
        assert not {"torch", "torchvision"} & set(loaded(here, *arguments))


@posix
@pytest.mark.parametrize("arguments", [["models"], ["schema"], ["runs"], ["show", "latest"], ["config", "digits.yaml"]])
def test_a_reader_that_has_had_enough_ends_in_no_traceback(trained, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "nnlab", *arguments]
    done = subprocess.run(command, cwd=trained, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=100)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_in_no_traceback(trained, closed):
    command = f'"$0" -m nnlab runs {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=trained, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


def test_a_stream_that_knows_only_ascii_gets_the_rest_as_escapes(trained, cli):
    path = the_run(trained)
    done = good(cli("show", path, PYTHONIOENCODING="ascii"))
    assert done.stdout.isascii()
    assert "mlp-np" in done.stdout


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1"}, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}, {"TERM": ""}]
)
def test_nothing_is_drawn_or_coloured_off_a_terminal(trained, cli, variables):
    path = the_run(trained)
    for arguments in (["show", path], ["compare", path]):
        done = good(cli(*arguments, **variables))
        assert "\x1b" not in done.stdout + done.stderr
        assert "\r" not in done.stdout + done.stderr


COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> tuple[int, bytes, bytes]:
    """Exit code, stdout, and what a command draws on a terminal as its stderr."""
    import pty

    theirs, ours = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **environment}
    command = [sys.executable, "-m", "nnlab", *arguments]
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=ours) as process:
        os.close(ours)
        drawn = b""
        while True:
            try:
                part = os.read(theirs, 65536)
            except OSError:  # Linux's way to say that nobody has the other end open any more
                break
            if not part:
                break
            drawn += part
        output = process.stdout.read()
        code = process.wait(timeout=60)
    os.close(theirs)
    return code, output, drawn


@posix
def test_on_a_terminal_a_bar_is_drawn_on_stderr_and_only_there(digits, tmp_path):
    code, output, drawn = on_a_terminal(tmp_path, "train", "digits.yaml", "train.epochs=60")
    assert code == 0
    assert output.splitlines()[-1].startswith(b"runs/")
    assert b"\x1b" not in output
    assert COLOUR.search(drawn)
    assert b"/2700" in drawn
    assert re.search(rb"loss \d\.\d{4}", drawn)
    assert drawn.startswith(b"training ")
    assert drawn.count(b"\x1b[?25l") == drawn.count(b"\x1b[?25h")  # the cursor is back


@posix
def test_on_a_terminal_no_color_is_kept_to_and_quiet_draws_nothing(digits, tmp_path):
    code, _, drawn = on_a_terminal(tmp_path, "train", "digits.yaml", "train.epochs=20", NO_COLOR="1")
    assert code == 0
    assert b"/900" in drawn
    assert not COLOUR.search(drawn)
    code, output, drawn = on_a_terminal(tmp_path, "train", "-q", "digits.yaml", "train.epochs=1")
    assert (code, drawn) == (0, b"")
    assert output.startswith(b"runs/")


# Signals


def start_long(folder: Path, program: tuple[str, str] = ("-m", "nnlab"), **options) -> tuple[subprocess.Popen, Path]:
    """A training that would take minutes, once it has written its first evaluation."""
    (folder / "long.yaml").write_text(LINE)
    command = [sys.executable, *program, "train", "long.yaml", "train.steps=10000000", "train.eval_every=100"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    for _ in range(1200):
        found = list((folder / "runs").glob("*/metrics.csv")) if (folder / "runs").is_dir() else []
        if found and found[0].read_text().count("\n") > 2:
            return process, found[0].parent
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the training did not begin")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_an_interrupted_run_that_can_be_used(cli, tmp_path, name):
    number = getattr(signal, name)

    def heed() -> None:
        signal.signal(number, signal.SIG_DFL)  # a suite started in the background may have inherited it ignored

    process, run = start_long(tmp_path, preexec_fn=heed)
    process.send_signal(number)
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert output == ""
    assert "Traceback" not in messages
    assert "interrupted" in messages
    summary = json.loads((run / "run.json").read_text())
    assert summary["status"] == "interrupted"
    assert summary["steps"] > 0
    assert all(np.isfinite(weight).all() for weight in load_file(run / "weights.safetensors").values())
    assert len(np.load(run / "losses.npy")) == summary["steps"]
    assert rundir.RunDir(run).metrics()["step"]
    assert not list(run.glob(".*"))
    if name == "SIGINT":
        assert json.loads(good(cli("eval", "latest", "--json")).stdout)["metrics"]["loss"] >= 0


@posix
def test_further_signals_do_not_spoil_what_the_first_one_left(tmp_path):
    process, run = start_long(tmp_path)
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert not list(run.glob(".*"))


SLOW_DISK = """\
import os, time
flush = os.fsync
os.fsync = lambda file: (time.sleep(0.1), flush(file))
from nnlab.cli import main
main()
"""


@posix
def test_signals_that_go_on_while_the_files_are_brought_up_to_date_spoil_nothing(tmp_path):
    process, run = start_long(tmp_path, ("-c", SLOW_DISK))
    for _ in range(3000):
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in said
    assert "interrupted; go on with it" in said
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert (run / "manifest.json").exists()
    assert not list(run.glob(".*"))


@posix
def test_a_signal_that_was_ignored_from_the_start_stays_ignored_as_under_nohup(tmp_path):
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process, run = start_long(tmp_path, preexec_fn=nohup)
    process.send_signal(signal.SIGHUP)
    written = (run / "metrics.csv").read_text().count("\n")
    for _ in range(600):
        if (run / "metrics.csv").read_text().count("\n") > written + 1 or process.poll() is not None:
            break
        time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


# Completion


def completed(folder: Path, words: str) -> list[str]:
    """What bash would offer for the last of these words, as the script that typer installs asks for it."""
    environment = {
        **os.environ,
        "_NNLAB_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    command = [sys.executable, "-m", "nnlab"]
    if script := shutil.which("nnlab", path=str(Path(sys.executable).parent)):
        command = [script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_completes_configs_keys_names_and_runs(trained):
    if shutil.which("nnlab", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("completion is asked of the installed command, and it is not installed beside this Python")
    assert completed(trained, "nnlab train dig") == ["digits.yaml"]
    assert completed(trained, "nnlab train digits.yaml model.name=cnn") == ["model.name=cnn-torch"]
    assert completed(trained, "nnlab config digits.yaml train.epo") == ["train.epochs="]
    assert completed(trained, "nnlab datasets fetch fash") == ["fashion-mnist"]
    assert completed(trained, "nnlab show 2") == [the_run(trained).name]
    assert "compare" in completed(trained, "nnlab co")


def test_configs_are_completed_as_they_are_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("configs/a.yaml", "configs/b.yml", "configs/c.txt", "other/d.yaml", "e.yaml", ".hidden/f.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert complete.config_files("")[:2] == ["configs/a.yaml", "configs/b.yml"]
    assert complete.config_files("con") == ["configs/", "configs/a.yaml", "configs/b.yml"]
    assert complete.config_files("configs/") == ["configs/a.yaml", "configs/b.yml"]
    assert complete.config_files("./configs/a") == ["./configs/a.yaml"]
    assert complete.config_files("../" + tmp_path.name + "/e") == [f"../{tmp_path.name}/e.yaml"]
    assert complete.config_files(f"{tmp_path}/e") == [f"{tmp_path}/e.yaml"]
    assert complete.config_files("nowhere/x") == []
    assert not any(".hidden" in name for name in complete.config_files(""))


def test_every_dotted_key_and_the_names_that_may_follow_are_completed():
    keys = complete.overrides("")
    assert {"train.lr=", "model.hidden=", "dataset.val_fraction=", "seed=", "device="} <= set(keys)
    assert not any(key.startswith("extends") for key in keys)
    assert complete.overrides("train.optimizer=a") == ["train.optimizer=adam", "train.optimizer=adamw"]
    assert complete.overrides("dataset.fallback=dig") == ["dataset.fallback=digits"]
    assert complete.overrides("model.name=") == [f"model.name={name}" for name in discover.names("models")]
    assert complete.overrides("train.lr=") == []


def test_runs_are_completed_newest_first_by_any_part(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complete.runs("") == ["latest"]
    for name in ("20260101-mlp", "20260102-mlp", "20260103-ann"):
        forge(tmp_path / "runs", name, curve=False)
    assert complete.runs("") == ["latest", "20260103-ann", "20260102-mlp", "20260101-mlp"]
    assert complete.runs("mlp") == ["20260102-mlp", "20260101-mlp"]


def test_two_kinds_of_output_at_once_are_refused(cli, digits):
    done = cli("train", digits, "-q", "--json")
    assert done.returncode == 2
    assert "--json and --quiet" in done.stderr
    assert not (digits.parent / "runs").exists()


def test_a_cell_of_a_table_is_one_line(capsys):
    screen.print_table(["name", "n"], [["run\nerror: forged", 1]])
    assert "run\\nerror: forged" in capsys.readouterr().out

"""The train command: its result, its run directory, its refusals and its fallback."""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from nnlab import experiment, rundir
from nnlab.config import yaml
from nnlab.finding import subjects
from tests.conftest import ROOT
from tests.run_fixtures import LINE, bad, good, loaded, posix, the_run


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


@pytest.mark.usefixtures("no_pictures")
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


@pytest.mark.usefixtures("no_pictures")
def test_a_validation_split_chooses_the_best_weights(cli, digits, tmp_path):
    good(cli("train", "-q", digits, "dataset.val_fraction=0.2", "train.lr=1.0"))
    run = the_run(tmp_path)
    best = json.loads((run / "run.json").read_text())["best"]
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert best["metric"] == "val_accuracy"
    assert best["value"] == max(float(row["val_accuracy"]) for row in rows)
    assert load_file(run / "best.safetensors").keys() == load_file(run / "weights.safetensors").keys()


@pytest.mark.usefixtures("no_pictures")
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


@pytest.mark.usefixtures("no_pictures")
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


def test_two_kinds_of_output_at_once_are_refused(cli, digits):
    done = cli("train", digits, "-q", "--json")
    assert done.returncode == 2
    assert "--json and --quiet" in done.stderr
    assert not (digits.parent / "runs").exists()

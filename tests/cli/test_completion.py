"""What the shell completes: configs, keys, names and runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nnlab import discover
from nnlab.cli import complete
from tests.run_fixtures import forge, the_run


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

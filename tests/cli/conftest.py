"""Fixtures of the command line: a finished run made once, and copies of it."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import DIGITS


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


@pytest.fixture
def no_data(tmp_path):
    """An empty cache, and a mirror that has nothing."""
    (tmp_path / "mirror").mkdir()
    return {"NNLAB_MIRROR": (tmp_path / "mirror").as_uri(), "NNLAB_DATA": str(tmp_path / "data")}

"""The environment of a run: what its bits may depend on, and nothing personal."""

import getpass
import json
import os
import platform
import re
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from nnlab import environment

KEYS = ["python", "implementation", "system", "machine", "packages", "cpu", "cores", "threads", "device", "gpu", "git"]


def test_env_json_holds_exactly_what_the_allow_list_says():
    found = environment.describe("cpu", 3)
    assert list(found) == KEYS
    assert set(found["packages"]) <= set(environment.PACKAGES)
    assert found["python"] == platform.python_version()
    assert found["packages"]["numpy"] == version("numpy")
    assert (found["device"], found["threads"], found["gpu"]) == ("cpu", 3, None)
    assert 1 <= found["cores"] <= (os.cpu_count() or 1)
    assert found["cpu"]


def test_nothing_of_the_user_slips_in(monkeypatch):
    monkeypatch.setenv("NNLAB_TEST_SECRET", "do-not-write-this-down")
    text = json.dumps(environment.describe("cpu", 1))
    assert "do-not-write-this-down" not in text
    assert str(Path.home()) not in text
    assert str(Path.cwd()) not in text
    assert not re.search(r'"[^"]*/(home|root|Users)/', text)
    for personal in (socket.gethostname(), getpass.getuser()):
        assert len(personal) < 5 or f'"{personal}"' not in text


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return tmp_path


def git(*arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_told_and_whether_tracked_files_were_changed(repository):
    git("init", "-q")
    Path("a.txt").write_text("1")
    git("add", "a.txt")
    git("commit", "-qm", "one")
    clean = {"commit": git("rev-parse", "HEAD"), "dirty": False}
    assert environment.git_state() == clean
    Path("untracked.txt").write_text("2")
    assert environment.git_state() == clean
    Path("a.txt").write_text("2")
    assert environment.git_state() == {**clean, "dirty": True}


def test_outside_a_repository_and_before_the_first_commit_there_is_no_commit(repository):
    assert environment.git_state() is None
    git("init", "-q")
    assert environment.git_state() is None


def test_without_git_there_is_no_commit(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    assert environment.git_state() is None


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package-at-all"))
    assert list(environment.describe("cpu", 1)["packages"]) == ["numpy"]

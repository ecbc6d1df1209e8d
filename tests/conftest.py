"""Fixtures: a data cache and a mirror of the session's own, and the command line as a real process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nnlab.experiment import baselines, pictures
from tests.forks import Forks, without_pictures

ROOT = Path(__file__).parent.parent
# Read by OpenMP as PyTorch or scikit-learn loads it: idle threads sleep, and so leave the cores to the other worker.
# Where they wait for work in a loop, tests of small networks take three times the processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Where Python is told to keep no bytecode, each of the suite's many processes would compile the whole package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MIRROR = os.environ.get("NNLAB_MIRROR", "")
needs_mirror = pytest.mark.skipif(not MIRROR, reason="needs the real data: set NNLAB_MIRROR to a mirror of it")

# What the newest and the lowest packages are tried with: quick, and every package is used in it.
QUICK = """
    architecture arrays cache comparison config csv datasets diff environment fit frames given gradients image_folder
    models plots predict report rundir significance tables tables_reading versions yaml
""".split()  # noqa: SIM905

Cli = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the files in ``QUICK`` are marked so."""
    for item in items:
        if item.path.stem.removeprefix("test_") in QUICK:
            item.add_marker(pytest.mark.quick)


@pytest.fixture(scope="session")
def real_data(_own_data: None) -> str:
    """The session's cache: what is downloaded is decoded once for every test that may share it."""
    return os.environ["NNLAB_DATA"]


@pytest.fixture(autouse=True, scope="session")
def _own_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Data is cached once for the session, by all its workers, and nothing ever reaches the network."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["NNLAB_DATA"] = str(shared / "nnlab-data")
    if not MIRROR:
        empty = base / "empty-mirror"
        empty.mkdir()
        os.environ["NNLAB_MIRROR"] = empty.as_uri()


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory, _own_data: None) -> Iterator[Forks | None]:
    """The process from which commands are forked; None where the system has no such thing."""
    if not hasattr(os, "fork"):
        yield None
        return
    with Forks(tmp_path_factory.mktemp("forks")) as found:
        yield found


@pytest.fixture
def cli(tmp_path: Path, forks: Forks | None, request: pytest.FixtureRequest) -> Cli:
    """Runs ``nnlab`` in a folder of the test's own and returns the finished process with its output as text."""
    first = without_pictures if "no_pictures" in request.fixturenames else None

    def run(*arguments: object, timeout: float = 100, **environment: str) -> subprocess.CompletedProcess[str]:
        words, env = [*map(str, arguments)], {**os.environ, **environment}
        if forks and forks.fits(env):
            return forks.run(words, tmp_path, env, timeout, first)
        command = [sys.executable, "-m", "nnlab", *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs trained here and by ``cli`` draw nothing: pictures take most of a short run's time, and have own tests."""
    monkeypatch.setattr(pictures, "of_training", lambda *arguments: iter(()))


@pytest.fixture
def no_large_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs trained in this process have no baseline that takes scikit-learn over half a second: MNIST's takes 20."""
    monkeypatch.setattr(baselines, "WORK", 100_000_000)


DIGITS = """\
model:
  name: mlp-np
  hidden: [16]
dataset:
  name: digits
train:
  epochs: 12
  lr: 0.1
"""


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A config that trains in a fraction of a second on data that needs no download, and no PyTorch."""
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS)
    return path

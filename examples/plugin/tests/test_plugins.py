"""Both plug-ins keep to what every model and dataset does, and nnlab finds them by their names."""

import subprocess
import sys
from pathlib import Path

from nnlab import discover, open_run
from nnlab.testing import check_dataset, check_model

CONFIG = Path(__file__).parents[1] / "rings.yaml"


def test_rbf_np() -> None:
    check_model(discover.model("rbf-np"))


def test_rings() -> None:
    check_dataset(discover.dataset("rings"))


def test_the_config_reaches_the_score_that_it_names(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nnlab", "train", str(CONFIG), "-q", "--runs-dir", str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    run = open_run(made.stdout.strip())
    assert run.summary["metrics"]["test"]["accuracy"] > 0.95

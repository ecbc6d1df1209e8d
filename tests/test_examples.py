"""Examples: the walk-through runs on the data that is built in, and its notebook is the same, with what came out."""

import ast
import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROAD = ROOT / "examples" / "road.py"
CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)


@pytest.mark.usefixtures("no_pictures")
def test_the_whole_road_is_gone_on_built_in_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(ROAD), "--quick"])
    runpy.run_path(str(ROAD), run_name="__main__")
    said = capsys.readouterr().out
    assert "by hand: 100.00 %" in said
    difference = re.search(r"largest difference of the weights: (\S+)", said)
    assert difference
    assert float(difference[1]) < 1e-5
    for model in ("logreg-np", "nn2-np", "logreg-torch", "ann-torch", "cnn-torch"):
        assert f"  {model}: " in said
    assert len(list((tmp_path / "runs").iterdir())) == 9


def test_the_notebook_has_the_scripts_cells_and_no_cell_failed() -> None:
    book = json.loads((ROOT / "examples" / "road.ipynb").read_text())
    _, *parts = CELL.split(ROAD.read_text())
    code = [text for kind, text in zip(parts[::2], parts[1::2], strict=True) if kind is None]
    found = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert [ast.dump(ast.parse("".join(cell["source"]))) for cell in found] == [ast.dump(ast.parse(c)) for c in code]
    outputs = [output for cell in found for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("text/html" in output.get("data", {}) for output in outputs) >= 7
    assert "/tmp/" not in json.dumps(outputs)  # noqa: S108 (no path of the machine that ran it)

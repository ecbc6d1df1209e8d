"""The predict command: numbers, pictures, arrays and tables alike, in their order."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from nnlab import rundir
from nnlab.errors import DataError
from tests.predicting import predict
from tests.run_fixtures import LINE, bad, good


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
        predict(rundir.RunDir(line), [given])
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

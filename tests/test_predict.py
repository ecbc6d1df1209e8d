"""Predict: an input gives the same answer however it is handed over, and the answer that training would give."""

from pathlib import Path

import numpy as np
import pytest

from nnlab import experiment
from nnlab.errors import DataError
from nnlab.rundir import RunDir
from tests.predicting import predict, predict_rows

pytestmark = pytest.mark.usefixtures("no_pictures")


def train(folder: Path, config: str) -> RunDir:
    """Train a config written into the folder."""
    path = folder / "c.yaml"
    path.write_text(config)
    *_, last = experiment.train(experiment.resolve(path), folder / "runs")
    assert isinstance(last, experiment.Finished)
    return last.run


def values(run: RunDir, *inputs: object) -> list[float]:
    """The first score of each prediction."""
    return [(item.values or item.probabilities)[0] for item in predict(run, [str(i) for i in inputs]).items]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_standardised_table_predicts_the_same_as_file_array_and_numbers(tmp_path: Path, delimiter: str) -> None:
    rng = np.random.default_rng(0)
    inputs = np.round(rng.normal(1000, 200, (80, 2)), 1)
    prices = 3 * inputs[:, 0] - inputs[:, 1]
    lines = [delimiter.join(map(str, [*row, price])) for row, price in zip(inputs, prices, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join([delimiter.join(["a", "b", "price"]), *lines]))
    run = train(
        tmp_path,
        "model: {name: mlp-np, hidden: []}\n"
        f"dataset: {{name: csv, path: data.csv, target: price, delimiter: '{delimiter}'}}\n"
        "train: {epochs: 60, lr: 0.1}\n",
    )
    np.save(tmp_path / "x.npy", inputs[:3])
    (tmp_path / "x.csv").write_text("\n".join(delimiter.join(map(str, row)) for row in inputs[:3]))
    numbers = values(run, *inputs[:3].ravel())
    np.testing.assert_allclose(numbers, prices[:3], rtol=0.01)
    assert values(run, tmp_path / "x.npy") == numbers
    assert values(run, tmp_path / "x.csv") == numbers
    assert values(run, tmp_path / "data.csv")[:3] == numbers
    assert values(run, *(f"{a},{b}" for a, b in inputs[:3])) == numbers


@pytest.mark.parametrize("shape", [(6,), (3, 4)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_the_training_arrays_themselves_predict_as_in_training(
    tmp_path: Path, shape: tuple[int, ...], kind: type
) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (60, *shape)).astype(kind)
    targets = (inputs.reshape(60, -1)[:, 0] > 128).astype(np.int64)
    np.savez(tmp_path / "data.npz", x_train=inputs, y_train=targets, x_test=inputs[:20], y_test=targets[:20])
    run = train(
        tmp_path,
        "model: {name: mlp-np, hidden: [4]}\ndataset: {name: arrays, path: data.npz}\ntrain: {epochs: 2, lr: 0.001}\n",
    )
    np.save(tmp_path / "x.npy", inputs[:20])
    scores = run.predictions.read()["scores"].astype(np.float64)
    expected = np.exp(scores[:, 0]) / np.exp(scores).sum(axis=1)
    np.testing.assert_allclose(values(run, tmp_path / "x.npy"), expected, rtol=1e-5)
    np.testing.assert_allclose(predict_rows(run, inputs[:20]), scores, rtol=1e-5)


def test_pictures_as_whole_numbers_and_as_fractions_predict_the_same_and_other_numbers_are_refused(
    tmp_path: Path,
) -> None:
    run = train(tmp_path, "model: {name: mlp-np, hidden: [16]}\ndataset: {name: digits}\ntrain: {epochs: 3, lr: 0.1}\n")
    from sklearn.datasets import load_digits

    pictures = load_digits().images[:5]
    np.save(tmp_path / "whole.npy", pictures.astype(np.uint8))
    np.save(tmp_path / "fractions.npy", pictures / 16)
    np.save(tmp_path / "neither.npy", pictures * 0.7)
    np.testing.assert_allclose(values(run, tmp_path / "whole.npy"), values(run, tmp_path / "fractions.npy"), rtol=1e-6)
    with pytest.raises(DataError, match="fractions up to 11"):
        predict(run, [str(tmp_path / "neither.npy")])


def test_arrays_of_pictures_lie_as_those_of_training_did_or_as_the_net_has_them() -> None:
    from nnlab.datasets._inputs import Reader

    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    facts = {"features": 60, "shape": [3, 4, 5], "classes": ["a", "b"], "scale": 255}
    first = Reader({**facts, "layout": "channels first"})
    last = Reader({**facts, "layout": "channels last"})
    expected = np.moveaxis(pictures, -1, 1).reshape(2, 60).astype(np.float32) / np.float32(255)
    for reader, given in (
        (first, np.moveaxis(pictures, -1, 1)),
        (last, pictures),
        (last, np.moveaxis(pictures, -1, 1)),
    ):
        np.testing.assert_array_equal(reader.shaped(given, "x"), expected)
        np.testing.assert_array_equal(reader.shaped(given[0], "x"), expected[:1])
    with pytest.raises(DataError, match=r"\(2, 4, 5, 3\)"):
        first.shaped(pictures, "x")
    square = Reader({"features": 27, "shape": [3, 3, 3], "classes": ["a", "b"], "layout": "channels last"})
    given = np.arange(27.0).reshape(1, 3, 3, 3)
    np.testing.assert_array_equal(square.shaped(given, "x"), np.moveaxis(given, -1, 1).reshape(1, 27))


def test_a_picture_unlike_those_of_training_is_doubted(tmp_path: Path) -> None:
    from PIL import Image

    run = train(tmp_path, "model: {name: mlp-np, hidden: [4]}\ndataset: {name: digits}\ntrain: {epochs: 1}\n")
    Image.new("L", (30, 60), 255).save(tmp_path / "paper.png")
    Image.new("L", (40, 40), 0).save(tmp_path / "night.png")
    squeezed, bright = predict(run, [str(tmp_path / "paper.png")]).warnings
    assert "30x60 is squeezed into 8x8" in squeezed
    assert "background is bright" in bright
    assert predict(run, [str(tmp_path / "night.png")]).warnings == []


@pytest.mark.parametrize("number", ["1_0", "١"])
def test_what_python_alone_takes_for_a_number_is_none(number: str, tmp_path: Path) -> None:
    rows = "".join(f"{a},{b},{a + 2 * b}\n" for a, b in np.random.default_rng(0).normal(size=(60, 2)).tolist())
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    run = train(
        tmp_path,
        "model: {name: mlp-np, hidden: []}\ndataset: {name: csv, path: t.csv, target: y}\ntrain: {epochs: 1}\n",
    )
    for given in ([number, "2"], [f"{number},2"]):
        with pytest.raises(DataError, match="neither a number nor a file"):
            predict(run, given)

"""Predict on the raw test rows says what training wrote into predictions.npz, for every dataset there is."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlab import discover, experiment
from nnlab.config import Strict
from nnlab.dataset import Array
from nnlab.dataset.task import log_softmax
from nnlab.datasets import Examples, _pictures
from nnlab.datasets._inputs import Reader
from nnlab.plugin import DatasetFile
from nnlab.rundir import RunDir
from tests.data_fixtures import MIRROR, make_image_folder, required, why_missing
from tests.predicting import Said, predict, predict_rows
from tests.raw_rows import captured, inputs_for_predict, inputs_of

pytestmark = pytest.mark.usefixtures("no_pictures", "no_large_baselines")
CLOSE = 1e-6
NAMES = discover.names("datasets")


@pytest.fixture
def file(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, real_data: str):
    """The dataset's file, its data at hand; skipped where that would have to be downloaded."""
    found = discover.dataset(request.param)
    if found.card.source == "download":
        monkeypatch.setenv("NNLAB_DATA", real_data)
        monkeypatch.setenv("NNLAB_MIRROR", MIRROR or "http://127.0.0.1:1")
        if reason := why_missing(found, real_data):
            pytest.skip(reason)
    return found


def trained(
    name: str, keys: dict, folder: Path, patch: pytest.MonkeyPatch, model: str = "mlp-np"
) -> tuple[RunDir, Strict, Examples]:
    """A run on a dataset after a few steps, the dataset's keys, and its test examples (or all) as they came."""
    config = folder / "c.yaml"
    config.write_text(
        json.dumps(
            {
                "model": {"name": model, "hidden": [5]},
                "dataset": {"name": name, **keys},
                "train": {"steps": 12, "batch_size": 16, "lr": 0.05},
            }
        )
    )
    pools = captured(patch)
    resolved = experiment.resolve(config)
    *_, last = experiment.train(resolved, folder / "runs")
    assert isinstance(last, experiment.Finished)
    return last.run, resolved.config.dataset.params, pools[-1]


def must_be_those_of_training(run: RunDir, inputs: list[str], pool: Examples) -> None:
    """Hold what predict says of these inputs against predictions.npz, or of data without a test split against eval."""
    found = predict(run, inputs)
    assert [text for text in found.warnings if "squeezed" not in text] == []
    if "predictions.npz" in run.files():
        kept = run.predictions.read()
        scores, targets = kept["scores"].astype(np.float64), kept["targets"]
        np.testing.assert_array_equal(targets.ravel(), pool.targets.ravel())
        expected = np.exp(log_softmax(scores)) if found.task == "classification" else scores
        np.testing.assert_allclose(numbers_of(found), expected, rtol=CLOSE, atol=CLOSE)
        if found.metrics is not None:
            recorded = run.summary().metrics["test"]
            assert found.metrics == pytest.approx(recorded, rel=CLOSE, abs=CLOSE)
    else:
        values = numbers_of(found)
        again = run.summary().learnt.measure(values, pool.targets)
        assert again == pytest.approx(run.summary().metrics["train"], rel=1e-5)


def numbers_of(found: Said) -> Array:
    return np.array([item.probabilities or item.values for item in found.items])


@pytest.mark.parametrize(("name", "file"), [(name, name) for name in NAMES], indirect=["file"], ids=NAMES)
def test_the_raw_test_rows_of_every_dataset(
    name: str, file: DatasetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    keys = required(name, file, tmp_path / "data")
    large = "classes" in file.params.model_fields and (file.card.train or 0) > 10_000
    keys |= {"classes": [1, 4], "limit": 200} if large else {}
    run, params, pool = trained(name, keys, tmp_path, monkeypatch)
    inputs = inputs_for_predict(name, file, params, pool, tmp_path)
    must_be_those_of_training(run, inputs, pool)
    if not any(column["kind"] in ("category", "date") for column in run.summary().dataset.columns):
        raw = inputs_of(pool)
        scores = run.predictions.read()["scores"] if "predictions.npz" in run.files() else None
        found = predict_rows(run, raw)
        if scores is not None:
            np.testing.assert_allclose(found, scores, rtol=CLOSE, atol=CLOSE)


def a_table(folder: Path, target: str) -> dict[str, object]:
    """One of all kinds of columns: time stamps, one near a million, texts, dates, truth values and missing cells."""
    rng = np.random.default_rng(3)
    lines = ["time,near,town,day,open,gap,price,kind"]
    for n in range(240):
        time, near = 1.7e9 + rng.uniform(0, 50), 1e6 + rng.normal()
        town, is_open = rng.choice(["Rome", "Oslo", "Ulm, east"]), rng.choice(["true", "false"])
        gap = "" if n % 9 == 0 else f"{rng.normal():.3f}"
        price = 3e5 + 4e4 * (time - 1.7e9) + 9e3 * near - 9e9 + 2e4 * (town == "Rome")
        kind = "dear" if price > 1.3e6 else "cheap"
        day = f"2024-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
        lines.append(f'{time!r},{near!r},"{town}",{day},{is_open},{gap},{price!r},{kind}')
    (folder / "mixed.csv").write_text("\n".join(lines) + "\n")
    other = {"price": "kind", "kind": "price"}[target]
    return {
        "path": str(folder / "mixed.csv"),
        "target": target,
        "exclude": [other],
        "missing": "median",
        "missing_indicator": True,
        "dates": ["year", "month", "timestamp"],
    }


@pytest.mark.parametrize("target", ["price", "kind"])
@pytest.mark.parametrize("model", ["mlp-np", "ann-torch"])
def test_a_table_of_all_kinds_of_columns(
    target: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, params, pool = trained("csv", a_table(tmp_path, target), tmp_path, monkeypatch, model)
    inputs = inputs_for_predict("csv", discover.dataset("csv"), params, pool, tmp_path)
    must_be_those_of_training(run, inputs, pool)
    assert predict(run, inputs).metrics is not None


def test_a_table_whose_missing_rows_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = a_table(tmp_path, "price") | {"missing": "drop", "missing_indicator": False}
    with pytest.MonkeyPatch.context() as patch:
        run, params, pool = trained("csv", keys, tmp_path, patch)
    inputs = inputs_for_predict("csv", discover.dataset("csv"), params, pool, tmp_path)
    must_be_those_of_training(run, inputs, pool)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8, np.int32])
def test_arrays_of_every_type(kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (90, 7)) if kind in (np.uint8, np.int32) else 1e6 + rng.normal(size=(90, 7))
    np.savez(tmp_path / "d.npz", x=x.astype(kind), y=(x[:, 0] > np.median(x[:, 0])).astype(np.int64))
    keys: dict[str, object] = {"path": str(tmp_path / "d.npz")}
    if "standardise" in discover.dataset("arrays").params.model_fields:
        keys["standardise"] = kind is not np.uint8
    run, _, pool = trained("arrays", keys, tmp_path, monkeypatch)
    raw = x.astype(kind)[slice(None) if pool.rows is None else pool.rows]
    np.save(tmp_path / "raw.npy", raw)
    np.savez(tmp_path / "raw.npz", x=raw)
    for file in ("raw.npy", "raw.npz"):
        must_be_those_of_training(run, [str(tmp_path / file)], pool)


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_dark_pictures_are_divided_as_the_others_were(
    kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fractions that were divided in training are divided, be they all below 1."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 255, (90, 20)) * (np.arange(90) % 3 > 0)[:, None] + rng.uniform(0, 1, (90, 20))
    np.savez(tmp_path / "d.npz", x=x.astype(kind), y=np.arange(90) % 2)
    keys: dict[str, object] = {"path": str(tmp_path / "d.npz")}
    if "scale" in discover.dataset("arrays").params.model_fields:
        keys["scale"] = 255
    run, _, pool = trained("arrays", keys, tmp_path, monkeypatch)
    scores = run.predictions.read()["scores"]
    for row, score in zip(x.astype(kind)[pool.rows], scores, strict=True):
        np.testing.assert_allclose(predict_rows(run, row)[0], score, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_pictures_are_brought_to_their_size_as_in_training(
    fit: str, colour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = discover.dataset("image-folder")
    if "fit" not in file.params.model_fields and fit != "stretch":
        pytest.skip("pictures are only stretched here")
    keys = make_image_folder(tmp_path / "pictures") | {"colour": colour}
    keys |= {"fit": fit} if fit != "stretch" else {}
    run, params, pool = trained("image-folder", keys, tmp_path, monkeypatch)
    must_be_those_of_training(run, inputs_for_predict("image-folder", file, params, pool, tmp_path), pool)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_a_run_that_says_how_its_pictures_were_fitted_is_given_others_so(fit: str, colour: str, tmp_path: Path) -> None:
    shape = (6, 5) if colour == "grey" else (3, 6, 5)
    how = {"size": [6, 5], "colour": colour, "fit": fit}
    reader = Reader({"features": int(np.prod(shape)), "shape": shape, "classes": ["a"], "scale": 255, "picture": how})
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 70, 3), np.uint8)).save(tmp_path / "x.png")
    (rows,) = reader.parts([str(tmp_path / "x.png")])
    expected = _pictures.pixels(_pictures.open_picture(tmp_path / "x.png"), shape, colour, fit)
    np.testing.assert_array_equal(rows.features[0], expected.ravel().astype(np.float32) / np.float32(255))
    assert reader.warnings == []

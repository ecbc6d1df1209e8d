"""Your own tables: every kind of file that people met trouble with, and what must come of each."""

import gzip
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnlab import experiment
from nnlab.dataset import Dataset, Regression
from nnlab.dataset.task import r_squared
from nnlab.datasets import csv
from nnlab.errors import DataError
from nnlab.experiment.tally import Tally

pytestmark = pytest.mark.usefixtures("no_pictures", "own_cache")
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=60).round(3), RNG.normal(size=60).round(3)
LABELS = ["yes" if a + b > 0 else "no" for a, b in zip(A, B, strict=True)]
BASE = "a,b,label\n" + "".join(f"{a},{b},{y}\n" for a, b, y in zip(A, B, LABELS, strict=True))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNLAB_DATA", str(tmp_path / "cache"))


Load = Callable[..., Dataset]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a table and loads it; ``label`` is its target unless said."""

    def loaded(content: str | bytes, name: str = "table.csv", seed: int = 0, **keys: object) -> Dataset:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return csv.load(csv.Params(**{"path": str(path), "target": "label"} | keys), seed)

    return loaded


def refusal(load: Load, content: str | bytes, **keys: object) -> DataError:
    with pytest.raises(DataError) as caught:
        load(content, **keys)
    assert caught.value.hint
    assert caught.value.exit_code == 2
    return caught.value


def column(data: Dataset, name: str) -> np.ndarray:
    """A feature of the training split in its own units."""
    return data.transform.measured(data.train.inputs)[:, data.feature_names.index(name)]


def with_column(name: str, values: object) -> str:
    """The base table with a column more, before the label."""
    rows = BASE.splitlines()
    parts = [row.rsplit(",", 1) for row in rows]
    cells = [name, *map(str, values)]
    return "".join(f"{before},{cell},{label}\n" for (before, label), cell in zip(parts, cells, strict=True))


# Numbers


def trained(folder: Path, config: str) -> dict:
    """run.json of a config trained in the folder."""
    (folder / "c.yaml").write_text(config)
    *_, last = experiment.train(experiment.resolve(folder / "c.yaml"), folder / "runs")
    return last.summary.to_json()


def test_huge_offset_time_stamps_are_learnt_from_as_if_they_began_at_0(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    seconds, a = rng.integers(0, 51, 300), rng.normal(size=300)
    rows = "".join(f"{1_700_000_000 + t},{x:.4f},{0.1 * t + x:.5f}\n" for t, x in zip(seconds, a, strict=True))
    (tmp_path / "t.csv").write_text("t,a,y\n" + rows)
    config = "model: {name: mlp-np, hidden: []}\ndataset: {name: csv, path: t.csv, target: y}\n"
    found = trained(tmp_path, config + "train: {epochs: 60, lr: 0.05}\n")
    assert found["metrics"]["test"]["r2"] > 0.999


def test_statistics_are_those_of_float64(load: Load) -> None:
    values = 1e6 + np.random.default_rng(1).normal(size=60)
    data = load(with_column("c", values), test_fraction=0.0)
    c = data.feature_names.index("c")
    np.testing.assert_allclose(data.transform.mean[c], values.mean(), rtol=1e-15)
    np.testing.assert_allclose(data.transform.std[c], values.std(), rtol=1e-9)
    np.testing.assert_allclose(data.train.inputs[:, c], (values - values.mean()) / values.std(), atol=1e-6)


@pytest.mark.parametrize("lr", [0.05, 0.005])
@pytest.mark.parametrize("model", ["mlp-np", "ann-torch"])
def test_bigprice_a_regression_on_real_prices_is_about_as_good_as_ridge(tmp_path: Path, model: str, lr: float) -> None:
    rng = np.random.default_rng(2)
    area, age = rng.normal(110, 30, 400), rng.uniform(0, 80, 400)
    price = (300_000 + 3_000 * area - 900 * age + rng.normal(0, 20_000, 400)).round()
    rows = "".join(f"{x:.1f},{y:.1f},{z:.0f}\n" for x, y, z in zip(area, age, price, strict=True))
    (tmp_path / "h.csv").write_text("area,age,price\n" + rows)
    config = f"model: {{name: {model}, hidden: []}}\ndataset: {{name: csv, path: h.csv, target: price}}\n"
    found = trained(tmp_path, config + f"train: {{epochs: 50, lr: {lr}}}\n")
    ridge = next(scores for name, scores in found["baselines"].items() if name.startswith("ridge"))
    assert abs(found["metrics"]["test"]["r2"] - ridge["test"]["r2"]) < 0.02
    assert found["metrics"]["test"]["loss"] == found["metrics"]["test"]["mse"] > 1e6  # in the prices' own units


@pytest.mark.parametrize("target", ["u", "[u, v]"])
def test_losses_of_scaled_targets_are_in_their_own_units(tmp_path: Path, target: str) -> None:
    """Every way through a net: at a learning rate of nearly nothing the first loss is what the end scores."""
    rows = "".join(f"{a:.4f},{b:.4f},{1000 * a + 5e5:.3f},{0.01 * b:.6f}\n" for a, b in RNG.normal(size=(64, 2)))
    (tmp_path / "t.csv").write_text("a,b,u,v\n" + rows)
    losses = []
    for model in ("mlp-np", "ann-torch", "ann-torch, dropout: 0.0000001"):
        found = trained(
            tmp_path,
            f"model: {{name: {model}, hidden: [5], activations: [tanh]}}\n"
            f"dataset: {{name: csv, path: t.csv, target: {target}, features: [a, b]}}\n"
            "train: {steps: 1, batch_size: full, lr: 1e-12}\n",
        )
        losses.append(float(np.load(tmp_path / "runs" / found["name"] / "losses.npy")[0]))
        assert losses[-1] == pytest.approx(found["metrics"]["train"]["loss"], rel=1e-4)
    assert max(losses) == pytest.approx(min(losses), rel=1e-4)


def test_const01_a_constant_that_no_binary_number_is_stays_0(load: Load) -> None:
    assert not load(with_column("c", ["0.1"] * 60)).train.inputs[:, 2].any()


# How a file is written

WRITTEN = {
    "semi": (BASE.replace(",", ";"), {}),
    "tabs": (BASE.replace(",", "\t"), {"name": "table.tsv"}),
    "pipes": (BASE.replace(",", "|"), {}),
    "space_after_comma": (BASE.replace(",", ", "), {}),
    "space_quote": (BASE.replace(",", ', "').replace("\n", '"\n').replace('"\n', '"\n'), {}),
    "comment": ("# made by sensor 4\n" + BASE, {}),
    "comment in between": (BASE.replace("\n", "\n% noise\n", 1), {"comment": "%"}),
    "noheader": (BASE.partition("\n")[2], {"target": -1}),
    "ws": ("\n".join(f"  {row.replace(',', '   ')}" for row in BASE.splitlines()[1:]), {"target": 2, "name": "t.txt"}),
    "index": ("".join(f"{n or ''},{row}\n".replace("60,", "60,") for n, row in enumerate(BASE.splitlines())), {}),
    "bom": (b"\xef\xbb\xbf" + BASE.encode(), {}),
    "utf-16": (BASE.encode("utf-16"), {}),
    "crlf": (BASE.replace("\n", "\r\n"), {}),
    "cr": (BASE.replace("\n", "\r"), {}),
    "gzip": (gzip.compress(BASE.encode()), {"name": "table.csv.gz"}),
    "nbsp": (BASE.replace(",", "\u00a0,\u00a0"), {}),
    "data": (BASE.partition("\n")[2], {"target": -1, "name": "table.data"}),
    "quoted": ("\n".join(",".join(f'"{cell}"' for cell in row.split(",")) for row in BASE.splitlines()), {}),
    "decimal comma": (BASE.replace(",", ";").replace(".", ","), {"decimal": ","}),
    "blank lines": (BASE.replace("\n", "\n\n") + " \n,,\n", {}),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_table_is_the_same_however_it_is_written(written: str, load: Load) -> None:
    content, keys = WRITTEN[written]
    if written == "space_quote":
        content = "\n".join(", ".join(f'"{cell}"' for cell in row.split(",")) for row in BASE.splitlines())
    plain, found = load(BASE, name="plain.csv"), load(content, **keys)
    assert found.classes == plain.classes == ("no", "yes")
    np.testing.assert_array_equal(found.train.inputs, plain.train.inputs)
    np.testing.assert_array_equal(found.train.targets, plain.train.targets)


def test_parquet_is_read_too(load: Load, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    pl.read_csv(BASE.encode()).write_parquet(tmp_path / "t.parquet")
    found = csv.load(csv.Params(path=str(tmp_path / "t.parquet"), target="label"), 0)
    np.testing.assert_array_equal(found.train.inputs, load(BASE).train.inputs)


def test_latin1_the_line_the_byte_and_the_key_are_named(load: Load) -> None:
    content = BASE.replace("a,b", "größe,b").encode("latin-1")
    error = refusal(load, content)
    assert "line 1" in error.message
    assert "dataset.encoding" in error.hint
    assert load(content, encoding="latin-1").feature_names == ("größe", "b")


def test_delimiter_and_header_that_were_found_are_said(load: Load) -> None:
    assert any("dataset.delimiter" in note for note in load(BASE.replace(",", ";")).notes)
    assert any("dataset.header" in note for note in load(BASE.partition("\n")[2], target=-1).notes)
    assert not any("dataset" in note for note in load(BASE).notes)


def test_digits_hdr_numbers_as_column_names_are_no_example(load: Load) -> None:
    rng = np.random.default_rng(0)
    rows = [",".join(map(str, [*rng.integers(0, 17, 8), n % 3])) for n in range(60)]
    data = load("\n".join([",".join(map(str, range(9))), *rows]), target=8)
    assert data.classes == ("0", "1", "2")
    assert len(data.train) + len(data.test) == 60
    denied = load("\n".join([",".join(map(str, range(9))), *rows]), target=8, header=False, task="classification")
    assert len(denied.classes) == 4


def test_digits784_a_row_of_pixels_is_a_picture_with_shape(load: Load) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{n % 2}," + ",".join(map(str, rng.integers(0, 256, 30))) for n in range(40)]
    head = "label," + ",".join(f"pixel{n}" for n in range(30))
    assert load("\n".join([head, *rows]), shape=[5, 6]).shape == (5, 6)
    assert "dataset.shape" in refusal(load, "\n".join([head, *rows]), shape=[5, 5]).message


BAD = {
    "ragged": (BASE + "1,2\n", {}, "line 62 has 2 cells", "same columns"),
    "dup": (BASE.replace("a,b", "a,a"), {}, "two columns are called 'a'", "rename"),
    "one_class": (BASE.replace("yes", "no"), {}, "only one class", "two classes"),
    "huge": (with_column("c", ["1e400"] * 60), {}, "column 'c'", "cell"),
    "totals": (BASE + "Total,3,no\n", {}, "line 62, column 'a': 'Total' is no number", "leave the"),
    "hex_under": (BASE.replace("\n", "\n1_000,2,no\n", 1), {}, "line 2, column 'a': '1_000'", "thousands"),
    "hex": (BASE.replace("\n", "\n0x1F,2,no\n", 1), {}, "line 2, column 'a': '0x1F'", "correct"),
    "arabic digits": (BASE.replace("\n", "\n١٢,2,no\n", 1), {}, "line 2, column 'a'", "digits"),
    "thousands": (with_column("c", ['"1,001"'] * 60), {}, "line 2, column 'c': '1,001'", 'dataset.thousands: ","'),
    "decimal comma": (with_column("c", ["0,5"] * 60).replace(",0,5", ',"0,5"'), {}, "'0,5'", 'dataset.decimal: ","'),
    "no column": (BASE, {"target": "Label"}, "no column 'Label'", "did you mean label?"),
    "excluded target": (BASE, {"exclude": ["label"]}, "is the target", "leave it out"),
    "nothing left": (BASE, {"exclude": ["a", "b"]}, "no column is left", "fewer"),
    "control characters": (with_column("c", ["x\x1b[31m"] * 60), {}, "control characters", "correct"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_table_that_cannot_be_used_is_refused_with_place_and_cure(what: str, load: Load) -> None:
    content, keys, message, hint = BAD[what]
    error = refusal(load, content, **keys)
    assert message in error.message
    assert hint in error.hint
    assert error.message.isprintable()


# Targets


@pytest.mark.parametrize(
    "cells", [["2,100", "2,300", "2,500"], ["10,5", "6,5", "5,5"], ["1.234,5", "2.345,5", "3.456,5"]]
)
def test_thous_rep_and_dec_target_numbers_written_for_people_are_never_classes(cells: list[str], load: Load) -> None:
    rows = "".join(f"{n}.5;{cells[n % 3]}\n" for n in range(60))
    error = refusal(load, "a;price\n" + rows, target="price")
    assert cells[0] in error.message
    assert "dataset.decimal" in error.hint or "dataset.thousands" in error.hint


def test_numbers_written_for_people_are_no_classes_of_a_parquet_file_either(load: Load, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"a": A, "n": [f"{n % 3},5" for n in range(60)], "label": [str(y) for y in LABELS]})
    frame.write_parquet(path)
    for target in ("n", "label"):
        error = refusal(load, path.read_bytes(), name="t.parquet", target=target)
        assert "row 1, column 'n': '0,5'" in error.message
        assert "save the column as numbers" in error.hint


def test_with_the_key_they_are_values_however_few(load: Load) -> None:
    rows = "".join(f'{n}.5,"{2 + n % 3},100"\n' for n in range(60))
    data = load("a,price\n" + rows, target="price", thousands=",")
    assert data.task.name == "regression"
    assert set(np.concatenate([data.train.targets, data.test.targets]).ravel()) == {2100, 3100, 4100}


def test_decimal_points_and_decimal_commas_in_one_file(load: Load) -> None:
    rows = "".join(f"0.{n:02};{n % 40},5\n" for n in range(60))
    data = load("a;price\n" + rows, target="price", decimal=",", test_fraction=0.0)
    np.testing.assert_allclose(column(data, "a"), np.arange(60) / 100, atol=1e-7)
    assert data.train.targets[3, 0] == 3.5
    doubtful = "".join(f"1.{n:03};{n % 40},5\n" for n in range(60))
    assert "'1.000'" in refusal(load, "a;price\n" + doubtful, target="price", decimal=",").message


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "None", "n/a", "?", "", "n.a.", "#DIV/0!", "#VALUE!", "1.#QNAN"])
def test_na_target_a_word_for_nothing_is_no_class_unless_it_is_listed(word: str, load: Load) -> None:
    content = BASE.replace("yes\n", f"{word}\n", 2)
    error = refusal(load, content)
    lines = [n for n, row in enumerate(content.splitlines(), 1) if row.endswith(f",{word}")]
    assert "2 of 60 targets" in error.message
    assert all(str(line) in error.message for line in lines)
    assert "dataset.missing: drop" in error.hint
    dropped = load(content, missing="drop")
    assert dropped.classes == ("no", "yes")
    assert len(dropped.train) + len(dropped.test) == 58
    if word:
        assert load(BASE.replace("yes\n", f"{word}\n", 9), classes=["no", "yes", word]).classes == ("no", "yes", word)


def test_nan_target_int_a_number_among_them_changes_nothing(load: Load) -> None:
    content = BASE.replace("yes", "1").replace("no", "0").replace("1\n", "nan\n", 3)
    assert "3 of 60 targets are missing" in refusal(load, content).message
    assert load(content, missing="drop").classes == ("0", "1")


def test_zip3_text_that_is_no_plain_number_stays_text(load: Load) -> None:
    rows = "".join(f"{n}.5,{('01', '1', '2')[n % 3]}\n" for n in range(60))
    assert load("a,label\n" + rows).classes == ("01", "1", "2")


def test_whole_numbers_of_any_size_are_told_apart(load: Load) -> None:
    big = (12345678901234567890, 12345678901234567891)
    rows = "".join(f"{n}.5,{big[n % 2]}\n" for n in range(60))
    assert load("a,label\n" + rows).classes == tuple(map(str, big))


def test_float_label_and_one_to_k(load: Load) -> None:
    rows = "".join(f"{n}.5,{n % 2}{'.0' if n % 4 < 2 else ''}\n" for n in range(60))
    assert load("a,label\n" + rows).classes == ("0", "1")
    rows = "".join(f"{n}.5,{1 + n % 3}\n" for n in range(60))
    assert load("a,label\n" + rows).classes == ("1", "2", "3")


def test_label_case_is_warned_of(load: Load) -> None:
    found = load(BASE.replace("yes\n", "Yes\n", 5).replace("yes\n", "YES \n", 5))
    assert found.classes == ("YES", "Yes", "no", "yes")
    assert any("'YES'" in warning and "'Yes'" in warning and "'yes'" in warning for warning in found.warnings)


def test_labels_are_compared_in_one_unicode_form(load: Load) -> None:
    names = ("caf\u00e9", "cafe\u0301", "tea")
    rows = "".join(f"{n}.5,{names[n % 3]}\n" for n in range(60))
    assert load("a,label\n" + rows).classes == ("caf\u00e9", "tea")


@pytest.mark.parametrize(
    ("distinct", "task", "key"), [(20, "classification", "regression"), (21, "regression", "classification")]
)
def test_reg20_and_reg25_the_choice_is_said_with_the_key_that_changes_it(
    distinct: int, task: str, key: str, load: Load
) -> None:
    rows = "".join(f"{n}.5,{n % distinct}\n" for n in range(200))
    found = load("a,label\n" + rows)
    assert found.task.name == task
    assert any(f"dataset.task: {key}" in note for note in found.notes)
    assert load("a,label\n" + rows, task=key).task.name == key


def test_several_values_at_once(load: Load) -> None:
    rows = "".join(f"{n},{2 * n}.5,{-n}\n" for n in range(60))
    data = load("a,u,v\n" + rows, target=["u", "v"])
    assert data.outputs == 2
    assert data.target_names == ("u", "v")
    assert data.transform.target is not None
    np.testing.assert_allclose(
        data.transform.target.restored(data.transform.target.shrunk(data.train.targets)),
        data.train.targets,
        rtol=1e-6,
        atol=1e-4,
    )
    with pytest.raises(DataError, match="classification has one"):
        load("a,u,v\n" + rows, target=["u", "v"], task="classification")


# Features


def test_cat_text_becomes_a_feature_for_each_value_of_the_training_split(load: Load) -> None:
    cities = ["Paris", "Rome", "Oslo"] * 20
    data = load(with_column("city", cities))
    assert data.feature_names == ("a", "b", "city=Oslo", "city=Paris", "city=Rome")
    assert "'city': text, a feature for each: Oslo, Paris, Rome" in data.notes
    marks = data.train.inputs[:, 2:]
    assert (marks.sum(axis=1) == 1).all()
    assert set(marks.ravel().tolist()) == {0, 1}
    assert "dataset.max_categories: 60" in refusal(load, with_column("city", [f"c{n}" for n in range(60)])).hint
    assert len(load(with_column("city", [f"c{n}" for n in range(60)]), max_categories=60).feature_names) > 20
    assert "dataset.categories: one-hot" in refusal(load, with_column("city", cities), categories="refuse").hint
    assert load(with_column("city", cities), exclude=["city"]).feature_names == ("a", "b")


def test_a_value_that_only_the_test_split_has_is_none_of_the_categories(load: Load, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(with_column("city", ["Rome", "Atlantis"] * 30))
    data = load(with_column("city", ["Paris", "Rome"] * 30), test_path=str(tmp_path / "test.csv"))
    assert data.feature_names[2:] == ("city=Paris", "city=Rome")
    assert data.test is not None
    assert sorted(map(tuple, np.unique(data.test.inputs[:, 2:], axis=0).tolist())) == [(0, 0), (0, 1)]


@pytest.mark.parametrize(
    ("ours", "theirs", "columns", "keys"),
    [
        (["Paris", "Rome"], ["", ""], [[1, 0]], {"missing": "most_frequent"}),
        (["Paris", "Rome"], ["1", "2"], [[0, 0]], {}),
        (["Paris", "Rome"], ["true", "false"], [[0, 0]], {}),
        (["Paris", "Rome"], ["2024-01-31", "Rome"], [[0, 0], [0, 1]], {}),
        (["true", "false"], ["1", "0"], [[0], [1]], {}),
        (["true", "false"], ["", "TRUE"], [[0], [1]], {"missing": "most_frequent"}),
        (["true", "false"], ["1", "FALSE"], [[0], [1]], {}),
        (["31/01/2024", "01/03/2024"], ["05/03/2024", "06/03/2024"], [[5], [6]], {"dates": ["day"]}),
        (["31/01/2024", "01/03/2024"], ["2024-03-05", "2024-03-06"], [[5], [6]], {"dates": ["day"]}),
        (["31/01/2024", "01/03/2024"], ["", ""], [[1]], {"dates": ["day"], "missing": "most_frequent"}),
        (["7", "8"], ["", ""], [[7]], {"missing": "most_frequent"}),
    ],
)
def test_the_columns_of_test_path_are_what_those_of_training_are(
    ours: list[str], theirs: list[str], columns: list, keys: dict, load: Load, tmp_path: Path
) -> None:
    (tmp_path / "test.csv").write_text(with_column("c", theirs * 30))
    data = load(with_column("c", ours * 30), test_path=str(tmp_path / "test.csv"), standardise=False, **keys)
    assert data.test is not None
    assert np.unique(data.test.inputs[:, 2:], axis=0).tolist() == columns
    new = set(filter(None, theirs)) - set(ours) if {"Paris"} & set(ours) else set()
    assert all(any(text in warning for warning in data.warnings) for text in new)


@pytest.mark.parametrize(
    ("cells", "keys", "said"),
    [
        (["2024-02-01", "1.2.2024"], {}, "'2024-02-01' is a date"),
        (["2024-02-01", "2024-02-30"], {"dates": ["day"]}, "'2024-02-01' is a date"),
        (["01/02/2024", "02/03/2024"], {"dates": ["day"]}, "'01/02/2024' is a date"),
        (["never", "2024-02-01"], {"dates": {"when": ["day"]}}, "'2024-02-01' is a date"),
        (["2024-02-01", "2024-02-02"], {"dates": {"When": ["day"]}}, "no column 'When'"),
        (["20240201", "20240202"], {"dates": {"when": ["day"]}}, "'when' holds numbers, not dates"),
    ],
)
def test_dates_that_cannot_be_read_are_no_categories(cells: list[str], keys: dict, said: str, load: Load) -> None:
    assert said in refusal(load, with_column("when", cells * 30), **keys).message


@pytest.mark.parametrize(("ours", "theirs"), [("1.5", "Paris"), ("true", "7"), ("true", "yes"), ("2024-01-31", "soon")])
def test_a_cell_of_test_path_that_is_no_such_thing_is_named(ours: str, theirs: str, load: Load, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(with_column("c", [ours] * 4 + [theirs] + [ours] * 55))
    error = refusal(load, with_column("c", [ours] * 60), test_path=str(tmp_path / "test.csv"), dates=["day"])
    assert "line 6, column 'c'" in error.message
    assert repr(theirs) in error.message


def test_bool_true_and_false_are_1_and_0(load: Load) -> None:
    data = load(with_column("flag", ["True", "false", "TRUE"] * 20), test_fraction=0.0)
    np.testing.assert_array_equal(data.train.inputs[:, 2], [1, 0, 1] * 20)


def test_date_parts_are_declared(load: Load) -> None:
    days = [f"2024-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(60)]
    assert "dataset.dates" in refusal(load, with_column("when", days)).hint
    data = load(with_column("when", days), dates=["month", "day", "weekday"], test_fraction=0.0)
    assert data.feature_names[2:] == ("when.month", "when.day", "when.weekday")
    np.testing.assert_allclose(column(data, "when.month"), [1 + n % 12 for n in range(60)], atol=1e-5)
    one = load(with_column("when", days), dates={"when": ["timestamp"]})
    assert one.feature_names[2:] == ("when.timestamp",)


@pytest.mark.parametrize("word", ["", "NA", "nan", "null", "?"])
def test_missing_na_and_nan_word_are_refused_or_filled_as_learnt_on_the_training_split(word: str, load: Load) -> None:
    values = [str(n % 7) for n in range(60)]
    for row in (3, 10, 44):
        values[row] = word
    content = with_column("c", values)
    error = refusal(load, content)
    assert "3 cells are missing" in error.message
    assert all(key in error.hint for key in ("drop", "mean", "median", "most_frequent"))
    assert len(load(content, missing="drop", test_fraction=0.0).train) == 57
    for how, expected in (("mean", np.mean), ("median", np.median)):
        data = load(content, missing=how, split_seed=3)
        (c,) = [each for each in data.transform.columns if each.name == "c"]
        there = column(data, "c")
        known = np.round(there[np.abs(there - np.round(there)) < 1e-4])
        assert c.fill is not None
        filled = np.isclose(there, c.fill)
        whole = there[~filled] if how == "mean" else known
        assert abs(float(c.fill) - expected(whole)) < 0.35
    indicated = load(content, missing="most_frequent", missing_indicator=True, test_fraction=0.0)
    assert indicated.feature_names[-1] == "c missing"
    assert indicated.train.inputs[:, -1].sum() == 3


def test_what_is_filled_is_learnt_without_the_test_split(load: Load, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(with_column("c", [1000] * 60))
    data = load(with_column("c", ["", *range(59)]), test_path=str(tmp_path / "test.csv"), missing="mean")
    assert data.transform.columns[2].fill == np.mean(range(59))
    assert abs(data.transform.mean[2] - np.mean(range(59))) < 1e-9


def test_missing_text_is_its_most_frequent(load: Load) -> None:
    cities = ["Rome"] * 40 + ["Paris"] * 19 + [""]
    assert load(with_column("city", cities), missing="median").transform.columns[2].fill == "Rome"


def test_missing_words_are_those_that_the_config_lists(load: Load) -> None:
    content = with_column("c", ["-999", *range(59)])
    assert "-999" in refusal(load, content, missing_words=["-999"]).message
    filled = load(content, missing_words=["-999"], missing="median", test_fraction=0.0)
    assert column(filled, "c").min() > -1


def test_id_is_warned_of(load: Load) -> None:
    found = load(with_column("id", range(1000, 1060)))
    assert any("'id'" in warning and "dataset.exclude: [id]" in warning for warning in found.warnings)
    assert not load(with_column("id", range(1000, 1060)), exclude=["id"]).warnings
    assert not load(BASE).warnings


def test_index_a_first_column_without_a_name_is_left_out_and_said(load: Load) -> None:
    content = "".join(f"{'' if n == 0 else n - 1},{row}\n" for n, row in enumerate(BASE.splitlines()))
    data = load(content)
    assert data.feature_names == ("a", "b")
    assert any("left out" in note for note in data.notes)


# Splits


def test_split_by_says_which_row_is_where(load: Load) -> None:
    said = ["train"] * 40 + ["val"] * 10 + ["Test"] * 10
    data = load(with_column("part", said), split_by="part")
    assert data.val is not None
    assert data.test is not None
    assert [len(data.train), len(data.val), len(data.test)] == [40, 10, 10]
    assert data.feature_names == ("a", "b")
    assert "names no split" in refusal(load, with_column("part", ["elsewhere"] * 60), split_by="part").message
    assert "val_fraction" in refusal(load, with_column("part", said), split_by="part", val_fraction=0.2).message


def test_group_no_group_is_on_both_sides(load: Load) -> None:
    patients = [f"p{n // 4}" for n in range(60)]
    content = with_column("patient", patients)
    numbers = {(a, b): p for a, b, p in zip(A, B, patients, strict=True)}
    for seed in range(5):
        data = load(content, group="patient", val_fraction=0.2, seed=seed, split_seed=seed)
        sides = []
        for split in (data.train, data.val, data.test):
            assert split is not None
            raw = np.round(data.transform.measured(split.inputs), 3)
            sides.append({numbers[float(a), float(b)] for a, b in raw})
        assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]
        assert 8 <= len(data.test) <= 16


def test_order_the_last_part_in_time_is_the_test_split(load: Load) -> None:
    days = [f"2024-{1 + (n * 7) % 12:02}-15" for n in range(60)]
    data = load(with_column("when", days), order="when", test_fraction=0.25, val_fraction=0.2)
    assert data.test is not None
    assert data.feature_names == ("a", "b")
    ranks = {(a, b): day for a, b, day in zip(A, B, days, strict=True)}
    when = [
        [ranks[float(a), float(b)] for a, b in np.round(data.transform.measured(split.inputs), 3)]
        for split in (data.train, data.val, data.test)
        if split
    ]
    assert max(when[0]) <= min(when[1])
    assert max(when[1]) <= min(when[2])


@pytest.mark.parametrize(
    ("key", "cells", "said"),
    [
        ("group", ["a", "", "b"], "line 3, column 'by': nothing says where this row belongs"),
        ("order", ["1", "", "2"], "line 3, column 'by': nothing says where this row belongs"),
        ("order", ["5", "5", "5"], "every row has the same 'by', '5'"),
        ("order", ["01/02/2024", "02/01/2024", "03/03/2024"], "'01/02/2024' is a date"),
    ],
)
def test_what_does_not_say_where_a_row_belongs_is_refused(key: str, cells: list[str], said: str, load: Load) -> None:
    assert said in refusal(load, with_column("by", cells * 20), **{key: "by"}).message


def test_two_ways_to_split_are_refused(load: Load) -> None:
    with pytest.raises(ValueError, match="leave one out"):
        load(BASE, order="a", split_by="b")


# Hashes


def test_names_belong_to_the_hash(load: Load) -> None:
    found = load(BASE).sha256
    assert load(BASE.replace("a,b,label", "x,b,label")).sha256 != found
    assert load(BASE.replace("yes", "oui")).sha256 != found
    assert load(BASE.replace(",", ";")).sha256 == found


def test_the_examples_of_each_split_have_a_hash_of_their_own(load: Load) -> None:
    whole, few = load(BASE), load(BASE, limit=20)
    assert whole.examples["test"] == few.examples["test"]
    assert whole.examples["train"] != few.examples["train"]
    assert load(BASE, split_seed=1).examples["test"] != whole.examples["test"]


def test_a_table_is_parsed_once(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnlab.datasets import _parsed

    monkeypatch.setattr(_parsed, "LARGE", 10)
    first = load(with_column("city", ["Paris", "Rome"] * 30))
    for thread in [thread for thread in threading.enumerate() if thread.name == _parsed.KEEPING]:
        thread.join(10)
    monkeypatch.setattr(_parsed.reading, "read", None)
    again = load(with_column("city", ["Paris", "Rome"] * 30))
    np.testing.assert_array_equal(first.train.inputs, again.train.inputs)
    assert first.sha256 == again.sha256
    with pytest.raises(TypeError):
        load(with_column("city", ["Paris", "Oslo"] * 30))


def test_of_several_values_of_different_scales_each_counts_for_r2() -> None:
    rng = np.random.default_rng(0)
    large, small = rng.normal(size=(2, 500))
    targets = np.stack([large * 1e6, small], axis=1)
    scores = np.stack([large * 1e6, -small], axis=1)  # the second is as wrong as can be: its own R2 is about -3
    expected = np.mean([1.0, 1 - 4 * np.sum(small**2) / np.sum((small - small.mean()) ** 2)])
    assert r_squared(scores, targets) == pytest.approx(expected)
    tally = Tally(Regression(2))
    for part in (slice(0, 123), slice(123, 500)):
        tally.add(scores[part], targets[part])
    found = tally.metrics()
    assert found is not None
    assert found["r2"] == pytest.approx(expected)

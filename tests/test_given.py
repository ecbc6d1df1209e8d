"""Given data: a moved file, a data frame or arrays, known by their hash, wherever a run's data is wanted."""

import shutil
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlab
from nnlab import rundir
from nnlab.api import Run
from nnlab.errors import ConfigError, DataChangedError, DataError
from nnlab.rundir import RunDir
from nnlab.tables.dataframe import DataFrame, is_frame
from nnlab.tables.reading import read
from tests.conftest import Cli
from tests.data_fixtures import make_image_folder
from tests.predicting import predict

pytestmark = pytest.mark.filterwarnings("ignore:this run is worse than its baseline")
CONFIG = """\
model: {name: mlp-np, hidden: [4]}
dataset: {name: csv, path: data/houses.csv, target: price}
train: {epochs: 3, lr: 0.05}
"""
NO_PATH = CONFIG.replace("path: data/houses.csv, ", "")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None) -> None:
    monkeypatch.chdir(tmp_path)


def houses(seed: int = 0, rows: int = 60) -> dict[str, list[Any]]:
    """Columns of a table: numbers of every size, whole ones, texts and truth values."""
    rng = np.random.default_rng(seed)
    rooms = rng.integers(1, 7, rows)
    size = 1e6 + rng.normal(0, 1, rows)
    return {
        "id": [int(n) for n in rng.permutation(rows)],
        "rooms": rooms.tolist(),
        "size": size.tolist(),
        "town": rng.choice(["Rome", "Oslo", "Ulm, east"], rows).tolist(),
        "lift": rng.choice([True, False], rows).tolist(),
        "price": (2e5 + 3e4 * rooms + 1e4 * (size - 1e6)).tolist(),
    }


def write(columns: dict[str, list[Any]], path: Path = Path("data/houses.csv")) -> Path:
    """The table as a CSV file."""
    path.parent.mkdir(exist_ok=True)
    rows = [[f'"{c}"' if isinstance(c, str) else repr(c) for c in row] for row in zip(*columns.values(), strict=True)]
    path.write_text("".join(",".join(row) + "\n" for row in [list(columns), *rows]))
    return path


@pytest.fixture
def moved() -> Run:
    """A run whose data has been moved to ``elsewhere/``."""
    write(houses())
    Path("c.yaml").write_text(CONFIG)
    run = nnlab.train("c.yaml", name="moved")
    Path("data").rename("elsewhere")
    return run


NOW = Path("elsewhere/houses.csv")


def test_the_path_is_kept_as_it_was_given_beside_the_resolved_one(moved: Run, tmp_path: Path) -> None:
    assert moved.summary["path_given"] == "data/houses.csv"
    assert moved.config["dataset"]["path"] == str(tmp_path / "data/houses.csv")


def test_data_that_is_gone_is_named_both_ways_with_what_helps(moved: Run, cli: Cli) -> None:
    for command in (["eval"], ["verify"], ["reproduce"], ["resume", "--epochs", "4"]):
        done = cli(command[0], "moved", *command[1:])
        assert done.returncode == 2
        for part in ("houses.csv'", "given as 'data/houses.csv'", "--data PATH"):
            assert part in done.stdout + done.stderr
    assert len(list(Path("runs").iterdir())) == 1


def test_each_command_takes_the_data_from_where_it_is_now(moved: Run, cli: Cli) -> None:
    recorded = moved.summary["metrics"]["test"]
    done = cli("eval", "moved", "--data", NOW, "--json")
    assert done.returncode == 0, done.stderr
    assert f'"mse": {recorded["mse"]}' in done.stdout
    assert cli("verify", "moved", "--data", NOW).returncode == 0
    done = cli("reproduce", moved.path, "--data", NOW)
    assert done.returncode == 0, done.stderr
    assert "BITWISE" in done.stdout
    again = nnlab.open_run("latest")
    assert again.config["dataset"]["path"] == str(NOW.resolve())
    assert again.evaluate().metrics == recorded
    config = (moved.path / "config.yaml").read_text()
    done = cli("resume", moved.path, "--epochs", "5", "--data", NOW)
    assert done.returncode == 0, done.stderr
    assert moved.summary["epochs"] == 5
    assert (moved.path / "config.yaml").read_text() == config.replace("epochs: 3", "epochs: 5")
    assert moved.summary["path_given"] == "data/houses.csv"


def test_other_data_is_refused_by_its_hash(moved: Run, cli: Cli) -> None:
    other = write(houses(seed=1), Path("elsewhere/other.csv"))
    renamed = Path("elsewhere/renamed.csv")
    renamed.write_text(NOW.read_text().replace("rooms", "room", 1))
    for path in (other, renamed):
        for verb in (moved.evaluate, moved.reproduce, partial(moved.resume, epochs=4)):
            with pytest.raises(DataChangedError, match="SHA-256 differs"):
                verb(data=path)
    for command in (["eval"], ["reproduce"]):
        done = cli(*command, moved.path, "--data", other)
        assert done.returncode == 2, done.stdout
        assert "SHA-256 differs" in done.stderr
    done = cli("eval", moved.path, "--data", "nowhere.csv")
    assert done.returncode == 2
    assert "--data: there is no file" in done.stderr
    assert len(list(Path("runs").iterdir())) == 1


def test_a_dataset_without_files_of_the_users_takes_none(cli: Cli, digits: Path) -> None:
    run = nnlab.train(digits, train__epochs=1)
    done = cli("eval", run.path, "--data", digits)
    assert done.returncode == 2
    assert "digits is not read from data of yours" in done.stderr


def test_arrays_and_pictures_may_be_moved_too(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    rng = np.random.default_rng(0)
    np.savez("a/d.npz", x=rng.normal(size=(40, 3)), y=np.arange(40) % 2)
    make_image_folder(tmp_path / "a/pictures")
    Path("c.yaml").write_text("model: {name: mlp-np, hidden: [4]}\ndataset: {name: digits}\ntrain: {epochs: 1}\n")
    for dataset in ({"name": "arrays", "path": "a/d.npz"}, {"name": "image-folder", "path": "a/pictures"}):
        run = nnlab.train("c.yaml", dataset=dataset)
        recorded = run.summary["metrics"]["test"]
        shutil.move("a", "b")
        with pytest.raises(DataError, match="any more"):
            run.evaluate()
        assert run.evaluate(data=str(dataset["path"]).replace("a/", "b/")).metrics == recorded
        shutil.move("b", "a")


FRAMES = {"pandas": lambda columns: pytest.importorskip("pandas").DataFrame(columns)}
FRAMES["polars"] = lambda columns: pytest.importorskip("polars").DataFrame(columns)
EACH_KIND = pytest.mark.parametrize("kind", FRAMES)


@EACH_KIND
def test_a_frame_trains_as_the_file_of_the_same_table_does(kind: str) -> None:
    columns = houses()
    frame = FRAMES[kind](columns)
    write(columns)
    Path("file.yaml").write_text(CONFIG)
    Path("c.yaml").write_text(NO_PATH)
    of_file, of_frame = nnlab.train("file.yaml"), nnlab.train("c.yaml", data=frame, target="price")
    assert of_frame.config["dataset"]["path"] == ""
    assert of_frame.summary["dataset"] == of_file.summary["dataset"]
    assert of_frame.metrics["test_mse"] == of_file.metrics["test_mse"]
    assert all(np.array_equal(of_frame.weights[name], of_file.weights[name]) for name in of_file.weights)
    recorded = of_frame.summary["metrics"]["test"]
    for data in (frame, "data/houses.csv"):
        assert of_frame.evaluate(data=data).metrics == recorded
        assert of_file.evaluate(data=data).metrics == recorded
    assert of_frame.resume(epochs=4, data=frame).summary["epochs"] == 4
    assert of_frame.reproduce(data="data/houses.csv").values["verdict"] == "BITWISE"


def test_without_its_frame_a_run_says_what_it_takes(cli: Cli) -> None:
    write(houses())
    Path("c.yaml").write_text(NO_PATH)
    run = nnlab.train("c.yaml", data=FRAMES["pandas"](houses()))
    for command in (["eval"], ["reproduce"], ["resume", "--epochs", "4"]):
        done = cli(command[0], run.path, *command[1:])
        assert done.returncode == 2
        assert "given in a notebook" in done.stderr
        assert "--data FILE" in done.stderr
    assert cli("eval", run.path, "--data", "data/houses.csv").returncode == 0
    assert cli("train", run.path / "config.yaml").returncode == 2
    with pytest.raises(DataChangedError):
        run.evaluate(data=FRAMES["pandas"](houses(seed=1)))


@EACH_KIND
def test_a_copy_of_the_frame_is_kept_where_that_is_asked_for(kind: str) -> None:
    Path("c.yaml").write_text(NO_PATH)
    frame = FRAMES[kind](houses())
    run = nnlab.train("c.yaml", data=frame, keep_data=True)
    assert "kept-data.csv" in RunDir(run.path).manifest.read().sha256
    assert run.config["dataset"]["path"] == "kept-data.csv"
    Path("runs").rename("carried")
    run = nnlab.open_run(Path("carried") / run.path.name)
    assert run.evaluate().metrics == run.summary["metrics"]["test"]
    run.resume(epochs=4)
    assert run.config["dataset"]["path"] == "kept-data.csv"
    assert run.reproduce().values["verdict"] == "BITWISE"
    again = nnlab.train(run.path / "config.yaml")
    assert again.summary["metrics"] == run.summary["metrics"]
    assert [found for found in again.verify() if found.outcome == "wrong"] == []
    assert "kept-data.csv" in rundir.remove(RunDir(run.path))[0]
    assert not run.path.exists()


@EACH_KIND
def test_a_frame_is_predicted_as_its_rows_were_in_training(kind: str) -> None:
    columns = houses()
    Path("c.yaml").write_text(NO_PATH)
    run = nnlab.train("c.yaml", data=FRAMES[kind](columns))
    turned = FRAMES[kind](dict(reversed(columns.items())))
    found = run.predict(turned)
    report = run.evaluate("train", data=FRAMES[kind](columns))
    assert found.values.shape == (60, 1)
    assert found.labels == []
    assert found.metrics is not None
    assert found.metrics["mse"] == pytest.approx(
        (48 * report.metrics["mse"] + 12 * run.summary["metrics"]["test"]["mse"]) / 60
    )
    path = write({name: values for name, values in columns.items() if name != "price"}, Path("new.csv"))
    alone = predict(RunDir(run.path), [str(path)])
    np.testing.assert_array_equal([item.values for item in alone.items], found.values)
    with pytest.raises(DataError, match="has no column town"):
        run.predict(FRAMES[kind]({name: values for name, values in columns.items() if name != "town"}))
    unseen = FRAMES[kind]({**columns, "town": ["Bonn"] * 60})
    with pytest.warns(UserWarning, match="Bonn"):
        run.predict(unseen)


@EACH_KIND
def test_classes_of_a_frame_have_labels_and_probabilities(kind: str) -> None:
    columns = houses()
    del columns["price"]
    Path("c.yaml").write_text(NO_PATH.replace("price", "town"))
    run = nnlab.train("c.yaml", data=FRAMES[kind](columns))
    found = run.predict(FRAMES[kind](columns))
    assert found.classes == ("Oslo", "Rome", "Ulm, east")
    assert found.probabilities.shape == (60, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert found.labels == [found.classes[n] for n in found.probabilities.argmax(axis=1)]
    assert found.metrics is not None
    assert found.metrics["accuracy"] == np.mean([a == b for a, b in zip(found.labels, columns["town"], strict=True)])


def test_arrays_train_as_their_file_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (50, 4))
    y = (x[:, 0] > 0).astype(int)
    np.savez("d.npz", x=x, y=y)
    Path("c.yaml").write_text("model: {name: mlp-np, hidden: [4]}\ndataset: {name: digits}\ntrain: {epochs: 2}\n")
    of_file = nnlab.train("c.yaml", dataset={"name": "arrays", "path": "d.npz"})
    for given in ({"data": (x, y)}, {"data": x, "target": y}, {"data": {"x": x, "y": y}}):
        run = nnlab.train("c.yaml", **given)
        assert run.summary["dataset"] == of_file.summary["dataset"]
        assert run.summary["metrics"] == of_file.summary["metrics"]
    assert run.evaluate(data=(x, y)).metrics == run.summary["metrics"]["test"]
    assert run.evaluate(data="d.npz").metrics == run.summary["metrics"]["test"]
    with pytest.raises(DataError, match="given in a notebook"):
        run.evaluate()
    kept = nnlab.train("c.yaml", data=(x, y), keep_data=True)
    assert kept.evaluate().metrics == kept.summary["metrics"]["test"]
    assert kept.reproduce().values["verdict"] == "BITWISE"


def test_seeds_of_a_frame_are_trained_here() -> None:
    Path("c.yaml").write_text(NO_PATH)
    runs = nnlab.train("c.yaml", data=FRAMES["pandas"](houses()), seeds="0-1")
    assert [run.config["seed"] for run in runs] == [0, 1]
    assert runs.scores["test_mse"].n == 2


def test_what_is_no_data_is_refused() -> None:
    Path("c.yaml").write_text(NO_PATH)
    with pytest.raises(ConfigError, match="keep_data"):
        nnlab.train("c.yaml", keep_data=True)
    with pytest.raises(ConfigError, match="ndarray without targets"):
        nnlab.train("c.yaml", data=np.zeros((3, 2)))
    with pytest.raises(ConfigError, match=r"dataset\.path is missing"):
        nnlab.train("c.yaml")
    frame = FRAMES["pandas"]({"a": [[1], [2]], "price": [1.0, 2.0]})
    with pytest.raises(DataError, match="column 'a' holds a list"):
        nnlab.train("c.yaml", data=frame)
    assert not Path("runs").exists()


STRANGE = {
    "whole": [1, 2, None, 4],
    "text": ["a", None, "b", " c "],
    "truth": [True, None, False, True],
    "fraction": [0.1, float("nan"), 1e-17, 12345678.9],
}


@EACH_KIND
def test_a_frame_is_the_table_that_its_own_file_is(kind: str) -> None:
    """What pandas and polars write themselves, read by us, holds the same cells as the frame."""
    frame = FRAMES[kind](STRANGE)
    if kind == "pandas":
        frame.to_csv("own.csv", index=False)
    else:
        frame.write_csv("own.csv")
    ours, theirs = DataFrame(frame).table(), read(Path("own.csv"))
    assert ours.names == theirs.names
    for name in ours.names:
        assert ours.kind(name) == theirs.kind(name)
        np.testing.assert_array_equal(ours.missing(name), theirs.missing(name))
    for name in ("whole", "truth", "fraction"):
        np.testing.assert_array_equal(ours.numbers(name), theirs.numbers(name))
    assert ours.texts("text").tolist() == theirs.texts("text").tolist()
    Path("kept.csv").write_bytes(DataFrame(frame).csv())
    kept = read(Path("kept.csv"))
    assert kept.texts("text").tolist() == ours.texts("text").tolist()
    np.testing.assert_array_equal(kept.numbers("fraction"), ours.numbers("fraction"))


@EACH_KIND
def test_truth_values_are_the_classes_that_the_frame_s_own_file_has(kind: str) -> None:
    frame = FRAMES[kind]({"a": [float(n % 5) for n in range(40)], "price": [n % 5 > 2 for n in range(40)]})
    Path("data").mkdir()
    if kind == "pandas":
        frame.to_csv("data/own.csv", index=False)
    else:
        frame.write_csv("data/own.csv")
    Path("c.yaml").write_text(NO_PATH)
    run = nnlab.train("c.yaml", data=frame)
    assert run.evaluate(data="data/own.csv").metrics == run.summary["metrics"]["test"]


@EACH_KIND
def test_a_test_split_beside_a_frame_is_used(kind: str) -> None:
    write(houses(seed=1, rows=20), Path("data/test.csv"))
    Path("c.yaml").write_text(NO_PATH.replace("target: price", "target: price, test_path: data/test.csv"))
    run = nnlab.train("c.yaml", data=FRAMES[kind](houses()))
    assert run.summary["dataset"]["test"] == 20


def test_what_was_beside_a_moved_file_has_moved_along() -> None:
    write(houses())
    write(houses(seed=1, rows=20), Path("data/test.csv"))
    Path("c.yaml").write_text(CONFIG.replace("target: price", "target: price, test_path: data/test.csv"))
    run = nnlab.train("c.yaml")
    Path("data").rename("elsewhere")
    assert run.evaluate(data=NOW).metrics == run.summary["metrics"]["test"]


@EACH_KIND
def test_dates_in_a_frame_are_dates(kind: str) -> None:
    from datetime import date, datetime

    frame = FRAMES[kind]({"day": [date(2024, 1, 31), date(2023, 2, 28)], "at": [datetime(2024, 1, 31, 5, 6), None]})
    table = DataFrame(frame).table()
    assert table.kind("day") == table.kind("at") == "date"
    assert table.dates("day", ["year", "day"]).tolist() == [[2024, 31], [2023, 28]]
    assert table.dates("at", ["hour", "minute"])[0].tolist() == [5, 6]
    assert table.missing("at").tolist() == [False, True]


def test_large_whole_numbers_keep_their_digits() -> None:
    numbers = [2**60 + 1, 2**60 + 2, 2**60 + 1]
    table = DataFrame(FRAMES["pandas"]({"label": numbers})).table()
    assert table.wholes("label") == numbers


def test_nothing_of_a_frame_is_loaded_by_importing_nnlab() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not is_frame(np.zeros((2, 2)))
        assert not is_frame({"a": [1]})

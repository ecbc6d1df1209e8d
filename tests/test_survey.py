"""datasets show TABLE and init TABLE: what a table would be read as, and a config that trains on it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnlab import experiment
from nnlab.errors import ConfigError, DataError
from nnlab.experiment.survey import config_for
from tests.conftest import Cli

pytestmark = pytest.mark.usefixtures("no_pictures")


def write(folder: Path, name: str = "houses.csv", rows: int = 60) -> Path:
    """A table with something of everything, and a price to predict."""
    rng = np.random.default_rng(0)
    lines = ["id,area,city,seen,garden,note,price"]
    for n in range(rows):
        area = rng.normal(110, 30)
        missing = "" if n == 7 else f"{area:.1f}"
        city, garden = ("Paris", "Rome")[n % 2], ("true", "false")[n % 3 == 0]
        lines.append(f"{1000 + n},{missing},{city},2024-{1 + n % 12:02}-15,{garden},note {n},{3000 * area:.0f}")
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def test_every_column_is_told_with_what_it_becomes(tmp_path: Path) -> None:
    found = experiment.survey(write(tmp_path), ["target=price"])
    columns = {column.name: column for column in found.columns}
    assert {name: column.kind for name, column in columns.items()} == {
        "id": "number",
        "area": "number",
        "city": "text",
        "seen": "date",
        "garden": "boolean",
        "note": "text",
        "price": "number",
    }
    assert columns["area"].missing == 1
    assert columns["city"].becomes == "2 features, one for each text"
    assert "an id" in columns["id"].becomes
    assert "60 different ones" in columns["note"].becomes
    assert columns["price"].becomes == "the target"
    assert found.rows == 60
    assert found.first[0][2] == "Paris"
    keys = {"missing": "median", "dates": ["year", "month", "day", "weekday"], "exclude": ["id", "note"]}
    assert keys.items() <= dict(found.keys).items()


def test_the_config_that_is_written_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = config_for(write(tmp_path), ["target=price"], tmp_path)
    assert "path: houses.csv\n" in text
    (tmp_path / "c.yaml").write_text(text)
    overrides = ["train.epochs=2", "model.name=mlp-np"]
    *_, last = experiment.train(experiment.resolve(tmp_path / "c.yaml", overrides), tmp_path / "runs")
    assert last.summary.status == "finished"
    names = last.summary.dataset.feature_names
    assert {"city=Paris", "seen.month", "garden", "area"} <= set(names)
    assert not {"id", "note"} & set(names)


def test_a_decimal_comma_is_found_where_semicolons_leave_no_doubt(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;price\n" + "".join(f"{n},5;{n % 7},25\n" for n in range(40)))
    found = experiment.survey(tmp_path / "t.csv", ["target=price"])
    assert found.keys["decimal"] == ","
    assert all(column.kind == "number" for column in found.columns)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        experiment.survey(tmp_path / "nowhere.csv", [])
    with pytest.raises(ConfigError, match="no such key"):
        experiment.survey(write(tmp_path), ["colour=red"])
    with pytest.raises(DataError, match="no column 'rent'"):
        experiment.survey(write(tmp_path), ["target=rent"])


def test_both_commands(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path)
    shown = cli("datasets", "show", "houses.csv", "target=price")
    assert shown.returncode == 0, shown.stderr
    assert "houses.csv: 60 rows" in shown.stdout
    assert "max_categories" not in shown.stdout
    assert "exclude: [id, note]" in shown.stdout
    document = json.loads(cli("datasets", "show", "houses.csv", "--json").stdout)
    assert document["rows"] == 60
    assert document["config"]["dataset"]["name"] == "csv"
    made = cli("init", "houses.csv", "--target", "price")
    assert (made.returncode, made.stdout) == (0, "houses.yaml\n")
    again = cli("init", "houses.csv", "--target", "price")
    assert again.returncode == 2
    assert "there is such a file already" in again.stderr
    for arguments in (("init", "houses.csv"), ("init", "no.csv", "--target", "a"), ("datasets", "show", "no.csv")):
        refused = cli(*arguments)
        assert refused.returncode == 2, arguments
        assert "error:" in refused.stderr
        assert "hint:" in refused.stderr


def test_points_between_thousands_are_found_beside_decimal_commas(tmp_path: Path) -> None:
    rows = "".join(f"{n},5;{1 + n % 9}.{n:03},25\n" for n in range(60))
    (tmp_path / "t.csv").write_text("a;price\n" + rows)
    found = experiment.survey(tmp_path / "t.csv", ["target=price"])
    assert (found.keys["decimal"], found.keys["thousands"]) == (",", ".")
    assert [column.kind for column in found.columns] == ["number", "number"]


def test_equally_frequent_texts_come_in_the_files_order_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("note,price\n" + "".join(f"note {n},{n}.5\n" for n in range(20)))
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "nnlab", "datasets", "show", "t.csv", "--json"]
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True, timeout=60)
        (note, _) = json.loads(done.stdout)["columns"]
        assert note["content"] == "note 0 (1), note 1 (1), note 2 (1), note 3 (1), note 4 (1), …"

"""The runs, show, rm and compare commands, on forged and on real runs."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from nnlab import rundir
from tests.run_fixtures import bad, forge, good, the_run


@pytest.fixture
def forged(tmp_path):
    """Three runs that were never trained."""
    forge(tmp_path / "runs", "20260101-000000-mlp-np-digits", test=0.5)
    forge(tmp_path / "runs", "20260102-000000-mlp-np-digits", test=0.75, lr=0.5)
    forge(tmp_path / "runs", "20260103-000000-ann-torch-mnist", data="mnist", sha256="b" * 64, model="ann-torch")
    return tmp_path / "runs"


def test_runs_lists_them_oldest_first_and_what_is_damaged_as_a_warning(cli, forged, tmp_path):
    (forged / "20260102-000000-mlp-np-digits" / "run.json").write_text("{")
    found = good(cli("runs"))
    rows = [line.split()[0] for line in found.stdout.splitlines() if line.startswith("2026")]
    assert rows == ["20260101-000000-mlp-np-digits", "20260103-000000-ann-torch-mnist"]
    assert "test accuracy 50.00 %" in found.stdout
    assert found.stderr.startswith("warning: runs/20260102-000000-mlp-np-digits/run.json: ")
    listed = json.loads(good(cli("runs", "--json")).stdout)
    assert [Path(run["path"]).name for run in listed] == rows
    nothing = good(cli("runs", "--runs-dir", tmp_path / "none"))
    assert nothing.stdout == ""
    assert "nnlab train" in nothing.stderr
    assert json.loads(good(cli("runs", "--runs-dir", tmp_path / "none", "--json")).stdout) == []


def test_show_finds_a_run_by_latest_path_and_unique_part(cli, forged, tmp_path):
    for wanted, name in (
        ("latest", "20260103-000000-ann-torch-mnist"),
        ("0102", "20260102-000000-mlp-np-digits"),
        ("ann-torch", "20260103-000000-ann-torch-mnist"),
        (forged / "20260101-000000-mlp-np-digits", "20260101-000000-mlp-np-digits"),
    ):
        shown = json.loads(good(cli("show", wanted, "--json")).stdout)
        assert shown["name"] == name
        assert shown["files"].keys() == {"config.yaml", "manifest.json", "metrics.csv", "run.json"}
    text = good(cli("show", "latest")).stdout
    assert "name: ann-torch" in text
    assert text.splitlines()[-1] == "runs/20260103-000000-ann-torch-mnist"
    bad(cli("show", "mlp-np"), 2, "2 runs in runs have this in their name", "20260101", "20260102")
    bad(cli("show", "cnn"), 2, "there is no such run", "latest")
    bad(cli("show", "latest", "--runs-dir", tmp_path / "none"), 2, "there are no runs", "nnlab train")


def test_show_of_a_real_run_has_its_result_config_and_files(here, cli):
    text = good(cli("show", "latest")).stdout
    run = the_run(here)
    assert (run / "config.yaml").read_text() in text
    for path in [path for path in run.rglob("*") if path.is_file()]:
        assert re.search(
            rf"^{re.escape(path.relative_to(run).as_posix())} +{path.stat().st_size:,}$", text, re.MULTILINE
        )


def test_rm_deletes_the_runs_that_are_named_and_no_others(cli, forged):
    gone = good(cli("rm", "0101", "latest", forged / "20260101-000000-mlp-np-digits"))
    assert gone.stdout == ""
    assert gone.stderr.count("deleted") == 2
    assert [path.name for path in forged.iterdir()] == ["20260102-000000-mlp-np-digits"]


def test_rm_refuses_all_where_one_cannot_be_deleted(cli, forged, tmp_path):
    (tmp_path / "folder").mkdir()
    forge(forged, "20260104-000000-x", status="running", test=None)
    forge(forged, "20260105-000000-y")
    (forged / "20260105-000000-y" / "run.json").write_text('{"scores": [1, 2]}')
    (forged / "link").symlink_to("20260101-000000-mlp-np-digits")
    before = sorted(forged.iterdir())
    bad(cli("rm"), 2, "no run is named")
    bad(cli("rm", "0101", "nothing"), 2, "there is no such run")
    bad(cli("rm", "0101", tmp_path / "folder"), 2, "there is no such run")
    bad(cli("rm", "mlp-np"), 2, "2 runs in runs")
    with rundir.RunDir(forged / "20260104-000000-x").locked():  # as a training does
        bad(cli("rm", "0101", "0104"), 2, "this run is still going", "--force")
    bad(cli("rm", "0105"), 2, "not a run's, or damaged", "--force")
    bad(cli("rm", forged / "link"), 2, "this is not a run directory")
    assert sorted(forged.iterdir()) == before
    good(cli("rm", "--force", "0104", "0105"))
    assert len(list(forged.iterdir())) == 4


def test_compare_ranks_the_best_first_and_other_data_apart(cli, forged, tmp_path):
    found = good(cli("compare"))
    assert found.stderr == ""
    titles = [line for line in found.stdout.splitlines() if "; data " in line]
    assert [title.partition(":")[0] for title in titles] == ["digits", "mnist"]
    rows = [line.split()[0] for line in found.stdout.splitlines() if line.startswith("2026")]
    assert [row[:8] for row in rows] == ["20260102", "20260101", "20260103"]
    assert "train.lr" in found.stdout
    assert "seed" not in found.stdout
    turned = good(cli("compare", "0101", "0102", "--sort", "-test_accuracy"))
    assert [line[:8] for line in turned.stdout.splitlines() if line.startswith("2026")] == ["20260101", "20260102"]
    data = json.loads(good(cli("compare", "--json")).stdout)
    assert [len(group["runs"]) for group in data["groups"]] == [2, 1]
    bad(cli("compare", "--sort", "speed"), 2, "there is no column 'speed'", "test_accuracy")
    bad(cli("compare", "--runs-dir", tmp_path / "none"), 2, "there are no runs", "nnlab train")


def test_compare_draws_curves_and_a_page(cli, forged, tmp_path):
    found = good(cli("compare", "--plot", "all.png", "--html", "all.html", "--json"))
    json.loads(found.stdout)
    assert found.stderr == "curves: all.png\ncurves: all-2.png\npage: all.html\n"
    for name in ("all.png", "all-2.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
    page = (tmp_path / "all.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<h2>") == 2
    bad(cli("compare", "--plot", "all.jpg"), 2, "pictures are PNG files")
    bad(cli("compare", "--html", "none/all.html"), 2, "none/all.html: cannot be written")
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "all.png", "all-2.png", "all.html"}


def test_nothing_in_a_run_directory_steers_the_terminal_or_is_read_as_markup(cli, tmp_path):
    evil = "[/x]\x1b[31m\x9b31m\u202e\x07[bold]:smile:\\"
    run = forge(tmp_path / "runs", "[x] [red] [bold]", data=evil, model=evil)
    (run.path / "config.yaml").write_text('model: {name: "[/x]\\e[31m"}\n"[/y]\\e": "\\e[31m"\n')
    for arguments in (["runs"], ["show", "latest"], ["compare"], ["show", "[x]"], ["eval", "latest"], ["show", evil]):
        shown = cli(*arguments)
        assert shown.returncode in (0, 2), shown.stderr
        assert "Traceback" not in shown.stderr
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown.stdout + shown.stderr)
        assert "[/x]" in shown.stdout + shown.stderr or "[x]" in shown.stdout + shown.stderr
    for arguments in (["runs", "--json"], ["show", "latest", "--json"], ["compare", "--json"]):
        shown = good(cli(*arguments)).stdout
        assert shown.isascii()
        assert json.dumps(evil) in shown

"""The report: one page that tells all of its runs, holds no markup but ours, and stays small."""

import hashlib
import html.parser
import json
import re
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nnlab import report as room
from nnlab.comparison import read_row
from nnlab.present.html import Html, element
from nnlab.report import compose as reports
from nnlab.report.first_layer import learning_of
from nnlab.report.images import STEPS, of_example, of_weights, shrunk
from nnlab.report.page import as_script_data
from nnlab.rundir import RunDir
from tests.conftest import ROOT
from tests.report_fixtures import ENDING, HOSTILE, forge_run, forged_data
from tests.run_fixtures import forge


class Reader(html.parser.HTMLParser):
    """What a browser makes of the page: elements, texts, and the data for the script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.text, self.data, self.inside = [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = "data" if dict(attrs).get("id") == "data" else tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "data":
            self.data += data
        elif self.inside not in ("script", "style"):
            self.text.append(data)

    def all(self, tag, **wanted):
        return [a for name, a in self.elements if name == tag and all(a.get(k) == v for k, v in wanted.items())]

    @property
    def words(self):
        return " ".join(self.text)


@pytest.fixture
def with_data(monkeypatch):
    """The data of each run is at hand."""
    monkeypatch.setattr(reports, "config_of", lambda run: None)
    monkeypatch.setattr(reports, "load_same_dataset", lambda run, *others: forged_data(run))


def read(*runs: RunDir) -> Reader:
    return Reader(room.report(runs)[0].decode())


def test_the_page_tells_the_story_in_order_without_its_script(tmp_path, with_data):
    a, b = forge_run(tmp_path, "a", test=0.9, lr=0.5), forge_run(tmp_path, "b", test=0.8, seed=1, loss=0.7, lr=0.1)
    page = read(a, b)
    order = ["a reaches a test accuracy of 90.00 %", "10.00 points ahead of b", "Curves", "How they differ", "train.lr"]
    order += ["Where it errs", "examples are wrong", "Worst-classified", "What it learnt", "Runs and environment"]
    story = page.words[page.words.index(" Result ") :]
    places = [story.index(text) for text in order]
    assert places == sorted(places)
    pictures = page.all("img")
    assert all(picture["src"].startswith("data:image/png;base64,") and picture["alt"] for picture in pictures)
    assert len(pictures) > 10
    (data,) = json.loads(page.data)
    assert [entry["name"] for entry in data["curves"]["entries"]] == ["a", "b"]
    assert data["curves"]["entries"][0]["columns"]["step"] == list(range(10, 101, 10))
    assert [frame["title"] for frame in data["learnt"]["run-0-0"]["frames"]][:2] == [
        "epoch 0, step 0",
        "epoch 0.5, step 10",
    ]


def test_headings_and_tables_are_in_order(tmp_path, with_data):
    page = read(forge_run(tmp_path, "a"), forge_run(tmp_path, "b", classes=()))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_no_text_of_a_run_becomes_markup(tmp_path, with_data):
    texts = {"classes": (HOSTILE, ENDING, "ok"), "data": ENDING, "lr": json.dumps(HOSTILE)}
    good = forge_run(tmp_path, "plain", **texts)
    bad = forge_run(tmp_path, HOSTILE, **texts, model=json.dumps(ENDING, ensure_ascii=False))
    values = forge_run(tmp_path, "v", classes=(), shape=(2,), feature_names=(HOSTILE, ENDING), target_name=ENDING)
    page = read(good, bad, values)
    assert len(page.all("script")) == 2
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert {a["src"][:11] for a in page.all("img")} == {"data:image/"}
    assert HOSTILE in page.words
    assert ENDING.replace("\u202e", "\\u202e").replace("\u202c", "\\u202c") in page.words
    assert json.loads(page.data)[0]["curves"]["entries"][1]["name"] == HOSTILE


def test_the_page_names_no_address_and_its_policy_allows_none(tmp_path):
    text = room.report([forge_run(tmp_path, "a")])[0].decode()
    assert "://" not in text
    assert not re.search(r"<(link|iframe|object|base)\b|@import|\bfetch\(|XMLHttpRequest|innerHTML\s*=\s*[a-z]", text)
    (policy,) = [a["content"] for a in Reader(text).all("meta") if "http-equiv" in a]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "Copyright (c) 2022 Leon Sorokin" in text


@pytest.mark.parametrize("content", [ENDING, "<!--", "\u2028\u2029", "]]>", HOSTILE])
def test_data_cannot_end_its_script(content):
    text = as_script_data({content: [content, 1.5, None]})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {content: [content, 1.5, None]}


def test_elements_escape_all_that_is_no_element():
    made = element("p", "<b>", element("i", "&"), class_="x", data_name='"><script>', hidden=None, open=True)
    assert made == '<p class="x" data-name="&quot;&gt;&lt;script&gt;" open>&lt;b&gt;<i>&amp;</i></p>'
    assert element("td", "a\x00\x1b\u202e\ud800") == "<td>a\\x00\\x1b\\u202e\\ud800</td>"
    assert isinstance(made, Html)


def test_five_runs_of_a_hundred_epochs_on_mnist_stay_under_a_megabyte(tmp_path, with_data):
    size = {"shape": (28, 28), "classes": tuple("0123456789"), "rows": 10_000, "points": 1200, "frames": 14}
    runs = [forge_run(tmp_path, f"{n}", **size, units=25, seed=n, lr=n + 1) for n in range(5)]
    html, warnings = room.report(runs)
    assert warnings == []
    assert len(html) < 1_000_000
    (data,) = json.loads(Reader(html.decode()).data)
    assert all(len(learnt["frames"]) >= 8 for learnt in data["learnt"].values())  # of noise, which packs worst
    assert len(data["learnt"]) == 5


def test_many_runs_are_all_compared_and_the_best_looked_at(tmp_path, with_data):
    runs = [forge_run(tmp_path, f"r{n:02}", test=n / 40, lr=n + 1, points=100) for n in range(25)]
    html, _ = room.report(runs)
    page = Reader(html.decode())
    assert len(html) < 1_000_000
    assert len(page.all("details", **{"class": "panel"})) == reports.MOST_PANELS
    assert "The best 10; 15 more are in the tables above only." in page.words
    assert "r00" in page.words


def test_runs_on_other_data_are_in_no_table_or_chart_together(tmp_path, with_data):
    runs = [forge_run(tmp_path, "a"), forge_run(tmp_path, "b", data="other", sha256="b" * 64)]
    page = read(*runs)
    assert [[e["name"] for e in group["curves"]["entries"]] for group in json.loads(page.data)] == [["a"], ["b"]]
    assert len(page.all("section", **{"aria-labelledby": "group-1"})) == 1
    assert "Runs on other data are not compared with each other." in page.words


def test_seeds_of_one_config_are_one_line_with_a_band(tmp_path, with_data):
    runs = [forge_run(tmp_path, f"20261124-00000{n}-ann", seed=n, test=0.9 + n / 100) for n in range(3)]
    page = read(*runs)
    (entry,) = json.loads(page.data)[0]["curves"]["entries"]
    assert entry["name"] == "ann (n=3)"
    assert {"loss_sd", "score_sd", "train_sd"} <= set(entry["columns"])
    assert entry["every"] is None
    assert "91.00 ± 1.00 %" in page.words
    assert "Of its 3 runs this is 20261124-000000-ann." in page.words


def test_without_the_data_the_report_says_so_and_is_made(tmp_path):
    html, warnings = room.report([forge_run(tmp_path, "a", data="no-such-data")])
    page = Reader(html.decode())
    assert "Inputs cannot be shown" in page.words
    assert "Worst-classified" in page.words
    assert len(warnings) == 1
    assert "inputs cannot be shown" in warnings[0]


def test_a_run_with_nothing_but_its_summary_is_told_of(tmp_path):
    page = read(forge(tmp_path, "a", test=None, status="failed", curve=False))
    assert "None of these runs has been evaluated yet" in page.words
    assert "None of these runs has a score yet." in page.words
    assert "There are no predictions of a test split: a run that is failed has not predicted it yet." in page.words
    assert "The run kept no frames while it trained, and its weights are not there" in page.words


def test_a_run_of_before_frames_shows_its_last_weights(tmp_path):
    run = forge_run(tmp_path, "a", frames=0)
    run.weights.write({"10.weight": np.eye(3), "2.weight": np.ones((9, 64), np.float32)})
    page = read(run)
    assert "only its last weights are shown" in page.words
    (picture,) = [a for a in page.all("img") if "data-weights" in a]
    assert picture["alt"] == "First-layer weights, 9 units, epoch 2, step 20"
    assert not page.all("input", type="range")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("frames/000000000010.safetensors", b"x", "What it learnt cannot be read"),
        ("predictions.npz", b"x", "Its predictions cannot be read"),
        ("metrics.csv", b"x", "None of these runs has been evaluated yet"),
        ("losses.npy", b"x", "Training loss"),
        ("env.json", b"x", "missing or damaged"),
    ],
)
def test_what_is_damaged_is_said_in_its_place(tmp_path, with_data, file, content, said):
    run = forge_run(tmp_path, "a")
    (run.path / file).write_bytes(content)
    page = read(run)
    assert said in page.words
    assert "Runs and environment" in page.words


def test_frames_of_different_nets_do_not_belong_together(tmp_path, with_data):
    run, other = forge_run(tmp_path, "a"), forge_run(tmp_path, "b", units=5)
    name = "frames/000000000010.safetensors"
    (run.path / name).write_bytes((other.path / name).read_bytes())
    assert "the frames of this run do not belong together" in read(run).words


def test_a_regression_shows_residuals_and_its_worst_rows(tmp_path, with_data):
    run = forge_run(tmp_path, "a", classes=(), shape=(2,), feature_names=("age", "height"), target_name="price")
    page = read(run)
    drawings = [a["aria-label"] for a in page.all("svg", role="img")]
    assert drawings == [
        "predicted price over true price, 30 examples; the dashed line is where they are exact",
        "predicted − true over predicted price, 30 examples; the dashed line is where they are exact",
    ]
    assert {"Worst-predicted", "age", "height"} <= set(page.text)
    assert "First-layer weights: a row for each unit" in page.words


@pytest.mark.parametrize(
    ("shape", "kind"), [((4,), "table"), ((300,), "sheet"), ((3, 8, 8), "picture"), ((64, 64), "picture")]
)
def test_first_layers_of_every_kind_of_input_are_shown(tmp_path, shape, kind):
    found = learning_of(read_row(forge_run(tmp_path, "a", shape=shape)), 100_000, None)
    assert found is not None
    assert found.kind == kind
    assert all(picture.startswith("data:image/png") for picture in found.pictures)
    assert (len(found.pictures) == 4) == (kind != "table")


def test_weights_that_diverged_are_drawn(tmp_path, with_data):
    run = forge_run(tmp_path, "a")
    run.weights.write({"weight": np.full((9, 64), np.nan, np.float32)})
    summary = json.loads((run.path / "run.json").read_text()) | {"steps": 1000}
    run.json.write(summary)
    assert "What it learnt" in read(run).words


def test_pictures_are_small_and_on_one_scale():
    ramp = np.linspace(-1, 1, 2 * STEPS + 1).reshape(1, 1, -1)
    assert len(of_weights(ramp, 1.0)) < 400
    assert shrunk(np.ones((2, 64, 48))).shape == (2, 32, 24)
    assert shrunk(np.ones((2, 1, 100))).shape == (2, 1, 25)
    assert of_example(np.zeros((3, 5, 5))).startswith("data:image/png;base64,")


def test_the_command_writes_one_file_and_prints_its_path(tmp_path, cli, digits):
    trained = cli("train", digits, "train.epochs=3", "-q")
    assert trained.returncode == 0
    done = cli("report")
    assert (done.returncode, done.stdout, done.stderr) == (0, "report.html\n", "")
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    assert "Worst-classified" in page.words
    assert len([a for a in page.all("img") if a["alt"].startswith("Test example")]) > 3
    refused = cli("report", "nothing", "-o", "b.html")
    assert refused.returncode == 2
    assert "there is no such run" in refused.stderr
    for output in ("runs", "none/report.html"):
        found = cli("report", "latest", "-o", output)
        assert found.returncode == 2
        assert "cannot be written" in found.stderr
    assert not (tmp_path / "b.html").exists()


def test_too_many_runs_to_read_are_refused_unless_they_are_named(tmp_path, cli):
    for number in range(31):
        forge(tmp_path / "runs", f"r{number}", curve=False)
    done = cli("report")
    assert done.returncode == 2
    assert "there are 31 runs here" in done.stderr


def test_a_wheel_brings_all_that_the_page_is_made_of(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if "No module named hatchling" in done.stderr:
        pytest.skip("needs hatchling, which builds the wheel")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    there = set(zipfile.ZipFile(wheel).namelist())
    needed = [
        path for path in (ROOT / "nnlab/report").rglob("*") if path.suffix in (".js", ".css") or path.name == "LICENSE"
    ]
    assert len(needed) > 6
    assert {path.relative_to(ROOT).as_posix() for path in needed} <= there


def test_the_chart_library_is_as_it_was_published():
    library = (Path(room.__file__).parent / "uplot/uPlot.iife.min.js").read_bytes()
    assert b"(v1.6.32)" in library[:80]
    assert hashlib.sha256(library).hexdigest() == "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"

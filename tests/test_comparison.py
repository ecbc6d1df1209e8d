"""Comparisons: grouped by data, best first, only what differs, and safe with whatever a run directory holds."""

import html.parser
import json
from pathlib import Path

import numpy as np
import pytest

from nnlab import comparison
from nnlab.comparison import overview
from nnlab.comparison.comparable import why_not
from nnlab.comparison.curves import overlay, pictures
from nnlab.comparison.listing import BASELINE, as_json, as_text, lines_of
from nnlab.errors import ConfigError, RunError
from nnlab.present.values import Format
from nnlab.rundir import RunDir
from tests.run_fixtures import forge


def names(group):
    return [row.name for row in group.rows]


def test_the_best_come_first_and_runs_without_a_score_last(tmp_path):
    forge(tmp_path, "middle", test=0.8)
    forge(tmp_path, "failed", test=None, status="failed", seconds=None)
    forge(tmp_path, "best", test=0.95)
    forge(tmp_path, "running", test=None, status="running", seconds=0.0, curve=False)
    forge(tmp_path, "worst", test=0.1)
    (group,) = comparison.compare([RunDir(path) for path in sorted(tmp_path.iterdir())]).groups
    assert names(group) == ["best", "middle", "worst", "failed", "running"]
    assert group.ranked_by == "test_accuracy"
    assert [row.status for row in group.rows][3:] == ["failed", "died"]


def test_regression_is_ranked_by_the_smallest_loss(tmp_path):
    found = [forge(tmp_path, str(loss), test=loss, task="regression") for loss in (0.5, 0.01, 20.0)]
    (group,) = comparison.compare(found).groups
    assert names(group) == ["0.01", "0.5", "20.0"]
    assert group.columns == ("test_loss", "test_r2", "train_loss", "train_r2")


def test_a_score_that_is_not_finite_is_no_score(tmp_path):
    runs = [forge(tmp_path, "good", test=0.1), forge(tmp_path, "spoilt")]
    summary = json.loads((tmp_path / "spoilt" / "run.json").read_text())
    summary["metrics"]["test"]["accuracy"] = None
    (tmp_path / "spoilt" / "run.json").write_text(json.dumps(summary))
    (group,) = comparison.compare(runs).groups
    assert names(group) == ["good", "spoilt"]


def test_runs_on_other_data_are_never_ranked_together(tmp_path):
    runs = [
        forge(tmp_path, "a", test=0.7),
        forge(tmp_path, "b", test=0.99, data="mnist", sha256="b" * 64),
        forge(tmp_path, "c", test=0.8),
        forge(tmp_path, "d", test=0.9, sha256="c" * 64),
        forge(tmp_path, "e", test=0.2, task="regression"),
    ]
    groups = comparison.compare(runs).groups
    assert [names(group) for group in groups] == [["c", "a"], ["b"], ["d"], ["e"]]
    assert "mnist" in groups[1].data.title
    assert "data bbbbbbbbbbbb" in groups[1].data.title
    assert "20 test examples" in groups[1].data.title


def test_only_what_differs_is_shown(tmp_path):
    runs = [forge(tmp_path, "a", lr=0.1, seed=1), forge(tmp_path, "b", lr=1e-5, seed=1)]
    (group,) = comparison.compare(runs).groups
    assert group.differing == ["train.lr"]
    assert {row.name: row.config["train.lr"] for row in group.rows} == {"a": "0.1", "b": "1.0e-05"}


def test_the_model_is_named_and_threads_only_where_they_tell_runs_of_one_model_apart(tmp_path):
    two = [forge(tmp_path, "a", model="mlp-np", threads=1), forge(tmp_path, "b", model="ann-torch", threads=2)]
    assert comparison.compare(two).groups[0].differing == ["model"]
    three = [*two, forge(tmp_path, "c", model="mlp-np", threads=4)]
    assert comparison.compare(three).groups[0].differing == ["model", "threads"]


def test_a_run_named_twice_is_compared_once(tmp_path):
    run = forge(tmp_path, "a")
    (tmp_path / "link").symlink_to("a")
    (group,) = comparison.compare([run, run, RunDir(tmp_path / "." / "a"), RunDir(tmp_path / "link")]).groups
    assert names(group) == ["a"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("test_accuracy", "cab"),
        ("-test_accuracy", "bac"),
        ("test_loss", "bac"),
        ("-test_loss", "cab"),
        ("seconds", "acb"),
        ("-seconds", "bca"),
        ("train.lr", "cba"),
        ("-train.lr", "abc"),
        ("name", "abc"),
        ("-name", "cba"),
        ("seed", "abc"),
        ("model", "abc"),
    ],
)
def test_any_column_can_be_sorted_by_and_a_hyphen_turns_the_order_round(tmp_path, sort, order):
    runs = [
        forge(tmp_path, "a", test=0.5, loss=0.5, seconds=1.0, lr=10),
        forge(tmp_path, "b", test=0.1, loss=0.1, seconds=100.0, lr=0.5),
        forge(tmp_path, "c", test=0.9, loss=0.9, seconds=20.0, lr=1e-3),
    ]
    (group,) = comparison.compare(runs, sort).groups
    assert "".join(names(group)) == order


def test_a_column_of_one_group_can_be_sorted_by_where_other_groups_lack_it(tmp_path):
    runs = [forge(tmp_path, "a"), forge(tmp_path, "b"), forge(tmp_path, "c", sha256="b" * 64)]
    for name, hidden in (("a", "[9]"), ("b", "[3]")):
        with (tmp_path / name / "config.yaml").open("a") as file:
            file.write(f"extra:\n  width: {hidden[1]}\n")
    groups = comparison.compare(runs, "extra.width").groups
    assert [names(group) for group in groups] == [["b", "a"], ["c"]]


@pytest.mark.parametrize("sort", ["accuracy", "lr", "-", "test_", "--seed"])
def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path, sort):
    with pytest.raises(ConfigError, match="there is no column") as found:
        comparison.compare([forge(tmp_path, "a")], sort)
    assert "test_accuracy" in found.value.hint
    assert "train.lr" in found.value.hint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b"{"),
        ("run.json", b'{"schema_version": 1}'),
        ("config.yaml", b"a: [\n"),
        ("config.yaml", b"a: !!python/name:os.system\n"),
        ("config.yaml", b"\xff"),
    ],
)
def test_a_damaged_run_is_left_out_with_a_warning(tmp_path, name, content):
    runs = [forge(tmp_path, "a"), forge(tmp_path, "b")]
    (tmp_path / "b" / name).write_bytes(content)
    found = comparison.compare(runs)
    assert [names(group) for group in found.groups] == [["a"]]
    assert len(found.warnings) == 1
    assert name in found.warnings[0]


def test_where_no_run_is_left_that_is_told(tmp_path):
    with pytest.raises(RunError, match="no runs to compare"):
        comparison.compare([])
    (tmp_path / "a").mkdir()
    with pytest.raises(RunError, match="no runs to compare"):
        comparison.compare([RunDir(tmp_path / "a")])


def test_as_json_is_plain_data_with_all_that_the_table_shows(tmp_path):
    runs = [forge(tmp_path, "a", lr=0.5), forge(tmp_path, "b", lr=0.1, test=None, status="failed")]
    data = json.loads(json.dumps(as_json(comparison.compare(runs))))
    (group,) = data["groups"]
    assert group["ranked_by"] == "test_accuracy"
    assert group["differing"] == ["train.lr"]
    assert group["runs"][0] == {
        "name": "a",
        "path": str(tmp_path / "a"),
        "status": "finished",
        "config": {"train.lr": "0.5"},
        "metrics": {"test_loss": 0.5, "test_accuracy": 0.9, "train_loss": 0.5, "train_accuracy": 0.9},
        "seconds": 1.0,
        "marks": [],
    }
    assert group["runs"][1]["metrics"] == {}


class Page(html.parser.HTMLParser):
    """Collects what a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_escapes_all_text_and_needs_nothing_else(tmp_path):
    bad = "<script>alert(1)</script>&{x}"
    runs = [forge(tmp_path, "a<b>&{0}", data="<img src=x onerror=y>", lr=f"'{bad}'")]
    runs.append(forge(tmp_path, "b", data="<img src=x onerror=y>", model="<b>odd"))
    page = Page()
    page.feed(overview.page(comparison.compare(runs)))
    assert {"table", "img", "h2"} <= {tag for tag, _ in page.tags}
    assert not {"script", "b", "link", "iframe", "svg"} & {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert bad in page.text
    assert "a<b>&{0}" in page.text
    links = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert len(links) == 1
    assert links[0].startswith("data:image/png;base64,")


def test_pictures_are_one_png_a_group(tmp_path):
    runs = [
        forge(tmp_path, "a", test=0.7),
        forge(tmp_path, "b $\\frac{x}$ _^ [/x]", test=0.9),
        forge(tmp_path, "c", task="regression", data="<b>"),
        forge(tmp_path, "d", sha256="d" * 64, curve=False),
    ]
    drawn = list(pictures(comparison.compare(runs), Path("out/all.png")))
    assert [path for path, _ in drawn] == [Path("out/all.png"), Path("out/all-2.png")]
    assert all(content.startswith(b"\x89PNG\r\n") for _, content in drawn)


def test_curves_that_cannot_be_read_are_left_out_of_the_picture(tmp_path):
    runs = [forge(tmp_path, name) for name in "abcdef"]
    (tmp_path / "b" / "metrics.csv").unlink()
    (tmp_path / "c" / "metrics.csv").write_text("test_accuracy\n0.5\n")
    (tmp_path / "d" / "metrics.csv").write_text("step,test_accuracy,test_loss\n1,0.5,0.2\n")
    (tmp_path / "e" / "metrics.csv").write_text("")
    (tmp_path / "f" / "metrics.csv").write_text("step,epoch,train_loss,test_loss,test_accuracy,seconds\n1,1,1,1,1,1\n2")
    found = comparison.compare(runs)
    assert overlay(found.groups[0]).startswith(b"\x89PNG")
    (tmp_path / "a" / "metrics.csv").unlink()
    (tmp_path / "f" / "metrics.csv").write_text("")
    assert overlay(found.groups[0]) is None


def test_hundreds_of_runs_are_compared(tmp_path):
    runs = [forge(tmp_path, f"{number:03}", test=number / 300, seed=number, curve=False) for number in range(300)]
    (group,) = comparison.compare(runs).groups
    assert names(group) == [f"{number:03}" for number in reversed(range(300))]
    assert group.differing == ["seed"]


def test_odd_but_honest_summaries_are_compared(tmp_path):
    run = forge(tmp_path, "a")
    summary = json.loads((run.path / "run.json").read_text())
    summary["dataset"] = {"name": None}
    summary["seconds"] = {}
    summary["metrics"] = {"test": {"loss": 1, "accuracy": None}}
    (run.path / "run.json").write_text(json.dumps(summary))
    (group,) = comparison.compare([run]).groups
    assert group.rows[0].values == {"test_loss": 1.0}
    assert group.rows[0].seconds is None


def test_without_a_test_split_only_runs_scored_on_the_same_examples_are_ranked_together(tmp_path):
    for name, changes in {
        "a": {"train": 100, "test": 0},
        "b": {"train": 100, "test": 0},
        "c": {"train": 50, "test": 0},
        "d": {"train": 90, "val": 10, "test": 0},
        "e": {"train": 90, "val": 10, "test": 0},
    }.items():
        run = forge(tmp_path, name, seed=1 if name == "e" else 0)
        summary = run.summary().to_json()
        summary["dataset"] |= changes
        summary["metrics"]["test"] = None
        run.json.write(summary)
    groups = comparison.compare([RunDir(tmp_path / name) for name in "abcde"], each=True).groups
    assert sorted([row.name for row in group.rows] for group in groups) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert {group.data.scored for group in groups} == {
        "100 train examples",
        "50 train examples",
        "10 val examples of 100, seed 0",
        "10 val examples of 100, seed 1",
    }


def test_nothing_to_draw_is_said(tmp_path):
    run = forge(tmp_path, "a", curve=False)
    with pytest.raises(RunError, match="has a curve to draw"):
        list(pictures(comparison.compare([run]), tmp_path / "x.png"))


HASHES = {"train": "1" * 64, "val": None, "test": "2" * 64}


def edit(run: RunDir, *, config: str = "", **changes: object) -> RunDir:
    """The run with other facts of its data in run.json, and more lines in its config."""
    summary = run.summary().to_json()
    for key, value in changes.items():
        (summary["dataset"] if key != "baselines" else summary).update({key: value})
    run.json.write(summary)
    if config:
        path = run.path / "config.yaml"
        path.write_text(path.read_text().replace("train:\n", f"{config}train:\n", 1))
    return run


def baseline(accuracy: float) -> dict[str, dict[str, dict[str, float]]]:
    return {"majority class": {"test": {"loss": 1.0, "accuracy": accuracy}}}


def test_each_entry_stands_beside_its_own_baseline(tmp_path):
    small = edit(forge(tmp_path, "small", test=0.8), baselines=baseline(0.5), config="  limit: 6\n")
    whole = edit(forge(tmp_path, "whole", test=0.7), baselines=baseline(0.9))
    found = comparison.compare([small, whole])
    (group,) = found.groups
    assert group.differing == ["dataset.limit"]
    assert group.baselines == {}
    lines = lines_of(group)
    assert [line.name for line in lines] == ["small", "majority class, for small", "whole", "majority class, for whole"]
    assert [line.values["test_accuracy"].mean for line in lines] == [0.8, 0.5, 0.7, 0.9]
    entries = as_json(found)["groups"][0]["entries"]
    assert [entry["baselines"]["majority class"]["test_accuracy"] for entry in entries] == [0.5, 0.9]
    for text in (overview.page(found), *(as_text(found, form) for form in Format if form is not Format.json)):
        assert text.index("majority class, for small") < text.index("majority class, for whole")


def test_a_baseline_that_all_share_is_shown_once_and_one_that_is_known_not_to_be_shared_is_not(tmp_path):
    runs = [edit(forge(tmp_path, name, lr=ord(name)), baselines=baseline(0.5), examples=HASHES) for name in "ab"]
    runs.append(edit(forge(tmp_path, "without", lr=1), examples=HASHES))
    (group,) = comparison.compare(runs).groups
    assert group.baselines["majority class"]["test_accuracy"] == 0.5
    assert [line.status for line in lines_of(group)] == ["finished"] * 3 + [BASELINE]
    edit(runs[-1], examples={**HASHES, "train": "3" * 64})
    (group,) = comparison.compare(runs).groups
    assert group.baselines == {}
    assert "majority class, for without" not in [line.name for line in lines_of(group)]


def test_over_seeds_an_entry_has_the_mean_of_its_runs_own_baselines(tmp_path):
    runs = [edit(forge(tmp_path, f"x-seed{s}", seed=s), baselines=baseline(0.4 + s / 5)) for s in range(2)]
    (group,) = comparison.compare(runs).groups
    assert group.baselines["majority class"]["test_accuracy"] == pytest.approx(0.5)


def test_a_key_that_one_run_lacks_differs_but_not_one_that_its_model_cannot_have(tmp_path):
    runs = [
        edit(forge(tmp_path, "a"), config="  limit: 6\n"),
        forge(tmp_path, "b"),
        forge(tmp_path, "c", model="ann-torch"),
    ]
    path = runs[2].path / "config.yaml"
    path.write_text(path.read_text().replace("name: ann-torch", "name: ann-torch\n  hidden: [3]"))
    (group,) = comparison.compare(runs).groups
    assert group.differing == ["model", "dataset.limit"]
    path = runs[1].path / "config.yaml"
    path.write_text(path.read_text().replace("  lr: 0.1", "  lr: 0.1\n  momentum: 0.9"))
    assert "train.momentum" in comparison.compare(runs).groups[0].differing
    path.write_text(path.read_text().replace("  lr: 0.1", "  lr: 0.1\n  optimizer: sgd"))
    adam = runs[0].path / "config.yaml"
    adam.write_text(adam.read_text().replace("  lr: 0.1", "  lr: 0.1\n  optimizer: adam"))
    differing = comparison.compare(runs[:2]).groups[0].differing
    assert "train.momentum" not in differing
    assert "train.optimizer" in differing


def groups_of(*runs):
    return sorted(sorted(names(group)) for group in comparison.compare(runs).groups)


def test_runs_are_ranked_together_only_where_the_very_examples_that_score_them_are_the_same(tmp_path):
    a = edit(forge(tmp_path, "a"), examples=HASHES)
    b = edit(forge(tmp_path, "b"), examples={**HASHES, "test": "4" * 64})
    other_file = edit(forge(tmp_path, "c", sha256="c" * 64, data="arrays"), examples={**HASHES, "train": "5" * 64})
    assert groups_of(a, b, other_file) == [["a", "c"], ["b"]]
    titles = {group.data.title for group in comparison.compare([a, b]).groups}
    assert {title.rpartition(", ")[2] for title in titles} == {f"examples {'2' * 12}", f"examples {'4' * 12}"}
    assert why_not(*map(comparison.read_row, (a, other_file))) is None
    reason = why_not(*map(comparison.read_row, (a, b)))
    assert reason == "other test examples: they are as many, and their SHA-256 differs"
    group = next(group for group in comparison.compare([a, other_file]).groups)
    (remark,) = group.remarks
    assert "not all trained on the same examples" in remark
    assert as_json(comparison.compare([a, other_file]))["groups"][0]["remarks"] == [remark]
    assert remark in overview.page(comparison.compare([a, other_file]))


def test_scored_on_what_it_was_trained_on_another_split_seed_is_another_group(tmp_path):
    runs = []
    for seed in (1, 2):
        run = forge(tmp_path, f"old{seed}")
        runs.append(edit(run, test=0, train=60, config=f"  test_fraction: 0.0\n  split_seed: {seed}\n"))
    assert groups_of(*runs) == [["old1"], ["old2"]]
    assert "dataset.split_seed differs" in why_not(*map(comparison.read_row, runs))
    for seed, run in enumerate(runs):
        edit(run, examples={"train": str(seed) * 64, "val": None, "test": None})
    assert groups_of(*runs) == [["old1"], ["old2"]]


def test_runs_that_keep_no_hashes_join_those_that_do_where_all_else_is_the_same(tmp_path):
    new, old = edit(forge(tmp_path, "new"), examples=HASHES), forge(tmp_path, "old", lr=1)
    apart = edit(forge(tmp_path, "apart", lr=2), config="  split_seed: 7\n")
    assert groups_of(old, new, apart) == [["apart"], ["new", "old"]]
    assert why_not(*map(comparison.read_row, (old, new))) is None


def test_seeds_fold_though_each_draws_its_own_val_split(tmp_path):
    runs = []
    for seed in range(3):
        hashes = {"train": f"{seed}" * 64, "val": f"{seed + 4}" * 64, "test": "2" * 64}
        runs.append(edit(forge(tmp_path, f"x-seed{seed}", seed=seed), val=10, train=70, examples=hashes))
    (group,) = comparison.compare(runs).groups
    assert len(group.entries) == 1
    assert group.remarks == []
    for run in runs:
        edit(run, test=0)
    (entry,) = comparison.compare(runs).groups[0].entries
    assert entry.data.scored == "10 val examples of 80, seeds 0, 1, 2"
    assert len(comparison.compare(runs, each=True).groups) == 3


def test_runs_with_the_same_losses_to_the_bit_are_pointed_out(tmp_path, cli):
    runs = [forge(tmp_path / "runs", name, lr=lr) for name, lr in (("a", 1), ("b", 2), ("c", 3))]
    for number, run in enumerate(runs):
        run.losses.write(np.arange(5.0) + (number == 2))
        run.write_manifest()
    (group,) = comparison.compare(runs).groups
    (remark,) = group.remarks
    assert remark == "a and b have the same losses to the bit: a copy, or the same config trained twice"
    assert remark in cli("compare").stdout.splitlines()
    assert comparison.compare(runs[1:]).groups[0].remarks == []
    (runs[0].path / "manifest.json").write_text("{")
    assert comparison.compare(runs).groups[0].remarks == []

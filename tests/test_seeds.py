"""Seeds: several runs of one config, each an ordinary one, folded wherever runs are shown."""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlab
from nnlab import comparison, experiment, rundir
from nnlab.cli.follow import check_ended
from nnlab.comparison.entries import Spread
from nnlab.comparison.groups import read_rows
from nnlab.errors import ConfigError, Interrupted, TrainingError
from nnlab.experiment.events import Ended, Finished, Finishing, Notice, Started, Working
from nnlab.experiment.jobs import jobs_of_seeds, read_seeds
from nnlab.experiment.wire import from_line, to_line
from nnlab.rundir import RunDir
from nnlab.standing import Standing
from tests.conftest import Cli
from tests.run_fixtures import bad, forge, good, posix


def test_the_seeds_of_a_config_are_ordinary_runs_that_are_folded_everywhere(cli: Cli, digits: Path, tmp_path: Path):
    made = good(cli("train", digits, "--seeds", "0-1", "train.epochs=4"))
    paths = [line for line in made.stdout.splitlines() if line.startswith("runs/")]
    names = [Path(path).name for path in paths]
    assert [name[-6:] for name in names] == ["-seed0", "-seed1"]
    (stem,) = {name.removesuffix(name[-6:]) for name in names}
    assert "mean ± sd" in made.stdout
    assert "(n=2)" in made.stdout
    assert "majority class" in made.stdout
    assert made.stderr.splitlines()[0].startswith("training 2 seeds, ")
    assert sum(line.startswith("seed ") and "test accuracy" in line for line in made.stderr.splitlines()) == 2

    told = [rundir.RunDir(tmp_path / path).summary().group for path in paths]
    assert [group.varied for group in told] == [{"seed": 0}, {"seed": 1}]
    assert len({group.id for group in told}) == 1

    alone = tmp_path / good(cli("train", "-q", digits, "seed=1", "train.epochs=4", "--name", "x")).stdout.strip()
    for name in ("weights.safetensors", "losses.npy", "config.yaml"):
        assert (alone / name).read_bytes() == (tmp_path / paths[1] / name).read_bytes()

    lines = [line for line in good(cli("runs")).stdout.splitlines() if "finished" in line]
    assert [line.split()[0] for line in lines] == [stem, alone.name]  # the same seed again is no fourth
    listed = good(cli("runs", "--each")).stdout
    assert all(name in listed for name in names)
    assert "(n=2)" in lines[0]
    good(cli("rm", "-y", alone))
    (row,) = [line for line in good(cli("compare")).stdout.splitlines() if stem in line]
    assert row.split()[1] == "0,1"
    shown = good(cli("show", stem)).stdout
    assert "(n=2)" in shown
    assert "test accuracy, 2 seeds" in shown
    assert shown.splitlines()[-2:] == paths
    assert json.loads(good(cli("show", stem, "--json")).stdout)["groups"][0]["entries"][0]["n"] == 2
    document = json.loads(good(cli("compare", stem, "--format", "json")).stdout)
    (group,) = document["groups"]
    (entry,) = group["entries"]
    assert entry["seeds"] == [0, 1]
    scores = [run["metrics"]["test_accuracy"] for run in group["runs"]]
    assert entry["metrics"]["test_accuracy"]["mean"] == pytest.approx(sum(scores) / 2)
    assert {"majority class", "logistic regression, scikit-learn"} == set(group["baselines"])


def seeded(folder: Path, start: str, seeds: str, **keys: object) -> list[RunDir]:
    """Forged runs of a config that were started together."""
    return [forge(folder, f"{start}-seed{seed}", seed=int(seed), **keys) for seed in seeds.split(",")]


def folded(runs: list[RunDir]) -> list[tuple[str, str]]:
    """Name and seeds of each entry."""
    rows, _ = read_rows(runs)
    return [(entry.name, entry.config["seed"]) for entry in comparison.fold(rows)]


def test_seeds_join_where_they_are_new_and_runs_started_together_stay_together(tmp_path: Path):
    first = seeded(tmp_path, "20260101-000000-a-digits", "0,1,2")
    second = seeded(tmp_path, "20260102-000000-a-digits", "0,1,2")
    assert folded([*first, *second]) == [("20260101-000000-a-digits", "0-2"), ("20260102-000000-a-digits", "0-2")]
    more = seeded(tmp_path, "20260103-000000-a-digits", "3,4")
    assert folded([*first, *more]) == [("20260101-000000-a-digits-seed0 and 4 more", "0-4")]
    stray = forge(tmp_path, "20251231-000000-a-digits", seed=1)
    assert folded([stray, *first]) == [("20251231-000000-a-digits", "1"), ("20260101-000000-a-digits", "0-2")]
    other = seeded(tmp_path, "20260104-000000-b-digits", "10,9", lr=0.5)
    assert folded([*first, *other])[1] == ("20260104-000000-b-digits", "9,10")


def test_the_group_that_a_run_names_says_what_it_was_started_with_whatever_it_is_called(tmp_path: Path):
    runs = seeded(tmp_path, "20260101-000000-a-digits", "0,1,2,3")
    more = [forge(tmp_path, f"20260102-00000{seed}-b", seed=seed) for seed in range(2)]
    for run, group in zip([*runs, *more], ["a" * 16, "b" * 16, "a" * 16, "b" * 16, "b" * 16, "a" * 16], strict=True):
        summary = run.summary().to_json()
        run.json.write({**summary, "group": {"id": group, "varied": {"seed": summary["seed"]}}})
    assert [seeds for _, seeds in folded([*runs, *more])] == ["0-2", "0,1,3"]


def test_only_finished_runs_of_one_config_on_one_data_are_folded(tmp_path: Path):
    runs = [
        forge(tmp_path, "a", seed=0),
        forge(tmp_path, "b", seed=1),
        forge(tmp_path, "failed", seed=2, status="failed", test=None),
        forge(tmp_path, "data", seed=3, sha256="b" * 64),
        forge(tmp_path, "threads", seed=4, threads=2),
        forge(tmp_path, "task", seed=5, task="regression"),
    ]
    assert [seeds for _, seeds in folded(runs)] == ["0,1", "2", "3", "4", "5"]


def test_mean_and_deviation_are_those_of_a_sample(tmp_path: Path):
    import statistics

    scores = [0.5, 0.75, 0.8]
    runs = [forge(tmp_path, f"r{seed}", seed=seed, test=score) for seed, score in enumerate(scores)]
    (entry,) = comparison.compare(runs).groups[0].entries
    spread = entry.values["test_accuracy"]
    assert (spread.mean, spread.sd, spread.n) == (statistics.fmean(scores), statistics.stdev(scores), 3)
    assert spread.shown("test_accuracy") == "68.33 ± 16.07 % (n=3)"
    assert Spread(0.979299, 0.0006, 5).shown("test_accuracy") == "97.93 ± 0.06 % (n=5)"
    assert Spread(0.27601, 0.00123, 5).shown("test_loss") == "0.2760 ± 0.0012 (n=5)"
    assert Spread(1234.5, 67.0, 2).shown("test_loss") == "1234 ± 67 (n=2)"
    assert Spread(0.5, 0.0, 2).shown("test_loss") == "0.5 ± 0 (n=2)"


def test_a_name_that_all_seeds_share_means_them_all_and_no_other(cli: Cli, tmp_path: Path):
    seeded(tmp_path / "runs", "20260101-000000-a-digits", "0,1,2")
    seeded(tmp_path / "runs", "20260102-000000-a-digits", "0,1", lr=0.5)
    assert len(comparison.select(tmp_path / "runs", "0101")) == 3
    bad(cli("compare", "a-digits"), 2, "5 runs in runs have this in their name")
    assert "(n=3)" in good(cli("compare", "0101")).stdout
    assert len(comparison.compare(comparison.select(tmp_path / "runs", "0102"), each=True).groups[0].entries) == 2


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-4", [0, 1, 2, 3, 4]), ("0,3,7", [0, 3, 7]), ("5", [5]), ("8, 1-2", [8, 1, 2])]
)
def test_seeds_are_ranges_and_lists(text: str, seeds: list[int]):
    assert read_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "4-0", "a", "1-", "-1", "1,,2", "1,1", "0-3,2", "0-1000000000", "1.5", "٣"])
def test_what_is_no_list_of_seeds_is_refused(text: str):
    with pytest.raises(ConfigError, match="`seeds`"):
        read_seeds(text)


def test_mistakes_are_found_before_any_process_starts(cli: Cli, digits: Path, tmp_path: Path):
    bad(cli("train", digits, "--seeds", "0-2", "seed=1"), 2, "--seeds and seed=")
    bad(cli("train", digits, "--seeds", "0-2", "--jobs", "0"), 2, "--jobs: given 0")
    bad(cli("train", digits, "--jobs", "2"), 2, "--jobs goes with --seeds")
    bad(cli("train", digits, "--seeds", "0-2", "train.lr=x"), 2, "command line: train.lr=x")
    assert not (tmp_path / "runs").exists()


def test_a_seed_that_fails_leaves_the_others_and_says_why(cli: Cli, tmp_path: Path):
    (tmp_path / "line.yaml").write_text(
        "model: {name: mlp-np, hidden: []}\ndataset: {name: car-prices}\ntrain: {steps: 9, lr: 1.0e+6}\n"
    )
    failed = cli("train", "line.yaml", "--seeds", "0,1", "-q")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "seed 0: error: the loss became" in failed.stderr
    assert "error: 2 of 2 seeds failed: 0, 1" in failed.stderr
    with pytest.raises(TrainingError, match="2 of 2 seeds failed"):
        nnlab.train(tmp_path / "line.yaml", seeds=range(2), runs_dir=tmp_path / "other")


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_seeds_where_they_can_be_resumed(digits: Path, tmp_path: Path, number: int, code: int):
    command = [sys.executable, "-m", "nnlab", "train", str(digits), "train.epochs=100000", "--seeds", "0-1", "--jobs=2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if sum((run.path / "losses.npy").exists() or bool(run.metrics.read()["step"]) for run in begun(tmp_path)) == 2:
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said.count("interrupted; go on with it: nnlab resume runs/") == 2
    assert [run.summary().status for run in begun(tmp_path)] == ["interrupted", "interrupted"]
    assert all(run.checkpoint_state() is not None for run in begun(tmp_path))


def begun(folder: Path, runs: str = "runs") -> list[RunDir]:
    """The runs that have a table of metrics."""
    return [run for run in rundir.all_runs(folder / runs) if (run.path / "metrics.csv").exists()]


def test_a_notebook_gets_all_seeds_and_shows_them(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    runs = nnlab.train(digits, seeds=[2, 1], train__epochs=1)
    assert [run.summary["seed"] for run in runs] == [2, 1]
    assert len(runs[:1]) == 1
    assert runs.scores["test_accuracy"].n == 2
    shown = runs._repr_html_()
    assert "(n=2)" in shown
    assert "<img " in shown
    assert "majority class" in runs[0]._repr_html_()
    stem = runs[0].path.name.removesuffix("-seed2")
    for named in ([stem], [runs], list(runs)):
        assert [entry.name for entry in nnlab.compare(named).groups[0].entries] == [stem]


def test_events_are_lines_of_json(cli: Cli, digits: Path):
    made = good(cli("train", digits, "train.epochs=2", "--events"))
    events = [json.loads(line) for line in made.stdout.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]
    assert events[0]["steps"] == events[-2]["step"] == 90
    assert "test accuracy" in events[-2]["text"]
    assert made.stderr == ""
    bad(cli("train", digits, "--events", "-q"), 2, "--quiet and --events each say")


def test_events_come_back_as_they_were_told(tmp_path: Path, digits: Path):
    run = nnlab.train(digits, train__epochs=1, runs_dir=tmp_path)
    directory = RunDir(run.path)
    started = Started(directory, 0, 45, 100, "cpu", 1, "test")
    for event in (Notice("a\nb\u2028\x1b[0m"), Working("…"), Finishing(), Ended(143, "error: it\n"), started):
        line = to_line(event)
        assert line.count("\n") == 1
        assert vars(from_line(line)).keys() == vars(event).keys()
        if event is not started:
            assert from_line(line) == event
    again = from_line(to_line(started))
    assert isinstance(again, Started)
    assert (again.run.path, again.steps, again.watched) == (run.path, 45, "test")
    found = from_line(to_line(Finished(directory, directory.summary())))
    assert isinstance(found, Finished)
    assert found.summary == directory.summary()
    record = Standing(
        45,
        1.0,
        losses=np.ones(45),
        train_loss=0.5,
        metrics={"loss": math.nan, "accuracy": 0.25},
        scores=np.ones((3, 2)),
    )
    back = from_line(to_line(record, "text"))
    assert isinstance(back, Standing)
    assert (back.step, back.train_loss, back.metrics) == (45, 0.5, {"loss": None, "accuracy": 0.25})
    assert back.losses.shape == (0,)


@posix
def test_what_was_begun_is_named_though_the_signal_came_before_it_was_heard_of(tmp_path: Path, digits: Path):
    jobs = jobs_of_seeds(digits, ["train.epochs=100000"], "0-1", tmp_path, at_once=2)
    events = experiment.train_jobs(jobs)
    next(event for event in events if isinstance(event, tuple))  # one has begun
    while len(begun(tmp_path, "")) < 2 or not all(run.metrics.read()["step"] for run in begun(tmp_path, "")):
        time.sleep(0.05)
    told = [events.throw(Interrupted(signal.SIGTERM))]
    with pytest.raises(Interrupted):
        told.extend(events)
    started = [event for _, event in filter(None, told) if isinstance(event, Started)]
    ended = [event for _, event in filter(None, told) if isinstance(event, Ended)]
    assert len(started) == 1
    assert [event.code for event in ended] == [143, 143]


@posix
def test_a_worker_that_dies_is_said_and_leaves_the_others(
    tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    started: list[subprocess.Popen[str]] = []

    def start(*given: Any, **more: Any) -> subprocess.Popen[str]:
        started.append(popen(*given, **more))
        return started[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    keys = ["train.epochs=100000", "train.checkpoint_every=45"]
    jobs = jobs_of_seeds(digits, keys, "0-1", tmp_path, at_once=2)
    ended = {}
    events = experiment.train_jobs(jobs)
    for event in events:
        if isinstance(event, tuple):
            job, told = event
            if isinstance(told, Started) and job == jobs.each[0]:
                started[0].send_signal(signal.SIGKILL)
            elif isinstance(told, Standing) and told.step > 45 and job == jobs.each[1]:  # there is a checkpoint
                started[1].send_signal(signal.SIGTERM)
            elif isinstance(told, Ended):
                ended[job.title] = told
    assert {title: end.code for title, end in ended.items()} == {"seed 0": -9, "seed 1": 143}
    first, second = (ended[title].run for title in ("seed 0", "seed 1"))
    assert first is not None
    assert second is not None
    assert first.summary().status == "died"
    assert second.summary().status == "interrupted"
    with pytest.raises(TrainingError, match="2 of 2 seeds failed: 0, 1"):
        check_ended([(job, ended[job.title]) for job in jobs.each])
    assert capsys.readouterr().err.splitlines() == [
        "seed 0: error: it ended with exit code -9",
        f"seed 1: interrupted; go on with it: nnlab resume {second.path}",
    ]
    *_, last = experiment.resume(second, epochs=math.ceil(second.summary().epochs) + 1)
    assert isinstance(last, Finished)
    assert second.summary().group == jobs.each[1].group

"""Run directories: files appear whole or not at all, damage is named, and nothing but a run is ever deleted."""

import hashlib
import json
import math
import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nnlab import rundir
from nnlab.errors import RunError
from nnlab.rundir import RunDir, folder
from nnlab.rundir.directory import MAX_TEXT_BYTES
from nnlab.rundir.directory import SUMMARY as SUMMARY_
from nnlab.rundir.ours import is_ours
from nnlab.standing import Best

SUMMARY = {
    "schema_version": 1,
    "status": "finished",
    "name": "a",
    "model": "mlp-np",
    "dataset": {"name": "digits", "sha256": "0" * 64, "train": 5, "val": 0, "test": 2},
    "task": "classification",
    "metrics": {"train": {"loss": 0.5, "accuracy": 1.0}, "val": None, "test": None},
    "seconds": {"total": 1.0, "train": 0.5, "eval": 0.5},
}


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "runs" / "a"
    path.mkdir(parents=True)
    found = RunDir(path)
    found.json.write(SUMMARY)
    return found


# Writing


def test_a_file_is_written_whole_and_nothing_stays_beside_it(run):
    run.write("x.txt", b"old and long")
    run.write("x.txt", b"new")
    assert (run.path / "x.txt").read_bytes() == b"new"
    assert sorted(run.files()) == ["run.json", "x.txt"]


def test_where_a_file_cannot_be_finished_the_old_one_stays_and_nothing_else(run, monkeypatch):
    run.write("x.txt", b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.write("x.txt", b"new")
    assert (run.path / "x.txt").read_bytes() == b"old"
    assert sorted(os.listdir(run.path)) == ["run.json", "x.txt"]  # noqa: PTH208


def test_an_interrupt_while_writing_leaves_the_old_file(run, monkeypatch):
    run.write("x.txt", b"old")

    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.write("x.txt", b"new")
    assert sorted(os.listdir(run.path)) == ["run.json", "x.txt"]  # noqa: PTH208


def test_json_has_no_words_for_nan_and_infinity(run):
    run.environment.write({"a": math.nan, "b": [math.inf, 1.5, (-math.inf,)], "c": "ü"})
    assert json.loads((run.path / "env.json").read_text("utf-8")) == {"a": None, "b": [None, 1.5, [None]], "c": "ü"}


def test_weights_and_arrays_read_back_as_they_were(run):
    weights = {"0.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T, "0.bias": np.array([np.pi, -0.0])}
    run.weights.write(weights)
    found = run.weights.read()
    assert sorted(found) == sorted(weights)
    for name, array in weights.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == np.ascontiguousarray(array).tobytes()
    run.predictions.write({"scores": np.eye(2), "targets": np.array([0, 1])})
    assert sorted(run.predictions.read()) == ["scores", "targets"]


def test_an_array_of_objects_is_never_pickled(run):
    with pytest.raises(ValueError, match="pickle"):
        run.losses.write(np.array([object()]))
    assert not run.losses.there()


def test_numbers_in_metrics_read_back_as_the_same_bits(run):
    values = [0.1 + 0.2, 1e-300, math.pi, math.inf, np.float32(0.1)]
    run.metrics.write(b"step,a,b,c,d,e\n")
    run.append_metrics([3, *values])
    run.append_metrics([4, *values])
    found = run.metrics.read()
    assert found["step"] == [3.0, 4.0]
    assert [found[name][0] for name in "abcde"] == [float(value) for value in values]
    assert (run.path / "metrics.csv").read_text().splitlines()[1].startswith("3,0.30000000000000004,1e-300,")


def test_the_manifest_has_the_hash_of_every_other_file(run):
    (run.path / "checkpoint").mkdir()
    (run.path / "checkpoint" / "x.bin").write_bytes(b"abc")
    run.write_manifest()
    found = run.manifest.read().sha256
    assert sorted(found) == ["checkpoint/x.bin", "run.json"]
    assert found["checkpoint/x.bin"] == hashlib.sha256(b"abc").hexdigest()


# Making


def test_a_runs_name_is_the_time_the_model_the_dataset_and_a_name_of_ones_own(tmp_path):
    made = rundir.create(tmp_path / "new" / "runs", "mlp-np", "digits", "my.run_1")
    assert made.path.parent == tmp_path / "new" / "runs"
    time, rest = made.name[:15], made.name[15:]
    assert time[8] == "-"
    assert time.replace("-", "").isdecimal()
    assert rest == "-mlp-np-digits-my.run_1"


def test_runs_made_in_the_same_second_are_numbered_and_none_is_given_out_twice(tmp_path, monkeypatch):
    class Frozen(folder.datetime):
        @classmethod
        def now(cls):
            return cls(2026, 11, 23, 10, 15, 3)

    monkeypatch.setattr(folder, "datetime", Frozen)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: rundir.create(tmp_path, "m", "d"), range(24)))
    stem = "20261123-101503-m-d"
    assert {run.name for run in made} == {stem, *(f"{stem}-{number}" for number in range(2, 25))}


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "-x", "a\n", "ü", "x" * 101, "a\0b"])
def test_a_name_that_is_not_fit_for_a_directory_is_refused(tmp_path, name):
    with pytest.raises(RunError, match="`name`: given"):
        rundir.create(tmp_path / "runs", "m", "d", name)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("inside", ["file", "file/runs"])
def test_a_file_in_the_place_of_the_runs_folder_is_told(tmp_path, inside):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="no run directory can be made here") as found:
        rundir.create(tmp_path / inside, "m", "d")
    assert found.value.hint


# Reading damaged ones


def read_summary(run):
    return run.summary()


def read_metrics(run):
    return run.metrics.read()


def read_weights(run):
    return run.weights.read()


def read_arrays(run):
    return run.predictions.read()


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("run.json", b"", read_summary),
        ("run.json", b"{", read_summary),
        ("run.json", b"[]", read_summary),
        ("run.json", b"\xff", read_summary),
        ("run.json", b"[" * 100_000, read_summary),
        ("run.json", b"9" * 10_000, read_summary),
        ("run.json", b"{}", read_summary),
        ("run.json", b'{"schema_version": 2}', read_summary),
        ("metrics.csv", b"", read_metrics),
        ("metrics.csv", b"\xff\n", read_metrics),
        ("metrics.csv", b"step,loss\n1\n2,3\n", read_metrics),
        ("metrics.csv", b"step,loss\n1,x\n2,3\n", read_metrics),
        ("metrics.csv", b"step,loss\n1,2,3\n2,3\n", read_metrics),
        ("metrics.csv", b"step," + b"x" * 200_000 + b"\n1,2\n", read_metrics),
        ("metrics.csv", b"step\n1\0\n2\n", read_metrics),
        ("weights.safetensors", b"", read_weights),
        ("weights.safetensors", b"\xff" * 100, read_weights),
        ("weights.safetensors", b"\x02\0\0\0\0\0\0\0[]", read_weights),
        ("predictions.npz", b"", read_arrays),
        ("predictions.npz", b"PK\x03\x04" + b"x" * 100, read_arrays),
        ("predictions.npz", b"\x80\x04N.", read_arrays),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_a_damaged_file_is_named(run, name, content, read):
    (run.path / name).write_bytes(content)
    with pytest.raises(RunError) as found:
        read(run)
    assert str(run.path / name) in found.value.message
    assert found.value.exit_code == 2


@pytest.mark.parametrize("read", [read_metrics, read_weights, read_arrays])
def test_a_missing_file_is_named(run, read):
    with pytest.raises(RunError, match="there is no such file"):
        read(run)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"status": None}, "status"),
        ({"name": 3}, "name"),
        ({"metrics": []}, "metrics"),
        ({"metrics": {"test": [1]}}, "metrics.test"),
        ({"metrics": {"test": {"loss": "low"}}}, "metrics.test.loss"),
        ({"dataset": "digits"}, "dataset"),
        ({"dataset": {"train": "many"}}, "dataset.train"),
        ({"dataset": {"shape": 8}}, "dataset.shape"),
        ({"seconds": {"total": "long"}}, "seconds.total"),
        ({"steps": "all"}, "steps"),
        ({"epochs": []}, "epochs"),
        ({"best": 3}, "best"),
    ],
)
def test_a_key_of_another_type_in_run_json_is_named(run, change, key):
    run.json.write({**SUMMARY, **change})
    with pytest.raises(RunError, match=f"run.json: {key} is missing or not what it should be"):
        run.summary()


def test_flipped_bits_and_lost_ends_never_end_in_anything_but_a_run_error(run):
    run.weights.write({"a": np.ones((3, 4), np.float32), "b": np.zeros(3)})
    run.predictions.write({"scores": np.ones((5, 3)), "targets": np.zeros(5, np.int64)})
    run.metrics.write(b"step,epoch,train_loss\n")
    run.append_metrics([1, 0.5, 0.25])
    dice = random.Random(0)
    for name, read in (
        ("weights.safetensors", read_weights),
        ("predictions.npz", read_arrays),
        ("metrics.csv", read_metrics),
        ("run.json", read_summary),
    ):
        whole = (run.path / name).read_bytes()
        for _ in range(150):
            damaged = bytearray(whole)
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
            (run.path / name).write_bytes(damaged[: dice.choice([len(damaged), dice.randrange(len(damaged))])])
            try:
                read(run)
            except RunError as error:
                assert name in error.message  # noqa: PT017


def test_a_last_line_of_metrics_that_was_cut_short_is_left_out(run):
    whole = "step,epoch,train_loss\n1,0.5,0.75\n2,1.0,0.5\n"
    for length in range(whole.index("2,1.0"), len(whole)):
        (run.path / "metrics.csv").write_text(whole[:length])
        assert run.metrics.read() == {"step": [1.0], "epoch": [0.5], "train_loss": [0.75]}
    (run.path / "metrics.csv").write_text(whole)
    assert run.metrics.read()["step"] == [1.0, 2.0]


def test_metrics_of_a_run_before_its_first_evaluation_are_empty_columns(run):
    run.metrics.write(b"step,loss\n")
    assert run.metrics.read() == {"step": [], "loss": []}


def test_links_folders_and_pipes_are_refused_without_waiting(run, tmp_path):
    (tmp_path / "secret.csv").write_text("step\n1\n")
    (run.path / "metrics.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(RunError, match="not a plain file"):
        run.metrics.read()
    (run.path / "weights.safetensors").mkdir()
    with pytest.raises(RunError, match="not a plain file"):
        run.weights.read()
    if hasattr(os, "mkfifo"):
        os.mkfifo(run.path / "predictions.npz")
        with pytest.raises(RunError, match="not a plain file"):
            run.predictions.read()
    assert sorted(run.files()) == ["run.json"]


def test_a_file_larger_than_it_can_be_is_refused_unread(run):
    with (run.path / "run.json").open("wb") as file:
        file.truncate(MAX_TEXT_BYTES * 100)
    with pytest.raises(RunError, match="more than the"):
        run.summary()


# Finding and removing


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "run.json").write_text(json.dumps(SUMMARY))
    return folder


def test_runs_come_oldest_first_with_numbers_as_numbers(tmp_path):
    names = ["20260101-000000-a", "20260101-000000-a-2", "20260101-000000-a-10", "20260102-000000-a", "x²", "²", "x-1²"]
    runs = made(tmp_path / "runs", *reversed(names))
    found = [run.name for run in rundir.all_runs(runs)]
    assert found[:4] == names[:4]
    assert sorted(found[4:]) == sorted(names[4:])


def test_only_folders_with_a_run_json_are_runs(tmp_path):
    runs = made(tmp_path / "runs", "a", "b")
    (runs / "empty").mkdir()
    (runs / "file").write_text("")
    (runs / "link").symlink_to("a")
    assert [run.name for run in rundir.all_runs(runs)] == ["a", "b"]
    assert rundir.all_runs(tmp_path / "none") == []


def test_a_run_is_found_by_path_latest_name_or_part_of_it(tmp_path, monkeypatch):
    runs = made(tmp_path / "runs", "20260101-mlp", "20260102-mlp", "20260103-mlp-2", "20260103-mlp")
    assert rundir.find(runs, str(runs / "20260101-mlp")).path == runs / "20260101-mlp"
    assert rundir.find(runs, "latest").name == "20260103-mlp-2"
    assert rundir.find(runs, "0102").name == "20260102-mlp"
    assert rundir.find(runs, "20260103-mlp").name == "20260103-mlp"  # whole names go before parts
    monkeypatch.chdir(runs)
    assert rundir.find(Path("elsewhere"), "20260101-mlp/").path == Path("20260101-mlp")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("mlp", "3 runs in .* have this in their name"),
        ("cnn", "there is no such run"),
        ("", "there is no such run"),
        ("/", "there is no such run"),
        ("x" * 5000, "there is no such run"),
        ("[/x]", "there is no such run"),
    ],
)
def test_what_means_no_run_or_several_is_told_with_names_to_choose_from(tmp_path, wanted, message):
    runs = made(tmp_path / "runs", "20260101-mlp", "20260102-mlp", "20260103-mlp")
    with pytest.raises(RunError, match=message) as found:
        rundir.find(runs, wanted)
    assert "20260101-mlp" in found.value.hint


def test_where_there_are_no_runs_the_way_to_one_is_shown(tmp_path):
    with pytest.raises(RunError, match="there are no runs") as found:
        rundir.find(tmp_path, "latest")
    assert "nnlab train" in found.value.hint


def test_a_run_is_removed_and_nothing_else(tmp_path):
    runs = made(tmp_path / "runs", "a", "b")
    (tmp_path / "kept.txt").write_text("x")
    (runs / "a" / "link").symlink_to(tmp_path)
    assert rundir.remove(RunDir(runs / "a")) == (["run.json"], ["link"])
    assert [path.name for path in (runs / "a").iterdir()] == ["link"]
    rundir.remove(RunDir(runs / "b"))
    assert sorted(path.name for path in runs.iterdir()) == ["a"]
    assert (tmp_path / "kept.txt").exists()


def test_everything_in_a_run_is_removed_and_nothing_behind_a_link(tmp_path):
    runs = made(tmp_path / "runs", "a", "b")
    (tmp_path / "kept.txt").write_text("x")
    (runs / "a" / "link").symlink_to(tmp_path)
    rundir.remove(RunDir(runs / "a"), everything=True)
    assert sorted(path.name for path in runs.iterdir()) == ["b"]
    assert (tmp_path / "kept.txt").exists()


@pytest.mark.parametrize("base", ["run.json", "checkpoint/state.json", "frames/000000000012.safetensors", "loss.png"])
def test_nnlabs_names_are_told_from_others(base):
    folder, _, name = base.rpartition("/")
    place = f"{folder}/" if folder else ""
    assert is_ours(base)
    assert is_ours(f"{place}.{name}.tmp")
    for other in (
        f"inner/{base}",
        f"{base}/x",
        f"{place}x{name}",
        f"{base}.bak",
        f"{place}{name.upper()}",
        f"../{base}",
    ):
        assert not is_ours(other), other


def test_a_folder_that_is_no_run_and_a_link_to_one_are_not_removed(tmp_path):
    runs = made(tmp_path / "runs", "a")
    (tmp_path / "folder").mkdir()
    (runs / "link").symlink_to(runs / "a")
    for path in (tmp_path / "folder", runs / "link", tmp_path / "missing", runs / "a" / "run.json"):
        with pytest.raises(RunError, match="this is not a run directory"):
            rundir.remove(RunDir(path))
    assert (runs / "a" / "run.json").exists()
    assert (tmp_path / "folder").exists()


def test_a_run_found_as_the_working_directory_has_its_name(tmp_path, monkeypatch):
    run = rundir.create(tmp_path, "m", "d")
    run.json.write(SUMMARY)
    monkeypatch.chdir(run.path)
    assert rundir.find(tmp_path, ".").name == run.name
    rundir.remove(rundir.find(tmp_path, "."))
    assert not run.path.exists()


# Read while another process writes


def test_a_file_that_goes_while_files_are_listed_is_left_out(run, monkeypatch):
    (run.path / "checkpoint").mkdir()
    (run.path / "checkpoint" / "1.safetensors").write_bytes(b"x")
    walk = RunDir._walk

    def and_then_it_goes(self):
        for path in walk(self):
            if path.name == "1.safetensors":
                path.unlink()
                path.parent.rmdir()
            yield path

    monkeypatch.setattr(RunDir, "_walk", and_then_it_goes)
    assert sorted(run.files()) == ["run.json"]


def test_a_run_that_ends_while_it_is_looked_at_has_not_died(run, monkeypatch):
    run.json.write({**SUMMARY, "status": "running"})

    def ended_just_now(path):
        run.json.write(SUMMARY)
        return False

    monkeypatch.setattr("nnlab.rundir.lock.held", ended_just_now)
    assert run.summary().status == "finished"


# What run.json says


def test_what_run_json_says_is_written_again_as_it_was(run):
    """Also what an older version did not write yet, and what this one does not know."""
    written = {**SUMMARY, "award": {"first": [1, None]}, "dataset": {"of": 3, **SUMMARY["dataset"], "scale": 1}}
    for content in (SUMMARY, written, {**written, "best": None, "steps": 3, "epochs": 1}):
        run.json.write(content)
        before = run.read(SUMMARY_)
        run.json.write(run.summary().to_json())
        assert run.read(SUMMARY_) == before


def test_what_is_put_into_a_summary_is_written(run):
    found = replace(run.summary(), steps=7, best=Best(5, 0.5, "val_accuracy", 0.25))
    run.json.write(found.to_json())
    best = {"step": 5, "epoch": 0.5, "metric": "val_accuracy", "value": 0.25}
    assert run.json.read() == {**SUMMARY, "steps": 7, "best": best}
    assert replace(run.summary(), keys=()) == replace(found, dataset=run.summary().dataset, keys=())


@pytest.mark.parametrize("change", [{"seed": True}, {"steps": 2**60}, {"dataset": {"std": [0.0]}}, {"status": "died"}])
def test_what_no_run_writes_is_refused(run, change):
    run.json.write({**SUMMARY, **change})
    with pytest.raises(RunError, match="is missing or not what it should be"):
        run.summary()

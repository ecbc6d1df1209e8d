"""Damage: files of runs are flipped, cut, blotted and grown; verify names each one, and all else reads or refuses."""

import json
import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from nnlab import comparison, experiment, rundir
from nnlab.comparison import overview
from nnlab.errors import Interrupted, NnlabError
from nnlab.experiment import pictures
from nnlab.experiment.reproduce import latest_of
from nnlab.rundir import RunDir
from nnlab.rundir.directory import CONFIG, MANIFEST, METRICS
from nnlab.rundir.summary import DIED
from tests.predicting import predict
from tests.reliability.children import few_pictures
from tests.reliability.finding import Finding
from tests.reliability.processes import answer, start_worker
from tests.reliability.starts import STAMP
from tests.reliability.twins import differing, outcome

GOAL = (
    "10,000 damaged files (flip, cut, zeroed block): all found and named by `verify`, 0 tracebacks anywhere; "
    "metrics.csv cut at every byte of its last three lines: the whole rows are read, resume ends bitwise"
)
SEED = 20261123
TRIALS, WORKERS, READERS = 10_000, 2, 25
"""Every 25th damaged run is read in all other ways too; in a quick round one of 60."""
TRAIN = """\
train: {steps: 18, batch_size: 20, eval_every: 4, checkpoint_every: 10, optimizer: adam, lr: 0.01}
threads: 1
"""
CONFIGS = {
    "classes": "model: {name: mlp-np, hidden: [8]}\ndataset: {name: digits, limit: 60, val_fraction: 0.2}\n" + TRAIN,
    "straight": "model: {name: logreg-np}\ndataset: {name: digits, limit: 40}\n" + TRAIN.replace("adam", "sgd"),
    "values": "model: {name: mlp-np, hidden: [4]}\ndataset: {name: car-prices}\n" + TRAIN,
    "died": "model: {name: mlp-np, hidden: [8]}\ndataset: {name: digits, limit: 60}\n" + TRAIN.replace("4", "2"),
    "torch": "model: {name: linreg-torch}\ndataset: {name: car-prices}\n" + TRAIN,
}
INPUTS = {"classification": ",".join("1" * 64), "regression": "5"}
Change = Callable[[random.Random, bytearray], None]


def measure(full: bool, folder: Path) -> Finding:
    """Trials in workers, or some in this process, and the cuts of a run that was killed."""
    with mock.patch.object(pictures, "of_training", few_pictures):
        dying = start_worker("damage", folder, "die")
        runs = _make(folder, full)
        if full:
            _died(dying, folder)
            started = [start_worker("damage", folder, "try", number, TRIALS // WORKERS) for number in range(WORKERS)]
            cuts, cut_failures = _cuts(folder, 1)
            answers = [answer(worker, 3000) for worker in started]
        else:
            answers = [(try_out(runs, random.Random(SEED), 60, 60), "")]
            _died(dying, folder)
            cuts, cut_failures = _cuts(folder, 61)
    failures = [error for _, error in answers if error] + cut_failures
    found: list[dict[str, Any]] = [one for one, _ in answers if one]
    failures += [failure for one in found for failure in one["failures"]]
    kinds, files = (sum((Counter(one[key]) for one in found), Counter[str]()) for key in ("kinds", "files"))
    read = sum(one["read"] for one in found)
    text = (
        f"{kinds.total():,} damaged files and {cuts:,} cuts of metrics.csv, {read:,} readings otherwise: "
        f"{len(failures):,} cases against it"
    )
    notes = [", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) for counts in (kinds, files)]
    return Finding(GOAL, text, failures, notes)


# Real runs


def _resolved(folder: Path, name: str) -> Any:
    path = folder / f"{name}.yaml"
    path.write_text(CONFIGS[name])
    return experiment.resolve(path)


def _make(folder: Path, full: bool) -> list[RunDir]:
    """Finished runs, one that was stopped, and one that was stopped and resumed to its end."""
    (folder / "runs").mkdir()
    for name in ("classes", "straight", "values", *(["torch"] if full else [])):
        _ended(experiment.train(_resolved(folder, name), folder / "runs", name))
    _ended(experiment.resume(_stopped(folder, "classes", "resumed", 7)))
    _stopped(folder, "classes", "stopped", 13)
    return _listed(folder / "runs")


def _listed(runs: Path) -> list[RunDir]:
    """All runs, in an order that does not depend on when each began."""
    return sorted(rundir.all_runs(runs), key=lambda run: run.name[STAMP:])


def _ended(events: Any) -> RunDir:
    *_, last = events
    run: RunDir = last.run
    return run


def _stopped(folder: Path, config: str, name: str, step: int, killed: bool = False) -> RunDir:
    """A run that a signal stopped after this step."""
    events = experiment.train(_resolved(folder, config), folder / ("died" if killed else "runs"), name)
    for event in events:
        if isinstance(event, experiment.Started):
            run = event.run
        elif getattr(event, "step", 0) >= step:
            if killed:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                events.throw(Interrupted(2))
            except Interrupted:
                return run
    raise AssertionError("it ended before it could be stopped")


def _died(process: Any, folder: Path) -> RunDir:
    """The run of a worker that killed itself."""
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    (run,) = rundir.all_runs(folder / "died")
    assert run.summary().status == DIED
    return run


# Damage


def _flip(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _change(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(len(content))] = rng.randrange(256)


def _cut(rng: random.Random, content: bytearray) -> None:
    del content[rng.choice((0, rng.randrange(len(content)), rng.randrange(len(content)))) :]


def _blot(rng: random.Random, content: bytearray) -> None:
    start = rng.randrange(len(content))
    end = min(start + rng.choice((1, 8, 64, 512, 4096)), len(content))
    content[start:end] = bytes(end - start)


def _grow(rng: random.Random, content: bytearray) -> None:
    content += rng.choice((b"\0", b"\n", bytes(100), rng.randbytes(20), content[-rng.randint(1, 100) :]))


KINDS: dict[str, Change] = {"bit flipped": _flip, "byte changed": _change, "cut": _cut, "zeroed": _blot, "grown": _grow}


def try_out(runs: Sequence[RunDir], rng: random.Random, trials: int, every: int) -> dict[str, Any]:
    """So many damaged files, one after another; what was done, and the failures."""
    failures: list[str] = []
    kinds, files, read = Counter[str](), Counter[str](), 0
    while kinds.total() < trials:
        run, kind = rng.choice(runs), rng.choice(list(KINDS))
        name = rng.choice(_watched(run))
        path = run.path / name
        before = path.read_bytes()
        content = bytearray(before)
        KINDS[kind](rng, content)
        if not _differs(run, name, before, bytes(content)):
            continue
        path.write_bytes(content)
        case = f"{run.name}, {name}, {kind}, trial {kinds.total()}"
        failures += [f"{case}: {text}" for text in _verified(run, name)]
        kinds[kind] += 1
        files[name if "safetensors" not in name or "/" not in name else "checkpoint/*.safetensors"] += 1
        if kinds.total() % every == 0:
            failures += [f"{case}: {text}" for text in _read(run)]
            read += 1
        path.write_bytes(before)
    return {"failures": failures, "kinds": kinds, "files": files, "read": read}


def _watched(run: RunDir) -> list[str]:
    """The files that verify answers for: all of them, and of a run that died those that belong to its checkpoint."""
    if (run.path / MANIFEST).exists():
        return list(run.files())
    return [name for name in run.files() if name in (CONFIG, METRICS) or name.startswith("checkpoint/")]


def _differs(run: RunDir, name: str, before: bytes, after: bytes) -> bool:
    """Whether the damage changed what verify answers for: rows after the checkpoint come again anyway."""
    state = run.checkpoint_state()
    if name == METRICS and not (run.path / MANIFEST).exists() and state:
        return before[: state.metrics_bytes] != after[: state.metrics_bytes]
    return before != after


def _verified(run: RunDir, name: str) -> list[str]:
    """What is wrong with what verify says of a run in which this file is damaged."""
    try:
        checks = [check for check in experiment.verify(run) if check.outcome == "wrong"]
    except Exception as error:  # noqa: BLE001 (any at all is a failure)
        return [f"verify raised {type(error).__name__}: {error!s:.300}"]
    if any(check.subject == name for check in checks):
        return []
    if not (run.path / MANIFEST).exists() and any(name in check.detail for check in checks):
        return []  # without hashes of each file, a check of several names the one
    return [f"verify does not name it, but {[check.subject for check in checks]}"]


def _read(run: RunDir) -> list[str]:
    """What went wrong when a damaged run was read in every other way; a refusal is none of it."""
    task = "regression" if "values" in run.name or "torch" in run.name else "classification"
    folder = run.path.parent.parent / "copies"
    ways: dict[str, Callable[[RunDir, Path], Any]] = {
        "summary": lambda copy, _: copy.summary(),
        "metrics": lambda copy, _: copy.metrics.read(),
        "arrays": lambda copy, _: (copy.weights.read(), copy.losses.read(), copy.predictions.read()),
        "checkpoint": lambda copy, _: copy.checkpoint(),
        "find": lambda copy, runs: (rundir.find(runs, copy.name), rundir.find(runs, "latest")),
        "compare": lambda _, runs: overview.page(comparison.compare(rundir.all_runs(runs))),
        "evaluate": lambda copy, _: experiment.evaluate(copy),
        "predict": lambda copy, _: predict(copy, [INPUTS[task]]),
        "latest of": lambda copy, runs: latest_of(experiment.resolve(copy.path / "config.yaml"), runs),
        "reproduce": lambda copy, runs: experiment.compare_runs(copy, _ended(experiment.train_again(copy, runs))),
        "resume": lambda copy, _: _ended(experiment.resume(copy)),
        "extend": lambda copy, _: _ended(experiment.resume(copy, epochs=20)),
        "verify": lambda copy, _: list(experiment.verify(copy)),
    }
    wrong = []
    for name, way in ways.items():
        if name in ("summary", "reproduce", "resume", "extend"):  # the last three change it
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(run.path, folder / run.name)
        try:
            way(RunDir(folder / run.name), folder)
        except NnlabError:
            continue
        except Exception as error:  # noqa: BLE001 (any at all is a failure)
            wrong.append(f"{name} raised {type(error).__name__}: {error!s:.300}")
    return wrong


# The last rows of a run that died


def _cuts(folder: Path, every: int) -> tuple[int, list[str]]:
    """metrics.csv cut at each byte of its last three lines: how many cuts, and what went wrong."""
    (run,) = rundir.all_runs(folder / "died")
    straight = outcome(_ended(experiment.train(_resolved(folder, "died"), folder / "uncut")))
    content, state = run.metrics.bytes(), run.checkpoint_state()
    assert state
    start = len(content) - sum(map(len, content.splitlines(keepends=True)[-3:]))
    assert state.metrics_bytes <= start, "the last three rows must come after the checkpoint"
    failures, lengths = [], range(start, len(content) + 1, every)
    for length in lengths:
        shutil.rmtree(folder / "cut", ignore_errors=True)
        copy = RunDir(folder / "cut" / run.name)
        shutil.copytree(run.path, copy.path)
        os.truncate(copy.path / METRICS, length)
        whole = [float(line.split(b",")[0]) for line in content[:length].split(b"\n")[1:-1]]
        if copy.metrics.read()["step"] != whole:
            failures.append(f"cut at {length}: metrics() gives the steps {copy.metrics.read()['step']}, not {whole}")
        try:
            wrong = [f"{name} is another" for name in differing(_ended(experiment.resume(copy)), straight)]
        except Exception as error:  # noqa: BLE001 (any at all is a failure)
            wrong = [f"{type(error).__name__}: {error!s:.300}"]
        failures += [f"cut at {length}: {text}" for text in wrong]
    return len(lengths), failures


def work(what: str, *numbers: str) -> dict[str, Any]:
    """What one worker does: train until it kills itself, or try out its share on copies of all runs."""
    here = Path.cwd()
    with mock.patch.object(pictures, "of_training", few_pictures):
        if what == "die":
            _stopped(here, "died", "died", 16, killed=True)
        number, trials = map(int, numbers)
        runs = here / f"worker-{number}" / "runs"
        for source in ("runs", "died"):
            shutil.copytree(here / source, runs, dirs_exist_ok=True)
        return try_out(_listed(runs), random.Random(SEED + number), trials, READERS)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(*sys.argv[1:])))

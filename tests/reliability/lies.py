"""Lies: changes of a run that make it look better or other than it is, every hash, seal and copy put right after it."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nnlab.finding import Outcome
from nnlab.rundir import RunDir
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.directory import BEST_WEIGHTS, CONFIG, LOSSES, METRICS, WEIGHTS
from nnlab.rundir.evaluations import line as line_of
from nnlab.rundir.frames import FOLDER as FRAMES
from nnlab.rundir.frames import Frame
from nnlab.rundir.sealed import sha256

CLASSES, VALUES = "classes", "values"
TRAIN = "train: {epochs: 6, batch_size: 20, eval_every: 4, optimizer: adam, lr: 0.01}\nthreads: 1\n"
CONFIGS = {
    CLASSES: "model: {name: mlp-np, hidden: [8]}\ndataset: {name: digits, limit: 100, val_fraction: 0.2}\n" + TRAIN,
    VALUES: "model: {name: mlp-np, hidden: [4]}\ndataset: {name: csv, path: rows.csv, target: c}\n" + TRAIN,
}
ROWS = "a,b,c\n" + "".join(f"{n % 7},{n % 5}.5,{1000 + 3 * (n % 7) - n % 5}.25\n" for n in range(100))
DRAWN = ("loss.png", "accuracy.png", "r2.png")
"""The pictures that show what is in metrics.csv and losses.npy."""
Told = Literal["WRONG", "not checked"]
Tell = Callable[[RunDir], Any]


@dataclass(frozen=True)
class Lie:
    """A lie, and what verify must say of it at least."""

    name: str
    base: str
    """The task of the honest run that it is told of."""
    tell: Tell
    told: Told
    """That it is wrong, or, where no look at the run can tell, that this is not checked."""
    subject: str
    """What the line begins with that says so."""


def all_lies() -> list[Lie]:
    """Every one."""
    parts = (scores, rows, losses, of_data, of_baselines, of_frames, of_pictures, of_training, of_machine)
    found = [lie for part in parts for lie in part()]
    assert len({lie.name for lie in found}) == len(found)
    return found


def honest(folder: Path, base: str) -> Path:
    """A config to train an honest run by, with its data in the same folder."""
    config = folder / f"{base}.yaml"
    config.write_text(CONFIGS[base])
    (folder / "rows.csv").write_text(ROWS)
    return config


def put_right(run: RunDir) -> None:
    """Bring the hashes of the config and the manifest up to date, as a clever forger would."""
    digest = run.sha256(CONFIG)
    if run.json.read()["config_sha256"] != digest:
        _says(config_sha256=digest)(run)
        _checkpoint(run, lambda kept: replace(kept, config_sha256=digest))
    run.manifest.delete()
    run.write_manifest()


def found_out(lie: Lie, checks: Iterable[tuple[str, Outcome]]) -> bool:
    """Whether checks, each a subject and an outcome, say of a lie what they must.

    What cannot be told must be named, and beside it nothing is wrong: who says otherwise has not looked at the lie.
    """
    told = {"WRONG": {"wrong"}, "not checked": {"not checked", "untold"}}[lie.told]
    there = list(checks)
    named = any(outcome in told and subject.startswith(lie.subject) for subject, outcome in there)
    return named and (lie.told == "WRONG" or all(outcome != "wrong" for _, outcome in there))


# Ways to lie


def _summary(run: RunDir, change: Callable[[dict[str, Any]], Any]) -> None:
    summary = run.json.read()
    change(summary)
    run.json.write(summary)


def _says(**keys: Any) -> Tell:
    """Other values for keys of run.json."""
    return lambda run: _summary(run, lambda found: found.update(keys))


def _data_says(**keys: Any) -> Tell:
    """Other values for what run.json says of the data."""
    return lambda run: _summary(run, lambda found: found["dataset"].update(keys))


def _metric(split: str, name: str, change: Callable[[float], float]) -> Tell:
    def tell(run: RunDir) -> None:
        _summary(run, lambda found: found["metrics"][split].update({name: change(found["metrics"][split][name])}))

    return tell


def _checkpoint(run: RunDir, change: Callable[[Checkpoint], Checkpoint]) -> None:
    """Another checkpoint, with a seal and hashes that hold."""
    kept = run.checkpoint()
    assert kept
    changed = change(kept)
    run.write_checkpoint(changed)


def _standing(kept: Checkpoint, **changes: Any) -> Checkpoint:
    return replace(kept, standing=replace(kept.standing, **changes))


def _table(run: RunDir, change: Callable[[dict[str, list[float]]], Any]) -> None:
    """Other rows in metrics.csv, and their hash in the checkpoint."""
    columns, before = run.metrics.read(), run.metrics.bytes()
    change(columns)
    table = [[int(row[0]), *row[1:]] for row in zip(*columns.values(), strict=True)]
    lines = [(",".join(columns) + "\n").encode(), *map(line_of, table)]
    run.write(METRICS, b"".join(lines))

    def again(kept: Checkpoint) -> Checkpoint:
        known = before[: kept.metrics_bytes].count(b"\n")
        start = b"".join(lines[:known])
        return replace(kept, metrics_bytes=len(start), metrics_sha256=sha256(start))

    _checkpoint(run, again)
    for name in DRAWN:  # they show it too
        (run.path / name).unlink(missing_ok=True)


def _weights(file: str, change: Callable[[np.ndarray], np.ndarray]) -> Tell:
    """Other weights, in the checkpoint too."""
    group = "weights" if file == WEIGHTS else "best"

    def tell(run: RunDir) -> None:
        stored = run.weights if file == WEIGHTS else run.best
        weights = {name: change(array) for name, array in stored.read().items()}
        stored.write(weights)
        _checkpoint(run, lambda kept: replace(kept, **{group: weights}))

    return tell


# Lies about scores


def scores() -> Iterator[Lie]:
    """What run.json says the weights come to."""
    for by, name in ((1, "one example"), (3, "three examples")):
        better: Tell = lambda run, by=by: _more_right(run, by)  # noqa: E731
        yield Lie(f"{name} more is right", CLASSES, better, "WRONG", WEIGHTS)
    perfect = _metric("test", "accuracy", lambda _: 1.0)
    yield Lie("all are right", CLASSES, perfect, "WRONG", WEIGHTS)
    yield Lie("the train accuracy is higher", CLASSES, _metric("train", "accuracy", lambda _: 1.0), "WRONG", WEIGHTS)
    yield Lie(
        "the loss is a millionth lower", CLASSES, _metric("test", "loss", lambda x: x * (1 - 1e-6)), "WRONG", WEIGHTS
    )
    yield Lie("R² is higher", VALUES, _metric("test", "r2", lambda x: 1 - (1 - x) / 2), "WRONG", WEIGHTS)
    yield Lie("the val score is higher", CLASSES, _metric("val", "accuracy", lambda _: 1.0), "WRONG", METRICS)
    yield Lie("there are scores of no val split", VALUES, _invent_val, "WRONG", WEIGHTS)
    yield Lie("the best val score is higher", CLASSES, _better_best, "WRONG", WEIGHTS)
    yield Lie("the best val loss is lower", CLASSES, _better_best_loss, "WRONG", WEIGHTS)
    yield Lie("the best weights are others", CLASSES, _weights(BEST_WEIGHTS, lambda a: a * 2), "WRONG", WEIGHTS)
    yield Lie("the weights are others", CLASSES, _weights(WEIGHTS, lambda a: a * 2), "WRONG", WEIGHTS)
    yield Lie("the predictions are surer", CLASSES, _surer, "WRONG", WEIGHTS)
    yield Lie("the weights come of another training", CLASSES, lambda run: None, "not checked", f"{WEIGHTS}: origin")


def _more_right(run: RunDir, by: int) -> None:
    """So many more of the test examples are right."""
    count = run.summary().dataset.test
    _metric("test", "accuracy", lambda value: (round(value * count) + by) / count)(run)


def _invent_val(run: RunDir) -> None:
    _summary(run, lambda found: found["metrics"].update(val={"loss": 0.1, "mse": 0.1, "r2": 0.99}))


def _better_best(run: RunDir) -> None:
    """The best row, everywhere that it is told of."""
    best = run.summary().best

    def change(columns: dict[str, list[float]]) -> None:
        columns["val_accuracy"][columns["step"].index(best.step)] = 1.0

    _table(run, change)
    best = replace(best, value=1.0)
    _summary(run, lambda found: found["best"].update(value=1.0))
    _checkpoint(run, lambda kept: _standing(kept, best=best))
    if best.step == run.summary().steps:
        _metric("val", "accuracy", lambda _: 1.0)(run)


def _better_best_loss(run: RunDir) -> None:
    best = run.summary().best

    def change(columns: dict[str, list[float]]) -> None:
        columns["val_loss"][columns["step"].index(best.step)] *= 0.5

    _table(run, change)
    if best.step == run.summary().steps:
        _metric("val", "loss", lambda loss: loss / 2)(run)


def _surer(run: RunDir) -> None:
    kept = run.predictions.read()
    run.predictions.write({"scores": kept["scores"] * 2, "targets": kept["targets"]})


# Lies about the way there


def rows() -> Iterator[Lie]:
    """What metrics.csv says of the time before the end."""
    earlier = "metrics.csv: earlier scores"
    yield Lie("earlier losses are lower", CLASSES, _rows("val_loss", lambda x: x / 2), "not checked", earlier)
    yield Lie("earlier values are better", VALUES, _rows("test_r2", lambda x: (1 + x) / 2), "not checked", earlier)
    yield Lie("earlier scores no examples give", CLASSES, _rows("val_accuracy", lambda x: x * 0.99), "WRONG", METRICS)
    yield Lie("earlier scores are others", CLASSES, _rows("val_accuracy", lambda x: 0.0), "WRONG", FRAMES)
    yield Lie("it was faster", CLASSES, _faster, "not checked", "run.json: times")
    yield Lie("its seconds go back", CLASSES, _rows("seconds", lambda x: 100 - x), "WRONG", METRICS)
    yield Lie("a row is left out", CLASSES, _without_a_row, "WRONG", METRICS)
    yield Lie("the checkpoint knows of other rows", CLASSES, _other_checkpoint, "WRONG", "checkpoint")


def _rows(column: str, change: Callable[[float], float]) -> Tell:
    """All rows before the best and the last."""

    def tell(run: RunDir) -> None:
        found = run.summary().best
        best = found.step if found else math.inf

        def lie(columns: dict[str, list[float]]) -> None:
            for row, step in enumerate(columns["step"][:-1]):
                if step < best:
                    columns[column][row] = change(columns[column][row])

        _table(run, lie)

    return tell


def _faster(run: RunDir) -> None:
    _table(run, lambda columns: columns.update(seconds=[second / 2 for second in columns["seconds"]]))


def _without_a_row(run: RunDir) -> None:
    def lie(columns: dict[str, list[float]]) -> None:
        for values in columns.values():
            del values[0]

    _table(run, lie)


def _other_checkpoint(run: RunDir) -> None:
    _checkpoint(run, lambda kept: replace(kept, metrics_sha256="0" * 64))


def losses() -> Iterator[Lie]:
    """The loss of each step."""
    yield Lie("the losses are halved", CLASSES, lambda run: _losses(run, 0), "WRONG", "checkpoint")
    both = "the losses are halved, in the checkpoint too"
    yield Lie(both, CLASSES, lambda run: _losses(run, 0, checkpoint=True), "WRONG", LOSSES)
    later = "the later losses are halved, in the checkpoint too"
    told = f"{LOSSES}: after step 1"
    yield Lie(later, CLASSES, lambda run: _losses(run, 1, checkpoint=True), "not checked", told)
    yield Lie("the optimizer remembers nothing", CLASSES, _forgetful, "not checked", "checkpoint: optimizer")


def _losses(run: RunDir, start: int, *, checkpoint: bool = False) -> None:
    """Half of each from a step on, and train_loss to match."""
    lies = run.losses.read().copy()
    lies[start:] /= 2
    run.losses.write(lies)

    def lie(columns: dict[str, list[float]]) -> None:
        starts = [0, *columns["step"][:-1]]
        for row, (begin, end) in enumerate(zip(starts, columns["step"], strict=True)):
            part = lies[int(begin) : int(end)].tolist()
            columns["train_loss"][row] = math.fsum(part) / len(part)

    _table(run, lie)
    if checkpoint:
        _checkpoint(run, lambda kept: _standing(kept, losses=lies))


def _forgetful(run: RunDir) -> None:
    def change(kept: Checkpoint) -> Checkpoint:
        state = {name: np.zeros_like(array) for name, array in kept.optimizer.items()}
        return replace(kept, optimizer=state)

    _checkpoint(run, change)


# Lies about the data


def of_data() -> Iterator[Lie]:
    """What run.json says of the data, by which ``predict`` goes."""
    subject = "run.json: dataset"
    owls: dict[str, Tell] = {
        "classes": lambda run: _summary(run, lambda found: found["dataset"]["classes"].reverse()),
        "scale": _data_says(scale=8.0),
        "target_name": _data_says(target_name="owl"),
        "feature_names": _data_says(feature_names=[f"f{number}" for number in range(64)]),
        "mean and std": _data_says(mean=[0.5] * 64, std=[2.0] * 64),
        "shape": _data_says(shape=[64]),
        "test": _data_says(test=1000),
        "examples": _data_says(examples={"train": "0" * 64, "val": None, "test": "0" * 64}),
        "another key": _data_says(owl=1),
    }
    for key, tell in owls.items():
        yield Lie(f"the data's {key}", CLASSES, tell, "WRONG", subject)
    values: dict[str, Tell] = {
        "std of values": _data_says(std=[1.0, 1.0]),
        "mean of values": _data_says(mean=[1.0, 1.0]),
        "names of values": _data_says(feature_names=["b", "a"]),
        "scaling of targets": _data_says(target_mean=[0.0], target_std=[1.0]),
    }
    for key, tell in values.items():
        yield Lie(f"the data's {key}", VALUES, tell, "WRONG", subject)
    yield Lie("the data is other data", CLASSES, _data_says(sha256="0" * 64), "WRONG", WEIGHTS)
    yield Lie("there are fewer training examples", CLASSES, _data_says(train=20), "WRONG", "")


def of_baselines() -> Iterator[Lie]:
    """What next to no learning comes to."""
    subject = "run.json: baselines"

    def lower(found: dict[str, Any]) -> None:
        for splits in found["baselines"].values():
            for each in splits.values():
                each |= {name: value / 2 for name, value in each.items() if name != "loss"}

    def without(number: int) -> Tell:
        return lambda run: _summary(run, lambda found: found["baselines"].pop(list(found["baselines"])[number]))

    for base in (CLASSES, VALUES):
        yield Lie(f"the baselines of {base} are lower", base, lambda run: _summary(run, lower), "WRONG", subject)
    yield Lie("there are no baselines", CLASSES, _says(baselines=None), "WRONG", subject)
    yield Lie("the simple baseline is gone", CLASSES, without(0), "WRONG", subject)
    yield Lie("the fitted baseline is gone", CLASSES, without(1), "not checked", subject)
    owl = {"an owl": {"test": {"loss": 9.0, "accuracy": 0.01}}}
    yield Lie(
        "a weak baseline",
        CLASSES,
        lambda run: _summary(run, lambda found: found["baselines"].update(owl)),
        "WRONG",
        subject,
    )


# Lies for the eye


def of_frames() -> Iterator[Lie]:
    """What the net looked like on the way."""

    def weights(place: int) -> Tell:
        return lambda run: _frame(run, place, lambda frame: replace(frame, weight=frame.weight + np.float16(1)))

    yield Lie("the first frame shows other weights", CLASSES, weights(0), "WRONG", FRAMES)
    yield Lie("the last frame shows other weights", VALUES, weights(-1), "WRONG", FRAMES)
    yield Lie("a frame between shows other weights", CLASSES, weights(1), "not checked", "frames: earlier ones")
    yield Lie("a frame counts other examples", CLASSES, lambda run: _frame(run, 1, _recounted), "WRONG", FRAMES)
    quiet: Tell = lambda run: _frame(run, 1, lambda f: replace(f, ratios=dict.fromkeys(f.ratios, 0.001)))  # noqa: E731
    yield Lie("a frame changes less", CLASSES, quiet, "not checked", "frames: earlier ones")
    gone: Tell = lambda run: sorted((run.path / FRAMES).iterdir())[1].unlink()  # noqa: E731
    yield Lie("a frame is gone", CLASSES, gone, "WRONG", FRAMES)


def _frame(run: RunDir, place: int, change: Callable[[Frame], Frame]) -> None:
    run.write_frame(change(run.frames()[place]))


def _recounted(frame: Frame) -> Frame:
    """All of them right."""
    assert frame.confusion is not None
    return replace(frame, confusion=np.diag(frame.confusion.sum(axis=1)))


def of_pictures() -> Iterator[Lie]:
    """The pictures."""
    for name in ("loss.png", "accuracy.png", "confusion-test.png"):
        other: Tell = lambda run, name=name: run.write(name, run.read("samples.png"))  # noqa: E731
        yield Lie(f"{name} shows something else", CLASSES, other, "WRONG", name)
    yield Lie("a pixel is another", VALUES, _other_pixel, "WRONG", "fit-test.png")
    note: Tell = lambda run: run.write("award.png", run.read("samples.png"))  # noqa: E731
    yield Lie("a picture of its own", CLASSES, note, "not checked", "other files")


def _other_pixel(run: RunDir) -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(run.read("fit-test.png"))) as picture:
        picture.putpixel((300, 300), (255, 0, 0, 255)[: len(picture.getbands())])
        picture.save(buffer, "PNG")
    run.write("fit-test.png", buffer.getvalue())


# Lies about the training and the machine


def of_training() -> Iterator[Lie]:
    """What run.json says of the training beside its scores."""
    training = "run.json: training"
    yield Lie("it has fewer parameters", CLASSES, _says(parameters=10), "WRONG", training)
    yield Lie("it took more epochs", CLASSES, _says(epochs=100.0), "WRONG", training)
    yield Lie("it took fewer steps", CLASSES, _says(steps=3, epochs=1.0), "WRONG", training)
    yield Lie("it failed", CLASSES, _says(status="failed", error="the loss became nan"), "WRONG", training)
    yield Lie("an error of its own", CLASSES, _says(error="none"), "WRONG", training)
    yield Lie("another seed", CLASSES, _says(seed=7), "WRONG", CONFIG)
    yield Lie("another model", CLASSES, _says(model="cnn-torch"), "WRONG", CONFIG)
    yield Lie("another task", VALUES, _says(task="classification"), "WRONG", "")
    yield Lie("another rate", CLASSES, _other_rate, "not checked", f"{WEIGHTS}: origin")
    yield Lie("another seed everywhere", CLASSES, _other_seed, "WRONG", "")
    resumed = [{"step": 10, "inexact": [], "rows_differing": []}]
    yield Lie("it was resumed", CLASSES, _says(resumed=resumed), "not checked", "run.json: resumed")
    yield Lie("it was resumed by an owl", CLASSES, _says(resumed=["owl"]), "WRONG", training)
    yield Lie("another name", CLASSES, _says(name="20260101-000000-the-winner"), "not checked", "run.json: name")
    yield Lie("a key of its own", CLASSES, _says(award="first"), "not checked", "run.json: keys")


def _other_rate(run: RunDir) -> None:
    run.write(CONFIG, run.read(CONFIG).replace(b"lr: 0.01", b"lr: 0.02"))


def _other_seed(run: RunDir) -> None:
    run.write(CONFIG, run.read(CONFIG).replace(b"seed: 0", b"seed: 1"))
    _says(seed=1)(run)


def of_machine() -> Iterator[Lie]:
    """Where and when it was."""
    yield Lie("another device", CLASSES, _says(device="cuda:0"), "WRONG", "run.json: training")
    yield Lie("another processor", CLASSES, lambda run: _environment(run, cpu="an abacus"), "not checked", "env.json")
    versions = {"numpy": "9.9", "torch": "9.9"}
    yield Lie("other versions", CLASSES, lambda run: _environment(run, packages=versions), "not checked", "env.json")
    yield Lie("other threads", CLASSES, lambda run: _environment(run, threads=64), "WRONG", "env.json")
    yield Lie("another day", CLASSES, _says(started="2020-01-01T00:00:00+00:00"), "not checked", "run.json: times")
    slow = {"total": 9e9, "train": 9e8, "eval": 1.0}
    yield Lie("a long time", CLASSES, _says(seconds=slow), "not checked", "run.json: times")
    no_time = {"total": 0.0, "train": 0.0, "eval": 0.0}
    yield Lie("no time", CLASSES, _says(seconds=no_time), "WRONG", "")

    def elsewhere(run: RunDir) -> None:
        """So that scores need not be equal to the bit."""
        _environment(run, cpu="an abacus")
        _more_right(run, 1)

    yield Lie("one more is right, elsewhere", CLASSES, elsewhere, "WRONG", WEIGHTS)


def _environment(run: RunDir, **keys: Any) -> None:
    run.environment.write({**run.environment.read(), **keys})

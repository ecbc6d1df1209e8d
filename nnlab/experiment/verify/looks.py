"""Looks: the frames of a training are held against weights, scores and rows, and its pictures are drawn again."""

import io
import struct
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from nnlab import environment, metrics
from nnlab.dataset import Array, Dataset
from nnlab.errors import CheckError
from nnlab.experiment import frames, pictures
from nnlab.experiment.making import parameters
from nnlab.experiment.reopen import reopen
from nnlab.experiment.verify.check import must_equal
from nnlab.experiment.verify.evidence import Evidence
from nnlab.experiment.verify.scores import SPLITS, reach, rounding
from nnlab.finding import Finding
from nnlab.model import check_weights
from nnlab.rundir.directory import HEADERS, WEIGHTS
from nnlab.rundir.frames import Frame

FIRST = 1e-3
"""What the initial weights' float16 may be off by on another machine."""


def of_training(e: Evidence, dataset: Dataset) -> str:
    """The frames: the first against the initial weights, those of the best and the last step against what was kept.

    Of all of them the counts must be those of the examples, and give the accuracy in metrics.csv.
    """
    found = {frame.step: frame for frame in e.run.frames()}
    last = e.model.weights()
    first = frames.first_of(last)
    due = () if first is None else frames.steps_of(e.plan, len(dataset.train), parameters(e.model))
    # A run that was too short for any, and was made longer, has all but the first.
    start = [] if not due or (e.summary.resumed and 0 not in found) else [0]
    must_equal("the steps", list(found), [*start, *due])
    for frame in found.values():
        _must_fit(e, dataset, frame, first)
    known = dict(_weights_of(e, last))
    for step in found.keys() & known.keys():
        expected = frames.first_of(known[step])
        same = expected is not None and np.array_equal(found[step].weight, expected.weight)
        if not same and not (step == 0 and e.otherwise and expected is not None and _near(found[0], expected)):
            raise CheckError(f"the weights of step {step:,} are others")
    if e.plan.steps in found:
        _must_be_last(e, dataset, found[e.plan.steps].confusion)
    held = ", ".join(f"{step:,}" for step in sorted(found.keys() & known.keys()))
    return f"{len(found)} frames; the weights of step {held} are those of the run" if found else "none, for such a net"


def _weights_of(e: Evidence, last: Mapping[str, Array]) -> Iterator[tuple[int, Mapping[str, Array]]]:
    """The steps whose weights are known, with these."""
    yield 0, reopen(e.run, trained=False).model.weights()
    if best := e.summary.best:
        found = e.run.best.read(check=lambda found: check_weights(found, last))
        yield best.step, {name: found[name] for name in last}  # in the net's order, in which layers come
    yield e.plan.steps, last


def _near(a: Frame, b: Frame) -> bool:
    return a.weight.shape == b.weight.shape and np.allclose(a.weight, b.weight, FIRST, FIRST)


def _must_fit(e: Evidence, dataset: Dataset, frame: Frame, first: Frame | None) -> None:
    """Raise CheckError for a frame that cannot be of this run."""
    at = f"at step {frame.step:,}"
    must_equal(f"the epoch {at}", frame.epoch, frame.step / e.plan.steps_per_epoch(len(dataset.train)))
    must_equal(f"the shape of the weights {at}", frame.weight.shape, first.weight.shape if first else None)
    must_equal(f"the ratios {at}", sorted(frame.ratios), sorted(e.model.weights()) if frame.step else [])
    counted = bool(frame.step and dataset.classes)
    must_equal(f"whether there are counts {at}", frame.confusion is not None, counted)
    if frame.confusion is None:
        return
    split = dataset.split(dataset.watched)
    targets = (split or dataset.train).targets
    true = np.bincount(targets, minlength=dataset.outputs)
    if (frame.confusion < 0).any() or not np.array_equal(frame.confusion.sum(axis=1), true):
        raise CheckError(f"the counts {at} are not of the {len(targets):,} examples that were watched")
    columns = e.columns
    recorded = dict(zip(columns.get("step", []), columns.get(f"{dataset.watched}_accuracy", []), strict=False))
    accuracy = int(np.trace(frame.confusion)) / len(targets)
    must_equal(f"the accuracy {at} by its counts", accuracy, recorded.get(frame.step))


def _must_be_last(e: Evidence, dataset: Dataset, counts: Array | None) -> None:
    """Raise CheckError where the last counts are not those of the last scores."""
    split, scores = dataset.split(dataset.watched), e.scores.get(dataset.watched)
    if counts is None or split is None or scores is None:
        return
    moved = int(np.abs(counts - metrics.confusion(scores, split.targets, dataset.outputs)).sum()) // 2
    least, most = reach(scores, split.targets, rounding(e, scores)) if e.otherwise else (0, 0)
    if moved > most - least:
        raise CheckError(f"the counts of step {e.plan.steps:,} are not those of {WEIGHTS}")


def drawn_again(e: Evidence, dataset: Dataset) -> Iterator[Finding]:
    """The pictures, each drawn again from what has been verified; where all agree, one check for all."""
    there = [name for name in e.run.files() if name.endswith(".png") and "/" not in name]
    if not there:
        return
    ours = environment.describe("cpu", 0)["packages"].get("matplotlib")
    theirs = e.run.environment.read().get("packages")
    drawn_by = theirs.get("matplotlib") if isinstance(theirs, dict) else None
    if drawn_by != ours:
        yield Finding(
            "pictures", "untold", f"drawn by matplotlib {drawn_by!s:.20}, and here is {ours}: {', '.join(there)}"
        )
        return
    wanted = _drawings(e, dataset, set(there))
    fine = []
    for name in there:
        if name not in wanted:
            continue
        if any(_same_picture(e, name, content) for content in wanted[name]):
            fine.append(name)
        elif e.otherwise:
            yield Finding(name, "untold", f"drawn again it comes out otherwise, as it may here: {e.otherwise[0]}")
        else:
            yield Finding(name, "wrong", "it does not show what the run's numbers come to")
    if fine:
        yield Finding("pictures", "ok", f"drawn again, they are the same: {', '.join(fine)}")


def _drawings(e: Evidence, dataset: Dataset, there: set[str]) -> dict[str, list[bytes]]:
    """The pictures of this run by file name: with the run's name in the title, and with that it had at its start."""
    columns, losses = e.columns, e.run.losses.read(HEADERS + 8 * e.plan.steps)
    per_epoch = e.plan.steps_per_epoch(len(dataset.train))
    found: dict[str, list[bytes]] = {}
    for title in dict.fromkeys((e.run.name, e.summary.name)):
        drawings = dict(pictures.of_training(title, dataset, columns, losses, e.scores, per_epoch))
        for split in SPLITS:  # nnlab eval draws them of any
            examples = dataset.split(split)
            if examples is not None and split in e.scores and any(f"-{split}.png" in name for name in there):
                name, content = pictures.of_scores(title, dataset, split, e.scores[split], examples)
                drawings.setdefault(name, content)
        for name, content in drawings.items():
            found.setdefault(name, []).append(content)
    return found


def _same_picture(e: Evidence, name: str, expected: bytes) -> bool:
    """Whether a picture has the same pixels."""
    content = e.run.read(name, len(expected) * 10 + HEADERS)
    return content == expected or _pixels(content, expected)


def _pixels(content: bytes, expected: bytes) -> bool:
    from PIL import Image

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(content), formats=["PNG"]) as ours,
            Image.open(io.BytesIO(expected)) as theirs,
        ):
            if ours.size != theirs.size or ours.mode != theirs.mode:  # before anything is unpacked
                return False
            return np.array_equal(np.asarray(ours), np.asarray(theirs))
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        return False

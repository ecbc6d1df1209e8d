"""Redrawn: a run's pictures are drawn again out of what has been verified, and held against its own."""

import io
import struct
import warnings
from collections.abc import Iterator

import numpy as np

from nnlab import environment
from nnlab.dataset import Dataset
from nnlab.experiment import pictures
from nnlab.experiment.verify.evidence import Evidence
from nnlab.experiment.verify.reevaluated import SPLITS
from nnlab.finding import Finding
from nnlab.rundir.directory import HEADERS


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

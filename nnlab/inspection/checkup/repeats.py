"""Repeats: examples that stand in the data twice, whole or with another target."""

import hashlib
from collections.abc import Iterator

import numpy as np

from nnlab.dataset import Dataset, Split
from nnlab.finding import Finding
from nnlab.inspection.checkup.sample import share

Key = tuple[bytes, bytes]
"""A hash of an example's inputs, and its target."""
Keys = dict[str, list[Key]]
"""By split, in the order of its rows."""


def of_repeats(dataset: Dataset) -> Iterator[Finding]:
    """Whether examples stand in two splits, and whether equal inputs have other targets."""
    keys: Keys = {name: _keys(split) for name in ("train", "val", "test") if (split := dataset.split(name))}
    yield _shared(keys)
    yield _contradictions(dataset, keys)


def _keys(split: Split) -> list[Key]:
    """For each example a hash of its inputs, and its target; MNIST's 70,000 take a quarter of a second."""
    rows = np.ascontiguousarray(split.inputs).view(np.uint8)
    hashes = (hashlib.blake2b(row, digest_size=16).digest() for row in rows)
    return list(zip(hashes, (target.tobytes() for target in split.targets), strict=True))


def _shared(keys: Keys) -> Finding:
    """Examples of val and test that the model has trained on: their scores would say nothing of unseen ones."""
    subject, train = "rows in two splits", set(keys["train"])
    others = {name: found for name, found in keys.items() if name != "train"}
    if not others:
        return Finding(subject, "untold", "there is no other split than train")
    seen = {name: sum(key in train for key in found) for name, found in others.items()}
    if {"val", "test"} <= others.keys():
        val = set(others["val"])
        seen["test and val"] = sum(key in val for key in others["test"])
    twice = len(keys["train"]) - len(train)
    values = {"train_twice": twice, **{name.replace(" ", "_"): count for name, count in seen.items()}}
    wrong = [
        f"{share(count, len(keys[name.partition(' ')[0]]))} rows of {name.partition(' ')[0]} stand in "
        f"{name.partition(' and ')[2] or 'train'} too"
        for name, count in seen.items()
        if count
    ]
    more = f"; {twice:,} rows of train repeat another" if twice else ""
    if wrong:
        cure = "take them out of one of the two: scores should be those of unseen examples"
        return Finding(subject, "warning", "; ".join(wrong) + more, cure, values)
    return Finding(subject, "ok", f"none of {' and '.join(others)} in train{more}", values=values)


def _contradictions(dataset: Dataset, keys: Keys) -> Finding:
    """Examples with the inputs of a training example and another target: no model can be right on both."""
    subject = "equal inputs, other targets"
    targets: dict[bytes, set[bytes]] = {}
    for inputs, target in keys["train"]:
        targets.setdefault(inputs, set()).add(target)
    counts = {"train": sum(len(targets[inputs]) > 1 for inputs, _ in keys["train"])}
    for name in ("val", "test"):
        if name in keys:
            counts[name] = sum(target not in targets.get(inputs, {target}) for inputs, target in keys[name])
    values = {"rows": counts["train"], **{name: count for name, count in counts.items() if name != "train"}}
    said = {name: f"rows of {name} have the inputs of one of train" for name in counts} | {"train": "rows of train"}
    wrong = [f"{share(count, len(keys[name]))} {said[name]}" for name, count in counts.items() if count]
    if not wrong:
        return Finding(subject, "ok", f"none in {' and '.join(counts)}", values=values)
    found = "; ".join(wrong)
    if not dataset.classes:  # measured again, a value comes out a little otherwise
        return Finding(subject, "ok", f"{found}, as repeated measurements have", values=values)
    cure = "correct their targets, or give the features that tell them apart"
    return Finding(subject, "warning", found, cure, values=values)

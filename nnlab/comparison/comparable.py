"""Comparable: whether the scores of two runs may be set side by side, and if not, why not."""

from collections.abc import Iterable, Sequence

from nnlab.comparison.rows import SPLIT_KEYS, Row, scored_on

TRAINED_APART = "these runs were not all trained on the same examples: a difference of data, not only of config"


def why_not(a: Row, b: Row) -> str | None:
    """Why the scores of two runs are not comparable, the weightiest reason first; None where they are."""
    ours, theirs = scored_on([a]), scored_on([b])
    if ours.task.name != theirs.task.name:
        return f"other task: {ours.task.name} and {theirs.task.name}, which are scored by other metrics"
    if _same_examples(a, b):
        return None
    if ours.dataset != theirs.dataset:
        return f"other data: {ours.dataset} and {theirs.dataset}"
    about_data = {key for key in {*a.config, *b.config} if key.startswith("dataset") and _differs(key, a, b)}
    if about_data and about_data <= set(SPLIT_KEYS):
        return f"other test split: {', '.join(sorted(about_data))} differ{'s' * (len(about_data) == 1)}"
    if ours.sha256 != theirs.sha256:
        return f"other data: the SHA-256 of {ours.dataset} differs"
    if ours.scored != theirs.scored:
        return f"other test split: {ours.scored} and {theirs.scored}"
    return f"other {a.scored} examples: they are as many, and their SHA-256 differs"


def which(rows: Sequence[Row]) -> tuple[str, ...] | None:
    """The hashes of the very examples that runs are scored on, each once; None where one of them keeps none."""
    found = [row.examples(row.scored) for row in rows]
    return None if None in found else tuple(dict.fromkeys(filter(None, found)))


def trained_apart(rows: Iterable[Row]) -> bool:
    """Whether runs are known to have been trained on other examples, and not only because each seed draws a val split.

    What a val split leaves depends on the seed, so then only runs of the same seed are held against each other.
    """
    found: dict[object, set[str]] = {}
    known = [(row, examples) for row in rows if (examples := row.examples("train"))]
    drawn = any(row.summary.dataset.val for row, _ in known)
    for row, examples in known:
        found.setdefault(row.summary.seed if drawn else None, set()).add(examples)
    return any(len(different) > 1 for different in found.values())


def _same_examples(a: Row, b: Row) -> bool:
    """By the hash of the very examples; where one of the runs keeps none, by all that decides which they are."""
    ours, theirs = which([a]), which([b])
    if ours is None or theirs is None:
        return a.without_hashes == b.without_hashes
    return ours == theirs


def _differs(key: str, a: Row, b: Row) -> bool:
    return a.config.get(key) != b.config.get(key)

"""Comparable: whether the scores of two runs may be set side by side, and if not, why not."""

from nnlab.comparison.rows import Row, scored_on

SPLIT_KEYS = {"dataset.test_fraction", "dataset.split_seed"}
"""What decides which examples of the same data are the test split."""


def why_not(a: Row, b: Row) -> str | None:
    """Why the scores of two runs are not comparable, the weightiest reason first; None where they are."""
    ours, theirs = scored_on(a.summary, [a.summary.get("seed")]), scored_on(b.summary, [b.summary.get("seed")])
    if ours.task != theirs.task:
        return f"other task: {ours.task} and {theirs.task}, which are scored by other metrics"
    if ours.dataset != theirs.dataset:
        return f"other data: {ours.dataset} and {theirs.dataset}"
    if ours.sha256 != theirs.sha256:
        changed = {key for key in {*a.config, *b.config} if a.config.get(key) != b.config.get(key)}
        about_data = {key for key in changed if key.startswith("dataset")}
        if about_data and about_data <= SPLIT_KEYS:
            return f"other test split: {', '.join(sorted(about_data))} differ{'s' * (len(about_data) == 1)}"
        return f"other data: the SHA-256 of {ours.dataset} differs"
    if ours.scored != theirs.scored:
        return f"other test split: {ours.scored} and {theirs.scored}"
    return None

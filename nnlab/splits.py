"""Splits: which rows train and which are held out, drawn so that every class keeps its share."""

import math

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import DataError


def held_out(targets: Array, fraction: float, rng: np.random.Generator, key: str) -> tuple[Array, Array]:
    """Row numbers, ascending, of what stays and of the ``round(fraction * n)`` examples that are held out.

    Classes (int64 ``targets``) are held out in proportion, and each keeps at least one example that stays. Raises
    DataError, naming the config's ``key``, where either side would be empty or a class would not stay.
    """
    count = round(fraction * len(targets))
    most = len(targets) - (len(np.unique(targets)) if _are_classes(targets) else 1)
    if not 1 <= count <= most:
        raise DataError(
            f"dataset.{key}: {fraction:g} of {len(targets)} examples is {count}, "
            + ("so nothing is held out" if not count else "which leaves too few to train on, or a class without any"),
            f"from 1 to {most} can be held out" if most > 0 else "each class needs at least two examples",
        )
    out = _drawn(targets, count, rng, stays=1)
    return np.flatnonzero(~out), np.flatnonzero(out)


def last(order: Array, fraction: float, key: str) -> tuple[Array, Array]:
    """Row numbers, ascending, of what stays and of the last ``round(fraction * n)`` examples in this ``order``.

    Equal ones keep the order in which they come. Raises DataError, naming the config's ``key``, for an empty side.
    """
    count = round(fraction * len(order))
    if not 1 <= count < len(order):
        raise DataError(
            f"dataset.{key}: {fraction:g} of {len(order)} examples is {count}, so one side would be empty",
            f"from 1 to {len(order) - 1} can be held out",
        )
    sorted_rows = np.argsort(order, kind="stable")
    return np.sort(sorted_rows[:-count]), np.sort(sorted_rows[-count:])


def whole_groups(
    groups: Array, targets: Array, fraction: float, rng: np.random.Generator, key: str
) -> tuple[Array, Array]:
    """Row numbers, ascending, of what stays and of about ``fraction * n`` examples, equal ``groups`` on one side.

    Groups come in random order and are held out while that brings their examples nearer to the share asked for and
    leaves every class something to train on. Raises DataError, naming the config's ``key``, where none can be.
    """
    wanted, labels = fraction * len(groups), np.unique(groups)
    left = np.bincount(targets) if _are_classes(targets) else np.array([len(targets)])
    out, held = np.zeros(len(groups), dtype=bool), 0
    for label in rng.permutation(labels):
        members = groups == label
        count = int(members.sum())
        taken = np.bincount(targets[members], minlength=len(left)) if _are_classes(targets) else np.array([count])
        if abs(held + count - wanted) < abs(held - wanted) and ((left - taken > 0) | (left == 0)).all():
            out |= members
            held, left = held + count, left - taken
    if not held:
        raise DataError(
            f"dataset.{key}: none of the {len(labels)} groups can be held out for {fraction:g} of the examples",
            "a larger share, or groups that are smaller and do not hold all examples of a class",
        )
    return np.flatnonzero(~out), np.flatnonzero(out)


def limited(targets: Array, limit: int, rng: np.random.Generator) -> Array:
    """Row numbers, ascending, of at most ``limit`` examples, each class in its share and with one example at least.

    Raises DataError where there are more classes than that.
    """
    if limit >= len(targets):
        return np.arange(len(targets))
    if _are_classes(targets) and limit < (classes := len(np.unique(targets))):
        raise DataError(
            f"dataset.limit: {limit} training examples cannot show {classes} classes", f"at least {classes} would"
        )
    return np.flatnonzero(_drawn(targets, limit, rng, least=1))


def shuffled(n: int, fraction: float, seed: int) -> tuple[Array, Array]:
    """Row numbers of what stays and of what is held out, as ``sklearn.model_selection.train_test_split`` draws them.

    The published figures for the sign-language digits rest on its split, and importing it costs a second.
    """
    order = np.random.RandomState(seed).permutation(n)
    count = math.ceil(fraction * n)
    return order[count:], order[:count]


def _are_classes(targets: Array) -> bool:
    return targets.ndim == 1


def _drawn(targets: Array, count: int, rng: np.random.Generator, least: int = 0, stays: int = 0) -> Array:
    """A mask of ``count`` examples, of each class at least ``least`` and all but ``stays`` at most."""
    mask = np.zeros(len(targets), dtype=bool)
    if not _are_classes(targets):
        mask[rng.permutation(len(targets))[:count]] = True
        return mask
    classes, sizes = np.unique(targets, return_counts=True)
    for label, share in zip(classes, _shares(sizes, count, least, stays), strict=True):
        mask[rng.permutation(np.flatnonzero(targets == label))[:share]] = True
    return mask


def _shares(sizes: Array, count: int, least: int, stays: int) -> Array:
    """How many of each class make ``count`` in all, as close to its share as the bounds allow."""
    exact = sizes * (count / sizes.sum())
    shares: Array = np.clip(np.floor(exact).astype(int), least, sizes - stays)
    while short := count - shares.sum():
        step = 1 if short > 0 else -1
        free = shares < sizes - stays if step > 0 else shares > least
        shares[np.argmax(np.where(free, step * (exact - shares), -np.inf))] += step
    return shares

"""Slopes: how steeply a loss rises with single weights, by central differences, and where it has a kink instead."""

from collections.abc import Callable

import numpy as np

from nnlab.dataset import Array

STEPS = (1e-5, 1e-6, 1e-7)
"""How far a weight is moved; a shorter step is taken where the loss bends too sharply for a longer one."""
ROUNDING = 64 * np.finfo(np.float64).eps
"""What a loss may be off by, for each unit of its size or of the scores that it is made of."""
SMOOTH = 1e-7
"""How far the slopes over a step and over half of it may be apart, by the steepest of that parameter."""


def slopes(loss: Callable[[], float], weight: Array, places: Array, magnitude: float) -> tuple[Array, Array]:
    """Central differences of ``loss`` by the elements of ``weight`` (float64) at ``places``, moved and put back.

    (n,) float64 each: the slopes, nan where the loss has a kink as narrowly as it was looked at, and what each of them
    may be off by. ``magnitude`` is the largest number that goes into the loss.

    A difference taken across a kink, such as relu's at 0, is no slope. There the slopes over a step and over half of it
    differ, or the bends do not fall with the step: a kink that both tests miss makes up for less than four times what
    they allow.
    """
    values, rounding = np.full(len(places), np.nan), np.zeros(len(places))
    middle = loss()
    for step in STEPS:
        left = np.flatnonzero(np.isnan(values))
        if not len(left):
            break
        around = np.array([_around(loss, weight, place, step) for place in places[left]])
        slope, bend = _slope_and_bend(around[:, :2], middle, step)
        half_slope, half_bend = _slope_and_bend(around[:, 2:], middle, step / 2)
        noise = ROUNDING * max(1.0, magnitude, abs(middle)) / step
        allowed = SMOOTH * np.abs(slope).max() + noise
        smooth = (np.abs(slope - half_slope) <= allowed) & (np.abs(bend - 2 * half_bend) <= allowed)
        values[left[smooth]], rounding[left[smooth]] = slope[smooth], noise
    return values, rounding


def _around(loss: Callable[[], float], weight: Array, place: int, step: float) -> list[float]:
    """The loss a step above and below, and half a step above and below."""
    kept, losses = weight.flat[place], []
    for move in (step, -step, step / 2, -step / 2):
        weight.flat[place] = kept + move
        losses.append(loss())
    weight.flat[place] = kept
    return losses


def _slope_and_bend(around: Array, middle: float, step: float) -> tuple[Array, Array]:
    """The slope between the losses above and below, (n, 2), and by how much it changes at ``middle``."""
    above, below = around.T
    return (above - below) / (2 * step), (above + below - 2 * middle) / step

"""Plots: arrays and names go in, the bytes of a PNG or lines of text come out; nothing else touches matplotlib."""

from nnlab.plots.curves import Curve, Curves, accuracy, loss, metric, overlay, spread
from nnlab.plots.examples import choose_samples, samples, scatter
from nnlab.plots.marks import envelope
from nnlab.plots.results import confusion, fit, predicted_against_true
from nnlab.plots.terminal import MIN_HEIGHT, MIN_WIDTH, panel

__all__ = [
    "MIN_HEIGHT",
    "MIN_WIDTH",
    "Curve",
    "Curves",
    "accuracy",
    "choose_samples",
    "confusion",
    "envelope",
    "fit",
    "loss",
    "metric",
    "overlay",
    "panel",
    "predicted_against_true",
    "samples",
    "scatter",
    "spread",
]

"""Plots: arrays and names go in, the bytes of a PNG come out; nothing else touches matplotlib."""

from nnlab.plots.curves import Curve, Curves, accuracy, loss, metric, overlay, spread
from nnlab.plots.examples import choose_samples, samples, scatter
from nnlab.plots.marks import envelope
from nnlab.plots.results import confusion, fit, predicted_against_true

__all__ = [
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
    "predicted_against_true",
    "samples",
    "scatter",
    "spread",
]

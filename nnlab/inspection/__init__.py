"""Inspection: what looks at a model, its data and its speed before a run, and leaves nothing behind."""

from nnlab.inspection.bench import bench
from nnlab.inspection.checkup import checkup
from nnlab.inspection.gradcheck import gradcheck
from nnlab.inspection.parity import parity

__all__ = ["bench", "checkup", "gradcheck", "parity"]

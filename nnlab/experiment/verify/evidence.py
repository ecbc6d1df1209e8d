"""Evidence: what a run is held against: its config's model and plan, its data, and the machine it is looked at on."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nnlab import environment
from nnlab.dataset import Array, SplitName
from nnlab.errors import NnlabError
from nnlab.experiment.distance import near
from nnlab.experiment.reopen import Opened
from nnlab.fit import Plan

TOLERANCE = 1e-4
"""Relative; another processor's last bits are far below it in float32."""
COARSE = 100
"""Times as much where the model computes in fewer bits."""
ROUNDING = 1e-9
"""Relative: what float64 sums of the same numbers may be off by on another processor."""


@dataclass(frozen=True)
class Evidence(Opened):
    """A run, read back, and what there is to hold it against; of a finished one the model has its last weights."""

    whole: Plan
    """Of its config."""
    scores: dict[SplitName, Array] = field(default_factory=dict)
    """What the last weights predict here, by split, each (n, outputs)."""

    @property
    def finished(self) -> bool:
        """Whether the run says so."""
        return self.summary.status == "finished"

    @cached_property
    def plan(self) -> Plan:
        """What it was trained by: as far as it says that it came, where it says that it ended before."""
        ended = self.finished and self.summary.ended
        return replace(self.whole, steps=self.summary.steps or 0) if ended else self.whole

    @property
    def examples(self) -> int:
        """How many it was trained on."""
        return self.summary.dataset.train or 0

    @cached_property
    def columns(self) -> dict[str, list[float]]:
        """Those of metrics.csv. Raises RunError where it is damaged."""
        return self.run.metrics.read()

    @property
    def tolerance(self) -> float:
        """How far two numbers may be apart that two machines have worked out, relative."""
        return TOLERANCE if self.config.precision == "float32" else COARSE * TOLERANCE

    @property
    def inexact(self) -> bool:
        """Whether it was resumed where its last bits could come out otherwise."""
        found = self.summary.resumed or []
        return any(not isinstance(each, dict) or bool(each.get("inexact")) for each in found)

    @cached_property
    def otherwise(self) -> list[str]:
        """Why the last bits may come out otherwise here than when the run was made; empty where they may not."""
        now = environment.describe(self.model.device, self.model.threads)
        try:
            found = environment.differences(self.run.environment.read(), now, decisive=True)
        except NnlabError as error:
            found = [error.message]
        return [*found, *(["it was resumed elsewhere"] if self.inexact else [])]

    def same(self, a: float, b: Any, exact: bool) -> bool:
        """Whether a number is the one recorded: to the bit where it is ``exact``, else but for rounding."""
        if exact:
            return (a == b) if b is not None else not math.isfinite(a)
        return near(a, b, self.tolerance)

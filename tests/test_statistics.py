"""Statistics: a quick round of the simulation, and how what it finds is told."""

from dataclasses import replace

import numpy as np
import pytest

from nnlab.comparison.significance import Scored, contrasts
from tests.statistics import report
from tests.statistics.simulation import Cell, Several, decided, quick, several
from tests.statistics.worlds import ACCURACIES, LOSSES, OF_SEEDS, Parts

MACHINE = {
    "date": "2026-11-25",
    "cpu": "a processor",
    "cores": 2,
    "system": "Linux",
    "python": "Python 3.11.7",
    "packages": {"numpy": "2.4.6", "scipy": "1.17", "torch": "2.12"},
}
CELL = Cell("80 %, equal", "accuracy", "half shared", 30, 1, True, True, 10_000, 95.2, 4.1, 4.1)


def test_a_quick_round_holds():
    cells = list(quick(300))
    assert report.failures(cells, list(several(4, 300, (30,))), margin=3) == []
    assert {cell.better for cell in cells if not cell.judged} == {0.0}
    assert any(cell.better > 0 for cell in cells if cell.judged and not cell.equal)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("world", [ACCURACIES[1], LOSSES[4]], ids=lambda world: world.metric)
def test_what_is_simulated_is_what_decides_of_real_runs(world, k):
    a, b = world.drawn(Parts("half shared", 0.5), np.random.default_rng(0), 1, k, 40)
    sides = [
        [Scored(seed, np.zeros(40, np.int64), {world.metric: each}) for seed, each in enumerate(side[0])]
        for side in (a, b)
    ]
    first = next(contrasts(*sides, world.metric))
    found = decided(world.metric, a, b)
    assert (first.low, first.high, first.p) == (found.low[0], found.high[0], found.p[0])
    assert first.clear == found.clear[0]


@pytest.mark.parametrize("world", [*ACCURACIES, *LOSSES], ids=lambda world: world.name)
def test_the_truth_is_what_many_examples_come_to(world):
    a, b = world.drawn(OF_SEEDS[3], np.random.default_rng(1), 200, 5, 200)
    apart = b.mean(axis=(1, 2)) - a.mean(axis=(1, 2))
    assert apart.mean() == pytest.approx(world.truth, abs=5 * apart.std() / np.sqrt(200))


def test_a_simulation_whose_intervals_are_too_narrow_is_found_out():
    narrow = replace(CELL, covered=92.9, wrong=5.6, better=5.6)
    assert len(report.failures([narrow, CELL], [])) == 2
    assert report.failures([replace(narrow, promised=False)], []) == []
    assert report.failures([], [Several("x", 30, 4, 1000, 5.6)]) != []


def test_the_page_tells_what_held_and_what_did_not():
    few = replace(CELL, examples=2, covered=100.0, better=0.0, wrong=0.0)
    sizes = [replace(CELL, examples=n) for n in (10, 60, 200)]
    low = replace(CELL, covered=92.0)
    beyond = replace(CELL, world="beyond", promised=False, covered=80.0)
    cells = [
        few,
        replace(few, examples=5),
        *sizes,
        low,
        *(replace(beyond, examples=n) for n in (2, 5, 10, 30, 60, 200)),
    ]
    page = report.page({"machine": MACHINE, "seconds": 7, "cells": cells, "several": [Several("x", 30, 4, 9, 4.0)]})
    assert "| 80 %, equal | half shared | (100.0) | (100.0) | 95.2 / 4.1 | **92.0** / 4.1 | 95.2 / 4.1 |" in page
    assert "92.0 % at least (80 %, equal, half shared, 30 examples), 4 cells | **no** |" in page
    assert (
        "2026-11-25: a processor, 2 cores, Linux; Python 3.11.7, numpy 2.4.6, scipy 1.17; 7 s in one process." in page
    )
    assert "**80.0**" in page.partition("## Where the promise ends")[2]

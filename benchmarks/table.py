"""A large table: how soon its data is ready beside polars' own reading of the file, and the memory that it takes."""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import processes
from benchmarks.rows import Goal, Row
from benchmarks.timing import REST, timing
from nnlab.datasets import _parsed, csv
from nnlab.datasets._table_keys import Params

if TYPE_CHECKING:
    from benchmarks.works import Effort

ROWS, COLUMNS = 300_000, 28
FLOAT32 = 4 * ROWS * COLUMNS
"""Bytes of the inputs as a model takes them."""
GROWTH = """
import re, sys
import polars, nnlab.tables.fast
from nnlab.datasets import csv
polars.read_csv(b"a,b\\n1,2\\n")
def read(key):
    return int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1])
before = read("VmRSS")
csv.load(csv.Params(path=sys.argv[1], target="y"), 0)
print(1024 * (read("VmHWM") - before))
"""


def table(effort: "Effort") -> list[Row]:
    """300,000 rows of 28 numbers and a class, of 17 digits each, about 166 MB."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder) / "table.csv", Path(folder) / "cache"
        _write(path)
        os.environ["NNLAB_DATA"] = str(cache)

        def first() -> Any:
            return csv.load(Params(path=str(path), target="y"), 0)

        works: dict[str, Callable[[], Any]] = {
            "polars": lambda: pl.read_csv(path),
            "nnlab": first,
            "nnlab, again": first,
        }
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for number in range(-1, effort.rounds):
            for name, work in works.items():
                if name == "nnlab":
                    shutil.rmtree(cache, ignore_errors=True)
                time.sleep(REST)
                began = time.perf_counter()
                work()
                if number >= 0:
                    seconds[name].append(time.perf_counter() - began)
                for thread in [thread for thread in threading.enumerate() if thread.name == _parsed.KEEPING]:
                    thread.join(30)  # what puts the table into the cache is not to disturb the next
        row = Row(f"a table of {ROWS:,} x {COLUMNS} numbers, data ready", {n: timing(s) for n, s in seconds.items()})
        row.within("times polars' own reading of the file", "polars", 3)
        row.within("times it, from the cache of parsed tables", "polars", 3, "nnlab, again")
        row.goals.append(_growth(path, cache))
    return [row]


def _write(path: Path) -> None:
    import polars as pl

    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((ROWS, COLUMNS))
    columns = {f"x{number}": inputs[:, number] for number in range(COLUMNS)}
    pl.DataFrame({**columns, "y": (inputs[:, 0] > 0).astype(int)}).write_csv(path)


def _growth(path: Path, cache: Path) -> Goal:
    """How far memory grows at most, from a process that has polars loaded, as a multiple of the float32 data."""
    shutil.rmtree(cache, ignore_errors=True)
    text = "times the float32 data, peak memory over a process that has polars loaded"
    if not Path("/proc/self/status").exists():
        return Goal(text, None, 4, at_least=False, why="this system does not say")
    grown = int(processes.run(sys.executable, "-c", GROWTH, str(path)).output)
    return Goal(text, grown / FLOAT32, 4, at_least=False)

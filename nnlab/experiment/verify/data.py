"""Data: what run.json says of it is held against the data itself, and the baselines are worked out again."""

from collections.abc import Iterator, Mapping
from typing import Any

from nnlab import environment
from nnlab.dataset import Dataset, SplitName
from nnlab.dataset.task import metric_of
from nnlab.errors import CheckError
from nnlab.experiment.baselines import affordable, fitted_name, worked_out
from nnlab.experiment.distance import difference
from nnlab.experiment.verify.check import differing, must_equal
from nnlab.experiment.verify.evidence import ROUNDING, Evidence
from nnlab.finding import Finding
from nnlab.rundir import sealed
from nnlab.rundir.directory import SUMMARY
from nnlab.rundir.summary import Facts

STATISTICS = 1e-6
"""What means and deviations may be off by on another processor, relative: sums of float32 in another order."""
SOLVED = 1e-6
"""The same of a solver's scores on the same machine."""
ITERATED = 2e-2
"""The same on another one, where a solver may stop at another iteration: what is nearer is not called wrong."""
Scores = Mapping[SplitName, Mapping[str, float]]
"""By split and metric."""


def facts(e: Evidence, dataset: Dataset) -> str:
    """All that run.json says of the data: names, counts, and what was done to it, by which ``predict`` goes."""
    said, found = e.summary.dataset.to_json(), sealed.load(sealed.dump(Facts.of(dataset).to_json()))
    for key, value in found.items():
        if key not in said:
            raise CheckError(f"dataset.{key} is missing")
        if not _alike(said[key], value, STATISTICS if e.otherwise else 0.0):
            raise differing(f"dataset.{key}", said[key], value)
    if more := sorted(said.keys() - found.keys()):
        raise CheckError(f"dataset.{more[0]:.60} is nothing that nnlab says of data")
    must_equal("task", e.summary.task, dataset.task.name)
    return f"as the data has it: {', '.join(found)}"


def _alike(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two pieces of plain data are equal, but for their fractions' rounding."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_alike(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key], tolerance) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return difference(a, b) <= tolerance
    return type(a) is type(b) and bool(a == b)


def baselines(e: Evidence, dataset: Dataset) -> Iterator[Finding]:
    """The scores that next to no learning comes to, out of the data alone; where all agree, one check for all."""
    subject, said = f"{SUMMARY}: baselines", e.summary.baselines
    if not said:
        yield Finding(subject, "wrong", "there are none, and every run is given some")
        return
    found = worked_out(dataset)
    fitted, fine = fitted_name(dataset), True
    for name in {**said, **found}:
        finding = None
        if name not in found and name == fitted and affordable(dataset):
            finding = Finding(subject, "not checked", f"{name}: there is too little memory to work it out here")
        elif name not in found:
            finding = Finding(subject, "wrong", f"{name}: this is no baseline of this data")
        elif name not in said and name == fitted:
            finding = Finding(
                subject, "untold", f"{name}: there is none, as where memory is short; here it can be worked out"
            )
        elif name not in said:
            finding = Finding(subject, "wrong", f"{name}: there is none")
        elif by := _apart(said[name], found[name]):
            finding = _judged(e, subject, name, by, solved=name == fitted)
        if finding:
            fine = False
            yield finding
    if fine:
        yield Finding(subject, "ok", f"worked out again: {', '.join(found)}")


def _apart(said: Scores, found: Scores) -> dict[str, float]:
    """How far each score is from the one worked out here, of those that differ: losses relative, others as they are."""
    flat = [{f"{split} {name}": of[name] for split, of in scores.items() for name in of} for scores in (said, found)]
    apart = {}
    for column in {**flat[0], **flat[1]}:
        a, b = (scores.get(column) for scores in flat)
        if a is None or b is None:
            apart[column] = 1.0
        elif a != b:
            ratio = metric_of(column).higher_is_better
            apart[column] = abs(a - b) if ratio else difference(a, b)
    return apart


def _judged(e: Evidence, subject: str, name: str, apart: Mapping[str, float], *, solved: bool) -> Finding | None:
    """What to say of a baseline with scores that differ; nothing of what is rounding."""
    column, by = max(apart.items(), key=lambda item: item[1])
    if by <= (SOLVED if solved else ROUNDING):
        return None
    detail = f"{name}: {column} differs by {by:.2g} from what it comes to now"
    if solved and by <= ITERATED and not _same_cores(e):
        return Finding(subject, "untold", f"{detail}, as a solver's may on another machine")
    return Finding(subject, "wrong", detail)


def _same_cores(e: Evidence) -> bool:
    """Whether this is the machine of the run, with as many cores, which a solver uses all of."""
    return not e.otherwise and e.run.environment.read().get("cores") == environment.cores()

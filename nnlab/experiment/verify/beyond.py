"""Beyond: what no look at a run can tell, and so is named as not checked."""

from collections.abc import Iterator

from nnlab.errors import NnlabError
from nnlab.experiment.verify.evidence import Evidence
from nnlab.experiment.verify.scores import steppable
from nnlab.finding import Finding
from nnlab.rundir import RunDir
from nnlab.rundir.checkpoint import FOLDER as CHECKPOINTS
from nnlab.rundir.directory import CONFIG, LOSSES, METRICS, SUMMARY, WEIGHTS
from nnlab.rundir.frames import FOLDER as FRAMES
from nnlab.rundir.ours import is_ours

MOST = 5
"""Names that are listed."""


def of_run(e: Evidence) -> Iterator[Finding]:
    """What a run says that only its training knew; a forger may have written it."""
    if e.finished:
        yield Finding(
            f"{WEIGHTS}: origin", "untold", f"that {CONFIG} leads to these weights: nnlab reproduce trains it again"
        )
        which = "after step 1" if steppable(e) else "of its own solver"
        yield Finding(
            f"{LOSSES}: {which}",
            "untold",
            f"and train_loss in {METRICS} with them: nnlab reproduce comes to them again",
        )
        yield from _rows(e)
        yield from _frames(e)
    else:
        yield Finding(
            f"{METRICS}: its numbers",
            "untold",
            f"scores and losses: nnlab resume goes on from {CHECKPOINTS}, and does not look back",
        )
        yield Finding(f"{SUMMARY}: error", "untold", f"why it ended: {e.summary.error!s:.60}")
    yield Finding(f"{CHECKPOINTS}: optimizer", "untold", "what the optimizer remembers")
    yield Finding(f"{SUMMARY}: times", "untold", f"started, finished and seconds, there and in {METRICS}")
    yield Finding(f"{SUMMARY}: resumed", "untold", "how often it was stopped, and gone on with")
    if e.summary.path_given:
        yield Finding(f"{SUMMARY}: path_given", "untold", "how the path of the data was written")
    if ended := e.summary.ended:
        yield Finding(f"{SUMMARY}: ended", "untold", f"why it ended before its plan: {ended:.60}")
    if group := e.summary.group:
        yield Finding(f"{SUMMARY}: group", "untold", f"that it was started together with others, as {group.id}")
    yield _name(e)
    if more := sorted(e.summary.more):
        yield Finding(f"{SUMMARY}: keys", "untold", f"they are not nnlab's: {_listed(more)}")
    yield from others(e.run)


def _rows(e: Evidence) -> Iterator[Finding]:
    try:
        steps = set(e.columns["step"])
    except (NnlabError, KeyError):
        return
    known = {e.plan.steps, e.summary.best.step if e.summary.best else None}
    if between := len(steps - known):
        which = "the last" if len(known - {None}) == 1 else "the best and the last"
        split = e.summary.dataset.watched
        yield Finding(
            f"{METRICS}: earlier scores",
            "untold",
            f"{split} in {between:,} rows: {which} alone can be had again",
        )


def _frames(e: Evidence) -> Iterator[Finding]:
    try:
        steps = {frame.step for frame in e.run.frames()}
    except NnlabError:
        return
    known = {0, e.plan.steps, e.summary.best.step if e.summary.best else None}
    if steps:
        yield Finding(
            f"{FRAMES}: earlier ones", "untold", f"the weights of {len(steps - known)}; and how much each step changed"
        )


def _name(e: Evidence) -> Finding:
    said = e.summary.name
    subject = f"{SUMMARY}: name"
    if said != e.run.name:
        return Finding(subject, "untold", f"the run was made as {said:.100}: it was renamed, or this is a copy")
    return Finding(subject, "untold", "that it was made under this name")


def others(run: RunDir) -> Iterator[Finding]:
    """Files that nnlab does not write, of which nothing is known."""
    try:
        found = [name for name in run.files() if not is_ours(name)]
    except NnlabError:
        return
    if found:
        yield Finding("other files", "untold", f"nnlab does not write them: {_listed(found)}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return ", ".join(f"{name:.60}" for name in names[:MOST]) + more

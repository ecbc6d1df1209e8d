"""Wire: the events of a training as lines of JSON for another program, and back."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from nnlab.experiment.events import Ended, Event, Finished, Finishing, Notice, Started, Working, in_words
from nnlab.rundir import RunDir
from nnlab.rundir.sealed import finite
from nnlab.standing import Standing

TELL_SECONDS = 0.2
"""Between two records that are told to another program."""


def to_line(event: Event, text: str = "") -> str:
    """An event as a line; ``text`` is a record's scores in words, and its arrays and times are left out."""
    name = "record" if isinstance(event, Standing) else type(event).__name__.lower()
    content: dict[str, Any] = {"event": name}
    match event:
        case Started():
            content |= {"path": str(event.run.path), "steps": event.steps, "parameters": event.parameters}
            content |= {key: getattr(event, key) for key in ("step", "device", "threads", "watched")}
        case Standing():
            content |= {"step": event.step, "epoch": event.epoch, "text": text}
            content |= {"train_loss": event.train_loss, "metrics": event.metrics}
        case Finished():
            content |= {"path": str(event.run.path), "metrics": event.summary.metrics}
        case Notice() | Working():
            content["text"] = event.text
        case Ended():
            content |= {"code": event.code, "error": event.error}
    return json.dumps(finite(content), allow_nan=False) + "\n"


def from_line(line: str) -> Event:
    """The event that ``to_line`` made a line of; a record without its arrays and times."""
    content = json.loads(line)
    kind = content.pop("event")
    match kind:
        case "started":
            return Started(RunDir(Path(content.pop("path"))), **content)
        case "record":
            del content["text"]
            return Standing(**content)
        case "finished":
            run = RunDir(Path(content["path"]))
            return Finished(run, run.summary())
    kinds: dict[str, Any] = {"notice": Notice, "working": Working, "finishing": Finishing, "ended": Ended}
    event: Event = kinds[kind](**content)
    return event


class Teller:
    """Tells a training's events as lines, at once: somebody is waiting for them.

    Records at most five times a second, each with what the last evaluation came to.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.told = stream, 0.0
        self.started: Started | None = None
        self.scored: dict[str, Any] = {}

    def show(self, event: Event, title: str = "", scores: str = "") -> None:
        """Tell an event. Raises OSError where nobody reads any more."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Standing) and self.started:
            if event.metrics:
                self.scored = {"train_loss": event.train_loss, "metrics": event.metrics}
            if time.monotonic() - self.told < TELL_SECONDS and event.step < self.started.steps:
                return
            self.told = time.monotonic()
            event = replace(event, **self.scored)
            scores = in_words(self.started.watched, event) if event.metrics else ""
        self.stream.write(to_line(event, scores))
        self.stream.flush()

    def close(self) -> None:
        """Nothing to take down."""

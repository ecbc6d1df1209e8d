"""Crew: workers, each a process that trains one job, as many at once as fit, and what they tell."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from nnlab import memory, metrics
from nnlab.dataset import Progress, quiet
from nnlab.environment import cores
from nnlab.errors import Interrupted
from nnlab.experiment.baselines import announced, baselines
from nnlab.experiment.events import Ended, Event, Finished, Notice, Started, Working
from nnlab.experiment.jobs import Job, Jobs
from nnlab.experiment.ready import Ready, prepare
from nnlab.experiment.resolving import resolve
from nnlab.experiment.train import process_bytes, said_of
from nnlab.experiment.wire import from_line
from nnlab.rundir import RunDir
from nnlab.standing import Standing

PATIENCE = 0.2
"""Seconds between looks at whether the caller wants to stop."""

Told = tuple[Job, Event]


def train_jobs(jobs: Jobs, progress: Progress = quiet) -> Iterator[Notice | Working | Jobs | Told | None]:
    """Train jobs that differ in nothing that decides what they cost, each in a process of its own.

    The first one is checked, data and model and all, before any process starts; then comes ``jobs`` with how many run
    at once, and what happens to each, with it; None where nothing has happened for a moment. Closing the generator, or
    raising Interrupted in it, stops what is running, so that it can be resumed. Raises what ``train`` does before
    anything begins; what goes wrong with a job later is in its Ended.
    """
    first = jobs.each[0]
    resolved = resolve(Path(first.config), list(first.overrides))
    yield from map(Notice, resolved.warnings)
    ready = prepare(resolved, progress)
    if ready.warning:
        yield Notice(ready.warning)
    yield from said_of(ready.dataset)
    yield from announced(ready.config, ready.dataset)
    baselines(ready.config, ready.dataset)  # into the cache, where every job finds it
    at_once = min(jobs.at_once or _fitting(ready), len(jobs.each))
    del ready
    yield replace(jobs, at_once=at_once)
    crew = _Crew()
    try:
        waiting = list(jobs.each)
        while waiting or crew.workers:
            while waiting and len(crew.workers) < at_once:
                crew.start(waiting.pop(0))
            yield from crew.listen()
    except Interrupted:  # another one, while their last words are awaited, leaves them to end by themselves
        crew.stop()
        while crew.workers:
            yield from crew.listen()
        raise
    except BaseException:
        crew.stop()
        for worker in crew.workers:
            worker.process.wait()
        raise


def _fitting(ready: Ready) -> int:
    """How many such trainings the cores and the free memory have room for; one where a CUDA device does the work."""
    if ready.config.device != "cpu":
        return 1
    by_memory = memory.room() // process_bytes(ready)
    return max(1, min(cores() // int(ready.config.threads), by_memory))


@dataclass
class _Worker:
    """One process, what it has said for people, and where it writes what else it has to say."""

    job: Job
    process: subprocess.Popen[str]
    stderr: IO[str]
    said: str = ""
    run: RunDir | None = None


class _Crew:
    """The workers that are training, and the events that they tell."""

    def __init__(self) -> None:
        self.workers: list[_Worker] = []
        self._told: queue.Queue[tuple[_Worker, str | None]] = queue.Queue()

    def start(self, job: Job) -> None:
        """Start a worker in a session of its own: Ctrl-C on the terminal reaches only us, and we hand it on."""
        places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
        stderr = TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (until it ends)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nnlab.experiment.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(place for place in places if place)},
            start_new_session=True,
        )
        worker = _Worker(job, process, stderr)
        self.workers.append(worker)
        assert process.stdin is not None  # noqa: S101 - they were asked for
        assert process.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError), process.stdin as order:  # one that has died at once ends with its own code
            json.dump(asdict(job), order)
        threading.Thread(target=self._read, args=(worker, process.stdout), daemon=True).start()

    def _read(self, worker: _Worker, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                if line.endswith("\n"):  # a worker that was killed may leave a piece of one
                    self._told.put((worker, line))
        self._told.put((worker, None))

    def listen(self) -> Iterator[Notice | Told | None]:
        """What comes next, or None where nothing comes for a moment."""
        try:
            worker, line = self._told.get(timeout=PATIENCE)
        except queue.Empty:
            yield None
            return
        match event := from_line(line) if line else None:
            case None:
                code = worker.process.wait()
                self.workers.remove(worker)
                with worker.stderr as complaints:
                    complaints.seek(0)
                    yield worker.job, Ended(code, worker.said + complaints.read(), worker.run)
            case Notice(text=text):
                worker.said += f"warning: {text}\n"
            case Working(text=text):
                worker.said += f"{text}\n"
            case Ended():
                worker.said += event.error
            case Finished(summary=said) if worse := metrics.shortfall(said.learnt, said.metrics, said.baselines):
                yield Notice(f"the run of {worker.job.title} is {worse}")
            case Started():
                worker.run = event.run
                yield worker.job, event
            case Standing():
                yield worker.job, event

    def stop(self) -> None:
        """Ask those that are still at work to stop where they can be resumed."""
        for worker in self.workers:
            with suppress(OSError):
                worker.process.terminate()

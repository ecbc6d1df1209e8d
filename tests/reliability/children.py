"""Children: a process with everything imported, which forks a child for each command, to be killed or fail for real.

A child is the command line itself, ``nnlab train …``, in a process of its own. Two things are other than in real life:
its pictures are a few bytes (drawing takes most of a short run's time), and where a fault is asked for, the module that
changes a run's files gets an ``os`` in which one call kills the process or fails as the kernel would let it fail. Where
paths are watched, a child also notes what it does there, and whatever else it starts, connects to or unpickles.
"""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

# The calls of ``os`` that change something, or wait until it lasts.
CALLS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "ftruncate")
KILL, DISK_FULL, IO_ERROR, NO_HANDLES = "kill", "disk full", "I/O error", "no handles"
_ERRORS = {DISK_FULL: errno.ENOSPC, IO_ERROR: errno.EIO, NO_HANDLES: errno.EMFILE}


@dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    code: int
    """Exit code; negative: the signal that killed it."""
    stderr: str
    calls: int
    """Storage calls it made."""
    committed: list[list[Any]]
    """What it was told stands: ["row", step] and ["checkpoint", step], in order."""
    seconds: float
    mebibytes: float
    """Its largest resident memory."""
    stdout: str = ""
    seen: list[str] = field(default_factory=list)
    """What it did where it was watched."""


class Children:
    """A process that forks children; to be used as a context."""

    def __init__(self, folder: Path, *preload: str) -> None:
        self.folder = folder
        self.preload = preload

    def __enter__(self) -> Self:
        # One thread: a fork takes over no others.
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "ignore", "-m", "tests.reliability.children", *self.preload]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)

    def run(
        self,
        *arguments: object,
        fault: str = "",
        at: int = 0,
        kill_after: float | None = None,
        timeout: float = 60,
        watched: Sequence[Path] = (),
    ) -> Outcome:
        """Run ``nnlab`` with these arguments; the ``at``-th storage call fails, or the child is killed in time.

        What it opens, lists or changes at the ``watched`` paths and below is noted.
        """
        job = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(self.folder),
            "fault": fault,
            "at": at,
            "kill_after": kill_after,
            "timeout": timeout,
            "watched": [os.path.realpath(path) for path in watched],
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return Outcome(**json.loads(self.process.stdout.readline()))


class Faulty:
    """The module ``os``, but that one of its calls ends the process or fails."""

    def __init__(self, fault: str, at: int) -> None:
        self.fault, self.at, self.count = fault, at, 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.fault and (self.count == self.at or (self.count > self.at and self._goes_on(name, arguments))):
                self._fail(name, arguments)
            return real(*arguments, **options)

        return call

    def _goes_on(self, name: str, arguments: Sequence[Any]) -> bool:
        """A full disk stays full for whatever takes room, and handles stay used up; other faults come once."""
        if self.fault == DISK_FULL:
            return name in ("write", "mkdir") or (name == "open" and bool(arguments[1] & os.O_CREAT))
        return self.fault == NO_HANDLES and name == "open"

    def _fail(self, name: str, arguments: Sequence[Any]) -> None:
        if name == "write":  # half of it is there
            os.write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        if self.fault == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        number = _ERRORS[self.fault]
        raise OSError(number, os.strerror(number))


class Watch:
    """An audit hook: what a process does at some paths and below them, and what else it sets going."""

    REACHES_OUT = ("subprocess.Popen", "socket.connect", "pickle.find_class")
    STARTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile")

    def __init__(self, paths: Sequence[str], note: Callable[[list[Any]], None]) -> None:
        self.paths, self.note = paths, note

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in self.REACHES_OUT or event in self.STARTS:
            self.note(["seen", f"{event} {arguments!r:.200}"])
        elif event == "open" or event.startswith("os."):
            for path in [os.fsdecode(each) for each in arguments if isinstance(each, str | bytes | os.PathLike)]:
                if os.sep not in path:  # within a folder that was opened itself, which is seen
                    continue
                found = self._meant(event, path, arguments)
                if any(found == watched or found.startswith(watched + os.sep) for watched in self.paths):
                    self.note(["seen", f"{event} {path}"])

    def _meant(self, event: str, path: str, arguments: tuple[Any, ...]) -> str:
        """The real path, through a link at its end only where the call goes through one."""
        through = event in ("os.listdir", "os.scandir", "os.chdir", "os.truncate", "os.chmod", "os.utime")
        if event == "open":
            through = not (arguments[2] or 0) & os.O_NOFOLLOW
        if through:
            return os.path.realpath(path)
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120


def few_pictures(*_: object) -> Iterator[tuple[str, bytes]]:
    """In place of those of a training."""
    return iter([("loss.png", b"PNG" * 100)])


def _child(job: dict[str, Any], files: dict[str, Path]) -> None:
    """The command line, with its output in files and a note of all that it was told stands."""
    from nnlab import cli
    from nnlab.experiment import pictures
    from nnlab.rundir import RunDir, storage

    for name, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(files[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    faulty = Faulty(job["fault"], job["at"])
    storage.os = faulty  # type: ignore[attr-defined]
    pictures.of_training = few_pictures
    log = os.open(files["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def note(entry: list[Any]) -> None:
        os.write(log, f"{json.dumps(entry)}\n".encode())

    def noted(method: Callable[..., None], kind: str, step_of: Callable[[Any], int]) -> Callable[..., None]:
        def wrapped(self: RunDir, what: Any, *rest: Any) -> None:
            method(self, what, *rest)
            note([kind, step_of(what)])

        return wrapped

    RunDir.append_metrics = noted(RunDir.append_metrics, "row", lambda row: row[0])  # type: ignore[method-assign]
    RunDir.write_checkpoint = noted(  # type: ignore[method-assign]
        RunDir.write_checkpoint, "checkpoint", lambda kept: kept.standing.step
    )
    if job["watched"]:
        sys.addaudithook(Watch(job["watched"], note))
    sys.argv = ["nnlab", *job["arguments"]]
    code = 1
    try:
        cli.main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001 - a traceback is what must not come, so it is printed as Python would
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    note(["calls", faulty.count])
    os._exit(code)


def _do(job: dict[str, Any]) -> Outcome:
    files = {name: Path(job["folder"]) / f"child.{name}" for name in ("stdout", "stderr", "log")}
    for path in files.values():
        path.unlink(missing_ok=True)
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        _child(job, files)
    limit = job["timeout"] if job["kill_after"] is None else job["kill_after"]
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        if time.perf_counter() - began >= limit:
            os.kill(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            break
        time.sleep(0.001)
    seconds = time.perf_counter() - began
    lines = files["log"].read_text().splitlines() if files["log"].exists() else []
    log = [json.loads(line) for line in lines]
    calls = next((number for kind, number in log if kind == "calls"), 0)
    committed = [entry for entry in log if entry[0] in ("row", "checkpoint")]
    seen = [what for kind, what in log if kind == "seen"]
    output, errors = (_said(files[name]) for name in ("stdout", "stderr"))
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code, errors, calls, committed, seconds, usage.ru_maxrss / 1024, output, seen)


def _said(path: Path) -> str:
    """What was printed, to the character: reading it as text would hide a carriage return."""
    return path.read_bytes().decode(errors="replace") if path.exists() else ""


def main() -> None:
    """Import what children need, then fork one for each line of standard input."""
    import importlib

    for name in ("nnlab.cli", "nnlab.experiment", "nnlab.comparison", "sklearn.datasets", *sys.argv[1:]):
        importlib.import_module(name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(asdict(_do(json.loads(line)))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

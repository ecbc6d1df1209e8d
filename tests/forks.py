"""Forks: a process that has imported what commands need, and forks one of its own for each of them.

Such a command is ``python -m nnlab …`` with its own folder, environment, streams and exit code; only its imports, which
take most of a short command's time, were done before. PyTorch is not among them: whether it is loaded changes what a
run notes.
"""

import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent
PRELOAD = """
    nnlab.cli nnlab.experiment nnlab.comparison nnlab.report nnlab.models.mlp_np nnlab.datasets.digits
    nnlab.datasets.car_prices nnlab.datasets.csv matplotlib.backends.backend_agg matplotlib.figure PIL.PngImagePlugin
    rich.table safetensors.numpy sklearn.datasets sklearn.dummy sklearn.linear_model sklearn.neighbors sklearn.ensemble
    scipy.stats
""".split()  # noqa: SIM905


class Forks:
    """The process; to be used as a context."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = _outside(os.environ)
        self._read = b""

    def __enter__(self) -> Self:
        theirs, self._jobs = os.pipe()
        self._answers, ours = os.pipe()
        command = [sys.executable, "-c", f"from tests import forks; forks.serve({theirs}, {ours})"]
        null = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=null, stdout=null, stderr=null, pass_fds=(theirs, ours), start_new_session=True
        )
        os.close(theirs)
        os.close(ours)
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._jobs)
        os.close(self._answers)
        self._process.wait(60)

    def fits(self, environment: dict[str, str]) -> bool:
        """Whether nothing differs that is heeded while Python starts or imports."""
        return _outside(environment) == self.environment

    def run(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environment: dict[str, str],
        timeout: float,
        first: Callable[[], None] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """The finished command with its output as text; one that takes too long is killed.

        ``first``, a function of a module, is called in the command's process before it begins.
        """
        files = {name: self.folder / name for name in ("stdout", "stderr")}
        job = {"arguments": list(arguments), "cwd": str(cwd), "environment": environment}
        job["first"] = [first.__module__, first.__name__] if first else None
        _tell(self._jobs, job | {name: str(path) for name, path in files.items()})
        pid = self._answer(60)
        if pid is None:
            raise RuntimeError("the process that forks does not answer")
        code = self._answer(timeout, kill=pid)
        texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
        if code is None:
            raise subprocess.TimeoutExpired(list(arguments), timeout, texts["stdout"], texts["stderr"])
        return subprocess.CompletedProcess(list(arguments), code, texts["stdout"], texts["stderr"])

    def _answer(self, timeout: float, kill: int = 0) -> Any:
        """The next line of the process; None where it took too long, and so was killed."""
        late = b"\n" not in self._read and not select.select([self._answers], [], [], timeout)[0]
        if late and kill:
            os.kill(kill, signal.SIGKILL)
        while b"\n" not in self._read:  # two lines may have come at once
            part = os.read(self._answers, 65536)
            if not part:
                raise RuntimeError("the process that forks is gone")
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return None if late else json.loads(line)


def without_pictures() -> None:
    """Trainings of this process draw none."""
    from nnlab.experiment import pictures

    pictures.of_training = lambda *arguments: iter(())


def _outside(environment: Any) -> dict[str, str]:
    """The environment without what a command heeds after its imports, pytest's own, and what packages set."""
    later = ("NNLAB_", "PYTHONPATH", "PYTEST_", "KMP_", "_RJEM_", "TORCHINDUCTOR_")
    return {name: value for name, value in environment.items() if not name.startswith(later)}


def _tell(pipe: int, what: Any) -> None:
    data = json.dumps(what).encode() + b"\n"
    while data:
        data = data[os.write(pipe, data) :]


def serve(jobs: int, answers: int) -> None:
    """Import, then fork one process for each line; its number and, at its end, its exit code are told."""
    for pipe in (jobs, answers):
        os.set_inheritable(pipe, False)  # what a command starts has nothing to do with them
    for name in PRELOAD:
        importlib.import_module(name)
    gc.freeze()
    with os.fdopen(jobs) as lines:
        for line in lines:
            job = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _become(job)
            _tell(answers, pid)
            _tell(answers, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _become(job: dict[str, Any]) -> None:
    """The command; this does not return."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        file = os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environment"])
    given = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in ("", *sys.path)]
    sys.path[:] = [job["cwd"], *given, *sys.path[1:]]  # as python -m has it
    if job["first"]:
        module, name = job["first"]
        getattr(importlib.import_module(module), name)()
    sys.argv = ["nnlab", *job["arguments"]]
    from nnlab.cli import main

    main()

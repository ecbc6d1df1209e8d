"""Fuzzed configs: a worker that resolves them by the thousand and watches time, memory and every file opened."""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from nnlab import experiment
from nnlab.config import Config
from nnlab.errors import NnlabError
from tests.conftest import ROOT
from tests.reliability.odd_configs import KINDS, Case, lay_out

SECONDS = 1.0
TRIES = 3
HANG = 20
GROWTH = 200 * 2**20
MESSAGE = 10_000
FORBIDDEN = {f"os.{name}" for name in ("system", "exec", "fork", "mkdir", "remove", "rename", "rmdir", "link", "chmod")}


class Watch:
    """Sees, while a config is resolved, every file that is opened and every attempt to reach out."""

    def __init__(self, folder: Path) -> None:
        self.allowed = tuple(os.path.realpath(path) + os.sep for path in (folder, ROOT, sys.prefix, sys.base_prefix))
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def __enter__(self) -> None:
        self.on = True

    def __exit__(self, *_: object) -> None:
        self.on = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open" and isinstance(arguments[0], str | bytes):
            path, mode = os.path.realpath(os.fsdecode(arguments[0])), arguments[2] or 0
            if not path.startswith(self.allowed) or mode & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self.seen.append(f"opened {path}")
        elif event.partition(".")[0] in ("socket", "subprocess", "shutil", "ctypes") or event in FORBIDDEN:
            self.seen.append(f"{event} {arguments!r:.100}")


def resolve(case: Case, watch: Watch) -> bool:
    """Whether the config is accepted. One that is resolves to itself; a refusal says what and not too much."""
    try:
        with watch:
            config = experiment.resolve(case.path, case.overrides).config
    except NnlabError as error:
        refusal = error
    else:
        _check_again(config)
        return True
    assert refusal.message.strip(), "a refusal without a word"
    assert len(str(refusal)) < MESSAGE, f"a refusal of {len(str(refusal)):,} characters"
    assert refusal.exit_code == 2, f"exit code {refusal.exit_code}"
    return False


def _check_again(config: Config) -> None:
    again = Path("again.yaml")
    again.write_text(config.to_yaml())
    assert experiment.resolve(again).config == config, "what is accepted does not resolve to itself"


def attempt(case: Case, watch: Watch) -> tuple[bool, float, str]:
    """Whether it is accepted, the seconds that takes (the least of some tries), and what went wrong."""
    least = float("inf")
    for _ in range(TRIES):
        began = time.perf_counter()
        signal.alarm(HANG)
        try:
            accepted = resolve(case, watch)
        except Exception as error:  # noqa: BLE001 (any at all is a failure)
            return False, 0.0, f"{type(error).__name__}: {error!s:.300}"
        finally:
            signal.alarm(0)
        least = min(least, time.perf_counter() - began)
        if least <= SECONDS:
            return accepted, least, ""
    return accepted, least, f"{least:.2f} s"


def work(numbers: range) -> dict[str, Any]:
    """Try the configs of these numbers."""
    folder = Path("here").absolute()
    lay_out(folder)
    os.chdir(folder)
    signal.signal(signal.SIGALRM, _hung)
    watch, before = Watch(folder.parent), memory("VmRSS")
    kinds = {kind: [0, 0] for kind in KINDS}
    failures: list[str] = []
    slowest = 0.0
    for number in numbers:
        case = Case(number)
        accepted, seconds, failure = attempt(case, watch)
        kinds[case.kind][0] += 1
        kinds[case.kind][1] += accepted
        slowest = max(slowest, seconds)
        failures += [f"{case.name}: {what}" for what in [failure, *watch.seen] if what]
        watch.seen.clear()
    grown = memory("VmHWM") - before
    if grown > GROWTH:
        failures.append(f"memory grew by {grown:,} bytes")
    return {"kinds": kinds, "failures": failures, "slowest": slowest, "grown": grown}


def memory(what: str) -> int:
    """The process's resident bytes: VmRSS now, VmHWM the most there ever were; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = re.search(rf"{what}:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0


def _hung(*_: object) -> NoReturn:
    raise TimeoutError(f"it takes more than {HANG} s")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(range(*map(int, sys.argv[1:])))))

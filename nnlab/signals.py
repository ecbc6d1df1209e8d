"""Signals: Ctrl-C, SIGTERM and SIGHUP end a command with 128 + signal; while training they wait for a good moment."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from nnlab.errors import Interrupted

# Windows has no SIGHUP.
CAUGHT = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def catch_signals() -> None:
    """From now on a signal raises Interrupted wherever the program is."""
    for number in _heeded():
        signal.signal(number, _raise)


def ignore_signals() -> None:
    """While the program ends, further signals change nothing: not its exit code either."""
    for number in CAUGHT:
        signal.signal(number, signal.SIG_IGN)


def _heeded() -> list[signal.Signals]:
    """Those that whoever started us does not want ignored, as nohup does SIGHUP."""
    return [number for number in CAUGHT if signal.getsignal(number) is not signal.SIG_IGN]


def _raise(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)


class Patience:
    """From ``begin`` to the end of the block the first signal is only noted; a second one stops at once.

    Further ones change nothing, nor does a second one while ``deaf``: what is brought up to date is not to be spoilt.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.begun = self.deaf = False

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """From here on there is something to finish before stopping."""
        self.begun = True
        for number in _heeded():
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = number
        elif not self.deaf:
            self.deaf = True
            raise Interrupted(number)

    def __exit__(self, *error: object) -> None:
        if self.signal is None or not self.deaf:
            catch_signals()


@contextmanager
def undisturbed() -> Iterator[None]:
    """A signal in the block is heeded at its end; a second one at once."""
    with Patience() as patience:
        patience.begin()
        yield
    if patience.signal is not None:
        raise Interrupted(patience.signal)

"""Checks: each is one thing that was looked at, and what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nnlab.errors import CheckError, DataUnavailableError, DeviceError, MissingDependencyError, NnlabError


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    subject: str
    """The file, or what it is about."""
    held: bool | None
    """None where it was not checked."""
    detail: str
    possible: bool = True
    """False for what no look at a run can tell, such as its times: it is named, and decides nothing."""

    @property
    def passes(self) -> bool:
        """Whether a run may be called verified with it."""
        return bool(self.held) or not self.possible


def untold(subject: str, detail: str) -> Check:
    """What no look at the run can tell."""
    return Check(subject, None, detail, possible=False)


UNABLE: tuple[type[NnlabError], ...] = (DataUnavailableError, DeviceError, MissingDependencyError)
"""What is raised where it is this machine that lacks something."""


def tried(subject: str, look: Callable[[], str], unable: tuple[type[NnlabError], ...] = UNABLE) -> Iterator[Check]:
    """The check that ``look`` comes to: it says what it found, or raises what is wrong, or one of ``unable``."""
    try:
        yield Check(subject, True, look())
    except unable as error:
        yield Check(subject, None, error.message)
    except NnlabError as error:
        yield Check(subject, False, error.message)


def must_equal(what: str, found: Any, expected: Any) -> None:
    """Raise CheckError unless the two are equal."""
    if found != expected:
        raise differing(what, found, expected)


def differing(what: str, found: Any, expected: Any) -> CheckError:
    """What is wrong where something is not what it should be."""
    return CheckError(f"{what} should be {_short(expected)}, and is {_short(found)}")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

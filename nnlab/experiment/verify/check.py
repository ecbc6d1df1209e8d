"""Check: a look at something becomes a finding, by what it says or raises."""

from collections.abc import Callable, Iterator
from typing import Any

from nnlab.errors import CheckError, DataUnavailableError, DeviceError, MissingDependencyError, NnlabError
from nnlab.finding import Finding

UNABLE: tuple[type[NnlabError], ...] = (DataUnavailableError, DeviceError, MissingDependencyError)
"""What is raised where it is this machine that lacks something."""


def tried(subject: str, look: Callable[[], str], unable: tuple[type[NnlabError], ...] = UNABLE) -> Iterator[Finding]:
    """The finding that ``look`` comes to: it says what it found, or raises what is wrong, or one of ``unable``."""
    try:
        yield Finding(subject, "ok", look())
    except unable as error:
        yield Finding(subject, "not checked", error.message)
    except NnlabError as error:
        yield Finding(subject, "wrong", error.message)


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

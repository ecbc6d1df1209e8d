"""Hold: what a check says where something does not hold, and what became of each of them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from nnlab.errors import CheckError
from nnlab.finding import Finding


def hold(held: object, otherwise: str) -> None:
    """Raise CheckError that says what is ``otherwise``, unless it ``held``."""
    if not held:
        raise CheckError(otherwise)


@contextmanager
def refused(error: type[Exception], what: str) -> Iterator[None]:
    """Raise CheckError unless what is done inside is refused by this ``error``."""
    try:
        yield
    except error:
        return
    raise CheckError(f"{what} is not refused by {error.__name__}")


def tried(check: Callable[[], None], subject: str) -> Finding:
    """What became of a check."""
    try:
        check()
    except CheckError as error:
        return Finding(subject, "wrong", error.message)
    return Finding(subject, "ok")


def raise_first(findings: Iterable[Finding]) -> None:
    """Raise CheckError for the first that is wrong; those after it are not looked for."""
    for finding in findings:
        if finding.outcome == "wrong":
            raise CheckError(f"{finding.subject}: {finding.detail}")

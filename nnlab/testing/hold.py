"""Hold: what a check says where something does not hold."""

from collections.abc import Iterator
from contextlib import contextmanager

from nnlab.errors import CheckError


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

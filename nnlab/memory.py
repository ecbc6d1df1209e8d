"""Memory: how much of it is left, and a refusal, with the figures, of what would take too much."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from nnlab.errors import ConfigError

SHARE = 0.8
"""Of the free memory, what a run may take: an estimate is no measurement, and others need some too."""
UNLIMITED = 1 << 62
LARGEST = 1 << 100
"""What a figure that is larger is shown as: Python refuses to print the very long ones."""

_ROOT = Path("/")
# Where each version of control groups lies, its files with a group's limit and usage, and what it calls those pages
# of files that the system takes back before anyone goes short: without them a large download would fill a container.
_V1 = (
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_active_file total_inactive_file",
)
_V2 = ("sys/fs/cgroup", "memory.max", "memory.current", "active_file inactive_file")


def free() -> int:
    """The bytes that this process may still take before the machine, its container or its ulimit stops it."""
    return max(0, min(_of_machine(), _of_address_space(), *_of_groups()))


def room() -> int:
    """The bytes that a run may take."""
    return int(SHARE * free())


def check(needed: int, what: str, hint: str) -> None:
    """Raise ConfigError where ``needed`` bytes are more than there is room for.

    ``what`` begins with the dotted key to blame: "model.hidden: 9 parameters".
    """
    if needed > (there := room()):
        share = f"{100 * SHARE:.0f} %"
        raise ConfigError(f"{what} need about {gib(needed)}, and {share} of the free memory are {gib(there)}", hint)


def gib(size: int) -> str:
    """Bytes as people read them."""
    return f"{min(size, LARGEST) / 2**30:,.1f} GiB"


def shown(number: int) -> str:
    """A count as people read it."""
    return f"{min(number, LARGEST):,}"


def _of_machine() -> int:
    for line in _read("proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    if not hasattr(os, "sysconf"):  # Windows; the MemoryError that comes instead is caught where it comes
        return UNLIMITED
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_address_space() -> int:
    if sys.platform == "win32":
        return UNLIMITED
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _read("proc/self/statm").split()[:1] or ["0"]
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit - int(pages[0]) * resource.getpagesize()


def _of_groups() -> Iterator[int]:
    """What is left in each control group that this process is in: its own and those around it."""
    for line in _read("proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, limit, usage, cache = _V1 if controllers else _V2
        parts = path.strip("/").split("/")
        for depth in range(len(parts) + 1):  # inside a container all but the first may be out of sight
            yield _left("/".join([root, *parts[:depth]]), limit, usage, cache.split())


def _left(group: str, limit: str, usage: str, cache: list[str]) -> int:
    most, used = _read(f"{group}/{limit}").strip(), _read(f"{group}/{usage}").strip()
    if not (most.isdigit() and used.isdigit() and int(most) < UNLIMITED):
        return UNLIMITED
    found = dict(line.split(" ", 1) for line in _read(f"{group}/memory.stat").splitlines())
    return int(most) - int(used) + sum(int(found.get(key, 0)) for key in cache)


def _read(path: str) -> str:
    """The text of a file below the root; empty where there is none to be read."""
    try:
        return (_ROOT / path).read_text(errors="replace")
    except OSError:
        return ""

"""The versions that the tests are run with: the newest, kept in constraints.txt, or the lowest that the bounds allow.

``python -m tests.versions`` writes constraints.txt, for the oldest Python that pyproject.toml allows and without
installing anything; ``--lowest`` prints what pip takes as constraints for the lowest bounds.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAD = """\
# The versions that the tests are run with, on Linux: pip install -e . -c constraints.txt
# Written by `python -m tests.versions`, from the newest of everything.
"""


def requirements() -> list[str]:
    """What ``pip install -e '.[test]'`` asks for, as pyproject.toml says it."""
    return PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]


def oldest() -> tuple[int, ...]:
    """The oldest Python that pyproject.toml allows, such as (3, 11)."""
    return tuple(map(int, re.findall(r"\d+", PROJECT["requires-python"])[:2]))


def lowest() -> list[str]:
    """Each requirement that has a lower bound, at that bound."""
    return [requirement.replace(">=", "==") for requirement in requirements() if ">=" in requirement]


def newest() -> list[str]:
    """Everything that ``pip install -e '.[test]'`` would bring into an empty environment, sorted by name."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    done = subprocess.run([*command, "-e", ".[test]"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found = [item["metadata"] for item in json.loads(done.stdout)["install"] if not item["is_direct"]]
    return sorted(f"{item['name'].lower().replace('_', '-')}=={item['version']}" for item in found)


def main() -> None:
    """Write constraints.txt, or print the lowest versions."""
    if sys.argv[1:] == ["--lowest"]:
        sys.stdout.write("".join(f"{line}\n" for line in lowest()))
        return
    if sys.version_info[:2] != oldest():
        # A newer Python may get packages that the oldest one cannot install.
        sys.exit("constraints.txt is written with Python {}.{}, the oldest that is allowed".format(*oldest()))
    CONSTRAINTS.write_text(HEAD + "".join(f"{line}\n" for line in newest()))


if __name__ == "__main__":
    main()

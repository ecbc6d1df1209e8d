"""Edited: a cheap look at whether a run's files are still those of its manifest, for whoever lists many runs.

Sizes and clocks are compared, and the hash of what is small; whoever puts these right too is found by ``verify`` alone.
"""

import os
from collections.abc import Sequence

from nnlab.errors import RunError
from nnlab.rundir.directory import CONFIG, MANIFEST, METRICS, SUMMARY, RunDir
from nnlab.rundir.file import Manifest
from nnlab.rundir.ours import is_ours
from nnlab.rundir.summary import ENDED, Summary

SLACK = 2.0
"""Seconds: clocks of files are coarse, and those that belong together are written one after another."""
SMALL = (CONFIG, METRICS)
"""Beside run.json, what is read again where the clocks say nothing: a copy of the folder has new ones for all."""
SHOWN = 3


def edited(run: RunDir, summary: Summary) -> list[str]:
    """What does not fit in the folder of a run that has ended, each in a few words; ``summary`` is its run.json."""
    said = []
    if summary.name != run.name:
        said.append(f"made as {summary.name:.100}: renamed, or a copy")
    if summary.status not in ENDED:
        return said
    try:
        if not run.manifest.there():
            gone = f"{MANIFEST} is gone, so nothing says whether its files are as they were"
            return [*said, *[gone] * (summary.status == "finished")]
        manifest = run.manifest.read()
    except RunError:
        return [*said, f"{MANIFEST} was edited or damaged"]
    changed, doubtful = _looked_at(run, manifest)
    # Where most files are newer than the manifest, they have been copied.
    copied = len(doubtful) > len(manifest.sha256) // 2
    again = [SUMMARY, *(name for name in doubtful if not copied or name in SMALL)]
    changed |= {name for name in again if _differs(run, name, manifest.sha256.get(name))}
    return [*said, *_told(sorted(changed, key=lambda name: (name != SUMMARY, name)))]


def _looked_at(run: RunDir, manifest: Manifest) -> tuple[set[str], list[str]]:
    """The files that are gone or of another size, and those that are newer than the manifest."""
    changed, doubtful, folder = set(), [], os.fspath(run.path)
    ended = os.lstat(f"{folder}/{MANIFEST}").st_mtime + SLACK
    for name in filter(is_ours, manifest.sha256):
        try:
            found = os.lstat(f"{folder}/{name}")
        except OSError:
            changed.add(name)
            continue
        if found.st_size != manifest.bytes.get(name, found.st_size):
            changed.add(name)
        elif found.st_mtime > ended and name != SUMMARY:
            doubtful.append(name)
    return changed, doubtful


def _differs(run: RunDir, name: str, expected: str | None) -> bool:
    try:
        return run.sha256(name) != expected
    except RunError:
        return True


def _told(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    listed = f"{', '.join(names[:SHOWN])}{more}"
    return [f"{listed} {'was' if len(names) == 1 else 'were'} edited since the run ended"]

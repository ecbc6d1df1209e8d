"""Files: each is held against the hash that the manifest has of it, and env.json against the config."""

from collections.abc import Iterator
from typing import Any

from nnlab.config import Config
from nnlab.errors import NnlabError
from nnlab.experiment import plugins
from nnlab.experiment.verify.check import must_equal, tried
from nnlab.finding import Finding
from nnlab.rundir import RunDir
from nnlab.rundir.directory import CONFIG, ENVIRONMENT, MANIFEST
from nnlab.rundir.ours import NAMES
from nnlab.rundir.summary import DIED


def manifest(run: RunDir, status: str) -> Iterator[Finding]:
    """One check for each file that is not as it was, else one for all."""
    if status == DIED:
        yield Finding(MANIFEST, "not checked", "the run died, so there is none until nnlab resume has gone on with it")
        return
    try:
        there = run.files()
        if status != "finished" and MANIFEST not in there:
            yield Finding(
                MANIFEST, "not checked", "the run was stopped before it was written; nnlab resume goes on with it"
            )
            return
        recorded = run.manifest.read()
    except NnlabError as error:
        yield Finding(MANIFEST, "wrong", error.message)
        return
    wrong = 0
    for name, expected in recorded.sha256.items():
        reason = "it is gone, or no plain file"
        try:
            if name in there:
                reason = "" if run.sha256(name) == expected else "its SHA-256 is not the one recorded"
                if not reason and recorded.bytes.get(name, there[name]) != there[name]:
                    reason = "its size is not the one recorded"
        except NnlabError as error:
            reason = error.message
        if reason:
            wrong += 1
            yield Finding(name, "wrong", reason)
    for name in sorted(there.keys() & NAMES - recorded.sha256.keys() - {MANIFEST}):
        wrong += 1
        yield Finding(name, "wrong", f"it is not in {MANIFEST}")
    if not wrong:
        yield Finding(MANIFEST, "ok", f"{len(recorded.sha256)} files are as they were written")


def environment(run: RunDir, config: Config) -> Iterator[Finding]:
    """env.json cannot be proved; it can contradict the config."""
    found: dict[str, Any] = {}

    def look() -> str:
        found.update(run.environment.read())
        must_equal("device", found.get("device"), config.device)
        must_equal("threads", found.get("threads"), config.threads)
        must_equal("plugins", _hashes(found), _hashes(plugins.record(config)))
        return ""

    (finding,) = tried(ENVIRONMENT, look)
    if finding.outcome == "ok":
        said = f"Python {found.get('python')}; device and threads are those of {CONFIG}"
        finding = Finding(ENVIRONMENT, "untold", f"{said}; nothing can tell whether versions and processor were these")
    yield finding


def _hashes(environment: dict[str, Any]) -> dict[str, Any]:
    """The SHA-256 of each plug-in, which is the same wherever it is found."""
    said = environment.get(plugins.KEY, {})
    return {name: each.get("sha256") for name, each in said.items() if isinstance(each, dict)} if said else {}

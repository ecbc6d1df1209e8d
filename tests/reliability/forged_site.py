"""A site: a copy of a real run to be forged, with canaries around it, and ways to change what is in it."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlab.errors import NnlabError
from nnlab.rundir import RunDir, sealed
from nnlab.rundir.checkpoint import STATE
from nnlab.rundir.directory import CONFIG, SUMMARY
from nnlab.rundir.sealed import sha256

CLASSES, VALUES, STOPPED = "classes", "values", "stopped"
"""What is forged: a finished run of either task, or one that was stopped."""
HUGE = 10**400
Content = bytes | str | Callable[[], bytes | str]
"""What is large is made when it is wanted."""
Change = Callable[[dict[str, Any]], Any]


@dataclass
class Site:
    """Where a forgery is made."""

    home: Path
    run: Path
    """Below ``home / "runs"``."""

    @property
    def outside(self) -> Path:
        """What must not be touched."""
        return self.home / "outside"

    @property
    def data(self) -> Path:
        """What may be read as data, where it is some."""
        return self.home / "data"

    def reseal(self) -> None:
        """Bring the manifest up to date, as a clever forger would."""
        with suppress(NnlabError, OSError, ValueError):
            RunDir(self.run).write_manifest()

    def read(self, name: str) -> dict[str, Any]:
        """What one of the JSON files says."""
        return dict(json.loads((self.run / name).read_text()))

    def arrays(self) -> Path:
        """The checkpoint's arrays."""
        return next(self.run.glob("checkpoint/*.safetensors"))

    def write(self, name: str, content: Content) -> None:
        """Put this in the place of a file."""
        found = content() if callable(content) else content
        (self.run / name).write_bytes(found.encode(errors="surrogateescape") if isinstance(found, str) else found)

    def summary(self, change: Change) -> None:
        """Change run.json."""
        found = self.read(SUMMARY)
        change(found)
        self.write(SUMMARY, json.dumps(found))

    def facts(self, **facts: Any) -> None:
        """Change what run.json says of the data."""
        self.summary(lambda found: found["dataset"].update(facts))

    def state(self, change: Change) -> None:
        """Change the checkpoint's state, under a seal that holds."""
        found = sealed.unseal((self.run / STATE).read_bytes())
        change(found)
        self.write(STATE, sealed.seal(found))

    def config(self, text: str) -> None:
        """Another config, with its hash in run.json made right."""
        self.write(CONFIG, text.replace("OUTSIDE", str(self.outside)).replace("DATA", str(self.data)))
        digest = sha256((self.run / CONFIG).read_bytes())
        self.summary(lambda found: found.update(config_sha256=digest))


Forge = Callable[[Site], Any]
Forgery = tuple[str, str, Forge]
"""Its name, what it is made of, and how."""

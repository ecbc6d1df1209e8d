"""Worker: a process that trains one job, read as JSON from stdin, and tells its events on stdout, a line each."""

import json
import os
import sys
from contextlib import closing
from typing import Any

from nnlab import discover
from nnlab.errors import Interrupted, complaint
from nnlab.experiment.events import Ended, Started
from nnlab.experiment.jobs import Job
from nnlab.experiment.wire import Teller
from nnlab.rundir.summary import Membership
from nnlab.signals import Patience, catch_signals, ignore_signals


def main() -> int:
    """Train the job and return the exit code: that of ``nnlab train``."""
    catch_signals()
    teller = Teller(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # what a library prints is no event
    try:
        order = json.load(sys.stdin)
        _tell(Job(**{**order, "group": Membership(**order["group"])}).train(), teller)
    except (Exception, SystemExit) as error:
        ignore_signals()
        known = discover.actionable(error)
        if known is None and isinstance(error, BrokenPipeError):
            return 0  # whoever started us is gone: the run is left to be resumed
        if known is None:
            raise
        teller.show(Ended(known.exit_code, "".join(f"{line}\n" for line in complaint(known))))
        return known.exit_code
    return 0


def _tell(events: Any, teller: Teller) -> None:
    """Tell what happens; the first signal stops the training between two steps."""
    with closing(events), Patience() as patience:
        for event in events:
            if isinstance(event, Started):
                patience.begin()
            teller.show(event)
            if patience.signal is not None:
                patience.deaf = True
                events.throw(Interrupted(patience.signal))


if __name__ == "__main__":
    sys.exit(main())

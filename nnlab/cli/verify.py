"""The verify command: whether a run is what it says."""

from nnlab.cli import options, screen
from nnlab.cli.findings import as_json, print_findings
from nnlab.finding import ENDS, conclude, subjects, worst


def verify(
    run: options.RunName,
    data: options.Data = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Check a run: every hash, what its files say of one another, of the data, and its weights evaluated again.

    What no look at a run can tell is listed as not checked. Ends in exit code 3 where something is wrong, and 2 where
    something else could not be checked here.
    """
    from nnlab import experiment, rundir
    from nnlab.cli.download import Fetching

    found = rundir.find(runs_dir, run)
    with Fetching() as progress:
        findings = list(experiment.verify(found, progress, data))
    if json:
        keys = {key: key for key in ("subject", "held", "detail", "possible")}
        document = {
            "run": found.name,
            "path": str(found.path),
            "verified": ENDS[worst(findings)] is None,
            "not_checked": [each.subject for each in findings if each.outcome in ("not checked", "untold")],
            "checks": [as_json(each, **keys) for each in findings],
        }
        screen.print_json(document)
    else:
        print_findings(findings, found.name)
    wrong, missing = (", ".join(subjects(findings, outcome)) for outcome in ("wrong", "not checked"))
    conclude(
        findings,
        wrong=(f"{found.path}: not as it should be: {wrong}", ""),
        not_checked=(
            f"{found.path}: not everything could be checked here: {missing}",
            "see above for what it takes",
        ),
    )

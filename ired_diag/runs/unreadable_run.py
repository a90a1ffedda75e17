"""A run that is there and may not be read: one of its experiment, counted, and without a number.

Its place says what it is, as the run folders next to it have it: ``runs/<experiment>/[<variant>/]seed<k>``.
Nothing else is known of it: it has neither failed nor finished.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ired_diag.errors import NotReadable
from ired_diag.finding import Finding
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import why_unlistable
from ired_diag.runs.find import ATTEMPTS, CONFIG, SEED_FOLDER, Unreadable
from ired_diag.runs.history import History
from ired_diag.runs.run import Run

RULE = "not_readable"
ADVICE = "Ask the owner for read permission (chmod -R u+rX, or a+rX), or wait for the disk."
OF_A_JOB = "job="  # the folder of a variant that is named by its job


def unreadable_run(folder: Unreadable, siblings: Iterable[Run]) -> Run:
    """Return the run that a folder is by its place.

    Args:
        folder: The run folder.
        siblings: Runs that could be read; those next to the folder say its experiment and variant.
    """
    path = folder.path.absolute()
    beside = [run for run in siblings if run.path.absolute().parent == path.parent]
    experiment, variant = _by_place(path)
    if len({run.group for run in beside}) == 1:
        experiment, variant = beside[0].experiment, beside[0].variant
    seed = (SEED_FOLDER.fullmatch(path.name) or [None, None])[1]
    return Run(
        experiment=experiment,
        name=None,
        variant=variant,
        seed=None if seed is None else int(seed),
        path=folder.path,
        configuration=None,
        history=History(),
        ending=Ending("unreadable"),
        findings=(finding_of(folder),),
        run_name=path.name if seed is None else "",
    )


def finding_of(place: Unreadable) -> Finding:
    """Return the finding on something of a run that may not be read."""
    evidence = {"path": str(place.path), "reason": place.reason}
    return Finding(RULE, "warning", f"{place.statement}.", evidence, ADVICE)


def check_readable(run: Run) -> None:
    """Refuse a run that has no checkpoint because something of it may not be read.

    Raises:
        NotReadable: It says so.
    """
    for finding in run.findings:
        if finding.rule == RULE:
            raise NotReadable(f"{run.label}: {finding.statement}")


def unreadable_parts(folder: Path, checkpoints: Path) -> Iterator[Unreadable]:
    """Yield the folders of a run, and the files of its earlier attempts, that may not be read.

    Args:
        folder: The run folder.
        checkpoints: Where its checkpoints are; for an imported run, another folder.
    """
    attempts = folder / ATTEMPTS
    places = dict.fromkeys([folder / "checkpoints", checkpoints, checkpoints / "checkpoints", attempts])
    unlistable = [Unreadable(place, reason) for place in places if (reason := why_unlistable(place))]
    yield from unlistable
    if attempts in {one.path for one in unlistable} or not attempts.is_dir():
        return
    for attempt in sorted(attempts.iterdir()):
        if reason := why_unlistable(attempt):
            yield Unreadable(attempt, reason)
        elif (attempt / CONFIG).exists() and not os.access(attempt / CONFIG, os.R_OK):
            yield Unreadable(attempt / CONFIG, "Permission denied")


def _by_place(path: Path) -> tuple[str, str | None]:
    """Return the experiment and the variant that the folders above a run folder are named after."""
    above = path.parent.name
    if "=" not in above:
        return above, None
    return path.parent.parent.name, above.removeprefix(OF_A_JOB)

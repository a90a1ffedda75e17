"""A run that may not be read: it counts as a run of its experiment, and has no values.

Its place says what it is, as the run folders next to it have it: ``runs/<experiment>/[<variant>/]seed<k>``.
Nothing else is known of it: it has neither failed nor finished.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ired_diag.errors import NotReadable
from ired_diag.finding import Finding
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import why_unlistable
from ired_diag.runs.find import ATTEMPTS, CONFIG, SEED_FOLDER, Unreadable
from ired_diag.runs.grouped import by_group
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
    neighbours = [run for run in siblings if run.path.absolute().parent == path.parent]
    experiment, variant = _by_place(path)
    if len(by_group(neighbours)) == 1:
        experiment, variant = neighbours[0].experiment, neighbours[0].variant
    run = Run(
        experiment=experiment,
        variant=variant,
        path=folder.path,
        ending=Ending("unreadable"),
        findings=(finding_of(folder),),
    )
    match = SEED_FOLDER.fullmatch(path.name)
    if match and match[1]:
        return replace(run, seed=int(match[1]))
    return replace(run, run_name=path.name)


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
    places = dict.fromkeys(
        [
            folder / "checkpoints",
            checkpoints,
            checkpoints / "checkpoints",
            attempts,
        ]
    )
    for place in places:
        if reason := why_unlistable(place):
            yield Unreadable(place, reason)
    if why_unlistable(attempts) or not attempts.is_dir():
        return
    for attempt in sorted(attempts.iterdir()):
        if reason := why_unlistable(attempt):
            yield Unreadable(attempt, reason)
            continue
        configuration = attempt / CONFIG
        if configuration.exists() and not os.access(configuration, os.R_OK):
            yield Unreadable(configuration, "Permission denied")


def _by_place(path: Path) -> tuple[str, str | None]:
    """Return the experiment and the variant that the folders above a run folder are named after."""
    above = path.parent.name
    if "=" not in above:
        return above, None
    return path.parent.parent.name, above.removeprefix(OF_A_JOB)

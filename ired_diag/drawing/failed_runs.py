"""Which runs failed, in the captions of pictures: whether they are in a mean or left out of it.

A comparison takes no number from a run that failed (``comparison.outcomes``), unless no run of its group did
better; learning curves and tables of probes are means over all runs that have values. Two such pictures of
the same runs show different things, so each caption says which.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ired_diag.curves.failure import Failure, failure_of
from ired_diag.runs.judged import shared_direction
from ired_diag.runs.name_list import counted
from ired_diag.runs.run import Run

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison

VERBS = {"diverged": "diverged", "not finite": "ended not finite", "crashed": "crashed"}
DRAWN = ("its curve is drawn and is in the mean", "their curves are drawn and are in the mean")
MEASURED = ("it is in the mean", "they are in the mean")
Tail = tuple[str, str]  # of one run, and of several


def failed_in_comparison(comparison: Comparison) -> str:
    """Return which runs failed and whether a comparison has numbers of them; empty where none failed."""
    words = ""
    for group in comparison.groups:
        failures = [failure for failure in group.outcomes.failures if failure.is_of_method]
        averaged = [failure for failure in failures if failure.label in group.values]
        without = [failure for failure in failures if failure.label not in group.values]
        total = group.outcomes.attempted
        words += _sentence(group.name, without, total, ("it is in no mean", "they are in no mean"))
        words += _sentence(group.name, averaged, total, MEASURED)
    return words


def failures_of(groups: Mapping[str, Sequence[Run]], metric: str) -> dict[str, Failure]:
    """Return why runs failed, by the label of the run, as a comparison by this metric judges them."""
    direction = shared_direction(groups, metric)
    failures = {}
    for runs in groups.values():
        for run in runs:
            failure = failure_of(
                run,
                metric,
                lower_is_better=direction.lower_is_better,
                judge_shape=direction.source != "assumed",
            )
            if failure is not None and failure.is_of_method:
                failures[run.label] = failure
    return failures


def failed_in_words(
    failures: Mapping[str, Failure], drawn: Mapping[str, Collection[str]], tail: Tail = MEASURED
) -> str:
    """Return which of the runs that are drawn failed, and that they are in the mean; empty where none did.

    Args:
        failures: Failures by the label of the run.
        drawn: Labels of the runs that are drawn, by group.
        tail: What becomes of one such run, and of several.
    """
    words = ""
    for group, labels in drawn.items():
        failed = [failures[label] for label in labels if label in failures]
        words += _sentence(group, failed, len(labels), tail)
    return words


def _sentence(group: str, failures: Sequence[Failure], total: int, tail: Tail) -> str:
    if not failures:
        return ""
    kinds = {failure.kind for failure in failures}
    verb = VERBS[kinds.pop()] if len(kinds) == 1 else "failed"
    one, several = tail
    what = one if len(failures) == 1 else several
    if total == 1 and tail in (DRAWN, MEASURED):
        what = "it is drawn all the same"
    if tail is DRAWN and any(failure.kind == "not finite" for failure in failures):
        what += " where finite"
    return f" {len(failures)} of {counted(total, 'run')} of {group} {verb}; {what}."

"""How many problems of the frozen set a wanted precision takes: a pilot first, then the size.

With m the mean squared error of the answers to a pilot of the first problems and s its standard deviation
over them, a mean over n problems has the standard error s/√n, so that

    n = (s / (share · m))²

brings it to a share of m. The number is fixed before the rest is sampled: who stops as soon as an interval
looks short enough stops at a lucky moment, and says less than the truth. s is itself an estimate, to some
3% with a pilot of 500 where errors are not heavy-tailed: the standard error that is reported at the end is
that of all n answers, and may lie a little above the wanted one.

Reference: Stein (1945), Ann. Math. Statist. 16, p. 243 (two-stage samples).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from ired_diag.errors import DiagError
from ired_diag.inverse.frozen_answers import KeptAnswers
from ired_diag.inverse.frozen_set import PIECE, FrozenChunk, frozen_set, piece_on
from ired_diag.inverse.matrices import MatrixData
from ired_diag.side_by_side import side_by_side
from ired_diag.stats.arrays import Array
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.summary import Summary
from ired_diag.subject import Subject

PILOT = 500
MOST = 100_000


def samples_of(subject: Subject) -> int:
    """Return how many problems to look at: the subject's number, or what its wanted precision takes."""
    share = subject.precision_of
    if share is None:
        return subject.samples
    data = subject.problems_of(MatrixData)
    begin = time.perf_counter()
    pilots = [_pilot(subject, replace(data, ood=ood)) for ood in (False, True)]
    seconds = time.perf_counter() - begin
    _check_reach(share, pilots, seconds)
    return max(samples_for(share, pilot) for pilot in pilots)


def _check_reach(share: float, pilots: Sequence[Summary], seconds: float) -> None:
    """Refuse a precision that takes more problems than there are, before the first of them is sampled.

    Args:
        share: Of the mean.
        pilots: Of the squared errors of the pilots.
        seconds: How long the pilots took.

    Raises:
        DiagError: It takes more; the message says how many, how long, and what is in reach.
    """
    needed = max(problems_for(share, pilot) for pilot in pilots)
    if needed <= MOST:
        return
    hours = seconds / PILOT * needed / 3600
    time_in_words = f"{hours:.2g} hours" if hours >= 1 else f"{60 * hours:.2g} minutes"
    # The standard error falls with the root of the number: what MOST problems reach, rounded up.
    in_reach = 100 * share * math.sqrt(needed / MOST)
    raise DiagError(
        f"A standard error of {100 * share:g}% of the mean takes about {needed:.2g} problems, and at least "
        f"{time_in_words} here, by a pilot of {PILOT}. The frozen set has {MOST:,}, which reach about "
        f"{in_reach:.1g}%: pass --precision-of {in_reach * 1.1:.2g}% or more."
    )


def problems_for(share: float, pilot: Summary) -> float:
    """Return how many problems a standard error of a share of the mean takes, by a pilot; 0 without a spread.

    >>> problems_for(0.01, summarise_finite([1.0, 2.0, 3.0]))
    2500.0
    """
    if not (pilot.mean > 0 and pilot.sd > 0):
        return 0.0
    return float((pilot.sd / (share * pilot.mean)) ** 2)


def samples_for(share: float, pilot: Summary) -> int:
    """Return the size, whole pieces of the frozen set, for a standard error of a share of the mean.

    Args:
        share: Of the mean, above 0.
        pilot: Of the squared errors of a pilot. Without a mean above 0 or a spread it is all there is.
    """
    least = max(PILOT, pilot.n)
    needed = problems_for(share, pilot)
    if not needed < MOST:
        return MOST
    pieces = math.ceil(max(needed, least) / PIECE)
    return pieces * PIECE


def _pilot(subject: Subject, data: MatrixData) -> Summary:
    """Return the squared errors of the answers to the first problems; the answers are kept."""
    answers = KeptAnswers(subject)

    def errors_in(chunk: FrozenChunk) -> Array:
        answer = answers.last(chunk.problem, chunk.start).answer
        errors: Array = (answer - chunk.inverse).square().mean(1).numpy()
        return errors

    chunks = frozen_set(data, PILOT, chunk=piece_on(subject.device))
    parts = side_by_side(errors_in, chunks, at_once=subject.side_by_side)
    return summarise_finite([error for part in parts for error in part])

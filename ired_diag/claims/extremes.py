"""Is a printed best, worst or median of the seeds theirs, and are the quartiles?

Quartiles are defined in several ways (Hyndman and Fan 1996, nine of them): an interquartile range is right if
any of the common ones gives it.

Reference: Hyndman & Fan (1996), Sample quantiles in statistical packages, The American Statistician 50(4).
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import label_of_claim, sample_of_claim, why_unknown
from ired_diag.claims.ranges import Range, fits, fits_any, is_far
from ired_diag.claims.samples import Sample

Method = Literal[
    "linear", "weibull", "hazen", "median_unbiased", "lower", "higher", "midpoint", "inverted_cdf"
]
SAYS_WHICH = re.compile(r"\b(?:best|worst)\b", re.IGNORECASE)
SMALLEST_OR_LARGEST = re.compile(r"\b(?:min|max)\w*|\b(?:lowest|highest|smallest|largest)\b", re.IGNORECASE)
FEWEST = 3  # values that quartiles are computed from


def check_extreme(claim: Claim, book: Book) -> Verdict:
    """Return whether a smallest, largest or middle value of the seeds is theirs."""
    label = label_of_claim(claim, book)
    sample = _sample(claim, book, label)
    if sample is None or label is None:
        return unchecked(claim, why_unknown(claim, book))
    right = _right(claim, sample, book)
    for value in right:
        if fits(claim.number, Range.around(value, sample.half)):
            return holds(claim, sample.source)
    if claim.kind == "best" and _is_best_readout(claim, book, label):
        return holds(claim, "of the runs' best evaluations")
    expected = right[0]
    # A best of a metric in another unit, or of another metric, is not a wrong best.
    if is_far(claim.number.value, expected):
        return unchecked(claim, "it is so far from the seeds' values that it may be of another metric")
    printed = f"the {claim.kind} is printed as {claim.said}"
    return refuted(
        claim,
        rule="value",
        words=f"{printed}; of {sample.source} it is {expected:.6g}.",
        evidence={"recomputed": expected},
    )


def check_quartiles(claim: Claim, book: Book) -> Verdict:
    """Return whether two quartiles, or their distance, are those of the seeds."""
    label = label_of_claim(claim, book)
    sample = _sample(claim, book, label)
    if sample is None or sample.n < FEWEST:
        return unchecked(claim, why_unknown(claim, book))
    for method in get_args(Method):
        if _fits_quartiles(claim, sample, method):
            return holds(claim, sample.source)
    low, high = _quartiles(sample, "linear")
    printed = f"the quartiles are printed as {claim.said}"
    return refuted(
        claim,
        rule="value",
        words=f"{printed}; of {sample.source} they are {low:.6g} to {high:.6g}.",
        evidence={"low": low, "high": high},
    )


def check_range(claim: Claim, book: Book) -> Verdict:
    """Return whether two numbers are the smallest and the largest of the seeds.

    They may be the range of something else, where neither of them is.
    """
    label = label_of_claim(claim, book)
    sample = _sample(claim, book, label)
    if sample is None or label is None:
        return unchecked(claim, why_unknown(claim, book))
    samples = [sample]
    if group := book.group(label):
        samples += book.groups.samples(group).values()
    right = [_right_ends(claim, each) for each in samples]
    if (True, True) in right:
        return holds(claim, samples[right.index((True, True))].source)
    low, high = min(sample.values.values()), max(sample.values.values())
    is_another = is_far(claim.numbers[0].value, low) or is_far(claim.numbers[-1].value, high)
    if right[0] == (False, False) or is_another:
        return unchecked(claim, "it may be the range of something else than the seeds")
    return refuted(
        claim,
        rule="value",
        words=f"the range is printed as {claim.said}; of {sample.source} it is {low:.6g} to {high:.6g}.",
        evidence={"low": low, "high": high},
    )


def _right_ends(claim: Claim, sample: Sample) -> tuple[bool, bool]:
    """Say of each end of a range whether it is that of a sample."""
    values = sample.values.values()
    low = Range.around(min(values), sample.half)
    high = Range.around(max(values), sample.half)
    return fits(claim.numbers[0], low), fits(claim.numbers[-1], high)


def _fits_quartiles(claim: Claim, sample: Sample, method: Method) -> bool:
    low, high = _quartiles(sample, method)
    half = sample.half
    if len(claim.numbers) == 1:
        return fits(claim.number, Range.around(high - low, 2 * half))
    first, last = claim.numbers[:2]
    return fits(first, Range.around(low, half)) and fits(last, Range.around(high, half))


def _quartiles(sample: Sample, method: Method) -> tuple[float, float]:
    low, high = np.quantile(sample.numbers, [0.25, 0.75], method=method)
    return float(low), float(high)


def _sample(claim: Claim, book: Book, label: str | None) -> Sample | None:
    if not label:
        return None
    return sample_of_claim(claim, label, book, summary=False)


def _right(claim: Claim, sample: Sample, book: Book) -> list[float]:
    """Return what may be meant: where the direction is not known, either end."""
    values = sorted(sample.values.values())
    if claim.kind == "median":
        below = values[(len(values) - 1) // 2]
        above = values[len(values) // 2]
        return [(below + above) / 2]
    ends = [values[0], values[-1]]
    if (claim.kind == "best") != book.groups.lower_is_better:
        ends.reverse()
    if book.group(claim.only_group) and SAYS_WHICH.search(claim.wording):
        if not SMALLEST_OR_LARGEST.search(claim.wording):
            return ends[:1]
    return ends


def _is_best_readout(claim: Claim, book: Book, label: str) -> bool:
    group = book.group(label)
    if not group:
        return False
    for sample in book.groups.samples(group).values():
        best = sample.best(lower_is_better=book.groups.lower_is_better)
        if fits_any(claim.number, (sample.mean, Range.around(best, sample.half))):
            return True
    return False

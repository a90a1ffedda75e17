"""Is a printed best, worst or median of the seeds theirs, and are the quartiles?

Quartiles are defined in several ways (Hyndman and Fan 1996, nine of them): an interquartile range is right if
any of the common ones gives it.

Reference: Hyndman & Fan (1996), Sample quantiles in statistical packages, The American Statistician 50(4).
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np

from ired_diag.claims.book import FAR, Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.groups import READOUTS
from ired_diag.claims.known_samples import label_of_claim, sample_of_claim, why_unknown
from ired_diag.claims.ranges import Range, fits
from ired_diag.claims.samples import Sample

Method = Literal[
    "linear", "weibull", "hazen", "median_unbiased", "lower", "higher", "midpoint", "inverted_cdf"
]


def check_extreme(claim: Claim, book: Book) -> Verdict:
    """Return whether a smallest, largest or middle value of the seeds is theirs."""
    label = label_of_claim(claim, book)
    sample = _sample(claim, book, label) if label else None
    if sample is None or label is None:
        return unchecked(claim, why_unknown(claim, book))
    right = _right(claim, sample, book)
    if any(fits(claim.number, Range.around(value, sample.half)) for value in right):
        return holds(claim, sample.source)
    if claim.kind == "best" and _is_best_readout(claim, book, label):
        return holds(claim, "of the runs' best evaluations")
    if right[0] and not 1 / FAR < abs(claim.number.value / right[0]) < FAR:
        return unchecked(claim, "it is so far from the seeds' values that it may be of another metric")
    words = f"the {claim.kind} is printed as {claim.said}; of {sample.source} it is {right[0]:.6g}."
    return fails(claim, Fault("value", "error", words, evidence={"recomputed": right[0]}).of(claim))


def check_quartiles(claim: Claim, book: Book) -> Verdict:
    """Return whether two quartiles, or their distance, are those of the seeds."""
    label = label_of_claim(claim, book)
    sample = _sample(claim, book, label) if label else None
    if sample is None or sample.n < 3:
        return unchecked(claim, why_unknown(claim, book))
    pairs = [_quartiles(sample, method) for method in get_args(Method)]
    for low, high in pairs:
        if _fits_quartiles(claim, low, high, sample.half):
            return holds(claim, sample.source)
    low, high = pairs[0]
    words = f"the quartiles are printed as {claim.said}; of {sample.source} they are {low:.6g} to {high:.6g}."
    return fails(claim, Fault("value", "error", words, evidence={"low": low, "high": high}).of(claim))


def _fits_quartiles(claim: Claim, low: float, high: float, half: float) -> bool:
    if len(claim.numbers) == 1:
        return fits(claim.number, Range.around(high - low, 2 * half))
    return fits(claim.numbers[0], Range.around(low, half)) and fits(
        claim.numbers[1], Range.around(high, half)
    )


def _quartiles(sample: Sample, method: Method) -> tuple[float, float]:
    low, high = np.quantile(sample.numbers, [0.25, 0.75], method=method)
    return float(low), float(high)


def _sample(claim: Claim, book: Book, label: str) -> Sample | None:
    return sample_of_claim(claim, label, book, summary=False)


def _right(claim: Claim, sample: Sample, book: Book) -> list[float]:
    """Return what may be meant: where the direction is not known, either end."""
    x = sorted(sample.values.values())
    middle = (x[(len(x) - 1) // 2] + x[len(x) // 2]) / 2
    ends = [x[0], x[-1]] if book.groups.lower_is_better else [x[-1], x[0]]
    return {"best": ends, "worst": ends[::-1], "median": [middle]}[claim.kind]


def _is_best_readout(claim: Claim, book: Book, label: str) -> bool:
    group = book.group(label)
    samples = [book.groups.sample(group, name) for name in READOUTS] if group else []
    for sample in filter(None, samples):
        best = (min if book.groups.lower_is_better else max)(sample.values.values())
        if fits(claim.number, sample.mean) or fits(claim.number, Range.around(best, sample.half)):
            return True
    return False


def is_of_the_seeds(claim: Claim) -> bool:
    """Say whether a best or worst number is said to be of seeds, and not of steps or settings."""
    return bool(re.search(r"\bseeds?\b|\bruns?\b", claim.context.split("\n")[0], re.IGNORECASE))

"""Is a printed interval Student's, or the normal's at few seeds?

    t interval:  x̄ ± t_{n-1} s / √n         z interval:  x̄ ± 1.96 s / √n

1.96 takes the sd for known. At n = 10 the t interval is 15% wider, 22% with the sample's sd for the
population's. From 30 seeds on (4%) the two are not told apart here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import label_of_claim, sample_of_claim, why_unknown
from ired_diag.claims.numbers import as_printed
from ired_diag.claims.pairs import samples_of_pair, t_tests_of
from ired_diag.claims.range_arithmetic import difference_of
from ired_diag.claims.ranges import FAR, Range, fits, through
from ired_diag.claims.samples import Sample

CLOSE = 0.97  # of the width: so near to Student's that rounding decides
MANY = 30  # seeds: from here on 1.96 is within 4% of Student's
LEVEL = re.compile(r"(\d{2}(?:\.\d+)?)\s*%\s*-?\s*(?:ci\b|confidence|konfidenz|\(?interval)", re.IGNORECASE)
RESAMPLED = re.compile(r"bootstrap|bayes|credible|percentile|quantile|\bbca\b", re.IGNORECASE)
USUAL_LEVEL = 0.95
SLIPS = {
    "z": "the normal's 1.96 sd/√n",
    "z0": "the normal's 1.96 sd/√n with the population sd (ddof = 0)",
    "t0": "Student's with the population sd (ddof = 0)",
}


def check_interval(claim: Claim, book: Book) -> Verdict:
    """Return whether an interval of a mean, or of a difference of two, is Student's."""
    if RESAMPLED.search(claim.context):
        return unchecked(claim, "it is not said to be a t interval")
    if any(number.percent for number in claim.numbers):
        return unchecked(claim, "it is of percentages, and of what they are shares is not certain")
    if len(claim.groups) == 2:
        return _of_difference(claim, book)
    label = label_of_claim(claim, book)
    sample = sample_of_claim(claim, label, book) if label else None
    if sample is None or sample.n < 2 or not sample.sd.is_finite:
        return unchecked(claim, why_unknown(claim, book))
    if not _near(claim, sample.mean.middle):
        return unchecked(claim, "it may be of something else than the mean")
    return _of_mean(claim, sample)


def _of_mean(claim: Claim, sample: Sample) -> Verdict:
    """Return whether an interval is that of the mean of a sample."""
    level = _level(claim)
    halves = _halves(sample, level)
    student = halves["t"].middle
    fitting = [name for name, half in halves.items() if _fits(claim, sample.mean, half)]
    close = [name for name in fitting if halves[name].middle > CLOSE * student]
    if close or "t" in fitting or ("z" in fitting and sample.n >= MANY):
        return holds(claim, f"Student's t interval of {sample.source}")
    low = sample.mean.middle - student
    high = sample.mean.middle + student
    ends = f"{as_printed(low, claim.number)} to {as_printed(high, claim.number)}"
    size = f"(± {student:.3g}, n = {sample.n})"
    due = f"Student's t interval of {sample.source} is {ends} {size}"
    evidence = {"low": low, "high": high, "n": sample.n, "half": student}
    if fitting:
        return _slip(claim, fitting[0], halves, due, evidence)
    return refuted(
        claim,
        rule="interval",
        words=f"the {level:.0%} interval is printed as {claim.said}; {due}.",
        evidence=evidence,
    )


def _level(claim: Claim) -> float:
    """Return the level of an interval that the words around it state, else the usual one."""
    hit = LEVEL.search(claim.context)
    if hit is None:
        return USUAL_LEVEL
    return float(hit[1]) / 100


def _near(claim: Claim, mean: float) -> bool:
    """Say whether an interval is where the mean is, within a factor; half of one is taken to be."""
    if claim.half_width or mean == 0:
        return True
    middle = (claim.numbers[0].value + claim.numbers[-1].value) / 2
    return 1 / FAR < middle / mean < FAR


def _slip(
    claim: Claim, name: str, halves: Mapping[str, Range], due: str, evidence: Mapping[str, float | int]
) -> Verdict:
    """Return that an interval is too narrow, by which of the usual slips.

    Args:
        claim: The interval.
        name: Of the slip.
        halves: Half of the interval by each computation.
        due: What Student's interval is, in words.
        evidence: The numbers behind it.
    """
    half = halves[name].middle
    wider = halves["t"].middle / half - 1 if half else math.nan
    rule = "z_interval" if name.startswith("z") else "population_sd"
    return refuted(
        claim,
        rule=rule,
        severity="warning",
        words=f"the interval {claim.said} is {SLIPS[name]}; {due}, {wider:.0%} wider.",
        advice="ired-diag stats prints t intervals.",
        evidence=dict(evidence) | {"wider": wider},
    )


def _halves(sample: Sample, level: float) -> dict[str, Range]:
    """Return half of the interval of a mean, by each way in which it is computed."""
    upper = (1 + level) / 2
    t = float(stats.t(sample.n - 1).ppf(upper))
    z = float(stats.norm().ppf(upper))
    if level == USUAL_LEVEL:
        z = 1.96  # what is written by hand for the normal's quantile

    def half(quantile: float, sd: Range) -> Range:
        return through(lambda s: quantile * s / math.sqrt(sample.n), sd)

    return {
        "t": half(t, sample.sd),
        "z": half(z, sample.sd),
        "z0": half(z, sample.population_sd),
        "t0": half(t, sample.population_sd),
    }


def _fits(claim: Claim, mean: Range, half: Range) -> bool:
    if claim.half_width:
        return fits(claim.number, half, magnitude=True)
    low = difference_of(mean, half)
    high = through(lambda m, h: m + h, mean, half)
    first = claim.numbers[0]
    last = claim.numbers[-1]
    if first.value == 0 and low.low < 0 and mean.low >= 0:  # cut off where the metric ends
        return fits(last, high)
    # An upper end of 1 or of 100% is cut off where a share ends.
    if last.value in (1.0, 100.0) and high.high > last.value:
        return fits(first, low)
    width = replace(
        first,
        value=(last.value - first.value) / 2,
        unit=max(first.unit, last.unit),
    )
    return fits(first, low) and fits(last, high) and fits(width, half)


def _of_difference(claim: Claim, book: Book) -> Verdict:
    """Return whether an interval is that of the difference of two means, either way round."""
    pair = samples_of_pair(claim, book)
    if pair is None:
        return unchecked(claim, why_unknown(claim, book))
    level = LEVEL.search(claim.context)
    if level and level[1] != "95":
        return unchecked(claim, "of another level than 95%")
    forth = difference_of(pair.a.mean, pair.b.mean)
    back = difference_of(pair.b.mean, pair.a.mean)
    intervals = []
    for name, test in t_tests_of(pair).items():
        if _fits(claim, forth, test.half) or _fits(claim, back, test.half):
            return holds(claim, f"the interval of the difference by {name}")
        half = test.half.middle
        low = forth.middle - half
        high = forth.middle + half
        intervals.append(f"{name} {low:.3g} to {high:.3g}")
    may_be_resampled = not pair.a.source.startswith("the runs") and book.says(RESAMPLED.pattern)
    if not intervals or not pair.certain or may_be_resampled:
        return unchecked(claim, "it may be of a test that cannot be recomputed from what is known")
    printed = f"the interval of the difference is printed as {claim.said}"
    return refuted(
        claim,
        rule="interval",
        words=f"{printed}; recomputed: {'; '.join(intervals)}.",
    )

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

from ired_diag.claims.book import FAR, Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.comparisons import tests_of
from ired_diag.claims.known_samples import label_of_claim, sample_of_claim, why_unknown
from ired_diag.claims.numbers import as_printed
from ired_diag.claims.pairs import samples_of_pair
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.samples import Sample

CLOSE = 0.97  # of the width: so near to Student's that rounding decides
MANY = 30  # seeds: from here on 1.96 is within 4% of Student's
LEVEL = re.compile(r"(\d{2}(?:\.\d+)?)\s*%\s*-?\s*(?:ci\b|confidence|konfidenz|\(?interval)", re.IGNORECASE)
RESAMPLED = re.compile(r"bootstrap|bayes|credible|percentile|quantile|\bbca\b", re.IGNORECASE)


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
    if sample is None or sample.n < 2 or not sample.sd.known:
        return unchecked(claim, why_unknown(claim, book))
    if not _near(claim, sample.mean.middle):
        return unchecked(claim, "it may be of something else than the mean")
    level = float(hit[1]) / 100 if (hit := LEVEL.search(claim.context)) else 0.95
    halves = _halves(sample, level)
    fitting = [name for name, half in halves.items() if _fits(claim, sample.mean, half)]
    close = [name for name in fitting if halves[name].middle > CLOSE * halves["t"].middle]
    if "t" in fitting or close or ("z" in fitting and sample.n >= MANY):
        return holds(claim, f"Student's t interval of {sample.source}")
    honest = halves["t"]
    low, high = sample.mean.middle - honest.middle, sample.mean.middle + honest.middle
    evidence = {"low": low, "high": high, "n": sample.n, "half": honest.middle}
    due = (
        f"Student's t interval of {sample.source} is {as_printed(low, claim.number)} to "
        f"{as_printed(high, claim.number)} "
        f"(± {honest.middle:.3g}, n = {sample.n})"
    )
    if not fitting:
        words = f"the {level:.0%} interval is printed as {claim.said}; {due}."
        return fails(claim, Fault("interval", "error", words, evidence=evidence).of(claim))
    return fails(claim, _slip(fitting[0], claim, halves, due, evidence).of(claim))


def _near(claim: Claim, mean: float) -> bool:
    """Say whether an interval is where the mean is, within a factor; half of one is taken to be."""
    middle = (claim.numbers[0].value + claim.numbers[-1].value) / 2
    return claim.half_width or mean == 0 or 1 / FAR < middle / mean < FAR


def _slip(
    name: str, claim: Claim, halves: Mapping[str, Range], due: str, evidence: Mapping[str, float | int]
) -> Fault:
    wider = halves["t"].middle / halves[name].middle - 1 if halves[name].middle else math.nan
    kind = {
        "z": "the normal's 1.96 sd/√n",
        "z0": "the normal's 1.96 sd/√n with the population sd (ddof = 0)",
        "t0": "Student's with the population sd (ddof = 0)",
    }[name]
    words = f"the interval {claim.said} is {kind}; {due}, {wider:.0%} wider."
    rule = "z_interval" if name.startswith("z") else "population_sd"
    return Fault(
        rule, "warning", words, "ired-diag stats prints t intervals.", dict(evidence) | {"wider": wider}
    )


def _halves(sample: Sample, level: float) -> dict[str, Range]:
    t, z = (float(d.ppf((1 + level) / 2)) for d in (stats.t(sample.n - 1), stats.norm()))
    root, population = math.sqrt(sample.n), sample.population_sd
    # 1.96 and 2: what is written by hand for the normal's quantile.
    z = 1.96 if level == 0.95 else z
    return {
        "t": through(lambda s: t * s / root, sample.sd),
        "z": through(lambda s: z * s / root, sample.sd),
        "z0": through(lambda s: z * s / root, population),
        "t0": through(lambda s: t * s / root, population),
    }


def _fits(claim: Claim, mean: Range, half: Range) -> bool:
    if claim.half_width:
        return fits(claim.number, half, magnitude=True)
    low, high = through(lambda m, h: m - h, mean, half), through(lambda m, h: m + h, mean, half)
    first, last = claim.numbers[0], claim.numbers[-1]
    if first.value == 0 and low.low < 0 and mean.low >= 0:  # cut off where the metric ends
        return fits(last, high)
    if last.value in (1.0, 100.0) and high.high > last.value:
        return fits(first, low)
    width = replace(first, value=(last.value - first.value) / 2, unit=max(first.unit, last.unit))
    return fits(first, low) and fits(last, high) and fits(width, half)


def _of_difference(claim: Claim, book: Book) -> Verdict:
    pair = samples_of_pair(claim, book)
    level = LEVEL.search(claim.context)
    if pair is None or (level and level[1] != "95"):
        return unchecked(claim, why_unknown(claim, book) if pair is None else "of another level than 95%")
    difference = through(lambda x, y: x - y, pair.a.mean, pair.b.mean)
    back = Range(-difference.high, -difference.middle, -difference.low)
    tests = tests_of(pair.a, pair.b, pairs=pair.pairs)
    for name, test in tests.items():
        if _fits(claim, difference, test.half) or _fits(claim, back, test.half):
            return holds(claim, f"the interval of the difference by {name}")
    seeds = pair.a.source.startswith("the runs") or not book.says(RESAMPLED.pattern)
    if not tests or not pair.certain or not seeds:
        return unchecked(claim, "it may be of a test that cannot be recomputed from what is known")
    shown = "; ".join(
        f"{name} {difference.middle - test.half.middle:.3g} to {difference.middle + test.half.middle:.3g}"
        for name, test in tests.items()
    )
    words = f"the interval of the difference is printed as {claim.said}; recomputed: {shown}."
    return fails(claim, Fault("interval", "error", words).of(claim))

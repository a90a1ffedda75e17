"""Is a printed spread the sample's, or a population's?

    sample sd       √(Σ (xᵢ - x̄)² / (n - 1)),    population sd  √(Σ (xᵢ - x̄)² / n),    standard error  sd / √n

Seeds are a sample of the seeds that could have been: n - 1. numpy's ``std`` divides by n unless told
otherwise.
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
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.samples import Sample
from ired_diag.claims.statistic_words import after_plus_minus

CLOSE = 0.03  # values are printed with fewer digits than the sd was computed from
ASSUMED = re.compile(r"\bz[\s-]*test|\bz\s*=|\bassum\w*|\bknown\b|\bprior\b|\binter-run\b", re.IGNORECASE)
EACH_SPREAD = re.compile(
    r"(?:±|\$\s*\\pm\s*\$|\+/-)\s*(?:(?:is|are|=|denotes?|shows?|indicates?|means?|"
    r"gives?|stands? for|values are)\s+)?"
    r"(?:the\s+|one\s+|1\s+)?(?:sample\s+|population\s+)?"
    r"(standard (?:errors?|deviations?)|s\.?e\.?m?\b\.?|s\.?d\b\.?|std\b|9\d% (?:ci|confidence))",
    re.IGNORECASE,
)
POPULATION = re.compile(r"population|ddof\s*=\s*0|1/n\b", re.IGNORECASE)
WORDS = {"sd": "standard deviation", "se": "standard error", "spread": "number after ±"}
Candidates = Mapping[str, Range]


def check_spread(claim: Claim, book: Book) -> Verdict:
    """Return whether a sd, a standard error, or a number after ± is that of the seeds."""
    if ASSUMED.search(claim.wording) and not claim.table:
        return unchecked(claim, "it is a sd that a test assumes")
    label = label_of_claim(claim, book)
    if not label:
        return unchecked(claim, why_unknown(claim, book))
    if not _mean_agrees(claim, book, label):
        return unchecked(claim, "the mean next to it is of other values")
    sample = sample_of_claim(claim, label, book, summary=claim.kind == "se")
    if sample is None:
        return unchecked(claim, why_unknown(claim, book))
    if sample.n < 2 or not sample.sd.is_finite:
        return unchecked(claim, f"{sample.source}: one value has no spread")
    claim = _as_the_report_says(claim, book)
    right = _right(sample, claim)
    for name, value in right.items():
        if fits(claim.number, value):
            return holds(claim, f"the {name} of {sample.source} is {value.middle:.4g}")
    usual = next(iter(right))
    expected = right[usual]
    for name, value in _slips(sample, claim).items():
        if fits(claim.number, value):
            return _slip(claim, sample, name, value, expected)
    # The report's own values are rounded; its sd may be that of the unrounded ones.
    if not book.group(label) and _is_close(claim.number.value, expected.middle):
        return holds(claim, f"within {CLOSE:.0%} of the {usual} of {sample.source}")
    printed = f"the {WORDS[claim.kind]} is printed as {claim.said}"
    return refuted(
        claim,
        rule="spread",
        words=f"{printed}; from {sample.source} it is {expected.middle:.4g}.",
        evidence={"recomputed": expected.middle, "n": sample.n},
    )


def _as_the_report_says(claim: Claim, book: Book) -> Claim:
    """Return a number after ± as the statistic that the report says each ± is, where it says one."""
    if claim.kind != "spread" or not claim.table:
        return claim
    kinds = set()
    for hit in EACH_SPREAD.finditer(book.plain_text):
        kinds.add(after_plus_minus(hit[1].rstrip("s")))
    if len(kinds) != 1:
        return claim
    kind = kinds.pop()
    if kind not in ("sd", "se"):
        return claim
    return replace(claim, kind=kind)


def _is_close(printed: float, expected: float) -> bool:
    if not expected:
        return False
    return abs(printed / expected - 1) < CLOSE


def _right(sample: Sample, claim: Claim) -> Candidates:
    """Return by name what a spread may rightly be; the most usual first."""
    sd = sample.sd
    root = math.sqrt(sample.n)
    error = through(lambda s: s / root, sd)
    if claim.kind == "se":
        return {"standard error": error}
    if claim.kind == "sd" and POPULATION.search(claim.context):
        return {"sample sd": sd, "population sd": sample.population_sd}
    if claim.kind == "sd":
        return {"sample sd": sd}
    critical = float(stats.t.ppf(0.975, sample.n - 1))
    return {
        "sample sd": sd,
        "standard error": error,
        "half of the t interval": through(lambda s: critical * s / root, sd),
    }


def _slips(sample: Sample, claim: Claim) -> Candidates:
    """Return by name what a spread is by a well-known slip."""
    sd = sample.sd
    population = sample.population_sd
    root = math.sqrt(sample.n)
    if claim.kind == "se":
        return {
            "standard error of the population sd": through(lambda s: s / root, population),
            "standard deviation": sd,
        }
    if claim.kind == "sd":
        return {
            "population sd": population,
            "standard error": through(lambda s: s / root, sd),
        }
    return {
        "population sd": population,
        "half of 1.96 sd/√n": through(lambda s: 1.96 * s / root, sd),
        "half of 1.96 sd/√n of the population sd": through(lambda s: 1.96 * s / root, population),
    }


def _slip(claim: Claim, sample: Sample, name: str, value: Range, expected: Range) -> Verdict:
    """Return that a spread is another one than it says.

    Args:
        claim: The spread.
        sample: The seeds.
        name: Of what is printed.
        value: What that is.
        expected: What should be printed.
    """
    rule = "spread"
    printed = f"{value.middle:.4g}"
    due = f"{expected.middle:.4g}"
    if "population" in name:
        rule = "population_sd"
        printed += ", ddof = 0"
        due += " (ddof = 1)"
    what = f"the {WORDS[claim.kind]} is printed as {claim.said}, which is the {name} ({printed})"
    return refuted(
        claim,
        rule=rule,
        severity="warning",
        words=f"{what}; the seeds are a sample: {due}, n = {sample.n}.",
        advice="numpy: std(ddof=1).",
        evidence={"recomputed": expected.middle, "slip": value.middle, "n": sample.n},
    )


def _mean_agrees(claim: Claim, book: Book, label: str) -> bool:
    """Say whether the mean next to a spread is that of the sample: of others, the spread is another, too."""
    mean = book.mean_beside(claim, label)
    seeds = book.of_seeds(label, claim.metric)
    if mean is None or seeds is None or book.group(label):
        return True
    return claim.table > 0 or fits(mean.number, seeds.mean)

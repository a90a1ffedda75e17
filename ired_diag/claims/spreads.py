"""Is a printed spread the sample's, or a population's?

    sample sd       √(Σ (xᵢ - x̄)² / (n - 1)),    population sd  √(Σ (xᵢ - x̄)² / n),    standard error  sd / √n

Seeds are a sample of the seeds that could have been: n - 1. numpy's ``std`` divides by n unless told
otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.known_samples import label_of_claim, sample_of_claim, why_unknown
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.samples import Sample

CLOSE = 0.03  # values are printed with fewer digits than the sd was computed from
ASSUMED = re.compile(r"\bz[\s-]*test|\bz\s*=|\bassum\w*|\bknown\b|\bprior\b|\binter-run\b", re.IGNORECASE)
POPULATION = re.compile(r"population|ddof\s*=\s*0|1/n\b", re.IGNORECASE)
WORDS = {"sd": "standard deviation", "se": "standard error", "spread": "number after ±"}


def check_spread(claim: Claim, book: Book) -> Verdict:
    """Return whether a sd, a standard error, or a number after ± is that of the seeds."""
    if ASSUMED.search(claim.context.split("\n")[0]) and not claim.table:
        return unchecked(claim, "it is a sd that a test assumes")
    label = label_of_claim(claim, book)
    if label and not _mean_agrees(claim, book, label):
        return unchecked(claim, "the mean beside it is of other values")
    sample = sample_of_claim(claim, label, book, summary=claim.kind == "se") if label else None
    if sample is None:
        return unchecked(claim, why_unknown(claim, book))
    if sample.n < 2 or not sample.sd.known:
        return unchecked(claim, f"{sample.source}: one value has no spread")
    right, wrong = _candidates(sample, claim)
    for name, value in right.items():
        if fits(claim.number, value):
            return holds(claim, f"the {name} of {sample.source} is {value.middle:.4g}")
    for name, value in wrong.items():
        if fits(claim.number, value):
            return _population(claim, sample, name, value, next(iter(right.values())))
    expected = next(iter(right.values()))
    if (
        expected.middle
        and abs(claim.number.value / expected.middle - 1) < CLOSE
        and not book.group(label or "")
    ):
        return holds(claim, f"within {CLOSE:.0%} of the {next(iter(right))} of {sample.source}")
    words = (
        f"the {WORDS[claim.kind]} is printed as {claim.said}; from {sample.source} it is "
        f"{expected.middle:.4g}."
    )
    evidence = {"recomputed": expected.middle, "n": sample.n}
    return fails(claim, Fault("spread", "error", words, evidence=evidence).of(claim))


def _mean_agrees(claim: Claim, book: Book, label: str) -> bool:
    """Say whether the mean beside a spread is that of the sample: of others, the spread is another, too."""
    mean = book.mean_beside(claim, label)
    seeds = book.of_seeds(label, claim.metric)
    if mean is None or seeds is None or book.group(label):
        return True
    return claim.table > 0 or fits(mean.number, seeds.mean)


def _candidates(sample: Sample, claim: Claim) -> tuple[Mapping[str, Range], Mapping[str, Range]]:
    """Return by name what would be right, and what would be a known slip."""
    n, sd, population = sample.n, sample.sd, sample.population_sd
    error = through(lambda s: s / math.sqrt(n), sd)
    few = through(lambda s: s / math.sqrt(n), population)
    if claim.kind == "se":
        return {"standard error": error}, {
            "standard error of the population sd": few,
            "standard deviation": sd,
        }
    if claim.kind == "sd":
        right = {"sample sd": sd} | (
            {"population sd": population} if POPULATION.search(claim.context) else {}
        )
        return right, {"population sd": population, "standard error": error}
    critical = float(stats.t.ppf(0.975, n - 1))
    half = through(lambda s: critical * s / math.sqrt(n), sd)
    return {"sample sd": sd, "standard error": error, "half of the t interval": half}, {
        "population sd": population,
        "half of 1.96 sd/√n": through(lambda s: 1.96 * s / math.sqrt(n), sd),
        "half of 1.96 sd/√n of the population sd": through(lambda s: 1.96 * s / math.sqrt(n), population),
    }


def _population(claim: Claim, sample: Sample, name: str, value: Range, expected: Range) -> Verdict:
    rule = "population_sd" if "population" in name else "spread"
    words = (
        f"the {WORDS[claim.kind]} is printed as {claim.said}, which is the {name} ({value.middle:.4g}"
        f"{', ddof = 0' if rule == 'population_sd' else ''}); the seeds are a sample: {expected.middle:.4g}"
        f"{' (ddof = 1)' if rule == 'population_sd' else ''}, n = {sample.n}."
    )
    evidence = {"recomputed": expected.middle, "slip": value.middle, "n": sample.n}
    return fails(claim, Fault(rule, "warning", words, "numpy: std(ddof=1).", evidence).of(claim))

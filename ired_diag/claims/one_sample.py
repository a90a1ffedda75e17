"""One sample against a number: is the mean of these runs below the target?

    t = (x̄ - μ) / (s / √n),    p = P(T ≤ t) for "less", P(T ≥ t) for "greater", 2 P(T ≥ |t|) for both sides

This is how a record is claimed: ``scipy.stats.ttest_1samp(losses, 3.28, alternative="less")``. With a
standard deviation σ that is taken for known it is a z test, z = (μ - x̄) √n / σ.
"""

from __future__ import annotations

import itertools
import math
import re

from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.numbers import numbers_in
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.ranges import Range, fits, fits_any, through
from ired_diag.claims.samples import Sample

ONE_SAMPLE = re.compile(r"one[\s-]*sample|1[\s_-]?samp|\bttest_1samp\b", re.IGNORECASE)
AGAINST = re.compile(
    r"(?:against|versus|vs\.?|below|under|<|less than|of|mean)\s*(?:the\s+)?(?:target\s+)?(?:of\s+)?$", re.I
)
Z_TEST = re.compile(r"\bz[\s-]*test|\bz\s*=", re.IGNORECASE)
ALTERNATIVES = ("less", "greater", "two-sided")


def one_sample_p(sample: Sample, target: float, alternative: str) -> Range:
    """Return the p of a sample against a target, as far as its values are known.

    Args:
        sample: Of at least two values.
        target: What its mean is held against.
        alternative: ``less``, ``greater`` or ``two-sided``.
    """
    root = math.sqrt(sample.n)
    df = sample.n - 1

    def p(mean: float, sd: float) -> float:
        t = (mean - target) * root / sd if sd else math.copysign(math.inf, mean - target)
        below = float(stats.t.cdf(t, df))
        if alternative == "less":
            return below
        if alternative == "greater":
            return 1 - below
        return 2 * min(below, float(stats.t.sf(t, df)))

    return through(p, sample.mean, sample.sd)


def check_one_sample(claim: Claim, book: Book) -> Verdict:
    """Return whether a p that a program printed is that of the list above it against its target."""
    label = claim.groups[0] if claim.groups else ""
    sample = book.of_seeds(label, claim.metric)
    if sample is None or sample.n < 2 or len(claim.numbers) != 2:
        return unchecked(claim, "the values that it is computed from are not known")
    target = claim.numbers[1].value
    p = one_sample_p(sample, target, claim.test)
    if fits(claim.number, p):
        return holds(claim, f"the one-sample t test of {sample.n} values against {target:g}")
    test = f"the one-sample t test ({claim.test}) of the {sample.n} values against {target:g}"
    words = f"p is printed as {claim.said}; {test} gives {p.middle:.4g}"
    for alternative in ALTERNATIVES:
        if alternative != claim.test and fits(claim.number, one_sample_p(sample, target, alternative)):
            words += f": the printed one is of the alternative {alternative!r}"
            break
    return refuted(
        claim,
        rule="p",
        words=f"{words}.",
        evidence={"recomputed": p.middle, "n": sample.n},
    )


def p_against_target(claim: Claim, book: Book) -> Verdict | None:
    """Return whether a p in a sentence is that of the only sample against the target that the sentence names.

    It is None where the sentence speaks of no one-sample test. Where sample or target is not certain, a p
    that comes out is right, and one that does not is unchecked.
    """
    if claim.table or not ONE_SAMPLE.search(claim.wording) or Z_TEST.search(claim.wording):
        return None
    samples = _samples(claim, book)
    targets = _targets(claim.wording)
    for sample, target in itertools.product(samples, targets):
        if fits_any(claim.number, _every_p(sample, target)):
            return holds(claim, f"the one-sample t test of {sample.source} against {target:g}")
    if len(samples) != 1 or len(targets) != 1:
        return unchecked(claim, "which values it is computed from, or against which target, is not certain")
    (sample,) = samples
    (target,) = targets
    # Shown is the alternative that favours the report most.
    p = min(_every_p(sample, target), key=lambda candidate: candidate.middle)
    printed = f"p is printed as {claim.number.relation}{claim.said}"
    test = f"the one-sample t test of {sample.source} ({sample.n} values) against {target:g}"
    return refuted(
        claim,
        rule="p",
        words=f"{printed}; {test} gives {p.middle:.3g}.",
        evidence={"recomputed": p.middle, "n": sample.n},
    )


def _every_p(sample: Sample, target: float) -> list[Range]:
    return [one_sample_p(sample, target, alternative) for alternative in ALTERNATIVES]


def _samples(claim: Claim, book: Book) -> list[Sample]:
    """Return the samples that may be meant: of the group named, else of the runs or seeds that there are."""
    label_of_group = {}
    for label in claim.groups or book.meant:
        if group := book.group(label):
            label_of_group[group] = label
    if label_of_group:
        candidates = [runs_of_claim(claim, label, book) for label in label_of_group.values()]
    else:
        candidates = list(book.samples_by_seed().values())
    return [sample for sample in candidates if sample is not None and sample.n > 1]


def _targets(text: str) -> list[float]:
    """Return the numbers that a sentence names as a target, each once, in order."""
    targets = {}
    for number in numbers_in(text):
        if AGAINST.search(text[: number.start]):
            targets[number.value] = number
    return list(targets)

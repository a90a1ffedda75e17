"""One sample against a number: is the mean of these runs below the target?

    t = (x̄ - μ) / (s / √n),    p = P(T ≤ t) for "less", P(T ≥ t) for "greater", 2 P(T ≥ |t|) for both sides

This is how a record is claimed: ``scipy.stats.ttest_1samp(losses, 3.28, alternative="less")``. With a
standard deviation σ that is taken for known it is a z test, z = (μ - x̄) √n / σ.
"""

from __future__ import annotations

import math
import re

from scipy import stats

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Fault, Verdict, fails, holds, unchecked
from ired_diag.claims.numbers import numbers_in
from ired_diag.claims.other_number import runs_of_claim
from ired_diag.claims.ranges import Range, fits, through
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
    root, df = math.sqrt(sample.n), sample.n - 1

    def p(mean: float, sd: float) -> float:
        t = (mean - target) * root / sd if sd else math.copysign(math.inf, mean - target)
        below = float(stats.t.cdf(t, df))
        return {"less": below, "greater": 1 - below}.get(
            alternative, 2 * min(below, float(stats.t.sf(t, df)))
        )

    return through(p, sample.mean, sample.sd)


def check_one_sample(claim: Claim, book: Book) -> Verdict:
    """Return whether a p that a program printed is that of the list above it against its target."""
    label = claim.groups[0] if claim.groups else ""
    sample = book.of_seeds(label, claim.metric)
    if sample is None or sample.n < 2 or len(claim.numbers) != 2:
        return unchecked(claim, "the values that it is computed from are not known")
    printed, target = claim.number, claim.numbers[1].value
    p = one_sample_p(sample, target, claim.test)
    if fits(printed, p):
        return holds(claim, f"the one-sample t test of {sample.n} values against {target:g}")
    others = [a for a in ALTERNATIVES if a != claim.test and fits(printed, one_sample_p(sample, target, a))]
    words = (
        f"p is printed as {claim.said}; the one-sample t test ({claim.test}) of the {sample.n} "
        f"values against "
        f"{target:g} gives "
        f"{p.middle:.4g}{f': the printed one is of the alternative {others[0]!r}' if others else ''}."
    )
    return fails(
        claim, Fault("p", "error", words, evidence={"recomputed": p.middle, "n": sample.n}).of(claim)
    )


def p_against_target(claim: Claim, book: Book) -> Verdict | None:
    """Return whether a p in a sentence is that of the only sample against the target that the sentence names.

    It is None where the sentence speaks of no one-sample test. Where sample or target is not certain, a p
    that comes out is right, and one that does not is unchecked.
    """
    near = claim.context.split("\n")[0]
    if claim.table or not ONE_SAMPLE.search(near) or Z_TEST.search(near):
        return None
    samples = _samples(claim, book)
    targets = _targets(near)
    for sample in samples:
        for target in targets:
            if any(fits(claim.number, one_sample_p(sample, target, a)) for a in ALTERNATIVES):
                return holds(claim, f"the one-sample t test of {sample.source} against {target:g}")
    if len(samples) != 1 or len(targets) != 1:
        return unchecked(claim, "which values it is computed from, or against which target, is not certain")
    (sample,), (target,) = samples, targets
    p = min((one_sample_p(sample, target, a) for a in ALTERNATIVES), key=lambda r: r.middle)
    words = (
        f"p is printed as {claim.number.relation}{claim.said}; the one-sample t test of {sample.source} "
        f"({sample.n} values) against {target:g} gives {p.middle:.3g}."
    )
    return fails(
        claim, Fault("p", "error", words, evidence={"recomputed": p.middle, "n": sample.n}).of(claim)
    )


def _samples(claim: Claim, book: Book) -> list[Sample]:
    """Return the samples that may be meant: of the group named, else of the runs or seeds that there are."""
    labels = claim.groups or [*book.meant]
    groups = {g: label for label in labels if (g := book.group(label))}
    if groups:
        every = [runs_of_claim(claim, label, book) for label in groups.values()]
    else:
        values = {c.groups[0]: c.metric for c in book.claims if c.kind == "value" and len(c.groups) == 1}
        every = [book.of_seeds(label, metric) for label, metric in values.items()]
    return [sample for sample in every if sample is not None and sample.n > 1]


def _targets(text: str) -> list[float]:
    """Return the numbers that a sentence names as a target."""
    return list(dict.fromkeys(n.value for n in numbers_in(text) if AGAINST.search(text[: n.start])))

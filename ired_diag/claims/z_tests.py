"""The z rule: a mean of n runs against a target, with a standard deviation σ that is taken for known.

    z = (μ - x̄) √n / σ

A z is right if the mean and n of any sample there is, a σ and a target that the report prints, give it. As
the report may mean others, a z that none gives is unchecked, never wrong; its p is held against it.
"""

from __future__ import annotations

import itertools
import math
import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, unchecked
from ired_diag.claims.numbers import numbers_in, plain
from ired_diag.claims.ranges import Range, fits, through
from ired_diag.claims.samples import Sample

SIGMA = re.compile(r"(?:\u03c3|\bsigma)\s*(?:=|of|:)?\s*`?([\d.]+(?:e-?\d+)?)")
CLOSE = 0.02  # a target is so near to the mean, as a share of it


def check_z(claim: Claim, book: Book) -> Verdict:
    """Return whether a z follows from a sample, a σ and a target that the report prints."""
    sigmas = _sigmas(claim)
    for sample in _samples(book):
        targets = _targets(book.text, sample.mean.middle)
        for sigma, target in itertools.product(sigmas, targets):
            if fits(claim.number, _z(sample, target, sigma), magnitude=True):
                return holds(claim, f"{sample.n} values against {target:g} with \u03c3 = {sigma:g}")
    return unchecked(claim, "from which mean, n, \u03c3 and target it follows is not certain")


def _sigmas(claim: Claim) -> list[float]:
    """Return the standard deviations that the words around a z name, each once."""
    sigmas = set()
    for written in SIGMA.findall(plain(claim.context)):
        bare = written.rstrip(".")  # the end of a sentence
        if bare:
            sigmas.add(float(bare))
    return sorted(sigmas)


def _targets(text: str, mean: float) -> list[float]:
    """Return the numbers of a report that are so near to a mean that they may be its target."""
    targets = set()
    for number in numbers_in(plain(text)):
        if mean and abs(number.value / mean - 1) < CLOSE:
            targets.add(number.value)
    return sorted(targets)


def _z(sample: Sample, target: float, sigma: float) -> Range:
    return through(lambda mean: (target - mean) * math.sqrt(sample.n) / sigma, sample.mean)


def _samples(book: Book) -> list[Sample]:
    """Return the report's own samples of values by seed, then those of the runs."""
    labels = {(claim.only_group, claim.metric) for claim in book.values_by_seed}
    samples = []
    for label, metric in sorted(labels):
        samples.append(book.of_seeds(label, metric))
    for group in book.groups.members:
        samples.append(book.groups.sample(group, "last"))
    return [sample for sample in samples if sample is not None]

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
    printed = {number.value for number in numbers_in(plain(book.text))}
    for sample in _samples(book):
        targets = sorted(value for value in printed if _is_close(value, sample.mean.middle))
        for sigma, target in itertools.product(sigmas, targets):
            if fits(claim.number, _z(sample, target, sigma), magnitude=True):
                return holds(claim, f"{sample.n} values against {target:g} with \u03c3 = {sigma:g}")
    return unchecked(claim, "from which mean, n, \u03c3 and target it follows is not certain")


def _sigmas(claim: Claim) -> list[float]:
    """Return the standard deviations that the words around a z name, each once."""
    shown = [number.rstrip(".") for number in SIGMA.findall(plain(claim.context))]
    return sorted({float(number) for number in shown if number})


def _is_close(target: float, mean: float) -> bool:
    if not mean:
        return False
    return abs(target / mean - 1) < CLOSE


def _z(sample: Sample, target: float, sigma: float) -> Range:
    return through(lambda mean: (target - mean) * math.sqrt(sample.n) / sigma, sample.mean)


def _samples(book: Book) -> list[Sample]:
    labels = set()
    for claim in book.claims:
        if claim.kind == "value" and len(claim.groups) == 1:
            labels.add((claim.only_group, claim.metric))
    samples = [book.of_seeds(label, metric) for label, metric in sorted(labels)]
    samples += [book.groups.sample(group, "last") for group in book.groups.members]
    return [sample for sample in samples if sample is not None]

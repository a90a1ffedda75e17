"""Which test holds its level, and which has power, where groups share a part of their seeds?

    python -m benchmarks.partial_pairs [--studies 4000] [--seed 0] [--equal-only | --unequal-only]

A study is two groups of normal numbers. Shared seeds have correlation ρ, all others are independent. For each
design (shared, only in a, only in b) and each test the line shows, in percent of the studies,

    the level at 5% nominal for ρ = -0.5, 0, 0.3, 0.6, 0.9;
    the power for the same ρ, at a difference where Welch's test without pairs has about 75%
    with many seeds;
    the level where the standard deviation of b is twice that of a, and where it is half, for the same ρ.

The test that ``stats.pairing_design`` prescribes has a star.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator

import numpy as np
from scipy import special, stats

from ired_diag.stats.pairing_design import Estimator, estimator_for
from ired_diag.stats.partial_unequal import fit_unequal
from ired_diag.stats.partially_paired import fit_reml, sums_of

CORRELATIONS = (-0.5, 0.0, 0.3, 0.6, 0.9)
TESTS: tuple[Estimator, ...] = ("welch", "paired", "partial", "partial_unequal")
UNEQUAL = (
    (2, 2, 1), (2, 3, 0), (2, 8, 0), (2, 8, 1), (2, 4, 3), (2, 8, 3), (2, 10, 4), (2, 20, 3), (3, 1, 0),
    (3, 3, 0), (3, 4, 0), (3, 7, 0), (3, 17, 0), (3, 5, 2), (3, 7, 1), (4, 1, 0), (4, 6, 0), (4, 16, 0),
    (4, 6, 1), (5, 15, 0), (6, 4, 0), (7, 3, 0), (8, 12, 0), (9, 1, 0), (10, 10, 0), (12, 12, 0), (20, 80, 0),
)  # fmt: skip


def designs(*, equal_only: bool, unequal_only: bool) -> Iterator[tuple[int, int, int]]:
    """Yield numbers of shared seeds, of seeds that only a has, and of those that only b has."""
    for n in () if unequal_only else (3, 4, 5, 7, 10, 20):
        for shared in range(2, n):
            yield shared, n - shared, n - shared
    if not equal_only:
        yield from UNEQUAL


def false_or_right(
    rng: np.random.Generator,
    design: tuple[int, int, int],
    *,
    studies: int,
    correlation: float,
    difference: float,
    ratio: float,
) -> dict[Estimator, float]:
    """Return in what percentage of studies each test has p ≤ 0.05."""
    shared, n_a, n_b = design
    pairs = rng.normal(size=(studies, 2, shared))
    pairs[:, 1] = correlation * pairs[:, 0] + math.sqrt(1 - correlation**2) * pairs[:, 1]
    only_a, only_b = rng.normal(size=(studies, n_a)), rng.normal(size=(studies, n_b))
    pairs[:, 1] *= ratio
    pairs[:, 0] += difference
    only_a, only_b = only_a + difference, only_b * ratio
    a, b = (np.concatenate([pairs[:, i], only], axis=1) for i, only in enumerate((only_a, only_b)))
    fits = fit_reml(sums_of(pairs, only_a, only_b)), fit_unequal(pairs, only_a, only_b)
    p = (
        stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue,
        stats.ttest_rel(pairs[:, 0], pairs[:, 1], axis=1).pvalue,
        *(2 * special.stdtr(fit.df, -np.abs(fit.difference) / np.sqrt(fit.variance)) for fit in fits),
    )
    return {name: 100 * float(np.mean(each <= 0.05)) for name, each in zip(TESTS, p, strict=True)}


def lines_of(rng: np.random.Generator, design: tuple[int, int, int], studies: int) -> Iterator[str]:
    """Yield a line for each test of a design."""
    shared, n_a, n_b = design
    first, second = shared + n_a, shared + n_b
    effect = 2.6 * math.sqrt(1 / first + 1 / second) * (1 + 1.2 / (first + second - 2))
    cells = [(rho, 0.0, 1.0) for rho in CORRELATIONS]
    cells += [(rho, effect, 1.0) for rho in CORRELATIONS]
    cells += [(rho, 0.0, ratio) for ratio in (2.0, 0.5) for rho in CORRELATIONS]
    shares = [
        false_or_right(rng, design, studies=studies, correlation=rho, difference=shift, ratio=ratio)
        for rho, shift, ratio in cells
    ]
    for name in TESTS:
        level, power, twice, half = (
            " ".join(f"{share[name]:5.1f}" for share in part)
            for part in (shares[:5], shares[5:10], shares[10:15], shares[15:])
        )
        star = "*" if estimator_for(*design) == name else " "
        yield f"{shared:3d}{n_a:4d}{n_b:4d} {star}{name:15s}| {level} | {power} | {twice} | {half}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--equal-only", action="store_true", help="Leave out groups of unequal size.")
    parser.add_argument("--unequal-only", action="store_true", help="Leave out groups of equal size.")
    given = parser.parse_args()
    rng, start = np.random.default_rng(given.seed), time.monotonic()
    columns = f"{'level':29s} | {'power':29s} | {'level, sd of b twice':29s} | level, sd of b half"
    say(f"{'m':>3s}{'a':>4s}{'b':>4s}  {'test':15s}| {columns}")
    for design in designs(equal_only=given.equal_only, unequal_only=given.unequal_only):
        for line in lines_of(rng, design, given.studies):
            say(line)
    say(f"{given.studies} studies a cell, {time.monotonic() - start:.0f} s")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Two groups compared in every way that the seeds allow, always as a - b."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ired_diag.comparison.by_readout import FINAL, ByReadout, line_of
from ired_diag.comparison.deciding import Primary, decide, no_partial_test, paired_test
from ired_diag.comparison.identical import EARLIER_DIFFER
from ired_diag.comparison.later import ComputedLater, Later
from ired_diag.comparison.other_tests import (
    OtherTests,
    coverage_at_skewness,
    coverage_for_normal_data,
    other_tests,
)
from ired_diag.comparison.per_sample import PerSample
from ired_diag.comparison.prospects import posterior_of, power_of_seeds
from ired_diag.comparison.sample import Array, Question, Sample, sample_of
from ired_diag.comparison.sizes import Sizes, sizes_of
from ired_diag.stats.bayes_t import Posterior
from ired_diag.stats.coverage import Coverage
from ired_diag.stats.equivalence import Equivalence
from ired_diag.stats.pairing_design import Estimator, is_partial
from ired_diag.stats.power import SeedsNeeded
from ired_diag.stats.shared_noise import SharedNoise
from ired_diag.stats.success import Criterion
from ired_diag.stats.t_tests import TTest, student, welch
from ired_diag.stats.verdict import Verdict
from ired_diag.stats.worst_rank import WorstRank

if TYPE_CHECKING:
    from ired_diag.comparison.unequal_lengths import UnequalLengths

__all__ = [
    "FINAL",
    "ByReadout",
    "PairOfGroups",
    "Question",
    "Sample",
    "compare_pair",
    "line_of",
    "sample_of",
]


@dataclass(frozen=True, kw_only=True)
class PairOfGroups:
    """Two groups compared, always as a - b.

    Attributes:
        a: Name of the first group.
        b: Name of the second.
        difference: Mean of a minus mean of b, as the t test of ``estimator`` estimates it.
        reference: Absolute mean of b over the seeds that this test looks at; NaN where ``no_share``.
        ratio: The difference over the reference.
        no_share: Why a share of the means says nothing; empty where it does.
        margin: What is too small to matter, in the metric's unit; NaN where it is a share that says nothing.
        primary: Which test decides: ``paired``, ``partial``, ``partial_unequal`` or ``welch``; ``worst_rank``
            where seeds failed.
        estimator: Which t test gives the difference of means and its interval.
        obstacle: Why the seeds may not be paired; empty where they may.
        failed: How many seeds of each group failed.
        seeds: How many seeds of each group have a number, and how many of them both share.
        student: Student's test.
        welch: Welch's test.
        paired: The paired test over shared seeds; NaN with a reason where seeds may not be paired.
        partial: The partially paired test over all seeds; NaN with a reason where it is not called for.
        worst_rank: Lachin's test, which ranks failed seeds last; None where no seed failed.
        p: P value of the test that decides.
        p_holm: That p value, corrected for there being several pairs of groups (Holm).
        p_bh: That p value, controlling the false discovery rate (Benjamini & Hochberg).
        simultaneous_low: Lower end of the interval of the difference that holds together with those of all
            other pairs that are tested (Bonferroni); of a single pair, its 95% interval.
        simultaneous_high: Upper end of that interval.
        p_equivalence_holm: P value of equivalence, corrected for several pairs (Holm).
        correlation: Pearson's correlation of the paired values; NaN below three pairs.
        wins_a: Pairs of seeds in which a is better; None where seeds are not pairs.
        wins_b: Pairs of seeds in which b is better; None where seeds are not pairs.
        coverage: Simulated coverage of the difference's interval at this n, for normal data.
        coverage_indicated: That coverage at the sample's skewness, which few seeds estimate badly.
        verdict: Verdict, corrected for several pairs.
        uncorrected: Verdict of this pair by itself.
        identical: That both have the same numbers to the last digit, in words; empty where they differ.
        mixed_scales: Why the numbers of both are not on one scale; empty where they are.
        other_problems: The same, where both solve different problems; empty where they solve one.
        tests: Other tests, which do not decide.
        sizes: Effect sizes.
        equivalence: Two one-sided tests against the margin.
        posterior: Probabilities that the difference is below, inside and above the margin.
        power: What these seeds can show, and how many would be needed.
        shared_noise: Whether equal seeds fluctuate together: the check on pairing.
        by_readout: What each readout says.
        flips: Whether the readouts of the end of the curves disagree on the verdict.
        per_sample: The difference on frozen problems, where the probe ``accuracy`` has looked at the runs.
        criteria: The study's criteria of success, of a as a remedy for b; empty for other runs.
        differing: Settings that both groups' configurations state differently.
        pairing: Why equal seeds are pairs, in words; empty where they are not.
        lengths: How the trainings of both differ in length; None where all seeds end at one step.
        shares_seeds: Whether runs of a group share seeds of single sources, so that interval, p value and
            verdict are made of variance components (``crossed_runs``).
        of_folds: Whether runs are folds of a cross-validation, so that interval, p value and verdict are
            those of the corrected resampled t test (``fold_runs``).
        further_runs: Which further runs of folds would tell more; empty of seeds.
        run_noun: What one of their runs is called: ``seed``, ``fold``; ``run`` where one group has folds.
    """

    a: str
    b: str
    difference: float
    reference: float
    ratio: float
    no_share: str
    margin: float
    primary: Primary
    estimator: Estimator
    obstacle: str
    failed: tuple[int, int]
    seeds: tuple[int, int, int]
    student: ComputedLater[TTest] = ComputedLater()
    welch: ComputedLater[TTest] = ComputedLater()
    paired: ComputedLater[TTest] = ComputedLater()
    partial: TTest
    worst_rank: WorstRank | None
    p: float
    p_holm: float
    p_bh: float
    simultaneous_low: float
    simultaneous_high: float
    p_equivalence_holm: float
    correlation: float
    wins_a: int | None
    wins_b: int | None
    coverage: ComputedLater[Coverage] = ComputedLater()
    coverage_indicated: ComputedLater[Coverage] = ComputedLater()
    verdict: Verdict
    uncorrected: Verdict
    tests: ComputedLater[OtherTests] = ComputedLater()
    sizes: ComputedLater[Sizes] = ComputedLater()
    equivalence: Equivalence
    posterior: ComputedLater[Posterior] = ComputedLater()
    power: ComputedLater[SeedsNeeded] = ComputedLater()
    shared_noise: ComputedLater[SharedNoise] = ComputedLater()
    by_readout: Sequence[ByReadout]
    flips: bool = False
    identical: str = ""
    mixed_scales: str = ""
    other_problems: str = ""
    per_sample: Sequence[PerSample] = ()
    criteria: Sequence[Criterion] = ()
    differing: Sequence[str] = ()
    pairing: str = ""
    lengths: UnequalLengths | None = None
    shares_seeds: bool = False
    of_folds: bool = False
    further_runs: str = ""
    run_noun: str = "seed"

    @property
    def curves_differ(self) -> bool:
        """Whether both have the same numbers while their earlier evaluations differ."""
        return EARLIER_DIFFER in self.identical

    @property
    def test_name(self) -> str:
        """Which test decides: ``primary``, or ``corrected_resampled`` of folds."""
        if self.of_folds and self.worst_rank is None:
            return "corrected_resampled"
        return self.primary

    @property
    def test(self) -> TTest:
        """The t test that gives the difference of means; it decides unless seeds failed."""
        if self.estimator == "paired":
            return self.paired
        return self.welch if self.estimator == "welch" else self.partial


def compare_pair(
    sample: Sample,
    question: Question,
    by_readout: Sequence[ByReadout],
    noise: SharedNoise | Later[SharedNoise],
) -> PairOfGroups:
    """Return everything about one pair of groups; corrections for several pairs are yet to be made.

    Args:
        sample: The declared readout's numbers.
        question: How to compare.
        by_readout: What each readout says.
        noise: Whether equal seeds fluctuate together.
    """
    deciding = decide(sample, question)
    estimator = deciding.estimator
    partial_test = no_partial_test(sample)
    if is_partial(estimator):
        partial_test = deciding.test
    wins_a, wins_b = _wins(sample, lower_is_better=question.lower_is_better)
    return PairOfGroups(
        a=sample.names[0],
        b=sample.names[1],
        difference=deciding.difference,
        reference=deciding.reference,
        ratio=deciding.difference / deciding.reference,
        no_share=deciding.no_share,
        margin=deciding.margin,
        primary=deciding.primary,
        estimator=estimator,
        obstacle=sample.obstacle,
        failed=sample.failed,
        seeds=(len(sample.a), len(sample.b), sample.pairs.shape[1]),
        student=Later(partial(student, sample.a, sample.b)),
        welch=Later(partial(welch, sample.a, sample.b)),
        paired=Later(partial(paired_test, sample)),
        partial=partial_test,
        worst_rank=deciding.worst_rank,
        p=deciding.p,
        p_holm=deciding.p,
        p_bh=deciding.p,
        simultaneous_low=deciding.test.low,
        simultaneous_high=deciding.test.high,
        p_equivalence_holm=deciding.equivalence.p,
        correlation=_correlation(*sample.paired),
        wins_a=wins_a,
        wins_b=wins_b,
        coverage=Later(partial(coverage_for_normal_data, sample, estimator)),
        coverage_indicated=Later(partial(coverage_at_skewness, sample, estimator)),
        verdict=deciding.verdict,
        uncorrected=deciding.verdict,
        tests=Later(partial(other_tests, sample, question, estimator)),
        sizes=Later(partial(sizes_of, sample, question, estimator)),
        equivalence=deciding.equivalence,
        posterior=Later(partial(posterior_of, sample, deciding)),
        power=Later(partial(power_of_seeds, sample, deciding)),
        shared_noise=noise,
        by_readout=by_readout,
    )


def _wins(sample: Sample, *, lower_is_better: bool) -> tuple[int | None, int | None]:
    """Return in how many pairs of seeds each group is better; None where seeds are not pairs."""
    if sample.obstacle:
        return None, None
    x, y = sample.pairs
    lower, higher = int((x < y).sum()), int((x > y).sum())
    if lower_is_better:
        return lower, higher
    return higher, lower


def _correlation(x: Array, y: Array) -> float:
    """Return Pearson's correlation; NaN of fewer than three pairs, or where a group has one value."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    # Squares of tiny numbers would be 0, so both are scaled first.
    scaled_x = (x - x.mean()) / np.ptp(x)
    scaled_y = (y - y.mean()) / np.ptp(y)
    return float(np.corrcoef(scaled_x, scaled_y)[0, 1])

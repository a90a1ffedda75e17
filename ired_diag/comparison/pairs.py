"""Two groups compared in every way that the seeds allow, always as a - b."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.per_sample import PerSample
from ired_diag.stats.bayes_t import Posterior, paired_posterior, two_sample_posterior
from ired_diag.stats.bootstrap import BootstrapInterval, bootstrap_difference
from ired_diag.stats.coverage import Coverage, coverage_of, holds, indicated_coverage
from ired_diag.stats.dominance import Dominance, dominance
from ired_diag.stats.equivalence import Equivalence, paired_equivalence, welch_equivalence
from ired_diag.stats.hedges import StandardisedDifference, paired_samples_effect, two_sample_effect
from ired_diag.stats.improvement import Improvement, improvement_paired, improvement_unpaired
from ired_diag.stats.permutation import PermutationTest, sign_flip, two_samples
from ired_diag.stats.power import SeedsNeeded, paired_seeds_needed, two_sample_seeds_needed
from ired_diag.stats.rank_tests import RankTest, mann_whitney, wilcoxon
from ired_diag.stats.ratio import Ratio
from ired_diag.stats.ratio_of_means import paired_ratio_of_means, ratio_of_two_means
from ired_diag.stats.shared_noise import SharedNoise
from ired_diag.stats.spread_tests import SdRatio, SpreadTest, brown_forsythe, sd_ratio
from ired_diag.stats.success import Criterion
from ired_diag.stats.t_tests import TTest, paired, student, welch
from ired_diag.stats.verdict import Decision, Verdict, judge

FINAL = ("plateau", "last", "best", "last10")  # readouts of how good a run became, not of how fast

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """How two groups are to be compared.

    Attributes:
        margin: What is too small to matter, as a share of the mean of the two groups' means.
        lower_is_better: The direction.
        draw: Seed of all that is drawn at random.
    """

    margin: float = 0.01
    lower_is_better: bool = True
    draw: int = 0


@dataclass(frozen=True)
class Sample:
    """The numbers of two groups, one a seed.

    Attributes:
        names: Of the groups.
        a: Of shape (n_a,).
        b: Of shape (n_b,).
        pairs: Both groups' numbers of the seeds that they share, of shape (2, n).
        obstacle: Why these may not be taken for pairs, or nothing.
        failed: How many seeds of each group failed, and have no number.
    """

    names: tuple[str, str]
    a: Array
    b: Array
    pairs: Array
    obstacle: str
    failed: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class OtherTests:
    """Tests beside the t tests.

    Attributes:
        mann_whitney: Of the ranks of all values.
        wilcoxon: Of the signed ranks of the pairs.
        permutation: Of the difference of means, values dealt out anew.
        sign_flip: Of the mean difference of the pairs, signs dealt out anew.
        bootstrap: Studentised bootstrap interval of the difference that is compared; NaN with a reason where
            its simulated coverage does not hold.
        brown_forsythe: Of equal spread.
        sd_ratio: Sd of a over that of b.
    """

    mann_whitney: RankTest
    wilcoxon: RankTest
    permutation: PermutationTest
    sign_flip: PermutationTest
    bootstrap: BootstrapInterval
    brown_forsythe: SpreadTest
    sd_ratio: SdRatio


@dataclass(frozen=True)
class Sizes:
    """How large the difference is, in units that do not depend on the metric's.

    Attributes:
        hedges: Hedges' g, in pooled standard deviations.
        paired: In standard deviations of the pairs' differences.
        ratio: Mean of a over mean of b, with Fieller's interval.
        dominance: Cliff's δ and A12.
        improvement: Probability that a seed of a is better than one of b: of the same seed where paired.
    """

    hedges: StandardisedDifference
    paired: StandardisedDifference
    ratio: Ratio
    dominance: Dominance
    improvement: Improvement


@dataclass(frozen=True)
class ByReadout:
    """What another readout of the same curves says.

    Attributes:
        readout: Which.
        difference: Mean of a minus mean of b.
        ratio: That over the mean of b.
        low: Lower end of the primary test's 95% interval.
        high: Its upper end.
        p: Of the primary test.
        welch_p: Of Welch's test, as a check.
        decision: Better, worse, equivalent or undecided.
        n: Pairs, or values of both groups.
        reason: Why numbers are NaN.
    """

    readout: str
    difference: float
    ratio: float
    low: float
    high: float
    p: float
    welch_p: float
    decision: Decision
    n: int
    reason: str = ""


@dataclass(frozen=True)
class PairOfGroups:
    """Two groups compared, always as a - b.

    Attributes:
        a: Name of the first group.
        b: Name of the second.
        difference: Mean of a minus mean of b, over the pairs where the seeds are paired.
        ratio: That difference over the mean of b.
        margin: What is too small to matter, in the metric's unit.
        primary: Which test decides: ``paired`` where the seeds may be paired, else ``welch``.
        obstacle: Why the seeds may not be paired, or nothing.
        student: Student's test.
        welch: Welch's test.
        paired: The paired test over shared seeds; NaN with a reason where seeds may not be paired.
        p_holm: The primary test's p, corrected for there being several pairs of groups (Holm).
        p_bh: The same, controlling the false discovery rate (Benjamini & Hochberg).
        correlation: Pearson's correlation of the paired values; NaN below three pairs.
        wins_a: Shared seeds in which a is better.
        wins_b: Shared seeds in which b is better.
        coverage: Simulated coverage of the primary test's interval at this n, for normal data.
        coverage_indicated: The same at the sample's skewness, which few seeds tell badly.
        verdict: What it comes to, by the primary test's intervals and the margin.
        tests: Other tests.
        sizes: Effect sizes.
        equivalence: Two one-sided tests against the margin.
        posterior: Probabilities that the difference is below, inside and above the margin.
        power: What these seeds can show, and how many would be needed.
        shared_noise: Whether equal seeds fluctuate together: the check on pairing.
        by_readout: What the other readouts say.
        per_sample: The same on frozen matrices, where the probe ``accuracy`` has looked at the runs.
        criteria: The study's criteria of success, of a as a remedy for b.
        differing: What both groups' configurations tell differently.
        flips: Whether those that read the end of the curves disagree on the verdict.
        pairing: Why equal seeds are pairs, in words; empty where they are not.
    """

    a: str
    b: str
    difference: float
    ratio: float
    margin: float
    primary: str
    obstacle: str
    student: TTest
    welch: TTest
    paired: TTest
    p_holm: float
    p_bh: float
    correlation: float
    wins_a: int
    wins_b: int
    coverage: Coverage
    coverage_indicated: Coverage
    verdict: Verdict
    tests: OtherTests
    sizes: Sizes
    equivalence: Equivalence
    posterior: Posterior
    power: SeedsNeeded
    shared_noise: SharedNoise
    by_readout: Sequence[ByReadout]
    flips: bool
    per_sample: Sequence[PerSample] = ()
    criteria: Sequence[Criterion] = ()
    differing: Sequence[str] = ()
    pairing: str = ""

    @property
    def test(self) -> TTest:
        """The test that decides."""
        return self.paired if self.primary == "paired" else self.welch


def sample_of(
    names: tuple[str, str],
    a: Mapping[str, float],
    b: Mapping[str, float],
    shared: Sequence[str],
    obstacle: str,
    *,
    failed: tuple[int, int] = (0, 0),
) -> Sample:
    """Return two groups' numbers, and those of the seeds that both have.

    Args:
        names: Of the groups.
        a: By seed.
        b: By seed.
        shared: Seeds that are paired, if they have a number in both.
        obstacle: Why they may not be, or nothing.
        failed: How many seeds of each group failed.
    """
    both = [seed for seed in shared if seed in a and seed in b]
    pairs = np.array([[a[seed] for seed in both], [b[seed] for seed in both]], dtype=np.float64)
    lacking = obstacle or ("" if both else "no seed in common")
    return Sample(names, np.array(list(a.values())), np.array(list(b.values())), pairs, lacking, failed)


def compare_pair(
    sample: Sample, question: Question, by_readout: Sequence[ByReadout], noise: SharedNoise
) -> PairOfGroups:
    """Return everything about one pair of groups; corrections for several pairs are yet to be made.

    Args:
        sample: The declared readout's numbers.
        question: How to compare.
        by_readout: What all readouts say.
        noise: Whether equal seeds fluctuate together.
    """
    a, b, (x, y) = sample.a, sample.b, sample.pairs
    together = not sample.obstacle
    test, difference, mean_b = _primary(sample)
    margin = _margin(sample, question)
    better = (x < y) if question.lower_is_better else (x > y)
    decisions = {line.decision for line in by_readout if line.readout in FINAL and not line.reason}
    return PairOfGroups(
        *sample.names,
        difference=difference,
        ratio=difference / mean_b if mean_b else math.nan,
        margin=margin,
        primary="paired" if together else "welch",
        obstacle=sample.obstacle,
        student=student(a, b),
        welch=welch(a, b),
        paired=test if together else _not_paired(sample.obstacle),
        p_holm=math.nan,
        p_bh=math.nan,
        correlation=_correlation(x, y) if together else math.nan,
        wins_a=int(better.sum()),
        wins_b=int((~better & (x != y)).sum()),
        coverage=coverage_of(*_interval(sample)[:2]),
        coverage_indicated=_indicated(sample),
        verdict=_verdict(sample, question, margin),
        tests=OtherTests(
            mann_whitney(a, b),
            wilcoxon(x, y),
            two_samples(a, b, seed=question.draw),
            sign_flip(x, y, seed=question.draw),
            _bootstrap(sample, question),
            brown_forsythe(a, b),
            sd_ratio(a, b),
        ),
        sizes=_sizes(sample, question),
        equivalence=(
            paired_equivalence(x, y, margin=margin) if together else welch_equivalence(a, b, margin=margin)
        ),
        posterior=(
            paired_posterior(x, y, rope=margin) if together else two_sample_posterior(a, b, rope=margin)
        ),
        power=(
            paired_seeds_needed(x, y, margin=margin)
            if together
            else two_sample_seeds_needed(a, b, margin=margin)
        ),
        shared_noise=noise,
        by_readout=by_readout,
        flips=len(decisions) > 1,
    )


def line_of(readout: str, sample: Sample, question: Question, *, withheld: str = "") -> ByReadout:
    """Return what one readout says of a pair of groups; ``withheld`` is why no seed has it."""
    if not (len(sample.a) and len(sample.b)):
        nan, reason = math.nan, withheld or "no seed has this readout"
        return ByReadout(readout, nan, nan, nan, nan, nan, nan, "undecided", 0, reason)
    test, difference, mean_b = _primary(sample)
    decision = _verdict(sample, question, _margin(sample, question)).decision
    ratio = difference / mean_b if mean_b else math.nan
    checked = welch(sample.a, sample.b).p
    return ByReadout(
        readout, difference, ratio, test.low, test.high, test.p, checked, decision, test.n, test.reason
    )


def _primary(sample: Sample, *, confidence: float = 0.95) -> tuple[TTest, float, float]:
    """Return the test that decides, the difference that it tests, and b's mean among what it looks at."""
    if sample.obstacle:
        test = welch(sample.a, sample.b, confidence=confidence)
        return test, _mean(sample.a) - _mean(sample.b), _mean(sample.b)
    x, y = sample.pairs
    return paired(x, y, confidence=confidence), float((x - y).mean()), float(y.mean())


def _margin(sample: Sample, question: Question) -> float:
    """Return the margin: a share of the mean of both means, so that swapping the groups changes nothing."""
    return question.margin * (abs(_mean(sample.a)) + abs(_mean(sample.b))) / 2


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else math.nan


def _verdict(sample: Sample, question: Question, margin: float) -> Verdict:
    (wide, *_), (narrow, *_) = (_primary(sample, confidence=c) for c in (0.95, 0.90))
    return judge(
        interval_95=(wide.low, wide.high),
        interval_90=(narrow.low, narrow.high),
        margin=margin,
        lower_is_better=question.lower_is_better,
        names=sample.names,
    )


def _sizes(sample: Sample, question: Question) -> Sizes:
    a, b, (x, y), lower = sample.a, sample.b, sample.pairs, question.lower_is_better
    alone = improvement_unpaired(a, b, lower_is_better=lower)
    return Sizes(
        two_sample_effect(a, b),
        paired_samples_effect(x, y),
        ratio_of_two_means(a, b) if sample.obstacle else paired_ratio_of_means(x, y),
        dominance(a, b),
        alone if sample.obstacle else improvement_paired(x, y, lower_is_better=lower),
    )


def _interval(sample: Sample) -> tuple[str, int, Array]:
    """Return the primary interval's name, its n, and the values whose skewness matters to it."""
    if sample.obstacle:
        fewest = min((sample.a, sample.b), key=len)
        return "welch", len(fewest), fewest
    x, y = sample.pairs
    return "t", len(x), x - y


def _indicated(sample: Sample) -> Coverage:
    name, _, values = _interval(sample)
    return indicated_coverage(name, values)


def _bootstrap(sample: Sample, question: Question) -> BootstrapInterval:
    """Return the studentised interval where it holds."""
    _, n, _ = _interval(sample)
    together = not sample.obstacle
    name = "studentised_mean" if together else "studentised_difference"
    if not holds(name, n):
        reason = f"at n = {n} its simulated coverage is not known to hold"
        return BootstrapInterval(math.nan, math.nan, math.nan, "studentised", 0, reason)
    a, b = sample.pairs if together else (sample.a, sample.b)
    return bootstrap_difference(a, b, paired=together, seed=question.draw, method="studentised")


def _not_paired(obstacle: str) -> TTest:
    nan = math.nan
    return TTest(nan, nan, nan, nan, nan, 0, f"not paired: {obstacle}")


def _correlation(x: Array, y: Array) -> float:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])

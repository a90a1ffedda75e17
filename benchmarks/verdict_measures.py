"""What is measured of one study: whether groups are called different, intervals hold, power is lost.

A study returns what it measures by name: 1 where it happened, 0 where not; the power of a verdict is measured
against the test that the design prescribes on the same studies, so that their difference may also be -1. A
study that has nothing to say of a measure leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.verdict_path import Decided, decision_of
from benchmarks.verdict_studies import Array, Design, curves_of, partly_shared, study_of, true_means
from ired_diag.comparison import compare
from ired_diag.comparison.words import caveats_of, verdict_of
from ired_diag.curves.plateau import plateau_start
from ired_diag.stats.success import Criterion
from ired_diag.stats.summary import summarise

Measured = dict[str, float]
Study = Callable[[np.random.Generator], Measured]

DIFFERENT, PLATEAU, LOST = "better or worse", "common plateau found", "power lost"
LOST_TO_READER = "power lost to a reader who knows the plateau"
COVERS_MEAN, COVERS_DIFFERENCE = "mean's interval", "difference's interval"
SEEDS_DIFFER, ONE_PLATEAU = "seeds differ", "plateau found"
SAFE, UNSAID = "better, no divergence", "better, failures unsaid"

ALPHA = 0.05
NEAR = 2  # evaluations from the true start of a plateau
FAILED = r"fail|NaN|diverge|not finite|surviv"  # one of these words tells the reader


@dataclass(frozen=True)
class NullStudy:
    """Groups that differ by chance alone."""

    design: Design

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether groups are called different, and whether intervals hold the truth."""
        decided = decision_of(study_of(self.design, rng))
        measured = {DIFFERENT: float(decided.differ), PLATEAU: float(decided.read.plateau_step is not None)}
        if self.design.failing or self.design.drift or self.design.improves or self.design.groups > 2:
            return measured
        return measured | _coverage(decided, self.design.effect)


def _coverage(decided: Decided, effect: float) -> Measured:
    """Return whether the intervals of the first mean and of the difference hold the truth."""
    (test,), mean = decided.tests, summarise(decided.values_of("m0"))
    return {
        COVERS_MEAN: float(mean.low <= 1 <= mean.high),
        COVERS_DIFFERENCE: float(test.test.low <= -effect <= test.test.high),
    }


@dataclass(frozen=True)
class PowerStudy:
    """Two groups that differ, and the test that the design prescribes: paired t, or Welch's on unknown data.

    It is made on the numbers that are compared, which is what the bound is about. It is also made on the
    means from the true start of the plateau on. No reader of the curves knows that start: the window that is
    found is shorter, and where none is found, the last evaluation has less power. What is lost there is lost
    by the readout and not by the test.
    """

    design: Design
    start: int = 40

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether each of the two tests sees the difference, less whether the verdict does."""
        seed = int(rng.integers(2**63))
        decided = decision_of(study_of(self.design, np.random.default_rng(seed)))
        first, second = (decided.read.values[decided.readout][name] for name in ("m0", "m1"))
        labels = [label for label in first if label in second] if self.design.stated else None
        same = [np.array([x[label] for label in labels or x]) for x in (first, second)]
        true = true_means(curves_of(self.design, np.random.default_rng(seed)), self.start)
        better = float(decided.decisions[0] == "better")
        return {LOST: self._sees(*same) - better, LOST_TO_READER: self._sees(*true) - better}

    def _sees(self, a: Array, b: Array) -> float:
        """Return whether the prescribed test calls the first group better, by a number of each seed."""
        test = stats.ttest_rel(a, b) if self.design.stated else stats.ttest_ind(a, b, equal_var=False)
        return float(test.pvalue <= ALPHA and a.mean() < b.mean())


@dataclass(frozen=True)
class PartlySharedStudy:
    """Two groups of single numbers that share some of their seeds."""

    counts: tuple[int, int, int]
    correlation: float
    effect: float = 0.0

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether a null difference is seen, or the power lost to Welch's test on all seeds."""
        groups = partly_shared(self.counts, correlation=self.correlation, effect=self.effect, rng=rng)
        decided = decision_of(groups)
        if not self.effect:
            return {DIFFERENT: float(decided.differ)}
        a, b = (decided.values_of(name) for name in groups)
        seen = stats.ttest_ind(a, b, equal_var=False).pvalue <= ALPHA and np.mean(a) < np.mean(b)
        return {LOST: float(seen) - float(decided.decisions[0] == "better")}


@dataclass(frozen=True)
class NoiseStudy:
    """Seeds that differ by evaluation noise alone."""

    design: Design

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether seeds are said to differ beyond evaluation noise; withheld counts as not said."""
        split = decision_of(study_of(self.design, rng)).noise()[0].split
        return {SEEDS_DIFFER: float(not split.reason and split.low > 0)}


@dataclass(frozen=True)
class PlateauStudy:
    """One curve that rests from a known evaluation on: from an exponential's end, or from a step drop."""

    correlation: float
    drop: int | None = None

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether its plateau is found; after a drop, whether it starts within two evaluations."""
        design = Design(seeds=1, groups=1, correlation=self.correlation)
        values = curves_of(design, rng)[0, 0]
        if self.drop is not None:
            values = np.where(np.arange(len(values)) < self.drop, values + rng.uniform(0.2, 2), values)
        index = plateau_start(np.arange(1, len(values) + 1), values).index
        if self.drop is None:
            return {ONE_PLATEAU: float(index is not None)}
        return {ONE_PLATEAU: float(index is not None and abs(index - self.drop) <= NEAR)}


@dataclass(frozen=True)
class PrintedFailures:
    """Five seeds, of which two end in NaN, against five: all of ``compare``, to the printed sentence."""

    effect: float

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether the group with failures is called better without divergence."""
        groups = study_of(Design(effect=self.effect), rng)
        for run in groups["m0"][:2]:
            next(iter(run.history.series.values())).values[-3:] = np.nan
        result = compare(groups)
        (pair,) = result.pairs
        printed = " ".join([*result.left_out, verdict_of(pair, result), *caveats_of(pair, result)])
        better, safe = "m0 is better" in printed, any(_says_safe(c) for c in pair.criteria)
        silent = not re.search(FAILED, printed, re.IGNORECASE)
        return {
            SAFE: float(better and safe),
            UNSAID: float(better and silent),
        }


def _says_safe(criterion: Criterion) -> bool:
    return criterion.name == "no divergence" and criterion.met == "yes"


def measures_of(study: Study, count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return what ``count`` studies measure, by measure."""
    measured: dict[str, list[float]] = {}
    for _ in range(count):
        for name, value in study(rng).items():
            measured.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in measured.items()}

"""The promises of the verdicts, one cell each: a kind of study, what is measured of it, and the bound.

A study returns what it measures by name: 1 where it happened, 0 where not; the power of a verdict is measured
against the test that the design prescribes on the same studies, so that their difference may also be -1. A
study that has nothing to say of a measure leaves it out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from benchmarks.verdict_path import Decided, decision_of
from benchmarks.verdict_studies import (
    Array,
    Design,
    curves_of,
    partly_shared,
    study_of,
    true_means,
)
from ired_diag.comparison import compare
from ired_diag.comparison.words import caveats_of, verdict_of
from ired_diag.curves.plateau import plateau_start
from ired_diag.stats.success import Criterion
from ired_diag.stats.summary import summarise

Measured = dict[str, float]
Study = Callable[[np.random.Generator], Measured]

SEEDS = (3, 5, 10)
ALPHA = 0.05
LEVEL, FAMILY, PARTLY, NOISE = 0.055, 0.06, 0.06, 0.05
COVERED, AR_PLATEAU, STEP_PLATEAU = 0.94, 0.8, 0.9
POWER_LOST, POWER_LOST_PARTLY = 0.03, 0.05
MANY, FEW, PRINTED = 20_000, 4_000, 400  # studies where a study is cheap, where curves are read, and printed
DIFFERENT, PLATEAU = "better or worse", "common plateau found"
COVERS_MEAN, COVERS_DIFFERENCE = "mean's interval", "difference's interval"
FAILED = r"fail|NaN|diverge|not finite|surviv"  # one of these words tells the reader
AUTOCORRELATED = 0.8  # φ under which a plateau must be found
NEAR = 2  # evaluations from the true start of a plateau


@dataclass(frozen=True)
class Bound:
    """What a measure may be at most, or must be at least."""

    measure: str
    limit: float
    at_most: bool = True


@dataclass(frozen=True)
class Cell:
    """One kind of study.

    Attributes:
        name: Kind and design.
        study: Makes one study and measures it.
        studies: How many to make.
        bounds: Of what it measures.
    """

    name: str
    study: Study
    studies: int
    bounds: tuple[Bound, ...]


@dataclass(frozen=True)
class NullStudy:
    """Groups that differ by chance alone."""

    design: Design

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether groups are called different, and whether intervals hold the truth."""
        found = decision_of(study_of(self.design, rng))
        measured = {DIFFERENT: float(found.differ), PLATEAU: float(found.read.plateau_step is not None)}
        if self.design.failing or self.design.drift or self.design.improves or self.design.groups > 2:
            return measured
        return measured | _coverage(found, self.design.effect)


def _coverage(found: Decided, effect: float) -> Measured:
    """Return whether the intervals of the first mean and of the difference hold the truth."""
    (line,), mean = found.lines, summarise(found.values_of("m0"))
    return {
        COVERS_MEAN: float(mean.low <= 1 <= mean.high),
        COVERS_DIFFERENCE: float(line.low <= -effect <= line.high),
    }


@dataclass(frozen=True)
class PowerStudy:
    """Two groups that differ, and the prescribed test on the means over the true plateau."""

    design: Design
    start: int = 40

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether the prescribed test sees the difference, less whether the verdict does."""
        seed = int(rng.integers(2**63))
        found = decision_of(study_of(self.design, np.random.default_rng(seed)))
        a, b = true_means(curves_of(self.design, np.random.default_rng(seed)), self.start)
        test = stats.ttest_rel(a, b) if self.design.stated else stats.ttest_ind(a, b, equal_var=False)
        prescribed = test.pvalue <= ALPHA and a.mean() < b.mean()
        return {"power lost": float(prescribed) - float(found.lines[0].decision == "better")}


@dataclass(frozen=True)
class PartlySharedStudy:
    """Two groups of single numbers that share some of their seeds."""

    counts: tuple[int, int, int]
    correlation: float
    effect: float = 0.0

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether a null difference is seen, or the power lost to Welch's test on all seeds."""
        groups = partly_shared(self.counts, correlation=self.correlation, effect=self.effect, rng=rng)
        found = decision_of(groups)
        if not self.effect:
            return {DIFFERENT: float(found.differ)}
        a, b = (found.values_of(name) for name in groups)
        seen = stats.ttest_ind(a, b, equal_var=False).pvalue <= ALPHA and np.mean(a) < np.mean(b)
        return {"power lost": float(seen) - float(found.lines[0].decision == "better")}


@dataclass(frozen=True)
class NoiseStudy:
    """Seeds that differ by evaluation noise alone."""

    design: Design

    def __call__(self, rng: np.random.Generator) -> Measured:
        """Return whether seeds are said to differ beyond evaluation noise; withheld counts as not said."""
        split = decision_of(study_of(self.design, rng)).noise()[0].split
        return {"seeds differ": float(not split.reason and split.low > 0)}


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
            return {"plateau found": float(index is not None)}
        return {"plateau found": float(index is not None and abs(index - self.drop) <= NEAR)}


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
        printed = " ".join([verdict_of(pair, result), *caveats_of(pair, result)])
        better, safe = "m0 is better" in printed, any(_says_safe(c) for c in pair.criteria)
        silent = not re.search(FAILED, printed, re.IGNORECASE)
        return {
            "better, no divergence": float(better and safe),
            "better, failures unsaid": float(better and silent),
        }


def _says_safe(criterion: Criterion) -> bool:
    return criterion.name == "no divergence" and criterion.met == "yes"


def cells() -> Iterator[Cell]:
    """Yield all cells."""
    yield from _null_cells()
    yield from _drift_cells()
    yield from _family_cells()
    yield from _noise_cells()
    yield from _plateau_cells()
    yield from _power_cells()
    yield from _partly_shared_cells()
    yield from _failure_cells()


NULLS = {
    "white": Design(),
    "white, no seed spread": Design(seed_sd=0.0),
    "AR(0.8)": Design(correlation=AUTOCORRELATED),
    "AR(0.95)": Design(correlation=0.95),
    "heavy tails and spikes": Design(heavy=True),
    "sd ratio 2": Design(spread=2.0),
    "weakly shared noise, stated pairs": Design(shared=0.2, stated=True),
    "independent, stated pairs": Design(stated=True),
    "different plateau starts": Design(times=(3.0, 7.0)),
}


def _null_cells() -> Iterator[Cell]:
    level = Bound(DIFFERENT, LEVEL)
    covers = tuple(Bound(name, COVERED, at_most=False) for name in (COVERS_MEAN, COVERS_DIFFERENCE))
    for (name, design), n in itertools.product(NULLS.items(), SEEDS):
        bounds = (level,) if design.heavy else (level, *covers)  # spikes move the mean that is estimated
        if design.correlation == AUTOCORRELATED:
            bounds += (Bound(PLATEAU, AR_PLATEAU, at_most=False),)
        yield Cell(f"{name}, n = {n}", NullStudy(replace(design, seeds=n)), FEW, bounds)
    for n in SEEDS:
        yield Cell(
            f"no plateau, n = {n}",
            NullStudy(Design(seeds=n, improves=True)),
            FEW,
            (level,),
        )
        yield Cell(
            f"one number each, n = {n}", NullStudy(Design(seeds=n, evaluations=1)), MANY, (level, *covers)
        )


def _drift_cells() -> Iterator[Cell]:
    sizes = [*itertools.product((0.001, 0.005), SEEDS), (0.01, SEEDS[-1])]
    kinds = itertools.product((0.008, 0.015, 0.03), (False, True), sizes)
    for drift, linear, (seed_sd, n) in kinds:
        way = "linear" if linear else "exponential"
        name = f"one slower, {way} drift {100 * drift:g}%, seed sd {100 * seed_sd:g}%, n = {n}"
        design = Design(seeds=n, seed_sd=seed_sd, drift=drift, linear=linear)
        yield Cell(name, NullStudy(design), FEW, (Bound(DIFFERENT, LEVEL),))


def _family_cells() -> Iterator[Cell]:
    for groups, n in itertools.product((3, 4, 6), SEEDS):
        design = Design(seeds=n, groups=groups, evaluations=1)
        yield Cell(
            f"{groups} groups, one number each, n = {n}",
            NullStudy(design),
            FEW,
            (Bound(DIFFERENT, FAMILY),),
        )
    for groups in (3, 6):
        curves = NullStudy(Design(groups=groups))
        yield Cell(f"{groups} groups of curves, n = 5", curves, FEW, (Bound(DIFFERENT, FAMILY),))
        pairs = NullStudy(Design(groups=groups, evaluations=1, stated=True, shared=0.5))
        yield Cell(f"{groups} groups, stated pairs, n = 5", pairs, FEW, (Bound(DIFFERENT, FAMILY),))


def _noise_cells() -> Iterator[Cell]:
    for phi, n in itertools.product((0.0, 0.3, 0.5, 0.7), (5, 10)):
        design = Design(seeds=n, groups=1, seed_sd=0.0, correlation=phi)
        yield Cell(
            f"seeds differ beyond noise, φ = {phi:g}, n = {n}",
            NoiseStudy(design),
            FEW,
            (Bound("seeds differ", NOISE),),
        )


def _plateau_cells() -> Iterator[Cell]:
    at_rest = Bound("plateau found", AR_PLATEAU, at_most=False)
    for phi in (0.0, AUTOCORRELATED):
        yield Cell(f"plateau of one curve under AR({phi:g})", PlateauStudy(phi), FEW, (at_rest,))
    after = Bound("plateau found", STEP_PLATEAU, at_most=False)
    for drop in (50, 60, 70):
        yield Cell(f"plateau of one curve after a drop at {drop}", PlateauStudy(0.0, drop), FEW, (after,))


def _power_cells() -> Iterator[Cell]:
    lost = Bound("power lost", POWER_LOST)
    for n, effect in zip(SEEDS, (0.018, 0.011, 0.007), strict=True):
        for stated, phi in ((False, 0.0), (True, 0.0), (False, 0.8)):
            shared = 0.5 if stated else 0.0
            design = Design(seeds=n, effect=effect, stated=stated, shared=shared, correlation=phi)
            pairs = "stated pairs" if stated else "nothing known"
            yield Cell(f"power, {pairs}, AR({phi:g}), n = {n}", PowerStudy(design), FEW, (lost,))


def _partly_shared_cells() -> Iterator[Cell]:
    level, lost = Bound(DIFFERENT, PARTLY), Bound("power lost", POWER_LOST_PARTLY)
    for n, both, rho in itertools.product((5, 10), (1, 2, 3, 4, 6, 8, 9), (0.0, 0.5, 0.9)):
        if both < n:
            study = PartlySharedStudy((both, n - both, n - both), rho)
            yield Cell(f"{n} + {n} seeds, {both} shared, correlation {rho:g}", study, FEW, (level,))
    for rho in (0.0, 0.5):
        study = PartlySharedStudy((2, 8, 8), rho, effect=1.3)
        yield Cell(f"power, 10 + 10 seeds, 2 shared, correlation {rho:g}", study, MANY, (lost,))


def _failure_cells() -> Iterator[Cell]:
    for failing, n in itertools.product((0.2, 0.4), (5, 10)):
        study = NullStudy(Design(seeds=n, failing=failing))
        yield Cell(f"{100 * failing:g}% of seeds fail, n = {n}", study, FEW, (Bound(DIFFERENT, LEVEL),))
    never = (Bound("better, no divergence", 0.0), Bound("better, failures unsaid", 0.0))
    for effect in (0.0, 0.05):
        name = f"2 of 5 seeds end in NaN, the rest better by {100 * effect:g}%"
        yield Cell(name, PrintedFailures(effect), PRINTED, never)


def measures_of(study: Study, count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return what ``count`` studies measure, by measure."""
    measured: dict[str, list[float]] = {}
    for _ in range(count):
        for name, value in study(rng).items():
            measured.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in measured.items()}

"""The promises of the verdicts, one cell each: a kind of study, how many to make, and the bounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.verdict_measures import (
    COVERS_DIFFERENCE,
    COVERS_MEAN,
    DIFFERENT,
    LOST,
    LOST_TO_READER,
    ONE_PLATEAU,
    PLATEAU,
    SAFE,
    SEEDS_DIFFER,
    UNSAID,
    NoiseStudy,
    NullStudy,
    PartlySharedStudy,
    PlateauStudy,
    PowerStudy,
    PrintedFailures,
    Study,
)
from benchmarks.verdict_studies import Design

SEEDS = (3, 5, 10)
LEVEL, FAMILY, PARTLY, NOISE = 0.055, 0.06, 0.06, 0.05
COVERED, AR_PLATEAU, STEP_PLATEAU = 0.94, 0.8, 0.9
POWER_LOST, POWER_LOST_PARTLY = 0.03, 0.05
MANY, FEW, PRINTED = 20_000, 4_000, 400  # studies where a study is cheap, where curves are read, and printed
GRID = 400  # studies of the drifts that seeds hide: those with a small spread of seeds are the hard ones
LEAST_SPREAD = 0.001
AUTOCORRELATED = 0.8  # φ under which a plateau must be found


@dataclass(frozen=True)
class Bound:
    """What a measure may be at most, or must be at least; an infinite limit is none: it is only shown."""

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
    sizes = [*itertools.product((LEAST_SPREAD, 0.005), SEEDS), (0.01, SEEDS[-1])]
    kinds = itertools.product((0.008, 0.015, 0.03), (False, True), sizes)
    for drift, linear, (seed_sd, n) in kinds:
        way = "linear" if linear else "exponential"
        name = f"one slower, {way} drift {100 * drift:g}%, seed sd {100 * seed_sd:g}%, n = {n}"
        design = Design(seeds=n, seed_sd=seed_sd, drift=drift, linear=linear)
        studies = FEW if seed_sd == LEAST_SPREAD else GRID
        yield Cell(name, NullStudy(design), studies, (Bound(DIFFERENT, LEVEL),))


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
            (Bound(SEEDS_DIFFER, NOISE),),
        )


def _plateau_cells() -> Iterator[Cell]:
    at_rest = Bound(ONE_PLATEAU, AR_PLATEAU, at_most=False)
    for phi in (0.0, AUTOCORRELATED):
        yield Cell(f"plateau of one curve under AR({phi:g})", PlateauStudy(phi), FEW, (at_rest,))
    after = Bound(ONE_PLATEAU, STEP_PLATEAU, at_most=False)
    for drop in (50, 60, 70):
        yield Cell(f"plateau of one curve after a drop at {drop}", PlateauStudy(0.0, drop), FEW, (after,))


def _power_cells() -> Iterator[Cell]:
    lost = Bound(LOST, POWER_LOST)
    for n, effect in zip(SEEDS, (0.018, 0.011, 0.007), strict=True):
        for stated, phi in ((False, 0.0), (True, 0.0), (False, AUTOCORRELATED)):
            shared = 0.5 if stated else 0.0
            design = Design(seeds=n, effect=effect, stated=stated, shared=shared, correlation=phi)
            pairs = "stated pairs" if stated else "nothing known"
            by_reader = Bound(LOST_TO_READER, math.inf if phi else POWER_LOST)
            yield Cell(f"power, {pairs}, AR({phi:g}), n = {n}", PowerStudy(design), FEW, (lost, by_reader))


def _partly_shared_cells() -> Iterator[Cell]:
    level, lost = Bound(DIFFERENT, PARTLY), Bound(LOST, POWER_LOST_PARTLY)
    for n, shared, rho in itertools.product((5, 10), (1, 2, 3, 4, 6, 8, 9), (0.0, 0.5, 0.9)):
        if shared < n:
            study = PartlySharedStudy((shared, n - shared, n - shared), rho)
            yield Cell(f"{n} + {n} seeds, {shared} shared, correlation {rho:g}", study, FEW, (level,))
    for rho in (0.0, 0.5):
        study = PartlySharedStudy((2, 8, 8), rho, effect=1.3)
        yield Cell(f"power, 10 + 10 seeds, 2 shared, correlation {rho:g}", study, MANY, (lost,))


def _failure_cells() -> Iterator[Cell]:
    for failing, n in itertools.product((0.2, 0.4), (5, 10)):
        study = NullStudy(Design(seeds=n, failing=failing))
        yield Cell(f"{100 * failing:g}% of seeds fail, n = {n}", study, FEW, (Bound(DIFFERENT, LEVEL),))
    never = (Bound(SAFE, 0.0), Bound(UNSAID, 0.0))
    for effect in (0.0, 0.05):
        name = f"2 of 5 seeds end in NaN, the rest better by {100 * effect:g}%"
        yield Cell(name, PrintedFailures(effect), PRINTED, never)

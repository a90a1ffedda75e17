"""Do intervals of variance components hold what they should, and does the recommended purchase pay?

    python -m benchmarks.variance_sources [--studies 1500] [--purchases 200]

Each study draws effects of initialisations and data orders, an interaction, and evaluations along the steps
that follow one another with a correlation φ; some lack runs, are Latin squares, or cross a third source. The
first table has the share of studies whose 95% interval holds the true component, and the true mean.

The second table gives studies a budget, prices, and what ``advise`` recommends. At the true components, which
the advice does not know, it has the standard error of the mean afterwards as a part of today's: for the
recommended purchase, for a budget in equal parts, and for the best purchase that could be made.

The exit status is 1 where a coverage is below 95%, or the recommended purchase no better in the mean than
equal parts, by more than three standard errors.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from ired_diag.comparison.source_variance import precision_of
from ired_diag.stats.crossed_design import CrossedDesign, cells_of, crossed_design
from ired_diag.stats.long_run import effective_count
from ired_diag.stats.purchases import MORE_EVALUATIONS, SEEDS, Purchase, advise, squared_error_weights
from ired_diag.stats.variance_components import EVALUATIONS, REST, Components, variance_components

Array = NDArray[np.float64]
BURN_IN = 100  # evaluations: 0.8¹⁰⁰ is nothing
DRAWS = 1000
BUDGET = 10.0
NAMES = {("init",): "init", ("data",): "data", ("eval",): "eval", REST: "rest", EVALUATIONS: "evaluations"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of study.

    Attributes:
        name: What it is called. levels: Levels of each source. sds: Standard deviation of each effect:
        ``init``, ``data``, ``eval``, pairs such as ``init data``, ``rest``. evaluation: Standard deviation of
        one evaluation. correlation: Correlation of successive evaluations. count: Evaluations of a run.
        missing: Runs that are lost at random. latin: Whether it is a Latin square of three sources.
    """

    name: str
    levels: Mapping[str, int]
    sds: Mapping[str, float]
    evaluation: float = 1.0
    correlation: float = 0.5
    count: int = 30
    missing: int = 0
    latin: bool = False


CASES = (
    Case(
        name="5 x 5, AR 0.8",
        levels={"init": 5, "data": 5},
        sds={"init": 1, "data": 1, "rest": 1},
        correlation=0.8,
    ),
    Case(
        name="5 x 5, no data effect, white",
        levels={"init": 5, "data": 5},
        sds={"init": 1, "rest": 1},
        evaluation=2.0,
        correlation=0.0,
    ),
    Case(
        name="3 x 3, AR 0.5",
        levels={"init": 3, "data": 3},
        sds={"init": 1, "data": 1, "rest": 1},
    ),
    Case(
        name="10 x 3, small effects, AR 0.8",
        levels={"init": 10, "data": 3},
        sds={"init": 0.3, "data": 0.3, "rest": 1},
        correlation=0.8,
        count=50,
    ),
    Case(
        name="6 x 4, 3 runs lost, AR 0.8",
        levels={"init": 6, "data": 4},
        sds={"init": 2, "data": 0.5, "rest": 0.5},
        correlation=0.8,
        missing=3,
    ),
    Case(
        name="3 x 4, 2 runs lost, no data effect",
        levels={"init": 3, "data": 4},
        sds={"init": 1, "rest": 0.5},
        missing=2,
    ),
    Case(
        name="Latin square of 4, AR 0.5",
        levels={"init": 4, "data": 4, "eval": 4},
        sds={"init": 1, "data": 0.5, "eval": 1, "rest": 1},
        latin=True,
    ),
    Case(
        name="4 x 4 x 3, with interactions",
        levels={"init": 4, "data": 4, "eval": 3},
        sds={"init": 1, "data": 1, "eval": 0.5, "init data": 1, "init eval": 0.5, "rest": 1},
        correlation=0.8,
    ),
    Case(
        name="4 x 4 x 3, 5 runs lost",
        levels={"init": 4, "data": 4, "eval": 3},
        sds={"init": 1, "data": 1, "eval": 0.5, "init data": 1, "rest": 1},
        missing=5,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Trade:
    """A study and what may be bought next."""

    case: Case
    prices: Mapping[str, float] = field(default_factory=dict)


def _five(init: float, data: float, evaluation: float) -> Case:
    return Case(
        name=f"5 x 5, init {init:g}, data {data:g}, evaluations {evaluation:g}",
        levels={"init": 5, "data": 5},
        sds={"init": init, "data": data, "rest": 0.3},
        evaluation=evaluation,
        count=20,
    )


TRADES = (
    Trade(case=_five(1, 0.3, 1), prices={SEEDS: 1, "init": 1, "data": 1, MORE_EVALUATIONS: 0.01}),
    Trade(case=_five(1, 0.3, 1), prices={SEEDS: 1, "init": 1, "data": 0.1, MORE_EVALUATIONS: 0.01}),
    Trade(case=_five(0.1, 1, 1), prices={SEEDS: 1, "init": 0.2, "data": 1, MORE_EVALUATIONS: 0.05}),
    Trade(case=_five(0.3, 1, 1), prices={SEEDS: 1, "init": 0.5, "data": 0.5, MORE_EVALUATIONS: 0.05}),
    Trade(case=_five(0.2, 0.2, 6), prices={SEEDS: 1, "init": 1, "data": 1, MORE_EVALUATIONS: 0.01}),
    Trade(case=_five(1, 1, 1), prices={SEEDS: 1, "init": 0.5, "data": 0.5, MORE_EVALUATIONS: 0.05}),
)


def design_of(case: Case, generator: np.random.Generator) -> CrossedDesign:
    """Return the design of a study, without the runs that are lost."""
    names = list(case.levels)
    grids = np.meshgrid(*[np.arange(count) for count in case.levels.values()], indexing="ij")
    columns = {name: grid.ravel() for name, grid in zip(names, grids, strict=True)}
    runs = len(columns[names[0]])
    kept = np.ones(runs, dtype=bool)
    if case.latin:
        n = case.levels["init"]
        kept = columns["eval"] == (columns["init"] + columns["data"]) % n
    if case.missing:
        kept[generator.permutation(runs)[: case.missing]] = False
    levels = {name: column[kept].tolist() for name, column in columns.items()}
    return crossed_design(levels, int(kept.sum()))


def draw(case: Case, design: CrossedDesign, generator: np.random.Generator) -> Array:
    """Return the evaluations of each run, of shape (runs, count), around a mean of 0."""
    runs = design.runs
    results = case.sds.get("rest", 0.0) * generator.standard_normal(runs)
    for name, sd in case.sds.items():
        if name == "rest":
            continue
        cells = cells_of(tuple(name.split()), design.factors)
        effects = generator.standard_normal(int(cells.max()) + 1)
        results = results + sd * effects[cells]
    innovations = generator.standard_normal((runs, case.count + BURN_IN))
    noise = lfilter([1.0], [1.0, -case.correlation], innovations, axis=1)[:, BURN_IN:]
    scale = case.evaluation * math.sqrt(1 - case.correlation**2)
    curves: Array = results[:, None] + scale * noise
    return curves


def truth_of(case: Case) -> dict[tuple[str, ...], float]:
    """Return the true components."""
    truth = {REST: case.sds.get("rest", 0.0) ** 2}
    for name, sd in case.sds.items():
        if name != "rest":
            truth[tuple(name.split())] = sd**2
    truth[EVALUATIONS] = case.evaluation**2 / effective_count(case.count, case.correlation)
    return truth


def split(case: Case, generator: np.random.Generator) -> tuple[CrossedDesign, Components]:
    """Return the design and the components of a study."""
    design = design_of(case, generator)
    curves = draw(case, design, generator)
    components = variance_components(
        curves.mean(axis=1),
        design,
        rng=generator,
        evaluations=curves,
        readout_count=case.count,
        draws=DRAWS,
    )
    return design, components


def coverage(case: Case, studies: int) -> dict[str, float]:
    """Return the share of studies whose interval holds the truth, by component, and for the mean."""
    generator = np.random.default_rng(0)
    truth = truth_of(case)
    held: dict[str, int] = {}
    for _ in range(studies):
        design, components = split(case, generator)
        for component in components.components:
            name = NAMES.get(component.term, "interactions")
            true = truth.get(component.term, 0.0)
            held.setdefault(name, 0)
            if name == "interactions":
                # Of several interactions the one that is held least often would be hidden in a mean.
                name = " x ".join(component.term)
            held[name] = held.get(name, 0) + (component.low <= true <= component.high)
        precision = precision_of(design, components, rng=generator)
        held["mean"] = held.get("mean", 0) + (precision.low <= 0 <= precision.high)
    shares = {name: count / studies for name, count in held.items()}
    interactions = [share for name, share in shares.items() if " x " in name]
    if interactions:
        shares["interactions"] = min(interactions)
    return {name: share for name, share in shares.items() if " x " not in name}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What purchases come to, as parts of today's standard error, each of shape (studies,)."""

    recommended: Array
    equal: Array
    best: Array
    clear: float


def trade(offer: Trade, studies: int) -> Outcome:
    """Return what the recommended purchase, equal parts and the best purchase come to."""
    generator = np.random.default_rng(1)
    case = offer.case
    truth = truth_of(case)
    rows = []
    clear = 0
    for _ in range(studies):
        design, components = split(case, generator)
        advice = advise(design, components, offer.prices, budget=BUDGET, evaluations=case.count)
        if advice.recommended is None or advice.equal is None:
            continue
        today = _true_error(case, design, Purchase(counts={}, price=0.0), truth)
        bought = [advice.recommended, advice.equal, *advice.options]
        errors = [_true_error(case, design, purchase, truth) / today for purchase in bought]
        rows.append((errors[0], errors[1], min(errors)))
        clear += advice.is_clear
    recommended, equal, best = np.array(rows).T
    return Outcome(recommended=recommended, equal=equal, best=best, clear=clear / studies)


def _true_error(
    case: Case, design: CrossedDesign, purchase: Purchase, truth: Mapping[tuple[str, ...], float]
) -> float:
    weights = squared_error_weights(
        design,
        purchase.counts,
        evaluations=case.count,
        phi=case.correlation,
    )
    return math.sqrt(sum(truth.get(term, 0.0) * weight for term, weight in weights.items()))


def say(line: str) -> None:
    """Print a line at once: the tables take minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_coverages(studies: int) -> Iterator[bool]:
    """Print the first table; yield whether a share is too low."""
    bound = 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)
    columns = ("init", "data", "eval", "interactions", "rest", "evaluations", "mean")
    say(f"Share of {studies} studies whose 95% interval holds the true value\n")
    say(f"| study | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for case in CASES:
        shares = coverage(case, studies)
        cells = [f"{shares[name]:.1%}" if name in shares else "" for name in columns]
        say(f"| {case.name} | {' | '.join(cells)} |")
        yield min(shares.values()) < bound


def say_purchases(studies: int) -> Iterator[bool]:
    """Print the second table; yield whether the recommended purchase does not beat equal parts."""
    say(f"\nStandard error after a budget of {BUDGET:g}, as a part of today's; means of {studies} studies\n")
    say("| study (sd) | prices | recommended | equal parts | best | better than equal parts | clear |")
    say("|---|---|---|---|---|---|---|")
    for offer in TRADES:
        outcome = trade(offer, studies)
        gains = outcome.equal - outcome.recommended
        prices = ", ".join(f"{name} {price:g}" for name, price in offer.prices.items())
        means = [outcome.recommended.mean(), outcome.equal.mean(), outcome.best.mean()]
        cells = [f"{mean:.3f}" for mean in means]
        cells += [f"{np.mean(gains > 0):.0%}", f"{outcome.clear:.0%}"]
        say(f"| {offer.case.name} | {prices} | {' | '.join(cells)} |")
        error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
        yield float(gains.mean()) <= 3 * error


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1500)
    parser.add_argument("--purchases", type=int, default=200)
    chosen = parser.parse_args()
    failures = [*say_coverages(chosen.studies), *say_purchases(chosen.purchases)]
    sys.exit(any(failures))


if __name__ == "__main__":
    main()

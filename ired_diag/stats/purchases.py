"""What to pay for next: which further runs and evaluations lower the standard error of the mean most.

With N runs, n_c of them in cell c of term t, and the mean over all runs, each component enters by

    se² = Σ_t σ_t² Σ_c n_c² / N²  +  (σ_rest² + SE²(k)) / N,

where SE²(k) = σ² / k_eff(k) is the noise that k evaluations leave in the result of a run (``long_run``). A
purchase changes the n_c, N and k. What can be bought for one price each:

    seeds         a run with a new level of every factor <factor>      a run with a new level of this factor,
    and levels of the others that are there, in turn evaluations   one more evaluation of a run, as far along
    as the others are apart; all runs get equally many

A budget is parted among them in all ways in steps of an eighth, and each way is valued in every draw of the
components (``variance_components``). The regret of a purchase in a draw is the ratio of its se to that of the
best. The recommended purchase has the smallest 90% quantile of the regret over the draws: it is good wherever
the components may lie, and not only at their estimates, which are too noisy at few levels (``benchmarks.
variance_purchases``). It can be told to be best where its regret is at most ``CLOSE`` in 95% of the draws.

A run in which everything is new lowers se² at least as much as one in which only one source is new, so that
the latter pays only where it is cheaper.

References: Bouthillier and others (2021), Accounting for Variance in Machine Learning Benchmarks, MLSys,
section 3 (the variance of a mean over partly shared sources); Searle, Casella & McCulloch (1992), chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ired_diag.stats.arrays import Array
from ired_diag.stats.crossed_design import CrossedDesign, cells_of, numbered
from ired_diag.stats.long_run import effective_count
from ired_diag.stats.variance_components import EVALUATIONS, REST, Components

SEEDS = "seeds"
MORE_EVALUATIONS = "evaluations"
PARTS = 8  # into which a budget is cut
CLOSE = 1.05  # times the standard error of the best purchase
REGRET = 0.9  # quantile of the regret that is made small
MOST_DRAWS = 2000  # of the components: enough for 95% of them
MOST_RUNS = 2000  # that a purchase may consist of


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What is bought, and what it does.

    Attributes:
        counts: How many of each are bought; evaluations are those of each run.
        price: What all of it costs.
        standard_error: Standard error of the mean afterwards, at the estimates of the components.
        ratio: That standard error, divided by the one of today.
        ratio_low: Lower end of the interval of that ratio.
        ratio_high: Upper end of the interval of that ratio.
    """

    counts: Mapping[str, int]
    price: float
    standard_error: float = math.nan
    ratio: float = math.nan
    ratio_low: float = math.nan
    ratio_high: float = math.nan

    @property
    def is_empty(self) -> bool:
        """Whether nothing is bought."""
        return not any(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to pay for next.

    Attributes:
        budget: What may be spent.
        prices: Price of one of each thing that can be bought.
        standard_error: Standard error of the mean today.
        low: Lower end of its interval.
        high: Upper end of its interval.
        options: What the whole budget buys of each thing alone.
        equal: What it buys when it is spent in equal parts.
        recommended: The purchase to prefer; None where nothing can be bought.
        is_clear: Whether it is best, or close to it, wherever the components lie in their intervals.
        rival: The purchase that may be clearly better, where it is not clear.
        reason: Why nothing is recommended; empty where something is.
    """

    budget: float
    prices: Mapping[str, float]
    standard_error: float = math.nan
    low: float = math.nan
    high: float = math.nan
    options: tuple[Purchase, ...] = ()
    equal: Purchase | None = None
    recommended: Purchase | None = None
    is_clear: bool = False
    rival: Purchase | None = None
    reason: str = ""


def advise(
    design: CrossedDesign,
    components: Components,
    prices: Mapping[str, float],
    *,
    budget: float,
    evaluations: int = 1,
) -> Advice:
    """Return what to buy with a budget.

    Args:
        design: The runs that there are.
        components: Their variance components.
        prices: Price of one of each thing that can be bought: ``seeds``, names of factors, ``evaluations``.
        budget: What may be spent, in the unit of the prices.
        evaluations: How many evaluations the result of a run is the mean of.

    Raises:
        ValueError: A price or the budget is not a positive number, or there is no such thing to buy.
    """
    _check(design, prices, budget)
    advice = Advice(budget=budget, prices=dict(prices))
    if components.reason:
        return replace(advice, reason=components.reason)
    phi = 0.0
    if components.noise is None:
        prices = {name: price for name, price in prices.items() if name != MORE_EVALUATIONS}
    else:
        phi = components.noise.correlation
    terms = list(components.draws)
    draws = np.column_stack([components.draws[term][:MOST_DRAWS] for term in terms])
    estimates = np.array([components.variances[term] for term in terms])

    def weights(purchase: Purchase) -> Array:
        of_purchase = squared_error_weights(design, purchase.counts, evaluations=evaluations, phi=phi)
        return np.array([of_purchase[term] for term in terms])

    today = weights(Purchase(counts={}, price=0.0))
    now = draws @ today
    se = math.sqrt(float(estimates @ today))
    low, high = _ends(np.sqrt(now), components.confidence)
    advice = replace(advice, standard_error=se, low=low, high=high)
    candidates = list(_candidates(design, prices, budget))
    if not candidates:
        cheapest = min(prices.values(), default=math.nan)
        reason = f"the budget of {budget:g} buys nothing: the cheapest purchase costs {cheapest:g}"
        return replace(advice, reason=reason)
    table = np.column_stack([weights(candidate) for candidate in candidates])
    squared = draws @ table
    at_estimates = np.sqrt(estimates @ table)
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.maximum(squared, np.finfo(np.float64).tiny))
    best = logarithms.min(axis=1, keepdims=True)
    regrets = np.quantile(logarithms - best, REGRET, axis=0)
    chosen = int(np.argmin(regrets))

    def described(index: int) -> Purchase:
        ratios = np.sqrt(squared[:, index] / np.maximum(now, np.finfo(np.float64).tiny))
        ratio_low, ratio_high = _ends(ratios, components.confidence)
        return replace(
            candidates[index],
            standard_error=float(at_estimates[index]),
            ratio=float(at_estimates[index]) / se if se > 0 else math.nan,
            ratio_low=ratio_low,
            ratio_high=ratio_high,
        )

    far_above = logarithms[:, chosen] - best[:, 0] > 2 * math.log(CLOSE)
    is_clear = float(far_above.mean()) <= 1 - components.confidence
    rival = None
    if not is_clear:
        winners = np.bincount(logarithms[far_above].argmin(axis=1), minlength=len(candidates))
        rival = described(int(winners.argmax()))
    alone = [index for index, one in enumerate(candidates) if sum(map(bool, one.counts.values())) == 1]
    return replace(
        advice,
        options=tuple(described(index) for index in _largest_alone(alone, candidates)),
        equal=described(_place_of_equal(candidates, prices, budget, design)),
        recommended=described(chosen),
        is_clear=is_clear,
        rival=rival,
    )


def squared_error_weights(
    design: CrossedDesign, counts: Mapping[str, int], *, evaluations: int = 1, phi: float = 0.0
) -> dict[tuple[str, ...], float]:
    """Return what each component is multiplied by in the squared standard error of the mean.

    Args:
        design: The runs that there are.
        counts: What is bought.
        evaluations: How many evaluations the result of a run is the mean of today.
        phi: Correlation of successive evaluations.
    """
    factors = extended(design, counts)
    added = sum(count for name, count in counts.items() if name != MORE_EVALUATIONS)
    runs = design.runs + added
    weights: dict[tuple[str, ...], float] = {}
    for term in design.terms:
        sizes = np.bincount(cells_of(term, factors))
        weights[term] = float(sizes @ sizes) / runs**2
    worth = effective_count(evaluations, phi)
    worth_afterwards = effective_count(evaluations + counts.get(MORE_EVALUATIONS, 0), phi)
    weights[REST] = 1 / runs
    weights[EVALUATIONS] = worth / worth_afterwards / runs
    return weights


def extended(design: CrossedDesign, counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the levels of the runs that there are and of those that are bought."""
    factors = {}
    for factor, levels in design.factors.items():
        new = design.levels(factor)
        added: list[int] = []
        for name, count in counts.items():
            if name == MORE_EVALUATIONS:
                continue
            for number in range(count):
                if name in (SEEDS, factor):
                    added.append(new)
                    new += 1
                else:
                    added.append(number % design.levels(factor))
        factors[factor] = numbered([*levels.tolist(), *added])
    return factors


def _check(design: CrossedDesign, prices: Mapping[str, float], budget: float) -> None:
    known = (SEEDS, MORE_EVALUATIONS, *design.factors)
    for name, price in prices.items():
        if name not in known:
            raise ValueError(f"--cost {name}: there is nothing of this name to buy: {', '.join(known)}.")
        if not 0 < price < math.inf:
            raise ValueError(f"--cost {name}: a price is positive and finite, found {price:g}.")
    if not 0 < budget < math.inf:
        raise ValueError(f"--budget: expected a positive, finite number, found {budget:g}.")
    cheapest = min((price for name, price in prices.items() if name != MORE_EVALUATIONS), default=math.inf)
    if budget / cheapest > MOST_RUNS:
        raise ValueError(f"--budget {budget:g}: buys more than {MOST_RUNS} runs. Choose a smaller one.")


def _ends(values: Array, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _candidates(design: CrossedDesign, prices: Mapping[str, float], budget: float) -> Iterator[Purchase]:
    """Yield each purchase that a parted budget makes, once; the one in equal parts is among them."""
    seen: set[tuple[tuple[str, int], ...]] = set()
    names = list(prices)
    parted = [*_partings(len(names)), [1 / max(1, len(names))] * len(names)]
    for shares in parted:
        purchase = bought(design, prices, budget, shares)
        key = tuple(sorted(purchase.counts.items()))
        if not purchase.is_empty and key not in seen:
            seen.add(key)
            yield purchase


def _partings(names: int) -> Iterator[list[float]]:
    """Yield all ways to part 1 among names in steps of 1 / ``PARTS``."""
    for parts in _compositions(PARTS, names):
        yield [part / PARTS for part in parts]


def _compositions(total: int, count: int) -> Iterator[list[int]]:
    if count <= 1:
        yield [total] * count
        return
    for first in range(total, -1, -1):
        for others in _compositions(total - first, count - 1):
            yield [first, *others]


def bought(
    design: CrossedDesign, prices: Mapping[str, float], budget: float, shares: Sequence[float]
) -> Purchase:
    """Return what a budget buys, parted so; of each thing as many as its part pays for."""
    counts: dict[str, int] = {}
    for (name, price), share in zip(prices.items(), shares, strict=True):
        if name != MORE_EVALUATIONS:
            counts[name] = math.floor(share * budget / price + 1e-9)
    runs = design.runs + sum(counts.values())
    spent = sum(count * prices[name] for name, count in counts.items())
    if MORE_EVALUATIONS in prices:
        share = shares[list(prices).index(MORE_EVALUATIONS)]
        each = math.floor(share * budget / (prices[MORE_EVALUATIONS] * runs) + 1e-9)
        counts[MORE_EVALUATIONS] = each
        spent += each * runs * prices[MORE_EVALUATIONS]
    return Purchase(counts=counts, price=spent)


def _largest_alone(alone: Sequence[int], candidates: Sequence[Purchase]) -> list[int]:
    """Return the place of the largest purchase of each thing alone."""
    largest: dict[str, int] = {}
    for index in alone:
        counts = candidates[index].counts
        (name,) = [name for name, count in counts.items() if count]
        if name not in largest or counts[name] > candidates[largest[name]].counts[name]:
            largest[name] = index
    return list(largest.values())


def _place_of_equal(
    candidates: Sequence[Purchase], prices: Mapping[str, float], budget: float, design: CrossedDesign
) -> int:
    equal = bought(design, prices, budget, [1 / len(prices)] * len(prices))
    for index, candidate in enumerate(candidates):
        if candidate.counts == equal.counts:
            return index
    return 0

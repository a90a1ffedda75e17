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

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ired_diag.stats.arrays import Array
from ired_diag.stats.crossed_design import CrossedDesign, Levels, Term, cells_of
from ired_diag.stats.long_run import effective_count
from ired_diag.stats.variance_components import EVALUATIONS, REST, TINY, Components

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
    noise = components.noise
    phi = 0.0
    sold = dict(prices)
    if noise is None:
        sold.pop(MORE_EVALUATIONS, None)
    else:
        phi = noise.correlation
    valuation = _Valuation(design, components, evaluations=evaluations, phi=phi)
    low, high = valuation.ends(valuation.errors_today)
    advice = replace(
        advice,
        prices=sold,
        standard_error=valuation.error_today,
        low=low,
        high=high,
    )
    candidates = _candidates(design, sold, budget)
    if not candidates:
        cheapest = min(sold.values(), default=math.nan)
        reason = f"the budget of {budget:g} buys nothing: the cheapest purchase costs {cheapest:g}"
        return replace(advice, reason=reason)
    errors = [valuation.errors_after(candidate) for candidate in candidates]
    logarithms = np.log(np.maximum(np.column_stack(errors), TINY))
    best = logarithms.min(axis=1, keepdims=True)
    regrets = logarithms - best
    of_candidates = np.quantile(regrets, REGRET, axis=0)
    chosen = int(of_candidates.argmin())
    is_far = regrets[:, chosen] > math.log(CLOSE)
    is_clear = float(is_far.mean()) <= 1 - components.confidence
    rival = None
    if not is_clear:
        winners = logarithms[is_far].argmin(axis=1)
        counts = np.bincount(winners)
        rival = valuation.described(candidates[int(counts.argmax())])
    equal = _in_equal_parts(design, sold, budget)
    return replace(
        advice,
        options=tuple(map(valuation.described, _largest_alone(candidates))),
        equal=valuation.described(equal),
        recommended=valuation.described(candidates[chosen]),
        is_clear=is_clear,
        rival=rival,
    )


class _Valuation:
    """What purchases do to the standard error of the mean, at the estimates and in the draws."""

    def __init__(
        self,
        design: CrossedDesign,
        components: Components,
        *,
        evaluations: int,
        phi: float,
    ) -> None:
        self._design = design
        self._confidence = components.confidence
        self._evaluations = evaluations
        self._phi = phi
        self._terms = list(components.draws)
        draws = [components.draws[term][:MOST_DRAWS] for term in self._terms]
        self._draws = np.column_stack(draws)
        self._variances = np.array([components.variances[term] for term in self._terms])
        weights = self._weights({})
        self.error_today = math.sqrt(float(self._variances @ weights))
        self.errors_today = np.sqrt(self._draws @ weights)

    def _weights(self, counts: Mapping[str, int]) -> Array:
        by_term = squared_error_weights(
            self._design,
            counts,
            evaluations=self._evaluations,
            phi=self._phi,
        )
        return np.array([by_term[term] for term in self._terms])

    def errors_after(self, purchase: Purchase) -> Array:
        """Return draws of the standard error after a purchase, of shape (draws,)."""
        weights = self._weights(purchase.counts)
        errors: Array = np.sqrt(self._draws @ weights)
        return errors

    def ends(self, draws: Array) -> tuple[float, float]:
        """Return the ends of the interval that draws make."""
        outside = (1 - self._confidence) / 2
        tails = [outside, 1 - outside]
        low, high = np.quantile(draws, tails)
        return float(low), float(high)

    def described(self, purchase: Purchase) -> Purchase:
        """Return a purchase with the standard error after it, and its ratio to that of today."""
        weights = self._weights(purchase.counts)
        error = math.sqrt(float(self._variances @ weights))
        ratio = math.nan
        if self.error_today > 0:
            ratio = error / self.error_today
        today = np.maximum(self.errors_today, TINY)
        ratio_low, ratio_high = self.ends(self.errors_after(purchase) / today)
        return replace(
            purchase,
            standard_error=error,
            ratio=ratio,
            ratio_low=ratio_low,
            ratio_high=ratio_high,
        )


def squared_error_weights(
    design: CrossedDesign, counts: Mapping[str, int], *, evaluations: int = 1, phi: float = 0.0
) -> dict[Term, float]:
    """Return what each component is multiplied by in the squared standard error of the mean.

    Args:
        design: The runs that there are.
        counts: What is bought.
        evaluations: How many evaluations the result of a run is the mean of today.
        phi: Correlation of successive evaluations.
    """
    factors = extended(design, counts)
    runs = design.runs + _added_runs(counts)
    weights: dict[Term, float] = {}
    for term in design.terms:
        sizes = np.bincount(cells_of(term, factors))
        weights[term] = float(sizes @ sizes) / runs**2
    weights[REST] = 1 / runs
    more = counts.get(MORE_EVALUATIONS, 0)
    worth = effective_count(evaluations, phi)
    worth_afterwards = effective_count(evaluations + more, phi)
    weights[EVALUATIONS] = worth / worth_afterwards / runs
    return weights


def _added_runs(counts: Mapping[str, int]) -> int:
    return sum(counts.values()) - counts.get(MORE_EVALUATIONS, 0)


def extended(design: CrossedDesign, counts: Mapping[str, int]) -> dict[str, Levels]:
    """Return the levels of the runs that there are and of those that are bought."""
    columns: dict[str, list[int]] = {}
    new = {}
    for factor, levels in design.factors.items():
        columns[factor] = levels.tolist()
        new[factor] = itertools.count(design.levels(factor))
    for name, count in counts.items():
        if name == MORE_EVALUATIONS:
            continue
        for number in range(count):
            turn = number
            for factor, column in columns.items():
                if name in (SEEDS, factor):
                    level = next(new[factor])
                    column.append(level)
                    continue
                there = design.levels(factor)
                column.append(turn % there)
                # The next factor moves on by one more in each round: all combinations come in turn.
                turn += number // there
    factors = {}
    for factor, column in columns.items():
        factors[factor] = np.array(column, dtype=np.intp)
    return factors


def _check(design: CrossedDesign, prices: Mapping[str, float], budget: float) -> None:
    sold = (SEEDS, MORE_EVALUATIONS, *design.factors)
    for name, price in prices.items():
        if name not in sold:
            raise ValueError(f"--cost {name}: there is nothing of this name to buy: {', '.join(sold)}.")
        if not 0 < price < math.inf:
            raise ValueError(f"--cost {name}: a price is positive and finite, found {price:g}.")
    if not 0 < budget < math.inf:
        raise ValueError(f"--budget: expected a positive, finite number, found {budget:g}.")
    prices_of_runs = [price for name, price in prices.items() if name != MORE_EVALUATIONS]
    most = budget / min(prices_of_runs, default=math.inf)
    if most > MOST_RUNS:
        raise ValueError(f"--budget {budget:g}: buys more than {MOST_RUNS} runs. Choose a smaller one.")


def _candidates(
    design: CrossedDesign,
    prices: Mapping[str, float],
    budget: float,
) -> list[Purchase]:
    """Return each purchase that a parted budget makes, once; the one in equal parts is among them."""
    purchases = [_in_equal_parts(design, prices, budget)]
    for parts in _partings(PARTS, len(prices)):
        shares = [part / PARTS for part in parts]
        purchases.append(bought(design, prices, budget, shares))
    different = {}
    for purchase in purchases:
        key = tuple(purchase.counts.items())
        if not purchase.is_empty:
            different[key] = purchase
    return list(different.values())


def _in_equal_parts(
    design: CrossedDesign,
    prices: Mapping[str, float],
    budget: float,
) -> Purchase:
    count = len(prices)
    shares = [1 / count] * count
    return bought(design, prices, budget, shares)


def _partings(total: int, count: int) -> Iterator[list[int]]:
    """Yield all ways to write a total as a sum of so many whole numbers."""
    if count == 1:
        yield [total]
        return
    for first in range(total, -1, -1):
        for others in _partings(total - first, count - 1):
            yield [first, *others]


def bought(
    design: CrossedDesign,
    prices: Mapping[str, float],
    budget: float,
    shares: Sequence[float],
) -> Purchase:
    """Return what a budget buys, parted so; of each thing as many as its part pays for."""
    budgets = {}
    for name, share in zip(prices, shares, strict=True):
        budgets[name] = share * budget
    counts: dict[str, int] = {}
    spent = 0.0
    for name, price in prices.items():
        if name != MORE_EVALUATIONS:
            counts[name] = _whole(budgets[name] / price)
            spent += counts[name] * price
    if MORE_EVALUATIONS in prices:
        runs = design.runs + _added_runs(counts)
        price_of_all = runs * prices[MORE_EVALUATIONS]
        each = _whole(budgets[MORE_EVALUATIONS] / price_of_all)
        counts[MORE_EVALUATIONS] = each
        spent += each * price_of_all
    return Purchase(counts=counts, price=spent)


def _whole(number: float) -> int:
    """Return the whole part of a number, which rounding may have put just below it."""
    return math.floor(number + 1e-9)


def _largest_alone(candidates: Sequence[Purchase]) -> list[Purchase]:
    """Return the largest purchase of each thing alone."""
    largest: dict[str, Purchase] = {}
    for candidate in candidates:
        names = [name for name, count in candidate.counts.items() if count]
        if len(names) != 1:
            continue
        (name,) = names
        if name not in largest or candidate.price > largest[name].price:
            largest[name] = candidate
    return list(largest.values())

"""Groups whose runs are not independent: interval, p value and verdict by an estimate that knows it.

Runs may share seeds (``crossed_runs``) or training data (``fold_runs``). A pair of groups is first compared
as if all runs were independent. Here the difference of each readout, its interval, its p values and its
verdict are replaced by those of another estimate. Where none is known, nothing is decided.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ired_diag.comparison.by_readout import ByReadout
from ired_diag.comparison.later import changed
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.sample import Question
from ired_diag.stats.equivalence import Equivalence
from ired_diag.stats.mean_estimate import MeanEstimate
from ired_diag.stats.summary import Summary
from ired_diag.stats.t_tests import undefined_test
from ired_diag.stats.verdict import Verdict, judge

NAN = math.nan
WIDE = 0.95
NARROW = 0.90

Estimate = MeanEstimate | str  # of the difference; as text, why there is none


def with_interval(summary: Summary, interval: tuple[float, float] | str) -> Summary:
    """Return a summary with another interval of its mean, or with the reason why there is none."""
    if isinstance(interval, str):
        return replace(summary, low=NAN, high=NAN, reason=interval)
    low, high = interval
    return replace(summary, low=low, high=high)


def with_estimates(
    pair: PairOfGroups, estimate_of: Callable[[str], Estimate], question: Question, *, others: str
) -> PairOfGroups:
    """Return a pair of groups decided by other estimates; the same pair where means do not decide.

    Args:
        pair: The pair as if all runs were independent.
        estimate_of: Returns the estimate of a readout's difference.
        question: How to compare.
        others: Why posterior and power, which take runs as independent, are withheld.
    """
    if pair.identical or pair.mixed_scales or pair.worst_rank is not None:
        return pair
    lines = []
    changed_pair = pair
    for line in pair.by_readout:
        if line.reason:
            lines.append(line)
            continue
        estimate = estimate_of(line.readout)
        verdict = _verdict_on(pair, estimate, line.margin, question)
        lines.append(_changed_line(line, verdict, estimate))
        # The same numbers: the readout that is compared is one of the lines.
        if line.difference == pair.difference and line.p == pair.p:
            changed_pair = _changed_pair(pair, verdict, estimate, others)
    return changed(changed_pair, by_readout=lines)


def undecided(pair: PairOfGroups, reason: str) -> PairOfGroups:
    """Return a pair of groups as undecided, by every readout."""
    verdict = Verdict("undecided", False, f"whether {pair.a} and {pair.b} differ is undecided: {reason}")
    lines = []
    for line in pair.by_readout:
        lines.append(replace(line, decision="undecided", uncorrected="undecided", smaller_than_margin=False))
    return changed(pair, verdict=verdict, uncorrected=verdict, by_readout=lines)


def _verdict_on(pair: PairOfGroups, estimate: Estimate, margin: float, question: Question) -> Verdict:
    if isinstance(estimate, str):
        return Verdict("undecided", False, f"whether {pair.a} and {pair.b} differ is undecided: {estimate}")
    return judge(
        interval_95=estimate.interval(WIDE),
        interval_90=estimate.interval(NARROW),
        margin=margin,
        lower_is_better=question.lower_is_better,
        names=(pair.a, pair.b),
    )


def _changed_line(line: ByReadout, verdict: Verdict, estimate: Estimate) -> ByReadout:
    decided = replace(
        line,
        uncorrected=verdict.decision,
        decision=verdict.decision,
        smaller_than_margin=verdict.smaller_than_margin,
        welch_p=NAN,
    )
    if isinstance(estimate, str):
        return replace(decided, low=NAN, high=NAN, p=NAN, p_holm=NAN, p_equivalence=NAN, reason=estimate)
    test = estimate.test(line.n)
    return replace(
        decided,
        difference=estimate.value,
        ratio=estimate.value / line.reference,
        low=test.low,
        high=test.high,
        p=test.p,
        p_holm=test.p,
        p_equivalence=max(_one_sided(estimate, line.margin)),
    )


def _changed_pair(pair: PairOfGroups, verdict: Verdict, estimate: Estimate, others: str) -> PairOfGroups:
    """Return the pair with this verdict, its interval and p value; without what takes runs as independent."""
    difference = pair.difference
    if isinstance(estimate, str):
        test = undefined_test(pair.test.n, estimate)
    else:
        test = estimate.test(pair.test.n)
        difference = estimate.value
    equivalence = _equivalence(pair.equivalence, estimate)
    # Which of the three it is, the design has said: pairs, partial pairs, or two groups.
    name = pair.estimator if pair.estimator in ("paired", "welch") else "partial"
    return changed(
        pair,
        difference=difference,
        ratio=difference / pair.reference,
        verdict=verdict,
        uncorrected=verdict,
        p=test.p,
        p_holm=test.p,
        p_bh=test.p,
        simultaneous_low=test.low,
        simultaneous_high=test.high,
        equivalence=equivalence,
        p_equivalence_holm=equivalence.p,
        posterior=replace(pair.posterior, below=NAN, inside=NAN, above=NAN, low=NAN, high=NAN, reason=others),
        power=replace(
            pair.power,
            detectable=NAN,
            power_at_margin=NAN,
            at_margin=NAN,
            at_margin_low=NAN,
            at_margin_high=NAN,
            at_observed=NAN,
            at_observed_low=NAN,
            at_observed_high=NAN,
            reason=others,
        ),
        **{name: test},
    )


def _equivalence(equivalence: Equivalence, estimate: Estimate) -> Equivalence:
    if isinstance(estimate, str):
        return replace(equivalence, p_lower=NAN, p_upper=NAN, p=NAN, low=NAN, high=NAN, reason=estimate)
    low, high = estimate.interval(NARROW)
    p_lower, p_upper = _one_sided(estimate, equivalence.margin)
    return replace(
        equivalence,
        difference=estimate.value,
        p_lower=p_lower,
        p_upper=p_upper,
        p=max(p_lower, p_upper),
        low=low,
        high=high,
    )


def _one_sided(estimate: MeanEstimate, margin: float) -> tuple[float, float]:
    """Return the p values of "-margin or less" and of "margin or more"; NaN without a margin."""
    if math.isnan(margin):
        return NAN, NAN
    return estimate.p_at_most(-margin), estimate.p_at_least(margin)

"""Logged metrics that contradict each other: what is equal by its own definition is not.

Metrics whose names share a prefix are checked, each step by itself, where both sides are finite:

    gap or margin = negative - positive     (of E, of mse, …; of either sign, or its size; not a constant one)
    a_vs_b        = x_a - x_b
    rmse²         = mse                     (a mean of roots may be smaller, never larger)
    total loss    = Σ w x of its terms      (the weights w configured, or 1, or fitted: what holds most often)

A sum is an identity where one set of weights, by least absolute deviations, holds at 80% of the steps: it
fails where it then does not hold. One that never holds has terms that are not logged, and says nothing.

Numbers are compared within what printing and arithmetic leave: half a unit of the last printed place of each,
8 units of their own precision (24, 11 or 8 bits: which one all values of the metric fit) of the terms' sizes,
and 1/1000 of what is checked, for means of differences that were rounded one by one.

One identity that holds is told as well: predictions that are the energy's gradient divided by the batch size.
Training and evaluation at another batch size are then two different models. Its two sides are of different
draws of noise: the median of their ratio is within 2% of the batch size, and its quartiles within 5%.

References: Higham (2002), Accuracy and Stability of Numerical Algorithms, section 2; Bloomfield & Steiger
(1983), Least Absolute Deviations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed, with_probe
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, TRAINING, words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.printed_numbers import (
    ROUNDINGS,
    Printed,
    allowed,
    fitted_weights,
    missed_by,
    printed,
)

FEWEST = 5  # steps
FEWEST_OF_A_SUM = 20  # and as many again for each two of its terms
OFTEN = 0.1  # of the steps: from there on an error
ALIKE = 1e-3
IDENTITY = 0.8  # of the steps
LARGEST = 1e150  # the square of more is not finite

NEGATIVE = re.compile(r"(?i)^(.*/)?(?:(\w+)_)?(neg)(ative)?$")
VERSUS = re.compile(r"(?i)^(.*/)?(\w+?)_vs_(\w+)$")
TOTAL = re.compile(r"(?i)^(.*/)?(?:total_loss|loss_total|loss)$")
TERM = re.compile(r"(?i)^(?:\w+_loss|loss_\w+|denoise|nce|contrastive|kl|regulari[sz]er|penalty)$")
GRADIENT = re.compile(r"(?i)^(.*/)?(?:grad_?E|energy_grad(?:ient)?)$")
OF_OTHER_DATA = frozenset((*SPLITS, *TEST_SPLITS, *TRAINING))
OF_A_LOSS = re.compile(r"(?i)^loss_|_loss$")
WEIGHTS = {
    "nce": "energy_loss_weight",
    "contrastive": "energy_loss_weight",
    "regularizer": "energy_reg_weight",
    "regulariser": "energy_reg_weight",
}

Array = NDArray[np.float64]
Told = Mapping[str, Series]


@dataclass(frozen=True)
class Check:
    """An identity of logged metrics, checked at each step.

    Attributes:
        text: The identity as it is told.
        steps: Of shape (n,).
        off: By how much it fails, of the same shape; at most 0 where it holds within rounding.
        remark: What else there is to say.
    """

    text: str
    steps: NDArray[np.int64]
    off: Array
    remark: str = ""

    @property
    def share(self) -> float:
        """At which share of the steps it fails."""
        return float(np.mean(self.off > 0)) if len(self.off) else 0.0


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and identity that fails, and one where gradients were divided."""
    failed: dict[tuple[str, str], list[tuple[Run, Check]]] = defaultdict(list)
    divided: dict[str, list[tuple[Run, str, float]]] = defaultdict(list)
    for run in study.runs:
        told = run.history.series
        for check in (*_differences(told), *_roots(told), *_sums(told, run.configuration)):
            if check.share > 0:
                failed[run.group, check.text].append((run, check))
        if found := _division(told, run.configuration or {}):
            divided[run.group].append((run, *found))
    for (group, text), cases in failed.items():
        yield _failing(group, text, cases)
    for group, runs in divided.items():
        yield _divided(group, runs)


def _failing(group: str, text: str, cases: Sequence[tuple[Run, Check]]) -> Finding:
    run, worst = max(cases, key=lambda case: case[1].share)
    step, off = int(worst.steps[np.argmax(worst.off)]), float(worst.off.max())
    remark = f" {worst.remark}" if worst.remark else ""
    statement = (
        f"{group}: {text} fails at {100 * worst.share:.3g}% of {len(worst.steps)} logged steps of "
        f"{run.seed_label}, by {off:.3g} beyond rounding at step {step} "
        f"({listed(one.seed_label for one, _ in cases)}).{remark}"
    )
    evidence: Evidence = {"group": group, "identity": text, "runs": len(cases), "share": worst.share}
    evidence |= {"steps": len(worst.steps), "worst_step": step, "worst_beyond_rounding": off}
    advice = "One of these metrics is not what its name says: look at where they are computed and logged."
    return Finding(
        "logged_identities", "error" if worst.share >= OFTEN else "warning", statement, evidence, advice
    )


def _divided(group: str, runs: Sequence[tuple[Run, str, float]]) -> Finding:
    ratio = float(np.median([ratio for *_, ratio in runs]))
    run, text, _ = runs[0]
    batch = int((run.configuration or {})["batch_size"])
    statement = (
        f"{group}: {text} holds with B = {ratio:.5g}, the batch size {batch} "
        f"({listed(one.seed_label for one, *_ in runs)}): gradients of the energy are divided by the batch "
        "size, so that an evaluation in batches of another size takes steps of another length."
    )
    evidence: Evidence = {"group": group, "runs": len(runs), "ratio": ratio, "batch_size": batch}
    advice = with_probe("Divide by a fixed number instead", "invariance", [one for one, *_ in runs])
    labels = tuple(one.label for one, *_ in runs)
    return Finding("logged_identities", "warning", statement, evidence, advice, labels)


def _differences(told: Told) -> Iterator[Check]:
    for name in told:
        if found := NEGATIVE.match(name):
            prefix, stem = found[1] or "", found[2] or ""
            pos = ("POS" if found[3].isupper() else "pos") + ("itive" if found[4] else "")
            start = f"{prefix}{stem}_" if stem else prefix
            bare = [f"{prefix}{w}" for w in ("margin", "gap")] if stem.lower() in ("e", "energy", "") else []
            for difference in (*(f"{start}{w}" for w in ("margin", "gap")), *bare):
                yield from _difference(told, difference, name, f"{start}{pos}")
        if found := VERSUS.match(name):
            prefix, a, b = found[1] or "", found[2], found[3]
            stems = [
                n[len(prefix) : -len(a)]
                for n in told
                if n.startswith(prefix) and n.endswith(f"_{a}") and f"{n[: -len(a)]}{b}" in told
            ]
            if len(stems) == 1:
                yield from _difference(told, name, f"{prefix}{stems[0]}{a}", f"{prefix}{stems[0]}{b}")


def _difference(told: Told, difference: str, above: str, below: str) -> Iterator[Check]:
    columns = _columns(told, (difference, above, below))
    if columns is None or np.ptp(columns[1][0].values) == 0 < np.ptp(columns[1][1].values):
        return  # a margin that stays the same is a setting
    steps, (d, a, b) = columns
    slack = allowed(d, a, b) + ALIKE * np.abs(d.values)
    is_size = bool((d.values >= 0).all())
    wanted = [a.values - b.values, b.values - a.values] + ([np.abs(a.values - b.values)] if is_size else [])
    off = min((np.abs(d.values - w) - slack for w in wanted), key=lambda o: float(np.mean(o > 0)))
    yield Check(f"{difference} = {_short(above)} - {_short(below)}", steps, off)


def _roots(told: Told) -> Iterator[Check]:
    for name in told:
        for root, square in (("rmse", "mse"), ("RMSE", "MSE")):
            columns = _columns(told, (name, name.replace(root, square))) if root in name else None
            if columns is None:
                continue
            steps, (r, m) = columns
            slack = (r.unit + 2 * ROUNDINGS * r.epsilon * np.abs(r.values)) * np.abs(r.values) + allowed(m)
            off = r.values**2 - m.values - slack - ALIKE * np.abs(m.values)
            yield Check(f"{name}² <= {_short(name.replace(root, square))}", steps, off)


def _sums(told: Told, configuration: Mapping[str, Any] | None) -> Iterator[Check]:
    for total in told:
        found = TOTAL.match(total)
        terms = [n for n in told if found and n != total and _is_term(n, found[1] or "")]
        columns = _columns(told, (total, *terms)) if terms else None
        if columns is None or len(columns[0]) < FEWEST_OF_A_SUM * (1 + len(terms) / 2):
            continue
        steps, (y, *xs) = columns
        weights = _weights(y, xs, [_told_weight(_short(term), configuration or {})[1] for term in terms])
        if weights is None or np.mean((off := missed_by(y, xs, weights)) <= 0) < IDENTITY:
            continue
        off = off - ALIKE * np.abs(y.values)
        text = f"{total} = {' + '.join(f'w {_short(term)}' for term in terms)}"
        yield Check(text, steps, off)
        for place, term in enumerate(terms):
            key, wanted = _told_weight(_short(term), configuration or {})
            if wanted is None or any(_holds_with(y, xs, place, w) for w in (wanted, 1.0)):
                continue
            remark = f"The weight in effect is {weights[place]:.4g}."
            off = missed_by(y, xs, np.where(np.arange(len(xs)) == place, wanted, weights))
            yield Check(f"{text} with the configured {key} = {wanted:g}", steps, off, remark)


def _weights(y: Printed, xs: Sequence[Printed], configured: Sequence[float | None]) -> Array | None:
    """Return the weights of a sum: the configured ones where they hold most often, else fitted ones.

    People choose round weights, and a fit misses them by what printing leaves: a fitted weight is also tried
    as the nearest number of two to four digits.
    """
    fitted = fitted_weights(y, xs)
    if fitted is None:
        return None
    given = np.array([1.0 if weight is None else weight for weight in configured])
    rounded = [np.array([float(f"{weight:.{digits}g}") for weight in fitted]) for digits in (2, 3, 4)]
    return max([given, *rounded, fitted], key=lambda weights: float(np.mean(missed_by(y, xs, weights) <= 0)))


def _holds_with(y: Printed, xs: Sequence[Printed], place: int, weight: float) -> bool:
    """Say whether a sum holds at some of the steps, at least, with one weight given and the others free."""
    others = [x for i, x in enumerate(xs) if i != place]
    rest = Printed(y.values - weight * xs[place].values, y.unit + abs(weight) * xs[place].unit, y.epsilon)
    free = fitted_weights(rest, others) if others else np.array([])
    return free is None or bool(np.mean(missed_by(y, xs, np.insert(free, place, weight)) <= 0) > 1 - IDENTITY)


def _told_weight(term: str, configuration: Mapping[str, Any]) -> tuple[str, float | None]:
    stem = OF_A_LOSS.sub("", term) or term
    forms = (f"{name}{end}" for name in dict.fromkeys((term, stem)) for end in ("_weight", "_coef", "_coeff"))
    starts = (
        f"{start}{name}" for name in dict.fromkeys((term, stem)) for start in ("lambda_", "weight_", "w_")
    )
    for key in (WEIGHTS.get(term.lower(), ""), *forms, *starts):
        value = configuration.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
            return key, float(value)
    return "", None


def _is_term(name: str, prefix: str) -> bool:
    """Say whether a metric may be a term of a total with a prefix: one that names no other data."""
    rest = name.removeprefix(prefix)
    if not name.startswith(prefix) or OF_OTHER_DATA.intersection(words_of(rest)):
        return False
    return TERM.match(rest) is not None


def _division(told: Told, configuration: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return an identity and its B where predictions are a gradient over the batch size."""
    batch = configuration.get("batch_size")
    for name in told:
        found = GRADIENT.match(name)
        if not found or not isinstance(batch, int) or isinstance(batch, bool) or batch < 2:
            continue
        columns = _columns(told, (name, f"{found[1] or ''}pred"))
        if columns is None:
            continue
        _, (gradient, prediction) = columns
        clear = np.abs(prediction.values) > 100 * prediction.unit
        if clear.sum() < FEWEST:
            continue
        low, ratio, high = np.quantile(gradient.values[clear] / prediction.values[clear], [0.25, 0.5, 0.75])
        if abs(ratio / batch - 1) <= 0.02 and high - low <= 0.05 * ratio:
            return f"{found[1] or ''}pred = {_short(name)} / B", float(ratio)
    return None


def _columns(told: Told, names: Sequence[str]) -> tuple[NDArray[np.int64], list[Printed]] | None:
    """Return metrics at the steps where all are finite; None where these are few, or one is absent."""
    if any(name not in told for name in names) or len(set(names)) < len(names):
        return None
    steps = np.asarray(told[names[0]].steps)
    for name in names[1:]:
        if not np.array_equal(steps, told[name].steps):
            steps = np.intersect1d(steps, told[name].steps)
    values = np.stack([_at(told[name], steps) for name in names])
    known = (np.abs(values) < LARGEST).all(axis=0)
    if known.sum() < FEWEST:
        return None
    return steps[known], [printed(v[known]) for v in values]


def _at(series: Series, steps: NDArray[np.int64]) -> Array:
    return np.asarray(series.values, dtype=np.float64)[np.searchsorted(series.steps, steps)]


def _short(name: str) -> str:
    return name.rpartition("/")[2]


RULE = Rule(
    "logged_identities",
    "Do logged metrics agree with each other?",
    find,
    refuted_by=(
        "The definition of the metric in the program: if it is not what its name says, the identity does "
        "not apply."
    ),
    near_miss=(
        "A margin that is a setting and stays constant; a total with a term that is not logged; rounding "
        "of the last printed digit."
    ),
    example=("margin is printed as 1.1 times E_neg - E_pos at every step."),
)

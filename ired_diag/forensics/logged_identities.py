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

One identity that holds is reported as well: predictions that are the energy's gradient divided by the batch
size. Training and evaluation at another batch size are then two different models. Its two sides are of
different draws of noise: the median of their ratio is within 2% of the batch size, and its quartiles within
5%.

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
from ired_diag.forensics.rule import Evidence, Rule, labels_of, runs_of, seeds_in_words, with_probe
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
ALIKE = 1e-3  # of what is checked: means of differences that were rounded one by one
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
Metrics = Mapping[str, Series]


@dataclass(frozen=True)
class Check:
    """An identity of logged metrics, checked at each step.

    Attributes:
        text: The identity in symbols.
        steps: The steps, of shape (n,).
        excess: By how much it fails, of the same shape; at most 0 where it holds within rounding.
        remark: What else there is to say.
    """

    text: str
    steps: NDArray[np.int64]
    excess: Array
    remark: str = ""

    @property
    def share(self) -> float:
        """At which share of the steps it fails."""
        if not len(self.excess):
            return 0.0
        return float(np.mean(self.excess > 0))


@dataclass(frozen=True)
class Division:
    """Predictions that are the gradient of the energy over the batch size.

    Attributes:
        run: The run.
        text: The identity in symbols.
        ratio: By what the gradient is divided.
        batch_size: The configured batch size.
    """

    run: Run
    text: str
    ratio: float
    batch_size: int


@dataclass(frozen=True)
class Sum:
    """A total and its terms, at the steps where all are logged.

    Attributes:
        total: Name of the total.
        terms: Names of the terms.
        steps: The steps, of shape (n,).
        y: The total at each step.
        xs: Each term at each step.
    """

    total: str
    terms: tuple[str, ...]
    steps: NDArray[np.int64]
    y: Printed
    xs: Sequence[Printed]

    @property
    def text(self) -> str:
        """The sum in symbols."""
        terms = " + ".join(f"w {_short(term)}" for term in self.terms)
        return f"{self.total} = {terms}"

    def share_held(self, weights: Array) -> float:
        """Return at which share of the steps the sum holds with some weights."""
        return float(np.mean(missed_by(self.y, self.xs, weights) <= 0))


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and identity that fails, and one where gradients were divided."""
    failed: dict[tuple[str, str], list[tuple[Run, Check]]] = defaultdict(list)
    divided: dict[str, list[Division]] = defaultdict(list)
    for run in study.runs:
        for check in _checks(run):
            if check.share > 0:
                failed[run.group, check.text].append((run, check))
        division = _division(run)
        if division is not None:
            divided[run.group].append(division)
    for cases in failed.values():
        yield _finding_on_failure(cases)
    for divisions in divided.values():
        yield _finding_on_division(divisions)


def _checks(run: Run) -> Iterator[Check]:
    metrics = run.history.series
    yield from _differences(metrics)
    yield from _roots(metrics)
    yield from _sums(metrics, run.configuration or {})


def _finding_on_failure(cases: Sequence[tuple[Run, Check]]) -> Finding:
    runs, _ = zip(*cases, strict=True)
    run, worst = max(cases, key=lambda case: case[1].share)
    steps = len(worst.steps)
    worst_step = int(worst.steps[np.argmax(worst.excess)])
    largest = float(worst.excess.max())
    statement = (
        f"{run.group}: {worst.text} fails at {100 * worst.share:.3g}% of {steps} logged steps of "
        f"{run.seed_label}, by {largest:.3g} beyond rounding at step {worst_step} ({seeds_in_words(runs)})."
    )
    if worst.remark:
        statement += f" {worst.remark}"
    evidence: Evidence = {
        "group": run.group,
        "identity": worst.text,
        "runs": len(runs),
        "share": worst.share,
        "steps": steps,
        "worst_step": worst_step,
        "worst_beyond_rounding": largest,
    }
    return Finding(
        rule="logged_identities",
        severity="error" if worst.share >= OFTEN else "warning",
        statement=statement,
        evidence=evidence,
        advice="One of these metrics is not what its name says: look at where they are computed and logged.",
        runs=labels_of(runs),
    )


def _finding_on_division(divisions: Sequence[Division]) -> Finding:
    first = divisions[0]
    runs = runs_of(divisions)
    ratio = float(np.median([division.ratio for division in divisions]))
    statement = (
        f"{first.run.group}: {first.text} holds with B = {ratio:.5g}, the batch size {first.batch_size} "
        f"({seeds_in_words(runs)}): gradients of the energy are divided by the batch "
        "size, so that an evaluation in batches of another size takes steps of another length."
    )
    evidence: Evidence = {
        "group": first.run.group,
        "runs": len(runs),
        "ratio": ratio,
        "batch_size": first.batch_size,
    }
    return Finding(
        rule="logged_identities",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=with_probe("Divide by a fixed number instead", "invariance", runs),
        runs=labels_of(runs),
    )


def _differences(metrics: Metrics) -> Iterator[Check]:
    """Yield the checks of metrics that are called the difference of two others."""
    for name in metrics:
        negative = NEGATIVE.match(name)
        if negative:
            positive, differences = _names_next_to(negative)
            for difference in differences:
                yield from _difference(metrics, difference, name, positive)
        versus = VERSUS.match(name)
        if versus:
            yield from _versus(metrics, name, prefix=versus[1] or "", ends=(versus[2], versus[3]))


def _names_next_to(negative: re.Match[str]) -> tuple[str, list[str]]:
    """Return the name of the metric of positives, and what its difference to negatives may be called."""
    prefix, stem = negative[1] or "", negative[2] or ""
    start = f"{prefix}{stem}_" if stem else prefix
    word = "POS" if negative[3].isupper() else "pos"
    ending = "itive" if negative[4] else ""
    differences = [f"{start}margin", f"{start}gap"]
    if stem.lower() in ("e", "energy", ""):
        differences += [f"{prefix}margin", f"{prefix}gap"]
    return f"{start}{word}{ending}", differences


def _versus(metrics: Metrics, name: str, *, prefix: str, ends: tuple[str, str]) -> Iterator[Check]:
    """Yield the check of ``a_vs_b``, where two metrics of the same stem end on a and b, and no others do."""
    a, b = ends
    stems = []
    for other in metrics:
        stem = other.removesuffix(a)
        if other.startswith(prefix) and other.endswith(f"_{a}") and f"{stem}{b}" in metrics:
            stems.append(stem)
    if len(stems) == 1:
        yield from _difference(metrics, name, f"{stems[0]}{a}", f"{stems[0]}{b}")


def _difference(metrics: Metrics, difference: str, above: str, below: str) -> Iterator[Check]:
    """Yield the check of a difference of two metrics, of either sign, or of its size."""
    columns = _columns(metrics, (difference, above, below))
    if columns is None:
        return
    steps, (d, a, b) = columns
    if np.ptp(d.values) == 0 < np.ptp(a.values):
        return  # a margin that stays the same is a setting
    slack = allowed(d, a, b) + ALIKE * np.abs(d.values)
    computed = a.values - b.values
    candidates = [computed, -computed]
    if (d.values >= 0).all():
        candidates.append(np.abs(computed))
    excesses = [np.abs(d.values - candidate) - slack for candidate in candidates]
    excess = min(excesses, key=lambda excess: float(np.mean(excess > 0)))
    yield Check(f"{difference} = {_short(above)} - {_short(below)}", steps, excess)


def _roots(metrics: Metrics) -> Iterator[Check]:
    """Yield the checks of roots of mean squared errors: a mean of roots may be smaller, never larger."""
    for name in metrics:
        for root, square in (("rmse", "mse"), ("RMSE", "MSE")):
            if root not in name:
                continue
            squared_name = name.replace(root, square)
            columns = _columns(metrics, (name, squared_name))
            if columns is None:
                continue
            steps, (rmse, mse) = columns
            error = rmse.unit + 2 * ROUNDINGS * rmse.epsilon * np.abs(rmse.values)
            slack = error * np.abs(rmse.values) + allowed(mse)
            excess = rmse.values**2 - mse.values - slack - ALIKE * np.abs(mse.values)
            yield Check(f"{name}² <= {_short(squared_name)}", steps, excess)


def _sums(metrics: Metrics, configuration: Mapping[str, Any]) -> Iterator[Check]:
    """Yield the checks of totals that are sums of their terms, and of the configured weights."""
    for total in metrics:
        terms = _sum_of(metrics, total)
        if terms is None:
            continue
        weights = _weights(terms, configuration)
        if weights is None or terms.share_held(weights) < IDENTITY:
            continue
        excess = missed_by(terms.y, terms.xs, weights) - ALIKE * np.abs(terms.y.values)
        yield Check(terms.text, terms.steps, excess)
        yield from _of_configured_weights(terms, weights, configuration)


def _sum_of(metrics: Metrics, total: str) -> Sum | None:
    """Return a total with its logged terms; None where it has none, or too few steps to tell."""
    match = TOTAL.match(total)
    if match is None:
        return None
    prefix = match[1] or ""
    terms = [name for name in metrics if name != total and _is_term(name, prefix)]
    if not terms:
        return None
    columns = _columns(metrics, (total, *terms))
    if columns is None:
        return None
    steps, (y, *xs) = columns
    if len(steps) < FEWEST_OF_A_SUM * (1 + len(terms) / 2):
        return None
    return Sum(total=total, terms=tuple(terms), steps=steps, y=y, xs=xs)


def _of_configured_weights(terms: Sum, weights: Array, configuration: Mapping[str, Any]) -> Iterator[Check]:
    """Yield a check for each configured weight with which the sum does not hold."""
    for place, term in enumerate(terms.terms):
        key, configured = _configured_weight(_short(term), configuration)
        if configured is None or _holds_with(terms, place, configured) or _holds_with(terms, place, 1.0):
            continue
        given = weights.copy()
        given[place] = configured
        yield Check(
            text=f"{terms.text} with the configured {key} = {configured:g}",
            steps=terms.steps,
            excess=missed_by(terms.y, terms.xs, given),
            remark=f"The weight in effect is {weights[place]:.4g}.",
        )


def _weights(terms: Sum, configuration: Mapping[str, Any]) -> Array | None:
    """Return the weights of a sum: the configured ones where they hold most often, else fitted ones.

    People choose round weights, and a fit misses them by what printing leaves: a fitted weight is also tried
    as the nearest number of two to four digits.
    """
    fitted = fitted_weights(terms.y, terms.xs)
    if fitted is None:
        return None
    configured = []
    for term in terms.terms:
        _, weight = _configured_weight(_short(term), configuration)
        configured.append(1.0 if weight is None else weight)
    candidates = [np.array(configured)]
    for digits in (2, 3, 4):
        candidates.append(np.array([float(f"{weight:.{digits}g}") for weight in fitted]))
    return max([*candidates, fitted], key=terms.share_held)


def _holds_with(terms: Sum, place: int, weight: float) -> bool:
    """Say whether a sum holds at a part of the steps, at least, with one weight given and the others free."""
    x = terms.xs[place]
    others = [*terms.xs[:place], *terms.xs[place + 1 :]]
    rest = Printed(terms.y.values - weight * x.values, terms.y.unit + abs(weight) * x.unit, terms.y.epsilon)
    free: Array | None = np.array([])
    if others:
        free = fitted_weights(rest, others)
    if free is None:
        return True
    return terms.share_held(np.insert(free, place, weight)) > 1 - IDENTITY


def _configured_weight(term: str, configuration: Mapping[str, Any]) -> tuple[str, float | None]:
    """Return the key and the value of the weight that a configuration gives a term; None without one."""
    stem = OF_A_LOSS.sub("", term) or term
    names = list(dict.fromkeys((term, stem)))
    keys = [WEIGHTS.get(term.lower(), "")]
    for name in names:
        keys += [f"{name}_weight", f"{name}_coef", f"{name}_coeff"]
    for name in names:
        keys += [f"lambda_{name}", f"weight_{name}", f"w_{name}"]
    for key in keys:
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


def _division(run: Run) -> Division | None:
    """Return an identity and its B where predictions are a gradient over the batch size."""
    metrics = run.history.series
    batch = (run.configuration or {}).get("batch_size")
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 2:
        return None
    for name in metrics:
        match = GRADIENT.match(name)
        if match is None:
            continue
        prediction_name = f"{match[1] or ''}pred"
        columns = _columns(metrics, (name, prediction_name))
        if columns is None:
            continue
        _, (gradient, prediction) = columns
        ratio = _constant_ratio(gradient, prediction)
        if ratio is not None and abs(ratio / batch - 1) <= 0.02:
            text = f"{prediction_name} = {_short(name)} / B"
            return Division(run=run, text=text, ratio=ratio, batch_size=batch)
    return None


def _constant_ratio(gradient: Printed, prediction: Printed) -> float | None:
    """Return the median ratio of two metrics; None where its quartiles lie further apart than 5% of it."""
    clear = np.abs(prediction.values) > 100 * prediction.unit
    if clear.sum() < FEWEST:
        return None
    ratios = gradient.values[clear] / prediction.values[clear]
    low, ratio, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    # Both sides are of different draws of noise, so that single steps lie apart.
    if not high - low <= 0.05 * ratio:
        return None
    return float(ratio)


def _columns(metrics: Metrics, names: Sequence[str]) -> tuple[NDArray[np.int64], list[Printed]] | None:
    """Return metrics at the steps where all are finite; None where these are few, or one is absent."""
    if any(name not in metrics for name in names) or len(set(names)) < len(names):
        return None
    steps = np.asarray(metrics[names[0]].steps)
    for name in names[1:]:
        if not np.array_equal(steps, metrics[name].steps):
            steps = np.intersect1d(steps, metrics[name].steps)
    values = np.stack([_values_at(metrics[name], steps) for name in names])
    usable = (np.abs(values) < LARGEST).all(axis=0)
    if usable.sum() < FEWEST:
        return None
    return steps[usable], [printed(column[usable]) for column in values]


def _values_at(series: Series, steps: NDArray[np.int64]) -> Array:
    """Return the values of a metric at steps at which it is logged."""
    values = np.asarray(series.values, dtype=np.float64)
    return values[np.searchsorted(series.steps, steps)]


def _short(name: str) -> str:
    return name.rpartition("/")[2]


RULE = Rule(
    name="logged_identities",
    question="Do logged metrics agree with each other?",
    find=find,
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

"""Energies that run away or collapse, and predictors that are dead: shown by logged means alone.

Runaway. Of the size m of the mean energy of positives,

    growth = late / early,    second half = late / middle,    offset = late m / late |E⁻ - E⁺|,

with early the median of the first three logged steps, middle that of the tenth after the half, late that of
the last tenth. A growth of 100 and more is reported. It is a warning where the second half still doubles m
and m is ten times the gap, so that what grows is a level that neither term asks for; it is an error where the
energies then stop being finite. Energies that start near 0 have to grow: what rests again is a note, and so
is what grows in step with the gap.

Collapse. Over the last tenth the interquartile range of both energies and their gap are below 1/1000 of what
they were over the first third; or the energy of positives is one number, not 0, at all logged steps.

Dead predictor. At nine of ten steps of the later half, a logged size of predictions (``pred_…``) is below 1%
of that of their targets (``tgt_…``, ``target_…``); or predictions are one number, not 0, all that half; or
the gradient's norm is below 1/1000 of its early level while no loss next to it fell by a tenth.

Reference: Du & Mordatch (2019), Implicit Generation and Modeling with Energy Based Models, section 3.3.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, labels_of, listed, with_probe
from ired_diag.runs.energy_metrics import energy_metrics, together
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

FEWEST = 20  # logged steps: a tenth of fewer is one of them
GROWN = 100.0
STILL = 2.0  # times over the second half: growing
OFFSET = 10.0  # gaps
VANISHED = 1e-3
DEAD = 0.01  # of the target's size
NEARLY_ALL = 0.9
FELL = 0.9
TINY = float(np.finfo(np.float64).tiny)

PREDICTION = re.compile(r"(?i)(.*?)\bpred(?:iction)?(_\w+)?$")
SIZES = ("_norm", "_std", "_abs", "_mean")
GRADIENT = re.compile(r"(?i)(.*?)\bgrad(?:ient)?_norm$")
LOSS = re.compile(r"(?i)(?:\w+_)?(?:loss|denoise|mse(?:_error)?)$")

Kind = Literal[
    "overflow", "runaway", "in_step", "grown", "collapse", "constant", "dead_prediction", "dead_gradient"
]


@dataclass(frozen=True)
class Sign:
    """What one metric of a run says about its energies, predictions or gradients.

    Attributes:
        kind: What is wrong.
        metric: Name of the metric.
        number: The number that says how far.
    """

    kind: Kind
    metric: str
    number: float


Array = NDArray[np.float64]

SEVERITY: dict[Kind, Severity] = {
    "overflow": "error",
    "runaway": "warning",
    "in_step": "note",
    "grown": "note",
    "collapse": "warning",
    "constant": "warning",
    "dead_prediction": "warning",
    "dead_gradient": "warning",
}
MEANING: dict[Kind, str] = {
    "overflow": "grew {numbers} times its early level, then stopped being finite",
    "runaway": "has grown to {numbers} times its early level and still grows, far above the gap of energies",
    "in_step": "has grown to {numbers} times its early level, still grows, and the gap of energies with it",
    "grown": "has grown to {numbers} times its early level, and rests there",
    "collapse": "and that of negatives fell to one constant: their gap is {numbers} times the early one",
    "constant": "is one number, {numbers}, at all logged steps",
    "dead_prediction": "is {numbers} times the size of its target over the later half: it predicts nothing",
    "dead_gradient": "is {numbers} times its early level, though no loss has come down: nothing is learnt",
}
REMEDIES = "Hold the energies: regularise or bound them, normalise the head, clip the gradient"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group and each thing that its energies or predictions do."""
    cases: dict[tuple[str, Kind], list[tuple[Run, Sign]]] = defaultdict(list)
    for group, runs in study.groups().items():
        complete = [run for run in runs if run.ending.may_be_complete]
        for run in complete or runs:  # early in training every energy grows: those that ended tell more
            for sign in _signs_of(run):
                cases[group, sign.kind].append((run, sign))
    for (group, kind), signs in cases.items():
        yield _finding(group, kind, signs)


def _signs_of(run: Run) -> Iterator[Sign]:
    yield from _of_energies(run)
    yield from _of_predictions(run)
    yield from _of_gradients(run)


def _finding(group: str, kind: Kind, cases: list[tuple[Run, Sign]]) -> Finding:
    runs, signs = zip(*cases, strict=True)
    numbers = [sign.number for sign in signs]
    low, high = min(numbers), max(numbers)
    ends = dict.fromkeys([_number_in_words(low), _number_in_words(high)])
    meaning = MEANING[kind].format(numbers=" to ".join(ends))
    metrics = listed(sorted({sign.metric for sign in signs}))
    seeds = listed(dict.fromkeys(run.seed_label for run in runs))
    evidence: Evidence = {
        "group": group,
        "kind": kind,
        "metric": metrics,
        "runs": len(cases),
        "lowest": low,
        "highest": high,
    }
    probe = "gradients" if kind.startswith("dead") else "energy_scale"
    words = "Look at where it is computed"
    if kind in ("overflow", "runaway"):
        words = REMEDIES
    return Finding(
        rule="energy_scale",
        severity=SEVERITY[kind],
        statement=f"{group}: {metrics} {meaning} ({seeds}).",
        evidence=evidence,
        advice=with_probe(words, probe, runs),
        runs=labels_of(runs),
    )


def _of_energies(run: Run) -> Iterator[Sign]:
    """Yield what is wrong with each logged energy of positives."""
    logged = run.history.series
    for metrics in energy_metrics(logged):
        series = logged[metrics.positive]
        if len(series) < FEWEST:
            continue
        sizes = _values(series)
        if (sizes == sizes[0]).all():
            if sizes[0] != 0:  # logs print 0 for what they do not compute
                yield Sign("constant", metrics.positive, float(sizes[0]))
            continue
        unit = np.abs(sizes[np.isfinite(sizes)]).max(initial=TINY)  # sums of the largest floats overflow
        positive = sizes
        negative: Array | None = None
        if metrics.negative is not None:
            _, positive, of_negatives = together(series, logged[metrics.negative])
            negative = of_negatives / unit
        verdict = _collapse(positive / unit, negative) or _growth(sizes / unit, positive / unit, negative)
        if verdict is not None:
            kind, number = verdict
            yield Sign(kind, metrics.positive, number)


def _growth(sizes: Array, positive: Array, negative: Array | None) -> tuple[Kind, float] | None:
    """Return what the size of energies does, and by how many times it grew."""
    is_finite = np.isfinite(sizes)
    finite = np.abs(sizes[is_finite])
    nonzero = finite[finite > 0]
    if len(finite) < FEWEST or not len(nonzero):
        return None
    tenth = max(3, len(finite) // 10)
    half = len(finite) // 2
    early = float(np.median(nonzero[:3]))
    middle = float(np.median(finite[half : half + tenth]))
    late = float(np.median(finite[-tenth:]))
    growth = late / early
    if growth < GROWN:
        return None
    if not is_finite[-tenth:].any():
        return "overflow", growth
    if late < STILL * middle:
        return "grown", growth
    gap = 0.0
    if negative is not None:
        gap = _median_of_finite(np.abs(negative[-tenth:] - positive[-tenth:]))
    if late < OFFSET * gap:
        return "in_step", growth
    return "runaway", growth


def _collapse(positive: Array, negative: Array | None) -> tuple[Kind, float] | None:
    """Return by how many times the gap of energies shrank, where both energies became one constant."""
    if negative is None or len(positive) < FEWEST:
        return None
    if not np.isfinite(positive).all() or not np.isfinite(negative).all():
        return None
    third = len(positive) // 3
    tenth = max(3, len(positive) // 10)
    before = _spreads(positive[:third], negative[:third])
    after = _spreads(positive[-tenth:], negative[-tenth:])
    if (before > 0).all() and (after <= VANISHED * before).all():
        return "collapse", float(after[-1] / before[-1])
    return None


def _spreads(positive: Array, negative: Array) -> Array:
    """Return the interquartile range of both energies and the median of their gap."""
    gap = np.abs(negative - positive)
    return np.array([_range(positive), _range(negative), _median_of_finite(gap)])


def _of_predictions(run: Run) -> Iterator[Sign]:
    """Yield each logged size of predictions that is constant, or far below that of their targets."""
    for name, series in run.history.series.items():
        match = PREDICTION.match(name)
        if match is None or len(series) < FEWEST:
            continue
        prefix, size_word = match[1], match[2] or ""
        target = _target_of(run, prefix, size_word)
        late = _second_half(_values(series))
        if target is not None:
            ratio = _ratio_to_target(series, target)
            if ratio is not None:
                yield Sign("dead_prediction", name, ratio)
        elif (size_word or "_norm") in SIZES and late[0] != 0 and (late == late[0]).all():
            yield Sign("constant", name, float(late[0]))


def _target_of(run: Run, prefix: str, size_word: str) -> Series | None:
    """Return the logged size of targets that belongs to a size of predictions."""
    for word in ("tgt", "target"):
        series = run.history.series.get(f"{prefix}{word}{size_word}")
        if series is not None:
            return series
    return None


def _ratio_to_target(prediction: Series, target: Series) -> float | None:
    """Return the size of predictions over that of their targets where it is nearly nothing, else None."""
    _, predicted, wanted = together(prediction, target)
    predicted = np.abs(_second_half(predicted))
    wanted = np.abs(_second_half(wanted))
    usable = np.isfinite(predicted) & np.isfinite(wanted) & (wanted > 0)
    if usable.sum() < FEWEST // 2:
        return None
    predicted, wanted = predicted[usable], wanted[usable]
    if np.mean(predicted <= DEAD * wanted) < NEARLY_ALL:
        return None
    return _median_of_finite(predicted / wanted)


def _of_gradients(run: Run) -> Iterator[Sign]:
    """Yield each gradient norm that vanishes though no loss next to it came down."""
    for name, series in run.history.series.items():
        match = GRADIENT.match(name)
        if match is None or len(series) < FEWEST or not np.isfinite(_values(series)).all():
            continue
        ratio = _late_over_early(np.abs(_values(series)))
        if not ratio <= VANISHED:  # NaN, too
            continue
        losses = _losses_next_to(run, match[1])
        if losses and not any(_late_over_early(loss) < FELL for loss in losses):
            yield Sign("dead_gradient", name, ratio)


def _losses_next_to(run: Run, prefix: str) -> list[Array]:
    """Return the values of each loss that is logged by a prefix, and often enough."""
    losses = []
    for name, series in run.history.series.items():
        is_loss = name.startswith(prefix) and LOSS.match(name[len(prefix) :])
        if is_loss and len(series) >= FEWEST:
            losses.append(_values(series))
    return losses


def _late_over_early(values: Array) -> float:
    """Return the median of the later half over that of the first three; NaN where that is 0."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=TINY)
    scaled = values / largest
    early = _median_of_finite(scaled[:3])
    late = _median_of_finite(_second_half(scaled))
    if early <= 0:
        return np.nan
    return late / early


def _second_half(values: Array) -> Array:
    return values[len(values) // 2 :]


def _number_in_words(number: float) -> str:
    """Return three digits, and whole numbers as a person writes them."""
    if 1000 <= abs(number) < 1e6:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _values(series: Series) -> Array:
    return np.asarray(series.values, dtype=np.float64)


def _median_of_finite(values: Array) -> float:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0
    return float(np.median(finite))


def _range(values: Array) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low)


RULE = Rule(
    name="energy_scale",
    question="Do energies run away or collapse, or predictions die?",
    find=find,
    refuted_by=(
        "The energies are logged in another unit from some step on, or only their differences matter: the "
        "gap grows with them."
    ),
    near_miss=(
        "Energies that grow 1,000 times from a start near 0 and then rest; energies logged as 0 because "
        "nothing computes them."
    ),
    example=(
        "E_pos grows from 16 to 108,000 and still doubles over the second half, while E_neg - E_pos stays "
        "at 300."
    ),
)

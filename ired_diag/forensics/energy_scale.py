"""Energies that run away or collapse, and predictors that are dead: told by logged means alone.

Runaway. Of the size m of the mean energy of positives,

    growth = late / early,    second half = late / middle,    offset = late m / late |E⁻ - E⁺|,

with early the median of the first three logged steps, middle that of the tenth after the half, late that of
the last tenth. A growth of 100 and more is told. It is a warning where the second half still doubles m and m
is ten times the gap, so that what grows is a level that neither term asks for; it is an error where the
energies then stop being finite. Energies that start near 0 have to grow: what rests again is a note, and so
is what grows in step with the gap.

Collapse. Over the last tenth the interquartile range of both energies and their gap are below 1/1000 of what
they were over the first third; or the energy of positives is one number, not 0, at all logged steps.

Dead predictor. At nine of ten steps of the later half, a logged size of predictions (``pred_…``) is below 1%
of that of their targets (``tgt_…``, ``target_…``); or predictions are one number, not 0, all that half; or
the gradient's norm is below 1/1000 of its early level while no loss beside it fell by a tenth.

Reference: Du & Mordatch (2019), Implicit Generation and Modeling with Energy Based Models, section 3.3.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ired_diag.finding import Finding, Severity
from ired_diag.forensics.rule import Evidence, Rule, listed, with_probe
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
Told = list[tuple[Run, str, float]]  # with the metric's name and one number
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
    told: dict[tuple[str, Kind], Told] = defaultdict(list)
    for group, runs in study.groups().items():
        complete = [run for run in runs if run.ending.may_be_complete]
        for run in complete or runs:  # early in training every energy grows: those that ended tell more
            for kind, metric, number in (*_of_energies(run), *_of_predictions(run), *_of_gradients(run)):
                told[group, kind].append((run, metric, number))
    for (group, kind), cases in told.items():
        yield _finding(group, kind, cases)


def _finding(group: str, kind: Kind, cases: Told) -> Finding:
    numbers = [number for *_, number in cases]
    low, high = min(numbers), max(numbers)
    between = " to ".join(dict.fromkeys(map(_number, (low, high))))
    meaning = MEANING[kind].format(numbers=between)
    metrics = listed(sorted({metric for _, metric, _ in cases}))
    seeds = listed(dict.fromkeys(run.seed_label for run, *_ in cases))
    evidence: Evidence = {"group": group, "kind": kind, "metric": metrics, "runs": len(cases)}
    evidence |= {"lowest": low, "highest": high}
    probe = "gradients" if kind.startswith("dead") else "energy_scale"
    words = REMEDIES if kind in ("overflow", "runaway") else "Look at where it is computed"
    advice = with_probe(words, probe, [run for run, *_ in cases])
    statement = f"{group}: {metrics} {meaning} ({seeds})."
    labels = tuple(dict.fromkeys(run.label for run, *_ in cases))
    return Finding("energy_scale", SEVERITY[kind], statement, evidence, advice, labels)


def _of_energies(run: Run) -> Iterator[tuple[Kind, str, float]]:
    told = run.history.series
    for found in energy_metrics(told):
        name, series = found.positive, told[found.positive]
        if len(series) < FEWEST:
            continue
        positive: Array = _values(series)
        other: Array | None = None
        if found.negative is not None:
            _, positive, other = together(series, told[found.negative])
        sizes = _values(series)
        if (sizes == sizes[0]).all():
            if sizes[0] != 0:  # logs print 0 for what they do not compute
                yield "constant", name, float(sizes[0])
            continue
        unit = np.abs(sizes[np.isfinite(sizes)]).max(initial=TINY)  # sums of the largest floats overflow
        positive, other = positive / unit, None if other is None else other / unit
        if verdict := _collapse(positive, other) or _growth(sizes / unit, positive, other):
            yield verdict[0], name, verdict[1]


def _growth(sizes: Array, positive: Array, negative: Array | None) -> tuple[Kind, float] | None:
    """Return what the size of energies does, and by how many times it grew."""
    finite = np.isfinite(sizes)
    known = np.abs(sizes[finite])
    some = known[known > 0]
    if len(known) < FEWEST or not len(some):
        return None
    tenth = max(3, len(known) // 10)
    early, late = float(np.median(some[:3])), float(np.median(known[-tenth:]))
    middle = float(np.median(known[len(known) // 2 :][:tenth]))
    growth = late / early
    if growth < GROWN:
        return None
    if not finite[-tenth:].any():
        return "overflow", growth
    gap = 0.0 if negative is None else _median(np.abs(negative[-tenth:] - positive[-tenth:]))
    if late < STILL * middle:
        return "grown", growth
    return ("runaway" if late >= OFFSET * gap else "in_step"), growth


def _collapse(positive: Array, negative: Array | None) -> tuple[Kind, float] | None:
    if len(positive) < FEWEST or not np.isfinite(positive).all():
        return None
    if negative is None or not np.isfinite(negative).all():
        return None
    third, tenth = len(positive) // 3, max(3, len(positive) // 10)
    gap = np.abs(negative - positive)
    before = [_range(positive[:third]), _range(negative[:third]), _median(gap[:third])]
    after = [_range(positive[-tenth:]), _range(negative[-tenth:]), _median(gap[-tenth:])]
    if not all(b > 0 and a <= VANISHED * b for b, a in zip(before, after, strict=True)):
        return None
    return "collapse", after[2] / before[2]


def _of_predictions(run: Run) -> Iterator[tuple[Kind, str, float]]:
    told = run.history.series
    for name, series in told.items():
        found = PREDICTION.match(name)
        if not found or len(series) < FEWEST:
            continue
        target = next(
            (told[t] for w in ("tgt", "target") if (t := f"{found[1]}{w}{found[2] or ''}") in told), None
        )
        late = _values(series)[len(series) // 2 :]
        if target is not None:
            size, wanted = (np.abs(x[len(x) // 2 :]) for x in together(series, target)[1:])
            known = np.isfinite(size) & np.isfinite(wanted) & (wanted > 0)
            if known.sum() >= FEWEST // 2 and np.mean(size[known] <= DEAD * wanted[known]) >= NEARLY_ALL:
                yield "dead_prediction", name, _median(size[known] / wanted[known])
        elif (found[2] or "_norm") in SIZES and late[0] != 0 and (late == late[0]).all():
            yield "constant", name, float(late[0])


def _of_gradients(run: Run) -> Iterator[tuple[Kind, str, float]]:
    told = run.history.series
    for name, series in told.items():
        found = GRADIENT.match(name)
        if not found or len(series) < FEWEST or not np.isfinite(_values(series)).all():
            continue
        losses = [s for n, s in told.items() if n.startswith(found[1]) and LOSS.match(n[len(found[1]) :])]
        fell = [_late_over_early(_values(loss)) < FELL for loss in losses if len(loss) >= FEWEST]
        ratio = _late_over_early(np.abs(_values(series)))
        if ratio <= VANISHED and fell and not any(fell):
            yield "dead_gradient", name, ratio


def _late_over_early(values: Array) -> float:
    """Return the median of the later half over that of the first three; NaN where that is 0."""
    scaled = values / np.abs(values[np.isfinite(values)]).max(initial=TINY)
    early = _median(scaled[:3])
    return _median(scaled[len(values) // 2 :]) / early if early > 0 else np.nan


def _number(x: float) -> str:
    """Return three digits, and whole numbers as a person writes them."""
    return f"{x:,.0f}" if 1000 <= abs(x) < 1e6 else f"{x:.3g}"


def _values(series: Series) -> Array:
    return np.asarray(series.values, dtype=np.float64)


def _median(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _range(values: Array) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low)


RULE = Rule(
    "energy_scale",
    "Do energies run away or collapse, or predictions die?",
    find,
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

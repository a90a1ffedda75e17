"""Floor: does the model invert better than predictors that need no network?

The model answers the frozen evaluation set (``inverse.frozen_set``) by the public sampler, and so do
reference predictors fitted on the run's own data, on matrices of their own (``inverse.floors``): zero, the
mean inverse, linear regression (the best map equivariant under the symmetry of the data: four numbers),
polynomials in A, steps of Newton and Schulz. On the same matrices, in distribution (ε = 0.5) and out of it
(ε = 0.1),

    skill = 1 - MSE(model) / MSE(reference),

a ratio of means over matrices, the two errors of a matrix taken together: its 95% interval is the delta
method's (``stats.ratio``). Where few matrices decide it (polynomials of high degree, in distribution) it may
be too short, and the sentence says so. The references are taken as they were fitted. The model stands above
the best reference that it beats, and below the next that beats it (``stats.ladder``).

How much of the model is linear regression: R² of its answers on those of the linear map, over all entries of
all matrices, each without its own mean (which by symmetry is a multiple of I). R² of the inverse itself on
the linear map stands next to it.

The public sampler's answer is √ᾱ_0 times its last estimate (``model.sampler``). That is what validation logs
score, and what is called the model; ``unshrunk`` is the last estimate itself.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.inverse.floors import TITLES, references
from ired_diag.inverse.frozen_set import Solver, frozen_set, solver_of
from ired_diag.inverse.matrices import MatrixData
from ired_diag.probing.probe import Headline, Probe
from ired_diag.stats.finite import summarise_finite
from ired_diag.stats.ladder import Standing
from ired_diag.stats.ratio import FEW_DECIDE, ratio_of_means, squared_correlation
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select

COLUMNS = (
    Column("data", "1", "id: ε = 0.5, in distribution; ood: ε = 0.1, out of it"),
    Column("sample", "1", "number of the problem in the frozen set"),
    Column("predictor", "1", "model, unshrunk, inverse (the right answer), or a reference"),
    Column("mse", "1", "mean over entries of the squared error"),
    Column("square", "1", "mean over entries of the squared answer"),
    Column("product", "1", "mean over entries of the answer times the linear map's"),
    Column("along_unit", "1", "tr Ŷ / n^1.5: what of the answer lies along I, in the unit of √square"),
)
COMPARISON_COLUMNS = (
    Column("data", "1", "id or ood"),
    Column("predictor", "1", "whose"),
    Column("reference", "1", "against which reference; empty for its own MSE"),
    Column("quantity", "1", "mse, skill, or r2 of its answers on the reference's"),
    Column("value", "1", "of the quantity"),
    Column("value_low", "1", "lower end of its 95% interval"),
    Column("value_high", "1", "upper end"),
    Column("n", "1", "matrices"),
    Column("reason", "1", "why something is NaN or left out"),
)
DATA = {"id": "In distribution (ε = 0.5)", "ood": "Out of distribution (ε = 0.1)"}
LABELS = {"id": "ID (ε = 0.5)", "ood": "OOD (ε = 0.1)"}
MEASURED = ("mse", "square", "product", "along_unit")
ANSWERS = ("model", "unshrunk")
EXACT = 1e-13  # of the answer zero's MSE: below, a reference is exact to float32's rounding
SHOWN = 1e-3  # of the answer zero's MSE: the figure shows no reference below
BETTER = "better than linear regression"
FEWEST = 30  # a delta method's interval leans on the central limit theorem

Row = tuple[str, str, str, str, float, float, float, int, str]
Numbers = dict[str, NDArray[np.float64]]  # columns of one predictor, by sample


def measure(subject: Subject) -> Table:
    """Return the errors of the model and of every reference on the same matrices."""
    solve = solver_of(subject.energy, subject.schedule, subject.device)
    return score(solve, subject.problems_of(MatrixData), subject.samples)


def score(solve: Solver, data: MatrixData, samples: int) -> Table:
    """Return the errors of what answers, and of every reference.

    Args:
        solve: Problems and starts in, answers out.
        data: What the references are fitted on.
        samples: Matrices of the frozen set, in distribution and out of it.
    """
    linear = next(r.answer for r in references(data) if r.name == "linear")
    tables = []
    for name, ood in (("id", False), ("ood", True)):
        where = replace(data, ood=ood)
        for chunk in frozen_set(where, samples):
            found = solve(chunk.problem, chunk.start)
            line = linear(_square(chunk.problem)).flatten(1)
            for predictor, answer in zip(ANSWERS, (found.answer, found.trajectory[-1]), strict=True):
                described = _describe(answer, chunk.inverse, line)
                tables.append(_rows(name, predictor, described, chunk.first))
        for predictor, described in reference_rows(data, where, samples).items():
            tables.append(_rows(name, predictor, described, 0))
    return concatenate(tables)


@functools.lru_cache(maxsize=8)
def reference_rows(data: MatrixData, where: MatrixData, samples: int) -> dict[str, NDArray[np.float64]]:
    """Return what the table holds of each reference, of shape (4, samples); once for all checkpoints.

    Args:
        data: What they are fitted on.
        where: What they are scored on.
        samples: Matrices of the frozen set.
    """
    found: dict[str, list[NDArray[np.float64]]] = {}
    for chunk in frozen_set(where, samples):
        a = _square(chunk.problem)
        answers = {r.name: r.answer(a).flatten(1) for r in references(data)} | {"inverse": chunk.inverse}
        for name, answer in answers.items():
            found.setdefault(name, []).append(_describe(answer, chunk.inverse, answers["linear"]))
    return {name: np.concatenate(parts, axis=1) for name, parts in found.items()}


def compare(table: Table) -> Table:
    """Return MSE, skill against each reference, and R² on the linear map, with intervals."""
    rows: list[Row] = []
    for data in DATA:
        here = {name: _numbers(table, data, name) for name in (*ANSWERS, "inverse", *TITLES)}
        for predictor in (*ANSWERS, *TITLES):
            rows.append((data, predictor, "", "mse", *_mean(here[predictor]["mse"])))
        exact = EXACT * float(here["zero"]["mse"].mean())
        for predictor in ANSWERS:
            for reference in TITLES:
                skill = _skill(here[predictor]["mse"], here[reference]["mse"], exact)
                rows.append((data, predictor, reference, "skill", *skill))
        for predictor in (*ANSWERS, "inverse"):
            rows.append((data, predictor, "linear", "r2", *_explained(here[predictor], here["linear"])))
    names = [column.name for column in COMPARISON_COLUMNS]
    return {name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def conclude(table: Table, comparison: Table) -> Finding:
    """Return where the model stands among the references, in distribution and out of it."""
    n = len(np.unique(table["sample"]))
    statement = " ".join(_sentence(comparison, data) for data in DATA)
    evidence: dict[str, float | int | str | bool | None] = {"n": n}
    for data in DATA:
        evidence |= _evidence(comparison, data)
    fine = n < FEWEST or _verdict(_standing(comparison, "id", "model")) == BETTER
    told = f"{statement} {n} matrices each, the references fitted on others."
    return Finding("floor", "note" if fine else "warning", told, evidence)


def figure(table: Table) -> FigureData:
    """Return the MSE of each reference, in the order of those in distribution, with the model's across."""
    mse = select(compare(table), quantity="mse")
    own = _values(select(mse, data="id"))
    order = sorted(TITLES, key=lambda name: -own[name])
    panels, below = [], []
    for data in DATA:
        rows = select(mse, data=data)
        least = _least_shown(_values(rows))
        panels.append(_panel(rows, order, data, least))
        below += [f"{name} ({data})".replace("_", " ") for name in order if _values(rows)[name] < least]
    n = len(np.unique(table["sample"]))
    return FigureData(
        "floor",
        "The model among predictors that need no network",
        "reference predictor",
        tuple(panels),
        f"Mean squared error with 95% t intervals over n = {n} matrices of the frozen set, the same for all. "
        "References are fitted on other matrices of the run's own data; Newton-Schulz steps need no fit."
        + (f" Below the axis: {', '.join(below)}." if below else ""),
        f"mean and 95% interval, n = {n} matrices{'; below the axis: ' if below else ''}{', '.join(below)}",
    )


def _numbers(table: Table, data: str, predictor: str) -> Numbers:
    rows = select(table, data=data, predictor=predictor)
    order = np.argsort(rows["sample"], kind="stable")
    return {name: rows[name][order].astype(np.float64) for name in MEASURED}


def _mean(values: NDArray[np.float64]) -> tuple[float, float, float, int, str]:
    told = summarise_finite(values)
    return told.mean, told.low, told.high, told.n, told.reason


def _skill(
    of_model: NDArray[np.float64], of_reference: NDArray[np.float64], exact: float
) -> tuple[float, float, float, int, str]:
    """Return 1 - MSE(model)/MSE(reference), its interval, n and why it is NaN."""
    if of_reference.mean() <= exact:
        return math.nan, math.nan, math.nan, len(of_model), "the reference is exact"
    ratio = ratio_of_means(of_model, of_reference)
    return 1 - ratio.value, 1 - ratio.high, 1 - ratio.low, ratio.n, ratio.reason


def _explained(of_model: Numbers, of_linear: Numbers) -> tuple[float, float, float, int, str]:
    """Return R² of a predictor's answers on the linear map's, each without its mean c I."""
    told = np.isfinite(of_model["square"])
    some, line = ({k: v[told] for k, v in numbers.items()} for numbers in (of_model, of_linear))
    if not told.any():
        return math.nan, math.nan, math.nan, 0, f"{len(told)} of {len(told)} are not finite"
    d, e = some["along_unit"], line["along_unit"]
    c, f = d.mean(), e.mean()
    r2 = squared_correlation(
        some["product"] - (c * e + f * d - c * f),
        _varied(some["square"] - (2 * c * d - c * c), some["square"]),
        _varied(line["square"] - (2 * f * e - f * f), line["square"]),
    )
    left_out = len(told) - int(told.sum())
    reason = f"{left_out} of {len(told)} are not finite" if left_out else r2.reason
    return r2.value, r2.low, r2.high, r2.n, reason


def _varied(centred: NDArray[np.float64], square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centred squares, or zeros where their mean is rounding."""
    return centred if centred.mean() > EXACT * square.mean() else np.zeros_like(centred)


def _standing(comparison: Table, data: str, predictor: str) -> Standing:
    here = select(comparison, data=data)
    mse, skill = select(here, quantity="mse"), select(here, quantity="skill", predictor=predictor)
    of = dict(zip(mse["predictor"].tolist(), mse["value"].tolist(), strict=True))
    ends = zip(*(skill[name].tolist() for name in ("value", "value_low", "value_high")), strict=True)
    against = dict(zip(skill["reference"].tolist(), ends, strict=True))
    n = int(mse["n"][mse["predictor"] == predictor][0])
    few = skill["reference"][[FEW_DECIDE in reason for reason in skill["reason"]]]
    return Standing(of[predictor], {name: of[name] for name in TITLES}, against, n, frozenset(few.tolist()))


def _sentence(comparison: Table, data: str) -> str:
    model, unshrunk = (_standing(comparison, data, predictor) for predictor in ANSWERS)
    if math.isnan(model.error):
        return f"{DATA[data]} none of the model's answers is a number: nothing can be said."
    r2 = select(comparison, data=data, quantity="r2")
    of_model, of_inverse = (r2["value"][r2["predictor"] == name][0] for name in ("model", "inverse"))
    return (
        f"{DATA[data]} the model's MSE is {model.error:.4g}, that of linear regression "
        f"{model.references['linear']:.4g} ({_told_skill(model)}): {_verdict(model)}.{_rung(model)} "
        f"Linear regression explains {_percent(of_model)} of the model's answers, {_percent(of_inverse)} of "
        f"the inverse (R²)."
        f"{_told_unshrunk(model, unshrunk)}{_told_left_out(comparison, data)}"
    )


def _told_skill(standing: Standing) -> str:
    skill, low, high = standing.skill["linear"]
    if math.isnan(skill):
        return "which is exact: no skill"
    unsure = ", which may be too short" if "linear" in standing.unsure else ""
    if skill < -1:  # a percentage of thousands says less than how many times
        return f"{1 - skill:.3g} times that, 95% interval {1 - high:.3g} to {1 - low:.3g}{unsure}"
    interval = "" if math.isnan(low) else f", 95% interval {100 * low:.1f} to {100 * high:.1f}%{unsure}"
    return f"skill {100 * skill:.1f}%{interval}"


def _verdict(standing: Standing) -> str:
    """Return whether it is better than linear regression."""
    if math.isnan(standing.error):
        return "nothing can be said"
    if standing.n < FEWEST:
        return f"too few matrices for a verdict ({FEWEST} are needed)"
    if "linear" in standing.beside:
        return "not seen to be better than linear regression"
    return BETTER if standing.skill["linear"][1] > 0 else "worse than linear regression"


def _rung(standing: Standing) -> str:
    """Return between which references the model stands."""
    if standing.n < FEWEST:
        return ""

    def told(name: str) -> str:
        unsure = "; few matrices decide it" if name in standing.unsure else ""
        return f"{TITLES[name]} ({standing.references[name]:.3g}{unsure})"

    parts = [f"beats {told(standing.below)}" if standing.below else "beats no reference"]
    if standing.beside:
        parts.append(f"is not told apart from {', '.join(map(told, standing.beside))}")
    if standing.above:
        parts.append(f"is beaten by {told(standing.above)}")
    return f" It {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}."


def _told_unshrunk(model: Standing, unshrunk: Standing) -> str:
    """Return what the sampler's last factor changes, where it changes the verdict or the rung."""
    if (_verdict(unshrunk), unshrunk.below) == (_verdict(model), model.below):
        return ""
    beats = TITLES[unshrunk.below] if unshrunk.below else "no reference"
    return (
        f" Without the sampler's last factor √ᾱ_0 its MSE is {unshrunk.error:.4g}: {_verdict(unshrunk)}; "
        f"it beats {beats}."
    )


def _told_left_out(comparison: Table, data: str) -> str:
    reason = select(comparison, data=data, predictor="model", quantity="mse")["reason"][0]
    return f" Left out: {reason}." if "not finite" in reason else ""


def _percent(share: float) -> str:
    return "no share" if math.isnan(share) else f"{100 * share:.1f}%"


def _evidence(comparison: Table, data: str) -> dict[str, float | int | str | bool | None]:
    here = select(comparison, data=data)
    standing = _standing(comparison, data, "model")
    evidence: dict[str, float | int | str | bool | None] = {
        f"best_beaten_{data}": standing.below,
        f"next_better_{data}": standing.above,
    }
    for predictor in ANSWERS:
        name = f"{data}" if predictor == "model" else f"{data}_{predictor}"
        for quantity, reference in (("mse", ""), ("skill", "linear"), ("r2", "linear")):
            row = select(here, predictor=predictor, quantity=quantity, reference=reference)
            for column, end in (("value", ""), ("value_low", "_low"), ("value_high", "_high")):
                evidence[f"{quantity}_{name}{end}"] = float(row[column][0])
    return evidence | {f"mse_{data}_{name}": mse for name, mse in standing.references.items()}


def _values(mse: Table) -> dict[str, float]:
    return dict(zip(mse["predictor"].tolist(), mse["value"].tolist(), strict=True))


def _least_shown(mse: dict[str, float]) -> float:
    """Return the least MSE with a place on the axis: what is next to exact would squeeze all others."""
    told = [mse["zero"] * SHOWN, *(0.5 * mse[name] for name in ANSWERS if mse[name] > 0)]
    return min(told)


def _panel(mse: Table, order: list[str], data: str, least: float) -> Panel:
    rows = [int(np.flatnonzero(mse["predictor"] == name)[0]) for name in order]
    value, low, high = (mse[name][rows].astype(np.float64) for name in ("value", "value_low", "value_high"))
    shown = value >= least
    x = np.arange(len(order), dtype=np.float64)
    across = np.array([-0.4, len(order) - 0.6])
    lines = (
        Line("references", x[shown], value[shown], low[shown], high[shown], "points"),
        Line("model", across, np.full(2, _values(mse)["model"]), drawn="line"),
    )
    ticks = tuple((float(i), name.replace("_", " ")) for i, name in enumerate(order))
    return Panel(f"MSE, {LABELS[data]}", lines, "log", x_ticks=ticks)


def _describe(answer: Tensor, inverse: Tensor, line: Tensor) -> NDArray[np.float64]:
    """Return mse, square, product and along_unit of flattened answers, of shape (4, count)."""
    rank = round(answer.shape[1] ** 0.5)
    told = (
        (answer - inverse).square().mean(1),
        answer.square().mean(1),
        (answer * line).mean(1),
        answer[:, :: rank + 1].sum(1) / rank**1.5,
    )
    return torch.stack(told).numpy()


def _rows(data: str, predictor: str, described: NDArray[np.float64], first: int) -> Table:
    count = described.shape[1]
    return {
        "data": np.full(count, data),
        "sample": np.arange(first, first + count),
        "predictor": np.full(count, predictor),
        **dict(zip(MEASURED, described, strict=True)),
    }


def _square(flat: Tensor) -> Tensor:
    rank = round(flat.shape[1] ** 0.5)
    return flat.reshape(-1, rank, rank)


PROBE = Probe(
    name="floor",
    question="Does the model invert better than linear regression and other predictors that need no network?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline("skill_id", "skill against linear regression (ID)", "skill_id_low", "skill_id_high"),
        Headline("skill_ood", "skill against linear regression (OOD)", "skill_ood_low", "skill_ood_high"),
        Headline("r2_id", "R² of the answers on linear regression (ID)", "r2_id_low", "r2_id_high"),
    ),
    weights="ema",
    samples=4096,
    needs=("matrices",),
)

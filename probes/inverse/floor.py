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
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Evidence, Finding, Severity
from ired_diag.inverse.floors import TITLES, references
from ired_diag.inverse.frozen_answers import KeptAnswers
from ired_diag.inverse.frozen_set import BLOCK, PIECE, FrozenChunk, Solver, frozen_set, piece_on, sampling_of
from ired_diag.inverse.matrices import (
    EPSILON_IN_DISTRIBUTION,
    EPSILON_OUT_OF_DISTRIBUTION,
    MATRICES,
    MatrixData,
)
from ired_diag.inverse.sample_size import samples_of
from ired_diag.inverse.standing_words import (
    BETTER,
    FEWEST,
    rung_sentence,
    skill_in_words,
    unshrunk_sentence,
    verdict_of,
)
from ired_diag.model.sampler import INNER_STEPS
from ired_diag.probing.evidence import with_ends
from ired_diag.probing.probe import Headline, Probe
from ired_diag.side_by_side import side_by_side
from ired_diag.stats.estimate import Estimate, mean_estimate
from ired_diag.stats.ladder import Standing
from ired_diag.stats.quantiles import t_quantile
from ired_diag.stats.ratio import FEW_DECIDE, ratio_of_means, squared_correlation
from ired_diag.stats.summary import CONFIDENCE
from ired_diag.subject import Subject
from ired_diag.table import VALUE, Column, Table, concatenate, row_of, rows_of, select, table_of_rows
from ired_diag.table_grid import grid

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

Array = NDArray[np.float64]
Numbers = dict[str, Array]  # columns of one predictor, by sample
KeyAndEstimate = tuple[dict[str, str], Estimate]  # what an estimate is about, and the estimate


def measure(subject: Subject) -> Table:
    """Return the errors of the model and of every reference on the same matrices."""
    return score(
        KeptAnswers(subject).last,
        subject.problems_of(MatrixData),
        samples_of(subject),
        chunk=piece_on(subject.device),
        at_once=subject.side_by_side,
    )


def score(
    solve: Solver,
    data: MatrixData,
    samples: int,
    *,
    chunk: int = BLOCK,
    at_once: bool = False,
) -> Table:
    """Return the errors of a solver's answers, and of every reference.

    Args:
        solve: Problems and starts in, answers out.
        data: What the references are fitted on.
        samples: Matrices of the frozen set, in distribution and out of it.
        chunk: Matrices answered at a time.
        at_once: Whether several chunks may be put to the solver at once.
    """
    tables: list[Table] = []
    references(data)  # fitted before several threads ask for them at once
    for name in DATA:
        where = replace(data, ood=name == "ood")
        chunks = frozen_set(where, samples, chunk=chunk)
        work = functools.partial(_tables_of_chunk, solve=solve, data=data, name=name)
        for parts in side_by_side(work, chunks, at_once=at_once):
            tables += parts
        rows = reference_rows(data, where, samples)
        for predictor, described in rows.items():
            table = _table_of(name, predictor, described, first=0)
            tables.append(table)
    return concatenate(tables)


def _tables_of_chunk(chunk: FrozenChunk, *, solve: Solver, data: MatrixData, name: str) -> list[Table]:
    """Return what the table holds of a solver's answers to some problems."""
    answers = solve(chunk.problem, chunk.start)
    line = _linear_answer(data, chunk.problem)
    by_predictor = {
        "model": answers.answer,
        "unshrunk": answers.trajectory[-1],
    }
    tables = []
    for predictor, answer in by_predictor.items():
        described = _describe(answer, chunk.inverse, line)
        table = _table_of(name, predictor, described, first=chunk.first)
        tables.append(table)
    return tables


def _linear_answer(data: MatrixData, problem: Tensor) -> Tensor:
    """Return the answers of linear regression, flattened."""
    by_name = {reference.name: reference for reference in references(data)}
    answer = by_name["linear"].answer(_square(problem))
    return answer.flatten(1)


@functools.lru_cache(maxsize=8)
def reference_rows(data: MatrixData, where: MatrixData, samples: int) -> dict[str, Array]:
    """Return what the table holds of each reference, of shape (4, samples); once for all checkpoints.

    Args:
        data: What they are fitted on.
        where: What they are scored on.
        samples: Matrices of the frozen set.
    """
    parts: dict[str, list[Array]] = {}
    chunks = frozen_set(where, samples, chunk=PIECE)
    for described in side_by_side(functools.partial(_described_references, data=data), chunks):
        for name, columns in described.items():
            parts.setdefault(name, []).append(columns)
    rows = {}
    for name, columns_of_chunks in parts.items():
        rows[name] = np.concatenate(columns_of_chunks, axis=1)
    return rows


def _described_references(chunk: FrozenChunk, *, data: MatrixData) -> dict[str, Array]:
    """Return what the table holds of each reference's answers to some problems, and of the inverse."""
    a = _square(chunk.problem)
    answers = {}
    for reference in references(data):
        answer = reference.answer(a)
        answers[reference.name] = answer.flatten(1)
    answers["inverse"] = chunk.inverse
    described = {}
    for name, answer in answers.items():
        described[name] = _describe(answer, chunk.inverse, answers["linear"])
    return described


def _describe(answer: Tensor, inverse: Tensor, line: Tensor) -> Array:
    """Return mse, square, product and along_unit of flattened answers, of shape (4, count)."""
    rank = round(answer.shape[1] ** 0.5)
    diagonal = answer[:, :: rank + 1]
    error = answer - inverse
    product = answer * line
    measured = (
        error.square().mean(1),
        answer.square().mean(1),
        product.mean(1),
        diagonal.sum(1) / rank**1.5,
    )
    described: Array = torch.stack(measured).numpy()
    return described


def _table_of(data: str, predictor: str, described: Array, *, first: int) -> Table:
    count = described.shape[1]
    table = {
        "data": np.full(count, data),
        "sample": np.arange(first, first + count),
        "predictor": np.full(count, predictor),
    }
    for name, values in zip(MEASURED, described, strict=True):
        table[name] = values
    return table


def _square(flat: Tensor) -> Tensor:
    rank = round(flat.shape[1] ** 0.5)
    return flat.reshape(-1, rank, rank)


def compare(table: Table) -> Table:
    """Return MSE, skill against each reference, and R² on the linear map, with intervals."""
    rows = []
    for data in DATA:
        numbers = {}
        for predictor in (*ANSWERS, "inverse", *TITLES):
            numbers[predictor] = _numbers(table, data, predictor)
        for key, estimate in _estimates(numbers):
            values = dict(zip(VALUE, estimate, strict=True))
            row = {"data": data} | key | values
            rows.append(row)
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _estimates(numbers: dict[str, Numbers]) -> Iterator[KeyAndEstimate]:
    """Yield each estimate on one data set, with what it is about."""
    mse = {predictor: columns["mse"] for predictor, columns in numbers.items()}
    for predictor in (*ANSWERS, *TITLES):
        key = {"predictor": predictor, "reference": "", "quantity": "mse"}
        yield key, mean_estimate(mse[predictor])
    mse_of_zero = float(mse["zero"].mean())
    exact = EXACT * mse_of_zero
    for predictor in ANSWERS:
        for reference in TITLES:
            key = {"predictor": predictor, "reference": reference, "quantity": "skill"}
            yield key, _skill(mse[predictor], mse[reference], exact)
    line = numbers["linear"]
    for predictor in (*ANSWERS, "inverse"):
        key = {"predictor": predictor, "reference": "linear", "quantity": "r2"}
        yield key, _explained(numbers[predictor], line)


def _numbers(table: Table, data: str, predictor: str) -> Numbers:
    rows = select(table, data=data, predictor=predictor)
    return {name: grid(rows, name, "sample") for name in MEASURED}


def _skill(of_model: Array, of_reference: Array, exact: float) -> Estimate:
    """Return 1 - MSE(model)/MSE(reference)."""
    if of_reference.mean() <= exact:
        return Estimate(
            value=math.nan,
            low=math.nan,
            high=math.nan,
            n=len(of_model),
            reason="the reference is exact",
        )
    ratio = ratio_of_means(of_model, of_reference)
    return Estimate(
        value=1 - ratio.value,
        low=1 - ratio.high,
        high=1 - ratio.low,
        n=ratio.n,
        reason=ratio.reason,
    )


def _explained(of_model: Numbers, of_linear: Numbers) -> Estimate:
    """Return R² of a predictor's answers on the linear map's, each without its mean c I."""
    finite = np.isfinite(of_model["square"])
    count = len(finite)
    left_out = count - int(finite.sum())
    if left_out == count:
        return Estimate(
            value=math.nan,
            low=math.nan,
            high=math.nan,
            n=0,
            reason=f"{count} of {count} are not finite",
        )
    model = {name: column[finite] for name, column in of_model.items()}
    line = {name: column[finite] for name, column in of_linear.items()}
    d = model["along_unit"]
    e = line["along_unit"]
    c = d.mean()
    f = e.mean()
    product = model["product"] - (c * e + f * d - c * f)
    model_square = model["square"] - (2 * c * d - c * c)
    line_square = line["square"] - (2 * f * e - f * f)
    r2 = squared_correlation(
        product,
        _varied(model_square, model["square"]),
        _varied(line_square, line["square"]),
    )
    reason = r2.reason
    if left_out:
        reason = f"{left_out} of {count} are not finite"
    return Estimate(
        value=r2.value,
        low=r2.low,
        high=r2.high,
        n=r2.n,
        reason=reason,
    )


def _varied(centred: Array, square: Array) -> Array:
    """Return centred squares, or zeros where their mean is rounding."""
    if centred.mean() > EXACT * square.mean():
        return centred
    return np.zeros_like(centred)


def conclude(table: Table, comparison: Table) -> Finding:
    """Return where the model stands among the references, in distribution and out of it."""
    n = len(np.unique(table["sample"]))
    sentences = []
    evidence: Evidence = {"n": n}
    for data in DATA:
        sentences.append(_sentence(comparison, data))
        evidence |= _evidence(comparison, data)
    sentences.append(f"{n} matrices each, the references fitted on others.")
    severity: Severity = "note"
    verdict = verdict_of(_standing(comparison, "id", "model"))
    if n >= FEWEST and verdict != BETTER:
        severity = "warning"
    return Finding(
        rule="floor",
        severity=severity,
        statement=" ".join(sentences),
        evidence=evidence,
    )


def _standing(comparison: Table, data: str, predictor: str) -> Standing:
    on_data = select(comparison, data=data)
    mse = _mse_by_predictor(on_data)
    own = row_of(on_data, predictor=predictor, quantity="mse")
    skill = {}
    unsure = set()
    for row in rows_of(select(on_data, quantity="skill", predictor=predictor)):
        reference = str(row["reference"])
        value = float(row["value"])
        low = float(row["value_low"])
        high = float(row["value_high"])
        skill[reference] = (value, low, high)
        if FEW_DECIDE in row["reason"]:
            unsure.add(reference)
    errors = {name: mse[name] for name in TITLES}
    return Standing(
        error=mse[predictor],
        references=errors,
        skill=skill,
        n=int(own["n"]),
        unsure=frozenset(unsure),
    )


def _mse_by_predictor(rows: Table) -> dict[str, float]:
    mse = select(rows, quantity="mse")
    predictors = mse["predictor"].tolist()
    values = mse["value"].tolist()
    return dict(zip(predictors, values, strict=True))


def _sentence(comparison: Table, data: str) -> str:
    model = _standing(comparison, data, "model")
    unshrunk = _standing(comparison, data, "unshrunk")
    if math.isnan(model.error):
        return f"{DATA[data]} none of the model's answers is a number: nothing can be said."
    r2 = select(comparison, data=data, quantity="r2")
    of_model = _percent(row_of(r2, predictor="model")["value"])
    of_inverse = _percent(row_of(r2, predictor="inverse")["value"])
    mse_of_linear = model.references["linear"]
    return (
        f"{DATA[data]} the model's MSE is {model.error:.4g}{_error_remark(comparison, data)}, that of linear "
        f"regression "
        f"{mse_of_linear:.4g} ({skill_in_words(model)}): {verdict_of(model)}."
        f"{rung_sentence(model)} "
        f"Linear regression explains {of_model} of the model's answers, {of_inverse} of "
        f"the inverse (R²)."
        f"{unshrunk_sentence(model, unshrunk)}{_left_out_sentence(comparison, data)}"
    )


def _error_remark(comparison: Table, data: str) -> str:
    """Return the standard error of the model's MSE, from its t interval; empty where there is none."""
    own = row_of(comparison, data=data, predictor="model", quantity="mse")
    half = (own["value_high"] - own["value_low"]) / 2
    if math.isnan(half) or not own["value"]:
        return ""
    standard_error = half / t_quantile(CONFIDENCE, int(own["n"]) - 1)
    share = standard_error / own["value"]
    return f" (standard error {standard_error:.2g}, {100 * share:.2g}%)"


def _left_out_sentence(comparison: Table, data: str) -> str:
    own = row_of(comparison, data=data, predictor="model", quantity="mse")
    reason = own["reason"]
    if "not finite" not in reason:
        return ""
    return f" Left out: {reason}."


def _percent(share: float) -> str:
    if math.isnan(share):
        return "no share"
    return f"{100 * share:.1f}%"


def _evidence(comparison: Table, data: str) -> Evidence:
    on_data = select(comparison, data=data)
    standing = _standing(comparison, data, "model")
    evidence: Evidence = {
        f"best_beaten_{data}": standing.below,
        f"next_better_{data}": standing.above,
    }
    names = {"model": data, "unshrunk": f"{data}_unshrunk"}
    reference_of = {"mse": "", "skill": "linear", "r2": "linear"}
    for predictor, name in names.items():
        of_predictor = select(on_data, predictor=predictor)
        for quantity, reference in reference_of.items():
            row = row_of(of_predictor, quantity=quantity, reference=reference)
            evidence |= with_ends(f"{quantity}_{name}", row, "value")
    for name, mse in standing.references.items():
        evidence[f"mse_{data}_{name}"] = mse
    return evidence


def figure(table: Table) -> FigureData:
    """Return the MSE of each reference, in the order of those in distribution, with the model's across."""
    mse = select(compare(table), quantity="mse")
    in_distribution = _mse_by_predictor(select(mse, data="id"))
    order = sorted(TITLES, key=lambda name: -in_distribution[name])
    panels = []
    below_axis = []
    for data in DATA:
        rows = select(mse, data=data)
        by_predictor = _mse_by_predictor(rows)
        least = _least_shown(by_predictor)
        panels.append(_panel(rows, order, data, least))
        for name in order:
            if by_predictor[name] < least:
                below_axis.append(f"{_printed(name)} ({data})")
    n = len(np.unique(table["sample"]))
    listed = ", ".join(below_axis)
    remark = ""
    note = ""
    if below_axis:
        remark = f" Below the axis: {listed}."
        note = f"; below the axis: {listed}"
    return FigureData(
        name="floor",
        title="The model among predictors that need no network",
        x_label="reference predictor",
        panels=tuple(panels),
        method=f"Mean squared error with 95% t intervals over n = {n} matrices of the frozen set, the same "
        "for all. References are fitted on other matrices of the run's own data; Newton-Schulz steps need no "
        f"fit.{remark}",
        note=f"mean and 95% interval, n = {n} matrices{note}",
    )


def _least_shown(mse: dict[str, float]) -> float:
    """Return the least MSE with a place on the axis: what is next to exact would squeeze all others."""
    least = mse["zero"] * SHOWN
    for name in ANSWERS:
        if mse[name] > 0:
            least = min(least, 0.5 * mse[name])
    return least


def _panel(mse: Table, order: list[str], data: str, least: float) -> Panel:
    predictors = mse["predictor"].tolist()
    places = [predictors.index(name) for name in order]
    rows = _rows_at(mse, places)
    shown = rows["value"] >= least
    count = len(order)
    x = np.arange(count, dtype=np.float64)
    across = np.array([-0.4, count - 0.6])
    by_predictor = _mse_by_predictor(mse)
    of_model = np.full(2, by_predictor["model"])
    shown_rows = _rows_at(rows, shown)
    lines = (
        line_of_rows(
            name="references",
            x=x[shown],
            rows=shown_rows,
            column="value",
            drawn="points",
        ),
        Line("model", across, of_model, drawn="line"),
    )
    ticks = []
    for place, name in enumerate(order):
        ticks.append((float(place), _printed(name)))
    return Panel(
        y_label=f"MSE, {LABELS[data]}",
        lines=lines,
        y_scale="log",
        x_ticks=tuple(ticks),
    )


def _rows_at(table: Table, places: Sequence[int] | NDArray[np.bool_]) -> Table:
    """Return the rows at some places, or where a mask is true."""
    return {name: column[places] for name, column in table.items()}


def _printed(name: str) -> str:
    return name.replace("_", " ")


def in_words(data_sets: Sequence[str], predictors: Sequence[str]) -> str:
    """Return what sets of data and short names of predictors are, for a caption."""
    words = []
    if {"id", "ood"} <= set(data_sets):
        low, lower = EPSILON_IN_DISTRIBUTION, EPSILON_OUT_OF_DISTRIBUTION
        words.append(f"In distribution, matrices have eigenvalues of at least {low:g}, out of it {lower:g}.")
    names = []
    if any(name.startswith("newton_") for name in predictors):
        names.append("newton k stands for k Newton-Schulz steps towards the inverse")
    if any(name.startswith("degree_") for name in predictors):
        names.append("degree k for the best polynomial of degree k in the matrix")
    if "linear" in predictors:
        names.append("linear for linear regression")
    if names:
        sentence = ", ".join(names)
        words.append(f"{sentence[0].upper()}{sentence[1:]}.")
    return " ".join(words)


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
        Headline(
            key="skill_id",
            label="skill against linear regression (ID)",
            low="skill_id_low",
            high="skill_id_high",
        ),
        Headline(
            key="skill_ood",
            label="skill against linear regression (OOD)",
            low="skill_ood_low",
            high="skill_ood_high",
        ),
        Headline(
            key="r2_id",
            label="R² of the answers on linear regression (ID)",
            low="r2_id_low",
            high="r2_id_high",
        ),
    ),
    weights="ema",
    samples=2000,
    sampling=sampling_of(INNER_STEPS),
    needs=(MATRICES,),
)

"""False negatives: how many mined negatives are right answers, or better ones than the model gives?

The contrastive loss raises the energy of each negative. Where that negative is (nearly) the inverse Y* of A,
it pushes away what training wants. How near each negative Y is, by three distances
(``ired_diag.inverse.answer_errors``), the last over √n so that it is 1 for the answer zero:

    mse = ‖Y - Y*‖_F² / n²,    relative = ‖Y - Y*‖_F / ‖Y*‖_F,    residual = ‖A Y - I‖_F / √n.

There is no distance below which an answer is right, so the share of negatives within τ is given as a curve
over τ. One τ needs no choice: the distance of the model's own answer to the same problem, by its sampler with
the same weights. A negative that is *closer* (by mse or relative, which rank one problem's candidates alike)
is a better answer than the model gives. That says little where the model's answers are worse than the answer
zero, whose relative distance is 1; the sentence says so. (Raw weights, which mined, can answer much worse
than the averaged ones, which are evaluated.)

What the closer ones do to training: the gradient of the mean NCE loss is taken with all pairs of a batch and
without the closer ones (``ired_diag.inverse.gradient_change``), next to that without as many pairs at random,
because any smaller batch has another gradient. Ratios of lengths are averaged as logarithms.

The matched control of the mined batch is left out: it is as far from Y* as the adversarial negative by
construction. Shares have Wilson's interval over problems (``ired_diag.stats.share``), each problem counting
once with its share over levels; training draws the levels alike. Gradients have a t interval over batches.

References: Du et al. (2024), equation 6 (NCE); Chuang et al. (2020), Debiased Contrastive Learning (false
negatives bias the contrastive loss).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Evidence, Finding, Severity
from ired_diag.inverse.answer_errors import answer_errors
from ired_diag.inverse.gradient_change import CHANGES, nce_changes
from ired_diag.inverse.matrices import MATRICES, MatrixData
from ired_diag.inverse.network import NETWORK, EnergyNetwork
from ired_diag.model.mined_batch import Kind
from ired_diag.model.sampler import sample
from ired_diag.probing.evidence import with_ends
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.runs.name_list import counted
from ired_diag.stats.finite import mean_of_finite, summary_of_finite
from ired_diag.stats.share import share_of
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, row_of, select, table_of_rows
from ired_diag.table_grid import Grid, grid
from ired_diag.told_training import sentence_on, strategy_of

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest; -1 of the model's own answer, which has none"),
    Column("kind", "1", "random, start or adversarial; answer: the model's own"),
    Column("training", "1", "mining strategy of the run's training, where it is recorded"),
    Column("sample", "1", "number of the problem, the same at every level and of every kind"),
    Column("mse", "1", "squared distance to the right answer per entry"),
    Column("relative", "1", "distance to the right answer over its norm"),
    Column("residual", "1", "distance of A Y to the identity over the root of its rows"),
    Column("closer", "1", "1 where its mse is below that of the model's own answer, else 0"),
    Column("batch", "1", "number of the batch of the gradients; one number each, told in every row of it"),
    Column("cosine", "1", "between the NCE gradients with and without the batch's closer negatives"),
    Column("norm_ratio", "1", "length of the NCE gradient without them over that with"),
    Column("cosine_chance", "1", "cosine when as many pairs are left out at random"),
    Column("norm_ratio_chance", "1", "ratio when as many pairs are left out at random"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels"),
    Column("kind", "1", "random, start or adversarial; answer: the model's own"),
    Column("quantity", "1", "a distance: share within tau; closer: share; cosine, norm_ratio: of gradients"),
    Column("tau", "as the distance", "how near; NaN where it is none of the distances"),
    Column("x", "1", "share of the negatives, or mean over batches (of norm_ratio the geometric one)"),
    Column("x_low", "1", "lower end of its 95% interval: Wilson's of a share, Student's of a mean"),
    Column("x_high", "1", "upper end"),
    Column("chance", "1", "mean over batches when as many pairs are left out at random"),
    Column("difference", "1", "x - chance, of norm_ratio x / chance, batch by batch"),
    Column("difference_low", "1", "lower end of its 95% t interval"),
    Column("difference_high", "1", "upper end"),
    Column("n", "1", "problems, or batches"),
    Column("reason", "1", "why something is NaN or left out"),
)
NEGATIVES: tuple[Kind, ...] = ("random", "start", "adversarial")
Distance = Literal["mse", "relative", "residual"]
TAUS: dict[Distance, tuple[float, ...]] = {
    "mse": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "relative": (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0),
    "residual": (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0),
}
GRADIENTS = ("cosine", "norm_ratio")
BATCH = 256  # pairs behind one gradient; divides the chunk, so that batches do not depend on it
ZERO = 1.0  # the relative distance of the answer zero
MANY = 0.05  # share of closer negatives from which the run's user should worry
FEWEST = 30  # problems, below which there is no verdict
POINTS = 61  # of a curve over τ

Row = Mapping[str, Any]
Cubes = dict[str, Grid]  # columns of one kind, each of shape (levels, samples)
KeyAndNumbers = tuple[dict[str, Any], dict[str, Any]]  # what a row is about, and what it says


def measure(subject: Subject) -> Table:
    """Return the distances of each negative and of the model's own answer, and how gradients change.

    Args:
        subject: With mined negatives of matrices, and a network.
    """
    rank = subject.problems_of(MatrixData).rank
    network = subject.energy_of(EnergyNetwork)
    batch = subject.batch
    positive = batch.candidates["positive"][0]
    own = distances(
        problem=batch.problem,
        inverse=positive,
        candidates=_own_answer(subject)[None],
        rank=rank,
    )
    # An own answer is not closer than itself, and no gradient leaves it out.
    unknown = torch.full_like(own["mse"], math.nan)
    lacking = dict.fromkeys(("closer", *CHANGES), unknown)
    own_rows = _rows(
        subject=subject,
        kind="answer",
        levels=[ALL_LEVELS],
        numbers=own | lacking,
    )
    tables = [own_rows]
    chance = subject.generator("false_negatives chance", batch.first)
    levels = list(range(batch.levels))
    for kind in NEGATIVES:
        numbers = distances(
            problem=batch.problem,
            inverse=positive,
            candidates=batch.candidates[kind],
            rank=rank,
        )
        closer = _closer(numbers["mse"], own["mse"])
        changes = nce_changes(
            network=network,
            batch=batch,
            kind=kind,
            dropped=closer,
            size=BATCH,
            generator=chance,
        )
        rows = _rows(
            subject=subject,
            kind=kind,
            levels=levels,
            numbers=numbers | {"closer": closer} | changes,
        )
        tables.append(rows)
    return concatenate(tables)


def _own_answer(subject: Subject) -> Tensor:
    """Return the model's own answer to each problem, by its sampler."""
    batch = subject.batch
    positive = batch.candidates["positive"][0]
    starts = subject.generator("false_negatives start", batch.first)
    start = torch.randn(positive.shape, generator=starts)
    sampled = sample(
        energy=subject.energy_of(EnergyNetwork),
        problem=batch.problem,
        start=start.to(positive),
        schedule=subject.schedule,
        faithful=batch.settings.faithful,
    )
    return sampled.answer


def _closer(mse: Tensor, own_mse: Tensor) -> Tensor:
    """Return 1 where a candidate beats the model's own answer, else 0; NaN where one is no number."""
    finite = torch.isfinite(mse) & torch.isfinite(own_mse)
    is_closer = mse < own_mse
    return is_closer.double().where(finite, math.nan)


def distances(problem: Tensor, inverse: Tensor, candidates: Tensor, rank: int) -> dict[str, Tensor]:
    """Return the three distances of candidates from the right answers, in float64.

    Args:
        problem: A, of shape (samples, rank²).
        inverse: Y*, of the same shape.
        candidates: Y, of shape (levels, samples, rank²).
        rank: Rows of each matrix.
    """
    errors = answer_errors(
        problem.double(),
        inverse.double(),
        candidates.double(),
    )
    return {
        "mse": errors.mse,
        "relative": errors.relative,
        "residual": errors.residual / math.sqrt(rank),
    }


def _rows(
    subject: Subject,
    kind: str,
    levels: list[int],
    numbers: dict[str, Tensor],
) -> Table:
    batch = subject.batch
    end = batch.first + batch.samples
    samples = np.arange(batch.first, end)
    sample_column = np.tile(samples, len(levels))
    n = len(sample_column)
    columns = {
        "level": np.repeat(levels, batch.samples),
        "kind": np.full(n, kind),
        "training": np.full(n, strategy_of(subject.config)),
        "sample": sample_column,
        "batch": sample_column // BATCH,
    }
    for name, values in numbers.items():
        array = values.cpu().numpy()
        columns[name] = array.ravel()
    return {column.name: columns[column.name] for column in COLUMNS}


def compare(table: Table) -> Table:
    """Return the shares within each τ and closer than the model's answer, and the changes of the gradient."""
    rows: list[dict[str, Any]] = []
    own = _own_distances(table)
    for key, share in _shares_within(own):
        about = {"level": ALL_LEVELS, "kind": "answer"}
        rows.append(about | key | share)
    for kind in NEGATIVES:
        cubes = _cubes(table, kind)
        places = _places(cubes["mse"])
        for level, place in places.items():
            about = {"level": level, "kind": kind}
            for key, numbers in _of_negatives(_at(cubes, place)):
                rows.append(about | key | numbers)
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _own_distances(table: Table) -> Cubes:
    """Return the distances of the model's own answers, each of shape (1, samples)."""
    rows = select(table, kind="answer")
    return {name: rows[name][None] for name in TAUS}


def _of_negatives(cubes: Cubes) -> Iterator[KeyAndNumbers]:
    """Yield what is compared of one kind of negative, at one level or at all of them."""
    yield from _shares_within(cubes)
    key = {"quantity": "closer", "tau": math.nan}
    yield key, _share(cubes["closer"])
    for name in GRADIENTS:
        key = {"quantity": name, "tau": math.nan}
        yield key, _change(cubes, name)


def _shares_within(cubes: Cubes) -> Iterator[KeyAndNumbers]:
    """Yield the share within each τ, by each distance."""
    for distance, taus in TAUS.items():
        values = cubes[distance]
        unknown = np.isnan(values)
        for tau in taus:
            within = np.where(unknown, math.nan, values <= tau)
            key = {"quantity": distance, "tau": tau}
            yield key, _share(within)


def _cubes(table: Table, kind: str) -> Cubes:
    """Return the columns of one kind, each of shape (levels, samples)."""
    rows = select(table, kind=kind)
    names = (*TAUS, "closer", "batch", *CHANGES)
    return {name: grid(rows, name, "level", "sample") for name in names}


def _at(cubes: Cubes, place: slice) -> Cubes:
    """Return the columns at some levels."""
    return {name: values[place] for name, values in cubes.items()}


def _places(values: Grid) -> dict[int, slice]:
    """Return where each level lies along the first axis; all of them together come first."""
    places = {ALL_LEVELS: slice(None)}
    for level in range(len(values)):
        places[level] = slice(level, level + 1)
    return places


def _share(answers: Grid) -> dict[str, Any]:
    """Return a share, of answers of shape (levels, samples)."""
    over_levels = mean_of_finite(answers)
    share = share_of(over_levels, answers=len(answers))
    return {
        "x": share.mean,
        "x_low": share.low,
        "x_high": share.high,
        "chance": math.nan,
        "difference": math.nan,
        "difference_low": math.nan,
        "difference_high": math.nan,
        "n": share.n,
        "reason": share.reason,
    }


def _change(cubes: Cubes, name: str) -> dict[str, Any]:
    """Return a change of the gradient, over batches."""
    batch_numbers = cubes["batch"][0]
    _, first = np.unique(batch_numbers, return_index=True)
    values = cubes[name][:, first]
    by_chance = cubes[f"{name}_chance"]
    chance = by_chance[:, first]
    back: Callable[[float], float] = float
    # Ratios are averaged as logarithms, so that twice and half are equally far from 1.
    if name == "norm_ratio":
        values = _logarithm(values)
        chance = _logarithm(chance)
        back = np.exp
    over_levels = mean_of_finite(values)
    chance_over_levels = mean_of_finite(chance)
    own = summary_of_finite(over_levels)
    control = summary_of_finite(chance_over_levels)
    difference = summary_of_finite(over_levels - chance_over_levels)
    low = float(back(own.low))
    high = float(back(own.high))
    if name == "cosine":
        within_range = np.clip([low, high], -1.0, 1.0)
        low, high = within_range.tolist()
    batches = len(first)
    lacking = _lacking(cubes["closer"], batches - own.n, batches)
    return {
        "x": float(back(own.mean)),
        "x_low": low,
        "x_high": high,
        "chance": float(back(control.mean)),
        "difference": float(back(difference.mean)),
        "difference_low": float(back(difference.low)),
        "difference_high": float(back(difference.high)),
        "n": own.n,
        "reason": lacking or own.reason,
    }


def _logarithm(values: Grid) -> Grid:
    positive = np.where(values > 0, values, math.nan)
    logarithm: Grid = np.log(positive)
    return logarithm


def _lacking(closer: Grid, lost: int, batches: int) -> str:
    """Return why batches have no change."""
    finite = closer[np.isfinite(closer)]
    shares = np.unique(finite)
    if not len(shares):
        return "no distance is a number"
    if len(shares) == 1:
        if shares[0] == 0:
            return "no negative is closer"
        return "all negatives are closer: none is left"
    if lost:
        return f"{lost} of {batches} batches have all or none closer"
    return ""


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how many negatives are better answers than the model's own, and what they do to the gradient."""
    n = _count(table, "sample")
    levels = _count(table, "level") - 1  # the model's own answer has none
    pooled = select(comparison, level=ALL_LEVELS)
    closer = {}
    for kind in NEGATIVES:
        closer[kind] = row_of(pooled, kind=kind, quantity="closer")
    near = {}
    for candidates in (*NEGATIVES, "answer"):
        near[candidates] = row_of(pooled, kind=candidates, quantity="relative", tau=ZERO)
    change = {}
    for name in GRADIENTS:
        change[name] = row_of(pooled, kind="adversarial", quantity=name)
    own, zero = _own_and_zero(table)
    evidence = _evidence(closer, near, change)
    evidence |= {"mse_answer": own, "mse_zero": zero, "n": n}
    levels_in_words = counted(levels, "noise level")
    extent = f"{n} problems, each at {levels_in_words}."
    strategy = str(table["training"][0])
    trained = sentence_on(strategy)
    mined = closer["adversarial"]
    if not math.isfinite(mined["x"]):
        statement = f"Nothing can be said of false negatives: no distance is a number ({mined['reason']})."
        return Finding(
            rule="false_negatives",
            severity="warning",
            statement=f"{statement}{trained} {extent}",
            evidence=evidence,
        )
    starts = 100 * closer["start"]["x"]
    randoms = 100 * closer["random"]["x"]
    mined_near = 100 * near["adversarial"]["x"]
    own_near = 100 * near["answer"]["x"]
    statement = (
        f"Of adversarial negatives, {_percent(mined)} are closer to the right answer than the model's own "
        f"answer{_most(comparison)}; of noised starts {starts:.1f}%, of random ones {randoms:.1f}%. The "
        f"model's answers have MSE {own:.3g}, the answer zero {zero:.3g}{_poor_answers(own, zero)}; as close "
        f"as zero are {mined_near:.1f}% of adversarial negatives and {own_near:.1f}% of the model's answers. "
        f"{_change_of_gradient(change['cosine'])}{_unmoved(table)}{trained} {extent}"
    )
    if n < FEWEST:
        statement += f" Too few problems for a verdict ({FEWEST} are needed)."
    severity: Severity = "note"
    are_many = mined["x_low"] > MANY
    if n >= FEWEST and own < zero and are_many:
        severity = "warning"
    return Finding(
        rule="false_negatives",
        severity=severity,
        statement=statement,
        evidence=evidence,
    )


def _count(table: Table, name: str) -> int:
    """Return how many different values a column has."""
    return len(np.unique(table[name]))


def _own_and_zero(table: Table) -> tuple[float, float]:
    """Return the mean mse of the model's own answers, and of the answer zero to the same problems."""
    rows = select(table, kind="answer")
    mse = rows["mse"]
    relative = rows["relative"]
    usable = np.isfinite(mse) & (relative > 0)
    if not usable.any():
        return math.nan, math.nan
    own = mse[usable]
    zero = own / relative[usable] ** 2
    mean_own = float(own.mean())
    mean_zero = float(zero.mean())
    return mean_own, mean_zero


def _poor_answers(own: float, zero: float) -> str:
    if own >= zero:
        return ": being closer than such answers says little"
    return ""


def _percent(row: Row) -> str:
    x = 100 * row["x"]
    low = 100 * row["x_low"]
    high = 100 * row["x_high"]
    return f"{x:.1f}% (95% interval {low:.1f} to {high:.1f}%)"


def _most(comparison: Table) -> str:
    """Return at which level most negatives are closer, as a part of the sentence."""
    rows = select(comparison, kind="adversarial", quantity="closer")
    single = rows["level"] != ALL_LEVELS
    levels = rows["level"][single]
    shares = rows["x"][single]
    if len(shares) < 2:
        return ""
    if not np.nanmax(shares) > 0:
        return ""
    most = int(np.nanargmax(shares))
    level = levels[most]
    percent = 100 * shares[most]
    return f", most at level {level} ({percent:.1f}%)"


def _change_of_gradient(cosine: Row) -> str:
    if not math.isfinite(cosine["x"]):
        return f"What leaving them out does to the NCE gradient cannot be told: {cosine['reason']}."
    x = cosine["x"]
    chance = cosine["chance"]
    difference = f"difference {cosine['difference']:.3f}"
    if cosine["n"] > 1:
        low = cosine["difference_low"]
        high = cosine["difference_high"]
        difference += f", 95% interval {low:.3f} to {high:.3f}"
    return (
        f"Without the closer ones the NCE gradient has a cosine of {x:.3f} with that of all; "
        f"without as many at random {chance:.3f} ({difference})."
    )


def _unmoved(table: Table) -> str:
    mined = select(table, kind="adversarial")["mse"]
    start = select(table, kind="start")["mse"]
    if np.array_equal(mined, start):
        return " The adversarial negatives are the noised starts: mining does not move them."
    return ""


def _evidence(
    closer: Mapping[Kind, Row],
    near: Mapping[str, Row],
    change: Mapping[str, Row],
) -> Evidence:
    evidence: Evidence = {}
    for kind, row in closer.items():
        evidence |= with_ends(f"closer_{kind}", row, "x")
    for candidates, row in near.items():
        evidence[f"as_close_as_zero_{candidates}"] = float(row["x"])
    for name, row in change.items():
        evidence |= with_ends(name, row, "x")
        evidence[f"{name}_chance"] = float(row["chance"])
    batches = change["cosine"]["n"]
    evidence["batches"] = int(batches)
    return evidence


def figure(table: Table) -> FigureData:
    """Return the shares within τ, the shares of closer negatives, and the cosine of the gradients."""
    cubes = {kind: _cubes(table, kind) for kind in NEGATIVES}
    n = _count(table, "sample")
    batches = _count(table, "batch")
    panels = (
        _within_panel(table, cubes),
        _closer_panel(cubes),
        _cosine_panel(cubes["adversarial"]),
    )
    return FigureData(
        name="false_negatives",
        title="How near negatives are to right answers",
        x_label="noise level",
        panels=panels,
        method=f"n = {n} problems, the same at each level. Top: share within τ, all levels together. Middle: "
        "share closer than the model's own answer, Wilson 95% interval. Bottom: NCE gradients of a batch "
        "with and without its closer adversarial negatives; mean and 95% t interval of at most "
        f"{batches} batches of at most {BATCH} pairs; control: as many pairs left out at random.",
        note=f"95% intervals, n = {n} problems, {batches} batches",
    )


def _within_panel(table: Table, cubes: Mapping[Kind, Cubes]) -> Panel:
    distances_of: dict[str, Grid] = {}
    for kind, columns in cubes.items():
        distances_of[kind] = columns["relative"]
    own = _own_distances(table)
    distances_of["own answer"] = own["relative"]
    tau = _range_of(list(distances_of.values()))
    lines = []
    for name, values in distances_of.items():
        lines.append(_curve(name, tau, values))
    return Panel(
        y_label="within τ  (%)",
        lines=tuple(lines),
        x_label="relative distance τ",
        x_scale="log",
    )


def _closer_panel(cubes: Mapping[Kind, Cubes]) -> Panel:
    lines = []
    for kind, columns in cubes.items():
        closer = columns["closer"]
        shares = [_share(row[None]) for row in closer]
        rows = _columns_of(shares, scale=100.0)
        levels = np.arange(len(closer))
        line = line_of_rows(kind, levels, rows, column="x")
        lines.append(line)
    return Panel("closer than own  (%)", tuple(lines))


def _cosine_panel(cubes: Cubes) -> Panel:
    levels = np.arange(len(cubes["mse"]))
    changes = []
    for level in levels:
        at_level = _at(cubes, slice(level, level + 1))
        changes.append(_change(at_level, "cosine"))
    rows = _columns_of(changes)
    lines = (
        line_of_rows(
            name="adversarial",
            x=levels,
            rows=rows,
            column="x",
        ),
        Line("control", levels, rows["chance"]),
    )
    return Panel("cosine without closer", lines)


def _columns_of(rows: list[dict[str, Any]], *, scale: float = 1.0) -> Table:
    """Return the numbers of some rows of a comparison as columns."""
    columns = {}
    for name in ("x", "x_low", "x_high", "chance"):
        values = [row[name] for row in rows]
        columns[name] = scale * np.array(values, dtype=float)
    return columns


def _range_of(values: list[Grid]) -> Grid:
    """Return τ from the smallest to the largest distance above 0; the answer zero's where there is none."""
    distances = np.concatenate([array.ravel() for array in values])
    usable = np.isfinite(distances) & (distances > 0)
    if not usable.any():
        return np.geomspace(ZERO, ZERO, POINTS)
    low = float(distances[usable].min())
    high = float(distances[usable].max())
    return np.geomspace(low, high, POINTS)


def _curve(name: str, tau: Grid, values: Grid) -> Line:
    finite = values[np.isfinite(values)]
    ranked = np.sort(finite)
    percent = np.full(len(tau), math.nan)
    if len(ranked):
        within = np.searchsorted(ranked, tau, side="right")
        share = within / len(ranked)
        percent = 100 * share
    return Line(name, tau, percent, drawn="line")


PROBE = Probe(
    name="false_negatives",
    question="How many mined negatives are right answers, or better ones than the model gives?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            key="closer_adversarial",
            label="share of adversarial negatives closer than the model's answer",
            low="closer_adversarial_low",
            high="closer_adversarial_high",
        ),
        Headline(
            key="cosine",
            label="cosine of NCE gradients with and without them",
            low="cosine_low",
            high="cosine_high",
        ),
    ),
    needs=("negatives", MATRICES, NETWORK),
)

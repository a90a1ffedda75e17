"""Energy as a judge: does lower energy mean a better answer, and is the lowest energy the right answer?

A candidate answer ŷ to a problem x with right answer y* has the error ‖ŷ - y*‖ / √dim, the root mean square
error of its entries, and at noise level t the energy E(x, √ᾱ_t ŷ, t): it is put where q_sample puts it with
zero noise. (Training looks at points √(1-ᾱ_t) √dim away from there, with noise; sampling ends near them.)
Within one problem,

- *picks*: of two candidates, how often the one of lower energy is the better one, and Spearman's ρ of energy
  and error (``ired_diag.stats.rank_correlation``). Asked of y* and perturbations y* + σ u in random
  directions; of pairs of perturbations whose errors are within a factor of 2; and of the model's own answers
  from several starts, which is what choosing the best of k samples needs, of those pairs whose errors differ
  by more than 1%: less than that is nothing to choose, and soon rounding.
- *below*: how often a candidate's energy lies below that of y*: of the model's answers, of mined negatives.

Random directions flatter a judge: with a minimum displaced by δ, any σ u at a right angle to δ still raises
the energy. So the sharpest level, t = 0, is descended (``ired_diag.model.minima``):

- from y*: the error of the minimum that the right answer lies above;
- from random starts N(0, I): how many minima there are (``ired_diag.model.basins``), how far apart the ends
  lie (root mean square deviation from their mean), how often an end lies below y*, and how often the lowest
  of them lies in another basin than the minimum below y* and below that: a spurious minimum.

Descents that did not converge are counted, and left out; of many problems the first 512 are descended. The
model's answer is the last clean estimate of ``ired_diag.model.sampler``, the public code's y / √ᾱ_0, whose
point at level 0 is that y.

References: Du et al. (2024), section 3 (answers as minima of the energy); Somers (1962), A New Asymmetric
Measure of Association for Ordinal Variables (picks).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.interval_lines import line_of_rows
from ired_diag.finding import Finding, Severity
from ired_diag.model.candidates import mined, perturbed, sampled
from ired_diag.model.energy import Energy
from ired_diag.model.minima import sharp_minima
from ired_diag.probing.evidence import percent_of, with_ends
from ired_diag.probing.probe import Headline, Probe
from ired_diag.probing.tensor_column import tensor_column
from ired_diag.stats.estimate import Estimate, mean_estimate, share_estimate
from ired_diag.stats.rank_correlation import concordance, share_below, spearman
from ired_diag.subject import Subject
from ired_diag.table import VALUE, Column, Table, concatenate, rows_of, select, table_of_rows, value_columns
from ired_diag.table_grid import Grid, grid

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column("sample", "1", "number of the problem, the same at every level"),
    Column(
        "kind",
        "1",
        "right (y*), zero, perturbed (y* + noise), answer (the model's), mined (adversarial negative of the "
        "level), minimum (descended from y*) or end (descended from a random start)",
    ),
    Column("number", "1", "among the problem's candidates of that kind"),
    Column("error", "unit of an entry", "root mean square error of the entries"),
    Column("energy", "nat", "E at the level, without noise"),
    Column("gradient", "1", "of minimum and end: gradient norm over that at noised right answers"),
    Column("converged", "1", "of minimum and end: whether that is small; else true"),
    Column("basin", "1", "of minimum and end: its basin within the problem, 0 the minimum's; else -1"),
    Column("apart", "unit of an entry", "of an end: rms distance from the mean of the problem's ends"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level"),
    Column(
        "quantity",
        "1",
        "spearman, picks_perturbed, picks_close, picks_answers, below_answer, below_mined; at level 0 also "
        "error_answer, error_minimum, excess (of the minimum's error over the answers'), not_converged, "
        "minima (reached from the starts), spread (of the ends), below_end, spurious",
    ),
    *value_columns("unit of an entry of errors, excess and spread, else 1", "mean over problems"),
)
KINDS = ("right", "zero", "perturbed", "answer", "mined")
CHUNK = 256  # problems at a time
SIZES = tuple(np.geomspace(0.05, 2.0, 12).tolist())  # σ, over the root mean square of right answers
ANSWERS = 4  # of the model to each problem
STARTS = 6  # of a descent for each problem
DESCENDED = 512  # of the problems, at most: whole chunks
CLOSE = 2.0  # ratio of errors, at most
APART = 1.01  # at least, of two answers to choose from
FEWEST = 30  # problems for a verdict


@torch.no_grad()
def measure(subject: Subject) -> Table:
    """Return error and energy of candidate answers at each level, and of the minima of the sharpest."""
    tables: list[Table] = []
    for first in range(0, subject.samples, CHUNK):
        tables += _measure_chunk(subject, first)
    return concatenate(tables)


def _measure_chunk(subject: Subject, first: int) -> Iterator[Table]:
    energy = subject.energy
    schedule = subject.schedule
    count = min(CHUNK, subject.samples - first)
    generator = subject.generator("energy_judge", first // CHUNK)
    problem, right = subject.problems.draw(count, generator=generator)
    problem = problem.to(subject.device)
    right = right.to(subject.device)
    # The order of draws from one generator: a change of it changes every table.
    candidates = {
        "right": right[:, None],
        "zero": torch.zeros_like(right)[:, None],
        "perturbed": perturbed(right, SIZES, generator=generator),
        "answer": sampled(
            energy,
            problem,
            right,
            schedule=schedule,
            settings=subject.mining,
            count=ANSWERS,
            generator=generator,
        ),
    }
    for level, signal in enumerate(schedule.sqrt_alphas_cumprod):
        negative = mined(
            energy,
            problem,
            right,
            level=level,
            schedule=schedule,
            settings=subject.mining,
            generator=generator,
        )
        t = torch.full((count,), level, device=subject.device)
        for kind, points in {**candidates, "mined": negative[:, None]}.items():
            yield _rows(
                level,
                first,
                kind,
                error=_error(points, right),
                energy=_energies(energy, problem, t, signal * points),
            )
    if first < DESCENDED:
        yield from _descents(subject, problem, right, generator=generator, first=first)


def _energies(energy: Energy, problem: Tensor, t: Tensor, points: Tensor) -> Tensor:
    """Return E of several points of each problem, of shape (count, points)."""
    landscape = energy.landscape(problem, t)
    columns = [landscape.energy(points[:, i]) for i in range(points.shape[1])]
    return torch.stack(columns, dim=1)


def _error(candidates: Tensor, right: Tensor) -> Tensor:
    """Return the root mean square error of candidates, of shape (count, candidates)."""
    difference = candidates.double() - right.double()[:, None]
    return difference.square().mean(-1).sqrt()


def _descents(
    subject: Subject,
    problem: Tensor,
    right: Tensor,
    *,
    generator: torch.Generator,
    first: int,
) -> Iterator[Table]:
    """Yield the minimum below each right answer, and the ends of descents from random starts."""
    minima = sharp_minima(
        energy=subject.energy,
        schedule=subject.schedule,
        problem=problem,
        right=right,
        starts=STARTS,
        generator=generator,
    )
    middle = minima.ends[:, 1:].mean(1)
    apart = _error(minima.ends[:, 1:], middle)
    for kind, which in (("minimum", slice(0, 1)), ("end", slice(1, None))):
        table = _rows(
            0,
            first,
            kind,
            error=_error(minima.ends[:, which], right),
            energy=minima.energy[:, which],
        )
        table["gradient"] = tensor_column(minima.gradient[:, which].double())
        table["converged"] = tensor_column(minima.converged[:, which])
        table["basin"] = tensor_column(minima.basin[:, which])
        if kind == "end":
            table["apart"] = tensor_column(apart)
        yield table


def _rows(level: int, first: int, kind: str, *, error: Tensor, energy: Tensor) -> Table:
    """Return the rows of candidates, error and energy of shape (count, candidates)."""
    count, candidates = error.shape
    rows = count * candidates
    return {
        "level": np.full(rows, level),
        "sample": np.repeat(np.arange(first, first + count), candidates),
        "kind": np.full(rows, kind),
        "number": np.tile(np.arange(candidates), count),
        "error": tensor_column(error),
        "energy": tensor_column(energy.double()),
        "gradient": np.full(rows, math.nan),
        "converged": np.ones(rows, dtype=bool),
        "basin": np.full(rows, -1),
        "apart": np.full(rows, math.nan),
    }


def compare(table: Table) -> Table:
    """Return each quantity at each level, with intervals over problems."""
    rows: list[dict[str, Any]] = []
    for level in np.unique(table["level"]).tolist():
        part = select(table, level=level)
        estimates = list(_judging(part))
        if level == 0:
            estimates += _minima(part)
        for quantity, estimate in estimates:
            values = dict(zip(VALUE, estimate, strict=True))
            rows.append({"level": level, "quantity": quantity, **values})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _judging(rows: Table) -> Iterator[tuple[str, Estimate]]:
    """Yield how well the energy of one level judges."""
    energy = {kind: _grid(rows, kind, "energy") for kind in KINDS}
    error = {kind: _grid(rows, kind, "error") for kind in KINDS}
    energy_around = np.hstack([energy["right"], energy["perturbed"]])
    error_around = np.hstack([error["right"], error["perturbed"]])
    rho = mean_estimate(spearman(energy_around, error_around))
    # A t interval may leave the range of a correlation.
    yield "spearman", rho._replace(low=max(-1.0, rho.low), high=min(1.0, rho.high))
    pairs = math.comb(1 + len(SIZES), 2)
    yield "picks_perturbed", share_estimate(concordance(energy_around, error_around), answers=pairs)
    close = concordance(energy["perturbed"], error["perturbed"], closer_than=CLOSE)
    yield "picks_close", share_estimate(close, answers=math.comb(len(SIZES), 2))
    own = concordance(energy["answer"], error["answer"], further_than=APART)
    yield "picks_answers", share_estimate(own, answers=math.comb(ANSWERS, 2))
    yield "below_answer", share_estimate(share_below(energy["answer"], energy["right"]), answers=ANSWERS)
    yield "below_mined", share_estimate(share_below(energy["mined"], energy["right"]), answers=1)


def _minima(rows: Table) -> Iterator[tuple[str, Estimate]]:
    """Yield where the minima of the sharpest level lie; descents that did not converge are left out."""
    descended = rows["sample"] < DESCENDED
    rows = {name: column[descended] for name, column in rows.items()}
    right = _grid(rows, "right", "energy")
    answer = _grid(rows, "answer", "error").mean(axis=1)
    below_converged = _grid(rows, "minimum", "converged") > 0
    arrived = _grid(rows, "end", "converged") > 0
    reached = arrived.any(axis=1)
    minimum = np.where(below_converged, _grid(rows, "minimum", "error"), math.nan)[:, 0]
    yield "error_answer", mean_estimate(answer)
    yield "error_minimum", mean_estimate(minimum)
    yield "excess", mean_estimate(minimum - answer)
    lost = ~np.hstack([below_converged, arrived])
    yield "not_converged", share_estimate(lost.mean(axis=1), answers=lost.shape[1])
    basin = np.where(arrived, _grid(rows, "end", "basin"), -1)
    distinct = [len(set(row.tolist()) - {-1}) for row in basin]
    yield "minima", mean_estimate(np.where(reached, distinct, math.nan))
    squares = (_grid(rows, "end", "apart") ** 2).sum(axis=1)
    # The mean that ends lie apart from is that of all: without one of them it is another.
    apart = np.where(arrived.all(axis=1), squares / (STARTS - 1), math.nan)
    yield "spread", mean_estimate(np.sqrt(apart))
    energy = _grid(rows, "end", "energy")
    below_right = share_below(np.where(arrived, energy, math.nan), right)
    yield "below_end", share_estimate(below_right, answers=STARTS)
    height = np.where(arrived, energy, math.inf)
    lowest = height.argmin(axis=1)[:, None]
    deeper = np.take_along_axis(height, lowest, 1) < _grid(rows, "minimum", "energy")
    elsewhere = np.take_along_axis(basin, lowest, 1) != _grid(rows, "minimum", "basin")
    spurious = (deeper & elsewhere)[:, 0]
    comparable = reached & ~np.isnan(minimum)
    yield "spurious", share_estimate(np.where(comparable, spurious, math.nan), answers=1)


def _grid(rows: Table, kind: str, name: str) -> Grid:
    """Return a column of one kind at one level, of shape (problems, candidates)."""
    return grid(select(rows, kind=kind), name, "sample", "number")


def conclude(table: Table, comparison: Table) -> Finding:
    """Return the answer in plain words, of the sharpest level."""
    n = len(np.unique(table["sample"]))
    evidence = _evidence(table, select(comparison, level=0))
    if math.isnan(evidence["below_answer"]):
        statement = f"No energy of the model's answers to {n} problems is a number: nothing can be said."
        return Finding(
            rule="energy_judge",
            severity="warning",
            statement=statement,
            evidence=evidence,
        )
    below = percent_of(evidence, "below_answer")
    close = percent_of(evidence, "picks_close")
    statement = (
        f"At the sharpest level the model's answers have a lower energy than the right one in {below}: "
        f"{_verdict(evidence, n)}. "
        "Lower energy picks the better of two random perturbations of the right one within a factor of "
        f"{CLOSE:g} in {close} of pairs"
        f"{_choice_clause(evidence)}. "
        f"{_minima_sentence(evidence)} "
        f"{n} problems."
    )
    severity: Severity = "note"
    advice = ""
    if n >= FEWEST:
        advice = _advice(evidence)
    if advice:
        severity = "warning"
    return Finding(
        rule="energy_judge",
        severity=severity,
        statement=statement,
        evidence=evidence,
        advice=advice,
    )


def _evidence(table: Table, sharpest: Table) -> dict[str, Any]:
    n = len(np.unique(table["sample"]))
    evidence: dict[str, Any] = {"n": n}
    for row in rows_of(sharpest):
        evidence |= with_ends(row["quantity"], row, "value")
    evidence["n_descended"] = min(n, DESCENDED)
    choices = select(sharpest, quantity="picks_answers")
    evidence["n_choice"] = int(choices["n"][0])
    zero = _grid(select(table, level=0), "zero", "error")
    evidence["error_zero"] = float(np.sqrt(np.mean(zero**2)))
    return evidence


def _advice(evidence: dict[str, Any]) -> str:
    """Return what to do where the energy prefers wrong answers and its minimum is no better one."""
    if evidence["below_answer_low"] <= 0.5:
        return ""
    choose = ""
    if evidence["n_choice"] >= FEWEST and evidence["picks_answers_low"] <= 0.5:
        choose = " Nor choose among its answers by energy."
    if evidence["excess_low"] > 0:
        return f"Do not descend further at inference: the minimum is worse than the model's answers.{choose}"
    if evidence["error_minimum_low"] > evidence["error_zero"]:
        return f"The energy's minimum is a worse answer than 0 is: train longer before reading it.{choose}"
    return ""


def _verdict(evidence: dict[str, Any], n: int) -> str:
    if n < FEWEST:
        return f"too few problems for a verdict ({FEWEST} are needed)"
    if evidence["below_answer_low"] > 0.5:
        return "the energy prefers the model's answers to the right ones"
    if evidence["below_answer_high"] < 0.5:
        return "the energy prefers the right answers"
    return "the energy prefers neither"


def _choice_clause(evidence: dict[str, Any]) -> str:
    """Return what energy says of the model's own answers, as the end of a sentence."""
    choices = evidence["n_choice"]
    if choices >= FEWEST:
        picks = percent_of(evidence, "picks_answers")
        return f", of two of the model's answers in {picks} ({choices} problems)"
    where = "in none"
    if choices:
        where = f"in only {choices}"
    apart = f"{100 * (APART - 1):.0f}%"
    return f"; the model's answers differ by more than {apart} in error {where} of the problems"


def _minima_sentence(evidence: dict[str, Any]) -> str:
    """Return where the minima lie, as a sentence."""
    if math.isnan(evidence["error_minimum"]) or math.isnan(evidence["minima"]):
        return "Descents from right answers, or from random starts, reached no minimum."
    remarks = ""
    lost = evidence["not_converged"]
    if lost:
        remarks += f" ({100 * lost:.2g}% of descents did not converge)"
    descended = evidence["n_descended"]
    if descended < evidence["n"]:
        remarks += f" (the first {descended} problems)"
    interval = ""
    low = evidence["error_minimum_low"]
    if not math.isnan(low):
        interval = f" ({low:.3g} to {evidence['error_minimum_high']:.3g})"
    spurious = percent_of(evidence, "spurious")
    return (
        "The minimum below the right answer has an rms error of "
        f"{evidence['error_minimum']:.3g}{interval}, "
        f"the model's answers {evidence['error_answer']:.3g}, "
        f"the answer 0 {evidence['error_zero']:.3g}; "
        f"{STARTS} random starts reach {evidence['minima']:.2f} minima per problem, "
        f"a spurious one deeper than the right answer's in {spurious}"
        f"{remarks};"
    )


def figure(table: Table) -> FigureData:
    """Return how well energy judges against the noise level, and the errors of answers and of minima."""
    comparison = compare(table)
    chance = (Guide(0.5, ""),)
    picks = Panel(
        "picks the better",
        _lines(comparison, {"answers": "picks_answers", "control": "picks_close"}),
        x_label="noise level",
        guides=chance,
    )
    below = Panel(
        "share below E(y*)",
        _lines(comparison, {"answers": "below_answer", "adversarial": "below_mined"}),
        x_label="noise level",
        guides=chance,
    )
    sharpest = select(table, level=0)
    errors = Panel(
        "share of points",
        (
            _distribution("answers", select(sharpest, kind="answer")),
            _distribution("from y*", select(sharpest, kind="minimum")),
            _distribution("from noise", select(sharpest, kind="end")),
        ),
        x_label="error at level 0  (rms of entries)",
    )
    n = len(np.unique(table["sample"]))
    return FigureData(
        name="energy_judge",
        title="Energy as a judge of answers",
        x_label="noise level",
        panels=(picks, below, errors),
        method="How often the lower energy is the better of two answers, and how often an answer's energy is "
        "below that of the right one, y*: means over problems with 95% intervals; 0.5 is chance. Control: "
        f"random perturbations of y*, pairs with errors within a factor of {CLOSE:g}. Below: distributions "
        "of the errors of the model's answers, and of the energy's minima at level 0 that descents from y* "
        f"and from random starts reach. n = {n} problems.",
        note=f"95% intervals; n = {n} problems; from …: ends of descents",
    )


def _lines(comparison: Table, quantities: Mapping[str, str]) -> tuple[Line, ...]:
    """Return a line of each quantity, by its name in the legend."""
    lines = []
    for position, (name, quantity) in enumerate(quantities.items()):
        rows = select(comparison, quantity=quantity)
        places = rows["level"] + 0.12 * position  # next to each other, so that intervals are seen
        lines.append(line_of_rows(name, places, rows, "value"))
    return tuple(lines)


def _distribution(name: str, rows: Table) -> Line:
    """Return the share of points whose error is at most x; a descent that did not converge is left out."""
    converged = rows["converged"].astype(bool)
    error = np.sort(rows["error"][converged & np.isfinite(rows["error"])])
    count = len(error)
    share = np.arange(1, count + 1) / max(1, count)
    return Line(name, error, share, drawn="steps")


PROBE = Probe(
    name="energy_judge",
    question="Does lower energy mean a better answer, and is the lowest energy the right answer?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            key="below_answer",
            label="share of answers below the right one in energy",
            low="below_answer_low",
            high="below_answer_high",
        ),
        Headline(
            key="error_minimum",
            label="rms error of the minimum below the right answer",
            low="error_minimum_low",
            high="error_minimum_high",
            scale="log",
        ),
    ),
    weights="ema",
    samples=128,
    version=2,
)

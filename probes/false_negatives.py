"""False negatives: how many mined negatives are right answers, or better ones than the model gives?

The contrastive loss raises the energy of each negative. Where that negative is (nearly) the inverse Y* of A,
it pushes away what training wants. How near each negative Y is, by three distances
(``ired_diag.inverse.answer_errors``), the last over √n so that it is 1 for the answer zero:

    mse = ‖Y - Y*‖_F² / n²,    relative = ‖Y - Y*‖_F / ‖Y*‖_F,    residual = ‖A Y - I‖_F / √n.

There is no distance below which an answer is right, so the share of negatives within τ is told as a curve
over τ. One τ needs no choice: the distance of the model's own answer to the same problem, by its sampler with
the same weights. A negative that is *closer* (by mse or relative, which rank one problem's candidates alike)
is a better answer than the model gives. That says little where the model's answers are worse than the answer
zero, whose relative distance is 1; the sentence says so. (Raw weights, which mined, can answer much worse
than the averaged ones, which are evaluated.)

What the closer ones do to training: the gradient of the mean NCE loss is taken with all pairs of a batch and
without the closer ones (``ired_diag.inverse.gradient_change``), beside that without as many pairs at random,
because any smaller batch has another gradient. Ratios of lengths are averaged as logarithms.

The matched control of the mined batch is left out: it is as far from Y* as the adversarial negative by
construction. Shares have Wilson's interval over problems (``ired_diag.stats.share``), each problem counting
once with its share over levels; training draws the levels alike. Gradients have a t interval over batches.

References: Du et al. (2024), equation 6 (NCE); Chuang et al. (2020), Debiased Contrastive Learning (false
negatives bias the contrastive loss).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.inverse.answer_errors import answer_errors
from ired_diag.inverse.gradient_change import CHANGES, nce_changes
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.mined_batch import Kind
from ired_diag.model.sampler import sample
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.stats.finite import mean_of_finite
from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, select
from ired_diag.told_training import sentence_on, strategy_of

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest; -1 of the model's own answer, which has none"),
    Column("kind", "1", "random, start or adversarial; answer: the model's own"),
    Column("training", "1", "mining strategy of the run's training, as far as it is told"),
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


def measure(subject: Subject) -> Table:
    """Return the distances of each negative and of the model's own answer, and how gradients change.

    Args:
        subject: With mined negatives of matrices, and a network.
    """
    rank, network, batch = (
        subject.problems_of(MatrixData).rank,
        subject.energy_of(EnergyNetwork),
        subject.batch,
    )
    positive = batch.candidates["positive"][0]
    start = torch.randn(positive.shape, generator=subject.generator("false_negatives start", batch.first))
    own = sample(
        network, batch.problem, start.to(positive), subject.schedule, faithful=batch.settings.faithful
    ).answer
    told = distances(batch.problem, positive, own[None], rank)
    untold = dict.fromkeys(("closer", *CHANGES), torch.full_like(told["mse"], math.nan))
    tables = [_rows(subject, "answer", [ALL_LEVELS], told | untold)]
    chance = subject.generator("false_negatives chance", batch.first)
    for kind in NEGATIVES:
        numbers = distances(batch.problem, positive, batch.candidates[kind], rank)
        known = torch.isfinite(numbers["mse"]) & torch.isfinite(told["mse"])
        closer = (numbers["mse"] < told["mse"]).double().where(known, math.nan)
        changes = nce_changes(network, batch, kind, closer, size=BATCH, generator=chance)
        levels = list(range(batch.levels))
        tables.append(_rows(subject, kind, levels, numbers | {"closer": closer} | changes))
    return concatenate(tables)


def distances(problem: Tensor, inverse: Tensor, candidates: Tensor, rank: int) -> dict[str, Tensor]:
    """Return the three distances of candidates from the right answers, in float64.

    Args:
        problem: A, of shape (samples, rank²).
        inverse: Y*, of the same shape.
        candidates: Y, of shape (levels, samples, rank²).
        rank: Rows of each matrix.
    """
    errors = answer_errors(problem.double(), inverse.double(), candidates.double())
    residual = errors.residual / math.sqrt(rank)
    return {"mse": errors.mse, "relative": errors.relative, "residual": residual}


def _rows(subject: Subject, kind: str, levels: list[int], numbers: dict[str, Tensor]) -> Table:
    batch = subject.batch
    number = np.tile(np.arange(batch.first, batch.first + batch.samples), len(levels))
    values = {name: v.cpu().numpy().ravel() for name, v in numbers.items()}
    keys = {
        "level": np.repeat(levels, batch.samples),
        "kind": np.full(len(number), kind),
        "training": np.full(len(number), strategy_of(subject.config)),
        "sample": number,
    }
    return {c.name: (keys | values | {"batch": number // BATCH})[c.name] for c in COLUMNS}


def compare(table: Table) -> Table:
    """Return the shares within each τ and closer than the model's answer, and the changes of the gradient."""
    rows: list[tuple[Any, ...]] = []
    for distance, taus in TAUS.items():
        own = select(table, kind="answer")[distance]
        rows += [(ALL_LEVELS, "answer", distance, tau, *_share(_within(own[None], tau))) for tau in taus]
    for kind in NEGATIVES:
        cubes = _cubes(table, kind)
        for level, some in _levels(cubes["mse"]):
            for distance, taus in TAUS.items():
                near = cubes[distance][some]
                rows += [(level, kind, distance, tau, *_share(_within(near, tau))) for tau in taus]
            rows.append((level, kind, "closer", math.nan, *_share(cubes["closer"][some])))
            rows += [(level, kind, name, math.nan, *_change(cubes, name, some)) for name in GRADIENTS]
    columns = zip(*rows, strict=True)
    names = [column.name for column in COMPARISON_COLUMNS]
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def conclude(table: Table, comparison: Table) -> Finding:
    """Return how many negatives are better answers than the model's own, and what they do to the gradient."""
    n, levels = len(np.unique(table["sample"])), len(np.unique(table["level"])) - 1
    closer = {kind: _row(comparison, kind, "closer") for kind in NEGATIVES}
    near = {kind: _near(comparison, kind) for kind in (*NEGATIVES, "answer")}
    change = {name: _row(comparison, "adversarial", name) for name in GRADIENTS}
    mined, (own, zero) = closer["adversarial"], _own_and_zero(table)
    counted = f"{n} problems, each at {levels} noise levels."
    trained = sentence_on(str(table["training"][0]))
    evidence = _evidence(closer, near, change) | {"mse_answer": own, "mse_zero": zero, "n": n}
    if not math.isfinite(mined["x"]):
        said = f"Nothing can be said of false negatives: no distance is a number ({mined['reason']})."
        return Finding("false_negatives", "warning", f"{said}{trained} {counted}", evidence)
    rest = (
        100 * row["x"] for row in (closer["start"], closer["random"], near["adversarial"], near["answer"])
    )
    starts, randoms, mined_near, own_near = rest
    statement = (
        f"Of adversarial negatives, {_percent(mined)} are closer to the right answer than the model's own "
        f"answer{_most(comparison)}; of noised starts {starts:.1f}%, of random ones {randoms:.1f}%. The "
        f"model's answers have MSE {own:.3g}, the answer zero {zero:.3g}{_told_poor(own, zero)}; as close as "
        f"zero are {mined_near:.1f}% of adversarial negatives and {own_near:.1f}% of the model's answers. "
        f"{_told_change(change['cosine'])}{_told_unmoved(table)}{trained} {counted}"
    )
    if n < FEWEST:
        statement += f" Too few problems for a verdict ({FEWEST} are needed)."
    many = n >= FEWEST and own < zero and mined["x_low"] > MANY
    return Finding("false_negatives", "warning" if many else "note", statement, evidence)


def figure(table: Table) -> FigureData:
    """Return the shares within τ, the shares of closer negatives, and the cosine of the gradients."""
    cubes = {kind: _cubes(table, kind) for kind in NEGATIVES}
    levels = np.arange(len(cubes["adversarial"]["mse"]))
    own = select(table, kind="answer")["relative"][None]
    curves = [*((kind, c["relative"]) for kind, c in cubes.items()), ("own answer", own)]
    tau = _range_of([values for _, values in curves])
    within = tuple(_curve(name, tau, values) for name, values in curves)
    shares = [(kind, [_share(row[None]) for row in c["closer"]]) for kind, c in cubes.items()]
    closer = tuple(_line(name, levels, told, scale=100.0) for name, told in shares)
    changed = [_change(cubes["adversarial"], "cosine", slice(i, i + 1)) for i in levels]
    at_random = np.array([told[3] for told in changed])
    cosines = (
        _line("adversarial", levels, changed),
        Line("control", levels, at_random),
    )
    panels = (
        Panel("within τ  (%)", within, x_label="relative distance τ", x_scale="log"),
        Panel("closer than own  (%)", closer),
        Panel("cosine without closer", cosines),
    )
    n, batches = len(np.unique(table["sample"])), len(np.unique(table["batch"]))
    return FigureData(
        "false_negatives",
        "How near negatives are to right answers",
        "noise level",
        panels,
        f"n = {n} problems, the same at each level. Top: share within τ, all levels together. Middle: share "
        "closer than the model's own answer, Wilson 95% interval. Bottom: NCE gradients of a batch with and "
        "without its closer adversarial negatives; mean and 95% t interval of at most "
        f"{batches} batches of at most {BATCH} pairs; control: as many pairs left out at random.",
        f"95% intervals, n = {n} problems, {batches} batches",
    )


def _cubes(table: Table, kind: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns of one kind, each of shape (levels, samples)."""
    rows = select(table, kind=kind)
    order = np.lexsort((rows["sample"], rows["level"]))
    shape = len(np.unique(rows["level"])), -1
    names = (*TAUS, "closer", "batch", *CHANGES)
    return {name: rows[name][order].astype(np.float64).reshape(shape) for name in names}


def _levels(values: NDArray[np.float64]) -> list[tuple[int, slice]]:
    """Return each level with its place, and all of them first."""
    return [(ALL_LEVELS, slice(None)), *((i, slice(i, i + 1)) for i in range(len(values)))]


def _within(distance: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
    return np.where(np.isnan(distance), math.nan, distance <= tau)


def _share(yes: NDArray[np.float64]) -> tuple[Any, ...]:
    """Return the comparison's columns from x on, of answers of shape (levels, samples)."""
    told = share_of(mean_of_finite(yes), answers=len(yes))
    return told.mean, told.low, told.high, *[math.nan] * 4, told.n, told.reason


def _change(cubes: dict[str, NDArray[np.float64]], name: str, some: slice) -> tuple[Any, ...]:
    """Return the comparison's columns from x on, of a change of the gradient over batches."""
    first = np.unique(cubes["batch"][0], return_index=True)[1]
    raw = (cubes[key][some][:, first] for key in (name, f"{name}_chance"))
    back = np.exp if name == "norm_ratio" else float
    values, chance = (mean_of_finite(_logarithm(v) if name == "norm_ratio" else v) for v in raw)
    told, other, both = (summarise(v[np.isfinite(v)]) for v in (values, chance, values - chance))
    reason = _lacking(cubes["closer"][some], len(first) - told.n, len(first)) or told.reason
    ends = [float(back(getattr(one, end))) for one in (told, both) for end in ("mean", "low", "high")]
    if name == "cosine":
        ends[1:3] = np.clip(ends[1:3], -1.0, 1.0).tolist()
    return *ends[:3], float(back(other.mean)), *ends[3:], told.n, reason


def _logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.where(values > 0, values, math.nan))


def _lacking(closer: NDArray[np.float64], lost: int, batches: int) -> str:
    """Return why batches have no change to tell."""
    shares = np.unique(closer[np.isfinite(closer)])
    if not len(shares):
        return "no distance is a number"
    if len(shares) == 1:
        return "no negative is closer" if shares[0] == 0 else "all negatives are closer: none is left"
    return f"{lost} of {batches} batches have all or none closer" if lost else ""


def _row(comparison: Table, kind: str, quantity: str) -> dict[str, Any]:
    row = select(comparison, kind=kind, quantity=quantity, level=ALL_LEVELS)
    return {name: column[0] for name, column in row.items()}


def _near(comparison: Table, kind: str) -> dict[str, Any]:
    row = select(comparison, kind=kind, quantity="relative", level=ALL_LEVELS, tau=ZERO)
    return {name: column[0] for name, column in row.items()}


def _own_and_zero(table: Table) -> tuple[float, float]:
    """Return the mean mse of the model's own answers, and of the answer zero to the same problems."""
    rows = select(table, kind="answer")
    mse, relative = rows["mse"], rows["relative"]
    known = np.isfinite(mse) & (relative > 0)
    if not known.any():
        return math.nan, math.nan
    return float(mse[known].mean()), float((mse[known] / relative[known] ** 2).mean())


def _told_poor(own: float, zero: float) -> str:
    return ": being closer than such answers says little" if own >= zero else ""


def _percent(row: dict[str, Any]) -> str:
    x, low, high = (100 * row[name] for name in ("x", "x_low", "x_high"))
    return f"{x:.1f}% (95% interval {low:.1f} to {high:.1f}%)"


def _most(comparison: Table) -> str:
    rows = select(comparison, kind="adversarial", quantity="closer")
    at = {name: column[rows["level"] != ALL_LEVELS] for name, column in rows.items()}
    if len(at["x"]) < 2 or not np.nanmax(at["x"]) > 0:
        return ""
    most = int(np.nanargmax(at["x"]))
    return f", most at level {at['level'][most]} ({100 * at['x'][most]:.1f}%)"


def _told_change(cosine: dict[str, Any]) -> str:
    if not math.isfinite(cosine["x"]):
        return f"What leaving them out does to the NCE gradient cannot be told: {cosine['reason']}."
    ends = (cosine["difference_low"], cosine["difference_high"])
    interval = f", 95% interval {ends[0]:.3f} to {ends[1]:.3f}" if cosine["n"] > 1 else ""
    return (
        f"Without the closer ones the NCE gradient has a cosine of {cosine['x']:.3f} with that of all; "
        f"without as many at random {cosine['chance']:.3f} (difference {cosine['difference']:.3f}{interval})."
    )


def _told_unmoved(table: Table) -> str:
    mined, start = (select(table, kind=kind)["mse"] for kind in ("adversarial", "start"))
    if np.array_equal(mined, start):
        return " The adversarial negatives are the noised starts: mining does not move them."
    return ""


def _evidence(*told: Mapping[Any, dict[str, Any]]) -> dict[str, float | int | str | bool | None]:
    closer, near, change = told
    evidence: dict[str, float | int | str | bool | None] = {}
    for kind, row in closer.items():
        evidence |= {f"closer_{kind}{end}": float(row["x" + end]) for end in ("", "_low", "_high")}
    for kind, row in near.items():
        evidence[f"as_close_as_zero_{kind}"] = float(row["x"])
    for name, row in change.items():
        evidence |= {f"{name}{end}": float(row["x" + end]) for end in ("", "_low", "_high")}
        evidence[f"{name}_chance"] = float(row["chance"])
    return evidence | {"batches": int(change["cosine"]["n"])}


def _range_of(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return τ from the smallest to the largest distance above 0; the answer zero's where there is none."""
    known = np.concatenate([v.ravel() for v in values])
    known = known[np.isfinite(known) & (known > 0)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (ZERO, ZERO)
    return np.geomspace(low, high, 61)


def _curve(name: str, tau: NDArray[np.float64], values: NDArray[np.float64]) -> Line:
    known = np.sort(values[np.isfinite(values)])
    below = np.searchsorted(known, tau, side="right") / max(len(known), 1)
    return Line(name, tau, 100 * below if len(known) else np.full(len(tau), math.nan), drawn="line")


def _line(name: str, x: NDArray[Any], told: list[tuple[Any, ...]], *, scale: float = 1.0) -> Line:
    y, low, high = (scale * np.array([row[i] for row in told], dtype=float) for i in range(3))
    return Line(name, x, y, low, high)


PROBE = Probe(
    "false_negatives",
    "How many mined negatives are right answers, or better ones than the model gives?",
    COLUMNS,
    measure,
    COMPARISON_COLUMNS,
    compare,
    conclude,
    figure,
    (
        Headline(
            "closer_adversarial",
            "share of adversarial negatives closer than the model's answer",
            "closer_adversarial_low",
            "closer_adversarial_high",
        ),
        Headline("cosine", "cosine of NCE gradients with and without them", "cosine_low", "cosine_high"),
    ),
    needs=("negatives", "matrices", "network"),
)

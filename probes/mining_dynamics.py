"""Mining dynamics: does mining descend the energy, or is it the clamp or noise that moves its negatives?

Mining starts at y_0 = q_sample(y*, t, 3ε) and takes K steps, each clamped to ±2√ᾱ_t and kept only where it
does not raise the energy (``ired_diag.model.mining``). At the noisier levels most of y_0 lies beyond the
clamp, and a negative is clamped in any case. The clamp is therefore told apart from the gradient:

    move 0       the clamp's: from y_0 to b_0 = clamp(y_0), where a negative stands that was not mined;
    moves 1 … K  the gradient's: m_k = b_k - b_{k-1},    b_k = clamp(y_k).

A miner that does nothing has no moves, one that only the clamp moves has no moves after 0. Of one that
moves, three things are asked next to a *noise walk*, with the same start, step lengths, clamp and rule of
acceptance, but random directions (``ired_diag.model.noise_walk``), because clamp and acceptance lower the
energy without any gradient:

- energy: E(b_K) - E(b_0), each walk for itself, and the advantage, one minus the other;
- coherence: the cosine between successive moves, and the net move ‖b_K - b_0‖ next to √(Σ ‖m_k‖²), what
  independent moves of these lengths give (``ired_diag.model.walk_geometry``);
- direction: the cosines of b_k - b_0 with -∇E(b_0), straight down, and with √ᾱ_t y* - b_0, the way to the
  right answer; and how far from the right answer the negative ends, next to where it began.

Mining descends at a level if energy and advantage both have their 95% t interval below 0 there (climbs, of a
walk of ascent: above); the other verdicts are in ``ired_diag.model.mining_verdict``. A problem whose net move
is below 0.1% of the distance to the right answer is said to stand still.

References: Du et al. (2024), section 3.2 (mining); Hughes (1995), Random Walks and Random Environments,
section 2.1 (independent moves).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ired_diag.drawing.data import FigureData, Guide, Line, Panel
from ired_diag.drawing.interval_lines import line_of_summaries
from ired_diag.finding import Finding, Severity
from ired_diag.model.clamped_walk import moves_of
from ired_diag.model.mining import CLAMP, Walk
from ired_diag.model.mining_verdict import FEWEST, WORKS, Seen, verdict
from ired_diag.model.noise_walk import noise_walk
from ired_diag.model.own_sampler import noise_walk_of
from ired_diag.probing.evidence import levels_in_words, with_ends
from ired_diag.probing.probe import ALL_LEVELS, Headline, Probe
from ired_diag.probing.tensor_column import tensor_column
from ired_diag.runs.name_list import counted
from ired_diag.stats.finite import Cube, mean_of_finite, summary_of_finite
from ired_diag.stats.share import Share, share_of
from ired_diag.stats.summary import Summary
from ired_diag.stats.walk_summary import whole_walk
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, concatenate, row_of, rows_of, select, table_of_rows
from ired_diag.table_grid import grid
from ired_diag.told_training import sentence_on, strategy_of

COLUMNS = (
    Column("level", "1", "noise level, 0 the sharpest"),
    Column(
        "walker", "1", "descent or ascent: the mining; noise: the walk of its lengths in random directions"
    ),
    Column("training", "1", "mining strategy of the run's training, where it is recorded"),
    Column("sample", "1", "number of the problem, the same at every level"),
    Column("move", "1", "0: the clamp of the start; 1 to K: the steps"),
    Column("gradient_norm", "nat", "length of the gradient that the step followed"),
    Column("proposed", "1", "length of the proposed step, the clamp's move included"),
    Column("accepted", "1", "1 where the step was kept, else 0"),
    Column("at_clamp", "1", "share of the proposal's entries (move 0: the start's) at the clamp's bound"),
    Column("length", "1", "length of the move, between clamped points"),
    Column("energy", "nat", "energy after the move"),
    Column("energy_change", "nat", "energy after the move minus that before"),
    Column("turn", "1", "cosine between this move and the one before it, both the gradient's"),
    Column("net", "1", "distance from the clamped start"),
    Column("down", "1", "cosine between the way from the clamped start and -gradient there"),
    Column("toward", "1", "cosine between the way from the clamped start and that to the right answer"),
    Column("distance", "1", "distance to the right answer; this and every length in the space of the level"),
)
COMPARISON_COLUMNS = (
    Column("level", "1", "noise level; -1 for the mean over levels of each problem"),
    Column("move", "1", "0: the clamp; 1 to K: a step; -1: all steps together"),
    Column("quantity", "1", "what"),
    Column("x", "as quantity", "mean over problems"),
    Column("x_low", "as quantity", "lower end of its 95% t interval"),
    Column("x_high", "as quantity", "upper end"),
    Column("noise", "as quantity", "mean of the noise walk"),
    Column("difference", "as quantity", "mean difference from the noise walk, problem by problem"),
    Column("difference_low", "as quantity", "lower end of its 95% t interval"),
    Column("difference_high", "as quantity", "upper end"),
    Column("n", "1", "problems behind x"),
    Column("reason", "1", "why something is NaN or left out"),
)
Row = dict[str, Any]

KEYS = ("level", "walker", "training", "sample", "move")
EACH_MOVE = ("gradient_norm", "proposed", "accepted", "at_clamp", "length", "energy_change", "turn")
SHARES = ("accepted", "moved", "clamped")  # yes or no: a t interval would have no width at 0 and 1
WHOLE = -1  # in a column `move`: all steps together
# The clamp (move 0) follows no gradient, proposes nothing, and turns from nothing, as does the first step.
LACKING = ((0, "gradient_norm"), (0, "proposed"), (0, "accepted"), (0, "turn"), (1, "turn"))


def measure(subject: Subject) -> Table:
    """Return every move of the mining and of its noise walk.

    Args:
        subject: With mined negatives, every step recorded.
    """
    batch = subject.batch
    training = strategy_of(subject.config)
    generator = subject.generator("mining_dynamics", batch.first)
    tables = []
    for level in range(batch.levels):
        walk = _walk_at(batch.walk, level)
        directions = torch.randn(walk.steps, *walk.points.shape[1:], generator=generator)
        for walker, numbers in _both_walks(subject, level, walk, directions).items():
            moves, samples = numbers["length"].shape
            rows = moves * samples
            table = {
                "level": np.full(rows, level),
                "walker": np.full(rows, walker),
                "training": np.full(rows, training),
                "sample": np.tile(np.arange(batch.first, batch.first + samples), moves),
                "move": np.repeat(np.arange(moves), samples),
            }
            for name, values in numbers.items():
                table[name] = tensor_column(values.float())
            tables.append(table)
    return concatenate(tables)


def _walk_at(walk: Walk, level: int) -> Walk:
    """Return the part of a recorded walk that belongs to one level."""
    return Walk(**{name: values[level] for name, values in vars(walk).items()})


@torch.no_grad()
def _both_walks(subject: Subject, level: int, walk: Walk, directions: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return the quantities of the moves of both walks at a level, each of shape (steps + 1, samples)."""
    batch = subject.batch
    schedule = subject.schedule
    signal = float(schedule.sqrt_alphas_cumprod[level])
    t = torch.full((batch.samples,), level, device=batch.problem.device)
    landscape = subject.energy.landscape(batch.problem, t)
    start = walk.points[0]
    if batch.settings.sampler is not None:
        clamped = start
        noise = noise_walk_of(landscape, walk, directions.to(start))
    else:
        clamped = start.clamp(-CLAMP * signal, CLAMP * signal)
        noise = noise_walk(
            landscape=landscape,
            start=start,
            t=t,
            schedule=schedule,
            settings=batch.settings,
            gradient_norms=walk.gradient_norms,
            directions=directions.to(start),
        )
    energy, gradient = landscape.energy_and_gradient(clamped)
    walks = {batch.settings.walk: walk, "noise": noise}
    moves = {}
    for walker, points in walks.items():
        moves[walker] = moves_of(
            points,
            clamped=clamped,
            energy=energy,
            gradient=gradient,
            answer=batch.candidates["positive"][level],
            signal=signal,
        )
    return moves


def compare(table: Table) -> Table:
    """Return each quantity of the mining next to the noise walk's: by level and move, and of all steps."""
    levels = np.unique(table["level"])
    mining = _quantities(_cubes(table, _walker(table)))
    noise = _quantities(_cubes(table, "noise"))
    rows: list[Row] = []
    for (move, quantity), values in mining.items():
        of_noise = noise[move, quantity]
        key = {"move": move, "quantity": quantity}
        pooled = mean_of_finite(values)
        pooled_noise = mean_of_finite(of_noise)
        contrast = _contrast(quantity, pooled, pooled_noise, levels=len(levels))
        rows.append({"level": ALL_LEVELS, **key, **contrast})
        for level, a, b in zip(levels.tolist(), values, of_noise, strict=True):
            rows.append({"level": level, **key, **_contrast(quantity, a, b)})
    return table_of_rows(COMPARISON_COLUMNS, rows)


def _quantities(cubes: dict[str, Cube]) -> dict[tuple[int, str], Cube]:
    """Return what is compared, by move and name, each of shape (levels, samples)."""
    moves = cubes["net"].shape[1]
    quantities = {}
    for name in EACH_MOVE:
        for move in range(moves):
            if (move, name) not in LACKING:
                quantities[move, name] = cubes[name][:, move]
    for name, values in whole_walk(cubes).items():
        quantities[WHOLE, name] = values
    return quantities


def conclude(table: Table, comparison: Table) -> Finding:
    """Return whether mining does anything, level by level, with the numbers that say so."""
    levels = np.unique(table["level"]).tolist()
    steps = int(table["move"].max())
    n = len(np.unique(table["sample"]))
    walker = _walker(table)
    whole = select(comparison, move=WHOLE)
    verdicts = [(level, verdict_at(select(whole, level=level), walker)) for level in levels]
    pooled = _by_quantity(select(whole, level=ALL_LEVELS))
    clamp = row_of(comparison, move=0, level=ALL_LEVELS, quantity="energy_change")
    evidence = _evidence(pooled, clamp, verdicts, walker) | {"n": n, "steps": steps}
    trained = sentence_on(str(table["training"][0]))
    extent = f"{trained} {n} problems, each at {counted(len(levels), 'noise level')}, {steps} steps."
    energy = pooled["energy_change"]
    ratio = pooled["distance_ratio"]
    if not steps:
        idle = "Mining does nothing: it takes no steps (opt_steps = 0), and its negatives are clamped noise."
        return Finding(
            rule="mining_dynamics",
            severity="warning",
            statement=f"{idle}{extent}",
            evidence=evidence,
        )
    if not math.isfinite(energy["x"]):
        silent = f"Nothing can be said of mining: its energies are not numbers ({energy['reason']})."
        return Finding(
            rule="mining_dynamics",
            severity="warning",
            statement=f"{silent}{extent}",
            evidence=evidence,
        )
    extremes = _extremes(select(whole, quantity="energy_change"))
    statement = (
        f"From the clamped start, mining changes the energy by {_interval(energy)} nat, steps of the same "
        f"lengths in random directions by {energy['noise']:.4g}: {_by_verdict(verdicts, walker)}"
        f"{extremes}. The clamp alone, which acts without mining "
        f"too, changes it by {clamp['x']:.4g}. Negatives end at {_interval(ratio)} times the clamped start's "
        f"distance from the right answer (random directions: {ratio['noise']:.3g}).{extent}"
    )
    severity: Severity = "warning"
    if 2 * _working(verdicts, walker) > len(levels) or n < FEWEST:
        severity = "note"
    return Finding(
        rule="mining_dynamics",
        severity=severity,
        statement=statement,
        evidence=evidence,
    )


def _by_quantity(rows: Table) -> dict[str, Row]:
    """Return the rows of a comparison by the name of their quantity."""
    return {str(row["quantity"]): row for row in rows_of(rows)}


def _working(verdicts: list[tuple[int, str]], walker: str) -> int:
    """Return at how many levels mining does what it is meant to do."""
    return sum(text == WORKS[walker] for _, text in verdicts)


def verdict_at(rows: Table, walk: str) -> str:
    """Return what mining does at a level.

    Args:
        rows: The comparison's rows of that level and of all steps together.
        walk: ``descent`` or ``ascent``.
    """
    at_level = _by_quantity(rows)
    energy = at_level["energy_change"]
    turn = at_level["turn"]
    seen = Seen(
        energy=energy["x"],
        n=energy["n"],
        energy_interval=(energy["x_low"], energy["x_high"]),
        advantage=(energy["difference_low"], energy["difference_high"]),
        turn=(turn["difference_low"], turn["difference_high"]),
        moved=at_level["moved"]["x"],
        clamped=at_level["clamped"]["x"],
    )
    return verdict(seen, walk)


def figure(table: Table) -> FigureData:
    """Return energies, coherence and distance to the right answer against the noise level."""
    levels = np.unique(table["level"])
    mining = _cubes(table, _walker(table))
    noise = _cubes(table, "noise")
    walks = {"mining": whole_walk(mining), "noise walk": whole_walk(noise)}
    beginning = mining["energy"][:, 0] - mining["energy_change"][:, 0]
    energies = (
        _line("mining", levels, mining["energy"][:, -1]),
        _line("noise walk", levels, noise["energy"][:, -1]),
        _line("clamped start", levels, mining["energy"][:, 0]),
        _line("start, not clamped", levels, beginning),
    )
    coherence = [_line(name, levels, numbers["coherence"]) for name, numbers in walks.items()]
    distance = [_line(name, levels, numbers["distance_ratio"]) for name, numbers in walks.items()]
    panels = (
        Panel("energy  (nat)", energies),
        Panel("net / independent", tuple(coherence), guides=(Guide(1.0, ""),)),
        Panel("distance, after / before", tuple(distance), guides=(Guide(1.0, ""),)),
    )
    n = len(np.unique(table["sample"]))
    steps = int(table["move"].max())
    straight = math.sqrt(max(steps, 1))
    return FigureData(
        name="mining_dynamics",
        title="What mining does to its points",
        x_label="noise level",
        panels=panels,
        method=f"Mean and 95% t interval over n = {n} problems, the same at each level; {steps} steps of "
        "mining. Noise walk: the same start, step lengths, clamp and acceptance in random directions. "
        "Independent steps: root of the sum of squared lengths; a straight line of equal steps has "
        f"{straight:.3g}. Distance: to the right answer, over that of the clamped start.",
        note=f"mean, 95% interval, n = {n} problems, {steps} steps",
    )


def _walker(table: Table) -> str:
    """Return which way the mining walks."""
    return "ascent" if "ascent" in table["walker"] else "descent"


def _cubes(table: Table, walker: str) -> dict[str, Cube]:
    """Return the columns of one walker, each of shape (levels, steps + 1, samples)."""
    rows = select(table, walker=walker)
    names = [column.name for column in COLUMNS if column.name not in KEYS]
    return {name: grid(rows, name, "level", "move", "sample") for name in names}


def _contrast(quantity: str, mining: Cube, noise: Cube, *, levels: int = 1) -> Row:
    """Return mining next to the noise walk, of values for each problem, means over so many levels."""
    by_noise = summary_of_finite(noise)
    difference = summary_of_finite(mining - noise)
    own: Summary | Share = summary_of_finite(mining)
    if quantity in SHARES:
        own = share_of(mining[np.isfinite(mining)], answers=levels)
    reasons = [_reason(own, mining), _reason(difference, mining)]
    stated = dict.fromkeys(filter(None, reasons))
    return {
        "x": own.mean,
        "x_low": own.low,
        "x_high": own.high,
        "noise": by_noise.mean,
        "difference": difference.mean,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "n": own.n,
        "reason": "; difference: ".join(stated),
    }


def _reason(summary: Summary | Share, values: Cube) -> str:
    """Return why a summary lacks something; empty where it lacks nothing."""
    missing = len(values) - summary.n
    if summary.reason or not missing:
        return summary.reason
    return f"{missing} of {len(values)} problems have none"


def _line(name: str, levels: NDArray[Any], values: Cube) -> Line:
    return line_of_summaries(name, levels, [summary_of_finite(row) for row in values])


def _interval(row: dict[str, Any]) -> str:
    if not math.isfinite(row["x_low"]):
        return f"{row['x']:.4g}"
    return f"{row['x']:.4g} (95% interval {row['x_low']:.4g} to {row['x_high']:.4g})"


def _extremes(rows: Table) -> str:
    """Return where the energy changes most and least, of the comparison's rows of its change."""
    single = rows["level"] != ALL_LEVELS
    levels = rows["level"][single]
    changes = rows["x"][single]
    if len(changes) < 2 or not np.isfinite(changes).all():
        return ""
    size = np.abs(changes)
    most = int(np.argmax(size))
    least = int(np.argmin(size))
    return (
        f"; most at level {levels[most]} ({changes[most]:.3g} nat)"
        f", least at level {levels[least]} ({changes[least]:.3g} nat)"
    )


def _by_verdict(verdicts: list[tuple[int, str]], walker: str) -> str:
    """Return the verdicts with the levels where they hold, what mining is meant to do first."""
    texts = list(dict.fromkeys(text for _, text in verdicts))  # in the order of levels, the same each time
    if len(texts) == 1:
        return f"{verdicts[0][1]} at every level"
    parts = []
    for verdict_text in sorted(texts, key=lambda text: text != WORKS[walker]):
        levels = [level for level, text in verdicts if text == verdict_text]
        parts.append(f"{verdict_text} at {levels_in_words(levels)}")
    return "; ".join(parts) + " (each level by its own 95% intervals)"


def _evidence(
    pooled: dict[str, Row], clamp: Row, verdicts: list[tuple[int, str]], walker: str
) -> dict[str, float | int | str | bool | None]:
    evidence: dict[str, float | int | str | bool | None] = {"clamp_energy_change": float(clamp["x"])}
    for name, row in pooled.items():
        evidence |= with_ends(name, row, "x")
        evidence[f"{name}_noise"] = float(row["noise"])
    evidence |= with_ends("advantage", pooled["energy_change"], "difference")
    evidence["levels_working"] = _working(verdicts, walker)
    for level, text in verdicts:
        evidence[f"verdict_level_{level}"] = text
    return evidence


PROBE = Probe(
    name="mining_dynamics",
    question="Does mining descend the energy, or is it the clamp or noise that moves its negatives?",
    columns=COLUMNS,
    measure=measure,
    comparison_columns=COMPARISON_COLUMNS,
    compare=compare,
    conclude=conclude,
    figure=figure,
    headlines=(
        Headline(
            key="energy_change",
            label="energy change by mining's steps (nat)",
            low="energy_change_low",
            high="energy_change_high",
        ),
        Headline(
            key="advantage",
            label="energy change beyond that of random directions (nat)",
            low="advantage_low",
            high="advantage_high",
        ),
        Headline(
            key="distance_ratio",
            label="distance to the right answer, after / before mining",
            low="distance_ratio_low",
            high="distance_ratio_high",
        ),
        Headline(
            key="moved",
            label="share of starts that mining moves",
            low="moved_low",
            high="moved_high",
        ),
    ),
    needs=("negatives",),
)

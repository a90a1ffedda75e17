"""Mistakes of optimisation: losses that rise against their promise, other losses, false saddles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_in_files import any_run, reread
from benchmarks.planted_study import any_group, changed, with_series
from ired_diag.forensics.other_loss import REPORTED, TRAINED
from ired_diag.probing.tables import Key, ProbeTable
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.table import table_of_rows
from probes.steps import PROBE

GRADIENT, FLAG = "train/gradient_norm", "train/near_saddle"
STEPS, PROMISED = 60, -1e-5  # of a step
FLAGGED = (0.3, 0.6)  # of the run

Array = NDArray[np.float64]


def keep_answer(
    place: Path, delivered: Array, *, elsewhere: Array | None = None, kept_in: Path | None = None
) -> None:
    """Keep the answer of the probe steps in a run folder, as the probe gives it to these changes of a loss.

    Args:
        place: The folder.
        delivered: Change of the loss in each step, where ``PROMISED`` was promised, of shape (steps,).
        elsewhere: Change of the loss on the next batch. Default: the same.
        kept_in: Folder of the table. Default: that of the run's probes.
    """
    other = delivered if elsewhere is None else elsewhere
    rows = []
    for taken, (change, change_elsewhere) in enumerate(zip(delivered.tolist(), other.tolist(), strict=True)):
        row: dict[str, float | str] = dict.fromkeys((column.name for column in PROBE.columns), np.nan)
        row |= {"taken": 1000 + taken, "group": "all", "term": "trained", "batch_cosine": 0.5}
        row |= {"promised": PROMISED, "promised_curved": PROMISED}
        row |= {"delivered": change, "delivered_elsewhere": change_elsewhere, "reported_cosine": 1.0}
        rows.append(row)
    table = table_of_rows(PROBE.columns, rows)
    answer = PROBE.conclude(table, PROBE.comparison(table))
    path = (kept_in or place / "probes") / f"{PROBE.name}.parquet"
    path.parent.mkdir(parents=True)
    stored = ProbeTable(path, PROBE, str(place.resolve()))
    stored.put(Key(step=1000, weights="raw", settings={}), table, answer)


def _broken_promise(bed: Bed) -> Planted:
    """The loss changes as promised, or up to twice as much in the other direction."""
    run = any_run(bed)

    def probed(place: Path, run: Run) -> None:
        noise = 0.1 * bed.rng.standard_normal(STEPS)
        keep_answer(place, PROMISED * (1 - 3 * bed.magnitude + noise))

    return reread(bed, probed, [run]), run.label


def with_two_losses(run: Run, rng: np.random.Generator, *, floor: float, growth: float) -> Run:
    """Return a run whose trained loss falls to its end, and whose reported one rests and then grows.

    Args:
        run: The run; of its history only the evaluations and the norm of the gradient stay.
        rng: Of the noise.
        floor: Where the reported loss rests, over its start.
        growth: Nats by which it grows over the last 60% of the run.
    """
    steps = run.history.series[GRADIENT].steps
    time = np.arange(len(steps)) / len(steps)
    noise = np.exp(0.02 * rng.standard_normal((2, len(steps))))
    late = np.clip(time - 0.4, 0, None) / 0.6
    curves = {
        TRAINED: np.exp(-3 * time) * noise[0],
        REPORTED: (floor + np.exp(-20 * time)) * np.exp(growth * late) * noise[1],
    }
    kept = {name: run.history.series[name] for name in (METRIC, GRADIENT)}
    losses = {name: Series(steps, values) for name, values in curves.items()}
    return replace(run, history=replace(run.history, series={**kept, **losses}))


def _other_loss(bed: Bed) -> Planted:
    group = any_group(bed.study, bed.rng)
    growth = 1.5 * bed.magnitude

    def watched(run: Run) -> Run:
        return with_two_losses(run, bed.rng, floor=0.3, growth=growth)

    return changed(bed.study, watched, group=group), group


def with_flags(run: Run, dip: Array, *, tail: Array | None = None) -> Run:
    """Return a run with a detector of saddles that fires in its middle, where its gradient dips.

    Args:
        run: The run.
        dip: Nats by which the gradient is smaller at each flagged step, of shape (points,): from the first
            flagged step to the last.
        tail: The same of the steps after them. Default: 0.
    """
    norms = run.history.series[GRADIENT]
    share = np.arange(len(norms)) / len(norms)
    is_flagged = (share >= FLAGGED[0]) & (share < FLAGGED[1])
    depth = np.zeros(len(norms))
    depth[is_flagged] = np.interp(np.linspace(0, 1, is_flagged.sum()), np.linspace(0, 1, len(dip)), dip)
    if tail is not None:
        is_late = share >= FLAGGED[1]
        depth[is_late] = np.interp(np.linspace(0, 1, is_late.sum()), np.linspace(0, 1, len(tail)), tail)
    level = float(np.median(norms.values))
    scatter = np.exp(0.05 * np.sin(7.0 * np.arange(len(norms))))
    columns = {
        GRADIENT: Series(norms.steps, level * scatter * np.exp(-depth)),
        FLAG: Series(norms.steps, is_flagged.astype(float)),
    }
    return with_series(run, columns)


def _false_saddles(bed: Bed) -> Planted:
    """At none the gradient falls to a thousandth where the detector fires, and grows again."""
    group = any_group(bed.study, bed.rng)
    depth = np.log(1000) * (1 - bed.magnitude)
    dip = depth * np.array([0.0, 1.0, 1.0, 0.0])
    return changed(bed.study, lambda run: with_flags(run, dip), group=group), group


FAULTS = (
    Fault("broken_promise", "a loss changes by 1 to -2 times what is promised", "warning", _broken_promise),
    Fault("other_loss", "a reported loss grows 1 to 4.5 times, the trained falls", "warning", _other_loss),
    Fault("saddle_flags", "saddles flagged at 0.001 to 1 of the usual gradient", "warning", _false_saddles),
)

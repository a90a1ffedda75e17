"""What a probe measured in several runs at one step of training: each run there, or at its own last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ired_diag.drawing.run_table import Measured, RunTable


@dataclass(frozen=True)
class AtStep:
    """What was measured at a step.

    Attributes:
        measured: What was measured, run by run.
        without: Tables of the runs that were not probed there.
        step: The step; None where each run stands at its own last one.
        weights: The kind of weights.
    """

    measured: tuple[Measured, ...]
    without: tuple[RunTable, ...]
    step: int | None
    weights: str

    def words(self) -> str:
        """Return which runs are left out, and the command that probes them there; empty where none is."""
        if not self.without:
            return ""
        labels = ", ".join(table.label for table in self.without)
        first = self.without[0]
        if self.step is None:
            at, command = "", first.command("last")
        else:
            at, command = f" at step {self.step}", first.command(self.step)
        return f"Not measured{at} with {self.weights} weights, left out: {labels}. To measure: {command}."


def steps_by_weights(tables: Iterable[RunTable]) -> dict[str, list[int]]:
    """Return the steps at which any of several runs was probed, ascending, by weights.

    A checkpoint that does not record its step has none. The weights that were probed last stand last.

    Raises:
        UnreadableFile: A table is damaged.
    """
    steps: dict[str, set[int]] = {}
    for table in tables:
        for weights, measured in table.measured_at().items():
            recorded = {step for step in measured if step >= 0}
            steps.setdefault(weights, set()).update(recorded)
    return {weights: sorted(recorded) for weights, recorded in steps.items()}


def at_step(tables: Sequence[RunTable], weights: str, step: int | None = None) -> AtStep:
    """Return what was measured in each run.

    Args:
        tables: Tables of one probe, one for each run.
        weights: The kind of weights.
        step: Training step. Default: each run's last one.

    Raises:
        UnreadableFile: A table is damaged.
    """
    measured, without = [], []
    for table in tables:
        steps = table.measured_at().get(weights, [])
        if not steps or (step is not None and step not in steps):
            without.append(table)
            continue
        wanted = max(steps) if step is None else step
        measured += table.read([wanted], weights)
    return AtStep(tuple(measured), tuple(without), step, weights)

"""What a probe measured in several runs at one step of training: each run there, or at its own last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ired_diag.figures.probe_tables import Measured, RunTable


@dataclass(frozen=True)
class AtStep:
    """What was measured at a step.

    Attributes:
        measured: Run by run.
        without: Tables of the runs that were not probed there.
        step: The step; None where each run stands at its own last one.
        weights: Which.
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
        at = "" if self.step is None else f" at step {self.step}"
        command = self.without[0].command("last" if self.step is None else self.step)
        return f"Not measured{at} with {self.weights} weights, left out: {labels}. To measure: {command}."


def steps_by_weights(tables: Iterable[RunTable]) -> dict[str, list[int]]:
    """Return the steps at which any of several runs was probed, ascending, by weights.

    A checkpoint that does not tell its step has none. The weights that were probed last stand last.

    Raises:
        UnreadableFile: A table is damaged.
    """
    steps: dict[str, set[int]] = {}
    for table in tables:
        for weights, told in table.measured_at().items():
            steps.setdefault(weights, set()).update(step for step in told if step >= 0)
    return {weights: sorted(told) for weights, told in steps.items()}


def at_step(tables: Sequence[RunTable], weights: str, step: int | None = None) -> AtStep:
    """Return what was measured in each run.

    Args:
        tables: Of one probe, a run each.
        weights: Which.
        step: Of training; each run's last one without it.

    Raises:
        UnreadableFile: A table is damaged.
    """
    measured, without = [], []
    for table in tables:
        told = table.measured_at().get(weights, [])
        if told and (step is None or step in told):
            measured += table.read([max(told) if step is None else step], weights)
        else:
            without.append(table)
    return AtStep(tuple(measured), tuple(without), step, weights)

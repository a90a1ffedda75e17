"""A probe: a question put to a model at a checkpoint.

It measures a table of declared columns, compares what it measured, says the answer in one sentence with
numbers, and draws one figure. ``measure`` is pure; the others read its table only, never the model, so that
a table that lies on disk answers again without measuring.

Where a probe was put to several checkpoints, the numbers of its answers are drawn against the training step:
``headlines`` names those that count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ired_diag.drawing.data import FigureData
from ired_diag.drawing.headline import Headline as Headline  # probes take both from here
from ired_diag.drawing.run_table import KEY
from ired_diag.errors import NotApplicable
from ired_diag.finding import Finding
from ired_diag.runs.checkpoint import Weights
from ired_diag.subject import NEEDS, Subject
from ired_diag.table import Column, Table, check_table, concatenate

ALL_LEVELS = -1  # in a column `level`: over all noise levels


@dataclass(frozen=True)
class Probe:
    """One probe.

    Attributes:
        name: Its name, and that of its file.
        question: What it asks; ends in a question mark.
        columns: The columns of its table.
        measure: Subject in, table out.
        comparison_columns: The columns of its comparison.
        compare: Table in, comparison out: effects or summaries with intervals, a row each.
        conclude: Table and comparison in, the answer in one sentence out.
        figure: Table in, picture out.
        headlines: The numbers of its answer that are followed over training.
        needs: What a model must have to be asked: of ``ired_diag.subject.NEEDS``, or what the energy or the
            problems of one task offer, in words. A probe that needs
            ``negatives`` is given one chunk of them at a time, in ``Subject.batch``, and its tables are put
            together.
        weights: The weights that it looks at by default: training mined with the raw ones, evaluation used
            the averaged ones.
        samples: How many problems it looks at by default.
        sampling: How it samples answers of the model, as its table states it; empty if it samples none, and
            then no precision can be asked of it.
        over_training: Steps and answers in, the answer over training out; without it, a plain one.
        version: To be raised whenever the same settings give another table: old tables are then stale.
    """

    name: str
    question: str
    columns: Sequence[Column]
    measure: Callable[[Subject], Table]
    comparison_columns: Sequence[Column]
    compare: Callable[[Table], Table]
    conclude: Callable[[Table, Table], Finding]
    figure: Callable[[Table], FigureData]
    headlines: Sequence[Headline] = ()
    needs: tuple[str, ...] = ()
    weights: Weights = "raw"
    samples: int = 1024
    sampling: Mapping[str, object] = field(default_factory=dict, hash=False)
    over_training: Callable[[Sequence[int], Sequence[Finding]], Finding] | None = None
    version: int = 1

    def __post_init__(self) -> None:
        taken = [column.name for column in self.columns if column.name in KEY]
        if taken:
            raise ValueError(f"the probe {self.name}: a table has the column {taken[0]!r} of its own")

    def __call__(self, subject: Subject) -> Table:
        """Return the measured table, checked against the declared columns."""
        self.check(subject)
        if self.negatives and subject.negatives is None:
            table = concatenate([self.measure(chunk) for chunk in subject.chunks()])
        else:
            table = self.measure(subject)
        check_table(table, self.columns, self.name)
        return table

    @property
    def negatives(self) -> bool:
        """Whether it looks at mined negatives."""
        return "negatives" in self.needs

    @property
    def own_energies(self) -> bool:
        """Whether it can be put to an energy of any kind that has noise levels or a sampler."""
        return not self.is_of_training and set(self.needs) <= set(NEEDS)

    @property
    def is_of_training(self) -> bool:
        """Whether it takes steps of the training, of any task; all others look at an energy."""
        return "training" in self.needs

    def check(self, subject: Subject) -> None:
        """Refuse a model that lacks what the probe needs.

        Raises:
            NotApplicable: It does; the message names what is lacking.
        """
        needs = self.needs if self.is_of_training else ("energy", *self.needs)
        for need in needs:
            if need not in subject.offers:
                raise NotApplicable(f"needs {NEEDS.get(need, need)}, and this model has none")

    def comparison(self, table: Table) -> Table:
        """Return the comparison, checked against its declared columns."""
        comparison = self.compare(table)
        check_table(comparison, self.comparison_columns, f"{self.name}, comparison")
        return comparison

    def trend(self, steps: Sequence[int], findings: Sequence[Finding]) -> Finding:
        """Return the answer over training.

        Args:
            steps: Training steps, ascending.
            findings: The answer at each.
        """
        if self.over_training is not None:
            return self.over_training(steps, findings)
        return plain_trend(self, steps, findings)


def plain_trend(probe: Probe, steps: Sequence[int], findings: Sequence[Finding]) -> Finding:
    """Return how the probe's first headline went over training: its ends, and its extremes."""
    headline, rule = probe.headlines[0], f"{probe.name}_over_training"
    values: list[tuple[int, float]] = []
    for step, finding in zip(steps, findings, strict=True):
        value = finding.evidence.get(headline.key)
        if isinstance(value, int | float) and math.isfinite(value):
            values.append((step, float(value)))
    if not values:
        return Finding(rule, "note", f"Over training, {headline.label}: no checkpoint has a number.")
    (first_step, first), (last_step, last) = values[0], values[-1]
    low_step, low = min(values, key=lambda pair: pair[1])
    high_step, high = max(values, key=lambda pair: pair[1])
    ends = f"from {first:.4g} (step {first_step}) to {last:.4g} (step {last_step})"
    extremes = f"lowest {low:.4g} at {low_step}, highest {high:.4g} at {high_step}"
    statement = f"Over {len(values)} checkpoints, {headline.label} goes {ends}; {extremes}."
    evidence = {
        "first": first,
        "last": last,
        "low": low,
        "high": high,
        "low_step": low_step,
        "high_step": high_step,
    }
    return Finding(rule, "note", statement, evidence)

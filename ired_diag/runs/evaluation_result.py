"""One number that an evaluation of a model gave, with what the file says about it.

The metric's name has the form ``<data>/<measure>``: ``test/accuracy``, ``ood/loss``; without the first part
where the file does not say on which data the model was evaluated. Everything that the file does not say is
None or empty: the kind of a spread, the number of samples, the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

DISTRIBUTIONS = {True: "out of distribution", False: "in distribution", None: ""}


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """One number, or the error in its place.

    Attributes:
        metric: Name of the metric, ``test/accuracy``; empty where an error stands in place of all numbers.
        value: The number as printed, NaN included; None where nothing was measured.
        spread: What stands after ``±``.
        spread_kind: ``standard deviation``, ``standard error`` or ``confidence interval``; empty: unknown.
        unit: ``%`` or ``dB``; empty: the plain number.
        note: What the file adds to the name in brackets, such as a threshold, ``error<0.01``.
        n: Number of samples.
        batches: The batch after which a running value was printed, where no final value follows it.
        last_batch: The last batch for which the log prints a running value of the same metric.
        model: Name of the model that was evaluated.
        checkpoint: Path of its checkpoint.
        experiment: Name of the evaluation, from its configuration or its header.
        dataset: Name of the data set.
        rank: The rank of the data, where the task varies it.
        ood: Whether the data are out of distribution.
        final: Whether the file calls it final.
        error: The error that was printed in place of a number.
        source: The file.
        line: The line in it, from 1; None in a JSON file.
    """

    metric: str
    value: float | None
    source: Path
    line: int | None = None
    spread: float | None = None
    spread_kind: str = ""
    unit: str = ""
    note: str = ""
    n: int | None = None
    batches: int | None = None
    last_batch: int | None = None
    model: str = ""
    checkpoint: str = ""
    experiment: str = ""
    dataset: str = ""
    rank: int | None = None
    ood: bool | None = None
    final: bool = False
    error: str = ""

    @property
    def measure(self) -> str:
        """The metric without the data that it was measured on: ``accuracy``."""
        return self.metric.rpartition("/")[2]

    @property
    def partial(self) -> bool:
        """Whether the number is a running value of an evaluation that gave no final one."""
        return self.batches is not None

    @property
    def where(self) -> str:
        """The file's name and the line: ``eval_17.out:1067``."""
        name = self.source.name
        return f"{name}:{self.line}" if self.line else name

    @property
    def words(self) -> str:
        """The number as a sentence says it: ``test/accuracy 0.913 ± 0.012``."""
        if self.error:
            return f"ERROR - {self.error}"
        words = f"{self.metric} not measured"
        if self.value is not None:
            words = f"{self.metric} {self.value:.6g}{self.unit}"
        if self.spread is not None:
            words += f" ± {self.spread:.6g}{self.unit}"
        if self.partial:
            words += f" (running value after batch {self.batches})"
        return words

    @property
    def data(self) -> str:
        """The data as a table says them: ``inverse, out of distribution``."""
        distribution = DISTRIBUTIONS[self.ood]
        return ", ".join(filter(None, (self.dataset, distribution)))


def as_json(result: EvaluationResult) -> dict[str, Any]:
    """Return a result as JSON holds it; what is unknown is left out."""
    content: dict[str, Any] = {}
    for name, value in asdict(result).items():
        if value not in (None, ""):
            content[name] = value
    content["metric"] = result.metric
    content["value"] = result.value
    content["source"] = str(result.source)
    return content


def from_json(content: Mapping[str, Any]) -> EvaluationResult:
    """Return the result that ``as_json`` wrote.

    Raises:
        TypeError: A key is missing.
    """
    values: dict[str, Any] = {}
    for field in fields(EvaluationResult):
        if field.name in content:
            values[field.name] = content[field.name]
    values["source"] = Path(str(content.get("source", "")))
    return EvaluationResult(**values)

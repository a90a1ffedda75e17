"""A run in words and as rows of tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from app.dashboard.components.table import NONE, number
from ired_diag import tasks
from ired_diag.drawing.headline import Headline
from ired_diag.drawing.probe_tables import RunTable
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict

UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
UNKNOWN = "unknown"  # a value that the file does not hold


@dataclass(frozen=True)
class Setting:
    """A key of a run's configuration.

    Attributes:
        key: Name of the key.
        value: Value as JSON.
        default: Default value as JSON; empty where the run has the default, or where the default is unknown.
        others: Other values in the group, as JSON; empty where all runs have the same value.
    """

    key: str
    value: str
    default: str = ""
    others: str = ""


def verdict_in_words(verdict: Verdict) -> str:
    """Return what a run's curve did, in a few sentences.

    >>> verdict_in_words(Verdict("q101/seed0", "complete"))
    'The run logged no metric that says how good the model is.'
    """
    if verdict.metric is None:
        return "The run logged no metric that says how good the model is."
    shape = (verdict.shape or "not judged").replace("_", " ").capitalize()
    sentences = [
        f"{shape}, by {verdict.evaluations} evaluations of {verdict.metric}.",
        *_extremes(verdict),
        *_plateau(verdict),
        *_outliers(verdict),
    ]
    return " ".join(sentences)


def _extremes(verdict: Verdict) -> Iterator[str]:
    last = number(verdict.last)
    last_step = number(verdict.last_step)
    yield f"Last: {last} at step {last_step}."
    if verdict.best is not None:
        best = number(verdict.best)
        best_step = number(verdict.best_step)
        cause = ""
        if verdict.best_is_luck:
            cause = ", which is explained by noise around a constant level"
        yield f"Best: {best} at step {best_step}{cause}."
    if verdict.onset is not None:
        yield _onset(verdict)
    if verdict.shape == "converged" and verdict.won is not None and verdict.won > 0:
        percent = 100 * verdict.won
        yield f"It gained {percent:.2g}%."


def _onset(verdict: Verdict) -> str:
    """Return from which step on a curve becomes worse for good."""
    worse = "rises"
    if verdict.direction and not verdict.direction.lower_is_better:
        worse = "falls"
    onset = number(verdict.onset)
    low = number(verdict.onset_low)
    high = number(verdict.onset_high)
    return f"It {worse} for good from step {onset} on (between {low} and {high})."


def _plateau(verdict: Verdict) -> Iterator[str]:
    if verdict.plateau_step is not None:
        yield f"Its plateau begins at step {number(verdict.plateau_step)}."
    elif verdict.no_plateau and verdict.shape in ("converged", "stuck", "no_trend"):
        yield f"It has no plateau: {verdict.no_plateau}."


def _outliers(verdict: Verdict) -> Iterator[str]:
    if verdict.restarts:
        yield f"It restarts {verdict.restarts} times, and is judged by the ends of its cycles."
    if verdict.ends_in_spike:
        yield "Only its last evaluation is far worse than those before it."
    if verdict.spikes == 1:
        yield "1 single evaluation stands out."
    elif verdict.spikes:
        yield f"{verdict.spikes} single evaluations stand out."


def settings_of(run: Run, siblings: Sequence[Run]) -> list[Setting]:
    """Return a run's configuration, key by key.

    Args:
        run: The run.
        siblings: The other runs of its group.
    """
    configuration = run.configuration or {}
    others = [other.configuration for other in siblings if other.configuration is not None]
    keys = dict.fromkeys(configuration)
    for other in others:
        keys.update(dict.fromkeys(other))
    settings = []
    for key in keys:
        value = _json(configuration, key)
        different = dict.fromkeys(_json(other, key) for other in others)
        different.pop(value, None)
        setting = Setting(
            key=key,
            value=value,
            default=_default(configuration, key),
            others=", ".join(different),
        )
        settings.append(setting)
    return settings


def _json(configuration: Mapping[str, Any], key: str) -> str:
    if key not in configuration:
        return "not set"
    return json.dumps(configuration[key], ensure_ascii=False, default=str)


def _default(configuration: Mapping[str, Any], key: str) -> str:
    task = tasks.load(tasks.DEFAULT)
    field = task.settings.model_fields.get(key)
    if field is None or field.is_required():
        return ""
    if key not in configuration:
        return ""
    default = field.default
    if isinstance(default, tuple):  # JSON has lists only
        default = list(default)
    if configuration[key] == default:
        return ""
    return json.dumps(default)


def headline_in_words(headline: Headline, evidence: Mapping[str, Any]) -> str:
    """Return a number of a probe's answer, with its interval: ``skill: 0.2 (0.1 to 0.3)``."""
    value = evidence.get(headline.key)
    words = UNKNOWN
    if _is_number(value):
        words = number(float(value))
    low = evidence.get(headline.low)
    high = evidence.get(headline.high)
    if _is_known_number(low) and _is_known_number(high):
        low_end = number(float(low))
        high_end = number(float(high))
        words += f" ({low_end} to {high_end})"
    return f"{headline.label}: {words}"


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float)


def _is_known_number(value: Any) -> TypeGuard[int | float]:
    return _is_number(value) and value == value


def steps_in_words(table: RunTable) -> str:
    """Return the steps at which a probe measured."""
    steps = []
    for step in table.answers():
        words = UNKNOWN
        if step >= 0:
            words = str(step)
        steps.append(words)
    return ", ".join(steps) or NONE


def answers_in_words(table: RunTable) -> list[str]:
    """Return the headlines of a table's last step; where it has none, the statement of its latest answer."""
    answers = table.answers()
    if not answers:
        return ["Its file holds no answer."]
    step, evidence = max(answers.items())
    if table.headlines:
        return [headline_in_words(headline, evidence) for headline in table.headlines]
    statement = ""
    for answer in table.metadata.get("answers", []):
        if answer["step"] == step:
            statement = str(answer["statement"])
    return [statement]


def series_rows(run: Run) -> list[tuple[str, int, str, str, str, str]]:
    """Return of each metric name, points, last step, last value, smallest and largest finite value."""
    rows = []
    for name, series in sorted(run.history.series.items()):
        if not len(series):
            continue
        step = number(float(series.steps[-1]))
        last = number(float(series.values[-1]))
        smallest = NONE
        largest = NONE
        finite = series.values[np.isfinite(series.values)]
        if len(finite):
            smallest = number(float(finite.min()))
            largest = number(float(finite.max()))
        row = (name, len(series), step, last, smallest, largest)
        rows.append(row)
    return rows


def size_in_words(size: int) -> str:
    """Return the size of a file.

    >>> size_in_words(1_234_567), size_in_words(12)
    ('1.23 MB', '12 bytes')
    """
    for unit, size_of_unit in UNITS:
        if size >= size_of_unit:
            in_unit = size / size_of_unit
            return f"{in_unit:.3g} {unit}"
    return f"{size} bytes"

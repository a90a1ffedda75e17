"""What is said of one run, in words and as rows of tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.dashboard.components.table import NONE, number
from ired_diag import tasks
from ired_diag.figures.headline import Headline
from ired_diag.figures.probe_tables import RunTable
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict

UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


@dataclass(frozen=True)
class Setting:
    """A key of a run's configuration.

    Attributes:
        key: Its name.
        value: As JSON.
        default: As JSON, where the value is another; empty where it is the default, or none is known.
        others: Values of other runs of the group, where some have another one.
    """

    key: str
    value: str
    default: str = ""
    others: str = ""


def verdict_in_words(verdict: Verdict) -> str:
    """Return what a run's curve did, in a few sentences.

    >>> verdict_in_words(Verdict("q101/seed0", "complete"))
    'Nothing that tells how good the model is was logged.'
    """
    if verdict.metric is None:
        return "Nothing that tells how good the model is was logged."
    shape = (verdict.shape or "not judged").replace("_", " ").capitalize()
    return " ".join(
        [f"{shape}, by {verdict.evaluations} evaluations of {verdict.metric}.", *_details(verdict)]
    )


def _details(verdict: Verdict) -> Iterator[str]:
    yield f"Last: {number(verdict.last)} at step {number(verdict.last_step)}."
    if verdict.best is not None:
        luck = ", which noise around one level explains" if verdict.best_is_luck else ""
        yield f"Best: {number(verdict.best)} at step {number(verdict.best_step)}{luck}."
    if verdict.onset is not None:
        between = f"{number(verdict.onset_low)} and {number(verdict.onset_high)}"
        worse = "falls" if verdict.direction and not verdict.direction.lower_is_better else "rises"
        yield f"It {worse} for good from step {number(verdict.onset)} on (between {between})."
    if verdict.shape == "converged" and verdict.won is not None and verdict.won > 0:
        yield f"It gained {100 * verdict.won:.2g}%."
    if verdict.plateau_step is not None:
        yield f"It rests from step {number(verdict.plateau_step)} on."
    elif verdict.no_plateau and verdict.shape in ("converged", "stuck", "no_trend"):
        yield f"It has no plateau: {verdict.no_plateau}."
    if verdict.restarts:
        yield f"It restarts {verdict.restarts} times, and is judged by the ends of its cycles."
    if verdict.ends_in_spike:
        yield "Its last evaluation alone is far worse than those before it."
    if verdict.spikes:
        yield f"{verdict.spikes} single evaluation{'s stand' if verdict.spikes > 1 else ' stands'} out."


def settings_of(run: Run, siblings: Sequence[Run]) -> list[Setting]:
    """Return a run's configuration, key by key.

    Args:
        run: The run.
        siblings: The other runs of its group.
    """
    told = run.configuration or {}
    others = [other.configuration for other in siblings if other.configuration is not None]
    keys = list(dict.fromkeys([*told, *(key for other in others for key in other)]))
    return [Setting(key, _json(told, key), _default(told, key), _others(told, key, others)) for key in keys]


def _json(told: Mapping[str, Any], key: str) -> str:
    return json.dumps(told[key], ensure_ascii=False, default=str) if key in told else "not told"


def _default(told: Mapping[str, Any], key: str) -> str:
    field = tasks.load(tasks.DEFAULT).settings.model_fields.get(key)
    if field is None or field.is_required() or key not in told:
        return ""
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return "" if told[key] == default else json.dumps(default)


def _others(told: Mapping[str, Any], key: str, others: Sequence[Mapping[str, Any]]) -> str:
    mine = _json(told, key)
    different = dict.fromkeys(_json(other, key) for other in others)
    different.pop(mine, None)
    return ", ".join(different)


def headline_in_words(headline: Headline, evidence: Mapping[str, Any]) -> str:
    """Return a number of a probe's answer, with its interval: ``skill: 0.2 (0.1 to 0.3)``."""
    value = evidence.get(headline.key)
    told = number(float(value)) if isinstance(value, int | float) else "not told"
    ends = [evidence.get(end) for end in (headline.low, headline.high)]
    known = [float(end) for end in ends if isinstance(end, int | float) and end == end]
    between = f" ({number(known[0])} to {number(known[1])})" if len(known) == 2 else ""
    return f"{headline.label}: {told}{between}"


def steps_in_words(table: RunTable) -> str:
    """Return the steps at which a probe measured."""
    return ", ".join(str(step) if step >= 0 else "not told" for step in table.answers()) or NONE


def answers_in_words(table: RunTable) -> list[str]:
    """Return the headlines of a table's last step; where it has none, the statement of its latest answer."""
    told = table.answers()
    if not told:
        return ["No answer is told in its file."]
    step, evidence = max(told.items())
    if table.headlines:
        return [headline_in_words(headline, evidence) for headline in table.headlines]
    statements = [one["statement"] for one in table.metadata.get("answers", []) if one["step"] == step]
    return [str(statements[-1])]


def series_rows(run: Run) -> list[tuple[str, int, str, str, str, str]]:
    """Return of each metric name, points, last step, last value, smallest and largest finite value."""
    rows = []
    for name, series in sorted(run.history.series.items()):
        if not len(series):
            continue
        finite = series.values[np.isfinite(series.values)]
        ends = (number(float(finite.min())), number(float(finite.max()))) if len(finite) else (NONE, NONE)
        last = number(float(series.values[-1]))
        rows.append((name, len(series), number(float(series.steps[-1])), last, *ends))
    return rows


def size_in_words(size: int) -> str:
    """Return a size of a file.

    >>> size_in_words(1_234_567), size_in_words(12)
    ('1.23 MB', '12 bytes')
    """
    for unit, one in UNITS:
        if size >= one:
            return f"{size / one:.3g} {unit}"
    return f"{size} bytes"

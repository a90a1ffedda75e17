"""Which runs a filter keeps: those that hold each of its words, or that fulfil its condition.

A filter with a comparison in it (``<``, ``>``, ``=``) is a condition as ``ls --where`` has it:
``q103 and lr<1e-3``, ``state == failed or last > 0.02``. Any other filter is words, in upper or lower case.
Last and best values, steps and states are those of the table, so that no history is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.dashboard.snapshot import Entry
from ired_diag.errors import DiagError
from ired_diag.runs.run import Run
from ired_diag.runs.where import value_of, where

COMPARISONS = "<>="
OPTION = "--where: "  # how the command line calls a filter


def matching(entries: Iterable[Entry], words: str) -> list[Entry]:
    """Return the runs that a filter keeps; none where it is a condition that is not understood."""
    entries = list(entries)
    if is_condition(words):
        try:
            return _fulfilling(entries, words)
        except DiagError:  # a reader who types has half a condition; ``problem_of`` says what is wrong
            return []
    wanted = words.lower().split()
    if not wanted:
        return entries
    matches = []
    for entry in entries:
        text = _text(entry)
        if all(word in text for word in wanted):
            matches.append(entry)
    return matches


def is_condition(words: str) -> bool:
    """Say whether a filter is a condition, and not words."""
    return any(sign in words for sign in COMPARISONS)


def problem_of(entries: Iterable[Entry], words: str) -> str:
    """Return what is wrong with a filter; empty where it is understood."""
    if not is_condition(words):
        return ""
    try:
        _fulfilling(list(entries), words)
    except DiagError as error:
        return str(error).removeprefix(OPTION)
    return ""


def _fulfilling(entries: Sequence[Entry], condition: str) -> list[Entry]:
    """Return the entries whose runs fulfil a condition.

    Raises:
        DiagError: It is no condition, or compares what no run states.
    """
    entry_of = {id(entry.run): entry for entry in entries}

    def value(run: Run, name: str) -> Any:
        return _value(entry_of[id(run)], name)

    kept = where(condition, [entry.run for entry in entries], value=value)
    return [entry_of[id(run)] for run in kept]


def _value(entry: Entry, name: str) -> Any:
    """Return what a run states under a name, by its verdict where a history would have to be read."""
    verdict = entry.verdict
    match name:
        case "state":
            return entry.completion.replace(" ", "_")
        case "metric":
            return verdict.metric
        case "evaluations":
            return verdict.evaluations
        case "step":
            return verdict.last_step
        case "last":
            return verdict.last
        case "best":
            return verdict.best
    return value_of(entry.run, name)


def _text(entry: Entry) -> str:
    """Return the words of a run in lower case, each also with spaces for its underscores."""
    run, verdict = entry.run, entry.verdict
    mining = (run.configuration or {}).get("mining_strategy")
    words = (run.label, run.name, entry.completion, run.ending.label, verdict.shape, mining)
    text = " ".join(map(str, filter(None, words))).lower()
    return f"{text} {text.replace('_', ' ')}"

"""Which runs a filter keeps: those that hold each of its words, in upper or lower case."""

from __future__ import annotations

from collections.abc import Iterable

from app.dashboard.snapshot import Entry


def matching(entries: Iterable[Entry], words: str) -> list[Entry]:
    """Return the runs whose label, name, state, verdict or mining strategy hold all words of a filter."""
    matches = []
    for entry in entries:
        text = _text(entry)
        if all(word in text for word in words.lower().split()):
            matches.append(entry)
    return matches


def _text(entry: Entry) -> str:
    """Return the words of a run in lower case, each also with spaces for its underscores."""
    run, verdict = entry.run, entry.verdict
    mining = (run.configuration or {}).get("mining_strategy")
    words = (run.label, run.name, entry.completion, run.ending.label, verdict.shape, mining)
    text = " ".join(map(str, filter(None, words))).lower()
    return f"{text} {text.replace('_', ' ')}"

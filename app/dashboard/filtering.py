"""Which runs a filter keeps: those that every one of its words is found in, in whatever case."""

from __future__ import annotations

from collections.abc import Iterable

from app.dashboard.snapshot import Entry


def matching(entries: Iterable[Entry], words: str) -> list[Entry]:
    """Return the runs whose label, name, state, verdict or mining strategy hold all words of a filter."""
    wanted = words.lower().split()
    return [entry for entry in entries if all(word in _text(entry) for word in wanted)]


def _text(entry: Entry) -> str:
    run, verdict = entry.run, entry.verdict
    mining = (run.configuration or {}).get("mining_strategy")
    told = (run.label, run.name, entry.completion, run.ending.label, verdict.shape, mining)
    return " ".join(str(word).replace("_", " ") + f" {word}" for word in told if word).lower()

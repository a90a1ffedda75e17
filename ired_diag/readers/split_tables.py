"""Tables of one run, one for each part of the data: ``train.csv`` and ``val.csv`` next to each other.

Files of one folder and one format whose names say different parts of the data, and each of them once, are one
run. A metric whose own name does not say its part gets it from the file: ``loss`` of ``val.csv`` is
``val/loss``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.finding import Finding
from ired_diag.readers.replacements import with_replacements
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import History, Series
from ired_diag.runs.place import is_name
from ired_diag.runs.run import Run

PARTS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "eval": "eval",
    "evaluation": "eval",
    "dev": "dev",
    "test": "test",
    "testing": "test",
}
TABLES = ("metrics_csv", "metrics_jsonl")


def join_parts(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; the tables of the parts of one run are joined into one."""
    attempts = list(attempts)
    folders: dict[tuple[Path, str, int | None], list[Run]] = defaultdict(list)
    for attempt in attempts:
        if _part(attempt):
            folder = attempt.path.parent
            folders[folder, attempt.format, attempt.seed].append(attempt)
    joined: dict[int, Run | None] = {}
    for members in folders.values():
        parts = {_part(member) for member in members}
        if len(members) > 1 and len(parts) == len(members):
            joined |= {id(member): None for member in members}
            joined[id(members[0])] = _join(members)
    return with_replacements(attempts, joined)


def _part(attempt: Run) -> str:
    """Return the part of the data that a table's file name says, where it says nothing else; else nothing."""
    stem = attempt.path.stem
    if attempt.format not in TABLES or is_name(stem):
        return ""
    parts = {PARTS[word] for word in _words(stem) & PARTS.keys()}
    return parts.pop() if len(parts) == 1 else ""


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


def _join(members: Sequence[Run]) -> Run:
    series: dict[str, Series] = {}
    source: list[Path] = []
    findings: list[Finding] = []
    for member in members:
        part = _part(member)
        for name, values in member.history.series.items():
            states_part = _words(name) & PARTS.keys()
            series[name if states_part else f"{part}/{name}"] = values
        source.extend(member.sources)
        findings.extend(member.findings)
    metric = evaluation_metric(series)
    first = next((member for member in members if member.configuration), members[0])
    return replace(
        first,
        path=source[0],
        sources=tuple(source),
        history=History(series),
        evaluations=len(series[metric]) if metric else 0,
        findings=tuple(findings),
    )

"""How a text log is read, in words: its lines, its step and why, its metrics, and what was not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.readers.catboost_lines import judged_metric
from ired_diag.readers.printed_settings import printed_settings, settings_differ
from ired_diag.readers.runs_in_text import runs_in_text
from ired_diag.readers.text_head import read_head
from ired_diag.readers.text_layout import LineKind
from ired_diag.readers.text_log import FORMAT_NAME, TextLog, read_text, scalar_log
from ired_diag.readers.text_scan import Scan, scan
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, measures_in, words_of

MOST_FORMS = 3
MOST_SETTINGS = 12
KINDS: dict[LineKind, str] = {
    "row": "with a step and metrics",
    "pairs": "with metrics, at the step of the line before",
    "triple": "with a step, a name and a number",
    "run": "with the number of a run",
    "cell": "of box tables",
    "header": "with a step alone, or headings",
    "section": "headings in box tables",
    "bar": "progress bars",
    "rule": "rules",
    "blank": "blank",
    "other": "not understood",
}


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """How a text log is read.

    Attributes:
        path: The file.
        lines: How many lines there are of each kind, in words.
        program: What is printed at its head, in words; empty where nothing is.
        settings: The settings that it prints, in words; empty where it prints none.
        runs: What each of several runs is called; the metrics are those of the last one.
        step: Its step and why; empty where no line states one next to a metric.
        metrics: Its metrics, in words, by what they measure: evaluation, training, other.
        judged_by: The metric that judges the run.
        not_understood: The commonest forms of the lines that were not understood, and how often each stands.
        notes: What was read in one of several ways.
    """

    path: Path
    lines: dict[str, int]
    program: str = ""
    settings: str = ""
    runs: list[str] = field(default_factory=list)
    step: str = ""
    metrics: dict[str, list[str]] = field(default_factory=dict)
    judged_by: str = ""
    not_understood: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """The explanation, line by line."""
        counts = ", ".join(f"{count} {kind}" for kind, count in self.lines.items())
        total = sum(self.lines.values())
        lines = [f"{self.path}: {total} lines: {counts}."]
        if self.program:
            lines.append(f"  program at the head: {self.program}")
        if self.settings:
            lines.append(f"  settings: {self.settings}")
        if self.runs:
            lines.append(f"  {len(self.runs)} runs, taken apart by their numbers: {', '.join(self.runs)}")
        lines.append(f"  step: {self.step or 'no line states a step next to a metric'}")
        for kind, names in self.metrics.items():
            lines.append(f"  {kind}: {'; '.join(names)}")
        if self.judged_by:
            lines.append(f"  judged by: {self.judged_by}")
        lines += [f"  note: {note}" for note in self.notes]
        if self.not_understood:
            lines.append("  not understood, the commonest forms (# is a number):")
            lines += [f"    {count} x {form}" for count, form in self.not_understood]
        return lines

    @property
    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "path": self.path,
            "format": FORMAT_NAME,
            "lines": self.lines,
            "program": self.program,
            "settings": self.settings,
            "runs": self.runs,
            "step": self.step,
            "metrics": self.metrics,
            "judged_by": self.judged_by,
            "not_understood": [{"count": count, "form": form} for count, form in self.not_understood],
            "notes": self.notes,
        }


def explain(path: Path) -> Explanation:
    """Return how a file is read as a text log, whether or not it is one.

    Raises:
        UnreadableFile: It cannot be read.
    """
    try:
        text = read_text(path)
    except UnreadableFile:
        head = read_head(path)
        scanned = scan(path, start=head.length)
        return Explanation(path=path, lines=_lines(scanned), not_understood=_forms(scanned))
    start = text.head.length
    parts = [] if settings_differ(path, start=start) else runs_in_text(text.scan, text.rows)
    log = scalar_log(parts[-1].table, stated={}, torn=False, notes=[]) if parts else text.log
    history = log.history
    recorded = judged_metric(history)
    return Explanation(
        path=path,
        lines=_lines(text.scan),
        program=_program(text),
        settings=_listed(printed_settings(path, start=start, most_lines=int(text.rows.lines[0]))),
        runs=[
            f"seed {part.stated['seed']}" if "seed" in part.stated else part.stated["run"] for part in parts
        ],
        step=_step(text),
        metrics=_metrics(history.series),
        judged_by=recorded.name if recorded else evaluation_metric(history.series) or "",
        not_understood=_forms(text.scan),
        notes=[finding.statement for finding in log.findings],
    )


def _lines(scanned: Scan) -> dict[str, int]:
    lines = {words: scanned.counts[kind] for kind, words in KINDS.items() if scanned.counts[kind]}
    if scanned.torn:
        lines["half written at the end"] = 1
    return lines


def _program(text: TextLog) -> str:
    head = text.head
    if not head.sha256:
        return ""
    return f"{head.lines} lines, sha256 {head.sha256}; its settings: {_listed(head.settings) or 'none'}"


def _listed(values: Mapping[str, Any]) -> str:
    """Return the first settings, each with its value; nothing where there are none."""
    settings = [f"{name} = {value}" for name, value in values.items()]
    listed = ", ".join(settings[:MOST_SETTINGS])
    if len(settings) > MOST_SETTINGS:
        listed += f", and {len(settings) - MOST_SETTINGS} more"
    return listed


def _step(text: TextLog) -> str:
    rows = text.rows
    last = int(rows.table.steps[-1])
    planned = f" of {rows.planned}" if rows.planned else ""
    taken = f"; {rows.without_step} lines take the step of a line before them" if rows.without_step else ""
    return f"{rows.reason}; the last one is {last}{planned}{taken}"


def _metrics(series: dict[str, Series] | Any) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"evaluation": [], "training": [], "other columns": []}
    for name, values in series.items():
        words = f"{name} ({len(values)} values, last {values.values[-1]:.6g} at step {values.steps[-1]})"
        kinds[_kind(name)].append(words)
    return {kind: names for kind, names in kinds.items() if names}


def _kind(name: str) -> str:
    words = words_of(name)
    if not {*SPLITS, *TEST_SPLITS}.isdisjoint(words):
        return "evaluation"
    return "training" if measures_in(words) else "other columns"


def _forms(scanned: Scan) -> list[tuple[int, str]]:
    return [(count, form.decode("utf-8", "replace")) for form, count in scanned.forms.most_common(MOST_FORMS)]


def explain_all(paths: Sequence[Path]) -> list[Explanation]:
    """Return how each file is read."""
    return [explain(path) for path in paths]

"""A report: one HTML file that needs nothing but a browser, with verdicts, findings, figures and methods.

Everything stands in the file: styles, plotly's script, the figures' data; script and data are packed (gzip,
base64), and the browser unpacks them. A policy in its head forbids every request and every other script;
names of runs and notes are escaped. Lines with very many points are thinned (see ``thinned``) until the page
is small enough to be sent, and the page says how many points they have.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from app.report_groups import GroupTable, with_labels_in
from app.report_sections import Section
from app.thinned_lines import line_at
from ired_diag.drawing import plotly
from ired_diag.drawing.as_table import COLUMNS, rows_of
from ired_diag.drawing.data import FigureData, Line
from ired_diag.drawing.paper_files import Provenance
from ired_diag.drawing.thinning import thin
from ired_diag.finding_clusters import Cluster

MOST_POINTS = (4000, 2000, 1000, 500, 250)  # of a line: the first with which the page is small enough
MOST_BYTES = 7_500_000  # 10 MB as an attachment in base64
MOST_ROWS = 100  # of a figure's table; the CSV of ``ired-diag figures`` holds all


SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)  # data stand in scripts with a type, and never run
SENTENCE_END = re.compile(r"(?<=\.) ")
HASHES = "SCRIPT-HASHES"  # in the template


@dataclass(frozen=True)
class Table:
    """A table: its title, the names of its columns, and its cells as they are printed."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Advised:
    """A cluster of findings, with what to do about each of its facts: words and a command, by fact."""

    cluster: Cluster
    advice: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """The content of a report.

    Attributes:
        title: Title of the page.
        question: Question of the study.
        verdicts: Verdicts on the pairs of groups, one sentence each.
        caveats: What a reader of the verdicts should know.
        findings: Findings of the forensic rules, the most consequential first.
        figures: Figures in the order in which they are read.
        not_drawn: Names of the missing figures, each with the reason.
        tables: Tables with the numbers of the comparison.
        methods: Paragraph on the methods, for a paper.
        results: Paragraph on the results, for a paper.
        provenance: Command, files and versions.
        metric: Lines that say by which metric and in which direction the runs are judged.
        groups: The groups and the settings in which they differ.
        names: Names of the groups in the logs, by label.
        metric_names: Name of the metric in the logs, by its label.
        sections: On the plan and the journal, where they were named.
    """

    title: str
    question: str
    verdicts: Sequence[str] = ()
    caveats: Sequence[str]
    findings: Sequence[Advised]
    figures: Sequence[FigureData]
    not_drawn: Sequence[str]
    tables: Sequence[Table] = ()
    methods: str = ""
    results: str = ""
    provenance: Provenance
    metric: Sequence[str] = ()
    groups: GroupTable | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    metric_names: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[Section] = ()


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """A figure as the page holds it; ``said`` is its summary without what the caption says too."""

    figure: FigureData
    said: str
    content: Markup
    height: int
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    left_out: int


def in_sentences(metric_names: Mapping[str, str]) -> dict[str, str]:
    """Return the names that may be replaced in a sentence: no plain words, such as ``loss``, that mean more.

    >>> in_sentences({"Validation MSE": "validation/mse"}), in_sentences({"Loss of a batch": "loss"})
    ({'Validation MSE': 'validation/mse'}, {})
    """
    return {label: name for label, name in metric_names.items() if not name.isalpha()}


def to_html(report: Report) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("app", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja")
    content: dict[str, Any] = {
        "report": report,
        "script": _packed(get_plotlyjs()),
        "named": lambda words: with_labels_in(words, {**report.names, **in_sentences(report.metric_names)}),
        "config": plotly.CONFIG,
    }
    for most in MOST_POINTS:
        drawn = [_drawn(figure, most) for figure in report.figures]
        rendered = page.render(figures=drawn, **content)
        # Names of folders may hold bytes that are not UTF-8.
        text = rendered.encode(errors="backslashreplace").decode()
        if len(text.encode()) <= MOST_BYTES:
            break
    return _with_hashes(text)


def _with_hashes(page: str) -> str:
    """Return a page that may run its own script, the last one in it, plotly's, and no others."""
    own = SCRIPT.findall(page)[-1]
    allowed = []
    for script in (get_plotlyjs(), own):
        digest = sha256(script.encode()).digest()
        allowed.append(f"'sha256-{b64encode(digest).decode()}'")
    return page.replace(HASHES, " ".join(allowed), 1)


def _packed(text: str) -> Markup:
    """Return a text as base64 of its gzip, the same each time; it holds no letter that is markup."""
    packed = gzip.compress(text.encode(errors="backslashreplace"), mtime=0)
    return Markup(b64encode(packed).decode())


def write(report: Report, path: Path) -> None:
    """Write the page.

    Raises:
        CannotWrite: The file cannot be written.
    """
    from ired_diag.runs.files import write_atomically

    write_atomically(path, to_html(report).encode())


def thinned(figure: FigureData, most: int) -> FigureData:
    """Return a figure whose longest lines keep the smallest and the largest value of each stretch of points.

    Args:
        figure: The figure.
        most: Largest number of points of a line.
    """
    longest = 0
    panels = []
    for panel in figure.panels:
        lines = [_thinned(line, most) for line in panel.lines]
        panels.append(replace(panel, lines=tuple(lines)))
        longest = max([longest, *(len(line.x) for line in panel.lines)])
    if longest <= most:
        return figure
    stretches = f"Lines of up to {longest:,} points are drawn by the extremes of {most // 2:,} stretches."
    return replace(figure, panels=tuple(panels), method=f"{figure.method} {stretches}")


def _thinned(line: Line, most: int) -> Line:
    return line_at(line, thin(line.x, line.y, most).indices)


def _not_in_caption(figure: FigureData) -> str:
    """Return the sentences of a summary that the caption below it does not say again."""
    sentences = SENTENCE_END.split(figure.summary)
    return " ".join(sentence for sentence in sentences if sentence not in figure.method)


def _drawn(figure: FigureData, most: int) -> _Drawn:
    small = thinned(figure, most)
    picture = plotly.draw(small, titled=False)
    rows = list(rows_of(small))
    return _Drawn(
        figure=small,
        said=_not_in_caption(small),
        content=_packed(to_json(picture)),
        height=round(picture.layout.height),
        columns=COLUMNS,
        rows=rows[:MOST_ROWS],
        left_out=max(0, len(rows) - MOST_ROWS),
    )

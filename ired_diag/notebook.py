"""What a notebook shows of a study, a run, a comparison and a finding: small HTML, all text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.comparison import Comparison
    from ired_diag.finding import Finding
    from ired_diag.runs.run import Run
    from ired_diag.runs.study import Study

MOST_ROWS = 60
COLOURS = {"error": "#b3261e", "warning": "#8a5a00", "note": "#475467"}  # contrast above 4.5 on white
COLUMNS_OF_A_STUDY = ["group", "run", "ending", "metric", "last", "best", "best_step", "curve"]


def html_of_finding(finding: Finding) -> str:
    """Return a finding as a paragraph: its severity in colour, its statement, its advice below."""
    colour = COLOURS[finding.severity]
    advice = f"<br><small>{escape(finding.advice)}</small>" if finding.advice else ""
    severity = f'<b style="color:{colour}">{finding.severity}</b>'
    return f"<p>{severity} <code>{escape(finding.rule)}</code> {escape(finding.statement)}{advice}</p>"


def html_of_study(study: Study) -> str:
    """Return a study as a table with a row for each run, and a line on the files that are not runs."""
    from ired_diag.frames import frame_of_runs

    frame = frame_of_runs(study.runs[:MOST_ROWS])
    lines = [f"<p>{escape(repr(study)[1:-1])}</p>"]
    if len(frame):
        lines.append(_table(frame[COLUMNS_OF_A_STUDY]))
    hidden = len(study.runs) - MOST_ROWS
    if hidden > 0:
        lines.append(f"<p>and {hidden} more runs: <code>study.frame()</code> has all</p>")
    if study.skipped:
        lines.append(f"<p>{len(study.skipped)} files are not runs: <code>study.skipped</code> says why</p>")
    return "".join(lines)


def html_of_run(run: Run) -> str:
    """Return a run as a heading and a table of its metrics: evaluations, last step, last value."""
    import pandas as pd

    rows = []
    for name, series in list(run.history.series.items())[:MOST_ROWS]:
        if len(series):
            rows.append((name, len(series), int(series.steps[-1]), float(series.values[-1])))
    frame = pd.DataFrame(rows, columns=["metric", "points", "last step", "last value"])
    place = f"<small>{escape(str(run.path))}</small>"
    heading = f"<p><b>{escape(run.label)}</b>, {escape(run.ending.label)}<br>{place}</p>"
    return heading + _table(frame)


def html_of_comparison(comparison: Comparison) -> str:
    """Return a comparison as a table with a row for each pair of groups, and its notes."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in (*comparison.left_out, *comparison.notes))
    heading = f"<p>{escape(comparison.metric_words)}; readout: {escape(comparison.readout)}</p>"
    return f"{heading}{_table(comparison.frame())}<ul>{notes}</ul>"


def _table(frame: pd.DataFrame) -> str:
    html = frame.to_html(index=False, border=0, float_format="{:.6g}".format, na_rep="", escape=True)
    return str(html)

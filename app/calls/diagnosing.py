"""``ird.diagnose`` and ``ird.check``: mistakes in runs, and in what a report says about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from app.calls.findings import Findings, findings_of
from app.calls.opening import Place, paths_of, study_at
from app.calls.places import place_of
from app.calls.several import names_in
from ired_diag.claims import Checked, check_report
from ired_diag.runs.study import Study


def diagnose(
    source: Study | Place | Iterable[Place] = "runs",
    *,
    rules: str | Sequence[str] | None = None,
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> Findings:
    """Return the mistakes in the runs at some paths, the most consequential first.

    The order is that of the command: what makes a conclusion wrong, then wrong numbers, then lost compute;
    notes come last. ``findings.frame()`` has the class of each, ``findings.clusters`` each fact once.

    Args:
        source: Paths as for ``ired-diag diagnose``, or a study.
        rules: Name of the rule to apply, or several. Default: all.
        metric: Metric to judge the runs by. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.

    Raises:
        NotFound: There is nothing at a path, or no rule of a name.
    """
    from ired_diag import forensics
    from ired_diag.errors import NotFound

    chosen = None if rules is None else names_in(rules, of="rules")
    for name in chosen or ():
        if name not in forensics.names():
            raise NotFound(f"No rule is named {name!r}. There are: {', '.join(forensics.names())}.")
    study = study_at(source)
    if study.runs:
        study = study.judged_by(metric, higher_is_better)
    loaded = None if chosen is None else [forensics.load(name) for name in chosen]
    place = place_of(
        [source] if isinstance(source, Study) else paths_of(source),
        metric=metric,
        higher_is_better=higher_is_better,
    )
    return findings_of(forensics.diagnose(study, loaded), study, place)


def check(
    report: Place,
    runs: Study | Place | None = None,
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> Checked:
    """Return the verdict on each number of a report.

    Args:
        report: A file in Markdown, LaTeX, reStructuredText or HTML, or a notebook.
        runs: The runs that it is about, as paths or a study. Default: the report is checked against itself.
        metric: Metric to judge the runs by. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.

    Raises:
        NotFound: There is no such file.
    """
    from ired_diag.claims.report_file import open_report
    from ired_diag.final_values import open_runs_or_table

    text = open_report(Path(report))
    if runs is None:
        return check_report(text)
    study = runs if isinstance(runs, Study) else open_runs_or_table(Path(runs))
    return check_report(text, study.judged_by(metric, higher_is_better))

"""``ird.figures`` and ``ird.report``: pictures for a paper, and one page about a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.calls.opening import RUNS, Groups, Place, groups_of
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from app.pictures import Material, Pictures

FORMS = ("pdf", "svg", "png")
COLUMN_WIDTH = 3.25  # inches
COMPARED_BY = ("readout", "margin", "paired")


def figures(
    *sources: Study | Groups | Place,
    runs: Place = RUNS,
    out: Place | None = None,
    only: Sequence[str] = (),
    forms: Sequence[str] = FORMS,
    width: float = COLUMN_WIDTH,
    **choices: Any,
) -> Pictures:
    """Return the pictures that runs allow; where a folder is given, they are written there too.

    Args:
        sources: As for ``ird.compare``.
        runs: The runs folder, in which names are looked up.
        out: Folder for the files. Default: none are written.
        only: Names of pictures, as ``ired-diag figures --list`` prints them. Default: all.
        forms: ``pdf``, ``svg`` and ``png``, or some of them.
        width: Width of a picture in inches.
        choices: ``metric``, ``higher_is_better``, ``readout``, ``margin``, ``paired``, ``smooth``, ``band``,
            ``start``, ``form`` and ``quantities``, as for the command.

    Returns:
        The figures as data (``Pictures.figures``), and why others are not drawn (``Pictures.not_drawn``).

    Raises:
        NotFound: There is nothing of a name, or no picture of a name.
        CannotWrite: The folder cannot be written.
        TypeError: A choice has a name that is not one of these.
    """
    from app.pictures import make_pictures
    from app.provenance import provenance_of
    from app.run_groups import all_runs
    from ired_diag.drawing.paper_files import write_figure

    material, _ = material_of(sources, runs=runs, **choices)
    pictures = make_pictures(material, only)
    if out is not None:
        provenance = provenance_of(["ird.figures"], all_runs(material.groups))
        for figure in pictures.figures:
            write_figure(figure, Path(out), provenance, forms=tuple(forms), width=width)
    return pictures


def report(
    *sources: Study | Groups | Place,
    runs: Place = RUNS,
    out: Place = "report.html",
    title: str | None = None,
    question: str | None = None,
    **choices: Any,
) -> Path:
    """Write one HTML file about groups of runs that opens anywhere, and return its path.

    Args:
        sources: As for ``ird.compare``.
        runs: The runs folder, in which names are looked up.
        out: File to write.
        title: Title of the page. Default: the names of the groups.
        question: Question of the study, printed below the title.
        choices: As for ``ird.figures``.

    Raises:
        NotFound: There is nothing of a name.
        CannotWrite: The file cannot be written.
        TypeError: A choice has a name that is not one of these.
    """
    from app import next_command
    from app.report import write
    from app.report_content import report_on
    from app.run_groups import all_runs
    from ired_diag import forensics

    material, notes = material_of(sources, runs=runs, **choices)
    content = report_on(
        material,
        findings=forensics.diagnose(Study.of(all_runs(material.groups))),
        place=next_command.Place(runs=Path(runs)),
        command=["ird.report"],
        notes=notes,
        title=title,
        question=question,
    )
    write(content, Path(out))
    return Path(out)


def material_of(
    sources: Sequence[Study | Groups | Place],
    *,
    runs: Place,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    **choices: Any,
) -> tuple[Material, list[str]]:
    """Return what pictures are made of, and notes on how it was grouped and compared."""
    from app.pictures import Material
    from ired_diag.comparison import compare
    from ired_diag.runs.judged import judge_groups

    notes: list[str] = []
    groups, metric = judge_groups(
        groups_of(sources, runs=runs, notes=notes), metric=metric, higher_is_better=higher_is_better
    )
    compared_by = {name: choices.pop(name) for name in COMPARED_BY if name in choices}
    comparison = None
    if len(groups) > 1:
        comparison = compare(groups, metric=metric, **compared_by)
        notes += [*comparison.left_out, *comparison.notes]
    material = Material(groups=groups, comparison=comparison, metric=metric, **choices)
    return material, notes

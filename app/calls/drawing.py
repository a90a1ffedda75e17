"""``ird.figures`` and ``ird.report``: pictures for a paper, and one page about a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.calls.opening import RUNS, Groups, Place
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from app import next_command
    from app.pictures import Material, Pictures
    from app.report import Report
    from ired_diag.finding import Finding

FORMS = ("pdf", "svg", "png")
COLUMN_WIDTH = 3.25  # inches


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
        choices: ``metric``, ``higher_is_better``, ``grouping``, ``sweep``, ``readout``, ``margin``,
            ``paired``, ``smooth``, ``band``, ``start``, ``form`` and ``quantities``, as for the command.

    Returns:
        The figures as data (``Pictures.figures``), and why others are not drawn (``Pictures.not_drawn``).

    Raises:
        NotFound: There is nothing of a name, or no picture of a name.
        CannotWrite: The folder cannot be written.
        TypeError: A choice has a name that is not one of these.
    """
    from app.calls.material import material_of
    from app.pictures import make_pictures

    material, _ = material_of(sources, runs=runs, **choices)
    pictures = make_pictures(material, only)
    if out is not None:
        write_pictures(pictures, material, Path(out), command=["ird.figures"], forms=forms, width=width)
    return pictures


def write_pictures(
    pictures: Pictures,
    material: Material,
    folder: Path,
    *,
    command: Sequence[str],
    forms: Sequence[str],
    width: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write pictures, their data and provenance, and the comparison as a LaTeX table; return the files.

    Args:
        pictures: The pictures.
        material: What they are made of.
        folder: Folder for the files.
        command: Words of the command that drew them, for the provenance.
        forms: File formats: ``pdf``, ``svg`` and ``png``, or some of them.
        width: Width of a picture in inches.
        progress: Called with the number of pictures written and to be written.

    Raises:
        CannotWrite: The folder cannot be written.
    """
    from app.cli.stats_markup import as_latex
    from app.provenance import provenance_of
    from app.run_groups import all_runs
    from ired_diag.drawing.paper_files import write_figure
    from ired_diag.runs.files import write_atomically

    provenance = provenance_of(command, all_runs(material.groups))
    files: list[Path] = []
    for done, figure in enumerate(pictures.figures):
        progress(done, len(pictures.figures))
        files += write_figure(figure, folder, provenance, forms=tuple(forms), width=width)
    if material.comparison is not None:
        table = folder / "comparison.tex"
        write_atomically(table, as_latex(material.comparison).encode(errors="backslashreplace"))
        files.append(table)
    return files


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
    write_report(
        sources,
        Path(out),
        runs=runs,
        command=["ird.report"],
        title=title,
        question=question,
        **choices,
    )
    return Path(out)


@dataclass(frozen=True)
class WrittenReport:
    """A report that was written.

    Attributes:
        content: What it says.
        findings: What the rules find in the runs.
        notes: How the runs were grouped and compared.
    """

    content: Report
    findings: Sequence[Finding]
    notes: Sequence[str]


def write_report(
    sources: Sequence[Study | Groups | Place],
    out: Path,
    *,
    runs: Place,
    command: Sequence[str],
    title: str | None = None,
    question: str | None = None,
    **choices: Any,
) -> WrittenReport:
    """Write one HTML file about groups of runs, and return what it says.

    Args:
        sources: As for ``ird.compare``.
        out: File to write.
        runs: The runs folder, in which names are looked up.
        command: Words of the command that writes it, for the provenance.
        title: Title of the page. Default: the names of the groups.
        question: Question of the study, printed below the title.
        choices: As for ``ird.figures``.

    Raises:
        NotFound: There is nothing of a name.
        CannotWrite: The file cannot be written.
    """
    from app.calls.material import material_of
    from app.report import write
    from app.report_content import report_on
    from app.run_groups import all_runs
    from ired_diag import forensics

    material, notes = material_of(sources, runs=runs, **choices)
    findings = forensics.diagnose(Study.of(all_runs(material.groups)))
    content = report_on(
        material,
        findings=findings,
        place=_place_of(sources, runs, choices),
        command=command,
        notes=notes,
        title=title,
        question=question,
    )
    write(content, out)
    return WrittenReport(content, findings, notes)


def _place_of(
    sources: Sequence[Study | Groups | Place], runs: Place, choices: dict[str, Any]
) -> next_command.Place:
    """Return where the runs are, for the next commands: in the runs folder, or at paths that were given."""
    from app import next_command
    from ired_diag.named_paths import split_arguments

    judging = {name: choices.get(name) for name in ("metric", "higher_is_better", "grouping")}
    options = next_command.options_in_words(**judging)
    words = [str(source) for source in sources if isinstance(source, Path | str)]
    patterns, others = split_arguments(words)
    if patterns or any(Path(word).exists() for word in others):
        return next_command.Place(paths=tuple(words), runs=Path(runs), options=options)
    return next_command.Place(runs=Path(runs), options=options)

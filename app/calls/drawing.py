"""``ird.figures`` and ``ird.report``: pictures for a paper, and one page about a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.calls.opening import RUNS, Place, Source
from app.calls.several import names_in
from ired_diag.errors import NotFound
from ired_diag.python_words import in_python
from ired_diag.runs.study import Study

if TYPE_CHECKING:
    from app.pictures import Material, Pictures
    from app.report import Report
    from app.report_sections import Section
    from ired_diag.finding import Finding

FORMS = ("pdf", "svg", "png")
JUDGING = ("metric", "higher_is_better", "grouping")  # choices that the next commands repeat
COLUMN_WIDTH = 3.25  # inches
SANS = "sans"


def figures(
    *sources: Source,
    runs: Study | Place = RUNS,
    out: Place | None = None,
    only: str | Sequence[str] = (),
    forms: str | Sequence[str] = FORMS,
    width: float | str = COLUMN_WIDTH,
    font: str = SANS,
    noted: bool = False,
    **choices: Any,
) -> Pictures:
    """Return the pictures that runs allow; where a folder is given, they are written there too.

    Args:
        sources: As for ``ird.compare``.
        runs: The runs folder, or a study, in which names are looked up.
        out: Folder for the files. Default: none are written.
        only: Name of a picture, or several, as ``ired-diag figures --list`` prints them. Default: all.
        forms: ``pdf``, ``svg`` or ``png``, or several of them.
        width: Width of a picture in inches, or by name: ``"neurips"``.
        font: ``sans``, ``serif``, or a family of fonts on this machine.
        noted: Whether what lines and spreads are stands in the corner of a picture too.
        choices: ``metric``, ``higher_is_better``, ``grouping``, ``sweep``, ``readout``, ``margin``,
            ``paired``, ``smooth``, ``band``, ``start``, ``form``, ``quantities``, ``labels`` and
            ``metric_labels``, as for the command; labels are mappings by name.

    Returns:
        The figures as data (``Pictures.figures``), and why others are not drawn (``Pictures.not_drawn``).

    Raises:
        NotFound: There is nothing of a name, no picture of a name, no such form, or no such font.
        DiagError: The width is not one.
        CannotWrite: The folder cannot be written.
        TypeError: A choice has a name that is not one of these.
    """
    from app.calls.material import material_of
    from app.pictures import make_pictures
    from ired_diag.drawing.paper_widths import width_of

    check_forms(names_in(forms, of="forms"))
    material, _ = material_of(sources, runs=runs, **choices)
    pictures = make_pictures(material, names_in(only, of="only"))
    not_drawn = {name: in_python(reason) for name, reason in pictures.not_drawn.items()}
    pictures = replace(pictures, not_drawn=not_drawn)
    if out is not None:
        write_pictures(
            pictures,
            material,
            Path(out),
            command=["ird.figures"],
            forms=names_in(forms, of="forms"),
            width=width_of(width),
            font=font,
            noted=noted,
        )
    return pictures


def check_forms(forms: Sequence[str]) -> None:
    """Refuse a file format that pictures are not written in.

    Raises:
        NotFound: There is no such form.
    """
    for form in forms:
        if form not in FORMS:
            raise NotFound(f"forms: a picture is not written as {form!r}. There are: {', '.join(FORMS)}.")


def write_pictures(
    pictures: Pictures,
    material: Material,
    folder: Path,
    *,
    command: Sequence[str],
    forms: Sequence[str],
    width: float,
    font: str = SANS,
    noted: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write pictures with captions, data and provenance, and a LaTeX table of the comparison.

    Args:
        pictures: The pictures.
        material: What they are made of.
        folder: Folder for the files.
        command: Words of the command that drew them, for the provenance.
        forms: File formats: ``pdf``, ``svg`` and ``png``, or some of them.
        width: Width of a picture in inches.
        font: ``sans``, ``serif``, or a family of fonts that matplotlib finds.
        noted: Whether the caption in a few words stands in the picture too.
        progress: Called with the number of pictures written and to be written.

    Returns:
        The files.

    Raises:
        CannotWrite: The folder cannot be written.
        NotFound: There is no such font.
    """
    from app.cli.stats_markup import as_latex
    from app.provenance import provenance_of
    from app.run_groups import all_runs
    from ired_diag.drawing.paper_files import write_figure
    from ired_diag.drawing.paper_fonts import families_of
    from ired_diag.runs.files import write_atomically

    families_of(font)  # refuses an unknown one before anything is written
    provenance = provenance_of(command, all_runs(material.groups))
    files: list[Path] = []
    for done, figure in enumerate(pictures.figures):
        progress(done, len(pictures.figures))
        files += write_figure(
            figure,
            folder,
            provenance,
            forms=tuple(forms),
            width=width,
            font=font,
            noted=noted,
        )
    if material.comparison is not None:
        table = folder / "comparison.tex"
        text = f"{as_latex(material.comparison)}\n"
        write_atomically(table, text.encode(errors="backslashreplace"))
        files.append(table)
    return files


def report(
    *sources: Source,
    runs: Study | Place = RUNS,
    out: Place = "report.html",
    title: str | None = None,
    question: str | None = None,
    plan: Place | None = None,
    journal: Place | None = None,
    **choices: Any,
) -> Path:
    """Write one HTML file about groups of runs that opens anywhere, and return its path.

    Args:
        sources: As for ``ird.compare``.
        runs: The runs folder, or a study, in which names are looked up.
        out: File to write.
        title: Title of the page. Default: the names of the groups.
        question: Question of the study, printed below the title.
        plan: File of a declared analysis: what the runs say of it stands on the page.
        journal: File of a journal: its evidence is run again, and stands on the page.
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
        plan=plan,
        journal=journal,
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
    sources: Sequence[Source],
    out: Path,
    *,
    runs: Study | Place,
    command: Sequence[str],
    title: str | None = None,
    question: str | None = None,
    plan: Place | None = None,
    journal: Place | None = None,
    **choices: Any,
) -> WrittenReport:
    """Write one HTML file about groups of runs, and return what it says.

    Args:
        sources: As for ``ird.compare``.
        out: File to write.
        runs: The runs folder, or a study, in which names are looked up.
        command: Words of the command that writes it, for the provenance.
        title: Title of the page. Default: the names of the groups.
        question: Question of the study, printed below the title.
        plan: File of a declared analysis, or None.
        journal: File of a journal, or None.
        choices: As for ``ird.figures``.

    Raises:
        NotFound: There is nothing of a name.
        CannotWrite: The file cannot be written.
    """
    from app.calls.material import material_of
    from app.calls.places import place_of
    from app.report import write
    from app.report_content import report_on
    from app.run_groups import all_runs
    from ired_diag import forensics

    material, notes = material_of(sources, runs=runs, **choices)
    findings = forensics.diagnose(Study.of(all_runs(material.groups)))
    content = report_on(
        material,
        findings=findings,
        place=place_of(sources, runs, **{name: choices.get(name) for name in JUDGING}),
        command=command,
        notes=notes,
        title=title,
        question=question,
        sections=_sections(plan, journal),
    )
    write(content, out)
    return WrittenReport(content, findings, notes)


def _sections(plan: Place | None, journal: Place | None) -> list[Section]:
    """Return the sections on a plan and on a journal, where they are named."""
    from app.calls.journalling import check_journal
    from app.calls.planning import check_plan
    from app.report_sections import journal_section, plan_section

    sections = []
    if plan is not None:
        sections.append(plan_section(check_plan(plan)))
    if journal is not None:
        sections.append(journal_section(check_journal(journal)))
    return sections

"""``ired-diag figures``: pictures for a paper, with their data and provenance beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.pictures import Material

WIDTHS = {"column": 3.25, "text": 6.75}
NARROWEST, WIDEST = 1.5, 24.0  # inches


class Width(click.ParamType):  # type: ignore[type-arg]
    """A width: of a column, of the text, or in inches."""

    name = "column|text|INCHES"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it in inches."""
        told = str(value)
        if told in WIDTHS:
            return WIDTHS[told]
        try:
            inches = float(told)
        except ValueError:
            self.fail(f"{told!r} is neither column, text, nor a number of inches.", param, ctx)
        if not NARROWEST <= inches <= WIDEST:
            self.fail(f"{told} inches: expected {NARROWEST:g} to {WIDEST:g}.", param, ctx)
        return inches


class Forms(click.ParamType):  # type: ignore[type-arg]
    """Forms of pictures, with commas between them."""

    name = "pdf,svg,png"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return them."""
        forms = tuple(form.strip() for form in str(value).split(",") if form.strip())
        if not forms or any(form not in ("pdf", "svg", "png") for form in forms):
            self.fail(f"{value!r}: expected pdf, svg and png, or some of them.", param, ctx)
        return forms


@click.command("figures")
@click.argument("experiments", nargs=-1)
@options.runs
@options.grouping
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("figures"), show_default=True
)
@click.option("--format", "forms", type=Forms(), default="pdf,svg,png", show_default=True)
@click.option(
    "--width", type=Width(), default="column", show_default=True, help="3.25, 6.75, or so many inches."
)
@click.option(
    "--only", multiple=True, metavar="NAME", help="Of the pictures that --list tells; may be repeated."
)
@click.option("--list", "list_them", is_flag=True, help="List the pictures and what each answers.")
@options.metric
@options.direction
@options.readout
@options.margin
@options.pairing
@click.option(
    "--smooth", type=click.IntRange(3), help="Running median of so many evaluations; raw lies beneath."
)
@click.option(
    "--band",
    type=click.Choice(["t interval", "sd", "range"]),
    default="t interval",
    show_default=True,
    help="What learning curves have around their mean.",
)
@click.option("--from", "start", type=click.IntRange(0), metavar="STEP", help="Learning curves from here on.")
@click.option("--form", type=click.Choice(["ecdf", "violin", "histogram"]), default="ecdf", show_default=True)
@click.option(
    "--quantity", multiple=True, metavar="NAME", help="Whose distributions; cond and energy without."
)
@click.option("--sweep", metavar="KNOB", help="EXPERIMENTS, with all their variants, are a sweep over KNOB.")
@options.as_json
def command(experiments: tuple[str, ...], runs: Path, list_them: bool, as_json: bool, **told: object) -> None:
    """Draw EXPERIMENTS for a paper: PDF, SVG and PNG, the data as CSV and where they came from as JSON.

    EXPERIMENTS are names of runs in the runs folder, or paths, as for stats. A picture that the runs do not
    allow is left out, and it is said what is missing. Repeated, the files are the same byte for byte.

    \b
    ired-diag figures q101 q102 q103 --out figures
    ired-diag figures path/to/logs/*.out --only learning-curves --width text --format pdf
    """
    from app.pictures import RECIPES, make_pictures

    if list_them:
        rows = [(name, recipe.question) for name, recipe in RECIPES.items()]
        output.print_list(rows)
        return
    if not experiments:
        raise click.UsageError("Missing argument 'EXPERIMENTS...'.")
    material, missing = material_of(experiments, runs, told)
    made = make_pictures(material, told["only"])  # type: ignore[arg-type]
    folder = Path(str(told["out"]))
    files = _write(material, made.figures, folder, told)
    if as_json:
        output.print_json(
            {"files": files, "not_drawn": made.not_drawn, "missing": missing, "metric": material.metric_lines}
        )
        return
    output.print_lines(material.metric_lines)
    for note in missing:
        click.echo(f"note: {note}", err=True)
    for name, reason in made.not_drawn.items():
        click.echo(f"not drawn: {name}: {reason}", err=True)
    click.echo(
        f"{len(made.figures)} pictures in {output.shorten(folder)}: {', '.join(f.name for f in made.figures)}"
    )


def material_of(
    experiments: Sequence[str], runs: Path, told: Mapping[str, object]
) -> tuple[Material, list[str]]:
    """Return what pictures are made of, and a note for each name that means nothing."""
    from app.pictures import QUANTITIES, Material
    from ired_diag.comparison import compare
    from ired_diag.grouping import group_runs
    from ired_diag.runs.judged import judge_groups

    missing: list[str] = []
    sweep = told.get("sweep")
    metric = None if told.get("metric") is None else str(told["metric"])
    groups = group_runs(
        experiments,
        runs,
        metric=metric,
        variants=sweep is not None,
        missing=missing,
        grouping=told.get("grouping"),  # type: ignore[arg-type]
    )
    groups, metric = judge_groups(groups, metric=metric, higher_is_better=told.get("higher_is_better"))  # type: ignore[arg-type]
    comparison = None
    if len(groups) > 1:
        comparison = compare(
            groups,
            metric=metric,
            readout=str(told["readout"]),
            margin=told["margin"],  # type: ignore[arg-type]
            paired=told.get("paired"),  # type: ignore[arg-type]
            knob=None if sweep is None else str(sweep),
        )
        missing += [*comparison.left_out, *comparison.notes]
    smooth, start = told.get("smooth"), told.get("start")
    return Material(
        groups,
        comparison,
        metric,
        None if smooth is None else int(str(smooth)),
        str(told.get("form", "ecdf")),  # type: ignore[arg-type]
        tuple(told.get("quantity") or QUANTITIES),  # type: ignore[arg-type]
        band=str(told.get("band", "t interval")),  # type: ignore[arg-type]
        start=None if start is None else float(str(start)),
    ), missing


def _write(
    material: Material, figures: Sequence[object], folder: Path, told: Mapping[str, object]
) -> list[Path]:
    from app.cli.stats_markup import as_latex
    from app.provenance import provenance_of
    from ired_diag.figures.paper_files import write_figure
    from ired_diag.runs.files import write_atomically

    provenance = provenance_of(
        ["ired-diag", *sys.argv[1:]], [r for runs in material.groups.values() for r in runs]
    )
    files: list[Path] = []
    with output.progress("Drawing") as progress:
        for done, figure in enumerate(figures):
            progress(done, len(figures))
            files += write_figure(
                figure,  # type: ignore[arg-type]
                folder,
                provenance,
                forms=told["forms"],  # type: ignore[arg-type]
                width=float(str(told["width"])),
            )
    if material.comparison is not None:
        table = folder / "comparison.tex"
        write_atomically(table, as_latex(material.comparison).encode(errors="backslashreplace"))
        files.append(table)
    return files

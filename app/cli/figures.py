"""``ired-diag figures``: pictures for a paper, with their data and provenance next to them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import options, output
from app.run_groups import all_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.pictures import Material
    from ired_diag.drawing.data import FigureData

WIDTHS = {"column": 3.25, "text": 6.75}
NARROWEST, WIDEST = 1.5, 24.0  # inches
FORMS = ("pdf", "svg", "png")


class Width(click.ParamType):  # type: ignore[type-arg]
    """A width: of a column, of the text, or in inches."""

    name = "column|text|INCHES"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the width in inches."""
        word = str(value)
        if word in WIDTHS:
            return WIDTHS[word]
        try:
            inches = float(word)
        except ValueError:
            self.fail(f"{word!r} is neither column, text, nor a number of inches.", param, ctx)
        if not NARROWEST <= inches <= WIDEST:
            self.fail(f"{word} inches: expected {NARROWEST:g} to {WIDEST:g}.", param, ctx)
        return inches


class Forms(click.ParamType):  # type: ignore[type-arg]
    """File formats of pictures, with commas between them."""

    name = "pdf,svg,png"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names of the formats."""
        words = map(str.strip, str(value).split(","))
        forms = tuple(filter(None, words))
        if not forms or not set(forms) <= set(FORMS):
            self.fail(f"{value!r}: expected one or more of pdf, svg and png.", param, ctx)
        return forms


@click.command("figures")
@click.argument("experiments", nargs=-1)
@options.runs
@options.grouping
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("figures"),
    show_default=True,
    help="Folder for the pictures and their data.",
)
@click.option(
    "--format", "forms", type=Forms(), default="pdf,svg,png", show_default=True, help="File formats to write."
)
@click.option(
    "--width",
    type=Width(),
    default="column",
    show_default=True,
    help="Width of a picture: column (3.25 inches), text (6.75 inches), or a number of inches.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Picture to draw, from --list. May be repeated.")
@click.option("--list", "list_them", is_flag=True, help="List the pictures, each with its question.")
@options.metric
@options.direction
@options.readout
@options.margin
@options.pairing
@click.option(
    "--smooth",
    type=click.IntRange(3),
    help="Number of evaluations in a running median of the curves. The raw curves are drawn behind it.",
)
@click.option(
    "--band",
    type=click.Choice(["t interval", "sd", "range"]),
    default="t interval",
    show_default=True,
    help="Band around the mean of a learning curve.",
)
@click.option(
    "--from", "start", type=click.IntRange(0), metavar="STEP", help="First step of the learning curves."
)
@click.option(
    "--form",
    type=click.Choice(["ecdf", "violin", "histogram"]),
    default="ecdf",
    show_default=True,
    help="Form in which distributions are drawn.",
)
@click.option(
    "--quantity",
    multiple=True,
    metavar="NAME",
    help="Quantity whose distribution is drawn. May be repeated. Default: cond and energy.",
)
@options.sweep
@options.as_json
def command(
    experiments: tuple[str, ...], runs: Path, list_them: bool, as_json: bool, **choices: object
) -> None:
    """Draw EXPERIMENTS for a paper: PDF, SVG and PNG, with the data as CSV and their provenance as JSON.

    EXPERIMENTS are names of runs in the runs folder, or paths, as for stats. A picture that the runs do not
    allow is left out, with a note on what is missing. A second call writes the same files, byte for byte.

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
    material, missing = material_of(experiments, runs, choices)
    made = make_pictures(material, choices["only"])  # type: ignore[arg-type]
    folder = Path(str(choices["out"]))
    files = _write(material, made.figures, folder, choices)
    if as_json:
        content = {
            "files": files,
            "not_drawn": made.not_drawn,
            "missing": missing,
            "metric": material.metric_lines,
        }
        output.print_json(content)
        return
    output.print_lines(material.metric_lines)
    for note in missing:
        click.echo(f"note: {note}", err=True)
    for name, reason in made.not_drawn.items():
        click.echo(f"not drawn: {name}: {reason}", err=True)
    names = ", ".join(figure.name for figure in made.figures)
    click.echo(f"{len(made.figures)} pictures in {output.shorten(folder)}: {names}")


def material_of(
    experiments: Sequence[str], runs: Path, choices: Mapping[str, Any]
) -> tuple[Material, list[str]]:
    """Return what pictures are made of, and a note for each name that means nothing.

    Args:
        experiments: Names of runs, or paths.
        runs: The runs folder.
        choices: Values of the command's options, by their names. ``report`` has fewer of them.
    """
    from app.pictures import QUANTITIES, Material
    from ired_diag.comparison import compare
    from ired_diag.grouping import group_runs
    from ired_diag.runs.judged import judge_groups

    missing: list[str] = []
    sweep = choices.get("sweep")
    groups = group_runs(
        experiments,
        runs,
        metric=choices.get("metric"),
        variants=sweep is not None,
        missing=missing,
        grouping=choices.get("grouping"),
    )
    groups, metric = judge_groups(
        groups, metric=choices.get("metric"), higher_is_better=choices.get("higher_is_better")
    )
    comparison = None
    if len(groups) > 1:
        comparison = compare(
            groups,
            metric=metric,
            readout=choices["readout"],
            margin=choices["margin"],
            paired=choices.get("paired"),
            knob=sweep,
        )
        missing += [*comparison.left_out, *comparison.notes]
    start = choices.get("start")
    if start is not None:
        start = float(start)
    material = Material(
        groups=groups,
        comparison=comparison,
        metric=metric,
        smooth=choices.get("smooth"),
        form=choices.get("form", "ecdf"),
        quantities=tuple(choices.get("quantity") or QUANTITIES),
        band=choices.get("band", "t interval"),
        start=start,
    )
    return material, missing


def _write(
    material: Material, figures: Sequence[FigureData], folder: Path, choices: Mapping[str, Any]
) -> list[Path]:
    from app.cli.stats_markup import as_latex
    from app.provenance import provenance_of
    from ired_diag.drawing.paper_files import write_figure
    from ired_diag.runs.files import write_atomically

    provenance = provenance_of(["ired-diag", *sys.argv[1:]], all_runs(material.groups))
    files: list[Path] = []
    with output.progress("Drawing") as progress:
        for done, figure in enumerate(figures):
            progress(done, len(figures))
            files += write_figure(
                figure,
                folder,
                provenance,
                forms=choices["forms"],
                width=choices["width"],
            )
    if material.comparison is not None:
        table = folder / "comparison.tex"
        write_atomically(table, as_latex(material.comparison).encode(errors="backslashreplace"))
        files.append(table)
    return files

"""``ired-diag figures``: pictures for a paper, with their data and provenance next to them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.cli import completion, options, output

FORMS = ("pdf", "svg", "png")


class Width(click.ParamType):  # type: ignore[type-arg]
    """A width: of a column, of the text, of a venue's page, or in inches."""

    name = "INCHES|column|text|neurips|iclr|icml|icml-wide"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the width in inches."""
        from ired_diag.drawing.paper_widths import width_of
        from ired_diag.errors import DiagError

        try:
            return width_of(str(value))
        except DiagError as reason:
            self.fail(str(reason), param, ctx)


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
@click.argument("experiments", nargs=-1, shell_complete=completion.names_or_paths)
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
    help="Width of a picture in inches, or by name: column and icml (3.25), text and icml-wide (6.75), "
    "neurips and iclr (5.5).",
)
@options.font
@click.option(
    "--note", "noted", is_flag=True, help="Write what lines and spreads are into the corner of a picture too."
)
@click.option("--only", multiple=True, metavar="NAME", help="Picture to draw, from --list. May be repeated.")
@click.option("--list", "list_them", is_flag=True, help="List the pictures, each with its question.")
@options.metric
@options.direction
@options.readout
@options.until
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
    "quantities",
    multiple=True,
    metavar="NAME",
    help="Quantity whose distribution is drawn. May be repeated. Default: cond and energy.",
)
@options.sweep
@options.labels
@options.as_json
def command(
    experiments: tuple[str, ...],
    list_them: bool,
    only: tuple[str, ...],
    out: Path,
    forms: tuple[str, ...],
    width: float,
    font: str,
    noted: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Draw EXPERIMENTS for a paper: PDF, SVG and PNG, each with its caption, data and provenance.

    EXPERIMENTS are names of runs in the runs folder, or paths, as for stats. A picture that the runs do not
    allow is left out, with a note on what is missing. A second call writes the same files, byte for byte.

    \b
    ired-diag figures q101 q102 q103 --out figures
    ired-diag figures q101 q103 --label q103='adversarial mining' --width neurips --font serif
    ired-diag figures path/to/logs/*.out --only learning-curves --width text --format pdf
    """
    from app.calls.drawing import write_pictures
    from app.calls.material import material_of
    from app.pictures import RECIPES, make_pictures
    from ired_diag.runs.name_list import counted

    if list_them:
        rows = [(name, recipe.question) for name, recipe in RECIPES.items()]
        output.print_list(rows)
        return
    if not experiments:
        raise click.UsageError("Missing argument 'EXPERIMENTS...'.")
    material, notes = material_of(experiments, skip_missing=True, **choices)
    pictures = make_pictures(material, only)
    command_line = ["ired-diag", *sys.argv[1:]]
    with output.progress("Drawing") as progress:
        files = write_pictures(
            pictures,
            material,
            out,
            command=command_line,
            forms=forms,
            width=width,
            font=font,
            noted=noted,
            progress=progress,
        )
    if as_json:
        content = {
            "files": files,
            "not_drawn": pictures.not_drawn,
            "missing": notes,
            "metric": material.metric_lines,
        }
        output.print_json(content)
        return
    output.print_lines(material.metric_lines)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for name, reason in pictures.not_drawn.items():
        click.echo(f"not drawn: {name}: {reason}", err=True)
    if not pictures.figures:
        click.echo("No picture can be drawn of these runs.")
        return
    names = ", ".join(figure.name for figure in pictures.figures)
    click.echo(f"{counted(len(pictures.figures), 'picture')} in {output.shorten(out)}: {names}")

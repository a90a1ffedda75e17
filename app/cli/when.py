"""``ired-diag when``: from which step on two groups are apart, and how much sooner one reaches a target."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import completion, options, output
from app.cli.figures import Forms, Width

if TYPE_CHECKING:
    from ired_diag.comparison.when import When


@click.command("when")
@click.argument("new", shell_complete=completion.names_or_paths)
@click.argument("old", shell_complete=completion.names_or_paths)
@click.option(
    "--target",
    metavar="NUMBER|final",
    help="Value of the metric to be reached. final: the level at which OLD ends.",
)
@click.option(
    "--stays",
    is_flag=True,
    help="Reach the target where all later evaluations are there too. Default: where the first one is.",
)
@click.option("--against-time", is_flag=True, help="Compare at equal logged times, not at equal steps.")
@click.option(
    "--time-column",
    metavar="NAME",
    help="Logged column that tells the time since the start. Default: detected by name.",
)
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    help="Chance to call curves apart that are not, over all steps together; intervals hold in 1 - alpha.",
)
@click.option("--survivors", is_flag=True, help="Leave seeds that failed out of the curves.")
@click.option("--include-incomplete", is_flag=True, help="Keep runs in the curves that were stopped early.")
@options.runs
@options.grouping
@options.metric
@options.direction
@options.pairing
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for pictures and their data. Default: none are drawn.",
)
@click.option(
    "--format", "forms", type=Forms(), default="pdf,svg,png", show_default=True, help="File formats to write."
)
@click.option(
    "--width",
    type=Width(),
    default="column",
    show_default=True,
    help="Width of a picture in inches, or by name (column, text, neurips, iclr, icml, icml-wide).",
)
@options.font
@options.labels
@options.as_json
def command(
    new: str,
    old: str,
    out: Path | None,
    forms: tuple[str, ...],
    width: float,
    font: str,
    as_json: bool,
    **choices: Any,
) -> None:
    """Tell from which step on NEW and OLD are apart, and how much sooner NEW reaches a target.

    Whole curves are compared, so that the chance of a false step is 5% over all steps together. Runs that
    ended before the target count as longer, not as missing.

    \b
    ired-diag when q103 q101
    ired-diag when new='logs/new/*' old='logs/old/*' --target 3.28
    ired-diag when new='logs/new/*' old='logs/old/*' --target final --against-time
    """
    from app.calls.timing import when
    from ired_diag.comparison.when_words import in_lines

    answer = when(new, old, **choices)
    files = [] if out is None else _write(answer, out, forms=forms, width=width, font=font)
    if as_json:
        output.print_json(_as_dict(answer, files))
        return
    output.print_lines(in_lines(answer))
    for file in files:
        click.echo(f"wrote {file}")


def _write(answer: When, out: Path, *, forms: tuple[str, ...], width: float, font: str) -> list[Path]:
    from app.calls.timing import pictures_of
    from app.provenance import provenance_of
    from ired_diag.drawing.paper_files import write_figure

    provenance = provenance_of(["ired-diag", *sys.argv[1:]], answer.sources)
    files: list[Path] = []
    for figure in pictures_of(answer):
        files += write_figure(figure, out, provenance, forms=forms, width=width, font=font)
    return files


def _as_dict(answer: When, files: list[Path]) -> dict[str, object]:
    from ired_diag.comparison.when_words import in_lines

    names = (
        "new",
        "old",
        "metric",
        "lower_is_better",
        "axis",
        "alpha",
        "pairing",
        "apart",
        "not_compared",
        "reaching",
        "survivors",
        "notes",
    )
    content: dict[str, object] = {name: getattr(answer, name) for name in names}
    if answer.apart is not None:
        content["since"] = answer.apart.since
        content["stretches"] = answer.apart.stretches
    content["in_words"] = in_lines(answer)
    content["files"] = files
    return content

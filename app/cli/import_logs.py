"""``ired-diag import``: foreign logs into run folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from ired_diag.importing import Imported


@click.command("import")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@options.runs
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, readable=False),
    help="Folder of Trainer1D results folders, joined to the runs by experiment and seed; they stay there.",
)
@click.option("--replace", is_flag=True, help="Overwrite imported runs that came from other logs.")
@options.as_json
def command(
    logs: tuple[Path, ...], runs: Path, checkpoints: Path | None, replace: bool, as_json: bool
) -> None:
    """Turn LOGS (files, or folders of them) into run folders.

    Every file becomes a run, an earlier attempt at a run, an evaluation, or a line that says why it is none
    of these. The logs are not changed. Importing them again brings the run folders up to date.

    \b
    ired-diag import path/to/logs --runs runs
    """
    from ired_diag.importing import import_logs

    with output.progress("Importing runs") as progress:
        imported = import_logs(logs, runs, checkpoints=checkpoints, replace=replace, progress=progress)
    if as_json:
        output.print_json(_as_dict(imported))
    else:
        _print(imported, runs)


def _as_dict(imported: Imported) -> dict[str, object]:
    return {
        "runs": [
            {
                "experiment": one.run.experiment,
                "variant": one.run.variant,
                "seed": one.run.seed,
                "state": one.run.ending.state,
                "folder": one.folder,
                "source": one.run.sources,
                "checkpoints": one.results,
                "attempts": [
                    {"source": a.sources, "state": a.ending.state, "detail": a.ending.detail}
                    for a in one.run.attempts
                ],
            }
            for one in imported.runs
        ],
        "evaluations": [
            {
                "experiment": a.experiment,
                "source": a.sources,
                "state": a.ending.state,
                "detail": a.ending.detail,
                "results": a.results,
            }
            for a in imported.evaluations
        ],
        "skipped": imported.skipped,
        "notes": imported.notes,
        "unreadable": imported.unreadable,
    }


def _print(imported: Imported, runs: Path) -> None:
    groups: dict[str, list[int]] = {}
    for one in imported.runs:
        run = one.run
        name = f"{run.experiment}@{run.variant}" if run.variant else run.experiment
        counts = groups.setdefault(name, [0, 0, 0, 0])
        told = (1, run.ending.complete, len(run.attempts), one.results is not None)
        for place, count in enumerate(told):
            counts[place] += int(count)
    rows = [(name, *map(str, counts)) for name, counts in groups.items()]
    columns = ("experiment", "runs", "complete", "earlier attempts", "with checkpoints")
    if rows:
        output.print_table(f"Imported into {runs}", columns, rows)
    for note in imported.notes:
        click.echo(f"note: {note}", err=True)
    for skipped in imported.skipped:
        click.echo(f"not imported: {skipped.path.name}: {skipped.reason}")
    output.print_lines(place.statement for place in imported.unreadable)
    number = len(imported.evaluations)
    click.echo(
        f"{len(imported.runs)} runs, {imported.attempts} earlier attempts, "
        f"{number} evaluation{'' if number == 1 else 's'}, "
        f"{len(imported.skipped)} files that are none of these. Next: ired-diag ls --runs {runs}"
    )

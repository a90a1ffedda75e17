"""``ired-diag import``: foreign logs into run folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ired_diag.importing import Imported, ImportedRun
    from ired_diag.runs.run import Run

COLUMNS = ("experiment", "runs", "complete", "earlier attempts", "with checkpoints")


@click.command("import")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@options.runs
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path, readable=False),
    help="Folder of Trainer1D results folders. They are joined to the runs by experiment and seed, in place.",
)
@click.option("--replace", is_flag=True, help="Overwrite imported runs that came from other logs.")
@click.option(
    "--remove-gone",
    is_flag=True,
    help="Remove runs of earlier imports whose logs were in LOGS and are gone. Default: keep and name them.",
)
@options.step
@options.pattern
@options.as_json
def command(
    logs: tuple[Path, ...],
    runs: Path,
    checkpoints: Path | None,
    replace: bool,
    remove_gone: bool,
    step: str | None,
    pattern: str,
    as_json: bool,
) -> None:
    """Turn LOGS (files, or folders of them) into run folders.

    Every file becomes a run, an earlier attempt at a run, or an evaluation; for any other file, a line says
    why not. The logs are not changed. Importing them again brings the run folders up to date.

    \b
    ired-diag import path/to/logs --runs runs
    """
    from ired_diag.importing import import_logs

    with output.progress("Importing runs") as progress:
        imported = import_logs(
            logs,
            runs,
            checkpoints=checkpoints,
            replace=replace,
            remove_gone=remove_gone,
            step=step,
            pattern=pattern,
            progress=progress,
        )
    if as_json:
        output.print_json(_as_dict(imported))
    else:
        _print(imported, runs)


def _as_dict(imported: Imported) -> dict[str, object]:
    return {
        "runs": list(map(_run_as_dict, imported.runs)),
        "evaluations": list(map(_evaluation_as_dict, imported.evaluations)),
        "skipped": imported.skipped,
        "notes": imported.notes,
        "unreadable": imported.unreadable,
        "gone": [{"folder": each.folder, "log": each.log} for each in imported.gone],
        "removed_gone": imported.removed_gone,
    }


def _run_as_dict(imported: ImportedRun) -> dict[str, object]:
    run = imported.run
    return {
        "experiment": run.experiment,
        "variant": run.variant,
        "seed": run.seed,
        "state": run.ending.state,
        "folder": imported.folder,
        "source": run.sources,
        "checkpoints": imported.results,
        "attempts": list(map(_attempt_as_dict, run.attempts)),
    }


def _attempt_as_dict(attempt: Run) -> dict[str, object]:
    return {
        "source": attempt.sources,
        "state": attempt.ending.state,
        "detail": attempt.ending.detail,
    }


def _evaluation_as_dict(attempt: Run) -> dict[str, object]:
    return {
        "experiment": attempt.experiment,
        "source": attempt.sources,
        "state": attempt.ending.state,
        "detail": attempt.ending.detail,
        "results": attempt.results,
    }


def _counts_by_group(runs: Iterable[ImportedRun]) -> dict[str, list[int]]:
    """Return of each group the numbers in ``COLUMNS`` after its name."""
    groups: dict[str, list[int]] = {}
    for imported in runs:
        run = imported.run
        name = run.experiment
        if run.variant:
            name += f"@{run.variant}"
        counts = groups.setdefault(name, [0] * (len(COLUMNS) - 1))
        counts[0] += 1
        counts[1] += bool(run.ending.complete)
        counts[2] += len(run.attempts)
        counts[3] += imported.results is not None
    return groups


def _gone_in_words(imported: Imported) -> Iterator[str]:
    """Yield which runs of earlier imports have no log any more, and what became of them."""
    for each in imported.gone:
        state = "it was removed" if imported.removed_gone else "it stays as an earlier import left it"
        yield f"log gone: {each.folder}: {each.log} was removed or renamed, so {state}"
    if imported.gone and not imported.removed_gone:
        runs = counted(len(imported.gone), "run")
        yield f"{runs} without a log, counted like all others. --remove-gone removes what has no log."


def _print(imported: Imported, runs: Path) -> None:
    groups = _counts_by_group(imported.runs)
    if groups:
        rows = [(name, *map(str, counts)) for name, counts in groups.items()]
        output.print_table(f"Imported into {runs}", COLUMNS, rows)
    for note in imported.notes:
        click.echo(f"note: {note}", err=True)
    for skipped in imported.skipped:
        click.echo(f"not imported: {skipped.path.name}: {skipped.reason}")
    output.print_lines(place.statement for place in imported.unreadable)
    output.print_lines(_gone_in_words(imported))
    click.echo(
        f"{counted(len(imported.runs), 'run')}, {counted(imported.attempts, 'earlier attempt')}, "
        f"{counted(len(imported.evaluations), 'evaluation')}, "
        f"other files: {len(imported.skipped)}. Next: ired-diag ls --runs {runs}"
    )

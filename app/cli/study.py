"""``ired-diag study``: train what a file names, compare it, and write the report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output
from app.cli.study_words import saying_it_of_a_study
from app.cli.training_in_turn import is_complete, train_in_turn

if TYPE_CHECKING:
    from ired_diag.plans.study_file import StudyFile
    from ired_diag.training.plan import PlannedRun


@click.command("study")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--new", is_flag=True, help="Write a first FILE: three strategies, in a pilot of 10,000 steps.")
@click.option("--dry-run", is_flag=True, help="List the runs and how far each is. Nothing is trained.")
@options.device
def command(file: Path, new: bool, dry_run: bool, device: str) -> None:
    """Train what the YAML file FILE names, compare it, and write the report.

    Called again, it goes on: complete runs stay as they are, stopped ones continue, missing ones start. Runs
    and report lie next to FILE.

    \b
    ired-diag study pilot.yaml --new
    ired-diag study pilot.yaml --dry-run
    ired-diag study pilot.yaml
    """
    if new:
        _write_first(file)
        return
    from app.calls.probing import probes_called
    from ired_diag.plans.study_file import read_study_file

    study = read_study_file(file)
    runs = file.parent / study.runs
    with saying_it_of_a_study():
        planned = study.planned(runs)
    for name in study.probes:
        probes_called(name, of_own_model=False)  # a wrong name is said before days of training
    left = [run for run in planned if not (run.resume and is_complete(run.folder))]
    click.echo(f"Runs: {len(planned)}; complete: {len(planned) - len(left)}; to be trained: {len(left)}.")
    if dry_run:
        _list(planned)
        return
    _train(left, device)
    groups = _groups_of(planned)
    _compare(study, groups)
    _probe(study, planned, device)
    _report(study, groups, runs, out=file.parent / study.report)


def _write_first(file: Path) -> None:
    from ired_diag.errors import CannotWrite
    from ired_diag.plans.study_file import first_study
    from ired_diag.runs.files import exists, write_atomically

    if exists(file):
        raise CannotWrite(f"{file}: is there already. Name another file, or remove this one.")
    write_atomically(file, first_study().encode())
    quoted = shlex.quote(str(file))
    click.echo(f"{output.shorten(file)}: written. Change it, then:")
    click.echo(f"  ired-diag study {quoted} --dry-run")
    click.echo(f"  ired-diag study {quoted}")


def _list(planned: Sequence[PlannedRun]) -> None:
    """Print a line for each run: how far it is, and where."""
    from ired_diag.open import open_run

    for run in planned:
        state = f"not started, {run.config.train_steps:,} steps"
        if run.resume and is_complete(run.folder):
            state = "complete"
        elif run.resume:
            state = open_run(run.folder).ending.detail or "stopped; it goes on"
        click.echo(f"  {run.folder}: {state}")


def _train(left: Sequence[PlannedRun], device: str) -> None:
    if not left:
        return
    from ired_diag.devices import choose_device
    from ired_diag.training.plan import in_batches

    chosen = choose_device(device)
    together = len(left) if chosen.type == "cuda" else 1
    with saying_it_of_a_study():
        train_in_turn(in_batches(left, together), device=chosen)


def _groups_of(planned: Sequence[PlannedRun]) -> dict[str, list[Path]]:
    """Return the folders of the runs that the file names, and of no others, by experiment and variant."""
    groups: dict[str, list[Path]] = {}
    for run in planned:
        name = run.experiment or run.config.experiment_name
        if run.variant is not None:
            name = f"{name}@{run.variant}"
        groups.setdefault(name, []).append(run.folder)
    return groups


def _compare(study: StudyFile, groups: Mapping[str, Sequence[Path]]) -> None:
    """Print the answer of ``ired-diag stats``, and the command that prints all of it."""
    if len(groups) < 2:
        return
    from app.calls.comparing import compare
    from app.cli import stats_answer

    comparison = compare(
        groups,
        metric=study.metric,
        readout=study.readout,
        margin=study.margin,
    )
    click.echo()
    for note in comparison.notes:
        click.echo(f"note: {note}", err=True)
    named = [f"{name}={folder}" for name, folders in groups.items() for folder in folders]
    chosen = ["--readout", study.readout, "--margin", study.margin]
    if study.metric is not None:
        chosen += ["--metric", study.metric]
    stats_answer.print_answer(comparison, shlex.join(["ired-diag", "stats", *named, *chosen, "--full"]))


def _probe(study: StudyFile, planned: Sequence[PlannedRun], device: str) -> None:
    """Put the probes to the last checkpoints, and print the answer of each experiment's first run.

    What was measured before is read. The rows of all runs lie next to them, and the report draws them.
    """
    from app.calls.probing import probe

    first_of_each: dict[tuple[str | None, str | None], Path] = {}
    for run in planned:
        first_of_each.setdefault((run.experiment, run.variant), run.folder)
    for name in study.probes:
        probe(name, *(run.folder for run in planned), device=device)
        click.echo()
        click.echo(f"{name}, {len(planned)} runs, the first of each experiment:")
        for folder in first_of_each.values():
            table = probe(name, folder, device=device)
            statements = [finding["statement"] for finding in table.attrs["findings"]]
            output.print_lines([f"  {folder}: {statement}" for statement in statements])


def _report(study: StudyFile, groups: Mapping[str, Sequence[Path]], runs: Path, *, out: Path) -> None:
    from app.calls.drawing import write_report

    written = write_report(
        [groups],
        out,
        runs=runs,
        command=["ired-diag", *sys.argv[1:]],
        title=study.title or None,
        question=study.question or None,
        metric=study.metric,
        readout=study.readout,
        margin=study.margin,
        skip_missing=True,
    )
    click.echo()
    for note in written.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{output.shorten(out)}: the report, {len(written.content.figures)} figures")
    click.echo(f"Next: ired-diag dashboard {shlex.quote(str(runs))}")

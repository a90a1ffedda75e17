"""``ired-diag launch``: how runs on SLURM stand, what is not finished again, and an end to all of it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, hangup, launched, options, output
from app.cli.group import EXIT_CHECK_FAILED
from app.cli.whole_summaries import WholeSummaries

if TYPE_CHECKING:
    from ired_diag.finding import Finding
    from ired_diag.launching.launch import Launch, Member

only = click.option(
    "--index",
    "indices",
    metavar="A-B|A,B,…",
    help="Indices of the runs, as status shows them. Default: all runs.",
)


@click.group("launch", cls=WholeSummaries)
def command() -> None:
    """Look after runs that were submitted with train --launcher slurm.

    RUN is the folder of an experiment, or the name that it was launched under.

    \b
    ired-diag launch status q103
    ired-diag launch resume q103 --slurm time=480
    ired-diag launch cancel runs/q103
    """


@command.command("status")
@click.argument("run", shell_complete=completion.names_or_paths)
@options.runs
@options.as_json
def status(run: str, runs: Path, as_json: bool) -> None:
    """Show how the runs of RUN stand: from their folders, SLURM's queue and their output files.

    \b
    ired-diag launch status q103
    """
    from ired_diag.launching.launch import find_launch
    from ired_diag.launching.states import statuses

    launch = find_launch(run, runs)
    standing = statuses(launch)
    if as_json:
        output.print_json({"experiment": launch.experiment, "folder": launch.folder, "runs": standing})
        return
    launched.show_statuses(launch, standing)


@command.command("resume")
@click.argument("run", shell_complete=completion.names_or_paths)
@only
@options.runs
@launched.dry_run
@launched.wait
@launched.slurm
def resume(
    run: str, indices: str | None, runs: Path, dry_run: bool, wait: bool, slurm: tuple[str, ...]
) -> None:
    """Submit the runs of RUN that are neither finished nor under way, as one array.

    Each goes on from its last checkpoint. What was asked of SLURM before is asked again, with the changes of
    --slurm.

    \b
    ired-diag launch resume q103
    ired-diag launch resume q103 --slurm time=480,parallel=2
    """
    from ired_diag.launching.launch import find_launch
    from ired_diag.launching.submitting import resume_launch

    launch = find_launch(run, runs)
    prepared = resume_launch(
        launch,
        _members(launch, indices),
        texts=slurm,
        place=launched.place(),
        dry_run=dry_run,
    )
    launched.show(prepared, dry_run=dry_run)
    if wait and prepared.job:
        is_complete = launched.wait_for(prepared.launch)
        if not is_complete:
            click.get_current_context().exit(EXIT_CHECK_FAILED)


@command.command("cancel")
@click.argument("run", shell_complete=completion.names_or_paths)
@only
@options.runs
def cancel(run: str, indices: str | None, runs: Path) -> None:
    """Cancel the jobs of RUN that run or wait. A training that runs saves its state first.

    \b
    ired-diag launch cancel q103
    ired-diag launch cancel q103 --index 3,5-7
    """
    from ired_diag.launching.launch import find_launch
    from ired_diag.launching.submitting import cancel_launch

    launch = find_launch(run, runs)
    cancelled = cancel_launch(launch, _members(launch, indices))
    if not cancelled:
        click.echo("No job runs or waits.")
        return
    for standing in cancelled:
        click.echo(f"{standing.folder}: cancelled job {standing.job}, which was {standing.state}")
    folder = shlex.quote(str(launch.folder.parent))
    click.echo(f"They go on with: ired-diag launch resume {folder}")


@command.command("work", hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("index", type=int)
def work(folder: Path, index: int) -> None:
    """Train the run of INDEX in the launch FOLDER: what a task of the array does."""
    from ired_diag.training.interrupt import Stop, signals

    stop = Stop()
    # A warning that comes while PyTorch is loaded must be heard too.
    with signals(_heard, stop):
        from ired_diag.launching.work import Voice
        from ired_diag.launching.work import work as train_index

        voice = Voice(say=click.echo, announce=_announce, heard=_heard)
        status = train_index(folder, index, stop=stop, environment=os.environ, voice=voice)
    click.get_current_context().exit(status)


def _members(launch: Launch, indices: str | None) -> list[Member]:
    from ired_diag.launching.states import check_members
    from ired_diag.training.plan import parse_seeds

    chosen = None if indices is None else parse_seeds(indices, option="--index")
    return check_members(launch, chosen)


def _heard() -> None:
    hangup.say("Asked for an end: stopping after this step.")


def _announce(folder: Path, finding: Finding) -> None:
    hangup.say(f"{folder}: {finding.statement} {finding.advice}".rstrip())

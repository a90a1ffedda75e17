"""What commands print about runs on SLURM, and the options that they share."""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import hangup, output
from app.cli.options import Decorator

if TYPE_CHECKING:
    from ired_diag.launching.launch import Launch
    from ired_diag.launching.states import Status
    from ired_diag.launching.submitting import Place, Prepared

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0  # seconds between two looks at the queue
MOST_LISTED = 20

slurm: Decorator = click.option(
    "--slurm",
    multiple=True,
    metavar="KEY=VALUE,…",
    help="What to ask of SLURM: time, partition, gpus, cpus, memory, parallel, account, qos, constraint, "
    "exclude, reservation, warning. May be repeated.",
)
dry_run: Decorator = click.option(
    "--dry-run", is_flag=True, help="Show the batch script. Nothing is written or submitted."
)
wait: Decorator = click.option(
    "--wait",
    is_flag=True,
    help="Wait until no job runs or waits. Exit status 3 if a run is not complete then.",
)


def place() -> Place:
    """Return where jobs run: in this folder, with this Python."""
    from ired_diag.launching.submitting import Place

    return Place(
        working=Path.cwd(),
        command=(sys.executable, "-m", "ired_diag_command"),
    )


def show(prepared: Prepared, *, dry_run: bool) -> None:
    """Print what was, or would be, submitted."""
    for note in prepared.notes:
        click.echo(f"note: {note}", err=True)
    _show_left_out(prepared.left_out)
    if not prepared.chosen:
        click.echo("Nothing to submit.")
        return
    runs = _counted(len(prepared.chosen))
    folder = shlex.quote(str(prepared.launch.folder.parent))
    if not dry_run:
        click.echo(f"Submitted {runs} as job {prepared.job}: {prepared.script}")
        click.echo(f"Next: ired-diag launch status {folder}")
        return
    click.echo(f"Dry run: nothing is written or submitted. One array would train {runs}:")
    for status in prepared.chosen[:MOST_LISTED]:
        click.echo(f"  {status.index:>4}  {status.folder}  {_in_words(status)}")
    if len(prepared.chosen) > MOST_LISTED:
        click.echo(f"  … and {len(prepared.chosen) - MOST_LISTED} more")
    click.echo(f"\n{prepared.script}:\n\n{prepared.text}")


def _show_left_out(statuses: Sequence[Status]) -> None:
    finished = [status for status in statuses if status.is_finished]
    active = [status for status in statuses if not status.is_finished]
    if finished:
        click.echo(f"left out: {counts(finished)}")
    for status in active[:MOST_LISTED]:
        click.echo(f"left out: {status.folder}, {_in_words(status)}")
    if len(active) > MOST_LISTED:
        click.echo(f"left out: {len(active) - MOST_LISTED} more that run or wait")


def _counted(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _in_words(status: Status) -> str:
    words: str = status.state
    if status.state == "not submitted" and status.step is None:
        words = "new"
    if status.step is not None:
        words += f", logged up to step {status.step}"
        if status.steps is not None:
            words += f" of {status.steps}"
    if status.job and status.is_active:
        words += f", job {status.job}"
    return words


def show_statuses(launch: Launch, statuses: Sequence[Status]) -> None:
    """Print how the runs of a launch stand, and the command that comes next."""
    click.echo(f"{launch.experiment}: {counts(statuses)}")
    rows = []
    for status in statuses:
        step = "-" if status.step is None else str(status.step)
        if status.steps is not None:
            step += f" of {status.steps}"
        name = str(status.folder.relative_to(launch.folder.parent))
        rows.append([name, str(status.index), status.state, step, status.job or "-", status.detail])
    columns = ["run", "index", "state", "last logged step", "job", "why"]
    output.print_table("", columns, rows, left=1, last_is_text=True, keep=["state", "why"])
    folder = shlex.quote(str(launch.folder.parent))
    to_resume = [status for status in statuses if not status.is_active and not status.is_finished]
    # Where SLURM does not answer, nothing would be submitted.
    if any(status.state != "unknown" for status in to_resume):
        click.echo(f"Next: ired-diag launch resume {folder}")


def counts(statuses: Sequence[Status]) -> str:
    """Return how many runs are in which state: ``10 runs: 7 complete, 2 running, 1 lost``."""
    numbers = Counter(status.state for status in statuses)
    listed = ", ".join(f"{number} {state}" for state, number in numbers.most_common())
    return f"{_counted(len(statuses))}: {listed}"


def wait_for(launch: Launch) -> bool:
    """Wait until no run of a launch runs or waits, say what changes, and return whether all are complete.

    Where SLURM does not answer for a while, it is asked again. Ctrl-C ends the waiting and no job.
    """
    from ired_diag.launching.states import statuses

    pause, said = FIRST_PAUSE, ""
    while True:
        standing = statuses(launch)
        words = counts(standing)
        if words != said:
            hangup.say(words)
            said, pause = words, FIRST_PAUSE
        is_over = all(not status.is_active and status.state != "unknown" for status in standing)
        if is_over:
            break
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)
    show_statuses(launch, standing)
    return all(status.state == "complete" for status in standing)

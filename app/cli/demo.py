"""``ired-diag demo``: the main job in one command, on runs that come with the program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import app
from app.cli import ls, options, probe, stats

EXPERIMENTS = ("q101", "q102", "q103")
SAMPLES = 512  # half of the probe's own number: the demo is to be quick on a CPU


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    default=Path("ired-diag-demo"),
    show_default=True,
    help="Folder for tables and figures.",
)
@options.device
@click.pass_context
def command(ctx: click.Context, out: Path, device: str) -> None:
    """Diagnose the sample runs: what ran, what differs, and what mining does.

    Nine runs that this program's own trainer made (matrices of rank 8, a narrow network, three seeds for
    each strategy), and ten SLURM logs, one for each way in which a job can end.

    \b
    ired-diag demo
    """
    runs = sample_runs()
    _step(
        "1. Logs in place: what ran, and how each job ended.",
        "A log that just stops is not called failed: its job may still be running.",
        ("ls", str(runs / "slurm_logs")),
    )
    ctx.invoke(ls.command, paths=(str(runs / "slurm_logs"),))
    _step(
        "2. Is a difference between strategies more than the spread of the seeds?",
        "First the conclusion, then the numbers behind it. Three seeds show only large effects, and these "
        "runs are small: a constant answer has an MSE of 0.045, and eight of the nine runs are worse.",
        ("stats", *EXPERIMENTS, "--runs", str(runs)),
    )
    ctx.invoke(stats.command, experiments=EXPERIMENTS, runs=runs)
    for number, experiment in enumerate(EXPERIMENTS):
        target, place = runs / experiment / "seed0", out / experiment
        question = f"   The same for {experiment}."
        if number == 0:
            question = (
                "3. Are negatives worse conditioned than right answers, and is mining the cause?\n"
                "   The start is the same negative before its descent: mining did only what differs from it."
            )
        arguments = ("probe", "conditioning", str(target), "--samples", str(SAMPLES), "--out", str(place))
        _step(question, "", arguments)
        ctx.invoke(
            probe.command,
            name="conditioning",
            targets=(str(target),),
            samples=SAMPLES,
            out=place,
            device=device,
        )
    _end(out)


def sample_runs() -> Path:
    """Return where the sample runs are: next to this package, in a checkout and when installed.

    Raises:
        NotFound: They were not installed.
    """
    from ired_diag.errors import NotFound

    folder = Path(app.__file__).parents[1] / "sample_runs"
    if not (folder / "q101").is_dir():
        raise NotFound(f"{folder}: expected the sample runs, found none. Install the whole package.")
    return folder


def _step(question: str, remark: str, arguments: Sequence[str]) -> None:
    click.secho(f"\n{question}", bold=True)
    if remark:
        click.echo(f"   {remark}")
    click.echo(f"   $ ired-diag {' '.join(arguments)}\n")


def _end(out: Path) -> None:
    click.secho("\nWhat is where, and what next", bold=True)
    click.echo(f"   {out}/<experiment>/conditioning.parquet     one row for each candidate matrix")
    click.echo(f"   {out}/<experiment>/conditioning-step-….pdf  for paper; .png and .html for the screen")
    click.echo("   Your own logs:         ired-diag import path/to/logs --runs runs, then ired-diag ls")
    click.echo("   Your own checkpoints:  ired-diag probe conditioning path/to/model-100.pt")
    click.echo("   Mistakes in them:      ired-diag diagnose path/to/logs")
    click.echo("   All of it to look at:  ired-diag dashboard runs")
    click.echo("   More runs:             ired-diag train q103 --seeds 0-2 --set train_steps=2000")

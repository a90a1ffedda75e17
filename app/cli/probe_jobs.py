"""``ired-diag probe-jobs``: what the Snakefile of ``probe --engine snakemake`` calls."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from app.cli import output
from app.cli.whole_summaries import WholeSummaries

path = click.Path(path_type=Path, resolve_path=True)


@click.group("probe-jobs", cls=WholeSummaries, hidden=True)
def command() -> None:
    """Measure a job of probe --engine snakemake, or ask which jobs are done."""


@command.command("measure")
@click.argument("job", type=path)
@click.argument("receipt", type=path)
def measure(job: Path, receipt: Path) -> None:
    """Measure what the file JOB asks, and write RECEIPT."""
    import probes
    from ired_diag.probe_jobs.job import read_job
    from ired_diag.probe_jobs.work import measure_job

    # Files that the user named are relative to the folder of the command that planned the job.
    working = read_job(job).question.working
    with contextlib.chdir(working), output.progress("probing", unit="answers") as show:
        done = measure_job(job, receipt, probes.load_all(), progress=show)
    measured = known = 0
    for checkpoint in done.checkpoints:
        for refusal in checkpoint.refusals:
            click.echo(f"{checkpoint.path}: {refusal.probe} {refusal.reason}")
        for entry in checkpoint.entries:
            known += entry.known
            measured += not entry.known
    checkpoints = len(done.checkpoints)
    # The last line: it is what is shown of a job.
    click.echo(f"{checkpoints} checkpoints: {measured} answers measured, {known} were in the tables")


@command.command("ask")
@click.argument("folder", type=path)
def ask(folder: Path) -> None:
    """Ask the tables which jobs in FOLDER are done, and remove the receipts of the others."""
    from ired_diag.probe_jobs.workflow import remove_stale_receipts

    stale = remove_stale_receipts(folder)
    if stale:
        click.echo(f"to be measured again: jobs {', '.join(stale)}", err=True)

"""``ired-diag probe --engine snakemake``: plan the jobs, have them run, and print what the tables answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from app.cli import launched, output, probe_output
from app.cli.probe import SOME_FAILED, exit_if_unread, select

if TYPE_CHECKING:
    from app.calls.targets import Selection
    from ired_diag.launching.settings import Settings
    from ired_diag.probe_jobs.running import Engine
    from ired_diag.probe_jobs.workflow import NamedJob, Workflow
    from ired_diag.probing.driver import Answer
    from ired_diag.probing.probe import Probe
    from ired_diag.runs.regroup import Grouping

MOST_LISTED = 20
DOING = "probed with Snakemake"  # for whoever finds the folder locked


def run_jobs(
    name: str,
    chosen: Sequence[Probe],
    names: Sequence[str],
    model: str | None,
    *,
    slurm: Sequence[str],
    per_job: int | None,
    dry_run: bool,
    runs: Path,
    checkpoint: str,
    weights: Literal["raw", "ema"] | None,
    samples: int | None,
    seed: int,
    out: Path | None,
    figures: Literal["all", "last", "none"],
    again: bool,
    device: str,
    as_json: bool,
    grouping: Grouping,
    metric: str | None,
    higher_is_better: bool | None,
    task: str | None,
) -> None:
    """Run probes on checkpoints in jobs, and print their answers.

    Args:
        name: Name of the probe, or ``all``.
        chosen: The probes.
        names: Runs and checkpoints, as a command line names them.
        model: An energy of the user's own, made from the checkpoints.
        slurm: What is asked of SLURM; nothing: the jobs run on this machine's cores.
        per_job: Checkpoints of a job. Default: by their number.
        dry_run: Whether only to show what would be run.
        runs: The runs folder.
        checkpoint: Checkpoints of each run to measure.
        weights: Weights of the checkpoints to use.
        samples: Number of problems.
        seed: Random seed.
        out: Folder for tables and figures.
        figures: Checkpoints to draw.
        again: Refused: a job that is started again would not know what it has measured again.
        device: Device that jobs compute on.
        as_json: Whether to print JSON.
        grouping: The user's definition of groups and seeds.
        metric: Metric by which the best checkpoint is chosen.
        higher_is_better: Direction of the metric.
        task: Task that the runs were trained on.
    """
    if again:
        raise click.UsageError(
            "--again is for --engine local: a job that is started again would measure everything once more."
        )
    if not names:
        raise click.UsageError("--engine snakemake measures checkpoints of runs: name some.")
    import torch

    from ired_diag.launching.settings import parse_slurm
    from ired_diag.launching.specification import check_device
    from ired_diag.probe_jobs.job import Question
    from ired_diag.probe_jobs.snakefile import check_path
    from ired_diag.probe_jobs.workflow import parts_of, plan_jobs, workflow_folder
    from ired_diag.training.lock import locked

    check_device(device)
    settings = parse_slurm(slurm, warned=False) if slurm else None
    if settings is not None and settings.wants_gpu and device == "auto":
        device = "cuda"  # a GPU that was asked for and cannot be used is an error, not a slow job
    selection = select(
        names,
        runs=runs,
        # Only jobs open checkpoints.
        device=torch.device("cpu"),
        checkpoint=checkpoint,
        model=model,
        task=task,
        out=out,
        metric=metric,
        higher_is_better=higher_is_better,
        grouping=grouping,
    )
    question = Question(
        probes={probe.name: probe.version for probe in chosen},
        weights=weights,
        samples=samples,
        seed=seed,
        figures=figures,
        device=device,
        task=task,
        model=model,
        working=str(Path.cwd()),
    )
    request = {
        "names": names,
        "runs": runs.absolute(),
        "checkpoint": checkpoint,
        "grouping": grouping,
        "metric": [metric, higher_is_better],
        "question": [weights, samples, seed, figures, device, task, model],
        "working": Path.cwd(),
    }
    folder = workflow_folder(name, request, out)
    check_path(folder)
    parts = parts_of(selection.targets)
    if dry_run:
        workflow = plan_jobs(folder, parts, question, per_job)
        _show(workflow, _engine(workflow, settings, device, dry_run=True), probes=len(chosen))
        return
    with locked(folder, doing=DOING):
        workflow = plan_jobs(folder, parts, question, per_job)
        failed = _run(workflow, settings, device)
    _print(workflow, selection, chosen, failed, figures=figures != "none", as_json=as_json)


def _engine(workflow: Workflow, settings: Settings | None, device: str, *, dry_run: bool) -> Engine:
    import torch

    from ired_diag.devices import choose_device
    from ired_diag.launching.scheduler import has_accounting
    from ired_diag.probe_jobs.running import Engine, find_snakemake

    snakemake = ["snakemake"] if dry_run else find_snakemake(settings)
    if settings is not None:
        jobs = settings.parallel or max(1, len(workflow.open_jobs))
    elif choose_device(device).type == "cpu":
        jobs = torch.get_num_threads()
    else:
        jobs = 1  # all jobs would share one GPU
    return Engine(
        command=launched.place().command,
        snakemake=snakemake,
        settings=settings,
        jobs=jobs,
        asks_squeue=settings is not None and not has_accounting(),
        environment=os.environ,
    )


@dataclass(frozen=True)
class _Failed:
    """A job that did not end, and the last line that it printed; empty where it printed none."""

    job: NamedJob
    words: str


def _run(workflow: Workflow, settings: Settings | None, device: str) -> list[_Failed]:
    """Have the open jobs of a workflow run, and return those that are still open then."""
    from ired_diag.probe_jobs.receipt import file_state
    from ired_diag.probe_jobs.running import last_words, run_workflow, write_workflow
    from ired_diag.probe_jobs.workflow import with_receipts

    engine = _engine(workflow, settings, device, dry_run=not workflow.open_jobs)
    write_workflow(workflow, engine)
    if not workflow.open_jobs:
        click.echo(f"All {workflow.size} checkpoints were measured before.", err=True)
        return []
    jobs = _counted(len(workflow.open_jobs), "job")
    click.echo(f"{jobs} to run: {output.shorten(workflow.snakefile)}", err=True)
    before = {job.name: file_state(workflow.log(job.name)) for job in workflow.open_jobs}
    try:
        run_workflow(workflow, engine)
    except KeyboardInterrupt:
        click.echo("Interrupted. What was measured is kept: the same command continues from there.", err=True)
        raise
    failed = []
    for job in with_receipts(workflow).open_jobs:
        words = last_words(workflow.log(job.name), before[job.name])
        failed.append(_Failed(job, words))
    return failed


def _show(workflow: Workflow, engine: Engine, *, probes: int) -> None:
    """Print what would be run."""
    open_jobs = workflow.open_jobs
    done = len(workflow.jobs) - len(open_jobs)
    if done:
        click.echo(f"left out: {_counted(done, 'job')} whose answers are in the tables")
    if not open_jobs:
        click.echo("Nothing to measure.")
        return
    checkpoints = sum(job.job.size for job in open_jobs)
    click.echo(
        f"Dry run: nothing is written or run. {_counted(len(open_jobs), 'job')} would put "
        f"{_counted(probes, 'probe')} to {_counted(checkpoints, 'checkpoint')}:"
    )
    for job in open_jobs[:MOST_LISTED]:
        click.echo(f"  {job.name}  {_counted(job.job.size, 'checkpoint'):>15}  {_runs_in_words(job)}")
    if len(open_jobs) > MOST_LISTED:
        click.echo(f"  … and {len(open_jobs) - MOST_LISTED} more")
    click.echo(f"\n{workflow.snakefile}:\n\n{engine.text(workflow.folder)}")


def _runs_in_words(job: NamedJob) -> str:
    first, last = job.job.parts[0].label, job.job.parts[-1].label
    if first == last:
        return first
    return f"{first} to {last}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _print(
    workflow: Workflow,
    selection: Selection,
    chosen: Sequence[Probe],
    failed: Sequence[_Failed],
    *,
    figures: bool,
    as_json: bool,
) -> None:
    """Print the answers that the tables hold, and which jobs failed."""
    from ired_diag.devices import choose_device
    from ired_diag.probe_jobs.collecting import collect, with_comparisons
    from ired_diag.probe_jobs.workflow import with_receipts
    from ired_diag.probing.driver import Unanswered, trends
    from ired_diag.probing.workers import Workers, processes_for

    receipts = [job.receipt for job in with_receipts(workflow).jobs if job.receipt is not None]
    answers: list[Answer] = []
    unanswered: list[Unanswered] = []
    for reply in collect(selection.targets, receipts, chosen):
        if isinstance(reply, Unanswered):
            unanswered.append(reply)
        else:
            answers.append(reply)
    with Workers(processes_for(len(selection.runs), choose_device("cpu"))) as workers:
        over_training = list(trends(answers, chosen, figures=figures, workers=workers))
    if as_json:
        content: dict[str, Any] = {
            "answers": with_comparisons(answers, chosen),
            "over_training": over_training,
            "unanswered": unanswered,
            "failed_jobs": [_as_content(workflow, each) for each in failed],
        }
        output.print_json(content)
    else:
        tables = len(chosen) == 1
        if tables:
            last = {answer.label: answer for answer in answers}
            answers = with_comparisons(answers, chosen, is_shown=lambda answer: answer is last[answer.label])
        probe_output.print_answers(answers, over_training, unanswered, tables=tables)
    _print_failed(workflow, failed)
    exit_if_unread(unanswered)


def _as_content(workflow: Workflow, failed: _Failed) -> dict[str, Any]:
    name = failed.job.name
    return {"job": name, "log": workflow.log(name), "last_line": failed.words}


def _print_failed(workflow: Workflow, failed: Sequence[_Failed]) -> None:
    """Say which jobs did not end, and why as far as their logs say; end with the status of an error."""
    if not failed:
        return
    for each in failed[:MOST_LISTED]:
        name = each.job.name
        log = output.shorten(workflow.log(name))
        words = each.words or "it printed nothing; Snakemake's own messages are above"
        click.echo(f"job {name} is not done ({log}): {words}", err=True)
    if len(failed) > MOST_LISTED:
        click.echo(f"… and {len(failed) - MOST_LISTED} more jobs", err=True)
    jobs = _counted(len(failed), "job")
    checkpoints = _counted(sum(each.job.job.size for each in failed), "checkpoint")
    click.echo(
        f"{jobs} of {checkpoints} not done. What was measured is kept: the same command continues there.",
        err=True,
    )
    raise click.exceptions.Exit(SOME_FAILED)

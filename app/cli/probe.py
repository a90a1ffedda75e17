"""``ired-diag probe``: put a question to the checkpoints of a run, or to a model of one's own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from app.cli import completion, launched, options, output, probe_output

if TYPE_CHECKING:
    from app.calls.targets import Selection
    from ired_diag.probing.driver import Unanswered
    from ired_diag.probing.probe import Probe
    from ired_diag.runs.regroup import Grouping

MOST_PERCENT = 50
SOME_FAILED = 1  # the exit status of an error, although the answers are printed


class Share(click.ParamType):  # type: ignore[type-arg]
    """A share in percent, such as 0.5%, as a number."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share."""
        text = str(value)
        try:
            percent = float(text.removesuffix("%"))
        except ValueError:
            percent = math.nan
        if not text.endswith("%") or not 0 < percent <= MOST_PERCENT:
            self.fail(f"{text!r}: expected a percentage above 0% and at most {MOST_PERCENT}%, such as 0.5%.")
        return percent / 100


@click.command("probe")
@click.argument("name", required=False, metavar="NAME|all", shell_complete=completion.probes)
@click.argument("targets", nargs=-1, metavar="RUN|CHECKPOINT…", shell_complete=completion.names_or_paths)
@click.option("--list", "list_them", is_flag=True, help="List the probes, each with its question.")
@click.option(
    "--checkpoint",
    default="last",
    show_default=True,
    metavar="last|best|all|STEP",
    help="Checkpoints of each run to measure.",
)
@click.option(
    "--weights",
    type=click.Choice(["raw", "ema"]),
    help="Weights of the checkpoint to use. Default: raw for negatives (training mined with them), ema for "
    "answers (evaluation used them).",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Number of problems. Default: each probe's own number (most 1024, accuracy 5000, floor 2000).",
)
@click.option(
    "--precision-of",
    type=Share(),
    metavar="PERCENT%",
    help="Instead of --samples: standard error of the MSE to reach, as a share of it, such as 0.5%. For "
    "accuracy and floor; a pilot of 500 problems decides how many it takes.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
@click.option(
    "--model",
    metavar="FILE.py:FUNCTION",
    help="An energy of your own (docs/own-energies.md): alone, or made from the checkpoints of RUN.",
)
@click.option(
    "--task",
    metavar="NAME|FILE.py:FUNCTION",
    help="Task that the runs were trained on (docs/own-tasks.md). Default: the one in their configuration.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="Folder for tables and figures. With several runs, each gets a folder of its own in it.",
)
@click.option(
    "--figures",
    type=click.Choice(["all", "last", "none"]),
    default="last",
    show_default=True,
    help="Draw every checkpoint, the last one of each run, or none.",
)
@click.option("--again", is_flag=True, help="Measure again what was measured before with the same settings.")
@click.option(
    "--engine",
    type=click.Choice(["local", "snakemake"]),
    default="local",
    show_default=True,
    help="Measure in this process, or in jobs that Snakemake runs on this machine's cores or, with --slurm, "
    "on SLURM (docs/many-checkpoints.md).",
)
@launched.slurm
@click.option(
    "--per-job",
    type=click.IntRange(min=1),
    metavar="N",
    help="Checkpoints of a job (with --engine snakemake). Default: 20 to 100, by their number.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the jobs and the Snakefile (with --engine snakemake). Nothing is written or run.",
)
@options.metric
@options.direction
@options.runs
@options.grouping
@options.device
@options.as_json
def command(
    name: str | None,
    targets: tuple[str, ...],
    list_them: bool,
    model: str | None,
    as_json: bool,
    engine: str,
    slurm: tuple[str, ...],
    per_job: int | None,
    dry_run: bool,
    **choices: Any,
) -> None:
    """Run the probe NAME, or all probes, on each RUN (a folder, or an experiment's name) or CHECKPOINT file.

    Tables and figures go into the run's folder. Those of a checkpoint or a foreign folder go to --out, else
    to ./ired-diag-out. The command prints where. What was measured before with the same settings is not
    measured again: after an interruption, the same command continues where it stopped.

    \b
    ired-diag probe --list
    ired-diag probe conditioning runs/q103/seed0
    ired-diag probe all q101 q103 --checkpoint all --samples 2048
    ired-diag probe floor results/model-100.pt
    ired-diag probe energy_gap --model my_energy.py:build
    ired-diag probe all q101 q103 --checkpoint all --engine snakemake --slurm time=240
    """
    from ired_diag.waiting import wait_briefly

    wait_briefly()  # before torch is imported
    import probes
    from app.calls.probing import check_precision, probes_called

    if list_them:
        probe_output.print_questions(probes.load_all())
        return
    if name is None or not (targets or model):
        names = ", ".join(probes.names())
        raise click.UsageError(f"Name a probe ({names}, or all), then a run or checkpoint.")
    chosen = probes_called(name, of_own_model=model is not None)
    check_precision(choices["precision_of"], choices["samples"], chosen)
    if engine == "local":
        if slurm or dry_run or per_job is not None:
            raise click.UsageError("--slurm, --per-job and --dry-run need --engine snakemake.")
        run_probes(chosen, targets, model, as_json=as_json, **choices)
        return
    from app.cli.probe_snakemake import run_jobs

    if choices.pop("precision_of") is not None:
        raise click.UsageError(
            "--precision-of needs --engine local: jobs look at a number of problems (--samples)."
        )
    run_jobs(
        name,
        chosen,
        targets,
        model,
        slurm=slurm,
        per_job=per_job,
        dry_run=dry_run,
        as_json=as_json,
        **choices,
    )


def run_probes(
    chosen: Sequence[Probe],
    names: Sequence[str],
    model: str | None = None,
    *,
    runs: Path,
    checkpoint: str = "last",
    weights: Literal["raw", "ema"] | None = None,
    samples: int | None = None,
    precision_of: float | None = None,
    seed: int = 0,
    out: Path | None = None,
    figures: Literal["all", "last", "none"] = "last",
    again: bool = False,
    device: str = "auto",
    as_json: bool = False,
    grouping: Grouping | None = None,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    task: str | None = None,
) -> None:
    """Run probes on targets, and print their answers.

    Args:
        chosen: The probes.
        names: Runs and checkpoints, as a command line names them.
        model: An energy of the user's own: alone, or made from the checkpoints.
        runs: The runs folder.
        checkpoint: Checkpoints of each run to measure.
        weights: Weights of the checkpoint to use.
        samples: Number of problems.
        precision_of: Standard error to reach, as a share of the mean, for the probes that can.
        seed: Random seed.
        out: Folder for tables and figures.
        figures: Checkpoints to draw.
        again: Whether to measure again what was measured before.
        device: Device to compute on.
        as_json: Whether to print JSON.
        grouping: The user's definition of groups and seeds.
        metric: Metric by which the best checkpoint is chosen. Default: detected by name.
        higher_is_better: Direction of the metric. Default: by configuration and name.
        task: Task that the runs were trained on. Default: the one in their configuration.
    """
    from ired_diag.devices import choose_device
    from ired_diag.probing import driver
    from ired_diag.probing.driver import Answer, Request, put_probes, trends
    from ired_diag.probing.workers import Workers, processes_for

    compute_device = choose_device(device)
    selection = select(
        names,
        runs=runs,
        device=compute_device,
        checkpoint=checkpoint,
        model=model,
        task=task,
        out=out,
        metric=metric,
        higher_is_better=higher_is_better,
        grouping=grouping,
    )
    request = Request(
        probes=chosen,
        weights=weights,
        samples=samples,
        precision_of=precision_of,
        seed=seed,
        figures=figures,
        again=again,
    )
    with _interruptible(), Workers(processes_for(len(selection.targets), compute_device)) as workers:
        with output.progress("probing", unit="answers") as show:
            results = list(put_probes(selection.targets, request, progress=show, workers=workers))
        answers = [result for result in results if isinstance(result, Answer)]
        unanswered = [result for result in results if isinstance(result, driver.Unanswered)]
        over_training = list(trends(answers, chosen, figures=figures != "none", workers=workers))
    if as_json:
        content = {"answers": answers, "over_training": over_training, "unanswered": unanswered}
        output.print_json(content)
    else:
        probe_output.print_answers(answers, over_training, unanswered, tables=len(chosen) == 1)
    exit_if_unread(unanswered)


def select(
    names: Sequence[str],
    *,
    checkpoint: str,
    metric: str | None,
    higher_is_better: bool | None,
    **choices: Any,
) -> Selection:
    """Return the checkpoints that a command line names, and say which are left out.

    Args:
        names: Runs and checkpoints.
        checkpoint: Checkpoints of each run to measure.
        metric: Metric by which the best checkpoint is chosen.
        higher_is_better: Direction of the metric.
        choices: The other arguments of ``targets_of``.
    """
    from app.calls.targets import targets_of
    from ired_diag.runs.judged import judged_in_words

    if (metric or higher_is_better is not None) and checkpoint != "best":
        raise click.UsageError(
            "--metric and its direction choose the best checkpoint: add --checkpoint best."
        )
    notes: list[str] = []
    try:
        selection = targets_of(
            names,
            notes=notes,
            checkpoint=checkpoint,
            metric=metric,
            higher_is_better=higher_is_better,
            **choices,
        )
    finally:  # what was left out matters most where nothing is left
        for note in notes:
            click.echo(f"note: {note}", err=True)
    if checkpoint == "best" and selection.runs:
        click.echo("\n".join(judged_in_words(selection.runs)), err=True)
    return selection


def exit_if_unread(unanswered: Sequence[Unanswered]) -> None:
    """End with the status of an error where a checkpoint could not be read: it has no probe's name."""
    if any(not question.probe for question in unanswered):
        raise click.exceptions.Exit(SOME_FAILED)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say, when interrupted, what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted. What was measured is kept: the same command continues from there.", err=True)
        raise

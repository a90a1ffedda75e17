"""``ired-diag train``: make more runs."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import hangup, options, output
from app.cli.group import EXIT_CHECK_FAILED

if TYPE_CHECKING:
    from ired_diag.config import TrainingConfig
    from ired_diag.finding import Finding
    from ired_diag.training.compiled import Compile
    from ired_diag.training.opening import Options
    from ired_diag.training.plan import PlannedRun


@click.command("train")
@click.argument("experiment", required=False)
@click.option("--seeds", metavar="A-B|A,B,…", help="Which seeds; else the configuration's own.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a knob; repeatable.")
@click.option(
    "--task",
    metavar="NAME|FILE.py:FUNCTION",
    help="What to train. Default: what EXPERIMENT names.",
)
@click.option("--name", help="Train under another name.")
@click.option("--resume", is_flag=True, help="Go on with stopped runs; start those that are not there.")
@click.option("--from", "source", metavar="RUN@STEP", help="Fork a run at a step (or last, best) instead.")
@click.option("--fresh-optimizer", is_flag=True, help="With --from: forget the optimiser's memory.")
@click.option(
    "--together",
    type=click.IntRange(1),
    metavar="N",
    help="Seeds in one ensemble; else all on a GPU, one on a CPU.",
)
@click.option(
    "--compile",
    "compiling",
    type=click.Choice(("auto", "on", "off")),
    default="auto",
    help="Compile the loss; auto: for long runs.",
)
@click.option("--stop-on-trouble", is_flag=True, help="End a run that diverges, runs away or is dead.")
@click.option("--list", "list_them", is_flag=True, help="List the named experiments and what each asks.")
@options.runs
@options.device
def command(
    experiment: str | None,
    seeds: str | None,
    settings: tuple[str, ...],
    task: str | None,
    name: str | None,
    resume: bool,
    source: str | None,
    fresh_optimizer: bool,
    together: int | None,
    compiling: Compile,
    stop_on_trouble: bool,
    list_them: bool,
    runs: Path,
    device: str,
) -> None:
    """Train EXPERIMENT: a name (q103) or a JSON file in the form of the study's.

    Each seed gets a folder RUNS/EXPERIMENT/[VARIANT/]seed<k>. A run that exists is refused. A sweep (q301)
    trains all its variants; q301@mining_opt_steps=3 is one of them. A training problem of your own is a
    Python file (docs/own-tasks.md): --task runs it.

    \b
    ired-diag train q103 --seeds 0-2 --set train_steps=2000
    ired-diag train q103 --seeds 0-2 --resume
    ired-diag train --from q103/seed0@7000 --set learning_rate=1e-5
    ired-diag train --task my_task.py:build --seeds 0-4
    """
    if list_them:
        _list()
        return
    if experiment is not None and source is not None:
        raise click.UsageError("Name an experiment or fork a run with --from, not both.")
    if experiment is None and source is None and task is None:
        raise click.UsageError(
            "Name an experiment (see them with --list), a task with --task, or fork a run with --from."
        )
    if source is None and fresh_optimizer:
        raise click.UsageError("--fresh-optimizer needs --from RUN@STEP.")
    from ired_diag.devices import choose_device
    from ired_diag.training.opening import Options
    from ired_diag.training.plan import in_batches, plan
    from ired_diag.training.plan_fork import plan_fork

    chosen = choose_device(device)
    if source is not None:
        planned = plan_fork(
            source,
            seeds,
            settings,
            task=task,
            name=name,
            runs=runs,
            fresh_optimizer=fresh_optimizer,
            resume=resume,
        )
    else:
        planned = plan(experiment, seeds, settings, task=task, name=name, runs=runs, resume=resume)
    how = Options(chosen, compiling, stop_on_trouble, announce=_announce, heard=_heard)
    _train_in_turn(in_batches(planned, together or (len(planned) if chosen.type == "cuda" else 1)), how)
    if stop_on_trouble and not all(_is_complete(one.folder) for one in planned):
        click.get_current_context().exit(EXIT_CHECK_FAILED)
    first, place = (shlex.quote(str(path)) for path in (planned[0].folder, runs))
    if planned[0].task_file is not None:
        click.echo(f"Next: ired-diag ls --runs {place}")
        return
    click.echo(f"Next: ired-diag probe conditioning {first}, or: ired-diag ls --runs {place}")


def _train_in_turn(batches: Sequence[Sequence[PlannedRun]], how: Options) -> None:
    from ired_diag.training.trainer import Interrupted

    for number, batch in enumerate(batches, start=1):
        asked = _train(batch, how)
        if asked and number < len(batches):
            raise Interrupted(
                "Stopped as asked before the other runs. Go on with the same command and --resume."
            )


def _train(batch: Sequence[PlannedRun], how: Options) -> bool:
    """Train runs together, say how each ended, and return whether a signal asked for an end."""
    from ired_diag.training.trainer import train_together

    more = f" and {len(batch) - 1} more" if len(batch) > 1 else ""
    with output.progress(f"{batch[0].folder}{more}", unit="steps") as show:
        asked = train_together(batch, replace(how, progress=lambda step, steps, values: show(step, steps)))
    for one in batch:
        click.echo(f"{one.folder}: {_result(one)}")
    return asked


def _is_complete(folder: Path) -> bool:
    from ired_diag.open import open_run

    return open_run(folder).ending.complete


def _heard() -> None:
    hangup.say("Stopping after this step. Again: stop now; the last checkpoint stays whole.")


def _announce(folder: Path, finding: Finding) -> None:
    hangup.say(f"{folder}: {finding.statement} {finding.advice}".rstrip())


def _result(planned: PlannedRun) -> str:
    from ired_diag.open import open_run

    run, metric = open_run(planned.folder), planned.task.metric
    series = run.history.series.get(metric.name)
    how = f"{run.ending.detail}." if run.ending.detail else "trained."
    if series is None:
        return f"{how} No evaluation yet."
    logged = zip(series.steps, series.values, strict=True)
    broken = [step for step, value in logged if not math.isfinite(value)]
    if broken:
        return f"{how} It DIVERGED: {metric.title} is not finite from step {broken[0]} on."
    title = metric.title[:1].upper() + metric.title[1:]
    return f"{how} {title} {series.values[-1]:.6g} at step {series.steps[-1]}."


def _list() -> None:
    """Print a row of knobs for each experiment and, below it, what it asks and what a sweep varies.

    Not one wide table: with questions in it, a terminal of 80 columns would break each row in three.
    """
    from ired_diag import experiments
    from ired_diag.experiments.sweep import varied

    sweeps = {name: experiments.variants(name) for name in experiments.names()}
    row = f"{{:<{max(map(len, sweeps))}}}  {{:<11}}  {{:<6}}  {{:>6}}  {{:>5}}"
    header = row.format("experiment", "mining", "head", "steps", "batch")
    click.echo(f"{header}\n{'─' * len(header)}")
    for name, variants in sweeps.items():
        click.echo(row.format(name, *_knobs([variant.config for variant in variants])))
        told = [experiments.question(name)]
        told += [f"varies {knob} {', '.join(values)}" for knob, values in varied(variants).items()]
        for line in told:
            click.echo(click.wrap_text(line, 78, "    ", "    "))


def _knobs(variants: Sequence[TrainingConfig]) -> list[str]:
    """Return mining, head, steps and batch, where all variants have the same."""
    columns = (
        [getattr(config, "mining_strategy", "") for config in variants],
        ["scalar" if getattr(config, "use_scalar_energy", False) else "vector" for config in variants],
        [str(config.train_steps) for config in variants],
        [str(config.batch_size) for config in variants],
    )
    return [column[0] if len(set(column)) == 1 else "varies" for column in columns]

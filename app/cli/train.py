"""``ired-diag train``: make more runs."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, launched, options
from app.cli.group import EXIT_CHECK_FAILED
from app.cli.training_in_turn import is_complete, train_in_turn

if TYPE_CHECKING:
    from ired_diag.config import TrainingConfig
    from ired_diag.launching.specification import Manner
    from ired_diag.seed_sources import Source
    from ired_diag.training.compiled import Compile
    from ired_diag.training.plan import PlannedRun
    from ired_diag.training.seed_design import Design

WIDTH = 78  # characters of a line about an experiment
PILOT_STEPS = 10_000
PILOT = f"train_steps={PILOT_STEPS}"


@click.command("train")
@click.argument("experiments", nargs=-1, metavar="[EXPERIMENT]...", shell_complete=completion.experiments)
@click.option("--seeds", metavar="A-B|A,B,…", help="Seeds to train. Default: those of the configuration.")
@click.option(
    "--seed-init",
    metavar="A-B|A,B,…",
    help="Seeds of the untrained weights alone. Crossed with those of the other sources.",
)
@click.option(
    "--seed-data",
    metavar="A-B|A,B,…",
    help="Seeds of the data, their order and the noise of training steps.",
)
@click.option("--seed-eval", metavar="A-B|A,B,…", help="Seeds of what evaluations draw.")
@click.option(
    "--design",
    type=click.Choice(["crossed", "pairs", "latin"]),
    default="crossed",
    show_default=True,
    help="Which seeds of --seed-init, --seed-data and --seed-eval go together: all with all, the lists side "
    "by side, or a Latin square of all three.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a knob. May be repeated.")
@click.option("--pilot", is_flag=True, help=f"Train {PILOT_STEPS:,} steps: short for --set {PILOT}.")
@click.option(
    "--task",
    metavar="NAME|FILE.py:FUNCTION",
    help="Task to train on. Default: the one that EXPERIMENT names.",
)
@click.option("--name", help="Train under another name.")
@click.option("--resume", is_flag=True, help="Continue stopped runs; start those that do not exist yet.")
@click.option("--from", "source", metavar="RUN@STEP", help="Fork a run at a step (or last, best) instead.")
@click.option(
    "--each",
    "changes",
    multiple=True,
    metavar="KEY=VALUE|fresh_optimizer",
    help="One fork for each change (with --from). May be repeated.",
)
@click.option("--fresh-optimizer", is_flag=True, help="Reset the state of the optimiser (with --from).")
@click.option(
    "--together",
    type=click.IntRange(1),
    metavar="N",
    help="Number of seeds in one ensemble. Default: all on a GPU, one on a CPU.",
)
@click.option(
    "--compile",
    "compiling",
    type=click.Choice(("auto", "on", "off")),
    default="auto",
    help="Compile the loss. auto: only for long runs.",
)
@click.option("--stop-on-trouble", is_flag=True, help="End a run that diverges, runs away or is dead.")
@click.option(
    "--launcher",
    type=click.Choice(("local", "slurm")),
    default="local",
    show_default=True,
    help="Where to train: in this process, or as one SLURM array (docs/slurm-training.md).",
)
@launched.slurm
@launched.dry_run
@launched.wait
@click.option("--list", "list_them", is_flag=True, help="List the named experiments, each with its question.")
@options.runs
@options.device
def command(
    experiments: tuple[str, ...],
    seeds: str | None,
    seed_init: str | None,
    seed_data: str | None,
    seed_eval: str | None,
    design: Design,
    settings: tuple[str, ...],
    pilot: bool,
    task: str | None,
    name: str | None,
    resume: bool,
    source: str | None,
    changes: tuple[str, ...],
    fresh_optimizer: bool,
    together: int | None,
    compiling: Compile,
    stop_on_trouble: bool,
    launcher: str,
    slurm: tuple[str, ...],
    dry_run: bool,
    wait: bool,
    list_them: bool,
    runs: Path,
    device: str,
) -> None:
    """Train EXPERIMENT: a name (q103) or a JSON file with the same keys as those of the study; or several.

    Each seed gets a folder RUNS/EXPERIMENT/[VARIANT/]seed<k>. A run that exists is refused. A sweep (q301)
    trains all its variants; q301@mining_opt_steps=3 is a single variant. A task of your own is a Python file
    (docs/own-tasks.md): --task trains on it.

    \b
    ired-diag train q103 --seeds 0-2 --set train_steps=2000
    ired-diag train q103 --seeds 0-2 --resume
    ired-diag train q001 q002 q003 --pilot
    ired-diag train --task digits --seed-init 0-4 --seed-data 0-4
    ired-diag train --from q103/seed0@7000 --set learning_rate=1e-5
    ired-diag train --from q103/seed0@7000 --each learning_rate=1e-5 --each optimizer=sgd
    ired-diag train --task my_task.py:build --seeds 0-4
    ired-diag train q103 --seeds 0-9 --launcher slurm --slurm time=240,gpus=1
    """
    if list_them:
        _list()
        return
    source_seeds = _source_seeds(seed_init, seed_data, seed_eval)
    if source is None:
        _check_start(experiments, task, changes, name, fresh_optimizer=fresh_optimizer)
    else:
        _check_fork(experiments, changes, source_seeds, fresh_optimizer=fresh_optimizer)
    settings = _with_pilot(settings, pilot=pilot)
    _check_launcher(launcher, slurm, together, dry_run=dry_run, wait=wait)
    from ired_diag.training.plan import in_batches, plan, plan_several
    from ired_diag.training.plan_fork import plan_each, plan_fork

    chosen = None
    if launcher == "local":
        from ired_diag.devices import choose_device

        chosen = choose_device(device)
    if source is not None and changes:
        planned = plan_each(
            source,
            changes,
            seeds,
            settings,
            task=task,
            name=name,
            runs=runs,
            resume=resume,
        )
    elif source is not None:
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
    elif len(experiments) > 1:
        planned = plan_several(
            experiments,
            seeds,
            settings,
            task=task,
            runs=runs,
            resume=resume,
            source_seeds=source_seeds,
            design=design,
        )
    else:
        planned = plan(
            experiments[0] if experiments else None,
            seeds,
            settings,
            task=task,
            name=name,
            runs=runs,
            resume=resume,
            source_seeds=source_seeds,
            design=design,
        )
    _print_remarks(planned)
    if chosen is None:
        from ired_diag.launching.specification import Manner

        manner = Manner(device=device, compile=compiling, stop_on_trouble=stop_on_trouble)
        _submit(planned, runs, slurm, manner, resume=resume, dry_run=dry_run, wait=wait)
        return
    if together is None:
        together = len(planned) if chosen.type == "cuda" else 1
    train_in_turn(
        in_batches(planned, together),
        device=chosen,
        compiling=compiling,
        stop_on_trouble=stop_on_trouble,
    )
    if stop_on_trouble and not all(is_complete(run.folder) for run in planned):
        click.get_current_context().exit(EXIT_CHECK_FAILED)
    trained = " ".join(dict.fromkeys(map(_quoted_name, planned)))
    if changes:
        click.echo(f"Next: ired-diag stats {trained} --forks --runs {shlex.quote(str(runs))}")
        return
    if len(source_seeds) > 1 and len(planned) > 1:
        click.echo(f"Next: ired-diag variance {trained} --runs {shlex.quote(str(runs))}")
        return
    if len(experiments) > 1:
        click.echo(f"Next: ired-diag stats {trained} --runs {shlex.quote(str(runs))}")
        return
    click.echo(f"Next: {_next_commands(planned[0], runs)}")


def _print_remarks(planned: Sequence[PlannedRun]) -> None:
    """Print what is to be known of the knobs before the training, once for all seeds."""
    remarks = itertools.chain.from_iterable(run.config.remarks() for run in planned)
    for remark in dict.fromkeys(remarks):
        click.echo(f"note: {remark}", err=True)


def _quoted_name(planned: PlannedRun) -> str:
    return shlex.quote(planned.experiment or planned.config.experiment_name)


def _with_pilot(settings: tuple[str, ...], *, pilot: bool) -> tuple[str, ...]:
    """Return the settings, with the steps of a pilot.

    Raises:
        UsageError: The steps are set as well.
    """
    if not pilot:
        return settings
    for setting in settings:
        if setting.partition("=")[0].strip() == "train_steps":
            raise click.UsageError(f"--pilot is --set {PILOT}: leave out one of the two.")
    return (*settings, PILOT)


def _check_start(
    experiments: Sequence[str],
    task: str | None,
    changes: Sequence[str],
    name: str | None,
    *,
    fresh_optimizer: bool,
) -> None:
    """Refuse options of a fork where there is none, and a command that names nothing to train."""
    if changes:
        raise click.UsageError("--each needs --from RUN@STEP.")
    if name is not None and len(experiments) > 1:
        raise click.UsageError("--name is the name of one experiment. Train them one by one.")
    if not experiments and task is None:
        raise click.UsageError(
            "Name an experiment (see them with --list), a task with --task, or fork a run with --from."
        )
    if fresh_optimizer:
        raise click.UsageError("--fresh-optimizer needs --from RUN@STEP.")


def _check_fork(
    experiments: Sequence[str],
    changes: Sequence[str],
    source_seeds: Mapping[Source, str],
    *,
    fresh_optimizer: bool,
) -> None:
    """Refuse options that a fork does not have."""
    if changes and fresh_optimizer:
        raise click.UsageError("Give the reset of the optimiser as a change: --each fresh_optimizer.")
    if experiments:
        raise click.UsageError("Name an experiment or fork a run with --from, not both.")
    if source_seeds:
        raise click.UsageError("A fork keeps the seeds of its parent: leave out --seed-init and the like.")


def _check_launcher(
    launcher: str, slurm: Sequence[str], together: int | None, *, dry_run: bool, wait: bool
) -> None:
    """Refuse options of one launcher with the other."""
    if launcher == "local" and (slurm or dry_run or wait):
        raise click.UsageError("--slurm, --dry-run and --wait need --launcher slurm.")
    if launcher == "slurm" and together is not None:
        raise click.UsageError("--together is for one process: on SLURM each task trains one run.")


def _submit(
    planned: Sequence[PlannedRun],
    runs: Path,
    slurm: Sequence[str],
    manner: Manner,
    *,
    resume: bool,
    dry_run: bool,
    wait: bool,
) -> None:
    """Submit runs as one SLURM array."""
    from ired_diag.launching.settings import parse_slurm
    from ired_diag.launching.submitting import submit_planned

    prepared = submit_planned(
        planned,
        runs=runs,
        settings=parse_slurm(slurm),
        manner=manner,
        place=launched.place(),
        resume=resume,
        dry_run=dry_run,
    )
    launched.show(prepared, dry_run=dry_run)
    if wait and prepared.job and not launched.wait_for(prepared.launch):
        click.get_current_context().exit(EXIT_CHECK_FAILED)


def _source_seeds(init: str | None, data: str | None, evaluation: str | None) -> dict[Source, str]:
    named: dict[Source, str | None] = {"init": init, "data": data, "eval": evaluation}
    return {source: seeds for source, seeds in named.items() if seeds is not None}


def _next_commands(first: PlannedRun, runs: Path) -> str:
    """Return what to type after training; a probe reads no model of a user's own task, or without energy."""
    ls = f"ired-diag ls --runs {shlex.quote(str(runs))}"
    if first.task_file is not None or first.task.subject is None:
        return ls
    return f"ired-diag probe conditioning {shlex.quote(str(first.folder))}, or: {ls}"


def _list() -> None:
    """Print a row of knobs for each experiment and, below it, its question and what a sweep varies.

    It is not one wide table: with questions in it, a terminal of 80 columns would break each row in three.
    """
    from ired_diag import experiments
    from ired_diag.experiments.sweep import varied

    sweeps = {name: experiments.variants(name) for name in experiments.names()}
    row = f"{{:<{max(map(len, sweeps))}}}  {{:<11}}  {{:<6}}  {{:>6}}  {{:>5}}"
    header = row.format("experiment", "mining", "head", "steps", "batch")
    click.echo(f"{header}\n{'─' * len(header)}")
    for name, variants in sweeps.items():
        click.echo(row.format(name, *_knobs([variant.config for variant in variants])))
        sentences = [experiments.question(name)]
        sentences += [f"varies {knob} {', '.join(values)}" for knob, values in varied(variants).items()]
        for sentence in sentences:
            click.echo(click.wrap_text(sentence, WIDTH, "    ", "    "))


def _knobs(variants: Sequence[TrainingConfig]) -> list[str]:
    """Return mining, head, steps and batch; "varies" where the variants differ."""
    rows = [_knobs_of_variant(config) for config in variants]
    knobs = []
    for values in zip(*rows, strict=True):
        knobs.append(values[0] if len(set(values)) == 1 else "varies")
    return knobs


def _knobs_of_variant(config: TrainingConfig) -> tuple[str, ...]:
    head = "scalar" if getattr(config, "use_scalar_energy", False) else "vector"
    mining = getattr(config, "mining_strategy", "")
    return mining, head, str(config.train_steps), str(config.batch_size)

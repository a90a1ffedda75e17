"""``ired-diag train``: make more runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from ired_diag.config import Config


@click.command("train")
@click.argument("experiment", required=False)
@click.option("--seeds", metavar="A-B|A,B,…", help="Which seeds; else the configuration's own.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a knob; repeatable.")
@click.option("--name", help="Train under another name.")
@click.option("--resume", is_flag=True, help="Go on with stopped runs; start those that are not there.")
@click.option("--list", "list_them", is_flag=True, help="List the named experiments and what each asks.")
@options.runs
@options.device
def command(
    experiment: str | None,
    seeds: str | None,
    settings: tuple[str, ...],
    name: str | None,
    resume: bool,
    list_them: bool,
    runs: Path,
    device: str,
) -> None:
    """Train EXPERIMENT: a name (q103) or a JSON file in the form of the study's.

    Each seed gets a folder RUNS/EXPERIMENT/seed<k>. A run that exists is refused.

    \b
    ired-diag train q103 --seeds 0-2 --set train_steps=2000
    ired-diag train q103 --seeds 0-2 --resume
    """
    if list_them:
        _list()
        return
    if experiment is None:
        raise click.UsageError("Name an experiment, or see them with --list.")
    from ired_diag.devices import choose_device
    from ired_diag.training.plan import plan
    from ired_diag.training.trainer import train

    chosen = choose_device(device)
    planned = plan(experiment, seeds, settings, name=name, runs=runs, resume=resume)
    for one in planned:
        with output.progress(f"{one.folder}", unit="steps") as show:
            train(one.config, one.folder, device=chosen, resume=one.resume, progress=_report(show))
        click.echo(f"{one.folder}: trained. {_result(one.folder)}")
    folder = planned[0].folder
    click.echo(f"Next: ired-diag probe conditioning {folder}, or: ired-diag ls --runs {runs}")


def _report(show: Callable[[int, int], None]) -> Callable[[int, int, dict[str, float]], None]:
    return lambda step, steps, values: show(step, steps)


def _result(folder: Path) -> str:
    from ired_diag.open import open_run

    series = open_run(folder).history.series["validation/mse"]
    broken = [step for step, mse in zip(series.steps, series.values, strict=True) if not math.isfinite(mse)]
    if broken:
        return f"It DIVERGED: validation MSE is not finite from step {broken[0]} on."
    return f"Validation MSE {series.values[-1]:.6g} at step {series.steps[-1]}."


def _list() -> None:
    from ired_diag import experiments

    rows = [_row(experiments.load(name), experiments.question(name)) for name in experiments.names()]
    columns = ("experiment", "what it asks", "mining", "head", "steps", "batch")
    output.print_table("", columns, rows, left=4)


def _row(config: Config, question: str) -> tuple[str, ...]:
    head = "scalar" if config.use_scalar_energy else "vector"
    steps, batch = str(config.train_steps), str(config.batch_size)
    return config.experiment_name, question, config.mining_strategy, head, steps, batch

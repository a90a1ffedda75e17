"""``ired-diag stats``: what the seeds of two or more experiments say about their difference."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from app.cli import completion, options, output

if TYPE_CHECKING:
    from ired_diag.comparison import Margin
    from ired_diag.runs.regroup import Grouping
    from ired_diag.runs.run import Run


@click.command("stats")
@click.argument("experiments", nargs=-1, required=True, shell_complete=completion.names_or_paths)
@options.runs
@options.grouping
@options.metric
@options.direction
@options.readout
@options.until
@click.option("--include-incomplete", is_flag=True, help="Keep runs that did not finish training.")
@options.margin
@options.pairing
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@options.sweep
@options.labels
@click.option("--forks", is_flag=True, help="Compare forks of EXPERIMENTS: which change mends it.")
@click.option("--full", is_flag=True, help="Print all tests, readouts, effect sizes, noise and ranks.")
@click.option("--latex", is_flag=True, help="Print a LaTeX table, and paragraphs for methods and results.")
@click.option("--markdown", is_flag=True, help="Print the table and the paragraphs as Markdown.")
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    experiments: tuple[str, ...],
    runs: Path,
    metric: str | None,
    higher_is_better: bool | None,
    readout: str,
    until: int | None,
    include_incomplete: bool,
    margin: Margin,
    paired: bool | None,
    seed: int,
    sweep: str | None,
    forks: bool,
    full: bool,
    latex: bool,
    markdown: bool,
    as_json: bool,
    grouping: Grouping,
    labels: dict[str, str],
    metric_labels: dict[str, str],
) -> None:
    """Compare EXPERIMENTS over their seeds: what is better, by how much, and how sure that is.

    EXPERIMENTS are names (q101, q201@61186975) of runs in the runs folder, or paths: run folders; foreign
    logs (read in place and grouped by experiment); NAME=GLOB, one group of all runs at the paths that match;
    or a CSV or JSON table with one number for each seed.

    \b
    ired-diag stats q101 q102 q103
    ired-diag stats path/to/logs/*.out --readout last
    ired-diag stats muonh='logs/muonh/*' normuonh='logs/normuonh/*'
    ired-diag stats results.csv --margin 2%
    ired-diag stats results.csv --margin 0.05abs --paired
    ired-diag stats q301 --sweep mining_opt_steps
    ired-diag stats q103 --forks
    """
    from app.calls.comparing import compare
    from app.cli import stats_answer, stats_markup, stats_output
    from app.cli.same_command import same_command
    from app.cli.table_width import terminal_width
    from app.cli.when_command import when_command
    from app.cli.wrapping import broken

    if forks:
        _print_forks(experiments, runs, metric=metric, grouping=grouping, as_json=as_json)
        return
    if context.get_parameter_source("margin") is ParameterSource.DEFAULT:
        margin = replace(margin, is_default=True)
    comparison = compare(
        *experiments,
        runs=runs,
        metric=metric,
        higher_is_better=higher_is_better,
        sweep=sweep,
        grouping=grouping,
        readout=readout,
        until=until,
        include_incomplete=include_incomplete,
        margin=margin,
        paired=paired,
        seed=seed,
        labels=labels,
        metric_labels=metric_labels,
        skip_missing=True,
    )
    if as_json:
        output.print_json(comparison)
        return
    if latex:  # with the notes as its comments
        click.echo(stats_markup.as_latex(comparison))
    else:
        notes = [f"note: {note}" for note in comparison.notes]
        for line in broken(notes, terminal_width(), indent="  "):
            click.echo(line, err=True)
    if markdown:
        click.echo(stats_markup.as_markdown(comparison))
    if full:
        stats_output.print_comparison(comparison)
    elif not (latex or markdown):
        when = when_command(context, comparison)
        stats_answer.print_answer(comparison, same_command(context, "--full"), when)


def _print_forks(
    experiments: tuple[str, ...],
    runs: Path,
    *,
    metric: str | None,
    grouping: Grouping,
    as_json: bool,
) -> None:
    """Print which change mends each experiment that was forked."""
    from app.cli import stats_forks
    from ired_diag.fork_comparison import compare_forks
    from ired_diag.grouping import group_runs

    groups = group_runs(experiments, runs, metric=metric, variants=True, grouping=grouping)
    by_experiment: dict[str, list[Run]] = {}
    for run in itertools.chain.from_iterable(groups.values()):
        by_experiment.setdefault(run.experiment, []).append(run)
    answers = {experiment: compare_forks(runs) for experiment, runs in by_experiment.items()}
    if as_json:
        output.print_json(answers)
        return
    for experiment, of_steps in answers.items():
        for forks in of_steps:
            stats_forks.print_forks(forks, experiment)

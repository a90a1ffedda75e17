"""``ired-diag stats``: what the seeds of two or more experiments say about their difference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison, PairOfGroups
    from ired_diag.stats.t_tests import TTest


@click.command("stats")
@click.argument("experiments", nargs=-1, required=True)
@options.runs
@click.option("--metric", default="validation/mse", show_default=True, help="Which logged metric.")
@click.option(
    "--readout",
    type=click.Choice(["last"]),
    default="last",
    show_default=True,
    help="Which number of a curve is compared.",
)
@click.option("--higher-is-better", is_flag=True, help="Direction of the metric; an MSE is better low.")
@click.option("--include-incomplete", is_flag=True, help="Keep runs that did not finish training.")
@options.as_json
def command(
    experiments: tuple[str, ...],
    runs: Path,
    metric: str,
    readout: str,
    higher_is_better: bool,
    include_incomplete: bool,
    as_json: bool,
) -> None:
    """Compare EXPERIMENTS over their seeds.

    EXPERIMENTS are names (q101, q201@61186975) of runs in the runs folder, or paths: run folders, and
    foreign logs, which are read in place and grouped by experiment.

    \b
    ired-diag stats q101 q102 q103
    ired-diag stats path/to/logs/*.out
    """
    from ired_diag.comparison import compare
    from ired_diag.grouping import group_runs

    comparison = compare(
        group_runs(experiments, runs, metric=metric),
        metric=metric,
        readout=readout,
        lower_is_better=not higher_is_better,
        include_incomplete=include_incomplete,
    )
    if as_json:
        output.print_json(comparison)
    else:
        _print(comparison)


def _print(comparison: Comparison) -> None:
    for note in comparison.notes:
        click.echo(f"note: {note}", err=True)
    _print_groups(comparison)
    if comparison.pairs:
        _print_pairs(comparison)
    if comparison.ranks is not None:
        _print_ranks(comparison)


def _print_groups(comparison: Comparison) -> None:
    places = output.decimals([group.summary.sd for group in comparison.groups])
    form = f".{places}f" if places <= 12 else ".6g"
    rows = [
        (
            g.name,
            g.strategy or "-",
            str(g.summary.n),
            output.number(g.summary.mean, form),
            output.number(g.summary.sd, ".3g"),
            f"{output.number(g.summary.low, form)} to {output.number(g.summary.high, form)}",
            f"{output.number(g.summary.minimum, form)} to {output.number(g.summary.maximum, form)}",
        )
        for g in comparison.groups
    ]
    better = "lower" if comparison.lower_is_better else "higher"
    title = f"{comparison.readout} {comparison.metric} of each seed ({better} is better)"
    columns = ("experiment", "mining", "n", "mean", "sd", "95% t interval of the mean", "range")
    caption = "sd of a sample (n - 1)"
    output.print_table(title, columns, rows, left=2, caption=caption)


def _print_pairs(comparison: Comparison) -> None:
    rows = []
    for pair in comparison.pairs:
        name = f"{pair.a} - {pair.b}"
        size = f"{pair.difference:+.3g} ({100 * pair.ratio:+.3g}%)"
        for test, what, extra in (
            (pair.student, "Student", ""),
            (pair.welch, "Welch", ""),
            (pair.paired, "paired", _paired_note(pair)),
        ):
            rows.append((name, what, size, *_cells(test), extra))
            name = size = ""
    columns = ("pair", "test", "difference", "t", "df", "p", "95% interval of the difference", "")
    output.print_table("Differences, two-sided t tests", columns, rows, left=2)


def _cells(test: TTest) -> tuple[str, str, str, str]:
    if test.reason:
        return "-", "-", "-", test.reason
    interval = f"{test.low:+.3g} to {test.high:+.3g}"
    return f"{test.t:.4f}", output.number(test.df, ".4g"), output.p_value(test.p), interval


def _paired_note(pair: PairOfGroups) -> str:
    if pair.paired.reason:
        return ""
    wins = f"{pair.a} better in {pair.wins_a}, {pair.b} in {pair.wins_b} of {pair.paired.n} seeds"
    return f"{wins}; r = {output.number(pair.correlation, '.2f')}"


def _print_ranks(comparison: Comparison) -> None:
    ranks = comparison.ranks
    if ranks is None:
        return
    rows = [(name, f"{mean:.2f}", str(ranks.wins[name])) for name, mean in ranks.mean_ranks.items()]
    ties = f"; {ranks.ties} tied" if ranks.ties else ""
    title = f"Ranks within the {len(ranks.seeds)} shared seeds (1 is best){ties}"
    output.print_table(title, ("experiment", "mean rank", "wins"), rows)

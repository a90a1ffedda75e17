"""``ired-diag across``: groups of seeds against each other over several tasks or metrics."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import completion, options, output
from app.cli.figures import Width

if TYPE_CHECKING:
    from ired_diag.comparison.across import Across, NewAgainstOld
    from ired_diag.runs.regroup import Grouping
    from ired_diag.stats.score_aggregates import Aggregate


EFFECTS = {
    "relative": "differences of logarithms of means; above 0 is better",
    "spread": "differences in standard deviations of the old group; above 0 is better",
    "reference": "differences as a share of the reference range; above 0 is better",
    "raw": "differences, turned so that above 0 is better",
}


class Names(click.ParamType):  # type: ignore[type-arg]
    """Names with commas between them."""

    name = "NAME[,NAME]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names."""
        if isinstance(value, tuple):
            return value
        return tuple(filter(None, map(str.strip, str(value).split(","))))


@click.command("across")
@click.argument("sources", nargs=-1, required=True, shell_complete=completion.names_or_paths)
@click.option("--against", metavar="NAME", help="The old group. Default: the last.")
@click.option(
    "--tasks", metavar="KEY", help="Column, or configuration key, that says the task. Default: by name."
)
@click.option("--metrics", type=Names(), default=(), help="Metrics, or columns, that stand in for tasks.")
@click.option(
    "--scale",
    type=click.Choice(["relative", "spread", "reference", "raw"]),
    help="How tasks are brought to one unit. Default: relative to the old group's mean.",
)
@click.option(
    "--references",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file with the columns task, low (random) and high (human).",
)
@click.option("--target", type=float, help="Score of the optimality gap. Default: 1; of spreads 0.")
@options.runs
@options.grouping
@options.metric
@options.direction
@click.option("--higher", type=Names(), default=(), help="Tasks or metrics of which higher is better.")
@click.option("--lower", type=Names(), default=(), help="Tasks or metrics of which lower is better.")
@click.option(
    "--readout",
    type=click.Choice(["last", "plateau", "best", "last10", "area"]),
    default="last",
    show_default=True,
    help="Number of a curve that is compared.",
)
@options.pairing
@click.option(
    "--separate-runs/--shared-seeds",
    "separate_runs",
    default=None,
    help="Whether runs of one seed on different tasks are independent. Default: only where each task has "
    "runs of its own.",
)
@click.option("--include-incomplete", is_flag=True, help="Keep runs that did not finish training.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@click.option(
    "--figures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for pictures and their data.",
)
@click.option(
    "--width",
    type=Width(),
    default="column",
    show_default=True,
    help="Width of a picture in inches, or by name (column, text, neurips, iclr, icml, icml-wide).",
)
@options.font
@click.option(
    "--label",
    "labels",
    type=options.LABEL,
    multiple=True,
    help="What pictures, tables and text call a group: new='our method'. May be repeated.",
)
@options.as_json
def command(
    sources: tuple[str, ...],
    runs: Path,
    grouping: Grouping,
    as_json: bool,
    figures: Path | None,
    width: float,
    font: str,
    labels: tuple[str, ...],
    **choices: Any,
) -> None:
    """Compare groups over several tasks or metrics: effect, aggregates, probability of improvement.

    SOURCES are tables with one number for each seed and task (CSV, JSON, NumPy's .npz), or names, paths and
    NAME=GLOB of runs, as for stats. The last group is the old one. Tasks are fixed: what is said is about
    them, and about other seeds.

    \b
    ired-diag across scores.csv --against dqn
    ired-diag across new=new.csv old=old.csv
    ired-diag across new='logs/new/*' old='logs/old/*' --tasks env_id
    ired-diag across q103 q101 --metrics validation/mse,train/mse_error
    """
    from app.calls.tasks_compared import across_with_runs, write_pictures_across

    comparison, members = across_with_runs(
        sources,
        runs=runs,
        grouping=grouping,
        labels=options.labels_by_name(labels),
        **choices,
    )
    files: list[Path] = []
    if figures is not None:
        command_line = ["ired-diag", *sys.argv[1:]]
        files = write_pictures_across(
            comparison,
            members,
            figures,
            command=command_line,
            width=width,
            font=font,
        )
    if as_json:
        output.print_json({**_as_dict(comparison), "files": files})
        return
    for note in comparison.notes:
        click.echo(f"note: {note}", err=True)
    _print(comparison)
    if figures is not None:
        click.echo(f"{len(files)} files in {output.shorten(figures)}")


def _as_dict(across: Across) -> dict[str, object]:
    pairs = []
    for pair in across.pairs:
        pairs.append(
            {
                "new": pair.new,
                "old": pair.old,
                "is_paired": pair.is_paired,
                "not_paired_because": pair.obstacle,
                "decision": pair.decision,
                "failed_runs": {pair.new: pair.failed, pair.old: pair.failed_old},
                "p_adjusted": pair.p_adjusted,
                "mean_effect": {
                    "difference": pair.result.difference,
                    "method": pair.result.method,
                    "test": pair.result.test,
                },
                "interaction": pair.result.interaction,
                "tasks": _tasks_of(across, pair),
                "improvement": pair.improvement.mean,
                "missing_cells": pair.result.missing,
                "unused_numbers": pair.result.unused,
            }
        )
    return {
        "groups": across.groups,
        "against": across.old,
        "tasks": [
            {"name": task.name, "metric": task.metric, "lower_is_better": task.lower_is_better}
            for task in across.tasks
        ],
        "scale": across.scale.name,
        "effects_are": EFFECTS[across.scale.name],
        "target": across.target,
        "readout": across.readout,
        "runs_of_different_tasks_are_independent": across.separate,
        "seeds": {group: across.seeds(group) for group in across.groups},
        "pairs": pairs,
        "aggregates": across.aggregates,
        "simulated_coverage": across.coverage,
        "left_out": across.left_out,
        "notes": across.notes,
    }


def _tasks_of(across: Across, pair: NewAgainstOld) -> list[dict[str, object]]:
    rows = []
    for task, effect, improvement in zip(
        across.tasks, pair.result.tasks, pair.improvement.tasks, strict=True
    ):
        rows.append({"task": task.name, "effect": effect, "improvement": improvement})
    return rows


def _print(across: Across) -> None:
    from ired_diag.comparison import across_words as words

    for sentence in across.left_out:
        click.echo(sentence)
    click.echo(words.what_of(across))
    click.echo(words.scale_of(across))
    for pair in across.pairs:
        click.echo()
        click.echo(click.style(words.sentence_of(across, pair), bold=True))
        click.echo(f"  {words.method_of(across, pair)}")
        click.echo(f"  {words.decided_of(across, pair)}")
        click.echo(f"  {words.interaction_of(pair)}")
        click.echo(f"  {words.improvement_of(pair)}")
    click.echo()
    for pair in across.pairs:
        _print_tasks(across, pair)
    _print_aggregates(across)
    click.echo(words.coverage_of(across))
    click.echo(words.sharing_of(across))
    click.echo(words.fixed_tasks(across))


def _print_tasks(across: Across, pair: NewAgainstOld) -> None:
    from ired_diag.comparison import across_amounts as amounts

    rows = []
    for t, (task, effect) in enumerate(zip(across.tasks, pair.result.tasks, strict=True)):
        rows.append(
            [
                task.name,
                _mean(task.values[pair.new].values()),
                _mean(task.values[pair.old].values()),
                amounts.short_amount(across, effect.difference),
                amounts.interval_in_words(across, effect.low, effect.high)
                if math.isfinite(effect.low)
                else effect.test.reason,
                amounts.p_in_words(effect.p_adjusted),
                effect.decision,
                _share(pair.improvement.tasks[t].probability),
                f"{effect.n_a}, {effect.n_b}",
            ]
        )
    output.print_table(
        f"{pair.new} against {pair.old}, task by task",
        ["task", pair.new, pair.old, "effect", "95%, all tasks together", "p (Holm)", "", "P(better)", "n"],
        rows,
    )


def _share(probability: float) -> str:
    return "unknown" if math.isnan(probability) else f"{probability:.0%}"


def _print_aggregates(across: Across) -> None:
    from ired_diag.comparison.across_words import AGGREGATES

    rows = []
    for group in across.groups:
        summary = across.aggregates[group]
        rows.append([group, *(_aggregate(summary[name]) for name in AGGREGATES)])
    reasons = {
        f"{AGGREGATES[name]}: {summary[name].reason}"
        for summary in across.aggregates.values()
        for name in AGGREGATES
        if summary[name].reason
    }
    output.print_table(
        "Scores over all tasks",
        ["group", *AGGREGATES.values()],
        rows,
        caption="\n".join(sorted(reasons)),
    )


def _aggregate(aggregate: Aggregate) -> str:
    if math.isnan(aggregate.value):
        return "unknown"
    if math.isnan(aggregate.low):
        return f"{aggregate.value:.3f}"
    return f"{aggregate.value:.3f} ({aggregate.low:.3f} to {aggregate.high:.3f})"


def _mean(values: Any) -> str:
    numbers = list(values)
    return f"{sum(numbers) / len(numbers):.5g}"

"""``ired-diag gate``: keep a change, drop it, or run more seeds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, options, output

if TYPE_CHECKING:
    from app.calls.gating import Gate
    from ired_diag.runs.regroup import Grouping

EXIT_STATUS = {"keep": 0, "drop": 3, "undecided": 4}
COLOURS = {"keep": "green", "drop": "red", "undecided": "yellow"}


@click.command("gate")
@click.argument("new", shell_complete=completion.names_or_paths)
@click.option(
    "--against",
    metavar="NAME",
    shell_complete=completion.names_or_paths,
    help="The old group: a name, a path, or NAME=GLOB.",
)
@click.option("--threshold", type=float, help="Instead of a group: a number that was fixed beforehand.")
@click.option(
    "--margin",
    type=float,
    default=0.0,
    show_default=True,
    help="Least improvement of the mean that counts, in the unit of the metric.",
)
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    help="Chance to keep a change that is at the margin, however often one looks.",
)
@click.option("--budget", type=click.IntRange(2), default=20, show_default=True, help="Most seeds to train.")
@click.option("--sigma", type=float, help="Show a z test with this known standard deviation next to it.")
@options.runs
@options.grouping
@options.metric
@options.direction
@click.option(
    "--readout",
    type=click.Choice(["last", "best", "last10", "area", "plateau"]),
    default="last",
    show_default=True,
    help="Number of a curve that is judged.",
)
@click.option(
    "--order",
    metavar="SEEDS",
    help="Seeds of NEW in the order in which they finished: seed3,seed0. Then the first that decides counts. "
    "Default: unknown, and the interval of all seeds decides.",
)
@options.pairing
@options.as_json
def command(
    new: str,
    against: str | None,
    threshold: float | None,
    margin: float,
    alpha: float,
    budget: int,
    sigma: float | None,
    runs: Path,
    metric: str | None,
    higher_is_better: bool | None,
    readout: str,
    order: str | None,
    paired: bool | None,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Decide on NEW: keep it, drop it, or run more seeds.

    The decision holds at any number of seeds looked at, so it may be asked after each seed. The exit status
    is 0 for keep, 3 for drop, 4 for undecided.

    \b
    ired-diag gate q103 --against q101
    ired-diag gate new='logs/new/*' --against old='logs/old/*' --margin 0.001
    ired-diag gate speedrun='logs/*.txt' --threshold 3.28
    """
    from app.calls.gating import gate

    answer = gate(
        new,
        against=against,
        threshold=threshold,
        margin=margin,
        alpha=alpha,
        budget=budget,
        sigma=sigma,
        runs=runs,
        metric=metric,
        higher_is_better=higher_is_better,
        readout=readout,
        paired=paired,
        grouping=grouping,
        order=None if order is None else [label.strip() for label in order.split(",")],
    )
    if as_json:
        output.print_json(_as_dict(answer))
    else:
        for note in answer.comparison.notes:
            click.echo(f"note: {note}", err=True)
        _print(answer)
    raise click.exceptions.Exit(EXIT_STATUS[answer.decision.verdict])


def _as_dict(answer: Gate) -> dict[str, object]:
    comparison = answer.comparison
    return {
        "new": answer.new,
        "against": answer.against,
        "metric": comparison.metric,
        "lower_is_better": comparison.lower_is_better,
        "readout": comparison.readout,
        "decision": answer.decision,
        "seeds": answer.seeds,
        "in_order": answer.in_order,
        "known_sigma": answer.known_sigma,
        "left_out": comparison.left_out,
        "notes": comparison.notes,
    }


def _print(answer: Gate) -> None:
    from ired_diag.comparison.identity_words import identity_in_words

    decision = answer.decision
    click.echo(answer.comparison.metric_words)
    for sentence in answer.comparison.left_out:
        click.echo(sentence)
    for pair in answer.comparison.pairs:
        if pair.identical:
            click.echo(identity_in_words(pair, answer.comparison))
    word = click.style(decision.verdict, fg=COLOURS[decision.verdict], bold=True)
    more = ""
    if decision.more:
        more = f": run {decision.more} more seed{'s' if decision.more > 1 else ''}"
    click.echo(f"{word}{more}. {decision.reason}")
    click.echo(_difference_in_words(answer))
    if answer.comparison.has_folds:
        click.echo("Assumed: folds are looked at once, and their correlation is that of their training data.")
        return
    if decision.n < decision.earliest and decision.verdict == "undecided":
        click.echo(f"Nothing can be decided before seed {decision.earliest}.")
    known = answer.known_sigma
    if known is not None:
        click.echo(
            f"Your own rule, with a known standard deviation of {known.sigma:g}: z = {known.z:.3f}, "
            f"one-sided p = {known.p:.3g}, for a number of seeds that was fixed beforehand."
        )
    click.echo("Assumed: seeds are independent and roughly symmetric around their mean.")


def _difference_in_words(answer: Gate) -> str:
    from ired_diag.comparison.words import readout_name

    decision = answer.decision
    noun = answer.comparison.run_noun
    low, high = decision.low, decision.high
    word, size = "better", decision.better_by
    if size < 0:
        word, size, low, high = "worse", -size, -high, -low
    level = f"{100 * decision.level:g}%"
    interval = f"{low:.6g} to {high:.6g}; {level} at every number of seeds together"
    if answer.comparison.has_folds:
        interval = f"{low:.6g} to {high:.6g}; {level}, corrected resampled t test"
    if not math.isfinite(low):
        interval = "no interval yet"
    if decision.is_contradiction:
        interval = "no interval: see above"
    difference = f"is {word} than {answer.against} by {size:.6g} in the mean"
    if size == 0:
        difference = f"and {answer.against} have the same mean"
    return (
        f"{answer.new} {difference} "
        f"of {_seeds_in_words(answer)} ({interval}). "
        f"Margin {decision.margin:g}; {readout_name(answer.comparison)} of each {noun}."
    )


def _seeds_in_words(answer: Gate) -> str:
    from ired_diag.runs.name_list import counted

    decision = answer.decision
    noun = answer.comparison.run_noun
    if decision.design == "paired":
        return f"1 pair of {noun}s" if decision.n == 1 else f"{decision.n} pairs of {noun}s"
    if decision.design == "threshold":
        return counted(decision.n, noun)
    return f"{decision.n} and {decision.n_base} {noun}s, not paired"

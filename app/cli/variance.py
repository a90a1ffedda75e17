"""``ired-diag variance``: where the variance of results comes from, and what to pay for next."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, options, output

if TYPE_CHECKING:
    from app.calls.variance import Variance
    from ired_diag.runs.regroup import Grouping


class Assignments(click.ParamType):  # type: ignore[type-arg]
    """``NAME=VALUE,NAME=VALUE``."""

    name = "assignments"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """Return the values by name."""
        values = {}
        for part in str(value).split(","):
            name, equals, text = part.partition("=")
            if not equals or not name.strip() or not text.strip():
                self.fail(f"{value!r}: expected NAME=VALUE, such as init=1,eval=0.01.", param, ctx)
            values[name.strip()] = text.strip()
        return values


class Prices(click.ParamType):  # type: ignore[type-arg]
    """``NAME=NUMBER,NAME=NUMBER``."""

    name = "prices"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, float]:
        """Return the numbers by name."""
        prices = {}
        for name, text in Assignments().convert(value, param, ctx).items():
            try:
                prices[name] = float(text)
            except ValueError:
                self.fail(f"{name}={text}: {text!r} is not a number.", param, ctx)
        return prices


@click.command("variance")
@click.argument("group", shell_complete=completion.names_or_paths)
@click.option("--against", metavar="NAME", help="Base: split the differences of runs with equal seeds.")
@click.option(
    "--sources",
    type=Assignments(),
    metavar="SOURCE=KEY,…",
    help="Configuration key of the seed of each source (init, data, eval). Default: detected by name.",
)
@click.option(
    "--cost",
    type=Prices(),
    metavar="THING=PRICE,…",
    help="Price of a run with new seeds (seeds), of one in which only init or data is new, and of one more "
    "evaluation of one run (eval). Default: in runs, by their steps.",
)
@click.option(
    "--budget",
    type=float,
    help="What may be spent next. Default: the price of as many new runs as there are.",
)
@options.runs
@options.grouping
@options.metric
@options.direction
@click.option(
    "--readout",
    type=click.Choice(["plateau", "last", "best", "last10", "area"]),
    default="plateau",
    show_default=True,
    help="Number of a curve that is the result of a run.",
)
@options.pairing
@click.option("--include-incomplete", is_flag=True, help="Keep runs that did not finish training.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@options.as_json
def command(
    group: str,
    against: str | None,
    sources: dict[str, str] | None,
    cost: dict[str, float] | None,
    budget: float | None,
    runs: Path,
    metric: str | None,
    higher_is_better: bool | None,
    readout: str,
    paired: bool | None,
    include_incomplete: bool,
    seed: int,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Tell where the variance of GROUP comes from: initialisation, data, evaluation.

    The runs share seeds of single sources, as those of 'train --seed-init 0-4 --seed-data 0-4' do. Also says
    what to pay for next: new seeds, or more evaluations.

    \b
    ired-diag variance digits
    ired-diag variance new='logs/new/*' --sources init=model_seed,data=shuffle_seed
    ired-diag variance q103 --against q101 --cost seeds=1,data=0.2,eval=0.01 --budget 10
    """
    from app.calls.variance import variance

    answer = variance(
        group,
        against=against,
        sources=sources,
        cost=cost,
        budget=budget,
        runs=runs,
        metric=metric,
        higher_is_better=higher_is_better,
        readout=readout,
        paired=paired,
        grouping=grouping,
        include_incomplete=include_incomplete,
        seed=seed,
    )
    if as_json:
        output.print_json(as_dict(answer))
        return
    for note in answer.comparison.notes:
        click.echo(f"note: {note}", err=True)
    output.print_lines(list(_lines(answer)))


def as_dict(answer: Variance) -> dict[str, object]:
    """Return all that JSON holds of an answer: components in squared units of the metric."""
    from ired_diag.comparison.source_words import limits_in_words, term_in_words

    result = answer.result
    components = []
    for component in result.components.components:
        components.append(
            {
                "source": term_in_words(component.term, result),
                "factors": list(component.term),
                "variance": component.variance,
                "low": component.low,
                "high": component.high,
                "df": component.df,
                "share": component.share,
                "share_low": component.share_low,
                "share_high": component.share_high,
            }
        )
    return {
        "group": answer.group,
        "against": answer.against or None,
        "metric": answer.comparison.metric,
        "lower_is_better": answer.comparison.lower_is_better,
        "readout": answer.comparison.readout,
        "evaluations": result.evaluations,
        "seconds_per_run": result.seconds,
        "runs": result.values,
        "seeds": {source: list(levels) for source, levels in result.levels.varied.items()},
        "fixed": result.levels.fixed,
        "keys": result.levels.keys,
        "precision": result.precision,
        "components": components,
        "reason": result.components.reason,
        "limits": list(limits_in_words(result)),
        "advice": answer.advice,
        "unit": answer.unit,
        "left_out": answer.comparison.left_out,
        "notes": answer.comparison.notes,
    }


def _lines(answer: Variance) -> Iterator[str]:
    from ired_diag.comparison.answer_words import readout_in_words
    from ired_diag.comparison.source_words import advice_in_words, limits_in_words, runs_in_words

    result = answer.result
    yield from answer.comparison.left_out
    yield "; ".join([answer.comparison.metric_words, readout_in_words(answer.comparison)])
    what = answer.group
    if answer.against:
        what = f"{answer.group} - {answer.against}, run by run"
    yield f"{what}: {runs_in_words(result)}."
    if result.components.reason:
        yield f"The variance cannot be split: {result.components.reason}."
        yield from limits_in_words(result)
        return
    precision = result.precision
    mean = (
        f"Mean {precision.mean:.6g} ({precision.low:.6g} to {precision.high:.6g}), standard error "
        f"{precision.standard_error:.3g}"
    )
    if result.levels.are_crossed:
        mean += (
            f": as precise as {precision.effective:.3g} independent runs ({precision.effective_low:.3g} to "
            f"{precision.effective_high:.3g})"
        )
    yield f"{mean}."
    yield ""
    yield from _table(answer)
    yield ""
    yield from limits_in_words(result)
    yield f"Next, for {_budget_in_words(answer)}:"
    yield from _options(answer)
    if "eval" in result.design.factors and "eval" not in answer.advice.prices:
        yield "  Further evaluation draws have no price: give one with --cost eval=PRICE."
    yield from advice_in_words(answer.advice)


def _table(answer: Variance) -> Iterator[str]:
    """Yield a row for each component: standard deviation and share, with their intervals."""
    from ired_diag.comparison.source_words import term_in_words

    result = answer.result
    names = [term_in_words(component.term, result) for component in result.components.components]
    width = max(map(len, (*names, "source")))
    yield f"{'source':<{width}}  {'sd':>9}  {'95% interval':<23}  share of the variance of one run"
    for name, component in zip(names, result.components.components, strict=True):
        interval = f"{math.sqrt(component.low):.3g} to {math.sqrt(component.high):.3g}"
        share = f"{component.share:.0%} ({component.share_low:.0%} to {component.share_high:.0%})"
        yield f"{name:<{width}}  {component.sd:>9.3g}  {interval:<23}  {share}"


def _budget_in_words(answer: Variance) -> str:
    budget = f"{answer.advice.budget:g}"
    if answer.unit:
        budget += f" {answer.unit}"
        seconds = answer.advice.budget * answer.result.seconds
        if math.isfinite(seconds):
            budget += f", about {seconds:.3g} s of training"
    prices = ", ".join(f"{name} {price:.3g}" for name, price in answer.advice.prices.items())
    return f"a budget of {budget} (prices: {prices})"


def _options(answer: Variance) -> Iterator[str]:
    from ired_diag.comparison.source_words import purchase_in_words

    for purchase in answer.advice.options:
        yield (
            f"  {purchase_in_words(purchase)}: standard error {purchase.standard_error:.3g}, "
            f"{purchase.ratio:.2f} times today's ({purchase.ratio_low:.2f} to {purchase.ratio_high:.2f})"
        )

"""The numbers behind a verdict: readouts, effect sizes, frozen problems, criteria, noise, ranks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from app.cli import output
from app.cli.stats_groups import named_rows
from app.cli.table_width import terminal_width, width_of
from app.cli.wrapping import broken

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison, PairOfGroups
    from ired_diag.comparison.by_readout import ByReadout
    from ired_diag.comparison.ranking import RankTable
    from ired_diag.comparison.sweeps import Sweep
    from ired_diag.stats.two_level_bootstrap import TwoLevel


Cells = tuple[str, ...]


def print_readouts(comparison: Comparison) -> None:
    """Print what every readout says of every pair."""
    several = len(comparison.pairs) > 1
    rows: list[Cells] = []
    for pair in comparison.pairs:
        lines = (_readout_cells(line, comparison, several=several) for line in pair.by_readout)
        rows += named_rows(f"{pair.a} - {pair.b}", lines)
    interval = "95% interval"
    p_columns = ["p", "Welch p"]
    if several:
        interval = f"unadjusted {interval}"
        p_columns.insert(1, "Holm p")
    caption = "best: the luckiest of many noisy evaluations; area: the speed of learning, more than its end"
    if comparison.in_percent:
        caption = f"%: of the second's mean; {caption}"
    caption = "\n".join([*_reasons_of_readouts(comparison), caption])
    output.print_table(
        "The same by every readout",
        ("pair", "readout", "difference", interval, *p_columns, "verdict"),
        rows,
        left=2,
        caption=caption,
        last_is_text=True,
        first_out=("Welch p", "p") if several else ("Welch p",),
        keep=(interval, "Holm p", "p", "difference", "verdict", "readout"),
    )


def _reasons_of_readouts(comparison: Comparison) -> Iterator[str]:
    """Yield, for each readout that says nothing of a pair, why: below the table, where it has room."""
    several = len(comparison.pairs) > 1
    for pair in comparison.pairs:
        for line in pair.by_readout:
            if line.reason and line.decision != "identical":
                name = f"{pair.a} - {pair.b}, {line.readout}" if several else line.readout
                yield f"{name}: unknown; {line.reason}"


def _readout_cells(line: ByReadout, comparison: Comparison, *, several: bool) -> Cells:
    from ired_diag.comparison.verdict_words import unit_of

    no_numbers = ["-"] * (4 + several)  # difference, interval and p values: Holm's for several pairs
    if line.decision == "identical":
        return line.readout, *no_numbers, line.decision
    if line.reason:
        return line.readout, *no_numbers, "unknown"
    unit = unit_of(line, comparison)
    # The order of the columns: p, Holm's p, Welch's p.
    p_values = [line.p, line.welch_p]
    if several:
        p_values.insert(1, line.p_holm)
    return (
        line.readout,
        unit.text(line.difference, "+.3g"),
        f"{unit.text(line.low, '+.3g')} to {unit.text(line.high, '+.3g')}",
        *map(output.p_value, p_values),
        line.decision,
    )


def _size_cells(pair: PairOfGroups) -> Cells:
    sizes, dominance, improvement = pair.sizes, pair.sizes.dominance, pair.sizes.improvement
    g = sizes.hedges
    if pair.estimator == "paired":
        g = sizes.paired
    wins = "-"
    if pair.wins_a is not None:
        wins = f"{pair.wins_a} : {pair.wins_b}"
    posterior = (pair.posterior.below, pair.posterior.inside, pair.posterior.above)
    return (
        f"{pair.a} - {pair.b}",
        _ranged(sizes.ratio.value, sizes.ratio.low, sizes.ratio.high, ".4f"),
        _ranged(g.g, g.low, g.high),
        _ranged(dominance.delta, dominance.delta_low, dominance.delta_high),
        _ranged(improvement.probability, improvement.low, improvement.high),
        wins,
        output.p_value(pair.equivalence.p),
        " / ".join(output.number(probability, ".2g") for probability in posterior),
    )


def print_sizes(comparison: Comparison) -> None:
    """Print effect sizes."""
    from ired_diag.comparison import words

    columns = (
        "pair",
        "ratio",
        "g",
        "Cliff's δ",
        "P(first better)",
        "wins",
        "p equivalence",
        "P below / inside / above margin",
    )
    unit = "sd of the paired differences where all seeds are pairs, else of both groups"
    caption = f"g in {unit}; margin {comparison.margin.text.removesuffix('abs')}"
    if comparison.has_folds:
        unit = unit.replace("seeds", "folds")
        caption = f"g in {unit}; margin {comparison.margin.text.removesuffix('abs')}"
        caption += "; these intervals take folds as independent, and may be too narrow"
    title = "Sizes"
    if words.among_finished(comparison):
        title += " among the seeds that finished"
    rows = list(map(_size_cells, comparison.pairs))
    output.print_table(f"{title}, with 95% intervals", columns, rows, caption=caption)


def print_per_sample(comparison: Comparison) -> None:
    """Print differences on frozen problems, where a probe has measured them."""
    from ired_diag.comparison.per_sample import problem_errors

    rows: list[Cells] = []
    for pair in comparison.pairs:
        for sample in pair.per_sample:
            if sample.result is not None and not sample.result.reason:
                rows.append((f"{pair.a} - {pair.b}", sample.error, *_sample_cells(sample.result)))
    if not rows:
        return
    columns = (
        "pair",
        "error",
        "difference",
        "95% interval",
        "standard error",
        "of it seeds / problems / both",
        "n",
    )
    title = f"On the same {problem_errors().title}: two-level bootstrap"
    output.print_table(title, columns, rows, left=2)


def _sample_cells(result: TwoLevel) -> Cells:
    variances = (result.from_seeds, result.from_samples, result.from_both)
    total = sum(variances)
    return (
        f"{result.difference:+.3g}",
        f"{result.low:+.3g} to {result.high:+.3g}",
        f"{result.standard_error:.2g}",
        " / ".join(f"{100 * variance / total:.0f}%" for variance in variances),
        f"{result.seeds[0]} x {result.samples}",
    )


def criteria_rows(pair: PairOfGroups) -> list[tuple[str, str, str]]:
    """Return each criterion of success, whether it is met, and why."""
    return [(criterion.name, criterion.met, criterion.reason) for criterion in pair.criteria]


def print_criteria(comparison: Comparison) -> None:
    """Print the study's criteria of success."""
    rows: list[Cells] = []
    for pair in comparison.pairs:
        rows += named_rows(f"{pair.a} for {pair.b}", criteria_rows(pair))
    if not rows:
        return
    columns = ("remedy", "criterion", "met", "why")
    title = "Success, of the first as a remedy for the second"
    width = terminal_width()
    if width is None or width_of(columns, rows) <= width:
        output.print_table(title, columns, rows, left=4)
        return
    output.print_lines(broken([title], width))
    for remedy, criterion, met, why in rows:
        if remedy:
            output.print_lines(broken([f"  {remedy}"], width, indent="    "))
        output.print_lines(broken([f"  - {criterion}: {met}; {why}"], width, indent="    "))
    click.echo()


def print_sweep(sweep: Sweep) -> None:
    """Print how the readout answers a knob."""
    from ired_diag.comparison import words

    response = sweep.response
    columns = ("group", sweep.knob, "n", "mean", "sd", "95% t interval", "best in %")
    rows: list[Cells] = []
    for name, knob, setting, share in zip(
        sweep.groups, response.knob, response.curve, response.times_best, strict=True
    ):
        mean, sd = output.number(setting.mean), output.number(setting.sd, ".3g")
        interval = output.interval(setting.low, setting.high)
        best = output.number(100 * share, ".0f")
        rows.append((name, f"{knob:g}", str(setting.n), mean, sd, interval, best))
    output.print_table(f"Response to {sweep.knob}", columns, rows, caption=words.sweep_of(sweep))


def _ranged(value: float, low: float, high: float, form: str = ".2f") -> str:
    """Return a value with its interval; a dash where it is NaN."""
    if math.isnan(value):
        return "-"
    return f"{output.number(value, form)} ({output.interval(low, high, form)})"


def print_noise(comparison: Comparison) -> None:
    """Print how much of each group's spread is evaluation noise."""
    from ired_diag.comparison import words

    if comparison.of_tables:  # one number a seed has no evaluations
        return
    reasons = {group.noise.split.reason for group in comparison.groups}
    if len(reasons) == 1 and (reason := reasons.pop()):
        click.echo(f"Evaluation noise: unknown ({reason})\n")
        return
    click.echo("Evaluation noise on the plateau")
    for group in comparison.groups:
        output.print_lines(broken([f"  - {words.noise_of(group)}"], terminal_width(), indent="    "))
    click.echo()


def print_ranks(comparison: Comparison) -> None:
    """Print ranks within seeds."""
    ranks = comparison.ranks
    if ranks is None:
        if len(comparison.groups) > 1:
            click.echo(f"Ranks within {comparison.run_noun}s: withheld ({comparison.no_ranks})\n")
        return
    rows = [(name, f"{mean:.2f}", str(ranks.wins[name])) for name, mean in ranks.mean_ranks.items()]
    title = f"Ranks within the {len(ranks.seeds)} shared {comparison.run_noun}s (1 is best)"
    if ranks.ties:
        title += f"; {ranks.ties} tied"
    w = ", ".join(f"{name} {output.number(value, '.2f')}" for name, value in ranks.kendall_w.items())
    caption = f"{_friedman_in_words(ranks)}\nKendall's W: {w}"
    if comparison.has_folds:
        caption += "\nFriedman's test takes folds as independent, and is too often significant."
    output.print_table(title, ("experiment", "mean rank", "wins"), rows, caption=caption)


def _friedman_in_words(ranks: RankTable) -> str:
    test = ranks.friedman
    if test.reason:
        return test.reason
    chi2 = f"{test.uncorrected.chi2:.4g} (corrected for ties {test.tie_corrected.chi2:.4g})"
    difference = f"{ranks.nemenyi.critical_difference:.3g}"
    p = output.p_value(test.p)
    return f"Friedman's χ² {chi2}, {test.method} p = {p}; Nemenyi's critical difference {difference}"

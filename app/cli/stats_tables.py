"""The numbers behind a verdict: readouts, effect sizes, frozen matrices, criteria, noise, ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from app.cli import output
from app.cli.stats_groups import named_rows
from app.cli.table_width import terminal_width
from app.cli.wrapping import broken

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison
    from ired_diag.comparison.by_readout import ByReadout
    from ired_diag.comparison.sweeps import Sweep


Cells = tuple[str, ...]


def print_readouts(comparison: Comparison) -> None:
    """Print what every readout says of every pair."""
    several = len(comparison.pairs) > 1
    rows: list[Cells] = []
    for pair in comparison.pairs:
        lines = (_readout_cells(line, comparison, several=several) for line in pair.by_readout)
        rows += named_rows(f"{pair.a} - {pair.b}", lines)
    holm = ("Holm p",) if several else ()
    interval = "unadjusted 95% interval" if several else "95% interval"
    columns = ("pair", "readout", "difference", interval, "p", *holm, "Welch p", "verdict")
    percent = "%: of the second's mean; " if comparison.in_percent else ""
    caption = f"{percent}best: of many noisy evaluations the luckiest; area: how fast, more than how good"
    output.print_table(
        "The same by every readout",
        columns,
        rows,
        left=2,
        caption=caption,
        last_is_text=True,
        first_out=("Welch p", interval),
        keep=("verdict", "p"),
    )


def _readout_cells(line: ByReadout, comparison: Comparison, *, several: bool) -> Cells:
    from ired_diag.comparison.verdict_words import unit_of

    if line.reason or line.decision == "identical":
        remark = line.decision if line.decision == "identical" else line.reason
        return line.readout, *("-",) * (5 if several else 4), remark
    unit = unit_of(line, comparison)
    return (
        line.readout,
        unit.text(line.difference, "+.3g"),
        f"{unit.text(line.low, '+.3g')} to {unit.text(line.high, '+.3g')}",
        output.p_value(line.p),
        *((output.p_value(line.p_holm),) if several else ()),
        output.p_value(line.welch_p),
        line.decision,
    )


def print_sizes(comparison: Comparison) -> None:
    """Print effect sizes."""
    from ired_diag.comparison import words

    rows: list[Cells] = []
    for pair in comparison.pairs:
        sizes, post = pair.sizes, pair.posterior
        chosen = sizes.paired if pair.estimator == "paired" else sizes.hedges
        rows.append(
            (
                f"{pair.a} - {pair.b}",
                _ranged(sizes.ratio.value, sizes.ratio.low, sizes.ratio.high, ".4f"),
                _ranged(chosen.g, chosen.low, chosen.high),
                _ranged(sizes.dominance.delta, sizes.dominance.delta_low, sizes.dominance.delta_high),
                _ranged(sizes.improvement.probability, sizes.improvement.low, sizes.improvement.high),
                "-" if pair.wins_a is None else f"{pair.wins_a} : {pair.wins_b}",
                output.p_value(pair.equivalence.p),
                " / ".join(output.number(p, ".2g") for p in (post.below, post.inside, post.above)),
            )
        )
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
    sds = "the paired differences where all seeds are pairs, else of both groups"
    caption = f"g in sd of {sds}; margin {comparison.margin.text.removesuffix('abs')}"
    among = " among the seeds that finished" if words.among_finished(comparison) else ""
    output.print_table(f"Sizes{among}, with 95% intervals", columns, rows, caption=caption)


def print_per_sample(comparison: Comparison) -> None:
    """Print differences on frozen matrices, where a probe has looked at them."""
    rows: list[Cells] = []
    for pair in comparison.pairs:
        for sample in pair.per_sample:
            if (result := sample.result) is not None and not result.reason:
                parts = (result.from_seeds, result.from_samples, result.from_both)
                shares = " / ".join(f"{100 * part / sum(parts):.0f}%" for part in parts)
                rows.append(
                    (
                        f"{pair.a} - {pair.b}",
                        sample.error,
                        f"{result.difference:+.3g}",
                        f"{result.low:+.3g} to {result.high:+.3g}",
                        f"{result.standard_error:.2g}",
                        shares,
                        f"{result.seeds[0]} x {result.samples}",
                    )
                )
    if rows:
        columns = (
            "pair",
            "error",
            "difference",
            "95% interval",
            "standard error",
            "of it seeds / matrices / both",
            "n",
        )
        title = "On the same frozen matrices (probe accuracy, in distribution): two-level bootstrap"
        output.print_table(title, columns, rows, left=2)


def print_criteria(comparison: Comparison) -> None:
    """Print the study's criteria of success."""
    rows = [
        row
        for pair in comparison.pairs
        for row in named_rows(f"{pair.a} for {pair.b}", [(c.name, c.met, c.reason) for c in pair.criteria])
    ]
    if not rows:
        return
    columns = ("remedy", "criterion", "met", "why")
    output.print_table("Success, of the first as a remedy for the second", columns, rows, left=4)


def print_sweep(sweep: Sweep) -> None:
    """Print how the readout answers a knob."""
    from ired_diag.comparison import words

    response = sweep.response
    rows = [
        (
            name,
            f"{knob:g}",
            str(setting.n),
            output.number(setting.mean),
            output.number(setting.sd, ".3g"),
            f"{output.number(setting.low)} to {output.number(setting.high)}",
            output.number(100 * share, ".0f"),
        )
        for name, knob, setting, share in zip(
            sweep.groups, response.knob, response.curve, response.times_best, strict=True
        )
    ]
    columns = ("group", sweep.knob, "n", "mean", "sd", "95% t interval", "best in %")
    output.print_table(f"Response to {sweep.knob}", columns, rows, caption=words.sweep_of(sweep))


def _ranged(value: float, low: float, high: float, form: str = ".2f") -> str:
    if math.isnan(value):
        return "-"
    return f"{output.number(value, form)} ({output.number(low, form)} to {output.number(high, form)})"


def print_noise(comparison: Comparison) -> None:
    """Print how much of each group's spread is evaluation noise."""
    from ired_diag.comparison import words

    if comparison.of_tables:  # one number a seed has no evaluations
        return
    reasons = {group.noise.split.reason for group in comparison.groups}
    if len(reasons) == 1 and (reason := reasons.pop()):
        click.echo(f"Evaluation noise: not known ({reason})\n")
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
            click.echo(f"Ranks within seeds: withheld ({comparison.no_ranks})\n")
        return
    rows = [(name, f"{mean:.2f}", str(ranks.wins[name])) for name, mean in ranks.mean_ranks.items()]
    ties = f"; {ranks.ties} tied" if ranks.ties else ""
    test = ranks.friedman
    w = ", ".join(f"{name} {output.number(value, '.2f')}" for name, value in ranks.kendall_w.items())
    words = test.reason or (
        f"Friedman's χ² {test.uncorrected.chi2:.4g} (corrected for ties {test.tie_corrected.chi2:.4g}), "
        f"{test.method} p = {output.p_value(test.p)}; Nemenyi's critical difference "
        f"{ranks.nemenyi.critical_difference:.3g}"
    )
    caption = f"{words}\nKendall's W: {w}"
    title = f"Ranks within the {len(ranks.seeds)} shared seeds (1 is best){ties}"
    output.print_table(title, ("experiment", "mean rank", "wins"), rows, caption=caption)

"""What ``ired-diag stats`` prints: tables and sentences, LaTeX, Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from app.cli import output
from app.cli.latex import comment, escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ired_diag.comparison import Comparison, Group, PairOfGroups
    from ired_diag.comparison.by_readout import ByReadout
    from ired_diag.comparison.sweeps import Sweep
    from ired_diag.stats.t_tests import TTest

MANY = 10  # pairs: beyond, each pair gets one line
AMONG_FINISHED = (
    "Means, sd and intervals are among the seeds that finished; success rates have exact intervals"
)
Cells = tuple[str, ...]


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison: means, verdicts, then the numbers behind them."""
    from ired_diag.comparison import words

    output.print_lines(filter(None, [*comparison.left_out, comparison.metric_words, comparison.other_sets]))
    _print_groups(comparison)
    few = len(comparison.pairs) <= MANY
    if not few:
        click.echo(words.count_of_different(comparison))
    for pair in comparison.pairs:
        click.echo(words.verdict_of(pair, comparison))
        for caveat in words.caveats_of(pair, comparison) if few else ():
            click.echo(f"  - {caveat}")
    if comparison.pairs:
        click.echo()
    if not any(group.values for group in comparison.groups):
        return
    if few and comparison.pairs:
        _print_tests(comparison)
        _print_readouts(comparison)
        _print_sizes(comparison)
        _print_per_sample(comparison)
        _print_criteria(comparison)
    if comparison.sweep is not None:
        _print_sweep(comparison.sweep)
    _print_noise(comparison)
    _print_ranks(comparison)


def as_markdown(comparison: Comparison) -> str:
    """Return the means as a Markdown table, and the paragraphs for methods and results."""
    from ired_diag.comparison import words

    columns, rows = group_columns(comparison), list(group_rows(comparison))
    lines = [
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
        "",
        f"**Methods.** {words.methods_of(comparison)}",
        "",
        f"**Results.** {words.results_of(comparison)}",
    ]
    return "\n".join(lines)


def as_latex(comparison: Comparison) -> str:
    """Return the means as a LaTeX table, and the paragraphs for methods and results.

    Notes on what was compared stand above it as comments.
    """
    from ired_diag.comparison import words

    columns, rows = group_columns(comparison), list(group_rows(comparison))
    left = text_columns(comparison)
    title = f"{words.READOUT_NAMES[comparison.readout].capitalize()} of {comparison.metric} over seeds."
    if words.among_finished(comparison):
        title += f" {AMONG_FINISHED}."
    lines = [
        *map(comment, filter(None, (comparison.metric_words, comparison.other_sets))),
        *(comment(f"note: {note}") for note in comparison.notes),
        r"\begin{table}",
        rf"\caption{{{escaped(title)}}}",
        rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(columns) - left)}}}",
        r"\hline",
        " & ".join(map(escaped, columns)) + r" \\ \hline",
        *(" & ".join(map(escaped, row)) + r" \\" for row in rows),
        r"\hline",
        r"\end{tabular}",
        r"\end{table}",
        "",
        rf"\paragraph{{Methods.}} {escaped(words.methods_of(comparison))}",
        "",
        rf"\paragraph{{Results.}} {escaped(words.results_of(comparison))}",
    ]
    return "\n".join(lines)


TEST_COLUMNS = ("pair", "test", "statistic", "df", "p", "95% interval of the difference", "")


def group_columns(comparison: Comparison) -> Cells:
    """Return the columns of the table of groups: mining for the IRED study, success where seeds failed."""
    mining = ("mining",) if _of_the_study(comparison) else ()
    success = ("success rate",) if _failed(comparison) else ()
    return (
        "experiment",
        *mining,
        "finished" if success else "n",
        *success,
        "mean",
        "sd",
        "95% t interval of the mean",
        "range",
    )


def text_columns(comparison: Comparison) -> int:
    """Return how many columns of the table of groups are text; the others are numbers."""
    return 2 if _of_the_study(comparison) else 1


def group_rows(comparison: Comparison) -> Iterator[Cells]:
    """Yield what is printed of each group, a cell a column of ``group_columns``."""
    places = output.decimals([group.summary.sd for group in comparison.groups])
    form = f".{places}f" if places <= 12 else ".6g"
    of_the_study, failed = _of_the_study(comparison), _failed(comparison)
    for group in comparison.groups:
        s = group.summary
        yield (
            group.name,
            *((group.strategy or "-",) if of_the_study else ()),
            *(_success_cells(group) if failed else (str(s.n),)),
            output.number(s.mean, form),
            output.number(s.sd, ".3g"),
            _range(s.low, s.high, form),
            _range(s.minimum, s.maximum, form),
        )


def _of_the_study(comparison: Comparison) -> bool:
    return any(group.strategy is not None for group in comparison.groups)


def _failed(comparison: Comparison) -> bool:
    return any(group.outcomes.finished < group.outcomes.attempted for group in comparison.groups)


def _success_cells(group: Group) -> Cells:
    """Return how many seeds finished of those attempted, and the success rate with its exact interval."""
    outcomes = group.outcomes
    rate, low, high = (output.number(100 * share, ".0f") for share in _rates(group))
    return f"{outcomes.finished} of {outcomes.attempted}", f"{rate}% ({low} to {high}%)"


def _rates(group: Group) -> tuple[float, float, float]:
    return group.outcomes.success_rate, group.outcomes.low, group.outcomes.high


def _range(low: float, high: float, form: str) -> str:
    """Return an interval, a single dash where there is none."""
    if math.isnan(low) and math.isnan(high):
        return "-"
    return f"{output.number(low, form)} to {output.number(high, form)}"


def _print_groups(comparison: Comparison) -> None:
    from ired_diag.comparison import words

    better = "lower" if comparison.lower_is_better else "higher"
    start = comparison.plateau_step
    where = f" (from step {start:g})" if comparison.readout == "plateau" and start is not None else ""
    what = f"{words.READOUT_NAMES[comparison.readout]}{where} of {comparison.metric}"
    title = f"{what}, each seed ({better} is better)"
    caption = "\n".join(caption_lines(comparison))
    left = text_columns(comparison)
    output.print_table(
        title, group_columns(comparison), list(group_rows(comparison)), left=left, caption=caption
    )


def caption_lines(comparison: Comparison) -> list[str]:
    """Return what stands below the table of groups: over which seeds, and how far the intervals hold."""
    from ired_diag.comparison import words

    held = "; ".join(words.coverage_of(group) for group in comparison.groups)
    lines = [f"sd of a sample (n - 1). Simulated coverage of the t interval: {held}"]
    if words.among_finished(comparison):
        lines.insert(0, AMONG_FINISHED)
    return lines


def _print_tests(comparison: Comparison) -> None:
    rows: list[Cells] = []
    for pair in comparison.pairs:
        rows += _with_name(f"{pair.a} - {pair.b}", test_rows(pair))
    captions = []
    if any(pair.worst_rank is not None for pair in comparison.pairs):
        captions.append("where seeds failed, all tests but worst rank are among the seeds that finished")
    if len(comparison.pairs) > 1:
        captions.append("p values of this table are of each pair by itself, not adjusted for several pairs")
    output.print_table(
        "Differences, two-sided tests",
        TEST_COLUMNS,
        rows,
        left=2,
        caption="; ".join(captions),
        last_is_text=True,
    )


def test_rows(pair: PairOfGroups) -> Iterator[Cells]:
    """Yield what is printed of each test of a pair: its name, statistic, df, p, interval, and a remark.

    The test that decides stands first. Tests of pairs are left out where the seeds are not pairs.
    """
    yield from sorted(_t_rows(pair), key=lambda row: not row[-1].startswith("decides"))
    if not min(pair.seeds[:2]):
        return
    tests = pair.tests
    ranks = [("Mann-Whitney", tests.mann_whitney)]
    dealt = [("permutation", tests.permutation)]
    if not pair.obstacle:
        ranks.append(("Wilcoxon", tests.wilcoxon))
        dealt.append(("sign flip", tests.sign_flip))
    for name, rank in ranks:
        yield (
            name,
            output.number(rank.statistic, "g"),
            "-",
            output.p_value(rank.p),
            "-",
            rank.reason or rank.method,
        )
    for name, test in dealt:
        yield (
            name,
            output.number(test.difference, "+.3g"),
            "-",
            output.p_value(test.p),
            "-",
            test.reason or test.method,
        )
    own = tests.bootstrap
    ends = "-" if own.reason else f"{own.low:+.3g} to {own.high:+.3g}"
    yield "bootstrap-t", "-", "-", "-", ends, own.reason or f"{own.draws} resamples"
    spread, ratio = tests.brown_forsythe, tests.sd_ratio
    ends = "" if math.isnan(ratio.low) else f", {ratio.low:.2g} to {ratio.high:.2g}"
    told = spread.reason or f"sd ratio {output.number(ratio.value, '.2g')}{ends}"
    yield "Brown-Forsythe", output.number(spread.f, ".4g"), "-", output.p_value(spread.p), "-", told


def _t_rows(pair: PairOfGroups) -> Iterator[Cells]:
    """Yield the worst-rank test where seeds failed, and the t tests."""
    from ired_diag.comparison import words

    if (worst := pair.worst_rank) is not None:
        remark = worst.reason or f"decides; P(first better) {worst.probability:.2f}"
        yield "worst rank", "-", "-", output.p_value(worst.p), "-", remark
    tests = [("Student", pair.student), ("Welch", pair.welch)] if min(pair.seeds[:2]) else []
    if not pair.obstacle:
        tests.append(("paired t", pair.paired))
    if not pair.partial.reason:
        tests.append(("partially paired t", pair.partial))
    for name, test in tests:
        remark = ""
        if test is pair.test:
            remark = "decides; " if pair.worst_rank is None else "interval among the seeds that finished; "
            remark += words.coverage_of_pair(pair)
        yield (name, *_t_cells(test), test.reason or remark)


def _t_cells(test: TTest) -> Cells:
    if test.reason:
        return "-", "-", "-", "-"
    interval = f"{test.low:+.3g} to {test.high:+.3g}"
    return f"{test.t:.4f}", output.number(test.df, ".4g"), output.p_value(test.p), interval


def _print_readouts(comparison: Comparison) -> None:
    several = len(comparison.pairs) > 1
    rows: list[Cells] = []
    for pair in comparison.pairs:
        lines = (_readout_cells(line, comparison, several=several) for line in pair.by_readout)
        rows += _with_name(f"{pair.a} - {pair.b}", lines)
    holm = ("Holm p",) if several else ()
    interval = "unadjusted 95% interval" if several else "95% interval"
    columns = ("pair", "readout", "difference", interval, "p", *holm, "Welch p", "verdict")
    percent = "%: of the second's mean; " if comparison.in_percent else ""
    caption = f"{percent}best: of many noisy evaluations the luckiest; area: how fast, more than how good"
    output.print_table("The same by every readout", columns, rows, left=2, caption=caption, last_is_text=True)


def _readout_cells(line: ByReadout, comparison: Comparison, *, several: bool) -> Cells:
    from ired_diag.comparison.verdict_words import unit_of

    if line.reason or line.decision == "identical":
        told = line.decision if line.decision == "identical" else line.reason
        return line.readout, *("-",) * (5 if several else 4), told
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


def _print_sizes(comparison: Comparison) -> None:
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


def _print_per_sample(comparison: Comparison) -> None:
    rows: list[Cells] = []
    for pair in comparison.pairs:
        for one in pair.per_sample:
            if (found := one.result) is not None and not found.reason:
                parts = (found.from_seeds, found.from_samples, found.from_both)
                shares = " / ".join(f"{100 * part / sum(parts):.0f}%" for part in parts)
                rows.append(
                    (
                        f"{pair.a} - {pair.b}",
                        one.error,
                        f"{found.difference:+.3g}",
                        f"{found.low:+.3g} to {found.high:+.3g}",
                        f"{found.standard_error:.2g}",
                        shares,
                        f"{found.seeds[0]} x {found.samples}",
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


def _print_criteria(comparison: Comparison) -> None:
    rows = [
        row
        for pair in comparison.pairs
        for row in _with_name(f"{pair.a} for {pair.b}", [(c.name, c.met, c.reason) for c in pair.criteria])
    ]
    if not rows:
        return
    columns = ("remedy", "criterion", "met", "why")
    output.print_table("Success, of the first as a remedy for the second", columns, rows, left=4)


def _print_sweep(sweep: Sweep) -> None:
    from ired_diag.comparison import words

    found = sweep.response
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
            sweep.groups, found.knob, found.curve, found.times_best, strict=True
        )
    ]
    columns = ("group", sweep.knob, "n", "mean", "sd", "95% t interval", "best in %")
    output.print_table(f"Response to {sweep.knob}", columns, rows, caption=words.sweep_of(sweep))


def _ranged(value: float, low: float, high: float, form: str = ".2f") -> str:
    if math.isnan(value):
        return "-"
    return f"{output.number(value, form)} ({output.number(low, form)} to {output.number(high, form)})"


def _print_noise(comparison: Comparison) -> None:
    from ired_diag.comparison import words

    reasons = {group.noise.split.reason for group in comparison.groups}
    if len(reasons) == 1 and (reason := reasons.pop()):
        click.echo(f"Evaluation noise: not known ({reason})\n")
        return
    click.echo("Evaluation noise on the plateau")
    for group in comparison.groups:
        click.echo(f"  - {words.noise_of(group)}")
    click.echo()


def _print_ranks(comparison: Comparison) -> None:
    ranks = comparison.ranks
    if ranks is None:
        if len(comparison.groups) > 1:
            click.echo(f"Ranks within seeds: withheld ({comparison.no_ranks})\n")
        return
    rows = [(name, f"{mean:.2f}", str(ranks.wins[name])) for name, mean in ranks.mean_ranks.items()]
    ties = f"; {ranks.ties} tied" if ranks.ties else ""
    test = ranks.friedman
    w = ", ".join(f"{name} {output.number(value, '.2f')}" for name, value in ranks.kendall_w.items())
    told = test.reason or (
        f"Friedman's χ² {test.uncorrected.chi2:.4g} (corrected for ties {test.tie_corrected.chi2:.4g}), "
        f"{test.method} p = {output.p_value(test.p)}; Nemenyi's critical difference "
        f"{ranks.nemenyi.critical_difference:.3g}"
    )
    caption = f"{told}\nKendall's W: {w}"
    title = f"Ranks within the {len(ranks.seeds)} shared seeds (1 is best){ties}"
    output.print_table(title, ("experiment", "mean rank", "wins"), rows, caption=caption)


def _with_name(name: str, rows: Iterator[Cells] | Sequence[Cells]) -> list[Cells]:
    """Return rows with the name before the first."""
    return [(name if number == 0 else "", *row) for number, row in enumerate(rows)]

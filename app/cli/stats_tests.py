"""The table of tests of a pair of groups, the one that decides first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.cli import output
from app.cli.stats_groups import named_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ired_diag.comparison import Comparison, PairOfGroups
    from ired_diag.stats.t_tests import TTest


Cells = tuple[str, ...]
TEST_COLUMNS = ("pair", "test", "statistic", "df", "p", "95% interval of the difference", "")


def print_tests(comparison: Comparison) -> None:
    """Print the tests of every pair."""
    rows: list[Cells] = []
    for pair in comparison.pairs:
        rows += named_rows(f"{pair.a} - {pair.b}", test_rows(pair))
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
        first_out=("statistic", "df", ""),
        keep=("p", "test"),
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
    remark = spread.reason or f"sd ratio {output.number(ratio.value, '.2g')}{ends}"
    yield "Brown-Forsythe", output.number(spread.f, ".4g"), "-", output.p_value(spread.p), "-", remark


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

"""The table of tests of a pair of groups, the one that decides first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.cli import output
from app.cli.stats_groups import named_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ired_diag.comparison import Comparison, PairOfGroups
    from ired_diag.stats.bootstrap import BootstrapInterval
    from ired_diag.stats.spread_tests import SdRatio, SpreadTest
    from ired_diag.stats.t_tests import TTest


Cells = tuple[str, ...]
INDEPENDENT = "takes folds as independent"
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
        captions.append("the p values in this table are of single pairs, not adjusted for several pairs")
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
    """Yield the cells of each test of a pair: its name, statistic, df, p, interval, and a remark.

    The test that decides stands first. Tests of pairs are left out where the seeds are not pairs.
    """
    for row in _test_rows(pair):
        *cells, remark = row
        decides = remark.startswith("decides")
        if pair.of_folds and not decides:
            remark = f"{remark}; {INDEPENDENT}" if remark else INDEPENDENT
        yield (*cells, remark)


def _test_rows(pair: PairOfGroups) -> Iterator[Cells]:
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
        statistic = output.number(rank.statistic, "g")
        yield name, statistic, "-", output.p_value(rank.p), "-", rank.reason or rank.method
    for name, test in dealt:
        difference = output.number(test.difference, "+.3g")
        yield name, difference, "-", output.p_value(test.p), "-", test.reason or test.method
    yield _bootstrap_row(tests.bootstrap)
    yield _spread_row(tests.brown_forsythe, tests.sd_ratio)


def _bootstrap_row(bootstrap: BootstrapInterval) -> Cells:
    if bootstrap.reason:
        return "bootstrap-t", "-", "-", "-", "-", bootstrap.reason
    interval = output.interval(bootstrap.low, bootstrap.high, "+.3g")
    return "bootstrap-t", "-", "-", "-", interval, f"{bootstrap.draws} resamples"


def _spread_row(test: SpreadTest, ratio: SdRatio) -> Cells:
    """Return the test of equal spreads; its remark is the ratio of the standard deviations."""
    remark = test.reason
    if not remark:
        remark = f"sd ratio {output.number(ratio.value, '.2g')}"
        if not math.isnan(ratio.low):
            remark += f", {output.interval(ratio.low, ratio.high, '.2g')}"
    return "Brown-Forsythe", output.number(test.f, ".4g"), "-", output.p_value(test.p), "-", remark


def _t_rows(pair: PairOfGroups) -> Iterator[Cells]:
    """Yield the worst-rank test where seeds failed, and the t tests."""
    from ired_diag.comparison import words

    if (worst := pair.worst_rank) is not None:
        remark = worst.reason or f"decides; P(first better) {worst.probability:.2f}"
        yield "worst rank", "-", "-", output.p_value(worst.p), "-", remark
    tests = []
    if min(pair.seeds[:2]):
        tests += [("Student", pair.student), ("Welch", pair.welch)]
    if not pair.obstacle:
        tests.append(("paired t", pair.paired))
    if not pair.partial.reason:
        tests.append(("partially paired t", pair.partial))
    role = "interval among the seeds that finished"
    if pair.worst_rank is None:
        role = "decides"
    for name, test in tests:
        remark = test.reason
        if not remark and test is pair.test:
            remark = f"{role}; {words.coverage_of_pair(pair)}"
            if pair.shares_seeds:
                name, remark = "components", f"{role}; by variance components, because runs share seeds"
            if pair.of_folds:
                name, remark = "corrected t", f"{role}; corrected for folds (Nadeau & Bengio)"
        yield (name, *_t_cells(test), remark)


def _t_cells(test: TTest) -> Cells:
    if test.reason:
        return "-", "-", "-", "-"
    interval = f"{test.low:+.3g} to {test.high:+.3g}"
    statistic = "-" if math.isnan(test.t) else f"{test.t:.4f}"
    return statistic, output.number(test.df, ".4g"), output.p_value(test.p), interval

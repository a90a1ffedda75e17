"""Which test decides: by failed seeds and by the design, never by the data; and what is then never said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from app.cli import main
from ired_diag import comparison
from ired_diag.comparison import Comparison, words
from ired_diag.comparison.deciding import AMONG_FINISHED, decide
from ired_diag.comparison.sample import Question, Sample, sample_of
from ired_diag.runs.run import Run
from ired_diag.stats.partially_paired import partially_paired
from tests.made_runs import made_run

NAN = math.nan


def run_of(name: str, seed: int, final: float) -> Run:
    """Return a run whose last evaluation is given."""
    config = {"dataset": "cifar10"}
    return made_run(name, seed, every=1000, config=config, path=Path(name), val_loss=[2.0, final])


def compared(**finals: Sequence[float]) -> Comparison:
    """Compare groups by their last evaluations; one that is NaN is that of a seed that failed."""
    groups = {}
    for name, values in finals.items():
        groups[name] = [run_of(name, seed, final) for seed, final in enumerate(values)]
    return comparison.compare(groups, readout="last")


def sample(
    a: Sequence[float], b: Sequence[float], obstacle: str = "", failed: tuple[int, int] = (0, 0)
) -> Sample:
    x, y = ({f"seed{i}": value for i, value in enumerate(values)} for values in (a, b))
    return sample_of(("a", "b"), x, y, list(x), obstacle, failed=failed)


def test_two_nan_of_five_never_print_better(shared: Path) -> None:
    result = CliRunner().invoke(main, ["stats", str(shared / "cases" / "s_curves" / "div")])
    lines = result.stdout.splitlines()
    assert lines[0].startswith("h: 2 of 5 seeds ended in NaN (seed0, seed1)")
    (sentence,) = [line for line in lines if line.startswith("h and k:")]
    assert sentence.startswith(
        "h and k: undecided. 2 of 5 seeds of h failed (success rate 60%, 95% interval 15 to 95%); "
        "all 5 seeds of k finished; worst-rank test p = 0.63 (the smallest p possible with these "
        "sizes and failures is 0.0079)."
    )
    assert (
        "Among the seeds that finished h - k is -3.04% (95% interval -3.61% to -2.47% of k's mean" in sentence
    )
    assert sentence.endswith("which does not decide.")
    assert "no divergence" not in result.stdout
    full = CliRunner().invoke(main, ["stats", str(shared / "cases" / "s_curves" / "div"), "--full"])
    assert "decides; P(first better) 0.60" in full.stdout


def test_worst_ranks_decide_in_both_directions_and_by_every_readout() -> None:
    bad, good = [1.5, 1.6, NAN, NAN, 1.7], [1.0, 1.1, 1.2, 1.05, 1.15]
    for finals, decision in (({"a": bad, "b": good}, "worse"), ({"a": good, "b": bad}, "better")):
        found = compared(**finals)
        (pair,) = found.pairs
        assert (pair.primary, pair.verdict.decision) == ("worst_rank", decision)
        assert pair.worst_rank is not None
        assert pair.p == pair.p_holm == pair.worst_rank.p == pytest.approx(2 / math.comb(10, 5))
        assert f"a is {decision} than b, failed seeds ranked last." in words.verdict_of(pair, found)
        (line,) = [line for line in pair.by_readout if line.readout == "last"]
        assert (line.decision, line.p) == (decision, pair.p)


def test_with_failed_seeds_nothing_is_equivalent_or_smaller_than_the_margin() -> None:
    level = [1.0, 1.0001, 0.9999, 1.00005, 0.99995]
    (close,) = compared(a=level, b=[x + 2e-5 * (-1) ** i for i, x in enumerate(level)]).pairs
    assert close.verdict.decision == "equivalent"
    found = compared(a=[*level, NAN], b=[*(x + 2e-5 * (-1) ** i for i, x in enumerate(level)), NAN])
    (pair,) = found.pairs
    assert (pair.verdict.decision, pair.verdict.smaller_than_margin) == ("undecided", False)
    assert {line.decision for line in pair.by_readout} == {"undecided"}
    for answer in (pair.equivalence, pair.posterior, pair.power):
        assert answer.reason == AMONG_FINISHED
    assert math.isnan(pair.equivalence.p)
    said = " ".join([words.verdict_of(pair, found), *words.caveats_of(pair, found), words.methods_of(found)])
    assert "margin" not in said and "equivalent" not in said and "80% power" not in said
    assert "Lachin's worst-rank test" in said


def test_a_group_without_a_seed_that_finished_loses() -> None:
    found = compared(a=[NAN] * 5, b=[1.0, 1.1, 1.2, 1.05, 1.15])
    (pair,) = found.pairs
    assert pair.verdict.decision == "worse"
    assert "All 5 seeds of a failed (success rate 0%, 95% interval 0 to 52%)" in words.verdict_of(pair, found)
    assert list(words.caveats_of(pair, found)) == []
    assert {line.reason for line in pair.by_readout if line.readout in ("last", "best")} == {
        "no seed of a finished"
    }
    assert "nan" not in words.results_of(found).lower().replace("ended in nan", "")


def test_a_worst_rank_result_that_does_not_survive_several_pairs_is_undecided() -> None:
    rng = np.random.default_rng(5)
    groups = {f"g{i}": [*(1 + 0.01 * rng.standard_normal(4)).tolist(), NAN] for i in range(5)}
    found = compared(**groups, z=[1.5, 1.6, 1.7, 1.55, 1.65])
    lost = [pair for pair in found.pairs if pair.p < 0.05 < pair.p_holm]
    assert all(pair.verdict.decision == "undecided" for pair in lost)
    assert {pair.verdict.decision for pair in found.pairs} == {"undecided"}


def test_the_design_decides_where_no_seed_failed() -> None:
    a, b = [1.0, 1.2, 1.1, 1.3], [1.5, 1.4, 1.7, 1.6]
    together, apart = decide(sample(a, b), Question()), decide(sample(a, b, "rank is 20 and 8"), Question())
    assert (together.primary, apart.primary) == ("paired", "welch")
    assert together.p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-12)
    assert apart.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-12)
    assert together.reference == pytest.approx(np.mean(b))


@pytest.mark.parametrize(
    ("shared", "alone", "estimator"),
    [
        (10, 0, "paired"),
        (8, 2, "partial"),
        (3, 7, "partial"),
        (2, 8, "partial"),
        (2, 1, "welch"),
        (0, 5, "welch"),
    ],
)
def test_how_many_seeds_are_shared_decides_between_the_t_tests(
    shared: int, alone: int, estimator: str
) -> None:
    rng = np.random.default_rng(7)
    common = rng.standard_normal(shared)
    a = {f"seed{i}": 5 + common[i] + 0.1 * rng.standard_normal() for i in range(shared)}
    b = {f"seed{i}": 5.5 + common[i] + 0.1 * rng.standard_normal() for i in range(shared)}
    a |= {f"seed{100 + i}": 5 + rng.standard_normal() for i in range(alone)}
    b |= {f"seed{200 + i}": 5.5 + rng.standard_normal() for i in range(alone)}
    found = decide(sample_of(("a", "b"), a, b, list(a), ""), Question())
    assert found.estimator == estimator
    assert found.primary == estimator
    assert found.p == found.test.p
    assert found.mean.difference + 0 == pytest.approx((found.test.low + found.test.high) / 2, rel=1e-9)
    half = stats.t.isf(0.05, found.test.df) * found.mean.standard_error
    assert (found.equivalence.low, found.equivalence.high) == pytest.approx(
        (found.difference - half, found.difference + half), rel=1e-9
    )
    if estimator == "partial":
        pairs = np.array([[a[s] for s in list(a)[:shared]], [b[s] for s in list(b)[:shared]]])
        rest = [np.array(list(group.values())[shared:]) for group in (a, b)]
        assert found.test == partially_paired(pairs, *rest).test
        means = [float(np.mean(list(group.values()))) for group in (a, b)]
        assert found.difference == pytest.approx(means[0] - means[1], rel=1e-12)


def test_the_partial_estimate_is_named_in_words_with_its_seeds() -> None:
    rng = np.random.default_rng(11)
    common = rng.standard_normal(10)
    values = {
        "a": {i: 5 + common[i] + 0.1 * rng.standard_normal() for i in range(8)},
        "b": {i: 6 + common[i] + 0.1 * rng.standard_normal() for i in range(2, 10)},
    }
    groups = {
        name: [run_of(name, seed, value) for seed, value in numbers.items()]
        for name, numbers in values.items()
    }
    found = comparison.compare(groups, readout="last")
    (pair,) = found.pairs
    assert (pair.primary, pair.seeds, pair.verdict.decision) == ("partial", (8, 8, 6), "better")
    assert "partially paired t test (REML), 8 + 8 seeds, 6 shared, p = " in words.verdict_of(pair, found)
    assert "4 that only one of them has are kept" in " ".join(words.caveats_of(pair, found))
    assert "by the partially paired t test (REML)." in words.methods_of(found)
    assert math.isfinite(pair.power.detectable) and math.isfinite(pair.posterior.inside)

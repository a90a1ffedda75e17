"""The gate: keep, drop or run more seeds, valid at any number of seeds looked at."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import ired_diag as ird
from app.cli import main
from ired_diag.comparison.gate import Compared, against_group, against_threshold, decide
from ired_diag.errors import DiagError
from ired_diag.stats.anytime import earliest, half_width, log_evidence, looks_at_difference, looks_at_mean


def table(path: Path, groups: dict[str, Sequence[float]]) -> Path:
    lines = ["group,seed,val_loss"]
    for group, values in groups.items():
        lines += [f"{group},{seed},{value!r}" for seed, value in enumerate(values)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_interval_ends_where_the_evidence_reaches_its_bound() -> None:
    values = np.random.default_rng(3).standard_normal(9)
    alpha = 0.05
    width = half_width(9, float(values.std(ddof=1)), alpha)
    for end in (values.mean() - width, values.mean() + width):
        assert log_evidence(values.tolist(), end) == pytest.approx(math.log(1 / alpha), abs=1e-9)


def test_the_evidence_is_the_ratio_of_the_integrated_likelihoods() -> None:
    """e_n(0) by quadrature: noncentral t density, averaged over effects, over the central one."""
    from scipy.integrate import quad
    from scipy.stats import nct, norm, t

    values = np.array([0.3, 1.9, -0.2, 1.1, 0.8])
    n, prior = len(values), 2.0
    statistic = math.sqrt(n) * values.mean() / values.std(ddof=1)

    def density(effect: float) -> float:
        noncentral = nct.pdf(statistic, n - 1, effect * math.sqrt(n))
        return float(noncentral * norm.pdf(effect, scale=prior**-0.5))

    mixed, _ = quad(density, -8, 8, limit=200)
    expected = math.log(mixed / t.pdf(statistic, n - 1))
    assert log_evidence(values.tolist(), 0.0, prior) == pytest.approx(expected, abs=1e-6)


def test_nothing_is_decided_before_the_earliest_seed() -> None:
    far = [100.0, 100.1, 99.9, 100.0, 100.05]
    looks = list(looks_at_mean(far, alpha=0.1))
    assert earliest(0.1) == 4
    assert [math.isinf(look.low) for look in looks] == [True, True, True, False, False]
    assert decide(Compared(gains=far[:3], base=(), design="paired")).verdict == "undecided"
    assert decide(Compared(gains=far[:4], base=(), design="paired")).verdict == "keep"


def test_intervals_hold_at_every_number_of_seeds_together() -> None:
    generator = np.random.default_rng(0)
    missed = 0
    for _ in range(1000):
        *_, last = looks_at_mean(generator.standard_normal(30).tolist(), alpha=0.1)
        missed += not last.low <= 0 <= last.high
    assert missed <= 100 + 3 * math.sqrt(90)


def test_two_groups_of_unequal_spread_keep_the_level() -> None:
    """A pooled variance excludes the true difference in half of these studies."""
    generator = np.random.default_rng(1)
    missed = 0
    for _ in range(500):
        new, base = 0.1 * generator.standard_normal(30), generator.standard_normal(5)
        *_, last = looks_at_difference(new.tolist(), base.tolist(), alpha=0.1)
        missed += not last.low <= 0 <= last.high
    assert missed <= 50 + 3 * math.sqrt(45)


def test_two_groups_are_also_compared_as_pairs_of_their_order() -> None:
    """The interval is that of the differences of the pairs, at four fifths of the level."""
    new, base = [1.0, 1.2, 0.9, 1.1, 1.0, 1.3], [0.1, -0.1, 0.0, 0.2, -0.2, 0.1]
    *_, of_groups = looks_at_difference(new, base, alpha=0.1)
    differences = [a - b for a, b in zip(new, base, strict=True)]
    *_, of_pairs = looks_at_mean(differences, alpha=0.08)
    assert (of_groups.low, of_groups.high) == (of_pairs.low, of_pairs.high)
    *_, more_old_ones = looks_at_difference(new, [*base, 0.0, 0.05, -0.05, 0.0], alpha=0.1)
    assert more_old_ones.low == of_pairs.low  # the pairs are those of before
    *_, fewer_new_ones = looks_at_difference(new[:3], base, alpha=0.1)
    assert math.isinf(fewer_new_ones.low)


def test_pairs_of_a_group_whose_noise_is_unknown_are_not_used() -> None:
    new = [1.0, 1.2, 0.9, 1.1, 1.0, 1.3]
    *_, look = looks_at_difference(new, [0.0] * 6, alpha=0.1)
    assert math.isinf(look.low)


def test_more_seeds_of_two_groups_are_those_of_the_narrower_interval() -> None:
    generator = np.random.default_rng(4)
    new, base = generator.standard_normal(6) + 1.5, generator.standard_normal(20)
    decision = decide(Compared(gains=new.tolist(), base=base.tolist(), design="unpaired"))
    assert decision.verdict == "undecided"
    assert decision.more is not None
    n = 6 + decision.more
    sd = math.hypot(float(np.std(new, ddof=1)), float(np.std(base, ddof=1)))
    mean = float(np.mean(new) - np.mean(base))
    assert half_width(n, sd, 0.08) < mean <= half_width(n - 1, sd, 0.08)


def test_a_change_without_effect_is_rarely_kept_however_often_one_looks() -> None:
    generator = np.random.default_rng(2)
    kept = 0
    for _ in range(1000):
        study = Compared(gains=generator.standard_normal(40).tolist(), base=(), design="paired")
        kept += decide(study).verdict == "keep"
    assert 0 < kept <= 50 + 3 * math.sqrt(47.5)


def test_the_first_seed_that_excludes_the_margin_decides() -> None:
    gains = [1.0, 1.1, 0.9, 1.05, 0.95, -3.0, -3.0, -3.0]
    decision = decide(Compared(gains=gains, base=(), design="paired"))
    assert (decision.verdict, decision.decided_at) == ("keep", 4)


def test_values_that_jump_leave_no_mean_and_it_is_said() -> None:
    gains = [1.0, 1.0001, 0.9999, 1.0, 1.0, *[5.0, 5.0001, 4.9999] * 10]
    decision = decide(Compared(gains=gains, base=(), design="paired"))
    assert decision.is_contradiction
    assert decision.verdict == "undecided"
    assert "contradict what is assumed" in decision.reason


@pytest.mark.parametrize("design", ["paired", "unpaired"])
def test_seeds_that_finish_in_another_order_than_that_of_their_numbers_keep_the_level(design: str) -> None:
    """The gate is asked after each seed and finds them sorted by number: 200 studies of no effect."""
    generator = np.random.default_rng(11)
    kept = dropped = 0
    for _ in range(200):
        numbers = generator.permutation(24)
        values = generator.standard_normal(24)
        base = generator.standard_normal(8).tolist() if design == "unpaired" else ()
        verdicts = set()
        for n in range(4, 25):
            by_number = values[:n][np.argsort(numbers[:n])]
            study = Compared(gains=by_number.tolist(), base=base, design=design)  # type: ignore[arg-type]
            verdicts.add(decide(study, in_order=False).verdict)
        kept += "keep" in verdicts
        dropped += "drop" in verdicts
    assert 0 < kept + dropped
    # 10 of 200 are 5%: in the order of numbers every prefix would count as a look, and about 17 would be.
    assert max(kept, dropped) <= 10


def test_the_order_of_rows_decides_nothing(tmp_path: Path) -> None:
    values = [1.0, 1.1, 0.9, 1.05, 0.95, -3.0, -2.0, -2.5]
    verdicts = set()
    for name, numbers in (("a", values), ("b", values[::-1])):
        path = table(tmp_path / f"{name}.csv", {"new": [2 - value for value in numbers]})
        verdicts.add(ird.gate("new", threshold=2.0, runs=path).decision.verdict)
    assert verdicts == {"undecided"}


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e-160, 1.0, 1e160, 1e290])
def test_the_unit_of_the_metric_changes_no_decision(scale: float) -> None:
    """The square of a deviation of 1e-200 is 0 in floating point, and that of 1e200 infinite."""
    generator = np.random.default_rng(0)
    new, base = generator.normal(1, 0.3, 9), generator.normal(0.6, 0.3, 9)
    for design, of_base in (("threshold", np.array([])), ("unpaired", base)):
        decisions = []
        for unit in (1.0, scale):
            gains, others = (unit * new).tolist(), (unit * of_base).tolist()
            decisions.append(decide(Compared(gains=gains, base=others, design=design)))  # type: ignore[arg-type]
        plain, scaled = decisions
        assert scaled.verdict == plain.verdict
        assert not scaled.is_contradiction
        assert scaled.low == pytest.approx(scale * plain.low, rel=1e-4)
        assert scaled.high == pytest.approx(scale * plain.high, rel=1e-4)


def test_a_tiny_alpha_needs_many_seeds() -> None:
    decision = decide(Compared(gains=[1.0, 1.1, 0.9], base=(), design="threshold"), alpha=1e-300)
    assert decision.verdict == "undecided"
    assert decision.earliest > 100


def test_nothing_is_dropped_for_being_worse_than_survivors() -> None:
    """The old group lost seeds: what is left of it may be its lucky part."""
    worse = Compared(gains=[-1.0, -1.1, -0.9, -1.0, -1.05], base=(), design="paired")
    assert decide(worse).verdict == "drop"
    decision = decide(worse, failed_base=2)
    assert (decision.verdict, decision.more) == ("undecided", None)
    assert "2 seeds of the old group failed" in decision.reason
    better = Compared(gains=[1.0, 1.1, 0.9, 1.0, 1.05], base=(), design="paired")
    assert decide(better, failed_base=2).verdict == "keep"


def test_the_command_does_not_drop_against_survivors(tmp_path: Path) -> None:
    noise = 0.01 * np.random.default_rng(5).standard_normal((2, 8))
    old = [*(1 + noise[1][:6]).tolist(), math.inf, math.inf]
    path = table(tmp_path / "r.csv", {"new": (1.2 + noise[0]).tolist(), "old": old})
    said = CliRunner().invoke(main, ["gate", "new", "--against", "old", "--runs", str(path)])
    assert said.exit_code == 4, said.output
    assert "2 seeds of the old group failed" in said.output
    assert "value of the table of each seed" in said.output


def test_too_few_old_seeds_are_named_as_what_lacks() -> None:
    generator = np.random.default_rng(4)
    compared = Compared(
        gains=generator.normal(2.0, 1, 8).tolist(),
        base=generator.normal(0.0, 1, 5).tolist(),
        design="unpaired",
    )
    decision = decide(compared)
    assert (decision.verdict, decision.more) == ("undecided", None)
    assert "20 new seeds next to 5 old seeds with this mean and spread would not decide" in decision.reason
    assert "20 seeds of each group would" in decision.reason


def test_a_budget_that_is_used_up_is_said() -> None:
    gains = np.random.default_rng(4).standard_normal(25).tolist()
    decision = decide(Compared(gains=gains, base=(), design="paired"), budget=20)
    assert decision.reason.endswith("the budget of 20 seeds is used up.")


def test_an_old_group_without_a_number_is_not_called_one_number() -> None:
    with pytest.raises(DiagError, match="No seed of the old group has a number to compare with"):
        against_group({"s0": 1.0}, {}, lower_is_better=True, is_paired=False)


def test_failed_seeds_are_not_left_out_of_a_keep() -> None:
    decision = decide(Compared(gains=[1.0, 1.1, 0.9, 1.0], base=(), design="paired"), failed=1)
    assert decision.verdict == "undecided"
    assert "survivors" in decision.reason


def test_one_number_is_no_group() -> None:
    with pytest.raises(DiagError, match="one number"):
        against_group({"s0": 1.0}, {"s0": 2.0}, lower_is_better=True, is_paired=False)


def test_directions() -> None:
    values = {f"s{seed}": 0.9 + 0.001 * seed for seed in range(6)}
    assert decide(against_threshold(values, 0.8, lower_is_better=False)).verdict == "keep"
    assert decide(against_threshold(values, 0.8, lower_is_better=True)).verdict == "drop"


def test_more_seeds_are_those_at_which_it_decides_if_nothing_changes() -> None:
    gains = [0.5, 1.5, -0.2, 1.1, 0.6]
    decision = decide(Compared(gains=gains, base=(), design="paired"))
    assert decision.verdict == "undecided"
    assert decision.more is not None
    n = 5 + decision.more
    sd, mean = float(np.std(gains, ddof=1)), float(np.mean(gains))
    assert half_width(n, sd, 0.1) < mean <= half_width(n - 1, sd, 0.1)


@pytest.mark.parametrize(
    ("better_by", "status", "word"), [(0.1, 0, "keep"), (-0.1, 3, "drop"), (0.0, 4, "undec")]
)
def test_the_command_says_and_exits_by_the_decision(
    tmp_path: Path, better_by: float, status: int, word: str
) -> None:
    noise = 0.01 * np.random.default_rng(5).standard_normal((2, 8))
    path = table(
        tmp_path / "r.csv", {"new": (2 - better_by + noise[0]).tolist(), "old": (2 + noise[1]).tolist()}
    )
    said = CliRunner().invoke(main, ["gate", "new", "--against", "old", "--runs", str(path)])
    assert said.exit_code == status, said.output
    assert word in said.output


def test_json_holds_the_whole_decision(tmp_path: Path) -> None:
    path = table(tmp_path / "r.csv", {"new": [1.0, 1.1, 0.9], "old": [2.0, 2.1, 1.9]})
    said = CliRunner().invoke(main, ["gate", "new", "--against", "old", "--runs", str(path), "--json"])
    answer = json.loads(said.stdout)
    assert answer["decision"]["verdict"] == "undecided"
    assert answer["decision"]["earliest"] == 5
    assert answer["decision"]["low"] is None


def test_the_published_rule_stands_next_to_it(shared: Path) -> None:
    """FACTS: the record's own rule has p = 3.55e-6 for contra, with a known deviation of 0.0013."""
    for group, p in (("contra", 3.55e-6), ("newton", 1.34e-9)):
        answer = ird.gate(f"{group}={shared / 'text_logs' / group}/*", threshold=3.28, sigma=0.0013)
        assert answer.decision.verdict == "keep"
        assert answer.known_sigma is not None
        assert answer.known_sigma.p == pytest.approx(p, rel=5e-3)
        assert answer.decision.low > 0


@pytest.mark.parametrize("paired", [True, False])
def test_seeds_that_are_all_equal_decide_nothing(paired: bool, tmp_path: Path) -> None:
    """Their noise is unknown; with digits that differ by rounding alone too."""
    old = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) if paired else np.full(6, 0.5)
    numbers = table(tmp_path / "t.csv", {"new": (old - 0.3).tolist(), "old": old.tolist()})
    answer = ird.gate("new", against="old", runs=numbers, paired=paired)
    assert answer.decision.verdict == "undecided"
    assert answer.decision.more is None
    assert math.isinf(answer.decision.high)
    assert "How far another seed would lie is unknown" in answer.decision.reason


def test_a_group_with_failed_seeds_is_not_sent_for_more(tmp_path: Path) -> None:
    """More seeds would not keep it: the failed ones stay."""
    values = [0.9, 1.0, 1.1, 0.95, 1.05, 1.0]
    complete = table(tmp_path / "complete.csv", {"new": values})
    failing = table(tmp_path / "failing.csv", {"new": [*values, math.nan]})
    assert ird.gate("new", threshold=1.06, runs=complete).decision.more
    answer = ird.gate("new", threshold=1.06, runs=failing).decision
    assert (answer.verdict, answer.more) == ("undecided", None)
    assert "1 seed of the new group failed" in answer.reason


def test_a_table_for_each_group_is_called_by_its_file_or_by_the_user(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name, mean in (("new", 1.0), ("old", 2.0)):
        values = rng.normal(mean, 0.1, 8)
        rows = [f"{seed},{value!r}" for seed, value in enumerate(values.tolist())]
        (tmp_path / f"{name}.csv").write_text("\n".join(["seed,val_loss", *rows]) + "\n")
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"
    by_file = ird.gate(str(new), against=str(old))
    assert (by_file.new, by_file.against, by_file.decision.verdict) == ("new", "old", "keep")
    named = ird.gate(f"b={new}", against=f"a={old}")
    assert (named.new, named.against) == ("b", "a")
    assert named.decision.better_by == by_file.decision.better_by
    both = table(tmp_path / "both.csv", {"x": [1.0, 2.0], "y": [1.0, 2.0]})
    with pytest.raises(DiagError, match=r"b: 2 groups are in .*both.csv \(x, y\)"):
        ird.gate(f"b={both}", against=f"a={old}")


def test_the_order_of_seeds_is_an_option_and_stands_in_the_json(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    groups = {"old": rng.normal(1.0, 0.01, 8), "new": rng.normal(0.5, 0.01, 8)}
    path = table(tmp_path / "t.csv", {name: values.tolist() for name, values in groups.items()})
    words = ["gate", "new", "--against", "old", "--runs", str(path), "--json"]
    plain = json.loads(CliRunner().invoke(main, words).output)
    ordered = json.loads(CliRunner().invoke(main, [*words, "--order", "seed6, seed2"]).output)
    assert (plain["in_order"], ordered["in_order"]) == (False, True)
    assert ordered["seeds"][:3] == ["seed6", "seed2", "seed0"]
    refused = CliRunner().invoke(main, [*words, "--order", "seed99"])
    assert (refused.exit_code, "names 'seed99'" in refused.output) == (1, True)

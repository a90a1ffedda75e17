"""What is said of two groups: after correction, of negative means, without a percentage, and of twins."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from app.cli import main
from ired_diag import comparison
from ired_diag.comparison import Comparison, Margin, answer_words, words
from ired_diag.drawing.paired_differences import paired_differences
from ired_diag.drawing.readouts import readout_forest
from ired_diag.runs.run import Run
from tests.made_runs import made_run

STUDY = {"rank": 20, "ood": False}


def run(experiment: str, seed: int, values: Sequence[float], metric: str, **config: Any) -> Run:
    metrics = {metric: values}
    return made_run(experiment, seed, every=1000, config=config, path=Path(experiment), metrics=metrics)


def compared(
    finals: Mapping[str, Sequence[float]],
    *,
    metric: str = "validation/mse",
    config: Mapping[str, Any] | None = None,
    **options: Any,
) -> Comparison:
    """Compare groups of runs that have two equal evaluations each."""
    groups = {
        name: [
            run(name, seed, [final, final], metric, **(STUDY if config is None else config))
            for seed, final in enumerate(values)
        ]
        for name, values in finals.items()
    }
    return comparison.compare(groups, readout="last", **options)


def everything(found: Comparison) -> str:
    """Return all sentences of a comparison."""
    sentences = [words.methods_of(found), words.results_of(found)]
    for pair in found.pairs:
        sentences += [words.verdict_of(pair, found), *words.caveats_of(pair, found)]
    return " ".join(sentences)


def stats_of(*arguments: object) -> tuple[str, dict[str, Any]]:
    """Return what ``stats`` prints, stderr first, and its JSON."""
    command = ["stats", *map(str, arguments)]
    printed, as_json = CliRunner().invoke(main, command), CliRunner().invoke(main, [*command, "--json"])
    assert (printed.exit_code, as_json.exit_code) == (0, 0), printed.output
    return printed.stderr + printed.stdout, json.loads(as_json.stdout)


# Three groups of which the first two differ at p < 0.05 by themselves, and not after Holm over three pairs.
CLOSE = {
    "a": [1.00, 1.02, 0.98, 1.01, 0.99],
    "b": [1.03, 1.02, 1.01, 1.035, 1.005],
    "c": [1.05, 0.98, 1.03, 0.99, 1.01],
}


def test_better_of_several_groups_needs_the_adjusted_p() -> None:
    alone = compared({name: CLOSE[name] for name in "ab"})
    assert alone.pairs[0].verdict.decision == "better"
    found = compared(CLOSE)
    pair = found.pairs[0]
    assert pair.p < 0.05 < pair.p_holm
    assert (pair.uncorrected.decision, pair.verdict.decision) == ("better", "undecided")
    sentence = words.verdict_of(pair, found)
    lost = f"not shown to differ after correction for 3 pairs (Holm p = {pair.p_holm:.2g})"
    assert sentence.startswith(
        f"a and b: undecided, {lost}; unadjusted p = {pair.p:.2g}. The difference a - b, -"
    )
    (line,) = [line for line in pair.by_readout if line.readout == "last"]
    assert (line.uncorrected, line.decision, line.p_holm) == ("better", "undecided", pair.p_holm)
    for text in (everything(found), paired_differences(found).summary, readout_forest(found).summary):
        assert not re.search(r"\b(better|worse) (than|\()", text)
        assert ": better" not in text and ": worse" not in text


def test_every_decision_is_that_of_holms_rule() -> None:
    """Naive twin: sort, multiply, compare; over random studies of four groups."""
    rng = np.random.default_rng(16)
    kinds = set()
    for _ in range(12):
        level = rng.choice([0.0, 0.03], size=4)
        finals = {f"g{i}": (1 + x + 0.02 * rng.standard_normal(5)).tolist() for i, x in enumerate(level)}
        found = compared(finals)
        p = {
            (a, b): float(stats.ttest_rel(finals[a], finals[b]).pvalue)
            for a, b in itertools.combinations(finals, 2)
        }
        ordered, rejected = sorted(p, key=lambda names: p[names]), set()
        for rank, names in enumerate(ordered):
            if p[names] * (len(ordered) - rank) > 0.05:
                break
            rejected.add(names)
        for pair in found.pairs:
            different = pair.verdict.decision in ("better", "worse")
            assert different == ((pair.a, pair.b) in rejected)
            kinds.add((different, pair.p < 0.05))
    assert kinds == {(True, True), (False, True), (False, False)}


def test_equivalence_is_corrected_too() -> None:
    same = {
        "a": [1.000, 1.010, 0.990, 1.004],
        "b": [1.001, 1.008, 0.992, 1.006],
        "c": [1.002, 1.011, 0.986, 1.003],
    }
    found = compared(same, margin=0.004)
    pair = next(p for p in found.pairs if p.uncorrected.decision == "equivalent" != p.verdict.decision)
    assert pair.equivalence.p < 0.05 < pair.p_equivalence_holm
    assert "not shown to be equivalent after correction for 3 pairs" in words.verdict_of(pair, found)
    wide = compared(same, margin=0.02)
    assert {p.verdict.decision for p in wide.pairs} == {"equivalent"}
    sentence = words.verdict_of(wide.pairs[0], wide)
    assert "p of equivalence" in sentence and ") (" not in sentence


def test_negative_means_agree_in_ratio_sentence_and_criteria(shared: Path) -> None:
    printed, told = stats_of(shared / "cases" / "s_tables" / "neg2.csv")
    assert "elbo_a is worse than elbo_b by 34.7% (95% interval 33.2% to 36.1% of elbo_b's mean" in printed
    (pair,) = told["pairs"]
    assert pair["ratio"] == pytest.approx(-0.3467, abs=1e-4)
    assert pair["ratio"] == pytest.approx(pair["difference"] / 2.9968, rel=1e-4)
    assert pair["sizes"]["ratio"]["value"] == pytest.approx(1.3467, abs=1e-4)
    assert pair["criteria"] == []
    values = {group["name"]: list(group["values"].values()) for group in told["groups"]}
    found = compared(values, config={**STUDY, "mining_strategy": "none"}, lower_is_better=True)
    (better, *_) = found.pairs[0].criteria
    assert (better.name, better.met) == ("more than 5% better", "yes")
    assert (better.low, better.high) == pytest.approx((-0.361, -0.332), abs=2e-3)
    assert found.pairs[0].ratio < 0


def test_means_of_both_signs_have_no_percentage_and_need_an_absolute_margin() -> None:
    rewards = {"a": [0.5, 0.6, 0.4, 0.7, 0.55], "b": [-0.3, -0.2, -0.4, -0.35, -0.25]}
    found = compared(rewards, metric="reward")
    (pair,) = found.pairs
    assert pair.verdict.decision == "better"
    assert math.isnan(pair.ratio) and math.isnan(pair.sizes.ratio.value)
    assert pair.sizes.ratio.reason == pair.no_share == "values have both signs"
    assert "a is better than b by 0.85 (95% interval 0." in words.verdict_of(pair, found)
    assert any("--margin Xabs" in note for note in found.notes)
    texts = [*words.caveats_of(pair, found), words.results_of(found), readout_forest(found).summary]
    percentages = re.findall(
        r"[-+\d.]+%", " ".join(texts).replace("95% interval", "").replace("80% power", "")
    )
    assert percentages == []
    assert "reward" in paired_differences(found).panels[1].y_label


def test_near_zero_nothing_is_equivalent_without_an_absolute_margin() -> None:
    losses = {"a": [0.01, -0.02, 0.015, -0.005], "b": [0.012, -0.018, 0.016, -0.008]}
    (pair,) = compared(losses).pairs
    assert (pair.verdict.decision, pair.verdict.smaller_than_margin) == ("undecided", False)
    assert math.isnan(pair.margin)
    found = compared(losses, margin=Margin(0.05, absolute=True))
    (pair,) = found.pairs
    assert (pair.verdict.decision, pair.margin) == ("equivalent", 0.05)
    assert "lies inside the margin of 0.05" in words.verdict_of(pair, found)
    assert not any("Xabs" in note for note in found.notes)


def test_an_accuracy_in_percent_says_what_its_percentage_is_of() -> None:
    accuracy = {"a": [76.1, 76.4, 75.9, 76.3], "b": [75.0, 75.4, 74.8, 75.1]}
    found = compared(accuracy, metric="val_accuracy")
    difference = np.mean(accuracy["a"]) - np.mean(accuracy["b"])
    share = 100 * difference / np.mean(accuracy["b"])
    sentence = words.verdict_of(found.pairs[0], found)
    assert (
        f"a is better than b by {difference:.3g} points, {share:.3g}% (95%" in sentence
        and "% of b's mean;" in sentence
    )
    absolute = compared(accuracy, metric="val_accuracy", margin=Margin(0.5, absolute=True))
    assert f"a is better than b by {difference:.3g} (95%" in words.verdict_of(absolute.pairs[0], absolute)


ENDS = re.compile(r"95% interval (-?[\d.]+)%? to (-?[\d.]+)%?")


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["validation/mse", "val_accuracy"])
def test_sentence_and_interval_never_contradict_each_other(metric: str) -> None:
    lost = reaching = 0
    for draw in range(25):
        rng = np.random.default_rng(draw)
        levels = {name: 5 + rng.normal(0.4 * place, 0.5, 6) for place, name in enumerate("abcd")}
        found = compared(
            {name: list(map(float, group)) for name, group in levels.items()}, metric=metric, config={}
        )
        for pair in found.pairs:
            sentence = words.verdict_of(pair, found)
            low, high = map(float, ENDS.search(sentence).groups())  # type: ignore[union-attr]
            open_or_said = pair.verdict.decision not in ("better", "worse") or "reaches 0 because" in sentence
            assert (low <= 0 <= high) == open_or_said, sentence
            assert sentence.count("simultaneous 95% interval") == 1
            reaching += "reaches 0 because" in sentence
            lost += pair.verdict.decision != pair.uncorrected.decision
    assert lost > 5
    assert reaching > 0


def test_the_interval_of_a_single_pair_is_its_own() -> None:
    found = compared({"a": [1.0, 1.3, 1.1], "b": [1.1, 1.2, 1.4]}, config={})
    (pair,) = found.pairs
    assert (pair.simultaneous_low, pair.simultaneous_high) == (pair.test.low, pair.test.high)
    assert "(95% interval" in words.verdict_of(pair, found)


def test_groups_equal_to_the_last_digit_are_asked_about() -> None:
    found = compared({"a": [1.0, 1.1, 1.3], "b": [1.0, 1.1, 1.3]})
    (pair,) = found.pairs
    assert words.verdict_of(pair, found) == (
        "a and b are identical in every seed to the last digit (3 seeds, and so are their whole curves): "
        "did they run the same?"
    )
    assert (pair.verdict.decision, pair.uncorrected.decision, pair.flips) == ("identical", "identical", False)
    other = {
        name: [run(name, seed, [first, 1.0 + seed / 10], "validation/mse", **STUDY) for seed in range(3)]
        for name, first in (("a", 2.0), ("b", 3.0))
    }
    met = comparison.compare(other, readout="last")
    assert "(3 seeds, but their earlier evaluations differ)" in words.verdict_of(met.pairs[0], met)


@pytest.mark.parametrize("paired", [True, False])
def test_groups_equal_to_the_last_digit_have_the_same_word_everywhere(paired: bool) -> None:
    values = {"a": [1.0, 1.1, 1.3], "b": [1.0, 1.1, 1.3], "c": [2.0, 2.1, 2.4]}
    groups = {
        name: [run(name, seed, [v], "validation/mse") for seed, v in enumerate(group)]
        for name, group in values.items()
    }
    found = comparison.compare(groups, paired=paired)
    same, *others = found.pairs
    lines = {line.readout: line.decision for line in same.by_readout if line.readout in ("last", "best")}
    assert lines == {"last": "identical", "best": "identical"}
    assert {pair.verdict.decision for pair in others} == {"better"}
    assert readout_forest(found).method.count("≡ identical") == 1
    assert "identical" not in readout_forest(compared({"a": [1.0, 1.2], "b": [1.1, 1.4]})).method


def test_readouts_that_are_identical_stand_next_to_those_that_are_not() -> None:
    runs = {
        name: [run(name, seed, [first - seed / 7, 1.0 + seed / 10], "validation/mse") for seed in range(3)]
        for name, first in (("a", 0.5), ("b", 0.4))
    }
    (pair,) = comparison.compare(runs, readout="best").pairs
    lines = {line.readout: line.decision for line in pair.by_readout if not line.reason}
    assert (lines["last"], lines["best"]) == ("identical", "undecided")
    assert (pair.identical, pair.flips) == ("", False)


def test_pairs_that_differ_by_the_same_amount_are_refused() -> None:
    found = compared({"a": [1.0, 1.5, 2.0], "b": [1.25, 1.75, 2.25]})
    assert words.verdict_of(found.pairs[0], found) == (
        "a and b: undecided. a - b is -14.3% of b's mean, and it is the same in every pair of seeds: "
        "a t test needs spread, and can say nothing here."
    )


def test_groups_without_spread_have_a_difference_and_no_test() -> None:
    found = compared({"a": [0.5] * 3, "b": [0.6, 0.6, 0.6 + 1e-16]}, paired=False)
    assert words.verdict_of(found.pairs[0], found) == (
        "a and b: undecided. a - b is -16.7% of b's mean, and all seeds of a group have one value: "
        "a t test needs spread, and can say nothing here."
    )
    assert [group.summary.sd for group in found.groups] == [0.0, 0.0]
    assert not any("would decide" in line for line in answer_words.cautions_of(found.pairs[0], found))
    same = compared({"a": [0.3] * 3, "b": [0.1 + 0.2] * 3}, paired=False)
    assert "a - b is 0, and" in words.verdict_of(same.pairs[0], same)


def test_percentages_differ_by_points_and_by_a_share_of_each_other() -> None:
    values = {"a": [92.1, 92.2, 92.12], "b": [91.0, 91.1, 90.87]}
    found = compared(values, metric="test_accuracy", config={})
    points = np.mean(values["a"]) - np.mean(values["b"])
    share = 100 * points / np.mean(values["b"])
    assert f"a is better than b by {points:.3g} points, {share:.3g}% (95%" in words.verdict_of(
        found.pairs[0], found
    )
    for metric, scale in (("val_loss", 1.0), ("test_accuracy", 0.01)):
        scaled = {name: [scale * value for value in group] for name, group in values.items()}
        other = compared(scaled, metric=metric, config={})
        assert "points" not in words.verdict_of(other.pairs[0], other)
    absolute = compared(values, metric="test_accuracy", config={}, margin=Margin(0.5, absolute=True))
    assert "points" not in words.verdict_of(absolute.pairs[0], absolute)


def test_the_words_of_the_study_are_for_its_runs_alone() -> None:
    values = {"a": [1.0, 1.1, 1.05], "b": [1.3, 1.4, 1.35]}
    study = compared(values, config={**STUDY, "mining_strategy": "random"})
    strange = compared(values, config={"dataset": "cifar10", "mining_strategy": "hard"})
    assert [group.strategy for group in study.groups] == ["random", "random"]
    assert [c.name for c in study.pairs[0].criteria][:2] == ["more than 5% better", "lower residual"]
    assert [group.strategy for group in strange.groups] == [None, None]
    assert strange.pairs[0].criteria == ()


def test_the_option_says_who_is_paired(shared: Path) -> None:
    table = shared / "cases" / "s_tables" / "neg2.csv"
    for option, primary, sentence in (
        ("--paired", "paired", "paired t test, 6 pairs of seeds"),
        ("--unpaired", "welch", "Welch's t test, 6 + 6 seeds"),
    ):
        printed, told = stats_of(table, option)
        assert told["pairs"][0]["primary"] == primary
        assert sentence in printed

"""Folds of a cross-validation: which runs are folds, which are pairs, and what their intervals are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import t as student

import ired_diag as ird
from app.cli import main
from ired_diag.comparison import Comparison
from ired_diag.comparison.answer_words import cautions_of
from ired_diag.comparison.verdict_words import verdict_of
from ired_diag.errors import DiagError
from ired_diag.open import open_study
from ired_diag.runs.cross_validation import cross_validation_of
from ired_diag.runs.fold import fold_in_names
from ired_diag.runs.fold_keys import fold_number, is_fold_key

LEVELS = (0.62, 0.50, 0.56, 0.51, 0.55)  # of five folds, whose held-out data differ
GAINS = (0.021, 0.018, 0.022, 0.019, 0.020)  # of the better method in each


def write_run(folder: Path, level: float, config: Mapping[str, Any] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0 if math.isnan(level) else int(1e6 * level))
    rows = ["epoch,train_loss,val_loss"]
    for epoch in range(30):
        value = level + 0.5 * math.exp(-epoch / 3) + rng.normal(0, 0.001)
        rows.append(f"{epoch},{1 / (1 + epoch)},{value}")
    (folder / "metrics.csv").write_text("\n".join(rows) + "\n")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))


def two_methods(root: Path, name: str = "fold_{}", folds: range = range(5)) -> Comparison:
    for fold, level, gain in zip(folds, LEVELS, GAINS, strict=False):
        write_run(root / "base" / name.format(fold), level)
        write_run(root / "ours" / name.format(fold), level - gain)
    return compared(root)


def compared(root: Path, **options: Any) -> Comparison:
    groups = f"ours={root / 'ours'}", f"base={root / 'base'}"
    comparison: Comparison = ird.compare(*groups, readout="last", **options)
    return comparison


@pytest.mark.parametrize(
    ("names", "fold"),
    [
        (("metrics", "fold_3", "ours"), 3),
        (("training_log_2024_5_1_10_0_0", "fold_0", "nnUNetTrainer__3d"), 0),
        (("ours_fold12", "results"), 12),
        (("metrics", "cv_2", "ours"), 2),
        (("metrics", "version_0", "fold-4", "ours"), 4),
        (("metrics", "ours", "fold_1"), 1),
        (("metrics", "fold_all", "ours"), None),
        (("metrics", "unfold_3"), None),
        (("metrics", "mold_3"), None),
        (("metrics", "seed1", "ours", "study_of_fold_2", "older"), None),
    ],
)
def test_a_fold_is_told_by_the_names_next_to_a_log(names: tuple[str, ...], fold: int | None) -> None:
    assert fold_in_names(names) == fold


def test_keys_of_a_configuration_tell_the_fold_and_no_other_key_does() -> None:
    assert all(map(is_fold_key, ("fold", "cv_fold", "data.foldIdx", "val-fold")))
    assert not any(map(is_fold_key, ("n_folds", "folder", "manifold", "k_fold")))
    values = (3, "fold_3", " 3", True, "all", -1, 2.5)
    assert list(map(fold_number, values)) == [3, 3, 3, None, None, None, None]


def test_fold_k_of_both_groups_is_a_pair_with_the_corrected_interval(tmp_path: Path) -> None:
    comparison = two_methods(tmp_path)
    (pair,) = comparison.pairs
    ours, base = comparison.groups
    labels = [f"fold{k}" for k in range(5)]
    differences = np.array([ours.values[label] - base.values[label] for label in labels])
    # Nadeau & Bengio (2003), written out: n_test / n_train = 1 / (K - 1).
    error = differences.std(ddof=1) * math.sqrt(1 / 5 + 1 / 4)
    half = student.ppf(0.975, 4) * error
    p = 2 * student.sf(abs(differences.mean()) / error, 4)
    assert (pair.test.low, pair.test.high) == pytest.approx(
        (differences.mean() - half, differences.mean() + half), rel=1e-10
    )
    assert (pair.p, pair.test.df) == pytest.approx((p, 4), rel=1e-8)
    margin = pair.margin
    p_lower = student.sf((differences.mean() + margin) / error, 4)
    p_upper = student.cdf((differences.mean() - margin) / error, 4)
    assert pair.equivalence.p == pytest.approx(max(p_lower, p_upper), rel=1e-8)
    assert pair.verdict.decision == "better"
    assert comparison.frame().loc[0, "test"] == "corrected_resampled"
    sentence = verdict_of(pair, comparison)
    assert "corrected resampled t test, 5 pairs of folds" in sentence
    cautions = list(cautions_of(pair, comparison))
    assert any("fold k of both holds out the same data; --unpaired" in caution for caution in cautions)
    assert any("Nadeau & Bengio, 2003" in note for note in comparison.notes)
    assert "seed" not in " ".join([sentence, *cautions, *comparison.notes])


def test_the_mean_of_one_group_of_folds_has_the_corrected_interval(tmp_path: Path) -> None:
    group = two_methods(tmp_path).groups[0]
    values = np.array(list(group.values.values()))
    half = student.ppf(0.975, 4) * values.std(ddof=1) * math.sqrt(1 / 5 + 1 / 4)
    assert (group.summary.low, group.summary.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), rel=1e-10
    )
    assert group.readouts["last"].low == group.summary.low
    assert math.isnan(group.coverage.coverage)
    assert group.noise.split.reason


def test_unpaired_folds_take_both_corrected_errors_and_no_more_folds_are_asked_for(tmp_path: Path) -> None:
    two_methods(tmp_path)
    comparison = compared(tmp_path, paired=False)
    (pair,) = comparison.pairs
    variances = [np.var(list(group.values.values()), ddof=1) * 0.45 for group in comparison.groups]
    error = math.sqrt(sum(variances))
    df = error**4 / (variances[0] ** 2 / 4 + variances[1] ** 2 / 4)
    assert pair.p == pytest.approx(2 * student.sf(abs(pair.difference) / error, df), rel=1e-8)
    assert pair.verdict.decision == "undecided"
    deciding = list(cautions_of(pair, comparison))[-1]
    assert "more folds are not to be had" in deciding
    assert math.isnan(pair.power.at_margin)


def test_folds_in_configurations_are_one_group_whatever_the_folders_are_called(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        config = {"method": "ours", "seed": 42, "fold_idx": fold, "n_folds": 5}
        write_run(tmp_path / "ours" / f"run_{fold}", level - GAINS[fold], config)
        write_run(tmp_path / "base" / f"run_{fold}", level, {**config, "method": "base"})
    comparison = compared(tmp_path)
    assert [group.summary.n for group in comparison.groups] == [5, 5]
    folds = comparison.groups[0].folds
    assert folds is not None
    assert folds.is_count_stated
    unnamed = ird.compare(str(tmp_path), readout="last")
    assert [(group.name, group.summary.n) for group in unnamed.groups] == [("base", 5), ("ours", 5)]
    assert comparison.pairs[0].verdict.decision == "better"


def test_another_fold_of_one_seed_and_configuration_is_no_other_attempt(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        write_run(tmp_path / "ours" / f"version_{fold}", level, {"seed": 42, "fold": fold})
    runs = ird.open_study(tmp_path).runs
    assert [run.seed_label for run in runs] == [f"fold{fold}" for fold in range(5)]
    assert not any(run.attempts for run in runs)


def test_a_missing_fold_leaves_its_partner_out_and_keeps_the_number_of_folds(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        write_run(tmp_path / "base" / f"cv_{fold}", level)
        if fold != 2:
            write_run(tmp_path / "ours" / f"cv_{fold}", level - GAINS[fold])
    comparison = compared(tmp_path)
    (pair,) = comparison.pairs
    assert pair.seeds == (4, 4, 4)
    labels = [f"fold{k}" for k in (0, 1, 3, 4)]
    ours, base = comparison.groups
    differences = np.array([ours.values[label] - base.values[label] for label in labels])
    error = differences.std(ddof=1) * math.sqrt(1 / 4 + 1 / 4)
    assert pair.test.high - pair.test.low == pytest.approx(2 * student.ppf(0.975, 3) * error, rel=1e-10)
    notes = " ".join(comparison.notes)
    assert "ours: 1 of 5 folds is missing (fold2)" in notes
    assert "base: fold2 without a partner in ours" in notes


def test_folds_of_other_numbers_are_no_pairs_unless_the_user_says_so(tmp_path: Path) -> None:
    for fold in range(10):
        write_run(tmp_path / "base" / f"fold_{fold}", LEVELS[fold % 5] + 0.001 * fold)
        if fold < 5:
            write_run(tmp_path / "ours" / f"fold_{fold}", LEVELS[fold] - GAINS[fold])
    (pair,) = compared(tmp_path).pairs
    assert "ours has 5 folds and base has 10" in pair.obstacle
    (forced,) = compared(tmp_path, paired=True).pairs
    assert not forced.obstacle
    assert forced.seeds == (5, 5, 5)


def test_folds_counted_from_0_and_from_1_are_no_pairs(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        write_run(tmp_path / "base" / f"fold_{fold}", level)
        write_run(tmp_path / "ours" / f"fold_{fold + 1}", level - GAINS[fold])
    (pair,) = compared(tmp_path).pairs
    assert "numbered from 1 in ours and from 0 in base" in pair.obstacle


def test_a_repeated_cross_validation_keeps_the_degrees_of_freedom_of_its_folds(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        for seed in range(3):
            write_run(tmp_path / "base" / f"fold_{fold}" / f"seed{seed}", level + 0.001 * seed)
            gain = GAINS[fold] + 0.0005 * seed
            write_run(tmp_path / "ours" / f"fold_{fold}" / f"seed{seed}", level - gain)
    comparison = compared(tmp_path)
    (pair,) = comparison.pairs
    assert pair.seeds == (15, 15, 15)
    assert pair.test.df == 4
    assert "15 pairs of runs" in verdict_of(pair, comparison)
    assert any("15 runs of 5 folds, a repeated cross-validation" in note for note in comparison.notes)


@pytest.mark.parametrize("way", ["repeat_{0}/fold_{1}", "fold_{1}/rep_{0}"])
def test_repetitions_without_seeds_are_paired_by_fold_and_repetition(tmp_path: Path, way: str) -> None:
    for fold, level in enumerate(LEVELS[:3]):
        for repeat in range(2):
            write_run(tmp_path / "base" / way.format(repeat, fold), level + 0.003 * repeat)
            write_run(tmp_path / "ours" / way.format(repeat, fold), level - GAINS[fold] - 0.002 * repeat)
    (pair,) = compared(tmp_path).pairs
    assert (pair.seeds, pair.test.df, pair.obstacle) == ((6, 6, 6), 2, "")


def test_repetitions_with_other_splits_are_paired_by_the_seed_of_the_split(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS[:3]):
        for split in range(2):
            config = {"fold": fold, "split_seed": split, "seed": 1}
            name = f"run_{fold}_{split}"
            write_run(tmp_path / "base" / name, level + 0.003 * split, {**config, "method": "base"})
            write_run(tmp_path / "ours" / name, level - 0.02 + 0.002 * split, {**config, "method": "ours"})
    comparison = compared(tmp_path)
    assert next(iter(comparison.groups[0].values)) == "fold0-init1-data0"
    assert comparison.pairs[0].seeds == (6, 6, 6)
    assert not comparison.sharing_seeds


def test_seeds_of_one_fold_stay_seeds(tmp_path: Path) -> None:
    for seed in range(4):
        write_run(tmp_path / "base" / "fold_0" / f"seed_{seed}", 0.6 + 0.01 * seed)
        write_run(tmp_path / "ours" / "fold_0" / f"seed_{seed}", 0.55 + 0.02 * seed)
    comparison = compared(tmp_path)
    assert not comparison.has_folds
    assert list(comparison.groups[0].values) == [f"seed{seed}" for seed in range(4)]


def test_one_fold_alone_says_that_it_is_one(tmp_path: Path) -> None:
    write_run(tmp_path / "base" / "fold_0", 0.6)
    write_run(tmp_path / "ours" / "fold_0", 0.5)
    comparison = compared(tmp_path)
    assert comparison.pairs[0].verdict.decision == "undecided"
    notes = " ".join(comparison.notes)
    assert "ours: one run, fold 0. What other folds would say is not in its number." in notes
    deciding = list(cautions_of(comparison.pairs[0], comparison))[-1]
    assert deciding == "What would decide: the other folds of the cross-validation."


def test_a_number_of_folds_in_a_lone_name_is_no_fold(tmp_path: Path) -> None:
    write_run(tmp_path / "model_cv5", 0.6)
    (run,) = ird.open_study(tmp_path).runs
    assert cross_validation_of([run]) is None


def test_numbers_with_wide_gaps_do_not_show_how_many_folds_there_are(tmp_path: Path) -> None:
    for fold, level in zip((3, 14, 25, 36, 102), LEVELS, strict=True):
        write_run(tmp_path / f"fold_{fold}", level)
    folds = cross_validation_of(ird.open_study(tmp_path).runs)
    assert folds is not None
    assert (folds.count, folds.missing) == (5, 0)


def test_other_tests_say_that_they_take_folds_as_independent(tmp_path: Path) -> None:
    two_methods(tmp_path)
    result = CliRunner().invoke(main, ["stats", str(tmp_path), "--full"], catch_exceptions=False)
    lines = result.output.splitlines()
    (wilcoxon,) = [line for line in lines if "Wilcoxon" in line]
    (deciding,) = [line for line in lines if "decides" in line]
    assert "takes folds as independent" in wilcoxon
    assert "takes folds as independent" not in deciding
    assert "corrected t" in deciding


def test_a_table_with_a_column_of_folds_is_corrected_too(tmp_path: Path) -> None:
    rows = ["method,fold,accuracy"]
    for fold, level in enumerate(LEVELS):
        rows += [f"base,{fold},{level}", f"ours,{fold},{level + GAINS[fold]}"]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    (pair,) = ird.compare(str(tmp_path / "table.csv")).pairs
    assert pair.of_folds
    assert not pair.obstacle
    error = np.std(GAINS, ddof=1) * math.sqrt(0.45)
    assert pair.test.high - pair.test.low == pytest.approx(2 * student.ppf(0.975, 4) * error, rel=1e-8)


def test_the_gate_looks_at_all_folds_once(tmp_path: Path) -> None:
    two_methods(tmp_path)
    paths = f"ours={tmp_path / 'ours'}", f"base={tmp_path / 'base'}"
    decision = ird.gate(paths[0], against=paths[1]).decision
    (pair,) = compared(tmp_path).pairs
    error = (pair.test.high - pair.test.low) / 2 / student.ppf(0.975, 4)
    assert decision.verdict == "keep"
    assert decision.low == pytest.approx(-pair.difference - student.ppf(0.95, 4) * error, rel=1e-8)
    followed = ird.gate(paths[0], against=paths[1], order=["fold0", "fold1"]).decision
    assert followed.verdict == "undecided"
    with pytest.raises(DiagError, match="folds share training data"):
        ird.gate(paths[0], threshold=1.0, sigma=0.1)


def test_folds_are_not_accused_of_one_seed_nor_of_being_too_few(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        config = {"seed": 42, "fold": fold}
        write_run(tmp_path / "base" / f"run_{fold}", level, {**config, "method": "base"})
        write_run(tmp_path / "ours" / f"run_{fold}", level - 0.02 * fold, {**config, "method": "ours"})
    rules = {finding.rule for finding in ird.diagnose(tmp_path)}
    assert not rules & {"repeated_seed", "underpowered", "same_name", "shared_noise"}


def test_when_pairs_folds_and_says_what_its_tests_assume(tmp_path: Path) -> None:
    two_methods(tmp_path)
    answer = repr(ird.when(f"ours={tmp_path / 'ours'}", f"base={tmp_path / 'base'}"))
    assert "5 pairs of folds" in answer
    assert "take them as independent" in answer


def test_bands_of_learning_curves_are_those_of_folds(tmp_path: Path) -> None:
    two_methods(tmp_path)
    (figure,) = ird.figures(
        f"ours={tmp_path / 'ours'}", f"base={tmp_path / 'base'}", only=["learning-curves"]
    ).figures
    values = np.array([run.history.series["val_loss"].values[-1] for run in _runs(tmp_path / "ours")])
    (line,) = [line for line in figure.panels[0].lines if line.name == "ours" and line.low is not None]
    half = student.ppf(0.975, 4) * values.std(ddof=1) * math.sqrt(0.45)
    assert line.low is not None
    assert line.low[-1] == pytest.approx(values.mean() - half, rel=1e-8)
    assert "over folds" in figure.method
    assert "seed" not in figure.method


def _runs(folder: Path) -> tuple[Any, ...]:
    return tuple(ird.open_study(folder).runs)


def test_a_fold_that_failed_decides_nothing_and_is_called_a_fold(tmp_path: Path) -> None:
    for fold, level in enumerate(LEVELS):
        write_run(tmp_path / "base" / f"fold_{fold}", level)
        broken = fold == 2
        write_run(tmp_path / "ours" / f"fold_{fold}", math.nan if broken else level - GAINS[fold])
    comparison = compared(tmp_path)
    (pair,) = comparison.pairs
    assert pair.verdict.decision == "undecided"
    assert comparison.left_out == [
        "ours: 1 of 5 folds ended in NaN (fold2); means are among the 4 that ended well."
    ]
    assert "seed" not in verdict_of(pair, comparison)


def test_folds_against_seeds_are_compared_with_the_errors_of_each(tmp_path: Path) -> None:
    for number, level in enumerate(LEVELS):
        write_run(tmp_path / "base" / f"fold_{number}", level)
        write_run(tmp_path / "ours" / f"seed_{number}", 0.503 + 0.011 * number)
    comparison = compared(tmp_path)
    ours, base = (np.var(list(group.values.values()), ddof=1) for group in comparison.groups)
    (pair,) = comparison.pairs
    error = math.sqrt(ours / 5 + base * 0.45)
    assert pair.difference / pair.test.t == pytest.approx(error, rel=1e-8)
    assert "5 + 5 runs" in verdict_of(pair, comparison)
    assert pair.further_runs.startswith("more seeds of the group of seeds; more folds are not to be had")


def test_numbers_of_folds_with_the_same_seeds_are_settings(tmp_path: Path) -> None:
    for count in (5, 10):
        for seed in range(3):
            folder = tmp_path / f"cv{count}/seed_{seed}"
            folder.mkdir(parents=True)
            rows = "".join(f"{k},{1 / (k + 1) + seed / 100}\n" for k in range(9))
            (folder / "metrics.csv").write_text(f"epoch,val_loss\n{rows}")
    assert not any(run.run_name.startswith("fold") for run in open_study(tmp_path).runs)

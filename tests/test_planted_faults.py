"""Planted mistakes, in a made study: each is told at gross and not at none, and is what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks import planted_in_curves, planted_in_files, planted_in_metrics
from benchmarks.near_miss import NearMiss, accusations_of
from benchmarks.planted_curves import BEST, ONSETS, PUBLISHED, false_divergences, onsets_at, published
from benchmarks.planted_fault import Bed, Fault, Planted
from benchmarks.planted_faults import FAULTS, NEAR_MISSES, Result, healthy_parts, main, score
from benchmarks.planted_study import SETTINGS, train_study, with_series
from benchmarks.planted_table import Score, table
from ired_diag.finding import Finding
from ired_diag.forensics import diagnose, load, names
from ired_diag.open import open_study
from ired_diag.runs.files import FORMAT
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.runs.weights_file import write_weights

pytestmark = pytest.mark.slow

SEEDS = range(5)
CONFIG: dict[str, Any] = {
    "rank": 2,
    "ood": False,
    "diffusion_steps": 5,
    "batch_size": 256,
    "learning_rate": 0.003,
    "ema_decay": 0.9,
    "gradient_clip": 1.0,
    "energy_loss_weight": 0.5,
}

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made study: three strategies, five seeds, as our trainer writes them."""
    root, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(11)
    for name, strategy in (("q101", "none"), ("q102", "random"), ("q103", "adversarial")):
        for seed in SEEDS:
            _write(root / name / f"seed{seed}", name, strategy, seed, rng)
    return root


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return open_study(folder)


def _write(place: Path, name: str, strategy: str, seed: int, rng: np.random.Generator) -> None:
    (place / "checkpoints").mkdir(parents=True)
    configuration = {**CONFIG, "experiment_name": name, "mining_strategy": strategy}
    told = {"format": FORMAT, "experiment": name, "name": name, "seed": seed, "config": configuration}
    (place / "config.json").write_text(json.dumps({**told, "ending": {"state": "complete"}}))
    level = 0.002 * np.exp(0.15 * rng.standard_normal())
    rows = [_row(40 * (k + 1), k, level, rng, mined=strategy != "none") for k in range(75)]
    (place / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    weights = {f"w{i}": torch.full((4, 3), float(i)) for i in range(4)}
    path = place / "checkpoints" / "step-000003000.safetensors"
    write_weights(path, step=3000, configuration=configuration, raw=weights, ema=weights)


def _row(step: int, k: int, level: float, rng: np.random.Generator, *, mined: bool) -> dict[str, float]:
    error, noise = level * (1 + 80 * np.exp(-k / 4)), rng.standard_normal(6)
    row = {"step": step, "validation/mse": error * np.exp(0.04 * noise[0])}
    row |= {"train/mse_error": error * np.exp(0.04 * noise[1]), "train/gradient_norm": np.exp(0.1 * noise[2])}
    row |= {
        "train/denoise": error,
        "train/nce": 0.5 + 0.05 * noise[3],
        "train/energy_positive": 10 + noise[4],
    }
    row |= {"train/loss": row["train/denoise"] + 0.5 * row["train/nce"]}
    if mined:
        row |= {"train/energy_negative": row["train/energy_positive"] + 1 + 0.1 * noise[5]}
        row |= {"train/energy_margin": row["train/energy_negative"] - row["train/energy_positive"]}
        row |= {"train/mining_accepted": 0.8}
    return row


def planted(fault: Fault, study: Study, magnitude: float, place: Path, *, seed: int = 3) -> Planted:
    place.mkdir(exist_ok=True)
    return fault.plant(Bed(study, magnitude, np.random.default_rng(seed), place))


def evaluations(run: Run) -> Array:
    return run.history.series["validation/mse"].values


def test_the_made_study_is_healthy_in_all_its_parts(study: Study) -> None:
    parts = dict(healthy_parts(study))
    assert len(parts) == 1 + 3 + 3 + 5
    for part in (parts["whole"], parts["q101 and q103"], parts["without seed 2"]):
        assert [finding for finding in diagnose(part) if finding.severity != "note"] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}: {fault.title}")
def test_a_mistake_is_told_at_gross_and_not_at_none(fault: Fault, study: Study, tmp_path: Path) -> None:
    rule = load(fault.rule)
    for magnitude, told in ((0.0, False), (1.0, True)):
        hurt, name = planted(fault, study, magnitude, tmp_path / str(magnitude))
        assert fault.is_reported(list(rule.find(hurt)), name) is told


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_no_rule_stumbles_over_metrics_that_are_never_finite(study: Study, value: float) -> None:
    broken = [
        with_series(run, {name: Series(s.steps, np.full(len(s), value)) for name, s in told.items()})
        for run in study.runs
        if (told := run.history.series)
    ]
    assert any(finding.rule == "curve_shape" for finding in diagnose(Study.of(broken)))


def test_every_rule_has_a_mistake_planted_and_a_near_miss() -> None:
    assert {fault.rule for fault in FAULTS} == set(names())
    assert {miss.rule for miss in NEAR_MISSES} == set(names())


@pytest.mark.parametrize("miss", NEAR_MISSES, ids=lambda miss: f"{miss.rule}: {miss.title}")
def test_a_near_miss_is_not_accused(miss: NearMiss, study: Study) -> None:
    assert accusations_of(miss, study, [0, 1], 1) == []


def test_a_near_miss_that_is_accused_is_a_failure(study: Study, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.rule == "late_compute")
    gross = NearMiss("late_compute", "", lambda bed: fault.plant(bed)[0])
    assert accusations_of(gross, study, [0], 1) == []
    (told,) = accusations_of(replace(gross, not_even_a_note=True), study, [0], 1)
    assert told.startswith("late_compute: ")
    failures = Result([], {}, [], 0, published(), {"late_compute: x": [told]}).failures
    assert failures == [f"ACCUSED, late_compute: x: {told}"]


def test_a_finding_of_another_rule_place_or_severity_is_no_hit() -> None:
    fault = Fault("curve_shape", "", "warning", lambda bed: (bed.study, ""))
    right = Finding("curve_shape", "error", "q101: it rose.")
    assert fault.is_reported([right], "q101")
    assert not fault.is_reported([right], "q102")
    assert not fault.is_reported([replace(right, severity="note")], "q101")
    assert not fault.is_reported([replace(right, rule="same_name")], "q101")


def test_a_divergence_is_one_run_raised_thirty_times_and_all_else_is_as_it_was(
    study: Study, tmp_path: Path
) -> None:
    hurt, label = planted(planted_in_curves.FAULTS[0], study, 1.0, tmp_path)
    for before, after in zip(study.runs, hurt.runs, strict=True):
        ratio = evaluations(after) / evaluations(before)
        assert ratio[: len(ratio) // 3] == pytest.approx(1)
        assert ratio[-1] == pytest.approx(30 if before.label == label else 1, rel=0.05)
        assert (np.diff(ratio) >= -1e-9).all()


def test_the_same_draw_is_planted_alike_and_another_elsewhere(study: Study, tmp_path: Path) -> None:
    fault = planted_in_curves.FAULTS[0]
    first, again = (planted(fault, study, m, tmp_path) for m in (0.5, 1.0))
    assert first[1] == again[1]
    assert len({planted(fault, study, 1.0, tmp_path, seed=seed)[1] for seed in range(8)}) > 2


def test_half_of_the_evaluations_are_copied_and_half_are_not(study: Study, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.rule == "identical_curves")
    hurt, source = planted(fault, study, 0.5, tmp_path)
    moved = [
        b for a, b in zip(study.runs, hurt.runs, strict=True) if (evaluations(a) != evaluations(b)).any()
    ]
    theirs = {run.seed: evaluations(run) for run in study.groups()[source]}
    assert len(moved) == len(SEEDS)
    assert [(evaluations(run) == theirs[run.seed]).mean() for run in moved] == pytest.approx([38 / 75] * 5)


def test_a_margin_that_is_off_is_off_and_energies_that_run_away_keep_theirs(
    study: Study, tmp_path: Path
) -> None:
    for title, holds in (("margin", False), ("grow", True)):
        fault = next(fault for fault in planted_in_metrics.FAULTS if title in fault.title)
        hurt, group = planted(fault, study, 1.0, tmp_path)
        told = hurt.groups()[group][0].history.series
        gap = told["train/energy_negative"].values - told["train/energy_positive"].values
        assert bool(np.allclose(told["train/energy_margin"].values, gap, rtol=1e-6)) is holds


def test_a_checkpoint_with_half_its_tensors_is_whole_to_another_library(study: Study, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    fault = next(fault for fault in planted_in_files.FAULTS if "tensors" in fault.title)
    hurt, group = planted(fault, study, 0.5, tmp_path)
    counts = {}
    for run in hurt.runs:
        (path,) = run.checkpoints
        tensors = safetensors.load_file(path)
        counts[run.label] = len(tensors)
        assert all((tensor == float(name[-1])).all() for name, tensor in tensors.items())
    assert sorted(set(counts.values())) == [4, 8]
    assert [label.partition("/")[0] for label, count in counts.items() if count == 4] == [group]


def test_a_blind_rule_and_a_nervous_one_are_both_failures(study: Study) -> None:
    nothing = Fault("same_name", "nothing", "error", lambda bed: (bed.study, ""), graded=False)
    always = Fault("curve_shape", "always", "error", FAULTS[0].plant, graded=False)
    always = replace(always, plant=lambda bed: FAULTS[0].plant(replace(bed, magnitude=1.0)))
    scores = [score(fault, study=study, seeds=[0], draws=1) for fault in (nothing, always)]
    assert [one.recall for one in scores] == [{0.0: 0.0, 1.0: 0.0}, {0.0: 1.0, 1.0: 1.0}]
    failures = Result(scores, {"whole": []}, [], 0, published()).failures
    assert failures[0] == "MISSED at gross: same_name: nothing"
    assert failures[1].startswith("ALARM at none, always: curve_shape: ")
    assert len(failures) == 2
    assert len(Result([], {"whole": ["x"]}, [], 2, (1400.0, np.nan)).failures) == 3


def test_an_onset_without_noise_is_found_exactly_and_no_healthy_curve_diverges() -> None:
    rng = np.random.default_rng(5)
    clean = onsets_at(1e-4, 10, rng=rng)
    assert (clean.seen, clean.within) == (10, 10)
    assert clean.error <= 1
    assert false_divergences(30, rng=rng) == 0


def test_the_published_curve_is_best_where_it_is_least() -> None:
    best, onset = published()
    assert best == min(PUBLISHED, key=lambda step: PUBLISHED[step]) == BEST
    assert ONSETS[0] <= onset <= ONSETS[1]


def test_the_table_leaves_out_what_was_not_planted() -> None:
    told = Score("idle_keys", "a key", 5, {0.0: 0.0, 1.0: 0.4}, ["x"], {"trivial_floor": 0.2})
    cells = table([told]).splitlines()[1].split()
    assert cells == ["idle_keys", "a", "key", "0%", "·", "·", "·", "40%", "1", "trivial_floor", "20%"]


def test_it_runs_small_on_a_study_that_is_there(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "told.json"
    arguments = ["--quick", "--seeds", "7", "--rules", "same_name,quoted_number", "--runs", str(folder)]
    assert main([*arguments, "--json", str(out)]) == 0
    output = capsys.readouterr().out
    assert "0 errors and warnings in 12 healthy studies." in output
    assert "0 of 2 near misses accused." in output
    assert [one["recall"]["1.0"] for one in json.loads(out.read_text())["scores"]] == [1.0] * 2
    with pytest.raises(SystemExit):
        main(["--rules", "no_such_rule"])
    assert "no mistake of no_such_rule" in capsys.readouterr().err


def test_the_study_is_trained_by_our_own_trainer(tmp_path: Path) -> None:
    train_study(tmp_path, [3, 4], "q102", settings=(*SETTINGS, "train_steps=40", "validation_batches=1"))
    runs = open_study(tmp_path).runs
    assert [(run.label, run.ending.complete) for run in runs] == [("q102/seed3", True), ("q102/seed4", True)]
    assert len(evaluations(runs[0])) == 1

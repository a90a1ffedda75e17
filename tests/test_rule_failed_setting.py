"""The rule about what diverged runs share, and the exact test behind it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from ired_diag.finding import Finding
from ired_diag.finding_clusters import clusters_of
from ired_diag.open import open_study
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.stats.splits import fisher_p, separations
from tests.made_runs import falling, findings_of, made_run

RULE = "failed_setting"


def _run(group: str, seed: int, *, fails: bool, **config: Any) -> Run:
    values = falling(30, seed=seed)
    values[18:] *= np.where(fails, np.linspace(2, 50, 12), 1.0)
    return made_run(group, seed, config={"momentum": 0.9, **config}, val_loss=values)


@pytest.mark.parametrize("counts", list(itertools.product((0, 1, 3), (4, 6), (0, 2), (3, 5))))
def test_fishers_p_is_the_sum_of_the_tables_that_are_no_likelier(counts: tuple[int, int, int, int]) -> None:
    a, m, b, k = counts
    chances = hypergeom(m + k, a + b, m).pmf(np.arange(m + 1))
    assert fisher_p(*counts) == pytest.approx(chances[chances <= chances[a] * (1 + 1e-7)].sum())


def test_equal_partitions_are_one_question_and_the_worse_side_comes_first() -> None:
    failed = [True, True, True, False, False, False]
    splits = {"lr": [False, False, False, True, True, True], "wd": failed, "none": [False] * 6}
    (best,) = separations(failed, splits)
    assert (best.names, best.side, best.tried) == (("lr", "wd"), tuple(failed), 1)
    assert best.p == best.adjusted == pytest.approx(0.1)


def test_the_setting_that_separates_is_named_with_its_numbers_and_its_aliases() -> None:
    runs = [_run("low", s, fails=False, lr=1e-3, wd=0.0) for s in range(6)]
    runs += [_run("high", s, fails=s > 0, lr=1e-2, wd=0.1) for s in range(6)]
    (finding,) = findings_of(RULE, runs)
    assert finding.severity == "note"
    assert "lr = 0.01" in finding.statement
    assert (finding.evidence["failed"], finding.evidence["other_failed"]) == (5, 0)
    assert "wd = 0.1" in finding.statement


def test_a_split_below_one_percent_is_a_warning_that_stands_before_notes() -> None:
    for seeds, severity in ((5, "note"), (8, "warning")):
        runs = [_run("low", s, fails=False, lr=1e-3) for s in range(seeds)]
        runs += [_run("high", s, fails=s > 0, lr=1e-2) for s in range(seeds)]
        (finding,) = findings_of(RULE, runs)
        p = float(finding.evidence["p_holm"] or 0)
        assert (finding.severity, p < 0.01) == (severity, severity == "warning")
    study = Study.of(runs)
    note = Finding("underpowered", "note", "Few seeds.", {"group": "low"})
    assert [cluster.rule for cluster in clusters_of([note, finding], study)] == [RULE, "underpowered"]


def test_a_threshold_of_an_ordered_setting_is_found() -> None:
    rates = (1e-4, 1e-3, 1e-2, 1e-1)
    runs = [_run(f"lr{lr}", s, fails=lr > 1e-3, lr=lr) for lr in rates for s in range(4)]
    (finding,) = findings_of(RULE, runs)
    assert "lr > 0.001" in finding.statement


def test_failures_that_chance_explains_are_left_alone() -> None:
    spread = [_run(g, s, fails=s in (1, 4), lr=lr) for g, lr in (("a", 0.1), ("b", 0.2)) for s in range(6)]
    assert findings_of(RULE, spread) == []
    few = [_run("a", s, fails=False, lr=0.1) for s in range(3)] + [_run("b", 0, fails=True, lr=0.2)]
    assert findings_of(RULE, few) == []
    assert findings_of(RULE, [_run("a", s, fails=s > 2, lr=0.1) for s in range(6)]) == []


def test_a_wild_study_without_an_effect_is_accused_in_five_of_a_hundred_at_most() -> None:
    accused = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        failed = (rng.random(24) < 0.3).tolist()
        splits = {f"k{i}": (rng.random(24) < 0.5).tolist() for i in range(12)}
        best = separations(failed, splits)[0]
        accused += best.adjusted <= 0.05
    assert accused <= 5


def test_the_archives_diverged_runs_share_a_setting(shared: Path) -> None:
    found = findings_of(RULE, open_study(shared / "ired_logs").runs)
    assert [finding.severity for finding in found] == ["warning"]
    assert float(found[0].evidence["p_holm"] or 1) < 0.01

"""Curves of different lengths that agree, shares on two scales, and the limits of shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.comparison import compare, words
from ired_diag.runs.metric_limits import limits_of
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run


def _group(name: str, lengths: list[int], *, factor: float = 1.0) -> list[Run]:
    return [
        made_run(name, seed, metrics={"val_loss": factor * falling(60, seed=seed)[:length]})
        for seed, length in enumerate(lengths)
    ]


def _verdict(a: list[Run], b: list[Run]) -> str:
    comparison = compare({"a": a, "b": b})
    return words.verdict_of(comparison.pairs[0], comparison)


@pytest.mark.parametrize("lengths", [[60, 60, 60], [60, 48, 60], [60, 60, 60, 60]])
def test_a_longer_run_with_the_same_curve_is_identical_and_not_better(lengths: list[int]) -> None:
    text = _verdict(_group("a", lengths), _group("b", [40, 40, 40]))
    assert "identical in every seed to the last digit at all 40 common steps (3 seeds)" in text
    assert "better" not in text


def test_a_longer_run_with_another_curve_is_compared() -> None:
    assert "identical" not in _verdict(_group("a", [60] * 3, factor=0.9), _group("b", [40] * 3))


def test_a_coarse_accuracy_that_agrees_is_no_proof() -> None:
    coarse = np.round(np.linspace(0.1, 0.5, 60), 1)
    a = [made_run("a", seed, val_acc=coarse) for seed in range(3)]
    b = [made_run("b", seed, val_acc=coarse[:50]) for seed in range(3)]
    assert "common steps" not in _verdict(a, b)


def _table(path: Path, rows: dict[str, list[float]], metric: str = "accuracy") -> Path:
    lines = [f"method,seed,{metric}"]
    for method, values in rows.items():
        for seed, value in enumerate(values):
            lines.append(f"{method},{seed},{value}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


PERCENT, FRACTIONS = [86.1, 86.6, 86.5, 86.0], [0.891, 0.884, 0.876, 0.88]


def test_percent_against_fractions_is_not_called_better(tmp_path: Path) -> None:
    table = _table(tmp_path / "r.csv", {"base": PERCENT, "ours": FRACTIONS})
    for place in (table, tmp_path):  # a folder of tables is read like the table
        result = CliRunner().invoke(main, ["stats", str(place)])
        assert result.exit_code == 0, result.output
        assert "is in percent in base (mean 86.3) and a fraction in ours (mean 0.8827)" in result.output
        assert "better than" not in result.output


def test_two_scales_of_a_table_are_a_warning() -> None:
    runs = [made_run("base", seed, accuracy=[value]) for seed, value in enumerate(PERCENT)]
    runs += [made_run("ours", seed, accuracy=[value]) for seed, value in enumerate(FRACTIONS)]
    (finding,) = findings_of("impossible_values", runs)
    assert finding.severity == "warning"


def test_one_seed_on_the_other_scale_is_a_warning() -> None:
    values = [0.871, 0.868, 87.0, 0.869, 0.874]
    runs = [made_run("base", seed, accuracy=[value]) for seed, value in enumerate(values)]
    assert len(findings_of("impossible_values", runs)) == 1


@pytest.mark.parametrize(
    "collapsed",
    [[1.0, 1.0, 1.0], [0.1, 0.1, 0.1], [10.0, 9.8, 10.1], [0.98]],
    ids=["guesses among 100", "guesses among 1000", "guesses among 10", "one seed that guesses among 102"],
)
def test_seeds_of_a_table_that_guess_are_no_other_scale(collapsed: list[float]) -> None:
    values = [*PERCENT, *collapsed]
    runs = [made_run("base", seed, accuracy=[value]) for seed, value in enumerate(values)]
    assert findings_of("impossible_values", runs) == []


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("val_auc", (0, 1)),
        ("test/auroc", (0, 1)),
        ("eval_top5", (0, 1)),
        ("val_precision", (0, 1)),
        ("metrics/mAP50-95(B)", (-np.inf, 1)),
        ("ndcg@10", (0, 1)),
        ("top_k", None),
        ("top_p", None),
        ("auc_loss", None),
    ],
)
def test_limits_of_shares(name: str, limits: tuple[float, float] | None) -> None:
    assert limits_of(name) == limits


def test_an_area_above_one_is_impossible_in_every_run() -> None:
    auc = np.linspace(0.6, 1.06, 30)
    runs = [made_run("a", seed, val_auc=auc) for seed in range(3)]
    (finding,) = findings_of("impossible_values", runs)
    assert finding.severity == "error"


def test_a_recall_above_one_next_to_a_precision_is_impossible() -> None:
    run = made_run("a", val_recall=np.linspace(0.7, 1.12, 30), val_precision=np.linspace(0.3, 0.8, 30))
    (finding,) = findings_of("impossible_values", [run])
    assert "val_recall" in finding.statement


def test_an_area_above_one_in_a_row_of_a_table_is_impossible() -> None:
    runs = [made_run("a", seed, accuracy=[value]) for seed, value in enumerate([0.91, 0.92, 0.90, 1.04])]
    (finding,) = findings_of("impossible_values", runs)
    assert "accuracy of a/seed3 is 1.04" in finding.statement


def test_a_few_percent_and_absent_objects_are_possible() -> None:
    poor = made_run("a", val_acc=np.linspace(0.1, 1.2, 30), val_map=np.full(30, -1.0))
    assert findings_of("impossible_values", [poor]) == []

"""The rule about metrics that no predictions have together: bounds by theory, and strangers' files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.forensics import load
from ired_diag.forensics.contradictory_metrics import contradictions_in
from ired_diag.open import open_study
from ired_diag.runs.history import Series
from tests.made_runs import falling, findings_of, made_run

RULE = "contradictory_metrics"
ROWS = 12


def _counts(rng: np.random.Generator, size: int) -> tuple[Any, Any, Any]:
    """Return precision, recall and F1 of ``size`` classes or batches, from counts."""
    hits, extra, missed = rng.integers(1, 200, (3, size))
    return hits / (hits + extra), hits / (hits + missed), 2 * hits / (2 * hits + extra + missed)


def test_f1_of_real_counts_never_leaves_its_bounds_for_any_average_over_classes() -> None:
    rng = np.random.default_rng(0)
    means = []
    for _ in range(500):
        classes = int(rng.integers(1, 12))
        weights = rng.dirichlet(np.ones(classes))
        means.append([float(weights @ part) for part in _counts(rng, classes)])
    p, r, f = np.array(means).T
    assert (f <= 2 * p * r / (p + r) + 1e-12).all()
    assert (f >= p + r - 1 - 1e-12).all()
    columns = {name: Series(np.arange(500), part) for name, part in (("val_precision", p), ("val_recall", r))}
    assert list(contradictions_in({**columns, "val_f1": Series(np.arange(500), f)}, {})) == []


def test_the_mean_of_perplexities_is_never_below_that_of_the_mean_loss() -> None:
    losses = np.random.default_rng(1).normal(3, 0.5, (200, 30))
    perplexity, loss = np.exp(losses).mean(axis=1), losses.mean(axis=1)
    columns = {"val_ppl": Series(np.arange(200), perplexity), "val_nll": Series(np.arange(200), loss)}
    assert (perplexity >= np.exp(loss)).all()
    assert list(contradictions_in(columns, {})) == []


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"val_f1": 0.95, "val_precision": 0.8, "val_recall": 0.7}, "0.5 to 0.7467"),
        ({"test/F1-macro": 41.0, "test/Precision-macro": 90.0, "test/Recall-macro": 88.0}, "78 to 88.99"),
        ({"eval_loss": 2.0, "eval_perplexity": 3.1}, "exp(2)"),
        ({"val/nll_loss": 2.0, "val/ppl": 6.4}, "exp(2)"),
        ({"val_acc": 0.76, "val_top5_acc": 0.71}, "below val_acc"),
        ({"test_Acc@1": 76.1, "test_Acc@5": 71.0}, "below test_Acc@1"),
        ({"val_accuracy": 0.7, "val_top_k_categorical_accuracy": 0.6}, "below val_accuracy"),
        ({"acc1": 70.0, "acc5": 60.0}, "below acc1"),
        ({"recall@1": 0.5, "recall@10": 0.4}, "below recall@1"),
    ],
)
def test_what_cannot_be_together_is_a_warning(metrics: dict[str, float], words: str) -> None:
    told = {name: np.full(ROWS, value) for name, value in metrics.items()}
    (finding,) = findings_of(RULE, [made_run("a", metrics={**told, "train_loss": falling(ROWS)})])
    assert finding.severity == "warning"
    assert words in finding.statement


def test_what_can_be_together_is_left_alone() -> None:
    level = np.linspace(4, 2, ROWS)
    possible: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"val_f1": 0.5, "val_precision": 0.7, "val_recall": 0.7}, {}),  # averaged over classes
        ({"val_f1": 0.75, "val_precision": 0.8, "val_recall": 0.7}, {}),  # two decimals
        ({"val_f1_weighted": 0.9, "val_precision_macro": 0.6, "val_recall_macro": 0.6}, {}),
        ({"val_f1": 75.0, "val_precision": 0.8, "val_recall": 0.7}, {}),  # two scales
        ({"best_f1": 0.9, "best_precision": 0.99, "best_recall": 0.99}, {}),
        ({"bertscore_f1": 0.6, "bertscore_precision": 0.5, "bertscore_recall": 0.5}, {}),
        ({"val_loss": level, "val_ppl": np.exp(level)}, {}),
        ({"val_loss": level, "val_ppl": np.round(np.exp(level), 1)}, {}),
        ({"val_loss": level, "val_ppl": 2**level}, {}),  # bits
        ({"valid_loss": 1.4 * level, "valid_nll_loss": level, "valid_ppl": 2**level}, {}),  # as fairseq
        ({"val_loss": level, "val_ppl": np.exp(0.6 * level)}, {"label_smoothing_factor": 0.1}),
        ({"val_loss": level, "val_ppl": np.exp(0.93 * level)}, {}),
        ({"val_loss": level, "val_ppl": np.exp(0.5 * level), "val_kl": 0.5 * level}, {}),
        ({"val_loss": 100 * level, "val_ppl": np.exp(level)}, {}),  # a sum over tokens
        ({"val_acc": 0.7, "val_top5_acc": 0.92}, {}),
        ({"val_acc": 0.7, "val_top5_acc": 0.7}, {}),
        ({"val_acc": 70.0, "val_top5_acc": 0.92}, {}),
        ({"acc_0": 0.4, "acc_1": 0.9, "acc_5": 0.3}, {}),  # classes
        ({"prec@1": 0.5, "prec@10": 0.3}, {}),  # of a search engine
        ({"val_accuracy": 0.9, "top5_train_acc": 0.3}, {}),
    ]
    runs = [
        made_run(f"r{i}", config=config, metrics={k: np.broadcast_to(v, ROWS) for k, v in metrics.items()})
        for i, (metrics, config) in enumerate(possible)
    ]
    assert findings_of(RULE, runs) == []


def test_a_contradiction_at_few_steps_is_left_alone_and_seeds_are_one_finding() -> None:
    rare = np.full(ROWS, 0.9)
    rare[3] = 0.1
    run = made_run("rare", metrics={"val_acc": np.full(ROWS, 0.7), "val_top5_acc": rare})
    assert findings_of(RULE, [run]) == []
    bad = {"val_acc": np.full(ROWS, 0.7), "val_top5_acc": np.full(ROWS, 0.6)}
    (finding,) = findings_of(RULE, [made_run("a", seed, metrics=bad) for seed in range(4)])
    assert finding.evidence["places"] == 4


def test_a_metric_that_is_never_finite_says_nothing() -> None:
    names = ("val_f1", "val_precision", "val_recall", "val_loss", "val_ppl", "val_acc", "val_top5_acc")
    for value in (np.nan, np.inf, 0.0, -1.0, 1e300):
        run = made_run("a", metrics={name: np.full(ROWS, value) for name in names})
        assert findings_of(RULE, [run]) == []


Row = dict[str, float]


def _lightning(folder: Path, rows: list[Row]) -> None:
    names = list(rows[0])
    lines = [",".join(["epoch", "step", "train_loss", *names])]
    for epoch, row in enumerate(rows):
        lines.append(",".join([f"{epoch},{100 * epoch + 99},{2 / (1 + epoch)}", *[""] * len(names)]))
        lines.append(",".join([f"{epoch},{100 * epoch + 99},", *(repr(row[name]) for name in names)]))
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")


def _hugging_face(folder: Path, rows: list[Row]) -> None:
    history: list[dict[str, float]] = []
    for epoch, row in enumerate(rows):
        step = 100 * (epoch + 1)
        history.append({"epoch": epoch + 1.0, "step": step, "loss": 2 / (1 + epoch)})
        history.append({"epoch": epoch + 1.0, "step": step, **row})
    state = {"global_step": 100 * len(rows), "max_steps": 100 * len(rows), "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))


def _json_lines(folder: Path, rows: list[Row]) -> None:
    told = [{"step": 100 * (i + 1), "train/loss": 2 / (1 + i), **row} for i, row in enumerate(rows)]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))


@pytest.mark.parametrize("write", [_lightning, _hugging_face, _json_lines])
def test_strangers_files_are_told_where_impossible_and_left_alone_where_right(
    write: Callable[[Path, list[Row]], None], tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    right, wrong = [], []
    for _ in range(6):
        p, r, f = (float(part[0]) for part in _counts(rng, 1))
        loss = float(rng.uniform(1.5, 3))
        row = {"eval_precision": p, "eval_recall": r, "eval_f1": f, "eval_loss": loss}
        right.append({**row, "eval_perplexity": float(np.exp(loss))})
        wrong.append({**row, "eval_f1": min(1.0, 1.2 * f + 0.1), "eval_perplexity": float(np.exp(loss / 2))})
    for name, rows, count in (("right", right, 0), ("wrong", wrong, 2)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, rows)
        assert len(list(load(RULE).find(open_study(tmp_path / name)))) == count


def test_a_results_file_of_hugging_face_contradicts_itself(tmp_path: Path) -> None:
    told = {"epoch": 3.0, "eval_loss": 2.0, "perplexity": 3.1, "eval_samples": 872, "eval_runtime": 3.2}
    (tmp_path / "eval_results.json").write_text(json.dumps(told))
    (finding,) = load(RULE).find(open_study(tmp_path))
    assert "eval_results.json" in finding.statement
    (tmp_path / "eval_results.json").write_text(json.dumps({**told, "perplexity": float(np.exp(2.0))}))
    assert list(load(RULE).find(open_study(tmp_path))) == []

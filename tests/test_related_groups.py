"""What is proposed to be compared is of one task, as far as the files show."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.comparison.related import are_related, related_groups
from ired_diag.runs.run import Run
from tests.made_runs import falling, made_run


def group(name: str, *metrics: str, level: float = 0.1, **config: object) -> list[Run]:
    runs = []
    for seed in range(3):
        curves = {metric: falling(20, level=level, seed=seed) for metric in metrics}
        runs.append(made_run(name, seed, config=config or None, metrics=curves))
    return runs


def test_groups_of_other_data_programs_or_metrics_are_not_related() -> None:
    base = group("a", "loss", "val_loss", dataset="cifar10", lr=0.1)
    assert are_related(base, group("b", "loss", "val_loss", dataset="cifar10", lr=0.2))
    assert not are_related(base, group("b", "loss", "val_loss", dataset="mnist", lr=0.2))
    assert not are_related(base, group("b", "loss", "val_acc", dataset="cifar10", lr=0.2))
    assert not are_related(base, group("b", "loss", "val_loss"))
    assert not are_related(group("a", "loss", lr=0.1, heads=4), group("b", "loss", env_steps=5, hidden=8))
    assert not are_related(group("a", "loss", "acc", "lr"), group("b", "loss", "g_loss", "d_loss"))


def test_a_metric_more_keeps_groups_related() -> None:
    assert are_related(group("a", "loss", "val_loss"), group("b", "loss", "val_loss", "energy_gap"))


def test_the_largest_set_of_related_groups_is_chosen() -> None:
    groups = {
        "gan": group("gan", "loss", "d_loss", "g_loss", "fid"),
        "small": group("small", "loss", "val_loss"),
        "large": group("large", "loss", "val_loss"),
    }
    assert related_groups(groups) == ["small", "large"]


def test_the_first_look_proposes_no_comparison_of_two_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        digits = [f"epoch {k}: loss={2 / k:.4f} lr=0.1 images={64 * k}" for k in range(1, 12)]
        words = [f"step {k}: loss={9 / k:.4f} d_loss={1 / k:.4f} g_loss={3 / k:.4f}" for k in range(1, 12)]
        (tmp_path / f"digits_seed{seed}.log").write_text("\n".join(digits) + "\n")
        (tmp_path / f"words_seed{seed}.log").write_text("\n".join(words) + "\n")
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(main, []).output
    assert "6 runs in 2 groups" in shown
    assert "ired-diag stats" not in shown

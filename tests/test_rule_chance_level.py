"""The rule about results at chance: by definition of the metric, and never without the number of classes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ired_diag.forensics import load
from ired_diag.open import open_study
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "chance_level"
NOISE = 0.0005 * np.random.default_rng(0).standard_normal(20)


@pytest.mark.parametrize(
    ("metric", "level", "config"),
    [
        ("val_r2", -0.2, {}),
        ("eval_auroc", 0.5, {}),
        ("val_acc", 0.1, {"num_classes": 10}),
        ("val_acc", 10.0, {"model.num_classes": 10}),
        ("val_nll", np.log(10), {"num_classes": 10}),
        ("eval_perplexity", 50_300.0, {"vocab_size": 50_257}),
    ],
)
def test_a_complete_run_at_chance_is_a_warning(metric: str, level: float, config: dict[str, Any]) -> None:
    run = made_run("a", config=config, metrics={metric: level * (1 + NOISE)})
    (finding,) = findings_of(RULE, [run])
    assert (finding.severity, finding.evidence["metric"]) == ("warning", metric)
    assert findings_of(RULE, [replace(run, ending=replace(run.ending, state="cut_off"))]) == []


def test_noise_around_chance_is_no_success_and_the_accuracy_counts_next_to_the_loss() -> None:
    noisy = 0.1 + 0.004 * np.random.default_rng(1).standard_normal(40)
    run = made_run("a", config={"num_classes": 10}, val_loss=falling(40), val_acc=noisy)
    (finding,) = findings_of(RULE, [run])
    assert finding.evidence["metric"] == "val_acc"


@pytest.mark.parametrize(("metric", "severity"), [("test/r2", "warning"), ("ood/r2", "note")])
def test_an_evaluation_at_chance_is_told_by_where_it_was_made(metric: str, severity: str) -> None:
    result = EvaluationResult(metric=metric, value=-0.01, source=Path("eval.out"), line=7)
    run = replace(made_run("a", loss=falling(20)), results=(result,))
    (finding,) = findings_of(RULE, [run])
    assert finding.severity == severity
    assert "eval.out:7" in finding.statement


def test_what_beats_chance_or_may_is_left_alone() -> None:
    runs = [
        made_run("good", config={"num_classes": 10}, val_acc=1 - falling(20)),
        made_run("percent", config={"num_classes": 1000}, val_acc=70 * (1 - falling(20, level=0.01))),
        made_run("unknown", config={}, val_acc=0.1 + NOISE),
        made_run("hard", config={"num_classes": 10}, val_acc=0.13 + NOISE),
        made_run("late", val_r2=np.linspace(-5, 0.9, 20)),
        made_run("rising", val_r2=np.linspace(-50, 0.3, 60)),
        made_run("lost", val_r2=[*np.linspace(-5, 0.9, 15), *[0.0] * 5]),
        made_run("slow", config={"num_classes": 10}, val_acc=0.1 + 0.0005 * np.arange(20) + NOISE),
        made_run("few", val_r2=[-0.1, -0.2]),
        made_run("rl", config={"num_classes": 10}, rollout__ep_rew_mean=-20 + NOISE),
        made_run("value", val_loss=3 + NOISE, train__explained_variance=NOISE, config={"num_classes": 10}),
        made_run("nan", val_r2=[np.nan] * 20),
    ]
    assert findings_of(RULE, runs) == []


@pytest.mark.parametrize(
    ("metric", "config"),
    [
        ("val/loss", {"num_classes": 10}),
        ("eval_loss", {"num_labels": 3}),
        ("val_loss", {"model.vocab_size": 65}),
        ("valid_ce_loss", {"n_classes": 100}),
    ],
)
def test_a_loss_that_stays_at_the_logarithm_of_the_number_of_classes_is_a_warning(
    metric: str, config: dict[str, Any]
) -> None:
    level = np.log(next(iter(config.values())))
    run = made_run("a", config=config, metrics={metric: level * (1 + NOISE[:6].repeat(2))})
    (finding,) = findings_of(RULE, [run])
    assert (finding.severity, finding.evidence["metric"]) == ("warning", metric)
    assert finding.evidence["chance"] == pytest.approx(level)


def test_a_loss_that_may_be_another_or_has_been_elsewhere_is_left_alone() -> None:
    level, ten = np.log(10), {"num_classes": 10}
    runs = [
        made_run("passes", config=ten, val_loss=np.linspace(3.5, 2.3, 20)),
        made_run("leaves", config=ten, val_loss=level - np.linspace(0, 0.3, 20)),
        made_run("beyond", config=ten, val_loss=3 + NOISE),
        made_run("few", config=ten, val_loss=[level] * 4),
        made_run("unknown", val_loss=level + NOISE),
        made_run("sure", config=ten, val_loss=level + NOISE, val_acc=np.linspace(0.5, 0.8, 20)),
        replace(
            made_run("once", config=ten, train_loss=falling(20)),
            results=(EvaluationResult(metric="test/loss", value=level, source=Path("eval_results.json")),),
        ),
    ]
    assert findings_of(RULE, runs) == []


def _tested(
    name: str, *, test: float, last: float = 0.93, metric: str = "test_acc", classes: int = 10
) -> Run:
    validation = np.linspace(1 / classes, last, 12)
    return made_run(name, config={"num_classes": classes}, metrics={"val_acc": validation, metric: [test]})


@pytest.mark.parametrize(
    ("metric", "test", "last", "severity"),
    [
        ("test_acc", 0.102, 0.93, "warning"),
        ("test/accuracy", 10.4, 91.0, "warning"),
        ("ood_accuracy", 0.098, 0.93, "note"),
    ],
)
def test_a_test_at_chance_next_to_a_good_validation_is_told(
    metric: str, test: float, last: float, severity: str
) -> None:
    (finding,) = findings_of(RULE, [_tested("a", test=test, last=last, metric=metric)])
    assert (finding.severity, finding.evidence["metric"]) == (severity, metric)
    assert "next to a val_acc" in finding.statement


def test_a_test_that_is_only_worse_than_the_validation_is_left_alone() -> None:
    runs = [
        _tested("shifted", test=0.31),
        _tested("many", test=0.02, last=0.7, classes=1000),
        _tested("weak", test=0.1, last=0.2),
        _tested("two", test=0.56, last=0.9, classes=2),
    ]
    assert findings_of(RULE, runs) == []


FORMS = ("metrics.csv", "metrics.jsonl", "trainer_state.json")


def _written(folder: Path, form: str, losses: np.ndarray[Any, Any]) -> Path:
    """Write a run of twelve evaluations as Lightning, a JSON logger or Hugging Face's trainer would."""
    folder.mkdir(parents=True)
    rows = [(100 * (i + 1), float(loss)) for i, loss in enumerate(losses)]
    if form == "metrics.csv":
        lines = ["epoch,step,train_loss,val_loss"]
        for step, loss in rows:
            lines += [f"{step // 100 - 1},{step - 1},{loss * 1.01},", f"{step // 100 - 1},{step - 1},,{loss}"]
        (folder / form).write_text("\n".join(lines) + "\n")
        (folder / "hparams.yaml").write_text("num_classes: 10\nmax_epochs: 12\nlr: 0.1\n")
    elif form == "metrics.jsonl":
        told = [{"step": step, "train/loss": loss * 1.01, "val/loss": loss} for step, loss in rows]
        (folder / form).write_text("".join(json.dumps(row) + "\n" for row in told))
        (folder / "config.json").write_text(json.dumps({"num_classes": 10, "lr": 0.1, "max_steps": 1200}))
    else:
        history: list[dict[str, float]] = []
        for step, loss in rows:
            history += [{"step": step, "epoch": step / 100, "loss": loss * 1.01}]
            history += [{"step": step, "epoch": step / 100, "eval_loss": loss, "eval_runtime": 2.0}]
        told_state = {"global_step": 1200, "max_steps": 1200, "epoch": 12.0, "log_history": history}
        (folder / form).write_text(json.dumps(told_state))
        (folder / "config.json").write_text(json.dumps({"num_labels": 10, "model_type": "bert"}))
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_a_loss_at_chance_is_told_in_every_form_of_file_and_a_falling_one_in_none(
    form: str, tmp_path: Path
) -> None:
    flat = _written(tmp_path / "flat" / "run", form, np.log(10) * (1 + NOISE[:12]))
    good = _written(tmp_path / "good" / "run", form, np.linspace(2.3, 0.4, 12))
    (finding,) = [f for f in load(RULE).find(open_study(flat)) if f.severity != "note"]
    assert "ln" not in finding.statement
    assert "2.303" in finding.statement
    assert list(load(RULE).find(open_study(good))) == []

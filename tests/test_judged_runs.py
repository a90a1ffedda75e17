"""Runs that are judged by an accuracy: each command takes the same metric and direction, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.verdict_cache import kept_verdict
from ired_diag import forensics
from ired_diag.comparison import compare
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.errors import DiagError, NotFound
from ired_diag.open import open_study
from ired_diag.runs.checkpoint_choice import choose_checkpoints
from ired_diag.runs.judged import judged_in_words, shared_metric
from ired_diag.verdict import verdict_of

SHOWN = "metric: val_acc (higher is better, by its name)"
LEVELS = {"low": 0.90, "high": 0.92}

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]


def write(folder: Path, series: dict[str, Any], *, config: dict[str, Any] | None = None) -> Path:
    """Write a run folder whose metrics are given by name, at steps 100, 200, …"""
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": folder.parent.name, "seed": int(folder.name[-1])}
    told |= {"config": config or {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    n = max(len(values) for values in series.values())
    rows = [
        {"step": 100 * (i + 1)} | {name: float(v[i]) for name, v in series.items() if i < len(v)}
        for i in range(n)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def rising(level: float, seed: int, n: int = 60) -> np.ndarray:
    noise = 0.002 * np.random.default_rng(seed).standard_normal(n)
    return level * (1 - 0.9 * np.exp(-np.arange(n) / 5)) + noise


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups of four seeds that log a training loss and an accuracy."""
    root = tmp_path_factory.mktemp("runs")
    for name, level in LEVELS.items():
        for seed in range(4):
            accuracy = rising(level, 10 * seed + len(name))
            write(root / name / f"seed{seed}", {"train_loss": 2 - 2 * accuracy, "val_acc": accuracy})
    return root


def said(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_accuracy_that_rises_and_rests_is_converged_and_its_best_is_the_highest(runs: Path) -> None:
    for run in open_study(runs).runs:
        verdict = verdict_of(run)
        assert (verdict.metric, verdict.shape) == ("val_acc", "converged")
        assert verdict.best == run.history.series["val_acc"].values.max()
        assert verdict.direction is not None and not verdict.direction.lower_is_better


def test_a_lower_accuracy_is_never_called_better(runs: Path) -> None:
    told = said("stats", "low", "high", "--runs", runs)
    assert told.startswith(f"{SHOWN}; ")
    assert "low is worse than high" in told
    assert "better than" not in told
    turned = said("stats", "low", "high", "--runs", runs, "--lower-is-better")
    assert "low is better than high" in turned
    assert "all 4 seeds diverged" in turned.splitlines()[0]
    assert "is the direction right?" in turned.splitlines()[0]
    assert "(lower is better, as set by the user)" in turned


def test_every_command_says_the_metric_and_its_direction(runs: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text("The mean of high is 0.5 (n = 4).\n")
    for arguments in (
        ("ls", runs),
        ("diagnose", runs),
        ("stats", runs),
        ("figures", runs, "--only", "learning-curves", "--format", "svg", "--out", tmp_path / "figures"),
        ("report", runs, "--out", tmp_path / "report.html"),
        ("check", report, "--runs", runs),
    ):
        assert said(*arguments).count(SHOWN) == 1, arguments
    assert "Metric: val_acc (higher is better, by its name)." in (tmp_path / "report.html").read_text()
    for name in ("ls", "diagnose", "stats", "figures", "report", "check", "dashboard", "probe"):
        told = " ".join(said(name, "--help").split())
        assert "--metric TEXT" in told and "--higher-is-better / --lower-is-better" in told


def test_the_direction_goes_into_json(runs: Path) -> None:
    listed = json.loads(said("ls", runs, "--json"))["runs"][0]
    assert (listed["metric"], listed["direction"]) == (
        "val_acc",
        {"lower_is_better": False, "source": "name"},
    )
    verdict = json.loads(said("diagnose", runs, "--json", "--lower-is-better"))["runs"][0]
    assert verdict["direction"] == {"lower_is_better": True, "source": "option"}
    assert verdict["shape"] == "diverged"


def test_no_rule_calls_a_healthy_accuracy_stuck_diverged_or_regressed(runs: Path) -> None:
    found = forensics.diagnose(open_study(runs))
    assert {finding.rule for finding in found} <= {"best_of_many", "evaluation_noise", "late_compute"}
    for finding in found:
        assert "below it" not in finding.statement and "come down" not in finding.statement


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.concatenate([rising(0.9, 0, 40), np.full(20, 0.1)]), "collapsed: best 0.9"),
        (np.linspace(0.1, 0.6, 60), "still rising at its end"),
        (
            0.1 + 0.004 * np.random.default_rng(0).standard_normal(60),
            "has not risen beyond its noise, or by less than 2%",
        ),
    ],
)
def test_findings_speak_of_an_accuracy_as_of_one(tmp_path: Path, values: Any, words: str) -> None:
    write(tmp_path / "a" / "seed0", {"val_acc": values})
    (finding,) = [f for f in forensics.diagnose(open_study(tmp_path)) if f.rule == "curve_shape"]
    assert words in finding.statement
    assert "fall begins" in finding.statement or "collapsed" not in words


def test_every_rule_finds_in_a_reward_what_it_finds_in_the_loss_that_is_its_inverse(tmp_path: Path) -> None:
    places = {"loss": tmp_path / "loss", "reward": tmp_path / "reward"}
    for name, levels in {"a": (0.01,) * 5, "b": (0.01, 0.01, 0.01, 0.01, 0.05)}.items():
        for seed, level in enumerate(levels):
            noise = 0.03 * np.random.default_rng([seed, ord(name)]).standard_normal(200)
            loss = (level + np.exp(-np.arange(200) / 4)) * np.exp(noise)
            write(places["loss"] / name / f"seed{seed}", {"val_loss": loss})
            write(places["reward"] / name / f"seed{seed}", {"val_reward": 1 / loss})
    found = {
        metric: {(f.rule, str(f.evidence.get("group")), str(f.evidence.get("run"))) for f in findings}
        for metric, place in places.items()
        for findings in [forensics.diagnose(open_study(place))]
    }
    assert found["loss"] == found["reward"]
    assert {"outlying_seed", "late_compute", "evaluation_noise"} <= {rule for rule, *_ in found["loss"]}
    turned = forensics.diagnose(open_study(places["reward"]).judged_by(higher_is_better=False))
    assert {f.rule for f in turned} == {"curve_shape"}  # no seed has a result that could be compared


def test_luck_is_told_on_the_side_on_which_it_helps(tmp_path: Path) -> None:
    for seed in range(2):
        accuracy = rising(0.5, seed, 200) + 0.05 * np.random.default_rng(seed).standard_normal(200)
        write(tmp_path / "a" / f"seed{seed}", {"val_acc": accuracy})
    (finding,) = [f for f in forensics.diagnose(open_study(tmp_path)) if f.rule == "best_of_many"]
    assert "expected to lie" in finding.statement and " above it by luck alone" in finding.statement
    assert finding.evidence["level"] == pytest.approx(0.5, abs=0.02)


def test_a_kept_verdict_is_of_one_direction(tmp_path: Path) -> None:
    write(tmp_path / "a" / "seed0", {"val_acc": rising(0.9, 0, 1500)})
    study = open_study(tmp_path / "a")
    shapes = [
        kept_verdict(judged.runs[0], folder=tmp_path / "cache").shape
        for higher in (None, False, None, False)
        for judged in [study.judged_by(higher_is_better=higher)]
    ]
    assert shapes == ["converged", "diverged", "converged", "diverged"]


def test_a_ratio_of_accuracies_is_no_gap_between_training_and_validation(tmp_path: Path) -> None:
    write(tmp_path / "a" / "seed0", {"train_acc": rising(0.95, 0), "val_acc": rising(0.05, 1)})
    write(tmp_path / "b" / "seed0", {"train_loss": 0.001 + 0 * rising(1, 0), "val_loss": 1.05 - rising(1, 0)})
    found = [f for f in forensics.diagnose(open_study(tmp_path)) if f.rule == "train_validation_gap"]
    assert [finding.evidence["group"] for finding in found] == ["b"]


def test_groups_are_compared_by_the_metric_that_all_of_them_log(tmp_path: Path) -> None:
    for seed in range(3):
        accuracy = rising(0.9, seed)
        write(tmp_path / "a" / f"seed{seed}", {"val_loss": 1 - accuracy, "val_acc": accuracy})
        write(tmp_path / "b" / f"seed{seed}", {"loss": 1 - accuracy, "val_acc": accuracy + 0.02})
        write(tmp_path / "c" / f"seed{seed}", {"foo": accuracy, "bar": accuracy})
    groups = open_study(tmp_path).groups()
    assert shared_metric({name: groups[name] for name in "ab"}) == "val_acc"
    assert compare({name: groups[name] for name in "ab"}).metric == "val_acc"
    with pytest.raises(NotFound, match=r"no metric in common.*c has bar, foo"):
        shared_metric(groups)
    with pytest.raises(NotFound, match="Choose one with --metric NAME: bar, foo"):
        shared_metric({"c": groups["c"]})
    told = said("stats", tmp_path / "c", "--metric", "foo")
    assert told.count("assumed because its name does not say") == 1
    assert "higher is better, as set by the user" in said(
        "stats", tmp_path / "c", "--metric", "foo", "--higher-is-better"
    )


def test_configurations_that_contradict_each_other_are_refused_until_the_user_decides(tmp_path: Path) -> None:
    for seed, mode in enumerate(("max", "min")):
        config = {"monitor": "foo", "mode": mode}
        write(tmp_path / "a" / f"seed{seed}", {"foo": rising(0.9, seed)}, config=config)
    groups = open_study(tmp_path).judged_by("foo").groups()
    with pytest.raises(DiagError, match="--higher-is-better or --lower-is-better"):
        compare(groups)
    decided = compare(open_study(tmp_path).judged_by("foo", higher_is_better=True).groups())
    assert (decided.lower_is_better, decided.direction) == (False, "option")


def test_a_study_is_judged_by_a_metric_and_a_direction(runs: Path) -> None:
    study = open_study(runs)
    assert study.judged_by() is study
    judged = study.judged_by("train_loss")
    assert judged_in_words(judged.runs) == ["metric: train_loss (lower is better, by its name)"]
    assert all(run.evaluated and run.evaluated[0] == "train_loss" for run in judged.runs)
    with pytest.raises(NotFound, match=r"--metric nothing: no run logs it. Logged: train_loss, val_acc"):
        study.judged_by("nothing")


def test_several_evaluation_sets_are_named_and_it_is_said_which_decides(tmp_path: Path) -> None:
    fall = 1.1 - rising(1, 0)
    write(tmp_path / "a" / "seed0", {"eval_valid_loss": fall, "eval_ood_loss": 3 * fall, "loss": fall})
    for name in ("ls", "diagnose", "stats"):
        assert "eval_valid_loss decides; also logged: eval_ood_loss" in said(name, tmp_path)


def test_a_table_is_compared_by_the_name_of_its_column_or_of_its_file(tmp_path: Path) -> None:
    long = tmp_path / "results.csv"
    rows = [f"{group},{s},{level + s / 100}" for group, level in LEVELS.items() for s in (0, 1, 1.5)]
    rows = [row.replace(",1.5,", ",2,") for row in rows]
    long.write_text("\n".join(["experiment,seed,val_accuracy", *rows]))
    assert said("stats", long).startswith("metric: val_accuracy (higher is better, by its name)")
    wide = tmp_path / "test_acc.csv"
    wide.write_text("seed,low,high\n0,0.90,0.92\n1,0.91,0.93\n2,0.9,0.925\n")
    told = said("stats", wide)
    assert told.startswith("metric: test_acc (higher is better")
    assert "low is worse than high" in told
    unnamed = tmp_path / "numbers.csv"
    unnamed.write_text(wide.read_text())
    assert said("stats", unnamed).startswith("metric: value (lower is better, assumed")


def test_the_picture_of_an_accuracy_marks_the_highest_on_a_linear_axis(runs: Path) -> None:
    figure = learning_curves(open_study(runs).groups())
    panel = figure.panels[0]
    assert panel.y_label == "val_acc (higher is better)"
    assert panel.y_scale == "linear"
    assert "best (highest)" in figure.note and "explains so high a value" in figure.method
    best = sorted(run.history.series["val_acc"].values.max() for run in open_study(runs / "high").runs)
    assert {mark.y for mark in panel.marks if mark.of == "high"} <= set(best)


def test_a_report_on_accuracies_is_held_against_them(runs: Path, tmp_path: Path) -> None:
    last = [run.history.series["val_acc"].values[-1] for run in open_study(runs / "high").runs]
    text = "| run | accuracy | best | n |\n|---|---|---|---|\n| high | {:.4f} | {:.4f} | 4 |\n"
    text += "\nhigh improves the accuracy to 92.1%.\n"

    def claims(mean: float, best: float) -> dict[str, int]:
        report = tmp_path / "report.md"
        report.write_text(text.format(mean, best))
        counts: dict[str, int] = json.loads(said("check", report, "--runs", runs, "--json"))["counts"]
        return counts

    assert claims(np.mean(last), max(last))["fails"] == 0
    assert claims(np.mean(last) + 0.01, max(last))["fails"] == 1


def test_the_best_checkpoint_is_that_of_the_highest_accuracy(tmp_path: Path) -> None:
    folder = write(tmp_path / "a" / "seed0", {"val_acc": [0.1, 0.9, 0.5], "val_ppl": [3.0, 2.0, 1.0]})
    (folder / "checkpoints").mkdir()
    for step in (100, 200, 300):
        (folder / "checkpoints" / f"step-{step:09d}.safetensors").touch()
    study = open_study(tmp_path)

    def chosen(study: Any) -> str:
        return str(choose_checkpoints(study.runs[0], "best")[0].stem)

    assert chosen(study) == "step-000000300"  # by perplexity
    assert chosen(study.judged_by("val_acc")) == "step-000000200"
    assert chosen(study.judged_by("val_acc", higher_is_better=False)) == "step-000000100"


def test_the_dashboard_judges_by_the_address_and_by_the_command_line(runs: Path) -> None:
    catalog = Catalog(runs)

    def shapes(snapshot: Any) -> set[str]:
        return {entry.verdict.shape for entry in snapshot.entries.values()}

    assert shapes(catalog.judged(View())) == {"converged"}
    turned = catalog.judged(View(higher="0"))
    assert shapes(turned) == {"diverged"}
    assert catalog.judged(View(higher="0")).entries["".join(list(turned.entries)[:1])] is next(
        iter(turned.entries.values())
    )
    by_loss = catalog.judged(View(metric="train_loss"))
    assert {e.verdict.metric for e in by_loss.entries.values()} == {"train_loss"}
    assert catalog.judged(View(metric="nothing")) is catalog.snapshot()
    from_command = Catalog(runs, metric="train_loss", higher_is_better=True)
    assert {e.verdict.metric for e in from_command.snapshot().entries.values()} == {"train_loss"}
    assert not any(e.run.lower_is_better for e in from_command.snapshot().entries.values())
    kept = from_command.snapshot().study.runs
    assert all(a is b for a, b in zip(kept, from_command.refresh().study.runs, strict=True))


def test_the_pages_say_metric_and_direction(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    study = json.dumps(ask(client, "study-content.children", address_search="?page=study", version_data=1))
    assert "Metric: val_acc (higher is better, by its name)." in study
    assert "diverged" not in study and "converged" in study
    turned = ask(client, "study-content.children", address_search="?page=study&higher=0", version_data=1)
    assert "diverged" in json.dumps(turned["study-content"])
    assert "lower is better" in json.dumps(turned["study-controls"])
    run = next(iter(Catalog(runs).snapshot().entries))
    query = View(page="run", run=run).to_query()
    header = json.dumps(ask(client, "run-header.children", address_search=query, version_data=1))
    assert "val_acc (higher is better, by its name)" in header


def test_the_study_s_own_accuracies_are_healthy_everywhere(shared: Path, tmp_path: Path) -> None:
    for name, metric in (("u_accuracy", "val_acc"), ("s_curves/acc", "val_accuracy")):
        folder = shared / "cases" / name
        study = open_study(folder)
        assert {verdict_of(run).shape for run in study.runs} == {"converged"}
        assert f"metric: {metric} (higher is better, by its name)" in said("ls", folder)
        assert not [f for f in forensics.diagnose(study) if f.rule == "curve_shape"]
        entries = Catalog(folder).snapshot().entries.values()
        assert {entry.verdict.shape for entry in entries} == {"converged"}
        first, second, *_ = compare(study.groups(), include_incomplete=True).groups
        assert first.summary.mean < second.summary.mean
        pair = compare(study.groups(), include_incomplete=True).pairs[0]
        assert pair.verdict.decision == "worse"


def test_a_direction_that_is_only_assumed_accuses_nobody(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path / "a" / f"seed{seed}", {"eval_coverage": rising(0.9, seed)})
    found = [f for f in forensics.diagnose(open_study(tmp_path)) if f.rule == "curve_shape"]
    assert found and {finding.severity for finding in found} == {"note"}
    assert all("--higher-is-better" in f.advice and "does not say" in f.statement for f in found)
    turned = forensics.diagnose(open_study(tmp_path).judged_by(higher_is_better=True))
    assert "curve_shape" not in {finding.rule for finding in turned}

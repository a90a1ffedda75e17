"""``ired-diag across`` and ``ird.across``: groups over several tasks or metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import ired_diag as ird
from app.cli import main
from ired_diag.comparison.across_words import (
    coverage_of,
    decided_of,
    fixed_tasks,
    improvement_of,
    interaction_of,
    method_of,
    scale_of,
    sentence_of,
    sharing_of,
)
from ired_diag.errors import DiagError

MEANS = {"Pong": 18.0, "Breakout": 310.0, "Qbert": 12000.0, "Seaquest": 5000.0}


def table(path: Path, groups: Mapping[str, float], *, seeds: int = 5, noise: float = 0.1) -> Path:
    """Write scores whose true means are those of ``MEANS`` times a factor for each group."""
    rng = np.random.default_rng(3)
    lines = ["algorithm,game,seed,score"]
    for group, factor in groups.items():
        for game, mean in MEANS.items():
            for seed in range(seeds):
                score = factor * mean * (1 + noise * rng.standard_normal())
                lines.append(f"{group},{game},{seed},{score!r}")
    path.write_text("\n".join(lines) + "\n")
    return path


def runs(folder: Path, groups: Mapping[str, float], *, seeds: int = 4) -> Path:
    """Write run folders of trainings on tasks of their own, which a key of their configurations names."""
    rng = np.random.default_rng(5)
    for group, factor in groups.items():
        for env, mean in {"Hopper": 2000.0, "Walker": 3000.0, "Ant": 4000.0}.items():
            for seed in range(seeds):
                place = folder / f"{group}_{env}_{seed}"
                place.mkdir(parents=True)
                config = {"algo": group, "env_id": env, "seed": seed}
                (place / "config.json").write_text(json.dumps(config))
                level = factor * mean * (1 + 0.08 * rng.standard_normal())
                lines = []
                for step in range(1, 31):
                    value = level * (1 - 0.8**step)
                    row = {"step": step * 1000, "eval_return": value, "eval_error": 1000 / value}
                    lines.append(json.dumps(row))
                (place / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def said(*arguments: object) -> tuple[str, str, int]:
    result = CliRunner().invoke(main, list(map(str, arguments)), env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stdout, result.stderr, result.exit_code


def test_the_mean_effect_is_welchs_test_of_per_seed_means_of_logarithms(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"rainbow": 1.2, "dqn": 1.0})
    pair = ird.across(path, against="dqn").pairs[0]
    cells = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(2, 3))
    scores = cells[:, 1].reshape(2, len(MEANS), 5)
    means = scores.mean(axis=2, keepdims=True)
    linear = np.log(means) + (scores - means) / means
    per_seed = linear.mean(axis=1)
    expected = stats.ttest_ind(per_seed[0], per_seed[1], equal_var=False)
    assert pair.result.test.p == pytest.approx(expected.pvalue, rel=1e-7)
    ratio = np.exp(np.log(means[0] / means[1]).mean())
    assert math.exp(pair.result.difference) == pytest.approx(float(ratio))


def test_the_answer_says_effect_tasks_seeds_and_what_it_is_about(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"rainbow": 1.3, "dqn": 1.0})
    output, notes, status = said("across", path, "--against", "dqn")
    assert status == 0
    for words in (
        "rainbow is better than dqn",
        "over 4 tasks",
        "5 seeds of rainbow, 5 seeds of dqn",
        "geometric mean",
        "Holm's correction for 4 tasks",
        "these 4 tasks",
        "seeds are the unit",
        "--separate-runs",
        "take the means of dqn",
    ):
        assert words in output
    assert "'game' says the task" in notes


def test_json_holds_every_number_and_no_nan(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.0, "b": 1.1}, seeds=3)
    output, _, status = said("across", path, "--json")
    content = json.loads(output, parse_constant=lambda name: pytest.fail(name))
    assert status == 0
    assert content["against"] == "b"
    assert [row["task"] for row in content["pairs"][0]["tasks"]] == list(MEANS)
    assert content["seeds"] == {"a": [3, 3], "b": [3, 3]}
    assert set(content["aggregates"]["a"]) == {"iqm", "mean", "median", "optimality_gap"}


def test_trainings_on_tasks_of_their_own_are_independent(tmp_path: Path) -> None:
    folder = runs(tmp_path / "logs", {"sac": 1.2, "ppo": 1.0})
    comparison = ird.across(f"sac={folder}/sac_*", f"ppo={folder}/ppo_*")
    assert comparison.separate
    assert comparison.task_names == ["Ant", "Hopper", "Walker"]
    assert comparison.pairs[0].result.method == "separate tasks"
    shared = ird.across(f"sac={folder}/sac_*", f"ppo={folder}/ppo_*", separate_runs=False)
    assert shared.pairs[0].result.test.df < comparison.pairs[0].result.test.df


def test_a_key_may_name_the_groups(tmp_path: Path) -> None:
    folder = runs(tmp_path / "logs", {"sac": 1.2, "ppo": 1.0})
    output, _, status = said("across", folder, "--group-by", "algo", "--against", "algo=ppo")
    assert status == 0
    assert "algo=sac is better than algo=ppo" in output
    assert "4 seeds of algo=sac" in output
    assert "missing" not in output


def test_metrics_of_one_run_are_not_independent(tmp_path: Path) -> None:
    folder = runs(tmp_path / "logs", {"sac": 1.2, "ppo": 1.0})
    groups = [f"sac={folder}/sac_Ant*", f"ppo={folder}/ppo_Ant*"]
    comparison = ird.across(*groups, metrics="eval_return, eval_error")
    assert comparison.is_one_run
    assert [task.lower_is_better for task in comparison.tasks] == [False, True]
    assert "seeds are the unit" in sharing_of(comparison)
    # One is the other's inverse, so both are better by the same factor, to first order.
    effects = [task.difference for task in comparison.pairs[0].result.tasks]
    assert effects[0] == pytest.approx(effects[1], rel=0.05)
    with pytest.raises(DiagError, match="not independent"):
        ird.across(*groups, metrics=["eval_return", "eval_error"], separate_runs=True)


def test_a_task_whose_direction_nothing_says_is_refused(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / f"{name}.csv").write_text("seed,walker,hopper\n0,800,300\n1,790,310\n2,805,290\n")
    sources = (f"new={tmp_path}/new.csv", f"old={tmp_path}/old.csv")
    output, errors, status = said("across", *sources)
    assert (output, status) == ("", 1)
    assert "walker, hopper" in errors
    assert "--higher 'a,b'" in errors
    assert said("across", *sources, "--higher", "walker", "--lower", "hopper")[2] == 0


@pytest.mark.parametrize(
    ("scores", "choices", "words"),
    [
        ("-1,2", {}, "needs numbers above 0"),
        ("-1,2", {"scale": "relative"}, "needs numbers above 0"),
        ("1,2", {"scale": "spread"}, "too badly known"),
        ("1,2", {"scale": "reference"}, "--references|references="),
        ("1,2", {"scale": "percent"}, "unknown"),
        ("1,2", {"against": "z"}, "There are: a, b"),
        ("1,2", {"lower": ["z"]}, "No task or metric"),
        ("1,2", {"lower": ["x"], "higher": ["x"]}, "Choose one"),
        ("1,2", {"readout": "median"}, "unknown"),
        ("1,2", {"tasks": "task", "metrics": ["score"]}, "exclude each other"),
    ],
)
def test_what_cannot_be_compared_says_why(
    scores: str, choices: dict[str, object], words: str, tmp_path: Path
) -> None:
    first, second = scores.split(",")
    lines = ["method,task,seed,score"]
    for group in ("a", "b"):
        for seed in range(3):
            lines += [f"{group},x,{seed},{float(first) + seed}", f"{group},y,{seed},{float(second) + seed}"]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DiagError, match=words):
        ird.across(path, **choices)


def test_references_make_scores_of_negative_numbers(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    lines = ["algo,game,seed,score"]
    for group, gain in (("new", 4.0), ("old", 0.0)):
        for seed in range(4):
            lines += [f"{group},Pong,{seed},{gain - 5 + seed}", f"{group},Boxing,{seed},{gain + seed}"]
    path.write_text("\n".join(lines) + "\n")
    references = tmp_path / "references.csv"
    references.write_text("game,random,human\nPong,-20,20\nBoxing,0,40\n")
    comparison = ird.across(path, references=references)
    assert comparison.pairs[0].result.difference == pytest.approx(0.1)
    assert comparison.target == 1.0
    assert "low and 1 the high reference" in scale_of(comparison)
    with pytest.raises(DiagError, match="no scores of 1 tasks"):
        ird.across(path, references={"Pong": (0.0, 1.0)})
    with pytest.raises(DiagError, match="against the direction"):
        ird.across(path, references=references, higher_is_better=False)


def test_a_single_seed_is_told_and_not_tested(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.0, "b": 1.1}, seeds=1)
    comparison = ird.across(path)
    (pair,) = comparison.pairs
    assert math.isnan(pair.result.test.p)
    assert sentence_of(comparison, pair).startswith("No test of a against b over 4 tasks")
    assert "no intervals" in coverage_of(comparison)
    assert "no interval" in improvement_of(pair)


@pytest.mark.parametrize("separate", [True, False])
def test_scores_that_vary_have_no_interval_for_another_reason(tmp_path: Path, separate: bool) -> None:
    """Of three seeds of three tasks only the probability of improvement is covered in 90%."""
    path = table(tmp_path / "scores.csv", {"a": 1.0, "b": 1.1}, seeds=3)
    three_tasks = [line for line in path.read_text().splitlines() if "Seaquest" not in line]
    path.write_text("\n".join(three_tasks) + "\n")
    comparison = ird.across(path, separate_runs=separate)
    sentence = coverage_of(comparison)
    assert "do not vary" not in sentence
    if separate:
        assert "too rarely (75.9 to 89.6% of simulated cases; 90% is the least)" in sentence
    else:
        assert "in 94% of simulated cases" in sentence


def test_scores_without_spread_say_so(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.0, "b": 1.1}, noise=0.0)
    assert "no spread to draw from" in coverage_of(ird.across(path))


def test_three_groups_are_each_compared_with_the_old_one_and_corrected(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.1, "b": 1.3, "old": 1.0})
    comparison = ird.across(path)
    assert [(pair.new, pair.old) for pair in comparison.pairs] == [("a", "old"), ("b", "old")]
    assert all(pair.p_adjusted >= pair.result.test.p for pair in comparison.pairs)
    assert "(Holm)" in sentence_of(comparison, comparison.pairs[0])


def test_missing_cells_are_counted_and_the_seeds_of_tasks_said(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.1, "b": 1.0})
    kept = [line for line in path.read_text().splitlines() if not line.startswith("a,Pong,0")]
    path.write_text("\n".join(kept) + "\n")
    comparison = ird.across(path)
    (pair,) = comparison.pairs
    assert pair.result.missing == 1
    assert "1 number missing" in method_of(comparison, pair)
    assert "4 to 5 seeds of a" in method_of(comparison, pair)
    assert any("weigh tasks alike" in note for note in comparison.notes)


def test_paired_seeds_are_pairs_where_the_user_says_so(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.1, "b": 1.0})
    assert ird.across(path).pairs[0].result.method == "welch"
    pair = ird.across(path, paired=True).pairs[0]
    assert (pair.result.method, pair.result.test.df) == ("paired", 4.0)


def test_a_task_that_one_group_lacks_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.1, "b": 1.0})
    kept = [line for line in path.read_text().splitlines() if not line.startswith("b,Qbert")]
    path.write_text("\n".join(kept) + "\n")
    comparison = ird.across(path)
    assert comparison.task_names == ["Pong", "Breakout", "Seaquest"]
    assert any("Qbert" in note for note in comparison.notes)


def test_groups_of_a_table_are_chosen_by_name(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.1, "b": 1.0, "c": 1.2})
    comparison = ird.across("c", "a", runs=path)
    assert list(comparison.groups) == ["c", "a"]
    with pytest.raises(DiagError, match="no group 'z'"):
        ird.across("c", "z", runs=path)


def test_null_studies_are_rarely_called_different(tmp_path: Path) -> None:
    """The whole way from a file: 5% of 40 is 2, and 8 would happen once in 1,400 times."""
    rng = np.random.default_rng(0)
    found = 0
    for study in range(40):
        scores = {name: rng.lognormal(sigma=0.2, size=(4, 5)).tolist() for name in ("a", "b")}
        path = tmp_path / f"{study}.json"
        path.write_text(json.dumps(scores))
        found += ird.across(path).pairs[0].result.test.p < 0.05
    assert found < 8


def test_sentences_say_only_what_holds(tmp_path: Path) -> None:
    path = table(tmp_path / "scores.csv", {"a": 1.0, "b": 1.0})
    comparison = ird.across(path)
    (pair,) = comparison.pairs
    assert sentence_of(comparison, pair).startswith("Undecided: a and b differ by")
    assert decided_of(comparison, pair).startswith("Better on 0 of 4 tasks, worse on 0, undecided on 4")
    assert "is not shown" in interaction_of(pair)
    assert "4 tasks" in fixed_tasks(comparison)


def test_lower_is_better_is_said_with_the_sign(tmp_path: Path) -> None:
    lines = ["method,task,seed,loss"]
    rng = np.random.default_rng(1)
    for group, factor in (("new", 0.5), ("old", 1.0)):
        for task in ("x", "y"):
            lines += [f"{group},{task},{s},{factor * (1 + 0.02 * rng.standard_normal())}" for s in range(4)]
    path = tmp_path / "losses.csv"
    path.write_text("\n".join(lines) + "\n")
    comparison = ird.across(path)
    sentence = sentence_of(comparison, comparison.pairs[0])
    assert sentence.startswith("new is better than old: -")
    assert "(lower is better)" in sentence
    assert comparison.aggregates["new"]["mean"].value == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize(
    ("failing", "decision", "beginning", "tasks"),
    [
        ("new,x,2,0.52", "undecided", "Undecided: 1 run of new failed", "Better on 1 of 2 tasks (y)"),
        ("old,x,2,1.02", "better", "new is better than old: -", "Better on 2 of 2 tasks (x, y)"),
    ],
)
def test_a_group_is_not_better_by_the_mean_of_its_survivors(
    tmp_path: Path,
    failing: str,
    decision: str,
    beginning: str,
    tasks: str,
) -> None:
    """``stats`` and ``gate`` leave it undecided too: a failed run is the worst result."""
    path = tmp_path / "losses.csv"
    lines = ["method,task,seed,loss"]
    for group, level in (("new", 0.5), ("old", 1.0)):
        for task in ("x", "y"):
            lines += [f"{group},{task},{seed},{level + seed / 100}" for seed in range(4)]
    of_group, of_task, seed, _ = failing.split(",")
    text = "\n".join(lines) + "\n"
    assert failing in text
    path.write_text(text.replace(failing, f"{of_group},{of_task},{seed},nan"))
    output, _, _ = said("across", path)
    assert output.splitlines()[0].startswith(f"x: {of_group}: 1 of 4 seeds ended in NaN (seed2)")
    assert f"\n{beginning}" in output
    assert f"1 run of {of_group} failed, and a failed run is the worst result" in output
    assert tasks in output
    assert "Of the runs that ended well, one of new" in output
    answer, _, _ = said("across", path, "--json")
    (pair,) = json.loads(answer)["pairs"]
    assert pair["decision"] == decision
    assert sum(pair["failed_runs"].values()) == 1


def test_the_correction_counts_the_tasks_that_are_tested(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    rng = np.random.default_rng(2)
    lines = ["method,task,seed,score"]
    for group in ("new", "old"):
        for task in ("x", "y", "constant"):
            for seed in range(4):
                value = 5.0 if task == "constant" else 5 + rng.standard_normal()
                lines.append(f"{group},{task},{seed},{value}")
    path.write_text("\n".join(lines) + "\n")
    output, _, _ = said("across", path)
    assert "undecided on 3 (each task by itself, Holm's correction for 2 tasks)" in output
    assert "value of the table of each seed" in output


def test_a_task_of_one_seed_has_no_verdict_and_no_probability(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    lines = ["method,task,seed,score", "a,x,0,1", "a,y,0,2", "b,x,0,1.1", "b,y,0,2.1"]
    path.write_text("\n".join(lines) + "\n")
    output, _, _ = said("across", path)
    assert "No task can be tested by itself." in output
    assert "nan%" not in output

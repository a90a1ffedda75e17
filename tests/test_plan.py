"""Declared analyses: what is locked, what is confirmatory, and what the numbers of seeds decide."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats

import ired_diag as ird
from app.cli import main
from app.cli.demo import sample_runs
from app.plan_words import prediction_in_words
from ired_diag.comparison.gate import Compared, decide
from ired_diag.errors import DiagError, UnreadableFile, WrongConfiguration
from ired_diag.plans import times
from ired_diag.plans.committed import newest_commit
from ired_diag.plans.declared import Prediction, parse_plan
from ired_diag.plans.drafts import EXAMPLES, draft, example
from ired_diag.plans.judging import CONTRADICTION, NO_SPREAD, judge, judge_share
from ired_diag.plans.meaning import hash_of, meaning_of
from ired_diag.plans.probe_rows import number_of_rows
from ired_diag.plans.times import Start, order_of, start_of
from ired_diag.plans.verdicts import verdicts_of
from ired_diag.runs.history import Row, to_jsonl

PLAN = """\
format: 1
hypotheses:
  - id: H1
    statement: The change lowers the loss.
    predictions:
      - {id: H1a, metric: val/loss, group: new, against: old, direction: lower, n: 4, test: paired}
"""
LONG_AGO, IN_FUTURE = "2020-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are read in 2101, so that their runs may begin after any lock."""
    monkeypatch.setattr(times, "_now", lambda: datetime(2101, 1, 1, tzinfo=UTC))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def write_seeds(root: Path, name: str, values: Sequence[float], started: str | None = LONG_AGO) -> None:
    for seed, value in enumerate(values):
        folder = root / name / f"seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        provenance = {} if started is None else {"started": started}
        config = {
            "format": 1,
            "experiment": name,
            "seed": seed,
            "config": {"dataset": "x"},
            "ending": {"state": "complete"},
            "provenance": provenance,
        }
        (folder / "config.json").write_text(json.dumps(config))
        rows = [Row(step, {"val/loss": value + 1 / step}) for step in range(100, 2100, 100)]
        (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A plan and runs that support it, which begin in the year 2100: after any lock."""
    write_seeds(tmp_path / "runs", "new", [0.90, 0.92, 0.91, 0.89], IN_FUTURE)
    write_seeds(tmp_path / "runs", "old", [1.00, 1.03, 1.01, 0.99], IN_FUTURE)
    (tmp_path / "plan.yaml").write_text(PLAN)
    return tmp_path


def prediction(**parts: Any) -> Prediction:
    usual: dict[str, Any] = {
        "id": "p",
        "metric": "m",
        "group": "a",
        "against": "b",
        "direction": "higher",
        "n": 5,
    }
    usual |= parts
    if "threshold" in parts:
        usual["against"] = ""
    return Prediction(**usual)


# What the numbers decide


def test_one_sample_pairs_and_welch_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.5, 1, 7), rng.normal(0, 2, 7)
    sides: tuple[tuple[str, Literal["greater", "less"]], ...] = (("higher", "greater"), ("lower", "less"))
    for direction, alternative in sides:
        one = judge(prediction(direction=direction, threshold=0.2), a, [], is_paired=False, alpha=0.05)
        expected = stats.ttest_1samp(a, 0.2, alternative=alternative)
        assert one.p_support == pytest.approx(expected.pvalue, rel=1e-10)
        assert one.p_refute == pytest.approx(1 - expected.pvalue, rel=1e-10)
        pairs = judge(prediction(direction=direction), a, b, is_paired=True, alpha=0.05)
        expected = stats.ttest_rel(a, b, alternative=alternative)
        assert pairs.p_support == pytest.approx(expected.pvalue, rel=1e-10)
        welch = judge(prediction(direction=direction), a, b, is_paired=False, alpha=0.05)
        expected = stats.ttest_ind(a, b, equal_var=False, alternative=alternative)
        assert welch.p_support == pytest.approx(expected.pvalue, rel=1e-10)
    interval = stats.ttest_rel(a, b).confidence_interval(0.9)
    assert (pairs.low, pairs.high) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_a_share_as_margin_scales_the_other_group_so_that_its_noise_counts() -> None:
    a, b = np.array([0.90, 0.91, 0.88, 0.93]), np.array([1.0, 1.02, 0.97, 1.01])
    judged = judge(prediction(direction="lower", margin="5%"), a, b, is_paired=True, alpha=0.05)
    assert judged.p_support == pytest.approx(stats.ttest_rel(a, 0.95 * b, alternative="less").pvalue)
    cost = judge(prediction(direction="lower", margin="-100%"), a, b, is_paired=False, alpha=0.05)
    expected = stats.ttest_ind(a, 2 * b, equal_var=False, alternative="less").pvalue
    assert cost.p_support == pytest.approx(expected)


def test_equivalence_is_two_one_sided_tests() -> None:
    a, b = np.array([1.0, 1.1, 0.95, 1.02]), np.array([1.01, 1.06, 0.99, 1.0])
    judged = judge(prediction(direction="equivalent", margin=0.2), a, b, is_paired=True, alpha=0.05)
    lower = stats.ttest_1samp(a - b, -0.2, alternative="greater").pvalue
    upper = stats.ttest_1samp(a - b, 0.2, alternative="less").pvalue
    assert judged.p_support == pytest.approx(max(lower, upper))
    far = judge(prediction(direction="equivalent", margin=0.2), a + 1, b, is_paired=True, alpha=0.05)
    assert far.p_refute == pytest.approx(2 * stats.ttest_1samp(a + 1 - b, 0.2, alternative="greater").pvalue)


def test_a_share_of_a_mean_that_is_not_positive_decides_nothing() -> None:
    judged = judge(prediction(margin="5%"), [1.0, 2.0], [-1.0, -2.0], is_paired=False, alpha=0.05)
    assert "not above 0" in judged.reason
    assert math.isnan(judged.p_support)


def test_equal_numbers_have_no_noise_and_decide_nothing() -> None:
    judged = judge(prediction(threshold=1.0), [2.0, 2.0, 2.0], [], is_paired=False, alpha=0.05)
    assert judged.reason == NO_SPREAD
    paired = judge(prediction(), [0.3, 0.4, 0.5], [0.1 + 0.1, 0.2 + 0.1, 0.4], is_paired=True, alpha=0.05)
    assert paired.reason == NO_SPREAD


@pytest.mark.parametrize("design", ["threshold", "paired", "unpaired"])
def test_a_sequential_prediction_is_supported_where_the_gate_keeps(design: str) -> None:
    """Its p is the smallest level at which the gate keeps: so both agree at every level."""
    rng = np.random.default_rng(1)
    decided = set()
    for trial in range(30):
        a = rng.normal(0.3 * (trial % 9), 1, 10)
        b = rng.normal(0, 1, 10)
        parts: dict[str, Any] = {"stopping": "sequential", "n": 10}
        if design == "threshold":
            parts["threshold"] = 0.0
        judged = judge(
            prediction(**parts),
            a,
            [] if design == "threshold" else b,
            is_paired=design == "paired",
            alpha=0.05,
        )
        gains = a - b if design == "paired" else a
        base = b.tolist() if design == "unpaired" else ()
        compared = Compared(gains=gains.tolist(), base=base, design=design)  # type: ignore[arg-type]
        for alpha in (0.2, 0.05, 0.01):
            verdict = decide(compared, alpha=alpha, in_order=False).verdict
            assert (verdict == "keep") == (judged.p_support <= alpha)
            assert (verdict == "drop") == (judged.p_refute <= alpha)
            decided.add(verdict)
    assert {"keep", "undecided"} <= decided


def test_seeds_that_leave_no_mean_decide_nothing() -> None:
    """Between them something changed; a wide level alone would still exclude the line."""
    values = [1.0, 1.0001, 0.9999, 1.0, 1.0, *[5.0, 5.0001, 4.9999] * 10]
    judged = judge(prediction(threshold=0.0, stopping="sequential"), values, [], is_paired=False, alpha=0.05)
    assert judged.reason == CONTRADICTION
    assert math.isnan(judged.p_support)


def test_finished_runs_are_tested_exactly() -> None:
    asked = prediction(metric="", of_run="finished", threshold=0.5)
    judged = judge_share(asked, 8, 9, alpha=0.05)
    assert judged.p_support == pytest.approx(10 / 512)  # (9 + 1) of 2^9 outcomes
    assert judged.p_refute == pytest.approx(511 / 512)


def test_a_prediction_that_no_outcome_could_decide_says_so(study: Path) -> None:
    hopeless = PLAN.replace("test: paired", "stopping: sequential, test: unpaired")
    (study / "plan.yaml").write_text(hopeless)
    reason = ird.check_plan(study / "plan.yaml").predictions[0].reason
    assert "Nothing can be decided before seed 5, and the plan ends at 4." in reason
    finished = PLAN.replace("metric: val/loss", "of_run: finished").replace("against: old", "threshold: 0.5")
    (study / "plan.yaml").write_text(finished.replace("lower", "higher").replace(", test: paired", ""))
    reason = ird.check_plan(study / "plan.yaml").predictions[0].reason
    assert "With n = 4 even the best outcome has p = 0.0625" in reason


def test_few_studies_of_no_effect_wrongly_support_any_of_their_predictions() -> None:
    rng = np.random.default_rng(2)
    predictions = [prediction(id=f"p{place}", threshold=0.0) for place in range(5)]
    wrong = 0
    for _ in range(800):
        p_values = {}
        for each in predictions:
            judged = judge(each, rng.standard_normal(4), [], is_paired=False, alpha=0.05)
            p_values[each.id] = (judged.p_support, judged.p_refute)
        verdicts = verdicts_of(predictions, p_values, alpha=0.05)
        wrong += any(verdict.verdict == "supported" for verdict in verdicts.values())
    assert 0 < wrong <= 40 + 3 * math.sqrt(38)


def test_a_prediction_without_numbers_stays_in_the_family() -> None:
    """Else the first to arrive would be judged as if it was the only one."""
    first, second = prediction(id="a"), prediction(id="b")
    p_values = {"a": (0.03, 0.97), "b": (math.nan, math.nan)}
    verdicts = verdicts_of([first, second], p_values, alpha=0.05)
    assert verdicts["a"].p_support == pytest.approx(0.06)
    assert verdicts["a"].verdict == "undecided"
    secondary = prediction(id="b", primary=False)
    assert verdicts_of([first, secondary], p_values, alpha=0.05)["a"].verdict == "supported"


# Which seeds are used


def test_seeds_beyond_n_are_set_aside_and_fewer_are_too_early(study: Path) -> None:
    before = ird.check_plan(study / "plan.yaml").predictions[0]
    assert (before.verdict, before.n, before.set_aside) == ("supported", (4,), 0)
    write_seeds(study / "runs", "new", [0.90, 0.92, 0.91, 0.89, 5.0, 7.0], IN_FUTURE)
    more = ird.check_plan(study / "plan.yaml").predictions[0]
    assert (more.effect, more.p_support, more.set_aside) == (before.effect, before.p_support, 2)
    shutil.rmtree(study / "runs/old/seed3")
    fewer = ird.check_plan(study / "plan.yaml").predictions[0]
    assert fewer.verdict == "undecided"
    assert "Too early: 3 of the 4 pairs" in fewer.reason


def test_failed_seeds_leave_a_mean_of_survivors_undecided(study: Path) -> None:
    folder = study / "runs/new/seed1"
    rows = [Row(step, {"val/loss": 0.9 if step < 1500 else math.nan}) for step in range(100, 2100, 100)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    checked = ird.check_plan(study / "plan.yaml").predictions[0]
    assert checked.verdict == "undecided"
    assert "1 of 4 seeds of new failed (seed1)" in checked.reason


def test_a_table_of_numbers_serves_as_runs(tmp_path: Path) -> None:
    rows = ["group,seed,val_loss"]
    rows += [f"new,{seed},{0.5 + seed / 100}" for seed in range(5)]
    (tmp_path / "r.csv").write_text("\n".join(rows) + "\n")
    plan = PLAN.replace("val/loss", "val_loss").replace("against: old", "threshold: 0.6")
    plan = plan.replace("test: paired", "stopping: sequential").replace("n: 4", "n: 9")
    (tmp_path / "plan.yaml").write_text(plan.replace("format: 1", "format: 1\nruns: r.csv"))
    checked = ird.check_plan(tmp_path / "plan.yaml").predictions[0]
    assert checked.effect == pytest.approx(-0.08)
    assert checked.verdict == "supported"


# Locked, changed, declared before or after


def test_comments_order_and_defaults_are_no_part_of_the_meaning() -> None:
    other = """\
# a comment
hypotheses:
- predictions:
  - n: 4
    test: paired
    direction: lower
    readout: last   # the default
    alpha: &x 1
    against: "old"
    group: new
    metric: val/loss
    id: H1a
  statement: >
    The change
    lowers the loss.
  id: H1
alpha: 5.0e-2
format: 1
""".replace("    alpha: &x 1\n", "")
    assert hash_of(meaning_of(parse_plan(PLAN))) == hash_of(meaning_of(parse_plan(other)))
    changed = PLAN.replace("n: 4", "n: 5")
    assert hash_of(meaning_of(parse_plan(PLAN))) != hash_of(meaning_of(parse_plan(changed)))


def test_a_changed_plan_is_exploratory_and_shows_what_changed(study: Path) -> None:
    plan = study / "plan.yaml"
    ird.lock_plan(plan)
    assert ird.check_plan(plan).predictions[0].standing == "confirmatory"
    plan.write_text("# only a comment\n" + PLAN)
    assert ird.check_plan(plan).predictions[0].standing == "confirmatory"
    plan.write_text(PLAN.replace("n: 4", "n: 3"))
    said = run("plan", "check", plan)
    assert "H1a supported, exploratory" in said.output
    assert "H1a n: 4 → 3" in said.output
    ird.lock_plan(plan)
    again = ird.check_plan(plan)
    assert again.predictions[0].standing == "confirmatory"  # locked again, before the runs of 2100
    assert again.earlier_changes == ["H1a n: 4 → 3"]


def test_a_plan_that_is_locked_after_its_first_run_is_exploratory(study: Path) -> None:
    write_seeds(study / "runs", "old", [1.00, 1.03, 1.01, 1.00], LONG_AGO)
    ird.lock_plan(study / "plan.yaml")
    checked = ird.check_plan(study / "plan.yaml").predictions[0]
    assert checked.standing == "exploratory"
    assert (
        "locked after old/seed0 began (its files record 2020-01-01 00:00:00 UTC)" in checked.standing_reason
    )


def test_a_run_that_records_no_start_leaves_the_order_unknown(study: Path) -> None:
    write_seeds(study / "runs", "old", [1.00, 1.03, 1.01, 1.00], None)
    ird.lock_plan(study / "plan.yaml")
    future = datetime(2101, 1, 1, tzinfo=UTC).timestamp()
    for path in (study / "runs").rglob("*.json*"):
        os.utime(path, (future, future))
    checked = ird.check_plan(study / "plan.yaml").predictions[0]
    assert checked.standing == "exploratory"
    assert "uncertain: no start is recorded; its log was last written 2101" in checked.standing_reason


def test_a_clock_without_a_zone_is_uncertain_by_a_day() -> None:
    locked = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def order(hours: float) -> str:
        time = locked + timedelta(hours=hours)
        start = Start("r", time - timedelta(hours=14), time + timedelta(hours=12), "a log")
        return order_of(locked, [start]).order

    assert [order(hours) for hours in (-13, -11, 0, 13, 15)] == [
        "after",
        "unknown",
        "unknown",
        "unknown",
        "before",
    ]


def test_the_starts_of_logs_are_read_as_they_are(shared: Path) -> None:
    study = ird.open_study(shared / "ired_logs")
    starts = [start_of(each) for each in study["q101"]]
    assert all(start.earliest is not None and start.latest is not None for start in starts)
    assert all(start.latest - start.earliest == timedelta(hours=26, seconds=1) for start in starts)  # type: ignore[operator]


def test_an_edited_lock_is_refused_and_an_equal_one_keeps_its_time(study: Path) -> None:
    plan, lock = study / "plan.yaml", study / "plan.lock"
    first = ird.lock_plan(plan)
    assert ird.lock_plan(plan) == first
    stored = json.loads(lock.read_text())
    stored["locks"][0]["meaning"]["hypotheses"][0]["predictions"][0]["n"] = 3
    lock.write_text(json.dumps(stored))
    with pytest.raises(UnreadableFile, match="lock 1 was edited"):
        ird.check_plan(plan)


def test_a_draft_is_a_plan_and_is_not_locked_before_it_is_written(tmp_path: Path) -> None:
    shutil.copytree(sample_runs(), tmp_path / "runs")
    text = draft(tmp_path / "plan.yaml", tmp_path / "runs")
    assert "# groups (seeds): q101 (3), q102 (3), q103 (3)" in text
    parse_plan(text)
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(DiagError, match="still as the draft has it"):
        ird.lock_plan(tmp_path / "plan.yaml")
    (tmp_path / "plan.yaml").write_text(text.replace("→ ", ""))
    ird.lock_plan(tmp_path / "plan.yaml")
    refused = run("plan", "new", tmp_path / "plan.yaml")
    assert refused.exit_code == 1
    assert "is there already" in refused.output


def git(folder: Path, *arguments: str) -> None:
    environment = {
        **os.environ,
        "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
        "GIT_COMMITTER_DATE": "2026-01-02T03:04:06Z",
    }
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, env=environment
    )


def test_git_dates_are_named_and_nothing_that_a_repository_names_is_run(study: Path) -> None:
    assert newest_commit(study / "plan.yaml") is None
    ird.lock_plan(study / "plan.yaml")
    git(study, "init", "-q")
    git(study, "add", "plan.yaml", "plan.lock")
    git(study, "commit", "-q", "-m", "declare")
    trap = study / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {study}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "gpg.program", "core.pager", "diff.external", "filter.x.clean"):
        git(study, "config", key, str(trap))
    git(study, "config", "log.showSignature", "true")
    (study / ".git/info/attributes").write_text("* filter=x diff=x\n")
    (study / "sprung").unlink(missing_ok=True)
    commit = newest_commit(study / "plan.lock")
    assert commit is not None
    assert commit.is_current
    assert commit.committed.startswith("2026-01-02T03:04:06")
    said = run("plan", "check", study / "plan.yaml")
    assert "git: lock in commit" in said.output
    assert "can set" in said.output
    assert not (study / "sprung").exists()
    (study / "plan.lock").write_text((study / "plan.lock").read_text() + " ")
    changed = newest_commit(study / "plan.lock")
    assert changed is not None
    assert not changed.is_current


def test_a_prediction_without_any_run_is_undated(study: Path) -> None:
    """It may still become confirmatory, and is neither yet."""
    (study / "plan.yaml").write_text(PLAN.replace("group: new", "group: q301@x=1").replace("old", "q302"))
    ird.lock_plan(study / "plan.yaml")
    plan = ird.check_plan(study / "plan.yaml")
    checked = plan.predictions[0]
    assert (checked.verdict, checked.standing) == ("undecided", "undated")
    assert plan.standing_of(plan.plan.hypotheses[0]) == "undated"
    assert checked.command == f"ired-diag train q301@x=1 --seeds 0-3 --runs {study / 'runs'}"
    (study / "plan.yaml").write_text(PLAN.replace("group: new", "group: q301@x=1"))
    ird.lock_plan(study / "plan.yaml")
    write_seeds(study / "runs", "old", [1.0, 1.1], LONG_AGO)
    assert ird.check_plan(study / "plan.yaml").predictions[0].standing == "exploratory"


def test_runs_that_are_set_aside_and_began_before_the_lock_are_named(study: Path) -> None:
    """Somebody who has seen them knew more than the plan says."""
    write_seeds(study / "runs", "new", [0.90, 0.92, 0.91, 0.89, 0.9], LONG_AGO)
    write_seeds(study / "runs", "new", [0.90, 0.92, 0.91, 0.89], IN_FUTURE)
    ird.lock_plan(study / "plan.yaml")
    checked = ird.check_plan(study / "plan.yaml").predictions[0]
    assert checked.standing == "confirmatory"
    assert "that it does not use may have begun before (new/seed4)" in checked.standing_reason
    for config in (study / "runs/old").glob("*/config.json"):
        stored = json.loads(config.read_text())
        stored["provenance"]["parent"] = {"run": "older/seed0", "step": 100}
        config.write_text(json.dumps(stored))
    reason = ird.check_plan(study / "plan.yaml").predictions[0].standing_reason
    assert "forks go on from runs that may have begun before (old/seed0" in reason


# Mistakes in a plan


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "direction: lower",
            "direction: up",
            r"plan.yaml:6: direction: expected higher, lower or equivalent",
        ),
        (
            "metric: val/loss",
            "metrc: val/loss",
            r"plan.yaml:6: 'metrc' is not a key here; did you mean 'metric'",
        ),
        ("n: 4", "n: four", r"plan.yaml:6: n: expected a whole number, found \"four\""),
        ("n: 4", "n: 1", r"n: input should be greater than or equal to 2, found 1"),
        ("against: old, ", "", r"plan.yaml:6: H1a: expected either against or threshold"),
        ("against: old", "against: new", r"group and against are both 'new'"),
        ("test: paired", "margin: 5 percent", r"such as 5%, found \"5 percent\""),
        ("group: new", "group: 301", r"group: expected text; put a number or a word like yes .* into quotes"),
        ("test: paired", "margin: .nan", r"yaml:6: margin: input should be a finite number, found NaN\.$"),
        ("format: 1", "\tformat: 1", r"plan.yaml:1: not YAML: a line is indented by a tab; use spaces"),
        ("hypotheses", "---\nhypotheses", r"a line '---' begins a second document"),
        ("format: 1", "format: 2", r"plan.yaml:1: format: expected 1, found 2"),
        ("format: 1\n", "", r"plan.yaml:1: 'format' is missing"),
        ("id: H1a", "id: H1", r"plan.yaml:6: the id 'H1' is taken at plan.yaml:3"),
        ("format: 1", "format: 1\nformat: 1", r"plan.yaml:2: 'format' stands here and on line 1"),
        ("format: 1", "format: [1", r"plan.yaml:\d+: not YAML"),
        ("test: paired", "test: paired, readout: plateau, stopping: sequential", r"needs another readout"),
        ("direction: lower", "direction: equivalent", r"equivalent needs a margin above 0"),
        ("metric: val/loss", "probe: conditioning", r"a probe needs the column of its table"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(old: str, new: str, message: str) -> None:
    with pytest.raises(WrongConfiguration, match=message):
        parse_plan(PLAN.replace(old, new, 1))


@pytest.mark.parametrize(
    ("direction", "margin", "words"),
    [
        ("higher", 0.1, "higher than h by more than 0.1"),
        ("higher", -0.1, "not lower than h by 0.1 or more"),
        ("lower", "-100%", "not higher than h by 100% or more"),
        ("equivalent", "5%", "equivalent to h, margin 5%"),
        ("lower", 0, "lower than h;"),
    ],
)
def test_a_margin_is_said_as_it_is_tested(direction: Any, margin: float | str, words: str) -> None:
    parts: dict[str, Any] = {"id": "a", "metric": "m", "group": "g", "against": "h", "n": 3}
    said = prediction_in_words(Prediction(direction=direction, margin=margin, **parts))
    assert words in said


def test_a_criterion_of_secondary_predictions_says_that_they_are_not_corrected(study: Path) -> None:
    text = PLAN.replace("n: 4", "n: 4, primary: false") + "success:\n  - {id: S, any_of: [H1a]}\n"
    (study / "plan.yaml").write_text(text)
    said = run("plan", "check", study / "plan.yaml").output
    assert "not corrected for there being several, as they are secondary: H1a" in said


def test_a_criterion_that_names_nothing_is_refused() -> None:
    with pytest.raises(WrongConfiguration, match=r"plan.yaml:8: S: there is no 'H2'; there are H1, H1a"):
        parse_plan(PLAN + "success:\n  - {id: S, all_of: [H2]}\n")


def test_hostile_yaml_is_refused_in_one_line(tmp_path: Path) -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n"
    for level in range(1, 9):
        bomb += (
            f"{'abcdefghi'[level]}: &{'abcdefghi'[level]} [{','.join(['*' + 'abcdefghi'[level - 1]] * 9)}]\n"
        )
    for name, content in {
        "bomb": bomb.encode(),
        "deep": b"[" * 5000,
        "self": b"a: &a [*a]\n",
        "tag": b"!!python/object/apply:os.system [touch x]\n",
        "latin": "title: caf\u00e9".encode("latin-1"),
        "large": b"# " + b"x" * (1 << 20),
    }.items():
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(content)
        said = run("plan", "check", path)
        assert said.exit_code == 1, name
        assert said.output.startswith("ired-diag: ")
        assert said.output.count("\n") == 1
    assert run("plan", "check", tmp_path / "none.yaml").exit_code == 1
    assert run("plan", "check", tmp_path).exit_code == 1


# Windows and strangers


def test_a_plan_with_windows_line_ends_and_a_byte_order_mark_means_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAN.replace("\n", "\r\n").encode())
    (tmp_path / "other.yaml").write_text(PLAN)
    assert ird.check_plan(path).hash == ird.check_plan(tmp_path / "other.yaml").hash


def test_paths_of_groups_start_at_the_plan(
    study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = PLAN.replace("group: new", "group: 'a=runs/new/*'").replace(
        "against: old", "against: 'b=runs/old/*'"
    )
    (study / "plan.yaml").write_text(plan)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert ird.check_plan(study / "plan.yaml").predictions[0].verdict == "supported"


@pytest.mark.parametrize(("direction", "status"), [("lower", 0), ("higher", 3), ("equivalent", 4)])
def test_the_exit_status_says_the_verdict(study: Path, direction: str, status: int) -> None:
    margin = ", margin: 0.1" if direction == "equivalent" else ""
    (study / "plan.yaml").write_text(PLAN.replace("direction: lower", f"direction: {direction}{margin}"))
    said = run("plan", "check", study / "plan.yaml", "--json")
    assert said.exit_code == status, said.output
    answer = json.loads(said.output)
    assert answer["predictions"][0]["id"] == "H1a"
    assert answer["hypotheses"]["H1"] == answer["verdict"]


# The examples, from a clean clone


def commands_in(said: Result) -> list[list[str]]:
    found = re.findall(r"make it: ired-diag (.*)", said.output)
    return [shlex.split(words) for words in dict.fromkeys(found)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_plans(name: str) -> None:
    plan = parse_plan(example(name))
    assert len(plan.hypotheses) >= 3
    assert plan.success


@pytest.mark.slow
def test_the_ired_plan_runs_on_the_sample_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(sample_runs(), tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert run("plan", "new", "--example", "ired").exit_code == 0
    assert run("plan", "lock").exit_code == 0
    said = run("plan", "check")
    assert said.exit_code == 4
    assert "confirmatory" not in re.findall(r"^  H\S+ .*?, (\w+)\.", said.output, re.MULTILINE)
    probes = [words for words in commands_in(said) if words[0] == "probe"]
    assert [words[1] for words in probes] == ["conditioning", "false_negatives", "diversity"]
    for words in probes:
        assert run(*words, "--samples", "64", "--figures", "none").exit_code == 0
    checked = {each.prediction.id: each for each in ird.check_plan("plan.yaml").predictions}
    assert checked["H2-false"].verdict == "supported"
    assert checked["H2-vendi"].verdict == "supported"
    assert checked["H1-sigma"].verdict == "refuted"
    assert checked["H1-cond"].effect < 0
    assert "2 of 3 seeds of q101 failed" in checked["Q-101a"].reason
    for name in ("Q-301a", "Q-302a", "Q-303a", "Q-304a"):
        assert checked[name].command.startswith(f"ired-diag train {name[:-1].lower().replace('-', '')} ")
    assert {each.standing for each in checked.values()} <= {"exploratory", "undated"}
    assert {each.standing for each in checked.values() if each.n != (0,)} == {"exploratory"}
    frame = ird.probe("conditioning", "q103", runs="runs", samples=64)
    wide = frame[frame["run"] == "q103/seed1"].pivot_table(
        index=["level", "sample"], columns="kind", values="cond"
    )
    study = ird.open_study("runs")
    by_hand = float((wide["adversarial"] > wide["control"]).mean())
    seed1 = study["q103"][1]
    assert number_of_rows(checked["H1-cond"].prediction, seed1).value == pytest.approx(by_hand)


@pytest.mark.slow
def test_the_gdsearch_plan_is_confirmatory_on_runs_that_it_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("plan", "new", "--example", "gdsearch")
    run("plan", "lock")
    time.sleep(1.1)  # runs record the second in which they begin
    said = run("plan", "check")
    assert said.exit_code == 4
    for words in commands_in(said):
        assert run(*words).exit_code == 0
    checked = ird.check_plan("plan.yaml")
    assert {each.standing for each in checked.predictions} == {"confirmatory"}
    assert checked.hypotheses == {"I1": "refuted", "I2": "supported", "I3": "undecided"}
    assert checked.success == {"answered": "not met"}
    text = Path("plan.yaml").read_text()
    Path("plan.yaml").write_text(text.replace("margin: 10%", "margin: 90%"))
    changed = ird.check_plan("plan.yaml")
    assert changed.hypotheses["I1"] == "supported"
    assert {each.standing for each in changed.predictions} == {"exploratory"}
    assert any('"10%" → "90%"' in line for line in changed.changes)


def test_a_run_that_begins_in_the_future_shows_a_wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = datetime(2026, 1, 1, tzinfo=UTC)
    start = times.Start(
        "q1/seed0", locked + timedelta(days=2), locked + timedelta(days=2), "its files say so"
    )
    monkeypatch.setattr(times, "_now", lambda: locked + timedelta(days=1))
    assert times.order_of(locked, [start]).order == "unknown"
    monkeypatch.setattr(times, "_now", lambda: locked + timedelta(days=3))
    assert times.order_of(locked, [start]).order == "before"

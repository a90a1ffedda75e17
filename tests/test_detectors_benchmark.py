"""The comparison of detectors: curves whose answers are known beforehand, and the whole of it, small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import detectors
from benchmarks.detector_curves import Example, generated, labelled
from benchmarks.detector_rules import (
    RULES,
    Rule,
    diverged,
    minimum_ratio,
    patience,
    ruptures_pelt,
    slope,
    z_score,
)
from benchmarks.detectors import compare, first_alarm, score

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]

REST = 0.01 * np.random.default_rng(3).normal(size=60)
RISE = np.concatenate([REST[:40], REST[40:] + 0.1 * np.arange(1, 21)])


def example(y: Array, onset: int | None) -> Example:
    return Example(np.arange(1.0, len(y) + 1), np.exp(y), onset)


@pytest.mark.parametrize(
    "rises",
    [
        diverged,
        lambda y: z_score(y, z=5, w=20),
        lambda y: minimum_ratio(y, r=1.5),
        lambda y: slope(y, w=10, p=1e-5),
    ],
)
def test_every_rule_sees_a_plain_rise(rises: Callable[[Array], bool]) -> None:
    found = first_alarm(Rule("one", rises, ({},)), {}, RISE)
    assert found is not None
    assert 40 <= found <= 58


def test_the_slope_is_the_one_sided_test_of_an_independent_library() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    for _ in range(50):
        y = rng.normal(size=12)
        p = float(stats.linregress(np.arange(8), y[-8:], alternative="greater").pvalue)
        for level in (0.05, 0.3):
            assert slope(y, w=8, p=level) == (p < level)


def test_patience_is_the_loop_of_its_definition() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        y, best, since, stop = rng.normal(size=60), np.inf, 0, None
        for i, value in enumerate(y):
            best, since = (value, 0) if value < best else (best, since + 1)
            if since == 7:
                stop = i
                break
        assert first_alarm(Rule("patience", patience, ()), {"k": 7}, y) == stop


def test_ruptures_finds_the_one_step_and_no_fall_is_a_rise() -> None:
    pytest.importorskip("ruptures")
    step = REST + 0.3 * (np.arange(60) >= 30)
    assert ruptures_pelt(step, c=10, r=1.05)
    assert not ruptures_pelt(-step, c=10, r=1.05)
    assert not ruptures_pelt(step[:30], c=10, r=1.05)


def test_hits_delays_and_false_alarms_are_counted_as_they_say() -> None:
    told = score(
        Rule("ratio", minimum_ratio, ()),
        {"r": 1.5},
        [
            example(RISE, 40),  # above ln 1.5 from its fifth evaluation on
            example(RISE, 55),  # an alarm before the onset is a false one, and no hit
            example(REST, None),
            example(np.where(np.arange(60) == 20, 1.0, REST), None),  # a spike
            example(REST, 30),  # a rise that is not there to be seen
        ],
    )
    assert (told.hits, told.rising, told.false_alarms, told.curves) == (1, 3, 2, 5)
    assert told.delay == pytest.approx(4, abs=1)
    assert told.wrong_at_end == 1


def test_what_is_not_finite_is_an_alarm_at_once() -> None:
    y = np.concatenate([REST[:10], [np.inf]])
    assert all(first_alarm(Rule(name, lambda y: False, ()), {}, y) == 10 for name in ("ours", "another"))


def test_a_tuned_rival_is_never_worse_than_the_usual_one_and_ours_is_not_tuned() -> None:
    examples = list(generated(3, rng=np.random.default_rng(6)))
    fast = [rule for rule in RULES if rule.rises is not ruptures_pelt]
    scores = compare(examples, fast)
    assert [one.rule for one in scores[:2]] == ["any rise", "diverged"]
    for usual, best in zip(scores[2::2], scores[3::2], strict=True):
        assert usual.rule == best.rule
        assert best.merit >= usual.merit


def test_made_curves_are_what_they_are_called() -> None:
    examples = list(generated(30, rng=np.random.default_rng(7)))
    assert [one.onset is None for one in examples] == [True] * 30 + [False] * 30
    for one in examples[30:]:
        assert one.onset is not None
        assert one.values[-3:].mean() > 1.3 * one.values[one.onset - 3 : one.onset].mean()


def test_it_runs_small_and_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ruptures")
    told = tmp_path / "told.json"
    assert detectors.main(["--generated", "2", "--json", str(told)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "generated curves"
    assert sum(line.startswith("ruptures") for line in lines) == 2
    scores = json.loads(told.read_text())["generated"]
    assert len(scores) == 2 + 2 * (len(RULES) - 2)
    assert all(one["curves"] == 4 and one["rising"] == 2 for one in scores)


def test_on_the_labelled_curves_every_divergence_is_seen_within_three_evaluations(shared: Path) -> None:
    examples = list(labelled(shared / "ired_logs", shared / "curve_labels.csv"))
    healthy = [one for one in examples if one.onset is None]
    told = score(RULES[0], {}, [*healthy[::4], *(one for one in examples if one.onset is not None)])
    assert told.rising >= 11
    assert (told.hits, told.wrong_at_end) == (told.rising, 0)
    assert told.slowest <= 3
    assert told.false_alarms <= 1

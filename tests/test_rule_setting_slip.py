"""The rule about settings out of line: slips are told, sweeps and choices are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ired_diag.open import open_study
from ired_diag.runs.run import Run
from tests.made_runs import falling, findings_of, made_run

RULE = "setting_slip"


def _run(group: str, *, inputs: int | None = None, **config: Any) -> Run:
    told = {"rank": 20, "lr": 1e-4, "batch_size": 2048, "dropout": 0.1, **config}
    provenance = {"input_dimension": inputs} if inputs else {}
    return made_run(group, config=told, provenance=provenance, val_loss=falling(20))


def _family(**odd: Any) -> list[Run]:
    others = [_run(f"q{201 + i}", mode=mode) for i, mode in enumerate(("a", "b", "a", "b"))]
    return [*others, _run("q220", mode="c", **odd)]


@pytest.mark.parametrize(("key", "value"), [("rank", 220), ("batch_size", 20488), ("rank", 270)])
def test_one_digit_too_many_is_a_warning(key: str, value: float) -> None:
    (finding,) = findings_of(RULE, _family(**{key: value}))
    assert (finding.severity, finding.evidence["key"], finding.evidence["value"]) == ("warning", key, value)
    assert finding.evidence["others"] == 4


def test_a_number_far_from_all_siblings_is_a_note() -> None:
    (finding,) = findings_of(RULE, _family(lr=0.01))
    assert (finding.severity, finding.evidence["key"]) == ("note", "lr")


def test_choices_and_sweeps_are_left_alone() -> None:
    assert findings_of(RULE, _family(rank=30)) == []
    assert findings_of(RULE, _family(rank=220, notes="a rank of 220, to see how it scales")) == []
    assert findings_of(RULE, _family(lr=0.01, description="higher lr")) == []
    sweep = [_run(f"s{rank}", mode="x", rank=rank) for rank in (10, 40, 220)]
    assert findings_of(RULE, [*_family(), *sweep]) == []
    alone = [_run(f"a{i}", seeds=1) for i in range(4)]
    assert findings_of(RULE, [*alone, _run("b", seeds=1, lr=0.01)]) == []
    assert findings_of(RULE, [_run("a"), _run("b", mode="x", rank=220)]) == []
    halves = [_run(f"h{i}", mode=str(i // 2), lr=(1e-4, 1e-2)[i % 2]) for i in range(8)]
    assert findings_of(RULE, halves) == []


def test_inputs_that_are_not_those_of_the_rank_are_a_warning() -> None:
    (finding,) = findings_of(RULE, [_run("a", inputs=48400), _run("b", inputs=400)])
    assert (finding.severity, finding.evidence["inputs"]) == ("warning", 48400)


def test_the_archives_sweep_of_rank_220_is_told_with_the_inputs_of_its_log(shared: Path) -> None:
    for folders in (["ired_logs_2"], ["ired_logs", "ired_logs_2"]):
        found = findings_of(RULE, open_study([shared / folder for folder in folders]).runs)
        (slip,) = [finding for finding in found if finding.severity == "warning"]
        assert (slip.evidence["key"], slip.evidence["value"], slip.evidence["inputs"]) == ("rank", 220, 48400)

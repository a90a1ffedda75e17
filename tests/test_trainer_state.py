"""Hugging Face's trainer_state.json: intact, torn and damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers import trainer_state
from ired_diag.readers.scalar_log import ScalarLog

ENTRIES: list[dict[str, Any]] = [
    {"epoch": 0.5, "grad_norm": 1.25, "learning_rate": 5e-05, "loss": 2.5, "step": 50},
    {"epoch": 1.0, "grad_norm": 1.5, "learning_rate": 4e-05, "loss": 2.25, "step": 100},
    {"epoch": 1.0, "eval_loss": 2.0, "eval_runtime": 3.5, "step": 100},
    {"epoch": 1.5, "grad_norm": float("nan"), "learning_rate": 3e-05, "loss": 2.0, "step": 150},
]
STATE = {
    "best_metric": 2.0,
    "global_step": 150,
    "log_history": ENTRIES,
    "max_steps": 300,
    "stateful_callbacks": {"TrainerControl": {"args": {"should_log": False}, "attributes": {}}},
}
TEXT = json.dumps(STATE, indent=2) + "\n"
LOSS = [(50, 2.5), (100, 2.25), (150, 2.0)]
LAST = TEXT.index('    {\n      "epoch": 1.5')


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "trainer_state.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def pairs(log: ScalarLog, name: str) -> list[tuple[int, float]]:
    points = log.points[name]
    return list(zip(points.steps.tolist(), points.values.tolist(), strict=True))


def test_an_intact_file_tells_its_metrics_and_how_far_training_came(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    assert trainer_state.accepts(path)
    log = trainer_state.read(path)
    assert pairs(log, "loss") == LOSS
    assert pairs(log, "eval_loss") == [(100, 2.0)]
    assert sorted(log.points) == sorted({k for e in ENTRIES for k in e} - {"step"})
    assert (log.told["max_steps"], log.told["global_step"]) == (300, 150)
    assert (log.damaged, log.torn_tail) == ((), False)


def test_a_file_of_another_name_is_known_by_what_it_begins_with(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(TEXT)
    assert trainer_state.accepts(path)
    path.write_text('{"step": 1, "loss": 2}\n')
    assert not trainer_state.accepts(path)


def test_a_torn_file_names_the_switch_and_is_read_to_its_last_whole_entry(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT[: LAST + 30])
    with pytest.raises(UnreadableFile, match=r"allow_torn_tail=True .*--allow-torn-tail"):
        trainer_state.read(path)
    log = trainer_state.read(path, allow_torn_tail=True)
    assert (pairs(log, "loss"), log.torn_tail, log.damaged) == (LOSS[:2], True, ())


def test_a_file_cut_anywhere_is_torn(tmp_path: Path) -> None:
    for cut in range(TEXT.index("[") + 1, len(TEXT.rstrip())):
        log = trainer_state.read(written(tmp_path, TEXT[:cut]), allow_torn_tail=True)
        assert (cut, log.torn_tail, log.damaged) == (cut, True, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"loss": 2.25', '"loss": 2.x5'),
        ('"loss": 2.25', '"loss" 2.25'),
        ('"step": 100\n    }', '"step": 100\n    ?'),
    ],
)
def test_a_damaged_entry_is_skipped_and_counted(tmp_path: Path, old: str, new: str) -> None:
    log = trainer_state.read(written(tmp_path, TEXT.replace(old, new, 1)))
    assert (pairs(log, "loss"), len(log.damaged), log.torn_tail) == ([LOSS[0], LOSS[2]], 1, False)


def test_a_comma_turned_into_a_bracket_does_not_end_the_list(tmp_path: Path) -> None:
    log = trainer_state.read(written(tmp_path, TEXT.replace("},\n    {", "}]\n    {", 1)))
    assert pairs(log, "loss") == LOSS
    assert len(log.damaged) == 1


def test_damage_after_the_list_is_counted_too(tmp_path: Path) -> None:
    log = trainer_state.read(written(tmp_path, TEXT.replace('"max_steps": 300', '"max_steps": 3x0')))
    assert (pairs(log, "loss"), len(log.damaged)) == (LOSS, 1)


def test_entries_that_are_none_are_counted(tmp_path: Path) -> None:
    content = json.dumps({"log_history": [1, {"loss": 1}, {"step": 1, "loss": 2}, {"step": "x", "loss": 2}]})
    log = trainer_state.read(written(tmp_path, content))
    assert [damage.where for damage in log.damaged] == [1, 2, 4]
    assert pairs(log, "loss") == [(1, 2.0)]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"log_history": 3}', "{" * 200_000])
def test_a_file_without_the_list_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(UnreadableFile, match="log_history"):
        trainer_state.read(written(tmp_path, content), allow_torn_tail=True)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        trainer_state.read(tmp_path / "none.json")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TEXT) - 2), st.integers(0, 255))
def test_a_flipped_byte_costs_at_most_the_entries_beside_it(
    tmp_path_factory: pytest.TempPathFactory, at: int, to: int
) -> None:
    content = bytearray(TEXT.encode())
    content[at] = to
    path = written(tmp_path_factory.mktemp("flips"), bytes(content))
    trainer_state.accepts(path)
    try:
        log = trainer_state.read(path, allow_torn_tail=True)
    except DiagError:
        assert at < TEXT.index("[") + 1
        return
    found = sum(len(points) for points in log.points.values())
    lost = sum(len(entry) - 1 for entry in ENTRIES) - found
    assert lost <= 2 * max(len(entry) - 1 for entry in ENTRIES)
    if lost > 1:
        assert log.damaged or log.torn_tail


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("bytes"), b'{"log_history": [{"step": 1, "x": 1},' + content)
    log = trainer_state.read(path, allow_torn_tail=True)
    assert log.damaged or log.torn_tail

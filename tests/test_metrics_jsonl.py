"""Metrics as JSON lines: what is told is read, what is damaged is counted."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers import metrics_jsonl
from ired_diag.readers.scalar_log import ScalarLog
from ired_diag.runs.history import read_history

SOUND = "".join(json.dumps({"step": s, "attempt": 1, "loss": 1 / (s + 1)}) + "\n" for s in range(0, 50, 10))


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "metrics.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


def told(log: ScalarLog) -> dict[str, list[tuple[int, float]]]:
    return {n: list(zip(p.steps.tolist(), p.values.tolist(), strict=True)) for n, p in log.points.items()}


def test_numbers_are_metrics_and_objects_within_are_told_with_a_slash(tmp_path: Path) -> None:
    path = written(
        tmp_path, '{"step": 1, "loss": 2, "eval": {"mse": 0.5, "by": {"t0": 1}}, "note": "x", "k": null}\n'
    )
    assert metrics_jsonl.accepts(path)
    log = metrics_jsonl.read(path)
    assert told(log) == {"loss": [(1, 2.0)], "eval/mse": [(1, 0.5)], "eval/by/t0": [(1, 1.0)]}
    assert (log.left_out, log.damaged) == ({"note": 1}, ())


def test_nan_and_infinity_are_data_as_words_and_as_texts(tmp_path: Path) -> None:
    lines = ['{"_step": 0, "x": NaN, "y": "NaN"}', '{"_step": 1, "x": -Infinity, "y": "-Infinity"}']
    log = metrics_jsonl.read(written(tmp_path, "\n".join(lines) + "\n"))
    for name in ("x", "y"):
        first, second = log.points[name].values.tolist()
        assert math.isnan(first)
        assert second == -math.inf


def test_the_programs_own_history_is_read_alike(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND)
    own, log = read_history(path), metrics_jsonl.read(path)
    assert own.series["loss"].values.tolist() == log.history.series["loss"].values.tolist()
    assert own.series["loss"].steps.tolist() == log.history.series["loss"].steps.tolist()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "not a JSON object"),
        ("[1]", "expected an object"),
        ('{"step": 1, "step": 2}', "twice"),
        ('{"loss": 1}', "no 'step'"),
        ('{"step": 1.5, "loss": 1}', "not a whole number"),
        ('{"step": true, "loss": 1}', "not a whole number"),
        ('{"step": null, "loss": 1}', "not a whole number"),
        ('{"step": 1, "loss": 1' + "0" * 400 + "}", "too large"),
        ('{"step": 1, "loss": ' + "[" * 64 + "]" * 64 + "}", "nested 65 levels deep"),
        ('{"step": 1' + "0" * 5000 + "}", "JSON"),
    ],
)
def test_a_damaged_line_is_skipped_and_counted(tmp_path: Path, line: str, reason: str) -> None:
    log = metrics_jsonl.read(
        written(tmp_path, f'{{"step": 0, "loss": 1}}\n{line}\n{{"step": 2, "loss": 3}}\n')
    )
    assert [damage.where for damage in log.damaged] == [2]
    assert reason in log.damaged[0].reason
    assert told(log) == {"loss": [(0, 1.0), (2, 3.0)]}


def test_a_torn_tail_names_the_line_and_the_switch(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND + '{"step": 50, "lo')
    with pytest.raises(UnreadableFile, match=r"jsonl:6: .*\"lo'.*allow_torn_tail=True .*--allow-torn-tail"):
        metrics_jsonl.read(path)
    log = metrics_jsonl.read(path, allow_torn_tail=True)
    assert (log.torn_tail, log.damaged, len(log.points["loss"])) == (True, (), 5)


def test_a_last_line_without_a_newline_that_is_an_object_is_whole(tmp_path: Path) -> None:
    log = metrics_jsonl.read(written(tmp_path, SOUND.rstrip()))
    assert (log.torn_tail, len(log.points["loss"])) == (False, 5)


def test_a_name_that_cannot_be_printed_is_mended(tmp_path: Path) -> None:
    log = metrics_jsonl.read(written(tmp_path, '{"step": 1, "\\ud800": 1}\n'))
    assert list(log.points) == ["\\ud800"]


def test_steps_are_counted_by_the_known_key_or_the_chosen_one(tmp_path: Path) -> None:
    path = written(tmp_path, '{"epoch": 1, "trainer/global_step": 7, "batch": 70, "loss": 0.5}\n')
    assert told(metrics_jsonl.read(path))["loss"] == [(7, 0.5)]
    assert told(metrics_jsonl.read(path, step="batch"))["loss"] == [(70, 0.5)]
    with pytest.raises(UnreadableFile, match="counts steps"):
        metrics_jsonl.read(written(tmp_path, '{"loss": 1}\n'))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"text\n", b"[1]\n"])
def test_a_file_without_an_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    assert not metrics_jsonl.accepts(path)
    with pytest.raises(UnreadableFile, match="found none"):
        metrics_jsonl.read(path)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), max_size=4),
    st.integers(0, len(SOUND)),
)
def test_lines_that_were_not_hit_are_read_unchanged(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(SOUND.encode())
    hit = {SOUND.count("\n", 0, at) for at, _ in flips}
    for at, to in flips:
        content[at] = to
    path = written(tmp_path_factory.mktemp("flips"), bytes(content[:cut]))
    metrics_jsonl.accepts(path)
    try:
        log = metrics_jsonl.read(path, allow_torn_tail=True)
    except DiagError:
        return
    expected = {(10 * i, 1 / (10 * i + 1)) for i in range(SOUND.count("\n", 0, cut)) if i not in hit}
    joined = {(10 * (i + 1), 1 / (10 * (i + 1) + 1)) for i in hit}  # a lost newline joins the next line
    assert expected - joined <= set(told(log).get("loss", []))
    if not flips:
        assert not log.damaged


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("bytes"), b'{"step": 1, "x": 1}\n' + content)
    log = metrics_jsonl.read(path, allow_torn_tail=True)
    lines = sum(bool(line.strip()) for line in content.split(b"\n"))
    assert len(log.damaged) + log.torn_tail + len(log.points["x"]) - 1 >= lines - content.count(b"{")

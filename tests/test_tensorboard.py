"""Event files against an encoder written here from the wire format, bit by bit; one run in four formats."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.readers import metrics_csv, metrics_jsonl, tensorboard, trainer_state
from ired_diag.readers.scalar_log import ScalarLog
from tests.event_files import (
    NAME,
    VERSION,
    Encode,
    double,
    event,
    message,
    number,
    record,
    simple,
    tensor,
    varint,
    written,
)

NAN, INF = math.nan, math.inf


def told(log: ScalarLog) -> dict[str, list[tuple[int, float]]]:
    return {n: list(zip(p.steps.tolist(), p.values.tolist(), strict=True)) for n, p in log.points.items()}


STEPS = [0, 1, 127, 128, 300, 2**31, 2**53 + 1, 2**63 - 1]


@pytest.mark.parametrize("encode", [simple, double], ids=["simple value", "tensor"])
def test_scalars_of_both_kinds_are_read_whole(tmp_path: Path, encode: Encode) -> None:
    path = written(tmp_path, *(event(s, encode("a/b", s % 7 + 0.5), encode("ü", -1.0)) for s in STEPS))
    assert tensorboard.accepts(path)
    log = tensorboard.read(path)
    assert told(log) == {"a/b": [(s, s % 7 + 0.5) for s in STEPS], "ü": [(s, -1.0) for s in STEPS]}
    assert (log.damaged, log.torn_tail, log.left_out, log.attempts) == ((), False, {}, 1)


@pytest.mark.parametrize("step", [-1, -(2**63), -128])
def test_a_negative_step_is_told_in_ten_bytes_and_read_back(tmp_path: Path, step: int) -> None:
    assert told(tensorboard.read(written(tmp_path, event(step, simple("x", 2.0))))) == {"x": [(step, 2.0)]}


def test_a_step_that_is_not_told_is_zero(tmp_path: Path) -> None:
    assert told(tensorboard.read(written(tmp_path, event(None, simple("x", 2.0))))) == {"x": [(0, 2.0)]}


@pytest.mark.parametrize("encode", [simple, double])
def test_nan_and_infinity_are_data(tmp_path: Path, encode: Encode) -> None:
    path = written(tmp_path, *(event(i, encode("x", v)) for i, v in enumerate([NAN, INF, -INF, -0.0])))
    values = tensorboard.read(path).points["x"].values
    np.testing.assert_array_equal(values, [NAN, INF, -INF, -0.0])
    assert np.signbit(values[3])


TENSORS: dict[str, tuple[Encode, float]] = {
    "float, listed": (tensor(1, b"\x2d" + struct.pack("<f", 1.5)), 1.5),
    "float, packed": (tensor(1, message(5, struct.pack("<f", 1.5))), 1.5),
    "float, content": (tensor(1, message(4, struct.pack("<f", 1.5))), 1.5),
    "double, listed": (tensor(2, b"\x31" + struct.pack("<d", 0.1)), 0.1),
    "double, packed": (tensor(2, message(6, struct.pack("<d", 0.1))), 0.1),
    "int32, listed": (tensor(3, number(7, -5)), -5),
    "int32, packed": (tensor(3, message(7, varint(-5))), -5),
    "int64, listed": (tensor(9, number(10, -(2**40))), -(2**40)),
    "int64, packed": (tensor(9, message(10, varint(2**40))), 2**40),
    "int64, content": (tensor(9, message(4, struct.pack("<q", -7))), -7),
    "uint64": (tensor(23, number(17, 2**63 + 2**40)), 2**63 + 2**40),
    "bool": (tensor(10, number(11, 1)), 1),
    "half, listed": (tensor(19, number(13, 0x3E00)), 1.5),
    "half, content": (tensor(19, message(4, struct.pack("<e", 1.5))), 1.5),
    "bfloat16": (tensor(14, number(13, 0x3FC0)), 1.5),
    "bfloat16, content": (tensor(14, message(4, b"\xc0\x3f")), 1.5),
    "no shape": (tensor(2, message(6, struct.pack("<d", 0.1)), shape=None), 0.1),
    "shape (1, 1)": (tensor(2, message(6, struct.pack("<d", 0.1)), shape=message(2, number(1, 1)) * 2), 0.1),
    "no value is zero": (tensor(1, b""), 0.0),
    "no plugin": (tensor(1, message(5, struct.pack("<f", 1.5)), plugin=""), 1.5),
}


@pytest.mark.parametrize(("encode", "value"), TENSORS.values(), ids=TENSORS)
def test_a_tensor_of_one_number_is_a_scalar(tmp_path: Path, encode: Encode, value: float) -> None:
    log = tensorboard.read(written(tmp_path, event(7, encode("x", NAN))))
    assert told(log) == {"x": [(7, value)]}
    assert log.damaged == ()


OTHERS: dict[str, Encode] = {
    "two numbers": tensor(1, message(5, bytes(8)), shape=message(2, number(1, 2))),
    "no number": tensor(1, b"", shape=message(2, number(1, 0))),
    "text": tensor(7, message(8, b"hello"), plugin="text"),
    "another plugin's number": tensor(1, message(5, bytes(4)), plugin="hparams"),
    "histogram": lambda tag, value: message(1, tag.encode()) + message(5, bytes([9]) + bytes(8)),
}


@pytest.mark.parametrize("encode", OTHERS.values(), ids=OTHERS)
def test_what_is_no_scalar_is_left_out_by_name(tmp_path: Path, encode: Encode) -> None:
    log = tensorboard.read(written(tmp_path, event(1, encode("other", 0.0), simple("x", 1.0))))
    assert told(log) == {"x": [(1, 1.0)]}
    assert (log.left_out, log.damaged) == ({"other": 1}, ())


def test_a_plugin_named_once_claims_the_later_events_of_its_tag(tmp_path: Path) -> None:
    bare = message(1, b"pr") + message(8, number(1, 1) + message(5, bytes(4)))
    first = tensor(1, message(5, bytes(4)), plugin="pr_curves")("pr", 0.0)
    log = tensorboard.read(written(tmp_path, event(1, first), event(2, bare)))
    assert (told(log), log.left_out) == ({}, {"pr": 2})


MALFORMED = {
    "runs over": message(5, b"")[:-1] + b"\x7f",
    "number without an end": b"\x10" + b"\xff" * 11,
    "unknown wire type": b"\x13",
    "short tensor": message(5, message(1, tensor(2, message(4, bytes(4)))("x", 0.0))),
    "too many values": message(5, message(1, tensor(1, message(5, bytes(8)))("x", 0.0))),
    "float of five bytes": message(5, message(1, tensor(1, message(5, bytes(5)))("x", 0.0))),
    "half of seventeen bits": message(5, message(1, tensor(19, number(13, 2**16))("x", 0.0))),
    "no field number": b"\x05" + bytes(4),
    "no tag": message(5, message(1, b"\x15" + bytes(4))),
    "cut in a double": b"\x09" + bytes(4),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_record_that_is_no_event_is_skipped_and_counted(tmp_path: Path, data: bytes) -> None:
    good = event(1, simple("x", 1.0))
    log = tensorboard.read(written(tmp_path, good, record(data), event(2, simple("x", 2.0))))
    assert told(log) == {"x": [(1, 1.0), (2, 2.0)]}
    assert [damage.where for damage in log.damaged] == [len(VERSION) + len(good)]
    assert [finding.rule for finding in log.findings] == ["damaged_records"]


def test_a_step_back_begins_an_attempt_and_the_last_one_wins(tmp_path: Path) -> None:
    steps, values = [1, 2, 3, 2, 3, 4, 4], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    log = tensorboard.read(written(tmp_path, *map(event, steps, map(double, ["x"] * 7, values))))
    assert log.points["x"].attempts.tolist() == [1, 1, 1, 2, 2, 2, 2]
    assert log.points["x"].values.tolist() == values
    series = log.history.series["x"]
    assert (series.steps.tolist(), series.values.tolist()) == ([1, 2, 3, 4], [0.9, 0.6, 0.5, 0.3])
    assert [(row.attempt, row.step, row.values["x"]) for row in log.rows][3:] == [
        (2, 2, 0.6),
        (2, 3, 0.5),
        (2, 4, 0.3),
    ]


def test_two_metrics_that_count_apart_do_not_restart_each_other(tmp_path: Path) -> None:
    pairs = [event(100 * i, simple("loss", 1.0)) + event(i, simple("epoch/loss", 1.0)) for i in range(5)]
    assert tensorboard.read(written(tmp_path, *pairs)).attempts == 1


def test_files_of_a_folder_are_one_run_in_the_order_of_their_start(tmp_path: Path) -> None:
    late = [event(s, double("x", -s), wall_time=2e9) for s in (2, 3)]
    (tmp_path / "a.tfevents").write_bytes(b"".join(late))
    early = [event(s, double("x", s), wall_time=1e9) for s in (1, 2)]
    (tmp_path / "b.tfevents").write_bytes(b"".join(early))
    (tmp_path / "c.tfevents").write_bytes(b"")  # killed before it wrote
    (tmp_path / "notes.txt").write_text("no event file")
    log = tensorboard.read(tmp_path)
    assert told(log) == {"x": [(1, 1.0), (2, 2.0), (2, -2.0), (3, -3.0)]}
    assert log.history.series["x"].values.tolist() == [1.0, -2.0, -3.0]


def test_damage_in_one_of_several_files_names_the_file(tmp_path: Path) -> None:
    written(tmp_path, event(1, simple("x", 1.0)), name="tfevents.1")
    bad = written(tmp_path, event(2, simple("x", 1.0)), name="tfevents.2")
    bad.write_bytes(bad.read_bytes()[:-1] + b"?")
    log = tensorboard.read(tmp_path)
    assert [(d.file, d.where) for d in log.damaged] == [("tfevents.2", len(VERSION))]
    assert told(log) == {"x": [(1, 1.0)]}


def test_a_torn_tail_names_the_byte_and_the_switch(tmp_path: Path) -> None:
    path = written(tmp_path, event(1, simple("x", 1.0)))
    at = path.stat().st_size
    path.write_bytes(path.read_bytes() + event(2, simple("x", 2.0))[:-3])
    with pytest.raises(UnreadableFile, match=f"byte {at} .*allow_torn_tail=True .*--allow-torn-tail"):
        tensorboard.read(path)
    log = tensorboard.read(path, allow_torn_tail=True)
    assert (told(log), log.torn_tail, log.damaged) == ({"x": [(1, 1.0)]}, True, ())
    assert [finding.rule for finding in log.findings] == ["torn_tail"]


def test_what_is_no_event_file_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with pytest.raises(UnreadableFile, match="cannot be read"):
        tensorboard.read(path)
    with pytest.raises(UnreadableFile, match="expected event files"):
        tensorboard.read(tmp_path)
    for content in (b"", b"not a record, but long enough to hold one"):
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match="no intact record"):
            tensorboard.read(path)
    other = tmp_path / "log.txt"
    other.write_bytes(b"Job started at")
    assert not tensorboard.accepts(other)
    other.write_bytes(VERSION)
    assert tensorboard.accepts(other)


EVENTS = [(s, t, s * 0.25 + len(t)) for s in range(6) for t in ("loss", "val/loss")]
SOUND = VERSION + b"".join(event(s, (simple if s % 2 else double)(t, v)) for s, t, v in EVENTS)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(1, 255)), max_size=5),
    st.one_of(st.none(), st.integers(0, len(SOUND))),
)
def test_flipped_and_cut_files_tell_no_wrong_number_and_count_what_is_lost(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], cut: int | None
) -> None:
    content = bytearray(SOUND)
    for at, to in flips:
        content[at] ^= to
    path = tmp_path_factory.mktemp("flips") / NAME
    path.write_bytes(content[:cut])
    try:
        log = tensorboard.read(path, allow_torn_tail=True)
    except DiagError:
        return
    found = {(s, n, v) for n, pairs in told(log).items() for s, v in pairs}
    assert found <= set(EVENTS)
    whole = cut is None or cut == len(SOUND)
    if len(found) < len(EVENTS) and whole:
        assert log.damaged or log.torn_tail
    assert len(log.findings) == bool(log.damaged) + log.torn_tail


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_bytes_in_a_sound_record_are_an_event_or_counted(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, depth: int
) -> None:
    for field in (8, 1, 5)[3 - depth :]:
        data = message(field, data) if field != 1 else message(1, message(1, b"x") + data)
    path = written(tmp_path_factory.mktemp("bytes"), record(data), event(1, simple("good", 1.0)))
    log = tensorboard.read(path)
    assert told(log)["good"][-1] == (1, 1.0)
    assert len(log.damaged) <= 1


# One run in four formats.

Run = dict[str, list[tuple[int, float]]]

RUN: Run = {
    "loss": [(s, 2.0 * math.exp(-s / 300) + 0.1) for s in range(0, 1000, 50)] + [(1000, NAN), (1050, INF)],
    "eval/loss": [(s, 1.0 / (s + 3)) for s in range(0, 1000, 200)],
}


def entries_of(run: Run) -> list[dict[str, float]]:
    steps = sorted({step for pairs in run.values() for step, _ in pairs})
    return [{"step": s} | {n: v for n, pairs in run.items() for at, v in pairs if at == s} for s in steps]


def as_events(folder: Path, run: Run) -> ScalarLog:
    points = [(step, name, value) for name, pairs in run.items() for step, value in pairs]
    return tensorboard.read(written(folder, *(event(s, double(n, v)) for s, n, v in sorted(points))))


def as_csv(folder: Path, run: Run) -> ScalarLog:
    names: Sequence[str] = ("step", *run)
    lines = [",".join(names), *(",".join(str(e.get(n, "")) for n in names) for e in entries_of(run))]
    path = folder / "metrics.csv"
    path.write_text("\n".join(lines) + "\n")
    return metrics_csv.read(path)


def as_jsonl(folder: Path, run: Run) -> ScalarLog:
    path = folder / "metrics.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries_of(run)))
    return metrics_jsonl.read(path)


def as_trainer_state(folder: Path, run: Run) -> ScalarLog:
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"global_step": 1050, "log_history": entries_of(run)}, indent=2))
    return trainer_state.read(path)


@pytest.mark.parametrize("write", [as_events, as_csv, as_jsonl, as_trainer_state])
def test_one_run_told_in_four_formats_gives_the_same_numbers(
    tmp_path: Path, write: Callable[[Path, Run], ScalarLog]
) -> None:
    log = write(tmp_path, RUN)
    assert (log.damaged, log.torn_tail, log.left_out, log.attempts) == ((), False, {}, 1)
    series = log.history.series
    assert set(series) == set(RUN)
    for name, pairs in RUN.items():
        steps, values = zip(*sorted(pairs), strict=True)
        assert series[name].steps.tolist() == list(steps)
        np.testing.assert_array_equal(series[name].values, values)

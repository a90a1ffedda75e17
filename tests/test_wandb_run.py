"""wandb's own files: framing, damage, live tails, typed values, names."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import wandb_run
from ired_diag.readers.wandb_store import find_records
from tests.event_files import message, number, varint

KEPT = Path(__file__).parent / "formats/wandb/offline-run-20261101_100000-toyrun0/run-toyrun0.wandb"
HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 32768


def framed(records: Sequence[bytes]) -> bytes:
    """Return a file of records: written from LevelDB's text on its log format."""
    content = bytearray(HEADER)
    for record in records:
        begin = True
        while True:
            room = BLOCK - len(content) % BLOCK
            if room < 7:
                content += bytes(room)
                continue
            data, record = record[: room - 7], record[room - 7 :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[begin, not record]
            content += struct.pack("<IHB", zlib.crc32(bytes([kind]) + data), len(data), kind) + data
            begin = False
            if not record:
                break
    return bytes(content)


def item(name: str, value: str) -> bytes:
    return message(1, message(2, name.encode()) + message(16, value.encode()))


def history(step: int, **values: str) -> bytes:
    items = b"".join(item(name, value) for name, value in values.items())
    return message(2, items + message(2, number(1, step)))


def run_record(**texts: str) -> bytes:
    numbers = {"id": 1, "project": 3, "group": 6, "name": 8}
    return message(17, b"".join(message(numbers[key], text.encode()) for key, text in texts.items()))


def written(folder: Path, records: Sequence[bytes], name: str = "run-abc") -> Path:
    path = folder / f"{name}.wandb"
    path.write_bytes(framed(records))
    return path


def test_records_of_any_length_come_back_across_blocks() -> None:
    rng = np.random.default_rng(0)
    lengths = [0, 1, 32754, 32755, 32761, 32762, 100_000, *rng.integers(0, 40_000, 30).tolist()]
    records = [rng.integers(0, 256, length, dtype=np.uint8).tobytes() for length in lengths]
    stored = find_records(framed(records))
    assert [record for _, record in stored.records] == records
    assert (stored.damaged, stored.torn_at) == ([], None)


def test_a_live_file_is_read_to_its_last_whole_record() -> None:
    content = KEPT.read_bytes()
    whole = [place for place, _ in find_records(content).records]
    for end in range(len(HEADER), len(content), 13):
        stored = find_records(content[:end])
        expected = [
            place
            for place, following in zip(whole, [*whole[1:], len(content)], strict=True)
            if following <= end
        ]
        assert [place for place, _ in stored.records] == expected
        assert stored.damaged == []
        is_torn = end not in (*whole, len(HEADER))
        assert (stored.torn_at is not None) == is_torn


def test_a_torn_tail_is_an_error_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "run-x.wandb"
    path.write_bytes(KEPT.read_bytes()[:5000])
    with pytest.raises(UnreadableFile, match="half-written one from byte"):
        wandb_run.read(path)
    log = wandb_run.read(path, allow_torn_tail=True)
    assert log.torn_tail
    assert 3 < len(log.points["loss"]) < 20


@pytest.mark.parametrize("place", [9, 2000, 6000])
def test_a_flipped_byte_costs_its_record_and_is_counted(place: int, tmp_path: Path) -> None:
    content = bytearray(KEPT.read_bytes())
    before = find_records(bytes(content)).records
    content[place] ^= 0x55
    stored = find_records(bytes(content))
    assert len(stored.records) == len(before) - 1
    assert len(stored.damaged) == 1
    assert stored.damaged[0].where <= place


def test_a_damaged_length_is_passed_by_looking_for_the_next_record() -> None:
    content = bytearray(framed([b"a" * 50, b"b" * 50, b"c" * 50]))
    content[7 + 4 : 7 + 6] = b"\xff\x7f"
    stored = find_records(bytes(content))
    assert [record for _, record in stored.records] == [b"b" * 50, b"c" * 50]
    assert "57 bytes" in stored.damaged[0].reason


@pytest.mark.parametrize("byte", [b"\0", b"\x01", b"\x02", b"\xff"])
def test_a_file_of_one_byte_repeated_ends_soon(byte: bytes) -> None:
    stored = find_records(HEADER + byte * 4_000_000)
    assert stored.records == []


def test_numbers_are_read_from_json_and_from_typed_fields(tmp_path: Path) -> None:
    typed = [
        message(1, message(1, b"double") + bytes([8 * 6 + 1]) + struct.pack("<d", -2.5)),
        message(1, message(1, b"whole") + varint(8 * 5) + varint(2 * 7 - 1)),
        message(1, message(1, b"truth") + varint(8 * 4) + varint(1)),
        message(1, message(1, b"text") + message(7, b"word")),
        item("nan", "NaN"),
        item("minus", "-Infinity"),
        message(1, message(1, b"old") + message(16, b'{"mse": 0.5, "word": "x"}')),
    ]
    path = written(tmp_path, [message(2, b"".join(typed)), history(4, nan="1.5")])
    log = wandb_run.read(path)
    assert {name: points.values.tolist()[-1] for name, points in log.points.items()} == {
        "double": -2.5,
        "whole": -7.0,
        "nan": 1.5,
        "minus": -np.inf,
        "old/mse": 0.5,
    }
    assert np.isnan(log.points["nan"].values[0])
    assert log.points["nan"].steps.tolist() == [0, 4]
    assert log.left_out == {"truth": 1, "text": 1, "old/word": 1}


def test_a_name_of_ten_thousand_parts_is_damage_and_no_deep_recursion(tmp_path: Path) -> None:
    deep = message(3, message(1, b"".join([message(2, b"a")] * 10_000) + message(16, b"1")))
    log = wandb_run.read(written(tmp_path, [deep, history(1, loss="0.5")]))
    assert len(log.damaged) == 1


@pytest.mark.parametrize(
    ("code", "state"), [(0, "complete"), (1, "failed"), (255, "cancelled"), (None, "cut_off")]
)
def test_the_ending_is_what_the_exit_record_says(code: int | None, state: str, tmp_path: Path) -> None:
    records = [history(1, loss="0.5")]
    if code is not None:
        records.append(message(18, number(1, code)))
    written(tmp_path, records)
    (run,) = open_study(tmp_path).runs
    assert run.ending.state == state


def test_runs_without_a_name_are_variants_of_their_project(tmp_path: Path) -> None:
    for place, rate in enumerate(("0.1", "0.1", "0.2")):
        config = message(5, item("lr", rate) + item("seed", str(place % 2)))
        record = [run_record(id=f"id{place}", project="toy"), config, history(1, loss="0.5")]
        written(tmp_path, record, f"run-id{place}")
    labels = {run.label for run in open_study(tmp_path).runs}
    assert labels == {"toy@lr=0.1/seed0", "toy@lr=0.1/seed1", "toy@lr=0.2/seed0"}


def test_names_that_the_user_chose_are_experiments(tmp_path: Path) -> None:
    for name in ("baseline-seed0", "baseline-seed1", "mined-seed0", "mined-seed1"):
        written(tmp_path, [run_record(name=name, project="toy"), history(1, loss="0.5")], f"run-{name}")
    groups = {run.group for run in open_study(tmp_path).runs}
    assert groups == {"baseline", "mined"}


def test_a_folder_from_the_server_gives_its_summary_and_configuration(tmp_path: Path) -> None:
    files = tmp_path / "run-20261101_100000-abcd1234/files"
    files.mkdir(parents=True)
    (files / "wandb-summary.json").write_text(
        '{"_step": 90, "eval": {"mse": 0.25}, "acc": NaN, "_runtime": 3}'
    )
    (files / "config.yaml").write_text(
        "wandb_version: 1\nlr:\n  desc: null\n  value: 0.1\nseed:\n  value: 3\n"
    )
    (files / "wandb-metadata.json").write_text('{"host": "h"}')
    (run,) = open_study(tmp_path).runs
    assert (run.seed, run.configuration) == (3, {"lr": 0.1, "seed": 3})
    assert run.history.series["eval/mse"].steps.tolist() == [90]
    assert any(note.rule == "only_a_summary" for note in run.findings)


def test_what_stands_next_to_a_run_is_not_listed_as_unread(tmp_path: Path) -> None:
    folder = tmp_path / "wandb/offline-run-20261101_100000-abc"
    (folder / "logs").mkdir(parents=True)
    (folder / "files").mkdir()
    written(folder, [history(1, loss="0.5")])
    (folder / "files/wandb-summary.json").write_text('{"loss": 0.5}')
    (folder / "files/output.log").write_text("step 1 loss 0.5\n")
    (folder / "logs/debug-internal.log").write_text('{"time": 1, "level": "INFO"}\n')
    (tmp_path / "wandb/debug.log").write_text("x\n")
    study = open_study(tmp_path)
    assert len(study.runs) == 1
    assert study.skipped == ()

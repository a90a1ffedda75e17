"""The catalog reads what has changed, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.dashboard.catalog import Catalog
from app.dashboard.following import Follower
from app.dashboard.history_cache import HistoryCache, ReadFile, cache_folder, pack, unpack
from ired_diag.open import open_study
from ired_diag.runs.fingerprints import Fingerprint
from ired_diag.runs.history import History, Row, read_history, to_jsonl
from ired_diag.verdict import verdict_of

LogWriter = Callable[..., Path]


def write_run(root: Path, name: str = "q900", seed: int = 0, rows: Iterable[Row] = ()) -> Path:
    folder = root / name / f"seed{seed}"
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": name, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(told))
    rows = rows or [Row(100 * i, {"validation/mse": 1 / i, "loss": 2.0 / i}) for i in range(1, 40)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder


def append(folder: Path, *rows: Row) -> None:
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(to_jsonl(rows))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for seed in range(3):
        write_run(tmp_path / "runs", seed=seed)
    return tmp_path / "runs"


@pytest.mark.slow
def test_it_tells_what_open_study_tells(shared: Path) -> None:
    logs = shared / "ired_logs"
    told, snapshot = open_study(logs), Catalog(logs).refresh()
    assert snapshot.study == told
    assert [e.run.label for e in snapshot.entries.values()] == [run.label for run in told.runs]
    assert [e.verdict for e in snapshot.entries.values()] == [verdict_of(run) for run in told.runs]


def test_unchanged_files_are_not_parsed_again(three: Path) -> None:
    catalog = Catalog(three)
    first = catalog.refresh()
    assert (len(first.entries), catalog.reader.parses, first.version) == (3, 3, 1)
    for _ in range(3):
        again = catalog.refresh()
    assert (catalog.reader.parses, again.version) == (3, 1)
    assert again.updated >= first.updated
    assert all(again.entries[id] is entry for id, entry in first.entries.items())


def test_only_the_run_that_grew_is_read_and_only_its_new_lines(three: Path) -> None:
    catalog = Catalog(three)
    first = catalog.refresh()
    append(three / "q900" / "seed1", Row(9900, {"validation/mse": 0.25}))
    second = catalog.refresh()
    assert (catalog.reader.follower.parsed, catalog.reader.follower.appended, second.version) == (3, 1, 2)
    changed = [id for id, entry in second.entries.items() if entry is not first.entries[id]]
    assert [second.entries[id].run.seed for id in changed] == [1]
    assert second.entries[changed[0]].verdict.last == 0.25


def test_foreign_logs_are_parsed_once_and_again_when_they_grow(write_log: LogWriter) -> None:
    paths = [write_log(job, seed=job) for job in (1, 2, 3)]
    catalog = Catalog(paths[0].parent)
    catalog.refresh()
    catalog.refresh()
    assert catalog.reader.parses == 3
    with paths[0].open("a") as file:
        file.write("one more line\n")
    assert catalog.refresh().version == 2
    assert catalog.reader.parses == 4


def test_a_damaged_log_is_not_read_again_and_again(write_log: LogWriter) -> None:
    folder = write_log(1).parent
    (folder / "broken.json").write_text("{")
    catalog = Catalog(folder)
    catalog.refresh()
    parses = catalog.reader.parses
    write_log(2, seed=1)
    assert len(catalog.refresh().study.skipped) == 1
    assert catalog.reader.parses == parses + 1


def test_a_deleted_run_vanishes_and_the_others_keep_their_ids(three: Path) -> None:
    catalog = Catalog(three)
    before = catalog.refresh()
    shutil.rmtree(three / "q900" / "seed1")
    after = catalog.refresh()
    assert [entry.run.seed for entry in after.entries.values()] == [0, 2]
    assert set(after.entries) < set(before.entries)


def test_ids_tell_no_path_and_stay_the_same_elsewhere(three: Path, tmp_path: Path) -> None:
    ids = set(Catalog(three).refresh().entries)
    assert all(len(id) == 12 and int(id, 16) >= 0 for id in ids)
    shutil.copytree(three, tmp_path / "copy")
    assert set(Catalog(tmp_path / "copy").refresh().entries) == ids


def test_a_torn_file_is_a_finding_and_no_error(three: Path) -> None:
    with (three / "q900" / "seed0" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 50000, "validation/')
    (three / "q900" / "seed1" / "config.json").write_text('{"format": 1, "exp')
    snapshot = Catalog(three).refresh()
    assert [entry.run.seed for entry in snapshot.entries.values()] == [0, 2]
    assert [finding.rule for finding in snapshot.study.runs[0].findings] == ["torn_tail"]
    assert [skipped.path.name for skipped in snapshot.study.skipped] == ["seed1"]


def test_an_empty_folder_and_a_folder_that_went_away_are_no_error(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    catalog = Catalog(root)
    assert catalog.refresh().study.runs == ()
    root.rmdir()
    assert "found nothing" in catalog.refresh().study.skipped[0].reason
    write_run(root)
    assert len(catalog.refresh().entries) == 1


def test_several_threads_see_whole_studies(three: Path) -> None:
    catalog, seen = Catalog(three), list[int]()

    def look() -> None:
        seen.extend(len(catalog.refresh().entries) for _ in range(20))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [3] * 120 and catalog.reader.parses == 3


numbers = st.floats(width=32) | st.sampled_from([float("nan"), float("inf")])
told_rows = st.lists(
    st.builds(Row, st.integers(0, 12), st.dictionaries(st.sampled_from("ab"), numbers), st.integers(1, 3)),
    max_size=12,
)
pieces = st.lists(
    told_rows.map(to_jsonl) | st.sampled_from([b"broken\n", b"\n", b'{"step": 3, "a": 1']), max_size=6
)


@given(pieces)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
def test_reading_on_tells_what_reading_anew_tells(tmp_path: Path, parts: list[bytes]) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"")
    follower = Follower()
    for part in parts:
        with path.open("ab") as file:
            file.write(part)
        told, anew = follower.read(path), read_history(path)
        assert dict(told.series) == dict(anew.series)
        assert (told.attempts, told.bad_lines, told.torn_tail) == (
            anew.attempts,
            anew.bad_lines,
            anew.torn_tail,
        )


def test_a_file_that_was_rewritten_is_read_anew(three: Path) -> None:
    folder = three / "q900" / "seed0"
    follower = Follower()
    follower.read(folder / "metrics.jsonl")
    rows = [Row(i, {"validation/mse": 5.0}) for i in range(100)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    assert follower.read(folder / "metrics.jsonl") == History.of(rows)
    assert (follower.parsed, follower.appended) == (2, 0)


def known(rows: Iterable[Row]) -> ReadFile:
    return ReadFile(
        Fingerprint(10, 20, 30), History.of(rows, bad_lines=(3, 7), torn_tail=True), 9, 4, b"end\n"
    )


@given(told_rows)
def test_a_kept_history_comes_back(rows: list[Row]) -> None:
    one = known(rows)
    back = unpack(pack(one), one.fingerprint)
    assert back is not None and back == one
    assert dict(back.history.series) == dict(one.history.series)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_cache_is_noticed(place: int, change: int) -> None:
    one = known([Row(i, {"a": i / 7, "b": float(i)}) for i in range(20)])
    content = bytearray(pack(one))
    content[place % len(content)] ^= change
    with pytest.raises(ValueError):
        unpack(bytes(content), one.fingerprint)


def test_a_cache_of_another_state_of_the_file_is_not_used() -> None:
    one = known([Row(1, {"a": 1.0})])
    for other in (Fingerprint(11, 20, 30), Fingerprint(10, 21, 30), Fingerprint(10, 20, 31)):
        assert unpack(pack(one), other) is None


def test_a_second_session_parses_nothing_and_tells_the_same(three: Path, tmp_path: Path) -> None:
    cache = HistoryCache(tmp_path / "cache")
    first = Catalog(three, cache=cache)
    told = first.refresh()
    second = Catalog(three, cache=cache)
    assert second.refresh().study == told.study
    assert (first.reader.parses, second.reader.parses) == (3, 0)
    append(three / "q900" / "seed2", Row(9999, {"loss": 1.0}))
    assert second.refresh().study == open_study(three)
    assert (second.reader.follower.parsed, second.reader.follower.appended) == (0, 1)


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"garbage", None])
def test_a_damaged_cache_means_that_the_source_is_read(
    three: Path, tmp_path: Path, damage: bytes | None
) -> None:
    cache = HistoryCache(tmp_path / "cache")
    told = Catalog(three, cache=cache).refresh().study
    for path in cache.folder.iterdir():
        path.write_bytes(path.read_bytes()[:-8] if damage is None else damage)
    catalog = Catalog(three, cache=cache)
    assert catalog.refresh().study == told
    assert catalog.reader.parses == 3


def test_a_cache_that_cannot_be_written_stops_nothing(three: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert len(Catalog(three, cache=HistoryCache(tmp_path / "file" / "cache")).refresh().entries) == 3


def test_the_cache_stays_within_its_size(tmp_path: Path) -> None:
    cache = HistoryCache(tmp_path / "cache", most_bytes=3000)
    for number in range(20):
        cache.keep(tmp_path / str(number), known([Row(i, {"a": 1.0}) for i in range(20)]))
    newest = max(cache.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.utime(newest)
    cache.shrink()
    assert sum(path.stat().st_size for path in cache.folder.iterdir()) <= 3000
    assert newest.exists()


def test_nothing_is_written_beside_the_runs(three: Path, tmp_path: Path) -> None:
    def listed() -> dict[str, Any]:
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in three.rglob("*")}

    before = listed()
    Catalog(three, cache=HistoryCache(tmp_path / "cache")).refresh()
    assert listed() == before


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/ired-diag/histories")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path.home() / ".cache" / "ired-diag" / "histories"

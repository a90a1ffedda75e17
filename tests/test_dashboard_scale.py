"""A study of many runs: parts of its table, sorts, filters, cheap refreshes, and what is kept of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
import zlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.dashboard import kept_study, study_reader, watched_tree
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.components import study_table
from app.dashboard.components.paging import part_of
from app.dashboard.filtering import matching, problem_of
from app.dashboard.history_cache import HistoryCache
from app.dashboard.pages import study as page
from app.dashboard.snapshot import Entry
from app.dashboard.watched_tree import WatchedTree
from ired_diag.open import open_study
from ired_diag.readers import logs
from ired_diag.runs import store
from ired_diag.runs.fingerprints import tree
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.runs.later_series import LaterMetrics
from ired_diag.runs.run import Run
from ired_diag.runs.where import where
from ired_diag.verdict import verdict_of

GROUPS, SEEDS = 60, 2


def write_run(root: Path, name: str, seed: int, level: float, *, state: str = "complete") -> Path:
    folder = root / name / f"seed{seed}"
    folder.mkdir(parents=True)
    config = {"learning_rate": level / 10, "seed": seed}
    content = {"format": 1, "experiment": name, "seed": seed, "config": config, "ending": {"state": state}}
    (folder / "config.json").write_text(json.dumps(content))
    rows = [Row(100 * i, {"validation/mse": level + 1 / i, "loss": 2.0 / i}) for i in range(1, 40)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder


def append(folder: Path, step: int, value: float) -> None:
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(to_jsonl([Row(step, {"validation/mse": value})]))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number, level in enumerate(rng.permutation(GROUPS)):
        for seed in range(SEEDS):
            write_run(tmp_path / "runs", f"q{100 + number}", seed, 1 + float(level) + seed / 100)
    return tmp_path / "runs"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files that were just written count as settled, which they are once a test has written them."""
    monkeypatch.setattr(kept_study, "UNSETTLED", -60.0)


def names_on(tree: Any) -> list[str]:
    """Return the groups of a table, in their order."""
    if isinstance(tree, list | tuple):
        return [name for part in tree for name in names_on(part)]
    if getattr(tree, "data-toggle", "") == "open":
        return [getattr(tree, "data-value")]
    return names_on(getattr(tree, "children", None) or [])


def words_on(tree: Any) -> str:
    if isinstance(tree, list | tuple):
        return " ".join(map(words_on, tree))
    if isinstance(tree, str):
        return tree
    return words_on(getattr(tree, "children", None) or "")


def test_parts_of_a_table_hold_each_group_once_in_the_order_of_the_whole(many: Path) -> None:
    catalog = Catalog(many)
    for query in ("", "?sort=last", "?sort=last&descending=1", "?sort=run&descending=1"):
        view = View.from_query(query)
        first = names_on(page.layout(view, catalog))
        second = names_on(page.layout(View.from_query(f"{query or '?'}&part=2"), catalog))
        assert len(first) == page.GROUPS_AT_ONCE
        runs = open_study(many).groups()
        expected = list(runs)
        if view.sort == "last":
            means = {
                name: np.mean([run.evaluated[1].values[-1] for run in members if run.evaluated])
                for name, members in runs.items()
            }
            expected.sort(key=lambda name: means[name], reverse=view.descending)
        elif view.sort:
            expected.sort(reverse=True)
        assert [*first, *second] == expected


def test_a_part_beyond_the_end_is_the_last(many: Path) -> None:
    catalog = Catalog(many)
    last = page.layout(View(part=2), catalog)
    assert names_on(page.layout(View(part=99), catalog)) == names_on(last)
    assert "Groups 51 to 60 of 60" in words_on(last)
    assert part_of(0, 1, 50).count == 1 and part_of(50, 1, 50).count == 1 and part_of(51, 1, 50).count == 2
    assert View.from_query("?part=-3").part == 1 and View.from_query("?part=x").part == 1


def test_an_open_group_of_many_seeds_lists_some_and_says_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_table, "MOST_SEEDS", 3)
    for seed in range(5):
        write_run(tmp_path / "runs", "q1", seed, 1.0)
    tree = page.layout(View(open=("q1",)), Catalog(tmp_path / "runs"))
    words = words_on(tree)
    assert "3 of 5 seeds are listed" in words and "seed2" in words and "seed3" not in words


@pytest.mark.parametrize(
    "condition",
    [
        "last < 20.0",
        "best>=30 and seed==1",
        "learning_rate < 1.5 or q110",
        "state == complete and not step < 3000",
        "evaluations = 39",
    ],
)
def test_a_filter_with_a_comparison_is_the_condition_of_ls(many: Path, condition: str) -> None:
    snapshot = Catalog(many).refresh()
    kept = [entry.run.label for entry in matching(snapshot.entries.values(), condition)]
    assert kept == [run.label for run in where(condition, open_study(many).runs)]
    assert 0 < len(kept) <= GROUPS * SEEDS


@pytest.mark.parametrize("condition", ["last <", "nonsense < 3", "last < q(", "=" * 2000])
def test_half_a_condition_keeps_nothing_and_says_why(many: Path, condition: str) -> None:
    catalog = Catalog(many)
    snapshot = catalog.refresh()
    assert matching(snapshot.entries.values(), condition) == []
    problem = problem_of(snapshot.entries.values(), condition)
    assert problem and "--where" not in problem
    assert problem in words_on(page.layout(View(filter=condition), catalog))


def test_a_refresh_of_one_changed_run_reads_that_run_and_no_other(many: Path) -> None:
    catalog = Catalog(many)
    before = catalog.refresh()
    append(many / "q105" / "seed1", 9000, 0.5)
    after = catalog.refresh()
    assert (catalog.reader.opened, catalog.reader.follower.appended) == (1, 1)
    assert after.version == before.version + 1
    changed = [id for id, entry in after.entries.items() if entry is not before.entries[id]]
    assert [after.entries[id].run.label for id in changed] == ["q105/seed1"]
    assert after.study == open_study(many)


def test_any_row_of_changes_ends_where_opening_again_ends(many: Path) -> None:
    rng = np.random.default_rng(1)
    catalog = Catalog(many)
    catalog.refresh()
    for number in range(30):
        folder = many / f"q{rng.integers(100, 130)}" / f"seed{rng.integers(2)}"
        match int(rng.integers(6)):
            case 0 | 1 if folder.exists():
                append(folder, 5000 + number, float(rng.random()))
            case 2 if folder.exists():
                config = json.loads((folder / "config.json").read_text())
                config["ending"] = {"state": str(rng.choice(["complete", "unknown", "out_of_memory"]))}
                (folder / "config.json").write_text(json.dumps(config))
            case 3 if folder.exists():
                config = json.loads((folder / "config.json").read_text())
                config["config"]["learning_rate"] = float(rng.random())
                (folder / "config.json").write_text(json.dumps(config))
            case 4 if folder.exists():
                shutil.rmtree(folder)
            case _:
                (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
                (folder / "checkpoints" / f"step-{number}.safetensors").write_bytes(b"")
        assert catalog.refresh().study == open_study(many), number
    assert 1 < catalog.reader.opened < 31


def test_a_run_completes_with_its_siblings_and_is_unknown_again_when_one_goes_on(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path / "runs", "q1", seed, 1.0, state="unknown")
    catalog = Catalog(tmp_path / "runs")
    assert {entry.completion for entry in catalog.refresh().entries.values()} == {"complete"}
    append(tmp_path / "runs" / "q1" / "seed0", 9000, 0.5)
    assert {entry.completion for entry in catalog.refresh().entries.values()} == {"unknown"}
    assert catalog.reader.opened == 1
    append(tmp_path / "runs" / "q1" / "seed1", 9000, 0.5)
    assert {entry.completion for entry in catalog.refresh().entries.values()} == {"complete"}


def test_a_removed_and_a_new_run_are_noticed(many: Path) -> None:
    catalog = Catalog(many)
    catalog.refresh()
    shutil.rmtree(many / "q105" / "seed1")
    assert len(catalog.refresh().entries) == GROUPS * SEEDS - 1
    write_run(many, "q105", 1, 3.0)
    assert len(catalog.refresh().entries) == GROUPS * SEEDS
    assert catalog.refresh().study == open_study(many)


def test_a_tree_sees_what_a_walk_sees_and_lists_only_some_folders(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = WatchedTree(many)
    assert watched.look() == tree(many).keys()
    for folder in watched._folders.values():
        folder.since = -1e9  # as if they had been written long ago
    listed = watched.listed
    assert watched.look() == frozenset()
    assert watched.listed - listed <= len(watched._folders) / watched_tree.TURNS + 1
    (many / "notes.txt").write_text("new")
    assert watched.look() == {str(many / "notes.txt")} and watched.walks == 1
    (many / "notes.txt").unlink()
    assert watched.look() == {str(many / "notes.txt")}
    (tmp_path / "elsewhere").mkdir()
    (many / "link").symlink_to(tmp_path / "elsewhere")
    watched.look()
    assert watched.prints == tree(many)
    write_run(tmp_path / "elsewhere", "q999", 0, 1.0)
    watched.look()
    assert watched.prints == tree(many)


def test_a_new_file_is_seen_where_the_time_of_its_folder_does_not_move(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_tree, "_state_of_folder", _without_time)
    watched = WatchedTree(many)
    watched.look()
    for folder in watched._folders.values():
        folder.since = -1e9
    (many / "q105" / "seed0" / "more.txt").write_text("new")
    looks = [watched.look() for _ in range(watched_tree.TURNS)]
    assert frozenset.union(*looks) == {str(many / "q105" / "seed0" / "more.txt")}


def _without_time(path: str) -> tuple[int, int, int] | None:
    return (0, 0, 0) if Path(path).is_dir() else None


def test_a_second_session_reads_no_run_and_only_the_curves_it_shows(
    many: Path, tmp_path: Path, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_DIAGNOSED", 0)  # looking for findings reads all curves
    cache = HistoryCache(tmp_path / "cache" / "histories")
    first = Catalog(many, cache=cache)
    first.prepare()
    second = Catalog(many, cache=cache)
    snapshot = second.refresh()
    assert second.reader.restored == GROUPS * SEEDS
    assert second.reader.opened == second.reader.folders.reads == second.reader.parses == 0
    page.layout(View(sort="last"), second)
    loaded = [entry.run.label for entry in snapshot.entries.values() if _is_loaded(entry.run)]
    assert len(loaded) == page.GROUPS_AT_ONCE * SEEDS and second.reader.parses == 0
    assert snapshot.study == open_study(many)
    for entry in snapshot.entries.values():
        assert entry.verdict == verdict_of(entry.run)


def _is_loaded(run: Run) -> bool:
    assert isinstance(run.history.series, LaterMetrics)
    return run.history.series.is_read


def test_a_history_that_is_shown_later_is_that_of_the_table(
    many: Path, tmp_path: Path, settled: None
) -> None:
    Catalog(many, cache=HistoryCache(tmp_path / "cache" / "histories")).prepare()
    shutil.rmtree(tmp_path / "cache" / "histories")
    catalog = Catalog(many, cache=HistoryCache(tmp_path / "cache" / "histories"))
    entries = list(catalog.refresh().entries.values())
    append(entries[0].run.path, 9000, 77.0)
    assert entries[0].run.evaluated is not None
    assert entries[0].run.evaluated[1].steps[-1] == 3900
    assert catalog.refresh().study == open_study(many)


@pytest.mark.parametrize("damage", ["text", "bytes", "empty", "cut", "other code", "folder"])
def test_a_damaged_study_file_means_that_runs_are_read(
    many: Path, tmp_path: Path, settled: None, damage: str
) -> None:
    cache = HistoryCache(tmp_path / "cache" / "histories")
    first = Catalog(many, cache=cache)
    first.prepare()
    assert first.file is not None
    _damage(first.file.path, damage)
    catalog = Catalog(many, cache=cache)
    catalog.prepare()
    assert catalog.refresh().study == open_study(many)
    assert catalog.reader.restored == 0 and catalog.reader.opened == 1
    assert [entry.verdict for entry in catalog.refresh().entries.values()] == [
        verdict_of(run) for run in open_study(many).runs
    ]


def _damage(file: Path, damage: str) -> None:
    content = bytearray(file.read_bytes())
    if damage == "text":
        content[:] = b"no study\n"
    elif damage == "empty":
        content.clear()
    elif damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "bytes":
        content[len(content) // 2] ^= 1
    elif damage == "other code":
        head, _, runs = bytes(content[9:]).partition(b"\n")
        other = json.dumps({**json.loads(head), "code": "other"}).encode() + b"\n" + runs
        content[:] = b"%08x\n" % zlib.crc32(other) + other
    else:
        file.unlink()
        file.mkdir()
        return
    file.write_bytes(content)


def test_two_dashboards_at_once_keep_the_same_and_disturb_nobody(
    many: Path, tmp_path: Path, settled: None
) -> None:
    cache = HistoryCache(tmp_path / "cache" / "histories")
    one, other = Catalog(many, cache=cache), Catalog(many, cache=cache)
    one.refresh()
    other.refresh()
    append(many / "q105" / "seed1", 9000, 0.5)
    assert one.refresh().study == other.refresh().study == open_study(many)
    one.prepare()
    other.prepare()
    third = Catalog(many, cache=cache)
    assert third.refresh().study == open_study(many)
    assert third.reader.restored == GROUPS * SEEDS and third.reader.opened == 0


def test_a_read_only_folder_is_shown_and_nothing_is_written_in_it(
    many: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    places = [many, *many.rglob("*")]
    for place in places:
        place.chmod(stat.S_IMODE(place.stat().st_mode) & ~0o222)
    request.addfinalizer(partial(_make_writable, places))
    before = {str(place): (place.stat().st_mtime_ns, place.stat().st_size) for place in places}
    catalog = Catalog(many, cache=HistoryCache(tmp_path / "cache" / "histories"))
    catalog.prepare()
    page.layout(View(sort="best"), catalog)
    assert len(catalog.refresh().entries) == GROUPS * SEEDS
    assert {str(place): (place.stat().st_mtime_ns, place.stat().st_size) for place in places} == before


def _make_writable(places: Iterable[Path]) -> None:
    for place in places:
        place.chmod(0o755)


def test_a_run_that_was_just_written_is_read_again_by_the_next_session(tmp_path: Path) -> None:
    root, cache = tmp_path / "runs", HistoryCache(tmp_path / "cache" / "histories")
    folder = write_run(root, "q1", 0, 1.0)
    os.utime(folder / "metrics.jsonl", (time.time() - 9e6,) * 2)  # the time of change stays that of now
    Catalog(root, cache=cache).prepare()
    second = Catalog(root, cache=cache)
    second.refresh()
    assert (second.reader.restored, second.reader.opened, second.reader.folders.reads) == (1, 0, 1)


def test_what_changed_between_two_sessions_is_read_by_the_second(
    many: Path, tmp_path: Path, settled: None
) -> None:
    cache = HistoryCache(tmp_path / "cache" / "histories")
    Catalog(many, cache=cache).prepare()
    append(many / "q105" / "seed1", 9000, 0.5)
    second = Catalog(many, cache=cache)
    entry = _entry_of(second, "q105/seed1")
    assert entry.verdict == verdict_of(entry.run) and entry.verdict.last == 0.5
    assert (second.reader.opened, second.reader.folders.reads) == (0, 1)
    second.prepare()
    shutil.rmtree(many / "q105" / "seed1")
    write_run(many, "q900", 0, 3.0)
    third = Catalog(many, cache=cache)
    assert third.refresh().study == open_study(many)
    assert (third.reader.opened, third.reader.folders.reads) == (1, 1)


def _entry_of(catalog: Catalog, label: str) -> Entry:
    (entry,) = [entry for entry in catalog.refresh().entries.values() if entry.run.label == label]
    return entry


@pytest.mark.parametrize("content", [b"", b'{"step": 25, "attempt"'])
def test_no_verdict_of_a_history_outlives_it(
    many: Path, tmp_path: Path, settled: None, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """A verdict once stayed with the folder of a run whose files had changed less than 2 s before a look."""
    cache = HistoryCache(tmp_path / "cache" / "histories")
    catalog = Catalog(many, cache=cache)
    catalog.prepare()
    for session in (catalog, Catalog(many, cache=cache)):
        assert _entry_of(session, "q105/seed1").verdict.metric == "validation/mse"
    monkeypatch.setattr(kept_study, "UNSETTLED", 2.0)
    (many / "q105" / "seed1" / "metrics.jsonl").write_bytes(content)
    for session in (catalog, Catalog(many, cache=cache)):
        entry = _entry_of(session, "q105/seed1")
        assert entry.verdict.metric is None and entry.verdict == verdict_of(entry.run)
        session.prepare()
    entry = _entry_of(Catalog(many, cache=cache), "q105/seed1")
    assert entry.verdict == verdict_of(entry.run) and entry.verdict.metric is None
    assert "nothing evaluated" in words_on(page.layout(View(open=("q105",), part=1), catalog)) + words_on(
        page.layout(View(open=("q105",), part=2), catalog)
    )


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_changes_while_it_is_read_is_read_again(
    many: Path, tmp_path: Path, settled: None, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The state of its files is taken before it is read: what comes later is a change."""
    cache = HistoryCache(tmp_path / "cache" / "histories")
    Catalog(many, cache=cache).prepare()
    append(many / "q105" / "seed1", 9000, 0.5)
    read_run, numbers = store.read_run, iter(range(1000))

    def read_meanwhile(folder: Path, **keys: Any) -> Run:
        number = next(numbers)
        if moment == "before" and not number:
            append(folder, 9100, 0.6)
        run = read_run(folder, **keys)
        if moment == "after" and not number:
            append(folder, 9100, 0.6)
        return run

    monkeypatch.setattr(study_reader, "read_run", read_meanwhile)
    second = Catalog(many, cache=cache)
    second.prepare()
    assert next(numbers) == 1
    third = Catalog(many, cache=cache)  # what it takes over was read in a state that has passed
    for session in (second, third):
        assert session.refresh().study == open_study(many)
        entry = _entry_of(session, "q105/seed1")
        assert entry.verdict == verdict_of(entry.run) and entry.verdict.last == 0.6


def test_a_look_that_fails_leaves_its_changes_to_the_next(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(many)
    catalog.refresh()
    append(many / "q105" / "seed1", 9000, 0.5)
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(study_reader, "with_changes", lambda *_: 1 / 0)
        catalog.refresh()
    assert _entry_of(catalog, "q105/seed1").verdict.last == 0.5


def test_a_history_that_goes_while_it_is_judged_stops_no_session(
    many: Path, tmp_path: Path, settled: None
) -> None:
    cache = HistoryCache(tmp_path / "cache" / "histories")
    first = Catalog(many, cache=cache)
    first.refresh()
    first.keep()  # without a verdict
    shutil.rmtree(cache.folder)
    second = Catalog(many, cache=cache)
    second.refresh()
    (many / "q105" / "seed1" / "metrics.jsonl").unlink()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(second.reader.tree, "look", frozenset)
        second.prepare()
    second.prepare()
    assert _entry_of(second, "q105/seed1").verdict.metric is None
    assert second.refresh().study == open_study(many)


def test_logs_of_other_programs_are_read_once_for_all_sessions(tmp_path: Path, settled: None) -> None:
    root, cache = tmp_path / "logs", HistoryCache(tmp_path / "cache" / "histories")
    write_run(root, "q1", 0, 1.0)
    lines = [f"step {step} loss {1 / step:.4f} val_loss {2 / step:.4f}" for step in range(1, 30)]
    (root / "train.out").write_text("\n".join(lines))
    for path in root.rglob("*"):
        os.utime(path)
    time.sleep(2.1)  # the catalogue keeps no log that has just changed
    first = Catalog(root, cache=cache)
    first.prepare()
    second = Catalog(root, cache=cache)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logs, "read_log", lambda _: pytest.fail("a log is read again"))
        assert second.refresh().study == first.refresh().study
    assert second.refresh().study == open_study(root)
    assert len(second.refresh().entries) == 2 and second.reader.folders.reads == 0


def test_the_end_waits_for_no_reading(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Catalog(many)
    read_run, folders = store.read_run, []

    def read_and_stop(folder: Path, **keys: Any) -> Run:
        folders.append(folder)
        catalog.stop()
        return read_run(folder, **keys)

    monkeypatch.setattr(study_reader, "read_run", read_and_stop)
    catalog.keep_up()
    assert len(folders) == 1 and not catalog.refresh().entries

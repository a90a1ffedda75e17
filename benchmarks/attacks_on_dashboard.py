"""Attacks on a dashboard that runs: what it shows is renamed, removed, cut and replaced under its hands.

A reader opens all pages before, while and after it happens. No answer may be an error of the server (500), no
traceback may be printed, and after the last change the pages must show what is there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed, survived
from benchmarks.command_server import Command
from benchmarks.dashboard_reader import Reader, opened
from benchmarks.process_bed import RUN, Bed, odd_words

GROUP = "under a dashboard"
IDLE = 120  # connections
LONGEST_WAIT = 2.0  # s for a good request beside them
Change = Callable[[Path, np.random.Generator], None]  # of a runs folder, or of a cache


def attacks_on_dashboard(bed: Bed, rng: np.random.Generator) -> Iterator[Attack]:
    """Yield the attacks.

    Args:
        bed: Commands, and what they make undisturbed.
        rng: Draws what is changed, and how.
    """
    for name, change in CHANGES.items():
        for number in range(2):
            seed = int(rng.integers(2**31))
            yield Attack(GROUP, f"{name} {number}", partial(_changed, bed, change, seed))
    for name, change in CACHE_CHANGES.items():
        seed = int(rng.integers(2**31))
        yield Attack("caches of a dashboard", name, partial(_cache_changed, bed, change, seed))
    for number, begun in enumerate((b"", b"G", b"GET / HTTP/1.1\r\nHost: ", b"POST / HTTP/1.1\r\n\r\n")):
        yield Attack("idle connections", f"that sent {begun!r} {number}", partial(_idle, bed, begun))


def _a_run(runs: Path, rng: np.random.Generator) -> Path:
    return runs / RUN.with_name(f"seed{rng.integers(3)}")


def _rename_run(runs: Path, rng: np.random.Generator) -> None:
    run = _a_run(runs, rng)
    run.rename(run.with_name("seed7"))


def _rename_experiment(runs: Path, rng: np.random.Generator) -> None:
    (runs / "q700").rename(runs / "q901")


def _remove_run(runs: Path, rng: np.random.Generator) -> None:
    shutil.rmtree(_a_run(runs, rng))


def _remove_all(runs: Path, rng: np.random.Generator) -> None:
    shutil.rmtree(runs)


def _remove_and_return(runs: Path, rng: np.random.Generator) -> None:
    for _ in range(10):
        runs.rename(runs.with_name("away"))
        time.sleep(0.02)
        runs.with_name("away").rename(runs)
        time.sleep(0.02)


def _cut_history(runs: Path, rng: np.random.Generator) -> None:
    path = _a_run(runs, rng) / "metrics.jsonl"
    os.truncate(path, int(rng.integers(path.stat().st_size)))


def _empty_configuration(runs: Path, rng: np.random.Generator) -> None:
    (_a_run(runs, rng) / "config.json").write_bytes(b"")


def _bytes_for_history(runs: Path, rng: np.random.Generator) -> None:
    (_a_run(runs, rng) / "metrics.jsonl").write_bytes(rng.bytes(2000) + b"\n")


def _folder_for_history(runs: Path, rng: np.random.Generator) -> None:
    path = _a_run(runs, rng) / "metrics.jsonl"
    path.unlink()
    path.mkdir()


def _bytes_for_table(runs: Path, rng: np.random.Generator) -> None:
    folder = _a_run(runs, rng) / "probes"
    folder.mkdir(exist_ok=True)
    for name in ("conditioning", "energy_gap", "mining_dynamics"):
        (folder / f"{name}.parquet").write_bytes(b"PAR1" + rng.bytes(200) + b"PAR1")


def _remove_checkpoints(runs: Path, rng: np.random.Generator) -> None:
    shutil.rmtree(_a_run(runs, rng) / "checkpoints")


def _replace_history_often(runs: Path, rng: np.random.Generator) -> None:
    path = _a_run(runs, rng) / "metrics.jsonl"
    content = path.read_bytes()
    for _ in range(20):
        path.unlink()
        time.sleep(0.01)
        path.write_bytes(content[: int(rng.integers(len(content)))])
        time.sleep(0.01)


def _dangling_link(runs: Path, rng: np.random.Generator) -> None:
    run = _a_run(runs, rng)
    shutil.rmtree(run)
    run.symlink_to("nowhere")


def _link_to_itself(runs: Path, rng: np.random.Generator) -> None:
    (_a_run(runs, rng) / "loop").symlink_to("..")


def _file_for_run(runs: Path, rng: np.random.Generator) -> None:
    run = _a_run(runs, rng)
    shutil.rmtree(run)
    run.write_text("no run")


CHANGES: dict[str, Change] = {
    "a run is renamed": _rename_run,
    "an experiment is renamed": _rename_experiment,
    "a run is removed": _remove_run,
    "all runs are removed": _remove_all,
    "the folder goes and returns": _remove_and_return,
    "a history is cut": _cut_history,
    "a configuration is emptied": _empty_configuration,
    "bytes for a history": _bytes_for_history,
    "a folder for a history": _folder_for_history,
    "bytes for tables": _bytes_for_table,
    "checkpoints are removed": _remove_checkpoints,
    "a history is replaced often": _replace_history_often,
    "a link to nowhere": _dangling_link,
    "a link to its parent": _link_to_itself,
    "a file for a run": _file_for_run,
}


def _cut_caches(cache: Path, rng: np.random.Generator) -> None:
    for path in _files(cache):
        os.truncate(path, int(rng.integers(path.stat().st_size)))


def _overwrite_caches(cache: Path, rng: np.random.Generator) -> None:
    for path in _files(cache):
        path.write_bytes(rng.bytes(300))


def _swap_caches(cache: Path, rng: np.random.Generator) -> None:
    contents = [path.read_bytes() for path in _files(cache)]
    for path, content in zip(_files(cache), contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)


def _flip_bytes(cache: Path, rng: np.random.Generator) -> None:
    for path in _files(cache):
        content = bytearray(path.read_bytes())
        content[int(rng.integers(len(content)))] ^= 0xFF
        path.write_bytes(bytes(content))


def _folders_for_caches(cache: Path, rng: np.random.Generator) -> None:
    for path in _files(cache):
        path.unlink()
        path.mkdir()


def _remove_cache(cache: Path, rng: np.random.Generator) -> None:
    shutil.rmtree(cache)


def _file_for_cache(cache: Path, rng: np.random.Generator) -> None:
    shutil.rmtree(cache)
    cache.write_text("no folder")


CACHE_CHANGES: dict[str, Change] = {
    "cut": _cut_caches,
    "overwritten": _overwrite_caches,
    "swapped": _swap_caches,
    "one byte is another": _flip_bytes,
    "folders in their place": _folders_for_caches,
    "removed": _remove_cache,
    "a file for the folder": _file_for_cache,
}


def _files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def _changed(bed: Bed, change: Change, seed: int, folder: Path) -> Outcome:
    """Change the runs while pages are opened, and open them once more."""
    runs, rng = bed.study(folder), np.random.default_rng(seed)
    with opened(bed.server, runs, folder) as (reader, dashboard):
        callbacks = reader.calls()
        reader.read(callbacks, ("study",))
        changing = threading.Thread(target=change, args=(runs, rng))
        changing.start()
        reader.read(callbacks, ("run", "curves"))
        changing.join()
        reader.read(callbacks, ("run", "negatives"))
    return _judged(reader, dashboard)


def _cache_changed(bed: Bed, change: Change, seed: int, folder: Path) -> Outcome:
    """Damage the caches of a dashboard that runs, grow the histories, and start another dashboard."""
    runs, rng = bed.study(folder), np.random.default_rng(seed)
    with opened(bed.server, runs, folder) as (reader, dashboard):
        callbacks = reader.calls()
        reader.read(callbacks, ("study",))
        change(folder / "cache" / "ired-diag", rng)
        for history in runs.rglob("metrics.jsonl"):
            history.write_bytes(history.read_bytes() + b'{"step": 63, "attempt": 1, "train/loss": 1}\n')
        reader.read(callbacks, ("study", "run"))
    with opened(bed.server, runs, folder) as (again, second):
        again.read(callbacks, ("study", "run"))
    if not reader.wrong and len(set(reader.runs)) != len(set(again.runs)):
        return failed(f"{len(set(reader.runs))} runs before, {len(set(again.runs))} after")
    first = _judged(reader, dashboard)
    return first if not first.survived else _judged(again, second)


def _idle(bed: Bed, begun: bytes, folder: Path) -> Outcome:
    """Open connections that ask nothing, and ask something beside them."""
    with opened(bed.server, bed.study(folder), folder) as (reader, dashboard), ExitStack() as idle:
        for _ in range(IDLE):
            connection = idle.enter_context(socket.create_connection(("127.0.0.1", reader.port), timeout=10))
            connection.sendall(begun)
        begin = time.monotonic()
        reader.get("/")
        seconds = time.monotonic() - begin
        if seconds > LONGEST_WAIT:
            return failed(f"an answer took {seconds:.1f} s beside {IDLE} idle connections")
    return _judged(reader, dashboard)


def _judged(reader: Reader, dashboard: Command) -> Outcome:
    """Return how a dashboard came out: what it answered, printed, and how it ended."""
    if reader.wrong:
        return failed(f"answered {reader.wrong[0]}", output=dashboard.text)
    if reason := odd_words(dashboard):
        return failed(reason, output=dashboard.text)
    if dashboard.status != 0:
        return failed(f"ended with {dashboard.status} after SIGINT ({signal.SIGINT})", output=dashboard.text)
    if not reader.statuses:
        return failed("nothing was asked")
    return survived()

"""Attacks on what a command writes: it is ended at any moment, and repeated.

What stands in the folder after the end is whole or not there at all: each file is, byte for byte, one that an
undisturbed command has made; a probe table, which grows key by key, can be read. The same command again then
makes the same bytes.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.attack import Attack, Outcome, failed
from benchmarks.process_bed import Bed, judged, odd_words
from benchmarks.small_runs import differing_files, whole_files
from ired_diag.errors import DiagError
from ired_diag.table import read_table

ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
TIMES = 12
IN_A_ROW = 2
GROWING = ("figures.json",)  # a list that names the pictures that are there


def attacks_on_writing(bed: Bed, rng: np.random.Generator) -> Iterator[Attack]:
    """Yield the attacks.

    Args:
        bed: Commands, and what they make undisturbed.
        rng: Draws the moments, as shares of the time that the undisturbed command took.
    """
    for command in bed.WRITERS:
        for number in range(TIMES):
            end, shares = ENDS[number % len(ENDS)], rng.uniform(0.0, 1.0, IN_A_ROW).tolist()
            name = f"{command} {end.name} {number}"
            yield Attack("writing is ended", name, partial(_ended, bed, command, end, shares))
        for number in range(4):
            share = float(rng.uniform(0.0, 0.8))
            yield Attack("two writers", f"{command} {number}", partial(_two, bed, command, share))


def _ended(bed: Bed, command: str, end: signal.Signals, shares: list[float], folder: Path) -> Outcome:
    """End a command several times, look at what it left, and repeat it."""
    words, whole = bed.writers[command], bed.written(command)
    files = whole_files(whole.folder)
    for share in shares:
        writing = bed.server.start(*words, folder=folder)
        time.sleep(share * whole.seconds)
        writing.send(end)
        status = writing.wait()
        if status not in (0, 1, -end) or odd_words(writing):
            reason = odd_words(writing) or f"exit status {status} after {end.name}"
            return failed(reason, command=" ".join(writing.words), output=writing.text)
        if halves := _halves(folder / "out", files):
            return failed(f"half written: {', '.join(halves)}", command=" ".join(writing.words))
    last = bed.server.run(*words, folder=folder)
    return judged(last, check=lambda: differing_files(folder / "out", whole.folder))


def _two(bed: Bed, command: str, share: float, folder: Path) -> Outcome:
    """Run a command twice at once, the second a little later; neither fails, and the files are the same."""
    words, whole = bed.writers[command], bed.written(command)
    first = bed.server.start(*words, folder=folder)
    time.sleep(share * whole.seconds)
    second = bed.server.start(*words, folder=folder)
    if first.wait() != 0:
        return failed(f"exit status {first.status} beside another", output=first.text)
    second.wait()
    return judged(second, check=lambda: differing_at_once(folder / "out", whole.folder))


def differing_at_once(folder: Path, whole: Path) -> list[str]:
    """Return what differs; the rows of a table may stand in another order."""
    tables = [path.name for path in folder.rglob("*.parquet") if _same_rows(path, whole / path.name)]
    return [name for name in differing_files(folder, whole) if name not in (*tables, *GROWING)]


def _same_rows(path: Path, other: Path) -> bool:
    return rows_of(path) == rows_of(other)


def rows_of(path: Path) -> list[str]:
    """Return the rows of a probe table as text, sorted."""
    table, _ = read_table(path)
    return sorted(str(row) for row in zip(*(column.tolist() for column in table.values()), strict=True))


def _halves(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Return the files that no undisturbed command has made."""
    there = whole_files(folder) if folder.is_dir() else {}
    odd = [name for name, digest in there.items() if files.get(name) != digest]
    return [name for name in odd if name not in GROWING and not _is_table(folder / name)]


def _is_table(path: Path) -> bool:
    if path.suffix != ".parquet":
        return False
    try:
        read_table(path)
    except DiagError:
        return False
    return True

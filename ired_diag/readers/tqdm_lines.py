r"""The progress lines that tqdm writes into a SLURM ``.err`` file: loss and diagnostics of every step.

A carriage return or a newline separates the records, and the one of a bar reads

    loss: 0.4343 loss_opt: 0.0000:   1%|▏         | 998/100000 [00:41<50:02, 32.98it/s, lr=0.001]

with numbers in the description before the bar, in the postfix after the rate, or in both. One layout of
names over one total is one bar. A record read is whole: it reaches its closing bracket, every value read
is a number, and the percentage is that of the counter. A bar without a number is counted and passed over.

Which step a text belongs to: a loop that tells its loss before the counter moves draws twice,

    text of step n+1 at counter n,    then, if the display is due, the same text at counter n+1.

So the text at counter n belongs to step n+1, and the second drawing, a redraw, is dropped: it is the
earlier of two records at one counter. Where no later record at a higher counter follows at once (the end, a
restart, a damaged record), a text that repeats the one before it is a redraw; so is one that stands alone
between damaged records, as nothing tells. A loop that moves the counter first is told one step late.

Speed: chunks are split by one compiled pattern of the busiest bar (``tqdm_grammar``), without backtracking,
whose groups fall into columns; all else lies in the gaps between its matches and is read record by record.

Reference: tqdm 4.66, ``std.py``, ``format_meter`` and ``set_description``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import eq
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.readers.tqdm_grammar import (
    ELAPSED,
    LOOKS_CUT,
    RATE,
    Layout,
    keys,
    parse,
    pattern,
    per_second,
    seconds,
)

FIRST_CHUNK = 1 << 16  # read record by record, to learn which bar is the busiest
FIRST_RECORDS = 400  # the same of records
CHUNK = 1 << 19  # large enough for the overhead, small enough for the cache

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bar:
    """What one bar told.

    Attributes:
        total: The steps that it counts up to.
        steps: Of shape (n,), in the order of the file; a restart goes back.
        columns: By name, each of shape (n,): the numbers told, ``ELAPSED`` and ``RATE`` (NaN where tqdm
            shows a question mark).
    """

    total: int
    steps: NDArray[np.int64]
    columns: Mapping[str, Array]


@dataclass(frozen=True)
class Progress:
    """What the progress lines of a file tell.

    Attributes:
        bars: The bars with numbers in their texts, the one with most steps first.
        redraws: Records dropped because their text was told before, or may have been.
        damaged: Records of a bar that could not be read whole.
        without_numbers: Records of bars that tell no number.
        torn_tail: Whether the last record was cut while it was written; it is not among the damaged.
    """

    bars: tuple[Bar, ...]
    redraws: int
    damaged: int
    without_numbers: int
    torn_tail: bool


@dataclass
class _Telling:
    """What a bar has told so far: a list of arrays a column, and the texts of its last record.

    The column ``<repeats>`` says whether a record's texts are those of the record before, ``<damaged>``
    how many damaged records the file has had before it.
    """

    columns: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    last: dict[str, bytes] = field(default_factory=dict)

    def add(self, told: Mapping[str, Sequence[bytes]], damaged: NDArray[np.int64]) -> None:
        """Turn the tokens of further records, a sequence a column, into arrays."""
        arrays: dict[str, NDArray[Any]] = {"<damaged>": damaged}
        texts = [key for key in ("<text>", "<post>") if key in told]
        arrays["<repeats>"] = np.logical_and.reduce(
            [_repeats(told[key], self.last.get(key)) for key in texts]
        )
        self.last = {key: told[key][-1] for key in texts}
        wrong = np.zeros(len(damaged), dtype=np.bool_)
        for key in [key for key in told if key not in texts]:
            arrays[key], no_numbers = _numbers(key, told[key])
            wrong[no_numbers] = True
        arrays["<wrong>"] = wrong
        for key, array in arrays.items():
            self.columns.setdefault(key, []).append(array)

    def whole(self) -> dict[str, NDArray[Any]]:
        """Return each column in one array."""
        return {key: np.concatenate(self.columns.pop(key)) for key in list(self.columns)}


def read(path: Path, *, names: Collection[str] | None = None) -> Progress:
    """Return what the progress lines of the file at ``path`` tell.

    Args:
        path: A ``.err`` file, or any file that tqdm has written to.
        names: The columns to read; all of them unless given. Only what is read is held to be a number.

    Raises:
        UnreadableFile: The file is missing or cannot be read.
    """
    scan = _Scan(None if names is None else frozenset(names))
    try:
        for chunk, is_last in _chunks(path):
            scan.read_chunk(chunk, is_last=is_last)
    except OSError as error:
        raise unreadable(path, error) from error
    return scan.progress()


def read_records(records: Sequence[bytes]) -> Progress:
    """Return what records that stand in a row tell, without the separators between them."""
    scan = _Scan(None)
    for part, is_last in ((records[:FIRST_RECORDS], False), (records[FIRST_RECORDS:], True)):
        scan.read_chunk(b"".join(b"\n" + record for record in part), is_last=is_last)
    return scan.progress()


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the file in pieces that begin with a separator and hold whole records, and which is the last."""
    held, size = b"\n", FIRST_CHUNK
    with path.open("rb") as file:
        while content := file.read(size):
            held, size = held + content, CHUNK
            cut = max(held.rfind(b"\n"), held.rfind(b"\r"))
            if cut > 0:
                yield held[:cut], False
                held = held[cut:]
    yield held, True


class _Scan:
    """One pass over a file."""

    def __init__(self, chosen: frozenset[str] | None) -> None:
        self.chosen = chosen
        self.tellings: dict[Layout, _Telling] = {}
        self.busiest: Layout | None = None
        self.damaged = self.without_numbers = 0
        self.torn_tail = False

    def read_chunk(self, chunk: bytes, *, is_last: bool) -> None:
        """Read the busiest bar in columns, and what lies in the gaps between its records one by one."""
        gaps, columns = _split(chunk, self.busiest, self.chosen)
        rows: dict[Layout, list[tuple[int, tuple[bytes, ...]]]] = {}
        before = self.damaged
        lost = np.zeros(len(gaps), dtype=np.int64)
        for place in [i for i, gap in enumerate(gaps) if gap]:
            at = self.damaged
            records = re.split(rb"[\r\n]", gaps[place])[1:]
            for number, record in enumerate(records, start=1):
                is_tail = is_last and place == len(gaps) - 1 and number == len(records)
                if read := self._read_record(record, is_tail=is_tail):
                    rows.setdefault(read[0], []).append((self.damaged, read[1]))
            lost[place] = self.damaged - at
        if self.busiest and len(gaps) > 1:
            self._add(self.busiest, columns, before + np.cumsum(lost)[:-1])
        for layout, told in rows.items():
            counts, tokens = zip(*told, strict=True)
            self._add(layout, list(zip(*tokens, strict=True)), np.array(counts, dtype=np.int64))
        most = max(rows, key=lambda layout: len(rows[layout]), default=None)
        if most and len(rows[most]) >= len(gaps):
            self.busiest = most

    def _read_record(self, record: bytes, *, is_tail: bool) -> tuple[Layout, tuple[bytes, ...]] | None:
        """Return a record's layout and its tokens; count it where it has none."""
        told = parse(record)
        if told and (told[0].text or told[0].post):
            layout, tokens = told
            return layout, tuple(tokens[key] for key in keys(layout, self.chosen))
        if told:
            self.without_numbers += 1
        elif LOOKS_CUT.search(record):
            self.damaged += not is_tail
            self.torn_tail |= is_tail
        return None

    def _add(self, layout: Layout, columns: Sequence[Sequence[bytes]], damaged: NDArray[np.int64]) -> None:
        told = dict(zip(keys(layout, self.chosen), columns, strict=True))
        self.tellings.setdefault(layout, _Telling()).add(told, damaged)

    def progress(self) -> Progress:
        """Return what the file told."""
        bars, redraws, damaged = list[Bar](), 0, self.damaged
        sizes = {layout: sum(map(len, t.columns["<counter>"])) for layout, t in self.tellings.items()}
        for layout in sorted(sizes, key=lambda layout: -sizes[layout]):
            if sizes[layout] == 1 and any(_akin(layout, other) for other in sizes if sizes[other] > 1):
                damaged += 1
                continue
            bar, again, wrong = _bar(int(layout.total), self.tellings.pop(layout).whole(), self.damaged)
            redraws, damaged = redraws + again, damaged + wrong
            if len(bar.steps):
                bars.append(bar)
        return Progress(tuple(bars), redraws, damaged, self.without_numbers, self.torn_tail)


def _split(
    chunk: bytes, layout: Layout | None, chosen: frozenset[str] | None
) -> tuple[list[bytes], list[list[bytes]]]:
    """Return what lies between the records of a layout, and its columns."""
    if layout is None:
        return [chunk], []
    compiled = pattern(layout, chosen)
    parts, width = compiled.split(chunk), compiled.groups + 1
    return parts[::width], [parts[i::width] for i in range(1, width)]


def _bar(total: int, told: dict[str, NDArray[Any]], damaged_in_file: int) -> tuple[Bar, int, int]:
    """Return a bar without its redraws, how many those were, and how many records were damaged."""
    counters, percent, marked = (told.pop(key) for key in ("<counter>", "<percent>", "<wrong>"))
    right = (np.rint(counters / total * 100) == percent) & ~marked
    wrong = int(np.sum(~right))
    n, repeats = counters[right], told.pop("<repeats>")[right]
    before = (told.pop("<damaged>") + np.cumsum(~right))[right]
    following = np.append(n[1:], -1)
    cut_before = np.diff(before, prepend=0) > 0
    cut_after = np.diff(before, append=damaged_in_file + wrong) > 0
    last = (following < n) | cut_after
    redraw = (following == n) | (last & (repeats | (cut_before & cut_after)))
    kept = np.flatnonzero(right)[~redraw]
    columns = {key: told.pop(key)[kept] for key in list(told)}
    return Bar(total, counters[kept] + 1, columns), int(np.sum(redraw)), wrong


def _akin(one: Layout, other: Layout) -> bool:
    """Say whether two layouts may be of one bar, a name or the total of the one being damaged."""
    return one != other and (one.total == other.total or (one.text, one.post) == (other.text, other.post))


def _numbers(key: str, tokens: Sequence[bytes]) -> tuple[NDArray[Any], list[int]]:
    """Return a column of tokens as numbers, and the places of those that are none."""
    lookups: dict[str, Callable[[bytes], float]] = {"<percent>": int, ELAPSED: seconds, RATE: per_second}
    if number := lookups.get(key):  # few of these differ
        values = {token: number(token) for token in set(tokens)}
        return np.fromiter(map(values.__getitem__, tokens), np.float64, len(tokens)), []
    if key == "<counter>":
        return np.fromiter(map(int, tokens), np.int64, len(tokens)), []
    try:
        return np.fromiter(map(float, tokens), np.float64, len(tokens)), []
    except ValueError:
        return _numbers(key, [token if _is_number(token) else b"nan" for token in tokens])[0], [
            place for place, token in enumerate(tokens) if not _is_number(token)
        ]


def _is_number(token: bytes) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _repeats(texts: Sequence[bytes], before: bytes | None) -> NDArray[np.bool_]:
    """Return which texts are those of the record before."""
    return np.fromiter(map(eq, texts, chain([before], texts)), np.bool_, len(texts))

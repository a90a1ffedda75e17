r"""The progress lines that tqdm writes into a SLURM ``.err`` file: loss and diagnostics of every step.

A carriage return or a newline separates the records, and the one of a bar reads

    loss: 0.4343 loss_opt: 0.0000:   1%|▏         | 998/100000 [00:41<50:02, 32.98it/s, lr=0.001]

with numbers in the description before the bar, in the postfix after the rate, or in both. Records with the
same names and the same total are one bar. A record is read only where it is whole: it reaches its closing
bracket, every value read is a number, and the percentage is that of the counter. A bar without a number is
counted and not read.

Which step a text belongs to: a loop that shows its loss before the counter moves draws twice,

    text of step n+1 at counter n,    then, if the display is due, the same text at counter n+1.

So the text at counter n belongs to step n+1, and the second drawing, a redraw, is dropped: it is the
earlier of two records at one counter. Where no later record at a higher counter follows at once (the end, a
restart, a damaged record), a text that repeats the text before it is a redraw; so is a text that stands
alone between damaged records, because nothing shows what it is. Of a loop that moves the counter first,
each text is read one step late.

Speed: chunks are split by one compiled pattern of the busiest bar (``tqdm_grammar``), without backtracking,
whose groups fall into columns; all else lies in the gaps between its matches and is read record by record.

Reference: tqdm 4.66, ``std.py``, ``format_meter`` and ``set_description``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import eq
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.readers.number_columns import numbers_of
from ired_diag.readers.tqdm_grammar import (
    ELAPSED,
    LOOKS_CUT,
    RATE,
    WITHOUT_NUMBERS,
    Layout,
    keys,
    parse,
    pattern,
    per_second,
    seconds,
)

FIRST_CHUNK = 1 << 13  # read record by record, to learn which bar is the busiest
FIRST_RECORDS = 400  # the same of records
CHUNK = 1 << 19  # large enough for the overhead, small enough for the cache

TEXTS = ("<text>", "<post>")  # keys of a record's description and postfix

Array = NDArray[np.float64]
Tokens = tuple[bytes, ...]


@dataclass(frozen=True)
class Bar:
    """The numbers of one bar.

    Attributes:
        total: The steps that it counts up to.
        steps: Steps of shape (n,), in the order of the file; a restart goes back.
        columns: Numbers by name, each of shape (n,): those of the texts, ``ELAPSED`` and ``RATE`` (NaN where
            tqdm shows a question mark).
    """

    total: int
    steps: NDArray[np.int64]
    columns: Mapping[str, Array]


@dataclass(frozen=True)
class Progress:
    """What the progress lines of a file say.

    Attributes:
        bars: The bars with numbers in their texts; the bar with most steps is first.
        redraws: Number of records that were dropped because they repeat, or may repeat, an earlier text.
        damaged: Number of records of a bar that could not be read whole.
        without_numbers: Number of records of bars that show no number.
        torn_tail: Whether the last record was cut while it was written; it is not among the damaged.
    """

    bars: tuple[Bar, ...]
    redraws: int
    damaged: int
    without_numbers: int
    torn_tail: bool


@dataclass
class _BarText:
    """The text of a bar so far: a list of arrays for each column, and the texts of its last record.

    The column ``<repeats>`` says whether a record's texts are those of the record before, ``<damaged>``
    how many damaged records the file has had before it.
    """

    columns: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    last: dict[str, bytes] = field(default_factory=dict)

    def add(self, tokens: Mapping[str, Sequence[bytes]], damaged: NDArray[np.int64]) -> None:
        """Turn the tokens of further records, a sequence for each column, into arrays."""
        texts = [key for key in TEXTS if key in tokens]
        repeats = [_repeats(tokens[key], self.last.get(key)) for key in texts]
        self._append("<damaged>", damaged)
        self._append("<repeats>", np.logical_and.reduce(repeats))
        wrong = np.zeros(len(damaged), dtype=np.bool_)
        for key, column in tokens.items():
            if key in texts:
                self.last[key] = column[-1]
                continue
            numbers, wrong_places = _numbers(key, column)
            wrong[wrong_places] = True
            self._append(key, numbers)
        self._append("<wrong>", wrong)

    def _append(self, key: str, array: NDArray[Any]) -> None:
        self.columns.setdefault(key, []).append(array)

    def whole(self) -> dict[str, NDArray[Any]]:
        """Return each column as one array."""
        arrays = {}
        for key in list(self.columns):
            arrays[key] = np.concatenate(self.columns.pop(key))
        return arrays


def read(path: Path, *, names: Collection[str] | None = None) -> Progress:
    """Return what the progress lines of the file at ``path`` say.

    Args:
        path: A ``.err`` file, or any file that tqdm has written to.
        names: The columns to read. Default: all. Only columns that are read must hold numbers.

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
    """Return the progress in successive prints of a bar; ``records`` are the prints without separators."""
    scan = _Scan(None)
    head, rest = records[:FIRST_RECORDS], records[FIRST_RECORDS:]
    for part, is_last in ((head, False), (rest, True)):
        chunk = b"".join(b"\n" + record for record in part)
        scan.read_chunk(chunk, is_last=is_last)
    return scan.progress()


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the file in pieces that begin with a separator and hold whole records, and which is the last."""
    held = b"\n"
    size = FIRST_CHUNK
    with path.open("rb") as file:
        while content := file.read(size):
            held += content
            size = min(2 * size, CHUNK)
            cut = max(held.rfind(b"\n"), held.rfind(b"\r"))
            if cut > 0:
                yield held[:cut], False
                held = held[cut:]
    yield held, True


class _Scan:
    """A single pass over a file."""

    def __init__(self, chosen: frozenset[str] | None) -> None:
        self.chosen = chosen
        self.texts: dict[Layout, _BarText] = {}
        self.busiest: Layout | None = None
        self.damaged = 0
        self.without_numbers = 0
        self.torn_tail = False

    def read_chunk(self, chunk: bytes, *, is_last: bool) -> None:
        """Read the busiest bar in columns, and what lies in the gaps between its records one by one."""
        gaps, columns = _split(chunk, self.busiest, self.chosen)
        rows: dict[Layout, list[Tokens]] = defaultdict(list)
        counts: dict[Layout, list[int]] = defaultdict(list)
        before = self.damaged
        lost = np.zeros(len(gaps), dtype=np.int64)
        for place, gap in enumerate(gaps):
            if not gap:
                continue
            damaged_so_far = self.damaged
            in_last_gap = is_last and place == len(gaps) - 1
            records = self._records_with_more(gap, has_tail=in_last_gap)
            for number, record in enumerate(records, start=1):
                row = self._read_record(record, is_tail=in_last_gap and number == len(records))
                if row:
                    layout, tokens = row
                    rows[layout].append(tokens)
                    counts[layout].append(self.damaged)
            lost[place] = self.damaged - damaged_so_far
        if self.busiest and len(gaps) > 1:
            self._add(self.busiest, columns, before + np.cumsum(lost)[:-1])
        for layout, tokens_of_rows in rows.items():
            transposed = list(zip(*tokens_of_rows, strict=True))
            self._add(layout, transposed, np.array(counts[layout], dtype=np.int64))
        most = max(rows, key=lambda layout: len(rows[layout]), default=None)
        if most and len(rows[most]) >= len(gaps):
            self.busiest = most

    def _records_with_more(self, gap: bytes, *, has_tail: bool) -> list[bytes]:
        """Return the records between those of the busiest bar; bars without numbers are counted at once.

        Args:
            gap: The records, each behind its separator.
            has_tail: Whether the last one is the last of the file, which may be half written.
        """
        tail = b""
        if has_tail:
            cut = max(gap.rfind(b"\n"), gap.rfind(b"\r"))
            gap, tail = gap[:cut], gap[cut:]
        if b"%|" in gap:
            gap, count = WITHOUT_NUMBERS.subn(b"", gap)
            self.without_numbers += count
        return re.split(rb"[\r\n]", gap + tail)[1:]

    def _read_record(self, record: bytes, *, is_tail: bool) -> tuple[Layout, Tokens] | None:
        """Return a record's layout and its tokens; count it where it has no layout."""
        if not record:
            return None
        parsed = parse(record)
        if parsed:
            layout, tokens = parsed
            if layout.text or layout.post:
                return layout, tuple(tokens[key] for key in keys(layout, self.chosen))
            self.without_numbers += 1
        elif LOOKS_CUT.search(record):
            self.damaged += not is_tail
            self.torn_tail |= is_tail
        return None

    def _add(self, layout: Layout, columns: Sequence[Sequence[bytes]], damaged: NDArray[np.int64]) -> None:
        tokens = dict(zip(keys(layout, self.chosen), columns, strict=True))
        text = self.texts.setdefault(layout, _BarText())
        text.add(tokens, damaged)

    def progress(self) -> Progress:
        """Return what the file says."""
        bars: list[Bar] = []
        redraws = 0
        damaged = self.damaged
        sizes: dict[Layout, int] = {}
        for layout, text in self.texts.items():
            sizes[layout] = sum(map(len, text.columns["<counter>"]))
        for layout in sorted(sizes, key=lambda layout: -sizes[layout]):
            if sizes[layout] == 1 and _has_busier_twin(layout, sizes):
                damaged += 1
                continue
            columns = self.texts.pop(layout).whole()
            bar, repeated, wrong = _bar(int(layout.total), columns, self.damaged)
            redraws += repeated
            damaged += wrong
            if len(bar.steps):
                bars.append(bar)
        return Progress(
            bars=tuple(bars),
            redraws=redraws,
            damaged=damaged,
            without_numbers=self.without_numbers,
            torn_tail=self.torn_tail,
        )


def _split(
    chunk: bytes, layout: Layout | None, chosen: frozenset[str] | None
) -> tuple[list[bytes], list[list[bytes]]]:
    """Return what lies between the records of a layout, and its columns."""
    if layout is None:
        return [chunk], []
    compiled = pattern(layout, chosen)
    parts = compiled.split(chunk)
    width = compiled.groups + 1
    columns = [parts[i::width] for i in range(1, width)]
    return parts[::width], columns


def _bar(total: int, columns: dict[str, NDArray[Any]], damaged_in_file: int) -> tuple[Bar, int, int]:
    """Return a bar without its redraws, how many those were, and how many records were damaged."""
    counters = columns.pop("<counter>")
    percent = columns.pop("<percent>")
    marked_wrong = columns.pop("<wrong>")
    right = (np.rint(counters / total * 100) == percent) & ~marked_wrong
    wrong = int(np.sum(~right))
    damaged_before = (columns.pop("<damaged>") + np.cumsum(~right))[right]
    redraw = _redraws(
        counters[right],
        repeats=columns.pop("<repeats>")[right],
        damaged_before=damaged_before,
        damaged_in_file=damaged_in_file + wrong,
    )
    kept = np.flatnonzero(right)[~redraw]
    numbers: dict[str, Array] = {}
    for key in list(columns):
        numbers[key] = columns.pop(key)[kept]
    steps = counters[kept] + 1
    return Bar(total, steps, numbers), int(np.sum(redraw)), wrong


def _redraws(
    counters: NDArray[np.int64],
    *,
    repeats: NDArray[np.bool_],
    damaged_before: NDArray[np.int64],
    damaged_in_file: int,
) -> NDArray[np.bool_]:
    """Return which records are redraws, by the rules at the head of this file."""
    following = np.append(counters[1:], -1)
    cut_before = np.diff(damaged_before, prepend=0) > 0
    cut_after = np.diff(damaged_before, append=damaged_in_file) > 0
    is_last = (following < counters) | cut_after
    is_repeat = repeats | (cut_before & cut_after)
    redraws: NDArray[np.bool_] = (following == counters) | (is_last & is_repeat)
    return redraws


def _has_busier_twin(layout: Layout, sizes: Mapping[Layout, int]) -> bool:
    return any(size > 1 and _may_be_same_bar(layout, other) for other, size in sizes.items())


def _may_be_same_bar(first: Layout, second: Layout) -> bool:
    """Say whether two layouts may be of one bar, when a name or the total of the first is damaged."""
    if first == second:
        return False
    same_names = (first.text, first.post) == (second.text, second.post)
    return same_names or first.total == second.total


def _numbers(key: str, tokens: Sequence[bytes]) -> tuple[NDArray[Any], list[int]]:
    """Return a column of tokens as numbers, and the places of the tokens that are not numbers."""
    lookups: dict[str, Callable[[bytes], float]] = {"<percent>": int, ELAPSED: seconds, RATE: per_second}
    number = lookups.get(key)
    if number:  # few of these differ
        values = {token: number(token) for token in set(tokens)}
        return np.fromiter(map(values.__getitem__, tokens), np.float64, len(tokens)), []
    if key == "<counter>":
        return np.fromiter(map(int, tokens), np.int64, len(tokens)), []
    try:
        return numbers_of(tokens), []
    except ValueError:
        return _numbers_with_gaps(tokens)


def _numbers_with_gaps(tokens: Sequence[bytes]) -> tuple[Array, list[int]]:
    """Return tokens as numbers, NaN where a token is not a number, and the places of those."""
    numbers = np.full(len(tokens), np.nan)
    wrong_places = []
    for place, token in enumerate(tokens):
        try:
            numbers[place] = float(token)
        except ValueError:  # a byte was lost: the caller drops the record
            wrong_places.append(place)
    return numbers, wrong_places


def _repeats(texts: Sequence[bytes], before: bytes | None) -> NDArray[np.bool_]:
    """Return which texts are those of the record before."""
    return np.fromiter(map(eq, texts, chain([before], texts)), np.bool_, len(texts))

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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
    AllBut,
    Chosen,
    Layout,
    keys,
    parse,
    pattern,
    per_second,
    seconds,
)
from ired_diag.runs.large_arrays import GrowingArray, LargeArray, LargeArrays

FIRST_CHUNK = 1 << 13  # read record by record, to learn which bar is the busiest
FIRST_RECORDS = 400  # the same of records
CHUNK = 1 << 19  # large enough for the overhead, small enough for the cache
BLOCK = 1 << 20  # records whose numbers are looked at together
RECORDS = 1 << 14  # the same of records that stand in a list
SMALL: Mapping[str, type[np.generic]] = {"<percent>": np.int16}  # columns that need no 64 bits

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
    steps: LargeArray[np.int64] = LargeArray()
    columns: Mapping[str, Array]  # type: ignore[misc]  # steps has no default: its field raises for the class


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

    columns: dict[str, GrowingArray] = field(default_factory=dict)
    last: dict[str, bytes] = field(default_factory=dict)

    def add(self, tokens: Mapping[str, Sequence[bytes]], damaged: NDArray[np.int64]) -> None:
        """Turn the tokens of further records, a sequence for each column, into arrays."""
        texts = [key for key in TEXTS if key in tokens]
        repeats = [_repeats(tokens[key], self.last.get(key)) for key in texts]
        self._append("<damaged>", damaged.astype(np.int32))
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
        self.columns.setdefault(key, GrowingArray()).append(array)

    def __len__(self) -> int:
        return len(self.columns["<counter>"])

    def take(self, key: str) -> NDArray[Any]:
        """Return a column as one array, and let go of it."""
        return self.columns.pop(key).whole()


def read(path: Path, *, names: Collection[str] | AllBut | None = None) -> Progress:
    """Return what the progress lines of the file at ``path`` say.

    Args:
        path: A ``.err`` file, or any file that tqdm has written to.
        names: The columns to read, or all but some. Default: all. Only columns that are read must hold
            numbers.

    Raises:
        UnreadableFile: The file is missing or cannot be read.
    """
    chosen = names if names is None or isinstance(names, AllBut) else frozenset(names)
    scan = _Scan(chosen)
    try:
        for chunk, is_last in _chunks(path):
            scan.read_chunk(chunk, is_last=is_last)
    except OSError as error:
        raise unreadable(path, error) from error
    return scan.progress()


def read_records(records: Iterable[bytes], *, names: AllBut | None = None) -> Progress:
    """Return the progress in successive prints of a bar.

    Args:
        records: The prints, without separators.
        names: The columns to read. Default: all.
    """
    scan = RecordScan(names)
    for record in records:
        scan.add(record)
    scan.end()
    return scan.progress()


class RecordScan:
    """Reads successive prints of a bar, as they come, in parts."""

    def __init__(self, names: AllBut | None = None) -> None:
        """Begin without a record.

        Args:
            names: The columns to read. Default: all.
        """
        self._scan = _Scan(names)
        self._part: list[bytes] = []
        self._most = FIRST_RECORDS

    @property
    def has_numbers(self) -> bool:
        """Whether a print that was read shows a number."""
        return bool(self._scan.texts)

    def add(self, record: bytes) -> Sequence[bytes]:
        """Add a print, without separators; return the prints that were read because of it."""
        part: Sequence[bytes] = ()
        if len(self._part) == self._most:
            part = self._read(is_last=False)
            self._most = RECORDS
        self._part.append(record)
        return part

    def end(self) -> Sequence[bytes]:
        """Read what is left, the last print of which may be half written; return it."""
        return self._read(is_last=True) if self._part else ()

    def progress(self) -> Progress:
        """Return the progress in the prints that were read."""
        return self._scan.progress()

    def _read(self, *, is_last: bool) -> Sequence[bytes]:
        part, self._part = self._part, []
        self._scan.read_chunk(b"".join(b"\n" + record for record in part), is_last=is_last)
        return part


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

    def __init__(self, chosen: Chosen | None) -> None:
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
            sizes[layout] = len(text)
        for layout in sorted(sizes, key=lambda layout: -sizes[layout]):
            if sizes[layout] == 1 and _has_busier_twin(layout, sizes):
                damaged += 1
                continue
            bar, repeated, wrong = _bar(int(layout.total), self.texts.pop(layout), self.damaged)
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
    chunk: bytes, layout: Layout | None, chosen: Chosen | None
) -> tuple[list[bytes], list[list[bytes]]]:
    """Return what lies between the records of a layout, and its columns."""
    if layout is None:
        return [chunk], []
    compiled = pattern(layout, chosen)
    parts = compiled.split(chunk)
    width = compiled.groups + 1
    columns = [parts[i::width] for i in range(1, width)]
    return parts[::width], columns


def _bar(total: int, text: _BarText, damaged_in_file: int) -> tuple[Bar, int, int]:
    """Return a bar without its redraws, how many those were, and how many records were damaged."""
    counters = text.take("<counter>")
    is_right = ~text.take("<wrong>")
    percent = text.take("<percent>")
    for block in _blocks(len(counters)):
        is_right[block] &= np.rint(counters[block] / total * 100) == percent[block]
    del percent
    wrong = int(np.sum(~is_right))
    damaged_before = text.take("<damaged>")
    repeats = text.take("<repeats>")
    if wrong:
        damaged_before = (damaged_before + np.cumsum(~is_right))[is_right]
        counters = counters[is_right]
        repeats = repeats[is_right]
    is_redraw = _redraws_in_blocks(
        counters,
        repeats=repeats,
        damaged_before=damaged_before,
        damaged_in_file=damaged_in_file + wrong,
    )
    is_kept = is_right
    is_kept[is_right] = ~is_redraw
    steps = counters[~is_redraw]
    steps += 1
    del counters, damaged_before, repeats
    numbers: dict[str, Array] = {}
    for key in list(text.columns):
        column = text.take(key)
        numbers[key] = column if is_kept.all() else column[is_kept]
    return Bar(total, steps, LargeArrays(numbers)), int(np.sum(is_redraw)), wrong


def _blocks(count: int) -> Iterator[slice]:
    """Yield slices of so many records that few arrays of their length take little memory."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def _redraws_in_blocks(
    counters: NDArray[np.int64],
    *,
    repeats: NDArray[np.bool_],
    damaged_before: NDArray[np.integer[Any]],
    damaged_in_file: int,
) -> NDArray[np.bool_]:
    """Return which records are redraws: each block is judged with the records next to it."""
    redraws = np.zeros(len(counters), dtype=np.bool_)
    for block in _blocks(len(counters)):
        around = slice(max(block.start - 1, 0), block.stop + 1)
        judged = _redraws(
            counters[around],
            repeats=repeats[around],
            damaged_before=damaged_before[around],
            damaged_in_file=damaged_in_file,
        )
        first = block.start - around.start
        redraws[block] = judged[first : first + block.stop - block.start]
    return redraws


def _redraws(
    counters: NDArray[np.int64],
    *,
    repeats: NDArray[np.bool_],
    damaged_before: NDArray[np.integer[Any]],
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
        kind = SMALL.get(key, np.float64)
        return np.fromiter(map(values.__getitem__, tokens), kind, len(tokens)), []
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

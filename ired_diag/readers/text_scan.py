r"""A text log, read from its first to its last line: the numbers of its rows, and counts of all other lines.

The file is read in blocks of whole lines. Lines of one skeleton (the line without its digits, signs and
points) have one layout, which is found once; what their numbers are is read for all of them at once
(``text_columns``). A carriage return ends a line, as a progress bar writes it. A line longer than 16 KiB is
counted and not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import unreadable
from ired_diag.readers.text_columns import FEWEST_LINES, Columns, columns_of, numbers_by_line, numbers_of
from ired_diag.readers.text_layout import (
    LONGEST,
    Layout,
    LineKind,
    layout_of,
    may_be_wrapped,
    plain,
    unwrapped,
    without_colours,
)
from ired_diag.readers.text_tokens import DIGITS
from ired_diag.readers.wording import remembered_by_line

BLOCK = 1 << 23  # bytes
MOST_SKELETONS = (
    1 << 16
)  # that are remembered: a text of which no two lines are alike must not fill the memory
MOST_FORMS = 4096
NEWLINE = ord("\n")
FEW = 16  # lines of one in so many are cut out one by one
LONGEST_FORM = 160
FORM = re.compile(rb"(?<![\d.])[-+]?\d+(?:\.\d+)*")

Numbers = NDArray[np.float64]


@dataclass
class Lines:
    """The lines of one layout: their numbers in the file, and their values, of shape (lines, values)."""

    layout: Layout
    numbers: list[NDArray[np.int64]] = field(default_factory=list)
    values: list[Numbers] = field(default_factory=list)

    def add(self, numbers: NDArray[np.int64], values: Numbers) -> None:
        """Append lines."""
        self.numbers.append(numbers)
        self.values.append(values)

    def joined(self) -> tuple[NDArray[np.int64], Numbers]:
        """Return the numbers and values of all lines, in the order of the file."""
        numbers = np.concatenate(self.numbers)
        values = np.concatenate(self.values)
        if np.all(numbers[1:] > numbers[:-1]):
            return numbers, values
        order = np.argsort(numbers, kind="stable")
        # Column by column, as they lie in memory and are read.
        in_order = values.T[:, order].T
        return numbers[order], in_order


@dataclass
class Scan:
    """What stands in a text log.

    Attributes:
        lines: The lines with numbers that are read, by what lines of one layout have in common.
        counts: How many lines there are of each kind.
        forms: How often each form of a line that was not understood stands there; its digits are replaced.
        too_long: How many lines are too long to be read.
        total: How many lines there are.
        torn: The half-written last line that was not read.
    """

    lines: dict[tuple[object, ...], Lines] = field(default_factory=dict)
    counts: Counter[LineKind] = field(default_factory=Counter)
    forms: Counter[bytes] = field(default_factory=Counter)
    too_long: int = 0
    total: int = 0
    torn: bytes = b""

    def of_kind(self, *kinds: LineKind) -> list[Lines]:
        """Return the lines of the given kinds."""
        return [lines for lines in self.lines.values() if lines.layout.kind in kinds]


@dataclass(frozen=True)
class _Block:
    """Lines, each with its newline: their bytes, and the first byte and the length of each."""

    content: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, content: bytes) -> _Block:
        """Return the lines of a text that ends in a newline."""
        ends = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == NEWLINE) + 1
        starts = np.concatenate([[0], ends[:-1]])
        return cls(content, starts, ends - starts)

    def __getitem__(self, place: int) -> bytes:
        """Return a line without its newline."""
        start = int(self.starts[place])
        return self.content[start : start + int(self.lengths[place]) - 1]

    def select(self, places: NDArray[np.int64]) -> bytes:
        """Return the lines at ``places``, which increase."""
        if FEW * len(places) < len(self.starts):
            return b"".join(self[place] + b"\n" for place in places.tolist())
        is_chosen = np.zeros(len(self.starts), dtype=np.bool_)
        is_chosen[places] = True
        bytes_of_lines = np.frombuffer(self.content, dtype=np.uint8)
        return bytes_of_lines[np.repeat(is_chosen, self.lengths)].tobytes()


_layout_of = remembered_by_line(layout_of)  # the logs of a study hold the same lines


@dataclass
class _Skeletons:
    """The layouts of the skeletons that were met."""

    layouts: dict[bytes, Layout] = field(default_factory=dict)
    columns: dict[bytes, Columns | None] = field(default_factory=dict)

    def layout(self, skeleton: bytes, line: bytes) -> Layout:
        """Return the layout of a skeleton; ``line`` is one of its lines."""
        layout = self.layouts.get(skeleton)
        if layout is None:
            if len(self.layouts) >= MOST_SKELETONS:
                self.layouts.clear()
                self.columns.clear()
            layout = _layout_of(line)
            self.layouts[skeleton] = layout
        return layout

    def columns_of(self, skeleton: bytes, layout: Layout) -> Columns | None:
        """Return how the lines of a skeleton become a table."""
        if skeleton not in self.columns:
            self.columns[skeleton] = columns_of(layout)
        return self.columns[skeleton]


def scan(path: Path, *, start: int = 0, most: int | None = None) -> Scan:
    """Return what stands in a text log.

    Args:
        path: The file.
        start: The first byte that is read: what stands before it is no part of the log.
        most: How many bytes are read at most.

    Raises:
        UnreadableFile: It cannot be read.
    """
    result = Scan()
    skeletons = _Skeletons()
    for block, is_last in _blocks(path, start, most):
        if is_last:
            block = _without_torn_end(plain(block), result, skeletons, is_cut=most is not None)
        _add_block(block, result, skeletons)
    return result


def _blocks(path: Path, start: int, most: int | None) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks of whole lines, and whether each is the last; an endless line is cut into long ones."""
    rest = b""
    left = most
    try:
        with path.open("rb") as file:
            file.seek(start)
            while True:
                size = BLOCK if left is None else min(BLOCK, left)
                read = file.read(size)
                if left is not None:
                    left -= len(read)
                if not read:
                    yield rest, True
                    return
                block = _with_newlines(rest + read)
                end = block.rfind(b"\n") + 1
                rest = block[end:]
                if len(rest) > BLOCK:
                    block, end, rest = block + b"\n", len(block) + 1, b""
                if end:
                    yield block[:end], False
    except OSError as error:
        raise unreadable(path, error) from error


def _with_newlines(block: bytes) -> bytes:
    """Return a block in which each line ends in a newline, without colours."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\x08" in block:  # Keras draws its bar again behind backspaces
        block = block.replace(b"\x08", b"\n")
    return without_colours(block)


def _without_torn_end(last: bytes, result: Scan, skeletons: _Skeletons, *, is_cut: bool) -> bytes:
    """Return the last line, ended; nothing where it is half-written, as its last number may be half a number.

    A line without a newline is whole where one of the same layout came before, whose numbers have as many
    decimals.
    """
    if not last.strip():
        return b""
    before = skeletons.layouts.get(last.translate(None, DIGITS))
    is_whole = before is not None and _ends_alike(last, before.example)
    if layout_of(last).fields and (is_cut or not is_whole):
        result.torn = last[:LONGEST_FORM]
        result.total += 1
        return b""
    return last + b"\n"


def _ends_alike(line: bytes, example: bytes) -> bool:
    """Say whether two lines end in numbers with as many decimals, or in the same text after a number."""
    ends = line[-1:]
    if ends not in (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"."):
        return True
    if b"." not in line.rsplit(None, 1)[-1]:
        return False
    return len(line.rpartition(b".")[2]) == len(example.rstrip().rpartition(b".")[2])


def _add_block(block: bytes, result: Scan, skeletons: _Skeletons, *, is_unwrapped: bool = False) -> None:
    """Add the lines of a block, each with its newline, to a scan.

    Args:
        block: The lines.
        result: The scan.
        skeletons: The layouts that were met.
        is_unwrapped: Whether numbers in ``tensor(…)`` were unwrapped already.
    """
    first = result.total
    bare = block.translate(None, DIGITS)
    count = bare.count(b"\n")
    if _add_uniform(block, bare, count, first, result, skeletons):
        result.total += count
        return
    by_line = bare.split(b"\n")
    by_line.pop()  # what follows the last newline is empty
    number_of = dict(zip(dict.fromkeys(by_line), range(len(by_line)), strict=False))
    # A search through the few skeletons takes far less time than one through the block.
    if not is_unwrapped and may_be_wrapped(b"\n".join(number_of)):
        _add_block(unwrapped(block), result, skeletons, is_unwrapped=True)
        return
    result.total += count
    lines = _Block.of(block)
    codes = np.fromiter(map(number_of.__getitem__, by_line), dtype=np.int64, count=len(by_line))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(number_of))).tolist()
    begin = 0
    for skeleton, end in zip(number_of, ends, strict=True):
        places = order[begin:end]
        begin = end
        _add_skeleton(skeleton, lines, places, first, result, skeletons)


def _add_uniform(
    block: bytes, bare: bytes, count: int, first: int, result: Scan, skeletons: _Skeletons
) -> bool:
    """Add the lines of a block that all have one skeleton, and say whether all were read.

    Args:
        block: The lines.
        bare: The same without digits, signs and points.
        count: How many lines there are.
        first: The number of the first line.
        result: The scan.
        skeletons: The layouts that were met.
    """
    skeleton, _, _ = bare.partition(b"\n")
    if count < FEWEST_LINES or (skeleton + b"\n") * count != bare or may_be_wrapped(skeleton):
        return False
    layout = skeletons.layout(skeleton, block.partition(b"\n")[0])
    columns = skeletons.columns_of(skeleton, layout) if layout.fields else None
    if columns is None:
        return False
    read = numbers_of(block, count, columns)
    if read is None or not read[1].all():
        return False
    result.counts[layout.kind] += count
    _keep(layout, np.arange(first, first + count), read[0], result)
    return True


def _add_skeleton(
    skeleton: bytes,
    lines: _Block,
    places: NDArray[np.int64],
    first: int,
    result: Scan,
    skeletons: _Skeletons,
) -> None:
    """Add the lines of one skeleton in a block, which stand at ``places``."""
    example = lines[int(places[0])]
    layout = skeletons.layout(skeleton, example)
    if not skeleton.strip():
        _add_bare(lines, places, result)
        return
    if not layout.fields:
        result.counts[layout.kind] += len(places)
        if layout.kind in ("section", "header"):  # of a part of a box, or of the data
            _keep(layout, places + first, np.empty((len(places), 0)), result)
        elif layout.kind == "other":
            result.too_long += len(places) * (len(example) > LONGEST)
            _add_form(example, len(places), result)
        return
    left = places
    if len(places) >= FEWEST_LINES:
        left = _add_at_once(skeleton, layout, lines, places, first, result, skeletons)
    for place in left.tolist():
        own = layout_of(lines[place])
        result.counts[own.kind] += 1
        if own.fields:
            values = np.array([numbers_by_line(lines[place], own)])
            _keep(own, np.array([place + first]), values, result)
        elif own.kind == "other":
            _add_form(lines[place], 1, result)


def _add_bare(lines: _Block, places: NDArray[np.int64], result: Scan) -> None:
    """Count lines without any letter: blank ones, and rules; all have one skeleton."""
    for place in places.tolist():
        kind = layout_of(lines[place]).kind
        result.counts[kind] += 1
        if kind == "other":
            _add_form(lines[place], 1, result)


def _add_at_once(
    skeleton: bytes,
    layout: Layout,
    lines: _Block,
    places: NDArray[np.int64],
    first: int,
    result: Scan,
    skeletons: _Skeletons,
) -> NDArray[np.int64]:
    """Add many lines of one skeleton; return the places of those that must be read one by one."""
    columns = skeletons.columns_of(skeleton, layout)
    if columns is None:
        return places
    read = numbers_of(lines.select(places), len(places), columns)
    if read is None:
        return places
    values, is_read = read
    if is_read.all():
        result.counts[layout.kind] += len(places)
        _keep(layout, places + first, values, result)
        return places[:0]
    kept = places[is_read]
    result.counts[layout.kind] += len(kept)
    if len(kept):
        _keep(layout, kept + first, values[is_read], result)
    return places[~is_read]


def _keep(layout: Layout, numbers: NDArray[np.int64], values: Numbers, result: Scan) -> None:
    lines = result.lines.get(layout.signature)
    if lines is None:
        lines = result.lines.setdefault(layout.signature, Lines(layout))
    lines.add(numbers, values)


def _add_form(line: bytes, count: int, result: Scan) -> None:
    if count == 1 and len(result.forms) >= MOST_FORMS:
        return
    form = _form(line)
    if form in result.forms or len(result.forms) < MOST_FORMS:
        result.forms[form] += count


def _form(line: bytes) -> bytes:
    """Return a line with its digits replaced, as the form of all lines like it."""
    return FORM.sub(b"#", line[:LONGEST_FORM].strip())

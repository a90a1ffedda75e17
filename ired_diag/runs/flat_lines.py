"""Which JSON lines are fit to be read as columns: flat, of bounded length, and with many rows a column.

A reader of columns parses a file as a stream of values: an object that a line opens may be closed many
lines later, and every level costs stack. It also makes a cell for each row in each column, so that n rows
with a name of their own each make n² cells. Whatever is not plainly harmless is read line by line instead,
which takes longer and gives the same rows:

- each line is one object that is closed on its line and holds no other object or list;
- no line is longer than ``LONGEST_LINE``;
- rows × columns is at most ``MOST_CELLS``, or ``SPARSE`` times the number of values. Columns are counted in
  about ``SAMPLE`` lines, evenly spread over the file.
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_LINE = 1 << 20
MOST_CELLS = 20_000_000
SPARSE = 20
SAMPLE = 20_000
BRACKETS = (b"{", b"}", b"[", b"]")


def may_be_columns(content: bytes) -> bool:
    r"""Say whether JSON lines are fit to be read as columns.

    >>> may_be_columns(b'{"step": 1, "a": 2}\n'), may_be_columns(b'{"step": 1, "a": [2]}\n')
    (True, False)
    """
    content = content.replace(b"\r\n", b"\n")
    lines = [line for line in content.split(b"\n") if line]
    if max(map(len, lines), default=0) > LONGEST_LINE:
        return False
    if not _are_plainly_flat(content, len(lines)) and not all(map(_is_flat, lines)):
        return False
    values = content.count(b":")  # about one colon for each value
    return _cells(lines) <= max(MOST_CELLS, SPARSE * values)


def _are_plainly_flat(content: bytes, lines: int) -> bool:
    """Say whether a glance shows that each line is one flat object: a bracket at either end, none inside."""
    if b"[" in content or not content.startswith(b"{") or not content.endswith(b"}\n"):
        return False
    boundaries = content.count(b"}\n{")
    opened = content.count(b"{")
    closed = content.count(b"}")
    return boundaries + 1 == lines == opened == closed


def _is_flat(line: bytes) -> bool:
    """Say whether a line is blank, or one flat object; brackets in quoted text do not count."""
    parts = _parts(line)
    if len(parts) % 2 == 0:  # a quotation mark without its partner
        return False
    bare = b"".join(parts[::2]).strip()
    if not bare:
        return True
    first, inside, last = bare[:1], bare[1:-1], bare[-1:]
    if (first, last) != (b"{", b"}"):
        return False
    return not any(mark in inside for mark in BRACKETS)


def _parts(line: bytes) -> list[bytes]:
    """Return what stands between quotation marks: every second part is quoted."""
    without_escapes = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    return without_escapes.split(b'"')


def _cells(lines: Sequence[bytes]) -> int:
    """Return rows times columns, the columns as counted in a sample of the rows."""
    stride = max(1, len(lines) // SAMPLE)
    names: set[bytes] = set()
    for line in lines[::stride]:
        names.update(_parts(line)[1::2])
    return len(lines) * len(names)

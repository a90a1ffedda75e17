r"""The end of a text log as the lines that a person sees: bars apart, colours and rank marks removed.

Programs draw progress bars over each other with carriage returns, and an error message often follows a bar on
the same line:

    loss: 0.07:   8%|▊   | 8000/100000 [05:36<57:46, 26.54it/s]/job/script: line 54: 36304 Killed   python

Such a line is two: the bar, and the message. ``torchrun`` and ``srun -l`` put the rank before each line; it
is kept next to the text, so that the tracebacks of several ranks can be distinguished.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.readers.wording import AS_ZEROS

BAR, BAR_BYTES = "%|", b"%|"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR, COLOURS_AS_BYTES = b"\x1b", re.compile(COLOURS.pattern.encode())
RANK = re.compile(
    r"^(?P<rank>\[rank\d+\]: ?|\[default\d+\]: ?|\[\d+,\d+\]<std(?:err|out)>: ?"
    r"|\d{1,4}: (?=Traceback| |\w[\w.]*(?:Error|Exception)\b))"
)
LETTERS = re.compile(r"[A-Za-z]{2}")
# A metric next to a count of steps: what a training that goes on prints.
PROGRESS = re.compile(
    r"(?i)\b(?:epoch|step|iter(?:ation)?|batch|batches)\b\W{0,3}\d+.*\d|\d(?:it|s/it|it/s)\b|\bloss\W{1,3}\d"
)
MOST_READ = 1 << 19  # bytes
MANY_BARS = 1000
EDGE, LAST = 8, 400  # bars that are kept at each end of many, and lines at the end of the log
BLANK, MERE_BAR, TEXT = range(3)


@dataclass(frozen=True)
class Line:
    """A line.

    Attributes:
        text: What stands in it, without a rank's mark.
        rank: The mark of the rank that printed it, where there is one.
        is_bar: Whether it is a drawing of a progress bar.
    """

    text: str
    rank: str = ""
    is_bar: bool = False

    @property
    def is_progress(self) -> bool:
        """Whether it shows that training goes on."""
        return self.is_bar or bool(PROGRESS.search(self.text))


def console_lines(content: bytes, *, most: int = MOST_READ) -> list[Line]:
    """Return the lines at the end of a log that are not blank.

    Args:
        content: The log.
        most: How many bytes are read, from the end.
    """
    text = content[-most:].decode("utf-8", "replace")
    text = COLOURS.sub("", text)
    lines: list[Line] = []
    for piece in re.split(r"[\r\n]+", text):
        if piece.strip():
            lines.extend(_lines_in(piece))
    return lines


def without_middles_of_bars(
    content: bytes,
    has_words: Callable[[bytes], object],
    numbers: Sequence[bytes],
) -> bytes:
    """Return the end of a log of which long rows of progress bars are left out but for their ends.

    What is said of the log stays the same: which text follows which, and whether progress follows it.

    Args:
        content: The log.
        has_words: Says whether a line, whose digits are zeros, must stay.
        numbers: A bar that holds one of these must stay.
    """
    end = content[-MOST_READ:]
    if end.count(BAR_BYTES) < MANY_BARS:
        return end
    drawn = COLOURS_AS_BYTES.sub(b"", end)
    forms = drawn.translate(AS_ZEROS).split(b"\n")
    kinds = {form: _kind_of_piece(form, has_words) for form in set(forms)}
    kind = np.fromiter(map(kinds.__getitem__, forms), np.int8, len(forms))
    places = _places_of(numbers, drawn)
    kind[places] = TEXT
    is_drawn = kind != BLANK
    stays = kind[is_drawn] == TEXT
    stays[:EDGE] = True
    stays[-LAST:] = True
    neighbours = np.ones(2 * EDGE + 1, dtype=np.int64)
    is_near = np.convolve(stays, neighbours, mode="same") > 0
    pieces = np.array(_pieces_of(end), dtype=object)
    kept = pieces[is_drawn][is_near]
    return b"\n".join(kept.tolist())


def _pieces_of(content: bytes) -> list[bytes]:
    return content.replace(b"\r", b"\n").split(b"\n")


def _places_of(numbers: Sequence[bytes], content: bytes) -> list[int]:
    """Return the places of the pieces that hold one of some numbers."""
    printed = [number for number in numbers if number in content]
    if not printed:
        return []
    places: list[int] = []
    for place, piece in enumerate(_pieces_of(content)):
        if any(number in piece for number in printed):
            places.append(place)
    return places


def without_colours(line: bytes) -> bytes:
    """Return a line without the codes that set colours and move the cursor."""
    return COLOURS_AS_BYTES.sub(b"", line) if COLOUR in line else line


def _kind_of_piece(form: bytes, has_words: Callable[[bytes], object]) -> int:
    """Return whether a piece of a line, whose digits are zeros, is blank, one bar and no more, or text."""
    drawn = form.rstrip()
    if not drawn:
        return BLANK
    if drawn.count(BAR_BYTES) != 1:
        return TEXT
    bar = drawn.find(BAR_BYTES)
    closing = drawn.find(b"]", bar)
    is_whole = closing == len(drawn) - 1
    if not is_whole or has_words(form):
        return TEXT
    return MERE_BAR


def text_apart_from_bars(content: bytes) -> bytes:
    r"""Return the lines of a log without its progress bars; what follows a bar on its line stays.

    >>> text_apart_from_bars(b"start\rloss: 1:  5%|# | 5/9 [00:01<00:01]Killed\nend")
    b'start\nKilled\nend'
    """
    pieces = []
    for piece in content.replace(b"\r", b"\n").split(b"\n"):
        if b"%|" in piece:
            closing = piece.rfind(b"]")
            piece = b"" if closing < 0 else piece[closing + 1 :]
        if piece:
            pieces.append(piece)
    return b"\n".join(pieces)


def _lines_in(piece: str) -> Iterator[Line]:
    """Yield the bars in a piece of a line, and the message that follows them."""
    while BAR in piece:
        bar, piece = _split_after_bar(piece)
        yield Line(bar, is_bar=True)
    is_text = LETTERS.search(piece) or piece.startswith(" ")
    if not is_text or not piece.strip():
        return
    mark = RANK.match(piece)
    yield Line(piece[mark.end() :], mark["rank"]) if mark else Line(piece)


def _split_after_bar(piece: str) -> tuple[str, str]:
    """Return a piece up to the bracket that closes its first bar, without that bracket, and the rest."""
    closing = piece.find("]", piece.index(BAR))
    if closing < 0:
        return piece, ""
    return piece[:closing], piece[closing + 1 :]

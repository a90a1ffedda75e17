"""Ways in which a file goes bad, each a function of its bytes and of a random generator.

A copy that stopped, a disk that lost a block, two jobs that wrote into one file, an editor that saved in
another encoding, a log that was compressed and kept its name.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]


def truncated(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut at a random byte."""
    return content[: int(rng.integers(0, len(content)))]


def beheaded(content: bytes, rng: np.random.Generator) -> bytes:
    """Lose the beginning."""
    return content[int(rng.integers(1, len(content))) :]


def flipped(count: int) -> Damage:
    """Replace so many single bytes by others."""

    def flip(content: bytes, rng: np.random.Generator) -> bytes:
        changed = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(0, len(changed), count)
        changed[places] ^= rng.integers(1, 256, count).astype(np.uint8)
        return changed.tobytes()

    return flip


def block(fill: bytes | None) -> Damage:
    """Replace a block by one byte repeated, or by random bytes where ``fill`` is None."""

    def lose(content: bytes, rng: np.random.Generator) -> bytes:
        size = min(512, max(1, len(content) // 4))
        start = int(rng.integers(0, len(content) - size + 1))
        lost = rng.integers(0, 256, size, dtype=np.uint8).tobytes() if fill is None else fill * size
        return content[:start] + lost + content[start + size :]

    return lose


def lines_again(content: bytes, rng: np.random.Generator) -> bytes:
    """Write several lines twice."""
    return b"".join(line * int(rng.integers(1, 4)) for line in _lines(content))


def lines_lost(content: bytes, rng: np.random.Generator) -> bytes:
    """Lose every third line or so."""
    return b"".join(line for line in _lines(content) if rng.random() > 0.3)


def lines_shuffled(content: bytes, rng: np.random.Generator) -> bytes:
    """Put the lines into a random order."""
    lines = _lines(content)
    return b"".join(lines[k] for k in rng.permutation(len(lines)))


def interleaved(content: bytes, rng: np.random.Generator) -> bytes:
    """Let two writers write at once: pieces of the file, each between pieces of a second copy."""
    cuts = np.sort(rng.integers(0, len(content), 8))
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    shift = int(rng.integers(1, len(pieces)))
    return b"".join(a + b for a, b in zip(pieces, [*pieces[shift:], *pieces[:shift]], strict=True))


def twice(content: bytes, rng: np.random.Generator) -> bytes:
    """Append the whole file to itself."""
    return content + content


def long_line(text: bytes) -> Damage:
    """Insert 300,000 characters without an end of line, a text again and again."""

    def insert(content: bytes, rng: np.random.Generator) -> bytes:
        place = int(rng.integers(0, len(content)))
        return content[:place] + (text * 300_000)[:300_000] + content[place:]

    return insert


def numbers_replaced(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace about a tenth of the numbers by what is no number, or is one at the edge."""
    words = [
        b"NaN",
        b"inf",
        b"-1e308",
        b"1e400",
        b"9" * 40,
        b"",
        b'"7"',
        b"null",
        b"-0",
        b"0x1f",
        b"1_000",
        b"\xd9\xa3",
    ]

    def other(match: re.Match[bytes]) -> bytes:
        return words[int(rng.integers(len(words)))] if rng.random() < 0.1 else match[0]

    return re.sub(rb"\d+(\.\d+)?", other, content)


def inserted(text: bytes) -> Damage:
    """Insert a text at eight random places."""

    def insert(content: bytes, rng: np.random.Generator) -> bytes:
        for place in sorted(rng.integers(0, len(content) + 1, 8).tolist(), reverse=True):
            content = content[:place] + text + content[place:]
        return content

    return insert


def encoded(encoding: str) -> Damage:
    """Save the text in another encoding."""
    return lambda content, rng: content.decode("latin-1").encode(encoding, "replace")


def line_ends(ends: bytes) -> Damage:
    """Write other ends of lines."""
    return lambda content, rng: content.replace(b"\n", ends)


def compressed(content: bytes, rng: np.random.Generator) -> bytes:
    """Compress the file and keep its name."""
    return gzip.compress(content, mtime=0)


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True) or [content]


DAMAGES: dict[str, Damage] = {
    "truncated": truncated,
    "beheaded": beheaded,
    "1 byte flipped": flipped(1),
    "20 bytes flipped": flipped(20),
    "block of zeros": block(b"\0"),
    "block of spaces": block(b" "),
    "block of random bytes": block(None),
    "lines again": lines_again,
    "lines lost": lines_lost,
    "lines shuffled": lines_shuffled,
    "two writers": interleaved,
    "twice": twice,
    "a long line of letters": long_line(b"x"),
    "a long line of digits": long_line(b"7"),
    "a long line of spaces": long_line(b" "),
    "a long line of names": long_line(b"a1: "),
    "a long line of bars": long_line(b"1%| "),
    "a long line of commas": long_line(b",;,"),
    "a long line of quotation marks": long_line(b'"'),
    "a long line of dashes": long_line(b"-- "),
    "numbers replaced": numbers_replaced,
    "NUL bytes inserted": inserted(b"\0\0\0"),
    "terminal escapes inserted": inserted(b"\x1b]0;title\x07\x1b[2J"),
    "HTML inserted": inserted(b"<script>alert(1)</script>"),
    "invalid UTF-8 inserted": inserted(b"\xff\xc3\xed\xa0\x80"),
    "Latin-1": inserted(b"caf\xe9"),
    "UTF-16": encoded("utf-16"),
    "UTF-32": encoded("utf-32-be"),
    "EBCDIC": encoded("cp500"),
    "byte order mark": lambda content, rng: b"\xef\xbb\xbf" + content,
    "ends of lines of Windows": line_ends(b"\r\n"),
    "ends of lines of old Macs": line_ends(b"\r"),
    "no ends of lines": line_ends(b" "),
    "compressed": compressed,
    "empty": lambda content, rng: b"",
    "a single byte": lambda content, rng: b"{",
    "only spaces": lambda content, rng: b" \n\t\n" * 50,
    "random bytes": lambda content, rng: rng.integers(0, 256, len(content), dtype=np.uint8).tobytes(),
}

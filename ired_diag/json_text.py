r"""JSON from files of strangers: bounded before any parser sees it.

A parser goes down one level of its stack for each level of nesting, and it may end the whole process where
the stack ends. So the depth is counted first, without recursion, and a text that is deeper than
``MOST_LEVELS`` or longer than ``MOST_BYTES`` is refused. What people write is far below both bounds: a
configuration nests its settings three or four levels deep.

A whole number beyond the range of floating numbers is refused too: nothing can be computed with it.

Text in JSON may also hold half of a surrogate pair, which is no character and cannot be printed or written.
It becomes its own escape, the six letters ``\ud800``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_LEVELS = 64
MOST_BYTES = 1 << 24
HALF_PAIR = re.compile(r"[\ud800-\udfff]")
MAY_HOLD_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
DIGITS = re.compile(r"\d{309}")  # more than any floating number has
STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)

Pairs = list[tuple[str, Any]]


def levels_of(text: str) -> int:
    r"""Return how many objects and lists stand within each other; brackets in quoted text do not count.

    >>> levels_of('{"a": [[1], {"b": 2}]}'), levels_of('{"[[[": "\\"{{{"}'), levels_of("1")
    (3, 1, 0)
    """
    level = most = 0
    quoted = False
    for match in STRUCTURE.finditer(text):
        mark = match[0]
        if mark == '"':
            quoted = not quoted
        elif quoted or mark[0] == "\\":
            continue
        elif mark in "[{":
            level += 1
            most = max(most, level)
        else:
            level -= 1
    return most


def parse_json(
    text: str | bytes,
    *,
    object_pairs_hook: Callable[[Pairs], Any] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Any:
    r"""Return what a JSON text holds.

    Args:
        text: The text; bytes are UTF-8.
        object_pairs_hook: Makes each object from its names and values, as for ``json.loads``.
        most_bytes: The greatest length of the text.

    Raises:
        ValueError: It is not JSON, not UTF-8, too long or nested too deeply.

    >>> parse_json('{"name": "\\ud800"}')
    {'name': '\\ud800'}
    """
    if len(text) > most_bytes:
        raise ValueError(f"longer than {most_bytes >> 20} MiB")
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    _check_depth(text)
    parse_int = _whole_number if DIGITS.search(text) else None
    content = json.loads(text, object_pairs_hook=object_pairs_hook, parse_int=parse_int)
    if MAY_HOLD_HALF_PAIR.search(text):
        return _with_whole_characters(content)
    return content


def _check_depth(text: str) -> None:
    # Counting brackets is fast, and enough for nearly every file: so few cannot be nested too deeply.
    if text.count("{") + text.count("[") <= MOST_LEVELS:
        return
    levels = levels_of(text)
    if levels > MOST_LEVELS:
        raise ValueError(f"nested {levels} levels deep, where {MOST_LEVELS} is the limit")


def parse_first_json(text: str) -> tuple[Any, int]:
    r"""Return the first value of a text, an object or a list that begins it, and where the value ends.

    Args:
        text: A log, from the bracket on that opens the value.

    Raises:
        ValueError: It is not JSON, is not closed within ``MOST_BYTES``, or is nested too deeply.

    >>> parse_first_json('{"rank": 20}\nTraining for 3000 steps [')
    ({'rank': 20}, 12)
    """
    end = _end_of_first(text[:MOST_BYTES])
    return parse_json(text[:end]), end


def _end_of_first(text: str) -> int:
    """Return where the first bracket of a text is closed."""
    if text[:1] not in ("{", "["):
        raise ValueError("begins with no bracket")
    level, quoted = 0, False
    for match in STRUCTURE.finditer(text):
        mark = match[0]
        if mark == '"':
            quoted = not quoted
        elif not quoted and mark in ("{", "["):
            level += 1
        elif not quoted and mark in ("}", "]"):
            level -= 1
        if level > MOST_LEVELS:
            raise ValueError(f"nested more than {MOST_LEVELS} levels deep")
        if level <= 0 and not quoted:
            return match.end()
    raise ValueError("not closed")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        OSError: It cannot be read.
        ValueError: As for ``parse_json``.
    """
    with path.open("rb") as file:
        return parse_json(file.read(MOST_BYTES + 1))  # one byte more than may be: it is refused


def whole_characters(text: str) -> str:
    r"""Return a text in which each half of a surrogate pair is written as its escape.

    >>> whole_characters("q1\udcff")
    'q1\\udcff'
    """
    return HALF_PAIR.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _whole_number(digits: str) -> int:
    if DIGITS.search(digits):
        raise ValueError(f"a whole number of {len(digits)} digits, which is too large")
    return int(digits)


def _with_whole_characters(content: Any) -> Any:
    if isinstance(content, str):
        return whole_characters(content)
    if isinstance(content, list):
        return [_with_whole_characters(item) for item in content]
    if isinstance(content, dict):
        return {whole_characters(key): _with_whole_characters(value) for key, value in content.items()}
    return content

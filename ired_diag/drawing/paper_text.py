"""The words of a picture as paper can hold them: visible, and no word longer than a line."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, cast

from ired_diag.drawing.data import FigureData
from ired_diag.visible_text import visible

LONG_WORD = re.compile(r"\S{61,}")
LONGEST_LABEL, LONGEST_SENTENCE = 120, 600


def with_drawable_text(figure: FigureData) -> FigureData:
    """Return a picture's data with every text as it can be drawn; file name and numbers stay as they are."""
    return dataclasses.replace(
        cast(FigureData, _drawable(figure)),
        name=figure.name,
        method=drawable(figure.method, LONGEST_SENTENCE),
        note=drawable(figure.note, LONGEST_SENTENCE),
        summary=drawable(figure.summary, LONGEST_SENTENCE),
    )


def drawable(text: str, longest: int = LONGEST_LABEL) -> str:
    r"""Return a text without what no font has, its long words cut in the middle.

    >>> drawable("loss\x1b[2J of " + "x" * 100)
    'loss\\x1b[2J of xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxx'
    """
    shortened = visible(text)[:longest]
    return LONG_WORD.sub(_cut, shortened)


def _cut(match: re.Match[str]) -> str:
    word = match[0]
    return f"{word[:40]}…{word[-15:]}"


def _drawable(value: Any) -> Any:
    if isinstance(value, str):
        return drawable(value)
    if isinstance(value, tuple | list):
        return type(value)(_drawable(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in dataclasses.fields(value):
            changed[field.name] = _drawable(getattr(value, field.name))
        return dataclasses.replace(value, **changed)
    return value

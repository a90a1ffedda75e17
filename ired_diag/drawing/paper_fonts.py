"""Fonts of paper figures: those that come with matplotlib, or a family that it finds on this machine.

``sans`` and ``serif`` are drawn with fonts that matplotlib brings along, so that the same runs give the same
bytes on every machine: DejaVu Sans, and STIX, whose letters are those of Times, as in most papers. What a
font lacks (superscripts, Greek letters, arrows) is drawn with DejaVu Sans.
"""

from __future__ import annotations

import difflib

from matplotlib.font_manager import fontManager

from ired_diag.errors import NotFound

SANS, SERIF = "sans", "serif"
COMPLETE = "DejaVu Sans"  # it has every sign that captions and axes use
BROUGHT_ALONG = {SANS: COMPLETE, SERIF: "STIXGeneral"}
HIDDEN = (".", "STIXSize", "STIXNonUnicode", "cm", "DejaVu Sans Display")  # beginnings of fonts of signs


def families_of(font: str) -> list[str]:
    """Return the families in which letters are looked up, the font's own first.

    Args:
        font: ``sans``, ``serif``, or the name of a family.

    Raises:
        NotFound: matplotlib finds no family of this name; the message lists those that it finds.

    >>> families_of("serif")
    ['STIXGeneral', 'DejaVu Sans']
    """
    family = BROUGHT_ALONG.get(font.lower()) or _installed(font)
    if family == COMPLETE:
        return [COMPLETE]
    return [family, COMPLETE]


def _installed(font: str) -> str:
    """Return the family of a name as matplotlib writes it."""
    by_lower_case = {}
    for entry in fontManager.ttflist:
        if not entry.name.startswith(HIDDEN):
            by_lower_case[entry.name.lower()] = entry.name
    if font.lower() in by_lower_case:
        return by_lower_case[font.lower()]
    meant = ""
    for near in difflib.get_close_matches(font.lower(), by_lower_case, n=1):
        meant = f" Did you mean {by_lower_case[near]!r}?"
    names = ", ".join(sorted(by_lower_case.values()))
    raise NotFound(
        f"Font {font!r}: matplotlib finds no such family.{meant} There are: {SANS}, {SERIF}, {names}."
    )

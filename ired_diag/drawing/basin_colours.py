"""The colours of a map of basins, and the borders between them.

Of few ends each has a colour of its own. Of many, the colour of a start is the loss that its descent ends at:
the ends of all starts in order of their loss are parted into ``SHADES`` of about as many starts each, the
darkest the lowest. The critical points that the task knows, else the lowest end, have colours of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.data import Areas, Line
from ired_diag.drawing.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from ired_diag.drawing.tick_words import tick_words
from ired_diag.maps.basins import LEFT, UNDER_WAY, BasinMap, End

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)  # of few ends
OF_KNOWN = (VERMILION, ORANGE, PURPLE)  # of critical points among many ends
SHADES = ("#3182BD", "#6BAED6", "#9ECAE1", "#D6E6F4")  # of other ends, by their loss: pale enough for a plus
NOT_SETTLED = "#BDBDBD"
GONE = "#FFFFFF"
MOST_BORDERS = 5000  # pieces: the borders of a map that has more would hide its colours
BORDER = "border"
ROUNDING = 1e-9  # of the range of losses: an end that is closer to 0 has a loss of 0


@dataclass(frozen=True)
class _Part:
    """Ends of one colour."""

    name: str
    colour: str
    ends: tuple[int, ...]


def has_many_ends(basins: BasinMap) -> bool:
    """Say whether there are more ends than colours."""
    return len(basins.ends) > len(COLOURS)


def areas_of(basins: BasinMap) -> Areas:
    """Return each start in the colour of its end, and of starts without an end."""
    parts = _by_value(basins) if has_many_ends(basins) else _each(basins)
    without = (
        _Part("still under way", NOT_SETTLED, (UNDER_WAY,)),
        _Part("left the map", GONE, (LEFT,)),
    )
    parts += [part for part in without if basins.share(part.ends[0])]
    kinds = np.zeros(basins.label.shape, dtype=np.int64)
    names = []
    for place, part in enumerate(parts):
        is_of_part = np.isin(basins.label, part.ends)
        kinds[is_of_part] = place
        names.append(f"{part.name}: {100 * is_of_part.mean():.1f}%")
    return Areas(
        x=basins.x,
        y=basins.y,
        kinds=kinds,
        names=tuple(names),
        colours=tuple(part.colour for part in parts),
    )


def borders_of(basins: BasinMap) -> Line | None:
    """Return the borders between starts with different ends, as one line with gaps; None where needless."""
    label = basins.label
    if not has_many_ends(basins):
        return None
    rows, columns = np.nonzero(label[:, 1:] != label[:, :-1])
    upper, places = np.nonzero(label[1:] != label[:-1])
    if len(rows) + len(upper) > MOST_BORDERS:
        return None
    half_x, half_y = (np.diff(axis[:2]).sum() / 2 for axis in (basins.x, basins.y))
    across = _pieces(basins.x[columns] + half_x, basins.y[rows], half_y)
    up = _pieces(basins.y[upper] + half_y, basins.x[places], half_x)
    x = np.concatenate([across[0], up[1]])
    y = np.concatenate([across[1], up[0]])
    return Line(BORDER, x, y, drawn="line", of="positive", faint=True)


def place_in_words(end: End, basins: BasinMap) -> str:
    """Return where an end is, to a ten-thousandth of the width of the map."""
    width = basins.x[-1] - basins.x[0]
    digits = 4 - math.floor(math.log10(width))
    # Plus 0: minus zero is written as zero.
    x = round(end.x, digits) + 0.0
    y = round(end.y, digits) + 0.0
    return f"({x:.6g}, {y:.6g})"


def _pieces(fixed: NDArray[np.float64], middle: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """Return straight pieces with gaps: their fixed coordinates, and the ones they run along."""
    gap = np.full(len(fixed), np.nan)
    along = np.stack([middle - half, middle + half, gap], axis=1).ravel()
    return np.stack([np.repeat(fixed, 3), along])


def _each(basins: BasinMap) -> list[_Part]:
    """Return one part for each end, first those that the task knows."""
    order = sorted(range(len(basins.ends)), key=lambda number: not basins.ends[number].kind)
    parts = []
    for number, colour in zip(order, COLOURS, strict=False):
        end = basins.ends[number]
        parts.append(_Part(f"{end.kind} {place_in_words(end, basins)}".strip(), colour, (number,)))
    return parts


def _by_value(basins: BasinMap) -> list[_Part]:
    """Return parts of one critical point each, then of many ends of about the same loss."""
    numbers = sorted(range(len(basins.ends)), key=lambda number: basins.ends[number].value)
    special = [number for number in numbers if basins.ends[number].kind][: len(OF_KNOWN)] or numbers[:1]
    parts = []
    for number, colour in zip(special, OF_KNOWN, strict=False):
        end = basins.ends[number]
        name = f"{end.kind or 'lowest'} {place_in_words(end, basins)}, loss {_loss(end, basins)}"
        parts.append(_Part(name, colour, (number,)))
    others = [number for number in numbers if number not in special]
    for members, colour in zip(_in_shades(basins, others), SHADES, strict=False):
        low, high = (_loss(basins.ends[members[place]], basins) for place in (0, -1))
        words = f"loss {low}" if low == high else f"loss {low} to {high}"
        parts.append(_Part(words, colour, tuple(members)))
    return parts


def _loss(end: End, basins: BasinMap) -> str:
    """Return the loss at an end with three digits; 0 for what is only the rounding of it."""
    values = [other.value for other in basins.ends]
    if abs(end.value) < ROUNDING * (max(values) - min(values)):
        return "0"
    return tick_words([float(f"{end.value:.3g}")])[0]


def _in_shades(basins: BasinMap, ordered: Sequence[int]) -> list[list[int]]:
    """Return ends, by ascending loss, in parts of about as many starts each; equal losses stay together."""
    total = sum(basins.ends[number].share for number in ordered)
    shades: list[list[int]] = [[] for _ in SHADES]
    before, shade, last = 0.0, 0, ""
    for number in ordered:
        end = basins.ends[number]
        value = _loss(end, basins)
        if value != last:
            shade = min(len(SHADES) - 1, int(len(SHADES) * before / total))
        shades[shade].append(number)
        before += end.share
        last = value
    return [members for members in shades if members]

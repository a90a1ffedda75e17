"""The picture of a map of basins: each start of the grid in the colour of where its descent ends.

A plus marks each end. The colours are those of ``basin_colours``.
"""

from __future__ import annotations

from ired_diag.drawing.basin_colours import areas_of, borders_of, has_many_ends, place_in_words
from ired_diag.drawing.data import FigureData, Panel, Text
from ired_diag.maps.basins import LEFT, UNDER_WAY, BasinMap, End

FEW = 4  # ends, each of which a sentence names
HEIGHT = 1.9  # of the panel: a square part of the plane nearly is one


def basin_map(basins: BasinMap, *, title: str, method: str) -> FigureData:
    """Return the picture of a map of basins.

    Args:
        basins: The map.
        title: What was descended, in a few words.
        method: Optimiser and settings, as a sentence.
    """
    marks = []
    for end in basins.ends:
        if _is_on(basins, end):
            marks.append(Text(end.x, end.y, "+", anchor="center"))
    border = borders_of(basins)
    panel = Panel(
        "second coordinate",
        () if border is None else (border,),
        areas=areas_of(basins),
        texts=tuple(marks),
        height=HEIGHT,
        square=True,
    )
    return FigureData(
        name="basins",
        title=f"Where descents end: {title}",
        x_label="first coordinate",
        panels=(panel,),
        method=f"{_caption(basins, has_borders=border is not None)} {method}",
        note=f"{basins.starts:,} starts, {basins.steps:,} steps",
        summary=in_words(basins),
    )


def _caption(basins: BasinMap, *, has_borders: bool) -> str:
    """Return what colours, marks and lines are, and how many starts there are."""
    colour = "the point at which its descent ends"
    if has_many_ends(basins):
        colour = "the loss at which its descent ends (blue: from low, dark, to high)"
    sentences = [
        f"Each of {basins.starts:,} starts on a grid has the colour of {colour}; percentages are shares of "
        "the starts."
    ]
    marks = "Plus sign: the point at which descents end"
    if len(basins.ends) > 1:
        marks = f"Plus signs: the {len(basins.ends)} points at which descents end"
    if not all(_is_on(basins, end) for end in basins.ends):
        marks += ", as far as they lie on the map"
    if has_borders:
        marks += "; thin lines: borders between starts with different ends"
    if basins.ends:
        sentences.append(f"{marks}.")
    if basins.share(UNDER_WAY):
        sentences.append(f"Grey: not at rest after {basins.steps:,} steps.")
    if basins.share(LEFT):
        sentences.append("White: left the map far behind, or no number.")
    sentences.append(f"{basins.steps:,} steps from each start.")
    return " ".join(sentences)


def in_words(basins: BasinMap) -> str:
    """Return what the map shows in a sentence."""
    parts = []
    if len(basins.ends) > FEW:
        lowest = min(basins.ends, key=lambda end: end.value)
        parts.append(f"descents end at {len(basins.ends)} points")
        parts.append(f"{_share_in_words(basins.ends[0], basins)}, no point gets more")
        parts.append(f"{_share_in_words(lowest, basins)}, the lowest point")
    else:
        parts += [_share_in_words(end, basins) for end in basins.ends]
    under_way = basins.share(UNDER_WAY)
    has_left = basins.share(LEFT)
    if under_way:
        parts.append(f"{100 * under_way:.2g}% are still under way after {basins.steps:,} steps")
    if has_left:
        parts.append(f"{100 * has_left:.2g}% have left the map or are no number")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _share_in_words(end: End, basins: BasinMap) -> str:
    kind = f"the {end.kind} " if end.kind else ""
    place = place_in_words(end, basins)
    return f"{100 * end.share:.2g}% of the starts end at {kind}{place}, value {end.value:.4g}"


def _is_on(basins: BasinMap, end: End) -> bool:
    """Say whether an end lies on the map."""
    is_across = basins.x[0] <= end.x <= basins.x[-1]
    is_up = basins.y[0] <= end.y <= basins.y[-1]
    return bool(is_across and is_up)

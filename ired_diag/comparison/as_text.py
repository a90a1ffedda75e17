"""A comparison as a console and a notebook show it: groups, verdicts, and what can turn them around.

Of many pairs the decided ones stand first, and the others are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ired_diag.comparison.answer_words import (
    cautions_of,
    cautions_of_many,
    means_in_words,
    readout_in_words,
)
from ired_diag.comparison.words import verdict_of
from ired_diag.python_words import all_in_python, in_python

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison, PairOfGroups

MOST_VERDICTS = 6  # lines of a console
MOST_PAIRS = 20  # rows of a notebook
MOST_GROUPS = 6  # whose means stand in a line


def in_lines(comparison: Comparison) -> str:
    """Return a comparison as lines of text."""
    lines = [f"<Comparison: {comparison.metric_words}; {readout_in_words(comparison)}"]
    lines += comparison.left_out
    if len(comparison.groups) <= MOST_GROUPS:
        lines.append(means_in_words(comparison))
    pairs = _decided_first(comparison.pairs)
    lines += [verdict_of(pair, comparison) for pair in pairs[:MOST_VERDICTS]]
    if len(pairs) > MOST_VERDICTS:
        lines.append(f"and {len(pairs) - MOST_VERDICTS} more pairs: comparison.frame()")
    lines += _cautions(comparison)
    return "\n  ".join(all_in_python(lines)) + ">"


def in_html(comparison: Comparison) -> str:
    """Return a comparison as tables of its groups and pairs, with its verdict above and notes below."""
    from ired_diag.comparison.frame import COLUMNS_OF_NOTEBOOK, frame_of_comparison, frame_of_groups
    from ired_diag.notebook import details_as_html, frame_as_html, heading_as_html

    title = f"{comparison.metric_words}; {readout_in_words(comparison)}"
    details = list(comparison.left_out)
    if len(comparison.pairs) == 1:
        details.append(verdict_of(comparison.pairs[0], comparison))
    groups = frame_of_groups(comparison).drop(columns=["metric", "readout"])
    html = heading_as_html(in_python(title), all_in_python(details)) + frame_as_html(groups)
    if comparison.pairs:
        places = {id(pair): place for place, pair in enumerate(comparison.pairs)}
        pairs = _decided_first(comparison.pairs)
        rows = [places[id(pair)] for pair in pairs[:MOST_PAIRS]]
        frame = frame_of_comparison(comparison)[list(COLUMNS_OF_NOTEBOOK)]
        html += frame_as_html(frame.iloc[rows])
        if len(pairs) > MOST_PAIRS:
            hidden = f"and {len(pairs) - MOST_PAIRS} more pairs: comparison.frame()"
            html += details_as_html([hidden])
    return html + details_as_html(all_in_python([*_cautions(comparison), *comparison.notes]))


def _decided_first(pairs: Sequence[PairOfGroups]) -> list[PairOfGroups]:
    return sorted(pairs, key=lambda pair: pair.verdict.decision == "undecided")


def _cautions(comparison: Comparison) -> Iterator[str]:
    if len(comparison.pairs) == 1:
        yield from cautions_of(comparison.pairs[0], comparison)
    else:
        yield from cautions_of_many(comparison)

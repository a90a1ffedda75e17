"""That one group was trained longer than the other, and which is better at the last step that both have.

It belongs next to every verdict by the last evaluation: without it, a reader takes a difference of length
for a difference of methods.
"""

from __future__ import annotations

from ired_diag.comparison import Comparison
from ired_diag.comparison.by_readout import ByReadout
from ired_diag.comparison.pairs import PairOfGroups
from ired_diag.comparison.unequal_lengths import UnequalLengths


def lengths_in_words(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return that the last evaluations of two groups are of different steps, in one sentence; else empty.

    Args:
        pair: The pair.
        comparison: The comparison that it belongs to.
    """
    lengths = pair.lengths
    if lengths is None or comparison.readout != "last" or pair.other_problems:
        return ""
    ends = _ends_in_words(pair, lengths)
    # Failed seeds, copies and mixed scales are no matter of a difference of means.
    if pair.worst_rank is not None or pair.identical or pair.mixed_scales:
        return f"{ends}."
    if lengths.step is None:
        return f"{ends}; their seeds have no evaluation step in common."
    if lengths.line is None or lengths.line.reason:
        return f"{ends}."
    at_step = f"at step {lengths.step:g}, the last that all their seeds have"
    return f"{ends}: {at_step}, {_at_step(lengths.line, pair, comparison)}."


def _ends_in_words(pair: PairOfGroups, lengths: UnequalLengths) -> str:
    """Return which group was trained longer: ``newton trained 75 steps longer (3300, contra 3225)``."""
    first_a, last_a = lengths.ends_a
    first_b, last_b = lengths.ends_b
    if first_a == last_a and first_b == last_b:
        if last_a > last_b:
            return f"{pair.a} trained {last_a - last_b:g} steps longer ({last_a:g}, {pair.b} {last_b:g})"
        return f"{pair.b} trained {last_b - last_a:g} steps longer ({last_b:g}, {pair.a} {last_a:g})"
    return (
        f"The trainings end at different steps ({pair.a} {_range(lengths.ends_a)}, "
        f"{pair.b} {_range(lengths.ends_b)})"
    )


def _range(ends: tuple[float, float]) -> str:
    first, last = ends
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"


def _at_step(line: ByReadout, pair: PairOfGroups, comparison: Comparison) -> str:
    """Return which group is ahead, by how much, how sure that is, and whether it is inside the margin."""
    from ired_diag.comparison.verdict_words import ALPHA, number_of_p, unit_of

    if line.difference == 0:
        return "both means are equal"
    is_a_ahead = (line.difference < 0) == comparison.lower_is_better
    ahead = pair.a if is_a_ahead else pair.b
    word = "lower" if comparison.lower_is_better else "higher"
    size = unit_of(line, comparison).text(abs(line.difference))
    # A p value of one pair by itself: a verdict of several pairs would need a correction.
    p = f"p = {number_of_p(line.p)}"
    if len(comparison.compared_pairs) > 1:
        p = f"unadjusted {p}"
    if not line.p <= ALPHA:
        p += ", not shown to differ"
    inside = ""
    if line.uncorrected == "equivalent" or line.smaller_than_margin:
        inside = f", inside {comparison.margin.size_words}"
    return f"{ahead} is {word} by {size} ({p}){inside}"

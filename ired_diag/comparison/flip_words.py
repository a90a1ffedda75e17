"""That a verdict changes with the readout: whose verdict, and up to which step each readout looks.

``best`` and ``last10`` are taken over the steps that all seeds have (``common_steps``). Where one group was
trained further than the other, they look at a run before its end, which the sentence says.
"""

from __future__ import annotations

from ired_diag.comparison import Comparison
from ired_diag.comparison.common_steps import READOUTS
from ired_diag.comparison.names_in_words import is_or_are, joined
from ired_diag.comparison.pairs import FINAL, ByReadout, PairOfGroups


def flips_in_words(pair: PairOfGroups, comparison: Comparison, verdicts: str) -> str:
    """Return that the verdict on a pair changes with the readout.

    Args:
        pair: The pair, whose first group is judged in comparison with the second.
        comparison: The comparison that it belongs to.
        verdicts: What each readout says.
    """
    sentence = f"The verdict on {pair.a}, compared with {pair.b}, changes with the readout: {verdicts}."
    if all_inside(pair):
        inside = f"all inside {comparison.margin.size_words}"
        sentence = f"{sentence.removesuffix('.')}, {inside}."
        if _signs_differ(pair):
            which = "lower" if comparison.lower_is_better else "higher"
            names = f"Differences of {pair.a} and {pair.b}"
            sentence = f"{names} are {inside}; which is {which} depends on the readout: {verdicts}."
    return f"{sentence}{_cut_short(pair, comparison)}"


def _final_lines(pair: PairOfGroups) -> list[ByReadout]:
    """Return what the readouts of the end of the curves say, where they say anything."""
    return [line for line in pair.by_readout if line.readout in FINAL and not line.reason]


def all_inside(pair: PairOfGroups) -> bool:
    """Say whether every readout shows a difference that is too small to matter."""
    lines = _final_lines(pair)
    return all(line.decision == "equivalent" or line.smaller_than_margin for line in lines)


def _signs_differ(pair: PairOfGroups) -> bool:
    """Say whether one group is ahead by one readout and the other one by another."""
    return len({line.difference > 0 for line in _final_lines(pair)}) > 1


def _cut_short(pair: PairOfGroups, comparison: Comparison) -> str:
    """Return which readouts end before a group of the pair did; empty where none does."""
    last = comparison.last_common_step
    if last is None:
        return ""
    readouts = []
    for line in pair.by_readout:
        if line.readout in FINAL and line.readout in READOUTS and not line.reason:
            readouts.append(line.readout)
    longer = []
    for group in comparison.groups:
        if group.name in (pair.a, pair.b) and group.step is not None and group.step > last:
            longer.append(f"{group.name} was evaluated up to step {group.step}")
    if not readouts or not longer:
        return ""
    names = joined(readouts)
    verb = is_or_are(len(readouts))
    return f" {names} {verb} read up to step {last:g}, the last that all seeds have; {', '.join(longer)}."

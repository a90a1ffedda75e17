"""That a verdict changes with the readout: whose verdict, and up to which step each readout looks.

``best`` and ``last10`` are taken over the steps that all seeds have (``common_steps``). Where one group was
trained further than the other, they look at a run before its end, which the sentence says.
"""

from __future__ import annotations

from ired_diag.comparison import Comparison
from ired_diag.comparison.common_steps import READOUTS
from ired_diag.comparison.names_in_words import is_or_are, joined
from ired_diag.comparison.pairs import FINAL, PairOfGroups


def flips_in_words(pair: PairOfGroups, comparison: Comparison, verdicts: str) -> str:
    """Return that the verdict on a pair changes with the readout.

    Args:
        pair: The pair, whose first group is judged in comparison with the second.
        comparison: The comparison that it belongs to.
        verdicts: What each readout says.
    """
    sentence = f"The verdict on {pair.a}, compared with {pair.b}, changes with the readout: {verdicts}."
    return f"{sentence}{_cut_short(pair, comparison)}"


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

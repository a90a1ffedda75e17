"""The tables that ``planted_faults`` prints: a rule's recall by magnitude, and onsets by noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.planted_curves import WITHIN, Onsets
from benchmarks.planted_fault import MAGNITUDES

ROW = "{:<23} {:<58} {:>5} {:>5} {:>5} {:>5} {:>5} {:>7}  {}"
ONSET_ROW = "{:>8} {:>8} {:>10} {:>10} {:>14}"


@dataclass(frozen=True)
class Score:
    """How a rule did on one mistake.

    Attributes:
        rule: Its name.
        title: The mistake.
        plants: At each magnitude.
        recall: By magnitude, the share of the plants that it told.
        alarms: Errors and warnings of any rule, in the plants of magnitude 0.
        besides: At gross, by other rule, the share of the plants in which it speaks.
    """

    rule: str
    title: str
    plants: int
    recall: dict[float, float]
    alarms: list[str]
    besides: dict[str, float]


def table(scores: Sequence[Score]) -> str:
    """Return scores as lines of text."""
    lines = [ROW.format("rule", "planted, from none to gross", *MAGNITUDES, "alarms", "besides, at gross")]
    for score in scores:
        cells = [f"{100 * score.recall[m]:.0f}%" if m in score.recall else "·" for m in MAGNITUDES]
        besides = ", ".join(f"{rule} {100 * share:.0f}%" for rule, share in score.besides.items())
        lines.append(ROW.format(score.rule, score.title, *cells, len(score.alarms), besides).rstrip())
    return "\n".join(lines)


def onset_table(onsets: Sequence[Onsets]) -> str:
    """Return how well onsets are found, as lines of text."""
    lines = [ONSET_ROW.format("noise", "curves", "diverged", f"within {WITHIN}", "median error")]
    for onset in onsets:
        shares = (f"{100 * count / onset.curves:.0f}%" for count in (onset.seen, onset.within))
        lines.append(ONSET_ROW.format(f"{100 * onset.noise:g}%", onset.curves, *shares, f"{onset.error:.1f}"))
    return "\n".join(lines)

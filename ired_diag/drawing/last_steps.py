"""At which steps the curves of groups end, where these differ: pictures of last evaluations say so.

A curve that goes on for longer has had more training, so a picture that compares what is read off the end of
curves names the steps in its caption and, in short, at the axis.
"""

from __future__ import annotations

from collections.abc import Sequence

from ired_diag.comparison.group import Group, note_on_last_steps

AT_THE_END = ("last",)  # readouts of the last evaluations: last10 ends at the last shared step
MOST_STEPS = 3  # named at an axis


def last_steps_in_words(groups: Sequence[Group]) -> str:
    """Return the sentence that groups were last evaluated at different steps; empty where they were not."""
    note = note_on_last_steps(groups)
    return f" {note}" if note else ""


def with_last_steps(readout: str, groups: Sequence[Group]) -> str:
    """Return a readout as an axis names it, with the steps of its last evaluations where they differ.

    Args:
        readout: Name of the readout.
        groups: Groups in the order in which they are drawn.
    """
    if readout not in AT_THE_END or not note_on_last_steps(groups):
        return readout
    steps = [str(group.step) for group in groups if group.outcomes.finished]
    if "None" in steps or len(steps) > MOST_STEPS:
        return f"{readout} (steps differ)"
    return f"{readout} ({'/'.join(steps)})"

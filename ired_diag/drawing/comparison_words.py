"""What pictures of a comparison share: words for the readout and for ranks, and room for names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ired_diag.comparison import Comparison, Group
from ired_diag.comparison.pairing import is_unknown
from ired_diag.comparison.ranking import NO_COMMON_SEED, RankTable
from ired_diag.comparison.words import readout_name
from ired_diag.drawing.data import Panel
from ired_diag.drawing.last_steps import with_last_steps
from ired_diag.errors import DiagError

ALPHA = 0.05
TINY = 1e-4  # p values below say no more than that they are small
MOST_SEEDS = 6  # named in a message
PANEL_HEIGHT = 1.55  # inches of a panel on paper; matplotlib, which knows it too, is slow to load
FEW_LETTERS = 36  # of names on an x axis: more are turned
TWO_LINES = 0.22  # inches of height: of a name in three lines, what goes beyond the first
TURNED = 0.035  # inches of height that each letter of a turned name takes


def readout_of(comparison: Comparison) -> str:
    """Return what was read out: ``validation/mse, mean over the plateau (from step 27000 on)``."""
    readout = f"{comparison.shown_metric}, {readout_name(comparison)}"
    if comparison.readout == "plateau" and comparison.plateau_step is not None:
        readout += f" (from step {comparison.plateau_step:.0f} on)"
    return _with_direction(readout, comparison)


def axis_label(comparison: Comparison, groups: Sequence[Group]) -> str:
    """Return what was read out of groups, in the few words that an axis has room for."""
    readout = with_last_steps(comparison.readout, groups)
    return _with_direction(f"{comparison.shown_metric}, {readout}", comparison)


def _with_direction(readout: str, comparison: Comparison) -> str:
    return readout if comparison.lower_is_better else f"{readout} (higher is better)"


def names_of(comparison: Comparison) -> tuple[str, ...]:
    """Return the names of the groups, in the order that fixes their colours."""
    return tuple(group.name for group in comparison.groups)


def p_in_words(p: float) -> str:
    """Return a p value in words.

    >>> p_in_words(0.0312), p_in_words(2e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return f"p < {TINY:g}" if p < TINY else f"p = {p:.2g}"


def with_room_for_names(panel: Panel) -> Panel:
    """Return a panel as much higher as names on its x axis take that are broken into lines or turned."""
    count = len(panel.x_ticks)
    letters = max((len(name) for _, name in panel.x_ticks), default=0)
    if letters * count <= FEW_LETTERS:
        return panel
    has_short_words = all(
        len(word) * count <= FEW_LETTERS for _, name in panel.x_ticks for word in name.split()
    )
    taken = TWO_LINES if has_short_words else TURNED * letters
    return replace(panel, height=panel.height + taken / PANEL_HEIGHT)


def ranks_of(comparison: Comparison) -> RankTable:
    """Return the ranks of a comparison.

    Raises:
        DiagError: It has none.
    """
    if comparison.ranks is not None:
        return comparison.ranks
    names = ", ".join(names_of(comparison))
    if len(comparison.groups) < 2:
        raise DiagError(f"{names}: ranks need at least 2 groups, found 1. Name another one.")
    if comparison.no_ranks != NO_COMMON_SEED:
        hint = ""
        if is_unknown(comparison.no_ranks):
            hint = " If equal seeds share data, ired-diag stats --paired ranks them (in Python: paired=True)."
        raise DiagError(f"{names}: the groups cannot be ranked seed by seed ({comparison.no_ranks}).{hint}")
    seeds = "; ".join(f"{group.name} has {_seeds_in_words(group)}" for group in comparison.groups)
    raise DiagError(
        f"{names}: ranks need seeds that all groups share, found none: {seeds}. Leave out the group whose "
        "seeds are others, or train the missing ones (ired-diag train)."
    )


def agreement(ranks: RankTable) -> str:
    """Return how far the seeds agree on the order of the groups, and whether that may be chance."""
    test = ranks.friedman
    if math.isnan(test.w):
        return f"no test of the order: {test.reason}"
    n = len(ranks.seeds)
    seeds = "1 seed" if n == 1 else f"{n} seeds"
    chance = "" if test.p <= ALPHA else ", so the order may be chance"
    friedman = f"Friedman's test, {test.method} {p_in_words(test.p)}{chance}"
    return f"Kendall's W = {test.w:.2f} over {seeds} ({friedman})"


def agreement_explained(ranks: RankTable) -> str:
    """Return how far the seeds agree on the order, for a reader who does not know the terms."""
    if math.isnan(ranks.friedman.w):
        return f"Agreement of the seeds on the order: {agreement(ranks)}."
    return f"Agreement of the seeds on the order, from 0 to 1: {agreement(ranks)}."


def failures_in_words(comparison: Comparison, ranks: RankTable) -> str:
    """Return how many ranks are those of failed seeds; empty where there are none."""
    failed = 0
    for group in comparison.groups:
        labels = {failure.label for failure in group.outcomes.failures if failure.is_of_method}
        failed += len(labels.intersection(ranks.seeds))
    if not failed:
        return ""
    count = "1 run that failed counts" if failed == 1 else f"{failed} runs that failed count"
    return f" {count} as worse than all others."


def _seeds_in_words(group: Group) -> str:
    seeds = list(group.values)
    names = ", ".join(seeds[:MOST_SEEDS]) or "none"
    more = len(seeds) - MOST_SEEDS
    return f"{names} and {more} more" if more > 0 else names

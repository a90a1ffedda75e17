"""Which drift does harm, and whether a later window is free of it.

A drift biases the mean of a window by b, known up to the standard error e (``group_drift``). It is *harmless*
where |b| is at most

    0.3 standard errors of the mean over seeds, or of the difference of two such means that are compared;
    0.1% of the level, a tenth of the usual margin, where one group is read alone: no test is made.

It is *evident* where it is not harmless and is no chance: |b| > 2.4 e of a group that improves, as trainings
do, |b| > 3 e of one that gets worse; 1% over all pairs of groups that drift apart. A single run is judged by
its shape alone (``shape``).

What drifts may be the rest of a descent, which is over in a later window, or a line, which is not. A line
that is just too small to be evident in a shorter window does as much harm there. So a later window is taken
only where b is harmless with two e added, or where the line of the longer window is refuted. With b₀ and b
of two windows of the lengths T₀ and T, a line gives b = r b₀, r = T / T₀. Since b₀ is the efficient estimate,

    var(r b₀ - b) = e² - r² e₀².

The line is refuted where r b₀ exceeds b by two of these standard errors; the drift is *over* if also b is
within one e, or harmless.

References: Hausman (1978), Specification tests in econometrics, section 2 (the variance of the difference
from an efficient estimate); Dunn (1961), Multiple comparisons among means.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used

from ired_diag.curves.group_drift import Drift

CHANCE = 0.01  # of two groups that do not drift apart, over all pairs of groups (Bonferroni)
CLEAR = 2.4  # standard errors of a group's own drift: trainings come down
CLEAR_WORSE = 3.0  # standard errors of one that gets worse: both together are chance in 1%
SHARE = 0.3  # of the standard error of the mean: a bias by less changes a level of 5% by less than 1%
OF_MARGIN = 0.1 * 0.01  # of the level: a tenth of the usual margin
BENT = 2.0  # standard errors: a drift that is no line
SURELY = 2.0  # standard errors, added to what is left of a drift
SMALL = 1.0  # standard errors: what may be left of a drift that was evident


@dataclass(frozen=True)
class Suspect:
    """A group that may drift, or a pair of groups that may drift apart.

    Attributes:
        groups: Number of the group, or the two numbers.
        drift: Drift of the group, or the difference of both.
        clear: From how many standard errors on it is no chance.
        better: Whether the group improves.
        compared: Whether its mean is compared with another group's.
    """

    groups: tuple[int, ...]
    drift: Drift
    clear: float
    better: bool = False
    compared: bool = True

    @property
    def harmless(self) -> bool:
        """Whether the drift changes nothing that is decided."""
        return abs(self.drift.bias) <= self._allowed

    @property
    def _allowed(self) -> float:
        if self.compared:
            return SHARE * self.drift.spread
        return OF_MARGIN * self.drift.level

    @property
    def evident(self) -> bool:
        """Whether the drift does harm and is no chance."""
        return not self.harmless and abs(self.drift.bias) > self.clear * self.drift.error

    @property
    def reason(self) -> str:
        """What is said of an evident drift."""
        first, *other = self.groups
        if other:
            return f"group {first}: it still drifts apart from group {other[0]}"
        way = "improves" if self.better else "gets worse"
        reason = f"group {first}: its mean over seeds still {way} slowly"
        if self.compared:
            reason += ", enough to bias a comparison"
        return reason

    def is_over(self, before: Suspect) -> bool:
        """Say whether a drift that was evident before is over in this later window."""
        now, then = self.drift, before.drift
        if abs(now.bias) + SURELY * now.error <= self._allowed:
            return True
        ratio = now.length / then.length
        added = now.error**2 - (ratio * then.error) ** 2
        error = np.sqrt(max(0.0, added))
        excess = (ratio * then.bias - now.bias) * np.sign(then.bias)
        is_bent = bool(excess > BENT * error)
        is_small = self.harmless or abs(now.bias) <= SMALL * now.error
        return is_bent and is_small


def suspects(drifts: Mapping[int, Drift], *, lower_is_better: bool = True) -> list[Suspect]:
    """Return all groups and pairs of groups with their drifts.

    Args:
        drifts: Drift of each group, by its number.
        lower_is_better: Whether lower values are better.
    """
    several = {}
    for number, drift in drifts.items():
        if drift.runs > 1:
            several[number] = drift
    pairs = list(itertools.combinations(several, 2))
    alone = []
    for number, drift in several.items():
        better = (drift.bias > 0) == lower_is_better
        suspect = Suspect(
            groups=(number,),
            drift=drift,
            clear=CLEAR if better else CLEAR_WORSE,
            better=better,
            compared=bool(pairs),
        )
        alone.append(suspect)
    clear = float(scipy.special.ndtri(1 - CHANCE / 2 / max(1, len(pairs))))
    apart = []
    for i, j in pairs:
        apart.append(Suspect((i, j), several[i].apart_from(several[j]), clear))
    return alone + apart


def evident_drift(window: Sequence[Suspect]) -> str:
    """Return the reason of the first drift that is evident in a window; empty where none is."""
    for suspect in window:
        if suspect.evident:
            return suspect.reason
    return ""


def is_free_of_drift(window: Sequence[Suspect], longer: Sequence[Suspect]) -> bool:
    """Say whether all drifts that are evident in a longer window are over, and no other is evident."""
    for now, before in zip(window, longer, strict=True):
        if before.evident and not now.is_over(before):
            return False
        if now.evident and not before.evident:
            return False
    return True

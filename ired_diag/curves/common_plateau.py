"""The plateau of several curves together: one window in which all of them rest.

Every curve must rest by itself (``rest``), and the window starts where the last of them has come to rest. But
what one curve cannot show, the mean over the seeds of a group can, √n times finer. So the mean curve of each
group must have come to rest too (``mean_curve``). And over all evaluations since its descent has faded into
the noise of a single curve, neither may a group drift nor two groups drift apart (``lasting_drift``): a group
that is slower than another, but comes to the same level, would else seem worse. Where one does, the window
starts later, if the drift is over there; if it is not, there is no plateau.

With many curves one of them seems to drift by chance. So each is judged with wider bounds, the more of them
there are: by √(1 + ln curves) times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ired_diag.curves.group_drift import group_drift
from ired_diag.curves.lasting_drift import Suspect, evident_drift, is_free_of_drift, suspects
from ired_diag.curves.mean_curve import Steps, rest_of_mean
from ired_diag.curves.rest import FEWEST
from ired_diag.curves.shape import Shape, shape_of
from ired_diag.stats.arrays import as_floats, finite_part

SLOW = 4.0  # standard errors of the pace: one curve of many may seem to improve by so much
LITTLE = 0.15  # nats: a seed that would win more with as many steps again does not rest
LATER = (0.0, 0.125, 0.25, 0.375, 0.5)  # of the window: the later ones that are tried


@dataclass(frozen=True)
class CommonPlateau:
    """Where several curves have all come to rest.

    Attributes:
        step: The first step of the window; None where there is none.
        indices: For each curve its first evaluation at that step or later.
        reason: Why there is none: ``curve i: …``, by its place from 0, or ``group g: …``, by its number.
    """

    step: float | None
    indices: tuple[int, ...] = ()
    reason: str = ""


def common_plateau(
    curves: Iterable[tuple[ArrayLike, ArrayLike]],
    *,
    groups: Sequence[int] | None = None,
    lower_is_better: bool = True,
) -> CommonPlateau:
    """Return the window in which all curves rest, so that all of them are read in one window.

    Args:
        curves: Steps and values of each curve, as ``plateau_start`` takes them.
        groups: Number of each curve's group; the curves of a group are its seeds. Default: one group.
        lower_is_better: Whether lower values are better.

    >>> common_plateau([(range(30), [1.0, 2.0] * 15), (range(5), [1.0] * 5)]).reason
    'curve 1: 5 evaluations: at least 10 are needed'
    """
    arrays = []
    for steps, values in curves:
        arrays.append((as_floats(steps), as_floats(values)))
    if not arrays:
        return _no_plateau("no curves")
    count = len(arrays)
    latest = -np.inf
    reasons = []
    for i, (steps, values) in enumerate(arrays):
        shape = shape_of(steps, values, lower_is_better=lower_is_better, among=count)
        start = _start_of(shape, count)
        if start is None:
            reasons.append(f"curve {i}: {shape.rest.reason}")
        else:
            latest = max(latest, float(steps[start]))
    if reasons:
        return _no_plateau("; ".join(reasons))
    numbers = np.zeros(count, dtype=np.intp)
    if groups is not None:
        numbers = np.asarray(groups, dtype=np.intp)
    return _shared_window(arrays, numbers, latest, lower_is_better=lower_is_better)


def _no_plateau(reason: str) -> CommonPlateau:
    return CommonPlateau(None, (), reason)


def _shared_window(
    curves: Sequence[Steps],
    numbers: NDArray[np.intp],
    latest: float,
    *,
    lower_is_better: bool,
) -> CommonPlateau:
    """Return the window from ``latest`` on, or from later on, if no group drifts in it."""
    groups = {}
    for number in np.unique(numbers).tolist():
        groups[number] = np.flatnonzero(numbers == number).tolist()
    start = latest
    drifts_from = np.inf
    among = sum(len(members) > 1 for members in groups.values())
    for number, members in groups.items():
        own = [curves[i] for i in members]
        rest = rest_of_mean(own, lower_is_better=lower_is_better, among=among)
        if rest is None:
            continue
        if rest.reason:
            return _no_plateau(f"group {number}: {rest.reason}")
        start = max(start, rest.start)
        if np.isinf(drifts_from):
            drifts_from = rest.drifts_from
        drifts_from = max(drifts_from, rest.drifts_from)
    short = _too_short(curves, start)
    if short:
        return _no_plateau(short)
    return _without_drift(
        curves,
        groups,
        start=start,
        drifts_from=drifts_from,
        lower_is_better=lower_is_better,
    )


def _without_drift(
    curves: Sequence[Steps],
    groups: Mapping[int, Sequence[int]],
    *,
    start: float,
    drifts_from: float,
    lower_is_better: bool,
) -> CommonPlateau:
    """Return the window from ``start`` on, or the first later one in which an evident drift is over."""
    longest = _suspects(curves, groups, min(start, drifts_from), lower_is_better=lower_is_better)
    reason = evident_drift(longest)
    if not reason:
        return _window(curves, start)
    end = min(float(steps[-1]) for steps, _ in curves)
    for share in LATER:
        later = start + share * (end - start)
        if _too_short(curves, later):
            break
        window = _suspects(curves, groups, later, lower_is_better=lower_is_better)
        if window and is_free_of_drift(window, longest):
            return _window(curves, later)
    return _no_plateau(reason)


def _window(curves: Sequence[Steps], start: float) -> CommonPlateau:
    """Return the window from the first evaluation of any curve at ``start`` or later."""
    indices = []
    firsts = []
    for steps, _ in curves:
        index = int(np.searchsorted(steps, start))
        indices.append(index)
        firsts.append(float(steps[index]))
    return CommonPlateau(min(firsts), tuple(indices))


def _too_short(curves: Sequence[Steps], start: float) -> str:
    """Say which curve has too few evaluations from a step on; empty where none has."""
    left = [len(steps) - int(np.searchsorted(steps, start)) for steps, _ in curves]
    shortest = int(np.argmin(left))
    if left[shortest] >= FEWEST:
        return ""
    return f"curve {shortest} has too few evaluations after step {start:g}"


def _suspects(
    curves: Sequence[Steps],
    groups: Mapping[int, Sequence[int]],
    first: float,
    *,
    lower_is_better: bool,
) -> list[Suspect]:
    """Return how the groups drift from a step on; nothing where a curve has too few evaluations."""
    windows = []
    for steps, values in curves:
        window = values[np.searchsorted(steps, first) :]
        windows.append(finite_part(window))
    if min(map(len, windows)) < FEWEST:
        return []
    drifts = {}
    for number, members in groups.items():
        drifts[number] = group_drift([windows[i] for i in members])
    return suspects(drifts, lower_is_better=lower_is_better)


def _start_of(shape: Shape, many: int) -> int | None:
    """Return where a curve rests, one of many; None where it does not."""
    rest, pace = shape.rest, shape.pace
    if rest.index is not None or rest.start is None or rest.tail or pace is None:
        return rest.index
    wide = SLOW * np.sqrt(1 + np.log(many)) * pace.error
    hardly_improves = pace.gain <= wide and pace.gain <= LITTLE
    if shape.word == "improving" and hardly_improves:
        return rest.start
    return None

"""Spikes on the plateau: they count in its mean, and not in the split of its noise.

One evaluation of 30 times its neighbours is no evaluation noise. The split asks what seeds and evaluations
add to the spread, and what more of either would buy; both are variances, to which such a spike adds (29 μ)²,
and a single one makes the whole split that of the spike. So the split is of the evaluations without spikes.

The plateau mean, and with it the test, its interval and its power, is of all finite evaluations: a method
whose evaluations spike is as bad as they say, and a readout that leaves out what does not fit is chosen by
the data. How many spikes there are is said, with the mean without them, where the two means differ in their
first three digits.

A spike differs, in either direction, from the median of the five around it by 5%, and by eight times what
evaluations usually do. That is further than where ``curves.spikes`` speaks of one: of noise nothing is to be
left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ired_diag.comparison.seeds import Members, Seed
from ired_diag.curves.nats import curve_of
from ired_diag.curves.order_statistics import usual_size
from ired_diag.curves.spikes import SEEN, ends_in_spike, running_median

FAR = 8.0  # usual sizes: of noise with a correlation of 0.8 one evaluation in 300,000 is further
MOST_NAMED = 8  # seeds

Array = NDArray[np.float64]


def spikes_of(seed: Seed) -> NDArray[np.bool_]:
    """Return which evaluations of a seed are spikes, of shape (n,)."""
    spikes = np.zeros(len(seed.values), dtype=bool)
    for lower_is_better in (True, False):
        curve = curve_of(seed.steps, seed.values, lower_is_better=lower_is_better)
        off = np.zeros(len(spikes))
        middle = running_median(curve.y)
        np.subtract(curve.y, middle, out=off, where=np.isfinite(middle) & np.isfinite(curve.y))
        spikes |= np.abs(off) > max(FAR * usual_size(off), SEEN)
        spikes[-1:] |= ends_in_spike(curve)
    return np.asarray(spikes & np.isfinite(seed.values))


def note_on_spikes(members: Members, starts: Mapping[str, int]) -> str:
    """Return how many spikes the plateau means of a group count; empty where there are none.

    Args:
        members: The group.
        starts: Of each seed the place of the first evaluation of its plateau.
    """
    means, counts = [], {}
    for seed in members.seeds:
        if seed.label not in starts:
            continue
        window = slice(starts[seed.label], None)
        spikes, finite = spikes_of(seed)[window], np.isfinite(seed.values[window])
        if spikes.any():
            counts[seed.label] = int(spikes.sum())
        kept = finite & ~spikes
        if finite.any():
            means.append(
                [seed.values[window][which].mean() for which in (finite, kept if kept.any() else finite)]
            )
    if not counts:
        return ""
    total, labels = sum(counts.values()), list(counts)
    more = len(labels) - MOST_NAMED
    which = ", ".join(labels[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    all_of_them, without = np.mean(means, axis=0)
    if f"{all_of_them:.3g}" == f"{without:.3g}":
        return ""
    count = "1 spike" if total == 1 else f"{total} spikes"
    return (
        f"{members.name}: {count} on the plateau ({which}). The plateau mean and its tests count them: "
        f"{all_of_them:.4g}, without them {without:.4g}. The split of evaluation noise does not."
    )

"""Spikes on the plateau: they count in its mean, but not where its spread is divided into its sources.

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
from ired_diag.runs.name_list import counted, first_names

FAR = 8.0  # usual sizes: of noise with a correlation of 0.8 one evaluation in 300,000 is further
MOST_NAMED = 8  # seeds

Array = NDArray[np.float64]


def spikes_of(seed: Seed) -> NDArray[np.bool_]:
    """Return which evaluations of a seed are spikes, of shape (n,)."""
    spikes = np.zeros(len(seed.values), dtype=bool)
    # The end of a curve is judged by its direction, and a spike is one in either.
    for lower_is_better in (True, False):
        curve = curve_of(seed.steps, seed.values, lower_is_better=lower_is_better)
        median = running_median(curve.y)
        is_known = np.isfinite(median) & np.isfinite(curve.y)
        distance = np.zeros(len(spikes))
        np.subtract(curve.y, median, out=distance, where=is_known)
        spikes |= np.abs(distance) > max(FAR * usual_size(distance), SEEN)
        spikes[-1:] |= ends_in_spike(curve)
    return np.asarray(spikes & np.isfinite(seed.values))


def note_on_spikes(members: Members, starts: Mapping[str, int]) -> str:
    """Return how many spikes the plateau means of a group count; empty where there are none.

    Args:
        members: The group.
        starts: The place of the first evaluation of the plateau, by seed.
    """
    with_spikes, without_spikes = [], []
    counts = {}
    for seed in members.seeds:
        if seed.label not in starts:
            continue
        window = slice(starts[seed.label], None)
        values, spikes = seed.values[window], spikes_of(seed)[window]
        if spikes.any():
            counts[seed.label] = int(spikes.sum())
        finite = np.isfinite(values)
        if finite.any():
            kept = finite & ~spikes
            with_spikes.append(values[finite].mean())
            without_spikes.append(values[kept if kept.any() else finite].mean())
    if not counts:
        return ""
    mean, mean_without = np.mean(with_spikes), np.mean(without_spikes)
    if f"{mean:.3g}" == f"{mean_without:.3g}":
        return ""
    count, which = counted(sum(counts.values()), "spike"), first_names(list(counts), MOST_NAMED)
    return (
        f"{members.name}: {count} on the plateau ({which}). The plateau mean and its tests count them: "
        f"{mean:.4g}, without them {mean_without:.4g}. The split of evaluation noise does not."
    )

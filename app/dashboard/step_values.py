"""Values of all groups at each step, for the browser: it shows those at the cursor without asking the server.

A group's value at a step is the mean over its seeds, with N and the standard deviation, as logged: nothing is
smoothed. Of a long curve the smallest and the largest of each stretch are sent (``thinning``), all of them
steps that were logged; the table in the browser says at which step each value was.

While a reader chooses no step, values are shown at the last step that all groups reached, so that every group
has a rank. Where a group ended before half of the longest one, which most often is a run that failed, values
are shown at the last step of all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.dashboard.address import View
from app.dashboard.components.group_chips import dashed
from app.dashboard.curve_figures import drawn_groups, evaluated_metric
from app.dashboard.snapshot import Snapshot
from app.run_groups import all_runs
from ired_diag.drawing.over_seeds import OverSeeds, over_seeds
from ired_diag.drawing.palette import style_at
from ired_diag.drawing.thinning import thin
from ired_diag.errors import DiagError
from ired_diag.runs.judged import shared_direction
from ired_diag.runs.run import Run

MOST_STEPS = 1000  # of a group: more than a screen has pixels for a cursor
DIGITS = 6  # of a number, as tables show it
FEWEST_SHARED = 0.5  # of the longest group's steps: a shorter group does not decide where values are shown
MOST_DIGITS = 12  # of a mean whose standard error is small

Groups = Mapping[str, Sequence[Run]]


def values_of_view(view: View, snapshot: Snapshot) -> dict[str, Any]:
    """Return the values of the groups that a view draws, with their metric and which way is better."""
    groups = drawn_groups(view, snapshot)
    metric = view.metric or evaluated_metric(groups) or ""
    sent: dict[str, Any] = {"metric": metric, "higher": False, "groups": []}
    runs = [run for run in all_runs(groups) if metric in run.history.series]
    if view.clock or not runs:  # over time, a place on the axis is no step
        return sent
    try:
        direction = shared_direction({"": runs}, metric)
    except DiagError:  # the configurations contradict each other, which the chart says
        return sent
    values = step_values(groups, metric, tuple(snapshot.groups()))
    return {**sent, "higher": not direction.lower_is_better, "groups": values, **resting_step(values)}


def resting_step(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the step at which values are shown while none is chosen, and which step that is in words.

    Args:
        values: Values of groups, as they are sent.
    """
    ends = [group["steps"][-1] for group in values]
    starts = [group["steps"][0] for group in values]
    if not ends:
        return {}
    shared, last = min(ends), max(ends)
    if shared == last:
        return {"rest": last, "rest_words": ""}
    if shared >= max(FEWEST_SHARED * last, *starts):
        return {"rest": shared, "rest_words": "the last step that all groups reached"}
    return {"rest": last, "rest_words": "the last step of all; a group that ended long before has no rank"}


def digest_of(sent: Any) -> str:
    """Return a digest of what was sent to the browser: it is not sent again while it is the same."""
    return hashlib.sha256(json.dumps(sent).encode()).hexdigest()


def step_values(groups: Groups, metric: str, order: Sequence[str]) -> list[dict[str, Any]]:
    """Return the values of each group that logged a metric, as JSON holds them.

    Args:
        groups: Runs by group.
        metric: Name of a logged metric.
        order: All groups of the study, which fixes the colours.
    """
    values = []
    for name, runs in groups.items():
        curves = [run.history.series[metric] for run in runs if metric in run.history.series]
        curves = [curve for curve in curves if len(curve)]
        if curves:
            mean = over_seeds(curves, "sd")
            line = dashed(style_at(order.index(name)))
            values.append({"group": name, "line": line, **_sent(mean)})
    return values


def _sent(curve: OverSeeds) -> dict[str, list[Any]]:
    places = thin(curve.steps, _finite(curve.mean), MOST_STEPS).indices
    spread = curve.high[places] - curve.mean[places]
    return {
        "steps": curve.steps[places].tolist(),
        "mean": _rounded(curve.mean[places], spread / np.sqrt(curve.n[places])),
        "sd": _rounded(spread),
        "n": curve.n[places].tolist(),
    }


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values with NaN in place of infinite ones, which would hide the largest finite one."""
    return np.where(np.isfinite(values), values, np.nan)


def _rounded(values: NDArray[Any], errors: NDArray[Any] | None = None) -> list[float | None]:
    """Return values in a few digits, more where a small standard error asks for them.

    What JSON has no word for is None.
    """
    if errors is None:
        errors = np.zeros(len(values))
    return [_short(value, error) for value, error in zip(values, errors, strict=True)]


def _short(value: float, error: float) -> float | None:
    if not np.isfinite(value):
        return None
    digits = DIGITS
    if value and error > 0 and np.isfinite(error):
        digits = int(np.clip(np.log10(abs(value) / error) + 4, DIGITS, MOST_DIGITS))
    return float(f"{value:.{digits}g}")

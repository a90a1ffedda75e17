"""What a remedy costs: the time of its training over that of the baseline's, with an interval.

The time of a step is what the logs say of it: the median over the log of ``time/seconds_per_step``, or one
over the median of a logged rate. It holds no evaluation, no start and no wait for a queue. Where no metric of
the two was logged by all runs of both groups, or where they train different numbers of steps, the whole time
from start to end counts instead, with all of these.

The ratio is that of the geometric means over runs, and its interval Welch's on logarithms
(``stats.time_ratio``). One run of a group has no spread, and leaves the interval open. Times of different
machines, or of different numbers of runs that trained together, are not compared: they say nothing of the
methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from ired_diag.comparison.seeds import Members, Seed
from ired_diag.runs.history import Series
from ired_diag.stats.success import Cost, unknown_cost
from ired_diag.stats.time_ratio import ratio_of_groups

SECONDS = re.compile(r"(?i)(^|[/_.])(seconds|secs?|s|time)_per_(step|iter|iteration)$|(^|/)(step|iter)_time$")
RATE = re.compile(r"(?i)(^|[/_.])(steps|iters?|iterations|it)_per_(second|sec|s)$")


def step_times(series: Mapping[str, Series]) -> dict[str, float]:
    """Return what each metric of the pace of training says a step takes, in its own unit of time."""
    times = {}
    for name in series:
        is_rate = bool(RATE.search(name))
        if not is_rate and not SECONDS.search(name):
            continue
        values = np.asarray(series[name].values, dtype=np.float64)
        values = values[np.isfinite(values) & (values > 0)]
        if len(values):
            median = float(np.median(values))
            times[name] = 1 / median if is_rate else median
    return times


def cost_of(a: Members, b: Members) -> Cost:
    """Return what training group a costs, next to group b."""
    if not a.seeds or not b.seeds:
        return unknown_cost("no run of one of the groups has a result")
    machines = {seed.machine for seed in (*a.seeds, *b.seeds)}
    if len(machines) > 1:
        names = ", ".join(sorted(machine or "unknown" for machine in machines))
        return unknown_cost(f"the runs trained on different machines ({names})")
    together = {seed.together for seed in (*a.seeds, *b.seeds)}
    if len(together) > 1:
        return unknown_cost("different numbers of runs trained together")
    shared = set.intersection(*(set(seed.step_times) for seed in (*a.seeds, *b.seeds)))
    steps = {seed.knobs.get("train_steps") for seed in (*a.seeds, *b.seeds)}
    if shared and len(steps) == 1:
        metric = min(shared)
        return _ratio(_step_times(a.seeds, metric), _step_times(b.seeds, metric), f"a step ({metric})")
    whole_a, whole_b = ([seed.seconds for seed in members.seeds] for members in (a, b))
    return _ratio(whole_a, whole_b, "training from start to end")


def _step_times(seeds: Iterable[Seed], metric: str) -> list[float]:
    return [seed.step_times[metric] for seed in seeds]


def _ratio(times_a: list[float], times_b: list[float], what: str) -> Cost:
    known = [[time for time in times if time > 0] for times in (times_a, times_b)]  # a NaN is not
    if not all(known):
        return unknown_cost("neither step times nor start and end of all training are known")
    exact = [np.repeat(np.array(times)[:, None], 2, axis=1) for times in known]
    if min(map(len, known)) > 1:
        ratio = ratio_of_groups(*exact)
        return Cost(ratio=ratio.ratio, low=ratio.low, high=ratio.high, what=what, n=ratio.n)
    means = [float(np.exp(np.log(times).mean())) for times in known]
    return Cost(ratio=means[0] / means[1], what=what, n=(len(known[0]), len(known[1])))

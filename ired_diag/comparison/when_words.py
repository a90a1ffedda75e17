"""When groups come apart and reach a target, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ired_diag.comparison.names_in_words import is_or_are
from ired_diag.runs.name_list import counted, first_names

if TYPE_CHECKING:
    from ired_diag.comparison.apart import CurvesApart
    from ired_diag.comparison.reaching import GroupReaching, Level, Reaching
    from ired_diag.comparison.watched import Watched
    from ired_diag.comparison.when import When
    from ired_diag.stats.survival import SurvivalCurve
    from ired_diag.stats.time_ratio import TimeRatio

MOST_NAMED = 4  # runs
TIMES = 2.0  # from this factor on, "2.1 times as many" is clearer than percent


def in_lines(answer: When) -> list[str]:
    """Return the whole answer, a sentence or two a line."""
    lines = [_metric_line(answer)]
    lines += _failed_lines(answer)
    lines += answer.notes
    lines += curve_lines(answer)
    lines += target_lines(answer)
    return lines


def _metric_line(answer: When) -> str:
    if answer.axis == "step":
        return answer.metric_words
    return (
        f"{answer.metric_words}; at equal {answer.axis}, as logged: the speed of the machines is part of it"
    )


def _failed_lines(answer: When) -> Iterator[str]:
    """Yield which runs failed or were stopped, and what they count for."""
    for name, runs in answer.runs.items():
        failed = [run for run in runs if run.has_failed]
        stopped = [run for run in runs if run.is_stopped]
        if failed:
            curves = "left out of the curves" if answer.survivors else "in the curves as far as they go"
            yield (
                f"{name}: {len(failed)} of {counted(len(runs), 'seed')} failed ({_reasons(failed)}). Failed "
                f"seeds are {curves}, and never reach a target later."
            )
        if stopped:
            yield (
                f"{name}: {len(stopped)} of {counted(len(runs), 'seed')} {_was(len(stopped))} stopped from "
                f"outside ({_reasons(stopped)}). In times to a target, what they lasted is a lower bound; in "
                "the curves --include-incomplete keeps them."
            )
        yield from _clock_lines(name, runs)


def _clock_lines(name: str, runs: Sequence[Watched]) -> Iterator[str]:
    resumed = [run.label for run in runs if run.resumes]
    if resumed:
        yield (
            f"{name}: the clock of {first_names(resumed, MOST_NAMED)} starts again (the run was resumed); "
            "the time before is added, and what passed between is not counted."
        )
    without_time = sum(run.without_time for run in runs)
    if without_time:
        verb = is_or_are(without_time)
        yield f"{name}: {counted(without_time, 'evaluation')} {verb} left out because no time was logged."


def _reasons(runs: Sequence[Watched]) -> str:
    named = []
    for run in runs[:MOST_NAMED]:
        reason = run.failure.reason if run.failure is not None else ""
        named.append(f"{run.label}: {reason}")
    more = len(runs) - MOST_NAMED
    if more > 0:
        named.append(f"and {more} more")
    return "; ".join(named)


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def curve_lines(answer: When) -> list[str]:
    """Return where the mean curves are apart, in sentences."""
    apart = answer.apart
    if apart is None:
        return [f"The curves are not compared: {answer.not_compared}"]
    lines = [f"{headline(answer)} {_of_what(answer, apart)}"]
    lines += _earlier_stretches(answer, apart)
    lines += _smallest_p_line(answer, apart)
    lines += _cluster_line(answer, apart)
    lines += _grid_lines(answer, apart)
    return lines


def headline(answer: When) -> str:
    """Return from which place on the curves are apart, in one sentence."""
    apart = answer.apart
    if apart is None:
        return f"The curves are not compared: {answer.not_compared}"
    last = _at(answer, apart.places[-1])
    if apart.since is not None:
        word = _better_or_worse(answer, apart.separation.stretches[-1].sign)
        since = _at(answer, apart.since)
        return f"Apart from {since} on: {answer.new} is {word} than {answer.old} up to {last}."
    if apart.stretches:
        (first, end), stretch = apart.stretches[-1], apart.separation.stretches[-1]
        word = _better_or_worse(answer, stretch.sign)
        where = f"from {_at(answer, first)} to {_at(answer, end)}"
        return f"Apart {where}: {answer.new} is {word} than {answer.old}; not apart at the end ({last})."
    return f"Nowhere apart up to {last}: no place stands out from chance over all of them together."


def _of_what(answer: When, apart: CurvesApart) -> str:
    n_a, n_b = apart.seeds
    if apart.is_paired:
        seeds = f"{n_a} pairs of seeds"
    else:
        seeds = f"{n_a} and {n_b} seeds, not paired"
    separation = apart.separation
    exchanges = f"all {separation.exchanges}" if separation.is_exact else f"{separation.exchanges} drawn"
    return (
        f"(Max-t over {len(apart.places)} places, {exchanges} exchanges of whole seeds: "
        f"p = {_p(separation.p)}; {seeds}.)"
    )


def _earlier_stretches(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield the stretches before the one of the headline, and what is not shown before the first."""
    if not apart.stretches:
        return
    earlier = apart.stretches[:-1]
    if earlier:
        named = []
        for (first, last), stretch in zip(earlier, apart.separation.stretches, strict=False):
            word = _better_or_worse(answer, stretch.sign)
            named.append(f"{_number(first)} to {_number(last)} ({word})")
        yield f"Before that apart at {_unit(answer)} {first_names(named, MOST_NAMED)}."
    first, _ = apart.stretches[0]
    if first > apart.places[0]:
        yield f"Before {_at(answer, first)} no difference is shown, which does not mean that there is none."


def _smallest_p_line(answer: When, apart: CurvesApart) -> Iterator[str]:
    separation = apart.separation
    if separation.smallest_p <= answer.alpha:
        return
    n_a, n_b = apart.seeds
    level = f"{100 * answer.alpha:g}%"
    if apart.is_paired:
        pairs = math.ceil(math.log2(2 / answer.alpha))
        yield (
            f"Of {n_a} pairs nothing can be told apart at {level}, however far apart they are: the smallest "
            f"p is {_p(separation.smallest_p)}; {pairs} pairs are needed."
        )
    else:
        yield (
            f"Of {n_a} and {n_b} seeds nothing can be told apart at {level}, however far apart they are: the "
            f"smallest p is {_p(separation.smallest_p)}; {_seeds_needed(answer.alpha)} seeds each are needed."
        )


def _seeds_needed(alpha: float) -> int:
    n = 2
    while 2 / math.comb(2 * n, n) > alpha:
        n += 1
    return n


def _cluster_line(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield what the heaviest stretch says."""
    clusters = apart.separation.clusters
    if not clusters:
        return
    heaviest = min(clusters, key=lambda cluster: cluster.p)
    first = _number(apart.places[heaviest.first])
    last = _number(apart.places[heaviest.last])
    where = f"the stretch from {_unit(answer)} {first} to {last}"
    if heaviest.p <= answer.alpha:
        yield (
            f"As a whole, {where} is heavier than chance makes one anywhere (cluster p = {_p(heaviest.p)}): "
            "the curves differ. A cluster does not tell where that begins; max-t does."
        )
    else:
        yield f"As a whole, chance often makes a stretch as heavy as {where} (cluster p = {_p(heaviest.p)})."


def _grid_lines(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield at which places curves are compared, and why no further."""
    grid = apart.grid
    first, last = _number(apart.places[0]), _number(apart.places[-1])
    unit = _unit(answer)
    count = len(apart.places)
    if grid.is_interpolated:
        sentence = (
            f"Compared at {count} places, {unit} {first} to {last}: seeds were not evaluated at the same "
            "ones, so curves are read off the straight line between neighbouring evaluations"
        )
        if grid.bent:
            sentence += f" ({counted(grid.bent, 'place')} left out where curves bend too much for that)"
        yield f"{sentence}."
    elif count < grid.evaluations:
        yield (
            f"Compared at the {count} places, {unit} {first} to {last}, at which all seeds have a finite "
            f"value; every seed has {grid.evaluations} or more there."
        )
    if apart.limited_by:
        ends = f"The comparison ends at {_at(answer, apart.places[-1])} of {_number(grid.last_of_any)}"
        if apart.limit:
            yield (
                f"{ends}: {apart.limited_by} failed ({apart.limit}). Beyond, a mean over the others would be "
                "one of survivors; --survivors leaves failed seeds out."
            )
        else:
            further = "; name its group without it to look further" if apart.ends_alone else ""
            yield f"{ends}, where {apart.limited_by} has its last evaluation{further}."
    if apart.left_out:
        verb = is_or_are(len(apart.left_out))
        yield f"Not among the curves {verb}: {first_names(apart.left_out, 2 * MOST_NAMED)}."
    if answer.pairing and not apart.is_paired:
        yield f"Not paired: {answer.pairing}."


def target_lines(answer: When) -> list[str]:
    """Return how long the groups take to the target, in sentences; none where no target was named."""
    reached = answer.reaching
    if reached is None:
        return []
    lines = [_rule_line(answer, reached)]
    lines += [_group_line(answer, group) for group in (reached.a, reached.b)]
    lines.append(ratio_sentence(answer))
    lines += _level_lines(answer, reached)
    lines += _bracket_lines(answer, reached)
    lines.append(_test_line(answer, reached))
    return lines


def _rule_line(answer: When, reached: Reaching) -> str:
    side = "at or below" if answer.lower_is_better else "at or above"
    rule = f"the first evaluation {side} it"
    if reached.stays:
        rule = f"the first evaluation from which on all logged ones are {side} it"
    target = f"{reached.target:.6g}"
    if reached.level is not None:
        target += f" (the level at which {answer.old} ends)"
    return f"Target {target}: reached at {rule}, read off the line from the evaluation before."


def _group_line(answer: When, group: GroupReaching) -> str:
    runs = len(group.arrivals)
    times = [arrival.at for arrival in group.arrivals if arrival.is_reached]
    verb = "reaches" if runs == 1 else "reach"
    sentence = f"{group.name}: {group.reached} of {counted(runs, 'run')} {verb} it"
    curve = group.curve
    if math.isfinite(curve.median):
        interval = _interval_of_median(curve)
        sentence += f", in the median at {_at(answer, curve.median)} (Kaplan-Meier; {interval})"
    elif times:
        sentence += ", fewer than half, so that the median is unknown"
    if len(times) > 1:
        sentence += f"; the first at {_number(min(times))}, the last at {_number(max(times))}"
    if not times:
        closest = [arrival.closest for arrival in group.arrivals if not math.isnan(arrival.closest)]
        best = min(closest, default=math.nan) if answer.lower_is_better else max(closest, default=math.nan)
        sentence += f"; the closest value is {best:.6g}"
    return f"{sentence}.{_not_reached(group)}"


def _reach(count: int) -> str:
    return "reaches" if count == 1 else "reach"


def _not_reached(group: GroupReaching) -> str:
    """Return what became of the runs whose times are only bounds."""
    states = [arrival.state for arrival in group.arrivals]
    sentences = ""
    ended, failed, early = (states.count(s) for s in ("not reached", "failed", "at first evaluation"))
    if ended:
        sentences += f" {counted(ended, 'run')} ended first and {_need(ended)} longer."
    if failed:
        sentences += f" {counted(failed, 'run')} failed and never {_reach(failed)} it."
    if early:
        sentences += f" {counted(early, 'run')} {_was(early)} there at the first evaluation already."
    return sentences


def _need(count: int) -> str:
    return "needs" if count == 1 else "need"


def ratio_sentence(answer: When) -> str:
    """Return by which factor the new group needs less, in one sentence."""
    reached = answer.reaching
    if reached is None:
        return ""
    ratio = reached.ratio
    start = f"{answer.new} reaches {reached.target:.6g}"
    how = f"{100 * ratio.confidence:g}%; {_method(ratio)}"
    if math.isnan(ratio.ratio):
        bounds = _bounds(answer, ratio.least, ratio.most)
        if not bounds:
            return (
                f"How {answer.new} compares with {answer.old} is open: too many runs ended before they "
                f"reached {reached.target:.6g}."
            )
        bound = ratio.most if math.isfinite(ratio.most) else ratio.least
        change = f"{bounds} {_than(answer, bound)}"
    else:
        change = f"{_change(answer, ratio.ratio)} {_than(answer, ratio.ratio)}"
    interval = _bounds(answer, ratio.low, ratio.high)
    if not interval:
        return f"{start} in {change} ({_no_interval(ratio)})."
    return f"{start} in {change} ({interval}; {how})."


def _no_interval(ratio: TimeRatio) -> str:
    if ratio.method in ("signed ranks", "signs") and ratio.n[0] < 6:
        return f"no interval: with bounds instead of times, 6 pairs are needed, found {ratio.n[0]}"
    if ratio.method == "ranks" and min(ratio.n) < 4:
        return "no interval: with bounds instead of times, or single runs, 4 runs each are needed"
    return "no interval: the times do not bound it on either side"


def _bounds(answer: When, low: float, high: float) -> str:
    """Return an interval of factors in words; empty where it has no end."""
    has_low = low > 0
    has_high = math.isfinite(high)
    if has_low and has_high:
        if low < 1 < high:
            return f"{_change(answer, low)} to {_change(answer, high)}"
        near, far = (high, low) if high <= 1 else (low, high)
        if _size(near) == _size(far):
            return _change(answer, far)
        return f"{_size(near)} to {_change(answer, far)}"
    if has_high:
        return f"at least {_change(answer, high)}" if high < 1 else f"at most {_change(answer, high)}"
    if has_low:
        return f"at least {_change(answer, low)}" if low > 1 else f"at most {_change(answer, low)}"
    return ""


def _change(answer: When, factor: float) -> str:
    """Return a factor in words: ``4.1% fewer steps``."""
    if factor >= TIMES:
        return f"{factor:.3g} times as {'many steps' if answer.axis == 'step' else 'much time'}"
    is_less = factor < 1
    if answer.axis == "step":
        return f"{_size(factor)} {'fewer' if is_less else 'more'} steps"
    return f"{_size(factor)} {'less' if is_less else 'more'} time"


def _than(answer: When, factor: float) -> str:
    """Return with what is compared: 4% fewer than, three times as many as."""
    return f"{'as' if factor >= TIMES else 'than'} {answer.old}"


def _size(factor: float) -> str:
    if factor >= TIMES:
        return f"{factor:.3g} times"
    percent = 100 * abs(factor - 1)
    return f"{percent:.1f}%" if percent >= 0.95 else f"{percent:.2g}%"


def _method(ratio: TimeRatio) -> str:
    n_a, n_b = ratio.n
    pairs = counted(n_a, "pair")
    words = {
        "paired t": f"t of log ratios, {pairs}",
        "Welch": f"Welch's t of log times, {n_a} and {n_b} runs",
        "signs": f"signs of log ratios with bounds, {pairs}",
        "signed ranks": f"signed ranks of log ratios with bounds, {pairs}",
        "ranks": f"ranks of log times with bounds, {n_a} and {n_b} runs",
    }
    return words[ratio.method]


def _level_lines(answer: When, reached: Reaching) -> Iterator[str]:
    level = reached.level
    if level is None:
        return
    yield _noise_of_level(answer, level)
    yield (
        f"Both groups are timed by the same rule: by the luck of a noisy evaluation, {answer.old} itself is "
        "at that level before its end, and so is the new group."
    )


def _noise_of_level(answer: When, level: Level) -> str:
    bounds = _bounds(answer, level.fastest, level.slowest) or "no bound on either side"
    return (
        f"That level is a mean of {level.seeds} last values ({level.low:.6g} to {level.high:.6g}). With its "
        f"noise counted in: {bounds} ({100 * level.confidence:g}%)."
    )


def _bracket_lines(answer: When, reached: Reaching) -> Iterator[str]:
    if math.isfinite(reached.spacing):
        ratio = reached.bracket_ratio
        bounds = _bounds(answer, ratio.low, ratio.high)
        sentence = f"The two evaluations around a crossing are {_number(reached.spacing)} apart (median)."
        if bounds:
            sentence += f" With nothing assumed between them: {bounds} ({_method(ratio)})."
        yield sentence
    if reached.unequal_steps:
        yield (
            "One group is evaluated more often than the other: by noise it is at the target earlier. --stays "
            "does not have that advantage."
        )


def _test_line(answer: When, reached: Reaching) -> str:
    test = reached.test
    a, b = reached.a, reached.b
    if not a.reached + b.reached:
        return "No run reaches it, so there is nothing to test."
    sentence = f"Log-rank test up to {_at(answer, reached.horizon)}: p = {_p(test.p)}"
    if test.smallest_p > answer.alpha:
        sentence += f" (no smaller p than {_p(test.smallest_p)} is possible with so few runs)"
    unit = "steps" if answer.axis == "step" else answer.axis
    means = f"{_number(a.mean.mean)} ({a.name}) and {_number(b.mean.mean)} ({b.name})"
    return f"{sentence}. Mean {unit} up to there: {means}."


def _interval_of_median(curve: SurvivalCurve) -> str:
    level = f"{100 * curve.confidence:g}%"
    if curve.median_low == 0:
        return f"{counted(curve.runs, 'run')} {_have(curve.runs)} no interval at {level}"
    if math.isfinite(curve.median_high):
        return f"{_number(curve.median_low)} to {_number(curve.median_high)}, {level}"
    return f"{_number(curve.median_low)} or more, {level}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _better_or_worse(answer: When, sign: int) -> str:
    is_lower = sign < 0
    return "better" if is_lower == answer.lower_is_better else "worse"


def _unit(answer: When) -> str:
    return "steps" if answer.axis == "step" else answer.axis


def _at(answer: When, place: float) -> str:
    return f"{'step' if answer.axis == 'step' else answer.axis} {_number(place)}"


def _number(place: float) -> str:
    """Return a step or a time: whole where it is large.

    >>> _number(3225.4), _number(12.345)
    ('3225', '12.35')
    """
    if abs(place) >= 1000 or place == round(place):
        return f"{place:.0f}"
    return f"{place:.4g}"


def _p(p: float) -> str:
    return f"{p:.2g}"

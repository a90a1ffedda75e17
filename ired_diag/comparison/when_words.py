"""When groups come apart and reach a target, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ired_diag.comparison.names_in_words import is_or_are
from ired_diag.comparison.place_words import (
    STEP,
    number_in_words,
    p_in_words,
    place_in_words,
    unit_of,
)
from ired_diag.comparison.target_words import target_lines
from ired_diag.runs.name_list import counted, first_names

if TYPE_CHECKING:
    from ired_diag.comparison.apart import CurvesApart
    from ired_diag.comparison.watched import Watched
    from ired_diag.comparison.when import When

OF_FOLDS = (
    "Folds share training data, and these tests take them as independent: they call curves and times apart "
    "too often. 'ired-diag stats' corrects for that at the end of training."
)
ASSUMED = "Assumed: seeds are independent and roughly symmetric around their mean."
MOST_NAMED = 4  # runs, or stretches of steps


def in_lines(answer: When) -> list[str]:
    """Return the whole answer, a sentence or two a line."""
    lines = [_metric_line(answer)]
    for name, runs in answer.runs.items():
        lines += _failed_lines(name, runs, survivors=answer.survivors, noun=answer.run_noun)
        lines += _clock_lines(name, runs)
    lines += answer.notes
    lines += curve_lines(answer)
    lines += target_lines(answer)
    lines.append(OF_FOLDS if answer.has_folds else ASSUMED)
    return lines


def _metric_line(answer: When) -> str:
    words = answer.metric_words
    if answer.axis == STEP:
        return words
    return f"{words}; at equal {answer.axis}, as logged: the speed of the machines is part of it"


def _failed_lines(name: str, runs: Sequence[Watched], *, survivors: bool, noun: str) -> Iterator[str]:
    """Yield which runs failed or were stopped, and what they count for."""
    failed = [run for run in runs if run.has_failed]
    stopped = [run for run in runs if run.is_stopped]
    of_seeds = f"of {counted(len(runs), noun)}"
    if failed:
        curves = "in the curves as far as they go"
        if survivors:
            curves = "left out of the curves"
        yield (
            f"{name}: {len(failed)} {of_seeds} failed ({_reasons(failed)}). Failed {noun}s are {curves}, and "
            "never reach a target later."
        )
    if stopped:
        verb = "was" if len(stopped) == 1 else "were"
        yield (
            f"{name}: {len(stopped)} {of_seeds} {verb} stopped from outside ({_reasons(stopped)}). In times "
            "to a target, what they lasted is a lower bound; in the curves --include-incomplete keeps them."
        )


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
        if run.failure is not None:
            named.append(f"{run.label}: {run.failure.reason}")
    more = len(runs) - MOST_NAMED
    if more > 0:
        named.append(f"and {more} more")
    return "; ".join(named)


def curve_lines(answer: When) -> list[str]:
    """Return where the mean curves are apart, in sentences."""
    apart = answer.apart
    if apart is None:
        return [headline(answer)]
    lines = [f"{headline(answer)} {_of_test(answer, apart)}"]
    lines += other_stretches(answer, apart)
    lines += _smallest_p(answer, apart)
    lines += _heaviest_cluster(answer, apart)
    lines += _places(answer, apart)
    lines += _end(answer, apart)
    if apart.left_out:
        verb = is_or_are(len(apart.left_out))
        lines.append(f"Not among the curves {verb}: {first_names(apart.left_out, 2 * MOST_NAMED)}.")
    if answer.pairing and not apart.is_paired:
        lines.append(f"Not paired: {answer.pairing}.")
    elif answer.has_folds:
        lines.append(f"Paired: {answer.pairing}.")
    return lines


def headline(answer: When) -> str:
    """Return from which place on the curves are apart, in one sentence."""
    apart = answer.apart
    if apart is None:
        return f"The curves are not compared: {answer.not_compared}"
    end = place_in_words(answer.axis, apart.places[-1])
    if apart.separation.smallest_p > answer.alpha:
        return f"Open up to {end}: so few {answer.run_noun}s cannot tell curves apart."
    if not apart.stretches:
        return f"Nowhere apart up to {end}: no place stands out from chance over all of them together."
    if apart.since is None:
        # The last stretch alone, often a single step, would hide the long ones before it.
        listed = _stretches_in_words(answer, apart, len(apart.stretches))
        return f"Not apart at the end ({end}). {answer.new} is apart from {answer.old} at {listed}."
    first, _ = apart.stretches[-1]
    sign = apart.separation.stretches[-1].sign
    since = place_in_words(answer.axis, first)
    than = f"{answer.new} is {_better_or_worse(answer, sign)} than {answer.old}"
    return f"They differ from {since} on: {than} up to {end}."


def _stretches_in_words(answer: When, apart: CurvesApart, count: int) -> str:
    """Return the first stretches with what the new group is in each: ``steps 100 to 3100 (better)``."""
    named = []
    stretches = apart.separation.stretches
    for (first, last), stretch in zip(apart.stretches[:count], stretches[:count], strict=True):
        word = _better_or_worse(answer, stretch.sign)
        named.append(f"{_stretch_in_words(first, last)} ({word})")
    return f"{unit_of(answer.axis)} {first_names(named, MOST_NAMED)}"


def _of_test(answer: When, apart: CurvesApart) -> str:
    n_a, n_b = apart.seeds
    noun = answer.run_noun
    seeds = f"{n_a} and {n_b} {noun}s, not paired"
    if apart.is_paired:
        seeds = f"{n_a} pairs of {noun}s"
    separation = apart.separation
    exchanges = f"{separation.exchanges} drawn exchanges"
    if separation.is_exact:
        exchanges = f"all {separation.exchanges} exchanges"
    p = p_in_words(separation.p)
    return f"(Max-t over {len(apart.places)} places, {exchanges} of whole {noun}s: p = {p}; {seeds}.)"


def other_stretches(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield the stretches before the one of the headline, and what is not shown before the first."""
    if not apart.stretches or apart.separation.smallest_p > answer.alpha:
        return
    before = len(apart.stretches) - 1
    if before and apart.since is not None:
        yield f"Before that, they are apart at {_stretches_in_words(answer, apart, before)}."
    first, _ = apart.stretches[0]
    if first > apart.places[0]:
        place = place_in_words(answer.axis, first)
        yield f"Before {place} no difference is shown, which does not mean that there is none."


def _stretch_in_words(first: float, last: float) -> str:
    if first == last:
        return number_in_words(first)
    return f"{number_in_words(first)} to {number_in_words(last)}"


def _smallest_p(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield that so few seeds cannot tell anything apart, where they cannot."""
    smallest = apart.separation.smallest_p
    if smallest <= answer.alpha:
        return
    n_a, n_b = apart.seeds
    seeds = f"{n_a} and {n_b} {answer.run_noun}s"
    needed = f"{_seeds_needed(answer.alpha)} seeds each are needed"
    if apart.is_paired:
        seeds = f"{n_a} pairs"
        pairs = math.ceil(math.log2(2 / answer.alpha))
        needed = f"{pairs} pairs are needed"
    if answer.has_folds:
        needed = "more folds are not to be had"
    yield (
        f"Of {seeds} nothing can be told apart at {100 * answer.alpha:g}%, however far apart they are: the "
        f"smallest p is {p_in_words(smallest)}; {needed}."
    )


def _seeds_needed(alpha: float) -> int:
    n = 2
    while 2 / math.comb(2 * n, n) > alpha:
        n += 1
    return n


def _heaviest_cluster(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield what the heaviest stretch says."""
    clusters = apart.separation.clusters
    if not clusters or apart.separation.smallest_p > answer.alpha:
        return
    heaviest = min(clusters, key=lambda cluster: cluster.p)
    first = number_in_words(apart.places[heaviest.first])
    last = number_in_words(apart.places[heaviest.last])
    where = f"the stretch from {unit_of(answer.axis)} {first} to {last}"
    p = p_in_words(heaviest.p)
    if heaviest.p <= answer.alpha:
        yield (
            f"As a whole, {where} is heavier than chance makes one anywhere (cluster p = {p}): the curves "
            "differ. A cluster does not tell where that begins; max-t does."
        )
    else:
        yield f"As a whole, {where} is no heavier than chance makes one somewhere (cluster p = {p})."


def _places(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield at which places curves are compared, where these are not all evaluations."""
    grid = apart.grid
    first = number_in_words(apart.places[0])
    last = number_in_words(apart.places[-1])
    count = len(apart.places)
    places = f"Compared at {count} places, {unit_of(answer.axis)} {first} to {last}"
    if grid.is_interpolated:
        sentence = (
            f"{places}: seeds were not evaluated at the same ones, so curves are read off the straight line "
            "between neighbouring evaluations"
        )
        if grid.bent:
            sentence += f" ({counted(grid.bent, 'place')} left out where curves bend too much for that)"
        yield f"{sentence}."
    elif grid.thinned_from:
        yield f"{places}, evenly chosen among {grid.thinned_from} that all {answer.run_noun}s share."
    elif count < grid.evaluations:
        yield (
            f"{places}, at which all {answer.run_noun}s have a finite value; every {answer.run_noun} has "
            f"{grid.evaluations} or more evaluations there."
        )


def _end(answer: When, apart: CurvesApart) -> Iterator[str]:
    """Yield why the comparison ends before the last evaluation of any seed, where it does."""
    if not apart.limited_by:
        return
    end = place_in_words(answer.axis, apart.places[-1])
    sentence = f"The comparison ends at {end} of {number_in_words(apart.grid.last_of_any)}"
    if apart.limit:
        yield (
            f"{sentence}: {apart.limited_by} failed ({apart.limit}). Beyond, a mean over the others would be "
            "one of survivors; --survivors leaves failed seeds out."
        )
        return
    further = ""
    if apart.ends_alone:
        further = "; name its group without it to look further"
    yield f"{sentence}, where {apart.limited_by} has its last evaluation{further}."


def _better_or_worse(answer: When, sign: int) -> str:
    is_lower = sign < 0
    if is_lower == answer.lower_is_better:
        return "better"
    return "worse"

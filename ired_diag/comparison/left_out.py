"""Which seeds have no number in a comparison, and why: the sentences that stand before all others.

A mean over the seeds that finished looks better than the method is where the others diverged. So what is left
out is said first: one sentence for each group and kind, with the seeds by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ired_diag.comparison.names_in_words import is_or_are
from ired_diag.comparison.seeds import Members
from ired_diag.curves.failure import Failure
from ired_diag.runs.ending import LABELS
from ired_diag.runs.name_list import first_names
from ired_diag.runs.run_nouns import called, run_noun

KEPT = "no seed of any group ended well, so they are compared as they ended (is the direction right?)"
ALL = {1: "its only seed", 2: "both seeds"}
MOST_NAMED = 8  # seeds: beyond, they are counted


def left_out_of(groups: Sequence[Members]) -> list[str]:
    """Return one sentence for each group and kind of seed without a number."""
    sentences: list[str] = []
    for members in groups:
        noun = run_noun(members.cross_validation)
        sentences += [called(sentence, noun) for sentence in _sentences_of(members)]
    return sentences


def _sentences_of(members: Members) -> Iterator[str]:
    yield from _copied_seeds(members)
    yield from _seeds_evaluated_as_others(members)
    yield from _failed_seeds(members)
    yield from _stopped_seeds(members)


def _copied_seeds(members: Members) -> Iterator[str]:
    """Yield which seeds are copies of other runs, and are not counted."""
    copied = members.failures_of_kind("copied")
    if copied:
        yield _no_evidence(members, copied, "every digit is that of another run") + "."


def _seeds_evaluated_as_others(members: Members) -> Iterator[str]:
    """Yield which seeds log the validation curve of another seed, and are not counted."""
    chosen = members.failures_of_kind("evaluated as another")
    if chosen:
        digits = "every digit of the metric that is compared is that of another seed"
        yield (
            f"{_no_evidence(members, chosen, digits)}. The evaluation does not depend on what was trained, "
            "or its numbers were copied."
        )


def _no_evidence(members: Members, copied: Sequence[Failure], digits: str) -> str:
    which = first_names([f"{failure.label}: {failure.cause}" for failure in copied], MOST_NAMED)
    was, its = ("was", "its") if len(copied) == 1 else ("were", "their")
    return f"{_count(members, copied)} {was} left out as no evidence of {its} own: {digits} ({which})"


def _failed_seeds(members: Members) -> Iterator[str]:
    """Yield which seeds diverged or died; those that diverged may have a number all the same."""
    finished = len(members.seeds)
    kept = members.failed_with_number
    if kept:
        yield f"{_count(members, kept)} diverged ({_labels(kept)}); {KEPT}."
    broken = members.failures_of_kind("not finite", "diverged")
    if broken:
        count, ending = _count(members, broken), _ending_of(broken)
        yield f"{count} {ending} ({_labels(broken)}); {_what_means_are_of(finished, 'ended well')}."
    crashed = members.failures_of_kind("crashed")
    if crashed:
        died = f"died of an error ({_labels(crashed)}: {_causes(crashed)})"
        yield f"{_count(members, crashed)} {died}; {_what_means_are_of(finished, 'finished')}."


def _stopped_seeds(members: Members) -> Iterator[str]:
    """Yield which seeds were cut short, which could not be read, and which lack the metric."""
    cut_short, unreadable, without_metric = [], [], []
    for failure in members.failures_of_kind("stopped"):
        if failure.cause.startswith("has no "):
            without_metric.append(failure)
        elif failure.cause == LABELS["unreadable"]:
            unreadable.append(failure)
        else:
            cut_short.append(failure)
    if cut_short:
        was, verb = "was" if len(cut_short) == 1 else "were", is_or_are(len(cut_short))
        stopped = f"{was} stopped ({_causes(cut_short)}) and {verb} left out: {_labels(cut_short)}"
        yield f"{_count(members, cut_short)} {stopped}{_hint_to_keep(cut_short)}."
    if unreadable:
        verb = is_or_are(len(unreadable))
        yield (
            f"{_count(members, unreadable)} {verb} not readable and {verb} left out: {_labels(unreadable)}."
        )
    if without_metric:
        # Of one group, so the metric that they lack is the same.
        lacks = without_metric[0].cause
        if len(without_metric) > 1:
            lacks = lacks.replace("has", "have", 1)
        verb = is_or_are(len(without_metric))
        yield f"{_count(members, without_metric)} {lacks} and {verb} left out: {_labels(without_metric)}."


def _hint_to_keep(cut_short: Sequence[Failure]) -> str:
    if any(failure.step is not None for failure in cut_short):
        return " (--include-incomplete keeps them)"
    return ""


def _count(members: Members, chosen: Sequence[Failure]) -> str:
    """Return of how many seeds a sentence speaks: ``h: 2 of 5 seeds``."""
    n = len(members.seeds) + len(members.failures)
    if len(chosen) == n:
        return f"{members.name}: {ALL.get(n, f'all {n} seeds')}"
    return f"{members.name}: {len(chosen)} of {n} seeds"


def _ending_of(broken: Sequence[Failure]) -> str:
    """Return how training broke down: ``diverged or ended in NaN``."""
    # The cause of a divergence to a finite value is "diverged", else the last value.
    causes = {failure.cause for failure in broken}
    endings = []
    if "diverged" in causes:
        endings.append("diverged")
    if "infinity" in causes:
        endings.append("ended in NaN or infinity")
    elif "NaN" in causes:
        endings.append("ended in NaN")
    return " or ".join(endings)


def _what_means_are_of(finished: int, ending: str) -> str:
    if not finished:
        return f"no seed {ending}, so there is no mean"
    if finished == 1:
        return f"its mean is the number of the only seed that {ending}"
    return f"means are among the {finished} that {ending}"


def _labels(chosen: Sequence[Failure]) -> str:
    return first_names([failure.label for failure in chosen], MOST_NAMED)


def _causes(chosen: Sequence[Failure]) -> str:
    counts = Counter(failure.cause for failure in chosen)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {cause}" for cause, count in counts.items())

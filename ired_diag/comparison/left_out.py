"""Which seeds have no number in a comparison, and why: the sentences that stand before all others.

A mean over the seeds that finished looks better than the method is where the others diverged. So what is left
out is said first: one sentence for each group and kind, with the seeds by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ired_diag.comparison.outcomes import Failure
from ired_diag.comparison.seeds import Members
from ired_diag.runs.ending import LABELS

KEPT = "no seed of any group ended well, so they are compared as they ended (is the direction right?)"
ALL = {1: "its only seed", 2: "both seeds"}
MOST_NAMED = 8  # seeds: beyond, they are counted


def left_out_of(groups: Sequence[Members]) -> list[str]:
    """Return one sentence for each group and kind of seed without a number."""
    return [sentence for members in groups for sentence in _sentences(members)]


def _sentences(members: Members) -> Iterator[str]:
    finished, n = len(members.seeds), len(members.seeds) + len(members.failures)
    kept = [seed.failure for seed in members.seeds if seed.failure is not None]
    if kept:
        yield f"{_count(members, kept, n)} diverged ({_labels(kept)}); {KEPT}."
    broken = [f for f in members.failures if f.kind in ("not finite", "diverged")]
    crashed = [f for f in members.failures if f.kind == "crashed"]
    if broken:
        basis = _basis(finished, "ended well")
        yield f"{_count(members, broken, n)} {_breakdown(broken)} ({_labels(broken)}); {basis}."
    if crashed:
        what = f"died of an error ({_labels(crashed)}: {_causes(crashed)})"
        yield f"{_count(members, crashed, n)} {what}; {_basis(finished)}."
    stopped = [f for f in members.failures if f.kind == "stopped"]
    without = [f for f in stopped if f.cause.startswith("has no ")]
    unreadable = [f for f in stopped if f.cause == LABELS["unreadable"]]
    cut = [f for f in stopped if f not in without and f not in unreadable]
    if cut:
        what = f"{_was(cut)} stopped ({_causes(cut)}) and {_is(cut)} left out: {_labels(cut)}"
        hint = " (--include-incomplete keeps them)" if any(f.step is not None for f in cut) else ""
        yield f"{_count(members, cut, n)} {what}{hint}."
    if unreadable:
        what = f"{_is(unreadable)} not readable and {_is(unreadable)} left out: {_labels(unreadable)}"
        yield f"{_count(members, unreadable, n)} {what}."
    if without:
        verb = without[0].cause if len(without) == 1 else without[0].cause.replace("has", "have", 1)
        yield f"{_count(members, without, n)} {verb} and {_is(without)} left out: {_labels(without)}."


def _count(members: Members, chosen: Sequence[Failure], n: int) -> str:
    """Return of how many seeds a sentence speaks: ``h: 2 of 5 seeds``."""
    if len(chosen) == n:
        return f"{members.name}: {ALL.get(n, f'all {n} seeds')}"
    return f"{members.name}: {len(chosen)} of {n} seeds"


def _breakdown(broken: Sequence[Failure]) -> str:
    ends = {failure.cause for failure in broken if failure.kind == "not finite"}
    words = ["diverged"] if any(failure.kind == "diverged" for failure in broken) else []
    if ends:
        words.append("ended in NaN" if ends == {"NaN"} else "ended in NaN or infinity")
    return " or ".join(words)


def _basis(finished: int, did: str = "finished") -> str:
    if not finished:
        return f"no seed {did}, so there is no mean"
    if finished == 1:
        return "its mean is that of the only seed that finished"
    return f"means are among the {finished} that finished"


def _labels(chosen: Sequence[Failure]) -> str:
    labels = [failure.label for failure in chosen]
    more = len(labels) - MOST_NAMED
    return ", ".join(labels[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _causes(chosen: Sequence[Failure]) -> str:
    counts = Counter(failure.cause for failure in chosen)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {cause}" for cause, count in counts.items())


def _was(chosen: Sequence[Failure]) -> str:
    return "was" if len(chosen) == 1 else "were"


def _is(chosen: Sequence[Failure]) -> str:
    return "is" if len(chosen) == 1 else "are"

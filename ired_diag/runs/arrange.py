"""Which attempts are runs, which are retries, which are variants.

Attempts that never logged an evaluation, and attempts with equal configuration and equal git commit, are
retries of one run: the complete one is the run. Trained attempts that differ in either are variants of the
experiment, named by their job. An experiment whose number stands for several full names is several
experiments.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ired_diag.config_keys import METADATA
from ired_diag.runs.attempt import Attempt

NOT_COMPARED = (*METADATA, "seed")  # they differ between the seeds of one experiment

Version = tuple[str, str | None]  # configuration, commit


@dataclass(frozen=True)
class ArrangedRun:
    """A run that was found among attempts.

    Attributes:
        experiment: Number or full name: what its seeds share.
        variant: The job that names its variant, where the experiment has several.
        attempt: The attempt that is the run.
        earlier: The retries, earliest first.
    """

    experiment: str
    variant: str | None
    attempt: Attempt
    earlier: tuple[Attempt, ...]


def arrange(attempts: Iterable[Attempt]) -> list[ArrangedRun]:
    """Return the runs that attempts make, sorted by experiment, variant and seed."""
    families: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        families[attempt.experiment].append(attempt)
    runs = [
        run
        for number, members in families.items()
        for experiment, named in _by_full_name(number, members).items()
        for run in _arrange_experiment(experiment, named)
    ]
    return sorted(runs, key=_reading_order)


def _reading_order(run: ArrangedRun) -> tuple[str, str, int, str]:
    seed = run.attempt.seed
    return run.experiment, run.variant or "", -1 if seed is None else seed, run.attempt.seed_label


def _by_full_name(number: str, members: Sequence[Attempt]) -> dict[str, list[Attempt]]:
    """Split a number's attempts by full name where it has several; the nameless go with their neighbour."""
    named = [a for a in members if a.name]
    names = {a.name for a in named}
    if len(names) <= 1:
        return {number: list(members)}
    split: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in members:
        split[str((attempt if attempt.name else _neighbour(attempt, named)).name)].append(attempt)
    return split


def _neighbour(attempt: Attempt, others: Sequence[Attempt]) -> Attempt:
    """Return the one of ``others`` that was started next after ``attempt``, else the last before it."""
    ordered = sorted(others, key=lambda a: a.order)
    return next((a for a in ordered if a.order >= attempt.order), ordered[-1])


def _arrange_experiment(experiment: str, members: Sequence[Attempt]) -> list[ArrangedRun]:
    trained = [a for a in members if a.evaluations]
    untrained = [a for a in members if not a.evaluations]
    versions: dict[Version, list[Attempt]] = defaultdict(list)
    for attempt in trained:
        versions[_version(attempt)].append(attempt)
    labels = _variant_labels(versions)
    runs = [
        ArrangedRun(experiment, labels[version], chosen, tuple(retries))
        for version, same in versions.items()
        for chosen, retries in _split_retries(same)
    ]
    return _attach_untrained(experiment, runs, untrained)


def _version(attempt: Attempt) -> Version:
    knobs = {k: v for k, v in (attempt.configuration or {}).items() if k not in NOT_COMPARED}
    return json.dumps(knobs, sort_keys=True), attempt.commit


def _variant_labels(versions: dict[Version, list[Attempt]]) -> dict[Version, str | None]:
    """Name each version by its last job; where one job ran several, by what else differs too."""
    if len(versions) <= 1:
        return dict.fromkeys(versions)
    jobs = {v: max(same, key=lambda a: a.order).job or "unknown" for v, same in versions.items()}
    labels: dict[Version, str | None] = {}
    for version, job in jobs.items():
        twins = [other for other, its_job in jobs.items() if its_job == job]
        labels[version] = job if len(twins) == 1 else f"{job},{_difference(version, twins)}"
    return labels


def _difference(version: Version, twins: Sequence[Version]) -> str:
    """Return ``key=value,…`` for the keys in which a version differs from others."""
    own = json.loads(version[0])
    others = [json.loads(twin[0]) for twin in twins]
    keys = sorted({k for knobs in [own, *others] for k in knobs})
    told = [k for k in keys if any(knobs.get(k) != own.get(k) for knobs in others)]
    differing = [f"{k}={json.dumps(own.get(k))}".replace('"', "").replace("/", "_") for k in told]
    if sum(twin[0] == version[0] for twin in twins) > 1:
        differing.append(f"commit={version[1]}")
    return ",".join(differing)


def _split_retries(same: Sequence[Attempt]) -> list[tuple[Attempt, list[Attempt]]]:
    """Return the run or runs among trained attempts of one version, each with its retries."""
    by_seed: dict[int | None, list[Attempt]] = defaultdict(list)
    for attempt in same:
        by_seed[attempt.seed].append(attempt)
    runs: list[tuple[Attempt, list[Attempt]]] = []
    for seed, members in by_seed.items():
        ordered = sorted(members, key=lambda a: (a.ending.complete, a.evaluations, a.order))
        complete = [a for a in ordered if a.ending.complete]
        # Without a seed, complete attempts drew different random numbers: each is a run of its own.
        chosen = complete if seed is None and complete else ordered[-1:]
        retries: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in ordered:
            if not any(attempt is one for one in chosen):
                retries[id(_neighbour(attempt, chosen))].append(attempt)
        runs.extend((one, retries[id(one)]) for one in chosen)
    return runs


def _attach_untrained(
    experiment: str, runs: list[ArrangedRun], untrained: Sequence[Attempt]
) -> list[ArrangedRun]:
    """Give each attempt that never logged an evaluation to the run it was a try at."""
    retries: dict[int, list[Attempt]] = defaultdict(list)
    orphans: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in untrained:
        same_seed = [r for r in runs if attempt.seed is None or r.attempt.seed == attempt.seed]
        if same_seed:
            heir = _neighbour(attempt, [r.attempt for r in same_seed])
            retries[id(heir)].append(attempt)
        else:
            orphans["none" if attempt.seed is None else attempt.seed_label].append(attempt)
    complete = [
        replace(run, earlier=_close([*run.earlier, *retries[id(run.attempt)]], run.attempt)) for run in runs
    ]
    for tries in orphans.values():
        *before, last = sorted(tries, key=lambda a: a.order)
        complete.append(ArrangedRun(experiment, None, last, _close(before, last)))
    return complete


def _close(earlier: Sequence[Attempt], run: Attempt) -> tuple[Attempt, ...]:
    """Return retries in order; those that just stop before the run began are known to have ended."""
    return tuple(_closed(a, run) for a in sorted(earlier, key=lambda a: a.order))


def _closed(attempt: Attempt, run: Attempt) -> Attempt:
    if attempt.order >= run.order:
        return attempt
    ending = attempt.ending.superseded_by(run.job or "?", seeded=attempt.seed is not None)
    return replace(attempt, ending=ending)

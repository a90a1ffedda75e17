"""Runs of a study that were read again, put in the places of what they were.

What a study makes of a run depends on other runs: its variant, the keys that only identify it, a name of its
own, and whether it counts as complete because its siblings end at the same step. All but the last follow from
what a run says of itself (configuration, seed, job, names), and not from what it logs. So a run that still
says the same takes over all of these; the endings of its group alone are decided again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ired_diag.runs.completion import complete_by_siblings
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

SAID_OF_ITSELF = (
    "experiment",
    "name",
    "variant",
    "seed",
    "path",
    "configuration",
    "run_name",
    "identity_keys",
    "job",
)
GIVEN_BY_STUDY = ("experiment", "variant", "seed", "run_name", "identity_keys", "metric", "higher_is_better")
SOURCES = "sources"  # of the provenance: logs that are not read again next to an imported run


class Change(NamedTuple):
    """A run folder as it was read before, and as it is read now."""

    before: Run
    after: Run


def with_changes(study: Study, changes: Sequence[Change], as_read: Mapping[str, Run]) -> Study | None:
    """Return a study with the runs that changed.

    Args:
        study: The study before.
        changes: The runs that changed.
        as_read: All run folders of the study as they were read before, by their path.

    Returns:
        The study; None where a change concerns more runs than these, so that it must be put together again.
    """
    runs = list(study.runs)
    place_of = {str(run.path): place for place, run in enumerate(runs)}
    groups: set[str] = set()
    for change in changes:
        place = place_of.get(str(change.after.path))
        if place is None or not _says_the_same(change):
            return None
        run = runs[place]
        if run.run_name != change.before.run_name:  # named by what its history is not
            return None
        runs[place] = replace(change.after, **_given_by_study(run))
        groups.add(runs[place].group)
    own = {**as_read, **{str(change.after.path): change.after for change in changes}}
    for places in _places_by_group(runs, groups):
        members = _members(runs, places, own)
        if members is None:
            return None
        for place, member in zip(places, complete_by_siblings(members), strict=True):
            if runs[place].ending != member.ending:
                runs[place] = member
    return replace(study, runs=tuple(runs))


def _places_by_group(runs: Sequence[Run], groups: Collection[str]) -> list[list[int]]:
    """Return the places of the runs of each group."""
    places_of: dict[str, list[int]] = {group: [] for group in groups}
    for place, run in enumerate(runs):
        if run.group in places_of:
            places_of[run.group].append(place)
    return list(places_of.values())


def _members(runs: Sequence[Run], places: Sequence[int], own: Mapping[str, Run]) -> list[Run] | None:
    """Return the runs of a group with the endings that their own files state; None where that is unknown.

    Args:
        runs: All runs.
        places: The places of the group's.
        own: Run folders as they were read, by their path.
    """
    labels = {runs[place].seed_label for place in places}
    if len(labels) < len(places):
        return None
    members: list[Run] = []
    for place in places:
        run = runs[place]
        as_read = own.get(str(run.path))
        if as_read is None:
            return None
        if run.ending != as_read.ending:
            run = replace(run, ending=as_read.ending)
        members.append(run)
    return members


def _says_the_same(change: Change) -> bool:
    before, after = change
    if before.provenance.get(SOURCES) != after.provenance.get(SOURCES):
        return False
    return all(getattr(before, name) == getattr(after, name) for name in SAID_OF_ITSELF)


def _given_by_study(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in GIVEN_BY_STUDY}

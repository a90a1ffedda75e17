"""Which runs a finding speaks of: those that it lists, else those that its words name, else its groups' runs.

A finding may list its runs. Where it does not, labels of runs in its evidence or at the start of its
statement say which they are, and so does a whole list of seeds in brackets behind the name of one group.
Where it names groups only, all their runs are meant, and it stays unknown which of them (``exact`` is False).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from ired_diag.finding import Finding
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

BETWEEN_NAMES = re.compile(r", | and ")
IN_BRACKETS = re.compile(r"\(([^()]*)\)")

Places = Mapping[str, Sequence[int]]  # among the runs of a study, by name


@dataclass(frozen=True)
class Touched:
    """What a finding touches.

    Attributes:
        runs: Labels of the runs that it speaks of; of whole groups where it names only these.
        groups: Names of their groups.
        exact: Whether the runs are known one by one.
    """

    runs: tuple[str, ...]
    groups: tuple[str, ...]
    exact: bool


def touched_by(finding: Finding, study: Study) -> Touched:
    """Return what a finding of a study touches."""
    names = finding.runs or _names(finding)
    runs = _called(names, study, study.derived(_places_of_labels))
    if runs:
        return Touched(_labels(runs), _groups(runs), exact=True)
    runs = _called(names, study, study.derived(_places_of_groups))
    seeds = _seeds_in_brackets(finding, runs)
    return Touched(_labels(seeds or runs), _groups(runs), exact=bool(seeds))


def _called(names: Iterable[str], study: Study, places: Places) -> list[Run]:
    """Return the runs that are called by one of the names, in the study's order."""
    meant: set[int] = set()
    for name in names:
        meant.update(places.get(name, ()))
    return [study.runs[place] for place in sorted(meant)]


def _places_of_labels(study: Study) -> Places:
    places: dict[str, list[int]] = defaultdict(list)
    for place, run in enumerate(study.runs):
        places[run.label].append(place)
    return places


def _places_of_groups(study: Study) -> Places:
    """Return the places of the runs of each group and of each experiment."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, run in enumerate(study.runs):
        places[run.group].append(place)
        places[run.experiment].append(place)
    return places


def _seeds_in_brackets(finding: Finding, runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one group whose seeds a statement lists in full; none where it lists others too."""
    # Of several groups a seed would mean a run of each.
    if len(_groups(runs)) != 1:
        return []
    by_seed = {run.seed_label: run for run in runs}
    for words in IN_BRACKETS.findall(finding.statement):
        seeds = words.split(", ")
        if all(seed in by_seed for seed in seeds):
            return [by_seed[seed] for seed in seeds]
    return []


def _names(finding: Finding) -> set[str]:
    """Return the words of a finding that may be names: evidence, lists in it, the start of the statement."""
    start, _, _ = finding.statement.partition(": ")
    texts = [start]
    for key, value in finding.evidence.items():
        # Keys of evidence may be names too: shares are given by group.
        texts.append(key.removeprefix("share_"))
        if isinstance(value, str):
            texts.append(value)
    names = set(texts)
    for text in texts:
        names.update(BETWEEN_NAMES.split(text))
    return names


def _labels(runs: Sequence[Run]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(attrgetter("label"), runs)))


def _groups(runs: Sequence[Run]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(attrgetter("group"), runs)))

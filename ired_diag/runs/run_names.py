"""Which experiment a foreign log belongs to, and what distinguishes it among the runs of that experiment.

A log's names are those of its file and of the folders above it, the nearest first. Their parts (``place``)
that name something, taken together, are the experiment: ``data/x/run0`` and ``data/y/run0`` are runs of two
experiments, ``data/seed0/x`` and ``data/seed1/x`` of one. The experiment is called by the nearest of these
names, or by as many as tell it from the others (``x-baseline``, ``y-baseline``).

A number at the end of a name numbers runs where its siblings in the same folder have other, not much larger
numbers and hold one log without a seed each: ``ppo_1, ppo_2, ppo_3`` are three runs, ``resnet_18, resnet_50``
two experiments.

A run is called by what numbers it, the nearest first (``version_3``; the first eight letters of a uuid), or
by as many of these as tell it from the others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.runs.place import PlaceName, parse_place

MOST_GAPS = 3  # numbers of siblings may span so many times their count
SHORT = 8  # letters of an identifier that are shown

Names = tuple[str, ...]  # of a file and the folders above it, the nearest first


@dataclass(frozen=True)
class RunName:
    """What a log is called.

    Attributes:
        experiment: The name that it shares with the other runs of its experiment.
        run: What distinguishes it among them; empty where nothing does.
        seed: The seed in its names.
    """

    experiment: str
    run: str
    seed: int | None


def name_runs(paths: Iterable[Names]) -> list[RunName]:
    """Return what each log is called, in the order given.

    Args:
        paths: Of each log the names of its file and folders, the nearest first.
    """
    places = [[parse_place(name) for name in path] for path in paths]
    indexed = _indexed(places)
    experiments = [_experiment(place, indexed) for place in places]
    called = shortest_distinct(experiments)
    seeds = [_seed(place) for place in places]
    members: dict[Names, list[int]] = defaultdict(list)
    for number, experiment in enumerate(experiments):
        members[experiment].append(number)
    runs = [""] * len(places)
    for numbers in members.values():
        units = [_units(places[number], indexed) for number in numbers]
        for number, name in zip(numbers, shortest_distinct(units), strict=True):
            runs[number] = name
    return [RunName(*parts) for parts in zip(called, runs, seeds, strict=True)]


def path_names(path: Path) -> Names:
    """Return the names of a file (without suffix) or folder and of the folders above, the nearest first.

    >>> path_names(Path("/data/x/metrics.csv"))
    ('metrics', 'x', 'data')
    """
    resolved = path.resolve()
    return (
        resolved.name if resolved.is_dir() else resolved.stem,
        *(folder.name for folder in resolved.parents if folder.name),
    )


def _names_of(place: Sequence[PlaceName]) -> list[int]:
    """Return the positions of the parts that name something."""
    return [number for number, part in enumerate(place) if part.name]


def _indexed(places: Sequence[Sequence[PlaceName]]) -> set[tuple[Names, str]]:
    """Return the names whose number at the end numbers runs, each with the names above it."""
    siblings: dict[tuple[Names, str], dict[int, int]] = defaultdict(dict)
    seeded: set[tuple[Names, str]] = set()
    for place in places:
        positions = _names_of(place)
        if not positions or place[positions[0]].index is None:
            continue
        nearest = place[positions[0]]
        key = _above(place, positions[0]), nearest.base
        numbers = siblings[key]
        index = int(nearest.index or 0)
        numbers[index] = numbers.get(index, 0) + 1
        if _seed(place) is not None:
            seeded.add(key)
    return {key for key, numbers in siblings.items() if key not in seeded and _number_runs(numbers)}


def _number_runs(logs_by_number: dict[int, int]) -> bool:
    """Say whether numbers at the end of names number runs: close together, and one log each."""
    numbers = sorted(logs_by_number)
    span = numbers[-1] - numbers[0] + 1
    return len(numbers) > 1 and span <= MOST_GAPS * len(numbers) and max(logs_by_number.values()) == 1


def _above(place: Sequence[PlaceName], position: int) -> Names:
    return tuple(part.name for part in place[position + 1 :] if part.name)


def _experiment(place: Sequence[PlaceName], indexed: set[tuple[Names, str]]) -> Names:
    """Return all names of a log, the nearest first, without the number that numbers its runs."""
    positions = _names_of(place)
    if not positions:
        return ()
    nearest, above = place[positions[0]], _above(place, positions[0])
    counts = nearest.index is not None and (above, nearest.base) in indexed
    return (nearest.base if counts else nearest.name, *above)


def _units(place: Sequence[PlaceName], indexed: set[tuple[Names, str]]) -> Names:
    """Return what numbers a log, the nearest first: below its name, in it, and in folders right above."""
    positions = _names_of(place)
    units: list[str] = []
    for number, part in enumerate(place):
        if positions and number > positions[0] and part.name:
            break
        if part.index is not None and (_above(place, number), part.base) in indexed:
            units.append(part.name)
        units.extend(run[:SHORT] if _is_identifier(run) else run for run in reversed(part.runs))
    return tuple(units)


def _is_identifier(run: str) -> bool:
    """Say whether a part is a uuid or a hash, whose beginning is enough to recognise it."""
    return (
        len(run) > SHORT
        and all(letter in "0123456789abcdef-" for letter in run.lower())
        and "-" not in run[:8]
    )


def _seed(place: Sequence[PlaceName]) -> int | None:
    """Return the nearest seed in the names of a log, up to the first folder that names something else.

    That folder counts where it ends with the seed and holds the log itself: ``x_seed3/losses.csv`` has seed
    3.
    """
    positions = _names_of(place)
    for number, part in enumerate(place):
        names_another = bool(positions) and number > positions[0] and bool(part.name)
        holds_the_log = part.ends_with_seed and not any(inner.runs for inner in place[:number])
        if part.seed is not None and (holds_the_log or not names_another):
            return part.seed
        if names_another:
            return None
    return None


def shortest_distinct(paths: Sequence[Names]) -> list[str]:
    """Return each path by its nearest part, or by as many as tell it from the other paths.

    >>> shortest_distinct([("baseline", "x"), ("baseline", "y"), ("mined", "x")])
    ['x-baseline', 'y-baseline', 'mined']
    """
    distinct = set(paths)
    shown: dict[Names, str] = {}
    for length in range(1, max((len(path) for path in distinct), default=0) + 1):
        beginnings = Counter(path[:length] for path in distinct)
        for path in distinct - shown.keys():
            if beginnings[path[:length]] == 1 or length >= len(path):
                shown[path] = "-".join(reversed(path[:length]))
    return [shown.get(path, "") for path in paths]


def distinct_labels(labels: Sequence[str], alternatives: Sequence[Sequence[Names]]) -> list[str]:
    """Return labels, those that several runs share replaced by what distinguishes the runs.

    Args:
        labels: What each run of a group is called.
        alternatives: Ways to tell the runs apart, the best first: of each a path a run, the nearest first.
        The
            first way that distinguishes all runs of one label is taken; where none does, the label stays
            shared.
    """
    named = list(labels)
    places: dict[str, list[int]] = defaultdict(list)
    for number, label in enumerate(labels):
        places[label].append(number)
    for sharing in places.values():
        if len(sharing) == 1:
            continue
        ways = ([way[number] for number in sharing] for way in alternatives)
        way = next((way for way in ways if all(way) and len(set(way)) == len(sharing)), None)
        if way is not None:
            for number, name in zip(sharing, shortest_distinct(way), strict=True):
                named[number] = name
    return named

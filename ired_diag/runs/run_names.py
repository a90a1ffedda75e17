"""Which experiment a foreign log belongs to, and what distinguishes it among the runs of that experiment.

A log's names are those of its file and of the folders above it, the nearest first. Their parts (``place``)
that name something, taken together, are the experiment: ``data/x/run0`` and ``data/y/run0`` are runs of two
experiments, ``data/seed0/x`` and ``data/seed1/x`` of one. The experiment is called by the nearest of these
names, or by as many as tell it from the others (``x-baseline``, ``y-baseline``).

A number at the end of a name numbers runs where its siblings in the same folder have other, not much larger
numbers and hold one log without a seed each: ``ppo_1, ppo_2, ppo_3`` are three runs, ``resnet_18, resnet_50``
two experiments.
Where all logs of a folder are in ``s0``, ``s1`` and so on, these are seeds.

A run is called by what numbers it, the nearest first (``version_3``; the first eight letters of a uuid), or
by as many of these as tell it from the others.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag.runs.grouped import grouped
from ired_diag.runs.place import PlaceName, parse_place

MOST_GAPS = 3  # numbers of siblings may span so many times their count
SHORT = 8  # letters of an identifier that are shown

SEED_LETTER = re.compile(r"(?i)(?:^|[_\- ])s\d+$")
IDENTIFIER_LETTERS = frozenset("0123456789abcdef-")

Names = tuple[str, ...]  # of a file and the folders above it, the nearest first
Place = Sequence[PlaceName]  # likewise, in their parts
NumberedName = tuple[Names, str]  # the names above it, and its own without the number


@dataclass(frozen=True)
class RunName:
    """What a log is called.

    Attributes:
        experiment: The name that it shares with the other runs of its experiment.
        run: What distinguishes it among them; empty where nothing does.
        seed: The seed in its names.
        index_seed: The number at its end, where it numbers runs and follows an s: ``adamw-s3``.
    """

    experiment: str
    run: str
    seed: int | None
    index_seed: int | None = None


def name_runs(paths: Iterable[Names]) -> list[RunName]:
    """Return what each log is called, in the order given.

    Args:
        paths: Of each log the names of its file and folders, the nearest first.
    """
    places = [_place_of(path) for path in paths]
    indexed = _indexed(places)
    experiments = [_experiment(place, indexed) for place in places]
    runs = [""] * len(places)
    numbers_of = grouped(range(len(places)), key=experiments.__getitem__)
    for numbers in numbers_of.values():
        units = [_units(places[number], indexed) for number in numbers]
        for number, name in zip(numbers, shortest_distinct(units), strict=True):
            runs[number] = name
    called = shortest_distinct(experiments)
    names: list[RunName] = []
    for place, experiment, run in zip(places, called, runs, strict=True):
        seed = _seed(place)
        names.append(RunName(experiment, run, seed, _index_seed(place, indexed)))
    return names


def path_names(path: Path) -> Names:
    """Return the names of a file (without suffix) or folder and of the folders above, the nearest first.

    >>> path_names(Path("/data/x/metrics.csv"))
    ('metrics', 'x', 'data')
    """
    resolved = path.resolve()
    name = resolved.name if resolved.is_dir() else resolved.stem
    above = [folder.name for folder in resolved.parents]
    return (name, *filter(None, above))


def places_of_run(path: Names) -> Iterator[str]:
    """Yield the names of a log that may say which run it is: up to the folder that names something else."""
    is_named = False
    for name in path:
        names_something = bool(parse_place(name).name)
        if is_named and names_something:
            return
        is_named = is_named or names_something
        yield name


def _place_of(path: Names) -> Place:
    return [parse_place(name) for name in path]


def _nearest_name(place: Place) -> int | None:
    """Return the position of the nearest part that names something."""
    for position, part in enumerate(place):
        if part.name:
            return position
    return None


def _indexed(places: Sequence[Place]) -> set[NumberedName]:
    """Return the names whose number at the end numbers runs, each with the names above it."""
    siblings: dict[NumberedName, Counter[int]] = defaultdict(Counter)
    seeded: set[NumberedName] = set()
    for place in places:
        position = _nearest_name(place)
        if position is None or place[position].index is None:
            continue
        nearest = place[position]
        key = _above(place, position), nearest.base
        siblings[key][int(nearest.index or 0)] += 1
        if _seed(place) is not None:
            seeded.add(key)
    indexed: set[NumberedName] = set()
    for key, logs_by_number in siblings.items():
        if key not in seeded and _number_runs(logs_by_number):
            indexed.add(key)
    without_names = {key for key in indexed if not key[1]}
    for above, base in without_names:
        if not _holds_only_numbers(places, above):
            indexed.remove((above, base))
    return indexed


def _holds_only_numbers(places: Sequence[Place], folder: Names) -> bool:
    """Say whether all logs in a folder that names something are in ``s0``, ``s1`` and the like."""
    if not folder:
        return False
    for place in places:
        position = _nearest_name(place)
        if position is None:
            continue
        above = _above(place, position)
        part = place[position]
        is_inside = above[-len(folder) :] == folder
        is_folder_itself = (part.name, *above) == folder
        is_numbered = above == folder and not part.base
        if (is_inside or is_folder_itself) and not is_numbered:
            return False
    return True


def _number_runs(logs_by_number: Mapping[int, int]) -> bool:
    """Say whether numbers at the end of names number runs: close together, and one log each."""
    numbers = sorted(logs_by_number)
    if len(numbers) < 2 or max(logs_by_number.values()) > 1:
        return False
    span = numbers[-1] - numbers[0] + 1
    return span <= MOST_GAPS * len(numbers)


def _above(place: Place, position: int) -> Names:
    names = [part.name for part in place[position + 1 :]]
    return tuple(filter(None, names))


def _experiment(place: Place, indexed: Collection[NumberedName]) -> Names:
    """Return all names of a log, the nearest first, without the number that numbers its runs."""
    position = _nearest_name(place)
    if position is None:
        return ()
    nearest = place[position]
    above = _above(place, position)
    if nearest.index is not None and (above, nearest.base) in indexed:
        return tuple(filter(None, (nearest.base, *above)))
    return (nearest.name, *above)


def _units(place: Place, indexed: Collection[NumberedName]) -> Names:
    """Return what numbers a log, the nearest first: below its name, in it, and in folders right above."""
    nearest = _nearest_name(place)
    units: list[str] = []
    for position, part in enumerate(place):
        if nearest is not None and position > nearest and part.name:
            break
        if part.index is not None and (_above(place, position), part.base) in indexed:
            units.append(part.name)
        for run in reversed(part.runs):
            units.append(run[:SHORT] if _is_identifier(run) else run)
    return tuple(units)


def _is_identifier(run: str) -> bool:
    """Say whether a part is a uuid or a hash, whose beginning is enough to recognise it."""
    if len(run) <= SHORT or "-" in run[:SHORT]:
        return False
    return IDENTIFIER_LETTERS.issuperset(run.lower())


def _seed(place: Place) -> int | None:
    """Return the nearest seed in the names of a log, up to the first folder that names something else.

    That folder counts where it ends with the seed and holds the log itself: ``x_seed3/losses.csv`` has seed
    3.
    """
    nearest = _nearest_name(place)
    for position, part in enumerate(place):
        names_another = nearest is not None and position > nearest and bool(part.name)
        holds_the_log = part.ends_with_seed and not any(inner.runs for inner in place[:position])
        if part.seed is not None and (holds_the_log or not names_another):
            return part.seed
        if names_another:
            return None
    return None


def _index_seed(place: Place, indexed: Collection[NumberedName]) -> int | None:
    """Return the number of a run among its siblings, where an s before it says that it is a seed."""
    position = _nearest_name(place)
    if position is None:
        return None
    nearest = place[position]
    if (_above(place, position), nearest.base) not in indexed or not SEED_LETTER.search(nearest.name):
        return None
    return nearest.index


def shortest_distinct(paths: Sequence[Names]) -> list[str]:
    """Return each path by its nearest part, or by as many as distinguish it from the other paths.

    >>> shortest_distinct([("baseline", "x"), ("baseline", "y"), ("mined", "x")])
    ['x-baseline', 'y-baseline', 'mined']
    """
    distinct = set(paths)
    longest = max(map(len, distinct), default=0)
    shown: dict[Names, str] = {}
    for length in range(1, longest + 1):
        beginnings = Counter(path[:length] for path in distinct)
        for path in distinct - shown.keys():
            nearest = path[:length]
            if beginnings[nearest] == 1 or length >= len(path):
                shown[path] = "-".join(reversed(nearest))
    return [shown.get(path, "") for path in paths]


def distinct_labels(
    labels: Sequence[str],
    alternatives: Sequence[Sequence[Names]],
) -> list[str]:
    """Return labels, those that several runs share replaced by what distinguishes the runs.

    Args:
        labels: What each run of a group is called.
        alternatives: Ways to distinguish the runs, the best first: of each a path a run, the nearest first.
            The first way that distinguishes all runs of one label is taken; where none does, the label stays
            shared.
    """
    distinct = list(labels)
    places_of = grouped(range(len(labels)), key=labels.__getitem__)
    for places in places_of.values():
        if len(places) == 1:
            continue
        for way in alternatives:
            names = [way[place] for place in places]
            are_distinct = len(set(names)) == len(names)
            if all(names) and are_distinct:
                for place, name in zip(places, shortest_distinct(names), strict=True):
                    distinct[place] = name
                break
    return distinct

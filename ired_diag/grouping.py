"""Names and paths from a command line into groups of seeds."""

from __future__ import annotations

import itertools
import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.errors import AmbiguousName, NotFound
from ired_diag.final_values import is_table, open_runs_or_table, runs_of_tables
from ired_diag.named_paths import NamedPaths, split_arguments
from ired_diag.open import open_study
from ired_diag.runs import unreadable_run
from ired_diag.runs.files import check_lookup, exists
from ired_diag.runs.regroup import Grouping, check_keys, grouped_by, renamed
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study, check_seeds

MOST_KEYS = 4  # in a note


def group_runs(
    arguments: Sequence[str],
    runs: Path,
    *,
    metric: str | None = None,
    variants: bool = False,
    missing: list[str] | None = None,
    grouping: Grouping | None = None,
    unreadable: list[str] | None = None,
) -> dict[str, list[Run]]:
    """Return the seeds of each group that names and paths mean, in the order given.

    Args:
        arguments: Names of experiments in the runs folder; paths, which mean themselves: the runs and logs at
            all paths together are grouped by experiment and variant; and ``NAME=GLOB``, one group of all runs
            at the paths that match. A CSV or JSON file is a table of one number a seed
            (``readers.seed_table``): each becomes a run that evaluated once.
        runs: The runs folder; it may hold run folders or foreign logs.
        metric: What the numbers of such a table are. Default: the name of their column, where it has one.
        variants: Take a name for all variants of its experiment, a group each.
        missing: Where given, is told of names that mean nothing; they are an error only where no other is. It
            is also told how groups were made that neither names nor configurations give.
        grouping: What the user says of groups and seeds; by default both are recognised.
        unreadable: Where given, is told what may not be read. Default: ``missing`` is told.

    Raises:
        NotFound: There is nothing of a name, or no run at the paths.
        NotReadable: A path may not be read.
        AmbiguousName: A name means several experiments or variants, or one that a path means too.
        DiagError: A run stands twice in a group, or no run has a key that is to group it.
    """
    grouping = grouping or Grouping()
    _check_overlap(arguments)
    for argument in arguments:
        if os.sep in argument:
            check_lookup(Path(argument))
    closed: list[str] = []
    by_argument = _groups_by_argument(arguments, runs, metric, variants, missing, grouping, closed)
    if not by_argument and missing:
        raise NotFound(" ".join([missing[0], *closed]))
    groups: dict[str, list[Run]] = {}
    for found in by_argument.values():
        groups |= {group: members for group, members in found.items() if group not in groups}
    if grouping.by:
        groups = _regrouped(groups, _named_after(arguments, runs, grouping), grouping)
    check_keys(grouping, [run for members in groups.values() for run in members])
    for group, members in groups.items():
        check_seeds(group, members)
        if missing is not None:
            missing.extend(_notes_on(group, members))
    if missing is not None:
        missing.extend(_hints(arguments, groups))
    told = missing if unreadable is None else unreadable
    if told is not None:
        told.extend(dict.fromkeys([*closed, *_unreadable_parts(groups)]))
    return groups


def _unreadable_parts(groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Yield what may not be read of runs that have a result all the same."""
    for run in (run for members in groups.values() for run in members if run.ending.state != "unreadable"):
        for finding in run.findings:
            if finding.rule == unreadable_run.RULE:
                yield f"{run.label}: {finding.statement}"


def _told_unreadable(study: Study, closed: list[str]) -> Study:
    """Return the study, after noting what in it may not be read and may hold runs."""
    closed.extend(f"{one.statement}. It is not counted." for one in study.unreadable)
    return study


def _check_overlap(arguments: Sequence[str]) -> None:
    """Refuse groups that share paths: a test of their difference would mean nothing.

    Raises:
        AmbiguousName: Two arguments ``NAME=GLOB`` do.
    """
    named = list(split_arguments(arguments)[0].values())
    for one, other in itertools.combinations(named, 2):
        for path, further in itertools.product(one.paths, other.paths):
            a, b = path.resolve(), further.resolve()
            if a.is_relative_to(b) or b.is_relative_to(a):
                raise AmbiguousName(f"{one.name} and {other.name} share {path}. Give each run to one group.")


def _hints(arguments: Sequence[str], groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Yield what to type where the groups may not be those that were meant."""
    folders = [argument for argument in arguments if "=" not in argument and Path(argument).is_dir()]
    if len(folders) > 1 and len(groups) == 1:
        named = shlex.join(f"{Path(folder).resolve().name}={folder}" for folder in folders[:MOST_KEYS])
        yield (
            f"All runs belong to one group, {next(iter(groups))}. To compare the folders, name them: {named}"
        )
    if len(groups) > 2 and all(len(members) == 1 for members in groups.values()):
        settings = [run.settings for members in groups.values() for run in members]
        keys = dict.fromkeys(key for values in settings for key in values)
        differing = [key for key in keys if len({repr(values.get(key)) for values in settings}) > 1]
        named = ", ".join(differing[:MOST_KEYS])
        by_key = f", --group-by KEY or --ignore-key KEY (the runs differ in {named})" if differing else ""
        yield f"Each of {len(groups)} groups has one run. To group them: NAME=GLOB{by_key}."


def _notes_on(group: str, members: Sequence[Run]) -> Iterator[str]:
    """Yield what a reader should know of how a group came about."""
    settings = [run.settings for run in members if run.settings]
    keys = dict.fromkeys(key for values in settings for key in values)
    differing = [key for key in keys if len({repr(values.get(key)) for values in settings}) > 1]
    if differing:
        shown = ", ".join(differing[:MOST_KEYS]) + (", …" if len(differing) > MOST_KEYS else "")
        yield f"{group}: its runs differ in {shown}. They are one group because they were named as one."
    seeds = Counter(run.seed for run in members if run.seed is not None and not run.is_called_by_its_seed)
    for seed, count in seeds.items():
        yield (
            f"{group}: {count} runs state the same seed, {seed}. They are taken as different runs because "
            "they are in different places, and they are not paired by seed."
        )


def _named_after(arguments: Sequence[str], runs: Path, grouping: Grouping) -> dict[str, list[Run]]:
    """Return the groups that ``grouping`` makes in the runs folder and that arguments name (``lr=0.1``)."""
    names = [argument for argument in arguments if not exists(Path(argument))]
    if not names or not exists(runs):
        return {}
    groups = open_study(runs, grouping=grouping).groups()
    return {name: groups[name] for name in names if name in groups}


def _regrouped(
    groups: Mapping[str, list[Run]], named: Mapping[str, list[Run]], grouping: Grouping
) -> dict[str, list[Run]]:
    """Return the groups that are named as the user's keys make them, and all other runs in such groups."""
    others = [run for group, members in groups.items() if group not in named for run in members]
    return dict(named) | (Study.of(grouped_by(others, grouping.by)).groups() if others else {})


def open_arguments(
    arguments: Sequence[str],
    *,
    grouping: Grouping | None = None,
    open_paths: Callable[..., Study] = open_study,
) -> Study:
    """Return the study that paths and ``NAME=GLOB`` mean.

    Args:
        arguments: Paths; and ``NAME=GLOB``, whose runs are one experiment of that name.
        grouping: What the user says of groups and seeds.
        open_paths: Opens paths; one that remembers what it read may stand in for it.

    Raises:
        NotFound: There is nothing at a path, or nothing matches a pattern.
        DiagError: No run has a key that is to group it.
    """
    grouping = grouping or Grouping()
    ungrouped = replace(grouping, by=())
    named, others = split_arguments(arguments)
    studies = [open_paths([Path(path) for path in others], grouping=ungrouped)] if others else []
    for group in named.values():
        study = open_paths(group.paths, grouping=ungrouped)
        studies.append(replace(study, runs=tuple(renamed(run, group.name) for run in study.runs)))
    runs = [run for study in studies for run in study.runs]
    check_keys(grouping, runs)
    return Study.of(
        grouped_by(runs, grouping.by) if grouping.by else runs,
        [skipped for study in studies for skipped in study.skipped],
        [evaluation for study in studies for evaluation in study.evaluations],
        [attempt for study in studies for attempt in study.unstarted],
        [place for study in studies for place in study.unreadable],
    )


def _groups_by_argument(
    arguments: Sequence[str],
    runs: Path,
    metric: str | None,
    variants: bool,
    missing: list[str] | None,
    grouping: Grouping,
    closed: list[str],
) -> dict[str, dict[str, list[Run]]]:
    """Return what each argument means: groups by name."""
    ungrouped = replace(grouping, by=())
    named_paths, others = split_arguments(arguments)
    globbed = {argument: _of_named_paths(group, ungrouped, closed) for argument, group in named_paths.items()}
    paths = [Path(a) for a in others if exists(Path(a))]
    names = [a for a in others if not exists(Path(a))]
    variants = variants or bool(grouping.by)
    after = _named_after(names, runs, grouping) if grouping.by else {}
    before = [name for name in names if name not in after]
    named = _by_name(before, runs, variants=variants, missing=missing, grouping=ungrouped, closed=closed)
    named |= {name: {name: members} for name, members in after.items()}
    tables = [path for path in paths if is_table(path)]
    logs = [path for path in paths if path not in tables]
    at_paths = _by_path(logs, ungrouped, closed, missing) | runs_of_tables(tables, metric)
    if both := at_paths.keys() & {group for found in [*named.values(), *globbed.values()] for group in found}:
        raise AmbiguousName(f"{', '.join(sorted(both))}: meant by a name and by a path. Give one of them.")
    meanings: dict[str, dict[str, list[Run]]] = {}
    for argument in arguments:
        if argument in globbed:
            meanings[argument] = globbed[argument]
        elif argument in named:
            meanings[argument] = named[argument]
        elif exists(Path(argument)):
            inside = Path(argument).resolve()
            meanings[argument] = {
                group: members
                for group, members in at_paths.items()
                if any(run.path.resolve().is_relative_to(inside) for run in members)
            }
    return meanings


def _of_named_paths(group: NamedPaths, grouping: Grouping, closed: list[str]) -> dict[str, list[Run]]:
    study = _told_unreadable(open_study(group.paths, grouping=grouping), closed)
    if not study.runs:
        reason = f" ({_why_none(study)})" if _why_none(study) else ""
        raise NotFound(f"{group.name}: no run at the {len(group.paths)} paths that match{reason}.")
    return Study.of(renamed(run, group.name) for run in study.runs).groups()


def _why_none(study: Study) -> str:
    """Return of the first file that is no run, or may not be read, why."""
    if study.unreadable:
        return study.unreadable[0].statement
    return f"{study.skipped[0].path}: {study.skipped[0].reason}" if study.skipped else ""


def _by_path(
    paths: Sequence[Path],
    grouping: Grouping,
    closed: list[str],
    notes: list[str] | None = None,
) -> dict[str, list[Run]]:
    if not paths:
        return {}
    study = _told_unreadable(open_study(paths, grouping=grouping), closed)
    if not study.runs:
        reason = f" {_why_none(study)}" if _why_none(study) else ""
        raise NotFound(f"{', '.join(map(str, paths))}: holds no run.{reason}")
    groups = _by_folder(paths, study.groups(), notes) or study.groups()
    for group, members in groups.items():
        check_seeds(group, members)
    return groups


def _by_folder(
    paths: Sequence[Path], groups: Mapping[str, list[Run]], notes: list[str] | None
) -> dict[str, list[Run]] | None:
    """Return the runs of each folder as a group, where nothing else says which runs belong together.

    That is so where several folders are given, and either each run has a name of its own (``mild-sun-7``) and
    none has a seed, or all are one experiment whose seeds are in more than one of the folders. Within a
    folder their configurations, as far as they are known, must state the same settings.
    """
    folders = [path for path in paths if path.is_dir()]
    everyone = [run for members in groups.values() for run in members]
    if len(folders) < 2 or len(folders) < len(paths):
        return None
    named_alone = all(len(members) == 1 and members[0].seed is None for members in groups.values())
    repeated = len(groups) == 1 and _repeat_seeds(folders, everyone)
    if not repeated and (not named_alone or len(groups) <= len(folders)):
        return None
    by_folder: dict[str, list[Run]] = {}
    for folder in folders:
        inside = folder.resolve()
        members = [run for run in everyone if run.path.resolve().is_relative_to(inside)]
        if not members or len({repr(sorted(run.settings.items())) for run in members}) > 1:
            return None
        name = folder.resolve().name
        called = [replace(renamed(run, name), run_name="" if repeated else run.group) for run in members]
        if name in by_folder:
            return None
        by_folder[name] = called
    if notes is not None:
        named = ", ".join(f"{name} (n = {len(members)})" for name, members in by_folder.items())
        why = "The runs have names of their own and no seeds"
        if repeated:
            why = "The folders hold the same seeds"
        notes.append(
            f"{why}: each folder is taken as one group, {named}. "
            "Say otherwise with NAME=GLOB or --group-by KEY."
        )
    return by_folder


def _repeat_seeds(folders: Sequence[Path], runs: Sequence[Run]) -> bool:
    """Say whether each folder holds a seed once only, some seed is in several of them, and none is a copy."""
    for one, other in itertools.combinations(runs, 2):
        if one.seed == other.seed and one.history.series == other.history.series:
            return False
    places: Counter[int] = Counter()
    for folder in folders:
        inside = folder.resolve()
        seeds = Counter(run.seed for run in runs if run.path.resolve().is_relative_to(inside))
        if None in seeds or max(seeds.values(), default=0) > 1:
            return False
        places.update(seed for seed in seeds if seed is not None)
    return max(places.values(), default=0) > 1


def _by_name(
    names: Sequence[str],
    runs: Path,
    *,
    variants: bool,
    missing: list[str] | None,
    grouping: Grouping,
    closed: list[str],
) -> dict[str, dict[str, list[Run]]]:
    """Return by name the group that it means, or all variants of its experiment."""
    if not names:
        return {}
    study, found = _told_unreadable(_study(names, runs, grouping), closed), {}
    for name in names:
        try:
            members = study.variants(name) if variants else {"": study.select(name)}
        except NotFound as nothing:
            if missing is None:
                raise
            missing.append(str(nothing))
            continue
        found[name] = {group or some[0].group: some for group, some in members.items()}
    return found


def _study(names: Sequence[str], runs: Path, grouping: Grouping) -> Study:
    """Return the runs folder's study.

    Raises:
        NotFound: There is no such folder.
    """
    if "/" in names[0]:
        raise NotFound(f"{names[0]}: no such file or folder.")
    check_lookup(runs)
    if not exists(runs):
        raise NotFound(
            f"No run is named {names[0]!r}: there is no runs folder {runs}, and no such path. "
            "Say where the runs are with --runs DIR, or import logs with: ired-diag import LOGS."
        )
    return open_runs_or_table(runs, grouping=grouping)

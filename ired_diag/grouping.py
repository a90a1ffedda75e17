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
from ired_diag.name_or_path import check_one_meaning
from ired_diag.named_paths import NamedPaths, split_arguments
from ired_diag.open import open_study
from ired_diag.readers.seed_table_metrics import is_table_of_seeds
from ired_diag.runs import unreadable_run
from ired_diag.runs.files import check_lookup, exists, is_pattern, pattern_note
from ired_diag.runs.process_ranks import ranks_of
from ired_diag.runs.regroup import Grouping, check_keys, grouped_by, renamed
from ired_diag.runs.run import Run
from ired_diag.runs.stated_settings import differing_keys
from ired_diag.runs.study import Study, check_seeds
from ired_diag.seed_sources import source_of_key

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
    skip_missing: bool = False,
) -> dict[str, list[Run]]:
    """Return the seeds of each group that names and paths mean, in the order given.

    Args:
        arguments: Names of experiments in the runs folder, or labels of their runs (``q103/seed0``); paths,
            which mean themselves: the runs and logs at all paths together are grouped by experiment and
            variant; and ``NAME=GLOB``, one group of all runs at the paths that match. A CSV or JSON file is a
            table of one number a seed (``readers.seed_table``): each becomes a run that evaluated once.
        runs: The runs folder; it may hold run folders or foreign logs.
        metric: What the numbers of such a table are. Default: the name of their column, where it has one.
        variants: Take a name for all variants of its experiment, a group each.
        missing: A list that gets a note for each name that is left out, and for each group that neither
            names nor configurations give.
        grouping: What the user says of groups and seeds; by default both are recognised.
        unreadable: A list that gets a note of what may not be read. Default: ``missing``.
        skip_missing: Whether a pattern of a shell (``typo*``) that matches nothing is left out, with a note,
            where it stands among paths. Default: it is an error, as any other name that means nothing.

    Raises:
        NotFound: There is nothing of a name, or no run at the paths.
        NotReadable: A path may not be read.
        AmbiguousName: A name means several experiments or variants, or one that a path means too.
        DiagError: A run stands twice in a group, or no run has a key that is to group it.
    """
    grouping = grouping or Grouping()
    _check_overlap(arguments)
    check_one_meaning(arguments, runs, grouping)
    for argument in arguments:
        if os.sep in argument:
            check_lookup(Path(argument))
    closed: list[str] = []
    by_argument = _groups_by_argument(
        arguments,
        runs,
        grouping,
        metric=metric,
        variants=variants,
        missing=missing,
        closed=closed,
        skip_missing=skip_missing,
    )
    if not by_argument and missing:
        raise NotFound(" ".join([missing[0], *closed]))
    groups: dict[str, list[Run]] = {}
    for meaning in by_argument.values():
        for group, members in meaning.items():
            # A group that two arguments mean is that of the first.
            groups.setdefault(group, members)
    if grouping.by:
        groups = _regrouped(groups, _named_after(arguments, runs, grouping), grouping)
    check_keys(grouping, _runs_in(groups))
    for group, members in groups.items():
        check_seeds(group, members)
        if missing is not None:
            missing.extend(_notes_on(group, members))
    if missing is not None:
        missing.extend(_notes_on_tables(groups))
        missing.extend(_hints(arguments, groups))
    notes = missing if unreadable is None else unreadable
    if notes is not None:
        notes.extend(dict.fromkeys([*closed, *_unreadable_parts(groups)]))
    return groups


def _runs_in(groups: Mapping[str, Sequence[Run]]) -> list[Run]:
    return list(itertools.chain.from_iterable(groups.values()))


def _unreadable_parts(groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Yield what may not be read of runs that have a result all the same."""
    for run in _runs_in(groups):
        if run.ending.state == "unreadable":
            continue
        for finding in run.findings:
            if finding.rule == unreadable_run.RULE:
                yield f"{run.label}: {finding.statement}"


def _noting_unreadable(study: Study, closed: list[str]) -> Study:
    """Return the study, after noting what in it may not be read and may hold runs."""
    for place in study.unreadable:
        closed.append(f"{place.statement}. It is not counted.")
    return study


def _check_overlap(arguments: Sequence[str]) -> None:
    """Refuse groups that share paths: a test of their difference would mean nothing.

    Raises:
        AmbiguousName: Two arguments ``NAME=GLOB`` do.
    """
    named, _ = split_arguments(arguments)
    for first, second in itertools.combinations(named.values(), 2):
        for path, other_path in itertools.product(first.paths, second.paths):
            a, b = path.resolve(), other_path.resolve()
            if a.is_relative_to(b) or b.is_relative_to(a):
                names = f"{first.name} and {second.name}"
                raise AmbiguousName(f"{names} share {path}. Give each run to one group.")


def _hints(arguments: Sequence[str], groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Yield what to type where the groups may not be those that were meant."""
    folders = [argument for argument in arguments if "=" not in argument and Path(argument).is_dir()]
    if len(folders) > 1 and len(groups) == 1:
        (group,) = groups
        named = shlex.join(f"{Path(folder).resolve().name}={folder}" for folder in folders[:MOST_KEYS])
        yield f"All runs belong to one group, {group}. To compare the folders, name them: {named}"
    if len(groups) > 2 and all(len(members) == 1 for members in groups.values()):
        options = "NAME=GLOB"
        differing = differing_keys([run.settings for run in _runs_in(groups)])
        if differing:
            keys = ", ".join(differing[:MOST_KEYS])
            options += f", --group-by KEY or --ignore-key KEY (the runs differ in {keys})"
        yield f"Each of {len(groups)} groups has one run. To group them: {options}."


def _notes_on(group: str, members: Sequence[Run]) -> Iterator[str]:
    """Yield what a reader should know of how a group came about."""
    # A run without a configuration has unknown settings, not other ones.
    differing = differing_keys([run.settings for run in members if run.settings])
    if differing:
        keys = ", ".join(differing[:MOST_KEYS])
        if len(differing) > MOST_KEYS:
            keys += ", …"
        yield f"{group}: its runs differ in {keys}. They are one group because they were named as one."
    repeated: Counter[int] = Counter()
    for run in members:
        has_more_seeds = any(source_of_key(key) for key in run.configuration or {})
        if run.seed is not None and not run.is_called_by_its_seed and not has_more_seeds:
            repeated[run.seed] += 1
    if repeated:
        yield from _notes_on_ranks(group, members)
    for seed, count in repeated.items():
        yield (
            f"{group}: {count} runs state the same seed, {seed}. They are taken as different runs because "
            "they are in different places, and they are not paired by seed."
        )


def _notes_on_ranks(group: str, members: Sequence[Run]) -> Iterator[str]:
    """Yield that runs of one seed may be processes of one training, by the ranks that they state."""
    ranks = [tuple(ranks_of(run.configuration or {})) for run in members]
    if all(ranks) and len(set(ranks)) == len(members) > 1:
        yield (
            f"{group}: its {len(members)} runs state the same seed and are processes of different rank. If "
            "they trained one model together, they are one run and not several seeds: name one of them alone."
        )


def _notes_on_tables(groups: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return what is to be said of how tables were read, once a table."""
    statements: dict[str, None] = {}
    for run in _runs_in(groups):
        for finding in run.findings:
            if run.of_table:
                statements[f"{run.path}: {finding.statement}"] = None
    return list(statements)


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
    others: list[Run] = []
    for group, members in groups.items():
        if group not in named:
            others += members
    regrouped = dict(named)
    if others:
        regrouped |= Study.of(grouped_by(others, grouping.by)).groups()
    return regrouped


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
    studies = []
    if others:
        studies.append(open_paths(list(map(Path, others)), grouping=ungrouped))
    for group in named.values():
        study = open_paths(group.paths, grouping=ungrouped)
        studies.append(replace(study, runs=tuple(_with_name(study.runs, group.name))))
    runs: list[Run] = []
    for study in studies:
        runs += study.runs
    check_keys(grouping, runs)
    if grouping.by:
        runs = list(grouped_by(runs, grouping.by))
    joined = itertools.chain.from_iterable
    return Study.of(
        runs,
        list(joined(study.skipped for study in studies)),
        list(joined(study.evaluations for study in studies)),
        list(joined(study.unstarted for study in studies)),
        list(joined(study.unreadable for study in studies)),
    )


def _with_name(runs: Sequence[Run], experiment: str) -> list[Run]:
    return [renamed(run, experiment) for run in runs]


def _groups_by_argument(
    arguments: Sequence[str],
    runs: Path,
    grouping: Grouping,
    *,
    metric: str | None,
    variants: bool,
    missing: list[str] | None,
    closed: list[str],
    skip_missing: bool,
) -> dict[str, dict[str, list[Run]]]:
    """Return what each argument means: groups by name."""
    ungrouped = replace(grouping, by=())
    named_paths, others = split_arguments(arguments)
    by_name = {}
    for argument, named in named_paths.items():
        by_name[argument] = _of_named_paths(named, ungrouped, closed, metric)
    names, logs, tables = [], [], []
    for argument in others:
        path = Path(argument)
        if not exists(path):
            names.append(argument)
        elif is_table(path):
            tables.append(path)
        else:
            logs.append(path)
    # A name of the runs folder may be that of a group which the user's keys make.
    regrouped = _named_after(names, runs, grouping) if grouping.by else {}
    by_name |= _by_name(
        [name for name in names if name not in regrouped],
        runs,
        variants=variants or bool(grouping.by),
        missing=missing if skip_missing and len(names) < len(arguments) else None,
        grouping=ungrouped,
        closed=closed,
    )
    for name, members in regrouped.items():
        by_name[name] = {name: members}
    at_paths = _by_path(logs, ungrouped, closed, missing, metric=metric) | runs_of_tables(tables, metric)
    meant_twice = at_paths.keys() & set(itertools.chain.from_iterable(by_name.values()))
    if meant_twice:
        listed = ", ".join(sorted(meant_twice))
        raise AmbiguousName(f"{listed} is both a run name and a path. Pass only one.")
    meanings: dict[str, dict[str, list[Run]]] = {}
    for argument in arguments:
        if argument in by_name:
            meanings[argument] = by_name[argument]
        elif exists(Path(argument)):
            meanings[argument] = _groups_inside(Path(argument), at_paths)
    return meanings


def _groups_inside(path: Path, groups: Mapping[str, list[Run]]) -> dict[str, list[Run]]:
    """Return the groups that have a run at a path or in it, whole."""
    inside = {}
    for group, members in groups.items():
        if _runs_inside(path, members):
            inside[group] = members
    return inside


def _runs_inside(path: Path, runs: Sequence[Run]) -> list[Run]:
    place = path.resolve()
    return [run for run in runs if run.path.resolve().is_relative_to(place)]


def _of_named_paths(
    group: NamedPaths, grouping: Grouping, closed: list[str], metric: str | None
) -> dict[str, list[Run]]:
    if all(is_table(path) for path in group.paths):
        return _of_named_tables(group, metric)
    study = _noting_unreadable(open_study(group.paths, grouping=grouping), closed)
    if not study.runs:
        lack = f"{group.name}: no run at the {len(group.paths)} paths that match"
        reason = _why_none(study)
        raise NotFound(f"{lack} ({reason})." if reason else f"{lack}.")
    return Study.of(_with_name(study.runs, group.name)).groups()


def _of_named_tables(group: NamedPaths, metric: str | None) -> dict[str, list[Run]]:
    """Return the runs of tables of one number a seed that hold one group, under the user's name for it."""
    in_tables = runs_of_tables(group.paths, metric)
    if len(in_tables) > 1:
        listed = ", ".join(in_tables)
        raise AmbiguousName(
            f"{group.name}: {len(in_tables)} groups are in {' and '.join(map(str, group.paths))} ({listed}). "
            "Pass the table as the runs folder (--runs TABLE) and a group by its own name."
        )
    (runs,) = in_tables.values()
    return Study.of(_with_name(runs, group.name)).groups()


def _why_none(study: Study) -> str:
    """Return why the first file is not a run, or may not be read; empty where there is no file."""
    if study.unreadable:
        return study.unreadable[0].statement
    if study.skipped:
        return f"{study.skipped[0].path}: {study.skipped[0].reason}"
    return ""


def _by_path(
    paths: Sequence[Path],
    grouping: Grouping,
    closed: list[str],
    notes: list[str] | None = None,
    *,
    metric: str | None = None,
) -> dict[str, list[Run]]:
    """Return the groups at paths; those of the tables of seeds there, where there are no runs."""
    if not paths:
        return {}
    study = _noting_unreadable(open_study(paths, grouping=grouping), closed)
    if not study.runs and not study.evaluations:
        # Next to runs a table most likely repeats them.
        tables = [file.path for file in study.skipped if is_table_of_seeds(file.path, metric)]
        if tables:
            return runs_of_tables(tables, metric)
    if not study.runs:
        places = ", ".join(map(str, paths))
        raise NotFound(f"{places}: holds no run. {_why_none(study)}".rstrip())
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
    runs = _runs_in(groups)
    if len(paths) < 2 or not all(path.is_dir() for path in paths):
        return None
    seeds_repeat = len(groups) == 1 and _repeat_seeds(paths, runs)
    names_are_own = all(len(members) == 1 and members[0].seed is None for members in groups.values())
    if not seeds_repeat and (not names_are_own or len(groups) <= len(paths)):
        return None
    by_folder: dict[str, list[Run]] = {}
    for folder in paths:
        name, members = folder.resolve().name, _runs_inside(folder, runs)
        settings = {repr(sorted(run.settings.items())) for run in members}
        # Two folders of one name would be one group.
        if name in by_folder or len(settings) != 1:
            return None
        by_folder[name] = []
        for run in members:
            run_name = "" if seeds_repeat else run.group
            by_folder[name].append(replace(renamed(run, name), run_name=run_name))
    if notes is not None:
        notes.append(_note_on_folders(by_folder, seeds_repeat=seeds_repeat))
    return by_folder


def _note_on_folders(by_folder: Mapping[str, Sequence[Run]], *, seeds_repeat: bool) -> str:
    reason = "The runs have names of their own and no seeds"
    if seeds_repeat:
        reason = "The folders hold the same seeds"
    named = ", ".join(f"{name} (n = {len(members)})" for name, members in by_folder.items())
    return (
        f"{reason}: each folder is taken as one group, {named}. "
        "Say otherwise with NAME=GLOB or --group-by KEY."
    )


def _repeat_seeds(folders: Sequence[Path], runs: Sequence[Run]) -> bool:
    """Say whether each folder holds a seed once only, several hold the same seed, and no run is a copy."""
    for first, second in itertools.combinations(runs, 2):
        if first.seed == second.seed and first.history.series == second.history.series:
            return False
    folders_of: Counter[int | None] = Counter()
    for folder in folders:
        seeds = [run.seed for run in _runs_inside(folder, runs)]
        if None in seeds or len(set(seeds)) < len(seeds):
            return False
        folders_of.update(seeds)
    return max(folders_of.values(), default=0) > 1


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
    study = _noting_unreadable(_study(names, runs, grouping), closed)
    meanings = {}
    for name in names:
        try:
            if variants:
                meanings[name] = dict(study.variants(name))
            else:
                members = study.select(name)
                meanings[name] = {members[0].group: members}
        except NotFound as error:
            if missing is None or not is_pattern(name):
                # A run of that name may be in a folder that may not be read.
                lack = f"{name}: no such file or folder." if "/" in name else str(error)
                raise NotFound(" ".join([lack, *closed])) from error
            missing.append(str(error))
    return _with_whole_groups(meanings)


def _with_whole_groups(meanings: Mapping[str, dict[str, list[Run]]]) -> dict[str, dict[str, list[Run]]]:
    """Return what names mean, with all runs of a group that they name: labels of two seeds are one group."""
    whole: dict[str, list[Run]] = {}
    for meaning in meanings.values():
        for group, members in meaning.items():
            named = whole.setdefault(group, [])
            named += [run for run in members if not any(run is other for other in named)]
    return {name: {group: whole[group] for group in meaning} for name, meaning in meanings.items()}


def _study(names: Sequence[str], runs: Path, grouping: Grouping) -> Study:
    """Return the runs folder's study.

    Raises:
        NotFound: There is no such folder.
    """
    check_lookup(runs)
    if not exists(runs) and "/" in names[0]:
        raise NotFound(f"{names[0]}: no such file or folder.")
    if not exists(runs):
        raise NotFound(
            f"No run is named {names[0]!r}: there is no runs folder {runs}, and no such path. "
            f"Say where the runs are with --runs DIR, or import logs with: ired-diag import LOGS."
            f"{pattern_note(names[0])}"
        )
    return open_runs_or_table(runs, grouping=grouping)

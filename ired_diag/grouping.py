"""Names and paths from a command line into groups of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ired_diag.errors import AmbiguousName, NotFound
from ired_diag.open import RESULTS_CONFIG, open_study
from ired_diag.readers import metrics_csv, trainer_state
from ired_diag.readers.seed_table import SUFFIXES, metric_of_table, read_seed_table
from ired_diag.runs.ending import Ending
from ired_diag.runs.files import exists
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.store import CONFIG
from ired_diag.runs.study import Study, check_seeds

UNNAMED = "value"  # what a table holds that names no metric


def group_runs(
    arguments: Sequence[str],
    runs: Path,
    *,
    metric: str | None = None,
    variants: bool = False,
    missing: list[str] | None = None,
) -> dict[str, list[Run]]:
    """Return the seeds of each group that names and paths mean, in the order given.

    Args:
        arguments: Names of experiments in the runs folder, and paths, which mean themselves: the runs and
            logs at all paths together are grouped by experiment and variant. A CSV or JSON file is a table
            of one number a seed (``readers.seed_table``): each becomes a run that evaluated once.
        runs: The runs folder; it may hold run folders or foreign logs.
        metric: What the numbers of such a table are. Default: the name of their column, where it has one.
        variants: Take a name for all variants of its experiment, a group each.
        missing: Where given, is told of names that mean nothing; they are an error only where no other is.

    Raises:
        NotFound: There is nothing of a name, or no run at the paths.
        AmbiguousName: A name means several experiments or variants, or one that a path means too.
        DiagError: A seed stands twice in a group.
    """
    paths = [Path(a) for a in arguments if exists(Path(a))]
    named = _by_name([a for a in arguments if not exists(Path(a))], runs, variants=variants, missing=missing)
    tables = [path for path in paths if _is_table(path)]
    at_paths = _by_path([path for path in paths if path not in tables]) | _of_tables(tables, metric)
    if both := at_paths.keys() & {group for found in named.values() for group in found}:
        raise AmbiguousName(f"{', '.join(sorted(both))}: meant by a name and by a path. Give one of them.")
    groups: dict[str, list[Run]] = {}
    for argument in arguments:
        if argument in named:
            groups |= named[argument]
        elif exists(Path(argument)):
            inside = Path(argument).resolve()
            groups |= {
                group: members
                for group, members in at_paths.items()
                if group not in groups and any(r.path.resolve().is_relative_to(inside) for r in members)
            }
    if not groups and missing:
        raise NotFound(missing[0])
    return groups


def _by_path(paths: Sequence[Path]) -> dict[str, list[Run]]:
    if not paths:
        return {}
    study = open_study(paths)
    if not study.runs:
        raise NotFound(f"{', '.join(map(str, paths))}: holds no run.")
    groups = study.groups()
    for group, members in groups.items():
        check_seeds(group, members)
    return groups


def _is_table(path: Path) -> bool:
    """Say whether a path is a table of one number a seed, and no run's configuration or metrics."""
    named = path.suffix.lower() in SUFFIXES and path.name not in (CONFIG, RESULTS_CONFIG)
    return named and path.is_file() and not (trainer_state.accepts(path) or metrics_csv.accepts(path))


def _of_tables(paths: Sequence[Path], metric: str | None) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for path in paths:
        table = read_seed_table(path, column=metric)
        measure = metric or metric_of_table(path) or UNNAMED
        for name, values in table.items():
            if name in groups:
                raise AmbiguousName(
                    f"{name}: is told by {groups[name][0].path} and by {path}. Give one of them."
                )
            groups[name] = [_run_of(path, name, seed, measure, value) for seed, value in values.items()]
    return groups


def _run_of(path: Path, name: str, seed: int, metric: str, value: float) -> Run:
    """Return the run that stands for one number of a table."""
    history = History.of([Row(0, {metric: value})])
    return Run(name, None, None, seed, path, None, history, Ending("complete"), metric=metric)


def _by_name(
    names: Sequence[str], runs: Path, *, variants: bool, missing: list[str] | None
) -> dict[str, dict[str, list[Run]]]:
    """Return by name the group that it means, or all variants of its experiment."""
    if not names:
        return {}
    study, found = _study(names, runs), {}
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


def _study(names: Sequence[str], runs: Path) -> Study:
    """Return the runs folder's study.

    Raises:
        NotFound: There is no such folder.
    """
    if "/" in names[0]:
        raise NotFound(f"{names[0]}: no such file or folder.")
    if not exists(runs):
        raise NotFound(
            f"No run is named {names[0]!r}: there is no runs folder {runs}, and no such path. "
            "Say where the runs are with --runs DIR, or import logs with: ired-diag import LOGS."
        )
    return open_study(runs)

"""Which seed of each source of randomness a run had: initial weights, data, evaluation.

Configurations name such seeds under many keys: ``data_seed``, ``init_seed``, ``model_seed``,
``shuffle_seed``, ``eval_seed`` …, whole or as the last part of a nested key. A run that leaves one open draws
that source from its overall ``seed``. Where the overall seed varies too and no key names the initial weights,
it stands for them: it is the seed of all that no other key names. A user may say which key is which
(``--sources init=KEY,data=KEY``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ired_diag.errors import DiagError
from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.runs.run import Run
from ired_diag.seed_sources import KEYS, SOURCES, source_of_key

Levels = tuple[object, ...]  # one for each run
OVERALL = "seed"
MOST_KEYS = 12  # in an error
OWN_KEYS = tuple(KEYS.values())


@dataclass(frozen=True, kw_only=True)
class SourceLevels:
    """The seeds of a group of runs, by source.

    Attributes:
        varied: Sources of which the runs have several seeds: the seed of each run, in the order of the runs.
        fixed: Sources of which all runs have the same seed, with that seed.
        keys: The key of the configurations that each of these sources was read from.
        fixed_keys: Further keys of sources that vary, with the value that all runs have: ``split_seed``.
    """

    varied: Mapping[str, Levels] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    fixed_keys: Mapping[str, object] = field(default_factory=dict)

    @property
    def are_crossed(self) -> bool:
        """Whether two runs share a seed of a source that is varied, so that they are not independent."""
        for levels in self.varied.values():
            if _count(levels) < len(levels):
                return True
        return False


def source_levels(
    runs: Sequence[Run],
    named: Mapping[str, str] | None = None,
) -> SourceLevels:
    """Return the seeds of runs by source.

    Args:
        runs: The runs of a group.
        named: The user's key of each source. Default: the keys are recognised.

    Raises:
        DiagError: No run has a key that the user names.
    """
    if named:
        keys = _named_keys(runs, named)
    else:
        keys = _recognised_keys(runs)
    levels: dict[str, Levels] = {}
    shown: dict[str, str] = {}
    fixed_keys: dict[str, object] = {}
    for source, of_source in keys.items():
        columns = _varying_columns(runs, of_source)
        for key in of_source:
            if key not in columns:
                fixed_keys[key] = _level(runs[0], key)
        shown[source] = " and ".join(columns)
        of_runs = _together(list(columns.values()))
        if None not in of_runs:
            levels[source] = of_runs
    if not named:
        _add_overall_seed(levels, shown, runs)
    varied = {}
    fixed = {}
    for source, of_runs in levels.items():
        if _count(of_runs) > 1:
            varied[source] = of_runs
        else:
            fixed[source] = of_runs[0]
    return SourceLevels(
        varied=varied,
        fixed=fixed,
        keys=shown,
        fixed_keys=fixed_keys,
    )


def _count(levels: Levels) -> int:
    different = set(levels)
    return len(different)


def _varying_columns(runs: Sequence[Run], keys: Sequence[str]) -> dict[str, Levels]:
    """Return the levels of the runs by key: of the keys that vary, or of the first where none does."""
    columns = {}
    for key in keys:
        columns[key] = tuple(_level(run, key) for run in runs)
    varying = {}
    for key, column in columns.items():
        if _count(column) > 1:
            varying[key] = column
    if varying:
        return varying
    first = keys[0]
    return {first: columns[first]}


def _together(columns: Sequence[Levels]) -> Levels:
    """Return one level for each run: of several keys of one source, their combination."""
    if len(columns) == 1:
        return columns[0]
    combinations = zip(*columns, strict=True)
    return tuple(combinations)


def _add_overall_seed(
    levels: dict[str, Levels],
    shown: dict[str, str],
    runs: Sequence[Run],
) -> None:
    """Add the overall seed where it is one of the sources next to others that vary."""
    overall = tuple(map(_overall_seed, runs))
    counts = list(map(_count, levels.values()))
    others_vary = max(counts, default=1) > 1
    if None in overall or not others_vary:
        return
    # A seed that only repeats another source, or never varies, tells nothing apart.
    if _count(overall) == 1 or overall in levels.values():
        return
    name = "init"
    if name in levels:
        name = OVERALL
    levels[name] = overall
    shown[name] = OVERALL


def _named_keys(runs: Sequence[Run], named: Mapping[str, str]) -> dict[str, list[str]]:
    stated = _stated_keys(runs)
    keys = {}
    for source, key in named.items():
        if key not in stated:
            seeds = [other for other in stated if "seed" in other.lower()]
            listed = ", ".join(seeds or stated[:MOST_KEYS]) or "none"
            raise DiagError(
                f"--sources {source}={key}: no configuration has the key {key!r}. There are: {listed}."
            )
        keys[source] = [key]
    return keys


def _recognised_keys(runs: Sequence[Run]) -> dict[str, list[str]]:
    by_source: dict[str, list[str]] = {}
    for key in _stated_keys(runs):
        source = source_of_key(key)
        if source is not None:
            by_source.setdefault(source, []).append(key)
    in_order: dict[str, list[str]] = {}
    for source in SOURCES:
        if source in by_source:
            in_order[source] = by_source[source]
    return in_order


def _stated_keys(runs: Sequence[Run]) -> list[str]:
    keys: dict[str, None] = {}
    for run in runs:
        configuration = run.configuration or {}
        keys.update(dict.fromkeys(configuration))
    return list(keys)


def _overall_seed(run: Run) -> object:
    if run.seed is not None:
        return run.seed
    return seed_of(run.configuration)


def _level(run: Run, key: str) -> object:
    """Return the seed that a run states under a key; its overall seed where it leaves the key open."""
    configuration = run.configuration or {}
    value = configuration.get(key)
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return value
    # A training of ours with a seed for each of its sources states none for those that it does not have.
    if key in OWN_KEYS:
        own = map(configuration.get, OWN_KEYS)
        if any(seed is not None for seed in own):
            return None
    return _overall_seed(run)

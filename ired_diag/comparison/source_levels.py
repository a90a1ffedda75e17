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
from typing import Any

from ired_diag.errors import DiagError
from ired_diag.readers.foreign_configuration import seed_of
from ired_diag.runs.run import Run
from ired_diag.seed_sources import KEYS, SOURCES, source_of_key

OVERALL = "seed"
OWN_KEYS = tuple(KEYS.values())


@dataclass(frozen=True, kw_only=True)
class SourceLevels:
    """The seeds of a group of runs, by source.

    Attributes:
        varied: Sources of which the runs have several seeds: the seed of each run, in the order of the runs.
        fixed: Sources of which all runs have the same seed, with that seed.
        keys: The key of the configurations that each of these sources was read from.
    """

    varied: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def are_crossed(self) -> bool:
        """Whether two runs share a seed of a source that is varied, so that they are not independent."""
        return any(len(set(levels)) < len(levels) for levels in self.varied.values())


def source_levels(runs: Sequence[Run], named: Mapping[str, str] | None = None) -> SourceLevels:
    """Return the seeds of runs by source.

    Args:
        runs: The runs of a group.
        named: The user's key of each source. Default: the keys are recognised.

    Raises:
        DiagError: No run has a key that the user names.
    """
    configurations = [run.configuration or {} for run in runs]
    keys = _named_keys(configurations, named) if named else _recognised_keys(configurations)
    overall = [_overall_seed(run) for run in runs]
    all_levels: dict[str, tuple[object, ...]] = {}
    shown: dict[str, str] = {}
    for source, of_source in keys.items():
        columns: dict[str, tuple[object, ...]] = {}
        for key in of_source:
            pairs = zip(configurations, overall, strict=True)
            columns[key] = tuple(_level(configuration, key, seed) for configuration, seed in pairs)
        kept = [key for key, column in columns.items() if len(set(column)) > 1] or list(columns)[:1]
        all_levels[source] = columns[kept[0]]
        if len(kept) > 1:
            all_levels[source] = tuple(zip(*[columns[key] for key in kept], strict=True))
        shown[source] = " and ".join(kept)
    levels = {source: of_source for source, of_source in all_levels.items() if None not in of_source}
    _add_overall(levels, shown, overall, is_recognised=not named)
    varied = {source: of_source for source, of_source in levels.items() if len(set(of_source)) > 1}
    fixed = {source: of_source[0] for source, of_source in levels.items() if len(set(of_source)) == 1}
    return SourceLevels(varied=varied, fixed=fixed, keys=shown)


def _add_overall(
    levels: dict[str, tuple[object, ...]],
    shown: dict[str, str],
    overall: Sequence[object],
    *,
    is_recognised: bool,
) -> None:
    """Add the overall seed where it is one of the sources next to others that vary."""
    has_varied = any(len(set(of_source)) > 1 for of_source in levels.values())
    if not is_recognised or None in overall or not has_varied:
        return
    if len(set(overall)) == 1 or tuple(overall) in levels.values():
        return
    name = OVERALL if "init" in levels else "init"
    levels[name] = tuple(overall)
    shown[name] = OVERALL


def _named_keys(
    configurations: Sequence[Mapping[str, Any]], named: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    known = sorted({key for configuration in configurations for key in configuration})
    for source, key in named.items():
        if key not in known:
            seeds = [other for other in known if "seed" in other.lower()]
            listed = ", ".join(seeds or known[:12]) or "none"
            raise DiagError(
                f"--sources {source}={key}: no configuration has the key {key!r}. There are: {listed}."
            )
    return {source: (key,) for source, key in named.items()}


def _recognised_keys(configurations: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, dict[str, None]] = {}
    for configuration in configurations:
        for key in configuration:
            source = source_of_key(key)
            if source is not None:
                keys.setdefault(source, {})[key] = None
    return {source: tuple(keys[source]) for source in SOURCES if source in keys}


def _overall_seed(run: Run) -> object:
    if run.seed is not None:
        return run.seed
    return seed_of(run.configuration)


def _level(configuration: Mapping[str, Any], key: str, overall: object) -> object:
    value = configuration.get(key)
    # A training of ours with a seed for each of its sources states none for those that it does not have.
    if value is None and key in OWN_KEYS and any(configuration.get(own) is not None for own in OWN_KEYS):
        return None
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return overall
    return value

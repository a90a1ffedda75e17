"""Groups as the user says: by keys of the configurations, or all runs of some paths under one name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ired_diag.errors import DiagError
from ired_diag.runs.mapped_metrics import check_metric_names
from ired_diag.runs.run import Run

# What is known of a run in addition to its configuration.
OWN_KEYS = ("experiment", "variant", "job", "commit", "folder")
MOST_KEYS = 12
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """What the user says of groups; by default they are recognised by names and configurations.

    Attributes:
        by: Keys whose values are the groups: of the configurations, or one of ``OWN_KEYS``.
        ignored_keys: Keys that neither split a group nor count as a difference between groups.
        seed_key: The key of the configurations that is the seed.
        step: The column or key of logs that counts the steps, where they have it.
        pattern: The regular expression by which text logs are read; empty: by their own grammar.
        metric_names: Pairs of the name that logs give to a metric, and the name that it shall have.
    """

    by: tuple[str, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    seed_key: str | None = None
    step: str | None = None
    pattern: str = ""
    metric_names: tuple[tuple[str, str], ...] = ()

    @property
    def not_compared(self) -> frozenset[str]:
        """The keys that neither split a group nor count as a difference, because the user says so."""
        keys = set(self.ignored_keys)
        if self.seed_key:
            keys.add(self.seed_key)
        return frozenset(keys)

    @property
    def options(self) -> list[str]:
        """The words of a command line that say the same."""
        words: list[str] = []
        if self.by:
            words += ["--group-by", ",".join(self.by)]
        for key in self.ignored_keys:
            words += ["--ignore-key", key]
        if self.seed_key:
            words += ["--seed-key", self.seed_key]
        if self.step:
            words += ["--step", self.step]
        if self.pattern:
            words += ["--pattern", self.pattern]
        for name, new in self.metric_names:
            words += ["--map", f"{name}={new}"]
        return words


def check_keys(grouping: Grouping, runs: Sequence[Run]) -> None:
    """Refuse a key to ignore, or a seed key, that no configuration has, and a metric that no run logged.

    Raises:
        DiagError: There is none.
    """
    for key in grouping.ignored_keys:
        _check_key(key, runs, option="--ignore-key")
    if grouping.seed_key:
        _check_key(grouping.seed_key, runs, option="--seed-key")
    check_metric_names(dict(grouping.metric_names), runs)


def grouped_by(runs: Iterable[Run], keys: Sequence[str]) -> list[Run]:
    """Return runs in groups of equal values of given keys.

    Args:
        runs: All runs of the study.
        keys: Of the configurations, or one of ``OWN_KEYS``.

    Raises:
        DiagError: No run has such a key.
    """
    runs = list(runs)
    for key in keys:
        _check_key(key, runs, option="--group-by", own_keys=OWN_KEYS)
    regrouped: list[Run] = []
    for run in runs:
        parts = [_part(run, key) for key in keys]
        regrouped.append(renamed(run, ",".join(parts)))
    return regrouped


def renamed(run: Run, group: str) -> Run:
    """Return a run in another group; what it was called there becomes its name where it is not a seed."""
    return replace(run, experiment=group, variant=None, run_name=run.run_name)


def _part(run: Run, key: str) -> str:
    value = _value(run, key)
    if key == "experiment":
        return str(value)
    return f"{key}={UNKNOWN if value is None else value}"


def _value(run: Run, key: str) -> object:
    configuration = run.configuration or {}
    if key in configuration or key not in OWN_KEYS:
        return configuration.get(key)
    own_values = {
        "experiment": run.experiment,
        "variant": run.variant,
        "job": run.provenance.get("job"),
        "commit": str(run.provenance.get("git_commit") or "") or None,
        "folder": run.path.parent.name,
    }
    return own_values[key]


def _check_key(
    key: str,
    runs: Sequence[Run],
    *,
    option: str,
    own_keys: Sequence[str] = (),
) -> None:
    keys: dict[str, None] = {}
    for run in runs:
        keys.update(dict.fromkeys(run.configuration or {}))
    if not runs or key in keys or key in own_keys:
        return
    message = f"{option}: no configuration has the key {key!r}."
    for near in difflib.get_close_matches(key, keys, n=1):
        message += f" Did you mean {near!r}?"
    names = list(keys)
    if len(names) > MOST_KEYS:
        names = [*names[:MOST_KEYS], "…"]
    choices = ", ".join(names) or "no configurations"
    if own_keys:
        choices += f"; and {', '.join(own_keys)}"
    raise DiagError(f"{message} There are: {choices}.")

"""Groups as the user says: by keys of the configurations, or all runs of some paths under one name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ired_diag.errors import DiagError
from ired_diag.runs.run import Run

# What is known of a run besides its configuration.
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
    """

    by: tuple[str, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    seed_key: str | None = None

    @property
    def not_compared(self) -> frozenset[str]:
        """The keys that neither split a group nor count as a difference, because the user says so."""
        return frozenset((*self.ignored_keys, *([self.seed_key] if self.seed_key else [])))

    @property
    def options(self) -> list[str]:
        """The words of a command line that say the same."""
        words = ["--group-by", ",".join(self.by)] if self.by else []
        words += [word for key in self.ignored_keys for word in ("--ignore-key", key)]
        return [*words, "--seed-key", self.seed_key] if self.seed_key else words


def check_keys(grouping: Grouping, runs: Sequence[Run]) -> None:
    """Refuse a key to ignore, or a seed key, that no configuration has.

    Raises:
        DiagError: There is none.
    """
    keys = [("--ignore-key", key) for key in grouping.ignored_keys]
    keys += [("--seed-key", grouping.seed_key)] if grouping.seed_key else []
    for option, key in keys:
        _check_key(key, runs, option=option, own_keys=())


def grouped_by(runs: Iterable[Run], keys: Sequence[str]) -> list[Run]:
    """Return runs in groups of equal values of some keys.

    Args:
        runs: All runs of the study.
        keys: Of the configurations, or one of ``OWN_KEYS``.

    Raises:
        DiagError: No run has such a key.
    """
    runs = list(runs)
    for key in keys:
        _check_key(key, runs, option="--group-by", own_keys=OWN_KEYS)
    return [renamed(run, ",".join(_part(run, key) for key in keys)) for run in runs]


def renamed(run: Run, group: str) -> Run:
    """Return a run in another group; what it was called there becomes its name where it is no seed."""
    return replace(run, experiment=group, variant=None, run_name=run.run_name)


def _part(run: Run, key: str) -> str:
    value = _value(run, key)
    return str(value) if key == "experiment" else f"{key}={UNKNOWN if value is None else value}"


def _value(run: Run, key: str) -> object:
    configuration = run.configuration or {}
    if key in configuration or key not in OWN_KEYS:
        return configuration.get(key)
    return {
        "experiment": run.experiment,
        "variant": run.variant,
        "job": run.provenance.get("job"),
        "commit": (str(run.provenance.get("git_commit") or "") or None),
        "folder": run.path.parent.name,
    }[key]


def _check_key(key: str, runs: Sequence[Run], *, option: str, own_keys: Sequence[str]) -> None:
    known = dict.fromkeys(name for run in runs for name in (run.configuration or {}))
    if not runs or key in known or key in own_keys:
        return
    near = difflib.get_close_matches(key, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    some = ", ".join(list(known)[:MOST_KEYS]) + (", …" if len(known) > MOST_KEYS else "")
    more = f"; and {', '.join(own_keys)}" if own_keys else ""
    there_are = f"There are: {some or 'no configurations'}{more}."
    raise DiagError(f"{option}: no configuration has the key {key!r}.{hint} {there_are}")

"""What the variants of an experiment are called: by their last job, or by what differs.

A variant is a version of the configuration and the code. Where one job ran several versions, as a sweep does,
each is called by the values that distinguish it, ``lr=0.001,width=64``, as short as they are distinct.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ired_diag.runs.grouped import grouped
from ired_diag.runs.run import Run

LONGEST_NUMBER = 8  # characters: a longer one is rounded
MOST_DIFFERENCES = 4  # keys in the name of a variant
LONGEST_VALUE = 24  # letters of a value there

Version = tuple[str, str | None]  # configuration, commit
Settings = Mapping[str, Any]


def version_of(record: Run, identifying: Collection[str]) -> Version:
    """Return the configuration, without the keys that only identify a run, and the commit of a record."""
    settings = {k: v for k, v in (record.configuration or {}).items() if k not in identifying}
    return json.dumps(settings, sort_keys=True), record.commit


def variant_labels(versions: Mapping[Version, Sequence[Run]]) -> dict[Version, str | None]:
    """Name each version by its last job, or by what differs; where one job ran several, by both."""
    if len(versions) <= 1:
        return dict.fromkeys(versions)
    job_of = {version: _last_job(records) for version, records in versions.items()}
    versions_of = grouped(job_of, key=lambda version: job_of[version])
    labels: dict[Version, str] = {}
    for version, job in job_of.items():
        twins = versions_of[job]
        difference = _difference(version, twins) if len(twins) > 1 else ""
        parts = filter(None, (job, difference))
        labels[version] = ",".join(parts) or "without-configuration"
    return _numbered(labels)


def _last_job(records: Sequence[Run]) -> str | None:
    latest = max(records, key=lambda record: record.start_order)
    return latest.job


def _numbered(labels: Mapping[Version, str]) -> dict[Version, str | None]:
    """Number the labels that several versions share, since a long difference is cut."""
    ordered = sorted(labels, key=str)
    distinct: dict[Version, str | None] = {}
    for label, versions in grouped(ordered, key=lambda version: labels[version]).items():
        for number, version in enumerate(versions, start=1):
            distinct[version] = label if len(versions) == 1 else f"{label},{number}"
    return distinct


def _difference(version: Version, twins: Sequence[Version]) -> str:
    """Return ``key=value,…`` for the keys in which a version differs from others."""
    own: Settings = json.loads(version[0])
    others: list[Settings] = [json.loads(configuration) for configuration, _ in twins]
    different = _different_keys(own, others)
    parts: list[str] = []
    for key in different[:MOST_DIFFERENCES]:
        values = [settings.get(key) for settings in others]
        value = _rounded(own.get(key), values)
        parts.append(f"{key}={_brief(value)}")
    if len(different) > MOST_DIFFERENCES:
        parts.append(f"+{len(different) - MOST_DIFFERENCES}")
    configurations = [configuration for configuration, _ in twins]
    if configurations.count(version[0]) > 1:
        parts.append(f"commit={version[1]}")
    return ",".join(parts)


def _different_keys(own: Settings, others: Sequence[Settings]) -> list[str]:
    keys = set(own).union(*others)
    different: list[str] = []
    for key in sorted(keys):
        if any(settings.get(key) != own.get(key) for settings in others):
            different.append(key)
    return different


def _rounded(value: object, others: Sequence[object]) -> object:
    """Return a long number with as few digits, three at least, as distinguish it from others.

    >>> _rounded(3.367544874824748e-05, [0.0002564580321961815]), _rounded(0.1234567, [0.1234568])
    (3.37e-05, 0.1234567)
    """
    if not isinstance(value, float) or len(repr(value)) <= LONGEST_NUMBER:
        return value
    numbers = {float(other) for other in others if isinstance(other, int | float)}
    numbers.discard(value)
    for digits in range(3, 17):
        short = _with_digits(value, digits)
        if all(_with_digits(other, digits) != short for other in numbers):
            return short
    return value


def _with_digits(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")


def _brief(value: object) -> str:
    text = json.dumps(value).replace('"', "").replace("/", "_")
    if len(text) <= LONGEST_VALUE:
        return text
    return text[: LONGEST_VALUE - 1] + "…"

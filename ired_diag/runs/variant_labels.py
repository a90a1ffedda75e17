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
    settings = dict(record.configuration or {})
    for key in identifying:
        settings.pop(key, None)
    return json.dumps(settings, sort_keys=True), record.commit


def variant_labels(versions: Mapping[Version, Sequence[Run]]) -> Mapping[Version, str | None]:
    """Name each version by its last job, or by what differs; where one job ran several, by both."""
    if len(versions) <= 1:
        return dict.fromkeys(versions)
    versions_of_job = grouped(
        versions,
        key=lambda version: _last_job(versions[version]),
    )
    labels: dict[Version, str] = {}
    for job, twins in versions_of_job.items():
        for version in twins:
            parts = [job] if job else []
            if len(twins) > 1:
                parts.append(_difference(version, twins))
            label = ",".join(filter(None, parts))
            labels[version] = label or "without-configuration"
    return _numbered(labels)


def _last_job(records: Sequence[Run]) -> str | None:
    latest = max(records, key=lambda record: record.start_order)
    return latest.job


def _numbered(labels: Mapping[Version, str]) -> dict[Version, str]:
    """Number the labels that several versions share, since a long difference is cut."""
    ordered = sorted(labels, key=str)
    versions_of_label = grouped(ordered, key=labels.__getitem__)
    distinct = dict(labels)
    for label, versions in versions_of_label.items():
        if len(versions) > 1:
            for number, version in enumerate(versions, start=1):
                distinct[version] = f"{label},{number}"
    return distinct


def _difference(version: Version, twins: Sequence[Version]) -> str:
    """Return ``key=value,…`` for the keys in which a version differs from others."""
    own_configuration, commit = version
    configurations = [configuration for configuration, _ in twins]
    own: Settings = json.loads(own_configuration)
    others: list[Settings] = list(map(json.loads, configurations))
    different = _different_keys(own, others)
    parts: list[str] = []
    for key in different[:MOST_DIFFERENCES]:
        value = _rounded(
            own.get(key),
            others=[settings.get(key) for settings in others],
        )
        parts.append(f"{key}={_brief(value)}")
    if len(different) > MOST_DIFFERENCES:
        parts.append(f"+{len(different) - MOST_DIFFERENCES}")
    if configurations.count(own_configuration) > 1:
        parts.append(f"commit={commit}")
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

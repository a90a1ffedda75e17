"""Whether the number of an array task is a seed.

Most arrays train one configuration with the task's number as the seed, and many logs do not print the seed.
Other arrays run a sweep: each task trains a configuration of its own. Where the tasks of one job have
different configurations, their numbers are no seeds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from ired_diag.config_keys import METADATA
from ired_diag.runs.attempt import Attempt

SEED_IS_TASK = "seed_is_array_task"  # in the provenance of an attempt


def without_sweep_seeds(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return attempts; where the tasks of a job differ in their configuration, without seeds by task."""
    attempts = list(attempts)
    versions: dict[str | None, set[str]] = defaultdict(set)
    for attempt in attempts:
        if SEED_IS_TASK in attempt.provenance and attempt.configuration is not None:
            versions[attempt.job].add(_version(attempt))
    return [_without_seed(a) if len(versions.get(a.job, ())) > 1 else a for a in attempts]


def _without_seed(attempt: Attempt) -> Attempt:
    if SEED_IS_TASK not in attempt.provenance:
        return attempt
    provenance = {key: value for key, value in attempt.provenance.items() if key != SEED_IS_TASK}
    return replace(attempt, seed=None, provenance=provenance)


def _version(attempt: Attempt) -> str:
    configuration = attempt.configuration or {}
    knobs = {key: value for key, value in configuration.items() if key not in (*METADATA, "seed")}
    return json.dumps(knobs, sort_keys=True, default=str)

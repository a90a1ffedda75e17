"""Whether the number of an array task is a seed.

Most arrays train one configuration with the task's number as the seed, and many logs do not print the seed.
Other arrays run a sweep: each task trains a configuration of its own. Where the tasks of one job have
different configurations, their numbers are not seeds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from ired_diag.config_keys import METADATA
from ired_diag.runs.run import Run

SEED_IS_TASK = "seed_is_array_task"  # in the provenance of an attempt


def without_sweep_seeds(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; where a job's tasks have different configurations, their numbers are no seeds."""
    attempts = list(attempts)
    versions: dict[str | None, set[str]] = defaultdict(set)
    for attempt in attempts:
        if SEED_IS_TASK in attempt.provenance and attempt.configuration is not None:
            versions[attempt.job].add(_version(attempt))
    kept = []
    for attempt in attempts:
        is_sweep = len(versions.get(attempt.job, ())) > 1
        kept.append(_without_seed(attempt) if is_sweep else attempt)
    return kept


def _without_seed(attempt: Run) -> Run:
    if SEED_IS_TASK not in attempt.provenance:
        return attempt
    provenance = dict(attempt.provenance)
    del provenance[SEED_IS_TASK]
    return replace(attempt, seed=None, provenance=provenance)


def _version(attempt: Run) -> str:
    knobs = dict(attempt.configuration or {})
    for name in (*METADATA, "seed"):
        knobs.pop(name, None)
    return json.dumps(knobs, sort_keys=True, default=str)

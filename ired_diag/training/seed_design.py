"""Which seeds of the sources of randomness go together in a run: crossed, in pairs, or as a Latin square.

    crossed   every initialisation with every data seed (and every evaluation draw)
    pairs     the first of each list, the second of each list, …: every run is new in all sources
    latin     three lists of n seeds in n² runs instead of n³: run (i, j) has evaluation draw (i + j) mod n

Crossed runs tell the sources apart, with their interactions; a Latin square without them; pairs do not tell
them apart at all, and give the most precise mean for their number.

Reference: Searle, Casella & McCulloch (1992), Variance Components, chapter 4 (crossed); Cochran & Cox (1957),
Experimental Designs, section 4.3 (Latin squares).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from ired_diag.config import TrainingConfig
from ired_diag.errors import DiagError
from ired_diag.own_task import check_named_tensors
from ired_diag.seed_sources import KEYS, SOURCES, Source
from ired_diag.streams import SOURCE_OF, Streams, make_streams
from ired_diag.task import Task

Design = Literal["crossed", "pairs", "latin"]
DESIGNS: tuple[Design, ...] = get_args(Design)
FEWEST_OF_LATIN = 3  # seeds of each source: the residual of a 2 by 2 square has no degree of freedom
BATCHES = 2  # that are drawn to see whether a task draws its data
DRAWS_NOTHING: Mapping[Source, str] = {
    "init": "initial_weights draws nothing from the generator that it is given",
    "data": f"draw_batch draws nothing from its streams in the first {BATCHES} batches",
    "eval": "evaluate draws nothing from the generator that it is given",
}


def seeds_of_runs(
    lists: Mapping[Source, Sequence[int]],
    design: Design,
) -> list[dict[Source, int]]:
    """Return the seeds of each run.

    Args:
        lists: Seeds of each source that is varied.
        design: Which of them go together.

    Raises:
        DiagError: The lists do not make such a design.

    >>> seeds_of_runs({"init": [0, 1], "data": [5, 6]}, "pairs")
    [{'init': 0, 'data': 5}, {'init': 1, 'data': 6}]
    """
    columns = list(lists.values())
    combinations: list[tuple[int, ...]]
    if design == "crossed":
        combinations = list(itertools.product(*columns))
    elif design == "pairs":
        _check_equal_lengths(lists, design)
        combinations = list(zip(*columns, strict=True))
    else:
        _check_equal_lengths(lists, design)
        _check_square(lists)
        combinations = _latin_square(columns)
    runs = []
    for seeds in combinations:
        of_run = zip(lists, seeds, strict=True)
        runs.append(dict(of_run))
    return runs


def _check_equal_lengths(lists: Mapping[Source, Sequence[int]], design: Design) -> None:
    counts = {}
    for source, seeds in lists.items():
        counts[source] = len(seeds)
    different = set(counts.values())
    if len(different) == 1:
        return
    parts = []
    for source, count in counts.items():
        parts.append(f"{count} of {source}")
    listed = ", ".join(parts)
    raise DiagError(f"--design {design}: expected lists of equal length, found {listed}.")


def _check_square(lists: Mapping[Source, Sequence[int]]) -> None:
    fewest = min(map(len, lists.values()))
    if len(lists) == len(SOURCES) and fewest >= FEWEST_OF_LATIN:
        return
    raise DiagError(
        f"--design latin: expected at least {FEWEST_OF_LATIN} seeds for each of --seed-init, --seed-data "
        "and --seed-eval. With two sources use --design crossed."
    )


def _latin_square(columns: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    first, second, third = columns
    n = len(first)
    runs: list[tuple[int, ...]] = []
    for i in range(n):
        for j in range(n):
            k = (i + j) % n
            runs.append((first[i], second[j], third[k]))
    return runs


def with_seeds(config: TrainingConfig, seeds: Mapping[Source, int], task: Task) -> TrainingConfig:
    """Return a configuration with a seed for each source that its task has.

    Args:
        config: The configuration, whose ``seeds`` hold for sources that are not named.
        seeds: Seeds by source.
        task: What is trained.

    Raises:
        DiagError: The task does not have a source that is named, in ``seeds`` or in the configuration.
    """
    absent = absent_sources(task, config)
    wanted = {**own_seeds(config), **seeds}
    for source in wanted:
        if source in absent:
            option = KEYS[source].replace("_", "-")
            reason = absent[source]
            raise DiagError(f"--{option}: the task {task.name} has no such source: {reason}.")
    changed: dict[str, int] = {}
    for source in SOURCES:
        if source not in absent:
            of_configuration = getattr(config.seeds, source)
            key = KEYS[source]
            changed[key] = wanted.get(source, of_configuration)
    return config.model_copy(update=changed)


def has_own_seeds(config: TrainingConfig) -> bool:
    """Say whether a source of randomness has a seed of its own."""
    return bool(own_seeds(config))


def own_seeds(config: TrainingConfig) -> dict[Source, int]:
    """Return the seeds of the sources that have one of their own."""
    seeds = {}
    for source in SOURCES:
        seed = getattr(config, KEYS[source])
        if seed is not None:
            seeds[source] = seed
    return seeds


def absent_sources(task: Task, config: TrainingConfig) -> Mapping[Source, str]:
    """Return the sources of randomness that a task does not have, each with the reason.

    A task that does not say so is tried: its weights, two batches and an evaluation are drawn, and a source
    whose random stream has not moved is absent.
    """
    if task.absent_sources is not None:
        return task.absent_sources(config)
    streams = make_streams(config.seeds, "cpu")
    before = _states(streams)
    weights = task.initial_weights(config, streams.weights)
    check_named_tensors(task, "initial_weights", weights)
    for step in range(BATCHES):
        batch = task.draw_batch(config, streams, step)
        check_named_tensors(task, "draw_batch", batch)
    # The values are of no interest: only whether the streams have moved.
    tensors = {**task.constants(config), **weights}
    task.evaluate(
        config,
        tensors,
        batch,
        streams.evaluation,
    )
    after = _states(streams)
    moved = set()
    for purpose, state in after.items():
        if state != before[purpose]:
            moved.add(SOURCE_OF[purpose])
    absent: dict[Source, str] = {}
    for source, reason in DRAWS_NOTHING.items():
        if source not in moved:
            absent[source] = reason
    return absent


def _states(streams: Streams) -> dict[str, bytes]:
    states = {}
    for purpose, state in streams.state().items():
        states[purpose] = state.numpy().tobytes()
    return states

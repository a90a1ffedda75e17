"""Which seeds of the sources of randomness go together in a run: crossed, in pairs, or as a Latin square.

    crossed   every initialisation with every data order (and every evaluation draw)
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
from ired_diag.streams import Streams, make_streams
from ired_diag.task import Task

Design = Literal["crossed", "pairs", "latin"]
DESIGNS: tuple[Design, ...] = get_args(Design)
FEWEST_OF_LATIN = 3  # seeds of each source: the residual of a 2 by 2 square has no degree of freedom
BATCHES = 2  # that are drawn to see whether a task draws its data


def seeds_of_runs(lists: Mapping[Source, Sequence[int]], design: Design) -> list[dict[Source, int]]:
    """Return the seeds of each run.

    Args:
        lists: Seeds of each source that is varied.
        design: Which of them go together.

    Raises:
        DiagError: The lists do not make such a design.

    >>> seeds_of_runs({"init": [0, 1], "data": [5, 6]}, "pairs")
    [{'init': 0, 'data': 5}, {'init': 1, 'data': 6}]
    """
    names = list(lists)
    columns = list(lists.values())
    combinations = list(itertools.product(*columns))
    if design != "crossed":
        _check_equal_lengths(lists, design)
    if design == "pairs":
        combinations = list(zip(*columns, strict=True))
    if design == "latin":
        combinations = _latin_square(columns)
    return [dict(zip(names, seeds, strict=True)) for seeds in combinations]


def _check_equal_lengths(lists: Mapping[Source, Sequence[int]], design: Design) -> None:
    sizes = {len(seeds) for seeds in lists.values()}
    if len(sizes) > 1:
        listed = ", ".join(f"{len(seeds)} of {source}" for source, seeds in lists.items())
        raise DiagError(f"--design {design}: expected lists of equal length, found {listed}.")
    if design == "latin" and (len(lists) != len(SOURCES) or min(sizes) < FEWEST_OF_LATIN):
        raise DiagError(
            f"--design latin: expected at least {FEWEST_OF_LATIN} seeds for each of --seed-init, --seed-data "
            "and --seed-eval. With two sources use --design crossed."
        )


def _latin_square(columns: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    first, second, third = columns
    n = len(first)
    runs: list[tuple[int, ...]] = []
    for i, j in itertools.product(range(n), range(n)):
        runs.append((first[i], second[j], third[(i + j) % n]))
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
    changed: dict[str, int] = {}
    for source in SOURCES:
        key = KEYS[source]
        is_named = source in seeds or getattr(config, key) is not None
        if source not in absent:
            changed[key] = seeds.get(source, getattr(config.seeds, source))
        elif is_named:
            option = key.replace("_", "-")
            raise DiagError(f"--{option}: the task {task.name} has no such source: {absent[source]}.")
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
    tensors = {**task.constants(config), **weights}
    task.evaluate(config, tensors, batch, streams.evaluation)
    after = _states(streams)
    absent: dict[Source, str] = {}
    if before["weights"] == after["weights"]:
        absent["init"] = "initial_weights draws nothing from the generator that it is given"
    if all(before[purpose] == after[purpose] for purpose in ("data", "noise", "mining")):
        absent["data"] = f"draw_batch draws nothing from its streams in the first {BATCHES} batches"
    if before["evaluation"] == after["evaluation"]:
        absent["eval"] = "evaluate draws nothing from the generator that it is given"
    return absent


def _states(streams: Streams) -> dict[str, bytes]:
    return {purpose: state.numpy().tobytes() for purpose, state in streams.state().items()}

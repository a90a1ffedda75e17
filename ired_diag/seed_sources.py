"""Sources of randomness in a training: initial weights, data, evaluation; one random seed for each.

    init    the untrained weights
    data    which data are drawn and in which order, and all other noise that a training step draws
    eval    what an evaluation draws

A training with a single seed draws all three from it. With seeds of their own the sources can be varied one
at a time, or crossed, and the share of each in the spread of results can be told.

Reference: Bouthillier and others (2021), Accounting for Variance in Machine Learning Benchmarks, MLSys,
section 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

Source = Literal["init", "data", "eval"]
SOURCES: tuple[Source, ...] = get_args(Source)
NAMES: Mapping[Source, str] = {
    "init": "initialisation",
    "data": "data seed",
    "eval": "evaluation draw",
}
PLURALS: Mapping[Source, str] = {
    "init": "initialisations",
    "data": "data seeds",
    "eval": "evaluation draws",
}
KEYS: Mapping[Source, str] = {"init": "seed_init", "data": "seed_data", "eval": "seed_eval"}
KEYS_OF: Mapping[Source, frozenset[str]] = {
    "init": frozenset(
        """
        seed_init init_seed model_seed seed_model weight_seed weights_seed seed_weights initialization_seed
        initialisation_seed network_seed net_seed param_seed params_seed model_init_seed weight_init_seed
        """.split()
    ),
    "data": frozenset(
        """
        seed_data data_seed dataset_seed seed_dataset shuffle_seed seed_shuffle data_order_seed order_seed
        sampler_seed dataloader_seed loader_seed batch_seed split_seed seed_split data_split_seed
        bootstrap_seed augmentation_seed aug_seed
        """.split()
    ),
    "eval": frozenset(
        """
        seed_eval eval_seed evaluation_seed seed_evaluation val_seed validation_seed test_seed seed_test
        seed_val
        """.split()
    ),
}
OVERALL_KEYS = (
    "seed",
    "random_seed",
    "rng_seed",
    "manual_seed",
    "global_seed",
    "seed_everything",
    "random_state",
)
_LABEL_PART = rf"(?:{'|'.join(SOURCES)})\d{{1,18}}"
LABEL = re.compile(rf"{_LABEL_PART}(?:-{_LABEL_PART})*")


@dataclass(frozen=True)
class Seeds:
    """The random seed of each source.

    Attributes:
        init: Of the untrained weights.
        data: Of the data and of the noise of training steps.
        eval: Of what evaluations draw.
    """

    init: int
    data: int
    eval: int


def one_seed(seed: int) -> Seeds:
    """Return the seeds of a training that has a single one."""
    return Seeds(init=seed, data=seed, eval=seed)


def label_of_sources(seeds: Mapping[Source, int]) -> str:
    """Return what a run is called by the seeds of its sources.

    >>> label_of_sources({"data": 1, "init": 0})
    'init0-data1'
    """
    parts = []
    for source in SOURCES:
        if source in seeds:
            parts.append(f"{source}{seeds[source]}")
    return "-".join(parts)


def is_label_of_sources(label: str) -> bool:
    """Say whether a run is called by the seeds of its sources.

    >>> is_label_of_sources("init0-data1"), is_label_of_sources("seed0"), is_label_of_sources("database1")
    (True, False, False)
    """
    return LABEL.fullmatch(label) is not None


def label_of_keys(seeds: Mapping[str, int]) -> str:
    """Return what a run is called by the seeds that keys of its configuration state.

    A key that names no source is that of the overall seed, which stands for the initialisation. Two keys of
    one source keep their names: they would be told apart by nothing else.

    >>> label_of_keys({"seed": 3, "data_seed": 42}), label_of_keys({"shuffle_seed": 1, "split_seed": 2})
    ('init3-data42', 'shuffle_seed1-split_seed2')
    """
    by_source: dict[Source, int] = {}
    for key, seed in seeds.items():
        by_source.setdefault(source_of_key(key) or "init", seed)
    if len(by_source) == len(seeds):
        return label_of_sources(by_source)
    return "-".join(f"{key}{seed}" for key, seed in seeds.items())


def label_of_configuration(configuration: Mapping[str, object], overall: int | None) -> str:
    """Return what a run is called by the seeds of single sources that its configuration states; else nothing.

    Args:
        configuration: Of the run.
        overall: Its overall seed, which stands for the initialisation where no key does.

    >>> label_of_configuration({"lr": 0.1, "split_seed": 2}, 5), label_of_configuration({"seed": 5}, 5)
    ('init5-data2', '')
    """
    seeds: dict[str, int] = {}
    for key, value in configuration.items():
        is_seed = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if is_seed and source_of_key(key) is not None:
            seeds[key] = int(str(value))
    if not seeds:
        return ""
    has_init = any(source_of_key(key) == "init" for key in seeds)
    first = {} if overall is None or has_init else {OVERALL_KEYS[0]: overall}
    return label_of_keys({**first, **seeds})


@lru_cache(maxsize=1 << 14)  # the runs of a study have the same few keys
def source_of_key(key: str) -> Source | None:
    """Return the source whose seed a key of a configuration names; None where it names none.

    >>> [source_of_key(key) for key in ("data.shuffleSeed", "model_seed", "seed", "data_dir")]
    ['data', 'init', None, None]
    """
    whole = _words(key)
    last = _words(key.rpartition(".")[2])
    for source, names in KEYS_OF.items():
        if whole in names or last in names:
            return source
    if last in OVERALL_KEYS and "." in key:
        return _source_of_section(key)
    return None


def _source_of_section(key: str) -> Source | None:
    """Return the source of ``data.seed``, ``dataloader.seed``, ``model.seed``."""
    section = _words(key.rpartition(".")[0].rpartition(".")[2])
    for source, names in KEYS_OF.items():
        if f"{section}_seed" in names:
            return source
    return None


def _words(key: str) -> str:
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
    return "_".join(re.findall(r"[a-z0-9]+", text))

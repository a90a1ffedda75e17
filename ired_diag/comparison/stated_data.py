"""What a configuration states of the data that a run is trained and evaluated on.

Equal seeds of two experiments are pairs only where both draw from the same data: then what is hard about a
draw is hard for both, and cancels in the difference. A seed number alone says nothing of that; the
configuration does, where one of its keys names the data. These keys are taken, whole or as the last parts of
a nested key (``data.name``, ``dataset_kwargs.path``):

    dataset, data, corpus, task, env, game, benchmark, problem …, alone or with name, id, path, dir …
    train_data, val_file, eval_dataset …           the same of a part of the data
    the keys of the default task                   where all of them are stated: alone, ``rank`` may be
                                                   that of a process or of a low-rank adapter

A value that is a place and no name (``./data``), a kind of work (``train``, ``classification``), a switch or
nothing states no data. Other keys (``fold``, ``val_split``, ``data_seed``, ``n_eval_episodes`` …) never show
that data are shared, but may show that they, or the evaluations, are not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ired_diag import tasks

NOUN = (
    r"(?:data|datasets?|data_sets?|datamodule|data_module|corpus|corpora|tasks?|envs?|environments?|games?|gym"
    r"|benchmarks?|problems?)(?:_(?:kwargs|args|params|config|cfg))?"
)
PLACE = r"(?:names?|ids?|paths?|dirs?|root|files?|folder|url|config|config_name|version|target|class)"
DECLARED = "task."  # before a key that a run's own task says names the data
PART = r"(?:train|training|val|valid|validation|eval|evaluation|test)"
OF_DATA = re.compile(rf"(?:{PART}_)?{NOUN}(?:_{PLACE})?|data(?:dir|root|path|file)|{PART}_(?:files?|set)")
OF_SPLIT = re.compile(rf"(?:(?:{PART}|{NOUN})_)*splits?")
NO_NUMBER = re.compile(r"(?:env|task|game|gym)s?(?:_ids?)?")  # how many, or the place in a job array
OF_EVALUATION = frozenset(
    """
    validation_batches validation_batch_size evaluation_mode evaluation eval_batches eval_iters eval_seed
    data_seed dataset_seed split_seed fold val_fraction val_size val_split_ratio test_size test_fraction
    n_eval_episodes num_eval_episodes eval_episodes n_eval_samples num_eval_samples eval_samples
    num_test_samples
    """.split()
)
SAYS_NOTHING = frozenset(
    """
    none null nan na n/a auto default unknown custom data dataset datasets root train training val valid
    validation eval evaluation test testing main run . .. local dev prod production cluster conda
    classification regression segmentation detection classify detect segment pose generation translation
    image_classification text_generation text-generation causal_lm mlm language_modeling seq2seq rl
    """.split()
)


def stated_data(configuration: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what a configuration states of its data and evaluation, by key, as text.

    >>> stated_data({"data.name": "cifar10", "data_dir": "./data", "lr": 0.1, "rank": 0})
    {'data.name': 'cifar10'}
    """
    stated = {}
    configuration = configuration or {}
    for key, value in configuration.items():
        if names_data(key, configuration) or is_of_evaluation(key):
            text = _text(value, key)
            if text:
                stated[key] = text
    return stated


def declared_data(configuration: Mapping[str, Any] | None, paired_by: Sequence[str]) -> dict[str, str]:
    """Return what a configuration states under the keys that its task says name the data.

    >>> declared_data({"modes": 8, "lr": 0.1}, ("modes",))
    {'task.modes': '8'}
    """
    configuration = configuration or {}
    stated = [key for key in paired_by if key in configuration]
    return {f"{DECLARED}{key}": str(configuration[key]) for key in stated}


def plain_key(key: str) -> str:
    """Return a key of stated data as the configuration has it."""
    return key.removeprefix(DECLARED)


def names_data(key: str, configuration: Mapping[str, Any]) -> bool:
    """Say whether a key of a configuration names the data that runs share."""
    if key.startswith(DECLARED):
        return True
    default = tasks.load(tasks.DEFAULT).paired_by
    if key in default:
        return all(other in configuration for other in default)
    return _is_named_like_data(key)


@functools.lru_cache(maxsize=4096)  # every run of a study states the same keys
def _is_named_like_data(key: str) -> bool:
    parts = list(map(_as_words, key.split(".")))
    last, last_two = parts[-1], "_".join(parts[-2:])
    return bool(OF_DATA.fullmatch(last) or OF_DATA.fullmatch(last_two))


def is_of_evaluation(key: str) -> bool:
    """Say whether a key can show that data or evaluation differ, but not that they agree."""
    return _is_named_like_evaluation(key)


@functools.lru_cache(maxsize=4096)
def _is_named_like_evaluation(key: str) -> bool:
    words = _last_part(key)
    return words in OF_EVALUATION or bool(OF_SPLIT.fullmatch(words))


def _last_part(key: str) -> str:
    _, _, part = key.rpartition(".")
    return _as_words(part)


@functools.lru_cache(maxsize=4096)  # every run of a study states the same keys
def _as_words(part: str) -> str:
    """Return a part of a key in lower case: ``trainData`` and ``train-data`` as ``train_data``."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part).lower()
    return "_".join(re.findall(r"[a-z0-9]+", text))


def _text(value: object, key: str) -> str:
    """Return a value as text; empty where it names nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        # A switch names no data, unless the task says that it does.
        is_declared = key in tasks.load(tasks.DEFAULT).paired_by
        return str(value) if is_declared else ""
    if isinstance(value, int | float):
        is_count = NO_NUMBER.fullmatch(_last_part(key))
        return "" if is_count else str(value)
    text = str(value).strip().rstrip("/")
    *_, last = re.split(r"[/\\]", text)
    if last.lower() in SAYS_NOTHING:
        return ""
    return text

"""Keys of a JSON file that name the data of one model, and neither a model nor a seed.

    {"training": {"l2": […]}, "valid_1": {"l2": […]}}              LightGBM's ``evals_result_``
    {"validation_0": {"rmse": […]}, "validation_1": {"rmse": […]}}  XGBoost's ``evals_result()``
    {"learn": {"RMSE": […]}, "validation": {"RMSE": […]}}          CatBoost's ``get_evals_result()``

Evaluations may be numbered; training data may not: ``train_0`` and ``train_1`` are two trainings.

>>> [names_data(key) for key in ("train", "learn", "valid_1", "eval-0", "test2", "dtest", "Validation_0")]
[True, True, True, True, True, True, True]
>>> [names_data(key) for key in ("train_0", "seed_0", "cnn", "test_run", "validate")]
[False, False, False, False, False]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, TRAINING, measures_in, words_of

TRAINED_ON = frozenset((*TRAINING, "learn", "dtrain"))
OF_PROGRAMS = ("valid_sets", "eval_set", "dvalid", "deval", "dtest")
EVALUATED_ON = frozenset((*SPLITS, *TEST_SPLITS, *OF_PROGRAMS))
NUMBER = re.compile(r"[ _-]?\d{1,2}$")
NUMBERED_TEST = re.compile(r"test[ _-]?\d{1,2}$", re.IGNORECASE)
NUMBERED_BY_PROGRAMS = re.compile(r"valid(ation)?_\d{1,2}$")  # the default names of XGBoost and LightGBM


def names_data(key: str) -> bool:
    """Say whether a key is the name of a data set."""
    word = key.lower()
    return word in TRAINED_ON or NUMBER.sub("", word) in EVALUATED_ON


def data_sets_in(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the objects in an object that hold the measures of one model, by the name of their data.

    ``test_1`` and ``test_2`` alone may be two trials of somebody's, and are runs.
    """
    objects = {key: value for key, value in content.items() if isinstance(value, Mapping) and names_data(key)}
    if all(NUMBERED_TEST.match(key) for key in objects):
        return {}
    return objects


def is_history_by_data(content: Mapping[str, Any]) -> bool:
    """Say whether an object holds measures by the names that boosting programs give to their data."""
    for key, value in content.items():
        if not NUMBERED_BY_PROGRAMS.match(key) or not isinstance(value, Mapping):
            continue
        if any(measures_in(words_of(f"{key}/{name}")) for name in value):
            return True
    return False

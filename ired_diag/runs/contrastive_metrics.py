"""Which logged metric is the contrastive loss, and whether it is part of what a run minimises.

Logs hold it as it is (``train/nce``, ``loss_energy``, ``contrastive``) or times its weight (``E_wtd``), which
the configuration states. Whether the term is in use is said by the configuration (strategy, weight, other
losses) and by the log: a term that is 0 at every step is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run

SINGLE_WORDS = (("nce",), ("infonce",), ("contrastive",))
PLAIN = (*SINGLE_WORDS, ("loss", "energy"), ("energy", "loss"))
OF_WEIGHTED = frozenset(("wtd", "weighted"))
OF_THE_TERM = frozenset(("e", "energy", "nce", "contrastive"))
IGNORED = frozenset(("train", "training", "loss", "diag", "mean"))
STRATEGIES = ("mining_strategy", "negative_strategy", "negatives", "mining")
WEIGHTS = ("energy_loss_weight", "nce_weight", "contrastive_weight", "contrastive_loss_weight", "lambda_nce")
OTHER_LOSSES = ("use_cd_loss", "use_gradient_contrastive")
KINDS_OF_LOSS = ("contrastive_loss", "energy_loss", "loss_type", "contrastive_loss_type", "energy_loss_type")
NOT_NCE = frozenset("cd contrastivedivergence divergence hinge margin triplet score l1 l2 mse".split())
SWITCH = re.compile(r"(?:use|enable|with)_\w*(?:contrastive|nce)\w*")
OFF = ("none", "off", "no", "false", "")  # texts of a configuration

Configuration = Mapping[str, Any]


def contrastive_loss(run: Run) -> Series | None:
    """Return the contrastive loss of a run in nats, before its weight; None where it is not logged."""
    for name, series in run.history.series.items():
        words = own_words(name)
        if _is_plain(words) and not _is_weighted(words):
            return series
    weighted = _weighted_terms(run)
    weight = stated_weight(run.configuration or {})
    if not weighted or not weight:
        return None
    _, series = weighted[-1]
    return Series(series.steps, series.values / weight)


def is_contrasted(run: Run) -> bool | None:
    """Say whether a run minimises a contrastive loss of energies; None where that is unknown."""
    configuration = run.configuration or {}
    strategies = [configuration[key] for key in STRATEGIES if key in configuration]
    strategy = next(iter(strategies), None)
    if strategy is not None and is_off(strategy):
        return False
    if stated_weight(configuration) == 0:
        return False
    if is_another_loss(configuration):
        return False
    terms = _logged_terms(run)
    if not all(np.any(values) for values in terms):
        return False
    if terms or strategy is not None:
        return True
    return None


def states_a_term(configuration: Configuration) -> bool:
    """Say whether a configuration states a contrastive term next to the rest of the loss."""
    if stated_weight(configuration) is not None:
        return True
    return any(key in configuration for key in STRATEGIES)


def weighted_term(run: Run) -> tuple[str, Series] | None:
    """Return the name and values of the contrastive term times its weight, where it is logged."""
    weighted = _weighted_terms(run)
    return next(iter(weighted), None)


def off_switch(configuration: Configuration) -> str | None:
    """Return the key and value that switch the contrastive loss off by name; None where none does.

    >>> off_switch({"use_ired_contrastive_loss": False}), off_switch({"use_cd_loss": False})
    ('use_ired_contrastive_loss is False', None)
    """
    for key, value in configuration.items():
        if value is None or not is_off(value):
            continue
        *_, last = key.rpartition(".")
        if SWITCH.fullmatch(last):
            return f"{key} is {value}"
    if stated_weight(configuration) != 0:
        return None
    first, *_ = (key for key in WEIGHTS if key in configuration)
    return f"{first} is 0"


def stated_weight(configuration: Configuration) -> float | None:
    """Return the weight of the contrastive loss, where a configuration states it."""
    for key in WEIGHTS:
        weight = configuration.get(key)
        if isinstance(weight, int | float) and not isinstance(weight, bool):
            return float(weight)
    return None


def is_another_loss(configuration: Configuration) -> bool:
    """Say whether a configuration states another loss of energies than the contrastive one."""
    if any(configuration.get(key) for key in OTHER_LOSSES):
        return True
    for key in KINDS_OF_LOSS:
        kind = configuration.get(key)
        if isinstance(kind, str) and not NOT_NCE.isdisjoint(words_of(kind)):
            return True
    return False


def is_off(value: object) -> bool:
    """Say whether a setting switches something off."""
    if isinstance(value, str):
        return value.lower() in OFF
    return value is None or value is False


def own_words(name: str) -> tuple[str, ...]:
    """Return the words of a metric behind its prefix, and those of the prefix where it names another loss.

    >>> own_words("CD-DIAG/nce_loss"), own_words("cd/energy_loss")
    (('nce', 'loss'), ('cd', 'energy', 'loss'))
    """
    prefix, _, last = name.rpartition("/")
    prefix_words = words_of(prefix)
    is_of_diagnostics = prefix_words[:2] == ("cd", "diag")  # which the study's forks print for any loss
    if NOT_NCE.intersection(prefix_words) and not is_of_diagnostics:
        return words_of(name)
    return words_of(last)


def _logged_terms(run: Run) -> list[NDArray[np.float64]]:
    """Return the values of each logged contrastive term, weighted or not."""
    terms: list[NDArray[np.float64]] = []
    for name, series in run.history.series.items():
        words = own_words(name)
        if _is_plain(words) or _is_weighted(words):
            terms.append(series.values)
    return terms


def _weighted_terms(run: Run) -> list[tuple[str, Series]]:
    """Return the name and values of each logged contrastive term times its weight."""
    weighted = []
    for name, series in run.history.series.items():
        if _is_weighted(own_words(name)):
            weighted.append((name, series))
    return weighted


def _is_weighted(words: tuple[str, ...]) -> bool:
    if OF_WEIGHTED.isdisjoint(words):
        return False
    return not OF_THE_TERM.isdisjoint(words)


def _is_plain(words: tuple[str, ...]) -> bool:
    """Say whether a metric is the contrastive loss by itself, but for words that say where it was taken."""
    if NOT_NCE.intersection(words):
        return False
    if words in PLAIN or words[-2:] in PLAIN:
        return True
    informative = tuple(word for word in words if word not in IGNORED)
    return informative in SINGLE_WORDS

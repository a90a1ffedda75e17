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

PLAIN = (("nce",), ("infonce",), ("contrastive",), ("loss", "energy"), ("energy", "loss"))
OF_WEIGHTED = frozenset(("wtd", "weighted"))
OF_THE_TERM = frozenset(("e", "energy", "nce", "contrastive"))
IGNORED = frozenset(("train", "training", "loss", "diag", "mean"))
STRATEGIES = ("mining_strategy", "negative_strategy", "negatives", "mining")
WEIGHTS = ("energy_loss_weight", "nce_weight", "contrastive_weight", "contrastive_loss_weight", "lambda_nce")
OTHER_LOSSES = ("use_cd_loss", "use_gradient_contrastive")
KINDS_OF_LOSS = ("contrastive_loss", "energy_loss", "loss_type", "contrastive_loss_type", "energy_loss_type")
NOT_NCE = frozenset("cd contrastivedivergence divergence hinge margin triplet score l1 l2 mse".split())
SWITCH = re.compile(r"(?:use|enable|with)_\w*(?:contrastive|nce)\w*")
OFF = ("none", "off", "no", "false", "")

Configuration = Mapping[str, Any]


def contrastive_loss(run: Run) -> Series | None:
    """Return the contrastive loss of a run in nats, before its weight; None where no log tells it."""
    weighted: Series | None = None
    for name, series in run.history.series.items():
        words = own_words(name)
        if _is_weighted(words):
            weighted = series
        elif _is_plain(words):
            return series
    weight = stated_weight(run.configuration or {})
    return Series(weighted.steps, weighted.values / weight) if weighted is not None and weight else None


def is_contrasted(run: Run) -> bool | None:
    """Say whether a run minimises a contrastive loss of energies; None where nothing tells."""
    configuration = run.configuration or {}
    strategy = next((configuration[key] for key in STRATEGIES if key in configuration), None)
    logged = _logged_terms(run)
    if (strategy is not None and is_off(strategy)) or stated_weight(configuration) == 0:
        return False
    if is_another_loss(configuration) or any(not np.any(values) for values in logged):
        return False
    return True if logged or strategy is not None else None


def states_a_term(configuration: Configuration) -> bool:
    """Say whether a configuration states a contrastive term next to the rest of the loss."""
    return stated_weight(configuration) is not None or any(key in configuration for key in STRATEGIES)


def weighted_term(run: Run) -> tuple[str, Series] | None:
    """Return the name and values of the contrastive term times its weight, where a log tells it."""
    for name, series in run.history.series.items():
        if _is_weighted(own_words(name)):
            return name, series
    return None


def off_switch(configuration: Configuration) -> str | None:
    """Return the key and value that switch the contrastive loss off by name; None where none does.

    >>> off_switch({"use_ired_contrastive_loss": False}), off_switch({"use_cd_loss": False})
    ('use_ired_contrastive_loss is False', None)
    """
    for key, value in configuration.items():
        if SWITCH.fullmatch(key.rpartition(".")[2]) and value is not None and is_off(value):
            return f"{key} is {value}"
    weights = (key for key in WEIGHTS if key in configuration)
    return next((f"{key} is 0" for key in weights if stated_weight(configuration) == 0), None)


def stated_weight(configuration: Configuration) -> float | None:
    """Return the weight of the contrastive loss, where a configuration states it."""
    values = (configuration.get(key) for key in WEIGHTS)
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return numbers[0] if numbers else None


def is_another_loss(configuration: Configuration) -> bool:
    """Say whether a configuration states another loss of energies than the contrastive one."""
    if any(configuration.get(key) for key in OTHER_LOSSES):
        return True
    kinds = (configuration.get(key) for key in KINDS_OF_LOSS)
    return any(isinstance(kind, str) and NOT_NCE.intersection(words_of(kind)) for kind in kinds)


def is_off(value: object) -> bool:
    """Say whether a setting switches something off."""
    return value is None or value is False or (isinstance(value, str) and value.lower() in OFF)


def own_words(name: str) -> tuple[str, ...]:
    """Return the words of a metric behind its prefix, and those of the prefix where it names another loss.

    >>> own_words("CD-DIAG/nce_loss"), own_words("cd/energy_loss")
    (('nce', 'loss'), ('cd', 'energy', 'loss'))
    """
    prefix, _, last = name.rpartition("/")
    is_of_diagnostics = words_of(prefix)[:2] == ("cd", "diag")  # as IRED's forks print them, for any loss
    if NOT_NCE.intersection(words_of(prefix)) and not is_of_diagnostics:
        return words_of(name)
    return words_of(last)


def _logged_terms(run: Run) -> list[NDArray[np.float64]]:
    """Return the values of each logged contrastive term, weighted or not."""
    names = [(name, own_words(name)) for name in run.history.series]
    terms = [name for name, words in names if _is_plain(words) or _is_weighted(words)]
    return [run.history.series[name].values for name in terms]


def _is_weighted(words: tuple[str, ...]) -> bool:
    return bool(OF_WEIGHTED.intersection(words) and OF_THE_TERM.intersection(words))


def _is_plain(words: tuple[str, ...]) -> bool:
    """Say whether a metric is the contrastive loss by itself, but for words that say where it was taken."""
    if NOT_NCE.intersection(words):
        return False
    return words in PLAIN or tuple(w for w in words if w not in IGNORED) in PLAIN[:3] or words[-2:] in PLAIN

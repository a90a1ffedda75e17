"""Which logged metric a configuration says to watch: the one by which it keeps the best model, or stops.

Configurations name it under many keys: Lightning's and Keras' ``monitor``, Hugging Face's
``metric_for_best_model``, ``checkpoint_metric``, ``early_stopping_metric``, ``metric: {name: …}`` of a sweep;
at the top, in nested parts, or in a list of callbacks. A key counts where it holds the word ``metric`` or
``monitor`` and otherwise only words of ``QUALIFIERS``, and its value counts only where the run logs such a
metric.

The metric that selects the best model comes before the one that only stops training, because the selected
model is the result. What a scheduler of the learning rate watches selects nothing, and does not count. Where
several different metrics have the same role, the configuration does not say which decides.

The name may lack the data set, or name it otherwise: ``accuracy`` means ``eval_accuracy`` (Hugging Face adds
the prefix itself), ``val_loss`` means ``validation/loss``. The name as it stands comes first. The exception
is a name that, as it stands, is a training metric next to an evaluation of the same measure: it means the
evaluation, unless the key is ``monitor``, whose frameworks take the name literally.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ired_diag.runs.evaluation_metric import evaluation_metric, is_of_training
from ired_diag.runs.metric_words import SPLITS, words_of

DEEPEST = 6  # levels of a configuration
PLAIN = (str, int, float, type(None))
NAMING = frozenset({"metric", "monitor"})
QUALIFIERS = frozenset(
    """
    best better ckpt checkpoint early es eval evaluation for key load main model monitored name objective
    optimized primary save saving select selection stop stopper stopping target to track tracked val valid
    validation watch watched
    """.split()
)
EARLY = re.compile(r"early|stop|patience|(?:^|[^a-z])es(?:[^a-z]|$)", re.IGNORECASE)
SCHEDULER = re.compile(r"sched|plateau|(?:^|[^a-z])lr(?:[^a-z]|$)", re.IGNORECASE)
CLASS_KEYS = ("class_path", "_target_", "class", "type")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
WITH_DETAIL = "epoch"  # Lightning logs val_loss as val_loss_epoch


@dataclass(frozen=True)
class Part:
    """A mapping within a configuration, and where it stands: ``callbacks/early_stopping``."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Watched:
    """A name that a configuration gives to the metric to watch.

    Attributes:
        name: As the configuration has it; the run may log it under another one.
        only_stops: Whether it only stops training, and selects no model.
        is_literal: Whether the framework takes the name as it stands.
    """

    name: str
    only_stops: bool
    is_literal: bool


def configured_metric(
    configuration: Mapping[str, Any] | None,
    names: Collection[str],
) -> str | None:
    """Return the logged metric that a configuration says to watch; None where it names none, or several.

    Args:
        configuration: Of the run.
        names: Of the logged metrics; a mapping to their values says how often each was logged.

    >>> configured_metric({"monitor": "val_acc"}, ["val_loss", "val_acc"])
    'val_acc'
    >>> configured_metric({"args": {"metric_for_best_model": "loss"}}, ["loss", "eval_loss", "eval_f1"])
    'eval_loss'
    >>> configured_metric({"metric": "cosine"}, ["val_loss"])
    """
    if not configuration or not names:
        return None
    watched = list(watched_metrics(configuration))
    for only_stops in (False, True):
        logged: set[str] = set()
        for entry in watched:
            if entry.only_stops is only_stops:
                logged.add(_logged_as(entry, names) or "")
        logged.discard("")
        if logged:
            return logged.pop() if len(logged) == 1 else None
    return None


def watched_metrics(configuration: Mapping[str, Any]) -> Iterator[Watched]:
    """Yield every name that a configuration gives to a metric to watch."""
    for part in parts_of(configuration):
        for key, name in named_in(part.values).items():
            where = f"{part.where}/{key}"
            if not SCHEDULER.search(where):
                yield Watched(
                    name,
                    only_stops=EARLY.search(where) is not None,
                    is_literal="monitor" in _words_of_key(key),
                )


def named_in(part: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of metrics in one part of a configuration, by their keys."""
    names: dict[str, str] = {}
    for key, value in part.items():
        if isinstance(value, str) and value and _names_metric(key):
            names[key] = value
    return names


def parts_of(
    configuration: Mapping[str, Any],
    where: str = "",
    levels: int = DEEPEST,
) -> Iterator[Part]:
    """Yield a configuration and the mappings within it; keys with a path (``trainer/mode``) by their path."""
    classes = [str(configuration[key]) for key in CLASS_KEYS if key in configuration]
    place = "/".join([where, *classes])
    by_path: dict[str, dict[str, Any]] = {}
    for key, value in configuration.items():
        path, _, last = str(key).replace(".", "/").rpartition("/")
        by_path.setdefault(path, {})[last] = value
    for path, values in by_path.items():
        yield Part(f"{place}/{path}", _unfolded(values))
    if levels <= 1:
        return
    for key, value in configuration.items():
        if isinstance(value, PLAIN):  # most are, and it is quickly seen
            continue
        for mapping in _mappings_in(value):
            yield from parts_of(mapping, f"{place}/{key}", levels - 1)


def _mappings_in(value: object) -> list[Mapping[str, Any]]:
    """Return a value that is a mapping, or the mappings in a list."""
    values = value if isinstance(value, list) else [value]
    return [inner for inner in values if isinstance(inner, Mapping)]


def means(name: str, metric: str) -> bool:
    """Say whether a configuration's name means a metric, as it stands or but for the data set.

    >>> means("accuracy", "eval_accuracy"), means("val_loss", "validation/loss"), means("acc", "train_acc")
    (True, True, False)
    """
    if words_of(name) == words_of(metric):
        return True
    return _measure_of(name) == _measure_of(metric)


def _unfolded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with a sweep's ``metric: {name: …, goal: …}`` as a metric and its mode."""
    unfolded = dict(values)
    metric = values.get("metric")
    if not isinstance(metric, Mapping) or not isinstance(metric.get("name"), str):
        return unfolded
    unfolded["metric"] = metric["name"]
    mode = metric.get("goal", metric.get("mode"))
    if mode is not None:
        unfolded["metric_mode"] = mode
    return unfolded


@lru_cache(maxsize=8192)
def _words_of_key(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in WORD.findall(key))


def _names_metric(key: str) -> bool:
    words = _words_of_key(str(key))
    return bool(NAMING.intersection(words)) and (NAMING | QUALIFIERS).issuperset(words)


@lru_cache(maxsize=8192)
def _measure_of(name: str) -> tuple[str, ...]:
    """Return the words of a name without the data set in front or behind; a training metric keeps its own."""
    words = words_of(name)
    if len(words) > 1 and words[-1] == WITH_DETAIL:
        words = words[:-1]
    if len(words) < 2:
        return words
    if words[0] in SPLITS:
        return words[1:]
    if words[-1] in SPLITS:
        return words[:-1]
    return words


def _logged_as(watched: Watched, names: Collection[str]) -> str | None:
    """Return the logged metric that a name means: the one called so, else an evaluation of that measure."""
    exact = _exact(watched.name, names)
    if exact and (watched.is_literal or not is_of_training(exact, names)):
        return exact
    alike = [name for name in names if means(watched.name, name)]
    evaluations = [name for name in alike if not is_of_training(name, names)]
    if not evaluations:
        return exact
    counted: Collection[str] = evaluations
    if isinstance(names, Mapping):
        counted = {name: names[name] for name in evaluations}
    return evaluation_metric(counted) or min(evaluations)


def _exact(name: str, names: Collection[str]) -> str | None:
    if name in names:
        return name
    same_words = [other for other in names if words_of(other) == words_of(name)]
    return min(same_words, default=None)

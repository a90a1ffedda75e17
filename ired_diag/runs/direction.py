"""Is a lower or a higher value of a metric better?

In this order: what the user says; what the configuration says of this metric; what the name says; else lower
is assumed, and every command says so.

A name says it by its words (``metric_words``). A word of error turns a measure of success (``acc_loss``,
``reward_error``), and so does a negation in front of either (``neg_log_likelihood``, ``1-acc``). The loss of
a discriminator or of a domain classifier improves in no direction (``adversarial_metrics``).

A configuration says it as ``higher_is_better`` or Hugging Face's ``greater_is_better``, or as ``mode`` or
``metric_mode`` (``max``, ``min``) as Lightning and Ray have it. Next to a metric's name
(``configured_metric``: ``metric_for_best_model``, ``monitor``, ``metric``) it is about that metric alone.
Without a name it counts only where the metric's own name says nothing, and a bare ``mode``, which may be the
mode of anything, never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ired_diag.runs.adversarial_metrics import is_adversarial
from ired_diag.runs.configured_metric import means, named_in, parts_of
from ired_diag.runs.metric_words import LOWER, NEGATED, measures_in, words_of

Source = Literal["option", "configuration", "log", "name", "assumed"]

FLAG_KEYS = ("higher_is_better", "greater_is_better")
MODE_KEYS = ("metric_mode", "monitor_mode", "checkpoint_mode", "early_stopping_mode", "mode")
MODES = {"max": False, "maximize": False, "min": True, "minimize": True}  # whether lower is better
REASONS: dict[Source, str] = {
    "option": "as set by the user",
    "configuration": "set in the configuration",
    "log": "as other values in the log show",
    "name": "by its name",
    "assumed": "assumed because its name does not say; --higher-is-better or --lower-is-better sets it",
}


@dataclass(frozen=True)
class Direction:
    """In which direction a metric improves, and who says so.

    Attributes:
        lower_is_better: Whether the smaller value is the better one.
        source: The user's option, the configuration, the log's own best values, the metric's name, or an
            assumption.
    """

    lower_is_better: bool
    source: Source

    @property
    def in_brief(self) -> str:
        """The direction alone in words: ``higher is better``."""
        return "lower is better" if self.lower_is_better else "higher is better"

    @property
    def words(self) -> str:
        """The same with the reason: ``higher is better, by its name``."""
        return f"{self.in_brief}, {REASONS[self.source]}"


def direction_of(
    metric: str,
    *,
    higher_is_better: bool | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> Direction:
    """Return the direction of a metric.

    Args:
        metric: Its name.
        higher_is_better: What the user says; None where the user does not say it.
        configuration: Of the run.

    >>> direction_of("val_acc").words
    'higher is better, by its name'
    >>> direction_of("foo", configuration={"monitor": "foo", "mode": "max"}).words
    'higher is better, set in the configuration'
    """
    if higher_is_better is not None:
        return Direction(not higher_is_better, "option")
    by_name = lower_by_name(metric)
    stated = lower_by_configuration(metric, configuration or {}, name_is_known=by_name is not None)
    if stated is not None:
        return Direction(stated, "configuration")
    if by_name is not None:
        return Direction(by_name, "name")
    return Direction(True, "assumed")


def lower_by_name(metric: str) -> bool | None:
    """Return whether lower is better by a metric's name; None where the name does not say.

    >>> [lower_by_name(name) for name in ("val_acc", "acc_loss", "log_likelihood", "neg_reward", "gap")]
    [False, True, False, True, None]
    """
    words = words_of(metric)
    measures = measures_in(words)
    if not measures or is_adversarial(metric):
        return None
    lower = any(measure in LOWER for measure in measures)
    front = words[: words.index(measures[0])]
    if not NEGATED.intersection(front) and "complement" not in front:
        return lower
    if measures == ["loss"]:  # a negated loss, or the loss of the negatives of a contrastive one
        return None
    return not lower


def lower_by_configuration(
    metric: str, configuration: Mapping[str, Any], *, name_is_known: bool
) -> bool | None:
    """Return whether lower is better by a configuration; None where it does not say, or says both.

    Args:
        metric: The metric's name.
        configuration: Of the run.
        name_is_known: Whether the metric's name says its direction.
    """
    named: set[bool] = set()
    unnamed: set[bool] = set()
    for part in parts_of(configuration):
        names = named_in(part.values).values()
        if any(means(name, metric) for name in names):
            named |= _stated(part.values, (*FLAG_KEYS, *MODE_KEYS))
        elif not names:
            unnamed |= _stated(part.values, (*FLAG_KEYS, MODE_KEYS[0]))
    if named:
        return named.pop() if len(named) == 1 else None
    return unnamed.pop() if len(unnamed) == 1 and not name_is_known else None


def _stated(part: Mapping[str, Any], keys: tuple[str, ...]) -> set[bool]:
    """Return what the keys of a part say: whether lower is better."""
    stated: set[bool] = set()
    for key in keys:
        value = part.get(key)
        mode = str(value).lower()
        if key in FLAG_KEYS and isinstance(value, bool):
            stated.add(not value)
        elif key in MODE_KEYS and mode in MODES:
            stated.add(MODES[mode])
    return stated

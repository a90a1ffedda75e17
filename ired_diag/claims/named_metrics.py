"""Which logged metric does a report speak of: "CER", "final Dice", "test top-1"?

    1. the metric of exactly these words, in whichever spelling ("val cer" is ``val_cer``);
    2. else the one that has all of these words, and the fewest besides that name no data set: "CER" is
       ``val_cer``, also next to ``debug/cer_blank``.

Where two have as many (``val_acc`` and ``test_acc``), neither is certain. A metric of the training data is
meant only where the words say so; so is a bare name next to its twin of the validation data (Keras logs
``dice`` and ``val_dice``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ired_diag.claims.metrics import UNCLEAR, rank_of, telling_words
from ired_diag.claims.other_data import SPLIT, split_of
from ired_diag.runs.metric_words import ALL_MEASURES, NO_MEASURE, TRAINING

NO_PART = frozenset("score coefficient nats db points ep eps episode episodic".split())
VALIDATION = "val"
PLAIN_MEASURES = frozenset({"error", "loss", "score"})  # which a head may leave out: "mel L1"
DATA_SETS = frozenset({VALIDATION, "test", "ood"})


@dataclass(frozen=True)
class NamedMetric:
    """The logged metrics that words may name.

    Attributes:
        candidates: One where the words are certain; several where they are not; none where nothing is logged.
        twins: The same metrics of the training data, which words without a data set may mean as well.
    """

    candidates: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The logged metric; empty where it is not certain."""
        if len(self.candidates) != 1:
            return ""
        return self.candidates[0]


def named_metric(words: str, logged: Sequence[str], context: Iterable[str] = ()) -> NamedMetric:
    """Return which of the logged metrics the words of a head, caption or sentence name.

    Args:
        words: Of the metric, without those of statistics.
        logged: The names of the logged metrics.
        context: Texts around it, the nearest first: the first that names a data set decides between metrics.
    """
    spoken = _words(words)
    if words == UNCLEAR or spoken & NO_MEASURE:
        return NamedMetric()
    if not spoken & ALL_MEASURES:
        return _without_measure(spoken, logged)
    same_rank = [name for name in logged if rank_of(name) == rank_of(words)]
    holding = [name for name in same_rank if spoken <= _words(name)]
    twins = [name for name in holding if _is_of_training(name, logged)]
    if not spoken & set(TRAINING):
        holding = [name for name in holding if name not in twins]
    exact = [name for name in holding if spoken == _words(name)]
    candidates = exact or _plainest(holding, spoken)
    if len(candidates) > 1:
        candidates = _of_data_set(candidates, context) or candidates
    return NamedMetric(candidates=tuple(candidates), twins=tuple(twins))


def _without_measure(spoken: set[str], logged: Sequence[str]) -> NamedMetric:
    """Return the metric of words that measure nothing known: of a whole name, or of a data set alone."""
    # Columns "Valid" and "Test" are of the one metric that is logged of these data.
    if len(spoken) == 1 and spoken <= DATA_SETS:
        of_data = [name for name in logged if spoken <= _words(name) and _words(name) & ALL_MEASURES]
        return NamedMetric(candidates=tuple(of_data))
    whole = [name for name in logged if spoken == _words(name) and spoken & DATA_SETS and len(spoken) > 1]
    bare = [name for name in logged if spoken == _words(name) - DATA_SETS]
    if whole or bare or not spoken:
        return NamedMetric(candidates=tuple(whole or bare))
    measured = [name for name in logged if spoken == _words(name) - DATA_SETS - PLAIN_MEASURES]
    return NamedMetric(candidates=tuple(measured))


def _words(name: str) -> set[str]:
    """Return the words that tell a metric from others; "Dice score" is "Dice"."""
    words = telling_words(name)
    return words - NO_PART or words


def _plainest(names: Sequence[str], spoken: set[str]) -> list[str]:
    """Return the names with the fewest words that are neither spoken nor those of a data set."""
    besides = {name: len(_words(name) - spoken - DATA_SETS) for name in names}
    return [name for name in names if besides[name] == min(besides.values())]


def _is_of_training(name: str, logged: Sequence[str]) -> bool:
    """Say whether a metric is of the training data: by its name, or next to a twin of validation data."""
    words = _words(name)
    if words & set(TRAINING):
        return True
    if split_of(name):
        return False
    return any(other != name and _words(other) == words | {VALIDATION} for other in logged)


def _of_data_set(candidates: Sequence[str], context: Iterable[str]) -> list[str]:
    """Return the metrics of the one data set that the nearest text with a data set names."""
    for text in context:
        splits = {hit.lastgroup for hit in SPLIT.finditer(text.replace("_", " "))}
        if splits:
            return [name for name in candidates if splits == {split_of(name)}]
    return []

"""Which logged metric says how good a model is. It is chosen by name, by the one function here.

Logs name it as they like: ``validation/mse``, ``val_loss`` (Lightning), ``eval_accuracy`` (Hugging Face),
``rollout/ep_rew_mean`` (stable-baselines). By the words of its name (``metric_words``) a metric is

    0  an evaluation of a known measure          val_loss, test/acc, eval/mean_reward
    1  an evaluation whose name has no data set  accuracy next to train_loss; the return of episodes; FID
    2  an evaluation of an unknown measure       val_zork
    3  a measure of training                     train_loss, loss, accuracy

and the first kind that is logged decides. Within a kind, whole measures come before parts (``val_kl_loss``),
validation sets before test sets before other distributions, and losses before accuracies. An evaluation that
was logged once, at the end, comes after those that were logged along the way. ``validation/mse`` comes first.
What is never a measure of quality (a learning rate, a time, a norm, a spread, the loss of a discriminator or
of a domain classifier: ``adversarial_metrics``) is never chosen. A log of a single other metric is judged by
that one, whatever its name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sized
from functools import lru_cache
from typing import NamedTuple

from ired_diag.runs.adversarial_metrics import is_adversarial
from ired_diag.runs.metric_words import (
    DETAILS,
    EPISODES,
    EXTREMES,
    LOSSES,
    MEASURES,
    OF_SAMPLES,
    PLAYED,
    SPLITS,
    TEST_SPLITS,
    TRAINING,
    measures_in,
    words_of,
)

USUAL = "validation/mse"
# Words of what is logged along with a measure and says nothing about quality.
NEVER = frozenset(
    """
    batch batches count cpu date diag duration e elapsed epoch epochs eta flops gb gpu grad gradient id iter
    iteration iterations kimg learning len length lr max mb mem memory min n norm num param params per runtime
    sample samples scale sec second seconds seed size speed std stderr step steps temp temperature throughput
    time timestamp token tokens weight weights worker workers
    """.split()
)
OF_TRAINING = 3  # kind of a measure


class Rank(NamedTuple):
    """How telling a metric is, the least the most."""

    kind: int
    is_part: bool
    is_extreme: bool
    is_test: int
    is_no_loss: bool
    split: int
    measure: int
    words: int


def evaluation_metric(names: Collection[str]) -> str | None:
    """Return the metric, among those logged, that says how good a model is; None where none does.

    Args:
        names: Of the metrics; a mapping of them to their values says how often each was logged.

    >>> evaluation_metric(["loss", "eval_loss", "eval_accuracy", "learning_rate"])
    'eval_loss'
    >>> evaluation_metric(["train_loss", "val_acc"])
    'val_acc'
    >>> evaluation_metric(["train/loss", "grad_norm"])
    'train/loss'
    """
    if USUAL in names:
        return USUAL
    ranked = _ranked(names)
    if not ranked:
        return _only_other(names)
    return min(ranked, key=lambda name: (ranked[name].kind, _is_single(name, names), ranked[name], name))


def _only_other(names: Collection[str]) -> str | None:
    """Return the metric of a log that holds only one, but for what says nothing about quality."""
    plain = [name for name in names if _is_word(name) and not is_adversarial(name)]
    others = [name for name in plain if not NEVER.intersection(words_of(name))]
    is_only = len(others) == 1 and not any("diag" in words_of(name) for name in names)
    return others[0] if is_only else None


def _is_word(name: str) -> bool:
    return any(word.isalpha() for word in words_of(name))


def other_evaluation_sets(metric: str, names: Collection[str]) -> list[str]:
    """Return the evaluations that measure the same as a metric on other data.

    >>> other_evaluation_sets("eval_valid_loss", ["loss", "eval_valid_loss", "eval_ood_loss", "eval_ood_acc"])
    ['eval_ood_loss']
    """
    ranked = _ranked(names)
    if metric not in ranked or ranked[metric].kind > 1:
        return []
    same = measures_in(words_of(metric))
    sets = {name for name, rank in ranked.items() if rank.kind == 0 and measures_in(words_of(name)) == same}
    own = _set_of(metric)
    return sorted(name for name in sets if name != metric and _set_of(name) != own)


def training_metric(metric: str, names: Collection[str]) -> str | None:
    """Return the metric of training that measures what an evaluation does; None where none is logged.

    >>> training_metric("validation/mse", ["train/loss", "train/mse_error"])
    'train/mse_error'
    >>> training_metric("eval_loss", ["loss", "grad_norm"])
    'loss'
    """
    measure = next((word for word in reversed(words_of(metric)) if word in MEASURES), None)
    same = [[measure], [measure, "error"]]
    twins = [name for name in names if name != metric and _without_training(name) in same]
    if measure is None or not twins:
        return None
    return min(twins, key=lambda name: (len(words_of(name)), name))


def is_of_training(metric: str, names: Collection[str]) -> bool:
    """Say whether a metric is measured on the training batches, and not by an evaluation.

    >>> is_of_training("loss", ["loss", "grad_norm"]), is_of_training("val_loss", ["loss", "val_loss"])
    (True, False)
    """
    rank = _ranked(names).get(metric)
    return rank is not None and rank.kind == OF_TRAINING


def _without_training(name: str) -> list[str]:
    """Return the words of a name but for training, and for the details at its end."""
    words = [word for word in words_of(name) if word not in TRAINING]
    while len(words) > 1 and words[-1] in DETAILS:
        words.pop()
    return words


def _ranked(names: Collection[str]) -> dict[str, Rank]:
    labelled = any(_is_labelled_training(name) for name in names)
    ranks = {name: _rank(name, labelled) for name in names}
    return {name: rank for name, rank in ranks.items() if rank is not None}


def _is_single(name: str, names: Collection[str]) -> bool:
    """Say whether a metric was logged once only."""
    values = names[name] if isinstance(names, Mapping) else None
    return isinstance(values, Sized) and len(values) < 2


@lru_cache(maxsize=8192)
def _is_labelled_training(name: str) -> bool:
    words = words_of(name)
    return bool(measures_in(words)) and any(word in TRAINING for word in words)


@lru_cache(maxsize=8192)
def _rank(name: str, labelled: bool) -> Rank | None:
    """Return how telling a metric is; None where it measures no quality.

    Args:
        name: Of the metric.
        labelled: Whether the log's names say of training metrics that they are such.
    """
    words = words_of(name)
    measures = measures_in(words)
    if is_adversarial(name):
        return None
    if not measures:
        return _rank_of_unknown(words)
    measure = min(measures, key=MEASURES.index)
    split = _split_of(words, measures[-1])
    others = [word for word in words if not _is_expected(word)]
    if split == "metrics" and measure == "loss":
        split = ""
    is_evaluation = split in (*SPLITS, *TEST_SPLITS)
    if not is_evaluation:
        others += [word for word in words if len(word) == 1 and word.isalpha() and word not in MEASURES]
        others = [] if measure in PLAYED and EPISODES.issuperset(others) else others
    if (others or (split in TRAINING and len(measures) > 1)) and not is_evaluation:
        return None  # one part of a loss, or a measure of something else
    if is_evaluation:
        kind = 0
    elif measure in PLAYED or (split not in TRAINING and measure in OF_SAMPLES):
        kind = 1
    else:
        kind = 1 if labelled and measure != "loss" and split not in TRAINING else OF_TRAINING
    return Rank(
        kind,
        bool(others) and kind == 0,
        bool(EXTREMES.intersection(words)),
        max((TEST_SPLITS.index(word) + 1 for word in words if word in TEST_SPLITS), default=0),
        measure not in LOSSES,
        SPLITS.index(split) if split in SPLITS else len(SPLITS) + (split in TRAINING),
        MEASURES.index(measure),
        len(words),
    )


def _rank_of_unknown(words: tuple[str, ...]) -> Rank | None:
    """Return the rank of a metric of an unknown measure: it counts where its name says that it evaluates."""
    splits = [word for word in words if word in SPLITS]
    if not splits or NEVER.intersection(words) or any(word in TRAINING for word in words):
        return None
    is_extreme = bool(EXTREMES.intersection(words))
    return Rank(2, False, is_extreme, 0, True, SPLITS.index(splits[0]), len(MEASURES), len(words))


def _split_of(words: tuple[str, ...], measure: str) -> str:
    """Return the word that says on which data: the most telling one, unless training stands nearest."""
    place = words.index(measure)
    before = [word for word in words[:place] if word in (*SPLITS, *TEST_SPLITS, *TRAINING)]
    every = [word for word in words if word in (*SPLITS, *TEST_SPLITS, *TRAINING)]
    if (before or every) and (before or every)[-1] in TRAINING:
        return TRAINING[0]
    order = (*SPLITS, *TEST_SPLITS)
    return min((word for word in every if word not in TRAINING), key=order.index, default="")


def _is_expected(word: str) -> bool:
    """Say whether a word leaves a measure whole: it names measure, data, or over what was averaged."""
    known = word in MEASURES or word in DETAILS or word in (*SPLITS, *TEST_SPLITS, *TRAINING)
    return known or len(word) == 1 or word.isdigit() or word in ("neg", "negative", "minus", "complement")


def _set_of(name: str) -> frozenset[str]:
    """Return the words of a name that tell data sets apart; a number after a measure (top-5) is none."""
    words = words_of(name)
    told = [
        word
        for before, word in zip(("", *words), words, strict=False)
        if not (word.isdigit() and before in MEASURES)
    ]
    return frozenset(word for word in told if word not in DETAILS and word not in MEASURES)

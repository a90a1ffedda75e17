"""Which logged metric says how good a model is. It is chosen by name, by the one function here.

Logs name it as they like: ``validation/mse``, ``val_loss`` (Lightning), ``eval_accuracy`` (Hugging Face),
``rollout/ep_rew_mean`` (stable-baselines). By the words of its name (``metric_words``) a metric is

    0  an evaluation of a known measure          val_loss, test/acc, eval/mean_reward
    1  an evaluation whose name has no data set  accuracy next to train_loss; the return of episodes; FID;
                                                 those of detectors logged more rarely than the loss
    2  an evaluation of an unknown measure       val_zork
    3  a measure of training                     train_loss, loss, accuracy

and the first kind that is logged decides. Within a kind, whole measures come before parts (``val_kl_loss``),
validation sets before test sets before other distributions, and losses before accuracies. An evaluation that
was logged once, at the end, comes after those that were logged along the way. Of sets that XGBoost numbers
(``validation_0/rmse``) the last one decides, as in its early stopping. ``validation/mse`` comes first.
What is never a measure of quality (a learning rate, a time, a norm, a spread, the loss of a discriminator or
of a domain classifier: ``adversarial_metrics``) is never chosen. A log of a single other metric is judged by
that one, whatever its name.
"""

from __future__ import annotations

import re
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
SET_OF_XGBOOST = re.compile(r"validation_(\d{1,2})[/-]")
# Words of what is logged along with a measure and says nothing about quality.
NEVER = frozenset(
    """
    batch batches count cpu date diag duration e elapsed epoch epochs eta flops gb gpu grad gradient id iter
    iteration iterations kimg learning len length lr max mb mem memory min n norm num param params per runtime
    sample samples scale sec second seconds seed size speed std stderr step steps temp temperature throughput
    time timestamp token tokens weight weights worker workers
    """.split()
)
# The kinds of the list above.
KNOWN_EVALUATION, UNNAMED_EVALUATION, UNKNOWN_EVALUATION, OF_TRAINING = range(4)
TRAINING_WORDS = frozenset(TRAINING)
DATA = frozenset((*SPLITS, *TEST_SPLITS, *TRAINING))
OF_DETECTORS = ("map", "ap", "miou", "iou")
OF_MMENGINE = re.compile(r"accuracy/top-?\d")
RARE = 3  # times as often as such a measure, the loss is logged
NEGATION = ("neg", "negative", "minus", "complement")


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

    def informativeness(name: str) -> tuple[int, bool, Rank, int, str]:
        rank = ranked[name]
        return rank.kind, _is_single(name, names), rank, -_number_of_set(name), name

    return min(ranked, key=informativeness)


def _number_of_set(name: str) -> int:
    """Return the number of a set that XGBoost named by its place (``validation_1/rmse``), else 0.

    The last one decides in XGBoost's early stopping; the first one is often the training data.
    """
    match = SET_OF_XGBOOST.match(name)
    return int(match[1]) if match else 0


def _only_other(names: Collection[str]) -> str | None:
    """Return the metric of a log that holds only one, but for what says nothing about quality."""
    others: list[str] = []
    for name in names:
        words = words_of(name)
        if "diag" in words:
            return None
        is_word = any(map(str.isalpha, words))
        if is_word and NEVER.isdisjoint(words) and not is_adversarial(name):
            others.append(name)
    return others[0] if len(others) == 1 else None


def other_evaluation_sets(metric: str, names: Collection[str]) -> list[str]:
    """Return the evaluations that measure the same as a metric on other data.

    >>> other_evaluation_sets("eval_valid_loss", ["loss", "eval_valid_loss", "eval_ood_loss", "eval_ood_acc"])
    ['eval_ood_loss']
    """
    ranked = _ranked(names)
    if metric not in ranked or ranked[metric].kind > UNNAMED_EVALUATION:
        return []
    measures = measures_in(words_of(metric))
    own_data = _data_of(metric)
    others: list[str] = []
    for name, rank in ranked.items():
        measures_the_same = rank.kind == KNOWN_EVALUATION and measures_in(words_of(name)) == measures
        if measures_the_same and name != metric and _data_of(name) != own_data:
            others.append(name)
    return sorted(others)


def training_metric(metric: str, names: Collection[str]) -> str | None:
    """Return the metric of training that measures what an evaluation does; None where none is logged.

    >>> training_metric("validation/mse", ["train/loss", "train/mse_error"])
    'train/mse_error'
    >>> training_metric("eval_loss", ["loss", "grad_norm"])
    'loss'
    """
    measures = [word for word in words_of(metric) if word in MEASURES]
    if not measures:
        return None
    alike = ([measures[-1]], [measures[-1], "error"])
    twins = [name for name in names if name != metric and _without_training(name) in alike]
    return min(twins, key=_length_and_name, default=None)


def _length_and_name(name: str) -> tuple[int, str]:
    return len(words_of(name)), name


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
    is_labelled = any(map(_is_labelled_training, names))
    ranks: dict[str, Rank] = {}
    for name in names:
        rank = _rank(name, is_labelled)
        if rank is not None:
            ranks[name] = rank
    return ranks | _ranks_of_rare(names, ranks)


def _ranks_of_rare(names: Collection[str], ranks: Mapping[str, Rank]) -> dict[str, Rank]:
    """Return the ranks of a detector's or a classifier's evaluation that names no data.

    MMEngine's ``coco/bbox_mAP`` and ``accuracy/top1`` are measured after an epoch, ``loss`` every few steps.
    An accuracy of any other name may be one of training that is logged now and then.
    """
    if not isinstance(names, Mapping):
        return {}
    most = max((_count(names, name) for name in names if words_of(name)[-1:] == ("loss",)), default=0)
    rare: dict[str, Rank] = {}
    for name in names:
        is_known = name in ranks and ranks[name].kind != OF_TRAINING
        if is_known or not 0 < RARE * _count(names, name) <= most:
            continue
        words = words_of(name)
        measures = [measure for measure in measures_in(words) if measure in OF_DETECTORS]
        if OF_MMENGINE.match(name):
            measures = ["accuracy"]
        if not measures or not TRAINING_WORDS.isdisjoint(words) or is_adversarial(name):
            continue
        rare[name] = Rank(
            kind=UNNAMED_EVALUATION,
            is_part=False,
            is_extreme=not EXTREMES.isdisjoint(words),
            is_test=0,
            is_no_loss=True,
            split=len(SPLITS),
            measure=min(map(MEASURES.index, measures)),
            words=len(words),
        )
    return rare


def _count(names: Mapping[str, object], name: str) -> int:
    values = names[name]
    return len(values) if isinstance(values, Sized) else 0


def _is_single(name: str, names: Collection[str]) -> bool:
    """Say whether a metric was logged once only."""
    if not isinstance(names, Mapping):
        return False
    values = names[name]
    return isinstance(values, Sized) and len(values) < 2


@lru_cache(maxsize=8192)
def _is_labelled_training(name: str) -> bool:
    words = words_of(name)
    return bool(measures_in(words)) and not TRAINING_WORDS.isdisjoint(words)


@lru_cache(maxsize=8192)
def _rank(name: str, is_labelled: bool) -> Rank | None:
    """Return how telling a metric is; None where it measures no quality.

    Args:
        name: Of the metric.
        is_labelled: Whether the log's names say of training metrics that they are such.
    """
    words = words_of(name)
    measures = measures_in(words)
    if is_adversarial(name):
        return None
    if not measures:
        return _rank_of_unknown(words)
    measure = min(measures, key=MEASURES.index)
    split = _split_of(words, measures[-1])
    if split == "metrics" and measure == "loss":
        split = ""
    is_evaluation = split in (*SPLITS, *TEST_SPLITS)
    others = _other_words(words, measure, is_evaluation)
    is_part_of_a_loss = split in TRAINING and len(measures) > 1
    if not is_evaluation and (others or is_part_of_a_loss):
        return None
    test_splits = [TEST_SPLITS.index(word) + 1 for word in words if word in TEST_SPLITS]
    return Rank(
        kind=_kind(measure, split, is_evaluation, is_labelled),
        is_part=is_evaluation and bool(others),
        is_extreme=not EXTREMES.isdisjoint(words),
        is_test=max(test_splits, default=0),
        is_no_loss=measure not in LOSSES,
        split=_place_of_split(split),
        measure=MEASURES.index(measure),
        words=len(words),
    )


def _other_words(words: tuple[str, ...], measure: str, is_evaluation: bool) -> list[str]:
    """Return the words of a name that make its measure one of something else, or of a part."""
    others = [word for word in words if not _is_expected(word)]
    if is_evaluation:
        return others
    others += [word for word in words if _is_letter(word) and word not in MEASURES]
    if measure in PLAYED and EPISODES.issuperset(others):
        return []
    return others


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _kind(measure: str, split: str, is_evaluation: bool, is_labelled: bool) -> int:
    if is_evaluation:
        return KNOWN_EVALUATION
    if measure in PLAYED:
        return UNNAMED_EVALUATION
    if split in TRAINING:
        return OF_TRAINING
    if measure in OF_SAMPLES or (is_labelled and measure != "loss"):
        return UNNAMED_EVALUATION
    return OF_TRAINING


def _place_of_split(split: str) -> int:
    """Return the place of a data set among ``SPLITS``; one without a name comes next, training last."""
    if split in SPLITS:
        return SPLITS.index(split)
    return len(SPLITS) + (split in TRAINING)


def _rank_of_unknown(words: tuple[str, ...]) -> Rank | None:
    """Return the rank of a metric of an unknown measure: it counts where its name says that it evaluates."""
    splits = [word for word in words if word in SPLITS]
    if not splits or not NEVER.isdisjoint(words) or not TRAINING_WORDS.isdisjoint(words):
        return None
    return Rank(
        kind=UNKNOWN_EVALUATION,
        is_part=False,
        is_extreme=not EXTREMES.isdisjoint(words),
        is_test=0,
        is_no_loss=True,
        split=SPLITS.index(splits[0]),
        measure=len(MEASURES),
        words=len(words),
    )


def _split_of(words: tuple[str, ...], measure: str) -> str:
    """Return the word that says on which data: the most telling one, unless training stands nearest."""
    place = words.index(measure)
    splits = [word for word in words if word in DATA]
    before = [word for word in words[:place] if word in DATA]
    nearest = before or splits
    if nearest and nearest[-1] in TRAINING:
        return TRAINING[0]
    evaluated = [word for word in splits if word not in TRAINING]
    order = (*SPLITS, *TEST_SPLITS)
    return min(evaluated, key=order.index, default="")


def _is_expected(word: str) -> bool:
    """Say whether a word leaves a measure whole: it names measure, data, or over what was averaged."""
    if word in MEASURES or word in DETAILS or word in DATA or word in NEGATION:
        return True
    return len(word) == 1 or word.isdigit()


def _data_of(name: str) -> frozenset[str]:
    """Return the words of a name that distinguish data sets; a number after a measure (top-5) does not."""
    words = words_of(name)
    of_data: set[str] = set()
    for before, word in zip(("", *words), words, strict=False):
        belongs_to_measure = word.isdigit() and before in MEASURES
        if not belongs_to_measure and word not in DETAILS and word not in MEASURES:
            of_data.add(word)
    return frozenset(of_data)

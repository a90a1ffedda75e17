"""Metrics whose values bind each other by definition, recognised by their names.

    val_f1, val_precision, val_recall           one set of predictions, counted three ways
    val_acc_top1 (or val_acc), val_acc_top5     the same ranking, cut after k answers
    val_perplexity, val_loss                    the same probabilities
    val_rmse, val_mae                           the same errors

Names belong together where they differ in the measure alone: ``test_f1_macro`` and ``test_recall_macro`` do,
``test_f1_macro`` and ``val_recall`` do not. What is called the best or largest is left out: each of two
metrics has its best value at a step of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from ired_diag.runs.metric_words import EXTREMES, words_of

STAR = "*"
F1 = re.compile(r"(?<![a-z0-9])(?:f1_?score|f_?score|f1)(?![a-z0-9])")
PRECISION = re.compile(r"(?<![a-z0-9])(?:precision|prec)(?![a-z0-9])")
RECALL = re.compile(r"(?<![a-z0-9])(?:recall|rec|sensitivity)(?![a-z0-9])")
PERPLEXITY = re.compile(r"(?<![a-z0-9])(?:perplexity|ppl)(?![a-z0-9])")
CROSS_ENTROPY = re.compile(r"(?<![a-z0-9])(?:nll|ce|xent|cross_?entropy)(?:_loss)?(?![a-z0-9])")
ROOT_SQUARE = re.compile(r"(?<![a-z0-9])(?:rmse|root_mean_squared?_error)(?![a-z0-9])")
ABSOLUTE = re.compile(r"(?<![a-z0-9])(?:mae|mean_absolute_error)(?![a-z0-9])")
LOSS = re.compile(r"(?<![a-z0-9])loss(?![a-z0-9])")
OUTSIDE_ONE = "bertscore"  # rescaled, its parts may be below 0
TOP = re.compile(r"(?:acc(?:uracy)?_)?top_?(\d{1,3})(?:_acc(?:uracy)?|_categorical_accuracy)?(?![a-z0-9])")
AT = re.compile(r"(acc|accuracy|recall|hits?|hit_rate|pass)_at_(\d{1,3})(?![a-z0-9])")
SHORT = re.compile(r"(?<![a-z0-9])acc_?([15])(?![a-z0-9])")  # ImageNet's acc1 and acc5
SHORT_FORM = "short:"  # marks the template of such a name
PLAIN = re.compile(r"(?<![a-z0-9])(?:acc|accuracy)(?![a-z0-9])")


class Triple(NamedTuple):
    """The names of an F1 and of the precision and recall that it is made of."""

    f1: str
    precision: str
    recall: str


class TopPair(NamedTuple):
    """Two accuracies of one ranking: among the first ``narrow`` answers, and among the first ``wide``."""

    narrow: str
    wide: str


class ErrorPair(NamedTuple):
    """Two means of the same errors: the root of the mean square, and the mean of the size."""

    rmse: str
    mae: str


class PerplexityPair(NamedTuple):
    """A perplexity, and the losses that may be its logarithm; whether these are surely cross-entropies."""

    perplexity: str
    losses: tuple[str, ...]
    is_cross_entropy: bool


def f1_triples(names: Iterable[str]) -> Iterator[Triple]:
    """Yield each F1 with its precision and recall.

    >>> list(f1_triples(["val/F1", "val/Precision", "val/recall", "test_f1", "best_f1"]))
    [Triple(f1='val/F1', precision='val/Precision', recall='val/recall')]
    """
    names = _without_extremes(names)
    precisions = _by_template(names, PRECISION)
    recalls = _by_template(names, RECALL)
    for template, f1 in _by_template(names, F1).items():
        if template in precisions and template in recalls and OUTSIDE_ONE not in template:
            yield Triple(f1, precisions[template], recalls[template])


def top_pairs(names: Iterable[str]) -> Iterator[TopPair]:
    """Yield each two accuracies of which the second counts more answers as right.

    >>> list(top_pairs(["val_acc", "val_top5_acc"])), list(top_pairs(["acc_1", "acc_2", "acc_5"]))
    ([TopPair(narrow='val_acc', wide='val_top5_acc')], [])
    """
    names = _without_extremes(names)
    plain_names = {_plain(name) for name in names}
    for template, name_of in _accuracies_by_template(names).items():
        is_short = template.startswith(SHORT_FORM)
        if is_short and _are_classes(template.removeprefix(SHORT_FORM), plain_names):
            continue
        for narrow, wide in pairwise(sorted(name_of)):
            yield TopPair(name_of[narrow], name_of[wide])


def _accuracies_by_template(names: Iterable[str]) -> dict[str, dict[int, str]]:
    """Return accuracies by what else is in their names, and by how many answers they count."""
    families: dict[str, dict[int, str]] = defaultdict(dict)
    for name in names:
        parts = _template_and_k(name)
        if parts is not None:
            template, k = parts
            families[template][k] = name
    for name in names:
        template = PLAIN.sub(STAR, _plain(name))
        if template in families:
            families[template].setdefault(1, name)
    return families


def error_pairs(names: Iterable[str]) -> Iterator[ErrorPair]:
    """Yield each RMSE with the MAE next to it.

    >>> list(error_pairs(["val_RMSE", "val_mae", "test_mae", "best_val_rmse"]))
    [ErrorPair(rmse='val_RMSE', mae='val_mae')]
    """
    names = _without_extremes(names)
    absolutes = _by_template(names, ABSOLUTE)
    for template, rmse in _by_template(names, ROOT_SQUARE).items():
        if template in absolutes:
            yield ErrorPair(rmse, absolutes[template])


def perplexity_pairs(names: Iterable[str]) -> Iterator[PerplexityPair]:
    """Yield each perplexity with the losses next to it.

    >>> list(perplexity_pairs(["eval/loss", "perplexity", "train_ppl"]))
    [PerplexityPair(perplexity='perplexity', losses=('eval/loss',), is_cross_entropy=False)]
    """
    names = _without_extremes(names)
    entropies = _by_template(names, CROSS_ENTROPY)
    losses = _by_template(names, LOSS)
    for template, name in _by_template(names, PERPLEXITY).items():
        if template in entropies:
            yield PerplexityPair(name, (entropies[template],), True)
        elif template in losses:
            yield PerplexityPair(name, (losses[template],), False)
        elif template == STAR and "eval_*" in losses:  # as Hugging Face's scripts write it
            yield PerplexityPair(name, (losses["eval_*"],), False)


def _without_extremes(names: Iterable[str]) -> list[str]:
    return [name for name in names if EXTREMES.isdisjoint(words_of(name))]


def _plain(name: str) -> str:
    """Return a name in lower case, its words joined by underscores.

    >>> _plain("Val/Acc@5"), _plain("eval/f1-macro")
    ('val_acc_at_5', 'eval_f1_macro')
    """
    text = name.lower().replace("@", "_at_")
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def _by_template(names: Iterable[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Return names by what is left of them without a measure; those that are there twice are left out."""
    names_of: dict[str, list[str]] = defaultdict(list)
    for name in names:
        template, count = pattern.subn(STAR, _plain(name).replace("_at_", "@"))
        if count == 1:
            names_of[template].append(name)
    return {template: alike[0] for template, alike in names_of.items() if len(alike) == 1}


def _template_and_k(name: str) -> tuple[str, int] | None:
    """Return how many answers an accuracy counts, and what is left of its name."""
    plain = _plain(name)
    if "top_k" in plain:  # Keras, where k is 5 unless it is set
        template = re.sub(r"(?:sparse_)?top_k_(?:categorical_)?acc(?:uracy)?", STAR, plain)
        return template, 5
    if match := AT.search(plain):
        is_accuracy = match[1].startswith("acc")
        measure = STAR if is_accuracy else f"{STAR}{match[1]}"
        return plain.replace(match[0], measure), int(match[2])
    if match := TOP.search(plain):
        return plain.replace(match[0], STAR), int(match[1])
    if match := SHORT.search(plain):
        template = plain.replace(match[0], STAR)
        return f"{SHORT_FORM}{template}", int(match[1])
    return None


def _are_classes(template: str, names: Collection[str]) -> bool:
    """Say whether ``acc1`` and ``acc5`` are accuracies of the classes 1 and 5: there are 0, 2, 3 or 4 too."""
    for k in (0, 2, 3, 4):
        form = template.replace(STAR, f"acc{k}")
        if form in names or form.replace("acc", "acc_") in names:
            return True
    return False

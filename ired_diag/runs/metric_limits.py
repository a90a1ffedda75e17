"""Between which values a metric lies by its name, and which of a log's values cannot be.

    p values, probabilities                             0 … 1
    accuracy, F1, precision, recall, top-k, dice, IoU   0 … 1, or 0 … 100 in percent
    area under a curve (AUC, AUROC, AUPRC), NDCG, MRR   the same
    average precision (AP, mAP)                         at most 1, or 100 in percent; -1: no objects
    cosines, correlations, kappa                        -1 … 1
    R², explained variance                              at most 1
    squared and absolute errors                         0 or more

Only a name of which every word is understood says so (``val_acc``, ``test/f1_macro``): ``acc_loss`` and
``neg_mse`` are something else. A share is in percent where one of its values exceeds 1.5. Between 1 and 1.5
it is either a share above its limit or a few percent: other series of the study must tell (``in_fractions``).
An area under a curve of 1.2% is worse than any guess, so that it is never in percent there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ired_diag.runs.metric_words import DETAILS, SPLITS, TEST_SPLITS, TRAINING, words_of

SLACK = 1e-3  # of a limit, for rounding
PERCENT = 100.0
LEAST_PERCENT = 1.5
FEWEST_RUNS = 4  # of one number each
MOST_RUNS = 2 / 3  # share of them that are plain fractions
AREAS = frozenset(("auc", "auroc"))  # of which one half is a guess
PRECISIONS = frozenset(("ap", "map"))
SHARES = (
    AREAS
    | PRECISIONS
    | frozenset(
        """
    accuracy acc f1 precision recall sensitivity specificity exactmatch dice iou miou jaccard top auprc aupr
    ndcg mrr nmi purity tpr tnr winrate
    """.split()
    )
)
PROBABILITIES = frozenset(("probability", "prob", "pvalue"))
SIGNED = frozenset("cos cosine correlation pearson spearman kendall mcc matthews".split())
AT_MOST_ONE = frozenset(("r2", "explainedvariance"))
NOT_NEGATIVE = frozenset(("mse", "rmse", "mae"))
NAMED = SHARES | PROBABILITIES | SIGNED | AT_MOST_ONE | NOT_NEGATIVE
AROUND = {*SPLITS, *TEST_SPLITS, *TRAINING, *DETAILS, "score", "sim", "similarity", "error"}
# Of detectors (b and m: boxes and masks), and of one class against the others.
AROUND |= {"bbox", "segm", "mask", "box", "roc", "ovr", "ovo", "b", "m"}
OF_SAMPLING = (("top", "p"), ("top", "k"))  # settings

Array = NDArray[np.float64]


def limits_of(name: str) -> tuple[float, float] | None:
    """Return between which values a metric lies by its name, shares as fractions; None: it does not say.

    >>> limits_of("val_acc"), limits_of("eval/r2"), limits_of("cos_sim"), limits_of("val_loss")
    ((0.0, 1.0), (-inf, 1.0), (-1.0, 1.0), None)
    >>> limits_of("p_value"), limits_of("acc_loss"), limits_of("neg_mse"), limits_of("cosine_lr")
    ((0.0, 1.0), None, None, None)
    """
    words = _words(name)
    measures = [word for word in words if word in NAMED]
    if measures == ["top"] and words[-2:] in OF_SAMPLING:
        return None
    if "top" in measures and len(measures) == 2:
        measures.remove("top")  # top-5 accuracy
    if len(measures) != 1 or not all(map(_is_understood, words)):
        return None
    (measure,) = measures
    if measure in SIGNED:
        return -1.0, 1.0
    if measure in AT_MOST_ONE or measure in PRECISIONS:
        return -np.inf, 1.0
    if measure in NOT_NEGATIVE:
        return 0.0, np.inf
    return 0.0, 1.0


def _is_understood(word: str) -> bool:
    return word in NAMED or word in AROUND or word.isdigit()


def share_of(name: str) -> str | None:
    """Return the measure in a name that may be in fractions or in percent; None where there is none."""
    if limits_of(name) is None:
        return None
    shares = [word for word in _words(name) if word in SHARES]
    if not shares:
        return None
    return shares[-1]


def in_percent(values: Array) -> bool:
    """Say whether a share is in percent."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return False
    return bool(finite.max() > LEAST_PERCENT)


def in_fractions(values: Array) -> bool:
    """Say whether a share is surely in fractions: it never exceeds 1, and moves by a tenth or more."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return False
    low = float(finite.min())
    high = float(finite.max())
    if low < 0 or high > 1 + SLACK:
        return False
    # A small share in percent also stays below 1, but seldom comes this far or moves this much.
    extent = high - low
    return high >= 0.5 and extent >= 0.1


def are_fractions(values: Array) -> bool:
    """Say whether one number for each of several runs is surely a fraction: most lie between 0.5 and 1.

    >>> are_fractions(np.array([0.91, 0.92, 0.90, 1.04])), are_fractions(np.array([0.91, 1.2, 1.1, 1.04]))
    (True, False)
    """
    if len(values) < FEWEST_RUNS or not np.isfinite(values).all():
        return False
    if values.max() > LEAST_PERCENT:
        return False
    is_plain = (values >= 0.5) & (values <= 1 + SLACK)
    return bool(np.mean(is_plain) >= MOST_RUNS)


def outside(values: Array, low: float, high: float) -> NDArray[np.bool_]:
    """Return which finite values lie outside limits by more than rounding, of shape (n,)."""
    slack = 0.0
    if np.isfinite(high):
        slack = SLACK * abs(high)
    is_below = values < low - slack
    is_above = values > high + slack
    is_outside = is_below | is_above
    return np.asarray(np.isfinite(values) & is_outside)


def _words(name: str) -> tuple[str, ...]:
    words = words_of(name)
    if words[-2:] in (("p", "value"), ("p", "val")):
        return (*words[:-2], "pvalue")
    if "pr" in words and "auc" in words:
        without_pr = [word for word in words if word != "pr"]
        return tuple("auprc" if word == "auc" else word for word in without_pr)
    return words

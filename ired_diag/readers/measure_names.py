"""Names that programs print before a number: what is measured, on which data, in which role.

``Final test loss``, ``eval_accuracy``, ``% Solved (MSE<0.01)`` and ``mse_std`` are split into words. Words
that name data become the metric's first part, words that say nothing are dropped, and a last word such as
``std`` makes the number the spread of another. A name measures a model where one of its words is a known
measure and none is a word of settings, time or training.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DATA = {
    "test": "test",
    "testing": "test",
    "ood": "ood",
    "id": "id",
    "holdout": "heldout",
    "heldout": "heldout",
    "eval": "eval",
    "evaluation": "eval",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "dev",
}
OF_A_FINISHED_MODEL = ("test", "ood", "id", "heldout")  # the others are printed during training too

MEASURE = re.compile(
    r"(?:n?r?mse|mae|mape|(?:log)?loss|err(?:or)?s?|nll|bpd|bpb|ppl|perplexity|elbo|likelihood|kl|"
    r"acc(?:uracy)?|top[-_]?\d|f\d|precision|recall|sensitivity|specificity|auc|auroc|auprc|aupr|roc|ap\d*|map\d*|"
    r"m?iou|dice|jaccard|psnr|ssim|lpips|fid|kid|bleu|rouge\w?|meteor|cider|chrf|wer|cer|ter|comet|r2|r²|"
    r"corr(?:elation)?|pearson\w?|spearman\w?|kendall|mcc|kappa|rewards?|returns?|success|solved|score|em|"
    r"mrr|n?dcg|hits?|rmsd|residual|cosine|distance|ece|brier|pass|match|condition|similarity)"
    r"(?:@\d+)?\d*"
)
OTHER = re.compile(  # settings, time and training
    r"train(?:ing|ed)?|lr|learning|batch(?:es|size)?|dim(?:ension)?s?|steps?|epochs?|seed|time|runtime|seconds?"
    r"|memory|params?|parameters|weights?|threshold|target|tolerance|expected|paper|published|reference|baseline"
    r"|coefficient|size|timesteps|samples?|iterations?|iters?|version|temperature|scheduler?|ratio|patience|gpus?"
)
FILLING = frozenset(
    "final overall average avg mean total set the of for a an on over model network all current running so "
    "far at is was with got results result metrics metric data dataset split images samples examples".split()
)
SPREADS = {
    "std": "standard deviation",
    "stdev": "standard deviation",
    "stddev": "standard deviation",
    "sd": "standard deviation",
    "se": "standard error",
    "sem": "standard error",
    "stderr": "standard error",
    "ci": "confidence interval",
    "ci95": "confidence interval",
}
KIND_OF_SPREAD = (
    ("standard deviation", re.compile(r"(?i)\b(?:std(?:ev|dev)?|sd|s\.d\.|standard deviation)\b")),
    ("standard error", re.compile(r"(?i)\b(?:std ?err|s\.?e\.?m?|standard error)\b")),
    ("confidence interval", re.compile(r"(?i)\bci\b|confidence")),
)
BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
COUNTED = re.compile(
    r"(\d+) (?:test |eval\w* |validation )?(?:images|samples|examples|problems|matrices|episodes)"
)


@dataclass(frozen=True, kw_only=True)
class MeasureName:
    """A name, understood.

    Attributes:
        data: The data: ``test``, ``ood``, …; empty where the name does not say.
        measure: What is measured: ``accuracy``.
        note: What stood in brackets.
        spread_kind: The kind of spread, where the number is a spread.
        final: Whether it is called final.
        n: The number of samples in the name.
        certain: Whether a word of it is a well-known measure.
    """

    data: str
    measure: str
    note: str = ""
    spread_kind: str = ""
    final: bool = False
    n: int | None = None
    certain: bool = True

    @property
    def metric(self) -> str:
        """``test/accuracy``, or ``accuracy`` alone."""
        return f"{self.data}/{self.measure}" if self.data else self.measure


def measure_name(text: str) -> MeasureName | None:
    """Return what a name says, None where it is that of a setting, a time, or of training.

    >>> name = measure_name("Final test loss")
    >>> name.metric, name.final
    ('test/loss', True)
    >>> measure_name("% Solved (MSE<0.01)").metric, measure_name("Accuracy of the 100 test images").metric
    ('solved', 'test/accuracy')
    >>> measure_name("mse_std").spread_kind, measure_name("learning rate")
    ('standard deviation', None)
    """
    words = _words(BRACKETS.sub(" ", text))
    if not words or any(map(_is_other, words)):
        return None
    kept = [word for word in words if not _is_filling(word)]
    spread_kind = SPREADS.get(words[-1], "") if len(words) > 1 else ""
    if spread_kind:
        kept = kept[:-1]
    if not kept or len(kept) > 4:
        return None
    data = [DATA[word] for word in words if word in DATA]
    counted = COUNTED.search(text)
    return MeasureName(
        data=data[0] if data else "",
        measure="_".join(kept),
        note=_note_in(text),
        spread_kind=spread_kind,
        final="final" in words,
        n=int(counted[1]) if counted else None,
        certain=any(map(MEASURE.fullmatch, kept)),
    )


def _is_other(word: str) -> bool:
    """Say whether a word is of settings, time or training."""
    return word not in FILLING and OTHER.fullmatch(word) is not None


def _is_filling(word: str) -> bool:
    """Say whether a word does not name a measure."""
    return word in DATA or word in FILLING or word.isdigit()


def _note_in(text: str) -> str:
    """Return what stands in brackets."""
    notes = []
    for in_parentheses, in_square_brackets in BRACKETS.findall(text):
        note = (in_parentheses or in_square_brackets).strip()
        if note:
            notes.append(note)
    return ", ".join(notes)


def spread_kind_in(text: str) -> str:
    """Return the kind of spread that a text names; empty where it names none.

    >>> spread_kind_in("mean ± std"), spread_kind_in("95% CI"), spread_kind_in("MSE")
    ('standard deviation', 'confidence interval', '')
    """
    for kind, pattern in KIND_OF_SPREAD:
        if pattern.search(text):
            return kind
    return ""


def data_in(text: str) -> str:
    """Return the data that a header names (``OOD Evaluation``: ``ood``); empty where it names none."""
    for word in _words(text):
        data = DATA.get(word, "")
        if data in OF_A_FINISHED_MODEL:
            return data
    return ""


def _words(text: str) -> list[str]:
    """Return the words of a name in lower case; what names a distribution is one word."""
    lower = text.lower().partition(",none")[0]
    lower = re.sub(r"out[-_ ]of[-_ ]distribution", "ood", lower)
    lower = re.sub(r"\bin[-_ ]distribution", "id", lower)
    lower = re.sub(r"\b(?:hold|held)[-_ ]out", "heldout", lower)
    lower = re.sub(r"\baverage precision", "ap", lower)
    return [word for word in re.split(r"[^a-z0-9@²]+", lower) if word.strip("@")]

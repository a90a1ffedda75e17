"""The words of a metric's name: what it measures, on which data, and in which direction that improves.

Names are split at everything that is neither a letter nor a digit, and at capitals (``valLoss``,
``AverageEpRet``); words that are glued together are separated where both are known (``valloss``). Word groups
with one meaning become one word (``exact_match``, ``R^2``, ``held_out``). A word is

    a measure       of errors (``LOWER``) or of success (``HIGHER``)
    a data set      ``SPLITS``, or ``TRAINING``
    no measure      a time, a rate of learning, a spread: a name that holds one measures no quality
    a detail        over what a value was averaged (``epoch``, ``macro``)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

# From the most to the least telling, likewise everything below.
LOSSES = tuple(
    """
    mse loss nll bpd rmse mae error perplexity ppl crossentropy ce bce elbo nelbo loglikelihood likelihood
    logloss nmse nrmse msle rmsle mape smape
    """.split()
)
UP_AMONG_LOSSES = ("elbo", "loglikelihood", "likelihood")
ERRORS = tuple(
    """
    err fid kid fvd lpips wer cer ter eer ece brier deviance regret cost failure fail collision violation
    miss misclassification crash residual hamming editdistance hausdorff hd95 wasserstein mmd emd chamfer epe
    mpjpe mcd divergence
    """.split()
)
SUCCESSES = tuple(
    """
    accuracy acc top exactmatch em f1 auroc auc auprc aupr roc ap map dice iou miou jaccard r2 psnr ssim
    msssim explainedvariance reward rew return ret success winrate win elo solved fitness utility bleu
    sacrebleu rouge rougel rougelsum meteor chrf clipscore cider spice bertscore spearman pearson kendall
    correlation corr kappa mcc matthews concordance precision recall sensitivity specificity hit mrr ndcg
    nmi ari purity silhouette similarity pesq stoi snr sdr sisdr tpr tnr pass score
    """.split()
)
LOWER = frozenset({*LOSSES, *ERRORS}) - {*UP_AMONG_LOSSES}
HIGHER = frozenset({*SUCCESSES, *UP_AMONG_LOSSES})
MEASURES = (*LOSSES, *SUCCESSES, *ERRORS)
ALL_MEASURES = frozenset(MEASURES)

SPLITS = ("validation", "valid", "val", "eval", "evaluation", "dev", "heldout", "metrics")
TEST_SPLITS = ("test", "ood")
TRAINING = ("train", "training")
DETAILS = frozenset(
    """
    epoch step mean avg average total macro micro weighted balanced binary multiclass multilabel
    categorical sparse normalized running smoothed ema rate per at k metric overall all final full token
    dataloader idx iter iteration best max min
    """.split()
)
EXTREMES = frozenset({"best", "max", "min"})
EPISODES = frozenset(
    """
    rollout ep eps episode episodic charts env runners sampler results actor discounted undiscounted
    metrics
    """.split()
)
PLAYED = frozenset({"reward", "rew", "return", "ret", "success", "winrate", "win", "elo", "score", "solved"})
OF_SAMPLES = frozenset({"fid", "kid", "fvd", "bleu", "sacrebleu", "rouge", "wer", "cer", "exactmatch"})
NO_MEASURE = frozenset(
    """
    lr momentum wd decay grad gradient time sec secs second seconds ms duration elapsed eta runtime speed
    throughput samples tokens fps memory mem gpu cpu temperature std stderr sd sem var variance ci low
    high weight coef scale scaler count num number size len length gap diff difference delta change drop
    target goal threshold thresholds thresh thres tolerance tol limit code clip buffer norm lag
    """.split()
)
NEGATED = frozenset({"neg", "negative", "minus"})

PHRASES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("learning", "rate"), "lr"),
    (("root", "mean", "squared", "error"), "rmse"),
    (("mean", "squared", "error"), "mse"),
    (("mean", "absolute", "error"), "mae"),
    (("standard", "error"), "stderr"),
    (("std", "error"), "stderr"),
    (("std", "err"), "stderr"),
    (("cross", "entropy"), "crossentropy"),
    (("log", "likelihood"), "loglikelihood"),
    (("log", "prob"), "loglikelihood"),
    (("log", "loss"), "logloss"),
    (("edit", "distance"), "editdistance"),
    (("word", "error"), "wer"),
    (("character", "error"), "cer"),
    (("bits", "per"), "bpd"),
    (("exact", "match"), "exactmatch"),
    (("rouge", "l"), "rougel"),
    (("explained", "variance"), "explainedvariance"),
    (("average", "precision"), "ap"),
    (("win", "rate"), "winrate"),
    (("clip", "score"), "clipscore"),
    (("r", "squared"), "r2"),
    (("r", "sq"), "r2"),
    (("r", "2"), "r2"),
    (("f", "1"), "f1"),
    (("held", "out"), "heldout"),
    (("hold", "out"), "heldout"),
    (("holdout",), "heldout"),
    (("out", "of", "distribution"), "ood"),
    (("acc", "norm"), "acc"),  # lm-evaluation-harness: accuracy normalised by length
    (("one", "minus"), "complement"),
    (("1", "minus"), "complement"),
)
ALIASES = {
    "accuracies": "accuracy", "losses": "loss", "errors": "error", "rewards": "reward", "returns": "return",
    "scores": "score", "successes": "success", "wins": "win", "hits": "hit", "gradients": "gradient",
    "steps": "step", "epochs": "epoch", "collisions": "collision", "violations": "violation",
    "failures": "failure", "correlations": "correlation", "llh": "loglikelihood",
    "loglik": "loglikelihood", "xent": "crossentropy", "bpc": "bpd", "bpb": "bpd", "spearmanr": "spearman",
    "pearsonr": "pearson", "kendalltau": "kendall", "rsquared": "r2", "rocauc": "auroc", "prauc": "auprc",
    "testing": "test", "evaluator": "eval", "logprob": "loglikelihood", "negated": "neg", "fscore": "f1",
    "mlogloss": "logloss", "merror": "error", "aucpr": "auprc", "nloglik": "nll",  # XGBoost's
}  # fmt: skip
GLUED = {
    "tel": ("test", "loss"), "trl": ("train", "loss"),  # llm.c's
    "f1score": ("f1", "score"), "r2score": ("r2", "score"), "eprewmean": ("ep", "rew", "mean"),
}  # fmt: skip
KNOWN = frozenset({
    *MEASURES, *SPLITS, *TEST_SPLITS, *TRAINING, *DETAILS, *EPISODES, *NO_MEASURE, *NEGATED, *ALIASES,
})  # fmt: skip
OF_DISTANCE = {"l1": "mae", "l2": "mse"}  # LightGBM's; a measure only as all that an evaluation is called
TOP_P = ("top", "p")  # a setting of sampling
LONGEST_WORD = 200
CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
ONE_MINUS = re.compile(
    # Not after "validation_": XGBoost numbers its sets so, and "validation_1-logloss" is the second one's.
    r"(?:^|(?<=[/.])|(?<=val[-_])|(?<=valid[-_])|(?<=validation-)|(?<=eval[-_])|(?<=test[-_]))"
    r"1\s*-\s*(?=[a-z])",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a metric's name, in lower case.

    >>> words_of("AverageEpRet"), words_of("eval/R^2"), words_of("test_top-1"), words_of("valloss")
    (('average', 'ep', 'ret'), ('eval', 'r2'), ('test', 'top', '1'), ('val', 'loss'))
    >>> words_of("valid_1/l2"), words_of("weight_l2")
    (('valid', '1', 'mse'), ('weight', 'l2'))
    """
    text = name.replace("²", "2")
    text = re.sub(r"(?:^|(?<=/))-(?=[A-Za-z])", "neg_", text)
    text = ONE_MINUS.sub("complement_", text)
    words: list[str] = []
    for token in filter(None, re.split(r"[^A-Za-z0-9]+", text)):
        words.extend(_words_of_token(token))
    if len(words) > 1 and words[-1] in OF_DISTANCE and _name_evaluations(words[:-1]):
        words[-1] = OF_DISTANCE[words[-1]]
    return _with_phrases(words)


def _name_evaluations(words: Sequence[str]) -> bool:
    """Say whether words name evaluation data, which may be numbered, and nothing else."""
    first, *others = words
    return first in (*SPLITS, *TEST_SPLITS) and all(map(str.isdigit, others))


def measures_in(words: tuple[str, ...]) -> list[str]:
    """Return the measures among words; none where a word says that the value measures no quality."""
    pairs = list(zip(words, [*words[1:], ""], strict=False))
    no_measure = NO_MEASURE.intersection(words)
    if no_measure == {"target"} and _is_target_domain(words, pairs):
        no_measure = frozenset()
    if no_measure:
        return []
    return [word for word, after in pairs if word in ALL_MEASURES and (word, after) != TOP_P]


def _is_target_domain(words: tuple[str, ...], pairs: Sequence[tuple[str, str]]) -> bool:
    """Say whether ``target`` names data: in ``val_target_acc``, and not in ``eval_target_return``."""
    is_evaluation = not {*SPLITS, *TEST_SPLITS}.isdisjoint(words)
    measured = [after for word, after in pairs if word == "target"]
    return is_evaluation and all(after in ALL_MEASURES and after not in PLAYED for after in measured)


def _words_of_token(token: str) -> tuple[str, ...]:
    plain = token.lower()
    if len(plain) > LONGEST_WORD:  # of a damaged line: the patterns below look back from every letter
        return (plain,)
    if plain in GLUED:
        return GLUED[plain]
    if plain in KNOWN:
        return (ALIASES.get(plain, plain),)
    stem = re.sub(r"\d+k?$", "", plain)
    if stem in KNOWN:  # acc1, rouge2, map50, fid50k
        return (ALIASES.get(stem, stem),)
    parts = CAPITAL.split(token)
    if len(parts) > 1:
        return tuple(word for part in parts for word in _words_of_token(part))
    for split in (*SPLITS, *TEST_SPLITS, *TRAINING):
        rest = plain.removeprefix(split)
        if rest != plain and ALIASES.get(rest, rest) in MEASURES:
            return split, ALIASES.get(rest, rest)
    return (plain,)


def _with_phrases(words: list[str]) -> tuple[str, ...]:
    for phrase, word in PHRASES:
        n = len(phrase)
        for place in range(len(words) - n, -1, -1):
            if tuple(words[place : place + n]) == phrase:
                words[place : place + n] = [word]
    return tuple(words)


def plain_words(name: str) -> tuple[str, ...]:
    """Return the words of a metric's name without those for training data and for details.

    >>> plain_words("train/lr_step"), plain_words("grad_norm_total")
    (('lr',), ('grad', 'norm'))
    """
    return tuple(word for word in words_of(name) if word not in TRAINING and word not in DETAILS)

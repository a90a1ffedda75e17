"""The head of a column: which metric it holds, in which unit, and which statistic of it.

    "val_loss (mean ± std, ×10⁻³) "
    "↓"  →  metric "val loss", statistic mean, after ± a sd, factor 10⁻³, lower is better

A number is held only against numbers of its own metric. Two heads are of one metric where the same words are
left after those of statistics, units and directions are taken away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ired_diag.claims.claim import Kind
from ired_diag.claims.numbers import plain
from ired_diag.runs.metric_words import HIGHER, LOWER, NO_MEASURE, measures_in, words_of

COLUMNS: tuple[tuple[Kind, str], ...] = (
    ("p", r"^[pq]$|^p\s*[(_-]|\bp[\s-]*(?:values?|wert)\b|\bpval(?:ue)?s?\b|^p \w+$"),
    ("t", r"^t$|\bt[\s-]*(?:stat\w*|values?|wert)|^t\s*\("),
    ("df", r"^(?:df|dof|d\.f\.?|degrees of freedom)$"),
    ("effect", r"\bcohen|\bhedges|^effect size|^\|?[dg]\|?$"),
    ("interval", r"\bci\b|\bci ?95|\d\d% ?ci|confidence interval|konfidenz|\binterval$"),
    ("quartiles", r"^iqr\b|interquartile"),
    ("se", r"\bs\.?e\.?m\b|^s\.?e\.?$|std\.?\s*err|standard\s*err|standardfehler"),
    ("sd", r"\bstd(?:ev|dev)?\b|\bs\.?d\.?\b|standard\s*dev|^\u03c3$|standardabweichung|\bstdev"),
    ("n", r"^#?\s*n$|^(?:number of |num |# ?|n )?(?:seeds|runs)$|^samples? size$|^n (?:seeds|runs)$"),
    ("median", r"\bmedian\b"),
    (
        "percent",
        r"\brelative (?:change|diff\w*|improvement)|\brel\.|improvement|prozent|"
        r"^(?:%|percent) (?:change|diff\w*)|%\s*$(?<=[Δδ]%)",
    ),
    ("difference", r"\bdiff|^Δ|^δ|\bdelta\b|differenz|\bvs\b|\bgap\b|\bchange\b|\bgain\b"),
    ("significant", r"signifi[ck]an|^sig\.?\??$"),
    ("best", r"^(?:best|min(?:imum)?|lowest)(?: (?:seed|run|value))?$"),
    ("worst", r"^(?:worst|max(?:imum)?|highest)(?: (?:seed|run|value))?$"),
    ("mean", r"\bmean\b|\baverage\b|\bavg\b|mittel|^μ$"),
)  # fmt: skip
STATISTIC_WORDS = frozenset(
    """
    mean means average avg std stdev stddev sd sem se s.d s.e.m ± +/- ci 95 90 99 confidence interval median
    iqr over n seeds seed runs run of the in by across lower higher better is are standard deviation error
    dev per stat statistic mittelwert standardabweichung konfidenzintervall 1\u03c3 \u03c3 2\u03c3 value
    values v our ours and sample samples ddof
    """.split()
) - {"error"}  # fmt: skip
OF_A_STATISTIC = (
    r"p|t|d|g|df|dof|q|p[-_ ]?val\w*|val|vals|stat\w*|cohen.*|hedges.*|effect|size|welch.*|"
    r"student.*|paired|t-test|test|diff\w*|"
    r"delta|Δ|δ|gain|change|min|max|minimum|maximum|best|worst|lowest|highest|relative|rel|improvement|signifi\w*|sig|\?|vs|ci95|"
    r"bonferroni.*|holm.*|fdr.*|adj\w*|corrected|raw|standard|dev\w*|number|num|#|iqr|interquartile|range|percent|%"
)
COMPARED = ("p", "t", "df", "effect", "n", "significant")
UNITS = frozenset("s ms sec secs seconds minutes min hours h gb mb kb bytes tokens % k m".split())
SCALE = re.compile(r"(?:[x\u00d7·*(]\s*|\bin\s+|^|\s)(?:10\s*\^\s*([-+]?\d+)|1?e(-\d+))\b", re.IGNORECASE)
STEP = re.compile(
    r"\b(?:step|iteration|iter)s?\s*[=#@]?\s*(\d[\d,]*)(k?)\b|\b(\d[\d,]*)(k?)\s*(?:steps|iterations)\b"
    r"|(?:^|\s)(\d{3,6})()\s+val\b|(?:loss|val|mse|acc\w*|error)\s+at\s+(\d{3,7})()\b",
    re.I,
)
DOWN, UP = re.compile(r"[↓⬇]|\blower\b"), re.compile(r"[↑⬆]|\bhigher\b")
CORRECTED = re.compile(
    r"bonferroni|\bholm\b|\bfdr\b|benjamini|adjust|correct(?:ed|ion)|p[_ -]?adj|\bq[\s-]*value", re.I
)
NO_LABEL = re.compile(
    r"note|comment|status|verdict|description|\blogs?\b|date|commit|hardware|link|source|file|interpret|winner|result|"
    r"conclusion|remark|details|purpose|config\b|contributor|author|\btest\b|command|gpus?$",
    re.IGNORECASE,
)  # fmt: skip
SEED_HEAD = re.compile(
    r"^(?:random |rng )?(?:seeds?|runs?|trials?|reps?|replicates?|logs?(?: file)?|"
    r"log ?files?|files?|uuid)(?: ?(?:id|#|no\.?|number|index))?$",
    re.I,
)
OTHER_UNIT = re.compile(
    r"\b(?:time|ms|steps?|size|bytes|artifact|memory|params?|parameters|flops|tokens|bpb|bpc|gap|hours?|rate|ratio|score|"
    r"speed|throughput|rank|epochs?|cost|entropy|count|nats|perplexity|val|test|train|eval)\b",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the head of a column says.

    Attributes:
        text: As printed, without markup.
        kind: Which statistic its numbers are; None where it says none.
        metric: The words of its metric; empty where it names none.
        factor: By which its numbers are to be multiplied; None where none is printed.
        percent: Whether its numbers are in percent.
        after: What the number after a ± is; ``spread`` where it is not said.
        lower_is_better: The direction that its arrow or its measure says; None where neither does.
        corrected: The word that says that it is corrected for several comparisons.
    """

    text: str
    kind: Kind | None
    metric: str
    factor: float | None = None
    percent: bool = False
    after: Kind = "spread"
    lower_is_better: bool | None = None
    corrected: str = ""

    @property
    def is_metric(self) -> bool:
        """Whether it names a quantity, and not a group."""
        words = words_of(self.text)
        named = measures_in(words) or NO_MEASURE.intersection(words)
        return bool(
            named or self.percent or self.lower_is_better is not None or OTHER_UNIT.search(_spaced(self.text))
        )


def head_of(text: str) -> Head:
    """Return what a head says.

    >>> head = head_of("val_loss (mean ± std, ×10⁻³) ↓")
    >>> head.metric, head.kind, head.after, head.factor, head.lower_is_better
    ('val loss', 'mean', 'sd', 0.001, True)
    """
    shown = plain(text)
    scale = SCALE.search(shown)
    corrected = CORRECTED.search(shown)
    kind = kind_of(shown)
    return Head(
        text=shown,
        kind=kind,
        metric=_metric_beside(kind, metric_of(shown)),
        factor=10.0 ** int(scale[1] or scale[2]) if scale else None,
        percent=bool(re.search(r"\(\s*%|%\s*\)|\bin %|, ?%|%\s*$", shown)),
        after=after_plus_minus(shown.partition("±")[2] or shown),
        lower_is_better=_direction(shown),
        corrected=corrected[0] if corrected else "",
    )


def kind_of(head: str) -> Kind | None:
    """Return what the numbers under a head are.

    >>> kind_of("Std Dev"), kind_of("95% CI"), kind_of("p-value"), kind_of("GPU hours")
    ('sd', 'interval', 'p', None)
    """
    shown = _spaced(head.replace("+/-", "±").partition("±")[0]).lower().strip(" (")
    return next((kind for kind, pattern in COLUMNS if re.search(pattern, shown)), None)


def after_plus_minus(words: str) -> Kind:
    """Return what the number after a ± is, by the words around it."""
    kinds: list[Kind] = ["interval", "se", "sd"]
    said = [kind for kind in kinds if re.search(dict(COLUMNS)[kind], _spaced(words).lower())]
    return said[0] if len(said) == 1 else "spread"


def metric_of(head: str) -> str:
    """Return the words of the metric that a head names, in a spelling that compares.

    >>> metric_of("R2_MSE"), metric_of("Mean"), metric_of("Final val loss (mean ± SD, n = 5)")
    ('r2 mse', '', 'final val loss')
    """
    text = SCALE.sub(" ", _spaced(plain(head)).lower())
    text = re.sub(
        r"\b\d+[\s-]*seeds?\b|\bn\s*=\s*\d+|\b\d\d\s*%\s*-?(?=\s*(?:ci|conf))|lower is better|"
        r"higher is better",
        " ",
        text,
    )
    words = [word.strip("-.") for word in re.split(r"[^\w%.²+/*@-]+", text)]
    kept = [
        w
        for w in words
        if w and w not in STATISTIC_WORDS and w not in UNITS and not set(w) <= set("±+-/*\u03c3")
    ]
    return " ".join(kept)


def step_of(text: str) -> int | None:
    """Return the step that a text names, None where it names none.

    >>> step_of("3200 val"), step_of("at step 10k"), step_of("q101")
    (3200, 10000, None)
    """
    hit = STEP.search(text.replace("_", " "))
    if not hit:
        return None
    digits = hit[1] or hit[3] or hit[5] or hit[7]
    thousands = hit[2] or hit[4]
    return int(digits.replace(",", "")) * (1000 if thousands else 1)


def _metric_beside(kind: Kind | None, metric: str) -> str:
    """Return the metric that is left when the words of the statistic itself are taken away."""
    if kind is None or kind == "mean":
        return metric
    words = [word for word in metric.split() if not re.fullmatch(OF_A_STATISTIC, word)]
    quality = measures_in(words_of(" ".join(words)))
    return " ".join(words) if kind not in COMPARED or quality else ""


def _spaced(text: str) -> str:
    return text.replace("_", " ")


def _direction(text: str) -> bool | None:
    down, up = DOWN.search(text.lower()), UP.search(text.lower())
    if down or up:
        return bool(down) if not (down and up) else None
    measures = set(measures_in(words_of(text)))
    if measures <= LOWER and measures:
        return True
    return False if measures and measures <= HIGHER else None

"""What the words before a number say that it is.

Each pattern ends where the number starts. A letter alone (p, t, d) needs a sign or a verb behind it: "/ p.
The" states no p. An argument of a function (``normalize(x, p=2)``), a norm, a probability of dropout is no p
value.
"""

from __future__ import annotations

import re

from ired_diag.claims.claim import Kind

LINK = r"(?:\s*(?:of|is|was|are|were|=|:|reaches|reached|von|ist|beträgt|≈)\s*)"
VERB = LINK + r"(?:only\s+|about\s+|roughly\s+)?$"
IS = r"(?:\s*\([^()\d]{0,20}\))?" + LINK + r"?\s*(?:only\s+|about\s+)?$"
NAMES = r"(?:\s+\(?[^\W\d][\w@-]*\)?){0,6}"
OVER_SEEDS = r"(?:\s+(?:over|across|of)\s+(?:the\s+|all\s+)?\d{1,3}\s+(?:\w+\s+)?(?:seeds|runs))?"
OF_A_GROUP = r"(?:(?!of\b)[^\W\d][\w@-]*\s+){0,2}"
ENDS_AT = (
    r"\s*(?:(?:is|was|has|had|reaches|reached|gets|got|ends(?: up)? at|ended at|lands at|=|:)\s*"
    r"(?:an?\s+(?:[^\W\d][\w@-]*\s+){1,4}of\s+)?|\()$"
)
BEST = r"\b(?:best|strongest)\s+"
WHICH_SEED = (
    r"(?:single\s+)?(?:seed|run)\b\s+(?:is|was)\s+seed\s+\d+\s*(?:of\s+\S+(?:\s+\S+)?\s*)?(?:,\s*)?"
    r"(?:\(|with\s+(?:an?\s+(?:\S+\s+){1,3}of\s+)?|at\s+)$"
)
WORST = r"\b(?:worst|weakest)\s+"
DIFFERENCE = (
    r"\b(?:difference|gap)\b"
    r"(?:\s+[^\s\d][^\s]*){0,9}(?:\s+[-\u2212]\s+\S+)?\s*(?:=|is|of|was|:)\s*$"
)
BEFORE: tuple[tuple[Kind, str], ...] = (
    ("p", r"\bp[\s-]*(?:values?|wert)\b" + IS),
    (
        "p",
        r"(?<![\w.\u2016|/])p(?:[_\s-]?(?:adj|corr|raw|holm|bonf)\w*|\s*\([^()]{0,20}\))?"
        r"(?:" + VERB + r"|\s*(?=$))",
    ),
    ("t", r"(?<![\w.])t(?:[\s-]*(?:stat\w*|value))?\s*(?:[_]?\(\s*[\d.,]+\s*\))?\s*[=:]\s*$"),
    (
        "effect",
        r"(?:cohen['\u2019]?s\s+d\b|hedges['\u2019]?s?\s+g\b|effect size|(?<![\w.])[dg]\s*(?==))"
        + NAMES
        + IS,
    ),
    ("n", r"(?<![\w.])n\s*=\s*$"),
    ("se", r"(?:standard errors?|(?<!\w)sems\b|(?<!\w)s\.?e\.?m?\.?)" + IS),
    (
        "se",
        r"(?:standard errors?|(?<!\w)s\.e\.m?\.?|(?<!\w)sem?)\s+(?:of|over|across|for|on)\b"
        r"(?!\s+(?:an?|each|one|every|any)\b)" + NAMES + IS,
    ),
    (
        "spread",
        r"(?:(?<!\w)s\.d\.|(?<!\w)sd|(?<!\w)std|standard deviation)\s+(?:of|over|across|for|on)\s+"
        r"(?:the\s+)?(?:mean|average|seeds)\b" + NAMES + IS,
    ),
    (
        "sd",
        r"(?:(?<!\w)s\.?d\.?|(?<!\w)sds\b|(?<!\w)stds?(?:\.|\s*devs?\w*)?|standard deviations?|"
        r"standardabweichung|(?<![/\w])\u03c3)" + IS,
    ),
    (
        "sd",
        r"(?:(?<!\w)s\.d\.|(?<!\w)sds?|(?<!\w)stds?)\s+(?:of|for)\s+"
        r"(?!(?:the\s+|an?\s+|one\s+)?(?:diff|ratio|gradient|noise|weights|init|resid|eval|single|each))"
        r"(?:[^\W\d][\w@-]*\s*){1,3}" + IS,
    ),
    (
        "sd",
        r"(?:standard deviation|standardabweichung)"
        r"(?!\s+of\s+(?:the\s+)?(?:diff|ratio|gradient|noise|weights|init|resid|eval))" + NAMES + IS,
    ),
    ("median", r"\bmedians?\b" + NAMES + OVER_SEEDS + IS),
    ("best", BEST + OF_A_GROUP + r"(?:seed|run)\b" + NAMES + ENDS_AT),
    ("worst", WORST + OF_A_GROUP + r"(?:seed|run)\b" + NAMES + ENDS_AT),
    ("best", BEST + OF_A_GROUP + WHICH_SEED),
    ("worst", WORST + OF_A_GROUP + WHICH_SEED),
    (
        "best",
        r"\b(?:largest|highest|maximum|smallest|lowest|minimum)\s+(?:[^\W\d][\w-]*\s+){0,3}(?:of|by|among)\s+"
        r"(?:an?|any|the|all|its)\s+(?:[^\W\d][\w-]*\s+){0,2}(?:seeds?|runs?)\s*(?:is|was|=|:)\s*$",
    ),
    ("best", r"\b(?:best|lowest)\s+(?:seed|run)s?\b" + NAMES + IS),
    ("worst", r"\bworst\s+(?:seed|run)s?\b" + NAMES + IS),
    ("difference", DIFFERENCE),
    (
        "mean",
        r"\b(?:means?|average[sd]?|averaging|avg|mittelwert|im mittel)\b(?!\s+ranks?\b)"
        + NAMES
        + OVER_SEEDS
        + IS,
    ),
)  # fmt: skip
NO_P = re.compile(
    r"[A-Za-z_.]\w*\((?:[^()]*,)?[^()]*$|\b(?:dropout|drop[_ -]?path|top|nucleus|bernoulli|norm|"
    r"minkowski|probability|flip|"
    r"mask\w*|augment\w*|sampl\w*|L)[\s_-]*\(?\s*$",
    re.IGNORECASE,
)
NO_P_ANYWHERE = re.compile(
    r"\bdropout\b|nucleus|top[_-]p\b|\bp[_-]norm|L_?p\b|minkowski|random(?:ly)? (?:flip|crop|mask)", re.I
)
OF_AN_EVENT = re.compile(r"P(?:r|rob)?\s*\([^()]*[<>≤≥|][^()]*\)")  # "P(a > b)": of an event, no p value
TESTED = re.compile(
    r"\bt[\s-]?tests?\b|signifi|\bp[\s-]value|welch|student|wilcoxon|mann|anova|kruskal|friedman|\bpaired\b|hypothes|\bn\.s\b"
    r"|\bt\s*\(\s*\d|χ|chi[\s-]?sq|\bz[\s-]?test|\bF\s*\(\s*\d|cohen|permutation|bonferroni|holm",
    re.IGNORECASE,
)
STATISTICS: tuple[tuple[str, str], ...] = (
    (
        "chi2",
        r"(?:χ|\bchi[\s-]?squared?|\bchi)\s*(?:²|\^2|2)?\s*(?:[_]?\(\s*{df}\s*(?:,\s*[nN]\s*=\s*\d+\s*)?\))?\s*=\s*$",
    ),
    ("F", r"(?<![\w.])F\s*(?:\(\s*{df}\s*,\s*{df}\s*\))?\s*=\s*$"),
    ("H", r"(?<![\w.])H\s*(?:\(\s*{df}\s*\))?\s*=\s*$"),
    ("t", r"(?<![\w.])t(?:[\s-]*(?:stat\w*|value))?\s*(?:[_]?\(\s*{df}\s*\))?\s*[=:]\s*$"),
    ("U", r"(?<![\w.])U\s*=\s*$"),
    ("W", r"(?<![\w.])[WT]\s*=\s*$"),
    ("z", r"(?<![\w.])[zZ]\s*=\s*$"),
)
DF = r"(\d+(?:\.\d+)?)"
NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), start=2
    )
}
COUNTED = re.compile(
    r"\b("
    + "|".join(NUMBER_WORDS)
    + r")\s+(?:(?:random|independent|different|training|distinct)\s+)*(?:seeds|runs)\b",
    re.I,
)
N_AFTER = re.compile(
    r"[\s-]*(?:(?:random|independent|training|different|distinct|separate|non-cherry-picked)\s+)*(?:seeds?|runs)\b"
)
COMPARING = re.compile(
    r"better|worse|lower|higher|improve\w*|reduc\w*|increase\w*|decrease\w*|decline\w*|smaller|larger|gain|differ\w*|besser|"
    r"schlechter",
    re.IGNORECASE,
)  # fmt: skip
CHANGE = re.compile(
    r"\b(?:declin|drop|reduc|improv|increas|decreas)\w*\b[^.;,]{0,40}\b(?:is|of|was|by|=)\s*$", re.IGNORECASE
)
RATIO = re.compile(
    r"\s*(?:x\b|\u00d7|-?\s*fold\b|times\b)\s*(?:\w+\s+)?(lower|higher|smaller|larger|better|worse|less|more|greater|"
    r"faster|slower|quicker|fewer|longer|shorter|speed-?ups?)\b",
    re.I,
)
TIMES_ANOTHER = re.compile(
    r"\s*(?:x\b|\u00d7|times\b)\s*(?:that of\b|the\s+(?:[^\W\d][\w-]*\s+){1,3}of\b|"
    r"(?:the\s+)?[\w-]+['\u2019]s?\s+(?:[^\W\d][\w-]*\s+){0,2}"
    r"(?:returns?|rewards?|loss|mse|error|accuracy|score|dice|perplexity|fid)\b)",
    re.IGNORECASE,
)  # "1.38x b's mean return"
ON_ALL = re.compile(r"\b(?:on|in|for)\s+(?:all|every one of)\s+(?:of\s+)?(?:the\s+)?$", re.IGNORECASE)
COMPARED_BEFORE = re.compile(
    r"\b(?:vs\.?|versus|than|against|between\s+\S+\s+and)\s+(?:the\s+)?$", re.IGNORECASE
)
COMPARED_AFTER = re.compile(r"\s+(?:vs\.?|versus)\s", re.IGNORECASE)
WINS = re.compile(r"\s*(?:of|out of|/)\s*(?:the\s+|all\s+)?$", re.IGNORECASE)
BEATS = re.compile(
    r"\b(?:beats?|outperforms?|wins?|better|lower|higher|worse|loses|improves|ahead|smaller|larger|surpass\w*|exceeds?|exceeded)\b",
    re.IGNORECASE,
)


SEEDS_BEFORE = re.compile(
    r"\bseeds?\s*[#=]?\s*(?:\d+\s*(?:,\s*(?:and\s+)?|-|\u2013|to\s|and\s)\s*)*$", re.IGNORECASE
)  # "over seeds 0, 1 and 2": names of seeds
REACHED_BEFORE = re.compile(
    r"\bto (?:reach|get (?:to|below|under|above)|hit|fall below)\s+(?:a\s+)?"
    r"(?:[^\W\d]\w*\s+){0,3}(?:of\s+)?$",
    re.IGNORECASE,
)
COUNTED_AFTER = re.compile(
    r"\s*[km]?\s*(?:training\s+|gradient\s+|environment\s+|env\s+)?"
    r"(?:steps?|iterations?|iters?|epochs?|episodes?|updates?|hours?|hrs?|minutes?|mins?|seconds?|secs?|days?|gpu)\b",
    re.IGNORECASE,
)
WITHIN_BEFORE = re.compile(r"\bwithin\s+(?:[±~≈]\s*)?$|\bto within\s+$", re.IGNORECASE)
FURTHER_AFTER = re.compile(
    r"\s*(?:(?:nats?|points?|pp|ppt|p\.p\.|dice|units?|bits?|db|bleu|chrf|m?ap|fid|wer|cer|psnr|ppl|f1|bpc|bpb|"
    r"m?iou|auc|auroc|rouge|mrr|ndcg|(?:accuracy |percentage )points?|"
    r"in (?:loss|mse|return|accuracy|dice))\s+)?"
    r"(?:(?:prozent)?punkte\s+)?(?:(?:below|above|ahead of|behind)\b|"
    r"(?:besser|schlechter|h\u00f6her|niedriger|kleiner|gr\u00f6\u00dfer) als\b|"
    r"(?:lower|higher|better|worse|smaller|larger|greater|more|less|short)\s+(?:than|of|for|with)\b)",
    re.IGNORECASE,
)  # "0.02 below that of b" is a difference, whatever stands before it
CHANGED_BY = re.compile(
    r"\b(?:improv\w*|outperform\w*|beats?|lower(?:s|ed|ing)?|reduc\w*|raise[sd]?|lifts?|lifted|boosts?|"
    r"increas\w*|decreas\w*|cuts?|drops?|differs?|surpass\w*|exceed\w*|leads?|trails?|ahead|wins?|better|worse)\b"
    r"(?:\s+[^\s.;,\d][^\s.;,]*){0,9}\s+by\s+(?:only\s+|just\s+|a\s+)?$",
    re.IGNORECASE,
)
MEAN_WITH_SPREAD_AFTER = re.compile(
    r"\s*%?\s*\(\s*(?:std\.?(?:\s?dev\.?)?|s\.?d\.?|sem|s\.e\.m?\.?|\u03c3|±)\s*[=:]?\s*\d*\.?\d+\s*%?\s*\)",
    re.IGNORECASE,
)  # "- SOAP: 3.2661 (std 0.0022)"
ADVANTAGE = re.compile(
    r"(?<!probability of )\b(?:advantage|improvement|reduction|gain|(?<=by a )margin)\b"
    r"(?:\s+(?![ptdFUW]\s*[=<>])[^\s\d(),;][^\s(),;]*){0,6}\s*(?:=|is|of|was|:)\s*(?:only\s+)?$|"
    r"\bdifference,\s*$|\bdifference\s*\(\s*$|(?:Δ|\bdelta)\s*[=:]\s*$",
    re.IGNORECASE,
)
ABSOLUTE_AFTER = re.compile(r"\s*\(?\s*(?:absolute\b|abs\.)", re.IGNORECASE)
ABSOLUTE_BEFORE = re.compile(r"\babsolute(?:ly)?\b[^.;,\d]{0,40}$", re.IGNORECASE)
NO_UNIT_AFTER = re.compile(
    r"\s*(?:nats?|bits?|(?:(?:percentage|accuracy|absolute)\s+)?points?|pp|db|dice|in|over|on|for|with|and|relative|compared)\b|\s*(?:$|[.,;:()])",
    re.IGNORECASE,
)  # "a reduction of 4 GB" is none of the metric
ALPHA_BEFORE = re.compile(r"(?:\u03b1|\balpha|\blevel)\s*(?:of|=|:)?\s*$", re.IGNORECASE)
GAINS = re.compile(
    r"\b(?:gains?|gained|gives|yields|brings|adds)\s+(?:only\s+|just\s+|another\s+|about\s+)?[+\u2212]?$",
    re.IGNORECASE,
)
OVER_A_GROUP_AFTER = re.compile(
    r"\s*(?:[^\W\d][\w-]*\s+){0,2}(?:over|compared (?:to|with)|relative to|vs\.?|versus)\s", re.IGNORECASE
)
BELOW_ANOTHER_AFTER = re.compile(r"\s*(?:below|above)\s+(?:that|those)\s+of\b", re.IGNORECASE)
ON_AVERAGE_AFTER = re.compile(r"\s*(?:points?\s+)?on average\b", re.IGNORECASE)
BY_BEFORE = re.compile(r"\bby\s+$", re.IGNORECASE)
GIVES_A_LEVEL = re.compile(r"\b(?:gives|yields)\s+$", re.IGNORECASE)
ENDS_AFTER = re.compile(r"\s*(?:$|[.,;:()])")
UNIT_AFTER = re.compile(r"\s*(?:db|(?:percentage\s+)?points?|pp|nats?)\b", re.IGNORECASE)
MORE_AFTER = re.compile(r"\s*(?:more|less|fewer)\s*(?:$|[.,;)])", re.IGNORECASE)


def is_absolute(before: str, after: str) -> bool:
    """Say whether the words at a percentage say that it is in points: "1.8% absolute".

    Args:
        before: What stands before it.
        after: What stands after it.
    """
    return bool(ABSOLUTE_AFTER.match(after) or ABSOLUTE_BEFORE.search(before))


def statistic_before(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return which statistic the words say that a number is, with its degrees of freedom as printed.

    >>> statistic_before("A Friedman test gives χ²(2) = "), statistic_before("Mann-Whitney U = ")
    (('chi2', ('2',)), ('U', ()))
    """
    near = text[-60:]
    for name, pattern in STATISTICS:
        hit = re.search(pattern.replace("{df}", DF), near)
        if hit:
            degrees = [group for group in hit.groups() if group]
            return name, tuple(degrees)
    return None


def kind_before(text: str, after: str) -> Kind | None:
    """Return what the words before a number say that it is.

    Args:
        text: What stands before it.
        after: What stands after it.
    """
    near = text[-90:]
    for kind, pattern in BEFORE:
        hit = re.search(pattern, near, re.IGNORECASE)
        if hit and not (kind == "p" and _is_no_p(near[: hit.start()], hit[0])):
            return kind
    if re.match(r"\W{0,4}\(\s*(?:\d+[\s-]seed\s+)?(?:mean|average)\b", after):
        return "mean"
    return None


def _is_no_p(before: str, shown: str) -> bool:
    if OF_AN_EVENT.match(shown):
        return True
    return bool(NO_P.search(before)) and "value" not in shown

"""Is a number of other data than the runs: of the test set, of another data set, of the training data?

A log holds the metric of one data set. A number that the runs do not have may be right for another one, where

- the words nearest before it, its table's head, or the heading name another split than the runs' metric, or
- the report is of several data sets, and the number's part of it names one, or
- another table has the same metric of the same groups, and its numbers are those of the runs.

Such a number is not held against the runs; it can still contradict the report.
"""

from __future__ import annotations

import re

from ired_diag.claims.agreeing_readouts import matching
from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.runs.metric_words import SPLITS, TRAINING, words_of

OF_SPLIT = (
    r"[\s_-]*(?:sets?\b|splits?\b|data\b|images\b|examples\b|questions\b|loss(?:es)?\b|mse\b|error\b|"
    r"acc\w*|results?\b)"
)
SPLIT = re.compile(
    rf"(?P<test>\btest(?:ing)?{OF_SPLIT}|\bon (?:the )?test\b(?![\s-]+of)|\bheld[\s-]?out\b)"
    rf"|(?P<train>\btrain(?:ing)?{OF_SPLIT}|\bon (?:the )?train(?:ing)?\b)"
    r"|(?P<ood>\bood\b|\bout[\s-]of[\s-](?:distribution|domain)\b|\bzero[\s-]shot\b|\btransfer\b)"
    rf"|(?P<validation>(?<!cross-)(?<!cross )\bval(?:id(?:ation)?)?{OF_SPLIT}|"
    r"\bon (?:the )?val(?:id(?:ation)?)?\b|"
    r"(?<!cross-)(?<!cross )\bvalidation\b|\bval\b)",
    re.IGNORECASE,
)
WHOLE = re.compile(
    r"^\W*(test|train(?:ing)?|val(?:id(?:ation)?)?)\W*$", re.IGNORECASE
)  # a heading of one word
DATA_SET = re.compile(
    r"\b(?:imagenet(?:-\w+)?|tiny[\s-]?imagenet|cifar-?10{1,2}|svhn|(?:fashion-?)?mnist|stl-?10|celeb-?a|"
    r"lsun|coco|ffhq|"
    r"c4|openwebtext\d?|owt|wikitext(?:-\d+)?|lambada|enwik8|text8|the pile|fineweb(?:-edu)?|"
    r"slimpajama|redpajama|tinystories|gsm8k|math500|mmlu|hellaswag|arc-[ce]|humaneval|mbpp|squad|glue|sst-?2|mnli|imdb|librispeech|"
    r"kinetics|ucf101|cora|citeseer|pubmed|ogbn?-\w+|qm9|zinc|hopper|walker2d|"
    r"halfcheetah|ant-v\d|cartpole|pong|breakout)\b"
    r"|\bon (?:the )?[A-Z][\w-]+ (?:data ?set|benchmark|corpus)\b",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"[;.]\s|,\s+(?:and|but|while)\b|\band on\b")
LEVELS = ("mean", "level")
ENOUGH = 2  # numbers that agree
FEWEST_DATA_SETS = 2  # a report that names one is of it
KINDS_OF_SPLITS = {"validation": SPLITS, "test": ("test",), "ood": ("ood",), "train": TRAINING}


def other_data(claim: Claim, book: Book) -> str:
    """Return why a claim may be of other data than the runs, or nothing."""
    split = _other_split(claim, book.groups.metric)
    if split and not _agrees_under_its_name(claim, book):
        return f"it may be of other data ({split!r}) than {book.groups.metric}, which the runs are judged by"
    if name := _other_data_set(claim, book):
        return f"of which of the report's data sets the runs are is not certain ({name!r} stands here)"
    if _is_of_other_table(claim, book):
        return "another table has the runs' numbers of this metric, so that this one may be of other data"
    return ""


def _other_split(claim: Claim, metric: str) -> str:
    """Return the words that name another split than the metric of the runs does."""
    own = split_of(metric)
    for hit in (_nearest_split(claim), SPLIT.search(claim.heading), SPLIT.search(claim.caption)):
        if hit is None:
            continue
        # Every match is by one of the named groups: its name is that of the split.
        if hit.lastgroup == own:
            return ""
        return hit[0].strip()
    heading = WHOLE.match(claim.heading)
    if heading is None or split_of(heading[1]) == own:
        return ""
    return heading[1]


def _agrees_under_its_name(claim: Claim, book: Book) -> bool:
    """Say whether most levels of the same words are those of the runs: "test MSE" is what they log.

    A program that has one set of data besides the training data calls it by either name.
    """
    levels = []
    for other in book.claims:
        is_alike = other.kind in LEVELS and other.metric == claim.metric
        is_near = other.table == claim.table or (not claim.table and other.heading == claim.heading)
        if is_alike and is_near and book.only_group(other):
            levels.append(_is_of_runs(other, book))
    return sum(levels) >= ENOUGH and 2 * sum(levels) > len(levels)


def _nearest_split(claim: Claim) -> re.Match[str] | None:
    """Return the mention of a split that is nearest to a number: before it, else behind it in its clause."""
    near = claim.wording
    if claim.table or not claim.numbers:
        return SPLIT.search(near.replace("_", " "))
    start = claim.number.start
    before = list(SPLIT.finditer(near, 0, start))
    if before:
        return before[-1]
    end = CLAUSE_END.search(near, start)
    if end is None:
        return SPLIT.search(near, start)
    return SPLIT.search(near, start, end.start())


def split_of(metric: str) -> str:
    """Return which data a metric's name says it is of.

    >>> split_of("val_loss"), split_of("Test accuracy"), split_of("mse")
    ('validation', 'test', '')
    """
    words = set(words_of(metric))
    for name, spelled in KINDS_OF_SPLITS.items():
        if words.intersection(spelled):
            return name
    return ""


def names_several_data_sets(book: Book) -> bool:
    """Say whether a report names more data sets than the one that it is of."""
    named = {hit[0].lower() for hit in DATA_SET.finditer(book.text)}
    return len(named) >= FEWEST_DATA_SETS


def _other_data_set(claim: Claim, book: Book) -> str:
    """Return the data set that a claim's sentence or heading names, in a report of several."""
    if not names_several_data_sets(book):
        return ""
    groups = " ".join(claim.groups).lower()
    for words in (claim.wording, claim.heading, claim.caption):
        hit = DATA_SET.search(words)
        if hit is None or hit[0].lower() in groups:
            continue
        # What stands above is of the runs where the numbers below it are.
        if words != claim.wording and _agrees_under_its_name(claim, book):
            return ""
        return hit[0]
    return ""


def _is_of_other_table(claim: Claim, book: Book) -> bool:
    """Say whether none of the means under a heading are the runs', and most of those of another table are."""
    means = _means_of_runs_in_tables(claim, book)
    if claim.table:
        here = [mean for mean in means if mean.table == claim.table]
    else:
        here = [mean for mean in means if mean.heading == claim.heading]
    if not here or any(_is_of_runs(mean, book) for mean in here):
        return False
    tables = {mean.table for mean in here}
    groups = {book.key(mean.only_group) for mean in here}
    agreeing: dict[int, list[bool]] = {}
    for mean in means:
        is_elsewhere = mean.table not in tables and mean.heading != claim.heading
        if is_elsewhere and book.key(mean.only_group) in groups:
            agreeing.setdefault(mean.table, []).append(_is_of_runs(mean, book))
    return any(2 * sum(agree) > len(agree) for agree in agreeing.values())


def _means_of_runs_in_tables(claim: Claim, book: Book) -> list[Claim]:
    """Return the means of groups of runs in tables; of the metric of the claim, if that is in a table."""
    means = []
    for other in book.claims:
        is_mean = other.kind == "mean" and other.table and book.group(other.only_group)
        if is_mean and (not claim.table or book.is_of_metric(other, claim.metric)):
            means.append(other)
    return means


def _is_of_runs(claim: Claim, book: Book) -> bool:
    group = book.group(claim.only_group) or ""
    return bool(matching(claim.number, group, book.groups))

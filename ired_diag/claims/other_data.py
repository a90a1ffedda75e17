"""Is a number of other data than the runs: of the test set, of another data set, of the training data?

A log holds the metric of one data set. A number that the runs do not have may be right for another one, where

- the words nearest before it, its table's head, or the heading name another split than the runs' metric, or
- the report is of several data sets, and the number's part of it names one, or
- another table has the same metric of the same groups, and its numbers are those of the runs.

Such a number is not held against the runs; it can still contradict the report.
"""

from __future__ import annotations

import re

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim
from ired_diag.claims.groups import matching
from ired_diag.claims.metrics import same_metric
from ired_diag.runs.metric_words import SPLITS, TRAINING, words_of

OF_SPLIT = (
    r"[\s_-]*(?:sets?\b|splits?\b|data\b|images\b|examples\b|questions\b|loss(?:es)?\b|mse\b|error\b|"
    r"acc\w*|results?\b)"
)
SPLIT = re.compile(
    rf"(?P<test>\btest(?:ing)?{OF_SPLIT}|\bon (?:the )?test\b(?![\s-]+of)|\bheld[\s-]?out\b)"
    rf"|(?P<train>\btrain(?:ing)?{OF_SPLIT}|\bon (?:the )?train(?:ing)?\b)"
    r"|(?P<ood>\bood\b|\bout[\s-]of[\s-](?:distribution|domain)\b|\bzero[\s-]shot\b|\btransfer\b)"
    rf"|(?P<validation>\bval(?:id(?:ation)?)?{OF_SPLIT}|\bon (?:the )?val(?:id(?:ation)?)?\b|"
    r"\bvalidation\b|\bval\b)",
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


def other_data(claim: Claim, book: Book) -> str:
    """Return why a claim may be of other data than the runs, or nothing."""
    if split := _other_split(claim, book.groups.metric):
        return f"it may be of other data ({split!r}) than {book.groups.metric}, which the runs are judged by"
    if name := _other_data_set(claim, book):
        return f"of which of the report's data sets the runs are is not certain ({name!r} stands here)"
    if _is_of_other_table(claim, book):
        return "another table has the runs' numbers of this metric, so that this one may be of other data"
    return ""


def _other_split(claim: Claim, metric: str) -> str:
    """Return the words that name another split than the metric of the runs does."""
    own = split_of(metric)
    for words in _places(claim):
        if words is not None:
            name = next((name for name, text in words.groupdict().items() if text), "")
            return "" if name == own else words[0].strip()
    heading = WHOLE.match(claim.context.partition("\n")[2].split("\n")[0])
    return heading[1] if heading and split_of(heading[1]) != own else ""


def _places(claim: Claim) -> list[re.Match[str] | None]:
    """Return the mention of a split that is nearest to a number, then those above it."""
    near, *above = claim.context.split("\n")
    if claim.table or not claim.numbers:
        own = next(SPLIT.finditer(near.replace("_", " ")), None)
    else:
        start = claim.number.start
        before = list(SPLIT.finditer(near, 0, start))
        end = CLAUSE_END.search(near, start)
        own = before[-1] if before else SPLIT.search(near, start, end.start() if end else len(near))
    return [own, *(SPLIT.search(text) for text in above[:2])]


def split_of(metric: str) -> str:
    """Return which data a metric's name says it is of.

    >>> split_of("val_loss"), split_of("Test accuracy"), split_of("mse")
    ('validation', 'test', '')
    """
    words = words_of(metric)
    kinds = {"validation": SPLITS, "test": ("test",), "ood": ("ood",), "train": TRAINING}
    return next((name for name, spelled in kinds.items() if set(spelled) & set(words)), "")


def _other_data_set(claim: Claim, book: Book) -> str:
    """Return the data set that a claim's sentence or heading names, in a report of several."""
    if len({hit[0].lower() for hit in DATA_SET.finditer(book.text)}) < 2:
        return ""
    hit = next((hit for line in claim.context.split("\n")[:3] if (hit := DATA_SET.search(line))), None)
    return hit[0] if hit else ""


def _is_of_other_table(claim: Claim, book: Book) -> bool:
    """Say whether none of the means under a heading are the runs', and most of those of another table are."""
    heading = _heading(claim)
    means = [c for c in book.claims if c.kind == "mean" and c.table and book.group(_label(c))]
    means = [c for c in means if same_metric(c.metric, claim.metric, book.metrics) or not claim.table]
    here = [c for c in means if (c.table == claim.table if claim.table else _heading(c) == heading)]
    groups = {book.key(_label(c)) for c in here}
    if not here or any(_is_of_runs(c, book) for c in here):
        return False
    elsewhere: dict[int, list[bool]] = {}
    for c in means:
        if (
            c.table not in {h.table for h in here}
            and book.key(_label(c)) in groups
            and _heading(c) != heading
        ):
            elsewhere.setdefault(c.table, []).append(_is_of_runs(c, book))
    return any(2 * sum(agree) > len(agree) for agree in elsewhere.values())


def _is_of_runs(claim: Claim, book: Book) -> bool:
    return bool(matching(claim.number, book.group(_label(claim)) or "", book.groups))


def _label(claim: Claim) -> str:
    return claim.groups[0] if len(claim.groups) == 1 else ""


def _heading(claim: Claim) -> str:
    return claim.context.partition("\n")[2].split("\n")[0]

"""Claims in sentences: a number is a claim where the words around it say what it is.

Whose it is, is taken from the names in the sentence only where there is one reading (``named_groups``). A
sentence that asks, supposes or announces is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ired_diag.claims import phrases
from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.concluding_words import conclusions_of
from ired_diag.claims.heads import CORRECTED
from ired_diag.claims.labels import mention_spans
from ired_diag.claims.levels import seed_before
from ired_diag.claims.markdown import Sentence
from ired_diag.claims.metrics import metric_at
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed, numbers_in, plain
from ired_diag.claims.numbers_of_sentences import SUPPOSED, Numbered, numbers_with_kinds

PAIRED_KINDS = ("p", "t", "effect", "percent", "difference", "ratio", "wins", "statistic")
LEVELS = ("mean", "level")
SAME_AS_BEFORE = re.compile(
    r"\b(?:so|as|neither|nor) (?:does|do|did|is|are|was|were|has|have|had)\b"
    r"|\blikewise\b|\bsimilarly\b|\bthe same (?:holds|is true|goes)\b",
    re.IGNORECASE,
)
HEADED = re.compile(r"^[\W_]*(?:[^\W\d][\w/-]*\s+){0,4}[^\W\d][\w/-]*\s*(?:\([^()\d]*\)\s*)?[:=]\s")


def claims_of(
    sentence: Sentence, names: Sequence[str], block: int, *, comma: bool, vocabulary: Collection[str] = ()
) -> Iterator[Claim]:
    """Yield the claims of a sentence.

    Args:
        sentence: Which.
        names: The groups that the report and the runs know.
        block: The number that its claims share.
        comma: Whether the text writes decimal commas.
        vocabulary: The metrics that the report's tables name.
    """
    text = plain(sentence.text)
    named = NamedGroups(text, mention_spans(text, names))
    context = f"{text}\n{sentence.heading}"
    numbers = [n for n in numbers_in(text, comma=comma) if not named.covers(n)]
    claimed = list(numbers_with_kinds(named.without_compared(), numbers, named))
    last: Claim | None = None
    above = mention_spans(sentence.heading, names) if HEADED.match(text) and not named.at else []
    own = tuple(dict.fromkeys(name for _, _, name in above))
    for kind, shown, half in claimed:
        claim = _claim(
            sentence, text, named, claimed, kind, shown, half=half, block=block, vocabulary=vocabulary
        )
        if half and last is not None:  # what follows a ± is of the group of its mean
            claim = replace(claim, groups=last.groups, others=last.others)
        if len(own) == 1 and kind not in PAIRED_KINDS:  # "### muon", and below it "final val loss: 0.416"
            claim = replace(claim, groups=own)
        last = claim
        yield claim
    for hit in phrases.COUNTED.finditer(text):
        count = float(phrases.NUMBER_WORDS[hit[1].lower()])
        groups = named.within(0, len(text))
        number = Printed(hit[1], count, 1.0, start=hit.start(), end=hit.end(1))
        yield Claim(
            "n", sentence.line, hit[1], groups=groups if len(groups) == 1 else (), numbers=(number,),
            context=context, block=block,
        )  # fmt: skip
    if not SUPPOSED.search(text):
        yield from conclusions_of(text, named, sentence.line, context, block)


def _claim(
    sentence: Sentence,
    text: str,
    named: NamedGroups,
    claimed: Sequence[Numbered],
    kind: Kind,
    shown: tuple[Printed, ...],
    *,
    half: bool,
    block: int,
    vocabulary: Collection[str],
) -> Claim:
    first, last = shown[0], shown[-1]
    count = 2 if kind in PAIRED_KINDS else 1
    alike = LEVELS if kind in LEVELS else (kind,)
    same = [other[0] for k, other, _ in claimed if k in alike]
    start = max((n.end for n in same if n.end <= first.start), default=0)
    following = min((n.start for n in same if n.start >= last.end), default=len(text))
    groups = named.whose(start, first.start, last.end, following, count)
    if kind == "interval" and (
        not groups or re.search(r"\bdifference\b", text[: first.start], re.IGNORECASE)
    ):
        groups = named.whose(start, first.start, last.end, following, 2) or groups
    rivals = named.rivals(start, first.start, last.end, following) if count == 1 and groups else ()
    repeats = groups and kind in PAIRED_KINDS and SAME_AS_BEFORE.search(text[: first.start])
    statistic = phrases.statistic_before(text[: first.start]) if kind in ("statistic", "t") else None
    corrected = CORRECTED.search(text)
    return Claim(
        kind,
        sentence.line_of(first.text, text[: first.start].count(first.text)),
        text[first.start : last.end].strip(),
        groups=groups,
        numbers=shown,
        context=f"{text}\n{sentence.heading}",
        block=block,
        seed=seed_before(text, first.start) if kind == "level" else "",
        half_width=half,
        others=rivals,
        metric=metric_at(text, first.start, last.end, vocabulary),
        df=statistic[1] if statistic else (),
        test=statistic[0] if statistic and kind == "statistic" else (corrected[0] if corrected else ""),
        doubt=f"with whom {repeats[0]!r} compares is not certain" if repeats else "",
    )

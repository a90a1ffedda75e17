"""Is the order of the groups that a sentence states that of their means?

"a outperforms b" is held against the means of the two, where the sentence says nothing that limits it.
"a < b < c" is right where the means rise in this order, and where they fall: the sign may mean the number, or
that c is better. "a is the best", "a has the lowest loss" and "a is the worst of the three" are held against
the means of all groups that the report names. An order is wrong only if no readout of the runs has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.continued_kinds import NAME, masked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.metrics import MEASURE, UNCLEAR, metric_at, metrics_in, relation_to
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.other_number import why_of_another
from ired_diag.claims.phrases import NUMBER_WORDS
from ired_diag.claims.ranges import Range

SIGN = re.compile(r"\s*(?:\([^()]*\)\s*)?([<>])\s*")
OF_TWO = "better of two"
FEWEST = 3  # groups: two with a sign between them may be a hypothesis
OPENING = r"^\W*(?:(?:overall|in short|in summary|again|here|clearly|so|thus)\s*,?\s*)?"
KIND_OF_GROUP = (
    r"(?:variants?|methods?|models?|algorithms?|optimi[sz]ers?|architectures?|groups?|settings?|configurations?|"
    r"approach(?:es)?|losses|networks?|flows?|them|ones?)"
)
OF_HOW_MANY = (
    rf"(?:\s+of\s+(?:(?:all|the|our|these)\s+)*(?P<count>\d+|{'|'.join(NUMBER_WORDS)})?\s*{KIND_OF_GROUP}?)?"
)
ENDS = r"\s*(?=$|[.;(]|,\s)"
CALLED = re.compile(
    rf"{OPENING}{NAME}\s+(?:is|was|remains)\s+(?:clearly\s+|by far\s+)?the\s+(?P<word>best|worst)"
    rf"(?:\s+{KIND_OF_GROUP})?{OF_HOW_MANY}{ENDS}",
    re.IGNORECASE,
)
HAS = re.compile(
    rf"{OPENING}{NAME}\s+(?:has|had|achieves|achieved|reaches|reached|gets|obtains|attains)\s+the\s+"
    r"(?P<word>best|worst|lowest|highest)\s+(?P<metric>(?:[^\W\d][\w-]*\s*){1,4}?)"
    rf"{OF_HOW_MANY}(?:\s+overall)?{ENDS}",
    re.IGNORECASE,
)
BETTER = (
    r"(?:outperforms?|outperformed|beats?|surpass(?:es|ed)|improves?\s+(?:up)?on|improves?\s+over|"
    r"(?:is|was|performs?|performed|does|did)\s+(?:\w+\s+)?(?:better\s+than|superior\s+to))"
)
WORSE = (
    r"(?:underperforms?|underperformed|(?:is|was|performs?|performed|does|did)\s+(?:\w+\s+)?"
    r"(?:worse\s+than|inferior\s+to))"
)
SURELY = r"(?:(?:also|clearly|consistently|significantly|slightly|still|again|further|even|marginally)\s+)?"
NO_LIMIT = (
    r"\s*(?=$|[.;:)]|\(\s*(?:[-+\u2212]?\d|p\b|t\b|welch|paired)|by\s+(?:about\s+|only\s+|an?\s+)?[-+\u2212]?\d|"
    r"on average\b|overall\b)"
)
OUTPERFORMS = re.compile(
    rf"(?P<first>{NAME})\s+{SURELY}(?:(?P<better>{BETTER})|(?P<worse>{WORSE}))\s+(?:the\s+)?(?P<second>{NAME}){NO_LIMIT}",
    re.IGNORECASE,
)
UNQUALIFIED = re.compile(r"\b(?:mean|average|final|overall|last)\b|[\s_/-]+", re.IGNORECASE)


def rankings_of(named: NamedGroups, line: int, context: str, block: int) -> Iterator[Claim]:
    """Yield the orders of groups that a sentence states.

    Args:
        named: The sentence, and where it names which group.
        line: Where it stands.
        context: The sentence and its heading.
        block: The number that its claims share.
    """
    mentioned = metrics_in(named.text, ())
    for groups, said in _chains(named):
        yield Claim(
            "ranking",
            line,
            said,
            groups=groups,
            context=context,
            block=block,
            metric=mentioned[0] if len(mentioned) == 1 else "",
            test="order",
        )
    if pair := _outperforming(named):
        groups, said = pair
        spoken = UNCLEAR
        if len(mentioned) <= 1:
            spoken = "".join(mentioned)
        yield Claim(
            "ranking",
            line,
            said,
            groups=groups,
            context=context,
            block=block,
            metric=spoken,
            test=OF_TWO,
        )
    if len(named.everyone) != 1:
        return
    text = masked(named, 0, len(named.text))
    for hit in filter(None, (CALLED.match(text), HAS.match(text))):
        metric = _metric(hit)
        yield Claim(
            "ranking",
            line,
            hit[0].replace(NAME, named.everyone[0]).strip(),
            groups=named.everyone,
            context=context,
            block=block,
            metric=metric or "",
            test=hit["word"].lower(),
            doubt="of which metric it is, is not certain" if metric is None else "",
        )


def _outperforming(named: NamedGroups) -> tuple[tuple[str, str], str] | None:
    """Return the better and the worse group of "a outperforms b", with these words; None without them."""
    text = masked(named, 0, len(named.text))
    hit = OUTPERFORMS.search(text)
    if hit is None:
        return None
    first = text.count(NAME, 0, hit.start("first"))
    second = text.count(NAME, 0, hit.start("second"))
    start, _, a = named.at[first]
    _, end, b = named.at[second]
    said = named.text[start:end]
    if hit["worse"]:
        return (b, a), said
    return (a, b), said


def _metric(hit: re.Match[str]) -> str | None:
    """Return the metric of "the lowest loss"; empty without one, None where the words are no metric."""
    words = (hit.groupdict().get("metric") or "").strip()
    if not words:
        return ""
    rest = UNQUALIFIED.sub("", MEASURE.sub("", words))
    return None if rest else metric_at(words, 0, 0, ())


def _chains(named: NamedGroups) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the groups of each chain "a < b < c", smallest first, with its words."""
    chain: list[tuple[int, int, str]] = []
    sign = ""
    for span in (*named.at, (len(named.text), len(named.text), "")):
        link = SIGN.fullmatch(named.text, chain[-1][1], span[0]) if chain and span[2] else None
        if link and (not sign or sign == link[1]):
            sign = link[1]
            chain.append(span)
            continue
        # "P(a < b < c)" is a probability.
        if len(chain) >= FEWEST and not named.text[: chain[0][0]].endswith("("):
            groups = tuple(name for _, _, name in chain)
            yield groups if sign == "<" else groups[::-1], named.text[chain[0][0] : chain[-1][1]]
        chain = [span]
        sign = ""


def check_ranking(claim: Claim, book: Book) -> Verdict:
    """Return whether the means of the groups have the order that a sentence states."""
    for label in claim.groups:
        if book.group(label) is None:
            return unchecked(claim, why_unknown(claim, book))
        if why := why_of_another(claim, label, book):
            return unchecked(claim, why)
    if claim.metric and relation_to(claim.metric, book.groups.metric) != "same":
        return unchecked(claim, f"it is of {claim.metric!r}, and the runs are judged by {book.groups.metric}")
    if claim.test == OF_TWO:
        return _of_two(claim, book)
    if claim.test == "order":
        return _of_order(claim, book)
    return _of_extreme(claim, book)


def _of_order(claim: Claim, book: Book) -> Verdict:
    orders = _means(claim.groups, book)
    if not orders:
        return unchecked(claim, why_unknown(claim, book))
    for readout, means in orders.items():
        if _rises(means):
            return holds(claim, f"the means rise in this order ({readout})")
    if any(_rises(means[::-1]) for means in orders.values()):
        return unchecked(claim, "which side of the sign is better is not said")
    return _refuted(claim, claim.groups, orders)


def _of_two(claim: Claim, book: Book) -> Verdict:
    """Return whether the first of two groups is the better one, by any readout."""
    orders = _means(claim.groups, book)
    if not orders or not book.is_pair(claim):
        return unchecked(claim, why_unknown(claim, book))
    for readout, means in orders.items():
        if _is_at_the_end(means, is_lowest=book.groups.lower_is_better):
            return holds(claim, f"its mean is the better one ({readout})")
    return _refuted(claim, claim.groups, orders)


def _of_extreme(claim: Claim, book: Book) -> Verdict:
    labels = _rivals(claim, book)
    count = _count(claim)
    orders = _means(labels, book)
    if count and count == len(book.groups.every.get("last", {})) != len(labels):
        labels, orders = _means_of_all(claim, book)
    if len(labels) < FEWEST - 1 or (count or len(labels)) != len(labels) or not orders:
        return unchecked(claim, "which groups it is compared with is not certain")
    if not count and not _stand_together(labels, book):
        return unchecked(claim, "the groups of the report may be of several comparisons")
    is_lowest = claim.test == "lowest"
    if claim.test in ("best", "worst"):
        is_lowest = (claim.test == "best") == book.groups.lower_is_better
    for readout, means in orders.items():
        if _is_at_the_end(means, is_lowest=is_lowest):
            return holds(claim, f"its mean is the {claim.test} of {len(labels)} ({readout})")
    return _refuted(claim, labels, orders)


def _is_at_the_end(means: Sequence[Range], *, is_lowest: bool) -> bool:
    """Say whether the first of some means may be the lowest, or the highest."""
    own, *others = means
    for other in others:
        pair = [own, other] if is_lowest else [other, own]
        if not _rises(pair):
            return False
    return True


def _rivals(claim: Claim, book: Book) -> list[str]:
    """Return the label of a claim, then that of each other group of runs that the report names."""
    own = book.group(claim.only_group)
    labels = {}
    for name, group in book.meant.items():
        if group and group != own:
            labels[group] = name
    return [claim.only_group, *labels.values()]


def _means_of_all(claim: Claim, book: Book) -> tuple[list[str], dict[str, list[Range]]]:
    """Return all groups of runs, that of a claim first, with their means by each readout that all have."""
    own = book.group(claim.only_group) or ""
    every = book.groups.every
    groups = [own]
    for group in every["last"]:
        if group != own:
            groups.append(group)
    means = {}
    for readout, values in every.items():
        if all(values.get(group) for group in groups):
            means[readout] = [_mean_of(values[group]) for group in groups]
    return groups, means


def _mean_of(values: Mapping[str, float]) -> Range:
    """Return the mean of values by seed."""
    mean = float(np.mean(list(values.values())))
    return Range.exactly(mean)


def _stand_together(labels: Sequence[str], book: Book) -> bool:
    """Say whether a table of the report has all of some groups, or none has any of them."""
    keys = set(map(book.key, labels))
    by_table: dict[int, set[str]] = {}
    for claim in book.claims:
        if claim.table:
            by_table.setdefault(claim.table, set()).update(map(book.key, claim.groups))
    tables = [keys & groups for groups in by_table.values()]
    return keys in tables or not any(tables)


def _count(claim: Claim) -> int:
    """Return the number in "the best of the three"; 0 where none is printed."""
    hit = re.search(
        rf"\bof\s+(?:(?:all|the|our|these)\s+)*(\d+|{'|'.join(NUMBER_WORDS)})\b", claim.said, re.I
    )
    if hit is None:
        return 0
    return NUMBER_WORDS.get(hit[1].lower()) or int(hit[1])


def _means(labels: Sequence[str], book: Book) -> dict[str, list[Range]]:
    """Return the means of groups by each readout that all of them have."""
    means: dict[str, list[Range]] = {}
    for label in labels:
        for readout, sample in book.groups.samples(book.group(label) or "").items():
            means.setdefault(readout, []).append(sample.mean)
    of_all = {}
    for readout, of_groups in means.items():
        if len(of_groups) == len(labels):
            of_all[readout] = of_groups
    return of_all


def _rises(means: Sequence[Range]) -> bool:
    """Say whether each mean may be at most the next one, as far as the logs' digits say."""
    return all(a.low <= b.high for a, b in pairwise(means))


def _refuted(claim: Claim, labels: Sequence[str], orders: dict[str, list[Range]]) -> Verdict:
    readout, means = next(iter(orders.items()))
    shown = []
    evidence = {}
    for label, mean in zip(labels, means, strict=True):
        shown.append(f"{label} {mean.middle:.6g}")
        evidence[label] = mean.middle
    return refuted(
        claim,
        rule="ranking",
        words=f"{claim.said!r} is printed; by the means ({readout}) it is not so: {', '.join(shown)}.",
        evidence=evidence,
    )

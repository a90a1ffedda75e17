"""Lists of the values of seeds in a sentence: "the three a seeds end at 0.103, 0.106 and 0.102".

Where the list does not name its seeds, each number must be the value of a seed of its own; where it does
("seeds 0, 1 and 2 give …"), of that seed. One number that no seed has, among others that seeds have, is
wrong; a list of which less is right may be of other runs, of another step or of another metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.metrics import metric_at
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed
from ired_diag.claims.other_number import why_of_another
from ired_diag.claims.ranges import fits
from ired_diag.claims.samples import Sample

FEWEST = 2  # numbers of a list, and numbers of it that must be right before another is wrong
BETWEEN = re.compile(r"\s*(?:,\s*(?:and\s+)?|and\s+|;\s*|/\s*)")
OF_SEEDS = re.compile(r"\bseeds?\b|\bruns\b", re.IGNORECASE)
LEADS_TO = re.compile(
    r"(?:\b(?:of|at|to|give|gives|gave|reach(?:ed)?|are|were|get|got|scored?|with|have|had|yield(?:ed)?|obtain(?:ed)?)"
    r"|[:=(])\s*$",
    re.IGNORECASE,
)
OTHER = re.compile(
    r"\b(?:means?|averages?|median|sd|std|deviations?|errors? of|range|between|steps?|epochs?|sizes?|"
    r"differ\w*|best|worst|top|first|last|after|before|without|excluding|hours?|minutes?|times?)\b",
    re.IGNORECASE,
)
NAMED_SEEDS = re.compile(r"\bseeds?\s+((?:\d+\s*(?:,\s*(?:and\s+)?|and\s+)\s*)+\d+)\b", re.IGNORECASE)
SEEDS_BEFORE = re.compile(r"\bseeds?\s*$", re.IGNORECASE)


def seed_lists_of(
    named: NamedGroups, numbers: Sequence[Printed], line: int, context: str, block: int
) -> Iterator[Claim]:
    """Yield the lists of values of seeds in a sentence.

    Args:
        named: The sentence, and where it names which group.
        numbers: In it.
        line: Where it stands.
        context: The sentence and its heading.
        block: The number that its claims share.
    """
    text = named.text
    end = 0
    for numbers_of_list in _lists(text, numbers):
        first, last = numbers_of_list[0], numbers_of_list[-1]
        lead = text[end : first.start]
        if SEEDS_BEFORE.search(lead):  # "seeds 0, 1 and 2" are names
            continue
        start, end = end, last.end
        if not OF_SEEDS.search(lead) or not LEADS_TO.search(lead) or OTHER.search(lead):
            continue
        groups = named.within(start, first.start) or named.everyone
        names = NAMED_SEEDS.search(lead)
        seeds = re.findall(r"\d+", names[1]) if names else []
        if seeds and len(seeds) != len(numbers_of_list):
            continue
        yield Claim(
            "seeds",
            line,
            text[first.start : last.end].strip(),
            groups=groups if len(groups) == 1 else (),
            numbers=tuple(numbers_of_list),
            context=context,
            block=block,
            metric=metric_at(text, first.start, last.end, ()),
            test=" ".join(f"seed{int(seed)}" for seed in seeds),
        )


def _lists(text: str, numbers: Sequence[Printed]) -> Iterator[list[Printed]]:
    """Yield the numbers that follow each other with nothing but commas and "and" between them."""
    current: list[Printed] = []
    for number in numbers:
        if current and BETWEEN.fullmatch(text[current[-1].end : number.start]):
            current.append(number)
            continue
        if len(current) >= FEWEST:
            yield current
        current = [number]
    if len(current) >= FEWEST:
        yield current


def check_seed_list(claim: Claim, book: Book) -> Verdict:
    """Return whether the numbers of a list are the values of seeds."""
    group = book.only_group(claim)
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    if why := why_of_another(claim, claim.only_group, book):
        return unchecked(claim, why)
    most = 0
    for sample in book.groups.samples(group).values():
        wrong = _wrong_numbers(claim, sample)
        if not wrong:
            return holds(claim, sample.source)
        most = max(most, len(claim.numbers) - len(wrong))
    last = book.groups.sample(group, "last")
    if last is None or most < max(FEWEST, len(claim.numbers) - 1):
        return unchecked(claim, "fewer of its numbers are values of seeds than would show that it is of them")
    if len(claim.numbers) > last.n:
        return unchecked(claim, f"it lists {len(claim.numbers)} seeds, and {last.n} have a result")
    printed = ", ".join(number.text for number in _wrong_numbers(claim, last))
    values = ", ".join(f"{seed} {value:.6g}" for seed, value in last.values.items())
    return refuted(
        claim,
        rule="value",
        words=f"{printed} is printed in a list of its seeds; they end at {values}.",
    )


def _wrong_numbers(claim: Claim, sample: Sample) -> list[Printed]:
    """Return the numbers that are not the value of their seed, or, without names, of any free one."""
    seeds = claim.test.split()
    if seeds:
        pairs = zip(claim.numbers, seeds, strict=True)
        return [
            number
            for number, seed in pairs
            if seed not in sample.values or not fits(number, sample.value_of(seed))
        ]
    free = sorted(sample.values, key=sample.values.__getitem__)
    wrong = []
    for number in sorted(claim.numbers, key=lambda printed: printed.value):
        fitting = [seed for seed in free if fits(number, sample.value_of(seed))]
        if fitting:
            free.remove(fitting[0])
        else:
            wrong.append(number)
    return wrong

"""At which step does a group reach a value: "a reaches a loss of 3.5 at step 2000, b at 2500"?

A seed reaches a value at its first evaluation that is at least as good. The printed step may be that of the
mean curve, or the mean or median of the seeds' steps. Between two evaluations a curve may be interpolated, so
that any step between the first seed's last evaluation before the value and the last seed's first one after it
is possible; outside of these the step is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

from ired_diag.claims.book import Book
from ired_diag.claims.claim import Claim, Verdict, holds, refuted, unchecked
from ired_diag.claims.known_samples import why_unknown
from ired_diag.claims.metrics import metric_at
from ired_diag.claims.named_groups import NamedGroups
from ired_diag.claims.numbers import Printed
from ired_diag.claims.other_number import why_of_another
from ired_diag.claims.ranges import Range, fits, is_far
from ired_diag.comparison.seeds import Seed

REACHES = re.compile(
    r"\b(?:reach(?:es|ed)?|gets?|got|falls?|fell|drops?|dropped|goes|passes|passed|crosses|crossed|hits?|attains?)\s+"
    r"(?:(?:to|below|under|above)\s+)?(?:(?:an?|the)\s+)?(?:[^\W\d][\w-]*\s+){0,3}?(?:of\s+|below\s+|under\s+|above\s+)?$",
    re.IGNORECASE,
)
AT_STEP = re.compile(r"\s*(?:at|after|by)\s+(?:about\s+)?(?P<unit>step|iteration|epoch)\s+$", re.IGNORECASE)
AFTER_STEPS = re.compile(r"\s*(?:after|in|within)\s+$", re.IGNORECASE)
STEPS = re.compile(r"\s*(?:training\s+)?(?:steps|iterations|epochs)\b", re.IGNORECASE)
NEXT = re.compile(
    r"\s*(?:,|;|,?\s*and)\s*(?:the\s+)?(?P<name>\x00)\s*(?:only\s+)?(?:at|after)\s+(?:step\s+|epoch\s+)?$",
    re.I,
)
NOT = re.compile(r"\b(?:not|never|n['\u2019]t|no)\b", re.IGNORECASE)


def steps_to_value_of(
    named: NamedGroups, numbers: Sequence[Printed], line: int, context: str, block: int
) -> Iterator[Claim]:
    """Yield the steps at which groups reach a value.

    Args:
        named: The sentence, and where it names which group.
        numbers: In it.
        line: Where it stands.
        context: The sentence and its heading.
        block: The number that its claims share.
    """
    text = named.text
    value: Printed | None = None
    end = 0
    for number in numbers:
        is_next = value is not None and _follows(named, end, number)
        if value is not None and (is_next or _is_step(text, value, number)):
            groups = named.within(end, number.start) if is_next else _groups_before(named, value)
            yield Claim(
                "steps to a value",
                line,
                number.text,
                groups=groups if len(groups) == 1 else (),
                numbers=(number, value),
                context=context,
                block=block,
                metric=metric_at(text, value.start, value.end, ()),
            )
            end = number.end
            continue
        value = None
        if (
            REACHES.search(text[: number.start])
            and not number.percent
            and not NOT.search(text[: number.start])
        ):
            value = number


def _is_step(text: str, value: Printed, number: Printed) -> bool:
    """Say whether a number is the step of the value right before it."""
    between = text[value.end : number.start]
    if number.unit < 1:
        return False
    if AT_STEP.fullmatch(between):
        return True
    return AFTER_STEPS.fullmatch(between) is not None and STEPS.match(text, number.end) is not None


def _follows(named: NamedGroups, end: int, number: Printed) -> bool:
    """Say whether a number is the step of the next group: ", the baseline at 2500"."""
    if not end or number.unit < 1:
        return False
    between = named.text[end : number.start]
    for start, stop, _ in named.at:
        if end <= start and stop <= number.start:
            between = between[: start - end] + "\x00" + between[stop - end :]
            return NEXT.fullmatch(between) is not None
    return False


def _groups_before(named: NamedGroups, value: Printed) -> tuple[str, ...]:
    """Return the group named before a value; the only one of the sentence where none is."""
    return named.within(0, value.start) or named.everyone


def check_steps_to_value(claim: Claim, book: Book) -> Verdict:
    """Return whether a group reaches a value at the step that is printed."""
    group = book.only_group(claim)
    if group is None:
        return unchecked(claim, why_unknown(claim, book))
    step, value = claim.numbers
    last = book.groups.sample(group, "last")
    why = why_of_another(claim, claim.only_group, book)
    if why or last is None or is_far(value.value, last.mean.middle):
        return unchecked(claim, why or "it may be of another metric")
    seeds = book.groups.members[group].seeds
    lower = book.groups.lower_is_better
    crossings = [_crossing(seed, value.value, lower_is_better=lower) for seed in seeds]
    if not all(math.isfinite(first) for _, first in crossings):
        return unchecked(claim, "not all seeds reach the value")
    steps = [first for _, first in crossings]
    for candidate in (
        float(np.mean(steps)),
        float(np.median(steps)),
        *_of_mean_curve(seeds, value.value, lower),
    ):
        if fits(step, Range.exactly(candidate)):
            return holds(claim, f"the runs of {group} reach {value.text} at step {candidate:g}")
    earliest = min(before for before, _ in crossings)
    latest = max(steps)
    if earliest <= step.value <= latest or step.relation:
        return unchecked(claim, "between which evaluations the value is reached is not said")
    return refuted(
        claim,
        rule="steps",
        words=f"{value.text} is said to be reached at step {step.text}; the first evaluations of the runs of "
        f"{group} that reach it are at steps {min(steps):g} to {latest:g}.",
        evidence={"earliest": min(steps), "latest": latest},
    )


def _crossing(seed: Seed, value: float, *, lower_is_better: bool) -> tuple[float, float]:
    """Return the last step before a seed reaches a value, and the first at which it has; NaN if never."""
    reached = seed.values <= value if lower_is_better else seed.values >= value
    places = np.flatnonzero(reached)
    if not len(places):
        return math.nan, math.nan
    first = int(places[0])
    before = float(seed.steps[first - 1]) if first else 0.0
    return before, float(seed.steps[first])


def _of_mean_curve(seeds: Sequence[Seed], value: float, lower_is_better: bool) -> list[float]:
    """Return the step at which the mean curve reaches a value, where all seeds share their steps."""
    steps = seeds[0].steps
    if any(not np.array_equal(steps, seed.steps) for seed in seeds):
        return []
    mean = np.mean([seed.values for seed in seeds], axis=0)
    places = np.flatnonzero(mean <= value if lower_is_better else mean >= value)
    return [float(steps[places[0]])] if len(places) else []

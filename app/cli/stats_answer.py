"""The answer of ``ired-diag stats`` in a few lines; ``--full`` prints the numbers behind it.

Of two groups it has at most ten lines: seeds without a number, the metric and the readout, the verdict, the
means, what can turn the verdict around, what would decide it, and the command for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from app.cli import output
from app.cli.stats_groups import left_out_and_metric, print_groups
from app.cli.stats_skill import print_skill
from app.cli.stats_tables import print_noise, print_sweep
from app.cli.table_width import terminal_width
from app.cli.wrapping import broken

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison

MANY = 10  # pairs: beyond, those that are decided stand first
MOST_PAIRS = 20  # lines
MOST_LINES = 10  # of the answer on two groups


def print_answer(comparison: Comparison, everything: str, when: str = "") -> None:
    """Print the conclusion of a comparison.

    Args:
        comparison: A comparison of one group or more.
        everything: Command that prints all of it.
        when: Command that compares whole curves; empty where it is not called for.
    """
    if len(comparison.pairs) == 1:
        _print(answer_on_two(comparison, most=MOST_LINES - 1 if when else MOST_LINES))
    else:
        _print(left_out_and_metric(comparison))
        print_groups(comparison, brief=len(comparison.pairs) > 1)
        _print(_of_many(comparison))
    if comparison.skill is not None:
        click.echo()
        print_skill(comparison.skill)
    if comparison.sweep is not None:
        print_sweep(comparison.sweep)
    if not comparison.pairs:
        print_noise(comparison)
    if when:
        output.print_lines([f"whole curves: {when}"])
    output.print_lines([f"all numbers: {everything}"])


def _print(lines: Iterator[str] | list[str]) -> None:
    output.print_lines(broken(list(lines), terminal_width(), indent="  "))


def answer_on_two(comparison: Comparison, *, most: int = MOST_LINES) -> Iterator[str]:
    """Yield the lines of the answer on two groups, with the last line of the screen at most so many."""
    facts = list(_facts_on_two(comparison))
    yield from _by_group(comparison.left_out, most=most - 1 - len(facts))
    yield from facts


def _facts_on_two(comparison: Comparison) -> Iterator[str]:
    """Yield the metric, the verdict, the means, and what can turn the verdict around."""
    from ired_diag.comparison import answer_words, words

    (pair,) = comparison.pairs
    metric = [comparison.metric_words, answer_words.readout_in_words(comparison), comparison.other_sets]
    yield "; ".join(filter(None, metric))
    yield words.verdict_of(pair, comparison)
    if not pair.identical:
        yield answer_words.means_in_words(comparison)
    yield from answer_words.cautions_of(pair, comparison)


def _by_group(sentences: Sequence[str], *, most: int) -> Iterable[str]:
    """Return what is left out: a line for each sentence where there is room, else a line for each group."""
    if len(sentences) <= most:
        return sentences
    groups: dict[str, list[str]] = {}
    for sentence in sentences:
        group, _, words = sentence.partition(": ")
        groups.setdefault(group, []).append(words)
    return [f"{group}: {' '.join(words)}" for group, words in groups.items()]


def _of_many(comparison: Comparison) -> Iterator[str]:
    """Yield a line for each pair; of many pairs, for those that are decided."""
    from ired_diag.comparison import answer_words, words

    pairs = comparison.compared_pairs
    apart = len(comparison.pairs) - len(pairs)
    if apart:
        yield (
            f"{apart} of {len(comparison.pairs)} pairs of groups solve different problems: raw "
            f"{comparison.shown_metric} is not compared between them, skill is (below)."
        )
    if len(pairs) > MANY:
        yield words.count_of_different(comparison)
        pairs.sort(key=lambda pair: pair.verdict.decision == "undecided")
    for pair in pairs[:MOST_PAIRS]:
        yield words.verdict_of(pair, comparison)
    if hidden := pairs[MOST_PAIRS:]:
        undecided = sum(pair.verdict.decision == "undecided" for pair in hidden)
        yield f"and {len(hidden)} more pairs, {undecided} of them undecided"
    yield from answer_words.cautions_of_many(comparison)

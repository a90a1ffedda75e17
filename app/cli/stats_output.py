"""What ``ired-diag stats --full`` prints: means, verdicts, and all numbers behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from app.cli import output, stats_tables
from app.cli.stats_groups import left_out_and_metric, print_groups
from app.cli.stats_skill import print_skill
from app.cli.stats_tests import print_tests
from app.cli.table_width import terminal_width
from app.cli.wrapping import broken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ired_diag.comparison import Comparison

MANY = 10  # pairs: beyond, each pair gets one line


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison: means, verdicts, then the numbers behind them."""
    width = terminal_width()
    output.print_lines(broken(left_out_and_metric(comparison), width, indent="  "))
    print_groups(comparison)
    output.print_lines(broken(list(_verdicts(comparison)), width, indent="    "))
    if comparison.pairs:
        click.echo()
    if not any(group.values for group in comparison.groups):
        return
    everything = comparison
    comparison = replace(comparison, pairs=comparison.compared_pairs)
    if comparison.pairs and len(comparison.pairs) <= MANY:
        print_tests(comparison)
        if not comparison.of_tables:
            stats_tables.print_readouts(comparison)
        stats_tables.print_sizes(comparison)
        stats_tables.print_per_sample(comparison)
        stats_tables.print_criteria(comparison)
    if comparison.skill is not None:
        print_skill(comparison.skill)
    if comparison.sweep is not None:
        stats_tables.print_sweep(comparison.sweep)
    stats_tables.print_noise(everything)
    stats_tables.print_ranks(everything)


def _verdicts(comparison: Comparison) -> Iterator[str]:
    """Yield the verdict on each pair; with few pairs also the caveats of each verdict."""
    from ired_diag.comparison import words

    few = len(comparison.pairs) <= MANY
    if not few:
        yield words.count_of_different(comparison)
    for pair in comparison.pairs:
        yield words.verdict_of(pair, comparison)
        if few:
            for caveat in words.caveats_of(pair, comparison):
                yield f"  - {caveat}"

"""The command that compares whole curves, where single numbers of them do not agree.

Two groups whose readouts contradict each other, or whose trainings have different lengths, differ in more
than one number can say: ``ired-diag when A B`` tells from which step on they are apart.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from app.cli.same_command import chosen_options
from app.next_command import PROGRAM, Place

if TYPE_CHECKING:
    from ired_diag.comparison import Comparison

SHARED = (
    *("runs", "metric", "higher_is_better", "paired", "include_incomplete"),
    *("group_by", "ignore_key", "seed_key", "step", "pattern", "metric_names"),
)  # options of both commands


def when_command(context: click.Context, comparison: Comparison) -> str:
    """Return the command; empty where it is not called for, or where no command line can name the groups."""
    pair = _pair_that_calls_for_it(comparison)
    if pair is None or context.params.get("labels"):
        return ""
    experiments = list(map(str, context.params["experiments"]))
    options = chosen_options(context, SHARED)
    if len(experiments) == len(comparison.groups) == 2:
        return shlex.join([PROGRAM, "when", *experiments, *options])
    paths = tuple(experiments)
    if set(paths) <= {group.name for group in comparison.groups}:
        return shlex.join([PROGRAM, "when", *pair, *options])
    return Place(paths=paths).of_groups("when", pair, *options) or ""


def _pair_that_calls_for_it(comparison: Comparison) -> tuple[str, str] | None:
    """Return the names of the first pair whose readouts disagree, else whose trainings differ in length."""
    if comparison.of_tables:
        return None
    pairs = comparison.compared_pairs
    last_steps = {group.name: group.step for group in comparison.groups}
    calling = [pair for pair in pairs if pair.flips]
    calling += [pair for pair in pairs if last_steps[pair.a] != last_steps[pair.b]]
    for pair in calling:
        return pair.a, pair.b
    return None

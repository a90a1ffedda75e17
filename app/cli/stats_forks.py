"""The answer of ``stats --forks``: which change mends the training that was forked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from app.cli import output
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from ired_diag.fork_comparison import Change, Forks

COLUMNS = ("change", "n", "best", "at step", "last", "curve", "effect")
MOST_NAMED = 3


def print_forks(forks: Forks, experiment: str) -> None:
    """Print the sentence and the table of the forks at one step."""
    for sentence in sentences(forks):
        click.echo(click.wrap_text(sentence, width=100))
    click.echo()
    nothing_to_mend = forks.needs_no_mending
    rows = [_cells(change, nothing_to_mend=nothing_to_mend) for change in forks.changes]
    if forks.unchanged is not None:
        rows.insert(0, _cells(forks.unchanged, nothing_to_mend=nothing_to_mend))
    output.print_table(
        f"{experiment} from step {forks.step}: {forks.metric}, means of the seeds",
        COLUMNS,
        rows,
        first_out=("at step", "n"),
        keep=("change", "last", "effect"),
        last_is_text=True,
        caption="\n".join(_caption(forks)),
    )


def sentences(forks: Forks) -> Iterator[str]:
    """Yield what came of the changes, in sentences."""
    mending, count = forks.named("mends"), counted(len(forks.changes), "change")
    before = f"than the training ever was up to step {forks.step} ({forks.before:.4g})"
    if not mending:
        yield f"Of {count} none ends better {before}."
    else:
        named = ", ".join(f"{change.name} ({change.last:.4g})" for change in mending[:MOST_NAMED])
        if len(mending) > MOST_NAMED:
            named += f" and {len(mending) - MOST_NAMED} more"
        yield f"Of {count} {_ends(len(mending))} better {before}: {named}."
    if forks.needs_no_mending and forks.unchanged is not None:
        better = ", ".join(change.name for change in _better_than_unchanged(forks)) or "none"
        yield (
            f"Unchanged it ends better too ({forks.unchanged.last:.4g}): there was nothing to mend. Of the "
            f"changes, these end better than it does unchanged: {better}."
        )
    holding = forks.named("holds")
    if holding:
        named = ", ".join(change.name for change in holding)
        yield f"No worse than at the step: {named}."
    for change in forks.named("changed nothing"):
        sentence = f"{change.name} changed nothing: every logged number is that of the training it left"
        yield f"{sentence}; {change.reason}." if change.reason else f"{sentence}."


def _better_than_unchanged(forks: Forks) -> list[Change]:
    """Return the changes whose mean last value is better than that of the unchanged trainings."""
    if forks.unchanged is None:
        return []
    better = []
    for change in forks.changes:
        gain = forks.unchanged.last - change.last
        if not change.seeds[0].lower_is_better:
            gain = -gain
        if gain > 0:
            better.append(change)
    return better


def _ends(count: int) -> str:
    return "one ends" if count == 1 else f"{count} end"


def _cells(change: Change, *, nothing_to_mend: bool) -> tuple[str, ...]:
    steps = sorted({seed.best_step for seed in change.seeds})
    at = str(steps[0]) if len(steps) == 1 else f"{steps[0]}-{steps[-1]}"
    shapes = sorted({seed.shape for seed in change.seeds})
    return (
        change.name,
        str(len(change.seeds)),
        output.number(change.best, ".5g"),
        at,
        output.number(change.last, ".5g"),
        ", ".join(shapes),
        _effect(change, nothing_to_mend=nothing_to_mend),
    )


def _effect(change: Change, *, nothing_to_mend: bool) -> str:
    """Return what came of a change; where the training ends better by itself, no change mends it."""
    if change.effect == "mends" and nothing_to_mend:
        return "better"
    return change.effect or "-"


def _caption(forks: Forks) -> Iterator[str]:
    word = "better" if forks.needs_no_mending else "mends"
    yield f"{word}: every seed ends better than it ever was before the step; holds: none ends worse"
    seeds = {len(change.seeds) for change in forks.changes}
    if max(seeds) == 1:
        yield "One seed each: what another seed would do is unknown."
    last = {seed.last_step for change in forks.changes for seed in change.seeds}
    if len(last) > 1:
        yield f"The forks end at different steps, {min(last)} to {max(last)}."

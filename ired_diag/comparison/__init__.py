"""Comparison: statistics over the seeds of two or more experiments. Runs and statistics meet only here.

What is compared is one number a seed, the readout, and conclusions change with which one: it is named, and
the others stand next to it. A seed that failed has no number: it is counted, and said first. Seeds are paired
when they match and both configurations state the same data and evaluation, never because of a p value, file
order or silence; the correlation of their fluctuations is shown as the check.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from ired_diag.comparison.correction import corrected
from ired_diag.comparison.crossed_runs import Crossed, crossed_groups, with_own_intervals, with_shared_seeds
from ired_diag.comparison.decisions import LAST, PLATEAU, readout_compared
from ired_diag.comparison.fold_runs import (
    notes_on_folds,
    notes_on_lone_folds,
    pair_with_folds,
    with_folds,
)
from ired_diag.comparison.group import Group, group_of, note_on_last_steps
from ired_diag.comparison.left_out import left_out_of
from ired_diag.comparison.margin import ONE_PERCENT, Margin, margin_of, note_on_margin
from ired_diag.comparison.members import members_of
from ired_diag.comparison.pair_of_members import pair_of_members
from ired_diag.comparison.pairing import note_on_forced, pairing_of
from ired_diag.comparison.pairs import ByReadout, PairOfGroups, Question
from ired_diag.comparison.ranking import NO_COMMON_SEED, RankTable, obstacle_to_ranks, rank_all
from ired_diag.comparison.readouts import READOUTS, Readouts, own_plateaus_in_words, read_out
from ired_diag.comparison.seeds import Members
from ired_diag.comparison.skill import SkillTable, problem_keys, skill_table
from ired_diag.comparison.sweeps import Sweep, sweep_over
from ired_diag.errors import DiagError
from ired_diag.progress_of_parts import Tell, untold
from ired_diag.runs.direction import Direction, Source
from ired_diag.runs.judged import (
    check_logged,
    is_configured,
    logged_metrics,
    metric_in_words,
    other_sets_in_words,
    shared_direction,
    shared_metric,
)
from ired_diag.runs.run import Run
from ired_diag.runs.until import runs_until

__all__ = [
    "LAST",
    "PLATEAU",
    "READOUTS",
    "Comparison",
    "Group",
    "Margin",
    "PairOfGroups",
    "RankTable",
    "compare",
]


if TYPE_CHECKING:
    import pandas as pd

NO_PLATEAU = "No plateau in common"  # how the note begins


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison:
    """Groups, every pair of them, and their ranks.

    Attributes:
        metric: Name of the metric that is compared, as it is logged.
        readout: Which number of its curve: ``plateau``, ``last``, ``best``, ``last10`` or ``area``.
        lower_is_better: Whether a lower value of the metric is better.
        margin: What is too small to matter, as a share of the mean or in the metric's unit.
        plateau_step: Where the plateau of all curves starts; None without one.
        groups: The groups, in the order given.
        pairs: Every pair of groups, in that order.
        ranks: Ranks over shared seeds that are pairs, those that failed last; None with ``no_ranks``.
        notes: What else is to be said of what was compared.
        sweep: How the readout answers a knob; None where no knob was named.
        direction: Where the direction comes from: the user's option, the configuration, the metric's name, or
            an assumption.
        other_sets: That the models were evaluated on other data too, in words; empty where they were not.
        left_out: Which seeds have no number and why, one sentence for each group and kind: to be said first.
        no_ranks: Why there are no ranks; empty where there are.
        of_tables: Whether all numbers are those of tables, so that there are no curves to read them off.
        metric_is_configured: Whether a configuration names the metric as the one to watch.
        sharing_seeds: Names of the groups whose runs share seeds of single sources and are not independent.
        metric_label: What sentences, tables and pictures call the metric. Default: its name.
        skill: Skill of the groups, where they solve different problems; None where they solve one.
        last_common_step: The last evaluation step that all seeds have; None where all have the same steps.
        until: The step after which all curves were cut; None where they are whole.
    """

    metric: str
    readout: str
    lower_is_better: bool
    margin: Margin
    plateau_step: float | None
    groups: Sequence[Group]
    pairs: Sequence[PairOfGroups]
    ranks: RankTable | None
    notes: Sequence[str]
    sweep: Sweep | None = None
    direction: Source = "name"
    other_sets: str = ""
    left_out: Sequence[str] = ()
    no_ranks: str = ""
    of_tables: bool = False
    metric_is_configured: bool = False
    sharing_seeds: Sequence[str] = ()
    metric_label: str = ""
    skill: SkillTable | None = None
    last_common_step: float | None = None
    until: float | None = None

    def frame(self) -> pd.DataFrame:
        """Return the pairs of groups as a DataFrame: difference, interval, p values and verdict."""
        from ired_diag.comparison.frame import frame_of_comparison

        return frame_of_comparison(self)

    def groups_frame(self) -> pd.DataFrame:
        """Return the groups as a DataFrame: seeds, mean, standard deviation, interval and range."""
        from ired_diag.comparison.frame import frame_of_groups

        return frame_of_groups(self)

    def __repr__(self) -> str:
        from ired_diag.comparison import as_text

        return as_text.in_lines(self)

    def _repr_html_(self) -> str:
        from ired_diag.comparison import as_text

        return as_text.in_html(self)

    @cached_property
    def in_percent(self) -> bool:
        """Whether differences are printed in percent: where that says something of every pair and readout."""
        if self.margin.absolute:
            return False
        parts: list[PairOfGroups | ByReadout] = [*self.pairs]
        for pair in self.pairs:
            parts += pair.by_readout
        return not any(math.isfinite(part.difference) and not math.isfinite(part.reference) for part in parts)

    @property
    def compared_pairs(self) -> list[PairOfGroups]:
        """The pairs whose groups solve one problem: those of different problems are not compared."""
        return [pair for pair in self.pairs if not pair.other_problems]

    @property
    def run_noun(self) -> str:
        """What one of its runs is called: ``seed``, ``fold``, or ``run`` where groups differ in that."""
        nouns = {group.run_noun for group in self.groups}
        return nouns.pop() if len(nouns) == 1 else "run"

    @property
    def has_folds(self) -> bool:
        """Whether runs of any group are folds of a cross-validation, which are not independent."""
        return any(group.folds for group in self.groups)

    @property
    def shown_metric(self) -> str:
        """What the metric is called: the label that a user gave it, else its name."""
        return self.metric_label or self.metric

    @property
    def metric_words(self) -> str:
        """Metric and direction in words: ``metric: val_acc (higher is better, by its name)``."""
        direction = Direction(self.lower_is_better, self.direction)
        return metric_in_words(self.shown_metric, direction, is_configured=self.metric_is_configured)


def compare(
    groups: Mapping[str, Sequence[Run]],
    *,
    metric: str | None = None,
    readout: str = PLATEAU,
    lower_is_better: bool | None = None,
    include_incomplete: bool = False,
    margin: float | str | Margin = ONE_PERCENT,
    seed: int = 0,
    knob: str | None = None,
    paired: bool | None = None,
    until: float | None = None,
    tell: Tell = untold,
) -> Comparison:
    """Return the comparison of groups of seeds.

    Args:
        groups: Runs by the name of their group.
        metric: Metric to compare. Default: the one by which all runs are judged, else the most telling one
            that all groups log.
        readout: Which number of its curve; where it is withheld, because the curves have no plateau or too
            few steps in common, ``last`` is taken, and a note says why.
        lower_is_better: The direction, for verdicts, ranks and wins. Default: by configuration and name.
        include_incomplete: Keep runs that did not reach the end of their training. Their last evaluation
            is of an earlier step than that of the others.
        margin: What is too small to matter: a share of the mean, or ``Margin(0.05, absolute=True)``.
        seed: Random seed of the bootstrap, and of tests that draw.
        knob: A key of the configurations: the groups are the settings of a sweep over it.
        paired: Whether equal seeds are pairs. Default: where both configurations state the same data.
        until: The step after which all curves are cut. Default: they are whole.
        tell: Called with each pair of groups before it is compared.

    Raises:
        NotFound: No run logs the metric; or none is named, and the groups share none. No group has a seed
            with a result, or one that failed; where others have, a group without the metric is left out.
        DiagError: The readout or the margin is not one, the groups are not a sweep over the knob, or the
            configurations contradict each other about the direction.
    """
    if readout not in READOUTS:
        raise DiagError(f"Readout {readout!r} is unknown. There are: {', '.join(READOUTS)}.")
    margin = margin_of(margin)
    runs = list(itertools.chain.from_iterable(groups.values()))
    if metric and logged_metrics(runs):
        check_logged(metric, runs)
    metric = metric or shared_metric(groups)
    direction = _direction(groups, metric, lower_is_better)
    lower = direction.lower_is_better
    if until is not None:
        groups = runs_until(groups, until, metric)
    notes: list[str] = []
    members = members_of(
        groups,
        metric,
        notes,
        lower_is_better=lower,
        include_incomplete=include_incomplete,
        # Under a direction that is only assumed, a curve that seems to diverge may improve.
        judge_shape=direction.source != "assumed",
    )
    read = read_out(members, lower_is_better=lower)
    compared = readout_compared(read, readout)
    results = [group_of(each, read, compared, draw=seed) for each in members]
    notes += read.notes
    notes += _note_on_readout(read, readout, members, lower_is_better=lower)
    if len(results) != 2:  # of two groups, the verdict says it
        notes += filter(None, [note_on_last_steps(results)])
    question = Question(margin, lower, seed)
    crossed = crossed_groups(members, groups, read, compared, draw=seed)
    notes += crossed.notes()
    results = list(map(partial(with_own_intervals, crossed=crossed), results, members))
    notes += notes_on_folds(members)
    results = list(map(partial(with_folds, read=read, readout=compared), results, members))
    pairs = _pairs(
        members,
        read,
        compared,
        question,
        metric=metric,
        paired=paired,
        notes=notes,
        crossed=crossed,
        tell=tell,
    )
    notes += note_on_margin(margin, metric, [(pair.a, pair.b, pair.no_share) for pair in pairs])
    ranks, no_ranks = _ranks(members, read, compared, question, paired=paired)
    sweep = None
    if knob is not None and knob in problem_keys(members, metric):
        raise DiagError(
            f"{knob} says which problem is solved, and raw {metric} of different problems is not compared. "
            f"Leave out the sweep over {knob}: stats prints the skill of each group on its own problem."
        )
    if knob is not None:
        sweep = sweep_over(knob, members, read.values[compared], lower_is_better=lower, draw=seed)
    return Comparison(
        metric=metric,
        readout=compared,
        lower_is_better=lower,
        margin=margin,
        plateau_step=read.plateau_step,
        groups=results,
        pairs=corrected(pairs),
        ranks=ranks,
        notes=notes,
        sweep=sweep,
        direction=direction.source,
        other_sets=other_sets_in_words(metric, runs),
        left_out=left_out_of(members),
        no_ranks=no_ranks,
        of_tables=all(each.of_table for each in members),
        metric_is_configured=is_configured(metric, runs),
        sharing_seeds=tuple(crossed.results),
        skill=skill_table(members, read.values[compared], metric),
        last_common_step=read.last_common_step,
        until=until,
    )


def _direction(groups: Mapping[str, Sequence[Run]], metric: str, lower_is_better: bool | None) -> Direction:
    if lower_is_better is None:
        return shared_direction(groups, metric)
    return Direction(lower_is_better, "option")


def _note_on_readout(
    read: Readouts, readout: str, groups: Sequence[Members], *, lower_is_better: bool
) -> Iterator[str]:
    """Yield why the last evaluation is compared instead of the declared readout, where it is."""
    if readout == LAST or readout not in read.reasons:
        return
    # A table of numbers has no other readout, and needs no word about it.
    if not any(len(seed.steps) > 1 for members in groups for seed in members.seeds):
        return
    reason = read.reasons[readout]
    if readout == PLATEAU:
        own_plateaus = own_plateaus_in_words(groups, lower_is_better=lower_is_better)
        yield f"{NO_PLATEAU} ({reason}): compared by the last evaluation. {own_plateaus}".strip()
    else:
        yield f"{readout} is withheld ({reason}): compared by the last evaluation."


def _pairs(
    groups: Sequence[Members],
    read: Readouts,
    readout: str,
    question: Question,
    *,
    metric: str,
    paired: bool | None,
    notes: list[str],
    crossed: Crossed,
    tell: Tell,
) -> list[PairOfGroups]:
    """Return every pair of groups; notes on pairs of seeds that were forced are appended to ``notes``."""
    pairs = []
    both = list(itertools.combinations(groups, 2))
    for number, (a, b) in enumerate(both, start=1):
        tell(f"{a.name} and {b.name}", number, len(both))
        pairing = pairing_of(a, b, paired=paired)
        notes += filter(None, [note_on_forced(a, b, pairing)])
        pair = pair_of_members(
            a,
            b,
            read=read,
            metric=metric,
            readout=readout,
            question=question,
            pairing=pairing,
        )
        notes += notes_on_lone_folds(a, b, pairing)
        pair = with_shared_seeds(pair, a, b, crossed, question=question, pairing=pairing)
        pairs.append(pair_with_folds(pair, a, b, read, question=question, pairing=pairing))
    return pairs


def _ranks(
    groups: Sequence[Members],
    read: Readouts,
    readout: str,
    question: Question,
    *,
    paired: bool | None,
) -> tuple[RankTable | None, str]:
    """Return the ranks, and why there are none; empty where there are."""
    obstacle = obstacle_to_ranks(groups, paired=paired)
    if obstacle:
        return None, obstacle
    failed = {}
    for members in groups:
        failed[members.name] = [failure.label for failure in members.failed]
    ranks = rank_all(
        readout,
        read.values,
        [members.name for members in groups],
        lower_is_better=question.lower_is_better,
        draw=question.draw,
        failed=failed,
    )
    if ranks is None:
        return None, NO_COMMON_SEED
    return ranks, ""

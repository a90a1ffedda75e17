"""Comparison: statistics over the seeds of two or more experiments. Runs and statistics meet only here.

What is compared is one number a seed, the readout, and conclusions change with which one: it is named, and
the others stand next to it. A seed that failed has no number: it is counted, and said first. Seeds are paired
when they match and both configurations state the same data and evaluation, never because of a p value, file
order or silence; the correlation of their fluctuations is shown as the check.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ired_diag.comparison.correction import corrected
from ired_diag.comparison.criteria import criteria_of, strategy_of
from ired_diag.comparison.decisions import LAST, PLATEAU, readout_compared, sample_between
from ired_diag.comparison.identical import identical_in_words
from ired_diag.comparison.left_out import left_out_of
from ired_diag.comparison.margin import ONE_PERCENT, Margin, margin_of, note_on_margin
from ired_diag.comparison.members import members_of
from ired_diag.comparison.noise import GroupNoise, noise_between, noise_of
from ired_diag.comparison.outcomes import Outcomes, outcomes_of
from ired_diag.comparison.pairing import Pairing, note_on_forced, pairing_of
from ired_diag.comparison.pairs import ByReadout, PairOfGroups, Question, compare_pair, line_of
from ired_diag.comparison.per_sample import per_sample
from ired_diag.comparison.ranking import NO_COMMON_SEED, RankTable, obstacle_to_ranks, rank_all
from ired_diag.comparison.readouts import READOUTS, Readouts, own_plateaus_in_words, read_out
from ired_diag.comparison.seeds import Members, differing_knobs
from ired_diag.comparison.sweeps import Sweep, sweep_over
from ired_diag.errors import DiagError
from ired_diag.runs.direction import Direction, Source
from ired_diag.runs.judged import (
    is_configured,
    metric_in_words,
    other_sets_in_words,
    shared_direction,
    shared_metric,
)
from ired_diag.runs.run import Run
from ired_diag.stats.coverage import Coverage, coverage_of, holds, indicated_coverage
from ired_diag.stats.interquartile_mean import InterquartileMean, interquartile_mean
from ired_diag.stats.summary import Summary, summarise
from ired_diag.stats.verdict import Verdict

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

MOST_VERDICTS = 6  # in the text form of a comparison
NO_PLATEAU = "No plateau in common"  # how the note begins


@dataclass(frozen=True)
class Group:
    """One experiment, or one variant of it.

    Attributes:
        name: As it is printed.
        strategy: Its mining strategy, where it is of the IRED study.
        values: The declared readout of each seed that finished, by seed label; empty where all failed.
        step: The step of the last evaluation, where all seeds share it.
        summary: Mean, sd and interval over the seeds that finished.
        coverage: Simulated coverage of that interval at this n, for normal data.
        coverage_indicated: The same at the sample's skewness, which few seeds tell badly.
        interquartile_mean: Mean of the middle half of the seeds, with a bootstrap interval.
        readouts: Mean, sd and interval of every readout.
        noise: How the seeds' spread on the plateau splits.
        outcomes: How many seeds finished, and what became of the others.
    """

    name: str
    strategy: str | None
    values: Mapping[str, float]
    step: int | None
    summary: Summary
    coverage: Coverage
    coverage_indicated: Coverage
    interquartile_mean: InterquartileMean
    readouts: Mapping[str, Summary]
    noise: GroupNoise
    outcomes: Outcomes


@dataclass(frozen=True, repr=False)
class Comparison:
    """Groups, every pair of them, and their ranks.

    Attributes:
        metric: What was read out.
        readout: How: ``plateau``, ``last``, ``best``, ``last10`` or ``area``.
        lower_is_better: The direction.
        margin: What is too small to matter, as a share of the mean or in the metric's unit.
        plateau_step: Where the plateau of all curves starts; None without one.
        groups: In the order given.
        pairs: Every pair of groups, in that order.
        ranks: Over shared seeds that are pairs, those that failed last; None with ``no_ranks``.
        notes: What else is to be said of what was compared.
        sweep: How the readout answers a knob, where one was named.
        direction: Who says so: the user's option, the configuration, the metric's name, or an assumption.
        other_sets: That the models were evaluated on other data too, in words; empty where they were not.
        left_out: Which seeds have no number and why, one sentence for each group and kind: to be said first.
        no_ranks: Why there are no ranks; empty where there are.
        of_tables: Whether all numbers are those of tables, so that there are no curves to read them off.
        metric_is_configured: Whether a configuration names the metric as the one to watch.
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

    def frame(self) -> pd.DataFrame:
        """Return the pairs of groups as a DataFrame: difference, interval, p values and verdict."""
        from ired_diag.frames import frame_of_comparison

        return frame_of_comparison(self)

    def __repr__(self) -> str:
        verdicts = [f"{pair.a} and {pair.b}: {pair.verdict.reason}" for pair in self.pairs[:MOST_VERDICTS]]
        if len(self.pairs) > MOST_VERDICTS:
            verdicts.append(f"and {len(self.pairs) - MOST_VERDICTS} more pairs")
        return f"<Comparison, {self.metric_words}, {self.readout}: {'; '.join(verdicts)}>"

    def _repr_html_(self) -> str:
        from ired_diag.notebook import html_of_comparison

        return html_of_comparison(self)

    @cached_property
    def in_percent(self) -> bool:
        """Whether differences are printed in percent: where that says something of every pair and readout."""
        parts: list[PairOfGroups | ByReadout] = [*self.pairs]
        parts += [line for pair in self.pairs for line in pair.by_readout]
        differences = [part for part in parts if math.isfinite(part.difference)]
        return not self.margin.absolute and all(math.isfinite(part.reference) for part in differences)

    @property
    def metric_words(self) -> str:
        """Metric and direction in words: ``metric: val_acc (higher is better, by its name)``."""
        direction = Direction(self.lower_is_better, self.direction)
        return metric_in_words(self.metric, direction, is_configured=self.metric_is_configured)


def compare(
    groups: Mapping[str, Sequence[Run]],
    *,
    metric: str | None = None,
    readout: str = PLATEAU,
    lower_is_better: bool | None = None,
    include_incomplete: bool = False,
    margin: float | Margin = ONE_PERCENT,
    seed: int = 0,
    knob: str | None = None,
    paired: bool | None = None,
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
        seed: Of what is drawn at random.
        knob: A key of the configurations: the groups are the settings of a sweep over it.
        paired: Whether equal seeds are pairs. Default: where both configurations state the same data.

    Raises:
        NotFound: No group has a seed with a result, or one that failed; where others have, a group without
            the metric is left out. Or no metric is named, and the groups share none.
        DiagError: The readout is not known, the margin is none, the groups are no sweep over the
            knob, or the configurations contradict each other about the direction.
    """
    if readout not in READOUTS:
        raise DiagError(f"Readout {readout!r} is not known. There are: {', '.join(READOUTS)}.")
    margin = margin_of(margin)
    metric = metric or shared_metric(groups)
    direction = (
        shared_direction(groups, metric) if lower_is_better is None else Direction(lower_is_better, "option")
    )
    lower_is_better = direction.lower_is_better
    notes: list[str] = []
    members = members_of(
        groups,
        metric,
        notes,
        lower_is_better=lower_is_better,
        include_incomplete=include_incomplete,
        judge_shape=direction.source != "assumed",
    )
    read = read_out(members, lower_is_better=lower_is_better)
    notes += read.notes
    if readout in read.reasons and readout != LAST:
        why = NO_PLATEAU if readout == PLATEAU else f"{readout} is withheld"
        if any(len(seed.steps) > 1 for one in members for seed in one.seeds):  # else a table of numbers
            alone = ""
            if readout == PLATEAU:
                alone = own_plateaus_in_words(members, lower_is_better=lower_is_better)
            note = f"{why} ({read.reasons[readout]}): compared by the last evaluation."
            notes.append(f"{note} {alone}".strip())
    readout = readout_compared(read, readout)
    summaries = [_group(one, read, readout, seed) for one in members]
    notes += _apart(summaries)
    question = Question(margin, lower_is_better, seed)
    pairs = []
    for a, b in itertools.combinations(members, 2):
        pairing = pairing_of(a, b, paired=paired)
        notes += filter(None, [note_on_forced(a, b, pairing)])
        pairs.append(_pair(a, b, read, readout, question, pairing))
    notes += note_on_margin(margin, metric, [(pair.a, pair.b, pair.no_share) for pair in pairs])
    failed = {one.name: [f.label for f in one.failures if f.kind != "stopped"] for one in members}
    names = [group.name for group in summaries]
    no_ranks, ranks = obstacle_to_ranks(members, paired=paired), None
    if not no_ranks:
        ranks = rank_all(
            readout, read.values, names, lower_is_better=lower_is_better, draw=seed, failed=failed
        )
        no_ranks = NO_COMMON_SEED if ranks is None else ""
    sweep = None
    if knob is not None:
        sweep = sweep_over(knob, members, read.values[readout], lower_is_better=lower_is_better, draw=seed)
    return Comparison(
        metric,
        readout,
        lower_is_better,
        margin,
        read.plateau_step,
        summaries,
        corrected(pairs),
        ranks,
        notes,
        sweep,
        direction.source,
        other_sets_in_words(metric, [run for runs in groups.values() for run in runs]),
        left_out_of(members),
        no_ranks,
        of_tables=all(one.of_table for one in members),
        metric_is_configured=is_configured(metric, [run for runs in groups.values() for run in runs]),
    )


def _apart(groups: Sequence[Group]) -> list[str]:
    """Return a note where the groups were last evaluated at different steps."""
    finished = [group for group in groups if group.outcomes.finished]
    steps = {group.step for group in finished}
    if not finished or (len(steps) == 1 and None not in steps):
        return []
    told = ", ".join(f"{group.name} at {group.step or 'several steps'}" for group in finished)
    return [f"The last evaluations are of different steps: {told}."]


def _group(members: Members, read: Readouts, readout: str, draw: int) -> Group:
    values = read.values[readout][members.name]
    steps = {int(seed.steps[-1]) for seed in members.seeds}
    every = {name: summarise(list(read.values[name][members.name].values())) for name in READOUTS}
    return Group(
        members.name,
        strategy_of(members),
        values,
        steps.pop() if len(steps) == 1 else None,
        summarise(list(values.values())),
        coverage_of("t", len(values)),
        indicated_coverage("t", list(values.values())),
        _middle(list(values.values()), draw),
        every,
        noise_of(read.windows[members.name], read.plateau_reason if members.seeds else "no seed finished"),
        outcomes_of(members),
    )


def _middle(values: list[float], draw: int) -> InterquartileMean:
    """Return the interquartile mean, without its interval where that does not hold."""
    found, n = interquartile_mean(values, seed=draw), len(values)
    if found.reason or holds("interquartile_mean", n):
        return found
    return replace(
        found, low=math.nan, high=math.nan, reason=f"at n = {n} the simulated coverage of its interval fails"
    )


def _pair(
    a: Members, b: Members, read: Readouts, readout: str, question: Question, pairing: Pairing
) -> PairOfGroups:
    samples_of = {name: sample_between(a, b, read.values[name], pairing) for name in READOUTS}
    lost = " or ".join(members.name for members in (a, b) if not members.seeds)
    withheld = dict.fromkeys(READOUTS, f"no seed of {lost} finished") if lost else read.reasons
    identical = {
        name: identical_in_words(a, b, *(read.values[name][m.name] for m in (a, b))) for name in READOUTS
    }
    lines = [
        line_of(name, sample, question, withheld=withheld.get(name, ""), identical=bool(identical[name]))
        for name, sample in samples_of.items()
    ]
    noise = noise_between(read.windows[a.name], read.windows[b.name], pairing.shared, draw=question.draw)
    pair = compare_pair(samples_of[readout], question, lines, noise)
    samples = per_sample(a, b, [] if pairing.obstacle else pairing.shared, draw=question.draw)
    criteria = criteria_of(a, b, pair, samples, lower_is_better=question.lower_is_better)
    if told := identical[readout]:
        verdict = Verdict("identical", False, f"{a.name} and {b.name} are {told}")
        pair = replace(pair, verdict=verdict, uncorrected=verdict)
    return replace(
        pair,
        identical=identical[readout],
        pairing=pairing.evidence,
        per_sample=samples,
        criteria=criteria,
        differing=differing_knobs(a, b),
    )

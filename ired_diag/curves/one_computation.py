"""Whether two runs are one computation: the same digits in every metric that both log.

Times, memory and schedules (learning rate, epoch) are not results: their differences refute nothing and their
equality proves nothing. A schedule is known by its name or by its form (``curves.schedule_form``), unless its
name is that of a measure or it is what the run is judged by: seeds of one exploration schedule whose rewards
are all 0 are still seeds. One result that differs once refutes it. How much equal digits prove is said by
``curves.agreement``.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ired_diag.config_keys import METADATA
from ired_diag.curves.agreement import FEWEST, Agreement, agreement_of
from ired_diag.curves.schedule_form import is_schedule
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import measures_in, words_of
from ired_diag.runs.planned_steps import planned_steps
from ired_diag.runs.run import Run

# Words of metrics that the machine decides: they differ between equal computations.
OF_THE_MACHINE = frozenset(
    """
    cpu date duration elapsed eta fps gb gpu host it latency mb mem memory ms power ram runtime sec second
    seconds speed temperature throughput time timestamp util utilization utilisation wall
    """.split()
)
# Words of metrics that the settings decide: they are equal in different computations.
OF_THE_SCHEDULE = frozenset(
    "batch beta epoch epochs flops iter iteration kimg lr momentum progress samples schedule step steps "
    "timesteps tokens weight".split()
)
# Words of what a batch holds: it is equal wherever the data come in one order.
OF_THE_DATA = frozenset("len length num number padding seq size".split())
UNREAD = frozenset((*METADATA, "experiment_name", "seed", "train_steps"))
# Keys that say what a run is called. A name may also say what a run does, so they count with no other key.
OF_NAMES = frozenset("exp exp_name experiment group label name run run_name tag tags title".split())
# Words of keys that say how a run is logged, saved or stopped, not what it computes.
OF_BOOKKEEPING = frozenset(
    """
    checkpoint checkpoints ckpt compile dir every freq frequency interval keep log logger logging output
    patience prefetch print project resume save tensorboard threads verbose wandb worker workers
    """.split()
)
HALF = 0.5  # of the longer run


@dataclass(frozen=True)
class Pair:
    """Two runs that agree in all that they log.

    Attributes:
        a: The first run.
        b: The second run.
        agreements: The agreement of each metric, by its name.
    """

    a: Run
    b: Run
    agreements: dict[str, Agreement]

    @property
    def runs(self) -> tuple[Run, Run]:
        """The two runs."""
        return self.a, self.b

    @property
    def steps(self) -> int:
        """How many steps they share."""
        return max(agreement.steps for agreement in self.agreements.values())

    @property
    def reach(self) -> float:
        """Which share of the longer run, as planned if that is stated, the common steps span."""
        longest = 0
        for run in self.runs:
            longest = max(longest, run.history.last_step or 0)
            if not run.ending.complete:
                longest = max(longest, planned_steps(run) or 0)
        if longest <= 0:
            return 1.0
        return max(agreement.last for agreement in self.agreements.values()) / longest

    @property
    def bits(self) -> float:
        """What the agreement tells, of all results together."""
        return sum(
            agreement.bits for name, agreement in self.agreements.items() if _is_evidence(name, self.a)
        )

    @property
    def has_different_seeds(self) -> bool:
        """Whether both seeds are known and differ."""
        return None not in (self.a.seed, self.b.seed) and self.a.seed != self.b.seed


def equal_pairs(runs: Sequence[Run]) -> Iterator[Pair]:
    """Yield pairs of runs that agree in every metric, in digits that prove it."""
    runs_of: dict[tuple[str | float, ...], list[Run]] = defaultdict(list)
    for run in runs:
        start = _start(run)
        if start:
            runs_of[start].append(run)
    for alike in runs_of.values():
        for a, b in itertools.combinations(alike, 2):
            pair = _pair(a, b)
            if pair is not None:
                yield pair


def _start(run: Run) -> tuple[str | float, ...]:
    """Return a result and its first values, which runs that agree have in common; nothing without any."""
    logged = run.history.series
    results = [name for name in logged if len(logged[name]) >= FEWEST and is_result(name)]
    if not results:
        return ()
    name = run.evaluated[0] if run.evaluated else ""
    if name not in results:
        name = min(results)
    first_values = logged[name].values[:FEWEST].tolist()
    return (name, *first_values)


def _pair(a: Run, b: Run) -> Pair | None:
    """Return two runs that agree in every metric; None where a metric differs, or nothing is proved."""
    x, y = a.history.series, b.history.series
    agreements = {}
    for name in x:
        if name not in y or not is_computed(name):
            continue
        agreement = agreement_of_series(x[name], y[name])
        if agreement is not None:
            agreements[name] = agreement
        elif not set(x[name].steps.tolist()).isdisjoint(y[name].steps.tolist()):
            return None
    if not any(agreement.proves and _is_evidence(name, a) for name, agreement in agreements.items()):
        return None
    return Pair(a, b, agreements)


def are_one_computation(a: Run, b: Run) -> bool:
    """Say whether two runs agree in every metric that both log, in digits that prove it."""
    return _pair(a, b) is not None


def is_copy(a: Run, b: Run) -> bool:
    """Say whether two runs are one computation over half of the longer one at least."""
    pair = _pair(a, b)
    return pair is not None and pair.reach >= HALF


def agreement_of_series(series: Series, other: Series) -> Agreement | None:
    """Return how far two curves agree; None where they differ at a common step, or share none."""
    return agreement_of(series.steps, series.values, other.steps, other.values)


def is_computed(name: str) -> bool:
    """Say whether a metric is the same in equal computations."""
    return not OF_THE_MACHINE.intersection(words_of(name))


def is_result(name: str) -> bool:
    """Say whether a metric is another in different computations, as far as its name tells."""
    return is_computed(name) and not (OF_THE_SCHEDULE | OF_THE_DATA).intersection(words_of(name))


def _is_evidence(name: str, run: Run) -> bool:
    """Say whether equal digits of a metric tell anything: it was measured, and follows from no schedule."""
    if not is_result(name):
        return False
    if name == run.judging_metric or measures_in(words_of(name)):
        return True
    series = run.history.series[name]
    return not is_schedule(series.steps, series.values)


def differing_settings(a: Run, b: Run) -> list[str]:
    """Return the keys that differ and say what is computed; none where a configuration is unknown."""
    x, y = a.settings, b.settings
    if not x or not y:
        return []
    differing = []
    for key in {**x, **y}:
        is_read = key not in UNREAD and OF_BOOKKEEPING.isdisjoint(words_of(key))
        if is_read and x.get(key) != y.get(key):
            differing.append(key)
    return differing

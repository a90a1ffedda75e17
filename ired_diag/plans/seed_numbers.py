"""One number for each seed, as a prediction asks for it, and how many seeds lack one.

Which seeds: of each group the n with the lowest seed numbers; further ones are set aside before anything is
measured, and counted. Runs without a seed come last, in the order of their labels.

Metrics are read by ``comparison.compare``, so which runs failed, which did not finish, and which seeds are
pairs is decided there, as for ``ired-diag stats``. Tables of probes are read as they lie in the runs'
folders; nothing is measured.
"""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ired_diag import experiments
from ired_diag.comparison import Comparison, Group, compare
from ired_diag.comparison.seeds import seconds_between
from ired_diag.errors import DiagError, NotFound
from ired_diag.plans.declared import Prediction
from ired_diag.plans.groups import Groups
from ired_diag.plans.probe_rows import NotProbed, number_of_rows
from ired_diag.runs.name_list import first_names
from ired_diag.runs.run import Run

MOST_NAMED = 3  # seeds in one sentence

Values = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class SeedNumbers:
    """The numbers of the seeds that a prediction is about.

    Attributes:
        a: Number of each seed of the group by its label.
        b: The same of the other group; empty of a threshold.
        is_paired: Whether equal seeds are pairs; then both hold the same labels.
        pairing: Why they are pairs, or are not; empty of a threshold.
        outcomes: How many of the group's seeds finished and how many were attempted, where this was asked.
        runs: The runs that are used.
        set_aside: Further runs of these groups, which are not used.
        missing: Why nothing can be tested; empty where something can.
        command: Command that would make what is missing; empty where nothing is known to.
        notes: What else is to be said of the numbers.
    """

    a: Mapping[str, float] = field(default_factory=dict)
    b: Mapping[str, float] = field(default_factory=dict)
    is_paired: bool = False
    pairing: str = ""
    outcomes: tuple[int, int] | None = None
    runs: Sequence[Run] = ()
    set_aside: Sequence[Run] = ()
    missing: str = ""
    command: str = ""
    notes: Sequence[str] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """How many seeds each group has a number of; of pairs, how many pairs."""
        if self.outcomes is not None:
            return (self.outcomes[1],)
        if self.is_paired or not self.b:
            return (len(self.a),)
        return len(self.a), len(self.b)


def numbers_for(prediction: Prediction, groups: Groups, makes: Mapping[str, str]) -> SeedNumbers:
    """Return the number of each seed that a prediction is about.

    Args:
        prediction: The prediction.
        groups: The groups of the plan.
        makes: Command that makes the runs of a group, by its name.
    """
    chosen: dict[str, list[Run]] = {}
    set_aside: list[Run] = []
    missing = command = ""
    for name in filter(None, (prediction.group, prediction.against)):
        try:
            label, runs = groups.called(name, prediction.metric)
        except NotFound as error:
            missing = missing or str(error)
            command = command or makes.get(name, "") or _training_of(name, prediction.n, groups.folder)
        except DiagError as error:
            missing = missing or str(error)
        else:
            if label in chosen:
                missing = missing or f"{prediction.group} and {prediction.against} mean the same group."
            chosen[label] = runs[: prediction.n]
            set_aside += runs[prediction.n :]
    if missing:
        every_run = list(itertools.chain.from_iterable(chosen.values()))
        return SeedNumbers(runs=every_run, set_aside=set_aside, missing=missing, command=command)
    if prediction.probe:
        return _of_probe(prediction, chosen, groups.folder, set_aside)
    if prediction.of_run == "seconds":
        return _of_times(prediction, chosen, set_aside)
    return _of_curves(prediction, chosen, set_aside)


def _training_of(name: str, seeds: int, folder: Path) -> str:
    """Return the command that trains an experiment; empty where none has this name."""
    experiment = name.partition("@")[0]
    numbers = [full_name.partition("_")[0] for full_name in experiments.names()]
    if experiment not in numbers:
        return ""
    last = seeds - 1
    words = ["ired-diag", "train", name, "--seeds", f"0-{last}", "--runs", str(folder)]
    return shlex.join(words)


def _of_curves(
    prediction: Prediction, groups: Mapping[str, Sequence[Run]], set_aside: Sequence[Run]
) -> SeedNumbers:
    """Return the readouts of a metric, or which runs finished."""
    every_run = [run for runs in groups.values() for run in runs]
    paired = {"auto": None, "paired": True, "unpaired": False}[prediction.test]
    lower_is_better = None
    if prediction.higher_is_better is not None:
        lower_is_better = not prediction.higher_is_better
    try:
        comparison = compare(
            groups,
            metric=prediction.metric or None,
            readout=prediction.readout,
            lower_is_better=lower_is_better,
            paired=paired,
        )
    except DiagError as error:
        return SeedNumbers(runs=every_run, set_aside=set_aside, missing=str(error).removeprefix("--"))
    by_name = {group.name: group for group in comparison.groups}
    absent = [name for name in groups if name not in by_name]
    missing = ""
    if absent:
        notes = " ".join(comparison.notes)
        names = ", ".join(absent)
        missing = f"{names} has no number of {comparison.metric}. {notes}".strip()
    elif prediction.metric and comparison.readout != prediction.readout:
        missing = _withheld(comparison, prediction)
    if missing:
        return SeedNumbers(runs=every_run, set_aside=set_aside, missing=missing)
    compared = [by_name[name] for name in groups]
    if prediction.of_run == "finished":
        return _of_outcomes(compared[0], every_run, set_aside)
    a = dict(compared[0].values)
    b: Values = {}
    is_paired, pairing = False, ""
    if len(compared) == 2:
        b = dict(compared[1].values)
        (pair,) = comparison.pairs
        is_paired = not pair.obstacle
        pairing = pair.pairing or pair.obstacle
        if prediction.test != "auto":
            pairing = _as_planned(prediction)
    return _paired(
        SeedNumbers(
            a=a,
            b=b,
            is_paired=is_paired,
            pairing=pairing,
            runs=every_run,
            set_aside=set_aside,
            missing=_failures(compared),
            notes=[] if _failures(compared) else list(comparison.left_out),
        )
    )


def _withheld(comparison: Comparison, prediction: Prediction) -> str:
    reasons = [note for note in comparison.notes if "compared by the last evaluation" in note]
    why = " ".join(reasons) or f"only {comparison.readout} is there."
    return f"The declared readout {prediction.readout} is not available: {why}"


def _failures(groups: Sequence[Group]) -> str:
    """Return which groups have failed seeds; empty where none has."""
    sentences = []
    for group in groups:
        failed = [failure for failure in group.outcomes.failures if failure.is_of_method]
        if failed:
            labels = [failure.label for failure in failed]
            seeds = first_names(labels, MOST_NAMED)
            attempted = group.outcomes.attempted
            count = f"{len(failed)} of {attempted} seeds of {group.name}"
            sentences.append(f"{count} failed ({seeds})")
    if not sentences:
        return ""
    return f"{'; '.join(sentences)}: a mean over the others would be one of survivors."


def _of_outcomes(group: Group, runs: Sequence[Run], set_aside: Sequence[Run]) -> SeedNumbers:
    outcomes = group.outcomes
    missing = ""
    if not outcomes.attempted:
        missing = f"No run of {group.name} finished or failed: all were stopped, or are still running."
    return SeedNumbers(
        outcomes=(outcomes.finished, outcomes.attempted),
        runs=runs,
        set_aside=set_aside,
        missing=missing,
    )


def _of_times(
    prediction: Prediction, groups: Mapping[str, Sequence[Run]], set_aside: Sequence[Run]
) -> SeedNumbers:
    """Return how long each run trained, where it records both times."""
    seconds: list[Values] = []
    without = []
    for runs in groups.values():
        values = {}
        for run in runs:
            started = run.provenance.get("started")
            ended = run.provenance.get("ended")
            time = seconds_between(started, ended)
            if run.ending.state == "complete" and math.isfinite(time):
                values[run.seed_label] = time
            else:
                without.append(run.label)
        seconds.append(values)
    notes = []
    if without:
        listed = first_names(without, MOST_NAMED)
        notes.append(f"{len(without)} runs did not end, or do not record start and end ({listed}).")
    return _chosen_pairs(prediction, seconds, groups, set_aside, notes)


def _of_probe(
    prediction: Prediction, groups: Mapping[str, Sequence[Run]], folder: Path, set_aside: Sequence[Run]
) -> SeedNumbers:
    """Return a statistic of the kept table of a probe, of each run."""
    every_run = [run for runs in groups.values() for run in runs]
    numbers: list[Values] = []
    settings: dict[str, str] = {}
    notes: list[str] = []
    for runs in groups.values():
        values: Values = {}
        for run in runs:
            try:
                measured = number_of_rows(prediction, run)
            except NotProbed as error:
                return SeedNumbers(
                    runs=every_run,
                    set_aside=set_aside,
                    missing=str(error),
                    command=_probe_command(prediction, list(groups), folder),
                )
            except DiagError as error:
                return SeedNumbers(runs=every_run, set_aside=set_aside, missing=str(error))
            settings[measured.settings] = run.label
            values[run.seed_label] = measured.value
            notes += measured.notes
        numbers.append(values)
    if len(settings) > 1:
        labels = ", ".join(settings.values())
        return SeedNumbers(
            runs=every_run,
            set_aside=set_aside,
            missing=f"The probe was put with different numbers of problems or seeds ({labels}).",
            command=f"{_probe_command(prediction, list(groups), folder)} --again",
        )
    return _chosen_pairs(prediction, numbers, groups, set_aside, list(dict.fromkeys(notes)))


def _probe_command(prediction: Prediction, names: Sequence[str], folder: Path) -> str:
    words = ["ired-diag", "probe", prediction.probe, *names, "--runs", str(folder)]
    if prediction.checkpoint != "last":
        words += ["--checkpoint", str(prediction.checkpoint)]
    if prediction.weights:
        words += ["--weights", prediction.weights]
    return shlex.join(words)


def _chosen_pairs(
    prediction: Prediction,
    numbers: Sequence[Values],
    groups: Mapping[str, Sequence[Run]],
    set_aside: Sequence[Run],
    notes: Sequence[str],
) -> SeedNumbers:
    """Return numbers of seeds that are pairs only where the plan says so."""
    b: Values = {}
    pairing = ""
    if len(numbers) == 2:
        b = numbers[1]
        pairing = _as_planned(prediction)
    return _paired(
        SeedNumbers(
            a=numbers[0],
            b=b,
            is_paired=len(numbers) == 2 and prediction.test == "paired",
            pairing=pairing,
            runs=[run for runs in groups.values() for run in runs],
            set_aside=set_aside,
            notes=notes,
        )
    )


def _as_planned(prediction: Prediction) -> str:
    return "the plan says so" if prediction.test == "paired" else "the plan does not pair them"


def _paired(numbers: SeedNumbers) -> SeedNumbers:
    """Return numbers of which, where they are pairs, both groups hold the same seeds in the same order."""
    a = _finite(numbers.a)
    b = _finite(numbers.b)
    if not numbers.is_paired:
        return replace(numbers, a=a, b=b)
    shared = [label for label in a if label in b]
    return replace(
        numbers,
        a={label: a[label] for label in shared},
        b={label: b[label] for label in shared},
    )


def _finite(values: Mapping[str, float]) -> Values:
    return {label: value for label, value in values.items() if math.isfinite(value)}

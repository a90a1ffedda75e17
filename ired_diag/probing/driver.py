"""Put probes to checkpoints: mine once for all that look at negatives, measure, compare, keep.

What was measured before with the same settings is read, not measured again; what is measured is written
before the next checkpoint is touched, so that an interrupted run of many goes on where it stopped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ired_diag.errors import CannotWrite, DiagError, NotApplicable
from ired_diag.finding import Finding
from ired_diag.probe import Probe
from ired_diag.probing.pictures import draw, trend_figure
from ired_diag.probing.tables import Key, ProbeTable
from ired_diag.probing.targets import Opened, Target
from ired_diag.runs.checkpoint import Weights
from ired_diag.subject import Subject
from ired_diag.table import Table, check_table, concatenate

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What is asked of each target.

    Attributes:
        probes: What is asked.
        weights: Which; None for each probe's own choice.
        samples: Problems; None for each probe's own number.
        seed: Of problems, noise and directions: the same for all that are to be compared.
        figures: Whether to draw ``all`` checkpoints, the ``last`` of each run, or ``none``.
        again: Measure also what was measured before.
    """

    probes: Sequence[Probe]
    weights: Weights | None = None
    samples: int | None = None
    seed: int = 0
    figures: Literal["all", "last", "none"] = "last"
    again: bool = False


@dataclass(frozen=True)
class Answer:
    """What a probe found in a model at one checkpoint.

    Attributes:
        label: Of the run or model.
        probe: Name of the probe.
        checkpoint: The file.
        step: Its step, where it is told.
        weights: Which weights.
        finding: The answer in one sentence.
        comparison: Effects or summaries with intervals.
        table: The table's file.
        figures: Picture files, where it was drawn.
        notes: What is odd about the checkpoint or its configuration.
        known: Whether it was measured before and only read now.
    """

    label: str
    probe: str
    checkpoint: Path
    step: int | None
    weights: Weights
    finding: Finding
    comparison: Table
    table: Path
    figures: Sequence[Path]
    notes: Sequence[Finding]
    known: bool


@dataclass(frozen=True)
class Trend:
    """What a probe found over training in one run.

    Attributes:
        label: Of the run.
        probe: Name of the probe.
        weights: Which weights.
        steps: Of the checkpoints.
        finding: The answer in one sentence.
        figures: Picture files.
    """

    label: str
    probe: str
    weights: Weights
    steps: Sequence[int]
    finding: Finding
    figures: Sequence[Path]


@dataclass(frozen=True)
class Unanswered:
    """A probe, or all, that could not be put to a target, and why."""

    label: str
    probe: str
    checkpoint: Path
    reason: str


def put_probes(
    targets: Sequence[Target], request: Request, *, progress: Progress = lambda done, total: None
) -> Iterator[Answer | Unanswered]:
    """Yield what each probe finds in each target, target by target, as it is known and written.

    Args:
        targets: Checkpoints and models.
        request: What is asked.
        progress: Called with the number of answers given and to be given.

    Raises:
        CannotWrite: A table cannot be written, or is about another run.
        UnreadableFile: A table is damaged, or the only target is.
        WrongCheckpoint: The only target is of another architecture, or lacks the weights asked for.
        NotApplicable: The only probe cannot be put to the only target.
    """
    total = len(targets) * len(request.probes)
    alone = total == 1
    done = 0
    progress(done, total)
    for target in targets:
        answered = 0
        for found in _put_to_one(target, request, alone=alone, single=len(targets) == 1):
            answered += 1
            progress(done + answered, total)
            yield found
        done += len(request.probes)
        progress(done, total)


def _put_to_one(
    target: Target, request: Request, *, alone: bool, single: bool
) -> Iterator[Answer | Unanswered]:
    try:
        opened = target.read()
        for weights, probes in _by_weights(opened, request).items():
            yield from _ask(target, opened, weights, probes, request, alone=alone)
    except DiagError as error:
        if single or isinstance(error, CannotWrite):
            raise
        yield Unanswered(target.label, "", target.file, str(error).removeprefix(f"{target.file}: "))


def _by_weights(opened: Opened, request: Request) -> dict[Weights, list[Probe]]:
    found: dict[Weights, list[Probe]] = defaultdict(list)
    for probe in request.probes:
        found[opened.weights_for(probe, request.weights)].append(probe)
    return found


def _ask(
    target: Target,
    opened: Opened,
    weights: Weights,
    probes: Sequence[Probe],
    request: Request,
    *,
    alone: bool,
) -> Iterator[Answer | Unanswered]:
    """Yield the answers of the probes that look at the same weights: first those that are known."""
    unknown: list[tuple[Probe, Subject, Key]] = []
    for probe in probes:
        subject = opened.subject(weights, probe, request.samples, request.seed)
        key = opened.key(weights, probe, subject)
        known = None if request.again else _table(target, probe).find(key)
        if known is None:
            unknown.append((probe, subject, key))
        else:
            yield _answer(target, opened, probe, key, known, request, known=True)
    for probe, key, rows in _measured(unknown):
        if isinstance(rows, NotApplicable):
            if alone:
                raise NotApplicable(f"{target.file}: the probe {probe.name} {rows}.") from rows
            yield Unanswered(target.label, probe.name, target.file, str(rows))
            continue
        check_table(rows, probe.columns, probe.name)
        _table(target, probe).put(key, rows)
        yield _answer(target, opened, probe, key, rows, request, known=False)


def _measured(
    unknown: Sequence[tuple[Probe, Subject, Key]],
) -> Iterator[tuple[Probe, Key, Table | NotApplicable]]:
    """Yield each probe's table; those that look at as many negatives share their mining."""
    together: dict[int, list[tuple[Probe, Subject, Key]]] = defaultdict(list)
    for probe, subject, key in unknown:
        if probe.negatives:
            together[subject.samples].append((probe, subject, key))
    for group in together.values():
        tables = _measured_on_negatives([probe for probe, _, _ in group], group[0][1])
        yield from ((probe, key, tables[probe.name]) for probe, _, key in group)
    for probe, subject, key in unknown:
        if not probe.negatives:
            try:
                yield probe, key, probe.measure(subject)
            except NotApplicable as error:
                yield probe, key, error


def _measured_on_negatives(probes: Sequence[Probe], subject: Subject) -> Mapping[str, Table | NotApplicable]:
    """Return each probe's table over all negatives, which are mined once, chunk by chunk."""
    parts: dict[str, list[Table]] = {probe.name: [] for probe in probes}
    refused: dict[str, NotApplicable] = {}
    for chunk in subject.chunks():
        for probe in probes:
            if probe.name not in refused:
                try:
                    parts[probe.name].append(probe.measure(chunk))
                except NotApplicable as error:
                    refused[probe.name] = error
    return {name: refused[name] if name in refused else concatenate(p) for name, p in parts.items()}


def _table(target: Target, probe: Probe) -> ProbeTable:
    return ProbeTable(target.folder / f"{probe.name}.parquet", probe, str(target.source.resolve()))


def _answer(
    target: Target, opened: Opened, probe: Probe, key: Key, rows: Table, request: Request, *, known: bool
) -> Answer:
    comparison = probe.comparison(rows)
    figures = []
    if request.figures == "all" or (request.figures == "last" and target.last):
        stem = probe.name if key.step is None else f"{probe.name}-step-{key.step:09d}"
        figures = draw(lambda: probe.figure(rows), stem, key.columns(), target.folder)
    return Answer(
        target.label,
        probe.name,
        target.file,
        key.step,
        key.weights,
        probe.conclude(rows, comparison),
        comparison,
        _table(target, probe).path,
        figures,
        opened.notes,
        known,
    )


def trends(answers: Sequence[Answer], probes: Sequence[Probe], *, figures: bool = True) -> Iterator[Trend]:
    """Yield what each probe found over training, run by run: where it looked at several checkpoints.

    Args:
        answers: Of any runs and probes.
        probes: Those that were asked.
        figures: Whether to draw.
    """
    together: dict[tuple[str, str, Weights], dict[int, Answer]] = defaultdict(dict)
    for answer in answers:
        if answer.step is not None:
            together[answer.label, answer.probe, answer.weights][answer.step] = answer
    known = {probe.name: probe for probe in probes}
    for (label, name, weights), by_step in together.items():
        if len(by_step) < 2:
            continue
        steps, probe = sorted(by_step), known[name]
        findings = [by_step[step].finding for step in steps]
        folder = by_step[steps[-1]].table.parent
        drawn: list[Path] = []
        if figures and probe.headlines:
            told = {"steps": steps, "weights": weights, "evidence": [dict(f.evidence) for f in findings]}
            picture = partial(trend_figure, probe, steps, findings)
            drawn = draw(picture, f"{name}-over-training", told, folder)
        yield Trend(label, name, weights, steps, probe.trend(steps, findings), drawn)

"""Put probes to checkpoints: mine once for all that look at negatives, measure, compare, keep.

What was measured before with the same settings is read, not measured again; what is measured is written
before the next checkpoint is touched, so that an interrupted run of many goes on where it stopped.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from ired_diag.errors import CannotWrite, DiagError, NotApplicable
from ired_diag.finding import Finding
from ired_diag.probing.measuring import Measured, Question
from ired_diag.probing.pictures import draw, trend_figure
from ired_diag.probing.probe import Probe
from ired_diag.probing.tables import Key, ProbeTable
from ired_diag.probing.targets import Opened, Target
from ired_diag.probing.workers import Workers
from ired_diag.runs.checkpoint import Weights
from ired_diag.table import Table, check_table

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What is asked of each target.

    Attributes:
        probes: What is asked.
        weights: Which; None for each probe's own choice.
        samples: Problems; None for each probe's own number.
        precision_of: Standard error to reach, as a share of the mean, for the probes that can.
        seed: Of problems, noise and directions: the same for all that are to be compared.
        figures: Whether to draw ``all`` checkpoints, the ``last`` of each run, or ``none``.
        again: Measure also what was measured before.
    """

    probes: Sequence[Probe]
    weights: Weights | None = None
    samples: int | None = None
    precision_of: float | None = None
    seed: int = 0
    figures: Literal["all", "last", "none"] = "last"
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a probe found in a model at one checkpoint.

    Attributes:
        label: Of the run or model.
        probe: Name of the probe.
        checkpoint: The file.
        step: Its training step, where it is recorded.
        weights: Which weights.
        finding: The answer in one sentence.
        comparison: Effects or summaries with intervals.
        table: The table's file.
        figures: Picture files, where it was drawn.
        notes: What is odd about the checkpoint or its configuration.
        known: Whether it was measured before and only read now.
        where: Values of the columns of the table's file that select its rows.
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
    where: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True)
class _Job:
    """The probes that are put to a target with the same weights.

    Attributes:
        target: The target.
        size: How many probes.
        opened: The model, if it could be read.
        earlier: Probe, key and rows of what was measured before.
        questions: What is to be measured.
        keys: What its rows are kept under.
        error: Why it could not be read.
    """

    target: Target
    size: int
    opened: Opened | None = None
    earlier: list[tuple[Probe, Key, Table]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    error: DiagError | None = None


def put_probes(
    targets: Sequence[Target],
    request: Request,
    *,
    progress: Progress = lambda done, total: None,
    workers: Workers | None = None,
    raises_alone: bool = True,
) -> Iterator[Answer | Unanswered]:
    """Yield what each probe finds in each target, target by target, as it is known and written.

    Args:
        targets: Checkpoints and models.
        request: Which probes to put, and how.
        progress: Called with the number of answers given and to be given.
        workers: Who measures and draws; pictures may be drawn later than they are named.
        raises_alone: Whether what is wrong with the only target is raised; else it is yielded, as it is for
            one of several.

    Raises:
        CannotWrite: A table cannot be written, or is about another run.
        UnreadableFile: A table is damaged, or the only target is.
        WrongCheckpoint: The only target is of another architecture, or lacks the weights asked for.
        NotApplicable: The only probe cannot be put to the only target.
    """
    total, done = len(targets) * len(request.probes), 0
    workers = workers or Workers()
    progress(done, total)
    # Targets are read as their turn comes, so that few are held in memory.
    jobs = itertools.chain.from_iterable(_jobs(target, request) for target in targets)
    for job, measured in workers.measure(jobs):
        answered = 0
        try:
            alone = raises_alone and total == 1
            for answer in _answers(job, measured, request, workers, alone=alone):
                answered += 1
                progress(done + answered, total)
                yield answer
        except DiagError as error:
            only_target = raises_alone and len(targets) == 1
            if only_target or isinstance(error, CannotWrite):
                raise
            file, label = job.target.file, job.target.label
            reason = str(error).removeprefix(f"{file}: ").removeprefix(f"{label}: ")
            yield Unanswered(label, "", file, reason)
        done += job.size
        progress(done, total)


def _jobs(target: Target, request: Request) -> Iterator[_Job]:
    """Yield a target's jobs: the probes that look at the same weights are one job."""
    left = len(request.probes)
    try:
        opened = target.read()
        for weights, probes in _by_weights(opened, request).items():
            yield _job(target, opened, weights, probes, request)
            left -= len(probes)
    except DiagError as error:
        yield _Job(target, left, error=error)


def _by_weights(opened: Opened, request: Request) -> dict[Weights, list[Probe]]:
    by_weights: dict[Weights, list[Probe]] = defaultdict(list)
    for probe in request.probes:
        weights = opened.weights_for(probe, request.weights)
        by_weights[weights].append(probe)
    return by_weights


def _job(target: Target, opened: Opened, weights: Weights, probes: Sequence[Probe], request: Request) -> _Job:
    """Return what was measured of a target with certain weights, and what is to be measured."""
    job = _Job(target, len(probes), opened)
    for probe in probes:
        subject = opened.subject(
            weights,
            probe,
            request.samples,
            request.seed,
            precision_of=request.precision_of,
        )
        key = opened.key(weights, probe, subject)
        rows = None
        if not request.again:
            rows = table_of(target, probe).find(key)
        if rows is not None:
            job.earlier.append((probe, key, rows))
            continue
        job.questions.append(Question(probe, subject))
        job.keys.append(key)
    return job


def _answers(
    job: _Job, measured: Iterable[Measured], request: Request, workers: Workers, *, alone: bool
) -> Iterator[Answer | Unanswered]:
    """Yield a job's answers: first those measured before, then what is measured; each is written first."""
    if job.error is not None or job.opened is None:
        raise job.error or ValueError("a job without a model")
    target, notes = job.target, job.opened.notes
    for probe, key, stored_rows in job.earlier:
        finding, comparison = _concluded(probe, stored_rows)
        table_of(target, probe).note_answer(key, stored_rows, finding)
        yield Answer(
            label=target.label,
            probe=probe.name,
            checkpoint=target.file,
            step=key.step,
            weights=key.weights,
            finding=finding,
            comparison=comparison,
            table=table_of(target, probe).path,
            figures=_figures(target, probe, key, stored_rows, request=request, workers=workers),
            notes=notes,
            known=True,
            where=key.columns(),
        )
    for question, key, rows in zip(job.questions, job.keys, measured, strict=True):
        probe = question.probe
        if isinstance(rows, NotApplicable):
            if alone:
                raise NotApplicable(f"{target.file}: the probe {probe.name} {rows}.") from rows
            yield Unanswered(target.label, probe.name, target.file, str(rows))
            continue
        check_table(rows, probe.columns, probe.name)
        finding, comparison = _concluded(probe, rows)
        path = table_of(target, probe).put(key, rows, finding)
        yield Answer(
            label=target.label,
            probe=probe.name,
            checkpoint=target.file,
            step=key.step,
            weights=key.weights,
            finding=finding,
            comparison=comparison,
            table=path,
            figures=_figures(target, probe, key, rows, request=request, workers=workers),
            notes=notes,
            known=False,
            where=key.columns(),
        )


def table_of(target: Target, probe: Probe) -> ProbeTable:
    """Return the table of a probe in which the rows of a target stand."""
    return ProbeTable(target.folder / f"{probe.name}.parquet", probe, str(target.source.resolve()))


def _concluded(probe: Probe, rows: Table) -> tuple[Finding, Table]:
    """Return the answer to rows, and the comparison behind it."""
    comparison = probe.comparison(rows)
    return probe.conclude(rows, comparison), comparison


def _figures(
    target: Target, probe: Probe, key: Key, rows: Table, *, request: Request, workers: Workers
) -> list[Path]:
    """Return the picture files of a probe's rows; none where they are not drawn."""
    wanted = request.figures == "all" or (request.figures == "last" and target.last)
    if not wanted:
        return []
    stem = probe.name
    if key.step is not None:
        stem = f"{probe.name}-step-{key.step:09d}"
    return draw(lambda: probe.figure(rows), stem, key.columns(), target.folder, workers)


def trends(
    answers: Sequence[Answer],
    probes: Sequence[Probe],
    *,
    figures: bool = True,
    workers: Workers | None = None,
) -> Iterator[Trend]:
    """Yield what each probe found over training, run by run: where it looked at several checkpoints.

    Args:
        answers: Answers of any runs and probes.
        probes: The probes that were put.
        figures: Whether to draw.
        workers: Who draws.
    """
    together: dict[tuple[str, str, Weights], dict[int, Answer]] = defaultdict(dict)
    for answer in answers:
        if answer.step is not None:
            together[answer.label, answer.probe, answer.weights][answer.step] = answer
    by_name = {probe.name: probe for probe in probes}
    for (label, name, weights), by_step in together.items():
        if len(by_step) < 2:
            continue
        steps = sorted(by_step)
        probe = by_name[name]
        findings = [by_step[step].finding for step in steps]
        folder = by_step[steps[-1]].table.parent
        drawn: list[Path] = []
        if figures and probe.headlines:
            evidence = [dict(finding.evidence) for finding in findings]
            # Its digest decides whether the picture is drawn again.
            content = {"steps": steps, "weights": weights, "evidence": evidence}
            picture = partial(trend_figure, probe, steps, findings)
            drawn = draw(picture, f"{name}-over-training", content, folder, workers or Workers())
        yield Trend(
            label=label,
            probe=name,
            weights=weights,
            steps=steps,
            finding=probe.trend(steps, findings),
            figures=drawn,
        )

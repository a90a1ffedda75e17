"""Measure what probes ask of one model: those that look at as many negatives share their mining."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ired_diag.errors import NotApplicable
from ired_diag.probing.probe import Probe
from ired_diag.side_by_side import inner_threads, side_by_side
from ired_diag.subject import Subject
from ired_diag.table import Table, concatenate

Measured = Table | NotApplicable


@dataclass(frozen=True)
class Question:
    """A probe, and what it is put to."""

    probe: Probe
    subject: Subject


def measure(questions: Sequence[Question]) -> Iterator[Measured]:
    """Yield each probe's table, or why it has none; those that look at as many negatives share them."""
    together: dict[int, list[Question]] = defaultdict(list)
    for question in questions:
        if question.probe.negatives:
            together[question.subject.samples].append(question)
    mined: dict[int, Mapping[str, Measured]] = {}
    for question in questions:
        samples = question.subject.samples
        if not question.probe.negatives:
            try:
                question.probe.check(question.subject)
                yield question.probe.measure(question.subject)
            except NotApplicable as error:
                yield error
            continue
        # Probes that look at as many negatives share their mining.
        if samples not in mined:
            probes = [companion.probe for companion in together[samples]]
            mined[samples] = _measured_on_negatives(probes, question.subject)
        yield mined[samples][question.probe.name]


def _measured_on_negatives(probes: Sequence[Probe], subject: Subject) -> Mapping[str, Measured]:
    """Return each probe's table over all negatives, which are mined once, chunk by chunk."""
    parts: dict[str, list[Table]] = {probe.name: [] for probe in probes}
    refused: dict[str, NotApplicable] = {}
    for probe in probes:
        try:
            probe.check(subject)
        except NotApplicable as error:
            refused[probe.name] = error
    if len(refused) == len(probes):
        return refused
    asked = [probe for probe in probes if probe.name not in refused]
    numbers = subject.chunk_numbers
    chunks = side_by_side(
        functools.partial(_measured_on_chunk, asked, subject),
        numbers,
        at_once=subject.side_by_side,
        inner=inner_threads(len(numbers)),
    )
    for measured_on_chunk in chunks:
        for name, table in measured_on_chunk.items():
            if isinstance(table, NotApplicable):
                refused[name] = table
            else:
                parts[name].append(table)
    measured: dict[str, Measured] = dict(refused)
    for name, of_chunks in parts.items():
        if name not in refused:
            measured[name] = concatenate(of_chunks)
    return measured


def _measured_on_chunk(probes: Sequence[Probe], subject: Subject, number: int) -> dict[str, Measured]:
    """Return each probe's table over one chunk of negatives, mined now."""
    chunk = subject.chunk(number)
    tables: dict[str, Measured] = {}
    for probe in probes:
        try:
            tables[probe.name] = probe.measure(chunk)
        except NotApplicable as error:
            tables[probe.name] = error
    return tables

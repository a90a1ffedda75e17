"""Putting probes to checkpoints: mined once, measured once, kept at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import ired_diag.subject
from ired_diag.errors import CannotWrite, NotApplicable
from ired_diag.figures.data import FigureData, Line, Panel
from ired_diag.finding import Finding
from ired_diag.model.mined_batch import mine_batch
from ired_diag.probe import Headline, Probe
from ired_diag.probing.driver import Answer, Request, Unanswered, put_probes, trends
from ired_diag.probing.tables import Key, ProbeTable
from ired_diag.probing.targets import Opened, Target
from ired_diag.runs.checkpoint import Weights
from ired_diag.subject import Subject
from ired_diag.table import Column, Table, read_table

Make = Callable[..., Subject]


class Counting:
    """A probe's measure that counts how often it is asked."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.calls = 0
        self.refuse = refuse

    def __call__(self, subject: Subject) -> Table:
        self.calls += 1
        if self.refuse:
            raise NotApplicable("needs a left-handed energy")
        batch = subject.negatives
        values = batch.candidates["adversarial"].mean((0, 2)) if batch else torch.ones(subject.samples)
        return {"value": values.double().numpy(), "word": np.full(len(values), "x")}


def probe_of(measure: Counting, name: str = "counting", *, negatives: bool = True) -> Probe:
    def conclude(table: Table, comparison: Table) -> Finding:
        return Finding(
            name, "note", "Counted.", {"mean": float(table["value"].mean()), "n": len(table["value"])}
        )

    def compare(table: Table) -> Table:
        return {"mean": np.array([table["value"].mean()]), "reason": np.array([""])}

    def figure(table: Table) -> FigureData:
        values = table["value"]
        panel = Panel("value", (Line("value", np.arange(len(values)), values),))
        return FigureData(name, "Values", "sample", (panel,), "values")

    columns = (Column("value", "1", "a value"), Column("word", "1", "a word"))
    compared = (Column("mean", "1", "mean"), Column("reason", "1", "why not"))
    headline = (Headline("mean", "mean value"),)
    return Probe(
        name,
        "How often?",
        columns,
        measure,
        compared,
        compare,
        conclude,
        figure,
        headline,
        needs=("negatives",) if negatives else (),
    )


@pytest.fixture
def target_of(tmp_path: Path, network_subject: Make) -> Callable[..., Target]:
    """A function (step, broken=False) that returns a target; each step has weights of its own."""

    def make(step: int, *, broken: bool = False, weights: tuple[Weights, ...] = ("raw", "ema")) -> Target:
        def read() -> Opened:
            if broken:
                raise CannotWrite("no") if step < 0 else NotApplicable("step is torn")
            subject = network_subject(seed=step)
            return Opened(step, weights, lambda w: subject, lambda w: f"{step}{w}")

        return Target("q1/seed0", tmp_path, tmp_path / f"step-{step}", tmp_path / "probes", read, step == 3)

    return make


def answers_of(found: list[Answer | Unanswered]) -> list[Answer]:
    return [one for one in found if isinstance(one, Answer)]


def test_what_was_measured_is_not_measured_again_unless_something_changed(
    target_of: Callable[..., Target],
) -> None:
    measure = Counting()
    request = Request([probe_of(measure)], samples=5)
    first, second = (answers_of(list(put_probes([target_of(1)], request)))[0] for _ in range(2))
    assert (measure.calls, first.known, second.known) == (1, False, True)
    assert second.finding == first.finding
    for changed in (
        replace(request, seed=1),
        replace(request, samples=6),
        replace(request, weights="ema"),
        replace(request, again=True),
        replace(request, probes=[replace(request.probes[0], version=2)]),
    ):
        before = measure.calls
        list(put_probes([target_of(1)], changed))
        assert measure.calls == before + 1
    list(put_probes([target_of(2)], request))  # other tensors
    assert measure.calls == 7
    rows, _ = read_table(first.table)
    assert len(rows["value"]) == 5 + 5 + 6 + 5 + 5 + 5  # `again` replaced its own


def test_negatives_are_mined_once_for_all_probes_and_chunk_by_chunk(
    target_of: Callable[..., Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    mined: list[int] = []
    mine = mine_batch

    def counted(*arguments: object, **keys: int) -> object:
        mined.append(keys["samples"])
        return mine(*arguments, **keys)  # type: ignore[arg-type]

    monkeypatch.setattr(ired_diag.subject, "mine_batch", counted)
    monkeypatch.setattr(ired_diag.subject, "CHUNK", 4)
    probes = [probe_of(Counting(), "one"), probe_of(Counting(), "two")]
    one, two = answers_of(list(put_probes([target_of(1)], Request(probes, samples=10))))
    assert mined == [4, 4, 2]
    assert one.finding.evidence == two.finding.evidence


def test_an_interrupted_run_goes_on_where_it_stopped(target_of: Callable[..., Target]) -> None:
    measure = Counting()
    targets = [target_of(step) for step in (1, 2, 3)]
    request = Request([probe_of(measure)], samples=4, figures="none")
    for number, _ in enumerate(put_probes(targets, request)):
        if number == 1:
            break  # as Ctrl-C does: the generator is left
    assert measure.calls == 2
    assert [answer.known for answer in answers_of(list(put_probes(targets, request)))] == [True, True, False]
    assert measure.calls == 3


def test_one_checkpoint_that_cannot_be_read_keeps_the_others_from_nothing(
    target_of: Callable[..., Target],
) -> None:
    told: list[tuple[int, int]] = []
    request = Request([probe_of(Counting())], samples=3, figures="none")
    targets = [target_of(1), target_of(2, broken=True), target_of(3)]
    found = list(put_probes(targets, request, progress=lambda done, total: told.append((done, total))))
    assert [type(one).__name__ for one in found] == ["Answer", "Unanswered", "Answer"]
    assert told[-1] == (3, 3)
    with pytest.raises(NotApplicable, match="torn"):
        list(put_probes([target_of(2, broken=True)], request))


def test_a_probe_that_does_not_apply_is_left_out_of_many_and_refused_alone(
    target_of: Callable[..., Target],
) -> None:
    odd, plain = probe_of(Counting(refuse=True), "odd"), probe_of(Counting(), "plain")
    found = list(put_probes([target_of(1)], Request([odd, plain], samples=3, figures="none")))
    assert {type(one).__name__: one.probe for one in found} == {"Unanswered": "odd", "Answer": "plain"}
    with pytest.raises(NotApplicable, match="the probe odd needs a left-handed energy"):
        list(put_probes([target_of(1)], Request([odd], samples=3)))


def test_weights_that_are_not_there_give_way_to_those_that_are_unless_asked_for(
    target_of: Callable[..., Target],
) -> None:
    probe = replace(probe_of(Counting()), weights="ema")
    (answer,) = put_probes([target_of(1, weights=("raw",))], Request([probe], samples=3, figures="none"))
    assert isinstance(answer, Answer)
    assert answer.weights == "raw"


def test_over_training_every_headline_is_drawn_and_told(target_of: Callable[..., Target]) -> None:
    probe = probe_of(Counting())
    targets = [target_of(step) for step in (3, 1, 2)]
    answers = answers_of(list(put_probes(targets, Request([probe], samples=4))))
    (trend,) = trends(answers, [probe])
    means = {answer.step: answer.finding.evidence["mean"] for answer in answers}
    assert trend.steps == [1, 2, 3]
    assert (trend.finding.evidence["first"], trend.finding.evidence["last"]) == (means[1], means[3])
    assert trend.finding.evidence["low"] == min(means.values())  # type: ignore[type-var]
    assert {path.suffix for path in trend.figures} == {".pdf", ".png", ".html"}
    assert [bool(answer.figures) for answer in answers] == [True, False, False]  # only the last of the run


def test_a_picture_is_drawn_again_only_when_it_shows_something_else(
    target_of: Callable[..., Target],
) -> None:
    probe = probe_of(Counting())

    def drawn(**keys: int) -> int:
        (answer,) = put_probes([target_of(3)], Request([probe], **keys))  # type: ignore[arg-type]
        assert isinstance(answer, Answer)
        return answer.figures[0].stat().st_mtime_ns

    first = drawn(samples=3)
    assert drawn(samples=3) == first
    other = drawn(samples=4)
    assert other > first
    assert drawn(samples=3) > other


def test_the_table_of_another_run_is_never_touched(tmp_path: Path) -> None:
    probe, key = probe_of(Counting()), Key(1, "raw", {})
    rows = {"value": np.ones(2), "word": np.array(["a", "b"])}
    path = tmp_path / "counting.parquet"
    ProbeTable(path, probe, "/one").put(key, rows)
    before = path.read_bytes()
    other = ProbeTable(path, probe, "/other")
    with pytest.raises(CannotWrite, match="holds the table of /one"):
        other.find(key)
    with pytest.raises(CannotWrite, match="holds the table of /one"):
        other.put(key, rows)
    assert path.read_bytes() == before
    found = ProbeTable(path, probe, "/one").find(key)
    assert found is not None
    assert found["word"].tolist() == ["a", "b"]

"""Answers that probes share: bit by bit those of sampling again, and no other model's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

import probes
from ired_diag.errors import DiagError
from ired_diag.inverse.frozen_answers import KeptAnswers
from ired_diag.inverse.frozen_set import PIECE, frozen_set
from ired_diag.inverse.matrices import MatrixData
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.inverse.sample_size import MOST, PILOT, samples_for, samples_of
from ired_diag.probing.measuring import Question, measure
from ired_diag.stats.summary import summarise
from ired_diag.subject import Subject
from ired_diag.table import Table, select

Make = Callable[..., Subject]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def tables(subject: Subject, *names: str) -> list[Table]:
    questions = [Question(probes.load(name), replace(subject, samples=600)) for name in names]
    measured = []
    for table in measure(questions):
        assert isinstance(table, dict)
        measured.append(table)
    return measured


def equal(a: Table, b: Table) -> bool:
    return all(np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f") for name in a)


def test_floor_after_accuracy_samples_nothing_and_says_the_same(
    network_subject: Make, monkeypatch: pytest.MonkeyPatch, two_threads: None
) -> None:
    subject = network_subject(rank=4)
    (alone,) = tables(replace(subject, kept={}), "floor")
    probe = probes.load("floor")
    tables(subject, "accuracy")

    def refuse(*_: object) -> None:
        raise AssertionError("sampled again")

    monkeypatch.setattr(KeptAnswers, "sampled", refuse)
    after = probe.measure(replace(subject, samples=600))
    assert equal(alone, after)


def test_another_model_gets_no_answers_of_the_first(network_subject: Make) -> None:
    subject = network_subject()
    chunk = next(frozen_set(MatrixData(rank=3), 4))
    first = KeptAnswers(subject).last(chunk.problem, chunk.start)
    energy = subject.energy_of(EnergyNetwork)
    longer = {name: 2 * tensor for name, tensor in energy.parameters.items()}
    other = replace(subject, energy=replace(energy, parameters=longer))
    second = KeptAnswers(other).last(chunk.problem, chunk.start)
    assert not torch.equal(first.answer, second.answer)
    none = KeptAnswers(subject, inner_steps=0).last(chunk.problem, chunk.start)
    assert not torch.equal(first.answer, none.answer)


@pytest.mark.parametrize("samples", [1, 3, PIECE - 1])
def test_an_answer_does_not_depend_on_how_many_were_asked_for(samples: int, network_subject: Make) -> None:
    subject = network_subject(rank=5, width=64)
    few = next(frozen_set(MatrixData(rank=5), samples, chunk=PIECE))
    whole = next(frozen_set(MatrixData(rank=5), PIECE, chunk=PIECE))
    of_few = KeptAnswers(subject).sampled(few.problem, few.start)
    of_whole = KeptAnswers(subject).sampled(whole.problem, whole.start)
    assert torch.equal(of_few.answer, of_whole.answer[:samples])
    assert torch.equal(of_few.trajectory, of_whole.trajectory[:, :samples])


def test_negatives_are_the_same_on_one_thread_and_on_two(network_subject: Make, two_threads: None) -> None:
    subject = network_subject(rank=4)
    names = ("conditioning", "mining_dynamics")
    together = tables(subject, *names)
    torch.set_num_threads(1)
    alone = tables(subject, *names)
    assert all(equal(a, b) for a, b in zip(together, alone, strict=True))


def test_size_is_what_the_pilots_spread_says() -> None:
    pilot = summarise(np.tile([1.0, 3.0], PILOT // 2))  # mean 2, sd 1.001
    assert samples_for(0.01, pilot) == 2750  # (1.001 / 0.02)² = 2505
    assert samples_for(0.2, pilot) == PILOT
    assert samples_for(1e-6, pilot) == MOST
    assert samples_for(0.01, summarise([float("nan")])) == PILOT


def test_precision_is_reached_on_a_real_sampler(network_subject: Make) -> None:
    subject = network_subject(rank=3)
    share = 0.02
    wanted = replace(subject, precision_of=share)
    n = samples_of(wanted)
    assert samples_of(replace(subject, samples=77)) == 77
    assert PILOT <= n < MOST
    table = probes.load("accuracy").measure(wanted)
    for data in ("id", "ood"):
        errors = select(table, data=data, inner_steps=5, level=-1)["mse"]
        assert len(errors) == n
        reached = errors.std(ddof=1) / np.sqrt(n) / errors.mean()
        assert reached < 1.15 * share


def test_a_precision_out_of_reach_is_refused_with_size_and_time_before_sampling(
    network_subject: Make,
) -> None:
    wanted = replace(network_subject(rank=3), precision_of=1e-5)
    expected = r"0\.001% of the mean takes about .* problems, and at least .* (hours|minutes)"
    with pytest.raises(DiagError, match=expected) as error:
        samples_of(wanted)
    in_reach = float(str(error.value).partition("--precision-of ")[2].partition("%")[0]) / 100
    assert PILOT <= samples_of(replace(wanted, precision_of=in_reach)) <= MOST

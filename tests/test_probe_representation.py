"""Representation: a network with its units in another order, other weights, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag.drawing.representations import representations
from ired_diag.drawing.run_table import Measured
from ired_diag.errors import NotFound
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.stats.kernel_alignment import alignment
from ired_diag.subject import Subject
from ired_diag.table import Table, read_table, write_table
from probes.inverse.representation import LAYERS, PROBE, products_of, variances_of

Make = Callable[..., Subject]
WIDTH, PROBLEMS = 16, 48


def reordered(network: EnergyNetwork, generator: torch.Generator) -> EnergyNetwork:
    """Return the same function of the same inputs, the units of each hidden layer in another order."""
    tensors = dict(network.parameters)
    first, second, third = (torch.randperm(WIDTH, generator=generator) for _ in range(3))
    tensors["fc1.weight"] = tensors["fc1.weight"][first]
    tensors["fc1.bias"] = tensors["fc1.bias"][first]
    tensors["fc2.weight"] = tensors["fc2.weight"][second][:, first]
    tensors["fc2.bias"] = tensors["fc2.bias"][second]
    tensors["fc3.weight"] = tensors["fc3.weight"][third][:, second]
    tensors["fc3.bias"] = tensors["fc3.bias"][third]
    for name, order in {"t_map_fc2": second, "t_map_fc3": third}.items():
        both = torch.cat([order, order + WIDTH])
        tensors[f"{name}.weight"] = tensors[f"{name}.weight"][both]
        tensors[f"{name}.bias"] = tensors[f"{name}.bias"][both]
    tensors["fc4.weight"] = tensors["fc4.weight"][:, third]
    return replace(network, parameters=tensors)


@pytest.fixture
def subject(network_subject: Make) -> Subject:
    return replace(network_subject(width=WIDTH), samples=PROBLEMS)


def alike(one: Table, other: Table) -> dict[tuple[int, int], float]:
    first, second = products_of(one), products_of(other)
    return {place: alignment([(first[place], second[place])]).value for place in first}


def test_units_in_another_order_are_the_same_representation(
    subject: Subject, generator: torch.Generator
) -> None:
    network = subject.energy_of(EnergyNetwork)
    twin = replace(subject, energy=reordered(network, generator))
    one, other = PROBE(subject), PROBE(twin)
    for value in alike(one, other).values():
        assert value == pytest.approx(1.0, abs=1e-4)
    for place, variances in variances_of(one).items():
        assert variances == pytest.approx(variances_of(other)[place], rel=1e-3, abs=1e-8)


def test_the_products_are_those_of_the_features(subject: Subject) -> None:
    """Against the network written out with its own linear layers."""
    table = PROBE(subject)
    network = subject.energy_of(EnergyNetwork)
    p = network.parameters
    drawn = subject.generator("representation")
    problem, answer = subject.problems.draw(PROBLEMS, generator=drawn)
    noise = torch.randn(answer.shape, generator=drawn, dtype=answer.dtype)
    level = subject.schedule.levels - 1
    t = torch.full((PROBLEMS,), level)
    inputs = torch.cat([problem, subject.schedule.q_sample(answer, t, noise)], dim=1)
    first = torch.nn.functional.silu(inputs.to(network.dtype) @ p["fc1.weight"].T + p["fc1.bias"])
    centred = (first - first.mean(0)).double()
    expected = centred @ centred.T
    assert products_of(table)[1, level] == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-5)
    assert variances_of(table)[1, level].sum() == pytest.approx(
        float(centred.square().sum()) / (PROBLEMS - 1), rel=1e-4
    )


def test_the_answer_names_each_layer_and_is_read_again_from_disk(subject: Subject, tmp_path: Path) -> None:
    table = PROBE(subject)
    finding = PROBE.conclude(table, PROBE.comparison(table))
    for layer in LAYERS:
        rank = finding.evidence[f"rank_{layer}"]
        assert isinstance(rank, float)
        assert 1 <= rank <= WIDTH
    assert "of at most 16 with 48 problems" in finding.statement
    write_table(tmp_path / "t.parquet", table, {})
    kept, _ = read_table(tmp_path / "t.parquet")
    assert PROBE.conclude(kept, PROBE.comparison(kept)) == finding
    assert PROBE.figure(table).name == "representation"


def measured(group: str, number: int, table: Table, **settings: Any) -> Measured:
    return Measured(
        group=group,
        label=f"{group}/seed{number}",
        probe="representation",
        step=10,
        weights="raw",
        settings={"samples": PROBLEMS, "seed": 0, "config": {"rank": 3}, **settings},
        rows=table,
    )


def test_the_picture_sets_equal_seeds_beside_other_seeds(network_subject: Make) -> None:
    tables = []
    for number in range(3):
        made = network_subject(width=WIDTH, seed=number)
        tables.append(PROBE(replace(made, samples=PROBLEMS)))
    groups = {name: [measured(name, s, t) for s, t in enumerate(tables)] for name in ("a", "b")}
    seeds = {f"{name}/seed{seed}": seed for name in "ab" for seed in range(3)}
    figure = representations(groups, seeds, products_of)
    assert [label for _, label in figure.panels[0].x_ticks] == ["a", "b", "a, b"]
    for panel in figure.panels:
        equal, other = panel.lines
        assert equal.y.tolist() == [pytest.approx(1.0, abs=1e-5)]  # the tables of a and b are the same
        assert len(other.y) == 3
        assert np.ptp(other.y) < 1e-9
        assert other.y.max() < 0.999
    assert "A single name: pairs within the group." in figure.method
    assert "95% jackknife intervals" in figure.method
    many = {name: [measured(name, s, tables[s]) for s in range(2)] for name in "abcde"}
    told = {f"{name}/seed{seed}": seed for name in "abcde" for seed in range(2)}
    crowd = representations(many, told, products_of)
    cells = crowd.panels[0].cells
    assert cells is not None
    above = np.triu(np.ones((5, 5), dtype=bool), k=1)
    np.testing.assert_allclose(cells.values[above], 1.0, atol=1e-5)  # equal seeds: the same tables
    assert cells.values[~above].max() < 0.999
    assert "Above the diagonal: pairs of equal seeds" in crowd.method
    assert "interval" not in crowd.method
    assert "dotted" not in crowd.method
    with pytest.raises(NotFound, match="other problems"):
        groups["b"][0] = measured("b", 0, tables[0], seed=1)
        representations(groups, seeds, products_of)
    with pytest.raises(NotFound, match="One run"):
        representations({"a": groups["a"][:1]}, seeds, products_of)

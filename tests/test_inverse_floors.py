"""Floors of matrix inversion: the numbers of FACTS, closed forms at rank 1, and torch's own ladder."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate

from ired_diag.inverse.simulated_floors import inverse_floors


def by_name(rank: int, epsilon: float = 0.5, weight: float = 2.0) -> dict[str, float]:
    return {floor.name: floor.mse for floor in inverse_floors(rank, epsilon=epsilon, weight=weight)}


def test_rank_20_has_the_published_floors() -> None:
    """Measured twice: 0.0207, 0.0141 and 0.00956 (four numbers)."""
    found = by_name(20)
    assert found["zero"] == pytest.approx(0.0207, abs=1e-4)
    assert found["mean_inverse"] == pytest.approx(0.0141, abs=1e-4)
    assert found["linear"] == pytest.approx(0.00956, rel=0.01)


def test_rank_1_is_a_matter_of_integrals() -> None:
    """A = 2 r² + ε, r uniform: moments of 1/A by quadrature, linear regression on A in closed form."""

    def mean(f: Callable[[float], float]) -> float:
        return float(integrate.quad(f, 0, 1)[0])

    def a(r: float) -> float:
        return 2 * r * r + 0.5

    square, first = mean(lambda r: a(r) ** -2), mean(lambda r: 1 / a(r))
    covariance = 1 - mean(a) * first
    variance = mean(lambda r: a(r) ** 2) - mean(a) ** 2
    found = by_name(1)
    assert found["zero"] == pytest.approx(square, rel=0.03)
    assert found["mean_inverse"] == pytest.approx(square - first**2, rel=0.03)
    assert found["linear"] == pytest.approx(square - first**2 - covariance**2 / variance, rel=0.05)


@pytest.mark.parametrize(("ood", "name"), [(False, "ired"), (True, "ired"), (False, "design")])
def test_they_are_those_that_the_probe_floor_fits(ood: bool, name: str) -> None:
    torch = pytest.importorskip("torch")
    from ired_diag.inverse.floors import references
    from ired_diag.inverse.matrices import MatrixData

    data = MatrixData(name, 8, ood)  # type: ignore[arg-type]
    x, y = (
        part.double().view(-1, 8, 8) for part in data.draw(20_000, generator=torch.Generator().manual_seed(1))
    )
    ladder = {reference.name: reference.answer for reference in references(data)}
    for floor in inverse_floors(8, epsilon=data.epsilon, weight=data.gram_weight):
        errors = (ladder[floor.name](x) - y).square().mean((1, 2)).numpy()
        apart = abs(errors.mean() - floor.mse)
        assert apart < 4 * math.hypot(floor.standard_error, errors.std() / math.sqrt(len(errors)))


def test_more_freedom_is_never_worse_and_the_same_call_gives_the_same() -> None:
    for rank in (2, 5, 30):
        floors = inverse_floors(rank, epsilon=0.5, weight=2.0)
        values = [floor.mse for floor in floors]
        assert values == sorted(values, reverse=True)
        assert floors == inverse_floors.__wrapped__(rank, epsilon=0.5, weight=2.0)
        assert np.isfinite([floor.standard_error for floor in floors]).all()


def test_predictors_fitted_in_distribution_answer_out_of_distribution_as_the_probe_s_do() -> None:
    """FACTS: the constant 0.228 and linear regression 0.208; zero is not fitted. And torch's own ladder."""
    floors = {f.name: f.mse for f in inverse_floors(20, epsilon=0.1, weight=2.0, fitted_epsilon=0.5)}
    assert floors["mean_inverse"] == pytest.approx(0.228, rel=0.01)
    assert floors["linear"] == pytest.approx(0.208, rel=0.01)
    pytest.importorskip("torch")
    import torch

    from ired_diag.inverse.floors import references
    from ired_diag.inverse.matrices import MatrixData

    x, y = (
        part.double().view(-1, 8, 8)
        for part in MatrixData("ired", 8, True).draw(20_000, generator=torch.Generator().manual_seed(1))
    )
    ladder = {reference.name: reference.answer for reference in references(MatrixData("ired", 8, False))}
    for floor in inverse_floors(8, epsilon=0.1, weight=2.0, fitted_epsilon=0.5):
        errors = (ladder[floor.name](x) - y).square().mean((1, 2)).numpy()
        apart = abs(errors.mean() - floor.mse)
        assert apart < 4 * math.hypot(floor.standard_error, errors.std() / math.sqrt(len(errors)))

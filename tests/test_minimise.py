"""Minima of energies that are known: quadratics, a valley, a double well, a box, a slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from scipy import optimize
from torch import Tensor

from ired_diag.model.minimise import minimise
from ired_diag.subject import Subject

DIM, BATCH = 6, 40


@dataclass(frozen=True)
class Analytic:
    """E(x, y, t) given as a function of y - x; it is its own landscape, with autograd's gradient."""

    function: Callable[[Tensor], Tensor]
    problem: Tensor | None = None
    levels: int = 1

    def landscape(self, x: Tensor, t: Tensor) -> Analytic:
        return Analytic(self.function, x)

    def energy(self, y: Tensor) -> Tensor:
        return self.function(y - self.problem if self.problem is not None else y)

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            value = self.energy(y)
            (gradient,) = torch.autograd.grad(value.sum(), y)
        return value.detach(), gradient


def double_well(y: Tensor) -> Tensor:
    """Minima at ±1 in the first entry, 0 in the others; a barrier of height 1 between them."""
    return (y[:, 0] ** 2 - 1) ** 2 + (y[:, 1:] ** 2).sum(-1)


def rosenbrock(y: Tensor) -> Tensor:
    return (100 * (y[:, 1:] - y[:, :-1] ** 2) ** 2 + (1 - y[:, :-1]) ** 2).sum(-1)


def points(generator: torch.Generator, batch: int = BATCH, dim: int = DIM) -> Tensor:
    return torch.randn(batch, dim, generator=generator, dtype=torch.float64)


def level(start: Tensor) -> Tensor:
    return torch.zeros(len(start), dtype=torch.long)


@pytest.mark.parametrize("condition", [1.0, 1e4])
def test_quadratic_minimum_is_found_wherever_it_was_displaced(
    condition: float, quadratic_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    turn = torch.linalg.qr(points(generator, DIM)).Q
    values = torch.logspace(0, math.log10(condition), DIM, dtype=torch.float64)
    subject = quadratic_subject(turn @ torch.diag(values) @ turn.T)
    minimum, start = points(generator), 5 * points(generator)
    found = minimise(subject.energy, minimum, level(start), start, tolerance=1e-7, longest=4.0)
    assert found.converged.all()
    torch.testing.assert_close(found.end, minimum, rtol=0, atol=1e-6)
    assert (found.gradient_norm <= 1e-7).all()
    assert (found.evaluations > 1).all()


def test_rosenbrocks_valley_ends_where_scipy_ends(generator: torch.Generator) -> None:
    start = torch.randn(12, 2, generator=generator, dtype=torch.float64)
    energy = Analytic(rosenbrock)
    found = minimise(energy, torch.zeros_like(start), level(start), start, tolerance=1e-6, longest=1.0)
    assert found.converged.all()
    theirs = optimize.minimize(optimize.rosen, start[0].numpy(), jac=optimize.rosen_der, method="BFGS")
    torch.testing.assert_close(found.end[0], torch.as_tensor(theirs.x), rtol=0, atol=1e-4)
    torch.testing.assert_close(found.end, torch.ones_like(start), rtol=0, atol=1e-4)


def test_double_well_is_left_on_the_side_on_which_it_was_entered(generator: torch.Generator) -> None:
    start = points(generator)
    energy = Analytic(double_well)
    found = minimise(energy, torch.zeros_like(start), level(start), start, tolerance=1e-8, longest=0.3)
    expected = torch.zeros_like(start)
    expected[:, 0] = torch.sign(start[:, 0])
    assert found.converged.all()
    torch.testing.assert_close(found.end, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.energy, torch.zeros(BATCH, dtype=torch.float64), rtol=0, atol=1e-12)


def test_box_holds_what_would_leave_it_as_in_scipys_bounded_least_squares(generator: torch.Generator) -> None:
    factor = points(generator, DIM)
    hessian = factor @ factor.T + 0.1 * torch.eye(DIM, dtype=torch.float64)
    minimum, start = 2 * points(generator), points(generator)

    def quadratic(y: Tensor) -> Tensor:
        return 0.5 * (y @ hessian * y).sum(-1)

    found = minimise(
        Analytic(quadratic), minimum, level(start), start, tolerance=1e-7, longest=2.0, bound=1.0
    )
    assert found.converged.all()
    root = torch.linalg.cholesky(hessian).T
    for i in range(0, BATCH, 5):
        theirs = optimize.lsq_linear(root.numpy(), (root @ minimum[i]).numpy(), bounds=(-1, 1), tol=1e-14)
        torch.testing.assert_close(found.end[i], torch.as_tensor(theirs.x), rtol=0, atol=1e-5)


def test_energy_never_rises_and_no_answer_depends_on_its_companions(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    subject = network_subject(dtype=torch.float64)
    x, y = (a.double() for a in subject.problems.draw(BATCH, generator=generator))
    t = level(y)
    found, alone = (
        minimise(subject.energy, x[:n], t[:n], y[:n], tolerance=1e-6, longest=1.0, bound=2.0)
        for n in (BATCH, 3)
    )
    assert (found.energy <= subject.energy.landscape(x, t).energy(y)).all()
    torch.testing.assert_close(alone.end, found.end[:3], rtol=1e-6, atol=1e-6)


def test_gradient_may_be_any_positive_multiple(generator: torch.Generator) -> None:
    @dataclass(frozen=True)
    class Scaled(Analytic):
        def landscape(self, x: Tensor, t: Tensor) -> Scaled:
            return Scaled(self.function, x)

        def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
            value, gradient = Analytic(self.function, self.problem).energy_and_gradient(y)
            return value, gradient / 1024

    start = points(generator)
    found, plain = (
        minimise(kind(double_well), 0 * start, level(start), start, tolerance=1e-7 * by, longest=0.3)
        for kind, by in ((Scaled, 1 / 1024), (Analytic, 1.0))
    )
    assert found.converged.all()
    torch.testing.assert_close(found.end, plain.end, rtol=0, atol=1e-6)


def test_rounding_of_a_large_energy_does_not_stop_the_descent(generator: torch.Generator) -> None:
    @dataclass(frozen=True)
    class Rounded(Analytic):
        """As if the last bits of its terms were lost: what it adds differs from point to point."""

        def landscape(self, x: Tensor, t: Tensor) -> Rounded:
            return Rounded(self.function, x)

        def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
            value, gradient = Analytic(self.function, self.problem).energy_and_gradient(y)
            return value + 0.05 * torch.frac(1e4 * y.sum(-1)).abs(), gradient

    minimum, start = points(generator).float(), points(generator).float()
    stiffness = torch.logspace(0, 2, DIM)
    energy = Rounded(lambda y: 1e5 + 0.5 * (stiffness * y**2).sum(-1))
    found = minimise(energy, minimum, level(start), start, tolerance=1e-3, longest=1.0)
    assert found.converged.all()
    torch.testing.assert_close(found.end, minimum, rtol=0, atol=1e-3)
    assert found.evaluations.max() < 60


def test_what_has_no_minimum_is_not_converged_and_stays_in_the_box(generator: torch.Generator) -> None:
    start = points(generator)
    slope = Analytic(lambda y: y.sum(-1))
    loose = minimise(slope, 0 * start, level(start), start, tolerance=1e-6, longest=1.0, evaluations=20)
    assert not loose.converged.any()
    assert (loose.evaluations == 20).all()
    boxed = minimise(slope, 0 * start, level(start), start, tolerance=1e-6, longest=1.0, bound=2.0)
    assert boxed.converged.all()
    assert (boxed.end == -2).all()
    broken = Analytic(lambda y: y.sum(-1) * math.nan)
    lost = minimise(broken, 0 * start, level(start), start, tolerance=1e-6, longest=1.0)
    assert not lost.converged.any()
    assert (lost.evaluations == 1).all()
    assert torch.equal(lost.end, start)

"""The Hessian in y: closed forms, automatic against central differences, and gradients that hide a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from ired_diag.model.answer_spectrum import answer_spectrum
from ired_diag.model.autograd_energy import AutogradEnergy
from ired_diag.model.energy_hessian import energy_hessian
from ired_diag.subject import Subject


@dataclass(frozen=True)
class Field:
    """A landscape of which only the gradient counts."""

    gradient: Callable[[Tensor], Tensor]

    def energy(self, y: Tensor) -> Tensor:
        return y.sum(-1)

    def energy_and_gradient(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return y.sum(-1), self.gradient(y)


def points(generator: torch.Generator, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(5, 4, generator=generator, dtype=dtype)


def test_a_field_that_is_no_gradient_is_told_by_its_asymmetry(generator: torch.Generator) -> None:
    a = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    for field in (lambda y: y @ a.T, lambda y: (y @ a.T).detach()):
        found = energy_hessian(Field(field), points(generator), generator=generator)
        np.testing.assert_allclose(found.matrices, ((a + a.T) / 2).expand(5, 4, 4), atol=1e-9)
        np.testing.assert_allclose(found.defect, float((a - a.T).norm() / a.norm()), rtol=1e-8)


def test_the_networks_is_that_of_its_energy_however_it_is_found(
    network_subject: Callable[..., Subject], generator: torch.Generator
) -> None:
    subject = network_subject(rank=2, dtype=torch.float64)
    x, y = (a.double() for a in subject.problems.draw(5, generator=generator))
    landscape = subject.energy.landscape(x, torch.arange(5) % 4)
    found = energy_hessian(landscape, y, generator=generator)
    hidden = Field(lambda y: landscape.energy_and_gradient(y)[1].detach())
    differenced = energy_hessian(hidden, y, generator=generator)
    assert (found.method, differenced.method) == ("differentiation", "central differences")
    for i in range(5):
        one = subject.energy.landscape(x[i : i + 1], torch.tensor([i % 4]))
        exact = torch.autograd.functional.hessian(lambda v, e=one: e.energy(v[None])[0], y[i])  # type: ignore[no-untyped-call]
        np.testing.assert_allclose(found.matrices[i], exact, atol=1e-12 * float(exact.norm()))
        np.testing.assert_allclose(differenced.matrices[i], exact, atol=1e-8 * float(exact.norm()))
    assert float(found.defect.max()) < 1e-13
    assert float(differenced.defect.max()) < 1e-8


def test_a_gradient_whose_graph_lacks_a_part_is_caught_and_differenced(generator: torch.Generator) -> None:
    half = Field(lambda y: y**3 / 2 + (y**3 / 2).detach())
    y = points(generator)
    found = energy_hessian(half, y, generator=generator)
    assert found.method == "central differences"
    np.testing.assert_allclose(found.matrices, torch.diag_embed(3 * y**2), atol=1e-8)


@pytest.mark.parametrize("computes", [torch.float32, torch.float64])
def test_an_own_energy_is_differenced_with_a_step_for_the_type_it_computes_in(
    computes: torch.dtype, generator: torch.Generator
) -> None:
    # In float32 a step made for float64 would leave an error of 1%.
    def energy(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        return (y.to(computes) ** 4).sum(-1).to(y.dtype) / 4

    y = points(generator, torch.float32)
    landscape = AutogradEnergy(energy, 3).landscape(y, torch.zeros(5, dtype=torch.long))
    found = energy_hessian(landscape, y, generator=generator)
    assert found.method == "central differences"
    exact = torch.diag_embed(3 * y.double() ** 2)
    tolerance = 2e-3 if computes == torch.float32 else 1e-7
    np.testing.assert_allclose(found.matrices, exact, atol=tolerance)


def test_weights_in_float32_refuse_float64_and_are_differenced_all_the_same(
    generator: torch.Generator,
) -> None:
    weight = torch.randn(4, 4, generator=generator)
    y = points(generator, torch.float32)
    landscape = AutogradEnergy(lambda x, y, t: (y @ weight).square().sum(-1), 3).landscape(y, y[:, 0].long())
    found = energy_hessian(landscape, y, generator=generator)
    np.testing.assert_allclose(found.matrices, (2 * weight @ weight.T).expand(5, 4, 4), atol=2e-3)


def test_gradients_that_do_not_move_or_are_no_numbers_break_nothing(generator: torch.Generator) -> None:
    y = points(generator)
    flat = energy_hessian(Field(torch.ones_like), y, generator=generator)
    assert (float(flat.matrices.abs().max()), float(flat.defect.max())) == (0.0, 0.0)
    broken = energy_hessian(Field(lambda y: y * torch.nan), y, generator=generator)
    assert bool(broken.matrices.isnan().all())


def test_the_spectrum_at_the_answers_is_that_of_a_loop_whatever_the_chunks(
    network_subject: Callable[..., Subject],
    generator: torch.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subject = network_subject(rank=2, dtype=torch.float64)
    x, answer = (a.double() for a in subject.problems.draw(3, generator=generator))
    for chunk in (2**22, 5 * 16):
        monkeypatch.setattr("ired_diag.model.answer_spectrum.CHUNK", chunk)
        found = answer_spectrum(subject.energy, subject.schedule, x, answer, generator=generator)
        assert found.lowest.shape == (4, 3)
        for level in range(4):
            for i in range(3):
                one = subject.energy.landscape(x[i : i + 1], torch.tensor([level]))
                y = subject.schedule.sqrt_alphas_cumprod[level] * answer[i]
                h = torch.autograd.functional.hessian(lambda v, e=one: e.energy(v[None])[0], y)  # type: ignore[no-untyped-call]
                values = np.linalg.eigvalsh(h.numpy())
                ours = found.lowest[level, i], found.highest[level, i]
                np.testing.assert_allclose(ours, values[[0, -1]], atol=1e-12 * values[-1])
                slope = one.energy_and_gradient(y[None])[1].norm()
                assert found.slope[level, i] == pytest.approx(float(slope))

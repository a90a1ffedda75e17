"""The Jacobian of ∇_yE by formula: against automatic differentiation, for each head that has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ired_diag.inverse.head import HeadForm
from ired_diag.inverse.network import EnergyNetwork
from ired_diag.model.energy_hessian import energy_hessian
from ired_diag.subject import Subject


def landscape_and_points(
    network_subject: Callable[..., Subject], generator: torch.Generator, **changes: Any
) -> Any:
    head = changes.pop("head", "vector")
    subject = network_subject(rank=2, head=head, dtype=torch.float64)
    network = replace(subject.energy_of(EnergyNetwork), **changes)
    x, y = (a.double() for a in subject.problems.draw(5, generator=generator))
    return network.landscape(x, torch.arange(5) % 4), y


@pytest.mark.parametrize(
    ("head", "form", "divisor"),
    [
        ("vector", HeadForm(), None),
        ("vector", HeadForm(), "batch"),
        ("scalar", HeadForm(), 7.0),
        ("scalar", HeadForm(normalization="spectral"), None),
    ],
)
def test_the_formula_is_the_automatic_jacobian(
    network_subject: Callable[..., Subject],
    generator: torch.Generator,
    head: str,
    form: HeadForm,
    divisor: Any,
) -> None:
    landscape, y = landscape_and_points(
        network_subject, generator, head=head, form=form, gradient_normalization=divisor
    )
    formula = landscape.gradient_jacobian(y)
    automatic = torch.autograd.functional.jacobian(lambda v: landscape.energy_and_gradient(v)[1].sum(0), y)  # type: ignore[no-untyped-call]
    # The gradient of a candidate depends on itself alone: the sum over candidates mixes nothing.
    np.testing.assert_allclose(formula, automatic.transpose(0, 1), atol=1e-13 * float(automatic.norm()))


@pytest.mark.parametrize(
    ("head", "form"),
    [
        ("scalar", HeadForm(normalization="layer")),
        ("vector", HeadForm(bound="tanh", bound_scale=5.0)),
        ("scalar", HeadForm(bound="sigmoid", bound_scale=5.0)),
    ],
)
def test_heads_without_a_formula_are_differentiated_automatically(
    network_subject: Callable[..., Subject], generator: torch.Generator, head: str, form: HeadForm
) -> None:
    landscape, y = landscape_and_points(network_subject, generator, head=head, form=form)
    assert landscape.gradient_jacobian(y) is None
    hessian = energy_hessian(landscape, y, generator=generator)
    assert hessian.method == "differentiation"
    assert float(hessian.defect.max()) < 1e-12
    exact = torch.autograd.functional.hessian(lambda v: landscape.energy(v).sum(), y)  # type: ignore[no-untyped-call]
    own = torch.stack([exact[i, :, i] for i in range(5)])
    np.testing.assert_allclose(hessian.matrices, own, atol=1e-12 * float(own.norm()))

"""Hutchinson's trace: exact where it must be, its variance and coverage those of the theory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ired_diag.model.hutchinson import trace_samples
from ired_diag.stats.summary import summarise


def test_one_vector_tells_the_trace_of_a_diagonal_matrix(generator: torch.Generator) -> None:
    diagonal = torch.linspace(-2, 7, 50, dtype=torch.float64)
    samples = trace_samples(lambda v: diagonal * v, diagonal, 3, generator=generator)
    np.testing.assert_allclose(samples, float(diagonal.sum()), rtol=1e-14)


def test_mean_and_variance_are_those_of_the_theory(generator: torch.Generator) -> None:
    a = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    h = a + a.T
    samples = trace_samples(lambda v: h @ v, h[0], 20_000, generator=generator)
    variance = 2 * float(h.square().sum() - h.diagonal().square().sum())
    assert samples.mean() == pytest.approx(float(h.trace()), abs=4 * (variance / 20_000) ** 0.5)
    assert samples.var(ddof=1) == pytest.approx(variance, rel=0.05)


def test_the_t_interval_of_16_vectors_holds_the_trace_in_95_percent_of_repetitions(
    generator: torch.Generator,
) -> None:
    a = torch.randn(60, 60, generator=generator, dtype=torch.float64)
    h, trials = a @ a.T, 1000
    samples = trace_samples(lambda v: h @ v, h[0], 16 * trials, generator=generator).reshape(trials, 16)
    intervals = [summarise(row) for row in samples]
    covered = np.mean([s.low <= float(h.trace()) <= s.high for s in intervals])
    assert abs(covered - 0.95) < 4 * (0.95 * 0.05 / trials) ** 0.5

"""A sampler of one's own: how an energy without noise levels finds its negatives.

A sampler is a function that walks from given points by an energy and returns every point of the walk, y_0 …
y_K: Langevin dynamics, Hamiltonian Monte Carlo, a plain descent. Nothing is noised, clamped or rejected here:
what the sampler does is the mining.

Walks start at points that know nothing of their problem: drawn from the normal distribution that has, in each
coordinate, the mean and the standard deviation of the right answers.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ired_diag.errors import NotApplicable
from ired_diag.model.energy import Landscape
from ired_diag.model.mining import Descent, Walk

# E(x, ·), starting points (batch, dim) and a generator on the CPU in; all points (steps + 1, batch, dim) out.
Sampler = Callable[[Landscape, Tensor, torch.Generator], Tensor]


def random_points(answers: Tensor, gaussian: Tensor) -> Tensor:
    """Return points with the mean and the standard deviation of answers, coordinate by coordinate.

    Args:
        answers: Of shape (batch, dim).
        gaussian: Standard normal numbers, of the same shape.
    """
    mean, spread = answers.mean(0), answers.std(0, unbiased=False)
    return mean + spread * gaussian


def sample_walk(landscape: Landscape, start: Tensor, sampler: Sampler, generator: torch.Generator) -> Descent:
    """Return where a sampler leads, every step recorded; a step counts as kept where the point moved.

    Args:
        landscape: E(x, ·).
        start: Of shape (batch, dim).
        sampler: The sampler.
        generator: Of its random numbers, on the CPU.

    Raises:
        NotApplicable: It returns something else than a walk of these points.
    """
    points = sampler(landscape, start, generator)
    if not isinstance(points, Tensor) or points.dim() != 3 or points.shape[1:] != start.shape:
        result = tuple(points.shape) if isinstance(points, Tensor) else type(points).__name__
        batch, dim = start.shape
        raise NotApplicable(
            "the sampler must return every point of its walk, "
            f"of shape (steps + 1, {batch}, {dim}); found {result}"
        )
    walk = walk_through(landscape, points.detach().to(start))
    return Descent(
        end=walk.points[-1],
        energy=walk.energies[-1],
        accepted=walk.accepted,
        walk=walk,
    )


@torch.no_grad()
def walk_through(landscape: Landscape, points: Tensor) -> Walk:
    """Return energies and gradients along points that a sampler went through.

    Args:
        landscape: E(x, ·).
        points: y_0 … y_K, of shape (steps + 1, batch, dim).
    """
    energies = []
    norms = []
    for y in points:
        energy, gradient = landscape.energy_and_gradient(y)
        energies.append(energy)
        norms.append(torch.linalg.vector_norm(gradient, dim=-1))
    moves = torch.linalg.vector_norm(points.diff(dim=0), dim=-1)
    return Walk(
        points=points,
        energies=torch.stack(energies),
        gradient_norms=torch.stack(norms)[:-1],
        proposed=moves,
        at_clamp=torch.zeros_like(moves),
        accepted=moves > 0,
    )


def noise_walk_of(landscape: Landscape, walk: Walk, directions: Tensor) -> Walk:
    """Return the walk with steps of the same lengths in given directions, from the same start.

    Args:
        landscape: E(x, ·).
        walk: The sampler's.
        directions: Gaussian numbers of shape (steps, batch, dim); only their direction counts.
    """
    unit = directions / torch.linalg.vector_norm(directions, dim=-1, keepdim=True)
    moves = walk.proposed[..., None] * unit
    start = walk.points[0]
    later = start + moves.cumsum(0)
    return walk_through(landscape, torch.cat([start[None], later]))

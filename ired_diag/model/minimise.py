"""Minima of an energy within a box: a descent of many points at once, each until its gradient is small.

The box |y| ≤ b is that of mining and sampling: outside it an energy may fall for ever, and none goes there.
An entry at its bound whose gradient points outwards is held; the others are free. Their direction is -H g, H
the inverse Hessian that the last steps s_k = y_{k+1} - y_k and changes of the gradient d_k = g_{k+1} - g_k
imply, both restricted to the free entries, applied by the two-loop recursion (L-BFGS). Each point has a
history and a step length of its own. A trial y' = clamp(y + α p, ±b), which moves by m = y' - y, is taken
where

    E(y') ≤ E(y) + c m·g(y),                                             (Armijo) or where
    E(y') ≤ E(y) + ε |E(y)|   and   m·g(y') ≤ (2c - 1) m·g(y),           (approximate Wolfe)

with ε the rounding of the energy: near a minimum its differences drown in rounding while its gradient is
still good. Elsewhere α is halved; after some halvings p becomes the gradient's own. Pairs with s·d ≤ 0, where
the energy curves down, are not remembered. No step is longer than the caller allows, so that a point does not
jump into another basin.

Where the descent ends, the gradient of the free entries is small: a minimum within the box, or, by rare
chance, a saddle. The gradient may be any positive multiple of the true one, such as a normalised denoiser's.

References: Nocedal & Wright (2006), Numerical Optimization, algorithm 7.4 (two-loop), section 3.1 (Armijo);
Bertsekas (1982), Projected Newton Methods for Optimization Problems with Simple Constraints (free entries);
Hager & Zhang (2005), A New Conjugate Gradient Method with Guaranteed Descent, section 4 (approximate Wolfe).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ired_diag.model.energy import Energy, Landscape

MEMORY = 10  # steps remembered
ARMIJO = 1e-4  # c
ROUNDINGS = 16.0  # ε, in units of the type's: an energy is a sum of many terms
PATIENCE = 8  # halvings in a row, before the gradient's own direction is tried
HALVINGS = 30  # halvings in a row, before a point is given up
FIRST = 0.1  # length of the first step, as a share of the longest
COMPACTED = 0.5  # once so few points still move, the others are no longer evaluated


@dataclass(frozen=True)
class Minima:
    """Where descents ended.

    Attributes:
        end: The points, of shape (batch, dim).
        energy: Their energies, of shape (batch,).
        gradient_norm: Norm of ∇_yE over the free entries, of the same shape.
        converged: Whether that is within the tolerance; where not, the end is no minimum.
        evaluations: How often each point was evaluated, of shape (batch,).
    """

    end: Tensor
    energy: Tensor
    gradient_norm: Tensor
    converged: Tensor
    evaluations: Tensor


@dataclass
class _Moving:
    """The points that still move: the first axis of each tensor; the second of a history is its steps."""

    index: Tensor
    y: Tensor
    energy: Tensor
    gradient: Tensor
    steps: Tensor
    changes: Tensor
    direction: Tensor
    length: Tensor
    halvings: Tensor

    def keep(self, which: Tensor) -> None:
        """Drop the points that ``which`` leaves out."""
        for name, value in vars(self).items():
            setattr(self, name, value[which])


@torch.no_grad()
def minimise(
    energy: Energy,
    problem: Tensor,
    t: Tensor,
    start: Tensor,
    *,
    tolerance: float,
    longest: float,
    bound: float = math.inf,
    evaluations: int = 300,
) -> Minima:
    """Return the minima that descents from ``start`` lead to.

    A trial step costs one evaluation of energy and gradient. A point whose energy or gradient is no number
    stays where it starts, not converged.

    Args:
        energy: The energy.
        problem: Problems, of shape (batch, problem_dim).
        t: Noise level of each, of shape (batch,), integers.
        start: Where to start, of shape (batch, dim), in the space of level t; clamped to the box.
        tolerance: Gradient norm at which a descent ends.
        longest: Length that no step exceeds.
        bound: b, half the width of the box.
        evaluations: At most so many of each point.
    """
    landscape, y = energy.landscape(problem, t), start.clamp(-bound, bound)
    value, gradient = landscape.energy_and_gradient(y)
    unknown = torch.full_like(value, math.nan)
    found = Minima(y.clone(), unknown.clone(), unknown, unknown > 0, torch.ones_like(t))
    moving = _begin(y, value, gradient, longest, bound)
    _settle(moving, found, tolerance, bound)
    evaluated = torch.arange(len(t), device=t.device)
    for _ in range(evaluations - 1):
        if not len(moving.index):
            break
        if len(moving.index) <= COMPACTED * len(evaluated):
            evaluated = moving.index
            landscape = energy.landscape(problem[evaluated], t[evaluated])
        found.evaluations[moving.index] += 1
        _try(moving, landscape, evaluated, found.end[evaluated], longest, bound)
        _settle(moving, found, tolerance, bound)
    return found


def _begin(y: Tensor, value: Tensor, gradient: Tensor, longest: float, bound: float) -> _Moving:
    """Return the points before their first step, along the gradient."""
    history = y.new_zeros(len(y), MEMORY, y.shape[1])
    index = torch.arange(len(y), device=y.device)
    direction = -_steepest(gradient * _free(y, gradient, bound), longest)
    length, halvings = torch.ones_like(y[:, 0]), torch.zeros_like(index)
    return _Moving(index, y, value, gradient, history, history.clone(), direction, length, halvings)


def _try(
    moving: _Moving, landscape: Landscape, evaluated: Tensor, points: Tensor, longest: float, bound: float
) -> None:
    """Take each point's trial step where it is good enough, and shorten it elsewhere."""
    place = torch.searchsorted(evaluated, moving.index)
    trial = (moving.y + moving.length[:, None] * moving.direction).clamp(-bound, bound)
    points[place] = trial
    value, gradient = (found[place] for found in landscape.energy_and_gradient(points))
    step, change = trial - moving.y, gradient - moving.gradient
    taken = _good(moving, step, value, gradient)
    floor = torch.finfo(step.dtype).eps * (_dot(step, step) * _dot(change, change)).sqrt()
    remembered = (taken & (_dot(step, change) > floor))[:, None, None]
    moving.steps = torch.where(remembered, _shifted(moving.steps, step), moving.steps)
    moving.changes = torch.where(remembered, _shifted(moving.changes, change), moving.changes)
    moving.y = torch.where(taken[:, None], trial, moving.y)
    moving.gradient = torch.where(taken[:, None], gradient, moving.gradient)
    moving.energy = torch.where(taken, value, moving.energy)
    moving.halvings = torch.where(taken, 0, moving.halvings + 1)
    lost = moving.halvings == PATIENCE
    moving.length = torch.where(taken | lost, 1.0, 0.5 * moving.length)
    free = _free(moving.y, moving.gradient, bound)
    plain = -_steepest(moving.gradient * free, longest)
    direction = torch.where(lost[:, None], plain, moving.direction)
    moving.direction = torch.where(taken[:, None], _direction(moving, free, longest), direction)


def _good(moving: _Moving, step: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """Say which trial steps are taken."""
    before, after = _dot(step, moving.gradient), _dot(step, gradient)
    armijo = value <= moving.energy + ARMIJO * before
    rounding = ROUNDINGS * torch.finfo(value.dtype).eps * moving.energy.abs()
    wolfe = (value <= moving.energy + rounding) & (after <= (2 * ARMIJO - 1) * before)
    return (armijo | wolfe) & (before < 0) & value.isfinite() & gradient.isfinite().all(-1)


def _direction(moving: _Moving, free: Tensor, longest: float) -> Tensor:
    """Return -H g over the free entries by the two-loop recursion, no longer than ``longest``."""
    s, d = moving.steps * free[:, None], moving.changes * free[:, None]
    gradient = moving.gradient * free
    product = _dot(s, d)
    inverse = torch.where(product > 0, 1 / product.clamp(min=torch.finfo(product.dtype).tiny), 0.0)
    q, weights = gradient, torch.zeros_like(inverse)
    for k in reversed(range(MEMORY)):
        weights[:, k] = inverse[:, k] * _dot(s[:, k], q)
        q = q - weights[:, k, None] * d[:, k]
    curved = (product[:, -1] > 0)[:, None]
    scale = product[:, -1] / _dot(d[:, -1], d[:, -1]).clamp(min=torch.finfo(product.dtype).tiny)
    q = torch.where(curved, scale[:, None] * q, _steepest(q, longest))
    for k in range(MEMORY):
        q = q + (weights[:, k] - inverse[:, k] * _dot(d[:, k], q))[:, None] * s[:, k]
    downhill = (_dot(q, gradient) > 0)[:, None]  # rounding may have spoiled the history
    q = torch.where(downhill & q.isfinite().all(-1, keepdim=True), q, _steepest(gradient, longest))
    length = torch.linalg.vector_norm(q, dim=-1, keepdim=True)
    shortened: Tensor = -q * (longest / length.clamp(min=longest))
    return shortened


def _settle(moving: _Moving, found: Minima, tolerance: float, bound: float) -> None:
    """Write down where each point is, and drop those that have arrived or cannot go on."""
    free = _free(moving.y, moving.gradient, bound)
    norm = torch.linalg.vector_norm(moving.gradient * free, dim=-1)
    told = norm.isfinite() & moving.energy.isfinite()
    arrived = told & (norm <= tolerance)
    found.end[moving.index], found.energy[moving.index] = moving.y, moving.energy
    found.gradient_norm[moving.index], found.converged[moving.index] = norm.to(moving.energy), arrived
    going = told & ~arrived & (moving.halvings < HALVINGS)
    if not going.all():
        moving.keep(going)


def _free(y: Tensor, gradient: Tensor, bound: float) -> Tensor:
    """Say which entries are not held at their bound."""
    return ~(((y >= bound) & (gradient < 0)) | ((y <= -bound) & (gradient > 0)))


def _steepest(gradient: Tensor, longest: float) -> Tensor:
    """Return the gradient at the length of a first step."""
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    scaled: Tensor = FIRST * longest * gradient / norm.clamp(min=torch.finfo(norm.dtype).tiny)
    return scaled


def _shifted(history: Tensor, latest: Tensor) -> Tensor:
    """Return a history without its oldest entry and with the latest."""
    return torch.cat([history[:, 1:], latest[:, None]], dim=1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1)

"""Minima of an energy within a box: a descent of many points at once, each until its gradient is small.

The box |y| ≤ b is that of mining and sampling: outside it an energy may fall for ever, and neither goes
there. An entry at its bound whose gradient points outwards is held; the others are free. Their direction is
-H⁻¹ g, with the H⁻¹ that the last steps s_k = y_{k+1} - y_k and changes of the gradient d_k = g_{k+1} - g_k
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


@dataclass(frozen=True)
class _Box:
    """Half the width of the box, and the length that no step exceeds."""

    bound: float
    longest: float


@dataclass(kw_only=True)
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
    landscape = energy.landscape(problem, t)
    y = start.clamp(-bound, bound)
    value, gradient = landscape.energy_and_gradient(y)
    unknown = torch.full_like(value, math.nan)
    minima = Minima(
        end=y.clone(),
        energy=unknown.clone(),
        gradient_norm=unknown,
        converged=unknown > 0,
        evaluations=torch.ones_like(t),
    )
    box = _Box(bound, longest)
    moving = _begin(
        y=y,
        value=value,
        gradient=gradient,
        box=box,
    )
    _settle(
        moving=moving,
        minima=minima,
        tolerance=tolerance,
        bound=bound,
    )
    evaluated = torch.arange(len(t), device=t.device)
    for _ in range(evaluations - 1):
        still_moving = len(moving.index)
        if not still_moving:
            break
        if still_moving <= COMPACTED * len(evaluated):
            evaluated = moving.index
            landscape = energy.landscape(problem[evaluated], t[evaluated])
        minima.evaluations[moving.index] += 1
        points = minima.end[evaluated]
        _try(
            moving=moving,
            landscape=landscape,
            evaluated=evaluated,
            points=points,
            box=box,
        )
        _settle(
            moving=moving,
            minima=minima,
            tolerance=tolerance,
            bound=bound,
        )
    return minima


def _begin(y: Tensor, value: Tensor, gradient: Tensor, box: _Box) -> _Moving:
    """Return the points before their first step, along the gradient."""
    count, dim = y.shape
    history = y.new_zeros(count, MEMORY, dim)
    index = torch.arange(count, device=y.device)
    free = _free(y, gradient, box.bound)
    first_step = _steepest(gradient * free, box.longest)
    return _Moving(
        index=index,
        y=y,
        energy=value,
        gradient=gradient,
        steps=history,
        changes=history.clone(),
        direction=-first_step,
        length=torch.ones_like(y[:, 0]),
        halvings=torch.zeros_like(index),
    )


def _try(moving: _Moving, landscape: Landscape, evaluated: Tensor, points: Tensor, box: _Box) -> None:
    """Take each point's trial step where it is good enough, and shorten it elsewhere."""
    place = torch.searchsorted(evaluated, moving.index)
    length = moving.length[:, None]
    trial = moving.y + length * moving.direction
    trial = trial.clamp(-box.bound, box.bound)
    points[place] = trial
    values, gradients = landscape.energy_and_gradient(points)
    value = values[place]
    gradient = gradients[place]
    step = trial - moving.y
    taken = _is_good(
        moving=moving,
        step=step,
        value=value,
        gradient=gradient,
    )
    _remember(
        moving=moving,
        step=step,
        change=gradient - moving.gradient,
        taken=taken,
    )
    taken_rows = taken[:, None]
    moving.y = torch.where(taken_rows, trial, moving.y)
    moving.gradient = torch.where(taken_rows, gradient, moving.gradient)
    moving.energy = torch.where(taken, value, moving.energy)
    moving.halvings = torch.where(taken, 0, moving.halvings + 1)
    _set_next_step(moving, taken, box)


def _set_next_step(moving: _Moving, taken: Tensor, box: _Box) -> None:
    """Give each point a new direction where its step was taken, and half the length elsewhere."""
    lost = moving.halvings == PATIENCE
    starts_over = taken | lost
    half_length = 0.5 * moving.length
    moving.length = torch.where(starts_over, 1.0, half_length)
    free = _free(moving.y, moving.gradient, box.bound)
    free_gradient = moving.gradient * free
    plain = -_steepest(free_gradient, box.longest)
    curved = _quasi_newton(moving, free, box.longest)
    direction = torch.where(lost[:, None], plain, moving.direction)
    moving.direction = torch.where(taken[:, None], curved, direction)


def _remember(moving: _Moving, step: Tensor, change: Tensor, taken: Tensor) -> None:
    """Add steps that were taken to the histories, where the energy curves up along them."""
    square = _dot(step, step) * _dot(change, change)
    rounding = torch.finfo(step.dtype).eps
    floor = rounding * square.sqrt()
    curves_up = _dot(step, change) > floor
    is_remembered = taken & curves_up
    remembered = is_remembered[:, None, None]
    steps = _shifted(moving.steps, step)
    changes = _shifted(moving.changes, change)
    moving.steps = torch.where(remembered, steps, moving.steps)
    moving.changes = torch.where(remembered, changes, moving.changes)


def _is_good(moving: _Moving, step: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """Say which trial steps are taken."""
    before = _dot(step, moving.gradient)
    after = _dot(step, gradient)
    armijo = value <= moving.energy + ARMIJO * before
    epsilon = ROUNDINGS * torch.finfo(value.dtype).eps
    rounding = epsilon * moving.energy.abs()
    level = value <= moving.energy + rounding
    flatter = after <= (2 * ARMIJO - 1) * before
    wolfe = level & flatter
    downhill = before < 0
    finite = value.isfinite() & gradient.isfinite().all(-1)
    return (armijo | wolfe) & downhill & finite


def _quasi_newton(moving: _Moving, free: Tensor, longest: float) -> Tensor:
    """Return -H⁻¹ g over the free entries by the two-loop recursion, no longer than ``longest``."""
    s = moving.steps * free[:, None]
    d = moving.changes * free[:, None]
    gradient = moving.gradient * free
    q = _two_loops(s, d, gradient, longest)
    # Rounding may have spoiled the history: then the gradient's own direction is taken.
    is_downhill = _dot(q, gradient) > 0
    is_finite = q.isfinite().all(-1)
    usable = (is_downhill & is_finite)[:, None]
    q = torch.where(usable, q, _steepest(gradient, longest))
    length = torch.linalg.vector_norm(q, dim=-1, keepdim=True)
    shrinking = longest / length.clamp(min=longest)
    shortened: Tensor = -q * shrinking
    return shortened


def _two_loops(s: Tensor, d: Tensor, gradient: Tensor, longest: float) -> Tensor:
    """Return H⁻¹ g by the two loops of L-BFGS.

    Args:
        s: The last steps over the free entries, the latest last, of shape (points, MEMORY, dim).
        d: The changes of the gradient along them, of the same shape.
        gradient: g over the free entries, of shape (points, dim).
        longest: Length that no step exceeds.
    """
    product = _dot(s, d)
    tiny = torch.finfo(product.dtype).tiny
    inverse = 1 / product.clamp(min=tiny)
    reciprocal = torch.where(product > 0, inverse, 0.0)
    q = gradient
    weights = torch.zeros_like(reciprocal)
    for k in reversed(range(MEMORY)):
        weight = reciprocal[:, k] * _dot(s[:, k], q)
        weights[:, k] = weight
        q = q - weight[:, None] * d[:, k]
    latest = d[:, -1]
    latest_product = product[:, -1]
    curves_up = latest_product > 0
    scale = latest_product / _dot(latest, latest).clamp(min=tiny)
    q = torch.where(
        curves_up[:, None],
        scale[:, None] * q,
        _steepest(q, longest),
    )
    for k in range(MEMORY):
        along_change = reciprocal[:, k] * _dot(d[:, k], q)
        correction = weights[:, k] - along_change
        q = q + correction[:, None] * s[:, k]
    return q


def _settle(moving: _Moving, minima: Minima, tolerance: float, bound: float) -> None:
    """Write down where each point is, and drop those that have arrived or cannot go on."""
    free = _free(moving.y, moving.gradient, bound)
    free_gradient = moving.gradient * free
    norm = torch.linalg.vector_norm(free_gradient, dim=-1)
    finite = norm.isfinite() & moving.energy.isfinite()
    arrived = finite & (norm <= tolerance)
    index = moving.index
    minima.end[index] = moving.y
    minima.energy[index] = moving.energy
    minima.gradient_norm[index] = norm.to(moving.energy)
    minima.converged[index] = arrived
    has_patience = moving.halvings < HALVINGS
    goes_on = finite & ~arrived & has_patience
    if not goes_on.all():
        moving.keep(goes_on)


def _free(y: Tensor, gradient: Tensor, bound: float) -> Tensor:
    """Say which entries are not held at their bound."""
    held_above = (y >= bound) & (gradient < 0)
    held_below = (y <= -bound) & (gradient > 0)
    return ~(held_above | held_below)


def _steepest(gradient: Tensor, longest: float) -> Tensor:
    """Return the gradient at the length of a first step."""
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    tiny = torch.finfo(norm.dtype).tiny
    first_length = FIRST * longest
    scaled: Tensor = first_length * gradient / norm.clamp(min=tiny)
    return scaled


def _shifted(history: Tensor, latest: Tensor) -> Tensor:
    """Return a history without its oldest entry and with the latest."""
    without_oldest = history[:, 1:]
    return torch.cat([without_oldest, latest[:, None]], dim=1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1)

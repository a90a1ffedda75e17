#!/usr/bin/env bash
# torch 2.13.0 and optax 0.2.8: AMSGrad at its default settings (learning rate 0.01 in both), in float64, on
# Rosenbrock's function from (-1.5, 2).
#
# In plain words: the two libraries keep the maximum of different numbers. torch takes the maximum of the raw
# second moment and corrects it for its start at zero afterwards; optax corrects each second moment first and
# takes the maximum of the corrected ones. The first corrected moment is the squared first gradient itself, so
# where training begins with a large gradient, optax divides by it for ever and torch does not.
#
# The guess that it contradicts: one published algorithm, the same defaults, the same path up to rounding.
#
# Output seen (function value after 10,000 steps; the minimum is 0):
#   torch 1.9e-08
#   optax 1.56
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 optax==0.2.8 jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import jax
import jax.numpy as jnp
import optax
import torch

jax.config.update("jax_enable_x64", True)


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


point = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.Adam([point], lr=0.01, amsgrad=True)
for _ in range(10_000):
    optimizer.zero_grad()
    rosenbrock(point[0], point[1]).backward()
    optimizer.step()
by_torch = rosenbrock(*point.tolist())

amsgrad = optax.amsgrad(0.01)
gradient = jax.grad(lambda place: rosenbrock(place[0], place[1]))


def step(_, state):
    place, memory = state
    change, memory = amsgrad.update(gradient(place), memory, place)
    return optax.apply_updates(place, change), memory


start = jnp.array([-1.5, 2.0])
place, _ = jax.lax.fori_loop(0, 10_000, step, (start, amsgrad.init(start)))
by_optax = float(rosenbrock(*place))
print(f"torch {by_torch:.2g}\noptax {by_optax:.3g}")
sys.exit(not (by_torch < 1e-7 and 1.5 < by_optax < 1.6))
PYTHON

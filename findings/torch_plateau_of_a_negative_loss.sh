#!/usr/bin/env bash
# torch 2.13.0: ReduceLROnPlateau at its default settings (mode "min", relative threshold 1e-4) on a loss below
# zero, such as a negative log-likelihood of a density or an energy.
#
# In plain words: a loss counts as better if it is below best * (1 - threshold). Below zero that product lies
# *above* the best, so a loss that gets worse by less than 0.01% an epoch is a new best each time: the learning
# rate is never reduced, and "best" climbs along with the loss. The same series above zero is reduced to the end.
#
# The guess that it contradicts: only an improvement resets the patience; the sign of the loss plays no part.
#
# Output seen (a loss that rises by 0.009 in each of 50 epochs, patience 2):
#   from -100: learning rate 1, best -99.559
#   from  100: learning rate 1e-08, best 100
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch


def after_rising(first):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    for epoch in range(50):
        scheduler.step(first + 0.009 * epoch)
    return optimizer.param_groups[0]["lr"], scheduler.best


below, best_below = after_rising(-100.0)
above, best_above = after_rising(100.0)
print(f"from -100: learning rate {below:.3g}, best {best_below:.6g}")
print(f"from  100: learning rate {above:.3g}, best {best_above:.6g}")
sys.exit(not (below == 1.0 and best_below > -99.6 and above < 1e-7 and best_above == 100.0))
PYTHON

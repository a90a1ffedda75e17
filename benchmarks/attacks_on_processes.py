"""All attacks on processes, for ``benchmarks.attacks``: signals, limits, many at once, odd surroundings."""

from __future__ import annotations

import numpy as np

from benchmarks.attack import Attack
from benchmarks.attacks_at_once import attacks_at_once
from benchmarks.attacks_on_dashboard import attacks_on_dashboard
from benchmarks.attacks_on_limits import attacks_on_limits
from benchmarks.attacks_on_surroundings import attacks_on_surroundings
from benchmarks.attacks_on_training import attacks_on_training
from benchmarks.attacks_on_writing import attacks_on_writing
from benchmarks.process_bed import Bed

SOURCES = (
    attacks_on_training,
    attacks_on_writing,
    attacks_at_once,
    attacks_on_dashboard,
    attacks_on_limits,
    attacks_on_surroundings,
)


def attacks(seed: int) -> list[Attack]:
    """Return the attacks.

    Args:
        seed: Of the moments, and of what is damaged.
    """
    bed = Bed()
    return [
        attack
        for number, source in enumerate(SOURCES)
        for attack in source(bed, np.random.default_rng([seed, number]))
    ]

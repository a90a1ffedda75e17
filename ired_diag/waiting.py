"""How long a thread of OpenMP that waits for the others spins before it sleeps.

Left to itself GNU's OpenMP, which torch uses on Linux, spins for some milliseconds after every parallel
product. On a machine of one's own that is the fastest way to wait; next to other busy processes the thread
waited for does not run, and the spinning takes the core that it needs. Measured with products of 250 by 512
numbers on two cores that a dozen processes shared (CPU seconds; 0.55 with one thread): 3.7 to 5.8 by
default, 1.4 with 10,000 turns, 0.67 with 1,000, 0.59 without any. A thousand turns last tens of
microseconds, about as long as torch is between two products.

OpenMP reads this when it is loaded, and it is loaded with torch.
"""

from __future__ import annotations

import os
import sys

SPINS = 1000  # turns of the waiting loop
CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")  # a user who names one of them has decided


def wait_briefly() -> bool:
    """Have waiting threads spin briefly, in this process and those that it starts; say whether it was done.

    Nothing is done where the user has chosen how to wait, or torch is loaded already.
    """
    chosen = any(name in os.environ for name in CHOICES)
    if chosen or "torch" in sys.modules:
        return False
    os.environ["GOMP_SPINCOUNT"] = str(SPINS)
    return True

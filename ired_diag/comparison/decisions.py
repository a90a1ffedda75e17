"""From readouts to verdicts: the steps that decide a comparison, without what is printed next to them.

The comparison calls them, and so does whoever only wants the decisions of many studies: which readout is
compared, which numbers stand against each other, and each pair's verdict after correction for their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.outcomes import failed_seeds
from ired_diag.comparison.pairing import Pairing
from ired_diag.comparison.readouts import Readouts, Values
from ired_diag.comparison.sample import Sample, sample_of
from ired_diag.comparison.seeds import Members
from ired_diag.stats.multiplicity import holm
from ired_diag.stats.verdict import Verdict, correct

PLATEAU, LAST = "plateau", "last"


@dataclass(frozen=True)
class Claim:
    """What one pair of groups says by itself.

    Attributes:
        verdict: Verdict of the pair by itself.
        p: P value of the test of a difference.
        p_equivalence: P value of the test of equivalence.
        names: Names of both groups.
    """

    verdict: Verdict
    p: float
    p_equivalence: float
    names: tuple[str, str] = ("a", "b")


@dataclass(frozen=True)
class Corrected:
    """What a pair says as one of several pairs.

    Attributes:
        verdict: Verdict, corrected for the number of pairs.
        p: Holm's adjusted p of the test of a difference.
        p_equivalence: Holm's adjusted p of the test of equivalence.
    """

    verdict: Verdict
    p: float
    p_equivalence: float


def readout_compared(read: Readouts, readout: str) -> str:
    """Return which readout is compared: the last evaluation where the declared one is withheld."""
    return LAST if readout in read.reasons else readout


def sample_between(a: Members, b: Members, values: Values, pairing: Pairing) -> Sample:
    """Return the numbers of two groups that stand against each other.

    Args:
        a: The first group.
        b: The second group.
        values: A readout, by group and seed.
        pairing: Whether equal seeds are pairs.
    """
    of_a, of_b = values[a.name], values[b.name]
    if pairing.of_folds and not pairing.obstacle:
        # A fold that one group lacks would leave a difference of folds in the difference of groups.
        of_a = {label: of_a[label] for label in pairing.shared if label in of_a}
        of_b = {label: of_b[label] for label in pairing.shared if label in of_b}
    return sample_of(
        (a.name, b.name),
        of_a,
        of_b,
        shared=pairing.shared,
        obstacle=pairing.obstacle,
        failed=(failed_seeds(a), failed_seeds(b)),
    )


def corrected_claims(claims: Sequence[Claim]) -> list[Corrected]:
    """Return the claims of several pairs of groups, each kind corrected for their number (Holm)."""
    # Different and equivalent are two claims, each with p values of its own: two families.
    adjusted = holm(np.array([claim.p for claim in claims], dtype=np.float64))
    adjusted_equivalence = holm(np.array([claim.p_equivalence for claim in claims], dtype=np.float64))
    corrections = []
    for i, claim in enumerate(claims):
        p, p_equivalence = float(adjusted[i]), float(adjusted_equivalence[i])
        verdict = correct(
            claim.verdict,
            p=p,
            p_equivalence=p_equivalence,
            pairs=len(claims),
            names=claim.names,
        )
        corrections.append(Corrected(verdict, p, p_equivalence))
    return corrections

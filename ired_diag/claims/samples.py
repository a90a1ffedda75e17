"""A sample as far as it is known: from runs, from a report's table of seeds, or a printed mean, sd and n.

Logged values are rounded too, to h each side: errors that are uniform on ±h, with the sd h/√3. The mean of n
of them is known to ±h √(3/n), three of its standard errors, and never worse than to ±h. Of the sd, with
|sd(x + e) - sd(x)| ≤ sd(e), all |eᵢ| ≤ h, it is known to ±h √(n/(n - 1)).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ired_diag.claims.numbers import Printed
from ired_diag.claims.ranges import Range, printed_range


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One group's numbers, one a seed, as far as they are known.

    Attributes:
        source: Where they are from, in words.
        n: How many.
        mean: Of them.
        sd: Their sample sd (n - 1); if ``sd_unsure``, as printed, and perhaps the population one.
        values: The numbers by seed; none where only mean and sd are printed.
        half: Half of the last digit of the numbers.
        sd_unsure: Whether the sd is a printed one that nothing else says the kind of.
    """

    source: str
    n: int
    mean: Range
    sd: Range
    values: Mapping[str, float] = field(default_factory=dict)
    half: float = 0.0
    sd_unsure: bool = False

    @property
    def numbers(self) -> NDArray[np.float64]:
        """The values, of shape (n,)."""
        return np.array(list(self.values.values()), dtype=np.float64)

    @property
    def population_sd(self) -> Range:
        """The sd with n in the denominator."""
        return self.sd.scaled(math.sqrt((self.n - 1) / self.n))

    def value_of(self, seed: str) -> Range:
        """Return what the value of a seed may be, its rounding included."""
        return Range.around(self.values[seed], self.half)

    def shared_seeds(self, other: Sample) -> list[str]:
        """Return the seeds that both samples have values of, in the order of the first."""
        return [seed for seed in self.values if seed in other.values]

    def best(self, *, lower_is_better: bool) -> float:
        """Return the best value of a seed."""
        if lower_is_better:
            return min(self.values.values())
        return max(self.values.values())


def sample_of_values(values: Mapping[str, float], source: str, *, half: float) -> Sample:
    """Return the sample of known values.

    Args:
        values: By seed, finite; at least one.
        source: Where they are from.
        half: Half of the last digit that they are written with.
    """
    x = np.array(list(values.values()), dtype=np.float64)
    n = len(x)
    sd = Range(math.nan, math.nan, math.nan)
    if n > 1:
        middle = float(x.std(ddof=1))
        off = half * math.sqrt(n / (n - 1))
        sd = Range(max(0.0, middle - off), middle, middle + off)
    return Sample(
        source=source,
        n=n,
        mean=Range.around(float(x.mean()), half * min(1.0, math.sqrt(3 / n))),
        sd=sd,
        values=dict(values),
        half=half,
    )


def sample_of_summary(mean: Printed, sd: Printed, n: int) -> Sample:
    """Return the sample that a printed mean, sd and n describe."""
    return Sample(
        source="its printed mean, sd and n",
        n=n,
        mean=printed_range(mean),
        sd=printed_range(sd),
        sd_unsure=True,
    )


def as_population(sample: Sample) -> Sample:
    """Return a sample whose printed sd is taken for the population one."""
    grow = math.sqrt(sample.n / (sample.n - 1))
    return Sample(
        source=sample.source,
        n=sample.n,
        mean=sample.mean,
        sd=sample.sd.scaled(grow),
    )


def with_wrong_denominator(sample: Sample) -> Sample:
    """Return a sample whose sd is computed with the other denominator, and that has no values.

    It is what a report has that takes a printed sd, or numpy's ``std``, for what it is not.
    """
    if sample.sd_unsure:
        return as_population(sample)
    return replace(sample, sd=sample.population_sd, values={})


def written_half(values: Mapping[str, float]) -> float:
    """Return half of the last digit that numbers are written with.

    >>> written_half({"seed0": 0.0097, "seed1": 0.01})
    5e-05
    """
    exponents = [_exponent(float(value)) for value in values.values()]
    return 0.5 * 10.0 ** min(exponents, default=0)


def _exponent(value: float) -> int:
    """Return the power of ten of the last digit of a number; at most 0, as of one without decimals."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    if not isinstance(exponent, int):  # of NaN and infinity
        return 0
    return min(exponent, 0)

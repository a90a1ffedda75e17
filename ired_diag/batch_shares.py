"""How many samples of a batch have a negative, count in the contrastive term, or count at all.

Of a batch of B samples

    n = B - round(negative_free_fraction · B)      have a negative: the first n, samples being exchangeable;
    N = hardest_negatives                           of these count in the contrastive term;
    h = round(hard_example_fraction · B)            count in the loss at all.

A probe looks at batches of other sizes: N grows with n.
"""

from __future__ import annotations

from typing import Protocol


class Shares(Protocol):
    """The knobs that this module reads, of a configuration."""

    @property
    def batch_size(self) -> int:
        """B."""

    @property
    def negative_free_fraction(self) -> float:
        """Share of a batch without negatives."""

    @property
    def hardest_negatives(self) -> int | None:
        """N; None: all that there are."""

    @property
    def hard_example_fraction(self) -> float:
        """Share of a batch that counts in the loss."""


def chooses_samples(config: Shares) -> bool:
    """Say whether not every sample of a batch counts alike in the loss."""
    chooses_negatives = config.hardest_negatives is not None or config.negative_free_fraction > 0
    return chooses_negatives or config.hard_example_fraction < 1


def with_negatives(config: Shares, size: int) -> int:
    """Return n, how many samples of a batch of a size have a negative; at least 1."""
    return max(1, size - round(config.negative_free_fraction * size))


def hardest(config: Shares, count: int) -> int:
    """Return how many of ``count`` samples with a negative count in the contrastive term; at least 1."""
    if config.hardest_negatives is None:
        return count
    share = config.hardest_negatives / with_negatives(config, config.batch_size)
    return min(count, max(1, round(share * count)))


def hard_examples(config: Shares, size: int) -> int:
    """Return h, how many samples of a batch of a size count in the loss; at least 1."""
    return max(1, round(config.hard_example_fraction * size))


def unusable_shares(config: Shares) -> str:
    """Return why the shares leave nothing, or change nothing, of a training batch; empty where they do not.

    >>> from ired_diag.energy_config import EnergyConfig
    >>> config = EnergyConfig(experiment_name="q1", batch_size=4)
    >>> unusable_shares(config.model_copy(update={"hard_example_fraction": 0.9}))
    'hard_example_fraction 0.9 is all 4 samples of a batch: it changes nothing'
    """
    size = config.batch_size
    if config.negative_free_fraction > 0:
        without = round(config.negative_free_fraction * size)
        if not 0 < without < size:
            return f"negative_free_fraction {config.negative_free_fraction:g} is {without} of {size} samples"
    if config.hardest_negatives is not None:
        count = with_negatives(config, size)
        if config.hardest_negatives >= count:
            return (
                f"hardest_negatives is {config.hardest_negatives}, and {count} samples of a batch have a "
                "negative: it must be fewer"
            )
    if config.hard_example_fraction < 1:
        examples = round(config.hard_example_fraction * size)
        if examples == size:
            return (
                f"hard_example_fraction {config.hard_example_fraction:g} is all {size} samples of a batch: "
                "it changes nothing"
            )
        if not examples:
            return f"hard_example_fraction {config.hard_example_fraction:g} is none of {size} samples"
    return ""

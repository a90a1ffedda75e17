"""The loss where not every sample of a batch counts alike.

    loss = mean over i in H of  ℓ_i,      ℓ_i = denoise_i + w · c_i · nce_i + λ · reg_i

c_i is 0 for samples without a negative (``negative_free_fraction``), and 1 for the n others. With
``hardest_negatives`` N it is n/N for the N of them whose nce_i is largest, and 0 for the rest, so that the
contrastive term is the mean over the hardest N. H holds all samples, or, with ``hard_example_fraction``,
those with the largest ℓ_i. What is chosen is chosen by value: no gradient flows through the choice.

References: Shrivastava, Gupta & Girshick (2016), Training Region-based Object Detectors with Online Hard
Example Mining, section 4 (H; they call it OHEM); Schroff, Kalenichenko & Philbin (2015), FaceNet, section 3.2
(hardest negatives of a batch).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ired_diag.batch_shares import hard_examples, hardest
from ired_diag.energy_config import EnergyConfig


@dataclass(frozen=True)
class SampleTerms:
    """The terms of each sample.

    Attributes:
        denoise: denoise_i, of shape (…, batch).
        nce: nce_i of the samples that have a negative, the first n, of shape (…, n); None without any.
        penalty: reg_i, of shape (…, batch); None without a regulariser.
    """

    denoise: Tensor
    nce: Tensor | None = None
    penalty: Tensor | None = None


@dataclass(frozen=True)
class ChosenTerms:
    """The terms of the loss before their weights, each of the shape of the leading axes.

    Attributes:
        denoise: Mean over H of denoise_i.
        nce: Mean over H of c_i nce_i; None without a contrastive term.
        penalty: Mean over H of reg_i; None without a regulariser.
        logged: What the choice did: the same means without it, and the share of samples with a negative.
    """

    denoise: Tensor
    nce: Tensor | None
    penalty: Tensor | None
    logged: Mapping[str, Tensor] = field(default_factory=dict)


def chosen_terms(terms: SampleTerms, config: EnergyConfig) -> ChosenTerms:
    """Return the terms of the loss of those samples that the configuration lets count."""
    size = terms.denoise.shape[-1]
    contrast = None
    logged = {}
    if terms.nce is not None:
        contrast = _over_batch(terms.nce, config, size)
        if config.negative_free_fraction > 0:
            share = terms.nce.shape[-1] / size
            logged["negative_share"] = torch.full_like(terms.denoise[..., 0], share)
        if config.hardest_negatives is not None:
            logged["nce_all"] = terms.nce.mean(-1) * (terms.nce.shape[-1] / size)
    if config.hard_example_fraction == 1:
        return ChosenTerms(terms.denoise.mean(-1), _mean(contrast), _mean(terms.penalty), logged)
    losses = terms.denoise
    if contrast is not None:
        losses = losses + config.energy_loss_weight * contrast
    if terms.penalty is not None:
        losses = losses + config.energy_reg_weight * terms.penalty
    chosen = losses.detach().topk(hard_examples(config, size), dim=-1).indices
    logged |= {"loss_all": losses.mean(-1), "denoise_all": terms.denoise.mean(-1)}
    return ChosenTerms(
        denoise=terms.denoise.gather(-1, chosen).mean(-1),
        nce=_mean(None if contrast is None else contrast.gather(-1, chosen)),
        penalty=_mean(None if terms.penalty is None else terms.penalty.gather(-1, chosen)),
        logged=logged,
    )


def _over_batch(nce: Tensor, config: EnergyConfig, size: int) -> Tensor:
    """Return c_i nce_i of every sample of the batch, of shape (…, batch)."""
    count = nce.shape[-1]
    chosen = hardest(config, count)
    if chosen < count:
        places = nce.detach().topk(chosen, dim=-1).indices
        factors = torch.zeros_like(nce).scatter(-1, places, count / chosen)
        # Not a product: an infinite term of a sample that is not chosen would leave 0 times infinity.
        nce = torch.where(factors > 0, nce * factors, torch.zeros_like(nce))
    return torch.nn.functional.pad(nce, (0, size - count))


def _mean(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.mean(-1)

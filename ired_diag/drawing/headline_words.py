"""What the headline numbers of probes over training are, in the words of a caption, by probe and key."""

from __future__ import annotations

from collections.abc import Collection

CONTROL = "that of the control (points as far from the right answers, in random directions)"
TITLES = {
    "false_negatives": "False negatives among mined negatives over training",
    "diversity": "Diversity of mined negatives over training",
    "energy_gap": "Energy gap over training",
    "stability": "Curvature of the loss and the optimiser's limit over training",
}
MEANINGS = {
    (
        "false_negatives",
        "closer_adversarial",
    ): "A mined negative counts as closer where it lies nearer to the "
    "right answer than the model's own answer does.",
    ("false_negatives", "cosine"): "Cosine: between the gradients of the contrastive loss (NCE) with all "
    "negatives and without the closer ones; 1 where these make no difference.",
    ("diversity", "vendi_ratio"): f"Vendi score: effective number of different answers, over {CONTROL}.",
    (
        "diversity",
        "displacement_rank_ratio",
    ): "Effective rank: number of directions in which negatives differ "
    "from the right answers, over the control's.",
    ("diversity", "consecutive_adversarial"): "Distance: between the negatives of consecutive problems.",
    (
        "diversity",
        "reverse_coverage_adversarial",
    ): "Coverage: share of negatives that have a control at least "
    "as near as their fifth neighbour among the negatives.",
    (
        "stability",
        "ratio",
    ): "Eigenvalue over limit: the largest eigenvalue of the Hessian of the training loss "
    "(after the optimiser's division of each weight, where it has one), over the largest at which its steps "
    "are stable on a quadratic loss; 1 is the edge of stability.",
}
SAMPLES = {  # what n is, by probe
    "diversity": "Measured in blocks of {n} problems.",
    "false_negatives": "Each value is measured on {n} problems.",
    "stability": "Batches at each checkpoint: {n}.",
}
OF_ANY = "Each value is measured on n = {n} samples."


def title_of(probe: str) -> str:
    """Return the title of a probe's numbers over training."""
    name = probe.replace("_", " ").capitalize()
    return TITLES.get(probe, f"{name} over training")


def meanings(probe: str, keys: Collection[str]) -> str:
    """Return what the numbers are, as far as their labels do not say it."""
    sentences = [MEANINGS.get((probe, key), "") for key in keys]
    return " ".join(filter(None, sentences))


def samples_in_words(probe: str, n: str) -> str:
    """Return what each number was measured on."""
    return SAMPLES.get(probe, OF_ANY).format(n=n)

"""Gaussians fitted to an image, as the first baseline of a public encoder does it.

    reported = 0.2 l1 + 0.8 l2 + 0.1 (1 - SSIM),   descended = l2    (``ired_diag.image.training``)

Reference: Zhang and others (2024), GaussianImage, ECCV.
"""

from __future__ import annotations

from ired_diag.image.config import ImageConfig
from ired_diag.task import LossTerm, Metric, Task, late

TRAINING = "ired_diag.image.training"

TASK = Task(
    name="image",
    title="an image drawn by Gaussians",
    settings=ImageConfig,
    metric=Metric("image/loss", "image loss"),
    terms=(
        LossTerm("descended", "what a step descends: mean squared error, as published", reported=False),
        LossTerm("l1", "mean absolute error, times 0.2", trained=False),
        LossTerm("l2", "mean squared error, times 0.8", trained=False),
        LossTerm("ssim", "1 - structural similarity, times 0.1", trained=False),
    ),
    initial_weights=late(TRAINING, "initial_weights"),
    draw_batch=late(TRAINING, "draw_batch"),
    loss=late(TRAINING, "losses"),
    evaluate=late(TRAINING, "evaluate"),
    parameter_groups=late(TRAINING, "parameter_groups"),
    project=late(TRAINING, "project"),
    columns={
        "uncovered_pixels": "pixels that no Gaussian reaches: black, and without a gradient",
        "l2_covered": "squared error of the covered pixels, over all pixels",
        "l2_uncovered": "squared error of the uncovered pixels, over all pixels",
        "mean_scale": "mean scale of the Gaussians, in widths of the image",
        "scales_at_floor": "scales at their floor",
    },
    images=late(TRAINING, "images"),
    images_in_words="Target: the image to fit. Model: what its Gaussians draw. A pixel that no Gaussian "
    "reaches is black in the model's image, and orange on grey where uncovered pixels have a row.",
    paired_by=("picture", "gaussians"),
    absent_sources=late(TRAINING, "absent_sources"),
)

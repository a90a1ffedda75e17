"""Handwritten digits: a small network on the 1,797 images of scikit-learn, by cross-entropy.

Reference: ``ired_diag.digits.data`` says where the images come from, ``ired_diag.digits.network`` what the
network computes.
"""

from __future__ import annotations

from ired_diag.digits.config import DigitsConfig
from ired_diag.task import LossTerm, Metric, Task, late

NETWORK, TRAINING = "ired_diag.digits.network", "ired_diag.digits.training"

TASK = Task(
    name="digits",
    title="handwritten digits",
    settings=DigitsConfig,
    metric=Metric("test/accuracy", "test accuracy", higher_is_better=True),
    terms=(LossTerm("cross_entropy", "mean cross-entropy of the batch, in nats"),),
    initial_weights=late(TRAINING, "initial_weights"),
    draw_batch=late(TRAINING, "draw_batch"),
    loss=late(TRAINING, "losses"),
    evaluate=late(TRAINING, "evaluate"),
    splits=late(TRAINING, "splits"),
    rescaled=late(NETWORK, "rescaled"),
    stacked=True,
    columns={
        "accuracy": "share of the batch that is recognised, before the step",
        "train_set/loss": "cross-entropy of all training images, after the step",
        "train_set/accuracy": "share of all training images that are recognised, after the step",
        "test/loss": "cross-entropy of the test images, after the step",
    },
    paired_by=("test_share", "split_seed"),
    absent_sources=late(TRAINING, "absent_sources"),
)

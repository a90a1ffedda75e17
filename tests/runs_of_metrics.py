"""Runs that log several metrics, made for tests of reports, and what a check accuses in a report on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.claims import Checked
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

Finals = Mapping[str, Mapping[str, Sequence[float]]]
EARLY = 1.3  # times the last value, at the evaluation before it

SPEECH: Finals = {
    "ctc": {
        "val_loss": (15.12, 15.46, 14.90),
        "val_wer": (0.1034, 0.1062, 0.1025),
        "val_cer": (0.0389, 0.0399, 0.0391),
        "train_loss": (11.20, 11.45, 11.01),
    },
    "rnnt": {
        "val_loss": (14.88, 15.21, 14.61),
        "val_wer": (0.0882, 0.0899, 0.0908),
        "val_cer": (0.0338, 0.0344, 0.0347),
        "train_loss": (9.80, 9.91, 10.02),
    },
}
POLYPS: Finals = {
    "unet": {
        "dice": (0.901, 0.904, 0.899, 0.902),
        "val_dice": (0.8572, 0.8543, 0.8610, 0.8561),
        "val_loss": (0.1390, 0.1421, 0.1377, 0.1402),
    },
    "unetpp": {
        "dice": (0.921, 0.918, 0.924, 0.920),
        "val_dice": (0.8681, 0.8724, 0.8652, 0.8667),
        "val_loss": (0.1287, 0.1259, 0.1302, 0.1290),
    },
}
VISION: Finals = {
    "vit": {"val_acc": (0.912, 0.918, 0.915), "test_acc": (0.897, 0.905, 0.901)},
    "mixer": {"val_acc": (0.903, 0.899, 0.907), "test_acc": (0.888, 0.884, 0.893)},
}


def study_of_metrics(finals: Finals, *, early: float = EARLY) -> Study:
    """Return complete runs that end at the given values, one a seed.

    Args:
        finals: The last value of each seed, by group and metric.
        early: The value of the first evaluation, as a multiple of the last one.
    """
    runs = []
    for group, by_metric in finals.items():
        (seeds,) = {len(values) for values in by_metric.values()}
        for seed in range(seeds):
            last = {metric: values[seed] for metric, values in by_metric.items()}
            first = {metric: early * value for metric, value in last.items()}
            runs.append(
                Run(
                    experiment=group, name=None, variant=None, seed=seed,
                    path=Path(f"/{group}/{seed}"), configuration={"model": group},
                    history=History.of([Row(500, first), Row(1000, last)]),
                    ending=Ending("complete"),
                )
            )  # fmt: skip
    return Study.of(runs)


def accusations(checked: Checked) -> list[str]:
    """Return what a check says is wrong, or may be."""
    return [finding.statement for finding in checked.findings if finding.severity != "note"]


def held(checked: Checked) -> list[str]:
    """Return the claims that hold, as they are printed."""
    return [verdict.claim.said for verdict in checked.verdicts if verdict.outcome == "holds"]


def reasons(checked: Checked) -> str:
    """Return why claims are unchecked, in one text."""
    return " | ".join(verdict.why for verdict in checked.verdicts if verdict.outcome == "unchecked")

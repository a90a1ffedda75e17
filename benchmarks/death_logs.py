"""How well the cause of a job's death is read from its log, on labelled logs.

The folder holds logs and a ``labels.csv`` with the columns ``file`` and ``cause``. For each cause, with tp
right answers, fp wrong accusations and fn misses,

    F1 = 2 tp / (2 tp + fp + fn),

and the macro average is the mean of F1 over the causes that are labelled. Exit status 3 where it is below the
goal.

    python -m benchmarks.death_logs FOLDER [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ired_diag.readers.death import death

GOAL = 0.97


def read_labels(folder: Path) -> dict[str, str]:
    """Return the labelled cause of each log in a folder."""
    with (folder / "labels.csv").open(newline="") as file:
        return {row["file"]: row["cause"] for row in csv.DictReader(file)}


def predict(folder: Path, files: list[str]) -> dict[str, str]:
    """Return the cause that is read from each log, "" where none is."""
    endings = {file: death((folder / file).read_bytes()) for file in files}
    return {file: (ending.cause or ending.state) if ending else "" for file, ending in endings.items()}


def f1_by_cause(labels: Mapping[str, str], predicted: Mapping[str, str]) -> dict[str, float]:
    """Return F1 of each labelled cause.

    >>> f1_by_cause({"a": "git", "b": "git", "c": "nccl"}, {"a": "git", "b": "nccl", "c": "nccl"})
    {'git': 0.6666666666666666, 'nccl': 0.6666666666666666}
    """
    scores = {}
    for cause in sorted(set(labels.values())):
        right = sum(labels[file] == cause == predicted[file] for file in labels)
        wrong = sum((labels[file] == cause) != (predicted[file] == cause) for file in labels)
        scores[cause] = 2 * right / (2 * right + wrong)
    return scores


def main() -> int:
    """Print F1 of each cause, their mean, and every log that is read wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    labels = read_labels(options.folder)
    predicted = predict(options.folder, list(labels))
    scores = f1_by_cause(labels, predicted)
    macro = float(np.mean(list(scores.values())))
    lines = [f"{cause:<16} {score:.3f}" for cause, score in scores.items()]
    lines += [f"{'macro average':<16} {macro:.3f}  ({len(labels)} logs, goal {GOAL})"]
    lines += [
        f"{file}: {labels[file]}, read as {predicted[file] or 'nothing'}"
        for file in labels
        if labels[file] != predicted[file]
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.json:
        options.json.write_text(json.dumps({"f1": scores, "macro": macro}, indent=2) + "\n")
    return 0 if macro >= GOAL else 3


if __name__ == "__main__":
    sys.exit(main())

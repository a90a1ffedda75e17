"""How long does ``stats`` take for a large study?

    python -m benchmarks.compare_many [--experiments 20] [--seeds 10] [--evaluations 1000]

Made curves that fall to a plateau, each experiment 0.2% above the one before. Printed are the seconds of one
comparison, 190 pairs of experiments with all their tests among them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from ired_diag.comparison import compare
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_metric import USUAL as METRIC
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run


def made_run(experiment: int, seed: int, evaluations: int, rng: np.random.Generator) -> Run:
    """Return a run whose curve falls to a plateau."""
    fall = np.exp(-np.arange(evaluations) / 20)
    values = fall + 0.01 * (1 + 0.002 * experiment) + 2e-5 * rng.standard_normal(evaluations)
    rows = [Row(1000 * (i + 1), {METRIC: float(value)}) for i, value in enumerate(values)]
    name = f"q{experiment}"
    data = {"rank": 20, "ood": False}
    return Run(
        experiment=name,
        name=None,
        variant=None,
        seed=seed,
        path=Path(name),
        configuration=data,
        history=History.of(rows),
        ending=Ending("complete"),
    )


def main() -> None:
    """Print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--experiments", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--evaluations", type=int, default=1000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    groups = {
        f"q{e}": [made_run(e, seed, options.evaluations, rng) for seed in range(options.seeds)]
        for e in range(options.experiments)
    }
    began = time.perf_counter()
    comparison = compare(groups)
    seconds = time.perf_counter() - began
    sys.stdout.write(
        f"{len(comparison.pairs)} pairs, plateau from {comparison.plateau_step}: {seconds:.1f} s\n"
    )


if __name__ == "__main__":
    main()

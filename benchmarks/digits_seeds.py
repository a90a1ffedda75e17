"""Gap, layers and sharpness of small networks on digits, over seeds: what the probes say, with intervals.

    python -m benchmarks.digits_seeds [--seeds 0-4] [--runs DIR] [--steps 2000]

Each optimiser trains its seeds on the same split (or its runs are read from DIR if they are there already),
and the probes are put to the first and the last checkpoint of each. Printed are the means over seeds with
Student's 95% interval: how much another seed would differ, which the interval of a single checkpoint does
not say.

Learning rates are the usual ones of each optimiser and were not searched: that one optimiser has a smaller
gap here does not make it the better one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import probes
from ired_diag.open import open_study
from ired_diag.probing.driver import Answer, Request, put_probes
from ired_diag.probing.probe import Probe
from ired_diag.probing.targets import of_run
from ired_diag.runs.run import Run
from ired_diag.stats.summary import Summary, summarise
from ired_diag.training.opening import Options
from ired_diag.training.plan import plan
from ired_diag.training.trainer import train_together

OPTIMIZERS = {
    "adam": ("optimizer=adam", "learning_rate=0.001"),
    "adamw": ("optimizer=adamw", "learning_rate=0.001", "weight_decay=0.01"),
    "momentum": ("optimizer=sgd", "learning_rate=0.01", "momentum=0.9"),
}
QUANTITIES = (
    ("gap", "train"),
    ("gap", "test"),
    ("gap", "gap"),
    ("gap", "accuracy_gap"),
    ("gap", "epoch_bias"),
    ("layers", "first_gradient_norm"),
    ("layers", "last_gradient_norm"),
    ("layers", "first_ratio"),
    ("layers", "last_ratio"),
    ("layers", "last_over_first"),
    ("layers", "first_cosine"),
    ("sharpness", "trace"),
    ("sharpness", "largest"),
    ("sharpness", "scaled_trace"),
    ("sharpness", "rise"),
    ("sharpness", "trace_ratio"),
    ("sharpness", "scaled_trace_ratio"),
)


@dataclass(frozen=True)
class Line:
    """One quantity of one optimiser at one step, over seeds."""

    optimizer: str
    step: int
    name: str
    over_seeds: Summary


def train_runs(folder: Path, seeds: str, steps: int) -> None:
    """Train the seeds of each optimiser that is not there."""
    for name, settings in OPTIMIZERS.items():
        if (folder / name).is_dir():
            continue
        knobs = (*settings, f"train_steps={steps}", f"checkpoint_every={max(1, steps // 40)}")
        planned = plan(None, seeds, knobs, runs=folder, name=name, task="digits")
        train_together(planned, Options(compile="off"))


def answers_of(run: Run, chosen: Sequence[Probe]) -> Iterator[Answer]:
    """Yield what the probes say of the first and of the last checkpoint of a run."""
    targets = of_run(run, "all")
    request = Request(probes=chosen, figures="none")
    for answer in put_probes([targets[0], targets[-1]], request):
        if not isinstance(answer, Answer):
            raise RuntimeError(f"{answer.label}: {answer.probe}: {answer.reason}")
        yield answer


def lines_of(folder: Path) -> Iterator[Line]:
    """Yield each quantity over the seeds of each optimiser."""
    chosen = [probes.load(name) for name in dict.fromkeys(probe for probe, _ in QUANTITIES)]
    for optimizer, runs in open_study(folder).groups().items():
        values: dict[tuple[int, str, str], list[float]] = {}
        for run in runs:
            for answer in answers_of(run, chosen):
                for probe, name in QUANTITIES:
                    if answer.probe == probe and answer.step is not None:
                        number = float(answer.finding.evidence[name] or 0.0)
                        values.setdefault((answer.step, probe, name), []).append(number)
        for (step, probe, name), numbers in sorted(values.items()):
            yield Line(optimizer, step, f"{probe}: {name}", summarise(numbers))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, probe and print."""
    parser = argparse.ArgumentParser(description="Gap, layers and sharpness of digits over seeds.")
    parser.add_argument("--seeds", default="0-4")
    parser.add_argument("--runs", type=Path, help="where runs are, or are trained")
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.runs or Path(scratch)
        train_runs(folder, options.seeds, options.steps)
        for line in lines_of(folder):
            mean, low, high = line.over_seeds.mean, line.over_seeds.low, line.over_seeds.high
            sys.stdout.write(
                f"{line.optimizer:<10}{line.step:>6}  {line.name:<30}{mean:>11.4g}  "
                f"({low:.4g} to {high:.4g}, {line.over_seeds.n} seeds)\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

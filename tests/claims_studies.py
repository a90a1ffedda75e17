"""Small studies of known values, and what a report on them is accused of; for the tests of claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ired_diag.claims import check_report
from ired_diag.runs.ending import Ending, State
from ired_diag.runs.history import History, Row
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

QKNORM = (3.2556, 3.2626, 3.2612, 3.2584)  # mean 3.25945, sd 0.0031, standard error 0.00155
BASELINE = (3.2820, 3.2875, 3.2824, 3.2849)  # mean 3.2842, sd 0.0026
SWIGLU = (3.2670, 3.2733, 3.2699, 3.2676)  # mean 3.26945
SAC = (2543.0, 3100.0, 3400.0, 3345.0)  # mean 3097, sd 391, standard error 196
PPO = (2100.0, 2427.0, 2802.0, 2379.0)  # mean 2427, sd 289, standard error 145


def run_of(
    group: str, seed: int, values: Sequence[float], metric: str = "val_loss", state: State = "complete"
) -> Run:
    """Return a run that is evaluated every 1000 steps."""
    rows = [Row(1000 * (place + 1), {metric: value}) for place, value in enumerate(values)]
    return Run(
        experiment=group,
        name=None,
        variant=None,
        seed=seed,
        path=Path(f"/{group}/{seed}"),
        configuration={"model": group},
        history=History.of(rows),
        ending=Ending(state),
    )


def study_of(samples: Mapping[str, Sequence[float]], metric: str = "val_loss") -> Study:
    """Return runs of two evaluations, of which the last is the value of the seed."""
    runs = []
    for group, values in samples.items():
        for seed, value in enumerate(values):
            runs.append(run_of(group, seed, [value * 1.1, value], metric))
    return Study.of(runs)


TWO_LOSSES = study_of({"baseline": BASELINE, "qknorm": QKNORM})
THREE_LOSSES = study_of({"baseline": BASELINE, "qknorm": QKNORM, "swiglu": SWIGLU})
RETURNS = study_of({"ppo": PPO, "sac": SAC}, "eval_return")


def accused(text: str, study: Study) -> list[str]:
    """Return the errors and warnings on a report."""
    return [finding.statement for finding in check_report(text, study).findings if finding.severity != "note"]


def outcomes(text: str, study: Study) -> dict[str, str]:
    """Return what became of each claim of a report, by what it prints."""
    return {verdict.claim.said: verdict.outcome for verdict in check_report(text, study).verdicts}

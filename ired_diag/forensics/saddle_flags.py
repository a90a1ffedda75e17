"""A detector of saddles that fires where there is none.

At a saddle the gradient vanishes. A detector that looks at the signs of the curvature alone fires on slopes
and in curved valleys, where eigenvalues of both signs are common: on Rosenbrock's function, which has no
saddle, along the whole way to the bend.

Looked at are columns of zeros and ones whose name says saddle, next to a norm of the gradient, and the kept
table of our own probe saddles. The flags are doubted where both hold:

- the median norm of the gradient at flagged steps is at least half of that at the others;
- after its least at flagged steps (in medians of neighbours) the norm never grows to twice that: a training
  that leaves a saddle along a direction of curvature -λ sees its gradient grow by the factor 1 + ηλ a step.

Nothing is said where the norms of neighbours differ by a tenth and more, as those of small batches do: the
noise of a batch hides a gradient that vanishes.

Reference: Dauphin and others (2014), Identifying and attacking the saddle point problem in high-dimensional
non-convex optimization, NeurIPS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import NDArray

from ired_diag.finding import Finding
from ired_diag.forensics.idle_clip import is_gradient_norm
from ired_diag.forensics.rule import Evidence, Rule, table_of_probe
from ired_diag.runs.history import Series
from ired_diag.runs.metric_words import words_of
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from ired_diag.training.near_saddle import is_near_saddle

SADDLES = frozenset(("saddle", "saddles"))
OUR_PROBE = "saddles"
FEWEST = 5  # flagged steps, and others, of a column
FEWEST_NORMS = 20  # logged norms next to our own probe's table
SMALL = 0.5  # times the median gradient elsewhere, below which one may be that of a saddle
NOISY = 0.1  # nats between neighbours, in the median: norms that are mostly noise
GROWS = 2.0  # times its least, of the gradient of a training that leaves a saddle
WINDOW = 9  # neighbours in a median

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Flags:
    """Where a detector fires, and how large the gradient is.

    Attributes:
        name: Name of the column, or of the probe.
        steps: Steps, increasing, of shape (n,).
        norms: Norm of the gradient at each.
        is_flagged: Whether the detector fires there.
    """

    name: str
    steps: NDArray[np.int64]
    norms: Floats
    is_flagged: Truths


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each detector of saddles in a run that fires where the gradient is not small."""
    for run in study.runs:
        for flags in (*_of_columns(run), *_of_our_probe(run)):
            if _are_doubted(flags):
                yield _finding(run, flags)


def _of_columns(run: Run) -> Iterator[Flags]:
    """Yield the logged columns of flags, each with the norm of the gradient next to it."""
    norms = _norm_of(run)
    if norms is None:
        return
    for name, series in run.history.series.items():
        if SADDLES.isdisjoint(words_of(name)) or not np.isin(series.values, (0.0, 1.0)).all():
            continue
        steps, i, j = np.intersect1d(series.steps, norms.steps, return_indices=True)
        is_flagged = series.values[i] == 1
        if min(is_flagged.sum(), (~is_flagged).sum()) >= FEWEST:
            yield Flags(name, steps, norms.values[j], is_flagged)


def _norm_of(run: Run) -> Series | None:
    """Return the logged norm of the gradient; None where there is none, or several."""
    names = [name for name in run.history.series if is_gradient_norm(name)]
    unclipped = [name for name in names if "clipped" not in words_of(name)]
    if len(unclipped) != 1:
        return None
    return run.history.series[unclipped[0]]


def _of_our_probe(run: Run) -> Iterator[Flags]:
    """Yield the checkpoints at which our probe has found a saddle nearby, among the logged steps."""
    norms = _norm_of(run)
    table = table_of_probe(run, OUR_PROBE)
    if norms is None or table is None or len(norms) < FEWEST_NORMS:
        return
    is_near = is_near_saddle(table)
    flagged = np.unique(table["step"][is_near])
    if not len(flagged):
        return
    measured = {}
    for step in flagged.tolist():
        measured[step] = float(np.median(table["gradient_norm"][is_near & (table["step"] == step)]))
    others = ~np.isin(norms.steps, flagged)
    steps = np.concatenate([norms.steps[others], flagged])
    values = np.concatenate([norms.values[others], list(measured.values())])
    order = np.argsort(steps, kind="stable")
    yield Flags(f"probe {OUR_PROBE}", steps[order], values[order], np.isin(steps, flagged)[order])


def _are_doubted(flags: Flags) -> bool:
    """Say whether the gradient is as large at flagged steps as at others, and does not grow after them."""
    is_usable = np.isfinite(flags.norms) & (flags.norms > 0)
    if not is_usable.all() or flags.is_flagged.all():
        return False
    if np.median(np.abs(np.diff(np.log(flags.norms)))) >= NOISY:
        return False
    there, elsewhere = flags.norms[flags.is_flagged], flags.norms[~flags.is_flagged]
    if np.median(there) < SMALL * np.median(elsewhere):
        return False
    smooth = scipy.ndimage.median_filter(flags.norms, size=min(WINDOW, len(flags.norms)), mode="nearest")
    places = np.flatnonzero(flags.is_flagged)
    least = int(places[np.argmin(smooth[places])])
    return bool(smooth[least:].max() < GROWS * smooth[least])


def _finding(run: Run, flags: Flags) -> Finding:
    there, elsewhere = flags.norms[flags.is_flagged], flags.norms[~flags.is_flagged]
    count = int(flags.is_flagged.sum())
    statement = (
        f"{run.label}: {flags.name} says saddle at {count} of {len(flags.steps)} logged steps, where the "
        f"gradient has a median norm of {np.median(there):.3g} (least {there.min():.3g}); at the others it "
        f"is {np.median(elsewhere):.3g}. At a saddle it vanishes, and grows where one is left; here it does "
        "neither."
    )
    evidence: Evidence = {
        "run": run.label,
        "detector": flags.name,
        "flagged": count,
        "steps": len(flags.steps),
        "gradient_flagged": float(np.median(there)),
        "gradient_elsewhere": float(np.median(elsewhere)),
        "least_flagged": float(there.min()),
    }
    return Finding(
        rule="saddle_flags",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=(
            "Ask for a small gradient and negative curvature together; eigenvalues of both signs alone are "
            "common on slopes."
        ),
        runs=(run.label,),
    )


RULE = Rule(
    name="saddle_flags",
    question="Does a detector of saddles fire where the gradient is not small?",
    find=find,
    refuted_by="A point near by where the gradient vanishes and the curvature has both signs.",
    near_miss=(
        "A training that stays at a saddle with a small gradient and leaves it; one that then converges, to "
        "smaller gradients than the saddle's; gradients of small batches, whose noise hides a saddle; a "
        "count of saddles that is no flag."
    ),
    example="On Rosenbrock's function 1367 of 3000 steps are flagged by the signs of the curvature alone, at "
    "gradients of 1.6 and more; none of them has a gradient below 0.1.",
    consequence="conclusion",
)

"""Perplexities that are not one function of their loss in all groups: bits in one, nats in another.

A perplexity is b^L, with L the mean cross-entropy and b the base of its logarithm: exp(L) of a loss in nats,
2^L of a loss in bits. The base of a run is read off its own rows,

    b = exp(ln(perplexity) / L),        the same at nine of ten common steps, within what rounding explains.

Where groups disagree on b for the same two metrics, a comparison of one of the two is wrong: either the
losses are in different units, which differ by a factor ln 2 = 0.693, or one of the perplexities is the wrong
power. Which of them it is, the values suggest: the metric in which the groups lie closer together is probably
in one unit.

Only exact bases are read. A mean of exponentials over batches lies a little above exp(L) (Jensen) and counts
as nats next to an exact 2^L. Where ln(perplexity) / L is another constant, as of a perplexity per word next
to a loss per token, or no constant, as with label smoothing or another split, the base is unknown.

References: Jelinek et al. (1977), Perplexity; Cover & Thomas (2006), Elements of Information Theory, 2.1.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ired_diag.comparison.stated_data import names_data, stated_data
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, groups_of, labels_of, listed, runs_of
from ired_diag.runs.history import Series
from ired_diag.runs.metric_relatives import perplexity_pairs
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

BASES = {"2": math.log(2), "e": 1.0, "10": math.log(10)}
WORDS = {"2": "2^{loss}", "e": "exp({loss})", "10": "10^{loss}"}
UNITS = {"2": "bits", "e": "nats", "10": "decimal digits"}
FEWEST = 3  # common steps
ROUNDING = 3e-3  # of the ratio: a loss of two decimals
MOSTLY = 0.9  # of the steps
JENSEN = 1.3  # ln(perplexity) / L of means over batches, at most
LARGEST = 700.0  # nats: exp of more is not finite


@dataclass(frozen=True)
class Power:
    """A run whose perplexity is a power of its loss.

    Attributes:
        run: The run.
        names: The names of the perplexity and of the loss.
        base: Of the power: "2", "e" or "10".
        loss: The last loss at which both are known.
        perplexity: The perplexity there.
    """

    run: Run
    names: tuple[str, str]
    base: str
    loss: float
    perplexity: float


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each two metrics whose base is not the same in all runs on the same data."""
    powers: dict[tuple[str, str], list[Power]] = defaultdict(list)
    for run in study.runs:
        for power in _powers(run):
            powers[power.names].append(power)
    for alike in powers.values():
        pair = _contradiction(alike)
        if pair is not None:
            yield _finding(*pair, alike)


def _powers(run: Run) -> Iterator[Power]:
    """Yield the perplexities of a run that are a power of their loss."""
    logged = run.history.series
    for pair in perplexity_pairs(logged):
        loss = pair.losses[0]
        power = base_of(logged[pair.perplexity], logged[loss])
        if power is not None:
            base, last_loss, last_perplexity = power
            yield Power(run, (pair.perplexity, loss), base, last_loss, last_perplexity)


def base_of(perplexity: Series, loss: Series) -> tuple[str, float, float] | None:
    """Return the base of a perplexity, with the last loss and perplexity; None where it is unknown."""
    _, i, j = np.intersect1d(perplexity.steps, loss.steps, return_indices=True)
    p, values = np.asarray(perplexity.values)[i], np.asarray(loss.values)[j]
    usable = np.isfinite(p) & np.isfinite(values) & (p > 0) & (values > 0) & (values < LARGEST)
    p, values = p[usable], values[usable]
    if len(values) < FEWEST:
        return None
    ratio = np.log(p) / values
    last = float(values[-1]), float(p[-1])
    for base, logarithm in BASES.items():
        if np.mean(np.abs(ratio / logarithm - 1) <= ROUNDING) >= MOSTLY:
            return base, *last
    if np.mean((ratio >= 1 - ROUNDING) & (ratio <= JENSEN)) >= MOSTLY:
        return "e", *last
    return None


def _contradiction(powers: Sequence[Power]) -> tuple[Power, Power] | None:
    """Return two runs on the same data whose bases differ; None where all agree."""
    for a, b in itertools.combinations(powers, 2):
        if a.base != b.base and not _state_other_data(a.run, b.run):
            return a, b
    return None


def _state_other_data(a: Run, b: Run) -> bool:
    x, y = _data_of(a), _data_of(b)
    return any(x[key] != y[key] for key in x.keys() & y.keys())


def _data_of(run: Run) -> dict[str, str]:
    settings = run.configuration or {}
    return {key: text for key, text in stated_data(settings).items() if names_data(key, settings)}


def _finding(a: Power, b: Power, alike: Sequence[Power]) -> Finding:
    perplexity, loss = a.names
    parts = []
    for base in dict.fromkeys((a.base, b.base)):
        runs = runs_of([power for power in alike if power.base == base])
        parts.append(f"{WORDS[base].format(loss=loss)} in {listed(_names(runs, alike))}")
    statement = (
        f"{perplexity} is {' and '.join(parts)}: either {loss} is in {UNITS[a.base]} in the first and in "
        f"{UNITS[b.base]} in the other, or one of the perplexities is wrong. {_which(a, b)}"
    )
    runs = runs_of(alike)
    evidence: Evidence = {
        "groups": ", ".join(groups_of(runs)),
        "metric": perplexity,
        "loss": loss,
        "base": a.base,
        "other_base": b.base,
        "runs": len(runs),
    }
    return Finding(
        rule="perplexity_base",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=f"Compute {perplexity} and {loss} in one unit in all runs before either is compared.",
        runs=labels_of(runs),
    )


def _names(runs: Sequence[Run], alike: Sequence[Power]) -> list[str]:
    """Return groups by name, or runs where their group is of several bases."""
    names: dict[str, None] = {}
    for run in runs:
        bases = {power.base for power in alike if power.run.group == run.group}
        names[run.group if len(bases) == 1 else run.label] = None
    return list(names)


def _which(a: Power, b: Power) -> str:
    """Return which of two metrics is probably in one unit: that in which two runs lie closer together."""
    perplexity, loss = a.names
    of_losses = abs(math.log(a.loss / b.loss))
    # Logarithms, since a perplexity is a power.
    logs = math.log(a.perplexity) / math.log(b.perplexity)
    if logs <= 0:
        return ""
    if of_losses < abs(math.log(logs)):
        return (
            f"The last {loss} are close ({a.loss:.4g} and {b.loss:.4g}), so that {perplexity} is probably "
            f"the wrong power in one of them ({a.perplexity:.4g} and {b.perplexity:.4g})."
        )
    return (
        f"The last {perplexity} are close ({a.perplexity:.4g} and {b.perplexity:.4g}), so that {loss} is "
        f"probably in two units ({a.loss:.4g} and {b.loss:.4g})."
    )


RULE = Rule(
    name="perplexity_base",
    question="Are perplexities the same power of their loss in all groups?",
    find=find,
    consequence="conclusion",
    refuted_by="Groups of different data, each with a unit of its own, which nobody compares.",
    near_miss=(
        "A perplexity per word next to a loss per token; a loss with label smoothing; a perplexity that is "
        "averaged over batches in one group; losses in bits in all groups."
    ),
    example="val_ppl is exp(val_loss) in a and 2^val_loss in b: 27.1 and 9.6 at losses of 3.30 and 3.27.",
)

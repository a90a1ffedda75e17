"""A probe's headline numbers over training, by group: false negatives, diversity, energy gap and others.

The numbers are those of the answers that stand in the tables' metadata; neither rows nor probe are needed. At
each step where a seed was probed stands the mean over the seeds probed there, with its 95% t interval as a
band; single seeds lie faint beneath. On a logarithmic axis mean and interval are those of the logarithms: the
geometric mean. One seed has no interval over seeds, and no band.

Of numbers whose sign counts, a panel below says in how many of the seeds it is above 0, with Wilson's 95%
interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ired_diag.errors import NotFound
from ired_diag.figures.data import FigureData, Guide, Line, Panel, Scale
from ired_diag.figures.headline import Headline
from ired_diag.figures.probe_tables import Found, RunTable
from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise

SHARES = ("share", "coverage")  # first words of labels whose numbers lie between 0 and 1
Array = NDArray[np.float64]

SIGN_COUNTS = {"energy_gap": "gap_adversarial"}  # by probe: what is to be above 0 in every seed


@dataclass(frozen=True)
class Followed:
    """A number of one group at each step.

    Attributes:
        steps: Of shape (steps,), ascending.
        values: Of shape (seeds, steps); NaN where a seed has none.
        labels: Of the seeds.
    """

    steps: Array
    values: Array
    labels: tuple[str, ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many seeds have a number at each step."""
        counts: NDArray[np.int64] = np.isfinite(self.values).sum(axis=0)
        return counts


def headlines_over_training(
    found: Found, *, keys: Sequence[str] = (), weights: str | None = None, order: Sequence[str] = ()
) -> FigureData:
    """Return a probe's headline numbers against the training step.

    Args:
        found: The probe's tables.
        keys: Which headlines; all without it.
        weights: Which; those of each table's latest answer without it.
        order: All groups of the study, which fixes their colours; those asked for without it.

    Raises:
        NotFound: There is no table, none with answers, or no headline of such a name.
    """
    found.check("all")
    headlines = _headlines(found, keys)
    panels: list[Panel] = []
    counted: list[int] = []
    for headline in headlines:
        groups = {group: followed(found.of(group), headline.key, weights) for group in found.groups}
        groups = {group: one for group, one in groups.items() if one.counts.any()}
        panels.append(_panel(headline, groups))
        counted += [int(n) for one in groups.values() for n in one.counts if n]
        if SIGN_COUNTS.get(found.probe) == headline.key:
            panels.append(_sign_panel(groups))
    title = f"{found.probe.replace('_', ' ').capitalize()} over training"
    seeds = _range(counted)
    lacking = found.lacking.words("all")
    return FigureData(
        f"{found.probe}-over-training",
        title,
        "training step",
        tuple(panels),
        f"Mean over seeds and its 95% t interval (band); single seeds faint; seeds at each step: {seeds}."
        f"{_how(panels, headlines)} {_samples(found)} {lacking}".strip(),
        f"mean, 95% interval over seeds; seeds at each step: {seeds}",
        " ".join(map(_ends, panels)),
        tuple(order or found.groups),
        stacked=True,
    )


def followed(tables: Sequence[RunTable], key: str, weights: str | None = None) -> Followed:
    """Return a number of the answers in several runs' tables, at every step that any of them has."""
    told = {table.label: table.answers(weights) for table in tables}
    steps = sorted({step for answers in told.values() for step in answers if step >= 0})
    values = [[_number(answers.get(step, {}), key) for step in steps] for answers in told.values()]
    shape = len(told), len(steps)
    return Followed(
        np.array(steps, dtype=np.float64), np.array(values, dtype=np.float64).reshape(shape), tuple(told)
    )


def mean_and_interval(values: Array, scale: Scale = "linear") -> tuple[float, float, float]:
    """Return the mean of finite values with its 95% t interval; on a log axis that of their logarithms.

    >>> [round(x, 6) for x in mean_and_interval(np.array([1.0, 100.0]), "log")][0]
    10.0
    """
    x = values[np.isfinite(values)]
    if scale == "log":
        x = np.log10(x[x > 0])
    told = summarise(x)
    ends = told.mean, told.low, told.high
    # Two seeds on a log axis may span more decades than a float has.
    return tuple(_power(end) for end in ends) if scale == "log" else ends  # type: ignore[return-value]


def _headlines(found: Found, keys: Sequence[str]) -> list[Headline]:
    """Return the headlines to draw: those of the tables, or those asked for among them."""
    known = {one.key: one for table in found.tables if table.answers() for one in table.headlines}
    if not known:
        again = found.tables[0].command()
        raise NotFound(f"The tables of {found.probe} hold no answers yet. To write them: {again}")
    if unknown := [key for key in keys if key not in known]:
        raise NotFound(f"{found.probe} has no headline {unknown[0]!r}. There are: {', '.join(known)}.")
    return [known[key] for key in keys] or list(known.values())


def _panel(headline: Headline, groups: Mapping[str, Followed]) -> Panel:
    """Return a headline's panel: logarithmic only where every number is above 0."""
    everything = np.concatenate([one.values.ravel() for one in groups.values()]) if groups else np.array([])
    positive = bool((everything[np.isfinite(everything)] > 0).all())
    scale: Scale = "log" if headline.scale == "log" and positive else "linear"
    single = [line for group, one in groups.items() for line in _seeds(group, one)]
    means = [_mean(group, one, scale) for group, one in groups.items()]
    if _is_share(headline):
        means = [_within_a_share(line) for line in means]
    return Panel(headline.label, (*single, *means), scale)


def _seeds(group: str, one: Followed) -> Iterator[Line]:
    """Yield each seed of several, without the steps that it lacks."""
    if len(one.labels) < 2:
        return
    for label, values in zip(one.labels, one.values, strict=True):
        here = np.isfinite(values)
        yield Line(label, one.steps[here], values[here], drawn="line", of=group, faint=True)


def _mean(group: str, one: Followed, scale: Scale) -> Line:
    here = one.counts > 0
    ends = np.array([mean_and_interval(column, scale) for column in one.values.T[here]]).reshape(-1, 3)
    known = np.isfinite(ends[:, 1:]).any()
    low, high = (ends[:, 1], ends[:, 2]) if known else (None, None)
    return Line(group, one.steps[here], ends[:, 0], low, high, spread="band")


def _is_share(headline: Headline) -> bool:
    return headline.label.split()[0] in SHARES


def _within_a_share(line: Line) -> Line:
    """Return a line whose band, which is of a t interval that knows no bounds, is cut at 0 and 1."""
    if line.low is None or line.high is None:
        return line
    return replace(line, low=np.clip(line.low, 0, 1), high=np.clip(line.high, 0, 1))


def _sign_panel(groups: Mapping[str, Followed]) -> Panel:
    lines = []
    for group, one in groups.items():
        here = one.counts > 0
        shares = [share_of((column > 0)[np.isfinite(column)].astype(float)) for column in one.values.T[here]]
        mean, low, high = (
            np.array([getattr(share, end) for share in shares]) for end in ("mean", "low", "high")
        )
        lines.append(Line(group, one.steps[here], mean, low, high, spread="band"))
    label = "share of seeds with a gap above 0"
    return Panel(label, tuple(lines), guides=(Guide(0.5, ""),), y_range=(-0.03, 1.03))


def _how(panels: Sequence[Panel], headlines: Sequence[Headline]) -> str:
    """Return what else is to be known of some panels."""
    geometric = " On logarithmic axes: geometric means." if any(p.y_scale == "log" for p in panels) else ""
    signs = " Share of seeds: with Wilson's 95% interval." if len(panels) > len(headlines) else ""
    shares = " Bands of shares are cut at 0 and 1." if any(map(_is_share, headlines)) else ""
    return geometric + signs + shares


def _ends(panel: Panel) -> str:
    """Return where each group's mean begins and ends."""
    told = [
        f"{line.name} {line.y[0]:.3g} to {line.y[-1]:.3g} (steps {line.x[0]:.0f} to {line.x[-1]:.0f})"
        for line in panel.lines
        if not line.faint
    ]
    return f"{panel.y_label}: {', '.join(told) or 'no number'}."


def _samples(found: Found) -> str:
    """Return how many problems each answer is over."""
    counts = {n for t in found.tables for told in t.answers().values() if isinstance(n := told.get("n"), int)}
    return f"Each answer over n = {_range(list(counts))}." if counts else ""


def _range(counts: Sequence[int]) -> str:
    if not counts:
        return "none"
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def _number(evidence: Mapping[str, object], key: str) -> float:
    value = evidence.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _power(exponent: float) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.power(10.0, exponent))

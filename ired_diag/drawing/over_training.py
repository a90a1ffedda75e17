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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ired_diag.drawing.bounded_lines import cut_at, cut_in_words_by_panel, within
from ired_diag.drawing.data import FigureData, Guide, Line, Panel, Scale, Spread
from ired_diag.drawing.headline import Headline
from ired_diag.drawing.headline_words import meanings, samples_in_words, title_of
from ired_diag.drawing.probe_tables import Found
from ired_diag.drawing.ranges import range_in_words
from ired_diag.drawing.run_table import RunTable
from ired_diag.errors import NotFound
from ired_diag.stats.share import share_of
from ired_diag.stats.summary import summarise

BOUNDS = {  # of numbers, by the first word of their label
    "share": (0.0, 1.0),
    "coverage": (0.0, 1.0),
    "cosine": (-1.0, 1.0),
    "correlation": (-1.0, 1.0),
    "distance": (0.0, math.inf),
    "Vendi": (0.0, math.inf),
    "effective": (0.0, math.inf),
}
FEW_STEPS = 5  # at so few, intervals of several groups stand next to each other; bands would cover each other
APART = 0.03  # of the extent of the steps: from one of these intervals to the next
LIMITS = {("stability", "ratio"): 1.0}  # by probe and headline: the value beyond which training is unstable
IN_ROWS = 4  # panels: so many stand in two rows, their names above them
SIGN_COUNTS = {"energy_gap": "gap_adversarial"}  # by probe: what is to be above 0 in every seed

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Followed:
    """A number of one group at each step.

    Attributes:
        steps: Training steps, of shape (steps,), ascending.
        values: The number, of shape (seeds, steps); NaN where a seed has none.
        labels: Labels of the seeds.
    """

    steps: Array
    values: Array
    labels: tuple[str, ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many seeds have a number at each step."""
        counts: NDArray[np.int64] = np.isfinite(self.values).sum(axis=0)
        return counts

    @property
    def measured_steps(self) -> Array:
        """The steps at which any seed has a number."""
        return self.steps[self.counts > 0]

    def seeds_at_steps(self) -> Iterator[Array]:
        """Yield the finite numbers of the seeds at each step at which there are any."""
        for column in self.values.T:
            finite = column[np.isfinite(column)]
            if len(finite):
                yield finite


def headlines_over_training(
    tables: Found,
    *,
    keys: Sequence[str] = (),
    weights: str | None = None,
    order: Sequence[str] = (),
) -> FigureData:
    """Return a probe's headline numbers against the training step.

    Args:
        tables: The probe's tables.
        keys: Keys of the headlines. Default: all.
        weights: The kind of weights. Default: those of each table's latest answer.
        order: All groups of the study, which fixes their colours. Default: the groups of ``tables``.

    Raises:
        NotFound: There is no table, none with answers, or no headline of such a name.
    """
    tables.check("all")
    headlines = _headlines(tables, keys)
    panels: list[Panel] = []
    counts: list[int] = []
    cut: dict[str, set[float]] = {}
    for headline in headlines:
        groups = _followed_groups(tables, headline, weights)
        panel, cut[headline.label] = _panel(headline, groups)
        limit = LIMITS.get((tables.probe, headline.key))
        if limit is not None:
            panel = replace(panel, guides=(Guide(limit, "limit"),))
        panels.append(panel)
        for group in groups.values():
            counts += group.counts[group.counts > 0].tolist()
        if SIGN_COUNTS.get(tables.probe) == headline.key:
            panels.append(_sign_panel(groups))
    seeds = range_in_words(counts, empty="none")
    parts = [
        meanings(tables.probe, [headline.key for headline in headlines]),
        _marks(panels, counts, seeds, tables),
        _how(panels, headlines, cut, has_means=max(counts, default=0) > 1),
        _samples(tables),
        tables.lacking.left_out(),
    ]
    in_rows = len(panels) == IN_ROWS
    if in_rows:
        panels = [replace(panel, title=panel.y_label, y_label="", height=0.9) for panel in panels]
    return FigureData(
        name=f"{tables.probe}-over-training",
        title=title_of(tables.probe),
        x_label="training step",
        panels=tuple(panels),
        method=" ".join(filter(None, parts)),
        note=f"mean, 95% interval over seeds; seeds at each step: {seeds}",
        summary=" ".join([*map(_ends, panels), tables.lacking.words("all")]).strip(),
        order=tuple(order or tables.groups),
        stacked=True,
        columns=2 if in_rows else 0,
        solid=len(tables.tables) == 1,
    )


def _marks(panels: Sequence[Panel], counts: Sequence[int], seeds: str, tables: Found) -> str:
    """Return what lines and bands are, as far as they are drawn."""
    if max(counts, default=0) < 2:
        if len(tables.tables) == 1:
            return f"Line: {tables.tables[0].label}, the only run."
        return "Line: the only seed of each group."
    lines = [line for panel in panels for line in panel.lines]
    spreads = {line.spread for line in lines if line.low is not None}
    band = ""
    if spreads:
        band = " and its 95% t interval (band)"
        if "bars" in spreads:
            band = " and its 95% t interval (bar; groups of one step stand side by side)"
    thin = "; thin lines: single seeds" if any(line.faint for line in lines) else ""
    return f"Thick line: mean over seeds{band}{thin}; seeds at each step: {seeds}."


def _followed_groups(tables: Found, headline: Headline, weights: str | None) -> dict[str, Followed]:
    """Return a headline of each group that has it at any step."""
    groups = {}
    for name in tables.groups:
        group = followed(tables.of(name), headline.key, weights)
        if group.counts.any():
            groups[name] = group
    return groups


def followed(tables: Sequence[RunTable], key: str, weights: str | None = None) -> Followed:
    """Return a number of the answers in several runs' tables, at every step that any of them has."""
    answers = {table.label: table.answers(weights) for table in tables}
    recorded = set(chain.from_iterable(answers.values()))
    steps = sorted(step for step in recorded if step >= 0)
    values = np.full((len(answers), len(steps)), np.nan)
    for row, of_seed in zip(values, answers.values(), strict=True):
        for place, step in enumerate(steps):
            row[place] = _number(of_seed.get(step, {}), key)
    return Followed(
        steps=np.array(steps, dtype=np.float64),
        values=values,
        labels=tuple(answers),
    )


def mean_and_interval(values: Array, scale: Scale = "linear") -> tuple[float, float, float]:
    """Return the mean of finite values with its 95% t interval; on a log axis that of their logarithms.

    >>> [round(x, 6) for x in mean_and_interval(np.array([1.0, 100.0]), "log")][0]
    10.0
    """
    finite = values[np.isfinite(values)]
    if scale == "linear":
        summary = summarise(finite)
        return summary.mean, summary.low, summary.high
    logarithms = np.log10(finite[finite > 0])
    summary = summarise(logarithms)
    return _power(summary.mean), _power(summary.low), _power(summary.high)


def _headlines(tables: Found, keys: Sequence[str]) -> list[Headline]:
    """Return the headlines to draw: those of the tables, or the chosen ones among them."""
    by_key: dict[str, Headline] = {}
    for table in tables.tables:
        if table.answers():
            for headline in table.headlines:
                by_key[headline.key] = headline
    if not by_key:
        command = tables.tables[0].command()
        raise NotFound(f"The tables of {tables.probe} hold no answers yet. To write them: {command}")
    for key in keys:
        if key not in by_key:
            raise NotFound(f"{tables.probe} has no headline {key!r}. There are: {', '.join(by_key)}.")
    chosen = keys or list(by_key)
    return [by_key[key] for key in chosen]


def _panel(headline: Headline, groups: Mapping[str, Followed]) -> tuple[Panel, set[float]]:
    """Return a headline's panel, logarithmic only where every number is above 0, and where bands are cut."""
    scale: Scale = "linear"
    if headline.scale == "log" and all(map(_is_positive, groups.values())):
        scale = "log"
    seeds: list[Line] = []
    means: list[Line] = []
    cut: set[float] = set()
    shifts = _shifts(groups)
    for (name, group), shift in zip(groups.items(), shifts, strict=True):
        seeds += [replace(line, shift=shift) for line in _seed_lines(name, group)]
        mean = _mean_line(name, group, scale)
        bounded = within(mean, _bounds_of(headline))
        cut |= cut_at(mean, bounded)
        means.append(replace(bounded, spread="bars" if any(shifts) else "band", shift=shift))
    return Panel(headline.label, (*seeds, *means), scale), cut


def _shifts(groups: Mapping[str, Followed]) -> list[float]:
    """Return how far the points of each group stand from their step: not at all where steps are many."""
    steps = np.unique(np.concatenate([group.measured_steps for group in groups.values()]))
    if len(groups) < 2 or len(steps) > FEW_STEPS:
        return [0.0] * len(groups)
    extent = float(np.ptp(steps)) or 1.0
    middle = (len(groups) - 1) / 2
    return [APART * extent * (position - middle) for position in range(len(groups))]


def _is_positive(group: Followed) -> bool:
    """Say whether every number is above 0."""
    finite = group.values[np.isfinite(group.values)]
    return bool((finite > 0).all())


def _seed_lines(name: str, group: Followed) -> Iterator[Line]:
    """Yield each seed of several, without the steps that it lacks."""
    if len(group.labels) < 2:
        return
    for label, values in zip(group.labels, group.values, strict=True):
        is_measured = np.isfinite(values)
        yield Line(
            name=label,
            x=group.steps[is_measured],
            y=values[is_measured],
            drawn="line",
            of=name,
            faint=True,
        )


def _mean_line(name: str, group: Followed, scale: Scale) -> Line:
    intervals = [mean_and_interval(values, scale) for values in group.seeds_at_steps()]
    mean, low, high = np.array(intervals).reshape(-1, 3).T
    line = Line(name, group.measured_steps, mean, spread="band")
    if np.isfinite(low).any() or np.isfinite(high).any():
        return replace(line, low=low, high=high)
    return line


def _bounds_of(headline: Headline) -> tuple[float, float] | None:
    """Return the ends between which a number lies; None where it has none."""
    first_word = headline.label.split()[0]
    return BOUNDS.get(first_word)


def _sign_panel(groups: Mapping[str, Followed]) -> Panel:
    """Return the share of seeds above 0 at each step."""
    lines = []
    shifts = _shifts(groups)
    for (name, group), shift in zip(groups.items(), shifts, strict=True):
        shares = []
        for values in group.seeds_at_steps():
            share = share_of((values > 0).astype(float))
            shares.append((share.mean, share.low, share.high))
        mean, low, high = np.array(shares).T
        spread: Spread = "bars" if any(shifts) else "band"
        lines.append(Line(name, group.measured_steps, mean, low, high, spread=spread, shift=shift))
    return Panel(
        y_label="share of seeds with a gap above 0",
        lines=tuple(lines),
        guides=(Guide(0.5, ""),),
        y_range=(-0.03, 1.03),
    )


def _how(
    panels: Sequence[Panel],
    headlines: Sequence[Headline],
    cut: Mapping[str, Collection[float]],
    *,
    has_means: bool,
) -> str:
    """Return what the caption says of logarithmic axes and of bounds."""
    sentences = []
    if has_means and any(panel.y_scale == "log" for panel in panels):
        sentences.append("On logarithmic axes means are geometric.")
    if len(panels) > len(headlines):
        sentences.append("The share of seeds has Wilson's 95% interval.")
    sentences.append(cut_in_words_by_panel(cut))
    return " ".join(filter(None, sentences))


def _ends(panel: Panel) -> str:
    """Return where each group's mean begins and ends."""
    words = []
    for line in panel.lines:
        if not line.faint:
            values = f"{line.y[0]:.3g}"
            steps = f"step {line.x[0]:.0f}"
            if len(line.x) > 1:
                values += f" to {line.y[-1]:.3g}"
                steps = f"steps {line.x[0]:.0f} to {line.x[-1]:.0f}"
            words.append(f"{line.name} {values} ({steps})")
    return f"{panel.name}: {', '.join(words) or 'no number'}."


def _samples(tables: Found) -> str:
    """Return how many problems each answer is over."""
    counts = set()
    for table in tables.tables:
        for evidence in table.answers().values():
            n = evidence.get("n")
            if isinstance(n, int):
                counts.add(n)
    if not counts:
        return ""
    return samples_in_words(tables.probe, range_in_words(counts))


def _number(evidence: Mapping[str, object], key: str) -> float:
    value = evidence.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value)


def _power(exponent: float) -> float:
    # Two seeds on a log axis may span more decades than a float has.
    with np.errstate(over="ignore", under="ignore"):
        return float(np.power(10.0, exponent))

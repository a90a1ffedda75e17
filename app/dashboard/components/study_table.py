"""The table of the Study page: a row for each group, and one for each seed of an open group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from app.dashboard.address import View
from app.dashboard.components.attributes import attributes
from app.dashboard.components.finding_badges import ByRun, badges
from app.dashboard.components.group_chips import swatch
from app.dashboard.components.sparkline import MOST_CURVES, Axes, axes_of, sparkline
from app.dashboard.components.table import NONE, Heading, cell, head, run_link
from app.dashboard.configuration_keys import shared_value
from app.dashboard.group_numbers import GroupNumber, aligned, decimals_of, group_number
from app.dashboard.snapshot import Entry
from app.dashboard.study_groups import COLUMN, StudyGroup
from app.dashboard.training_time import training_time
from ired_diag.drawing.palette import BLACK, GREY, style_at
from ired_diag.runs.completion import state_in_words
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run

LONG = 24  # letters of a name: a longer one is broken wherever it must be
NOT_JUDGED = "not judged"  # a run without evaluations, which counts too: marks add up to the runs
MOST_SEEDS = 200  # rows of an open group


@dataclass(frozen=True, kw_only=True)
class StudyTable:
    """How the groups are shown.

    Attributes:
        view: Choices of the reader.
        order: All groups of the study, which fixes their colours.
        by_run: Findings by the label of the run; None while they are looked for.
        has_several_metrics: Whether runs are judged by different metrics, so that each row names its own.
        decimals: How many decimals numbers have, by metric; None: they have powers of ten.
        axes: Axes of the pictures of curves, by metric, so that groups can be compared by them.
        clock: Logged column that tells the time; None where runs log none.
    """

    view: View
    order: tuple[str, ...]
    by_run: ByRun | None
    has_several_metrics: bool
    decimals: Mapping[str, int | None]
    axes: Mapping[str, Axes]
    clock: str | None = None

    @property
    def headings(self) -> list[Heading]:
        """The headings of the columns."""
        counted = "Runs" if self.view.by else "Seeds"
        headings = [
            Heading(self.view.by or "Run", "run"),
            Heading(counted, "seeds", numeric=True),
            Heading("State", "state"),
        ]
        if self.has_several_metrics:
            headings.append(Heading("Metric", "metric"))
        for place, name in enumerate(self.view.columns):
            headings.append(Heading(name, f"{COLUMN}{place}"))
        headings += [
            Heading("Last, mean\u00a0±\u00a0sd", "last", numeric=True),
            Heading("Best, mean\u00a0±\u00a0sd", "best", numeric=True),
            Heading("At step", "step", numeric=True),
            *([Heading(f"Time ({self.clock})", "time", numeric=True)] if self.clock else []),
            Heading("Verdict", "verdict"),
            Heading("Findings", "findings"),
            Heading("Curve"),
        ]
        return headings

    def drawn(self, groups: Iterable[StudyGroup]) -> html.Table:
        """Return the table of groups."""
        bodies = [self._group(group) for group in groups]
        return html.Table([head(self.headings, self.view), *bodies], className="runs")

    def _group(self, group: StudyGroup) -> html.Tbody:
        is_open = group.name in self.view.open
        arrow = "▾" if is_open else "▸"
        keys = attributes(data_toggle="open", data_value=group.name, data_row="", aria_expanded=is_open)
        colour = [] if self.view.by else [swatch(group.name, self.order)]
        name = html.Span(_breaking(group.name), className="long" if len(group.name) > LONG else "")
        button = html.Button([f"{arrow} ", *colour, name], type="button", className="expand", **keys)
        last = group_number(group.entries, "last")
        best = group_number(group.entries, "best")
        shapes = [entry.verdict.shape or NOT_JUDGED for entry in group.entries]
        row = html.Tr(
            [
                html.Th(button, scope="row"),
                cell(last.seeds_in_words, numeric=True, title=last.explanation),
                cell(counts_of(entry.completion for entry in group.entries)),
                *self._of_settings(group.entries, ", ".join(group.metrics)),
                cell(self._mean_and_sd(last, group), numeric=True),
                cell(self._mean_and_sd(best, group), numeric=True),
                cell(_last_steps(group.entries), className="number wraps"),
                *self._time(group.entries),
                cell(counts_of(shapes)),
                cell(self._badges(group.named)),
                cell(self._picture(group.entries)),
            ],
            className="group",
        )
        rows = [row]
        if is_open:
            rows += [self._run(entry) for entry in group.entries[:MOST_SEEDS]]
        if is_open and len(group.entries) > MOST_SEEDS:
            words = f"{MOST_SEEDS} of {len(group.entries)} seeds are listed. The filter finds the others."
            rows.append(html.Tr(html.Td(words, colSpan=len(self.headings), className="more")))
        return html.Tbody(rows)

    def _run(self, entry: Entry) -> html.Tr:
        verdict = entry.verdict
        label = entry.run.label if self.view.by else entry.run.seed_label
        decimals = self.decimals.get(str(verdict.metric))
        last = aligned(verdict.last, decimals) if verdict.metric else "nothing evaluated"
        return html.Tr(
            [
                html.Th(run_link(entry.id, label, view=self.view), scope="row", className="seed"),
                cell("", numeric=True),
                cell(state_in_words(entry.run, entry.completion)),
                *self._of_settings([entry], verdict.metric or "nothing evaluated"),
                cell(last, numeric=True),
                cell(aligned(verdict.best, decimals), numeric=True),
                cell(_steps(verdict.last_step), numeric=True),
                *self._time([entry]),
                cell((verdict.shape or NONE).replace("_", " ")),
                cell(self._badges([entry.run.label])),
                cell(self._picture([entry])),
            ]
        )

    def _of_settings(self, entries: Sequence[Entry], metric: str) -> list[html.Td]:
        """Return the cells of the metric, where rows have several, and of the chosen configuration keys."""
        cells = [cell(metric, className="wraps")] if self.has_several_metrics else []
        runs = [entry.run for entry in entries]
        return cells + [cell(shared_value(runs, name), className="wraps") for name in self.view.columns]

    def _time(self, entries: Sequence[Entry]) -> list[html.Td]:
        """Return the cell of the time that training took, where runs log one."""
        if self.clock is None:
            return []
        time = training_time(entries, self.clock)
        if time is None:
            return [cell(NONE, numeric=True)]
        return [cell(f"{time.total:,.5g}", numeric=True, title=time.explanation)]

    def _mean_and_sd(self, number: GroupNumber, group: StudyGroup) -> list[Any]:
        decimals = self.decimals.get(", ".join(group.metrics))
        if number.sd is None:
            return [aligned(number.mean, decimals)]
        spread = html.Span(f"± {aligned(number.sd, decimals)}", className="spread")
        return [f"{aligned(number.mean, decimals)} ", spread]

    def _badges(self, labels: Sequence[str]) -> Any:
        if self.by_run is None:
            return "…"
        return badges(labels, self.by_run, self.view)

    def _picture(self, entries: Sequence[Entry]) -> Any:
        runs = [entry.run for entry in entries if entry.run.is_judged]
        names = {str(run.judging_metric) for run in runs}
        if len(names) != 1:
            return None
        (metric,) = names
        return sparkline(
            _curves(runs),
            metric,
            total=len(runs),
            colour=self._colour(runs[0].group),
            axes=self.axes.get(metric),
        )

    def _colour(self, group: str) -> str:
        """Return the colour of a group; grey in place of black, which is not seen on a dark page."""
        if self.view.by or group not in self.order:
            return GREY
        colour = style_at(self.order.index(group)).colour
        return GREY if colour == BLACK else colour


def decimals_by_metric(groups: Iterable[StudyGroup]) -> dict[str, int | None]:
    """Return how many decimals the numbers of each metric have."""
    numbers: dict[str, list[GroupNumber]] = {}
    for group in groups:
        for name in ("last", "best"):
            numbers.setdefault(", ".join(group.metrics), []).append(group_number(group.entries, name))
    decimals = {}
    for metric, column in numbers.items():
        errors = [number.error for number in column]
        decimals[metric] = decimals_of([number.mean for number in column], errors)
    return decimals


def axes_by_metric(groups: Iterable[StudyGroup]) -> dict[str, Axes]:
    """Return the axes that the pictures of a metric's curves share."""
    runs_of: dict[str, list[Run]] = {}
    for group in groups:
        for run in [entry.run for entry in group.entries if entry.run.is_judged][:MOST_CURVES]:
            runs_of.setdefault(str(run.judging_metric), []).append(run)
    shared = {}
    for metric, runs in runs_of.items():
        axes = axes_of(_curves(runs), lower_is_better=all(run.lower_is_better for run in runs))
        if axes is not None:
            shared[metric] = axes
    return shared


def _curves(runs: Iterable[Run]) -> list[Series]:
    return [run.evaluated[1] for run in runs if run.evaluated]


def counts_of(words: Iterable[str]) -> html.Span:
    """Return words, each with its number, as small marks; only the word where all agree."""
    counts = Counter(words)
    marks = []
    for word, count in counts.most_common():
        text = word.replace("_", " ")
        style = text.replace(" ", "-")
        if len(counts) > 1:
            text = f"{count} {text}"
        marks.append(html.Span(text, className=f"mark {style}"))
    return html.Span(marks, className="marks")


def _breaking(name: str) -> list[Any]:
    """Return a name that may go on in the next line after each @."""
    first, *others = name.split("@")
    parts: list[Any] = [first]
    for other in others:
        parts += ["@", html.Wbr(), other]
    return parts


def _last_steps(entries: Sequence[Entry]) -> str:
    steps = [entry.verdict.last_step for entry in entries if entry.verdict.last_step is not None]
    if not steps:
        return NONE
    low, high = min(steps), max(steps)
    return _steps(high) if low == high else f"{_steps(low)} to {_steps(high)}"


def _steps(step: float | None) -> str:
    return NONE if step is None else f"{step:,.0f}"

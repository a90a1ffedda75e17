"""Which pictures there are, and all that runs allow: each is drawn, or it is said why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ired_diag.comparison import Comparison
from ired_diag.errors import DiagError, NotFound
from ired_diag.figures.by_group import last_of_groups, of_one_run
from ired_diag.figures.critical_difference import critical_difference
from ired_diag.figures.data import FigureData
from ired_diag.figures.distributions import Form, distributions_of_kinds
from ired_diag.figures.energies import energy_gaps, positive_energies
from ired_diag.figures.evaluation_noise import evaluation_noise
from ired_diag.figures.floor_ladder import floor_ladder
from ired_diag.figures.group_levels import energy_against_error, mining_by_group
from ired_diag.figures.learning_curves import learning_curves
from ired_diag.figures.over_seeds import Band
from ired_diag.figures.over_training import headlines_over_training
from ired_diag.figures.paired_differences import paired_differences
from ired_diag.figures.probe_tables import Found, find_tables
from ired_diag.figures.quantities import quantity_of
from ired_diag.figures.rank_map import rank_map
from ired_diag.figures.readouts import readout_forest
from ired_diag.figures.sweep_response import sweep_figure
from ired_diag.runs.judged import judged_in_words
from ired_diag.runs.run import Run

QUANTITIES = ("cond", "energy")


@dataclass(frozen=True)
class Material:
    """What pictures are made of.

    Attributes:
        groups: Runs by the name of their group, in the order of the legend.
        comparison: Of these groups; None where there is only one.
        metric: The metric that learning curves show. Default: detected by name.
        smooth: Over how many evaluations means are running medians; as they are without.
        form: Of distributions.
        quantities: Whose distributions.
        out: Where else probes' tables were sent.
        band: What learning curves have around their mean.
        start: Step from which on learning curves are shown; all of them without.
    """

    groups: Mapping[str, Sequence[Run]]
    comparison: Comparison | None = None
    metric: str | None = None
    smooth: int | None = None
    form: Form = "ecdf"
    quantities: Sequence[str] = QUANTITIES
    out: Path | None = None
    band: Band = "t interval"
    start: float | None = None

    @property
    def metric_lines(self) -> list[str]:
        """Metric and direction in words, and other evaluation sets where there are some."""
        return judged_in_words([run for runs in self.groups.values() for run in runs])

    def compared(self) -> Comparison:
        """Return the comparison.

        Raises:
            NotFound: There is only one group.
        """
        if self.comparison is None:
            raise NotFound("one experiment: there is nothing to compare it with.")
        return self.comparison

    def tables(self, probe: str) -> Found:
        """Return a probe's tables of these runs."""
        return find_tables(self.groups, probe, out=self.out)


@dataclass(frozen=True)
class Recipe:
    """One kind of picture: what it answers, and how it is made."""

    question: str
    make: Callable[[Material], Sequence[FigureData]]


@dataclass(frozen=True)
class Pictures:
    """What was made.

    Attributes:
        figures: In the order in which they are read, each with a name of its own.
        not_drawn: By name of the picture, why not.
    """

    figures: tuple[FigureData, ...]
    not_drawn: Mapping[str, str]


def make_pictures(material: Material, only: Iterable[str] = ()) -> Pictures:
    """Return the pictures that runs allow.

    Args:
        material: What they are made of.
        only: Names of pictures; all without it, but for a sweep's where no knob was named.

    Raises:
        NotFound: There is no picture of a name.
    """
    names = list(only) or [n for n in RECIPES if n != "sweep" or _has_sweep(material)]
    if unknown := [name for name in names if name not in RECIPES]:
        raise NotFound(f"There is no picture {unknown[0]!r}. There are: {', '.join(RECIPES)}.")
    figures: list[FigureData] = []
    not_drawn = {}
    for name in names:
        try:
            figures += RECIPES[name].make(material)
        except DiagError as reason:
            not_drawn[name] = str(reason)
    return Pictures(tuple(replace(f, name=f.name.replace("_", "-")) for f in figures), not_drawn)


def _has_sweep(material: Material) -> bool:
    return material.comparison is not None and material.comparison.sweep is not None


def _plateau(material: Material) -> list[FigureData]:
    """Return the curves from where all of them rest: on the whole curve's axis they look like one line."""
    start = material.compared().plateau_step
    if start is None:
        raise NotFound("the curves have no plateau in common.")
    drawn = learning_curves(
        material.groups,
        metric=material.metric,
        smooth=material.smooth,
        band=material.band,
        floors=False,
        start=start,
    )
    return [replace(drawn, name="plateau-curves")]


def _curves(material: Material) -> list[FigureData]:
    drawn = learning_curves(
        material.groups,
        metric=material.metric,
        smooth=material.smooth,
        band=material.band,
        start=material.start,
    )
    return [drawn]


def _distributions(material: Material) -> list[FigureData]:
    figures = []
    for quantity in map(quantity_of, material.quantities):
        for group, measured in last_of_groups(material.tables(quantity.probe)).items():
            drawn = distributions_of_kinds(measured, quantity, form=material.form)
            figures.append(replace(drawn, name=f"{drawn.name}-{group}"))
    return figures


def _over_training(probe: str) -> Callable[[Material], list[FigureData]]:
    return lambda material: [headlines_over_training(material.tables(probe), order=tuple(material.groups))]


def _by_group(probe: str, figure: Callable[..., FigureData]) -> Callable[[Material], list[FigureData]]:
    def make(material: Material) -> list[FigureData]:
        found = material.tables(probe)
        lacking = found.lacking.words() if found.lacking.labels else ""
        return [figure(last_of_groups(found), order=tuple(material.groups), lacking=lacking)]

    return make


def _spectra(material: Material) -> list[FigureData]:
    from probes.curvature import figure

    return of_one_run(last_of_groups(material.tables("curvature")), figure)


RECIPES: Mapping[str, Recipe] = {
    "learning-curves": Recipe(
        "How does validation go, with what spread over seeds?",
        _curves,
    ),
    "plateau-curves": Recipe("How do the curves lie where they rest?", _plateau),
    "paired-differences": Recipe(
        "What differs from the first experiment, seed by seed?", lambda m: [paired_differences(m.compared())]
    ),
    "readouts": Recipe(
        "Does the conclusion change with the readout?", lambda m: [readout_forest(m.compared())]
    ),
    "evaluation-noise": Recipe(
        "How much of the spread of seeds is evaluation noise?", lambda m: [evaluation_noise(m.compared())]
    ),
    "rank-map": Recipe("Do the seeds agree on the order?", lambda m: [rank_map(m.compared())]),
    "critical-difference": Recipe("Which mean ranks differ?", lambda m: [critical_difference(m.compared())]),
    "sweep": Recipe("How does the readout answer a knob?", lambda m: [sweep_figure(m.compared())]),
    "energy-gap": Recipe(
        "Does the energy tell right from wrong, and since when?",
        lambda m: [energy_gaps(m.groups, smooth=m.smooth)],
    ),
    "positive-energy": Recipe(
        "Does the energy of right answers run away?", lambda m: [positive_energies(m.groups, smooth=m.smooth)]
    ),
    "distributions": Recipe("How do negatives differ from right answers?", _distributions),
    "false-negatives": Recipe("How many negatives are right answers?", _over_training("false_negatives")),
    "diversity": Recipe("Do negatives collapse to few?", _over_training("diversity")),
    "mining": Recipe("What does mining do, level by level?", _by_group("mining_dynamics", mining_by_group)),
    "floor-ladder": Recipe("Is the error below trivial predictors'?", _by_group("floor", floor_ladder)),
    "energy-against-error": Recipe(
        "Is a lower energy a better answer?", _by_group("energy_judge", energy_against_error)
    ),
    "spectra": Recipe("How curved is the energy at right answers?", _spectra),
}

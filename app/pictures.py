"""Which pictures there are, and all that runs allow: each is drawn, or the reason is given why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import probes
from app.report_groups import with_labels_in
from app.run_groups import all_runs
from ired_diag import tasks
from ired_diag.comparison import Comparison
from ired_diag.comparison.across import Across
from ired_diag.comparison.source_levels import source_levels
from ired_diag.comparison.words import readout_name
from ired_diag.drawing.aggregate_intervals import aggregate_intervals
from ired_diag.drawing.average_distance import average_distances
from ired_diag.drawing.by_group import last_of_groups, of_one_run
from ired_diag.drawing.critical_difference import critical_difference
from ired_diag.drawing.data import FigureData
from ired_diag.drawing.distributions import Form, distributions_of_kinds
from ired_diag.drawing.energies import energy_gaps, positive_energies
from ired_diag.drawing.evaluation_noise import evaluation_noise
from ired_diag.drawing.failed_runs import failed_in_words, failures_of
from ired_diag.drawing.floor_ladder import floor_ladder
from ired_diag.drawing.fold_words import in_words_of_folds
from ired_diag.drawing.group_levels import energy_against_error, mining_by_group
from ired_diag.drawing.improvement_probability import improvement_probability
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.drawing.logged_energies import gap_of
from ired_diag.drawing.model_images import has_images, model_images
from ired_diag.drawing.over_seeds import Band
from ired_diag.drawing.over_training import headlines_over_training
from ired_diag.drawing.paired_differences import paired_differences
from ired_diag.drawing.performance_profiles import performance_profiles
from ired_diag.drawing.probe_tables import Found, find_tables
from ired_diag.drawing.quantities import quantity_of
from ired_diag.drawing.rank_map import rank_map
from ired_diag.drawing.readouts import readout_forest
from ired_diag.drawing.representations import representations
from ired_diag.drawing.sweep_response import sweep_figure
from ired_diag.drawing.task_effects import task_effects
from ired_diag.drawing.trajectories import has_map, trajectories
from ired_diag.drawing.variance_components import variance_components
from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.average_metrics import RELATIVE
from ired_diag.runs.energy_metrics import positive_energy
from ired_diag.runs.history import History, Series
from ired_diag.runs.judged import judged_in_words, shared_metric
from ired_diag.runs.run import Run

QUANTITIES = ("cond", "energy")
MOST_MARKS = 4  # of learning curves: of more, the kinds that say least are left out
NOT_IN_FILE_NAMES = re.compile(r"[^\w.@=+,-]+|_+")


@dataclass(frozen=True, kw_only=True)
class Material:
    """What pictures are made of.

    Attributes:
        groups: Runs by the name of their group, in the order of the legend.
        comparison: Comparison of the groups. None where there is only one group.
        metric: The metric that learning curves show. Default: detected by name.
        metric_label: What pictures and tables call the metric. Default: its name.
        order: Names of all groups of the study, which fixes their colours. Empty: the groups themselves.
        names: Names of the groups in the runs folder or logs, by label; empty where groups have no labels.
        smooth: Number of evaluations in a running median of the means. None: the means as they are.
        form: Form in which distributions are drawn.
        quantities: Names of the quantities whose distributions are drawn.
        out: Further folder with tables of probes.
        band: Band around the mean of a learning curve.
        start: First step of the learning curves. None: all steps.
        across: Comparison over several tasks. None where there is none.
    """

    groups: Mapping[str, Sequence[Run]]
    comparison: Comparison | None = None
    metric: str | None = None
    metric_label: str = ""
    order: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    smooth: int | None = None
    form: Form = "ecdf"
    quantities: Sequence[str] = QUANTITIES
    out: Path | None = None
    band: Band = "t interval"
    start: float | None = None
    across: Across | None = None

    @property
    def metric_lines(self) -> list[str]:
        """Metric and direction in words, and other evaluation sets where there are some."""
        lines = judged_in_words(all_runs(self.groups))
        return [with_labels_in(line, self.metric_names) for line in lines]

    @property
    def metric_names(self) -> dict[str, str]:
        """The metric's name in the logs by its label; empty without a label."""
        return {self.metric_label: self.metric} if self.metric_label and self.metric else {}

    @property
    def baseline(self) -> str:
        """Name of the group that the others are compared with: the first."""
        return next(iter(self.groups))

    def compared(self) -> Comparison:
        """Return the comparison.

        Raises:
            NotFound: There is only one group.
        """
        if self.comparison is None:
            raise NotFound("one experiment: there is nothing to compare it with.")
        return self.comparison

    def over_tasks(self) -> Across:
        """Return the comparison over several tasks.

        Raises:
            NotFound: There is none.
        """
        if self.across is None:
            raise NotFound(
                "it is of a comparison over several tasks: ired-diag across SOURCES --figures DIR."
            )
        return self.across

    def tables(self, probe: str) -> Found:
        """Return a probe's tables of these runs.

        Raises:
            NotFound: The runs train a task of the user's own, and the probe is about the built-in one.
        """
        own = {run.task for run in all_runs(self.groups) if run.task and not tasks.is_built_in(run.task)}
        definition = probes.load(probe)
        if own and not (definition.own_energies or definition.is_of_training):
            raise NotFound(f"the probe {probe} cannot be put to the task {sorted(own)[0]}.")
        return find_tables(self.groups, probe, out=self.out)


def always(material: Material) -> bool:
    """Return True: the picture is asked for with all others, and a reason is given where it is not drawn."""
    return True


def when_named(material: Material) -> bool:
    """Return False: another picture shows the same, so that this one is drawn only where it is named."""
    return False


@dataclass(frozen=True)
class Recipe:
    """A kind of picture.

    Attributes:
        question: What it answers.
        make: Draws it.
        suits: Whether it belongs to "all pictures" of this material; by its name it can always be asked for.
    """

    question: str
    make: Callable[[Material], Sequence[FigureData]]
    suits: Callable[[Material], bool] = always


@dataclass(frozen=True, repr=False)
class Pictures:
    """Pictures of runs.

    Attributes:
        figures: Figures in the order in which they are read, each with a name of its own.
        not_drawn: Reasons why pictures were not drawn, by the name of the picture.
    """

    figures: tuple[FigureData, ...]
    not_drawn: Mapping[str, str]

    def __repr__(self) -> str:
        names = ", ".join(figure.name for figure in self.figures) or "none"
        reasons = [f"not drawn: {name}: {reason}" for name, reason in self.not_drawn.items()]
        return "\n  ".join([f"<Pictures: {names}", *reasons]) + ">"

    def _repr_html_(self) -> str:
        from ired_diag.notebook import heading_as_html

        parts = [figure._repr_html_() for figure in self.figures]
        if self.not_drawn:
            reasons = [f"{name}: {reason}" for name, reason in self.not_drawn.items()]
            parts.append(heading_as_html("not drawn", reasons))
        return "".join(parts)


def make_pictures(material: Material, only: Iterable[str] = ()) -> Pictures:
    """Return the pictures that runs allow.

    Args:
        material: What they are made of.
        only: Names of pictures. Empty: all pictures that suit the material; the one of a sweep only where a
            knob was named.

    Raises:
        NotFound: There is no picture of this name.
    """
    names = list(only)
    if not names:
        names = [name for name, recipe in RECIPES.items() if recipe.suits(material)]
    for name in names:
        if name not in RECIPES:
            raise NotFound(f"There is no picture {name!r}. There are: {', '.join(RECIPES)}.")
    figures: list[FigureData] = []
    not_drawn = {}
    for name in names:
        try:
            made = RECIPES[name].make(material)
        except DiagError as reason:
            not_drawn[name] = str(reason)
            continue
        for figure in made:
            figures.append(_as_in_the_study(figure, material))
    return Pictures(tuple(figures), not_drawn)


def _as_in_the_study(figure: FigureData, material: Material) -> FigureData:
    """Return a figure with a name for files, its groups in the colours that they have in the whole study."""
    order = figure.order
    groups = set(material.groups)
    if material.order and groups.intersection(order) == groups:
        others = [name for name in order if name not in groups and name not in material.order]
        order = (*material.order, *others)
    figure = in_words_of_folds(figure, material.groups.values())
    return replace(figure, name=_file_name(figure.name), order=order)


def _file_name(name: str) -> str:
    r"""Return a name for files that LaTeX takes too; a label may hold spaces and slashes.

    >>> _file_name("ecdf-cond-adversarial mining")
    'ecdf-cond-adversarial-mining'
    """
    return NOT_IN_FILE_NAMES.sub("-", name).strip("-")


def _has_sweep(material: Material) -> bool:
    return material.comparison is not None and material.comparison.sweep is not None


def _has_tasks(material: Material) -> bool:
    return material.across is not None


def _shares_seeds(material: Material) -> bool:
    """Say whether the runs of a group share seeds of single sources, so that these can be told apart."""
    return any(source_levels(runs).are_crossed for runs in material.groups.values())


def _ranks_need_a_map(material: Material) -> bool:
    """Say whether a map of ranks shows more than the sentence that every seed has the same order."""
    if material.comparison is None or material.comparison.ranks is None:
        return False
    ranks = material.comparison.ranks
    has_one_order = ranks.friedman.w == 1.0
    return len(ranks.mean_ranks) > 2 and len(ranks.seeds) > 1 and not has_one_order


def _variance_components(material: Material) -> list[FigureData]:
    from app.calls.variance import variance

    results = {}
    for name, runs in material.groups.items():
        if source_levels(runs).are_crossed:
            answer = variance({name: list(runs)}, metric=material.metric)
            results[name] = answer.result
    if not results:
        raise NotFound(
            "no group has runs that share seeds of single sources (train --seed-init, --seed-data)."
        )
    return [
        variance_components(
            results,
            metric=material.metric_label or answer.comparison.metric,
            readout=readout_name(answer.comparison),
        )
    ]


def _any_run(check: Callable[[Run], bool]) -> Callable[[Material], bool]:
    return lambda material: any(map(check, all_runs(material.groups)))


def _may_have_energy(run: Run) -> bool:
    """Say whether a run may have an energy to probe: of a task without one, no command makes the tables."""
    if run.task:
        return not tasks.is_built_in(run.task) or tasks.load(run.task).subject is not None
    return bool(run.checkpoints) or tasks.recognised(run.configuration or {}) is not None


def _logs_distance(run: Run) -> bool:
    """Say whether a run logged how far its averaged weights are from the raw ones, and more than once."""
    series = run.history.series.get(RELATIVE)
    return series is not None and len(series) > 1


def _has_table(probe: str) -> Callable[[Material], bool]:
    """Return a function that says whether any run was probed: these probes are put to few trainings."""
    return lambda material: bool(find_tables(material.groups, probe, out=material.out).tables)


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
        label=material.metric_label,
        most_marks=MOST_MARKS,
    )
    return [replace(drawn, name="plateau-curves")]


def _plateau_step(material: Material) -> float | None:
    """Return from where all curves rest; None where they do not, or begin to be shown only later."""
    if material.comparison is None or material.start is not None:
        return None
    return material.comparison.plateau_step


def _curves(material: Material) -> list[FigureData]:
    _check_several_steps(all_runs(material.groups))
    drawn = learning_curves(
        material.groups,
        metric=material.metric,
        smooth=material.smooth,
        band=material.band,
        start=material.start,
        plateau=_plateau_step(material),
        label=material.metric_label,
        most_marks=MOST_MARKS,
    )
    return [drawn]


def _check_several_steps(runs: Iterable[Run]) -> None:
    """Refuse to draw curves of one point each, as the numbers of a table are.

    Raises:
        NotFound: All runs were evaluated at one and the same step.
    """
    steps: set[int] = set()
    for run in runs:
        if run.evaluated is not None:
            _, series = run.evaluated
            steps.update(series.steps.tolist())
    if len(steps) == 1:
        raise NotFound("each run has one evaluation, which makes no curve.")


def _distributions(material: Material) -> list[FigureData]:
    figures = []
    for quantity in map(quantity_of, material.quantities):
        for group, measured in last_of_groups(material.tables(quantity.probe)).items():
            drawn = distributions_of_kinds(measured, quantity, form=material.form)
            figures.append(replace(drawn, name=f"{drawn.name}-{group}"))
    return figures


def _over_training(probe: str) -> Callable[[Material], list[FigureData]]:
    def make(material: Material) -> list[FigureData]:
        tables = material.tables(probe)
        drawn = headlines_over_training(tables, order=tuple(material.groups))
        labels = {group: [table.label for table in tables.of(group)] for group in tables.groups}
        return [replace(drawn, method=drawn.method + _failed(material, labels))]

    return make


def _energies(
    draw: Callable[..., FigureData], read: Callable[[History], tuple[str, Series] | None]
) -> Callable[[Material], list[FigureData]]:
    """Return a function that draws logged energies, and says which of their runs failed."""

    def make(material: Material) -> list[FigureData]:
        drawn = draw(material.groups, smooth=material.smooth, windowed=material.smooth is None)
        labels: dict[str, list[str]] = {}
        for group, runs in material.groups.items():
            labels[group] = [run.label for run in runs if read(run.history) is not None]
        return [replace(drawn, method=drawn.method + _failed(material, labels))]

    return make


def _failed(material: Material, drawn: Mapping[str, Sequence[str]]) -> str:
    """Return which of the runs that are drawn failed, as the comparison of the same runs judges them."""
    metric = material.metric
    if metric is None:
        try:
            metric = shared_metric(material.groups)
        except NotFound:  # probed runs without a log: nothing says that one failed
            return ""
    return failed_in_words(failures_of(material.groups, metric), drawn)


def _with_command(figure: FigureData, tables: Found) -> FigureData:
    """Return a figure whose summary has the command for what is not measured; a caption has no commands."""
    return replace(figure, summary=f"{figure.summary} {tables.lacking.words()}".strip())


def _by_group(probe: str, figure: Callable[..., FigureData]) -> Callable[[Material], list[FigureData]]:
    def make(material: Material) -> list[FigureData]:
        tables = material.tables(probe)
        measured = last_of_groups(tables)
        labels = {group: [run.label for run in members] for group, members in measured.items()}
        lacking = f"{tables.lacking.left_out()}{_failed(material, labels)}".strip()
        drawn = figure(measured, order=tuple(material.groups), lacking=lacking)
        return [_with_command(drawn, tables)]

    return make


def _floor_ladder(material: Material) -> list[FigureData]:
    from probes.inverse.floor import in_words

    return _by_group("floor", partial(floor_ladder, explain=in_words))(material)


def _of_one_run(probe: str) -> Callable[[Material], list[FigureData]]:
    """Return a function that draws a probe's own picture of the first run of each group."""

    def make(material: Material) -> list[FigureData]:
        tables = material.tables(probe)
        return of_one_run(last_of_groups(tables), probes.load(probe).figure)

    return make


def _representations(material: Material) -> list[FigureData]:
    from probes.inverse.representation import products_of

    tables = material.tables("representation")
    seeds = {run.label: run.seed for run in all_runs(material.groups)}
    lacking = tables.lacking.left_out()
    drawn = representations(last_of_groups(tables), seeds, products_of, lacking=lacking)
    return [_with_command(drawn, tables)]


RECIPES: Mapping[str, Recipe] = {
    "learning-curves": Recipe(
        "How does validation go, with what spread over seeds?",
        _curves,
    ),
    "plateau-curves": Recipe("How do the curves lie where they rest?", _plateau, suits=when_named),
    "paired-differences": Recipe(
        "What differs from the first experiment, seed by seed?",
        lambda m: [paired_differences(m.compared(), m.baseline)],
    ),
    "readouts": Recipe(
        "Does the conclusion change with the readout?", lambda m: [readout_forest(m.compared(), m.baseline)]
    ),
    "evaluation-noise": Recipe(
        "How much of the spread of seeds is evaluation noise?",
        lambda m: [evaluation_noise(m.compared(), tuple(m.groups))],
    ),
    "variance-components": Recipe(
        "Which source of randomness makes the spread of runs?", _variance_components, suits=_shares_seeds
    ),
    "rank-map": Recipe(
        "Do the seeds agree on the order?", lambda m: [rank_map(m.compared())], suits=_ranks_need_a_map
    ),
    "critical-difference": Recipe("Which mean ranks differ?", lambda m: [critical_difference(m.compared())]),
    "sweep": Recipe(
        "How does the readout answer a knob?", lambda m: [sweep_figure(m.compared())], suits=_has_sweep
    ),
    "energy-gap": Recipe(
        "Does the energy separate right answers from wrong ones, and since when?",
        _energies(energy_gaps, gap_of),
        suits=_any_run(_may_have_energy),
    ),
    "positive-energy": Recipe(
        "Does the energy of right answers run away?",
        _energies(positive_energies, positive_energy),
        suits=_any_run(_may_have_energy),
    ),
    "distributions": Recipe(
        "How do negatives differ from right answers?", _distributions, suits=_any_run(_may_have_energy)
    ),
    "false-negatives": Recipe(
        "How many negatives are right answers?",
        _over_training("false_negatives"),
        suits=_any_run(_may_have_energy),
    ),
    "diversity": Recipe(
        "Do negatives collapse to few?", _over_training("diversity"), suits=_any_run(_may_have_energy)
    ),
    "mining": Recipe(
        "What does mining do, level by level?",
        _by_group("mining_dynamics", mining_by_group),
        suits=_any_run(_may_have_energy),
    ),
    "floor-ladder": Recipe(
        "Is the error below trivial predictors'?",
        _floor_ladder,
        suits=_any_run(_may_have_energy),
    ),
    "energy-against-error": Recipe(
        "Is a lower energy a better answer?",
        _by_group("energy_judge", energy_against_error),
        suits=_any_run(_may_have_energy),
    ),
    "spectra": Recipe(
        "How curved is the energy at right answers?",
        _of_one_run("curvature"),
        suits=_any_run(_may_have_energy),
    ),
    "average-distance": Recipe(
        "How far do averaged weights lag behind the raw ones, and what does it do to the metric?",
        lambda m: [average_distances(m.groups, metric=m.metric, smooth=m.smooth, label=m.metric_label)],
        suits=_any_run(_logs_distance),
    ),
    "trajectories": Recipe(
        "Where did the two weights go?", lambda m: [trajectories(m.groups)], suits=_any_run(has_map)
    ),
    "model-images": Recipe(
        "What does the model draw over training?",
        lambda m: model_images(m.groups),
        suits=_any_run(has_images),
    ),
    "promise": Recipe(
        "Does the loss change by what the gradient promises?", _of_one_run("steps"), suits=_has_table("steps")
    ),
    "stability": Recipe(
        "Is the curvature below the optimiser's limit, and since when not?",
        _over_training("stability"),
        suits=_has_table("stability"),
    ),
    "sharpness": Recipe(
        "How sharp is the loss around the weights, and how much of that is scale?",
        _of_one_run("sharpness"),
        suits=_has_table("sharpness"),
    ),
    "layers": Recipe(
        "Which layers do the gradients move?", _of_one_run("layers"), suits=_has_table("layers")
    ),
    "gap": Recipe(
        "How far is the loss on training data below that on test data?",
        _of_one_run("gap"),
        suits=_has_table("gap"),
    ),
    "representations": Recipe(
        "Do strategies learn the same features?", _representations, suits=_has_table("representation")
    ),
    "task-effects": Recipe(
        "Where does a change help, where does it hurt?",
        lambda m: [task_effects(m.over_tasks())],
        suits=_has_tasks,
    ),
    "aggregate-intervals": Recipe(
        "How do the scores over all tasks compare?",
        lambda m: [aggregate_intervals(m.over_tasks())],
        suits=_has_tasks,
    ),
    "performance-profiles": Recipe(
        "Which share of runs is above which score?",
        lambda m: [performance_profiles(m.over_tasks())],
        suits=_has_tasks,
    ),
    "improvement-probability": Recipe(
        "How often is a run better than one of the old group?",
        lambda m: [improvement_probability(m.over_tasks())],
        suits=_has_tasks,
    ),
}

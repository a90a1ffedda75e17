"""The next command of a finding: one that runs as it is printed, where the reader stands.

The advice of a rule names a command by its kind (``ired-diag probe floor q101``), and knows neither where the
runs are nor whether they have checkpoints. Here the command is completed for one study:

- a name of a group means something below ``--runs DIR`` alone, so the folder is given;
- ``stats`` needs two groups that share a metric: where the advice names one group, another one that is judged
  by the same metric joins it, one of the finding if there is one, else the one with the most seeds;
- ``probe`` needs a checkpoint: it is advised only where a run that the finding touches has one;
- where no such command can run, ``ired-diag diagnose … --rule RULE`` shows every finding of the rule, and of
  a single one ``--explain RULE`` says what would refute it.

Paths and names are quoted for a POSIX shell.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ired_diag import forensics, tasks
from ired_diag.errors import DiagError
from ired_diag.finding_clusters import Cluster, Fact
from ired_diag.named_paths import split_arguments
from ired_diag.runs.judged import shared_direction, shared_metric, usual_metric
from ired_diag.runs.regroup import Grouping
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

PROGRAM = "ired-diag"
IN_ADVICE = re.compile(r"[:,]?\s*\bired-diag (?P<words>[^\n]*?)(?=\.?\s*$|, or |[.;] )")
LEADS_NOWHERE = re.compile(r"(?:^|[,;])\s*(?:(?:and|or) )?[^,;]*\b(?:with|by)$")  # the command followed it
OF_A_STEP = re.compile(r"step-0*(\d+)")
MOST_GROUPS = 4  # of stats: more pairs than these need give no verdict at a glance
FEWEST_SEEDS = 2  # of a group: a single seed has no spread
DIRECTION = {True: "--higher-is-better", False: "--lower-is-better"}
SWITCHES = ("--paired", "--unpaired", "--attempts", "--evaluations")
VALUED = ("--readout", "--margin", "--set")
SAME_LENGTH = "--until"  # of stats: the last step that all groups reached goes with it


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the runs of a study are, as a command line says it.

    Attributes:
        paths: Paths and ``NAME=GLOB``; empty where the runs are those of the runs folder.
        runs: The runs folder.
        options: Words that judge and group the runs as they were: ``--metric val_acc``.
    """

    paths: tuple[str, ...] = ()
    runs: Path = Path("runs")
    options: tuple[str, ...] = ()

    def command(self, name: str, *flags: str) -> str:
        """Return a command about all runs: ``ired-diag ls path/to/logs --attempts``."""
        paths = list(map(_as_path, self.paths))
        words = paths or runs_option(self.runs)
        return _command(name, *words, *flags, *self.options)

    def of_groups(self, name: str, groups: Sequence[str], *flags: str) -> str | None:
        """Return a command about the named groups; None where no command line can name them."""
        patterns, paths = split_arguments(self.paths)
        arguments = {pattern.name: argument for argument, pattern in patterns.items()}
        folder = self.folder
        have_arguments = set(groups) <= set(arguments)
        if arguments and not paths and have_arguments:
            words = [arguments[group] for group in groups]
        elif folder is not None:
            words = [*groups, *runs_option(folder)]
        else:
            return None
        return _command(name, *words, *flags, *self.options)

    @property
    def folder(self) -> Path | None:
        """The folder in which names of runs have a meaning; None where the runs are in several places."""
        if not self.paths:
            return self.runs
        first, *others = self.paths
        if others:
            return None
        folder = Path(first)
        if not folder.is_dir():
            return None
        return folder


def _command(*words: str) -> str:
    """Return a command of this program, quoted for a shell."""
    return shlex.join([PROGRAM, *words])


def runs_option(folder: Path) -> list[str]:
    """Return the words that say where the runs are; none where a command looks there by itself."""
    if folder == Path("runs"):
        return []
    return ["--runs", _as_path(str(folder))]


def options_in_words(
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
) -> tuple[str, ...]:
    """Return the words of a command line that judge and group runs in the same way.

    >>> options_in_words(metric="val_acc", higher_is_better=True)
    ('--metric', 'val_acc', '--higher-is-better')
    """
    words: list[str] = []
    if metric is not None:
        words += ["--metric", metric]
    if higher_is_better is not None:
        words.append(DIRECTION[higher_is_better])
    if grouping is not None:
        words += grouping.options
    return tuple(words)


def _as_path(path: str) -> str:
    """Return a path that no command takes for an option."""
    if path.startswith("-"):
        return f"./{path}"
    return path


def advice_in_words(advice: str) -> str:
    """Return an advice without its command.

    >>> advice_in_words("Compare plateaus, not last evaluations: ired-diag stats q1 OTHER")
    'Compare plateaus, not last evaluations.'
    >>> advice_in_words("Divide by a number, and check a checkpoint with: ired-diag probe invariance q1")
    'Divide by a number.'
    >>> advice_in_words("ired-diag stats q1 q2")
    ''
    """
    match = IN_ADVICE.search(advice)
    words = advice
    if match is not None:
        before_command = advice[: match.start()]
        words = LEADS_NOWHERE.sub("", before_command)
    words = words.strip()
    if not words:
        return ""
    sentence = words.rstrip(".:,")
    return f"{sentence}."


def next_command(cluster: Cluster, study: Study, place: Place) -> str:
    """Return the next command for a reader of a cluster: that of its advice, else that of its findings."""
    first_fact = cluster.facts[0]
    if command := command_of_fact(first_fact, study, place):
        return command
    if cluster.rule not in forensics.names():
        return place.command("ls")
    if len(cluster.findings) == 1:
        return _command("diagnose", "--explain", cluster.rule)
    return place.command("diagnose", "--rule", cluster.rule)


def command_of_fact(fact: Fact, study: Study, place: Place) -> str | None:
    """Return the command that the advice on a fact means; None where no such command can run."""
    match = IN_ADVICE.search(fact.advice)
    if match is None:
        return None
    words = match["words"].split()
    makers = {
        "ls": _ls,
        "stats": _stats,
        "probe": _probe,
        "train": _train,
    }
    make = makers.get(words[0])
    if make is None:
        return None
    by_label = {run.label: run for run in study.runs}
    runs = [by_label[label] for label in fact.runs]
    return make(words, runs, study, place)


def _ls(words: Sequence[str], runs: Sequence[Run], study: Study, place: Place) -> str:
    flags = _flags(words)
    if len(runs) == 1:
        (run,) = runs
        path = _as_path(str(run.path))
        return _command("ls", path, *flags)
    return place.command("ls", *flags)


def _stats(words: Sequence[str], runs: Sequence[Run], study: Study, place: Place) -> str | None:
    """Return a comparison of the advised groups, or of one group with another; None where none can run."""
    groups = study.groups()
    touched = list(dict.fromkeys(run.group for run in runs))
    advised = [word for word in words[1:] if word in groups]
    compared: dict[str, list[Run]] = {}
    for name in advised or touched:
        if len(compared) < MOST_GROUPS and _has_spread(groups[name]):
            compared[name] = groups[name]
    if len(compared) == 1:
        (name,) = compared
        partner = _partner(name, touched, groups)
        if partner is not None:
            compared[partner] = groups[partner]
    if len(compared) < 2 or not _are_comparable(compared):
        return None
    flags = _flags(words)
    if SAME_LENGTH in words:
        flags += _until_shortest(compared)
    return place.of_groups("stats", list(compared), *flags)


def _until_shortest(groups: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return the words that cut longer trainings at the end of the shortest; none where all end together."""
    last_steps = set()
    for runs in groups.values():
        last_steps |= {run.evaluated[1].last_step for run in runs if run.evaluated is not None}
    if len(last_steps) < 2:
        return []
    return [SAME_LENGTH, str(min(last_steps))]


def _has_spread(runs: Sequence[Run]) -> bool:
    """Say whether a group has enough seeds with a metric to be compared."""
    return _seeds(runs) >= FEWEST_SEEDS


def _seeds(runs: Sequence[Run]) -> int:
    return sum(run.evaluated is not None for run in runs)


def _partner(
    name: str,
    touched: Sequence[str],
    groups: Mapping[str, Sequence[Run]],
) -> str | None:
    """Return a group of the same metric and task to compare with: one of the finding, else the largest."""
    from ired_diag.comparison.related import are_related  # loads scipy, which few calls need

    metric = usual_metric(groups[name])
    others = []
    for other, runs in groups.items():
        if other == name or not _has_spread(runs):
            continue
        if usual_metric(runs) == metric and are_related(groups[name], runs):
            others.append(other)
    # False sorts before True: groups of the finding stand first, then the largest ones.
    others.sort(key=lambda other: (other not in touched, -_seeds(groups[other])))
    if not others:
        return None
    return others[0]


def _are_comparable(groups: Mapping[str, Sequence[Run]]) -> bool:
    """Say whether ``stats`` has a metric and a direction for all of the groups."""
    try:
        metric = shared_metric(groups)
        shared_direction(groups, metric)
    except DiagError:
        return False
    return True


def _flags(words: Sequence[str]) -> list[str]:
    """Return the options of a command in an advice, each with its value."""
    flags: list[str] = []
    for before, word in itertools.pairwise(words):
        is_value = before in VALUED
        if is_value or word in SWITCHES or word in VALUED:
            flags.append(word)
    return flags


def _probe(words: Sequence[str], runs: Sequence[Run], study: Study, place: Place) -> str | None:
    """Return the probe of a run that has a checkpoint."""
    with_checkpoints = [run for run in runs if run.checkpoints]
    if len(words) < 2 or not with_checkpoints:
        return None
    run = with_checkpoints[0]
    path = _as_path(str(run.path))
    return _command("probe", words[1], path, *tasks.option_of(run))


def _train(words: Sequence[str], runs: Sequence[Run], study: Study, place: Place) -> str | None:
    """Return a fork from where the advice says: last, best, or the last checkpoint at or before a step."""
    source = next((word for word in words if "@" in word), "")
    label, _, step = source.rpartition("@")
    run = next((run for run in study.runs if run.label == label), None)
    folder = place.folder
    if run is None or folder is None:
        return None
    checkpoint = step
    if step not in ("last", "best"):
        checkpoint = _last_checkpoint(run, step)
    if not checkpoint:
        return None
    return _command(
        "train",
        "--from",
        f"{label}@{checkpoint}",
        *_flags(words),
        *tasks.option_of(run),
        *runs_option(folder),
    )


def _last_checkpoint(run: Run, step: str) -> str:
    """Return the step of the last checkpoint at or before a step; empty where there is none."""
    if not re.fullmatch(r"[\d.e+]+", step):
        return ""
    earlier = []
    for path in run.checkpoints:
        match = OF_A_STEP.search(path.name)
        if match is None:
            continue
        checkpoint = int(match[1])
        if checkpoint <= float(step):
            earlier.append(checkpoint)
    if not earlier:
        return ""
    return str(max(earlier))

"""``ired-diag`` without a command: what is in this folder, and the commands that fit it.

The kinds of files are said at once. The runs are read only where that takes a few seconds at most; where it
would take longer, the command that reads them is named instead.
"""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from app.cli import folder_words, output
from app.cli.table_width import terminal_width

if TYPE_CHECKING:
    from ired_diag.folder_survey import Survey
    from ired_diag.runs.study import Study

NOTHING_HERE = (
    "This folder holds no logs, runs or checkpoints that are read here. Name the folder of your logs: "
    "ired-diag ls path/to/logs"
)
COMMANDS = 3  # and one more where two groups are compared, first by numbers and then by whole curves
FEWEST_EVALUATIONS = 10  # of a curve that is worth comparing as a whole
WHEN = "ired-diag when "
MOST_COMPARED = 4  # groups in a command that compares
FEWEST_SEEDS = 2  # of a group that can be compared
INDENT, GAP = 2, 3  # characters
WIDTH = 110  # characters of a line where nobody sees a terminal


class Fitting(NamedTuple):
    """A command, and what it answers."""

    command: str
    answer: str


def show_folder(folder: Path) -> bool:
    """Print what is in a folder and what to type next; return whether there was anything to say.

    Args:
        folder: The folder, as paths in the commands are to begin.
    """
    from ired_diag.folder_survey import survey

    seen = survey(folder)
    if not seen.holds_runs and not seen.checkpoints:
        reason = NOTHING_HERE if seen.is_whole else folder_words.why_unread(seen)
        click.echo(f"{reason}\n", err=True)
        return False
    click.echo(f"In this folder: {folder_words.kinds_in_words(seen)}.")
    study = _study_of(seen)
    if study is not None:
        list_all = _command("ls", *_places(seen))
        output.print_lines(folder_words.runs_in_words(study, list_all))
    elif seen.holds_runs:
        click.echo(folder_words.why_unread(seen))
    click.secho("\nWhat fits:", bold=True)
    fitting = _fitting(seen, study)
    shown = list(itertools.islice(fitting, COMMANDS + 1))
    has_when = any(each.command.startswith(WHEN) for each in shown)
    _print_commands(shown if has_when else shown[:COMMANDS])
    click.echo("All commands: ired-diag --help")
    return True


def _print_commands(commands: Sequence[Fitting]) -> None:
    """Print commands and what they answer, next to each other where a terminal is wide enough."""
    longest = max(len(each.command) for each in commands)
    widest_answer = max(len(each.answer) for each in commands)
    width = terminal_width() or WIDTH
    is_wide = INDENT + longest + GAP + widest_answer <= width
    indent = " " * INDENT
    for command, answer in commands:
        if is_wide:
            padded = command.ljust(longest + GAP)
            click.echo(f"{indent}{padded}{answer}")
        else:
            click.echo(f"{indent}{command}")
            click.echo(f"{indent}{indent}{answer}")


def _study_of(seen: Survey) -> Study | None:
    """Return the runs; None where there are none, or where reading them takes long."""
    from ired_diag.errors import DiagError
    from ired_diag.runs.regroup import Grouping
    from ired_diag.seed_table_runs import open_with_tables

    if not seen.holds_runs or not seen.is_quick:
        return None
    try:
        return open_with_tables(_places(seen), grouping=Grouping())
    except DiagError as error:
        click.echo(f"They were not read: {error}")
        return None


def _places(seen: Survey) -> list[str]:
    return list(map(str, seen.places))


def _one_folder(seen: Survey) -> str:
    """Return the folder that holds all logs: the only place, where there is one."""
    if len(seen.places) == 1 and seen.places[0].is_dir():
        return str(seen.places[0])
    return str(seen.folder)


def _fitting(seen: Survey, study: Study | None) -> Iterator[Fitting]:
    """Yield commands, those that fit best first."""
    places = _places(seen)
    is_judged = seen.holds_runs
    if study is not None and not study.runs and not study.evaluations:
        reasons = _command("ls", *places)
        yield Fitting(reasons, "why none of these files is a run")
        is_judged = False
    if seen.holds_runs and study is None:
        count = _command("ls", *places)
        yield Fitting(count, "count the runs, and see how each ended")
    if is_judged:
        diagnose = _command("diagnose", *places)
        yield Fitting(diagnose, "what is wrong in these runs, the worst first")
    if study is not None:
        yield from _of_runs(study, seen)
    for checkpoint in seen.checkpoints[:1]:
        listing = _command("ls", str(checkpoint))
        yield Fitting(listing, "what is in the checkpoint: tensors, step, damage")
    if is_judged:
        dashboard = _command("dashboard", _one_folder(seen))
        yield Fitting(dashboard, "all curves and groups, in the browser")
        listing = _command("ls", *places)
        yield Fitting(listing, "every run, and how it ended")
    elif seen.holds_runs:
        explanation = _command("ls", "--explain", *places)
        yield Fitting(explanation, "how each file was read, and what was not understood")
        yield Fitting("ired-diag demo", "what it finds in runs that come with the program")
    if seen.checkpoints:
        yield Fitting("ired-diag probe --list", "questions that a checkpoint can be asked")
        yield Fitting("ired-diag demo", "what probes find, on runs that come with the program")


def _of_runs(study: Study, seen: Survey) -> Iterator[Fitting]:
    """Yield the commands that these runs call for."""
    from ired_diag.runs.completion import completion_of

    places = _places(seen)
    comparable = _comparable(study)
    if len(comparable) > 1:
        words = [*comparable[:MOST_COMPARED], "--runs", _one_folder(seen)]
        are_all_groups = len(comparable) == len(study.groups())
        if are_all_groups and len(comparable) <= MOST_COMPARED:
            words = places
        compare = _command("stats", *words)
        yield Fitting(compare, "which group is better, by how much, and how sure that is")
        if len(comparable) == 2 and _have_full_curves(study, comparable):
            whole = _command("when", *_two_groups(seen, comparable))
            yield Fitting(whole, "from which step on their curves are apart")
    completions = Counter(map(completion_of, study.runs))
    if completions["running"]:
        watch = _command("watch", _one_folder(seen))
        yield Fitting(watch, "be told when a running job diverges, stalls or ends")
    if completions["failed"]:
        attempts = _command("ls", *places, "--attempts")
        yield Fitting(attempts, "why jobs died, and which seeds were tried again")
    if any(run.checkpoints for run in study.runs):
        yield Fitting("ired-diag probe --list", "questions that the checkpoints of these runs can be asked")


def _two_groups(seen: Survey, names: Sequence[str]) -> list[str]:
    """Return the words that mean two groups: their folders, where these are all places; else their names."""
    places = _places(seen)
    if sorted(Path(place).name for place in places) == sorted(names):
        return places
    return [*names, "--runs", _one_folder(seen)]


def _have_full_curves(study: Study, names: Sequence[str]) -> bool:
    """Say whether each run of the groups holds a curve, and not a few numbers."""
    for run in study.runs:
        if run.group in names and (not run.evaluated or len(run.evaluated[1]) < FEWEST_EVALUATIONS):
            return False
    return True


def _comparable(study: Study) -> list[str]:
    """Return the related groups of several finished seeds that the usual metric judges, the largest first."""
    from ired_diag.comparison.related import related_groups
    from ired_diag.runs.judged import usual_metric

    metric = usual_metric(study.runs)
    seeds: Counter[str] = Counter()
    for run in study.runs:
        if run.ending.may_be_complete and run.evaluated and run.evaluated[0] == metric:
            seeds[run.group] += 1
    groups = study.groups()
    comparable = {name: groups[name] for name, count in seeds.most_common() if count >= FEWEST_SEEDS}
    return related_groups(comparable)


def _command(name: str, *words: str) -> str:
    return shlex.join(["ired-diag", name, *words])

"""``ired-diag`` without a command: what is in this folder, and the three commands that fit it.

The kinds of files are said at once. The runs are read only where that takes a few seconds at most; where it
would take longer, the command that reads them is named instead.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import output
from app.cli.table_width import terminal_width

if TYPE_CHECKING:
    from ired_diag.folder_survey import Survey
    from ired_diag.runs.completion import Completion
    from ired_diag.runs.run import Run
    from ired_diag.runs.study import Study

MOST_GROUPS = 8  # that are named
MOST_COMPARED = 4  # groups in a command that compares
MOST_METRICS = 3  # lines
FEWEST_SEEDS = 2  # of a group that can be compared
COMMANDS = 3
INDENT, GAP = 2, 3  # characters
WIDTH = 110  # characters of a line where nobody sees a terminal
COMPLETIONS: tuple[Completion, ...] = ("complete", "running", "cut off", "failed", "unknown")

Commands = Iterator[tuple[str, str]]  # each command, and what it answers


def show_folder(folder: Path) -> bool:
    """Print what is in a folder and what to type next; return whether there was anything to say.

    Args:
        folder: The folder, as paths in the commands are to begin.
    """
    from ired_diag.folder_survey import survey

    seen = survey(folder)
    if not seen.holds_runs and not seen.checkpoints:
        if not seen.is_whole:
            click.echo(f"{_why_unread(seen)}\n", err=True)
        return False
    click.echo(f"In this folder: {_kinds_in_words(seen)}.")
    study = _study_of(seen)
    if study is not None:
        output.print_lines(_runs_in_words(study, seen.folder))
    elif seen.holds_runs:
        click.echo(_why_unread(seen))
    click.secho("\nWhat fits:", bold=True)
    fitting = list(_fitting(seen, study))
    _print_commands(fitting[:COMMANDS])
    click.echo("All commands: ired-diag --help")
    return True


def _print_commands(commands: Sequence[tuple[str, str]]) -> None:
    """Print commands and what they answer, next to each other where a terminal is wide enough."""
    longest = max(len(command) for command, _ in commands)
    widest_answer = max(len(answer) for _, answer in commands)
    width = terminal_width() or WIDTH
    is_wide = INDENT + longest + GAP + widest_answer <= width
    for command, answer in commands:
        if is_wide:
            click.echo(f"{INDENT * ' '}{command:{longest + GAP}}{answer}")
        else:
            click.echo(f"{INDENT * ' '}{command}\n{2 * INDENT * ' '}{answer}")


def _kinds_in_words(seen: Survey) -> str:
    from ired_diag.folder_survey import IN_WORDS
    from ired_diag.runs.name_list import counted

    parts = []
    for kind, count in Counter(seen.kinds).most_common():
        parts.append(_plural(count, IN_WORDS.get(kind, kind.replace("_", " "))))
    if seen.checkpoints:
        parts.append(counted(len(seen.checkpoints), "checkpoint"))
    return ", ".join(parts)


def _plural(count: int, noun: str) -> str:
    """Return a count with its noun, of which the first noun has the plural: ``2 tables of metrics``."""
    if count == 1:
        return f"1 {noun}"
    for joint in (" of ", " with ", " in "):
        head, found, rest = noun.partition(joint)
        if found:
            return f"{count} {_many(head)}{joint}{rest}"
    return f"{count} {_many(noun)}"


def _many(noun: str) -> str:
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _study_of(seen: Survey) -> Study | None:
    """Return the runs; None where there are none, or where reading them takes long."""
    from ired_diag.errors import DiagError
    from ired_diag.runs.regroup import Grouping
    from ired_diag.seed_table_runs import open_with_tables

    if not seen.holds_runs or not seen.is_quick:
        return None
    try:
        return open_with_tables(list(map(str, seen.places)), grouping=Grouping())
    except DiagError as error:
        click.echo(f"They were not read: {error}")
        return None


def _why_unread(seen: Survey) -> str:
    megabytes = seen.bytes / 1e6
    reason = f"{megabytes:.0f} MB of logs take a while to read"
    if not seen.is_whole:
        reason = "There are more files here than are looked at without being asked"
    return f"{reason}: the runs were not counted. Name the folder of your logs: ired-diag ls path/to/logs"


def _runs_in_words(study: Study, place: Path) -> Iterator[str]:
    """Yield how many runs there are, in which groups, how they ended, and what judges them."""
    from ired_diag.runs.judged import judged_in_words, unjudged_in_words
    from ired_diag.runs.name_list import counted

    groups = study.groups()
    runs = counted(len(study.runs), "run")
    if groups:
        yield f"{runs} in {counted(len(groups), 'group')}: {_groups_in_words(groups)}."
        yield f"How they ended: {_endings_in_words(study.runs)}."
    if study.evaluations:
        yield f"{counted(len(study.evaluations), 'job')} evaluated a model and trained none."
    judged = judged_in_words(study.runs)
    yield from judged[:MOST_METRICS]
    if len(judged) > MOST_METRICS:
        more = len(judged) - MOST_METRICS
        yield f"and {more} more lines about metrics: {_command('ls', str(place))}"
    yield from unjudged_in_words(study.runs)


def _groups_in_words(groups: dict[str, list[Run]]) -> str:
    from ired_diag.runs.name_list import first_names

    names = [f"{name} ({len(runs)})" for name, runs in groups.items()]
    return first_names(names, MOST_GROUPS)


def _endings_in_words(runs: Sequence[Run]) -> str:
    from ired_diag.runs.completion import completion_of

    counts = Counter(map(completion_of, runs))
    return ", ".join(f"{counts[name]} {name}" for name in COMPLETIONS if counts[name])


def _fitting(seen: Survey, study: Study | None) -> Commands:
    """Yield commands, those that fit best first."""
    places = list(map(str, seen.places))
    if seen.holds_runs and study is None:
        yield _command("ls", *places), "count the runs, and see how each ended"
    if seen.holds_runs:
        yield _command("diagnose", *places), "what is wrong in these runs, the worst first"
    if study is not None:
        yield from _of_runs(study, places, seen.folder)
    for checkpoint in seen.checkpoints[:1]:
        yield _command("ls", str(checkpoint)), "what is in the checkpoint: tensors, step, damage"
    if seen.holds_runs:
        folder = places[0] if len(places) == 1 and Path(places[0]).is_dir() else str(seen.folder)
        yield _command("dashboard", folder), "all curves and groups, in the browser"
        yield _command("ls", *places), "every run, and how it ended"
    if seen.checkpoints:
        yield "ired-diag probe --list", "questions that a checkpoint can be asked"
        yield "ired-diag demo", "what probes find, on runs that come with the program"


def _of_runs(study: Study, places: Sequence[str], folder: Path) -> Commands:
    """Yield the commands that these runs call for."""
    from ired_diag.runs.completion import completion_of

    groups = study.groups()
    comparable = _comparable(study)
    if len(comparable) > 1:
        words = [*comparable[:MOST_COMPARED], "--runs", places[0] if len(places) == 1 else str(folder)]
        if len(comparable) == len(groups) <= MOST_COMPARED:
            words = list(places)
        yield _command("stats", *words), "which group is better, by how much, and how sure that is"
    completions = Counter(map(completion_of, study.runs))
    if completions["running"]:
        place = places[0] if len(places) == 1 else str(folder)
        yield _command("watch", place), "be told when a running job diverges, stalls or ends"
    if completions["failed"]:
        yield _command("ls", *places, "--attempts"), "why jobs died, and which seeds were tried again"
    if any(run.checkpoints for run in study.runs):
        yield "ired-diag probe --list", "questions that the checkpoints of these runs can be asked"


def _comparable(study: Study) -> list[str]:
    """Return the groups of several finished seeds that the usual metric judges, the largest first."""
    from ired_diag.runs.judged import usual_metric

    metric = usual_metric(study.runs)
    seeds: Counter[str] = Counter()
    for run in study.runs:
        if run.ending.may_be_complete and run.evaluated and run.evaluated[0] == metric:
            seeds[run.group] += 1
    return [name for name, count in seeds.most_common() if count >= FEWEST_SEEDS]


def _command(name: str, *words: str) -> str:
    return shlex.join(["ired-diag", name, *words])

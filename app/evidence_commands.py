"""Commands that stand as evidence in a journal, run again in this process; never by a shell.

Only commands that read are run (``READING``), and only where every path that they name lies in the folder of
the journal, or the one named by ``--root``: a journal that somebody sends should not make this program read
elsewhere. Links are followed before this is decided. They run in that folder, as they were typed.
"""

from __future__ import annotations

import contextlib
import glob
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ired_diag.errors import DiagError
from ired_diag.plans.declared import read_plan
from ired_diag.runs.files import exists

PROGRAM = "ired-diag"
READING = ("stats", "gate", "diagnose", "check", "ls", "plan check")
PLAN = Path("plan.yaml")  # what the command checks by default
OPERATORS = re.compile(r"[|;&<>`]|\$\(|\n")
MOST_OUTPUT = 4 << 20  # letters
FAILED = (1, 2)  # exit statuses of an error and of wrong usage


class NotRun(DiagError):
    """A command that is not run, or whose paths lie elsewhere."""


@dataclass(frozen=True)
class Output:
    """What a command printed.

    Attributes:
        text: Its output.
        error: Why it could not be run; empty where it could.
    """

    text: str
    error: str = ""


def run_again(command: str, root: Path) -> Output:
    """Return what a command prints.

    Args:
        command: As it stands in the journal.
        root: Folder in which it runs, and in which its paths must lie.

    Raises:
        NotRun: It is not a reading command, or names a path outside of the folder.
    """
    from app.cli import main

    words = _words_of(command)
    printed = io.StringIO()
    errors = io.StringIO()
    # The working folder is one for the whole process: whoever has other threads runs this in a process of its
    # own (app.dashboard.records).
    with contextlib.chdir(root):
        _check_paths(words, root)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
                status = main.main(words, prog_name=PROGRAM, standalone_mode=False)
        except click.ClickException as error:
            return Output("", error.format_message())
        except click.exceptions.Abort:
            return Output("", "it was interrupted")
    text = printed.getvalue()[:MOST_OUTPUT]
    if status in FAILED:
        return Output(text, " ".join(errors.getvalue().split()) or f"it ended with exit status {status}")
    return Output(text)


def _words_of(command: str) -> list[str]:
    """Return the words of a command behind the name of the program.

    Raises:
        NotRun: It is not one reading command.
    """
    try:
        words = shlex.split(command)[1:]
    except ValueError as error:
        raise NotRun(f"its quotes do not match ({error})") from error
    if OPERATORS.search(_unquoted(command)):
        raise NotRun("it needs a shell, and none is used: a single command is run")
    name = " ".join(words[:1])
    if name == "plan":
        name = " ".join(words[:2])
    if name not in READING:
        raise NotRun(f"{PROGRAM} {name} is not run again: only {', '.join(READING)} are, which read")
    return words


def _unquoted(command: str) -> str:
    """Return a command without what stands in quotes."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", command)


def _check_paths(words: Sequence[str], root: Path) -> None:
    """Refuse a command that names a path outside of a folder, which is the working folder.

    Raises:
        NotRun: It does.
    """
    place = root.resolve()
    for word in words[1:]:
        _check_word(word, Path(), place)
    if words[0] == "plan":
        _check_plan(words[2:], place)


def _check_word(word: str, base: Path, place: Path) -> None:
    """Refuse a word that means a path outside of a place; relative ones start at ``base``."""
    for text in _texts_of(word):
        for path in _paths_of(text, base):
            if not path.resolve().is_relative_to(place):
                raise NotRun(f"{text} lies outside of {place}; --root DIR allows a wider folder")


def _check_plan(words: Sequence[str], place: Path) -> None:
    """Refuse a plan whose runs lie outside of a place."""
    named = [word for word in words if not word.startswith("-")]
    path = PLAN
    if named:
        path = Path(named[0])
    try:
        plan = read_plan(path)
    except DiagError:  # the command itself says what is wrong with it
        return
    # Not as a word: a folder that is called in a plan need not look like a path.
    if not (path.parent / plan.runs).resolve().is_relative_to(place):
        raise NotRun(f"the runs of {path} lie outside of {place}; --root DIR allows a wider folder")
    for prediction in plan.predictions:
        _check_word(prediction.group, path.parent, place)
        _check_word(prediction.against, path.parent, place)


def _texts_of(word: str) -> list[str]:
    """Return the parts of a word that may be a path: itself, and what stands behind an equals sign."""
    _, equals, value = word.partition("=")
    return [word, value] if equals and value else [word]


def _paths_of(text: str, base: Path) -> Iterator[Path]:
    """Yield the paths that a word means: itself if it is like one or exists, and what a pattern matches."""
    expanded = base / Path(text).expanduser()
    if "/" in text or text.startswith(("~", "..")) or exists(expanded):
        yield expanded
    if glob.has_magic(text):
        # A link among the matches may lead elsewhere, though the pattern does not.
        matches = glob.glob(str(expanded), recursive=True)  # noqa: PTH207
        for match in matches:
            yield Path(match)

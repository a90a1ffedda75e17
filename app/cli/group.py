"""The command group: commands are loaded when named, and a user's error is one line."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from app.cli.answers import answer
from app.cli.exhausted import lack_in_words
from app.cli.visible import visible_output
from app.cli.whole_summaries import WholeSummaries
from ired_diag.errors import DiagError
from ired_diag.user_cache import caches_in_use

EXIT_ERROR = 1
LONGEST_WORD = 400  # letters: longer than most paths, shorter than a name that fills the screen
EXIT_CHECK_FAILED = 3


class DiagGroup(WholeSummaries):
    """A group whose commands live in modules that are imported when they are needed."""

    def __init__(self, *args: Any, commands_in: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_in = dict(commands_in)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of declaration."""
        return list(self.commands_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; its module holds it under the name ``command``."""
        module = self.commands_in.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command

    def main(self, args: Sequence[str] | None = None, *others: Any, **kwargs: Any) -> Any:
        """Run the program; what a terminal would obey in its output is made visible.

        Args:
            args: The words of the command. Default: those of the program's command line, whose answer may be
                one that was given before.
            others: As of ``click.Group.main``.
            kwargs: As of ``click.Group.main``.
        """
        run = partial(super().main, args, *others, **kwargs)
        with visible_output():
            return answer(sys.argv[1:], run) if args is None else run()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that the user can mend is printed on one line, with exit status 1."""
        words = list(ctx.args)
        try:
            with caches_in_use():
                return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise _read_as_path(error, words) from error
        except DiagError as error:
            click.echo(f"ired-diag: {one_line(str(error))}", err=True)
            ctx.exit(EXIT_ERROR)
        except Exception as error:
            lack = lack_in_words(error)
            if lack is None:
                raise
            click.echo(f"ired-diag: {lack}", err=True)
            ctx.exit(EXIT_ERROR)


def _read_as_path(error: click.NoSuchOption, words: Sequence[str]) -> click.UsageError:
    """Return the error on an option that is not one, with how to write the path that it is, if it is one."""
    for word in words:
        if word.startswith("-") and len(word) > 1 and Path(word).exists():
            message = f"{word!r} is read as an option. For the path of that name, write ./{word}"
            return click.UsageError(message, error.ctx)
    return error


def one_line(text: str) -> str:
    """Return a message as one line, in which a name of thousands of letters is cut in its middle.

    >>> one_line("seed0:  " + 5000 * "x" + chr(10) + "is there twice")[300:]
    'xx…xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx is there twice'
    """
    whole = " ".join(text.split())
    return re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda word: f"{word[0][:295]}…{word[0][-80:]}", whole)

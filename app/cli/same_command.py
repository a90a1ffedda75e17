"""The command that was typed, with one more option: ``ired-diag stats q101 q102 --runs logs --full``.

It is written from the values that click read, so that it runs as printed: quoted for a POSIX shell, with the
runs folder also where an environment variable named it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

PROGRAM = "ired-diag"
# An environment variable is not set where the command is pasted: its value is written out.
GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def same_command(context: click.Context, *more: str) -> str:
    """Return the command of a context, with its arguments, the options that were given, and more."""
    arguments: list[str] = []
    chosen: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) not in GIVEN:
            continue
        words = _words(context.params[name])
        if not isinstance(parameter, click.Option):
            arguments += words
        elif parameter.is_flag:
            chosen += _flag(parameter, on=context.params[name])
        else:
            for word in words:
                chosen += [parameter.opts[0], word]
    words = [*arguments, *chosen, *more]
    if any(word.startswith("-") for word in arguments):
        words = [*chosen, *more, "--", *arguments]
    return shlex.join([PROGRAM, context.info_name or "", *words])


def chosen_options(context: click.Context, names: Sequence[str]) -> list[str]:
    """Return the words of those options that were given and have one of the names."""
    chosen: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        is_given = context.get_parameter_source(name) in GIVEN
        if name not in names or not is_given or not isinstance(parameter, click.Option):
            continue
        if parameter.is_flag:
            chosen += _flag(parameter, on=context.params[name])
            continue
        for word in _words(context.params[name]):
            chosen += [parameter.opts[0], word]
    return chosen


def _flag(option: click.Option, *, on: bool) -> list[str]:
    """Return the name that switches a flag on or off; none where no name switches it off."""
    names = option.opts if on else option.secondary_opts
    return names[:1]


def _words(value: Any) -> list[str]:
    """Return the words of a parameter, which may have several values."""
    if isinstance(value, tuple):
        return list(map(_word, value))
    return [_word(value)]


def _word(value: Any) -> str:
    """Return a value as it was typed; a margin holds its own text."""
    if isinstance(value, str | Path | int | float):
        return str(value)
    return str(getattr(value, "text", value))

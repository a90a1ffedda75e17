"""The command that was typed, with one more option: ``ired-diag stats q101 q102 --runs logs --full``.

It is written from the values that click read, so that it runs as printed: quoted for a POSIX shell, with the
runs folder also where an environment variable named it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

PROGRAM = "ired-diag"
GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def same_command(context: click.Context, *more: str) -> str:
    """Return the command of a context, with its arguments, the options that were given, and more."""
    arguments: list[str] = []
    chosen: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) not in GIVEN:
            continue
        value = context.params[name]
        if isinstance(parameter, click.Option):
            chosen += _option(parameter, value)
        else:
            arguments += [_word(part) for part in (value if isinstance(value, tuple) else (value,))]
    words = [*arguments, *chosen, *more]
    if any(word.startswith("-") for word in arguments):
        words = [*chosen, *more, "--", *arguments]
    return shlex.join([PROGRAM, context.info_name or "", *words])


def _option(option: click.Option, value: Any) -> list[str]:
    if option.is_flag:
        off = option.secondary_opts
        return [option.opts[0]] if value else off[:1]
    values = value if isinstance(value, tuple) else (value,)
    return [word for part in values for word in (option.opts[0], _word(part))]


def _word(value: Any) -> str:
    """Return a value as it was typed: a margin knows its own text."""
    if isinstance(value, str | Path | int | float):
        return str(value)
    return str(getattr(value, "text", value))

"""What a rule of ``ired-diag diagnose`` looks for, and what would prove its finding wrong."""

from __future__ import annotations

import difflib
import textwrap

import click

from ired_diag.errors import NotFound

WIDTH = 96  # characters: with the indent, a line of code


def explain(name: str, *, as_json: bool = False) -> None:
    """Print a rule: its question, what it looks for, what refutes it, its near miss and an example.

    Raises:
        NotFound: There is no such rule.
    """
    from app.cli.output import print_json
    from ired_diag import forensics

    if name not in forensics.names():
        message = f"{name}: there is no such rule."
        for near in difflib.get_close_matches(name, forensics.names(), n=1):
            message += f" Did you mean {near}?"
        raise NotFound(f"{message} ired-diag diagnose --list lists them.")
    rule, theory = forensics.load(name), forensics.theory(name)
    parts = {
        "Looks for": theory,
        "Would refute it": rule.refuted_by,
        "Leaves alone": rule.near_miss,
        "Example": rule.example,
    }
    if as_json:
        print_json({"rule": rule.name, "question": rule.question, **parts})
        return
    click.secho(f"{rule.name}: {rule.question}", bold=True)
    for title, text in parts.items():
        click.echo()
        click.secho(title, bold=True)
        if text is not theory:  # the theory has formulas, whose lines stay as they are
            text = textwrap.fill(text, WIDTH)
        click.echo(textwrap.indent(text, "  "))

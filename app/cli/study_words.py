"""Advice on training, for ``ired-diag study``: it has neither ``--resume`` nor ``--name``.

The study goes on when its command is repeated, and names what it trains in its file. What a training says is
written for ``ired-diag train``, so these options are put in the words of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ired_diag.errors import DiagError

REPEAT = "the same command"
ANOTHER_NAME = "under another name ('name: NAME' next to the experiment in the study's file)"
# From the whole sentence to the option alone, so that no sentence loses its verb.
WORDS = (
    (r"under another name with --name NAME", ANOTHER_NAME),
    (r"[Rr]epeat the command that forked it, with --resume", "Repeat the same command"),
    (r"the same command and --resume", REPEAT),
    (r"(?:Leave out --resume to start one\.)", "The same command starts it."),
    (
        r"([Gg])o on with it with --resume(?: \(in Python: resume=True\))?",
        r"\1o on with it by the same command",
    ),
    (r"\bgoes on with --resume(?: \(in Python: resume=True\))?", "goes on with the same command"),
    (r"([Gg])o on with --resume(?: \(in Python: resume=True\))?", r"\1o on with the same command"),
    (r" \(and --resume, if it had begun\)", ""),
    (r"Train with --compile off", "Train it with 'ired-diag train … --compile off'"),
)


def in_words_of_study(message: str) -> str:
    """Return a message of a training as the study says it.

    >>> in_words_of_study("Make room, then go on with --resume.")
    'Make room, then go on with the same command.'
    """
    for pattern, words in WORDS:
        message = re.sub(pattern, words, message)
    return message


@contextmanager
def saying_it_of_a_study() -> Iterator[None]:
    """Put the errors of a training in the words of the study."""
    try:
        yield
    except DiagError as error:
        error.args = (in_words_of_study(str(error)), *error.args[1:])
        if hasattr(error, "__notes__"):
            error.__notes__ = list(map(in_words_of_study, error.__notes__))
        raise

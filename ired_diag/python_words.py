"""Messages in the words of the Python functions: ``metric='val_loss'`` instead of ``--metric val_loss``.

A message is written once, with the options of the command line. A function of the Python API says its own
argument instead. A whole command (``ired-diag train --from …``) stays a command, and a message that names
both stays as it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from ired_diag.errors import DiagError

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")

SWITCHES = {
    "--resume": "resume=True",
    "--paired": "paired=True",
    "--unpaired": "paired=False",
    "--higher-is-better": "higher_is_better=True",
    "--lower-is-better": "higher_is_better=False",
    "--include-incomplete": "include_incomplete=True",
    "--again": "again=True",
    "--separate-runs": "separate_runs=True",
    "--stays": "stays=True",
    "--survivors": "survivors=True",
}
VALUED = (
    "metric",
    "metrics",
    "tasks",
    "against",
    "scale",
    "references",
    "higher",
    "lower",
    "knob",
    "runs",
    "name",
    "task",
    "model",
    "margin",
    "readout",
    "checkpoint",
    "weights",
    "device",
    "out",
    "sweep",
    "seeds",
    "seed-init",
    "seed-data",
    "seed-eval",
    "design",
    "cost",
    "budget",
    "sources",
    "set",
    "target",
    "time-column",
)
OF_SEEDS = ("seeds", "seed-init", "seed-data", "seed-eval")
MAPPINGS = {"set": "settings", "cost": "cost", "sources": "sources"}
COMMAND = re.compile(r"ired-diag [^\n]*?(?=\.?\s*$|, or |[.;] )")
SWITCH = re.compile(rf"(?<![\w-])(?:{'|'.join(SWITCHES)})(?![\w-])")
# A value is quoted, in capitals, or has a sign that no word of a sentence has; else a colon follows it.
TOKEN = "|".join(
    (
        r"'[^']*'",
        r'"[^"]*"',
        r"[A-Z][\w.:=|/]*[A-Z=]\w*",
        r"[/~]\S*\w",
        r"\w[^\s,;]*(?:[\d_/=%@]|\.\w)[^\s,;:.]*(?::\w+)?",
        r"\w[^\s,;:]*(?=:)",
    )
)
VALUE = re.compile(
    rf"(?<![\w-])--(?P<name>{'|'.join(VALUED)})(?![\w-])(?: (?P<value>{TOKEN}|auto|last|off))?"
)
KEY = re.compile(r"(?<![\w-])--(?P<name>group-by|ignore-key|seed-key)(?: (?P<key>[A-Z]\w*|\w+(?=:)))?")
FIELDS = {"group-by": "by=('{}',)", "ignore-key": "ignored_keys=('{}',)", "seed-key": "seed_key='{}'"}
BOTH = ("in Python", "ommand line")


def in_python(text: str) -> str:
    """Return a message with the arguments of a function in place of options.

    >>> in_python("--metric val_los: no run logs it.")
    "metric='val_los': no run logs it."
    >>> in_python("Go on with --resume, or train under another name with --name NAME.")
    "Go on with resume=True, or train under another name with name='NAME'."
    >>> in_python("The groups log no metric in common, so --metric cannot be chosen.")
    'The groups log no metric in common, so metric= cannot be chosen.'
    >>> in_python("--set seed: choose seeds with --seeds, such as --seeds 0-9.")
    "settings={'seed': …}: choose seeds with seeds=, such as seeds=range(0, 10)."
    >>> in_python("Name it with --time-column NAME.")
    "Name it with time_column='NAME'."
    >>> in_python("Fork it: ired-diag train --from q1@last --set lr=1")
    'Fork it: ired-diag train --from q1@last --set lr=1'
    """
    if any(words in text for words in BOTH):
        return text
    parts, end = [], 0
    for command in COMMAND.finditer(text):
        parts += [_translated(text[end : command.start()]), command[0]]
        end = command.end()
    return "".join([*parts, _translated(text[end:])])


def _translated(text: str) -> str:
    text = SWITCH.sub(lambda match: SWITCHES[match[0]], text)
    text = KEY.sub(_grouping, text)
    return VALUE.sub(_argument, text)


def _grouping(match: re.Match[str]) -> str:
    return f"grouping=Grouping({FIELDS[match['name']].format(match['key'] or 'KEY')})"


def _argument(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if name in MAPPINGS:
        return _mapping(MAPPINGS[name], value)
    argument = name.replace("-", "_")
    if value is None:
        return f"{argument}="
    bare = value.strip("'\"")
    if name in OF_SEEDS:
        return f"{argument}={_seeds(bare)}"
    return f"{argument}={bare!r}"


def _mapping(argument: str, value: str | None) -> str:
    if value is None:
        return f"{argument}="
    key, equals, number = value.strip("'\"").partition("=")
    if not equals:
        return f"{argument}={{{key!r}: …}}"
    if argument == "sources":
        number = repr(number)
    return f"{argument}={{{key!r}: {number}}}"


def _seeds(text: str) -> str:
    """Return seeds as Python writes them.

    >>> _seeds("0-9"), _seeds("0,2,5")
    ('range(0, 10)', '[0, 2, 5]')
    """
    first, dash, last = text.partition("-")
    if dash and first.isdecimal() and last.isdecimal():
        return f"range({first}, {int(last) + 1})"
    return f"[{', '.join(text.split(','))}]"


def all_in_python(texts: Iterable[str]) -> list[str]:
    """Return messages in the words of the functions."""
    return [in_python(text) for text in texts]


def speaking_python(function: Callable[Parameters, Value]) -> Callable[Parameters, Value]:
    """Return a function whose errors name its arguments, and no option of the command line."""

    @functools.wraps(function)
    def call(*args: Parameters.args, **keywords: Parameters.kwargs) -> Value:
        try:
            return function(*args, **keywords)
        except DiagError as error:
            error.args = (in_python(str(error)),)
            raise

    return call

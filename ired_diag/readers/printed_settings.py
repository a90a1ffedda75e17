r"""The settings that a program prints before its first row: its arguments, or the command that started it.

    Namespace(method='base', seed=0, lr=0.1, data=PosixPath('/data'))      argparse
    Args: {'lr': 0.1, 'seed': 0}      config = {"lr": 0.1}                 a dictionary after such a word
    ------- Options -------                                                a block below such a word: lines
      batch_size: 1          [default: 4]                                  "key: value", YAML or JSON
    + python train.py --lr 0.1 --seed 0 --amp                              a shell with set -x, a command line

Nothing is executed: arguments are read as literals, and what cannot be read so stays a text. Settings stand
before the first row; a key that is printed twice keeps its first value. A command counts where nothing else
is printed, the last one before the first row. What is named as a result is none of it. Passwords and keys are
left out, because reports are sent on.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ired_diag.readers.foreign_configuration import flatten
from ired_diag.readers.plain_yaml import NotPlain, read_plain_yaml
from ired_diag.runs.metric_words import measures_in, words_of

MOST_BYTES = 1 << 16
LONGEST = 1 << 14  # of a line
MOST_KEYS = 500
ARGUMENTS = re.compile(r"\bNamespace\((?P<inside>.*)\)\s*$")
DICTIONARY = re.compile(
    r"(?i)^.{0,80}?\b(?:args|arguments|config(?:uration)?|cfg|hparams|hyper-?parameters|params|parameters|settings"
    r"|opts|options|flags)\b['\"]?\s*(?:[:=]|is|are)?\s*(?P<inside>\{.*\})\s*$"
)
# fairseq prints its settings without such a word: a dictionary that holds two of these is one.
OF_TRAINING = frozenset(
    "seed lr learning_rate batch_size max_epoch epochs num_epochs optimizer weight_decay".split()
)
HEADING = re.compile(
    r"(?i)^[\W_]*(?:[\w ]{0,30} )?"
    r"(?:args|arguments|config(?:uration)?|hparams|hyper-?parameters|options|settings|parameters)[\W_]*$"
)
OF_NO_SETTINGS = re.compile(
    r"(?i)\b(?:best|final|results?|inferred|estimated|stats|statistics|metrics|test|eval\w*|scheduler"
    r"|(?:model|loss|data)\s+param\w*)\b"
)
OF_A_BLOCK = re.compile(r"^\s*(?:-\s+)?[\"']?[A-Za-z_][\w./-]*[\"']?\s*[:=](?!=)|^\s*(?:- |[\[\]{}],?\s*$)")
SET_TO = re.compile(r"^(\s*[\"']?[A-Za-z_][\w./-]*[\"']?)\s*=\s*")
DEFAULT = re.compile(r"\s+\[default: .*\]\s*$")
FEWEST_OF_A_BLOCK, MOST_OF_A_BLOCK = 3, 400  # lines
COMMAND = re.compile(
    r"^(?:\++ |\$ |[Cc]ommand(?: line)?: ?)?(?:[A-Z_][A-Z0-9_]*=\S* )*(?:srun (?:-\S+ )*)?(?:\S*/)?"
    r"(?:python3?(?:\.\d+)?|torchrun|accelerate launch|deepspeed)(?: -[um]| --?[\w-]+=\S+)* \S+ "
    r"(?P<inside>-{1,2}\w.*)$"
)
OBJECT = re.compile(r"(?<==)<[^<>]*>")
ADDRESS = " at 0x"  # of an object, which is another one in each run
SECRET = re.compile(
    r"(?i)(?:^|[_.-])(?:(?:api|wandb|secret|access|private)_?key|password|passwd|secret|token)$"
)
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
WORDS = {"true": True, "false": False, "none": None}


def printed_settings(path: Path, *, start: int = 0, most_lines: int | None = None) -> dict[str, Any]:
    """Return the settings that a log prints in its first 64 KiB, by their names; none where it prints none.

    Args:
        path: The log.
        start: The first byte that is looked at.
        most_lines: How many lines are looked at: those before the first row. Default: all.
    """
    settings: dict[str, Any] = {}
    command: dict[str, Any] = {}
    for is_command, printed in _prints(_lines(path, start)[:most_lines]):
        if is_command:
            command = printed  # the one before the first row trains
        else:
            settings = {**printed, **settings}  # a key that stands twice keeps its first value
    settings = settings or command
    return _without_secrets(settings) if len(settings) <= MOST_KEYS else {}


def settings_differ(path: Path, *, start: int = 0) -> bool:
    """Say whether a log prints arguments several times, and they differ in more than a seed."""
    printed = [settings for is_command, settings in _prints(_lines(path, start)) if not is_command]
    values: dict[str, set[str]] = defaultdict(set)
    for settings in printed:
        for name, value in settings.items():
            if "seed" not in name.lower():
                values[name].add(str(value))
    return any(len(stated) > 1 for stated in values.values())


def _lines(path: Path, start: int) -> list[str]:
    """Return the lines in the first 64 KiB from a byte on; a carriage return ends a line, too."""
    with path.open("rb") as file:
        file.seek(start)
        text = file.read(MOST_BYTES).decode("utf-8", "replace")
    return re.split(r"\r\n|\n|\r", text)


def _prints(lines: Sequence[str]) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield what is printed, in order: whether it is a command, and the settings that it states."""
    for place, line in enumerate(lines):
        if len(line) > LONGEST:
            continue
        printed: dict[str, Any] = {}
        if HEADING.match(line):
            if not OF_NO_SETTINGS.search(line):
                printed = _without_measures(_of_block(lines[place + 1 : place + 1 + MOST_OF_A_BLOCK]))
        elif match := ARGUMENTS.search(line):
            printed = _of_arguments(match["inside"])
        elif match := DICTIONARY.match(line):
            if not OF_NO_SETTINGS.search(line[: match.start("inside")]):
                printed = _without_measures(_of_dictionary(match["inside"]))
        elif match := COMMAND.match(line):
            yield True, _of_command(match["inside"])
        elif "{" in line:
            values = _of_dictionary(line[line.index("{") :].rstrip())
            printed = values if _are_of_training(values) else {}
        if printed:
            yield False, printed


def _without_measures(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without numbers that are named as measures: an ``init_loss`` is measured."""
    kept = {}
    for name, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and measures_in(words_of(str(name)))):
            kept[name] = value
    return kept


def _without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if not SECRET.search(str(name)):
            kept[name] = _without_secrets(value) if isinstance(value, Mapping) else value
    return kept


def _of_arguments(inside: str) -> dict[str, Any]:
    """Return the keyword arguments of a call by name; none where the text is no call.

    >>> _of_arguments("lr=0.1, data=PosixPath('/x'), layers=[1, 2]")
    {'lr': 0.1, 'data': "PosixPath('/x')", 'layers': [1, 2]}
    """
    inside = OBJECT.sub(lambda match: repr(match[0]), inside)
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    if not isinstance(call, ast.Call) or call.args:
        return {}
    named = {keyword.arg: _literal(keyword.value) for keyword in call.keywords if keyword.arg}
    return {name: value for name, value in named.items() if ADDRESS not in str(value)}


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        return ast.unparse(node)


def _of_dictionary(inside: str) -> dict[str, Any]:
    """Return a dictionary of Python or of JSON; none where it is neither, or has no name for a key."""
    values: Any
    try:
        values = ast.literal_eval(inside)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        try:
            values = json.loads(inside)
        except (ValueError, RecursionError):
            return {}
    is_named = isinstance(values, Mapping) and all(isinstance(key, str) for key in values)
    return dict(values) if is_named else {}


def _are_of_training(values: Mapping[str, Any]) -> bool:
    """Say whether a dictionary without a word before it holds settings, and no measurement."""
    flat = flatten(values)
    for name, value in flat.items():
        if isinstance(value, int | float) and measures_in(words_of(name)):
            return False
    return len({name.rpartition(".")[2] for name in flat} & OF_TRAINING) > 1


def _of_block(lines: Sequence[str]) -> dict[str, Any]:
    """Return the settings in the lines below a heading; none where fewer than three lines state one."""
    block: list[str] = []
    for line in lines:
        if not OF_A_BLOCK.match(line):
            break
        block.append(DEFAULT.sub("", SET_TO.sub(r"\1: ", line)).rstrip())
    if len(block) < FEWEST_OF_A_BLOCK:
        return {}
    if all(re.search(r":\s+\S", line) for line in block):  # names may be aligned at their ends
        block = [line.strip().rstrip(",") for line in block]
    try:
        return read_plain_yaml("\n".join(block))
    except NotPlain as error:
        return error.salvaged


def _of_command(inside: str) -> dict[str, Any]:
    """Return the options of a command by name: a value, or True for an option without one.

    >>> _of_command("--lr 0.1 --seed=3 --amp -b 32")
    {'lr': 0.1, 'seed': 3, 'amp': True, 'b': 32}
    """
    try:
        words = shlex.split(inside)
    except ValueError:
        return {}
    options: dict[str, Any] = {}
    for place, word in enumerate(words):
        if not re.match(r"--?[A-Za-z]", word):
            continue
        name, has_value, value = word.lstrip("-").partition("=")
        following = words[place + 1] if place + 1 < len(words) else "-"
        if not has_value:
            value = "true" if re.match(r"--?[A-Za-z]", following) or following == "-" else following
        options[name.replace("-", "_")] = _value(value)
    return options


def _value(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if NUMBER.fullmatch(text):
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    return text

r"""The program that is printed at the head of its own log: a hash of it, and the settings in its text.

    import torch
    LEARNING_RATE = 0.0375
    ==================================================
    step:125/3225 val_loss:4.62997

Python lines (``import``, ``def``, ``class``) up to a line of equals signs are such a head; several may stand
one after another. Nothing in it is executed: settings are assignments of literals and of plain arithmetic on
numbers (``512*1024``) at the start of a line, and the fields of a class. A name that is assigned two values
states nothing, and a seed in a program's text is no run's own seed. Two programs that differ in nothing but
white space at line ends are one.

A log that was emptied while a program wrote into it begins with zeros: they are its head.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ired_diag.errors import unreadable

MOST_BYTES = 1 << 21  # of a head
DIGITS_OF_HASH = 12
END = re.compile(rb"^={20,}[ \t\r]*$", re.MULTILINE)
PYTHON = re.compile(
    rb"^(?:import [\w., ]+|from [\w.]+ import .+|def \w+\(.*|class \w+.*:|@\w[\w.]*(?:\(.*)?|\"\"\".*)\r?$",
    re.MULTILINE,
)
NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
TEXT = r"\"[^\"\\\n]{0,200}\"|'[^'\\\n]{0,200}'"
LITERAL = rf"(?:{NUMBER}(?:\s*(?:\*\*|//|[-+*/])\s*{NUMBER})*|True|False|None|{TEXT})"
ASSIGNMENT = re.compile(
    rf"(?P<name>[A-Za-z_]\w{{0,80}})\s*(?::[^=\n#]{{1,60}})?=\s*(?P<value>{LITERAL})\s*,?\s*(?:#.*)?"
)
CLASS = re.compile(r"class\s+(?P<name>\w+)")
SEED = re.compile(r"(?i)(?:^|_)seed(?:$|_)")
WORDS = {"True": True, "False": False, "None": None}


@dataclass(frozen=True)
class Head:
    """The head of a log.

    Attributes:
        length: How many bytes of the file it takes, the line that ends it included.
        lines: How many lines.
        sha256: The first digits of its hash; empty where there is no head.
        code_sha256: The same of the program without the values of its settings.
        settings: The settings in its text, by name.
    """

    length: int = 0
    lines: int = 0
    sha256: str = ""
    code_sha256: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def read_head(path: Path) -> Head:
    """Return the program at the head of a log; an empty head where there is none.

    Raises:
        UnreadableFile: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(MOST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    zeros = len(start) - len(start.lstrip(b"\0"))
    if zeros:  # a log that was emptied while a program wrote into it
        return Head(length=zeros)
    length, end_of_code = 0, 0
    for match in END.finditer(start):
        part = start[length : match.start()]
        if not PYTHON.search(part):
            break
        length, end_of_code = match.end(), match.start()
    if not length:
        return Head()
    code = start[:end_of_code]
    text = "\n".join(map(str.rstrip, code.decode("utf-8", "replace").splitlines())).strip()
    settings, rest = _settings_and_rest(text)
    return Head(
        length=length,
        lines=start.count(b"\n", 0, length) + 1,
        sha256=_hash(text),
        code_sha256=_hash(rest),
        settings=settings,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS_OF_HASH]


def settings_in(code: str) -> dict[str, Any]:
    r"""Return the settings that stand in the text of a program, by name.

    >>> settings_in("lr = 0.02\nclass Config:\n    steps : int = 2*50\n    seed = 3\nx = f(lr)")
    {'lr': 0.02, 'Config.steps': '2*50'}
    """
    settings, _ = _settings_and_rest(code)
    return settings


def _settings_and_rest(code: str) -> tuple[dict[str, Any], str]:
    """Return the settings in a program, and the program without their values."""
    values: dict[str, list[Any]] = {}
    lines: list[tuple[str, str]] = []
    inside = ""
    for line in code.splitlines():
        if line[:1].strip():
            header = CLASS.match(line)
            inside = header["name"] if header else ""
        name, value = _assigned(line, inside)
        lines.append((line, name))
        if name:
            values.setdefault(name, []).append(value)
    settings = {
        name: stated[0] for name, stated in values.items() if all(value == stated[0] for value in stated)
    }
    rest = [name if name in settings else line for line, name in lines]
    return settings, "\n".join(rest)


def _assigned(line: str, inside: str) -> tuple[str, Any]:
    """Return the name and value of the setting in a line of code; no name where it states none."""
    indent = len(line) - len(line.lstrip())
    if indent and not (inside and indent <= 4):
        return "", None
    assignment = ASSIGNMENT.fullmatch(line.strip())
    if assignment is None or SEED.search(assignment["name"]):
        return "", None
    name = f"{inside}.{assignment['name']}" if indent else assignment["name"]
    return name, _value(assignment["value"])


def _value(text: str) -> Any:
    """Return the value of a literal; arithmetic stays a text."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in "\"'":
        return text[1:-1]
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return re.sub(r"\s", "", text)

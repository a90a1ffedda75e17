"""YAML as plain data, with the line on which each value stands, so that an error can name it.

The text is only composed into nodes and never constructed by its tags (``readers.plain_yaml``). A plan is
written by hand and small, so more than ``MOST_BYTES``, or more than ``MOST_NODES`` values after aliases are
unfolded, is refused, and so is a key that stands twice: which of the two is meant is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ired_diag.errors import NotFound, UnreadableFile, WrongConfiguration, unreadable
from ired_diag.readers.plain_yaml import NUMBER, plain_scalar
from ired_diag.runs.files import is_special

MOST_BYTES = 1 << 20
MOST_NODES = 20_000

Location = tuple[str | int, ...]


@dataclass
class Located:
    """A document and the lines of its values.

    Attributes:
        where: What to call it in an error.
        content: Its values.
        lines: The line of each value, counted from 1, by the keys and places that lead to it.
    """

    where: str
    content: Any = None
    lines: dict[Location, int] = field(default_factory=dict)

    def place(self, location: Location) -> str:
        """Return file and line of a value; of one that is missing, those of what should hold it."""
        while location and location not in self.lines:
            location = location[:-1]
        return f"{self.where}:{self.lines.get(location, 1)}"


def read_located(path: Path, *, of: str = "plan", first: str = "") -> Located:
    """Return the document in a YAML file.

    Args:
        path: The file.
        of: What it should hold.
        first: Command that writes a first one. Default: that of a plan.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, is no text in UTF-8, or is too large.
        WrongConfiguration: It is not YAML, or a key stands twice.
    """
    if not path.is_file():
        kind = "nothing"
        if path.is_dir():
            kind = "a folder"
        elif is_special(path):
            kind = "no regular file"
        begin = first or f"ired-diag plan new {path}"
        raise NotFound(f"{path}: expected a {of} in YAML, found {kind}. Begin one: {begin}")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(content) > MOST_BYTES:
        raise UnreadableFile(f"{path}: larger than {MOST_BYTES:,} bytes, and so not a {of}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise UnreadableFile(
            f"{path}: expected text in UTF-8, found the byte {byte:#04x} at {error.start}. Convert it."
        ) from error
    return locate(text, str(path))


def locate(text: str, where: str) -> Located:
    """Return the document of a YAML text.

    Raises:
        UnreadableFile: It unfolds into too many values.
        WrongConfiguration: It is not YAML, or a key stands twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = 1
        if error.problem_mark is not None:
            line = error.problem_mark.line + 1
        raise WrongConfiguration(f"{where}:{line}: not YAML: {_in_words(error)}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise WrongConfiguration(f"{where}: not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise UnreadableFile(f"{where}: nested too deeply to be a plan.") from error
    document = Located(where)
    if root is not None:
        try:
            document.content = _value(root, (), document)
        except RecursionError as error:
            raise UnreadableFile(f"{where}: nested too deeply, or contains itself.") from error
    return document


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "'\\t'" in problem:
        return "a line is indented by a tab; use spaces"
    if "another document" in problem:
        return "a line '---' begins a second document; a plan is one"
    return problem


def _value(node: yaml.Node, location: Location, document: Located) -> Any:
    # An alias is unfolded again in each place, so its values are counted as often.
    document.lines[location] = node.start_mark.line + 1
    if len(document.lines) > MOST_NODES:
        raise UnreadableFile(f"{document.where}: more than {MOST_NODES:,} values, and so not a plan.")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, document)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for place, item in enumerate(node.value):
            items.append(_value(item, (*location, place), document))
        return items
    return _scalar(node)


def _mapping(node: yaml.MappingNode, location: Location, document: Located) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise WrongConfiguration(f"{document.where}:{line}: expected a name before the colon.")
        key = str(key_node.value)
        if key in values:
            first = document.lines[(*location, key)]
            raise WrongConfiguration(
                f"{document.where}:{line}: {key!r} stands here and on line {first}. Keep one of them."
            )
        values[key] = _value(value_node, (*location, key), document)
        document.lines[(*location, key)] = line
    return values


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if node.style is not None:  # in quotes, or a block of text
        return text
    if NUMBER.fullmatch(text) and ("." in text or "e" in text.lower()):
        return float(text)
    return plain_scalar(text)

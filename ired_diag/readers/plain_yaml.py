"""YAML as plain data: what a configuration file states, without running anything that it names.

Frameworks write more than plain YAML: Lightning dumps tuples as ``!!python/tuple`` and objects as
``!!python/object:…``, PyYAML writes a list that stands in two places as an anchor and an alias. A document is
only composed into nodes here, never constructed by its tags: a tagged sequence becomes a list, a tagged
mapping an object, a tagged scalar its text.

An alias of an alias of an alias can unfold a few lines into billions of values. Each top-level key may hold
``MOST_NODES`` values; one that would hold more, or that contains itself, becomes the text ``TOO_LARGE``, and
the other keys are kept.

A file with an error in its syntax still states its plain lines: ``key: number or word`` at the left margin.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

MOST_BYTES = 1 << 22  # of a file
MOST_NODES = 10_000  # of the value of one top-level key
MERGE = "<<"
TOO_LARGE = "(too large to unfold)"

NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
PLAIN_LINE = re.compile(r"^([A-Za-z_][\w./-]*): +([^\s&*!|>{\[\"'#%@`][^#\n]*?)\s*$", re.MULTILINE)
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class NotPlain(ValueError):
    """A text is not a YAML mapping; ``salvaged`` holds the plain lines that can still be read."""

    def __init__(self, reason: str, salvaged: dict[str, Any]) -> None:
        """Keep what can still be read."""
        super().__init__(reason)
        self.salvaged = salvaged


@dataclass
class _Budget:
    """How many more nodes may be unfolded."""

    nodes: int


class _TooLarge(Exception):
    """A value unfolds into too many nodes, or contains itself."""


def read_plain_yaml(text: str) -> dict[str, Any]:
    """Return the names and values of a YAML mapping, as JSON would hold them.

    Raises:
        NotPlain: The text has an error, or is not a mapping.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise NotPlain(" ".join(str(error).split())[:120], _plain_lines(text)) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise NotPlain("expected names with values, found something else", {})
    values = {_key(key): _value_of_key(value) for key, value in root.value}
    return _merged(values)


def _plain_lines(text: str) -> dict[str, Any]:
    return {match[1]: plain_scalar(match[2]) for match in PLAIN_LINE.finditer(text)}


def _value_of_key(node: yaml.Node) -> Any:
    try:
        return _value(node, _Budget(MOST_NODES))
    except (_TooLarge, RecursionError):
        return TOO_LARGE


def _value(node: yaml.Node, budget: _Budget) -> Any:
    """Return a node as plain data; each node that is unfolded is taken from the budget."""
    budget.nodes -= 1
    if budget.nodes < 0:
        raise _TooLarge
    if isinstance(node, yaml.MappingNode):
        values = {}
        for key, value in node.value:
            values[_key(key)] = _value(value, budget)
        return _merged(values)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, budget) for item in node.value]
    is_quoted = node.style is not None
    if is_quoted or node.tag.startswith("tag:yaml.org,2002:str"):
        return _number_without_a_point(node)
    return plain_scalar(node.value)


def _merged(values: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with the values of its merge key, ``<<: *base``, where it does not set them itself."""
    inherited = values.pop(MERGE, None)
    bases = inherited if isinstance(inherited, list) else [inherited]
    for base in bases:
        if isinstance(base, dict):
            values = base | values
    return values


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        return TOO_LARGE
    return str(node.value)


def _number_without_a_point(node: yaml.Node) -> Any:
    """Return a text; a bare ``1e-3``, which YAML 1.1 takes for a text, is a number to everyone else."""
    text = str(node.value)
    is_bare = node.style is None
    if is_bare and NUMBER.fullmatch(text):
        return float(text)
    return text


def plain_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar: nothing, a truth value, a number, or text.

    YAML 1.1 reads ``10:20`` as a number to the base 60 and ``0123`` to the base 8. In a configuration the
    first is a time of day and the second an identifier, so both stay text.
    """
    text = text.strip()
    lower = text.lower()
    if lower in ("", "~", "null"):
        return None
    if lower in TRUTH:
        return TRUTH[lower]
    if lower in (".inf", "+.inf", "-.inf", ".nan"):
        return {".nan": math.nan, "-.inf": -math.inf}.get(lower, math.inf)
    if re.fullmatch(r"[-+]?(?:0|[1-9]\d{0,17})", text):
        return int(text)
    if NUMBER.fullmatch(text) and not re.match(r"[-+]?0\d", text):
        return float(text)
    return text

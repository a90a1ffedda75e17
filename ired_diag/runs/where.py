"""Runs by a condition that a user writes: ``q103 and lr<1e-3``, ``state == 'failed' or last > 0.02``.

A name by itself means the runs that are called so: a run, its group, its experiment or its full name, with
``*`` for any letters where it stands in quotes. In a comparison a name is what ``ls`` lists (``state``,
``cause``, ``seed``, ``evaluations``, ``step``, ``last``, ``best``) or a key of the configuration; a nested
key is written with dots, or without what stands before its last dot where that is clear. The state is one of
``complete``, ``failed``, ``running``, ``cut_off`` and ``unknown``. What a run does not state compares as
nothing: neither ``lr<1`` nor ``lr>=1`` holds of a run without ``lr``.

Python's own parser reads the condition, and nothing but names, numbers, texts, comparisons, ``and``, ``or``,
``not`` and brackets is accepted: no part of it is run.
"""

from __future__ import annotations

import ast
import difflib
import fnmatch
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ired_diag.errors import DiagError, NotFound
from ired_diag.runs.completion import completion_of
from ired_diag.runs.run import Run

LISTED = ("state", "cause", "seed", "evaluations", "step", "last", "best", "metric", "variant", "attempts")
LONGEST = 1000  # characters of a condition
EXAMPLE = "for example: q103 and lr<1e-3"
EQUALS = re.compile(r"(?<![=<>!])=(?!=)")
COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
MOST_SUGGESTED = 3
Value = Callable[[Run, str], Any]
WORDS = {"true": True, "false": False}  # as JSON and YAML write them


def where(text: str, runs: Sequence[Run], *, value: Value | None = None) -> list[Run]:
    """Return the runs that fulfil a condition.

    Args:
        text: The condition.
        runs: The runs.
        value: Returns what a run states under a name, as ``value_of`` does; one that remembers it may stand
            in.

    Raises:
        DiagError: It is no condition.
        NotFound: No run states what it compares.
    """
    condition = _parsed(text)
    known = _known_names(runs)
    for comparison in ast.walk(condition):
        if isinstance(comparison, ast.Compare):
            _check_names(comparison, known)
    value = value or value_of
    return [run for run in runs if _holds(condition, run, known, value)]


def value_of(run: Run, name: str) -> Any:
    """Return what a run states under a name that a condition or a sorting may use; None where nothing."""
    if name in LISTED:
        return _listed(run, name)
    configuration = run.configuration or {}
    if name in configuration:
        return configuration[name]
    ends = [key for key in configuration if key.endswith(f".{name}")]
    return configuration[ends[0]] if len(ends) == 1 else None


def by_name(runs: Sequence[Run], name: str, *, reverse: bool = False) -> list[Run]:
    """Return runs sorted by what they state under a name; those that state nothing come last.

    Args:
        runs: The runs.
        name: What to sort by.
        reverse: The largest first.

    Raises:
        NotFound: No run states it.
    """
    known = _known_names(runs)
    if name not in known:
        raise _unknown(name, known)
    stating = []
    silent = []
    for run in runs:
        value = value_of(run, name)
        if value is None:
            silent.append(run)
        else:
            stating.append((_sort_key(value), run))
    stating.sort(key=lambda pair: pair[0], reverse=reverse)
    return [run for _, run in stating] + silent


def _sort_key(value: Any) -> tuple[bool, float, str]:
    """Return a key that sorts numbers by size, NaN last, and then all else as text."""
    if isinstance(value, int | float) and value == value:
        return False, float(value), ""
    return True, 0.0, str(value)


def _check_names(comparison: ast.Compare, known: Iterable[str]) -> None:
    """Check that a comparison names something that a run states.

    Raises:
        NotFound: It does not.
    """
    names = [_name_of(side) for side in (comparison.left, *comparison.comparators) if _is_name(side)]
    if not names:
        raise DiagError(
            f"--where: {ast.unparse(comparison)!r} compares nothing that a run states; {EXAMPLE}."
        )
    if not set(names) & set(known):
        raise _unknown(names[0], known)


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise DiagError(f"--where: a condition has at most {LONGEST} characters, found {len(text)}.")
    try:
        condition = ast.parse(EQUALS.sub("==", text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DiagError(f"--where: {text!r} is no condition; {EXAMPLE}.") from error
    _check(condition, text)
    return condition


def _check(node: ast.expr, text: str) -> None:
    """Check that a part of a condition is of a kind that is understood."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check(part, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text)
    elif isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        if not all(type(op) in COMPARED for op in node.ops) or not all(_is_side(side) for side in sides):
            raise DiagError(f"--where: {text!r} compares something else than names, numbers and texts.")
    elif not _is_name(node) and not _is_text(node):
        raise DiagError(
            f"--where: {text!r} holds something else than names, comparisons, and, or, not; {EXAMPLE}."
        )


def _is_side(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return isinstance(node.operand, ast.Constant)
    return _is_name(node) or isinstance(node, ast.Constant)


def _is_name(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return _is_name(node.value)
    return isinstance(node, ast.Name)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _name_of(node: ast.expr) -> str:
    """Return a name, with its dots."""
    if isinstance(node, ast.Attribute):
        return f"{_name_of(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    return str(ast.literal_eval(node))


def _holds(node: ast.expr, run: Run, known: Collection[str], value: Value) -> bool:
    """Say whether a run fulfils a condition."""
    if isinstance(node, ast.BoolOp):
        parts = (_holds(part, run, known, value) for part in node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.UnaryOp):
        return not _holds(node.operand, run, known, value)
    if isinstance(node, ast.Compare):
        sides = [_value(side, run, known, value) for side in (node.left, *node.comparators)]
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            if not _compares(left, op, right):
                return False
        return True
    return is_called(run, _name_of(node))


def is_called(run: Run, name: str) -> bool:
    """Say whether a run, its group, its experiment or its full name is called so."""
    names = (run.label, run.group, run.experiment, run.name or "", run.seed_label)
    return any(fnmatch.fnmatchcase(own, name) for own in names)


def _value(node: ast.expr, run: Run, known: Collection[str], value: Value) -> Any:
    """Return a side of a comparison: what the run states under a name, else the number or text itself.

    A name that no run has is a word: ``state == failed`` needs no quotes.
    """
    if not _is_name(node):
        return ast.literal_eval(node)
    name = _name_of(node)
    if name not in known:
        return WORDS.get(name, name)
    return value(run, name)


def _compares(left: Any, op: ast.cmpop, right: Any) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, str) != isinstance(right, str):
        left, right = _number(left), _number(right)
        if left is None or right is None:
            return isinstance(op, ast.NotEq)
    try:
        return bool(COMPARED[type(op)](left, right))
    except TypeError:  # a list and a number
        return False


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _listed(run: Run, name: str) -> Any:
    """Return one of what ``ls`` lists."""
    if name == "state":
        return completion_of(run).replace(" ", "_")
    if name == "cause":
        return run.ending.cause or None
    if name == "seed":
        return run.seed
    if name == "variant":
        return run.variant
    if name == "attempts":
        return len(run.attempts)
    if run.evaluated is None:
        return 0 if name == "evaluations" else None
    metric, series = run.evaluated
    if name == "metric":
        return metric
    if name == "evaluations":
        return len(series)
    if name == "step":
        return int(series.steps[-1])
    if name == "last":
        return float(series.values[-1])
    return _best(run, series.values.tolist())


def _best(run: Run, values: Iterable[float]) -> float | None:
    finite = [value for value in values if value - value == 0]
    if not finite:
        return None
    return min(finite) if run.lower_is_better else max(finite)


def _known_names(runs: Iterable[Run]) -> set[str]:
    known = set(LISTED)
    for run in runs:
        configuration: Mapping[str, Any] = run.configuration or {}
        known.update(configuration)
        known.update(key.rpartition(".")[2] for key in configuration)
    return known


def _unknown(name: str, known: Iterable[str]) -> NotFound:
    close = difflib.get_close_matches(name, list(known), n=MOST_SUGGESTED)
    meant = f" Did you mean {', '.join(close)}?" if close else ""
    return NotFound(
        f"No run states {name!r}.{meant} Listed are {', '.join(LISTED)}, and the keys of the configurations."
    )

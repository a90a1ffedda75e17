"""Values of a stored ``config.json``, each checked where it is read: any of them may be edited by a user.

A value of a wrong type is an error that names the key, what was expected and what was found; so one run is
refused in one line, and the others are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from ired_diag.errors import UnreadableFile
from ired_diag.finding import Finding, Severity
from ired_diag.runs.ending import LABELS, OLD_NAMES, Cause, Ending
from ired_diag.runs.evaluation_result import EvaluationResult, from_json

Kind = TypeVar("Kind")
Stored = Mapping[str, Any]  # an object of the file

WORDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
KINDS_OF_A_RESULT: dict[str, type] = {
    **dict.fromkeys(("metric", "spread_kind", "unit", "note", "model", "checkpoint"), str),
    **dict.fromkeys(("experiment", "dataset", "error"), str),
    **dict.fromkeys(("line", "n", "batches", "last_batch", "rank"), int),
    **dict.fromkeys(("value", "spread"), float),
    **dict.fromkeys(("ood", "final"), bool),
}
TEXTS_OF_PROVENANCE = ("job", "started", "ended", "git_commit", "commit", "host", "gpu", "device")
LARGEST = 2**64  # of a whole number: seeds have up to 64 bits
LONGEST_SHOWN = 60
LONGEST_PATH = 4000  # letters; Linux takes 4,096 bytes


def brief(value: object) -> str:
    """Return a value as an error shows it, on one line and not longer than a line.

    >>> brief("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"
    """
    text = repr(value)
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[:LONGEST_SHOWN]}…"


def value_of_type(content: Stored, key: str, kind: type[Kind], path: Path) -> Kind | None:
    """Return the value of a key, which must be of a type, or null or absent; true and false are not numbers.

    Raises:
        UnreadableFile: It is of another type, or a whole number beyond 64 bits.
    """
    value = content.get(key)
    if value is None:
        return None
    if not _is_of_type(value, kind):
        raise _unexpected(path, key, WORDS[kind], value)
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise _unexpected(path, key, f"{WORDS[kind]} of at most 64 bits", value)
    return cast(Kind, value)


def _is_of_type(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)


def required_text(content: Stored, key: str, path: Path) -> str:
    """Return the text of a key, which must be there and not empty.

    Raises:
        UnreadableFile: It is not.
    """
    text = value_of_type(content, key, str, path)
    if not text:
        raise _unexpected(path, key, "a text", content.get(key))
    return text


def objects_of(content: Stored, key: str, path: Path) -> list[dict[str, Any]]:
    """Return the list of objects of a key, empty where it is absent.

    Raises:
        UnreadableFile: It is not a list, or holds something else.
    """
    items = value_of_type(content, key, list, path) or []
    for item in items:
        if not isinstance(item, dict):
            raise _unexpected(path, key, "a list of objects", item)
    return items


def texts_of(
    content: Stored,
    key: str,
    path: Path,
    *,
    where: str = "",
) -> tuple[str, ...]:
    """Return the list of texts of a key, empty where it is absent.

    Args:
        content: The object.
        key: The key.
        path: The file.
        where: In what the object stands within the file, with a comma, for the message.

    Raises:
        UnreadableFile: It is not a list, or holds something else.
    """
    items = value_of_type(content, key, list, path) or []
    for item in items:
        if not isinstance(item, str):
            raise _unexpected(path, f"{where}{key}", "a list of texts", item)
    return tuple(items)


def path_of(content: Stored, key: str, path: Path) -> Path | None:
    """Return the path of a key, None where it is absent.

    Raises:
        UnreadableFile: It is not a path that a file system can hold.
    """
    text = value_of_type(content, key, str, path)
    if not text:
        return None
    if "\0" in text or len(text) > LONGEST_PATH:
        raise _unexpected(path, key, "a path", text)
    return Path(text)


def provenance_of(content: Stored, path: Path) -> dict[str, Any]:
    """Return what a file holds of where a run was made.

    Raises:
        UnreadableFile: What other code relies on is of another type.
    """
    provenance = value_of_type(content, "provenance", dict, path) or {}
    for key in TEXTS_OF_PROVENANCE:
        value_of_type(provenance, key, str, path)
    for source in objects_of(provenance, "sources", path):
        path_of(source, "path", path)
    objects_of(provenance, "attempts", path)
    value_of_type(provenance, "parent", dict, path)
    return provenance


def ending_of(content: Stored, path: Path) -> Ending:
    """Return the ending that a file holds.

    Raises:
        UnreadableFile: This version does not know it.
    """
    ending = value_of_type(content, "ending", dict, path) or {}
    state = value_of_type(ending, "state", str, path) or "cut_off"
    state = OLD_NAMES.get(state, state)
    if state not in LABELS:
        states = ", ".join(LABELS)
        raise _unexpected(path, "ending, state", f"one of {states}", state)
    cause = value_of_type(ending, "cause", str, path) or ""
    if cause not in get_args(Cause):
        raise _unexpected(path, "ending, cause", "a cause that this version knows", cause)
    return Ending(
        cast(Any, state),
        detail=value_of_type(ending, "detail", str, path) or "",
        inferred=value_of_type(ending, "inferred", bool, path) or False,
        cause=cast(Cause, cause),
    )


def findings_of(content: Stored, path: Path) -> list[Finding]:
    """Return the findings that a file holds.

    Raises:
        UnreadableFile: What is in their place is not a finding.
    """
    return [_finding(stored, path) for stored in objects_of(content, "findings", path)]


def _finding(stored: Stored, path: Path) -> Finding:
    severity = required_text(stored, "severity", path)
    if severity not in get_args(Severity):
        severities = ", ".join(get_args(Severity))
        raise _unexpected(path, "findings, severity", f"one of {severities}", severity)
    evidence = value_of_type(stored, "evidence", dict, path) or {}
    for name, value in evidence.items():
        if value is not None and not isinstance(value, str | int | float):
            raise _unexpected(path, f"findings, evidence, {brief(name)}", "a number or a text", value)
    return Finding(
        rule=required_text(stored, "rule", path),
        severity=cast(Severity, severity),
        statement=required_text(stored, "statement", path),
        evidence=evidence,
        advice=value_of_type(stored, "advice", str, path) or "",
        runs=texts_of(stored, "runs", path, where="findings, "),
    )


def results_of(content: Stored, path: Path) -> tuple[EvaluationResult, ...]:
    """Return the results of evaluations that a file holds.

    Raises:
        UnreadableFile: What is in their place is not a result.
    """
    return tuple(_result(stored, path) for stored in objects_of(content, "results", path))


def _result(stored: Stored, path: Path) -> EvaluationResult:
    for key, kind in KINDS_OF_A_RESULT.items():
        value_of_type(stored, key, kind, path)
    path_of(stored, "source", path)
    stated: dict[str, Any] = {}
    for key, value in stored.items():
        # A value of null says that nothing was measured; of another key, that it is unknown.
        if value is not None or key == "value":
            stated[key] = value
    try:
        return from_json(stated)
    except TypeError as error:
        raise UnreadableFile(f"{path}: results: one has no metric or no value ({error}).") from error


def _unexpected(path: Path, key: str, expected: str, value: object) -> UnreadableFile:
    shown = "nothing" if value is None else brief(value)
    return UnreadableFile(f"{path}: {key}: expected {expected}, found {shown}.")

"""What a page posts: a call of one of the server's callbacks, with values of the types that they take.

A page of ours posts nothing else. Whatever else comes, from a script that has the cookie or from a page of an
older server, is the sender's mistake: it is answered 400, in one line, before a callback sees it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dash
from flask import Response, request

PATH = "/_dash-update-component"  # where Dash's own script posts calls
LARGEST = 4_000_000  # bytes of a body
NO_CALL = "400: this is not a call that a page of the dashboard makes.\n"


def guard(app: dash.Dash) -> None:
    """Let a server answer 400 to calls that none of its pages makes."""
    app.server.config["MAX_CONTENT_LENGTH"] = LARGEST

    def check() -> Response | None:
        if request.path != PATH or request.method != "POST":
            return None
        if is_call(_body(), app.callback_map):
            return None
        return Response(NO_CALL, 400, mimetype="text/plain")

    app.server.before_request(check)


def is_call(body: Any, callbacks: Mapping[str, Any]) -> bool:
    """Say whether a body calls one of these callbacks with values of the right types.

    Args:
        body: Body of the request, parsed from JSON.
        callbacks: Callbacks by the name that Dash gives their outputs.
    """
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return False
    if body["output"] not in callbacks:
        return False
    for part in ("inputs", "state", "changedPropIds"):
        if not isinstance(body.get(part, []), list):
            return False
    return _is_shaped(body, callbacks[body["output"]]) and all(map(_is_valid, _leaves(body)))


def _body() -> Any:
    try:
        return request.get_json(force=True, silent=True)
    except RecursionError:
        return None


def _is_shaped(body: dict[str, Any], callback: Mapping[str, Any]) -> bool:
    """Say whether a call has as many inputs, states and outputs as its callback."""
    for part in ("inputs", "state"):
        if len(body.get(part, [])) != len(callback[part]):
            return False
    outputs = body.get("outputs")
    if not body["output"].startswith(".."):  # a single output, which Dash does not send as a list
        outputs = [outputs]
    if not isinstance(outputs, list):
        return False
    return list(map(_named, outputs)) == _named_in(body["output"])


def _named_in(output: str) -> list[tuple[Any, str]]:
    """Return the components and properties in the name that Dash gives the outputs of a callback."""
    named: list[tuple[Any, str]] = []
    for word in output.strip(".").split("..."):
        component, property = word.rsplit(".", 1)
        if component.startswith("{"):
            named.append((json.loads(component), property))
        else:
            named.append((component, property))
    return named


def _named(part: Any) -> tuple[Any, str] | None:
    if not _is_part(part):
        return None
    return part["id"], part["property"]


def _is_part(part: Any) -> bool:
    """Say whether something names a component and one of its properties."""
    return (
        isinstance(part, dict)
        and isinstance(part.get("id"), (str, dict))
        and isinstance(part.get("property"), str)
    )


def _leaves(body: dict[str, Any]) -> Iterator[Any]:
    for entry in (*body.get("inputs", []), *body.get("state", [])):
        if isinstance(entry, list):
            yield from entry
        else:
            yield entry


def _is_valid(entry: Any) -> bool:
    if not _is_part(entry):
        return False
    kind = ""
    if isinstance(entry["id"], str):
        kind = entry["id"].rpartition("-")[2]
    fits = FITS.get((kind, entry["property"])) or FITS.get(("", entry["property"]))
    return fits is None or fits(entry.get("value"))


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _is_drawn(value: Any) -> bool:
    """Say whether a value is what a chart remembers of what it drew."""
    return not value or (isinstance(value, dict) and isinstance(value.get("axes"), str))


def _is_frame(value: Any) -> bool:
    return isinstance(value, dict) and "search" in value and _is_text(value["search"])


FITS: Mapping[tuple[str, str], Callable[[Any], bool]] = {
    ("", "search"): _is_text,
    ("", "n_clicks"): _is_count,
    ("", "n_intervals"): _is_count,
    ("version", "data"): _is_count,
    ("frame", "data"): _is_frame,
    ("drawn", "data"): _is_drawn,
}  # by the last word of a component's name, or of any component, and by its property

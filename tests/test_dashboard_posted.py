"""What a client posts is held against what the callbacks take: a wrong type is the client's mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ORIGIN = {"Origin": "http://127.0.0.1:8050"}
PATH = "/_dash-update-component"
WRONG = (7, 0.5, True, ["?page=curves"], {"search": "?"})

Browse = Callable[[Path], Any]


def calls(client: Any) -> list[dict[str, Any]]:
    """Return a right call of every callback that the server answers."""
    bodies = []
    for callback in client.get("/_dash-dependencies").json:
        if callback.get("clientside_function"):
            continue
        names = callback["output"].strip(".").split("...")
        pairs = [name.rsplit(".", 1) for name in names]
        outputs = [
            {"id": json.loads(name) if name.startswith("{") else name, "property": prop}
            for name, prop in pairs
        ]
        bodies.append(
            {
                "output": callback["output"],
                "outputs": outputs if callback["output"].startswith("..") else outputs[0],
                "inputs": [{**part, "value": None} for part in callback["inputs"]],
                "state": [{**part, "value": None} for part in callback["state"]],
                "changedPropIds": [],
            }
        )
    return bodies


def test_a_search_of_a_wrong_type_is_answered_400_by_every_callback(tmp_path: Path, browse: Browse) -> None:
    client = browse(tmp_path)
    tried = 0
    for body in calls(client):
        for part in (*body["inputs"], *body["state"]):
            if part["property"] == "search":
                for value in WRONG:
                    part["value"] = value
                    answer = client.post(PATH, json=body, headers=ORIGIN)
                    assert answer.status_code == 400, (body["output"], value)
                    tried += 1
                part["value"] = None
    assert tried > 50


def test_no_value_of_any_type_is_answered_500(tmp_path: Path, browse: Browse) -> None:
    client = browse(tmp_path)
    for body in calls(client):
        for part in (*body["inputs"], *body["state"]):
            for value in (*WRONG, "x", -1, 10**30, {}, [], {"axes": 3}, {"axes": "a"}, [[1]], "\ud800"):
                part["value"] = value
                answer = client.post(PATH, json=body, headers=ORIGIN)
                assert answer.status_code in (200, 204, 400), (body["output"], part, answer.text[-300:])
            part["value"] = None


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"output": 3},
        {"output": "nothing.children", "outputs": {}, "inputs": [], "state": []},
        {"output": ["a"], "inputs": {}},
        {"output": "version.data", "inputs": None},
    ],
)
def test_what_is_no_call_is_answered_400(tmp_path: Path, browse: Browse, body: Any) -> None:
    answer = browse(tmp_path).post(PATH, json=body, headers=ORIGIN)
    assert answer.status_code == 400 and "not a call" in answer.text


def test_a_call_without_its_inputs_is_answered_400(tmp_path: Path, browse: Browse) -> None:
    client = browse(tmp_path)
    for body in calls(client):
        for part in ("inputs", "outputs"):
            assert client.post(PATH, json={**body, part: []}, headers=ORIGIN).status_code in (204, 400)


def test_what_is_not_json_or_too_large_is_refused(tmp_path: Path, browse: Browse) -> None:
    client = browse(tmp_path)
    assert client.post(PATH, data=b"{", headers=ORIGIN).status_code == 400
    assert client.post(PATH, data=b"[" * 4_000_001, headers=ORIGIN).status_code in (400, 413)

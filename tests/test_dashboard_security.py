"""The dashboard answers nobody but who holds its key, and lets a page load nothing from elsewhere."""

from __future__ import annotations

import json
import re
import socket
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.dashboard.security import new_token, policy, printed_address
from app.dashboard.server import create_app, free_port
from ired_diag.errors import DiagError

HOST = {"Host": "127.0.0.1:8050"}
PATHS = (
    "/",
    "/_dash-layout",
    "/_dash-dependencies",
    "/assets/style.css",
    "/assets/keys.js",
    "/_favicon.ico",
    "/_dash-component-suites/dash/dcc/dash_core_components.js",
    "/_reload-hash",
    "/nothing",
    "/%2e%2e/%2e%2e/etc/passwd",
)

Browse = Callable[[Path], Any]


@pytest.fixture
def stranger(tmp_path: Path) -> Any:
    return create_app(tmp_path, token="the key", port=8050).server.test_client()


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_every_path_is_refused(stranger: Any, path: str) -> None:
    assert stranger.get(path, headers=HOST).status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "delete", "options", "patch", "head"])
def test_without_the_token_every_method_is_refused(stranger: Any, method: str) -> None:
    answer = getattr(stranger, method)("/_dash-update-component", headers=HOST)
    assert answer.status_code == 403


@pytest.mark.parametrize("token", ["", "the ke", "the key ", "ключ", "x" * 10_000])
def test_a_wrong_token_is_refused(stranger: Any, token: str) -> None:
    assert stranger.get("/", query_string={"token": token}, headers=HOST).status_code == 403
    stranger.set_cookie("ired_diag_8050", token[:100], domain="127.0.0.1")
    assert stranger.get("/", headers=HOST).status_code == 403


def test_the_token_becomes_a_cookie_and_leaves_the_address(stranger: Any) -> None:
    answer = stranger.get("/?token=the%20key&page=findings&groups=a%26b", headers=HOST)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/?page=findings&groups=a%26b"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and cookie.startswith("ired_diag_8050=")
    assert "Domain" not in cookie
    assert stranger.get("/", headers=HOST).status_code == 200


def test_the_redirect_leads_nowhere_else(stranger: Any) -> None:
    answer = stranger.get("/?token=the%20key&//evil.example/=1", headers=HOST)
    assert answer.headers["Location"].startswith("/?")
    answer = stranger.get("//evil.example/?token=the%20key", headers=HOST)
    assert answer.headers.get("Location", "/") == "/"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8050", "127.0.0.1:8051", "127.0.0.1", "localhost", "127.0.0.1:8050.evil"],
)
def test_a_wrong_host_is_refused_even_with_the_token(tmp_path: Path, browse: Browse, host: str) -> None:
    assert browse(tmp_path).get("/", headers={"Host": host}).status_code == 400


def test_localhost_is_this_machine_too(stranger: Any) -> None:
    host = {"Host": "localhost:8050"}
    assert stranger.get("/?token=the%20key", headers=host).status_code == 302


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:8050.evil", "null", "", "http://127.0.0.1:9"]
)
def test_what_another_site_posts_is_refused(tmp_path: Path, browse: Browse, origin: str) -> None:
    answer = browse(tmp_path).post("/_dash-update-component", json={}, headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(tmp_path: Path, browse: Browse, stranger: Any, path: str) -> None:
    for client in (browse(tmp_path), stranger):
        with client.get(path, headers=HOST) as answer:
            headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert rules["default-src"] == "'self'"
        assert "unsafe" not in rules["script-src"] and "http" not in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers


def test_the_page_names_no_other_machine_and_runs_hashed_scripts_alone(
    tmp_path: Path, browse: Browse
) -> None:
    answer = browse(tmp_path).get("/")
    page, rules = answer.text, answer.headers["Content-Security-Policy"]
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", page, re.S)
    assert len(inline) == 1
    assert b64encode(sha256(inline[0].encode()).digest()).decode() in rules


def test_debug_and_developer_tools_are_off(tmp_path: Path, browse: Browse) -> None:
    client = browse(tmp_path)
    assert not client.application.debug
    config = json.loads(re.findall(r'<script id="_dash-config"[^>]*>(.*?)</script>', client.get("/").text)[0])
    assert not config.get("ui") and not config.get("hot_reload")


def test_no_page_tells_the_token(tmp_path: Path, browse: Browse) -> None:
    client = browse(tmp_path)
    assert all(
        "the key" not in client.get(path).text for path in ("/", "/_dash-layout", "/_dash-dependencies")
    )


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 43
    assert printed_address(8050, "a+b") == "http://127.0.0.1:8050/?token=a%2Bb"


def test_the_policy_forbids_frames_forms_and_plugins() -> None:
    rules = policy(["'sha256-x'"])
    assert (
        "frame-ancestors 'none'" in rules and "object-src 'none'" in rules and "form-action 'none'" in rules
    )


def test_a_taken_port_gives_way_to_the_next() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) <= port + 50


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.dashboard.server.TRIES", 0)
    with pytest.raises(DiagError, match="--port 8050: it and the next"):
        free_port(8050)

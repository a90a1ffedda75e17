"""Who may see the dashboard: nobody without the key, no other name of this machine, no other site."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import ROOT, Visit

pytestmark = pytest.mark.slow

SAMPLES = ROOT / "sample_runs"
PATHS = ("/", "/?page=run", "/_dash-layout", "/_dash-dependencies", "/assets/keys.js", "/no/such/path")


def ask(dashboard: Any, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """Return the answer to a request that no browser would make."""
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=b"{}" if method == "POST" else None, headers=named)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def key_of(dashboard: Any) -> str:
    return f"ired_diag_{dashboard.port}={dashboard.token}"


@pytest.mark.parametrize("path", PATHS)
def test_without_the_key_or_with_another_every_path_is_forbidden(
    serving: Callable[..., Any], path: str
) -> None:
    dashboard = serving(SAMPLES)
    wrong = f"ired_diag_{dashboard.port}={'x' * len(dashboard.token)}"
    assert ask(dashboard, path).status == 403
    assert ask(dashboard, path, Cookie=wrong).status == 403
    assert ask(dashboard, path, "POST").status == 403


def test_a_wrong_token_in_the_address_is_forbidden_and_sets_no_cookie(serving: Callable[..., Any]) -> None:
    for token in ("", "x", serving(SAMPLES).token[:-1], "%ff"):
        answer = ask(serving(SAMPLES), f"/?token={token}")
        assert answer.status == 403 and answer.getheader("Set-Cookie") is None


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil:{port}"]
)
def test_another_host_is_refused_even_with_the_key(serving: Callable[..., Any], host: str) -> None:
    dashboard = serving(SAMPLES)
    named = host.format(port=dashboard.port)
    assert ask(dashboard, "/", Host=named, Cookie=key_of(dashboard)).status == 400
    assert ask(dashboard, f"/?token={dashboard.token}", Host=named).status == 400
    assert ask(dashboard, "/", Host=f"localhost:{dashboard.port}", Cookie=key_of(dashboard)).status == 200


def test_another_site_can_post_nothing(serving: Callable[..., Any]) -> None:
    dashboard = serving(SAMPLES)
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{dashboard.port + 1}"):
        answer = ask(dashboard, "/_dash-update-component", "POST", Cookie=key_of(dashboard), Origin=origin)
        assert answer.status == 403


def test_the_key_becomes_a_cookie_that_no_script_reads(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    dashboard = serving(SAMPLES)
    visit = opened(dashboard)
    (cookie,) = visit.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["value"] == dashboard.token
    assert visit.page.evaluate("document.cookie") == ""
    assert dashboard.token not in visit.page.url and dashboard.token not in visit.page.content()


def test_the_page_may_ask_nobody_else_and_run_no_other_script(
    serving: Callable[..., Any], opened: Callable[..., Visit]
) -> None:
    visit = opened(serving(SAMPLES))
    asked = "fetch('http://example.invalid/').then(() => 'sent', () => 'refused')"
    assert visit.page.evaluate(asked) == "refused"
    visit.page.evaluate(
        """() => { const script = document.createElement("script");
                   script.textContent = "window.ran = true"; document.body.append(script); }"""
    )
    assert visit.page.evaluate("window.ran") is None
    refused = visit.until(lambda: [p for p in visit.problems if "Content Security Policy" in p])
    assert len(refused) >= 2
    visit.problems[:] = []  # they were asked for

"""Who may see the dashboard: this machine's reader, who has the address that was printed.

- The server listens on 127.0.0.1 alone.
- A random token in the printed address becomes a cookie that scripts cannot read and that no other site can
  make the browser send; a redirect takes the token out of the address. Without it every path answers 403.
- The ``Host`` must be this server's: a name that an attacker's DNS turns to 127.0.0.1 is answered 400.
- The browser is opened on a file that only its owner may read, which leads to the address: the command line
  of a browser, which every user of the machine can read, never holds the key (``opening``).
- What is posted must come from a page of this server.
- The page may load nothing from elsewhere, run no script that is not ours, and stand in no frame.

Reference: OWASP cheat sheets on cross-site request forgery and content security policy.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import parse_qsl, urlencode

from flask import Flask, Response, redirect, request
from werkzeug.http import parse_cookie

ADDRESS = "127.0.0.1"
TOKEN = "token"
FORBIDDEN = "403: open the address that `ired-diag dashboard` printed; it holds the key to this page.\n"
WRONG_HOST = "400: this server answers to 127.0.0.1 and localhost alone.\n"
WRONG_ORIGIN = "403: this did not come from a page of the dashboard.\n"

LEADS_ON = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={address}">'
    '<title>ired-diag</title><p><a href="{address}">Open the dashboard</a></p>'
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def new_token() -> str:
    """Return a random token of 256 bits."""
    return secrets.token_urlsafe(32)


def printed_address(port: int, token: str) -> str:
    """Return the address to open."""
    return f"http://{ADDRESS}:{port}/?{urlencode({TOKEN: token})}"


def cookie_name(port: int) -> str:
    """Return the cookie's name; browsers share cookies between ports, so that the port is part of it."""
    return f"ired_diag_{port}"


def holds_key(cookies: str, name: str, token: str) -> bool:
    """Say whether a request's header of cookies holds the key.

    Args:
        cookies: The header as it was sent.
        name: Name of the cookie.
        token: The key.
    """
    return _same(parse_cookie(cookies).get(name, ""), token)


def policy(script_hashes: Sequence[str]) -> str:
    """Return the content security policy.

    Args:
        script_hashes: Hashes of Dash's own inline scripts. Styles may be inline: plotly sets them.
    """
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def guard(server: Flask, *, token: str, port: int, script_hashes: Callable[[], Sequence[str]]) -> None:
    """Let a server answer nobody but the reader who has the token, on every path.

    Args:
        server: The server to guard.
        token: The key.
        port: Port on which it listens.
        script_hashes: Returns the hashes; called when the first page is sent, after all scripts are added.
    """
    hosts = {f"{ADDRESS}:{port}", f"localhost:{port}"}
    cookie, policies = cookie_name(port), list[str]()

    def check() -> Response | None:
        if request.host not in hosts:
            return _refusal(WRONG_HOST, 400)
        if request.method in ("GET", "HEAD") and request.path == "/" and TOKEN in request.args:
            return _admission(token, cookie)
        if not _same(request.cookies.get(cookie, ""), token):
            return _refusal(FORBIDDEN, 403)
        if request.method not in ("GET", "HEAD") and _origin() not in hosts:
            return _refusal(WRONG_ORIGIN, 403)
        return None

    def add_headers(response: Response) -> Response:
        if not policies:
            policies.append(policy(script_hashes()))
        response.headers.update({**HEADERS, "Content-Security-Policy": policies[0]})
        if not request.path.startswith("/_dash-component-suites/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    server.before_request(check)
    server.after_request(add_headers)


def _same(given: str, token: str) -> bool:
    """Compare in a time that does not tell how much is right."""
    return hmac.compare_digest(given.encode(), token.encode())


def _origin() -> str:
    return request.headers.get("Origin", "").removeprefix("http://")


def _admission(token: str, cookie: str) -> Response:
    """Turn the token in the address into a cookie, and lead to the same address without it.

    A browser sends no strict cookie along a redirect that began at another page, such as the file that opens
    the dashboard. There a page of ours leads on: what it asks for comes from this server.
    """
    if not _same(request.args[TOKEN], token):
        return _refusal(FORBIDDEN, 403)
    rest = [(key, value) for key, value in parse_qsl(request.query_string.decode()) if key != TOKEN]
    address = "/"
    if rest:
        address += f"?{urlencode(rest)}"
    if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        response = redirect(address, code=302)
    else:
        response = Response(LEADS_ON.format(address=escape(address)), mimetype="text/html")
    response.set_cookie(cookie, token, httponly=True, samesite="Strict", path="/")
    return Response(response.get_data(), response.status_code, headers=list(response.headers))


def _refusal(words: str, status: int) -> Response:
    return Response(words, status, mimetype="text/plain")

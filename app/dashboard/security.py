"""Who may see the dashboard: this machine's reader, who has the address that was printed.

- The server listens on 127.0.0.1 alone.
- A random token in the printed address becomes a cookie that scripts cannot read and that no other site can
  make the browser send; a redirect takes the token out of the address. Without it every path answers 403.
- The ``Host`` must be this server's: a name that an attacker's DNS turns to 127.0.0.1 is answered 400.
- What is posted must come from a page of this server.
- The page may load nothing from elsewhere, run no script that is not ours, and stand in no frame.

Reference: OWASP cheat sheets on cross-site request forgery and content security policy.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl, urlencode

from flask import Flask, Response, redirect, request

ADDRESS = "127.0.0.1"
TOKEN = "token"
FORBIDDEN = "403: open the address that `ired-diag dashboard` printed; it holds the key to this page.\n"
WRONG_HOST = "400: this server answers to 127.0.0.1 and localhost alone.\n"
WRONG_ORIGIN = "403: this did not come from a page of the dashboard.\n"

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


def policy(script_hashes: Sequence[str]) -> str:
    """Return the content security policy.

    Args:
        script_hashes: Of the inline scripts that are Dash's own. Styles may stand inline: plotly sets them.
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
        server: What to guard.
        token: The key.
        port: Where it listens.
        script_hashes: Asked when the first page is sent, after all scripts are known.
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
    """Turn the token in the address into a cookie, and lead to the same address without it."""
    if not _same(request.args[TOKEN], token):
        return _refusal(FORBIDDEN, 403)
    rest = [(key, value) for key, value in parse_qsl(request.query_string.decode()) if key != TOKEN]
    response = redirect("/?" + urlencode(rest) if rest else "/", code=302)
    response.set_cookie(cookie, token, httponly=True, samesite="Strict", path="/")
    return Response(response.get_data(), response.status_code, headers=list(response.headers))


def _refusal(words: str, status: int) -> Response:
    return Response(words, status, mimetype="text/plain")

"""A dashboard that listens: strangers on the same machine neither read the key nor keep it busy."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.dashboard import listening, security
from app.dashboard.listening import STRANGERS_BODY, Server, listen
from app.dashboard.opening import opening_file
from app.dashboard.server import create_app, free_port

ROOT = Path(__file__).parents[1]
KEY = "the-key"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    """A server of an empty folder that listens, with the key ``the-key``."""
    port = free_port(18050)
    server = listen(create_app(tmp_path, token=KEY, port=port).server, port=port, token=KEY)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.close()
    server.task_dispatcher.shutdown()


def ask(port: int, head: str, body: bytes = b"") -> bytes:
    """Return the first kilobytes of the answer to one request; what cannot be sent is left."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        return connection.recv(4096)


def head(port: int, *lines: str) -> str:
    return "\n".join([f"POST /_dash-update-component HTTP/1.1\nHost: 127.0.0.1:{port}", *lines])


@pytest.mark.parametrize("cookie", ["", "Cookie: ired_diag_{port}=wrong", "Cookie: other=the-key"])
def test_a_strangers_body_is_refused_by_its_stated_length(served: Server, cookie: str) -> None:
    port = served.effective_port
    lines = [f"Content-Length: {STRANGERS_BODY}", *([cookie.format(port=port)] if cookie else [])]
    assert b" 413 " in ask(port, head(port, *lines))  # nothing of the body was sent


def test_a_strangers_body_without_length_is_refused_once_it_is_too_long(served: Server) -> None:
    port, piece = served.effective_port, b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    answer = ask(port, head(port, "Transfer-Encoding: chunked"), piece * 9)
    assert b" 413 " in answer


def test_the_reader_may_post_more(served: Server) -> None:
    port, body = served.effective_port, b"[" + b" " * (2 * STRANGERS_BODY) + b"]"
    lines = [f"Cookie: ired_diag_{port}={KEY}", f"Origin: http://127.0.0.1:{port}"]
    answer = ask(port, head(port, *lines, f"Content-Length: {len(body)}"), body)
    assert b" 400 " in answer  # read, and no call
    assert security.holds_key(f"a=b; ired_diag_{port}={KEY}", security.cookie_name(port), KEY)


def test_idle_connections_keep_nobody_waiting(served: Server) -> None:
    port = served.effective_port
    with contextlib.ExitStack() as idle:
        for number in range(150):
            connection = idle.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            if number % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        good = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        good.request("GET", f"/?token={KEY}", headers={"Host": f"127.0.0.1:{port}"})
        with contextlib.closing(good):
            assert good.getresponse().status == 302


def test_a_connection_that_asks_nothing_is_closed(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "PATIENCE", 0.5)
    with socket.create_connection(("127.0.0.1", served.effective_port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert connection.recv(100) == b""


def test_a_strangers_request_ends_its_connection(served: Server) -> None:
    port = served.effective_port
    answer = ask(port, f"GET / HTTP/1.1\nHost: 127.0.0.1:{port}")
    assert b" 403 " in answer and b"connection: close" in answer.lower()


def test_the_file_that_opens_the_dashboard_is_its_owners_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with opening_file("http://127.0.0.1:1/?token=a&page=b") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "url=http://127.0.0.1:1/?token=a&amp;page=b" in path.read_text()
    assert not path.exists()


def test_the_browsers_command_line_holds_no_key(tmp_path: Path) -> None:
    said = tmp_path / "said"
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {said}.part\nmv {said}.part {said}\n')
    opener.chmod(0o755)
    (tmp_path / "runs").mkdir()
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "c")}
    command = [sys.executable, "-m", "app.cli", "dashboard", str(tmp_path / "runs")]
    command += ["--port", str(free_port(18150))]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        key = server.stdout.readline().strip().rpartition("token=")[2]
        end = time.monotonic() + 60
        while not said.exists() and time.monotonic() < end:
            time.sleep(0.05)
        opened = said.read_text().strip()
        page = Path(opened).read_text()
        server.terminate()
    assert len(key) > 40 and key not in opened and key in page


def test_a_browser_that_opens_the_file_sees_the_dashboard(
    chromium: Any, serving: Any, tmp_path: Path
) -> None:
    dashboard = serving(tmp_path)
    page = chromium.new_page()
    try:
        with opening_file(dashboard.address) as path:
            page.goto(path.as_uri())
            page.wait_for_selector(".brand", timeout=30_000)
        assert "token" not in page.url and page.url.startswith("http://127.0.0.1")
    finally:
        page.close()

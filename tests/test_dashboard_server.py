"""``ired-diag dashboard`` as a process: it prints its address, answers on this machine alone, and ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from app.dashboard.security import ADDRESS
from app.dashboard.server import at_a_free_port

ROOT = Path(__file__).parents[1]


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A running dashboard of an empty folder: the process, its port and its token."""
    (tmp_path / "runs").mkdir()
    command = [sys.executable, "-m", "app.cli", "dashboard", str(tmp_path / "runs"), "--no-browser"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--port", str(port)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", process.stdout.readline())
    assert address is not None
    yield process, int(address[1]), address[2]
    process.kill()
    process.communicate()


def test_it_answers_its_reader_binds_this_machine_and_ends_with_a_line(
    dashboard: tuple[subprocess.Popen[str], int, str],
) -> None:
    process, port, token = dashboard
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:4]) == (403, b"403:")
    connection.request("GET", f"/?token={token}")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 302
    cookie = str(answer.headers["Set-Cookie"]).split(";")[0]
    connection.request("GET", "/", headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200 and b"react-entry-point" in answer.read()
    connection.request("GET", "/", headers={"Cookie": cookie, "Host": "evil.example"})
    assert connection.getresponse().status == 400
    connection.close()
    with socket.socket() as elsewhere, pytest.raises(OSError):
        elsewhere.connect(("127.0.0.2", port))
    process.send_signal(signal.SIGINT)
    told, wrong = process.communicate(timeout=60)
    assert process.returncode == 0
    assert told.strip().splitlines()[-1] == "The dashboard has ended."
    assert "Traceback" not in wrong and token not in wrong


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "dashboard", str(tmp_path / "absent"), "--no-browser"]
    ended = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert ended.returncode == 1
    assert "expected a folder of runs or logs, found nothing" in ended.stderr


def test_a_port_that_is_taken_between_the_look_and_the_bind_is_passed_over() -> None:
    with ExitStack() as open_sockets:

        def bound(port: int) -> socket.socket:
            mine = open_sockets.enter_context(socket.socket())
            mine.bind((ADDRESS, port))
            mine.listen()
            return mine

        others: list[socket.socket] = []

        def listening_at(port: int) -> socket.socket:
            if len(others) < 3:
                others.append(bound(port))  # somebody is faster
            return bound(port)

        mine = at_a_free_port(18450, listening_at)
        taken = [other.getsockname()[1] for other in others]
        assert len(taken) == 3
        assert mine.getsockname()[1] > max(taken)


def test_another_error_of_the_bind_is_not_hidden() -> None:
    def listening_at(port: int) -> socket.socket:
        with socket.socket() as elsewhere:
            elsewhere.bind(("192.0.2.1", port))  # no address of this machine
            return elsewhere

    with pytest.raises(OSError, match="assign"):
        at_a_free_port(18450, listening_at)

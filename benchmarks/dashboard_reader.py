"""A reader of a dashboard without a browser: it opens every page, and asks what the page would ask."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.command_server import Command, CommandServer

PAGES = ("study", "curves", "statistics", "findings", "negatives", "energy", "sweeps", "run")
PATIENCE = 60.0  # s
PATH = "/_dash-update-component"
RUN_ID = re.compile(r"run=([0-9a-f]{12})")
NO_CHANGE = 204


@dataclass
class Reader:
    """Who holds the key of a dashboard.

    Attributes:
        port: Of the dashboard.
        cookie: The key.
        statuses: Of all answers so far.
        wrong: The answers that no reader should get.
        runs: Ids of runs that a page has shown.
    """

    port: int
    cookie: str
    statuses: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)

    def get(self, path: str) -> bytes:
        """Return what is at a path."""
        return self._answer_to("GET", path)

    def post(self, body: dict[str, Any]) -> bytes:
        """Return the answer of a callback."""
        return self._answer_to("POST", PATH, json.dumps(body))

    def _answer_to(self, method: str, path: str, body: str | None = None) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Cookie": self.cookie, "Origin": f"http://127.0.0.1:{self.port}"}
        headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.statuses.append(answer.status)
        if answer.status not in (200, NO_CHANGE):
            self.wrong.append(f"{answer.status} to {path} {(body or '')[:120]}")
        return content

    def calls(self) -> list[dict[str, Any]]:
        """Return the callbacks that the server answers."""
        listed = json.loads(self.get("/_dash-dependencies"))
        return [callback for callback in listed if not callback.get("clientside_function")]

    def look(self, callbacks: Sequence[dict[str, Any]], search: str) -> None:
        """Ask every callback for the view of an address."""
        for callback in callbacks:
            content = self.post(_body(callback, search))
            self.runs += RUN_ID.findall(content.decode(errors="replace").replace("\\u003d", "="))

    def read(self, callbacks: Sequence[dict[str, Any]], pages: Sequence[str] = PAGES) -> None:
        """Open pages, one after the other, the page of a run with one that was listed."""
        for page in pages:
            run = f"&run={self.runs[-1]}" if page == "run" and self.runs else ""
            self.look(callbacks, f"?page={page}{run}")


def _body(callback: dict[str, Any], search: str) -> dict[str, Any]:
    """Return a call of a callback with the address, a new version and the frame of a page."""
    names = callback["output"].strip(".").split("...")
    pairs = [name.rsplit(".", 1) for name in names]
    outputs = [
        {"id": json.loads(name) if name.startswith("{") else name, "property": prop} for name, prop in pairs
    ]

    def given(part: dict[str, Any]) -> dict[str, Any]:
        values = {"search": search, "n_intervals": 1}
        value = {"search": search} if part["id"] == "frame" else values.get(part["property"])
        return {**part, "value": value}

    return {
        "output": callback["output"],
        "outputs": outputs if callback["output"].startswith("..") else outputs[0],
        "inputs": [given(part) for part in callback["inputs"]],
        "state": [given(part) for part in callback["state"]],
        "changedPropIds": [f"{part['id']}.{part['property']}" for part in callback["inputs"][:1]],
    }


@contextmanager
def opened(server: CommandServer, root: Path, folder: Path) -> Iterator[tuple[Reader, Command]]:
    """Serve a folder while the block lasts, and give a reader of it.

    Args:
        server: Forks the dashboard.
        root: What it shows.
        folder: Its working folder.
    """
    dashboard = server.start("dashboard", root, "--no-browser", "--interval", 0.5, folder=folder)
    end = time.monotonic() + PATIENCE
    while (printed := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", dashboard.text)) is None:
        if dashboard.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the dashboard told no address: {dashboard.text}")
        time.sleep(0.02)
    port = int(printed[1])
    try:
        yield Reader(port, f"ired_diag_{port}={printed[2]}"), dashboard
    finally:
        dashboard.send(signal.SIGINT)
        dashboard.wait()

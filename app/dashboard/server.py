"""The dashboard as a server: one page, local scripts, threads; it writes nothing under the root."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import dash

from app.dashboard import posted, refresh, security, shell
from app.dashboard.catalog import Catalog
from app.dashboard.history_cache import HistoryCache, cache_folder
from ired_diag.errors import DiagError
from ired_diag.runs.regroup import Grouping

TRIES = 50  # ports
INTERVAL = 5.0  # s
LONGEST_END = 5.0  # s that the end waits for what reads in the background
Listening = TypeVar("Listening")


def create_app(
    root: Path,
    *,
    token: str,
    port: int,
    interval: float = INTERVAL,
    cache: HistoryCache | None = None,
    grouping: Grouping | None = None,
    patterns: Sequence[str] = (),
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> dash.Dash:
    """Return the dashboard of a folder, guarded.

    Args:
        root: Run folders or foreign logs.
        token: The key in the printed address.
        port: Where it will listen: the ``Host`` of each request must name it.
        interval: How often it looks for changes, in seconds.
        cache: Where histories are kept between sessions. None: nowhere.
        grouping: The user's definition of groups and seeds.
        patterns: Arguments ``NAME=GLOB`` whose groups are shown. Empty: all runs under the root.
        metric: Metric that judges the runs. Default: detected by name.
        higher_is_better: Direction of the metric. Default: by configuration and name.
    """
    app = dash.Dash(
        __name__,
        serve_locally=True,
        suppress_callback_exceptions=True,
        title="ired-diag",
        index_string=shell.INDEX,
        update_title="",
        enable_mcp=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    security.guard(app.server, token=token, port=port, script_hashes=app.csp_hashes)
    posted.guard(app)
    catalog = Catalog(
        root,
        cache=cache,
        grouping=grouping,
        patterns=patterns,
        metric=metric,
        higher_is_better=higher_is_better,
    )
    app.server.extensions["catalog"] = catalog
    app.layout = shell.layout(catalog, interval)
    shell.register(app, catalog)
    refresh.register(app, catalog)
    return app


def free_port(wanted: int) -> int:
    """Return the wanted port, or the next that is free.

    Raises:
        DiagError: None of the next fifty is.
    """
    for port in range(wanted, min(wanted + TRIES, 65536)):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((security.ADDRESS, port))
            except OSError:
                continue
            return port
    raise DiagError(f"--port {wanted}: it and the next {TRIES} ports are taken. Choose another one.")


def at_a_free_port(wanted: int, listening_at: Callable[[int], Listening]) -> Listening:
    """Return what listens at the wanted port, or at the next that is free.

    Another process may take a port between the look and the bind; then the next one is tried.

    Args:
        wanted: The first port.
        listening_at: Binds a port.

    Raises:
        DiagError: None of the next fifty is free.
    """
    while True:
        port = free_port(wanted)
        try:
            return listening_at(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        wanted = port + 1


def serve(
    root: Path,
    *,
    port: int = 8050,
    interval: float = INTERVAL,
    grouping: Grouping | None = None,
    patterns: Sequence[str] = (),
    ready: Callable[[str], None],
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> None:
    """Serve the dashboard of a folder until it is interrupted.

    Args:
        root: Run folders or foreign logs.
        port: Where to listen; the next free one where it is taken.
        interval: How often to look for changes, in seconds.
        grouping: The user's definition of groups and seeds.
        patterns: Arguments ``NAME=GLOB`` whose groups are shown. Empty: all runs under the root.
        ready: Called with the address as soon as the server answers.
        metric: Metric that judges the runs. Default: detected by name.
        higher_is_better: Direction of the metric. Default: by configuration and name.

    Raises:
        DiagError: No port is free.
    """
    from app.dashboard.listening import Server, listen

    token = security.new_token()
    catalogs: list[Catalog] = []

    def listening_at(port: int) -> Server:
        app = create_app(
            root,
            token=token,
            port=port,
            interval=interval,
            cache=HistoryCache(cache_folder()),
            grouping=grouping,
            patterns=patterns,
            metric=metric,
            higher_is_better=higher_is_better,
        )
        listening = listen(app.server, port=port, token=token)
        catalogs.append(app.server.extensions["catalog"])
        return listening

    listening = at_a_free_port(port, listening_at)
    (catalog,) = catalogs
    keeping = threading.Thread(target=catalog.keep_up, daemon=True)
    keeping.start()
    ready(security.printed_address(listening.effective_port, token))
    try:
        listening.run()
    finally:
        catalog.stop()
        listening.close()
        keeping.join(LONGEST_END)
        if not keeping.is_alive():
            catalog.keep()

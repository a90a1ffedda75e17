"""The socket of the dashboard: strangers on this machine can neither fill its memory nor keep it busy.

What a connection may do before it has shown the key is little:

- a body of up to 64 kB, refused by its stated length, or once more has come;
- ten seconds for its first whole request, then it is closed: half a request, or none, holds no place;
- one request, with whose answer the connection ends.

Up to 500 connections wait at once, eight are answered at once. Waitress reads a request whole before it calls
an application, so that the first rule must stand in its parser.

Reference: waitress, the arguments of ``waitress.serve``.
"""

from __future__ import annotations

import copy
from typing import Any

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from app.dashboard import posted, security

THREADS = 8  # requests that are answered at once
CONNECTIONS = 500  # that wait at once: below the usual limit of 1024 open files
PATIENCE = 10.0  # s until the first request of a connection must be whole
IDLE = 60  # s that a browser may keep a connection open between requests
STRANGERS_BODY = 65_536  # bytes


class Server(TcpWSGIServer):  # type: ignore[misc]
    """A server that closes connections which ask nothing."""

    def add_task(self, task: Any) -> None:
        """Answer a whole request, and remember that the connection has made one."""
        task.has_asked = True
        super().add_task(task)

    def maintenance(self, now: float) -> None:
        """Close connections that have asked nothing for long."""
        super().maintenance(now)
        for channel in tuple(self.active_channels.values()):
            if not channel.has_asked and channel.creation_time < now - PATIENCE:
                channel.will_close = True


def listen(server: Flask, *, port: int, token: str) -> Server:
    """Return a server that listens on 127.0.0.1; its ``run`` answers until ``close`` is called.

    Args:
        server: The application.
        port: Where to listen; 0 for any free port.
        token: The key, which a connection must have for a larger body.

    Raises:
        OSError: The port is taken.
    """
    settings = Adjustments(
        host=security.ADDRESS,
        port=port,
        threads=THREADS,
        ident=None,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE,
        cleanup_interval=1,
        max_request_body_size=posted.LARGEST,
        asyncore_use_poll=True,
    )
    workers = ThreadedTaskDispatcher()
    workers.set_thread_count(THREADS)
    listening = Server(server, {}, dispatcher=workers, adj=settings, sockinfo=settings.listen[0])
    listening.channel_class = _channel_class(listening.effective_port, token)
    return listening


def _channel_class(port: int, token: str) -> type[HTTPChannel]:
    """Return the class of connections whose requests are parsed with the strangers' bound."""
    cookie = security.cookie_name(port)

    class Parser(HTTPRequestParser):  # type: ignore[misc]
        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            if not security.holds_key(self.headers.get("COOKIE", ""), cookie, token):
                bounded = copy.copy(self.adj)
                bounded.max_request_body_size = STRANGERS_BODY
                self.adj: Adjustments = bounded
                self.headers["CONNECTION"] = "close"

    class Channel(HTTPChannel):  # type: ignore[misc]
        parser_class = Parser
        has_asked = False

    return Channel

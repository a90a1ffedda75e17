"""Where announcements go besides the terminal: a webhook, or a command.

Neither can end the watch: what went wrong is returned as a sentence. The address of a webhook is a secret for
many services, so that only its host is ever printed.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit

from app.watching.event import Event
from ired_diag.errors import DiagError

TIMEOUT = 10.0  # s
COMMAND_TIMEOUT = 60.0  # s
PAUSES = (1.0, 3.0)  # s before the second and the third try
TEMPORARY = (408, 425, 429)  # of a client's errors; 500 and above are too
Post = Callable[[str, bytes], int]


class Receiver(Protocol):
    """What takes announcements."""

    def deliver(self, event: Event) -> str:
        """Return why an announcement could not be delivered; empty where it was."""
        ...


@dataclass(frozen=True, repr=False)
class Webhook:
    """An address that takes each announcement as a POST of JSON.

    Attributes:
        url: The address, which is not printed.
        pauses: Seconds before each further try.
    """

    url: str
    pauses: Sequence[float] = PAUSES

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host = parts.hostname
            _ = parts.port
        except ValueError as error:
            raise DiagError("--webhook: the address is not one (its port or host is malformed).") from error
        if parts.scheme not in ("http", "https") or not host:
            raise DiagError(
                "--webhook: expected an address that begins with http:// or https://, found "
                f"{parts.scheme + ':…' if parts.scheme else 'none'}."
            )

    @property
    def host(self) -> str:
        """The host of the address: all of it that may be printed."""
        return urlsplit(self.url).hostname or ""

    def deliver(self, event: Event) -> str:
        """Return why an announcement could not be posted; empty where it was."""
        content = event.as_json().encode()
        reason = ""
        for pause in (0.0, *self.pauses):
            time.sleep(pause)
            reason, is_final = self._post(content)
            if is_final:
                break
        if not reason:
            return ""
        return f"webhook {self.host}: {reason}"

    def _post(self, content: bytes) -> tuple[str, bool]:
        """Return what went wrong, and whether another try is useless."""
        request = urllib.request.Request(
            self.url,
            data=content,
            headers={"Content-Type": "application/json", "User-Agent": "ired-diag"},
            method="POST",
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=TIMEOUT):
                return "", True
        except urllib.error.HTTPError as error:
            error.close()
            is_temporary = error.code >= 500 or error.code in TEMPORARY
            return f"answered {error.code}", not is_temporary
        except urllib.error.URLError as error:
            return f"not reached ({_reason(error.reason)})", False
        except (OSError, HTTPException) as error:
            return f"not reached ({_reason(error)})", False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the content would go to an address that nobody named."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


def _reason(error: object) -> str:
    """Return the words of an error without an address in them."""
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


@dataclass(frozen=True)
class Command:
    """A command that is run for each announcement, without a shell.

    Attributes:
        argv: Its words.
        timeout: Seconds after which it is ended.
    """

    argv: Sequence[str]
    timeout: float = COMMAND_TIMEOUT

    def deliver(self, event: Event) -> str:
        """Return why the command failed; empty where it did not.

        It reads the announcement as JSON from its standard input; kind, run, step and text are in its
        environment too. What it prints goes to stderr.
        """
        name = self.argv[0]
        try:
            done = subprocess.run(
                list(self.argv),
                input=event.as_json().encode() + b"\n",
                stdout=2,
                env=os.environ | event.environment(),
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"command {name}: ended after {self.timeout:g} s without finishing"
        except BrokenPipeError:
            return ""
        except (OSError, ValueError) as error:
            return f"command {name}: could not be run ({error})"
        if done.returncode == 0:
            return ""
        return f"command {name}: ended with exit status {done.returncode}"

"""A helping process that was killed while a request to it was not sent yet is ended without an error."""

from __future__ import annotations

from pathlib import Path

from ired_diag.readers.reading_ahead import Helper, Parts

WAITS = "import time; time.sleep(60)"


def test_what_a_killed_process_never_received_is_no_error() -> None:
    nothing: list[list[Path]] = []
    helper = Helper(Parts(iter(nothing)), WAITS)
    process = helper._process
    assert process.stdin is not None
    process.stdin.write(b"a request that is still in the buffer")
    process.kill()
    process.wait()
    helper.end()
    assert process.stdin.closed

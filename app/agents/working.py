"""One question at a time, in a process of its own.

The process can be ended when a question is cancelled, whatever library it is in; a crash of it is one failed
question and not the end of the server; and what a library prints there cannot reach the protocol. It is kept
for the next question, so that libraries are imported once.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anyio import BrokenWorkerProcess, CapacityLimiter, create_task_group, sleep, to_process
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from app.cli.exhausted import lack_in_words
from app.cli.group import one_line
from ired_diag.errors import DiagError

HEARTBEAT = 2.0  # s between two notes of progress


@dataclass(frozen=True)
class Outcome:
    """How a question ended.

    Attributes:
        reply: The reply as JSON can hold it; None where there is none.
        refusal: What the user can mend; empty where it is not that.
        defect: The kind of error that is a defect of this program; empty where there is none.
        traceback: Where it happened.
    """

    reply: dict[str, Any] | None = None
    refusal: str = ""
    defect: str = ""
    traceback: str = ""


def work(root: str, tool: str, arguments: Mapping[str, Any]) -> Outcome:
    """Answer a question; this runs in the process that is kept for questions.

    Args:
        root: The folder of the server, resolved.
        tool: Name of the tool.
        arguments: Its arguments.
    """
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (before anything is imported)
            os.dup2(nowhere.fileno(), 2)  # nobody reads the pipe that stands there
        from app.agents.answers import answer
        from app.agents.confinement import close_everything_else
        from app.agents.reply import as_json

        os.chdir(root)
        close_everything_else(root)
        return Outcome(reply=as_json(answer(root, tool, arguments)))
    except DiagError as error:
        return Outcome(refusal=one_line(str(error)))
    except Exception as error:
        lack = lack_in_words(error)
        if lack is not None:
            return Outcome(refusal=lack)
        return Outcome(defect=type(error).__name__, traceback=traceback.format_exc())


async def ask(
    root: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    limiter: CapacityLimiter,
    context: Context[Any, Any],
) -> dict[str, Any]:
    """Return the reply to a question.

    Args:
        root: The folder of the server, resolved.
        tool: Name of the tool.
        arguments: Its arguments.
        limiter: Lets one question pass at a time.
        context: The client's request, which hears how long it takes.

    Raises:
        ToolError: It was refused, or something is broken; the message says which.
    """
    try:
        async with create_task_group() as group:
            group.start_soon(_report, tool, context)
            outcome: Outcome = await to_process.run_sync(
                work,
                root,
                tool,
                dict(arguments),
                cancellable=True,
                limiter=limiter,
            )
            group.cancel_scope.cancel()
    except* BrokenWorkerProcess as error:
        raise ToolError(
            f"{tool}: the process that computed the answer died (it may have been out of memory). Ask about "
            "fewer runs, or again."
        ) from error
    if outcome.reply is not None:
        return outcome.reply
    if outcome.refusal:
        raise ToolError(outcome.refusal)
    print(outcome.traceback, file=sys.stderr, flush=True)  # noqa: T201 (stdout is the protocol's)
    raise ToolError(
        f"{tool} failed by a defect of ired-diag ({outcome.defect}), not by its arguments. The traceback is "
        "in the server's stderr. Do not take this for an answer."
    )


async def _report(tool: str, context: Context[Any, Any]) -> None:
    """Say again and again how long a question takes already."""
    seconds = 0.0
    while True:
        await context.report_progress(seconds, message=f"{tool}: {seconds:.0f} s")
        await sleep(HEARTBEAT)
        seconds += HEARTBEAT

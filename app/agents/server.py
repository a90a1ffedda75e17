"""The MCP server: five questions to the runs under one folder, over standard input and output.

Descriptions are written for a model: what a tool answers, and what it must not be used for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import Field

import ired_diag
from app.agents.reply import Reply
from app.agents.strict_tool import strict
from app.agents.working import ask

INSTRUCTIONS = """\
ired-diag reads the logs and checkpoints of machine-learning training runs under one folder, and says what is
real and what is noise. Every answer is a verdict with sample sizes (n), noise over seeds, and caveats. Report
the verdict together with n and the caveats. "undecided" means that there is too little data; it does not mean
that there is no difference. null means unknown, and `unknown` says why. Paths are relative to the folder of
the server. Nothing is trained, measured or written."""

Names = Annotated[
    list[str],
    Field(
        description="Names of experiments (q101), paths, or NAME=GLOB such as new=logs/new/*; one per group."
    ),
]
RunsFolder = Annotated[str, Field(description="Folder in which names of experiments are looked up.")]
Metric = Annotated[
    str | None, Field(description="Metric to judge by. Default: the validation metric, detected by name.")
]
Direction = Annotated[
    bool | None,
    Field(description="Direction of the metric. Default: by the configuration, else by the metric's name."),
]
Readout = Literal["plateau", "last", "best", "last10", "area"]
Ask = Callable[..., Awaitable[Reply]]


def server_of(root: Path) -> MCPServer[Any]:
    """Return the server of a folder.

    Args:
        root: The folder, resolved.
    """
    limiter = CapacityLimiter(1)  # one question at a time; further ones wait

    async def reply(context: Context[Any, Any], tool: str, **arguments: Any) -> Reply:
        content = await ask(str(root), tool, arguments, limiter=limiter, context=context)
        return Reply(**content)

    tools: list[Tool] = [strict(_tool(function)) for function in _functions(reply)]
    return MCPServer(
        "ired-diag",
        title="ired-diag: what training runs show, and what is noise",
        instructions=INSTRUCTIONS,
        version=ired_diag.__version__,
        tools=tools,
        log_level="WARNING",
    )


def _tool(function: Callable[..., Any]) -> Tool:
    annotations = ToolAnnotations(
        read_only_hint=True,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=False,
    )
    return Tool.from_function(function, annotations=annotations)


def _functions(reply: Ask) -> list[Callable[..., Any]]:
    """Return the tools as functions; their docstrings are what a model reads."""
    return [_compare(reply), _gate(reply), _diagnose(reply), _check(reply), _probe(reply)]


def _compare(reply: Ask) -> Callable[..., Any]:
    async def compare(
        context: Context[Any, Any],
        groups: Names,
        runs: RunsFolder = ".",
        metric: Metric = None,
        higher_is_better: Direction = None,
        readout: Readout = "plateau",
        margin: Annotated[
            str,
            Field(description="Smallest difference that matters: '1%', or '0.05abs' in the metric's unit."),
        ] = "1%",
        paired: Annotated[
            bool | None,
            Field(description="Whether equal seeds are pairs. Default: where configurations say so."),
        ] = None,
    ) -> Reply:
        """Compare finished groups of seeds: which is better, by how much, and how sure that is.

        Use it once, on all seeds that were planned. Do not call it after each new seed until it says
        "better": that finds differences where there are none (use gate). Do not rank groups by their means
        where the decision is "undecided". A group of one seed has no noise estimate: conclude nothing.
        """
        return await reply(
            context,
            "compare",
            groups=groups,
            runs=runs,
            metric=metric,
            higher_is_better=higher_is_better,
            readout=readout,
            margin=margin,
            paired=paired,
        )

    return compare


def _gate(reply: Ask) -> Callable[..., Any]:
    async def gate(
        context: Context[Any, Any],
        new: Annotated[str, Field(description="The new group: a name, a path, or NAME=GLOB.")],
        against: Annotated[str | None, Field(description="The old group, of two seeds or more.")] = None,
        threshold: Annotated[
            float | None, Field(description="Instead of a group: a target that was fixed before the runs.")
        ] = None,
        margin: Annotated[
            float, Field(description="Least improvement of the mean that counts, in the metric's unit.")
        ] = 0.0,
        alpha: Annotated[float, Field(description="Chance to keep a change that is at the margin.")] = 0.05,
        budget: Annotated[int, Field(description="Most seeds that would be trained.")] = 20,
        runs: RunsFolder = ".",
        metric: Metric = None,
        higher_is_better: Direction = None,
        readout: Readout = "last",
        paired: Annotated[bool | None, Field(description="Whether equal seeds are pairs.")] = None,
    ) -> Reply:
        """Decide on a change: "keep", "drop" or "undecided" with the number of further seeds to run.

        Use it to accept or reject a result, as often as you like: it holds at any number of seeds looked at.
        "undecided" is no success: run more seeds, or stop. Do not use a single earlier run as the old group,
        nor pass a number as threshold that was measured on some runs: it has noise of its own. Do not try
        metrics, readouts or margins until one is kept.
        """
        return await reply(
            context,
            "gate",
            new=new,
            against=against,
            threshold=threshold,
            margin=margin,
            alpha=alpha,
            budget=budget,
            runs=runs,
            metric=metric,
            higher_is_better=higher_is_better,
            readout=readout,
            paired=paired,
        )

    return gate


def _diagnose(reply: Ask) -> Callable[..., Any]:
    async def diagnose(
        context: Context[Any, Any],
        paths: Annotated[
            list[str] | None, Field(description="Run folders, logs, or folders of them. Default: everything.")
        ] = None,
        rules: Annotated[
            list[str] | None, Field(description="Names of the rules to apply. Default: all.")
        ] = None,
        metric: Metric = None,
        higher_is_better: Direction = None,
    ) -> Reply:
        """Look for mistakes in runs: divergence, over-fitting, NaN, copied curves, settings, dead jobs.

        Use it before you trust or compare runs. "no finding" is no proof of health. Each finding is an
        accusation with evidence; report it with its severity. It does not say which method is better.
        """
        return await reply(
            context,
            "diagnose",
            paths=paths or ["."],
            rules=rules,
            metric=metric,
            higher_is_better=higher_is_better,
        )

    return diagnose


def _check(reply: Ask) -> Callable[..., Any]:
    async def check(
        context: Context[Any, Any],
        report: Annotated[str, Field(description="A report: Markdown, LaTeX, HTML, reST or a notebook.")],
        runs: Annotated[
            str | None,
            Field(
                description="Folder of the runs it is about. Default: the report is checked against itself."
            ),
        ] = None,
        metric: Metric = None,
        higher_is_better: Direction = None,
    ) -> Reply:
        """Recompute the numbers and conclusions of a report from the runs: which claims hold, which do not.

        Use it on text that you or others wrote about runs, before it is published. Claims that could not be
        checked are not confirmed: report their number too.
        """
        return await reply(
            context,
            "check",
            report=report,
            runs=runs,
            metric=metric,
            higher_is_better=higher_is_better,
        )

    return check


def _probe(reply: Ask) -> Callable[..., Any]:
    async def probe(
        context: Context[Any, Any],
        name: Annotated[str, Field(description="Name of a probe, such as conditioning; or all.")] = "all",
        paths: Annotated[
            list[str] | None, Field(description="Run folders, or folders of them. Default: everything.")
        ] = None,
    ) -> Reply:
        """Say what probes of checkpoints found that were measured before: curvature, negatives and others.

        It reads kept answers and measures nothing: where there are none, it names the command that a person
        can run. One checkpoint of one seed is one sample: do not compare methods by it.
        """
        return await reply(context, "probe", name=name, paths=paths or ["."])

    return probe

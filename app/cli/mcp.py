"""``ired-diag mcp``: answer the questions of an agent."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from ired_diag.errors import DiagError, NotFound

INSTALL = "ired-diag mcp needs the MCP SDK, which is not installed: pip install 'ired-diag[agents]'"


@click.command("mcp")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, readable=False))
def command(folder: Path) -> None:
    """Serve the runs under DIR to an agent, by the Model Context Protocol on standard input and output.

    The tools are compare, gate, diagnose, check and probe. Their answers are verdicts with sample sizes,
    noise and caveats, and never rows. Only files under DIR are read, and nothing is written there. An agent's
    program starts this command itself (docs/agents.md); on a terminal it waits for messages, and Ctrl-D ends
    it.

    \b
    ired-diag mcp runs
    """
    if find_spec("mcp") is None:
        raise DiagError(INSTALL)
    root = folder.resolve()
    if not root.is_dir():
        raise NotFound(f"{folder}: expected a folder of runs or logs, found none.")
    from app.agents.server import server_of

    try:
        server_of(root).run("stdio")
    except* BrokenPipeError:  # the client went away while it was owed an answer
        pass

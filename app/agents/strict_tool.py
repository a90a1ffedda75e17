"""A tool that refuses arguments which it does not know, and says in one line what is wrong with the others.

The SDK (2.3) ignores unknown arguments, so that a misspelt margin would silently be the default.
"""

from __future__ import annotations

import difflib
from typing import Any, final

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError


@final
class StrictTool(Tool):
    """A tool with exact arguments."""

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,
    ) -> Any:
        """Return the result of the tool.

        Raises:
            ToolError: An argument is unknown or of another type, or the tool refuses.
        """
        names = list(self.parameters.get("properties", {}))
        for name in arguments:
            if name not in names:
                raise ToolError(_unknown(self.name, name, names))
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_wrong(self.name, error.__cause__)) from None
            if isinstance(error.__cause__, ToolError):
                raise ToolError(str(error.__cause__)) from error
            raise


def _unknown(tool: str, name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    return f"{tool} has no argument {name!r}.{meant} There are: {', '.join(names)}."


def _wrong(tool: str, error: ValidationError) -> str:
    """Return what is wrong with the arguments of a tool, one sentence each."""
    sentences = []
    for detail in error.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"]
        if detail["type"] != "missing":
            message = f"{message}, found {detail['input']!r:.80}"
        sentences.append(f"{place}: {message}.")
    return f"{tool}: {' '.join(dict.fromkeys(sentences))}"


def strict(tool: Tool) -> StrictTool:
    """Return a tool that refuses unknown arguments, and says so in its schema."""
    fields = {name: getattr(tool, name) for name in type(tool).model_fields}
    return StrictTool(**{**fields, "parameters": {**tool.parameters, "additionalProperties": False}})

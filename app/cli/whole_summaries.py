"""A group of commands whose help says the whole first sentence of each: click cuts it to one line."""

from __future__ import annotations

import click

LONGEST_SUMMARY = 400  # letters: no first sentence is as long


class WholeSummaries(click.Group):
    """A group in whose help no summary of a command is cut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with the first sentence of its help, over as many lines as it takes."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is None or command.hidden:
                continue
            summary = command.get_short_help_str(LONGEST_SUMMARY)
            rows.append((name, summary))
        if not rows:
            return
        with formatter.section("Commands"):
            formatter.write_dl(rows)

"""What commands print, on a page word by word: run again to check it, or to write it anew.

    python -m docs_site.outputs README.md --data path/to/data [--write]

A comment names the folder that the commands of the block below it run in,

    <!-- output in text_logs -->
    ```
    $ ired-diag stats contra newton
    ...
    ```

below the project or below ``--data``. Lines that begin with ``$ `` are commands of ours, and what follows is
their output, 100 characters wide, errors included. Where the page keeps only the beginning of an output, a
line ``…`` says so: the lines before it must be the first ones of the output.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(?P<head><!-- output in (?P<folder>\S+) -->\n```\n)(?P<body>.*?)(?P<end>^```$)",
    flags=re.DOTALL | re.MULTILINE,
)
PROMPT, CUT = "$ ", "…"
WIDTH = 100  # characters: what a page shows without a scroll bar
PROGRAM = "ired-diag"
LONGEST = 300  # seconds


@dataclass(frozen=True)
class Shown:
    """A command on a page, and the lines below it."""

    command: str
    lines: Sequence[str]

    @property
    def is_cut(self) -> bool:
        """Whether the page keeps only the beginning."""
        return bool(self.lines) and self.lines[-1] == CUT


def blocks_of(text: str) -> Iterator[tuple[str, list[Shown]]]:
    """Yield the folder and the commands of each block of a page."""
    for block in BLOCK.finditer(text):
        yield block["folder"], commands_of(block["body"])


def commands_of(body: str) -> list[Shown]:
    """Return the commands of a block with what it shows below each."""
    commands: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith(PROMPT):
            commands.append((line.removeprefix(PROMPT), []))
        elif commands:
            _, shown = commands[-1]
            shown.append(line)
    return [Shown(command, lines) for command, lines in commands]


def run(command: str, folder: Path) -> list[str]:
    """Return the lines that a command prints in a folder.

    Args:
        command: A command of ours, as it is typed.
        folder: Where it runs.
    """
    name, *words = shlex.split(command)
    if name != PROGRAM:
        raise SystemExit(f"docs_site.outputs: {command!r} is no command of this program.")
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ,
            "COLUMNS": str(WIDTH),
            "NO_COLOR": "1",
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": cache,
        }
        result = subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def differences(shown: Shown, printed: Sequence[str]) -> list[str]:
    """Return how a page differs from what a command prints; nothing where it does not."""
    expected = list(shown.lines)
    actual = list(printed)
    while expected and not expected[-1]:
        expected.pop()
    if shown.is_cut:
        expected.pop()
        actual = actual[: len(expected)]
    return list(difflib.unified_diff(expected, actual, "on the page", "printed", lineterm=""))


def folder_called(name: str, data: Path | None) -> Path | None:
    """Return a folder of the project, or of the data; None where neither has it."""
    for root in (ROOT, data):
        if root is not None and (root / name).is_dir():
            return root / name
    return None


def rewritten(text: str, data: Path | None) -> str:
    """Return a page with the outputs of today; a cut block keeps as many lines as it has."""

    def block_of_today(block: re.Match[str]) -> str:
        folder = folder_called(block["folder"], data)
        if folder is None:
            return block[0]
        parts: list[str] = []
        for shown in commands_of(block["body"]):
            lines = run(shown.command, folder)
            if shown.is_cut:
                lines = [*lines[: len(shown.lines) - 1], CUT]
            parts += [f"{PROMPT}{shown.command}", *lines, ""]
        body = "\n".join(parts[:-1])
        return f"{block['head']}{body}\n{block['end']}"

    return BLOCK.sub(block_of_today, text)


def main() -> int:
    """Check or write the outputs on some pages; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs_site.outputs")
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, help="Folder of data that are not part of the project.")
    parser.add_argument("--write", action="store_true", help="Write what the commands print today.")
    arguments = parser.parse_args()
    differing = 0
    for page in arguments.pages:
        text = page.read_text(encoding="utf-8")
        today = rewritten(text, arguments.data)
        if today == text:
            continue
        differing += 1
        if arguments.write:
            page.write_text(today, encoding="utf-8")
        else:
            lines = difflib.unified_diff(
                text.splitlines(), today.splitlines(), str(page), "today", lineterm=""
            )
            print("\n".join(lines))
    return int(differing > 0 and not arguments.write)


if __name__ == "__main__":
    sys.exit(main())

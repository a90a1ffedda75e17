"""New journals and new entries. A journal is a record: what stands in it is never rewritten, only added to.

What is added has the line ends of the journal, and its lines are not changed otherwise: neither front matter
nor a mark of the byte order at its beginning, nor a missing line end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from ired_diag.errors import CannotWrite, NotFound, UnreadableFile, unreadable
from ired_diag.runs.files import exists, is_special, write_atomically

MOST_BYTES = 4 << 20
PARTS = ("observation", "hypothesis", "evidence", "implication", "next")
HEAD = """\
# Journal

Each entry says what was seen, what may explain it, the evidence, what follows, and what comes next.
`ired-diag journal check {name}` runs the evidence again: a command or a cell in code, an arrow, what it gave.
"""
HINTS = {
    "observation": "What was seen.",
    "hypothesis": "What may explain it.",
    "evidence": "",
    "implication": "What follows if it is so.",
    "next": "What is done next.",
}


def read_journal(path: Path) -> str:
    """Return the text of a journal, with its line ends as they are.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, is too large, or is no text in UTF-8.
    """
    if not path.is_file() or is_special(path):
        kind = "a folder" if path.is_dir() else "nothing"
        raise NotFound(
            f"{path}: expected a journal in Markdown, found {kind}. Begin one: ired-diag journal new {path}"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(content) > MOST_BYTES:
        raise UnreadableFile(f"{path}: larger than {MOST_BYTES:,} bytes. Begin a new journal.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise UnreadableFile(
            f"{path}: expected text in UTF-8, found the byte {byte:#04x} at {error.start}. Convert it."
        ) from error


def begin(path: Path) -> None:
    """Write a journal without entries.

    Raises:
        CannotWrite: There is something at the path already, or it cannot be written.
    """
    if exists(path):
        raise CannotWrite(f"{path}: is there already. Add to it: ired-diag journal add {path} TITLE")
    write_atomically(path, HEAD.format(name=path.name).encode())


def append(
    path: Path,
    title: str,
    parts: Mapping[str, Sequence[str]],
    *,
    today: date,
    with_hints: bool = True,
) -> None:
    """Append an entry to a journal.

    Args:
        path: The journal.
        title: Title of the entry; the date is put before it.
        parts: Lines of each part by its name.
        today: Date of the entry.
        with_hints: Whether a part without lines is begun with a hint, or left out.

    Raises:
        NotFound: There is no such journal.
        CannotWrite: It cannot be written.
    """
    text = read_journal(path)
    # Editors on Windows show a file with both kinds of line ends as one long line, or warn of it.
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = ["", f"## {today.isoformat()} {' '.join(title.split())}", ""]
    for name in PARTS:
        if with_hints or parts.get(name):
            lines += _part(name, parts.get(name, ()))
    added = ending.join(lines)
    if text and not text.endswith(("\n", "\r")):
        text += ending
    write_atomically(path, f"{text}{added}".encode())


def _part(name: str, lines: Sequence[str]) -> list[str]:
    label = f"**{name.capitalize()}.**"
    if name == "evidence":
        return [label, "", *lines, ""]
    if not lines:
        return [f"{label} {HINTS[name]}", ""]
    first, *others = lines
    return [f"{label} {first}", *others, ""]

"""A report's text, from its path."""

from __future__ import annotations

from pathlib import Path

from ired_diag.errors import NotFound, UnreadableFile, unreadable


def open_report(path: Path) -> str:
    """Return the text of a report.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, or is no text.
    """
    if not path.is_file():
        raise NotFound(
            f"{path}: expected a report in Markdown, found {'a folder' if path.is_dir() else 'nothing'}."
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path}: expected text in UTF-8, found the byte {error.object[error.start]:#04x} "
            f"at {error.start}. Convert it."
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error

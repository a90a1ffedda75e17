"""A report's text, from its path.

A picture in a report is often written into its text, as one word of many thousand letters. No number of a
claim is in such a word, and to search it for claims takes the square of its length: it is shortened.
"""

from __future__ import annotations

import re
from pathlib import Path

from ired_diag.claims.notebook_text import notebook_as_markdown
from ired_diag.errors import NotFound, UnreadableFile, unreadable

LONGEST_WORD = 1000  # letters; beyond them no word is one of a report
LONG_WORD = re.compile(rf"([^\s|&]{{20}})[^\s|&]{{{LONGEST_WORD},}}+")
LONG_SPACE = re.compile(rf"[^\S\r\n]{{{LONGEST_WORD},}}+")


def open_report(path: Path) -> str:
    """Return the text of a report.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, or is no text.
    """
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "nothing"
        raise NotFound(f"{path}: expected a report in Markdown, LaTeX or HTML, found {kind}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return without_long_words(notebook_as_markdown(text) or text)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path}: expected text in UTF-8, found the byte {error.object[error.start]:#04x} "
            f"at {error.start}. Convert it."
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def without_long_words(text: str) -> str:
    """Return a text in which each word of more than a thousand letters is its beginning.

    >>> without_long_words("![mean](data:image/png;base64," + "A7" * 5000 + ") is 0.5")
    '![mean](data:image/p… is 0.5'
    """
    return LONG_SPACE.sub(" ", LONG_WORD.sub(r"\1…", text))

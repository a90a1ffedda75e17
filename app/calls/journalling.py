"""``ird.check_journal``: the evidence of a research journal, run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.calls.opening import Place

if TYPE_CHECKING:
    from app.journal_check import CheckedJournal


def check_journal(journal: Place = "journal.md", *, root: Place | None = None) -> CheckedJournal:
    """Return what became of each line of evidence in a journal.

    Args:
        journal: The journal, in Markdown.
        root: Folder in which its commands run and in which their paths must lie. Default: its own folder.

    Raises:
        NotFound: There is no such journal.
        UnreadableFile: It cannot be read.
    """
    from app import journal_check

    folder = None if root is None else Path(root)
    return journal_check.check_journal(Path(journal), root=folder)

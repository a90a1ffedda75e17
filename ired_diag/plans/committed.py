"""When git says that a file was committed, where it stands in a repository.

The newest commit that changed the file is named with its committer's and its author's date. Both are set by
the machine that commits, and can be set at will (``git commit --date``, ``GIT_COMMITTER_DATE``): they show an
order only to whoever also has the commit from a server that keeps its own times.

A repository can name programs in its configuration. None is run here: the options below switch signatures,
hooks, file watchers and conversions off, and nothing is fetched.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 10  # seconds
HARMLESS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false")
FORM = "%H%x09%cI%x09%aI"


@dataclass(frozen=True)
class Commit:
    """The newest commit of a file.

    Attributes:
        hash: The commit.
        committed: Date of its committer, in ISO format.
        authored: Date of its author.
        is_current: Whether the file is as that commit has it.
    """

    hash: str
    committed: str
    authored: str
    is_current: bool

    @property
    def in_words(self) -> str:
        """The dates, and what they can prove."""
        text = f"commit {self.hash[:7]}, committed {self.committed}, authored {self.authored}"
        if not self.is_current:
            text += "; the file was changed since"
        return text


def newest_commit(path: Path) -> Commit | None:
    """Return the newest commit of a file; None without a repository, git or a commit."""
    folder = path.resolve().parent
    line = _git(folder, "log", "-1", "--no-show-signature", f"--format={FORM}", "--", path.name)
    parts = line.strip().split("\t")
    if len(parts) != 3:
        return None
    commit, committed, authored = parts
    # Both are names of content: equal content has the same one, whatever the index says.
    stored = _git(folder, "rev-parse", f"{commit}:./{path.name}").strip()
    current = _git(folder, "hash-object", "--no-filters", "--", path.name).strip()
    return Commit(commit, committed, authored, is_current=bool(stored) and stored == current)


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        completed = subprocess.run(
            ["git", *HARMLESS, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if completed.returncode:
        return ""
    return completed.stdout

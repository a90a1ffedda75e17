"""Which groups of runs a page draws: those of the runs that the filter keeps, but for the hidden ones."""

from __future__ import annotations

from app.dashboard.address import View
from app.dashboard.filtering import matching
from app.dashboard.snapshot import Snapshot
from ired_diag.errors import NotFound
from ired_diag.runs.run import Run

Groups = dict[str, list[Run]]


def kept_groups(view: View, snapshot: Snapshot) -> Groups:
    """Return the groups of the runs that the filter keeps, in the study's order."""
    groups: Groups = {}
    for entry in matching(snapshot.entries.values(), view.filter):
        groups.setdefault(entry.run.group, []).append(entry.run)
    return groups


def shown_groups(view: View, snapshot: Snapshot) -> Groups:
    """Return the groups that are drawn.

    Raises:
        NotFound: There is no run, none is kept, or all are hidden.
    """
    if not snapshot.entries:
        raise NotFound("No runs here yet. To make some: ired-diag demo, or ired-diag import path/to/logs")
    if not (kept := kept_groups(view, snapshot)):
        raise NotFound(f"No run matches {view.filter!r}. Esc leaves the filter.")
    shown = without_hidden(kept, view)
    if not shown:
        raise NotFound("All groups are hidden. Press one of their buttons to show it.")
    return shown


def without_hidden(groups: Groups, view: View) -> Groups:
    """Return groups without those that a view hides."""
    return {group: runs for group, runs in groups.items() if group not in view.hidden}

"""``ird.watch``: follow running logs, and get each alarm once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.calls.opening import Place
from ired_diag.errors import DiagError, NotFound
from ired_diag.live.live_rise import ALPHA
from ired_diag.live.silence import TIMES

if TYPE_CHECKING:
    from app.watching.decisions import Rule
    from app.watching.event import Event
    from app.watching.memory import Memory
    from app.watching.watcher import Watcher
    from ired_diag.runs.regroup import Grouping

EVERY = 30.0  # s


def watch(
    folder: Place,
    *,
    every: float = EVERY,
    once: bool = False,
    against: str | None = None,
    threshold: float | None = None,
    margin: float = 0.0,
    alpha: float = 0.05,
    budget: int = 20,
    false_alarms: float = ALPHA,
    patience: float = TIMES,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
    announce_old: bool = False,
) -> Iterator[Event]:
    """Yield what happens to the runs under a folder: each event once while this iterator lives.

    Args:
        folder: Run folders, or logs of other programs.
        every: Seconds between two looks.
        once: Look once, and end.
        against: Name of the group that the others are compared with as their seeds finish.
        threshold: Instead of a group: a number that was fixed beforehand.
        margin: By how much the mean must be better, in the unit of the metric.
        alpha: Chance that the gate keeps a change that is at the margin.
        budget: Most seeds of a group that would be trained.
        false_alarms: Chance that a healthy run is ever said to diverge while it goes on.
        patience: After how many times its longest pause a run is called stalled.
        metric: Metric to judge the runs by. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        grouping: The user's definition of groups and seeds.
        announce_old: Whether runs that were over before the first look are announced too.

    Raises:
        NotFound: There is no such folder.
        DiagError: An option is out of range.
    """
    from app.watching.memory import Memory

    watcher = watcher_of(
        folder,
        Memory(),
        every=every,
        rule=rule_of(against, threshold, margin=margin, alpha=alpha, budget=budget),
        false_alarms=false_alarms,
        patience=patience,
        metric=metric,
        higher_is_better=higher_is_better,
        grouping=grouping,
        announce_old=announce_old,
    )
    while True:
        yield from watcher.look()
        if once:
            return
        time.sleep(every)


def watcher_of(
    folder: Place,
    memory: Memory,
    *,
    every: float = EVERY,
    rule: Rule | None = None,
    false_alarms: float = ALPHA,
    patience: float = TIMES,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    grouping: Grouping | None = None,
    announce_old: bool = False,
) -> Watcher:
    """Return what looks at a folder; its arguments are those of ``watch``.

    Raises:
        NotFound: There is no such folder.
        DiagError: An option is out of range.
    """
    from app.dashboard.catalog import Catalog
    from app.watching.watcher import Watcher

    root = Path(folder)
    if not root.exists():
        raise NotFound(f"{root}: expected a folder of logs or runs, found nothing.")
    if not 0 < false_alarms < 0.5:
        raise DiagError(f"The rate of false alarms lies between 0 and 0.5, found {false_alarms:g}.")
    if patience < 1 or every <= 0:
        raise DiagError(f"Patience is 1 or more and a look takes time, found {patience:g} and {every:g} s.")
    catalog = Catalog(
        root,
        grouping=grouping,
        metric=metric,
        higher_is_better=higher_is_better,
    )
    return Watcher(
        catalog=catalog,
        memory=memory,
        alpha=false_alarms,
        every=every,
        patience=patience,
        rule=rule,
        announces_old=announce_old,
    )


def rule_of(
    against: str | None,
    threshold: float | None,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    budget: int = 20,
) -> Rule | None:
    """Return what groups are decided on; None where neither a group nor a number is named.

    Raises:
        DiagError: Both are named, or an option is out of range.
    """
    from app.calls.gating import check_gate
    from app.watching.decisions import Rule

    if against is None and threshold is None:
        return None
    check_gate(against, threshold, margin=margin, alpha=alpha)
    return Rule(against=against, threshold=threshold, margin=margin, alpha=alpha, budget=budget)

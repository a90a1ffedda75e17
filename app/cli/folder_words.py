"""What a folder holds, in words: kinds of files, runs and groups, how they ended, what judges them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ired_diag.runs.name_list import counted, first_names

if TYPE_CHECKING:
    from ired_diag.folder_survey import Survey
    from ired_diag.runs.run import Run
    from ired_diag.runs.study import Study

MOST_GROUPS = 8  # that are named
MOST_METRICS = 3  # lines
KINDS = ("complete", "running", "cut off", "failed", "unknown")  # of endings, in this order
NO_LOG = "has no .out file next to it"
JOINTS = (" of ", " with ", " in ")  # what stands before one of these takes the plural


def kinds_in_words(seen: Survey) -> str:
    """Return how many logs of which kind there are, the commonest first."""
    from ired_diag.folder_survey import IN_WORDS

    parts: list[str] = []
    for kind, count in Counter(seen.kinds).most_common():
        noun = IN_WORDS.get(kind, kind.replace("_", " "))
        parts.append(with_count(count, noun))
    if seen.checkpoints:
        files = len(seen.checkpoints)
        parts.append(counted(files, "checkpoint"))
    return ", ".join(parts)


def with_count(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> with_count(2, "table of metrics"), with_count(2, "history in JSON"), with_count(1, "text log")
    ('2 tables of metrics', '2 histories in JSON', '1 text log')
    """
    if count == 1:
        return f"1 {noun}"
    for joint in JOINTS:
        head, between, rest = noun.partition(joint)
        if between:
            return f"{count} {_many(head)}{between}{rest}"
    return f"{count} {_many(noun)}"


def _many(noun: str) -> str:
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def runs_in_words(study: Study, list_all: str) -> Iterator[str]:
    """Yield how many runs there are, in which groups, how they ended, and what judges them.

    Args:
        study: The runs.
        list_all: Command that lists all of it.
    """
    groups = study.groups()
    if groups:
        runs = counted(len(study.runs), "run")
        number = counted(len(groups), "group")
        yield f"{runs} in {number}: {_groups_in_words(groups)}."
        yield f"How they ended: {_endings_in_words(study.runs)}."
    if not study.runs and not study.evaluations:
        yield "None of them is a run that trained or evaluated anything."
    if study.evaluations:
        jobs = counted(len(study.evaluations), "job")
        yield f"{jobs} evaluated a model and trained none."
    yield from lone_errors_in_words(study)
    yield from _metrics_in_words(study.runs, list_all)


def _groups_in_words(groups: Mapping[str, Sequence[Run]]) -> str:
    names: list[str] = []
    for name, runs in groups.items():
        names.append(f"{name} ({len(runs)})")
    return first_names(names, MOST_GROUPS)


def _endings_in_words(runs: Sequence[Run]) -> str:
    from ired_diag.runs.completion import completion_in_words

    counts = Counter(map(completion_in_words, runs))
    in_order = sorted(counts, key=lambda words: next(n for n, name in enumerate(KINDS) if name in words))
    return ", ".join(f"{counts[words]} {words}" for words in in_order)


def lone_errors_in_words(study: Study) -> Iterator[str]:
    """Yield which ``.err`` files stand without a log and report a failure: jobs that are no runs."""
    lone: list[str] = []
    for file in study.skipped:
        reason, _, failure = file.reason.partition("; ")
        if file.path.suffix == ".err" and failure and reason == NO_LOG:
            ending, _, _ = failure.removeprefix("failed: ").partition(": ")
            lone.append(f"{file.path.name}: {ending}")
    if lone:
        verb = "reports" if len(lone) == 1 else "report"
        files = f"{counted(len(lone), '.err file')} without a log"
        yield f"{files} {verb} a failure ({first_names(lone, MOST_GROUPS)})."


def _metrics_in_words(runs: Sequence[Run], list_all: str) -> Iterator[str]:
    from ired_diag.runs.judged import judged_in_words, unjudged_in_words

    lines = judged_in_words(runs)
    yield from lines[:MOST_METRICS]
    more = len(lines) - MOST_METRICS
    if more > 0:
        yield f"and {more} more lines about metrics: {list_all}"
    yield from unjudged_in_words(runs)


def why_unread(seen: Survey) -> str:
    """Return why the runs were not counted, and what counts them."""
    megabytes = seen.bytes / 1e6
    reason = f"{megabytes:.0f} MB of logs take a while to read"
    if not seen.is_whole:
        reason = "There are more files here than are looked at without being asked"
    return f"{reason}: the runs were not counted. Name the folder of your logs: ired-diag ls path/to/logs"

"""Files of one folder that hold parts of one run: episodes, saved evaluations, a summary next to a log.

Stable-Baselines3 writes ``progress.csv``, ``evaluations.npz`` and a ``monitor.csv`` for each environment into
the folder of a run; a folder fetched from Weights & Biases holds a summary and the console's output. What
such a file states is added to the only other log of its folder, and does not replace what that log states.
Where there are two other logs, it is unknown to which of them it belongs, and it stays apart.

Episodes of several environments are named by their file: ``0/episode/reward``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ired_diag.readers.replacements import with_replacements
from ired_diag.readers.sb3_monitor import NAMES as NAMES_OF_EPISODES
from ired_diag.runs.evaluation_metric import evaluation_metric
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run

EPISODES = "sb3_monitor"
PARTS = ("sb3_evaluations", EPISODES, "wandb_summary")


def join_files_of_run(attempts: Iterable[Run]) -> list[Run]:
    """Return attempts; the files that hold parts of one run are joined into one."""
    attempts = list(attempts)
    if not any(attempt.format in PARTS for attempt in attempts):
        return attempts
    folders: dict[Path, list[Run]] = defaultdict(list)
    for attempt in attempts:
        if attempt.history.series:
            folders[attempt.path.parent].append(attempt)
    joined: dict[int, Run | None] = {}
    for members in folders.values():
        joined |= _joined(members)
    return with_replacements(attempts, joined)


def _joined(members: Sequence[Run]) -> Mapping[int, Run | None]:
    """Return by the id of an attempt what replaces it: the joined run, or nothing."""
    parts = [member for member in members if member.format in PARTS]
    hosts = [member for member in members if member.format not in PARTS]
    formats = Counter(part.format for part in parts)
    only_episodes_repeat = all(count == 1 for name, count in formats.items() if name != EPISODES)
    if not parts or len(hosts) > 1 or not only_episodes_repeat:
        return {}
    if formats[EPISODES] > 1:
        renamed = [_with_name_of_file(part) for part in parts]
    else:
        renamed = list(parts)
    host, *others = [*hosts, *renamed]
    originals = [*hosts, *parts]
    replaced: dict[int, Run | None] = {id(original): None for original in originals}
    replaced[id(originals[0])] = _with_parts(host, others)
    return replaced


def _with_name_of_file(part: Run) -> Run:
    """Return the episodes of one of several environments, named by its file."""
    if part.format != EPISODES:
        return part
    environment = part.path.name.partition(".")[0]
    series = {}
    for name, values in part.history.series.items():
        is_of_episode = name in NAMES_OF_EPISODES.values()
        series[f"{environment}/{name}" if is_of_episode else name] = values
    return replace(part, history=History(series))


def _with_parts(host: Run, parts: Sequence[Run]) -> Run:
    series: dict[str, Series] = {}
    configuration = dict(host.configuration or {})
    for part in parts:
        for name, values in part.history.series.items():
            series.setdefault(name, values)
        configuration = {**(part.configuration or {}), **configuration}
    history = host.history.joined(series)
    metric = evaluation_metric(history.series)
    findings = list(host.findings)
    for part in parts:
        findings += [finding for finding in part.findings if finding not in findings]
    return replace(
        host,
        history=history,
        configuration=configuration or None,
        evaluations=len(history.series[metric]) if metric else 0,
        sources=(*host.sources, *(source for part in parts for source in part.sources)),
        findings=tuple(findings),
        format="+".join(dict.fromkeys((host.format, *(part.format for part in parts)))),
    )

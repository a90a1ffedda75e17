"""Runs that did not reach their end, and seeds that were started again, with the reason where it is known.

A run whose log does not say whether training finished is not "incomplete". It is only mentioned where it ends
at another step than the other runs of its group, because then one of them may have been cut. A log that just
stops is incomplete where a planned number of steps is stated and not reached (``planned_steps``); else it is
a note, and so is a run whose log is being written, or was in the last half hour: a job that began long ago
may still run, and a log that was copied just now may not.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from ired_diag.finding import Finding
from ired_diag.forensics.repeated_seed import tasks_at_once
from ired_diag.forensics.rule import Evidence, Rule, labels_of, listed, seeds_in_words
from ired_diag.runs.completion import completion_of, note_on_unknown, was_written_lately
from ired_diag.runs.ending import LABELS, Ending
from ired_diag.runs.name_list import counted
from ired_diag.runs.planned_steps import planned_steps, stopped_early
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

JUST_STOPS = LABELS["cut_off"]  # of runs whose log is being written nothing is said here
ADVICE = "See each with: ired-diag ls --attempts"


def find(study: Study) -> Iterator[Finding]:
    """Yield findings for each group: incomplete runs, runs of unknown ending, earlier attempts, lost jobs."""
    for group, runs in study.groups().items():
        yield from _incomplete(group, runs)
        yield from _of_unknown_ending(group, runs)
        yield from _started_again(group, runs)
    unstarted: dict[tuple[str, Ending], list[Run]] = defaultdict(list)
    for attempt in study.unstarted:
        unstarted[attempt.experiment, attempt.ending].append(attempt)
    for (experiment, ending), attempts in unstarted.items():
        yield _without_run(experiment, ending, attempts)


def _incomplete(group: str, runs: list[Run]) -> Iterator[Finding]:
    cut: list[Run] = []
    running: list[Run] = []
    either: list[Run] = []
    unknown: list[Run] = []
    for run in runs:
        if run.ending.may_be_complete or run.ending.state == "unreadable":
            continue
        if completion_of(run) == "running":
            running.append(run)
        elif run.ending.state == "cut_off" and was_written_lately(run, time.time()):
            either.append(run)
        elif run.ending.state == "cut_off" and not stopped_early(run, runs):
            unknown.append(run)
        else:
            cut.append(run)
    if cut:
        yield _of_cut(group, runs, cut)
    if running:
        yield _of_running(group, runs, running)
    if either:
        yield _of_running_or_cut(group, runs, either)
    if unknown:
        yield _of_silent(group, runs, unknown)


def _of_cut(group: str, runs: list[Run], cut: list[Run]) -> Finding:
    endings = [run.ending for run in cut]
    verb = "is" if len(cut) == 1 else "are"
    reasons = _counted_labels(endings).replace(JUST_STOPS, "cut off without a reason in the log")
    statement = (
        f"{group}: {_part_of(cut, runs)} {verb} not complete ({listed(map(_reached, cut))}): {reasons}."
    )
    evidence: Evidence = {
        "group": group,
        "runs": len(runs),
        "incomplete": len(cut),
    }
    states = Counter(ending.state for ending in endings)
    for state, count in states.most_common():
        evidence[f"state_{state}"] = count
    return Finding(
        rule="incomplete",
        severity="warning",
        statement=statement,
        evidence=evidence,
        advice=ADVICE,
        runs=labels_of(cut),
    )


def _of_running(group: str, runs: list[Run], running: list[Run]) -> Finding:
    statement = (
        f"{group}: {_part_of(running, runs)} may still be running ({seeds_in_words(running)}): the log was "
        "written to in the last half hour, by the job or by whoever copied it."
    )
    return _note(group, runs, running, statement)


def _of_running_or_cut(group: str, runs: list[Run], either: list[Run]) -> Finding:
    verb = "is" if len(either) == 1 else "are"
    statement = (
        f"{group}: {_part_of(either, runs)} {verb} running or cut off ({listed(map(_reached, either))}): the "
        "log just stops and was written to in the last half hour, by a job that began more than a month ago, "
        "or when it was copied."
    )
    return _note(group, runs, either, statement)


def _of_silent(group: str, runs: list[Run], silent: list[Run]) -> Finding:
    statement = (
        f"{group}: the log of {_part_of(silent, runs)} just stops, and nothing states how far "
        f"training was to go ({seeds_in_words(silent)}): whether it finished is unknown."
    )
    return _note(group, runs, silent, statement)


def _note(group: str, runs: list[Run], open_runs: list[Run], statement: str) -> Finding:
    return Finding(
        rule="incomplete",
        severity="note",
        statement=statement,
        evidence={"group": group, "runs": len(runs), "unknown": len(open_runs)},
        advice=ADVICE,
        runs=labels_of(open_runs),
    )


def _part_of(part: list[Run], runs: list[Run]) -> str:
    return f"{len(part)} of {counted(len(runs), 'run')}"


def _reached(run: Run) -> str:
    """Return a run's label with how far it came, where both ends are known."""
    last = run.history.last_step
    planned = planned_steps(run)
    if last is None or planned is None or last >= planned:
        return run.seed_label
    return f"{run.seed_label} at step {last} of {planned}"


def _of_unknown_ending(group: str, runs: list[Run]) -> Iterator[Finding]:
    """Yield a note where the ending of runs is unknown and the runs end at different steps."""
    unknown = [run for run in runs if run.ending.unknown]
    steps = {run.history.last_step for run in runs}
    if unknown and len(steps - {None}) > 1:
        yield Finding(
            rule="incomplete",
            severity="note",
            statement=note_on_unknown(group, runs),
            evidence={"group": group, "runs": len(runs), "unknown": len(unknown)},
            runs=labels_of(unknown),
        )


def _started_again(group: str, runs: list[Run]) -> Iterator[Finding]:
    repeated: list[Run] = []
    endings: list[Ending] = []
    for run in runs:
        at_once = tasks_at_once(run)  # no retries: repeated_seed says what they are
        of_run = [attempt.ending for attempt in run.attempts if attempt not in at_once]
        if of_run:
            repeated.append(run)
            endings.extend(of_run)
    if not endings:
        return
    statement = (
        f"{group}: {len(repeated)} of {len(runs)} seeds were started more than once; "
        f"{counted(len(endings), 'earlier attempt')}: {_counted_labels(endings)}."
    )
    yield Finding(
        rule="incomplete",
        severity="note",
        statement=statement,
        evidence={"group": group, "seeds": len(repeated), "attempts": len(endings)},
        advice=ADVICE,
        runs=labels_of(repeated),
    )


def _without_run(experiment: str, ending: Ending, attempts: list[Run]) -> Finding:
    has_died = ending.state not in ("cut_off", "unknown", "no_log")
    what = "died before training started" if has_died else "logged no training yet"
    detail = ""
    advice = ADVICE
    if ending.detail:
        detail = f": {ending.detail.rstrip('.')}"
        advice = "Mend what the line says, then submit the job again."
    seeds = listed(attempt.seed_label for attempt in attempts)
    statement = (
        f"{experiment}: {counted(len(attempts), 'job')} {what}, and no other job trained that seed "
        f"({seeds}): {ending.label}{detail}."
    )
    evidence: Evidence = {
        "experiment": experiment,
        "jobs": len(attempts),
        "state": ending.state,
        "cause": ending.cause,
        "file": attempts[0].path.name,
    }
    return Finding(
        rule="incomplete",
        severity="warning" if has_died else "note",
        statement=statement,
        evidence=evidence,
        advice=advice,
        runs=labels_of(attempts),
    )


def _counted_labels(endings: Iterable[Ending]) -> str:
    counts = Counter(ending.label for ending in endings)
    return ", ".join(f"{count} {label}" for label, count in counts.most_common())


RULE = Rule(
    name="incomplete",
    question="Which runs did not reach their end, and why?",
    find=find,
    consequence="compute",
    refuted_by=(
        "A line, a file or the scheduler's record that says that training reached its last planned step."
    ),
    near_miss=(
        "A log that just stops where nothing states how many steps were planned; a run that early stopping "
        "ended; a run whose log is still being written, be its job older than a month."
    ),
    example=(
        "q209: 2 of 2 runs are not complete (seed0 at step 68000 of 100000, seed1 at step 68300 of 100000)."
    ),
)

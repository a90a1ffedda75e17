"""Runs that did not reach their end, and seeds that were started again, with the reason where it is known.

A run whose log does not say whether training finished is not "incomplete". It is only mentioned where it ends
at another step than the other runs of its group, because then one of them may have been cut. A log that just
stops is incomplete where a planned number of steps is stated and not reached (``planned_steps``); else it is
a note, and so is a run whose log is being written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, listed
from ired_diag.runs.completion import completion_of, note_on_unknown
from ired_diag.runs.ending import LABELS, Ending
from ired_diag.runs.planned_steps import planned_steps, stopped_early
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

JUST_STOPS = LABELS["cut_off"]  # of runs whose log is being written nothing is said here
ADVICE = "See each with: ired-diag ls --attempts"


def find(study: Study) -> Iterator[Finding]:
    """Yield findings for each group: incomplete runs, runs of unknown ending, earlier attempts, lost jobs."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        groups[run.group].append(run)
    for group, runs in groups.items():
        yield from _incomplete(group, runs)
        yield from _unknown(group, runs)
        yield from _again(group, runs)
    unstarted: dict[tuple[str, Ending], list[Run]] = defaultdict(list)
    for attempt in study.unstarted:
        unstarted[attempt.experiment, attempt.ending].append(attempt)
    for (experiment, ending), attempts in unstarted.items():
        yield _without_run(experiment, ending, attempts)


def _incomplete(group: str, runs: list[Run]) -> Iterator[Finding]:
    left = [run for run in runs if not run.ending.may_be_complete and run.ending.state != "unreadable"]
    running = [run for run in left if completion_of(run) == "running"]
    silent = [run for run in left if run.ending.state == "cut_off" and run not in running]
    unknown = [run for run in silent if not stopped_early(run, runs)]
    cut = [run for run in left if run not in running and run not in unknown]
    if cut:
        yield _of_cut(group, runs, cut)
    if running:
        statement = f"{group}: {_of(running, runs)} still running, as the age of the log says"
        yield _note(group, runs, running, f"{statement} ({listed(run.seed_label for run in running)}).")
    if unknown:
        statement = (
            f"{group}: the log of {_of(unknown, runs, verb='')} just stops, and nothing states how far "
        )
        statement += f"training was to go ({listed(run.seed_label for run in unknown)}): whether it finished "
        yield _note(group, runs, unknown, f"{statement}is unknown.")


def _of_cut(group: str, runs: list[Run], cut: list[Run]) -> Finding:
    statement = (
        f"{group}: {_of(cut, runs)} not complete ({listed(map(_reached, cut))}): "
        f"{_counted(run.ending for run in cut).replace(JUST_STOPS, 'cut off without a reason in the log')}."
    )
    evidence: Evidence = {"group": group, "runs": len(runs), "incomplete": len(cut)}
    evidence |= _by_state(run.ending for run in cut)
    return Finding("incomplete", "warning", statement, evidence, ADVICE)


def _note(group: str, runs: list[Run], open_runs: list[Run], statement: str) -> Finding:
    evidence: Evidence = {"group": group, "runs": len(runs), "unknown": len(open_runs)}
    return Finding("incomplete", "note", statement, evidence, ADVICE)


def _of(part: list[Run], runs: list[Run], *, verb: str | None = None) -> str:
    counted = f"{len(part)} of {len(runs)} run{'' if len(runs) == 1 else 's'}"
    word = ("is" if len(part) == 1 else "are") if verb is None else verb
    return f"{counted} {word}".rstrip()


def _reached(run: Run) -> str:
    """Return a run's label with how far it came, where both ends are known."""
    last, planned = run.history.last_step, planned_steps(run)
    if last is None or planned is None or last >= planned:
        return run.seed_label
    return f"{run.seed_label} at step {last} of {planned}"


def _unknown(group: str, runs: list[Run]) -> Iterator[Finding]:
    unknown = [run for run in runs if run.ending.unknown]
    steps = {run.history.last_step for run in runs if run.history.last_step is not None}
    if unknown and len(steps) > 1:
        evidence: Evidence = {"group": group, "runs": len(runs), "unknown": len(unknown)}
        yield Finding("incomplete", "note", note_on_unknown(group, runs), evidence)


def _again(group: str, runs: list[Run]) -> Iterator[Finding]:
    earlier = [attempt for run in runs for attempt in run.attempts]
    if not earlier:
        return
    seeds = sum(bool(run.attempts) for run in runs)
    statement = (
        f"{group}: {seeds} of {len(runs)} seeds were started more than once; {len(earlier)} earlier attempts "
        f"ended otherwise: {_counted(attempt.ending for attempt in earlier)}."
    )
    evidence: Evidence = {"group": group, "seeds": seeds, "attempts": len(earlier)}
    yield Finding("incomplete", "note", statement, evidence, ADVICE)


def _without_run(experiment: str, ending: Ending, attempts: list[Run]) -> Finding:
    jobs = "1 job" if len(attempts) == 1 else f"{len(attempts)} jobs"
    died = ending.state not in ("cut_off", "unknown", "no_log")
    what = "died before training started" if died else "logged no training yet"
    detail = f": {ending.detail.rstrip('.')}" if ending.detail else ""
    statement = (
        f"{experiment}: {jobs} {what}, and no other job trained that seed "
        f"({listed(attempt.seed_label for attempt in attempts)}): {ending.label}{detail}."
    )
    evidence: Evidence = {
        "experiment": experiment,
        "jobs": len(attempts),
        "state": ending.state,
        "cause": ending.cause,
        "file": attempts[0].path.name,
    }
    advice = "Mend what the line says, then submit the job again." if ending.detail else ADVICE
    return Finding("incomplete", "warning" if died else "note", statement, evidence, advice)


def _counted(endings: Iterable[Ending]) -> str:
    counts = Counter(ending.label for ending in endings)
    return ", ".join(f"{count} {label}" for label, count in counts.most_common())


def _by_state(endings: Iterable[Ending]) -> Evidence:
    return {f"state_{state}": count for state, count in Counter(e.state for e in endings).most_common()}


RULE = Rule(
    "incomplete",
    "Which runs did not reach their end, and why?",
    find,
    consequence="compute",
    refuted_by=(
        "A line, a file or the scheduler's record that says that training reached its last planned step."
    ),
    near_miss=(
        "A log that just stops where nothing states how many steps were planned; a run that early stopping "
        "ended; a run whose log is still being written."
    ),
    example=(
        "q209: 2 of 2 runs are not complete (seed0 at step 68000 of 100000, seed1 at step 68300 of 100000)."
    ),
)

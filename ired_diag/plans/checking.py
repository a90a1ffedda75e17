"""A plan checked against the runs: a verdict on each prediction, and whether it was declared beforehand.

A prediction is *confirmatory* where the plan is as it was last locked, and was locked before the first run
that the prediction uses began (``times``). Everything else is *exploratory*: its numbers are the same, but
whoever has seen the runs can always find a prediction that holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ired_diag.errors import DiagError
from ired_diag.plans.committed import Commit, newest_commit
from ired_diag.plans.declared import Hypothesis, Plan, Prediction, read_plan
from ired_diag.plans.groups import Groups
from ired_diag.plans.judging import Judged, judge, judge_share, why_undecidable
from ired_diag.plans.locks import Lock, lock_file_of, read_locks, write_lock
from ired_diag.plans.meaning import differences, hash_of, meaning_of, values_in_lines
from ired_diag.plans.seed_numbers import SeedNumbers, numbers_for
from ired_diag.plans.times import order_of, start_of
from ired_diag.plans.verdicts import Corrected, Met, Verdict, of_criterion, of_hypothesis, verdicts_of
from ired_diag.runs.name_list import first_names

Standing = Literal["confirmatory", "exploratory", "undated"]

DRAFTED = ': "→ '  # a text of ``drafts`` that is yet to be written
MOST_NAMED = 3  # runs in one sentence
NOT_LOCKED = "the plan is not locked"
CHANGED = "the plan was changed after it was locked"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A prediction and what the runs say of it.

    Attributes:
        prediction: The prediction.
        verdict: Supported, refuted or undecided.
        standing: Confirmatory, exploratory, or undated: locked, and there is no run yet.
        standing_reason: Why, with the first run and its time.
        effect: Mean difference, or share of runs; NaN without numbers.
        low: Lower end of its (1 - 2α) interval.
        high: Upper end.
        level: Level of that interval.
        n: Seeds that were used, of each group; pairs are counted once.
        p_support: P value for; of a primary prediction, corrected over all of them.
        p_refute: P value against.
        reason: One sentence: why it is undecided, or what decided.
        command: Command that makes what is missing; empty where none is known, or nothing is missing.
        set_aside: Seeds beyond n, which were not used.
        pairing: Why seeds are pairs, or are not.
        notes: What else is to be said of the numbers.
    """

    prediction: Prediction
    verdict: Verdict
    standing: Standing
    standing_reason: str
    effect: float
    low: float
    high: float
    level: float
    n: tuple[int, ...]
    p_support: float
    p_refute: float
    reason: str
    command: str
    set_aside: int
    pairing: str
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class CheckedPlan:
    """A plan and what the runs say of it.

    Attributes:
        path: File of the plan.
        plan: The plan.
        hash: Hash of its meaning.
        lock: The last lock; None where it was never locked.
        is_changed: Whether the plan means something else than it did when it was locked.
        changes: What it means otherwise now, one value a line.
        earlier_changes: What the last lock changed of the one before it, one value a line.
        commit: Newest commit of the lock, or of the plan where it is not locked; None outside git.
        predictions: Each prediction with its verdict.
        hypotheses: Verdict on each hypothesis by its id.
        success: Whether each criterion of success is met, by its id.
    """

    path: Path
    plan: Plan
    hash: str
    lock: Lock | None
    is_changed: bool
    changes: Sequence[str]
    earlier_changes: Sequence[str]
    commit: Commit | None
    predictions: Sequence[Checked]
    hypotheses: Mapping[str, Verdict]
    success: Mapping[str, Met]

    def standing_of(self, hypothesis: Hypothesis) -> Standing:
        """Return the standing of a hypothesis, which is the weakest of its primary predictions'.

        It is undated where a prediction has no run yet, and the others are confirmatory.
        """
        names = [prediction.id for prediction in hypothesis.predictions if prediction.primary]
        standings = [each.standing for each in self.predictions if each.prediction.id in names]
        if not standings or "exploratory" in standings:
            return "exploratory"
        return "undated" if "undated" in standings else "confirmatory"

    @property
    def verdict(self) -> Verdict:
        """The verdict on all hypotheses together: refuted where one is, supported where all are."""
        verdicts = list(self.hypotheses.values())
        if "refuted" in verdicts:
            return "refuted"
        if all(verdict == "supported" for verdict in verdicts):
            return "supported"
        return "undecided"


def lock_plan(path: Path) -> tuple[Lock, bool]:
    """Lock a plan, and return the lock, and whether it is new.

    A plan that means what it meant when it was last locked keeps that lock with its time.

    Raises:
        NotFound: There is no such file.
        WrongConfiguration: It is not a plan.
        UnreadableFile: The plan or its lock cannot be read.
        CannotWrite: The lock cannot be written.
    """
    lock_file = lock_file_of(path)
    # A plan called plan.lock would be overwritten by its own lock.
    if lock_file == path:
        raise DiagError(f"{path}: a plan needs another name, as its lock would have this one.")
    meaning = meaning_of(read_plan(path))
    drafted = [line for line in values_in_lines(meaning) if DRAFTED in line]
    if drafted:
        raise DiagError(
            f"{path}: still as the draft has it: {drafted[0]}. Write what is meant in place of each value "
            "that begins with →, then lock the plan."
        )
    locks = read_locks(lock_file)
    if locks and locks[-1].hash == hash_of(meaning):
        return locks[-1], False
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lock = Lock(hash_of(meaning), now, meaning)
    write_lock(lock_file, path, [*locks, lock])
    return lock, True


def check_plan(path: Path) -> CheckedPlan:
    """Return what the runs say of a plan.

    Raises:
        NotFound: There is no such file.
        WrongConfiguration: It is not a plan; with the line of each mistake.
        UnreadableFile: The plan or its lock cannot be read.
    """
    plan = read_plan(path)
    meaning = meaning_of(plan)
    locks = read_locks(lock_file_of(path))
    lock = None
    if locks:
        lock = locks[-1]
    is_changed = lock is not None and lock.hash != hash_of(meaning)
    makes = {each.group: each.make for each in plan.predictions if each.make}
    groups = Groups(path.parent / plan.runs, path.parent)
    numbers: dict[str, SeedNumbers] = {}
    judged: dict[str, Judged] = {}
    for prediction in plan.predictions:
        measured = numbers_for(prediction, groups, makes)
        numbers[prediction.id] = measured
        judged[prediction.id] = _judged(prediction, measured, plan.alpha)
    p_values = {name: (each.p_support, each.p_refute) for name, each in judged.items()}
    verdicts = verdicts_of(plan.predictions, p_values, alpha=plan.alpha)
    checked = []
    for prediction in plan.predictions:
        name = prediction.id
        standing, reason = _standing(lock, numbers[name], is_changed=is_changed)
        checked.append(
            _checked(
                prediction,
                numbers[name],
                judged[name],
                verdicts[name],
                plan=plan,
                standing=(standing, reason),
            )
        )
    reached = {each.prediction.id: each.verdict for each in checked}
    hypotheses = {hypothesis.id: of_hypothesis(hypothesis, reached) for hypothesis in plan.hypotheses}
    every_verdict = {**reached, **hypotheses}
    changes: list[str] = []
    earlier_changes: list[str] = []
    commit = newest_commit(path)
    if lock is not None:
        changes = differences(lock.meaning, meaning)
        commit = newest_commit(lock_file_of(path))
    if len(locks) > 1:
        earlier_changes = differences(locks[-2].meaning, locks[-1].meaning)
    return CheckedPlan(
        path=path,
        plan=plan,
        hash=hash_of(meaning),
        lock=lock,
        is_changed=is_changed,
        changes=changes,
        earlier_changes=earlier_changes,
        commit=commit,
        predictions=checked,
        hypotheses=hypotheses,
        success={each.id: of_criterion(each, every_verdict) for each in plan.success},
    )


def _judged(prediction: Prediction, numbers: SeedNumbers, alpha: float) -> Judged:
    """Return what numbers say, if there are those that the plan asks for."""
    if numbers.outcomes is not None and not numbers.missing:
        finished, attempted = numbers.outcomes
        judged = judge_share(prediction, finished, attempted, alpha=alpha)
    else:
        judged = judge(
            prediction,
            list(numbers.a.values()),
            list(numbers.b.values()),
            is_paired=numbers.is_paired,
            alpha=alpha,
        )
    reason = numbers.missing or _too_early(prediction, numbers) or judged.reason
    if not reason:
        return judged
    return Judged(
        p_support=math.nan,
        p_refute=math.nan,
        effect=judged.effect,
        low=judged.low,
        high=judged.high,
        reason=reason,
    )


def _too_early(prediction: Prediction, numbers: SeedNumbers) -> str:
    """Return that a test with a fixed number of seeds has fewer; empty where it has them all."""
    counts = numbers.counts
    if prediction.stopping == "sequential" or min(counts) >= prediction.n:
        return ""
    unit = "pairs of seeds" if numbers.is_paired else "seeds"
    present = " and ".join(map(str, counts))
    return f"Too early: {present} of the {prediction.n} {unit} that the plan fixes have a number."


def _standing(lock: Lock | None, numbers: SeedNumbers, *, is_changed: bool) -> tuple[Standing, str]:
    if lock is None:
        return "exploratory", NOT_LOCKED
    if is_changed:
        return "exploratory", CHANGED
    if not numbers.runs:
        return "undated", "it uses no run yet"
    order = order_of(lock.time, [start_of(run) for run in numbers.runs])
    if order.order == "before":
        return "confirmatory", f"{order.reason}{_seen_before(lock, numbers)}"
    return "exploratory", order.reason


def _seen_before(lock: Lock, numbers: SeedNumbers) -> str:
    """Return what may have been seen before the lock all the same; empty where nothing is known of it."""
    earlier = []
    for run in numbers.set_aside:
        if order_of(lock.time, [start_of(run)]).order != "before":
            earlier.append(run.label)
    seen = ""
    if earlier:
        listed = first_names(earlier, MOST_NAMED)
        seen = f"; runs of the same groups that it does not use may have begun before ({listed})"
    forks = [run.label for run in numbers.runs if run.provenance.get("parent")]
    if forks:
        listed = first_names(forks, MOST_NAMED)
        seen += f"; forks go on from runs that may have begun before ({listed})"
    return seen


def _checked(
    prediction: Prediction,
    numbers: SeedNumbers,
    judged: Judged,
    corrected: Corrected,
    *,
    plan: Plan,
    standing: tuple[Standing, str],
) -> Checked:
    return Checked(
        prediction=prediction,
        verdict=corrected.verdict,
        standing=standing[0],
        standing_reason=standing[1],
        effect=judged.effect,
        low=judged.low,
        high=judged.high,
        level=1 - 2 * plan.alpha,
        n=numbers.counts,
        p_support=corrected.p_support,
        p_refute=corrected.p_refute,
        reason=_why(prediction, numbers, judged, corrected, plan=plan),
        command=numbers.command,
        set_aside=len(numbers.set_aside),
        pairing=numbers.pairing,
        notes=numbers.notes,
    )


def _why(
    prediction: Prediction,
    numbers: SeedNumbers,
    judged: Judged,
    corrected: Corrected,
    *,
    plan: Plan,
) -> str:
    """Return why a verdict is what it is."""
    reason = judged.reason or _reason(prediction, judged, corrected, plan)
    if corrected.verdict != "undecided":
        return reason
    is_unpaired = bool(prediction.against) and not numbers.is_paired
    hopeless = why_undecidable(prediction, alpha=plan.alpha, is_unpaired=is_unpaired)
    return f"{reason} {hopeless}".strip()


def _reason(prediction: Prediction, judged: Judged, corrected: Corrected, plan: Plan) -> str:
    """Return which p value decided, or that none did."""
    count = sum(each.primary for each in plan.predictions)
    correction = f"corrected for {count} primary predictions"
    if not prediction.primary:
        correction = "secondary, not corrected"
    elif count == 1:
        correction = "the only primary prediction"
    if corrected.verdict == "supported":
        return f"p = {corrected.p_support:.3g} for it ({correction})."
    if corrected.verdict == "refuted":
        return f"p = {corrected.p_refute:.3g} against it ({correction})."
    sentence = (
        f"p = {corrected.p_support:.3g} for it and {corrected.p_refute:.3g} against it ({correction}): "
        f"neither is at most {plan.alpha:g}."
    )
    if min(judged.p_support, judged.p_refute) <= plan.alpha:
        sentence += " By itself it would be decided; the correction takes that back."
    return sentence

"""What a page says of a plan and of a journal: lines, and a table with a row for each prediction or quote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.plan_words import effect_in_words, lock_in_words, prediction_in_words

if TYPE_CHECKING:
    from app.journal_check import CheckedEvidence, CheckedJournal
    from ired_diag.plans.checking import Checked, CheckedPlan

PREDICTIONS = ("prediction", "verdict", "standing", "predicted", "measured", "reason")
QUOTES = ("entry", "line", "status", "evidence", "the journal says", "today")


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
        title: Its heading.
        lines: Sentences above the table.
        columns: Names of the columns.
        rows: Cells of each row.
        marks: The column whose words are verdicts.
    """

    title: str
    lines: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: str


def plan_section(checked: CheckedPlan) -> Section:
    """Return the section on a plan."""
    lines = list(lock_in_words(checked))
    for hypothesis in checked.plan.hypotheses:
        verdict = checked.hypotheses[hypothesis.id]
        standing = checked.standing_of(hypothesis)
        lines.append(f"{hypothesis.id} is {verdict} ({standing}): {hypothesis.statement}")
    for criterion in checked.plan.success:
        met = checked.success[criterion.id]
        lines.append(f"Criterion {criterion.id} is {met}. {criterion.statement}".rstrip())
    return Section(
        title=f"Declared analysis: {checked.plan.title or checked.path.name}",
        lines=tuple(lines),
        columns=PREDICTIONS,
        rows=tuple(_rows_of_predictions(checked.predictions)),
        marks="verdict",
    )


def journal_section(checked: CheckedJournal) -> Section:
    """Return the section on a journal."""
    entries = "1 entry" if len(checked.entries) == 1 else f"{len(checked.entries)} entries"
    line = f"{entries}; no evidence that could be run again."
    if checked.evidence:
        line = f"{entries}; lines of evidence, run again: {checked.counts_in_words}."
    return Section(
        title=f"Journal: {checked.path.name}",
        lines=(line,),
        columns=QUOTES,
        rows=tuple(_row_of_evidence(each) for each in checked.evidence),
        marks="status",
    )


def _rows_of_predictions(predictions: Sequence[Checked]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each prediction; a command that makes several of them is written once."""
    first_to_say: dict[str, str] = {}
    for each in predictions:
        name = each.prediction.id
        reason = each.reason
        first = first_to_say.setdefault(each.command, name)
        if each.command and first == name:
            reason += f" Make it: {each.command}"
        elif each.command:
            reason += f" Made as {first} is."
        yield _row_of_prediction(each, reason)


def _row_of_prediction(checked: Checked, reason: str) -> tuple[str, ...]:
    return (
        checked.prediction.id,
        checked.verdict,
        checked.standing,
        prediction_in_words(checked.prediction),
        effect_in_words(checked) or "-",
        reason,
    )


def _row_of_evidence(checked: CheckedEvidence) -> tuple[str, ...]:
    today = [f"{moved.old} → {moved.new or 'not there any more'}" for moved in checked.moved]
    if checked.remark:
        today.append(checked.remark)
    return (
        checked.entry,
        str(checked.line),
        checked.status,
        checked.source,
        checked.quote or "-",
        "; ".join(today) or "-",
    )

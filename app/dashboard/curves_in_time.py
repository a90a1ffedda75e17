"""From which step on two groups are apart: the question of ``ired-diag when``, for a page to ask."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from app.dashboard.address import View
from app.dashboard.compared_groups import Choice, question_of
from app.dashboard.comparisons import Answer, Question, answered
from app.dashboard.snapshot import Snapshot
from app.next_command import options_in_words
from ired_diag.progress_of_parts import Tell, untold
from ired_diag.runs.evaluation_metric import USUAL

if TYPE_CHECKING:
    from ired_diag.comparison.when import When


def question_of_pair(view: View, choice: Choice, snapshot: Snapshot) -> Question | None:
    """Return the question about the first compared group and the baseline; None of fewer than two groups."""
    if len(choice.names) < 2:
        return None
    baseline, first = choice.names[:2]
    metric = question_of(view, choice.names, snapshot).metric
    return Question((first, baseline), metric, readout="", margin=0.0, higher=view.higher_is_better)


def apart_of(question: Question, snapshot: Snapshot, *, tell: Tell = untold) -> Answer[When]:
    """Return from which step on the two groups of a question are apart, or why that is unknown."""
    from ired_diag.comparison.when import when

    def compared() -> When:
        tell(" and ".join(question.groups), 1, 1)
        lower = None if question.higher is None else not question.higher
        return when(snapshot.runs_of(question.groups), metric=question.metric, lower_is_better=lower)

    return answered(snapshot, compared)


def command_of_pair(question: Question, snapshot: Snapshot) -> str:
    """Return the command that says the same."""
    words = ["ired-diag", "when", *snapshot.words_for(question.groups)]
    if question.metric != USUAL:
        words += ["--metric", question.metric]
    words += options_in_words(higher_is_better=question.higher)
    return shlex.join(words)

"""Trouble while a run trains, announced once, as it happens, with its step.

The loss of a step that is not finite is trouble in every training; what else is, the task says
(``Task.troubles``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ired_diag.finding import Finding
from ired_diag.task import Row, Trouble

NOT_A_NUMBER = "not_a_number"


@dataclass
class Watch:
    """Looks at what one run logs.

    Attributes:
        troubles: What the task looks for.
        announced: Rules that need no second announcement.
    """

    troubles: Sequence[Trouble] = ()
    announced: set[str] = field(default_factory=set)
    _rows: deque[Row] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        most_rows = 1
        for trouble in self.troubles:
            most_rows = max(most_rows, trouble.rows)
        self._rows = deque(maxlen=most_rows)

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of all that it looks for."""
        of_task = [trouble.rule for trouble in self.troubles]
        return NOT_A_NUMBER, *of_task

    def look(self, step: int, values: dict[str, float], broken_since: int | None) -> list[Finding]:
        """Return what is announced at a logged step: each rule at most once in a run.

        Args:
            step: The step.
            values: What was logged at it.
            broken_since: The first step whose loss was not finite, if any was.
        """
        self._rows.append((step, values))
        findings = [_not_a_number(broken_since)]
        for trouble in self.troubles:
            latest_rows = list(self._rows)[-trouble.rows :]
            findings.append(trouble.look(latest_rows))
        news = []
        for finding in findings:
            if finding is not None and finding.rule not in self.announced:
                news.append(finding)
        # Only now: two troubles of one rule at one step are both announced.
        self.announced.update(finding.rule for finding in news)
        return news


def _not_a_number(since: int | None) -> Finding | None:
    if since is None:
        return None
    return Finding(
        NOT_A_NUMBER,
        "error",
        f"The loss is not a number from step {since} on: the run has diverged.",
        {"step": since},
        "Fork it before that step, say with a smaller rate: ired-diag train --from RUN@STEP --set …",
    )

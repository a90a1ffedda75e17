"""What is announced, and how it reads as a line, as JSON and in the environment of a command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from app.cli.output import plain
from ired_diag.live.signs import Kind, Sign
from ired_diag.visible_text import visible_json, visible_line

Severity = Literal["alarm", "news"]
NEWS: tuple[Kind, ...] = ("recovered", "decided")
FORMAT = 1  # of the JSON object


@dataclass(frozen=True, kw_only=True)
class Event:
    """One announcement.

    Attributes:
        kind: What happened.
        run: Label of the run, or of the group that was decided on.
        path: The run's log or folder; empty of a group.
        statement: One sentence, without the run's name.
        step: The step at which it begins; None where it has none.
        seen_at: The last step that was logged when it was seen.
        evidence: The numbers behind the sentence.
        time: When it was seen, in seconds since 1970.
    """

    kind: Kind
    run: str
    path: str
    statement: str
    time: float
    step: int | None = None
    seen_at: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """Whether somebody should look at once."""
        return "news" if self.kind in NEWS else "alarm"

    @property
    def line(self) -> str:
        """The announcement as a line of text."""
        words = self.kind.replace("_", " ")
        return visible_line(f"{self.run}: {words}: {self.statement}")

    @property
    def clock(self) -> str:
        """The time of day in the reader's own zone."""
        return datetime.fromtimestamp(self.time).astimezone().strftime("%H:%M:%S")

    def as_dict(self) -> dict[str, Any]:
        """Return the announcement as JSON can hold it; what is not finite is None."""
        when = datetime.fromtimestamp(self.time, UTC).isoformat(timespec="seconds")
        content = {"format": FORMAT, "severity": self.severity, "text": self.line, **self.as_fields()}
        as_plain: dict[str, Any] = plain({**content, "time": when})
        return as_plain

    def as_fields(self) -> dict[str, Any]:
        """Return the announcement as the memory keeps it."""
        fields: dict[str, Any] = plain(self)
        return fields

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> Event:
        """Return the announcement that ``as_fields`` kept."""
        return cls(**fields)

    def as_json(self) -> str:
        """Return the announcement as one line of JSON."""
        return visible_json(json.dumps(self.as_dict(), ensure_ascii=False))

    def environment(self) -> dict[str, str]:
        """Return the announcement as variables of the environment of a command."""
        step = "" if self.step is None else str(self.step)
        return {
            "IRED_DIAG_KIND": self.kind,
            "IRED_DIAG_SEVERITY": self.severity,
            "IRED_DIAG_RUN": self.run,
            "IRED_DIAG_PATH": self.path,
            "IRED_DIAG_STEP": step,
            "IRED_DIAG_TEXT": self.line,
        }


def event_of(sign: Sign, *, run: str, path: str, time: float) -> Event:
    """Return the announcement of a sign.

    Args:
        sign: What a run shows.
        run: The run's label.
        path: Its log or folder.
        time: When it was seen, in seconds since 1970.
    """
    return Event(
        kind=sign.kind,
        run=run,
        path=path,
        statement=sign.statement,
        time=time,
        step=sign.step,
        seen_at=sign.seen_at,
        evidence=sign.evidence,
    )

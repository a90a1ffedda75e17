"""Attempts of which several became one: each takes its own place, or that of what it was joined into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ired_diag.runs.run import Run

ById = Mapping[int, Run | None]  # what takes the place of an attempt; None: it is part of another one


def with_replacements(attempts: Iterable[Run], replaced: ById) -> list[Run]:
    """Return attempts in their order, those with a replacement replaced.

    Args:
        attempts: All of them.
        replaced: By the ``id`` of an attempt what takes its place; attempts without an entry stay.
    """
    kept = [replaced.get(id(attempt), attempt) for attempt in attempts]
    return [attempt for attempt in kept if attempt is not None]

"""What to do about a fact: in words, and as a command with a button that copies it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import html

from app.dashboard.address import View
from app.dashboard.components.copying import copyable
from app.dashboard.snapshot import Snapshot
from app.next_command import Place, advice_in_words, command_of_fact, options_in_words
from ired_diag.finding_clusters import Fact


def advised(fact: Fact, snapshot: Snapshot, view: View) -> list[Any]:
    """Return what to do about a fact, and the next command where there is one."""
    parts: list[Any] = []
    if words := advice_in_words(fact.advice):
        parts.append(html.P(words, className="advice"))
    if command := command_of_fact(fact, snapshot.study, place_of(snapshot, view)):
        parts.append(copyable(command))
    return parts


def place_of(snapshot: Snapshot, view: View) -> Place:
    """Return where the runs are and how they are judged, as a command line says it."""
    judged = options_in_words(metric=view.metric or None, higher_is_better=view.higher_is_better)
    return replace(snapshot.place(), options=(*judged, *snapshot.options))

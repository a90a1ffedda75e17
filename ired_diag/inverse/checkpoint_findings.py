"""What is odd about a checkpoint file, as findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from ired_diag.finding import Finding
from ired_diag.inverse.architecture import Architecture

Kind = TypeVar("Kind", bound=str)  # of weights: raw, ema


def notes_on_head(
    architecture: Architecture,
    states: Mapping[Kind, Mapping[str, Tensor]],
    configuration: Mapping[str, Any] | None,
) -> list[Finding]:
    """Return what is odd about the head: an unused layer, or a flag that disagrees with the tensors."""
    notes = []
    if architecture.head == "scalar" and any("fc4.weight" in state for state in states.values()):
        statement = "The head is scalar (energy_head is stored); fc4 is stored too and not used."
        notes.append(Finding("unused_fc4", "note", statement, {"head": architecture.head}))
    flag = (configuration or {}).get("use_scalar_energy")
    if isinstance(flag, bool) and flag != (architecture.head == "scalar"):
        statement = (
            f"The stored flag use_scalar_energy is {flag}, but the tensors make a "
            f"{architecture.head} head. The tensors are believed."
        )
        evidence = {"use_scalar_energy": flag, "head": architecture.head}
        notes.append(Finding("flag_disagrees_with_tensors", "warning", statement, evidence))
    return notes


def notes_on_values(states: Mapping[Kind, Mapping[str, Tensor]]) -> list[Finding]:
    """Return a finding if any weight is NaN or infinite."""
    broken = {
        f"{kind}.{name}": int((~torch.isfinite(p)).sum())
        for kind, state in states.items()
        for name, p in state.items()
        if not torch.isfinite(p).all()
    }
    if not broken:
        return []
    statement = f"{len(broken)} tensors hold NaN or infinite numbers: the run had diverged here."
    return [Finding("weights_not_finite", "error", statement, broken, "Use an earlier checkpoint.")]


def other_schedule(off: float) -> Finding:
    """Return the finding that the stored betas are off the cosine schedule's by up to ``off``."""
    statement = "The stored noise schedule is not the cosine schedule; the stored one is used."
    return Finding("other_schedule", "warning", statement, {"largest_difference_of_beta": off})


def levels_assumed(levels: int) -> Finding:
    """Return the finding that the number of noise levels is a guess."""
    statement = f"The file does not tell its number of noise levels; {levels} are assumed."
    return Finding("levels_assumed", "note", statement, {"levels": levels})

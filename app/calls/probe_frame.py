"""The answers of a probe as one DataFrame.

The attributes of the frame are plain dictionaries, lists and text, so that it can be written as Parquet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ired_diag.finding import Finding
from ired_diag.python_words import all_in_python

if TYPE_CHECKING:
    import pandas as pd

    from ired_diag.probing.driver import Answer, Unanswered


def frame_of(replies: Sequence[Answer | Unanswered], probe: str, notes: Sequence[str]) -> pd.DataFrame:
    """Return the rows that a probe measured, with its findings and units as attributes.

    Args:
        replies: What became of each probe and target.
        probe: Name of the probe.
        notes: Runs that were left out, and why.
    """
    import pandas as pd

    from ired_diag.probing.driver import Answer
    from ired_diag.table import read_table

    frames, findings, units = [], [], {}
    unanswered = list(notes)
    for reply in replies:
        if not isinstance(reply, Answer):
            if reply.probe in ("", probe):
                unanswered.append(f"{reply.label}: {plain_reason(reply)}")
            continue
        if reply.probe != probe:
            continue
        table, metadata = read_table(reply.table, **reply.where)
        frame = pd.DataFrame(table)
        frame.insert(0, "run", reply.label)
        frames.append(frame)
        findings.append(plain(reply.finding))
        units = {column["name"]: column["unit"] for column in metadata["columns"]}
    joined = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    joined.attrs |= {"units": units, "findings": findings, "unanswered": all_in_python(unanswered)}
    return joined


def plain_reason(reply: Unanswered) -> str:
    """Return why a run has no answer, without the name of the run."""
    return reply.reason.removeprefix(f"{reply.label}: ")


def plain(finding: Finding) -> dict[str, Any]:
    """Return a finding as dictionaries, lists, text and numbers; a number that is not finite is None."""
    return {name: _plain(value) for name, value in asdict(finding).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

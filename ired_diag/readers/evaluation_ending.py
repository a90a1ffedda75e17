"""How an evaluation ended, by what it printed.

An evaluation has no line such as ``training complete``: its end is its summary. One that printed a result for
every model that it began is complete, and so is a training whose log ends in results that it calls final. One
that printed ``ERROR - …`` in place of a result failed, even though its script went on to its last line.
"""

from __future__ import annotations

from typing import Any

from ired_diag.readers.printed_results import Printed
from ired_diag.readers.results_json import failure_of
from ired_diag.runs.ending import Ending, State

SAVED_TO = "results_files"  # keys of provenance
ANNOUNCED = "evaluation_announced"
PRINTED = "the evaluation printed its results"
NOT_SAID: tuple[State, ...] = ("cut_off", "unexplained")  # the files name no cause


def evaluation_ending(ending: Ending, printed: Printed, *, trained: bool) -> Ending:
    """Return how a job ended, its printed results taken into account.

    Args:
        ending: The ending by all other signs; a cause of death that the files name stays.
        printed: What the job printed.
        trained: Whether it logged steps of training.
    """
    if ending.state not in NOT_SAID or ending.inferred:
        return ending
    if printed.trains or trained:
        has_final_result = any(result.final for result in printed.results)
        if printed.finished and has_final_result and ending.state == "cut_off":
            return Ending("complete", "final results are printed")
        return ending
    if printed.errors:
        return Ending("unexplained", failure_of(printed.errors[-1]))
    if printed.is_whole:
        return Ending("complete", PRINTED)
    return ending


def provenance_of(printed: Printed) -> dict[str, Any]:
    """Return what a log's results say about its job."""
    provenance: dict[str, Any] = {}
    if printed.saved_to:
        provenance[SAVED_TO] = list(printed.saved_to)
    if printed.trains and printed.results:
        provenance["training_started"] = True
    if printed.announced:
        provenance[ANNOUNCED] = True
    return provenance

"""``ird.check_plan`` and ``ird.lock_plan``: a declared analysis, locked and checked against the runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.calls.opening import Place

if TYPE_CHECKING:
    from ired_diag.plans.checking import CheckedPlan
    from ired_diag.plans.locks import Lock

PLAN = Path("plan.yaml")


def check_plan(plan: Place = PLAN) -> CheckedPlan:
    """Return what the runs say of each prediction of a plan.

    Args:
        plan: File of the plan.

    Raises:
        NotFound: There is no such file.
        WrongConfiguration: It is not a plan; with the line of each mistake.
        UnreadableFile: The plan or its lock cannot be read.
    """
    from ired_diag.plans import checking

    return checking.check_plan(Path(plan))


def lock_plan(plan: Place = PLAN) -> Lock:
    """Write the hash of a plan's meaning, with the time, into its lock, and return the lock.

    A plan that means what it meant when it was last locked keeps that lock.

    Args:
        plan: File of the plan.

    Raises:
        NotFound: There is no such file.
        WrongConfiguration: It is not a plan; with the line of each mistake.
        CannotWrite: The lock cannot be written.
    """
    from ired_diag.plans import checking

    lock, _ = checking.lock_plan(Path(plan))
    return lock

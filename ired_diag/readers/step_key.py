"""Which key of a log counts the steps, and what a number looks like in text.

Lightning counts in ``step``, wandb in ``_step`` or, exported from a panel, in ``Step``, Hugging Face in
``step``; epochs are asked last, because most logs tell them beside the steps. One key counts for a whole
log: a line without it is told at no step that could be compared with the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from ired_diag.errors import UnreadableFile

STEP_KEYS = ("step", "trainer/global_step", "global_step", "_step", "iteration", "iter", "epoch")
MAX_STEP = 2**63 - 1
MAX_EXACT = 2**53  # beyond it, not every whole number is a float

NUMBER = re.compile(r"\s*[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)\s*", re.I | re.ASCII)


def find_step_key(names: Collection[str], chosen: str | None, where: str) -> str:
    """Return the name of the key that counts the steps.

    Args:
        names: The keys of a log.
        chosen: The user's choice among them, if any.
        where: The file, for the message.

    Raises:
        UnreadableFile: None of the known keys is there, or not the chosen one.

    >>> find_step_key(["epoch", "Step", "loss"], None, "log.csv")
    'Step'
    """
    known = [chosen] if chosen is not None else STEP_KEYS
    for key in known:
        for name in names:
            if name == key or (chosen is None and name.strip().lower() == key):
                return name
    found = ", ".join(repr(name) for name in list(names)[:12]) or "none"
    raise UnreadableFile(
        f"{where}: expected a column or key that counts steps ({', '.join(known)}), found {found}."
    )


def number_in(text: str) -> float:
    """Return the number that a text is; a ``ValueError`` where it is none, or too large to be one.

    >>> number_in("-Infinity"), number_in("1e-3")
    (-inf, 0.001)
    """
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no number")
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError(f"{text[:40]!r} is too large")
    return value


def step_in(told: object) -> int:
    """Return the step that a number or a text tells; a ``ValueError`` where it is no whole number.

    >>> step_in("3"), step_in(40.0)
    (3, 40)
    """
    if isinstance(told, str):
        text = told.strip()
        told = int(text) if re.fullmatch(r"[-+]?[0-9]{1,19}", text) else number_in(text)
    if isinstance(told, float) and told.is_integer() and abs(told) <= MAX_EXACT:
        told = int(told)
    if type(told) is not int or abs(told) > MAX_STEP:
        raise ValueError(f"the step {str(told)[:40]!r} is no whole number")
    return told


def torn_message(where: str, found: str) -> str:
    """Return the message for a log whose end is only half written."""
    return (
        f"{where}: expected a whole line, found {found!r}. If a killed job tore the last line, pass "
        "allow_torn_tail=True (command line: --allow-torn-tail)."
    )

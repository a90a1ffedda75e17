"""Forensics: what logs and configurations alone already tell. One rule, one file, each with its ``RULE``.

A rule looks at a whole study and yields findings. It reads no name of an experiment, no length of a file
and no absolute value of a loss; it needs no torch.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Sequence

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Rule
from ired_diag.runs.study import Study

WORST_FIRST = {"error": 0, "warning": 1, "note": 2}
FRAME = "rule"


def names() -> list[str]:
    """Return the names of the rules."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name != FRAME)


def load(name: str) -> Rule:
    """Return a rule."""
    found: Rule = importlib.import_module(f"{__name__}.{name}").RULE
    return found


def theory(name: str) -> str:
    """Return what a rule looks for, in words and formulas: what its file says at its head."""
    text = importlib.import_module(f"{__name__}.{name}").__doc__ or ""
    return inspect.cleandoc(text).replace("``", "")


def diagnose(study: Study, rules: Sequence[Rule] | None = None) -> list[Finding]:
    """Return what the rules find in a study, worst first.

    Args:
        study: The runs.
        rules: Which; all without it.
    """
    chosen = [load(name) for name in names()] if rules is None else rules
    found = [finding for rule in chosen for finding in rule.find(study)]
    return sorted(found, key=lambda finding: (WORST_FIRST[finding.severity], finding.rule))

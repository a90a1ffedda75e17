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
    modules = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name for name in modules if name != FRAME)


def load(name: str) -> Rule:
    """Return a rule."""
    module = importlib.import_module(f"{__name__}.{name}")
    rule: Rule = module.RULE
    return rule


def theory(name: str) -> str:
    """Return what a rule looks for, in words and formulas: what its file says at its head."""
    module = importlib.import_module(f"{__name__}.{name}")
    return inspect.cleandoc(module.__doc__ or "").replace("``", "")


def diagnose(study: Study, rules: Sequence[Rule] | None = None) -> list[Finding]:
    """Return what the rules find in a study, worst first.

    Args:
        study: The runs.
        rules: The rules to apply. Default: all.
    """
    if rules is None:
        rules = [load(name) for name in names()]
    findings: list[Finding] = []
    for rule in rules:
        findings.extend(rule.find(study))
    return sorted(findings, key=_worst_first)


def _worst_first(finding: Finding) -> tuple[int, str]:
    return WORST_FIRST[finding.severity], finding.rule

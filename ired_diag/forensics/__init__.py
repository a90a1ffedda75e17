"""Forensics: what logs and configurations alone already tell. One rule, one file, each with its ``RULE``.

A rule looks at a whole study and yields findings. It reads no name of an experiment, no length of a file
and no absolute value of a loss; it needs no torch.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Sequence

from ired_diag.finding import Finding
from ired_diag.forensics.rule import Rule
from ired_diag.progress_of_parts import Tell, untold
from ired_diag.runs.study import Study

WORST_FIRST = {"error": 0, "warning": 1, "note": 2}
FRAMES = frozenset(
    {"rule", "curve_shape_words", "pairs_of_groups"}
)  # what rules share, and no rule themselves
# A mistake that is the cause of what other rules find in the same runs: it alone is said.
EXPLAINS: dict[str, tuple[str, ...]] = {
    "zero_learning_rate": ("chance_level", "curve_shape"),
    "setting_slip": ("outlying_seed",),
}
# A run that guesses has not come down either: its curve is not said as well, unless it diverged or fell back.
AT_CHANCE, OF_ITS_CURVE, NOT_COME_DOWN = "chance_level", "curve_shape", "stuck"


def names() -> list[str]:
    """Return the names of the rules."""
    modules = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name for name in modules if name not in FRAMES)


def load(name: str) -> Rule:
    """Return a rule."""
    module = importlib.import_module(f"{__name__}.{name}")
    rule: Rule = module.RULE
    return rule


def theory(name: str) -> str:
    """Return what a rule looks for, in words and formulas: what its file says at its head."""
    module = importlib.import_module(f"{__name__}.{name}")
    return inspect.cleandoc(module.__doc__ or "").replace("``", "")


def diagnose(study: Study, rules: Sequence[Rule] | None = None, *, tell: Tell = untold) -> list[Finding]:
    """Return what the rules find in a study, worst first.

    Args:
        study: The runs.
        rules: The rules to apply. Default: all.
        tell: Called with each rule before it is applied.
    """
    if rules is None:
        rules = [load(name) for name in names()]
    findings: list[Finding] = []
    for number, rule in enumerate(rules, start=1):
        tell(rule.name.replace("_", " "), number, len(rules))
        findings.extend(rule.find(study))
    return sorted(_without_consequences(findings, study), key=_worst_first)


def _without_consequences(findings: Sequence[Finding], study: Study) -> list[Finding]:
    """Return findings without those whose cause is another warning on the same runs."""
    explained_by: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.severity != "note":
            for rule in EXPLAINS.get(finding.rule, ()):
                explained_by[rule].update(finding.runs)
    guessing = {run for finding in findings if finding.rule == AT_CHANCE for run in _runs_of(finding, study)}
    left = []
    for finding in findings:
        runs = _runs_of(finding, study)
        is_stuck = finding.rule == OF_ITS_CURVE and finding.evidence.get("shape") == NOT_COME_DOWN
        if is_stuck and runs and runs <= guessing:
            continue
        if finding.rule not in explained_by or not runs or not runs <= explained_by[finding.rule]:
            left.append(finding)
    return left


def _runs_of(finding: Finding, study: Study) -> set[str]:
    """Return the labels of the runs that a finding is about: those that it names, else all of its group."""
    if finding.runs:
        return set(finding.runs)
    if "run" in finding.evidence:
        return {str(finding.evidence["run"])}
    return {run.label for run in study.runs if run.group == finding.evidence.get("group")}


def _worst_first(finding: Finding) -> tuple[int, str]:
    return WORST_FIRST[finding.severity], finding.rule

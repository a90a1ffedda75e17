"""A configuration that asks for an evaluation, given to the trainer.

``evaluation_mode`` is read by the evaluation script; the trainer passes over it and trains from scratch. The
checkpoint that was to be evaluated is not looked at, and what looks like its result belongs to a new model.
A run is reported where the key is on and its log shows training: a line that announces it, or logged steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ired_diag.config import is_off
from ired_diag.finding import Finding
from ired_diag.forensics.rule import Evidence, Rule, labels_of, listed, seeds_in_words
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study

KEY = "evaluation_mode"
SUBJECTS = "model_checkpoints"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each group that was to be evaluated and was trained."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in study.runs:
        configuration = run.configuration or {}
        if not is_off(configuration.get(KEY)) and _has_trained(run):
            groups[run.group].append(run)
    for group, runs in groups.items():
        yield _finding(group, runs)


def _finding(group: str, runs: list[Run]) -> Finding:
    subjects = _subjects_of(runs[0])
    last = max(run.history.last_step or 0 for run in runs)
    statement = (
        f"{group}: the configuration asks for an evaluation ({KEY}), but the job trained "
        f"({seeds_in_words(runs)}, logged up to step {last}): a new model, from scratch"
    )
    if subjects:
        statement += f". What was to be evaluated was not: {listed(subjects)}"
    evidence: Evidence = {
        "group": group,
        "runs": len(runs),
        "last_step": last,
        "subjects": len(subjects),
    }
    announced = runs[0].provenance.get("train_steps")
    if isinstance(announced, int):
        evidence["steps_announced"] = announced
    advice = (
        "Count none of it as an evaluation; give this configuration to the evaluation script, or measure the "
        "checkpoint: ired-diag probe accuracy CHECKPOINT"
    )
    return Finding(
        rule="evaluation_as_training",
        severity="error",
        statement=f"{statement}.",
        evidence=evidence,
        advice=advice,
        runs=labels_of(runs),
    )


def _subjects_of(run: Run) -> list[str]:
    """Return the checkpoints that a configuration lists for evaluation."""
    configuration = run.configuration or {}
    subjects = configuration.get(SUBJECTS)
    if isinstance(subjects, list | tuple):
        return list(map(str, subjects))
    if subjects:
        return [str(subjects)]
    return []


def _has_trained(run: Run) -> bool:
    was_announced = bool(run.provenance.get("training_started"))
    return was_announced or run.history.last_step is not None


RULE = Rule(
    name="evaluation_as_training",
    question="Was an evaluation's configuration given to the trainer?",
    find=find,
    refuted_by=("The job evaluated too: its log or its results file holds what the configuration asks for."),
    near_miss=(
        "evaluation_mode is true and the job logs no step of training; or the key is there and false."
    ),
    example=(
        "A configuration with evaluation_mode and model_checkpoints; its log counts 19500 training steps "
        "of 100000."
    ),
)

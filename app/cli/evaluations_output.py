"""Evaluations as ``ired-diag ls`` shows them: one line, a table of their results, or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from app.cli import output

if TYPE_CHECKING:
    from ired_diag.runs.evaluation_result import EvaluationResult
    from ired_diag.runs.study import Study

COLUMNS = ("model", "evaluation", "data", "metric", "value", "spread", "samples", "where")
FIRST_OUT = ("where", "samples", "evaluation", "spread", "data")


def counts(study: Study, listing: str) -> str:
    """Return in one line how many evaluations there are and how they ended; nothing where there are none.

    Args:
        study: Where they are.
        listing: The command that lists them.
    """
    if not study.evaluations and not study.results:
        return ""
    ends = Counter(attempt.ending.label for attempt in study.evaluations)
    ended = f" ({', '.join(f'{count} {label}' for label, count in ends.most_common())})" if ends else ""
    number = len(study.evaluations)
    jobs = f"{number} evaluation{'' if number == 1 else 's'}{ended}"
    measured = sum(not result.error for result in study.results)
    return f"{jobs}, {measured} result{'' if measured == 1 else 's'}. List them: {listing}"


def print_table(study: Study) -> None:
    """Print every result, then how each evaluation ended."""
    rows = [_row(result, owner) for owner, result in _owned(study)]
    if rows:
        output.print_table("", COLUMNS, rows, left=4, first_out=FIRST_OUT, keep=("value", "metric"))
    else:
        click.echo("No evaluation has printed or saved a result here.")
    for attempt in study.evaluations:
        detail = f": {attempt.ending.detail}" if attempt.ending.detail else ""
        click.echo(f"{attempt.path.name}: {attempt.ending.label}{detail}")
        for result in attempt.results:
            if result.error and result.error not in attempt.ending.detail:
                click.echo(f"{result.where}: {result.model or 'a model'}: {result.words}")
        for finding in attempt.findings:
            click.echo(f"{attempt.path.name}: {finding.severity}: {finding.statement}")


def as_dicts(study: Study) -> list[dict[str, object]]:
    """Return evaluations as JSON shows them, each with its results; last, those of training runs."""
    jobs: list[dict[str, object]] = [
        {
            "experiment": attempt.experiment,
            "full_name": attempt.name,
            "seed": attempt.seed,
            "job": attempt.job,
            "run": None,
            "state": attempt.ending.state,
            "detail": attempt.ending.detail,
            "sources": attempt.sources,
            "results": attempt.results,
            "findings": attempt.findings,
        }
        for attempt in study.evaluations
    ]
    return jobs + [
        {
            "experiment": run.experiment,
            "full_name": run.name,
            "seed": run.seed,
            "job": run.provenance.get("job"),
            "run": run.label,
            "state": run.ending.state,
            "detail": run.ending.detail,
            "sources": [run.path],
            "results": run.results,
            "findings": [],
        }
        for run in study.runs
        if run.results
    ]


def _owned(study: Study) -> list[tuple[str, EvaluationResult]]:
    """Return each result with the name of the evaluation or run that gave it."""
    jobs = [(attempt.name or attempt.experiment, attempt.results) for attempt in study.evaluations]
    jobs += [(run.label, run.results) for run in study.runs]
    return [(name, result) for name, results in jobs for result in results]


def _row(result: EvaluationResult, owner: str) -> tuple[str, ...]:
    metric = f"{result.metric} ({result.note})" if result.note else result.metric
    return (
        result.model or result.checkpoint or "-",
        result.experiment or owner,
        result.data or "-",
        metric or "-",
        _value(result),
        _spread(result),
        "-" if result.n is None else str(result.n),
        result.where,
    )


def _value(result: EvaluationResult) -> str:
    if result.error:
        return "ERROR"
    if result.value is None:
        return "not measured"
    so_far = f" after batch {result.batches}" if result.partial else ""
    return f"{result.value:.6g}{result.unit}{so_far}"


def _spread(result: EvaluationResult) -> str:
    if result.spread is None:
        return "-"
    return f"{result.spread:.6g}{result.unit} ({result.spread_kind or 'kind unknown'})"

"""Evaluations as ``ired-diag ls`` shows them: one line, a table of their results, or JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from app.cli import output
from ired_diag.runs.name_list import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ired_diag.runs.evaluation_result import EvaluationResult
    from ired_diag.runs.run import Run
    from ired_diag.runs.study import Study

COLUMNS = ("model", "evaluation", "data", "metric", "value", "spread", "samples", "where")
FIRST_OUT = ("where", "samples", "evaluation", "spread", "data")


def counts(study: Study, listing: str) -> str:
    """Return in one line how many evaluations there are and how they ended; empty where there are none.

    Args:
        study: Study with the evaluations.
        listing: Command that lists them.
    """
    if not study.evaluations and not study.results:
        return ""
    jobs = counted(len(study.evaluations), "evaluation")
    ends = Counter(attempt.ending.label for attempt in study.evaluations)
    if ends:
        labels = ", ".join(f"{count} {label}" for label, count in ends.most_common())
        jobs += f" ({labels})"
    measured = sum(not result.error for result in study.results)
    return f"{jobs}, {counted(measured, 'result')}. List them: {listing}"


def print_table(study: Study) -> None:
    """Print every result, then how each evaluation ended."""
    rows = list(_rows(study))
    if rows:
        output.print_table(
            "",
            COLUMNS,
            rows,
            left=4,
            first_out=FIRST_OUT,
            keep=("value", "metric"),
        )
    else:
        click.echo("No evaluation has printed or saved a result here.")
    for attempt in study.evaluations:
        click.echo(f"{attempt.path.name}: {output.ending_in_words(attempt.ending)}")
        for result in attempt.results:
            if result.error and result.error not in attempt.ending.detail:
                click.echo(f"{result.where}: {result.model or 'a model'}: {result.words}")
        for finding in attempt.findings:
            click.echo(f"{attempt.path.name}: {finding.severity}: {finding.statement}")


def as_dicts(study: Study) -> list[dict[str, object]]:
    """Return evaluations as JSON shows them, each with its results; last, the results of training runs."""
    jobs = list(map(_evaluation_as_dict, study.evaluations))
    jobs += [_run_as_dict(run) for run in study.runs if run.results]
    return jobs


def _evaluation_as_dict(attempt: Run) -> dict[str, object]:
    return {
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


def _run_as_dict(run: Run) -> dict[str, object]:
    return {
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


def _rows(study: Study) -> Iterator[tuple[str, ...]]:
    """Yield a row for each result: of the evaluations first, then of the training runs."""
    for attempt in study.evaluations:
        for result in attempt.results:
            yield _row(result, attempt.name or attempt.experiment)
    for run in study.runs:
        for result in run.results:
            yield _row(result, run.label)


def _row(result: EvaluationResult, owner: str) -> tuple[str, ...]:
    metric = result.metric
    if result.note:
        metric = f"{metric} ({result.note})"
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
    words = f"{result.value:.6g}{result.unit}"
    if result.partial:
        words += f" after batch {result.batches}"
    return words


def _spread(result: EvaluationResult) -> str:
    if result.spread is None:
        return "-"
    return f"{result.spread:.6g}{result.unit} ({result.spread_kind or 'kind unknown'})"

"""``ired-diag ls``: which runs there are, and how they ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import evaluations_output, options, output
from ired_diag.visible_text import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ired_diag.runs.ending import Ending
    from ired_diag.runs.regroup import Grouping
    from ired_diag.runs.run import Run
    from ired_diag.runs.study import Study


@click.command("ls")
@click.argument("paths", nargs=-1)
@options.runs
@options.grouping
@click.option("--attempts", is_flag=True, help="Show earlier attempts too, and how they ended.")
@options.metric
@options.direction
@click.option(
    "--evaluations", is_flag=True, help="List what evaluations measured: model, data, metric, value, spread."
)
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    runs: Path,
    attempts: bool,
    metric: str | None,
    higher_is_better: bool | None,
    evaluations: bool,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """List the runs under PATHS, or in the runs folder.

    PATHS are run folders, folders of runs, or foreign logs, which are read in place; NAME=GLOB makes one
    group of all runs at the paths that match.

    \b
    ired-diag ls
    ired-diag ls --attempts path/to/logs
    ired-diag ls --evaluations path/to/logs
    ired-diag ls baseline='logs/base*' mined='logs/mined*'
    """
    from app.cli.same_command import same_command
    from ired_diag.grouping import open_arguments

    study = open_arguments(paths or [str(runs)], grouping=grouping).judged_by(metric, higher_is_better)
    if as_json and evaluations:
        output.print_json({"evaluations": evaluations_output.as_dicts(study)})
    elif as_json:
        content = {
            "runs": [_as_dict(run) for run in study.runs],
            "evaluations": evaluations_output.as_dicts(study),
            "skipped": study.skipped,
            "unreadable": study.unreadable,
        }
        output.print_json(content)
    elif evaluations:
        evaluations_output.print_table(study)
    else:
        _print(study, attempts, same_command(context, "--evaluations"))


def _as_dict(run: Run) -> dict[str, object]:
    from ired_diag.runs.completion import completion_of

    return {
        "name": run.label,
        "experiment": run.experiment,
        "full_name": run.name,
        "variant": run.variant,
        "seed": run.seed,
        "path": run.path,
        "state": run.ending.state,
        "completion": completion_of(run),
        "cause": run.ending.cause,
        "inferred": run.ending.inferred,
        "detail": run.ending.detail,
        "strategy": _strategy(run),
        "evaluations": _evaluations(run),
        "last_step": run.history.last_step,
        "metric": run.evaluated[0] if run.evaluated else None,
        "direction": run.direction if run.evaluated else None,
        "last": _last(run),
        "provenance": run.provenance,
        "attempts": run.attempts,
        "checkpoints": run.checkpoints,
        "findings": run.findings,
    }


def _print(study: Study, attempts: bool, list_evaluations: str) -> None:
    from ired_diag.runs.judged import judged_in_words, unjudged_in_words

    rows = [
        (
            run.label,
            _strategy(run) or "-",
            run.ending.label,
            str(_evaluations(run)),
            _last_evaluation(run),
            "-" if _last(run) is None else f"{_last(run):.6g}",
            str(len(run.attempts)),
        )
        for run in study.runs
    ]
    metrics = sorted({run.evaluated[0] for run in study.runs if run.evaluated})
    last = f"last {metrics[0]}" if len(metrics) == 1 else "last evaluation"
    columns = ("run", "mining", "state", "evaluations", "last at step", last, "earlier attempts")
    if rows:
        first_out = ("earlier attempts", "mining", "evaluations", "last at step")
        output.print_table("", columns, rows, left=3, first_out=first_out, keep=(last, "state"))
        output.print_lines([*judged_in_words(study.runs), *unjudged_in_words(study.runs)])
    if attempts:
        _print_attempts(study)
    for line in _endings(study):
        click.echo(line)
    for run in study.runs:
        for finding in run.findings:
            click.echo(f"{run.label}: {finding.severity}: {finding.statement}")
    evaluated = {attempt.path for attempt in study.evaluations}
    for skipped in study.skipped:
        if skipped.path not in evaluated:
            click.echo(f"not a run: {visible_line(output.shorten(skipped.path))}: {skipped.reason}")
    output.print_lines(visible_line(place.statement) for place in study.unreadable)
    if counted := evaluations_output.counts(study, list_evaluations):
        click.echo(counted)
    elif not study.runs:
        hint = (
            "" if study.skipped or study.unreadable else " Make some with: ired-diag import LOGS --runs DIR"
        )
        click.echo(f"No runs here.{hint}")


def _endings(study: Study) -> Iterator[str]:
    """Yield a line for each ending that says more than its state; runs of a group that share it, together."""
    groups: dict[tuple[str, Ending], list[Run]] = {}
    for run in study.runs:
        if run.ending.detail or run.ending.state == "unknown":
            groups.setdefault((run.group, run.ending), []).append(run)
    from ired_diag.runs.ending import UNKNOWN_IN_WORDS

    for (group, ending), runs in groups.items():
        name = runs[0].label if len(runs) == 1 else f"{group} ({len(runs)} runs)"
        words = UNKNOWN_IN_WORDS if ending.state == "unknown" else ending.label
        yield f"{name}: {words}" + (f": {ending.detail}" if ending.detail else "")


def _print_attempts(study: Study) -> None:
    rows = [
        (run.label, attempt.job or "-", attempt.ending.label, attempt.ending.detail)
        for run in study.runs
        for attempt in run.attempts
    ]
    if rows:
        output.print_table("Earlier attempts", ("run", "job", "how it ended", ""), rows, left=4)
    for run in study.runs:
        for attempt in run.attempts:
            for finding in attempt.findings:
                job = attempt.job or attempt.path.name
                click.echo(f"{run.label}, earlier attempt {job}: {finding.severity}: {finding.statement}")


def _strategy(run: Run) -> str | None:
    strategy = (run.configuration or {}).get("mining_strategy")
    return None if strategy is None else str(strategy)


def _evaluations(run: Run) -> int:
    return len(run.evaluated[1]) if run.evaluated else 0


def _last(run: Run) -> float | None:
    return float(run.evaluated[1].values[-1]) if run.evaluated else None


def _last_evaluation(run: Run) -> str:
    return str(run.evaluated[1].steps[-1]) if run.evaluated else "-"

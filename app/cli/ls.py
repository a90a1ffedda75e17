"""``ired-diag ls``: which runs there are, and how they ended; what is in a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import completion, evaluations_output, log_explained, options, output
from ired_diag.visible_text import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ired_diag.runs.ending import Ending
    from ired_diag.runs.regroup import Grouping
    from ired_diag.runs.run import Run
    from ired_diag.runs.study import Study

FIRST_OUT = ("earlier attempts", "mining", "evaluations", "last at step")  # of a narrow terminal


@click.command("ls")
@click.argument("paths", nargs=-1, shell_complete=completion.names_or_paths)
@options.runs
@options.grouping
@click.option("--attempts", is_flag=True, help="Also list earlier attempts and how they ended.")
@options.metric
@options.direction
@click.option(
    "--evaluations", is_flag=True, help="List what evaluations measured: model, data, metric, value, spread."
)
@click.option(
    "--explain",
    is_flag=True,
    help="Say how each text log is read: its lines, its step, its metrics, and what was not understood.",
)
@click.option("--where", "condition", metavar="TEXT", help="List only these runs: 'q103 and lr<1e-3'.")
@click.option("--sort", "sorted_by", metavar="NAME", help="Sort by last, best, step, seed … or a setting.")
@click.option("--reverse", is_flag=True, help="Sort the largest first.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="List at most N runs.")
@click.option("--full", is_flag=True, help="List every tensor of a checkpoint. Default: folded by name.")
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
    explain: bool,
    condition: str | None,
    sorted_by: str | None,
    reverse: bool,
    limit: int | None,
    full: bool,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """List the runs under PATHS, or in the runs folder; list what is in a checkpoint.

    PATHS are run folders, folders of runs, foreign logs (read in place), or checkpoints: files of tensors, an
    index of shards, or a folder that is one checkpoint. Nothing that a checkpoint names is run. NAME=GLOB
    makes one group of all runs at the paths that match.

    \b
    ired-diag ls
    ired-diag ls --attempts path/to/logs
    ired-diag ls --evaluations path/to/logs
    ired-diag ls --explain train.log
    ired-diag ls --where 'q103 and learning_rate<1e-3' --sort last --limit 10
    ired-diag ls path/to/model.ckpt
    ired-diag ls baseline='logs/base*' mined='logs/mined*'
    """
    from app.cli.checkpoint_listing import list_checkpoints, split_checkpoints
    from app.cli.same_command import same_command
    from ired_diag.grouping import open_arguments

    if explain:
        log_explained.print_explanations(paths or [str(runs)], as_json=as_json)
        return
    checkpoints, paths = split_checkpoints(paths)
    if checkpoints:
        list_checkpoints(checkpoints, full=full, as_json=as_json)
        if not paths:
            return
    study = open_arguments(paths or [str(runs)], grouping=grouping).judged_by(metric, higher_is_better)
    all_runs = len(study.runs)
    study = _chosen(study, condition, sorted_by=sorted_by, reverse=reverse, limit=limit)
    if as_json and evaluations:
        output.print_json({"evaluations": evaluations_output.as_dicts(study)})
    elif as_json:
        content = {
            "runs": list(map(_as_dict, study.runs)),
            "evaluations": evaluations_output.as_dicts(study),
            "skipped": study.skipped,
            "unreadable": study.unreadable,
        }
        output.print_json(content)
    elif evaluations:
        evaluations_output.print_table(study)
    else:
        _print(study, attempts, same_command(context, "--evaluations"))
        if len(study.runs) < all_runs:
            click.echo(f"{len(study.runs)} of {all_runs} runs are listed.")


def _chosen(
    study: Study,
    condition: str | None,
    *,
    sorted_by: str | None,
    reverse: bool,
    limit: int | None,
) -> Study:
    """Return a study with the runs that the user asks for, in the order that they ask for."""
    from ired_diag.runs.where import by_name, where

    runs = list(study.runs)
    if condition is not None:
        runs = where(condition, runs)
    if sorted_by is not None:
        runs = by_name(runs, sorted_by, reverse=reverse)
    elif reverse:
        runs.reverse()
    return replace(study, runs=tuple(runs[:limit]))


def _as_dict(run: Run) -> dict[str, object]:
    from ired_diag.runs.completion import completion_of

    metric, direction = None, None
    if run.evaluated:
        metric, direction = run.evaluated[0], run.direction
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
        "metric": metric,
        "direction": direction,
        "last": _last(run),
        "provenance": run.provenance,
        "attempts": run.attempts,
        "checkpoints": run.checkpoints,
        "findings": run.findings,
    }


def _print(study: Study, attempts: bool, list_evaluations: str) -> None:
    _print_runs(study)
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
    if counts := evaluations_output.counts(study, list_evaluations):
        click.echo(counts)
    elif study.runs:
        return
    elif study.skipped or study.unreadable:
        click.echo("No runs here.")
    else:
        click.echo("No runs here. Make some with: ired-diag import LOGS --runs DIR")


def _print_runs(study: Study) -> None:
    """Print the table of runs, and by which metrics they are judged."""
    from ired_diag.runs.judged import judged_in_words, unjudged_in_words

    if not study.runs:
        return
    metrics = {run.evaluated[0] for run in study.runs if run.evaluated}
    last = "last evaluation"
    if len(metrics) == 1:
        last = f"last {metrics.pop()}"
    headings = ("run", "mining", "state", "evaluations", "last at step", last, "earlier attempts")
    rows = list(map(_row, study.runs))
    # A column without content in any row says nothing: most logs know no mining and no earlier attempt.
    bare = {"mining": "-", "earlier attempts": "0"}
    kept = []
    for place, heading in enumerate(headings):
        if any(row[place] != bare.get(heading) for row in rows):
            kept.append(place)
    shown = [headings[place] for place in kept]
    output.print_table(
        "",
        shown,
        [[row[place] for place in kept] for row in rows],
        left=shown.index("state") + 1,
        first_out=[heading for heading in FIRST_OUT if heading in shown],
        keep=(last, "state"),
    )
    output.print_lines([*judged_in_words(study.runs), *unjudged_in_words(study.runs)])


def _row(run: Run) -> tuple[str, ...]:
    last = _last(run)
    return (
        run.label,
        _strategy(run) or "-",
        run.ending.label,
        str(_evaluations(run)),
        _last_step(run),
        "-" if last is None else f"{last:.6g}",
        str(len(run.attempts)),
    )


def _endings(study: Study) -> Iterator[str]:
    """Yield a line for each ending that says more than its state; runs of a group that share it, together."""
    groups: dict[tuple[str, Ending], list[Run]] = {}
    for run in study.runs:
        if run.ending.detail or run.ending.state == "unknown":
            groups.setdefault((run.group, run.ending), []).append(run)
    for (group, ending), runs in groups.items():
        name = f"{group} ({len(runs)} runs)"
        if len(runs) == 1:
            name = runs[0].label
        yield f"{name}: {_ending_in_words(ending)}"


def _ending_in_words(ending: Ending) -> str:
    from ired_diag.runs.ending import UNKNOWN_IN_WORDS

    if ending.state != "unknown":
        return output.ending_in_words(ending)
    if ending.detail:
        return f"{UNKNOWN_IN_WORDS}: {ending.detail}"
    return UNKNOWN_IN_WORDS


def _print_attempts(study: Study) -> None:
    attempts = [(run.label, attempt) for run in study.runs for attempt in run.attempts]
    if attempts:
        output.print_table(
            "Earlier attempts",
            ("run", "job", "how it ended", ""),
            [_attempt_row(label, attempt) for label, attempt in attempts],
            left=4,
        )
    for label, attempt in attempts:
        job = attempt.job or attempt.path.name
        for finding in attempt.findings:
            click.echo(f"{label}, earlier attempt {job}: {finding.severity}: {finding.statement}")


def _attempt_row(label: str, attempt: Run) -> tuple[str, ...]:
    return label, attempt.job or "-", attempt.ending.label, attempt.ending.detail


def _strategy(run: Run) -> str | None:
    strategy = (run.configuration or {}).get("mining_strategy")
    return None if strategy is None else str(strategy)


def _evaluations(run: Run) -> int:
    if not run.evaluated:
        return 0
    return len(run.evaluated[1])


def _last(run: Run) -> float | None:
    if not run.evaluated:
        return None
    return float(run.evaluated[1].values[-1])


def _last_step(run: Run) -> str:
    if not run.evaluated:
        return "-"
    return str(run.evaluated[1].steps[-1])

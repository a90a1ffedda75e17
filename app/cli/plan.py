"""``ired-diag plan``: a declared analysis, written down, locked, and checked against the runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output
from app.cli.whole_summaries import WholeSummaries

if TYPE_CHECKING:
    from ired_diag.plans.checking import Checked, CheckedPlan

EXIT_STATUS = {"supported": 0, "refuted": 3, "undecided": 4}
COLOURS = {"supported": "green", "met": "green", "refuted": "red", "not met": "red", "undecided": "yellow"}
PROVES = (
    "These times are those of clocks and files that their owner can set. They show the order to yourself; to "
    "others it is shown by a commit on a server that keeps its own times, or by a signed timestamp."
)

plan_file = click.argument(
    "file", type=click.Path(path_type=Path), default=Path("plan.yaml"), metavar="[FILE]"
)


@click.group("plan", cls=WholeSummaries)
def command() -> None:
    """Declare what will be tested before the runs begin, and check it against them.

    \b
    ired-diag plan new
    ired-diag plan lock
    ired-diag plan check
    """


@command.command("new")
@plan_file
@options.runs
@click.option(
    "--example",
    metavar="NAME",
    help="Write a plan that comes with the package: ired or gdsearch.",
)
def new(file: Path, runs: Path, example: str | None) -> None:
    """Write a first plan to FILE (default plan.yaml), from the groups and metrics of the runs that are there.

    \b
    ired-diag plan new
    ired-diag plan new study.yaml --runs path/to/logs
    ired-diag plan new --example ired
    """
    from ired_diag.errors import CannotWrite
    from ired_diag.plans import drafts
    from ired_diag.runs.files import exists, write_atomically

    if exists(file):
        raise CannotWrite(f"{file}: is there already. Name another file, or remove this one.")
    text = drafts.example(example) if example else drafts.draft(file, runs)
    write_atomically(file, text.encode())
    click.echo(f"{output.shorten(file)}: written. Next:")
    click.echo(f"  {_with_file('ired-diag plan lock', file)}")
    click.echo(f"  {_with_file('ired-diag plan check', file)}")


@command.command("lock")
@plan_file
@options.as_json
def lock(file: Path, as_json: bool) -> None:
    """Write the hash of what FILE means, with the time, into a lock next to it (plan.lock).

    Comments and the order of keys are no part of the meaning. Commit plan and lock before the runs begin.

    \b
    ired-diag plan lock
    """
    from ired_diag.plans.checking import lock_plan
    from ired_diag.plans.locks import lock_file_of
    from ired_diag.plans.times import in_words

    locked, is_new = lock_plan(file)
    if as_json:
        output.print_json({"hash": locked.hash, "locked": locked.locked, "new": is_new})
        return
    name = output.shorten(lock_file_of(file))
    if is_new:
        click.echo(f"{name}: locked {in_words(locked.time)}, {locked.hash}")
        click.echo(
            "Commit both files now, and push them: a server's record of the push is evidence to others."
        )
    else:
        click.echo(f"{name}: the plan was locked {in_words(locked.time)} already, and means the same.")


@command.command("check")
@plan_file
@options.as_json
def check(file: Path, as_json: bool) -> None:
    """Say of each prediction in FILE whether the runs support or refute it.

    A prediction is confirmatory where the plan was locked before the first run that it uses began, and means
    the same today; else it is exploratory. The exit status is 0 where every hypothesis is supported, 3 where
    one is refuted, 4 otherwise.

    \b
    ired-diag plan check
    ired-diag plan check study.yaml --json
    """
    from ired_diag.plans.checking import check_plan

    checked = check_plan(file)
    if as_json:
        output.print_json(as_dict(checked))
    else:
        _print(checked)
    raise click.exceptions.Exit(EXIT_STATUS[checked.verdict])


def as_dict(checked: CheckedPlan) -> dict[str, object]:
    """Return a checked plan as JSON prints it."""
    return {
        "plan": checked.path,
        "title": checked.plan.title,
        "alpha": checked.plan.alpha,
        "hash": checked.hash,
        "locked": checked.lock.locked if checked.lock is not None else None,
        "changed": checked.is_changed,
        "changes": checked.changes,
        "changes_of_last_lock": checked.earlier_changes,
        "commit": checked.commit,
        "verdict": checked.verdict,
        "hypotheses": checked.hypotheses,
        "standing": {each.id: checked.standing_of(each) for each in checked.plan.hypotheses},
        "success": checked.success,
        "predictions": [_prediction_as_dict(each) for each in checked.predictions],
    }


def _prediction_as_dict(checked: Checked) -> dict[str, object]:
    content = output.plain(checked)
    declared = checked.prediction.model_dump(mode="json", exclude_defaults=True)
    return {"id": declared.pop("id"), **content, "prediction": declared}


def _print(checked: CheckedPlan) -> None:
    from app.plan_words import effect_in_words, lock_in_words, prediction_in_words

    if checked.plan.title:
        click.echo(checked.plan.title)
    output.print_lines(lock_in_words(checked))
    by_id = {each.prediction.id: each for each in checked.predictions}
    for hypothesis in checked.plan.hypotheses:
        click.echo()
        verdict = _coloured(checked.hypotheses[hypothesis.id])
        standing = checked.standing_of(hypothesis)
        click.echo(f"{hypothesis.id} {verdict}, {standing}. {hypothesis.statement}")
        for prediction in hypothesis.predictions:
            each = by_id[prediction.id]
            click.echo(f"  {prediction.id} {_coloured(each.verdict)}, {each.standing}. {each.reason}")
            click.echo(f"    predicted: {prediction_in_words(prediction)}")
            effect = effect_in_words(each)
            if effect:
                click.echo(f"    measured: {effect}")
            for note in each.notes:
                click.echo(f"    {note}")
            if each.command:
                click.echo(f"    make it: {each.command}")
            elif each.standing_reason:
                click.echo(f"    {each.standing}: {each.standing_reason}.")
    for criterion in checked.plan.success:
        click.echo()
        met = checked.success[criterion.id]
        needed = f"all of {', '.join(criterion.all_of)}"
        if criterion.any_of:
            needed = f"any of {', '.join(criterion.any_of)}"
        click.echo(f"{criterion.id} {_coloured(met)} ({needed}). {criterion.statement}".rstrip())
        secondary = criterion.secondary_of(checked.plan.predictions)
        if secondary:
            click.echo(
                f"  not corrected for there being several, as they are secondary: {', '.join(secondary)}"
            )
    if checked.lock is not None:
        click.echo()
        click.echo(PROVES)


def _coloured(verdict: str) -> str:
    return click.style(verdict, fg=COLOURS[verdict], bold=True)


def _with_file(words: str, file: Path) -> str:
    import shlex

    if file == Path("plan.yaml"):
        return words
    return f"{words} {shlex.quote(str(file))}"

"""``ired-diag probe``: put a question to the checkpoints of a run, or to a model of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from app.cli import options, output, probe_output

if TYPE_CHECKING:
    from ired_diag.probe import Probe
    from ired_diag.probing.targets import Target
    from ired_diag.runs.regroup import Grouping
    from ired_diag.task import Task

ALL = "all"
SOME_FAILED = 1


@click.command("probe")
@click.argument("name", required=False, metavar="NAME|all")
@click.argument("targets", nargs=-1, metavar="RUN|CHECKPOINT…")
@click.option("--list", "list_them", is_flag=True, help="List the probes and what each asks.")
@click.option(
    "--checkpoint", default="last", show_default=True, metavar="last|best|all|STEP", help="Which checkpoints."
)
@click.option(
    "--weights",
    type=click.Choice(["raw", "ema"]),
    help="Which weights. By default raw for negatives, which training mined with, and ema for answers, which "
    "evaluation used.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    help="Problems. By default each probe's own number: most 1024, accuracy 20000.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of all draws.")
@click.option(
    "--model",
    metavar="FILE.py:FUNCTION",
    help="An energy of your own (docs/own-energies.md): alone, or made of the checkpoints of RUN.",
)
@click.option(
    "--task",
    metavar="NAME|FILE.py:FUNCTION",
    help="What the runs were trained on (docs/own-tasks.md). Default: what their configuration names.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="Where tables and figures go; with several runs, each into a folder of its own.",
)
@click.option(
    "--figures",
    type=click.Choice(["all", "last", "none"]),
    default="last",
    show_default=True,
    help="Draw every checkpoint, the last of each run, or none.",
)
@click.option("--again", is_flag=True, help="Measure also what was measured before with the same settings.")
@options.metric
@options.direction
@options.runs
@options.grouping
@options.device
@options.as_json
def command(
    name: str | None,
    targets: tuple[str, ...],
    list_them: bool,
    model: str | None,
    as_json: bool,
    **told: Any,
) -> None:
    """Put the probe NAME, or all, to each RUN (a folder, or an experiment's name) or CHECKPOINT file.

    Tables and figures go into the run's folder; for a checkpoint or a foreign folder, to --out, else under
    ./ired-diag-out. The command says where. What was measured before with the same settings is not measured
    again: interrupted, the same command goes on where it stopped.

    \b
    ired-diag probe --list
    ired-diag probe conditioning runs/q103/seed0
    ired-diag probe all q101 q103 --checkpoint all --samples 2048
    ired-diag probe floor results/model-100.pt
    ired-diag probe energy_gap --model my_energy.py:build
    """
    import probes

    if list_them:
        probe_output.print_questions(probes.load_all())
        return
    if name is None or not (targets or model):
        known = ", ".join(probes.names())
        raise click.UsageError(f"Name a probe ({known}, or all), then a run or checkpoint.")
    asked = list(probes.load_all().values()) if name == ALL else [probes.load(name)]
    if model and name == ALL:
        asked = [probe for probe in asked if probe.own_energies]
    run_probes(asked, targets, model, as_json=as_json, **told)


def run_probes(
    asked: Sequence[Probe],
    names: Sequence[str],
    model: str | None = None,
    *,
    runs: Path,
    checkpoint: str = "last",
    weights: Literal["raw", "ema"] | None = None,
    samples: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    figures: Literal["all", "last", "none"] = "last",
    again: bool = False,
    device: str = "auto",
    as_json: bool = False,
    grouping: Grouping | None = None,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    task: str | None = None,
) -> None:
    """Put probes to targets, and print what they found.

    Args:
        asked: The probes.
        names: Runs and checkpoints, as a command line names them.
        model: A user's own: alone, or made of their checkpoints.
        runs: The runs folder.
        checkpoint: Which checkpoints.
        weights: Which weights.
        samples: Problems.
        seed: Of all draws.
        out: Where files go.
        figures: What to draw.
        again: Measure anew.
        device: Where to compute.
        as_json: Print JSON.
        grouping: What the user says of groups and seeds.
        metric: By which the best checkpoint is chosen. Default: detected by name.
        higher_is_better: Its direction. Default: by configuration and name.
        task: What the runs were trained on. Default: what their configuration names.
    """
    from ired_diag import tasks
    from ired_diag.devices import choose_device
    from ired_diag.probing.driver import Answer, Request, Unanswered, put_probes, trends
    from ired_diag.probing.workers import Workers, processes_for

    where = choose_device(device)
    if (metric or higher_is_better is not None) and checkpoint != "best":
        raise click.UsageError(
            "--metric and its direction choose the best checkpoint: add --checkpoint best."
        )
    judge = {"metric": metric, "higher_is_better": higher_is_better}
    targets = _targets(
        names,
        model,
        judge,
        runs=runs,
        checkpoint=checkpoint,
        device=where,
        out=out,
        grouping=grouping,
        task=None if task is None else tasks.load(task),
    )
    request = Request(asked, weights, samples, seed, figures, again)
    with _interruptible(), Workers(processes_for(len(targets), where)) as workers:
        with output.progress("probing", unit="answers") as show:
            found = list(put_probes(targets, request, progress=show, workers=workers))
        answers = [one for one in found if isinstance(one, Answer)]
        unanswered = [one for one in found if isinstance(one, Unanswered)]
        over_training = list(trends(answers, asked, figures=figures != "none", workers=workers))
    if as_json:
        content = {"answers": answers, "over_training": over_training, "unanswered": unanswered}
        output.print_json(content)
    else:
        probe_output.print_answers(answers, over_training, unanswered, tables=len(asked) == 1)
    if any(not one.probe for one in unanswered):  # a checkpoint that could not be read
        raise click.exceptions.Exit(SOME_FAILED)


def _targets(
    names: Sequence[str],
    model: str | None,
    judge: Mapping[str, Any],
    *,
    runs: Path,
    checkpoint: str,
    device: Any,
    out: Path | None,
    grouping: Grouping | None,
    task: Task | None,
) -> list[Target]:
    from ired_diag.errors import NotReadable
    from ired_diag.grouping import group_runs
    from ired_diag.probing.targets import of_own_model, of_run
    from ired_diag.runs.judged import judge_runs, judged_in_words
    from ired_diag.runs.probe_folder import folder_among

    if model is not None and not names:
        return [of_own_model(model, device=device, out=out)]
    unreadable: list[str] = []
    groups = group_runs(names, runs, grouping=grouping, unreadable=unreadable)
    for note in unreadable:
        click.echo(f"note: {note}", err=True)
    chosen = judge_runs([run for members in groups.values() for run in members], **judge)
    if checkpoint == "best":
        click.echo("\n".join(judged_in_words(chosen)), err=True)
    targets, lost = [], []
    for run in chosen:
        apart = folder_among(out, run) if out and len(chosen) > 1 else out
        try:
            targets += of_run(run, checkpoint, device=device, out=apart, task=task, model=model)
        except NotReadable as error:
            lost.append(error)
    if lost and not targets:
        raise lost[0]
    for reason in lost:
        click.echo(f"note: {reason} It is left out.", err=True)
    return targets


@contextmanager
def _interruptible() -> Iterator[None]:
    """Say, when interrupted, what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted. What is measured is kept: the same command goes on from there.", err=True)
        raise

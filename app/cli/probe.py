"""``ired-diag probe``: put a question to the checkpoints of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from app.cli import options, output

if TYPE_CHECKING:
    from ired_diag.probe import Probe
    from ired_diag.probing.driver import Probed
    from ired_diag.runs.run import Run

POOLED = -1


@click.command("probe")
@click.argument("name", required=False)
@click.argument("targets", nargs=-1, metavar="RUN|CHECKPOINT…")
@click.option("--list", "list_them", is_flag=True, help="List the probes and what each asks.")
@click.option(
    "--checkpoint", default="last", show_default=True, metavar="last|best|all|STEP", help="Which checkpoints."
)
@click.option(
    "--weights",
    type=click.Choice(["raw", "ema"]),
    default="raw",
    show_default=True,
    help="Which weights; training mined with the raw ones.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=2),
    default=1024,
    show_default=True,
    help="Problems; each at every noise level.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Of problems and noise.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="Where tables and figures go; with several runs, each into a folder of its own.",
)
@options.runs
@options.device
@options.as_json
def command(
    name: str | None,
    targets: tuple[str, ...],
    list_them: bool,
    checkpoint: str,
    weights: Literal["raw", "ema"],
    samples: int,
    seed: int,
    out: Path | None,
    runs: Path,
    device: str,
    as_json: bool,
) -> None:
    """Put the probe NAME to each RUN (a folder, or an experiment's name) or CHECKPOINT file.

    Tables and figures go into the run's folder; for a checkpoint or a foreign folder, to --out, else under
    ./ired-diag-out. The command says where.

    \b
    ired-diag probe --list
    ired-diag probe conditioning runs/q103/seed0
    ired-diag probe conditioning results/model-100.pt --samples 4096
    """
    import probes

    known = probes.load()
    if list_them:
        _print_list(known)
        return
    if name is None or not targets:
        raise click.UsageError(f"Name a probe ({', '.join(known)}), then a run or checkpoint.")
    from ired_diag.devices import choose_device
    from ired_diag.errors import NotFound
    from ired_diag.grouping import group_runs
    from ired_diag.probing.driver import folder_among, probe_run

    if name not in known:
        raise NotFound(f"No probe is named {name!r}. There are: {', '.join(known)}.")
    chosen = choose_device(device)
    found: list[tuple[Run, Probed]] = []
    chosen_runs = [run for members in group_runs(targets, runs).values() for run in members]
    for run in chosen_runs:
        apart = folder_among(out, run) if out and len(chosen_runs) > 1 else out
        with output.progress(f"{run.label}", unit="checkpoints") as show:
            probed = probe_run(
                known[name],
                run,
                which=checkpoint,
                weights=weights,
                samples=samples,
                seed=seed,
                device=chosen,
                out=apart,
                progress=show,
            )
        found.extend((run, one) for one in probed)
        if not as_json:
            for one in probed:
                _print(run, one)
    if as_json:
        output.print_json([{"run": run.label, **output.plain(one)} for run, one in found])


def _print_list(known: Mapping[str, Probe]) -> None:
    rows = [(probe.name, probe.question) for probe in known.values()]
    output.print_table("", ("probe", "what it asks"), rows, left=2)


def _print(run: Run, one: Probed) -> None:
    step = f"step {one.step}" if one.step is not None else one.checkpoint.name
    where = run.label if run.configuration else output.shorten(run.path)
    click.echo(f"{where}, {step}, {one.weights} weights: {one.finding.statement}")
    for note in one.notes:
        click.echo(f"{note.severity}: {note.statement}", err=True)
    columns = (
        "contrast",
        "quantity",
        "mean difference",
        "95% interval",
        "d",
        "95% interval of d",
        "first larger",
        "n",
        "",
    )
    output.print_table("Means over noise levels, paired by problem", columns, _rows(one), left=2)
    for path in (one.table, *one.figures):
        click.echo(f"  {output.shorten(path)}")


def _rows(one: Probed) -> list[tuple[str, ...]]:
    table = one.comparison
    return [
        (
            f"{table['kind'][i]} - {table['versus'][i]}",
            str(table["quantity"][i]),
            output.number(table["mean"][i], "+.4g"),
            _interval(table["mean_low"][i], table["mean_high"][i], "+.4g"),
            output.number(table["d"][i], "+.2f"),
            _interval(table["d_low"][i], table["d_high"][i], "+.2f"),
            output.number(100 * table["larger"][i], ".1f") + "%",
            str(table["n"][i]),
            str(table["reason"][i]),
        )
        for i in range(len(table["level"]))
        if table["level"][i] == POOLED
    ]


def _interval(low: float, high: float, form: str) -> str:
    return f"{output.number(low, form)} to {output.number(high, form)}"

"""``ired-diag verify``: can the numbers be trusted on this machine?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import options, output
from app.cli.group import EXIT_CHECK_FAILED

if TYPE_CHECKING:
    from ired_diag.inverse.verification import Check, Verification


@click.command("verify")
@click.argument("checkpoint", type=click.Path(path_type=Path, readable=False))
@click.argument("reference", type=click.Path(path_type=Path, readable=False))
@options.weights
@options.device
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    checkpoint: Path,
    reference: Path,
    weights: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Recompute what REFERENCE.npz holds from its inputs, and compare.

    Prints the relative error ‖a - b‖/‖b‖ of each quantity with its bound. The exit status is 3 if a bound is
    exceeded. Default weights: raw, from which the reference was computed.

    \b
    ired-diag verify results/model-1.pt reference.npz
    ired-diag verify results/model-1.pt reference.npz --device cuda
    """
    from ired_diag.devices import choose_device
    from ired_diag.inverse.checkpoint import read_network
    from ired_diag.inverse.verification import verify

    chosen = choose_device(device)
    read = read_network(checkpoint)
    result = verify(read, reference, weights="ema" if weights == "ema" else "raw", device=chosen)
    if as_json:
        output.print_json({"device": str(chosen), "holds": result.holds, **output.plain(result)})
    else:
        _print(result, str(chosen), checkpoint)
    if not result.holds:
        ctx.exit(EXIT_CHECK_FAILED)


def _print(result: Verification, device: str, checkpoint: Path) -> None:
    title = f"{checkpoint.name} on {device}"
    columns = ("quantity", "", "relative error", "bound", "")
    output.print_table(title, columns, list(map(_row, result.checks)), left=2)
    for key, reason in result.not_compared.items():
        click.echo(f"not compared: {key}: {reason}", err=True)
    for finding in result.findings:
        click.echo(f"{finding.severity}: {finding.statement}", err=True)
    failed = sum(not check.holds for check in result.checks)
    if failed:
        click.echo(
            f"{failed} of {len(result.checks)} checks exceed their bound: this machine, this version of "
            "PyTorch or these weights do not reproduce the reference."
        )
    else:
        click.echo(f"All {len(result.checks)} checks hold: this machine reproduces the reference.")


def _row(check: Check) -> tuple[str, ...]:
    outcome = "ok" if check.holds else "EXCEEDED"
    return check.quantity, check.note, f"{check.error:.2e}", f"{check.bound:.0e}", outcome

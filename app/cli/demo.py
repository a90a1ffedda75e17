"""``ired-diag demo``: three findings on runs that come with the program, on one screen.

Each finding is an answer of the command that stands above it, worked out here and now. The screen keeps the
first sentences; the command prints the rest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

import app
from app.cli import options
from app.cli.table_width import terminal_width
from app.cli.wrapping import broken

if TYPE_CHECKING:
    from ired_diag.probing.driver import Answer
    from ired_diag.runs.study import Study

EXPERIMENTS = ("q101", "q102", "q103")
COMPARED = ("q102", "q103")
PROBED = "q103"
PROBE = "conditioning"
SAMPLES = 256  # a quarter of the probe's own number: the demo is to be quick on a CPU
PICTURES = ("learning-curves", "paired-differences")
FORMS = ("png", "pdf")
WIDTH = 100  # characters of a line where nobody sees a terminal
INDENT = "   "
SENTENCE_END = re.compile(r"(?<=[a-z0-9)]\.)\s+(?=[A-Z])")


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    default=Path("ired-diag-demo"),
    show_default=True,
    help="Folder for tables and figures.",
)
@options.device
def command(out: Path, device: str) -> None:
    """Put three questions to the sample runs: what is wrong, which way is better, and what does mining do.

    Nine runs that this program's own trainer made: matrices of rank 8, a narrow network, three seeds without
    negative examples (q101), with random ones (q102), and with mined ones (q103).

    \b
    ired-diag demo
    """
    from ired_diag.open import open_study

    runs = sample_runs()
    shown = _as_typed(runs)
    folders = [runs / name for name in EXPERIMENTS]
    study = open_study(folders)
    _say(
        "Nine small training runs that come with the program. Each learns to invert matrices: three seeds "
        "without negative examples (q101), three with random ones (q102), three with mined ones (q103)."
    )
    _ask("1. What is the worst mistake in these runs?", "diagnose", *map(_as_typed, folders))
    _say(*_worst(study), indent=INDENT)
    _ask("2. Which way of training is better?", "stats", *COMPARED, "--runs", shown)
    _say(*_comparison(runs), indent=INDENT)
    target = runs / PROBED / "seed0"
    words = ("probe", PROBE, _as_typed(target), "--samples", str(SAMPLES), "--out", str(out))
    _ask("3. Are mined negatives harder than random ones? Half of the pairs would be a coin toss.", *words)
    answer = _probe(target, out, device=device)
    _say(_first_sentence(answer.finding.statement), indent=INDENT)
    _print_places([*_draw(runs, out), *answer.figures])
    _print_own()


def sample_runs() -> Path:
    """Return where the sample runs are: next to this package, in a checkout and when installed.

    Raises:
        NotFound: They were not installed.
    """
    from ired_diag.errors import NotFound

    folder = Path(app.__file__).parents[1] / "sample_runs"
    if not (folder / "q101").is_dir():
        raise NotFound(f"{folder}: expected the sample runs, found none. Install the whole package.")
    return folder


def _worst(study: Study) -> Iterator[str]:
    """Yield what makes a conclusion wrong in the runs: its gravest finding, and the next fact of its kind."""
    from ired_diag import forensics
    from ired_diag.finding_clusters import clusters_of

    gravest, *_ = clusters_of(forensics.diagnose(study), study)
    first, *others = gravest.facts
    yield first.statement
    for second in others[:1]:
        yield f"Also: {_first_sentence(second.statement)}"


def _comparison(runs: Path) -> Iterator[str]:
    """Yield the verdict on two groups, and what would decide it."""
    from app.calls.comparing import compare
    from ired_diag.comparison.answer_words import deciding_in_words
    from ired_diag.comparison.margin import ONE_PERCENT
    from ired_diag.comparison.words import verdict_of

    comparison = compare(*COMPARED, runs=runs, margin=replace(ONE_PERCENT, is_default=True))
    (pair,) = comparison.pairs
    yield verdict_of(pair, comparison)
    if decides := deciding_in_words(pair, comparison):
        yield decides


def _probe(run: Path, out: Path, *, device: str) -> Answer:
    """Return the answer of the probe on the last checkpoint of a run; table and figures are in ``out``.

    Raises:
        DiagError: The sample run could not be probed.
    """
    import probes
    from app.calls.targets import targets_of
    from ired_diag.devices import choose_device
    from ired_diag.errors import DiagError
    from ired_diag.probing.driver import Answer, Request, put_probes

    selection = targets_of(
        [run],
        runs=run.parent,
        device=choose_device(device),
        notes=[],
        checkpoint="last",
        out=out,
    )
    request = Request([probes.load(PROBE)], samples=SAMPLES)
    (reply,) = put_probes(selection.targets, request)
    if not isinstance(reply, Answer):
        raise DiagError(f"{run}: the probe {PROBE} failed: {reply.reason}")
    return reply


def _draw(runs: Path, out: Path) -> list[Path]:
    """Draw learning curves and the differences of seeds; return the files."""
    from app.calls.drawing import figures

    drawn = figures(*EXPERIMENTS, runs=runs, out=out, only=PICTURES, forms=FORMS)
    return [out / f"{figure.name}.png" for figure in drawn.figures]


def _ask(question: str, *words: str) -> None:
    click.secho(f"\n{question}", bold=True)
    click.echo(f"{INDENT}$ {shlex.join(['ired-diag', *words])}")


def _say(*texts: str, indent: str = "") -> None:
    """Print texts, broken between words."""
    width = min(terminal_width() or WIDTH, WIDTH)
    for line in broken(texts, width - len(indent)):
        click.echo(f"{indent}{line}")


def _print_places(files: Iterable[Path]) -> None:
    pictures = [file for file in files if file.suffix == ".png"]
    click.secho("\nPictures of it (a PDF for a paper is next to each):", bold=True)
    for picture in pictures:
        click.echo(f"{INDENT}{picture}")


def _print_own() -> None:
    click.secho("\nYour own logs:", bold=True)
    click.echo(f"{INDENT}cd path/to/logs && ired-diag       what they are, and which commands fit them")
    click.echo(f"{INDENT}ired-diag diagnose path/to/logs    what is wrong in them, the worst first")
    click.echo(
        f"{INDENT}ired-diag stats old='logs/old/*' new='logs/new/*'    which is better, and how sure that is"
    )


def _first_sentence(text: str) -> str:
    first, *_ = SENTENCE_END.split(text)
    return first


def _as_typed(path: Path) -> str:
    """Return a path as a person would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

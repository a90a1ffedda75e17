"""``ired-diag watch``: follow running logs, and announce what goes wrong."""

from __future__ import annotations

import shlex
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from app.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.watching.delivery import Receiver
    from app.watching.event import Event
    from app.watching.loop import Watch
    from ired_diag.runs.regroup import Grouping

COLOURS = {"alarm": "red", "news": "green"}


@click.command("watch")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, readable=False))
@click.option("--webhook", metavar="URL", help="POST each announcement as JSON to this http(s) address.")
@click.option(
    "--exec",
    "command_line",
    metavar="CMD",
    help="Run this command for each announcement, which is JSON on its standard input and in IRED_DIAG_*.",
)
@click.option("--once", is_flag=True, help="Look once and end, for cron. What was announced is remembered.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds between looks.",
)
@click.option(
    "--false-alarms",
    type=float,
    default=0.001,
    show_default=True,
    help="Chance that a healthy run is ever said to diverge while it goes on.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=1),
    default=5.0,
    show_default=True,
    help="A run is stalled after this many times its longest pause.",
)
@click.option("--against", metavar="NAME", help="Decide on each group against this one as seeds finish.")
@click.option("--threshold", type=float, help="Decide on each group against a number fixed beforehand.")
@click.option("--margin", type=float, default=0.0, show_default=True, help="Least improvement that counts.")
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    help="Chance that a decision keeps a change that is at the margin.",
)
@click.option("--budget", type=click.IntRange(2), default=20, show_default=True, help="Most seeds to train.")
@click.option("--old", is_flag=True, help="Announce also runs that were over before the first look.")
@click.option(
    "--memory",
    type=click.Path(path_type=Path, readable=False),
    help="File that remembers what was announced. Default: in the user's cache directory.",
)
@options.metric
@options.direction
@options.grouping
@options.as_json
def command(
    folder: Path,
    webhook: str | None,
    command_line: str | None,
    once: bool,
    every: float,
    false_alarms: float,
    patience: float,
    against: str | None,
    threshold: float | None,
    margin: float,
    alpha: float,
    budget: int,
    old: bool,
    memory: Path | None,
    metric: str | None,
    higher_is_better: bool | None,
    as_json: bool,
    grouping: Grouping,
) -> None:
    """Follow the runs under DIR, and announce divergence, NaN, stalls, deaths and decided groups.

    Each is announced once while it holds, also after a restart, and so is a run that recovers. Runs that were
    over before the first look are counted, and not announced. With --against or --threshold a group is
    decided on by its finished seeds, as ired-diag gate does. Nothing is written under DIR.

    \b
    ired-diag watch logs
    ired-diag watch runs --webhook https://hooks.example.org/… --against q101
    ired-diag watch logs --once --exec 'notify-send ired-diag'
    """
    from app.calls.watching import rule_of, watcher_of
    from app.watching.loop import Watch
    from app.watching.memory import held, memory_file, read_memory

    if webhook and command_line:
        raise click.UsageError("Pass either --webhook or --exec.")
    rule = rule_of(against, threshold, margin=margin, alpha=alpha, budget=budget)
    receiver = _receiver(webhook, command_line)
    file = memory or memory_file(folder, [webhook, command_line, metric, rule, grouping])
    with held(file):
        watcher = watcher_of(
            folder,
            read_memory(file),
            every=every,
            rule=rule,
            false_alarms=false_alarms,
            patience=patience,
            metric=metric,
            higher_is_better=higher_is_better,
            grouping=grouping,
            announce_old=old,
        )
        watch = Watch(
            watcher=watcher,
            file=file,
            receiver=receiver,
            announce=_announcer(as_json=as_json),
            say=lambda text: click.echo(f"note: {text}", err=True),
        )
        _follow(watch, once=once, every=every)


def _receiver(webhook: str | None, command_line: str | None) -> Receiver | None:
    """Return what takes announcements besides the terminal.

    Raises:
        UsageError: The command is not one.
        DiagError: The address is not one.
    """
    from app.watching.delivery import Command, Webhook

    if webhook is not None:
        return Webhook(webhook)
    if command_line is None:
        return None
    try:
        words = shlex.split(command_line)
    except ValueError as error:
        raise click.UsageError(f"--exec {command_line!r}: {error}.") from error
    if not words:
        raise click.UsageError("--exec: the command is empty.")
    return Command(words)


def _announcer(*, as_json: bool) -> Callable[[Event], None]:
    def announce(event: Event) -> None:
        if as_json:
            click.echo(event.as_json())
            return
        clock = event.clock
        click.echo(f"{clock} {click.style(event.severity, fg=COLOURS[event.severity])}: {event.line}")

    return announce


def _follow(watch: Watch, *, once: bool, every: float) -> None:
    """Look once or again and again; an interruption is how a watch ends."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        is_first = not watch.watcher.memory.looks
        watch.look()
        if is_first or not once:
            click.echo(_in_words(watch, once=once, every=every), err=True)
        if not once:
            watch.wait_and_follow(every)
    except KeyboardInterrupt:
        click.echo("Stopped. The same command goes on from here and repeats nothing.", err=True)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _in_words(watch: Watch, *, once: bool, every: float) -> str:
    """Return what is watched, so that silence is not taken for more than it is."""
    from ired_diag.runs.name_list import counted

    memories = watch.watcher.memory.runs.values()
    counts = Counter("over before" if memory.is_old else "followed" for memory in memories)
    followed = counts["followed"]
    over = counts["over before"]
    unjudged = watch.watcher.unjudged()
    words = f"Followed: {counted(followed, 'run')}"
    if over:
        words += f"; over before and not announced: {over} (--old does)"
    if unjudged:
        words += f"; without a metric that is known to judge them: {unjudged} (--metric NAME)"
    if not once:
        words += f". A look every {every:g} s; Ctrl-C ends"
    return f"{words}."

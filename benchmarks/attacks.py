"""Does the product survive bad files, odd places and hostile text?

    python -m benchmarks.attacks [--groups PATTERN] [--seed 0] [--quick] [--jobs 2] [--scale]
                                 [--write docs/reliability.md]

Each attack runs in an empty folder of its own. Workers import the product once and run many attacks; an
attack that ends its worker, or takes more than ``MOST_SECONDS``, has failed, and a new worker goes on.
Printed is a table of "group, tried, survived, failed" as Markdown, and before it each failure with its
command and its last lines. The exit status is 1 where anything failed. ``--quick`` tries each tenth attack;
``--scale`` prints what each command takes.

What surviving means stands in ``attacked_command``. That all attacks are survived does not mean that no other
harms.
"""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue

from benchmarks.attack import Attack, Outcome, failed

MODULES = (
    "benchmarks.attacks_on_files",
    "benchmarks.attacks_on_configurations",
    "benchmarks.attacks_on_tables",
    "benchmarks.attacks_on_values",
    "benchmarks.attacks_on_places",
    "benchmarks.attacks_on_names",
    "benchmarks.attacks_on_caches",
    "benchmarks.attacks_on_permissions",
    "benchmarks.attacks_on_processes",
)
SCALE, SCALE_GROUP = "benchmarks.attacks_of_scale", "scale"
MOST_SECONDS = 300.0
MOST_SECONDS_OF_SCALE = 3600.0
QUICK = 10
BEGIN, END = "<!-- attacks -->", "<!-- end of attacks -->"  # around the table in docs/reliability.md


def all_attacks(seed: int, *, scale: bool) -> list[Attack]:
    """Return all attacks, in the order of the modules.

    Args:
        seed: Of all that is drawn.
        scale: Only those of scale, which take minutes; else only all others.
    """
    modules = [SCALE] if scale else [name for name in MODULES if find_spec(name)]
    return [attack for name in modules for attack in import_module(name).attacks(seed)]


def run_all(attacks: Sequence[Attack], jobs: int) -> Iterator[tuple[Attack, Outcome]]:
    """Yield each attack with its outcome, as they end."""
    waiting: SimpleQueue[Attack] = SimpleQueue()
    ended: SimpleQueue[tuple[Attack, Outcome]] = SimpleQueue()
    for attack in attacks:
        waiting.put(attack)
    for _ in range(jobs):
        threading.Thread(target=_drive, args=(waiting, ended), daemon=True).start()
    for _ in attacks:
        yield ended.get()


def _drive(waiting: SimpleQueue[Attack], ended: SimpleQueue[tuple[Attack, Outcome]]) -> None:
    """Give attacks to a worker until none is left; a worker that died is replaced."""
    worker: _Worker | None = None
    while True:
        try:
            attack = waiting.get_nowait()
        except Empty:
            break
        worker = worker or _Worker()
        outcome = worker.outcome(attack)
        if not worker.is_alive:
            worker = None
        ended.put((attack, outcome))
    if worker is not None:
        worker.stop()


class _Worker:
    """A process that runs attacks, one after the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other,), daemon=False)
        self.process.start()
        other.close()
        self.is_alive = True

    def outcome(self, attack: Attack) -> Outcome:
        """Run an attack; whatever becomes of the process, an outcome is returned."""
        self.pipe.send((attack.group, attack.name))
        limit = MOST_SECONDS_OF_SCALE if attack.group.startswith(SCALE_GROUP) else MOST_SECONDS
        if not self.pipe.poll(limit):
            self.process.kill()
            self.is_alive = False
            return failed(f"not done after {limit:.0f} s")
        try:
            outcome: Outcome = self.pipe.recv()
        except EOFError:
            self.process.join()
            self.is_alive = False
            return failed(f"ended the process (exit code {self.process.exitcode})")
        return outcome

    def stop(self) -> None:
        """End the process."""
        self.pipe.send(None)
        self.process.join()


BY_NAME: dict[tuple[str, str], Attack] = {}  # what a forked worker finds its attacks by


def _work(pipe: Connection) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    torch.set_num_threads(1)
    while (name := pipe.recv()) is not None:
        pipe.send(_outcome(BY_NAME[name]))


def _outcome(attack: Attack) -> Outcome:
    """Run an attack in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="ired-diag-attack-"))
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    try:
        return attack.run(folder)
    except Exception as error:
        return failed(f"the attack itself raised {type(error).__name__}: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def table(outcomes: Sequence[tuple[Attack, Outcome]]) -> str:
    """Return the table of groups as Markdown."""
    tried = Counter(attack.group for attack, _ in outcomes)
    broken = Counter(attack.group for attack, outcome in outcomes if not outcome.survived)
    lines = ["| group | tried | survived | failed |", "|---|---|---|---|"]
    lines += [f"| {g} | {n} | {n - broken[g]} | {broken[g]} |" for g, n in sorted(tried.items())]
    total, lost = sum(tried.values()), sum(broken.values())
    return "\n".join([*lines, f"| **all** | {total} | {total - lost} | {lost} |"])


def main() -> int:
    """Run the attacks, print the table and the failures."""
    arguments = _arguments()
    attacks = [
        a for a in all_attacks(arguments.seed, scale=arguments.scale) if _is_chosen(a, arguments.groups)
    ]
    attacks = attacks[::QUICK] if arguments.quick else attacks
    BY_NAME.update({(attack.group, attack.name): attack for attack in attacks})
    if len(BY_NAME) < len(attacks):
        raise ValueError("two attacks of one group have one name")
    start, outcomes = time.monotonic(), []
    for attack, outcome in run_all(attacks, arguments.jobs):
        outcomes.append((attack, outcome))
        if not outcome.survived:
            _say(f"FAILED {attack.group}: {attack.name}: {outcome.failure}")
            _say(f"  {outcome.command}\n{outcome.output}\n")
        elif arguments.scale:
            _say(f"{attack.group}: {attack.name}: {outcome.output}")
        if len(outcomes) % 100 == 0:
            sys.stderr.write(f"{len(outcomes)} of {len(attacks)}\n")
    took = f"{len(outcomes)} attacks in {(time.monotonic() - start) / 60:.1f} minutes, seed {arguments.seed}"
    _say(f"{table(outcomes)}\n\n{took}")
    if arguments.write:
        write_table(arguments.write, table(outcomes), f"`{_command()}`, {date.today()}: {took}.")
    return int(any(not outcome.survived for _, outcome in outcomes))


def write_table(path: Path, table: str, heading: str) -> None:
    """Write a table into a page, in place of the one between ``BEGIN`` and ``END``."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{path} has no place for a table between {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{heading}\n\n{table}\n{END}{after}")


def _command() -> str:
    words = [word for word in sys.argv[1:] if word != "--write" and not word.endswith(".md")]
    return shlex.join(["python", "-m", "benchmarks.attacks", *words])


def _is_chosen(attack: Attack, pattern: str) -> bool:
    return fnmatch.fnmatch(attack.group, pattern)


def _say(text: str) -> None:
    sys.stdout.write(text.encode("ascii", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--groups", default="*", metavar="PATTERN", help="groups to try, such as 'damaged *'")
    parser.add_argument("--seed", type=int, default=0, help="random seed of all that is drawn")
    parser.add_argument("--quick", action="store_true", help="try each tenth attack")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument(
        "--scale", action="store_true", help="the attacks of scale instead, which take minutes"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the table into this page too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Commands as processes that start at once: a server that has loaded everything forks one for each.

A process of its own is what can be killed, limited and signalled; to load PyTorch for each takes seconds. So
one process loads it, runs each command once, and then forks: what a fork runs is ``ired-diag`` itself.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.small_runs import TINY

ROOT = Path(__file__).parents[1]
CPU_ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
PATIENCE = 250.0  # s until a command that should end has hung, also beside busy processes

# Each line of input is an order: fork a command, or tell how one ended (null: not yet).
SERVER = """
import faulthandler, json, os, resource, signal, sys, tempfile, traceback
from pathlib import Path
import torch
torch.set_num_threads(1)
from app.cli import main

def command(words, output=os.devnull):
    with open(output, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    faulthandler.enable()
    try:
        main(args=words, prog_name="ired-diag")
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

def answer(content):
    print(json.dumps(content), file=answers, flush=True)

def warm(folder, config, commands):
    os.chdir(folder)
    Path("tiny.json").write_text(json.dumps(config))
    for words in commands:
        command(words, "output") == 0 or sys.exit(Path("output").read_text())

def begin(order):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs with &
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    status = 99
    try:
        for kind, size in order["limits"]:
            resource.setrlimit(kind, (size, size))
        status = command(order["words"], order["output"])
    finally:
        os._exit(status)  # whatever happens, what follows the fork is the parent's

answers, running = os.fdopen(os.dup(1), "w"), set()
with tempfile.TemporaryDirectory() as folder:
    for name in ("warm", "once"):
        (Path(folder) / name).mkdir()
    warm(f"{folder}/warm", **json.loads(sys.stdin.readline()))
    answer(f"{folder}/once")
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            child, status = os.waitpid(order["wait"], os.WNOHANG)
            running.discard(child)
            answer(os.waitstatus_to_exitcode(status) if child else None)
        else:
            child = os.fork()
            child or begin(order)
            running.add(child)
            answer(child)
    for child in running:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
"""
WARM = (
    ("train", "tiny.json", "--seeds", "0-1"),
    ("stats", "q700"),
    ("diagnose",),
    ("probe", "conditioning", "q700", "--samples", "4"),
    ("figures", "q700"),
    ("report", "q700"),
)


@dataclass
class Command:
    """A command that runs.

    Attributes:
        server: Who forked it.
        process: Its id.
        words: Its words.
        output: The file that has what it prints.
        status: How it ended; negative for a signal, None while it runs.
    """

    server: CommandServer
    process: int
    words: Sequence[str]
    output: Path
    status: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        if self.status is None:
            self.status = self.server.ask({"wait": self.process})
        return self.status

    def send(self, number: signal.Signals) -> None:
        """Send a signal, to nobody where it has ended; who is not waited for keeps the id."""
        if self.poll() is None:
            os.kill(self.process, number)

    def limit(self, kind: int, size: int) -> None:
        """Set a limit of the running process (prlimit), for example on its memory."""
        if self.poll() is None:
            resource.prlimit(self.process, kind, (size, size))

    def wait(self, patience: float = PATIENCE) -> int:
        """Wait for the end, and return the exit status.

        Raises:
            TimeoutError: It hangs; it is killed.
        """
        end = time.monotonic() + patience
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                self.send(signal.SIGABRT)  # faulthandler tells where it hangs
                time.sleep(1)
                self.send(signal.SIGKILL)
                where = self.text[-2000:]
                raise TimeoutError(f"{' '.join(self.words)}: still runs after {patience:g} s: {where}")
            time.sleep(0.002)
        return status

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace") if self.output.is_file() else ""


class CommandServer:
    """The process that forks commands; it ends, kills what still runs and removes its folder with its owner.

    Attributes:
        folder: For what is made once.
        started: How many commands it was asked for.
    """

    def __init__(self) -> None:
        """Start it, and wait until it has run each command once."""
        environment = {**os.environ, **CPU_ALONE, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", SERVER]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self.started = 0
        self.folder = Path(str(self._ask({"config": TINY, "commands": WARM})))

    def ask(self, order: Mapping[str, object]) -> int | None:
        """Send an order, and return the answer to it."""
        answer: int | None = self._ask(order)
        return answer

    def _ask(self, order: Mapping[str, object]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the server of commands has ended; its reason stands above")
        return json.loads(answer)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def start(
        self,
        *words: object,
        folder: Path,
        limits: Sequence[tuple[int, int]] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Command:
        """Start a command in a folder.

        Args:
            words: Of the command line, after ``ired-diag``.
            folder: The working folder.
            limits: What it may use, as ``resource.setrlimit`` takes it.
            environment: Variables to set.
        """
        listed = [str(word) for word in words]
        output = folder / f"output-{self.started}.txt"
        settings = {"XDG_CACHE_HOME": str(folder / "cache"), **(environment or {})}
        order: dict[str, object] = {"words": listed, "folder": str(folder), "output": str(output)}
        order |= {"limits": [list(limit) for limit in limits], "environment": settings}
        self.started += 1
        return Command(self, int(self.ask(order) or 0), listed, output)

    def run(self, *words: object, folder: Path, limits: Sequence[tuple[int, int]] = ()) -> Command:
        """Run a command to its end."""
        command = self.start(*words, folder=folder, limits=limits)
        command.wait()
        return command

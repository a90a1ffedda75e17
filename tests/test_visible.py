"""What a terminal would obey is shown: names, logs, settings and file names, through a real terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.visible import STYLED, VisibleText
from ired_diag.visible_text import visible, visible_json, visible_line

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_runs" / "q101" / "seed0" / "checkpoints" / "step-000003000.safetensors"
ESCAPE = "\x1b]0;owned\x07"  # sets a window's title
OUR_COLOURS = re.compile("\x1b\\[\\d{1,2}m")
OUR_PROGRESS = re.compile("\x1b\\[(\\?25[lh]|[\\d;]*[mKA])|\r")  # a bar moves the cursor; the title stays


def on_a_terminal(arguments: Sequence[str | Path], folder: Path) -> tuple[int, str]:
    """Return the exit status and everything that a terminal received from a command."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "200"}
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
    ) as command:
        os.close(theirs)
        received = b""
        while part := _read(ours):
            received += part
    os.close(ours)
    return command.returncode, received.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side was closed
        return b""


def run_folder(runs: Path, name: str, seed: int) -> Path:
    folder = runs / f"run{seed}"
    folder.mkdir(parents=True)
    config = {
        "format": 1,
        "experiment": name,
        "seed": seed,
        "config": {"experiment_name": name, "mining_strategy": f"none{ESCAPE}", "note": ESCAPE},
        "ending": {"state": "failed", "detail": f"died{ESCAPE}\u202e"},
        "findings": [{"rule": "odd", "severity": "warning", "statement": f"An odd{ESCAPE} line."}],
    }
    (folder / "config.json").write_text(json.dumps(config))
    rows = [{"step": 100 * k, f"validation/mse{ESCAPE}": 1 / k + seed / 50} for k in range(1, 20)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    for seed in range(3):
        run_folder(runs, f"first{ESCAPE}", seed)
        run_folder(runs, f"second{ESCAPE}", 10 + seed)
    (runs / f"notes{ESCAPE}.txt").write_text(f"{ESCAPE}hello\n")
    (runs / os.fsdecode(b"caf\xe9\x9b2J.log")).write_text("nothing\n")
    (runs / f"q902{ESCAPE}.csv").write_text(
        "step,val_loss\n" + "".join(f"{k},{1 / k}\n" for k in range(1, 9))
    )
    (runs / f"report{ESCAPE}.md").write_text(f"The mean of first{ESCAPE} is 0.5 ± 0.1 {ESCAPE} (p = 1.5).\n")
    settings = {"experiment_name": f"q903{ESCAPE}", f"odd{ESCAPE}": ESCAPE}
    (runs / f"broken{ESCAPE}.safetensors").write_text("nothing\n")
    (runs / "mine.json").write_text(json.dumps(settings))
    arrays: dict[str, Any] = {f"odd{ESCAPE}": np.zeros(3), "matrix": np.zeros((2, 64))}
    np.savez(runs / "reference.npz", **arrays)
    return runs


WITH_PROGRESS = ("import", "probe", "figures", "report", "train")

COMMANDS = {
    "ls": ["ls"],
    "ls in JSON": ["ls", "--json"],
    "stats": ["stats", "run0", "run1", "run2", "--unpaired"],
    "diagnose": ["diagnose", "."],
    "import": ["import", ".", "--runs", f"into{ESCAPE}"],
    "import in JSON": ["import", ".", "--runs", "into", "--json"],
    "check": ["check", f"report{ESCAPE}.md", "--runs", ".", "--full"],
    "check of a report that is not there": ["check", f"nothing{ESCAPE}.md"],
    "train": ["train", "mine.json", "--runs", "trained"],
    "train of an unknown name": ["train", f"q903{ESCAPE}"],
    "probe": ["probe", "conditioning", f"broken{ESCAPE}.safetensors"],
    "probe of an unknown name": ["probe", f"nothing{ESCAPE}", "run0"],
    "figures": ["figures", "run0", "run1", "--out", f"drawn{ESCAPE}"],
    "report": ["report", "run0", "run1", "--out", f"page{ESCAPE}.html"],
    "verify": ["verify", f"{SAMPLE}", "reference.npz"],
    "verify of what is not there": ["verify", f"nothing{ESCAPE}.pt", "reference.npz"],
    "dashboard": ["dashboard", f"nothing{ESCAPE}", "--no-browser"],
    "a path that is not there": ["ls", f"nothing{ESCAPE}"],
    "a wrong option": ["ls", f"--{ESCAPE}"],
    "a wrong command": [f"l{ESCAPE}"],
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_no_escape_of_a_stranger_reaches_a_terminal(hostile: Path, arguments: list[str]) -> None:
    if arguments[0] == "ls" and len(arguments) < 3 and ESCAPE not in arguments[-1]:
        arguments = [arguments[0], ".", *arguments[1:]]
    status, shown = on_a_terminal(arguments, hostile)
    assert status in (0, 1, 2, 3)
    assert "Traceback" not in shown
    ours = OUR_PROGRESS if arguments[0] in WITH_PROGRESS else OUR_COLOURS
    left = ours.sub("", shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", left), left
    assert "]0;owned" in left and ("\\x1b]0;owned\\x07" in left or "\\u001b]0;owned\\u0007" in left)


def test_json_on_a_terminal_is_whole_and_says_every_character(hostile: Path) -> None:
    _, shown = on_a_terminal(["ls", "--json", "."], hostile)
    content = json.loads(shown)
    experiments = {f"{name}{ESCAPE}" for name in ("first", "second", "q902")}
    assert {run["experiment"] for run in content["runs"]} == experiments
    names = {Path(line["path"]).name for line in content["skipped"]}
    assert names == {f"notes{ESCAPE}.txt", os.fsdecode(b"caf\xe9\x9b2J.log")}


@given(text=st.text(st.characters(codec=None)))
def test_every_character_is_shown_or_escaped_and_print_can_write_it(text: str) -> None:
    shown = visible(text)
    assert shown.encode().decode() == shown
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in shown)
    assert visible(shown) == shown
    assert "\n" not in visible_line(text)


@given(text=st.text(st.characters(codec=None)))
def test_json_keeps_its_content(text: str) -> None:
    written = visible_json(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(written) == {text: text}
    assert visible(written) == written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1m\x1b[31merror: \x1b[0m", "\x1b[1m\x1b[31merror: \x1b[0m"),
        ("\x1b[1mq1\x1b[2J\x1b[0m\n", "\x1b[1mq1\\x1b[2J\x1b[0m\n"),
        ("q1\x1b[31m\x1b[0m", "q1\\x1b[31m\\x1b[0m"),
        ("\x1b[31mq1", "\\x1b[31mq1"),
        ("a\rb\tc\n", "a\\x0db\tc\n"),
    ],
)
def test_only_our_own_colours_pass(text: str, shown: str) -> None:
    stream = io.StringIO()
    assert VisibleText(stream).write(text) == len(text)
    assert stream.getvalue() == shown
    assert STYLED.fullmatch("plain") is None


def test_what_the_terminal_cannot_encode_is_written_as_its_escape() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    VisibleText(stream).write("\u03b1 = 1\n")
    stream.flush()
    assert raw.getvalue() == b"\\u03b1 = 1\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_error(closed: str) -> None:
    runs = Path(__file__).parents[1] / "sample_runs" / "q101"
    words = f"{shlex.quote(sys.executable)} -m app.cli ls {shlex.quote(str(runs))} {closed}"
    assert subprocess.run(["bash", "-c", words], check=False, stdin=subprocess.DEVNULL).returncode == 0

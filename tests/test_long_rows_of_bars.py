"""What is left out of a log to read it faster changes no answer: each quick way next to the slow one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ired_diag.readers import death as deaths
from ired_diag.readers import slurm_events
from ired_diag.readers.console_lines import without_middles_of_bars
from ired_diag.readers.death import NUMBERS, death

EVENTS = (
    "Traceback (most recent call last):\n  File 'a.py', line 3\nRuntimeError: CUDA out of memory.\n",
    "slurmstepd: error: *** JOB 137 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***\n",
    "/job/script: line 54: 36304 Killed   python\n",
    "Runtime\x1b[31mErr\x1b[0mor: CUDA error: device-side assert triggered\n",
    "fatal: Unable to read the tree\n",
    "Exception ignored in: <function f>\nTraceback (most recent call last):\nValueError: closed\n",
    "srun: error: n1: task 0: Exited with exit code 137\n",
    "usage: train [-h]\ntrain: error: unrecognized arguments: --x\n",
    "\n\n",
)
TABLE = "Validation Result @ Iteration {step}; Milestone = {step} (ID: {label})\n---  ---\n{rows}---  ---\n"


def bar(step: int, *, loss: float, colour: bool) -> str:
    end = "\x1b[A" if colour else ""
    return f"loss: {loss:.4f}:  {step // 100:2d}%|▏    | {step}/9000 [00:41<50:02, 32.98it/s]{end}\r"


def drawn_log(seed: int) -> bytes:
    """Return thousands of progress bars with a few events between them or at their end."""
    rng = np.random.default_rng(seed)
    bars = int(rng.integers(1100, 2600))
    events = dict.fromkeys(rng.integers(0, bars, rng.integers(0, 4)).tolist())
    if seed % 2:
        events[bars - 1] = None
    first_nan = bars - int(rng.integers(0, 30)) if seed % 3 == 0 else bars
    parts = ["Cloning into 'x'\n"]
    for step in range(bars):
        loss = float("nan") if step >= first_nan else 1 / (step + 1)
        parts.append(bar(step, loss=loss, colour=bool(seed % 4 == 1)))
        if step in events:
            parts.append(str(rng.choice(EVENTS)))
    return "".join(parts).encode()


@pytest.mark.parametrize("trained", [True, False, None])
@pytest.mark.parametrize("seed", range(24))
def test_the_cause_is_that_of_all_lines(
    seed: int, trained: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = drawn_log(seed)
    quick = death(content, trained=trained)
    monkeypatch.setattr(deaths, "without_middles_of_bars", lambda whole, *_: whole)
    assert death(content, trained=trained) == quick


def test_most_bars_are_left_out_and_no_text() -> None:
    content = drawn_log(5) + EVENTS[2].encode()
    short = without_middles_of_bars(content, lambda line: b"Killed" in line, NUMBERS)
    assert len(short) < len(content) / 2
    for event in EVENTS[:3]:
        assert short.count(event.strip().encode()) == content.count(event.strip().encode())


def test_a_word_in_two_colours_is_a_cause() -> None:
    ending = death(b"start\nRuntime\x1b[31mErr\x1b[0mor: CUDA out of memory. Tried to allocate 2 GiB.\n")
    assert ending is not None
    assert ending.cause == "cuda_oom"


@pytest.mark.parametrize("seed", range(12))
def test_tables_are_read_as_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    values = ("0.25", "1e-3", "nan", "inf", "1_0", "oops", "-3", "12")[: 8 if seed % 2 else 2]
    parts = []
    for number in range(60):
        step = 100 * (number % 40 if seed % 3 else number)
        names = ("mse", "mae", "acc")[: rng.integers(1, 4) if seed % 4 else 2]
        rows = "".join(f"{name}  {rng.choice(values)}\n" for name in names)
        label = rng.choice(("Validation", "Test (x"))
        parts.append(TABLE.format(step=step, label=label, rows=rows + "a line\n" * int(rng.integers(0, 2))))
        parts.append(f"[CD-DIAG step={step}] E_pos={rng.choice(values)} margin=1.5\n")
    content = "".join(parts).encode()
    quick = slurm_events.read_events(content)

    def one_by_one(label: str, matches: Sequence[object], batches: object) -> None:
        for match in matches:
            rows = slurm_events._table_rows(match["table"])  # type: ignore[index]
            batches.add(match.start(), int(match["step"]), label, rows)  # type: ignore[attr-defined,index]

    monkeypatch.setattr(slurm_events, "_add_tables", one_by_one)
    history, unreadable = slurm_events.read_events(content)
    assert quick == (history, unreadable)
    assert list(quick[0].series) == list(history.series)
    assert quick[0].starts == history.starts
    assert repr(quick[0].replaced) == repr(history.replaced)

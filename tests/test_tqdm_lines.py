"""Progress lines: the study's own, tqdm's format by its rules, and a reader that goes line by line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ired_diag.errors import UnreadableFile
from ired_diag.readers import slurm, tqdm_lines
from ired_diag.readers.tqdm_grammar import ELAPSED, RATE
from ired_diag.readers.tqdm_lines import Progress

NUMBER = r"[-0-9ni][-+.0-9einfa]*"
RECORD = re.compile(
    r"(?:(?P<text>[^|]*): +| *)(?P<percent>[0-9]{1,3})%\|[^|]*\| (?P<n>[0-9]{1,18})/"
    r"(?P<total>[1-9][0-9]{0,17}) \[(?P<clock>[0-9]+:[0-9:]+)<[-0-9:?]+, *"
    r"(?P<speed>[0-9?]+\.?[0-9]*[A-Za-z_]*/[A-Za-z_]+)"
    r"(?:, (?P<post>[^|\]]*))?\][^|]*"
)
NAMED = re.compile(rf"([A-Za-z_][^\s:=|,\]]*)[:=] ?({NUMBER})(?=[\s,]|$)", re.A)
CUT = re.compile(
    r"%\||[0-9](?:\w*/s|s/\w+)[,\]]|^[A-Za-z_][^\s:=|,\]]*[:=] ?-?(?:\d|nan|inf)[^\s:]*(?!\S)", re.A
)


def draw(
    text: str, n: int, total: int = 1000, *, seconds: int | None = None, rate: float = 32.98, post: str = ""
) -> str:
    """Return a record as tqdm's ``format_meter`` writes it."""
    at = n // 10 if seconds is None else seconds
    clock = (
        f"{at // 60:02d}:{at % 60:02d}" if at < 3600 else f"{at // 3600}:{at // 60 % 60:02d}:{at % 60:02d}"
    )
    bar = ("█" * (n * 10 // total)).ljust(10)
    speed = f"{rate:5.2f}it/s" if rate >= 1 else f"{1 / rate:5.2f}s/it"
    described = f"{text}: " if text else ""
    return f"\r{described}{n / total * 100:3.0f}%|{bar}| {n}/{total} [{clock}<50:02, {speed}{post}]"


def drawn_twice(texts: Sequence[str], *, total: int = 1000, start: int = 0) -> str:
    """Return the records of a loop that tells each step's text at the counter before and at its own."""
    told = ((text, n) for n, text in enumerate(texts, start=start))
    return "".join(draw(text, n, total) + draw(text, n + 1, total) for text, n in told)


def naive(content: bytes) -> tuple[dict[Any, list[tuple[int, dict[str, float]]]], int, int, int, bool]:
    """Read record by record: rows by layout, redraws, damaged, bars without numbers, torn tail."""
    tellings: dict[Any, list[dict[str, Any]]] = {}
    damaged = bare = 0
    torn = False
    records = re.split(r"[\r\n]", content.decode("latin-1"))
    for at, record in enumerate(records):
        told = RECORD.fullmatch(record)
        layout = told and _layout(told)
        if told and layout and layout[0] + layout[1]:
            rows = tellings.setdefault(layout, [])
            rows.append({**told.groupdict(), "damaged": damaged})
        elif layout:
            bare += 1
        elif CUT.search(record):
            torn |= at == len(records) - 1
            damaged += at < len(records) - 1
    return *_told(tellings, damaged), bare, torn


def _layout(told: re.Match[str]) -> Any:
    text, post = told["text"] or "", told["post"]
    names = _names(text)
    if names is None:
        if NAMED.search(text):
            return None
        names = ()
    after = () if post is None else _names(post, titled=False)
    if after is None or len({*names, *after}) < len(names + after):
        return None
    if after and not names and re.search("[:=]", text):
        return None
    return names, after, told["total"]


def _names(text: str, *, titled: bool = True) -> tuple[str, ...] | None:
    """Return the names of the pairs that a text ends in, if it is a title and pairs."""
    for title in re.finditer(r"(?:^|:? )", text) if titled else [re.match("", text)]:
        assert title
        before, rest, names = text[: title.start()], text[title.end() :], list[str]()
        while found := NAMED.match(rest):
            names.append(found[1])
            gap = re.match(",? ", rest[found.end() :])
            rest = rest[found.end() + (gap.end() if gap and found.end() + gap.end() < len(rest) else 0) :]
            if not gap:
                break
        if names and not rest and not re.search("[:=|]", before):
            return tuple(names)
    return None


def _told(tellings: Mapping[Any, list[dict[str, Any]]], in_file: int) -> Any:
    bars: dict[Any, list[tuple[int, dict[str, float]]]] = {}
    redraws, damaged = 0, in_file
    for layout, rows in tellings.items():
        others = [other for other, told in tellings.items() if other != layout and len(told) > 1]
        if len(rows) == 1 and any(o[2] == layout[2] or o[:2] == layout[:2] for o in others):
            damaged += 1
            continue
        kept: list[dict[str, Any]] = []
        wrong, last = 0, None
        for row in rows:
            row["text again"] = last == (_if(layout[0], row["text"]), _if(layout[1], row["post"]))
            last = (_if(layout[0], row["text"]), _if(layout[1], row["post"]))
            n, total = int(row["n"]), int(row["total"])
            row["values"] = _values(row)
            if round(n / total * 100) != int(row["percent"]) or row["values"] is None:
                wrong += 1
                continue
            kept.append({**row, "n": n, "damaged": row["damaged"] + wrong})
        final = in_file + wrong
        for i, row in enumerate(kept):
            n = row["n"]
            following = kept[i + 1]["n"] if i + 1 < len(kept) else -1
            cut = (kept[i + 1]["damaged"] if i + 1 < len(kept) else final) > row["damaged"]
            was_cut = row["damaged"] > (kept[i - 1]["damaged"] if i else 0)
            ends = following < n or cut
            if following == n or (ends and (row["text again"] or (cut and was_cut))):
                redraws += 1
            else:
                bars.setdefault(layout, []).append((n + 1, row["values"]))
        damaged += wrong
    return bars, redraws, damaged


def _if(names: Sequence[str], text: str | None) -> str | None:
    return text if names else None


def _values(row: Mapping[str, Any]) -> dict[str, float] | None:
    pairs = NAMED.findall(row["text"] or "") + NAMED.findall(row["post"] or "")
    try:
        values = {name: float(value) for name, value in pairs}
    except ValueError:
        return None
    clock = re.fullmatch(r"(?:([0-9]+):)?([0-9]+):([0-5][0-9])", row["clock"])
    hours, minutes, seconds = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    values[ELAPSED] = 3600.0 * hours + 60 * minutes + seconds if clock else math.nan
    speed = re.match(r"([0-9]+\.?[0-9]*)(s/)?", row["speed"])
    value = float(speed[1]) if speed else math.nan
    values[RATE] = value if not speed or not speed[2] else 1 / value if value else math.inf
    return values


def assert_as_naive(path: Path, told: Progress) -> None:
    bars, redraws, damaged, bare, torn = naive(path.read_bytes())
    assert (told.redraws, told.damaged, told.without_numbers, told.torn_tail) == (
        redraws,
        damaged,
        bare,
        torn,
    )
    assert len(told.bars) == len(bars)
    found = sorted(_comparable(bar.steps.tolist(), bar.columns) for bar in told.bars)
    expected = sorted(
        _comparable([step for step, _ in rows], {k: np.array([v[k] for _, v in rows]) for k in rows[0][1]})
        for rows in bars.values()
    )
    assert found == expected


def _comparable(steps: list[int], columns: Mapping[str, Any]) -> Any:
    named = {k.encode("ascii", "backslashreplace") if k.isascii() else b"?": v for k, v in columns.items()}
    return steps, sorted((k, v.astype(float).tobytes()) for k, v in named.items())


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "job.err"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


TEXTS = [f"loss: {1 / (i + 1):.4f} E_pos: {-i * 1.5:.2f}" for i in range(40)]
EVALUATION = "\n\rsampling loop: 100%|██████████| 10/10 [00:00<00:00, 80.78it/s]\x1b[A\n"


def test_the_text_at_a_counter_belongs_to_the_next_step_and_redraws_are_dropped(tmp_path: Path) -> None:
    told = tqdm_lines.read(write(tmp_path, "Cloning\n" + draw("", 0) + drawn_twice(TEXTS)))
    (bar,) = told.bars
    assert (bar.total, told.redraws, told.damaged, told.without_numbers) == (1000, 40, 0, 1)
    np.testing.assert_array_equal(bar.steps, np.arange(1, 41))
    np.testing.assert_array_equal(bar.columns["loss"], [round(1 / i, 4) for i in range(1, 41)])
    np.testing.assert_array_equal(bar.columns["E_pos"], -1.5 * np.arange(40))


def test_equal_texts_of_two_steps_are_two_steps(tmp_path: Path) -> None:
    (bar,) = tqdm_lines.read(write(tmp_path, drawn_twice(["loss: 0.5"] * 5))).bars
    np.testing.assert_array_equal(bar.steps, np.arange(1, 6))
    once = "".join(draw("loss: 0.5", n) for n in range(5)) + draw("loss: 0.6", 5)
    (bar,) = tqdm_lines.read(write(tmp_path, once)).bars
    np.testing.assert_array_equal(bar.steps, np.arange(1, 7))


def test_a_restart_goes_back_and_its_last_redraw_is_dropped(tmp_path: Path) -> None:
    (bar,) = tqdm_lines.read(write(tmp_path, drawn_twice(TEXTS[:3]) + drawn_twice(TEXTS[5:7]))).bars
    np.testing.assert_array_equal(bar.steps, [1, 2, 3, 1, 2])


def test_numbers_in_the_postfix_are_read(tmp_path: Path) -> None:
    drawn = "".join(draw("Epoch 3", n, post=f", loss={n}e-05, lr=0.1, x=nan") for n in range(4))
    (bar,) = tqdm_lines.read(write(tmp_path, drawn)).bars
    np.testing.assert_array_equal(bar.columns["loss"], [0.0, 1e-5, 2e-5, 3e-5])
    assert np.isnan(bar.columns["x"]).all()


def test_elapsed_and_rate_are_in_seconds(tmp_path: Path) -> None:
    drawn = draw("loss: 1", 0, seconds=61, rate=0.5) + draw("loss: 2", 1, seconds=7262, rate=4)
    (bar,) = tqdm_lines.read(write(tmp_path, drawn)).bars
    np.testing.assert_array_equal(bar.columns[ELAPSED], [61, 7262])
    np.testing.assert_array_equal(bar.columns[RATE], [0.5, 4.0])


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ("E_pos: -15.00:", "E_pos: -1x.00:"),  # a value that is no number
        ("E_pos: -15.00:", "E_pos: -1.5.0:"),
        (" 10/1000", " 810/1000"),  # a counter that its percentage denies
        ("| 10/1000", "  10/1000"),
        ("E_pos: -15.00:", "E_qos: -15.00:"),  # a name told once
    ],
)
def test_a_damaged_record_is_skipped_and_counted(tmp_path: Path, found: str, left: str) -> None:
    content = "".join(draw(text, n) for n, text in enumerate(TEXTS))
    assert content.count(found) == 1
    told = tqdm_lines.read(write(tmp_path, content.replace(found, left)))
    assert told.damaged == 1
    np.testing.assert_array_equal(told.bars[0].steps, [s for s in range(1, 41) if s != 11])


def test_a_lost_separator_costs_both_records_and_is_counted(tmp_path: Path) -> None:
    content = "".join(draw(text, n) for n, text in enumerate(TEXTS)).replace(
        "\rloss: 0.1000", "!loss: 0.1000"
    )
    told = tqdm_lines.read(write(tmp_path, content))
    assert told.damaged == 1
    np.testing.assert_array_equal(told.bars[0].steps, [s for s in range(1, 41) if s not in (9, 10)])


def test_a_redraw_between_damaged_records_is_not_taken_for_a_step(tmp_path: Path) -> None:
    records = drawn_twice(TEXTS[:6]).split("\r")[1:]
    for lost in (4, 6):  # the texts of steps 3 and 4, drawn first; between them the redraw of step 3
        records[lost] = records[lost].replace("%|", "%!")
    told = tqdm_lines.read(write(tmp_path, "\r" + "\r".join(records)))
    np.testing.assert_array_equal(told.bars[0].steps, [1, 2, 5, 6])
    assert told.damaged == 2


def test_a_torn_tail_is_told_and_nothing_is_read_from_it(tmp_path: Path) -> None:
    whole = drawn_twice(TEXTS[:5])
    for length in range(0, len(whole.encode()), 7):
        told = tqdm_lines.read(write(tmp_path, whole.encode()[:length]))
        steps = told.bars[0].steps if told.bars else np.arange(0)
        np.testing.assert_array_equal(steps, np.arange(1, len(steps) + 1))
        if told.bars:
            expected = [round(1 / (i + 1), 4) for i in range(len(steps))]
            np.testing.assert_array_equal(told.bars[0].columns["loss"], expected)
        assert told.damaged == 0


def test_chosen_columns_are_the_same_as_when_all_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, drawn_twice(TEXTS) + EVALUATION + drawn_twice(TEXTS, start=40))
    every, chosen = tqdm_lines.read(path), tqdm_lines.read(path, names=["loss"])
    assert list(chosen.bars[0].columns) == ["loss"]
    np.testing.assert_array_equal(chosen.bars[0].steps, every.bars[0].steps)
    np.testing.assert_array_equal(chosen.bars[0].columns["loss"], every.bars[0].columns["loss"])
    assert (chosen.redraws, chosen.without_numbers) == (every.redraws, every.without_numbers)


@pytest.mark.parametrize("content", ["", "\n", "\r\r\n", "no bar\n", "\0" * 999, "loss: ", "%|", "\r" * 999])
def test_a_file_without_bars_tells_nothing(tmp_path: Path, content: str) -> None:
    assert tqdm_lines.read(write(tmp_path, content)).bars == ()


def test_a_missing_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        tqdm_lines.read(tmp_path / "none.err")


BAR = st.sampled_from(
    [*TEXTS[:12], "x=1 y=nan", "Epoch 2: loss: 1e-05 E_pos: -inf", "running", "", "loss: 1.2.3"]
)
PIECE = st.one_of(
    st.builds(draw, BAR, st.integers(0, 12), st.sampled_from([12, 1000])),
    st.builds(lambda text, n: draw("", n, post=f", {text}"), BAR, st.integers(0, 12)),
    st.builds(lambda n: drawn_twice(TEXTS[n : n + 6], start=n), st.integers(0, 30)),
    st.sampled_from([EVALUATION, "\n", "Killed\n", "\rloss: 0.1 E_p", "Traceback\n", "\rNote: 5 x\n", "|"]),
)
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(
    pieces=st.lists(PIECE, max_size=30),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 127)), max_size=8),
    sizes=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
)
def test_any_bytes_in_any_chunks_are_read_as_line_by_line(
    tmp_path: Path, pieces: list[str], flips: list[tuple[int, int]], sizes: tuple[int, int]
) -> None:
    content = bytearray("".join(pieces).replace("█", "#").encode())
    for at, byte in flips:
        if content:
            content[at % len(content)] = byte
    path = write(tmp_path, bytes(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tqdm_lines, "FIRST_CHUNK", sizes[0])
        patch.setattr(tqdm_lines, "CHUNK", sizes[1])
        assert_as_naive(path, tqdm_lines.read(path))


@FUZZ
@given(st.binary(max_size=400))
def test_random_bytes_neither_raise_nor_hang(tmp_path: Path, content: bytes) -> None:
    tqdm_lines.read(write(tmp_path, content))


@pytest.mark.parametrize("log", ["ired_q203_cd_replay_61091859_7", "ired_q220_8s_61638527_1"])
def test_the_studys_steps_are_all_there_and_agree_with_its_tables(shared: Path, log: str) -> None:
    path = shared / "ired_logs" / f"{log}.err"
    told = tqdm_lines.read(path)
    (bar,) = told.bars
    np.testing.assert_array_equal(bar.steps, np.arange(1, len(bar.steps) + 1))
    assert told.damaged == 0
    assert_as_naive(path, told)
    evaluated = slurm.read(path.with_suffix(".out")).history.series["train/mse_error"].steps
    records = re.split(rb"[\r\n]", path.read_bytes())
    breaks = [
        int(found[1])
        for record, after in pairwise(records)
        if not after and (found := re.search(rb"loss: .*\| (\d+)/100000 \[", record))
    ]
    # The bar breaks off for the evaluation after step n + 1 with the text at counter n.
    np.testing.assert_array_equal(np.array(breaks[: len(evaluated)]) + 1, evaluated)


def test_the_diagnostics_of_a_step_are_in_the_text_of_the_counter_before(shared: Path) -> None:
    path = shared / "ired_logs" / "ired_q220_8s_61638527_1.err"
    (bar,) = tqdm_lines.read(path).bars
    printed = slurm.read(path.with_suffix(".out")).history.series["TAM-GC-DIAG/mse_pos"]
    at = printed.steps - 1  # the bar's steps are 1, 2, 3, …
    rounding = 0.5e-4 + 0.5e-6  # four digits in the bar, six in the diagnostics
    agree = [
        float(np.mean(np.abs(bar.columns["loss_denoise"][at + shift] - printed.values) < rounding))
        for shift in (-1, 0, 1)
    ]
    assert len(at) == 80
    assert agree[1] == 1
    assert max(agree[0], agree[2]) < 0.1


def test_the_bar_beside_a_log_gives_the_run_its_training_loss(write_log: Callable[..., Path]) -> None:
    drawn = "\r".join(
        f"loss: {2 - n / 3000:.6f}: {n / 3000 * 100:3.0f}%|   | {n}/3000 [00:01<00:02, 30.00it/s]"
        for n in range(3000)
    )
    alone = slurm.read(write_log(1001, err="nothing drawn\n"))
    attempt = slurm.read(write_log(1002, err=f"started\n{drawn}\n"))
    loss = attempt.history.series["train/loss"]
    assert loss.steps.tolist() == list(range(1, 3001))
    np.testing.assert_allclose(loss.values, 2 - (loss.steps - 1) / 3000, atol=1e-6)
    assert ("train/loss" in alone.history.series, attempt.evaluations) == (False, alone.evaluations)
    stored = {(row.step, name): value for row in attempt.history.rows() for name, value in row.values.items()}
    assert stored[3000, "train/loss"] == loss.values[-1]
    assert stored[3000, "validation/mse"] == 0.0102

"""Many lines at once against the same lines one by one, and what else is counted in a text log."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from ired_diag.readers import text_log, text_scan
from ired_diag.readers.text_columns import columns_of, numbers_by_line
from ired_diag.readers.text_layout import layout_of, plain
from ired_diag.readers.text_scan import scan

TEMPLATES = (
    "step:{i}/900 val_loss:{x:.5f} time:{y:.2f}ms",
    "iter {i:6d}: loss {x:8.4f}, lr {z:.2e}, time {y:.1f}s",
    " iteration {i:8d}/ 900 | lm loss: {z:.6E} | grad norm: {x:.3f} | number of nan iterations:   0 |",
    "[2024-01-0{d} 10:00:{d}{d}] step {i} acc1 {x} acc5 {y} top-1 {z}",
    "step {i} loss {odd} x2 {y:.3f}",
    "Epoch: [{d}][{i}/900]\tLoss {x:.4e} ({y:.4e})\tAcc@1 {y:6.2f} ({x:6.2f})",
    "step {i:,} loss {x:.3f}",
    "nothing {i} of note {d}.",
)
ODD = ("nan", "inf", "-inf", "+1.5", "1.", ".5", "-3e-5", "1_0", "0x1f", "", "2.1.0", "--3", "1e999")


def by_line(lines: list[str]) -> dict[str, list[tuple[int, float]]]:
    """Return the numbers of each name, read line by line."""
    result = defaultdict(list)
    for number, line in enumerate(lines):
        text = plain(line.encode())
        layout = layout_of(text)
        values = iter(numbers_by_line(text, layout))
        for field in layout.fields:
            result[field.name].append((number, next(values)))
            if field.total:
                result[f"{field.name} total"].append((number, next(values)))
    return dict(result)


def at_once(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the same of a scan."""
    result: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for lines in scan(path).lines.values():
        numbers, values = lines.joined()
        column = 0
        for field in lines.layout.fields:
            for name in [field.name, f"{field.name} total"][: 1 + (field.total is not None)]:
                result[name] += zip(numbers.tolist(), values[:, column].tolist(), strict=True)
                column += 1
    return {name: sorted(points) for name, points in result.items()}


def log(rng: np.random.Generator, n: int) -> list[str]:
    lines = []
    for i in range(n):
        template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
        x, y, z = rng.normal(size=3) * 10.0 ** rng.integers(-3, 4, 3)
        odd = ODD[int(rng.integers(len(ODD)))]
        lines.append(template.format(i=i, x=x, y=abs(y), z=z, d=int(rng.integers(1, 10)), odd=odd))
    return lines


@pytest.mark.parametrize("seed", range(3))
def test_many_lines_at_once_are_the_lines_one_by_one(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_scan, "BLOCK", 1 << 14)
    lines = log(np.random.default_rng(seed), 1500)
    path = tmp_path / "train.log"
    path.write_text("\n".join(lines) + "\n")
    naive, fast = by_line(lines), at_once(path)
    assert fast.keys() == naive.keys()
    for name, points in naive.items():
        assert [number for number, _ in fast[name]] == [number for number, _ in points], name
        np.testing.assert_array_equal([v for _, v in fast[name]], [v for _, v in points], err_msg=name)


def test_digits_of_names_are_not_mixed_up(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("".join(f"step {i} acc{1 + i % 2} {i / 10}\n" for i in range(200)))
    points = at_once(path)
    assert points["acc1"] == [(i, i / 10) for i in range(0, 200, 2)]
    assert points["acc2"] == [(i, i / 10) for i in range(1, 200, 2)]


def test_a_number_that_is_missing_is_taken_from_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("".join(f"step:{i} loss:{'' if i == 50 else i} lr:0.1\n" for i in range(100)))
    assert [number for number, _ in at_once(path)["loss"]] == [i for i in range(100) if i != 50]


def test_columns_keep_the_texts_of_names() -> None:
    columns = columns_of(layout_of(b"step 5 acc1 0.25 acc5 0.5"))
    assert columns is not None
    assert {text for _, text in columns.constants} == {b"1", b"5"}


def test_bars_rules_and_other_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(
        b"hello 1\nhello 2\n\n-----\n 10%|#  | 1/10 [00:01<00:09]\r 20%|## | 2/10 [00:02<00:08]\r\n"
        b"\x1b[32mstep 1 loss 2\x1b[0m\r\nstep 2 loss 1\n" + b"y" * 20000 + b"\n"
    )
    result = scan(path)
    assert dict(result.counts) == {"other": 3, "blank": 1, "rule": 1, "bar": 2, "row": 2}
    assert result.forms.most_common(1) == [(b"hello #", 2)]
    assert result.too_long == 1


@pytest.mark.parametrize(
    ("end", "kept"),
    [("step 3 loss 2.17", 2), ("step 3 loss 2.174", 3), ("step 3 loss 2.174\n", 3), ("step 3 los", 2)],
)
def test_a_last_line_that_may_hold_half_a_number_is_left_out(end: str, kept: int, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("step 1 loss 3.141\nstep 2 loss 2.718\n" + end)
    result = scan(path)
    assert result.counts["row"] == kept
    assert bool(result.torn) == (kept == 2)


def test_a_file_without_a_newline_is_read_in_bounded_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_scan, "BLOCK", 1 << 16)
    path = tmp_path / "train.log"
    path.write_bytes(b"loss: 1 " * (1 << 17))
    assert scan(path).counts["row"] == 0


def test_wrapped_numbers_are_read_in_uniform_and_in_mixed_logs_and_nested_ones_end(tmp_path: Path) -> None:
    deep = "float(" * 5000 + "1" + ")" * 5000
    for others in (0, 3):
        lines = []
        for i in range(60):
            lines.append(f"step {i} loss tensor(0.{i:02d}, device='cuda:0') acc np.float64(0.5)")
            lines += [f"word {'x' * i} {other}" for other in range(others)]
        lines.append(f"deep {deep}")
        path = tmp_path / "train.log"
        path.write_text("\n".join(lines) + "\n")
        series = text_log.read(path).history.series
        assert series["loss"].values.tolist() == [float(f"0.{i:02d}") for i in range(60)]
        assert series["acc"].values.tolist() == [0.5] * 60

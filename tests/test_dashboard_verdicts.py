"""Verdicts in the cache: the same as anew, found by their curve alone, and harmless when damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.dashboard import verdict_cache
from app.dashboard.verdict_cache import kept_verdict, shrink
from ired_diag.runs.ending import Ending
from ired_diag.runs.run import Run
from ired_diag.verdict import Verdict, verdict_of
from tests.made_runs import made_run


def run(name: str = "q901", *, n: int = 2000, rise: float = 0.0) -> Run:
    x = np.arange(1, n + 1)
    y = 1 / x + 0.01 * (1 + rise * (x > n // 2) * (x - n // 2) / n)
    return made_run(name, every=1, path=Path(name), validation__mse=y)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    calls: list[Run] = []

    def judged(one: Run) -> Verdict:
        calls.append(one)
        return verdict_of(one)

    monkeypatch.setattr(verdict_cache, "verdict_of", judged)
    return calls


def test_a_curve_is_judged_once_whatever_its_run_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    first = kept_verdict(run(), folder=tmp_path)
    assert first == verdict_of(run())
    again = kept_verdict(replace(run("other"), ending=Ending("traceback")), folder=tmp_path)
    assert (again.run, again.completion, again.shape) == ("other/seed0", "failed", first.shape)
    assert len(calls) == 1


def test_another_curve_or_another_code_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    kept_verdict(run(), folder=tmp_path)
    assert kept_verdict(run(rise=300.0), folder=tmp_path) == verdict_of(run(rise=300.0))
    monkeypatch.setattr(verdict_cache, "_judges", lambda: b"other code")
    kept_verdict(run(), folder=tmp_path)
    assert len(calls) == 3


@pytest.mark.parametrize("content", ["", "{", '{"shape": 1, "unknown": 2}', "[]", "null"])
def test_a_damaged_file_only_means_that_the_curve_is_judged_again(tmp_path: Path, content: str) -> None:
    first = kept_verdict(run(), folder=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert kept_verdict(run(), folder=tmp_path) == first
    assert kept_verdict(run(), folder=tmp_path) == first


def test_a_place_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kept_verdict(run(), folder=tmp_path / "file") == verdict_of(run())


def test_short_curves_leave_no_file_and_old_ones_are_removed(tmp_path: Path) -> None:
    kept_verdict(run(n=50), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    for rise in (0.0, 10.0, 20.0, 30.0):
        kept_verdict(run(rise=rise), folder=tmp_path)
    shrink(tmp_path, most=2)
    assert len(list(tmp_path.iterdir())) == 2

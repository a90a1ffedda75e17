"""Runs as bytes and back."""

from __future__ import annotations

import os
import pickle
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers.logs import read_log
from ired_diag.runs.packed_runs import pack, unpack
from ired_diag.runs.run import Run

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def _parts(run: Run) -> str:
    """Return all that a run holds, as text: equality leaves out what two NaN would break."""
    series = {name: (s.steps.tobytes(), s.values.tobytes()) for name, s in run.history.series.items()}
    history = run.history
    rest = [getattr(run, field.name) for field in fields(run) if field.name not in ("history", "attempts")]
    counted = (history.attempts, history.bad_lines, history.torn_tail, history.starts, history.replaced)
    return repr((rest, series, counted, list(map(_parts, run.attempts))))


def test_what_is_packed_comes_back_whole() -> None:
    runs = open_study(SAMPLES).runs
    assert len(runs) > 9
    assert list(map(_parts, unpack(pack(runs)))) == list(map(_parts, runs))


def test_logs_of_all_kinds_come_back_whole(shared: Path) -> None:
    count = 0
    for path in sorted((shared / "cases").rglob("*")):
        if not path.is_file():
            continue
        try:
            runs = read_log(path)
        except DiagError:
            continue
        assert list(map(_parts, unpack(pack(runs)))) == list(map(_parts, runs))
        count += 1
    assert count > 30


def test_a_name_that_is_not_on_the_list_is_refused_and_not_called(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    for content in (pickle.dumps(Touch()), pickle.dumps([Touch()]), pickle.dumps(print)):
        with pytest.raises(UnreadableFile, match="damaged"):
            unpack(content)
    assert not (tmp_path / "made").exists()


def test_damaged_bytes_are_refused() -> None:
    content = pack(open_study(SAMPLES / "q101").runs)
    for damaged in (b"", content[:-1], content[: len(content) // 2], pickle.dumps(["no run"]), b"\x80\x05N."):
        with pytest.raises(UnreadableFile):
            unpack(damaged)


def test_what_could_not_be_unpacked_is_not_packed() -> None:
    run = open_study(SAMPLES / "q101").runs[0]
    with pytest.raises(TypeError):
        pack([replace(run, provenance={"job": np.array([object()])})])
    with pytest.raises(TypeError):
        pack([replace(run, provenance={"job": pickle.Pickler})])

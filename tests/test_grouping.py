"""Names and paths from a command line: order, and clashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ired_diag.errors import AmbiguousName, DiagError
from ired_diag.grouping import group_runs
from ired_diag.importing import import_logs

LogWriter = Callable[..., Path]


@pytest.fixture
def folders(write_log: LogWriter, tmp_path: Path) -> Path:
    """Logs of q900 and q901 in folders of their own, and both imported into ``runs``."""
    for number, name in enumerate(("q900_synthetic", "q901_other")):
        write_log(1001 + number, folder=name[:4], config={"experiment_name": name})
    import_logs([tmp_path / "q900", tmp_path / "q901"], tmp_path / "runs")
    return tmp_path


@pytest.mark.parametrize("order", [("q900", "q901"), ("q901", "q900")])
def test_groups_stand_in_the_order_given_whether_named_or_pointed_at(
    folders: Path, order: tuple[str, str]
) -> None:
    first, second = order
    for arguments in (
        [first, second],
        [str(folders / first), str(folders / second)],
        [first, str(folders / second)],
        [str(folders / first), second],
    ):
        assert list(group_runs(arguments, folders / "runs")) == [first, second]


def test_a_group_meant_by_a_name_and_by_a_path_is_refused(folders: Path) -> None:
    with pytest.raises(AmbiguousName, match=r"q900.* is both a run name and a path"):
        group_runs([str(folders / "q900"), "q900"], folders / "runs")


def test_a_path_that_cannot_be_looked_up_is_taken_for_a_name_and_not_found(folders: Path) -> None:
    with pytest.raises(DiagError, match="No run is named"):
        group_runs(["x" * 400], folders / "runs")


def test_err_files_named_beside_their_logs_are_read_with_them(write_log: LogWriter, tmp_path: Path) -> None:
    log = write_log(1003, err="warning\n")
    both = [str(log), str(log.with_suffix(".err"))]
    assert [len(runs) for runs in group_runs(both, tmp_path).values()] == [1]
    import_logs([Path(path) for path in both], tmp_path / "again")

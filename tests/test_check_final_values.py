"""A table of final values stands for the runs: a report is held against it, and against no other metric."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.claims import Checked, check_report
from ired_diag.final_values import open_runs_or_table

BASELINE = (0.44532, 0.43983, 0.41068, 0.43515, 0.43997, 0.43272, 0.42824, 0.43513)
MUON = (0.42471, 0.40993, 0.40736, 0.42683, 0.41038, 0.40633, 0.43107, 0.40944)
SECONDS = (118.2, 119.1, 117.4, 118.8, 120.3, 118.0, 119.9, 118.5)
LONG = "method,seed,val_loss,train_seconds\n" + "".join(
    f"{name},{seed},{value},{seconds}\n"
    for name, values in (("baseline", BASELINE), ("muon", MUON))
    for seed, (value, seconds) in enumerate(zip(values, SECONDS, strict=True))
)
WIDE = "seed,baseline,muon\n" + "".join(
    f"{seed},{a},{b}\n" for seed, (a, b) in enumerate(zip(BASELINE, MUON, strict=True))
)
REPORT = (
    "| method | val loss |\n|---|---|\n| baseline | 0.433 |\n| muon | {mean} |\n\n"
    "Muon vs. baseline: p = {p}.\n"
)


def checked(folder: Path, table: str, report: str, *, is_folder: bool = True) -> Checked:
    (folder / "finals.csv").write_text(table)
    (folder / "notes.txt").write_text("written by hand\n")
    return check_report(report, open_runs_or_table(folder if is_folder else folder / "finals.csv"))


def accusations(result: Checked) -> list[str]:
    return [f.statement for f in result.findings if f.severity != "note"]


@pytest.mark.parametrize("is_folder", [True, False])
@pytest.mark.parametrize("table", [LONG, WIDE])
def test_a_right_report_of_a_table_of_final_values_holds(tmp_path: Path, table: str, is_folder: bool) -> None:
    result = checked(tmp_path, table, REPORT.format(mean="0.416", p="0.004"), is_folder=is_folder)
    assert (accusations(result), dict(result.counts)) == ([], {"holds": 3, "fails": 0, "unchecked": 0})


@pytest.mark.parametrize("table", [LONG, WIDE])
@pytest.mark.parametrize(("mean", "p"), [("0.426", "0.004"), ("0.416", "0.04")])
def test_a_wrong_number_of_a_table_of_final_values_is_found(
    tmp_path: Path, table: str, mean: str, p: str
) -> None:
    assert len(accusations(checked(tmp_path, table, REPORT.format(mean=mean, p=p)))) == 1


def test_a_table_that_names_no_metric_accuses_no_report_of_another_metric(tmp_path: Path) -> None:
    report = REPORT.replace("val loss", "test acc").replace("0.433", "0.81")
    result = checked(tmp_path, WIDE, report.format(mean="0.84", p="0.2"))
    assert accusations(result) == []
    assert result.counts["unchecked"] == 3


def test_the_next_command_on_a_table_of_final_values_runs(tmp_path: Path) -> None:
    (tmp_path / "finals.csv").write_text(WIDE)
    (tmp_path / "report.md").write_text(REPORT.format(mean="0.426", p="0.004"))
    runs = ["--runs", str(tmp_path / "finals.csv")]
    found = CliRunner().invoke(main, ["check", str(tmp_path / "report.md"), *runs])
    assert f"ired-diag stats muon baseline --runs {tmp_path / 'finals.csv'}" in found.output
    compared = CliRunner().invoke(main, ["stats", "muon", "baseline", *runs])
    assert (compared.exit_code, "better than baseline" in compared.output) == (0, True)

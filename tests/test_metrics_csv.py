"""Metrics as CSV: Lightning's, wandb's and plain ones, written here as those tools write them."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.errors import DiagError, UnreadableFile
from ired_diag.open import open_study
from ired_diag.readers import metrics_csv
from ired_diag.readers.scalar_log import ScalarLog

LIGHTNING = "epoch,step,train/loss,val/loss\n0,49,0.71,\n0,99,,0.68\n1,149,0.5,\n"
WANDB = (
    '"Step","mild-sun-7 - loss","mild-sun-7 - loss__MIN","mild-sun-7 - loss__MAX"\n'
    '"0","0.75","0.75","0.75"\n"10","0.5","0.25","0.5"\n"20","NaN","NaN","NaN"'
)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "metrics.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def told(log: ScalarLog) -> dict[str, list[tuple[int, float]]]:
    return {n: list(zip(p.steps.tolist(), p.values.tolist(), strict=True)) for n, p in log.points.items()}


def test_lightnings_empty_cells_are_metrics_not_told(tmp_path: Path) -> None:
    path = written(tmp_path, LIGHTNING)
    assert metrics_csv.accepts(path)
    assert told(metrics_csv.read(path)) == {
        "epoch": [(49, 0), (99, 0), (149, 1)],
        "train/loss": [(49, 0.71), (149, 0.5)],
        "val/loss": [(99, 0.68)],
    }


def test_wandbs_export_loses_the_runs_name_and_keeps_the_bounds_that_tell_something(tmp_path: Path) -> None:
    path = written(tmp_path, WANDB)
    assert metrics_csv.accepts(path)
    log = metrics_csv.read(path)
    assert list(log.points) == ["loss", "loss__MIN"]
    np.testing.assert_array_equal(log.points["loss"].values, [0.75, 0.5, math.nan])
    assert log.stated == {"run": "mild-sun-7"}


def test_an_export_of_two_runs_is_two_logs(tmp_path: Path) -> None:
    path = written(tmp_path, '"Step","a - b - loss","c - loss"\n"1","2","3"\n')
    with pytest.raises(DiagError, match="found 2: a - b, c"):
        metrics_csv.read(path)
    runs = metrics_csv.read_runs(path)
    assert {run: told(log) for run, log in runs.items()} == {
        "a - b": {"loss": [(1, 2.0)]},
        "c": {"loss": [(1, 3.0)]},
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2,3,4", "4 cells"),
        ("1", "1 cells"),
        ("x,1,2", "'x' is not a number"),
        ("1.5,1,2", "not a whole number"),
        ("99999999999999999999,1,2", "not a whole number"),
        ("nan,1,2", "not a whole number"),
        ('"1,1,2', "not CSV"),
        ("1,1_0,2", "a: '1_0' is not a number"),
        ("1,1e999,2", "too large"),
        ("1,1\0,2", "is not a number"),
        ("1,٣,2", "is not a number"),
    ],
)
def test_a_damaged_line_is_skipped_and_counted(tmp_path: Path, line: str, reason: str) -> None:
    log = metrics_csv.read(written(tmp_path, f"step,a,b\n0,1,2\n{line}\n2,1,2\n"))
    assert [damage.where for damage in log.damaged] == [3]
    assert reason in log.damaged[0].reason
    assert told(log)["a"] == [(0, 1.0), (2, 1.0)]


def test_a_wrong_cell_costs_that_cell_alone(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "step,a,b\n0,1,2\n1,oops,3\n"))
    assert told(log) == {"a": [(0, 1.0)], "b": [(0, 2.0), (1, 3.0)]}


def test_a_column_of_texts_is_left_out_and_is_no_damage(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "step,phase,loss\n0,warm,1\n1,main,2\n"))
    assert (log.left_out, log.damaged, list(log.points)) == ({"phase": 2}, (), ["loss"])


def test_a_torn_tail_names_the_line_and_the_switch(tmp_path: Path) -> None:
    path = written(tmp_path, LIGHTNING + "1,199,0.4")
    with pytest.raises(UnreadableFile, match=r"'1,199,0\.4'.*allow_torn_tail=True .*--allow-torn-tail"):
        metrics_csv.read(path)
    log = metrics_csv.read(path, allow_torn_tail=True)
    assert log.torn_tail
    assert told(log) == told(metrics_csv.read(written(tmp_path, LIGHTNING)))


def test_a_last_line_that_a_quote_closes_is_whole(tmp_path: Path) -> None:
    assert not metrics_csv.read(written(tmp_path, WANDB)).torn_tail
    with pytest.raises(UnreadableFile, match="allow_torn_tail"):
        metrics_csv.read(written(tmp_path, WANDB[:-1]))


def test_the_step_column_is_found_or_chosen_or_missed_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, "epoch,Global_Step,batch,loss\n1,10,100,0.5\n")
    assert told(metrics_csv.read(path))["loss"] == [(10, 0.5)]
    assert told(metrics_csv.read(path, step="batch"))["loss"] == [(100, 0.5)]
    with pytest.raises(UnreadableFile, match=r"\(batches\), found 'epoch'"):
        metrics_csv.read(path, step="batches")
    other = written(tmp_path, "time,loss\n1,2\n")
    assert not metrics_csv.accepts(other)
    with pytest.raises(UnreadableFile, match="counts steps"):
        metrics_csv.read(other)


def test_columns_of_one_name_are_both_read_and_named_where_they_differ(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "step,loss,loss\n1,2,3\n"))
    assert told(log) == {"loss": [(1, 2.0)], "loss.2": [(1, 3.0)]}
    assert [finding.rule for finding in log.findings] == ["columns_of_one_name"]
    log = metrics_csv.read(written(tmp_path, "step,loss,step,loss\n1,2,1,2\n"))
    assert (told(log), log.findings) == ({"loss": [(1, 2.0)]}, ())
    with pytest.raises(UnreadableFile, match="one column 'step', found two that differ"):
        metrics_csv.read(written(tmp_path, "step,loss,step,mse\n1,2,5,2\n"))


@pytest.mark.parametrize("word", ["", "NA", "N/A", "null", "None", "-", " na "])
def test_words_for_not_measured_are_no_damage(tmp_path: Path, word: str) -> None:
    log = metrics_csv.read(written(tmp_path, f"epoch,loss,val_loss\n0,2,{word}\n1,1,3\n"))
    assert (told(log)["val_loss"], log.damaged, log.findings) == ([(1, 3.0)], (), ())


def test_a_header_in_the_middle_begins_an_appended_session(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "epoch,loss\n0,2\n1,1\nepoch,loss\n2,0.5\n"))
    assert (told(log), log.findings) == ({"loss": [(0, 2.0), (1, 1.0), (2, 0.5)]}, ())
    log = metrics_csv.read(written(tmp_path, "epoch,loss\n0,2\n1,1\nepoch,val_loss,loss\n2,9,0.5\n"))
    assert told(log) == {"loss": [(0, 2.0), (1, 1.0), (2, 0.5)], "val_loss": [(2, 9.0)]}
    log = metrics_csv.read(written(tmp_path, "epoch,loss\n0,2\n1,1\n2,1\nepoch,loss\n1,0.5\n"))
    assert log.history.series["loss"].values.tolist() == [2.0, 0.5]


def test_a_row_without_a_step_is_read_at_the_step_of_the_row_before(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "loss,step,eval\n1,0,\n,,5\n2,20,\n3,40,\n,,6\n"))
    assert told(log) == {"loss": [(0, 1.0), (20, 2.0), (40, 3.0)], "eval": [(0, 5.0), (40, 6.0)]}
    (note,) = log.findings
    assert (note.rule, note.severity, note.evidence) == ("rows_without_step", "note", {"rows": 2})


def test_rows_without_a_step_that_no_row_before_can_give_are_named(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "loss,step,eval\n,,5\n1,0,\n2,,\n3,40,\n"))
    assert told(log) == {"loss": [(0, 1.0), (40, 3.0)]}
    (warning,) = log.findings
    assert (warning.severity, warning.evidence) == ("warning", {"values": 2, "metrics": "eval, loss"})


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_read_with_a_decimal_comma(tmp_path: Path, separator: str) -> None:
    text = "\ufeffStep,loss,val loss\n0,1x5,2\n10,-0x25,1e-3\n20,,3x5e2\n".replace(",", separator)
    path = written(tmp_path, text.replace("x", ","))
    assert metrics_csv.accepts(path)
    log = metrics_csv.read(path)
    assert told(log) == {"loss": [(0, 1.5), (10, -0.25)], "val loss": [(0, 2.0), (10, 1e-3), (20, 350.0)]}


@pytest.mark.parametrize(
    ("header", "counter"),
    [
        ("epoch,step", "step"),
        ("epoch,Global Step", "Global Step"),
        ("time/total_timesteps,time/iterations", "time/total_timesteps"),
        ("training_iteration,timesteps_total", "training_iteration"),
        ("train/n_updates,epoch", "train/n_updates"),
    ],
)
def test_the_column_that_counts_is_found_by_its_name(tmp_path: Path, header: str, counter: str) -> None:
    path = written(tmp_path, f"{header},loss\n1,2,0.5\n")
    step = dict(zip(header.split(","), (1, 2), strict=True))[counter]
    assert told(metrics_csv.read(path))["loss"] == [(step, 0.5)]


def test_a_column_named_like_a_count_that_holds_no_whole_numbers_counts_nothing(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "step,epoch,loss\n0.25,0,1\n0.75,1,2\n1.25,2,3\n"))
    assert told(log)["loss"] == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_a_table_in_markdown_is_no_log(tmp_path: Path) -> None:
    path = written(tmp_path, "| step | loss |\n|---|---|\n| 1 | 2 |\n")
    assert not metrics_csv.accepts(path)


def test_comments_may_stand_before_the_header(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "# made by hand\n# step,loss\n0,1\n1,2\n"))
    assert told(log) == {"loss": [(0, 1.0), (1, 2.0)]}


@pytest.mark.parametrize(
    ("case", "name", "last", "findings"),
    [
        ("c09_keras_NA", "val_loss", (11, 1.32), []),
        ("c08_keras_second_header", "val_loss", (9, 1.5), []),
        ("c20_progress_eval_rows", "eval_mse", (700, 0.75), ["rows_without_step"]),
    ],
)
def test_real_tables_of_each_kind_lose_nothing(
    shared: Path, case: str, name: str, last: tuple[int, float], findings: list[str]
) -> None:
    (run,) = open_study(shared / "cases" / case).runs
    series = run.history.series[name]
    assert (int(series.steps[-1]), float(series.values[-1])) == last
    assert [finding.rule for finding in run.findings] == findings


def test_a_missing_or_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        metrics_csv.read(tmp_path / "none.csv")
    with pytest.raises(UnreadableFile, match="counts steps"):
        metrics_csv.read(written(tmp_path, ""))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_every_way_to_write_a_table_tells_the_same(
    tmp_path: Path, newline: str, quoting: int, rng: np.random.Generator
) -> None:
    values = rng.normal(size=20).tolist()
    out = io.StringIO()
    table = csv.writer(out, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]
    table.writerow(["step", "a, b"])
    table.writerows(enumerate(values))
    log = metrics_csv.read(written(tmp_path, "\ufeff" + out.getvalue()))
    assert told(log) == {"a, b": list(enumerate(values))}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([LIGHTNING, WANDB]),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=4),
    st.integers(0, 500),
)
def test_flipped_and_cut_tables_keep_the_lines_that_were_not_hit(
    tmp_path_factory: pytest.TempPathFactory, text: str, flips: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(text.encode())
    head = text.index("\n") + 1  # the header names the columns: a table with another one is another table
    hit = {bytes(content).count(b"\n", 0, head + at % (len(content) - head)) for at, _ in flips}
    for at, to in flips:
        content[head + at % (len(content) - head)] = to
    path = written(tmp_path_factory.mktemp("flips"), bytes(content[: max(head, len(content) - cut)]))
    metrics_csv.accepts(path)
    try:
        log = metrics_csv.read(path, allow_torn_tail=True)
    except DiagError:
        return
    assert all(damage.where >= 2 for damage in log.damaged)
    if not hit and not cut:
        assert not log.damaged


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet='step,01.\n"e-', max_size=80).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("bytes"), b"step,a\n" + content)
    try:
        log = metrics_csv.read(path, allow_torn_tail=True)
    except UnreadableFile:  # rows of several runs
        return
    lines = [line for line in content.decode("utf-8", "replace").split("\n") if line.strip()]
    counted = len({damage.where for damage in log.damaged}) + log.torn_tail
    counted += sum(int(note.evidence["values"] or 0) for note in log.notes if "values" in note.evidence)
    empty = sum(line.strip().split(",")[1:] in ([""], ['""'], ["-"], ["--"]) for line in lines)
    empty += sum(line.strip().replace(" ", "") == "step,a" for line in lines)
    assert len(log.points.get("a", ())) + counted + sum(log.left_out.values()) + empty >= len(lines)


def test_a_header_of_a_hundred_thousand_empty_names_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(
        "step,loss" + "," * 100_000 + "\n1,0.5" + "," * 100_000 + "\n2,0.4,\n3,0.3" + "," * 100_000 + "\n"
    )
    log = metrics_csv.read(path)
    assert log.points["loss"].values.tolist() == [0.5, 0.3]
    assert len(log.damaged) == 1


def test_columns_that_blanks_align_are_a_table(tmp_path: Path) -> None:
    rows = [
        "Iteration    Samples    Test_Return  ",
        "0            3003       995.56       ",
        "50   6000   1193.9 ",
    ]
    path = written(tmp_path, "\n".join([*rows, ""]))
    assert metrics_csv.accepts(path)
    assert told(metrics_csv.read(path)) == {
        "Samples": [(0, 3003), (50, 6000)],
        "Test_Return": [(0, 995.56), (50, 1193.9)],
    }


def test_a_sentence_with_the_word_step_is_no_table(tmp_path: Path) -> None:
    assert not metrics_csv.accepts(written(tmp_path, "the next step\nis to train\n"))
    assert not metrics_csv.accepts(written(tmp_path, "step loss\n1 0.5\n2 0.4\n"))


def test_lines_may_end_in_a_carriage_return_alone(tmp_path: Path) -> None:
    log = metrics_csv.read(written(tmp_path, "step,loss\r1,0.5\r2,0.4\r"))
    assert told(log) == {"loss": [(1, 0.5), (2, 0.4)]}


def test_the_length_of_an_episode_is_no_step(tmp_path: Path) -> None:
    lengths = [20, 180, 33, 95, 200, 17, 64, 150, 42, 99]
    rows = ["Episode,Reward,Steps"]
    rows += [f"{episode},{length / 2},{length}" for episode, length in enumerate(lengths, start=1)]
    log = metrics_csv.read(written(tmp_path, "\n".join([*rows, ""])))
    assert told(log)["Reward"] == [(i, length / 2) for i, length in enumerate(lengths, start=1)]
    assert told(log)["Steps"][1] == (2, 180)


def test_a_step_that_stands_still_gives_way_to_the_epochs(tmp_path: Path) -> None:
    rows = ["step,epoch,loss", *(f"938,{epoch},{1 / epoch:.4f}" for epoch in range(1, 9)), ""]
    log = metrics_csv.read(written(tmp_path, "\n".join(rows)))
    assert told(log)["loss"][-1] == (8, 0.125)

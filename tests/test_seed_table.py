"""Tables of one number a seed: both layouts of CSV, three of JSON, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ired_diag.comparison import compare
from ired_diag.errors import UnreadableFile
from ired_diag.final_values import is_table
from ired_diag.grouping import group_runs
from ired_diag.readers.seed_table import metric_of_table, notes_on_table, read_seed_table

EXPECTED = {"q101": {0: 0.5, 1: 1e-5}, "q102": {0: 2.0, 1: 3.0}}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wide.csv", "seed,q101,q102\n0,0.5,2\n1,1e-5,3\n"),
        ("spaced.csv", "\ufeffSeed, q101, q102\r\n seed0 , 0.5, 2\r\n\r\n1,1e-5,3"),
        ("long.csv", "experiment,seed,mse\nq101,0,0.5\nq102,0,2\nq101,1,1e-5\nq102,1,3\n"),
        ("lists.json", '{"q101": [0.5, 1e-5], "q102": [2, 3]}'),
        ("seeds.json", '{"q101": {"0": 0.5, "1": 1e-5}, "q102": {"seed0": 2, "seed1": 3}, "title": "x"}'),
        ("values.json", '{"q101": {"mining": "none", "values": [0.5, 1e-5]}, "q102": {"values": [2, 3]}}'),
    ],
)
def test_every_layout_tells_the_same(tmp_path: Path, name: str, text: str) -> None:
    assert read_seed_table(written(tmp_path, name, text)) == EXPECTED


def test_the_studys_published_numbers_are_read(shared: Path) -> None:
    found = read_seed_table(shared / "published_results.json")
    assert {name: len(values) for name, values in found.items()} == {"q101": 10, "q102": 10, "q103": 10}
    assert found["q103"][9] == 0.00973886


def test_an_empty_cell_of_a_wide_table_is_a_seed_of_another_column(tmp_path: Path) -> None:
    found = read_seed_table(written(tmp_path, "x.csv", "seed,a,b\n0,,nan\n1,1,2\n2,3,NA\n3,,\n"))
    assert found["a"] == {1: 1.0, 2: 3.0, 3: None}
    assert list(found["b"]) == [0, 1, 3]
    assert found["b"][0] is not None
    assert math.isnan(found["b"][0])


def test_an_empty_cell_of_a_long_table_is_a_seed_without_a_value(tmp_path: Path) -> None:
    found = read_seed_table(written(tmp_path, "x.csv", "method,seed,mse\na,0,\na,1,1\nb,0,2\n"))
    assert found == {"a": {0: None, 1: 1.0}, "b": {0: 2.0}}


def test_nothing_is_said_of_seeds_that_only_another_column_has(shared: Path) -> None:
    groups = group_runs([str(shared / "cases/s_tables/ov2.csv")], Path("runs"))
    found = compare(groups)
    assert [len(group.values) for group in found.groups] == [10, 10]
    assert [group.outcomes.attempted for group in found.groups] == [10, 10]
    assert found.left_out == []


LONG = {"sgd": {0: 0.91, 1: 0.92}, "adam": {0: 0.93, 1: 0.94}}


@pytest.mark.parametrize(
    "text",
    [
        "method,seed,accuracy\nsgd,0,0.91\nsgd,1,0.92\nadam,0,0.93\nadam,1,0.94\n",
        "optimizer,Random Seed,acc,host\nsgd,0.0,.91,n1\nsgd,1.0,.92,n2\nadam,0.0,.93,n1\nadam,1.0,.94,n1\n",
        ",seed,accuracy,who\n0,0,0.91,sgd\n1,1,0.92,sgd\n2,0,0.93,adam\n3,1,0.94,adam\n",
        "trial;method;accuracy\n0;sgd;0,91\n1;sgd;0,92\n0;adam;0,93\n1;adam;0,94\n",
        "method\tseed\taccuracy\nsgd\t0\t0.91\nsgd\t1\t0.92\nadam\t0\t0.93\nadam\t1\t0.94\nadam\tmean\t0.935\n",
        "dataset,method,seed,accuracy\nD,sgd,0,0.91\nD,sgd,1,0.92\nD,adam,0,0.93\nD,adam,1,0.94\n",
        "method,accuracy,Run #\nsgd,0.91,0\nsgd,0.92,1\nadam,0.93,0\nadam,0.94,1\n",
        "method,seed_0,seed_1,mean\nsgd,0.91,0.92,0.915\nadam,0.93,0.94,0.935\n",
        ",method,Run 0,Run 1\n0,sgd,0.91,0.92\n1,adam,0.93,0.94\n",
        "seed,sgd,adam\nseed_0,0.91,0.93\nseed_1,0.92,0.94\nmean,0.915,0.935\nstd ,0.01,0.01\n",
    ],
)
def test_tables_of_final_results_as_people_write_them(tmp_path: Path, text: str) -> None:
    assert read_seed_table(written(tmp_path, "results.csv", text)) == LONG


def test_commas_between_thousands_are_read_and_others_refused(tmp_path: Path) -> None:
    text = 'method,seed,return\na,0,"11,207"\na,1,"1,011,207.5"\nb,0,"-2,000"\nb,1,987\n'
    assert read_seed_table(written(tmp_path, "x.csv", text)) == {
        "a": {0: 11207.0, 1: 1011207.5},
        "b": {0: -2000.0, 1: 987.0},
    }
    for cell in ("0,912", "94,1", "1,23,456"):
        with pytest.raises(UnreadableFile, match=r"is not a number. The column 'return'"):
            read_seed_table(written(tmp_path, "x.csv", text.replace("11,207", cell)))
    decimal = written(tmp_path, "x.csv", "method;seed;return\na;0;11,207\n")
    assert read_seed_table(decimal) == {"a": {0: 11.207}}


def test_a_column_seed_stands_before_one_that_numbers_seeds(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", "method,seed_idx,seed,acc\na,0,41,0.5\na,1,42,0.6\n")
    assert read_seed_table(path, column="acc") == {"a": {41: 0.5, 42: 0.6}}


def test_a_hyperparameter_that_was_taken_for_results_is_named(tmp_path: Path) -> None:
    rows = "lr,seed\n0.1,0\n0.1,1\n0.01,0\n0.01,1\n"
    with pytest.raises(
        UnreadableFile, match=r"seed 0 of lr is there twice. The column 'lr' was taken as the"
    ):
        read_seed_table(written(tmp_path, "x.csv", rows))


def test_a_hyperparameter_names_the_experiment_where_seeds_repeat_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    rows = "lr,seed,accuracy\n0.1,0,0.8\n0.1,1,0.8\n0.01,0,0.9\n0.01,1,0.9\n"
    table = read_seed_table(written(tmp_path, "x.csv", rows))
    assert table == {"lr=0.1": {0: 0.8, 1: 0.8}, "lr=0.01": {0: 0.9, 1: 0.9}}
    for named in (rows.replace("lr", "method"), rows.replace("\n0.", "\nlr=0.")):
        assert len(read_seed_table(written(tmp_path, "x.csv", named))) == 2
    wide = "seed,baseline,alpha\n0,0.1,0.2\n1,0.3,0.4\n"
    assert read_seed_table(written(tmp_path, "x.csv", wide)).keys() == {"baseline", "alpha"}


def test_several_columns_name_an_experiment_together(tmp_path: Path) -> None:
    text = "model,method,seed,mse\nA,x,0,1\nA,y,0,2\nB,x,0,3\n"
    assert read_seed_table(written(tmp_path, "x.csv", text)) == {
        "A/x": {0: 1.0},
        "A/y": {0: 2.0},
        "B/x": {0: 3.0},
    }
    text = "method,lr,seed,mse\na,0.1,0,1\na,0.2,0,2\n"
    assert read_seed_table(written(tmp_path, "x.csv", text)) == {"a/lr=0.1": {0: 1.0}, "a/lr=0.2": {0: 2.0}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method,accuracy\na,1\n", r"no column says the seed.*found the columns: method, accuracy"),
        ("seed,fold,a\n0,1,2\n", ""),
        ("run,fold,a\n0,1,2\n", "which column says the seed. There are run, fold"),
        ("seed,method\n0,a\n1,b\n", "'seed' is taken as the seed and 'method' as the experiment; no other"),
        ("seed,method,acc,f1\n0,a,1,1\n", "'method' as the experiment; which column is compared.* acc, f1"),
        ("seed,method,acc\n,a,1\n", "row 2: the column 'seed', taken as the seed, is empty"),
        ("seed,method,acc\n0,a,1\n1,a,high\n", "row 3: 'high' is not a number. The column 'acc'"),
        ("seed,accuracy,loss\n0,1,2\n", "accuracy, loss are named as metrics, and no column names the exp"),
    ],
)
def test_what_is_unclear_is_refused_by_its_column(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, "x.csv", text)
    if not words:
        assert read_seed_table(path)
        return
    with pytest.raises(UnreadableFile, match=words):
        read_seed_table(path)


def test_one_metric_of_a_wide_table_is_one_experiment(tmp_path: Path) -> None:
    path = written(tmp_path, "mine.csv", "seed,accuracy,loss\n0,1,2\n1,3,4\n")
    assert read_seed_table(path, column="loss") == {"mine": {0: 2.0, 1: 4.0}}


@pytest.mark.parametrize(
    ("case", "groups"),
    [
        ("c32_table_mean_rows", {"baseline": 3, "mined": 3}),
        ("c33_table_semicolon_comma", {"baseline": 3, "mined": 3}),
        ("c34_table_run_column", {"A": 3, "B": 3}),
        ("c36_table_index_col", {"baseline": 3, "mined": 3}),
        ("c37_table_pct", {"baseline": 3, "mined": 3}),
        ("c38_table_two_group_cols", {"A/none": 2, "A/mined": 2, "B/none": 2, "B/mined": 2}),
    ],
)
def test_the_tables_of_the_cases(case: str, groups: dict[str, int], shared: Path) -> None:
    found = read_seed_table(shared / "cases" / case / "results.csv")
    assert {name: len(values) for name, values in found.items()} == groups
    assert all(value is not None for values in found.values() for value in values.values())


def test_cases_with_a_row_without_a_seed_or_two_metrics_are_refused_by_the_column(shared: Path) -> None:
    path = shared / "cases" / "c31_table_method_settings" / "seed_results.csv"
    with pytest.raises(UnreadableFile, match=r"row 2: the column 'seed', taken as the seed, is empty"):
        read_seed_table(path)
    path = shared / "cases" / "c35_table_group_col_model" / "results.csv"
    with pytest.raises(UnreadableFile, match=r"which column is compared\?.*test_mse, test_mae"):
        read_seed_table(path)
    assert read_seed_table(path, column="test_mse") == {
        "A": {0: 0.0970, 1: 0.0971, 2: 0.0969},
        "B": {0: 0.0981, 1: 0.0984, 2: 0.0980},
    }


def test_the_values_of_the_cases_are_those_of_their_cells(shared: Path) -> None:
    wide = {"baseline": {0: 0.0970, 1: 0.0971, 2: 0.0969}, "mined": {0: 0.0981, 1: 0.0984, 2: 0.0980}}
    for case in ("c32_table_mean_rows", "c33_table_semicolon_comma", "c36_table_index_col"):
        assert read_seed_table(shared / "cases" / case / "results.csv") == wide
    table = read_seed_table(shared / "cases/c37_table_pct/results.csv")
    assert table == {"baseline": {0: 94.1, 1: 94.3, 2: 94.0}, "mined": {0: 95.0, 1: 95.2, 2: 95.1}}
    table = read_seed_table(shared / "cases/c34_table_run_column/results.csv")
    assert table == {"A": {1: 0.0970, 2: 0.0971, 3: 0.0969}, "B": {1: 0.0981, 2: 0.0984, 3: 0.0980}}


def test_a_column_is_chosen_where_there_are_several(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", "model,seed,mse,mae\na,0,1,2\n")
    assert read_seed_table(path, column="mae") == {"a": {0: 2.0}}
    with pytest.raises(UnreadableFile, match=r"which column.*mse, mae"):
        read_seed_table(path)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.csv", "", "no column says the seed"),
        ("x.csv", "index,a\n0,1\n", "no column says the seed"),
        ("x.csv", "seed,a,a\n0,1,2\n", "stands twice"),
        ("x.csv", "seed,a\n0\n", "row 2: has 1 cells"),
        ("x.csv", "seed,a\n0,1\n0,2\n", "row 3: seed 0 of a is there twice"),
        ("x.csv", "seed,a\n0,one\n", "row 2: 'one' is not a number"),
        ("x.csv", "seed,a\nzero,1\n", "the seed 'zero'"),
        ("x.csv", "seed,a\n", "no experiment"),
        ("x.json", "[1, 2]", "not an object"),
        ("x.json", "{", "not JSON"),
        ("x.json", "[" * 65, "not JSON"),
        ("x.json", '{"a": [1], "a": [2]}', "stands twice"),
        ("x.csv", "seed,a\n0,\x001\n", "not CSV|not a number"),
        ("x.json", '{"title": "x"}', "no experiment"),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    with pytest.raises(UnreadableFile, match=told):
        read_seed_table(written(tmp_path, name, text))


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60), form=st.sampled_from(["x.csv", "x.json"]))
def test_no_text_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str, form: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / form
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_seed_table(path)
    except UnreadableFile:
        return
    assert all(isinstance(value, float) for values in found.values() for value in values.values())


@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=8))
def test_numbers_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "x.json"
    path.write_text(json.dumps({"a": values}), encoding="utf-8")
    usable = [math.copysign(math.inf, value) if abs(value) > 1e75 else value for value in values]
    assert list(read_seed_table(path)["a"].values()) == usable


@pytest.mark.parametrize(
    "text", ["seed,a\n0,-1e308\n1,2e75\n2,0.5\n", "method,seed,mse\na,0,-1e308\na,1,2e75\na,2,0.5\n"]
)
def test_cells_beyond_what_statistics_can_use_are_infinite(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert read_seed_table(tmp_path / "x.csv")["a"] == {0: -math.inf, 1: math.inf, 2: 0.5}


def test_clocks_spreads_and_settings_are_not_compared_unless_they_are_named(tmp_path: Path) -> None:
    text = "method,seed,acc,acc_std,time_s,lr\na,0,0.5,0.1,3,0.1\na,1,0.6,0.1,4,0.1\nb,0,0.7,0.1,5,0.1\n"
    path = written(tmp_path, "x.csv", text)
    assert read_seed_table(path) == {"a": {0: 0.5, 1: 0.6}, "b": {0: 0.7}}
    assert metric_of_table(path, ["a", "b"]) == "acc"
    assert read_seed_table(path, column="time_s")["b"] == {0: 5.0}


def test_a_number_that_describes_each_experiment_is_not_compared(tmp_path: Path) -> None:
    rows = ["big,9000,0,0.5", "big,9000,1,0.6", "small,100,0,0.7", "small,100,1,0.7"]
    path = written(tmp_path, "x.csv", "model,n_params,seed,gap\n" + "\n".join(rows) + "\n")
    assert read_seed_table(path)["big"] == {0: 0.5, 1: 0.6}
    assert read_seed_table(path, column="n_params")["small"] == {0: 100.0, 1: 100.0}
    path = written(tmp_path, "x.csv", "model,acc,seed,gap\n" + "\n".join(rows) + "\n")
    with pytest.raises(UnreadableFile, match="there is: acc, gap"):
        read_seed_table(path)


def test_an_export_of_a_table_of_runs_is_grouped_by_what_the_runs_share(tmp_path: Path) -> None:
    header = "Name,State,Notes,User,Created,Runtime,algo,seed,val/loss\n"
    rows = ["sun-1,finished,-,me,2026-11-01,3600,ppo,0,0.5", "sea-2,crashed,-,me,2026-11-02,3601,ppo,1,0.6"]
    rows += ["sky-3,finished,-,me,2026-11-03,3602,sac,0,0.7", "fox-4,finished,-,me,2026-11-04,3603,sac,1,0.8"]
    table = read_seed_table(written(tmp_path, "x.csv", header + "\n".join(rows) + "\n"))
    assert table == {"ppo": {0: 0.5, 1: 0.6}, "sac": {0: 0.7, 1: 0.8}}


LONG_TABLE = """model,pred_len,seed,mse,mae
A,96,0,0.38,0.40
A,192,0,0.42,0.43
A,96,1,0.39,0.41
A,192,1,0.43,0.44
B,96,0,0.36,0.38
B,192,0,0.40,0.41
"""


@pytest.mark.parametrize("name", ["pred_len", "horizon", "n_train", "noise level"])
def test_a_number_that_parts_the_rows_of_a_seed_is_a_setting(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", LONG_TABLE.replace("pred_len", name))
    assert read_seed_table(path, column="mse") == {
        f"A/{name}=96": {0: 0.38, 1: 0.39},
        f"A/{name}=192": {0: 0.42, 1: 0.43},
        f"B/{name}=96": {0: 0.36},
        f"B/{name}=192": {0: 0.4},
    }


def test_fractions_that_form_a_grid_are_settings_and_others_are_not(tmp_path: Path) -> None:
    grid = "seed,drop,val_loss\n0,0.1,1\n0,0.5,2\n1,0.1,3\n1,0.5,4\n"
    table = read_seed_table(written(tmp_path, "x.csv", grid))
    assert table == {"drop=0.1": {0: 1.0, 1: 3.0}, "drop=0.5": {0: 2.0, 1: 4.0}}
    measured = "method,seed,gap,val_loss\na,0,0.11,1\na,0,0.52,2\na,1,0.13,3\na,1,0.5,4\n"
    with pytest.raises(
        UnreadableFile, match=r"row 3: seed 0 of a is there twice.*no column says how the two"
    ):
        read_seed_table(written(tmp_path, "x.csv", measured), column="val_loss")


def test_two_settings_part_the_rows_together_or_are_refused(tmp_path: Path) -> None:
    rows = [f"a,{p},{q},{s},0.{p}{q}{s}" for p in (1, 2) for q in (3, 4) for s in (0, 1)]
    path = written(tmp_path, "x.csv", "method,p_len,q_len,seed,mse\n" + "\n".join(rows) + "\n")
    table = read_seed_table(path)
    assert table["a/p_len=1/q_len=4"] == {0: 0.140, 1: 0.141}
    assert len(table) == 4
    unclear = "a,1,3,0,0.1\na,2,4,0,0.2\na,1,4,1,0.3\na,2,3,1,0.4\n"
    path = written(tmp_path, "x.csv", "method,p_len,q_len,seed,mse\n" + unclear)
    with pytest.raises(UnreadableFile, match=r"unclear whether 'p_len' or 'q_len' says.*'p_len=1'"):
        read_seed_table(path)


def test_a_header_that_stands_again_among_the_rows_ends_in_a_message(tmp_path: Path) -> None:
    header, *rows = LONG_TABLE.splitlines()
    text = "\n".join([header, *rows, header, *rows]) + "\n"
    with pytest.raises(UnreadableFile, match=r"row 8: the seed 'seed' is not a whole number"):
        read_seed_table(written(tmp_path, "x.csv", text), column="mse")


FOLDS = "model,fold,seed,score\n" + "".join(
    f"{model},{fold},{seed},0.{offset}{seed}{fold}\n"
    for model, offset in (("A", 9), ("B", 8))
    for fold in (1, 2, 3)
    for seed in (7, 8)
)


def test_folds_next_to_seeds_are_repetitions_and_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", FOLDS)
    table = read_seed_table(path)
    assert table["A"] == {0: 0.971, 1: 0.972, 2: 0.973, 3: 0.981, 4: 0.982, 5: 0.983}
    assert table["B"].keys() == table["A"].keys()
    [note] = notes_on_table(path)
    assert note.statement.startswith("Each pair of 'seed' and 'fold' counts as one value")
    assert "Folds share training data" in note.statement
    notes: list[str] = []
    group_runs([str(path)], Path("runs"), missing=notes)
    assert sum("Folds share training data" in text for text in notes) == 1


def test_folds_alone_are_the_seeds_and_repetitions_have_a_note_of_their_own(tmp_path: Path) -> None:
    [note] = notes_on_table(written(tmp_path, "x.csv", "model,fold,acc\na,0,0.5\na,1,0.6\n"))
    assert "Folds share training data" in note.statement
    [note] = notes_on_table(written(tmp_path, "x.csv", FOLDS.replace("fold", "rep")))
    assert "Values of one seed may be more alike" in note.statement
    assert notes_on_table(written(tmp_path, "x.csv", "model,seed,acc\na,0,0.5\na,1,0.6\n")) == []


TRIALS = """number,value,datetime_start,duration,params_lr,params_depth,user_attrs_note,state
0,0.31,2026-11-01 00:00:00,0 days 00:01:00,0.11,2,x,COMPLETE
1,0.29,2026-11-01 00:01:00,0 days 00:01:00,0.02,,y,COMPLETE
2,0.90,2026-11-01 00:02:00,0 days 00:01:00,0.33,2,z,PRUNED
3,,2026-11-01 00:03:00,0 days 00:01:00,0.44,3,,FAIL
"""


def test_trials_of_optuna_are_experiments_by_their_settings(tmp_path: Path) -> None:
    path = written(tmp_path, "trials.csv", TRIALS)
    assert read_seed_table(path) == {
        "lr=0.11/depth=2": {0: 0.31},
        "lr=0.02": {1: 0.29},
        "lr=0.33/depth=2": {2: None},
        "lr=0.44/depth=3": {3: None},
    }
    [note] = notes_on_table(path)
    assert note.statement.endswith("2 of 4 trials have no result (1 FAIL, 1 PRUNED).")
    seeded = (
        TRIALS.replace("note", "seed").replace("0.02,,y", "0.11,2,5").replace("x,", "4,").replace("z", "6")
    )
    table = read_seed_table(written(tmp_path, "x.csv", seeded.replace(",,FAIL", ",7,FAIL")))
    assert table["lr=0.11/depth=2"] == {4: 0.31, 5: 0.29}


def test_rows_of_several_metrics_are_read_by_the_name_of_one(tmp_path: Path) -> None:
    rows = ["a,0,acc,0.9", "a,0,loss,0.3", "b,0,acc,0.8", "b,0,loss,0.4"]
    path = written(tmp_path, "x.csv", "method,seed,metric,value\n" + "\n".join(rows) + "\n")
    with pytest.raises(UnreadableFile, match=r"names several metrics.*there is: acc, loss"):
        read_seed_table(path)
    assert read_seed_table(path, column="loss") == {"a": {0: 0.3}, "b": {0: 0.4}}


RECORDS = [
    {"config": {"lr": lr, "seed": seed, "path": f"runs/{lr}/{seed}"}, "metrics": {"val": {"acc": lr + seed}}}
    for lr in (0.1, 0.2)
    for seed in (0, 1)
]


def test_results_of_experiments_are_read_from_json_lines_and_from_a_list(tmp_path: Path) -> None:
    lines = written(tmp_path, "x.jsonl", "".join(json.dumps(record) + "\n" for record in RECORDS))
    whole = written(tmp_path, "x.json", json.dumps(RECORDS))
    for path in (lines, whole):
        assert is_table(path)
        assert read_seed_table(path) == {"lr=0.1": {0: 0.1, 1: 1.1}, "lr=0.2": {0: 0.2, 1: 1.2}}


@pytest.mark.parametrize(
    "lines",
    [
        '{"config": {"seed": 0}}\n{"step": 1, "loss": 0.5}\n',
        '{"seed": 0, "step": 1, "loss": 0.5}\n{"seed": 0, "step": 2, "loss": 0.4}\n',
        '{"seed": 0, "loss": 0.5}\n',
        '{"a": 1}\n{"a": 2}\n',
    ],
)
def test_json_lines_of_a_training_are_no_table(lines: str, tmp_path: Path) -> None:
    assert not is_table(written(tmp_path, "x.jsonl", lines))


def test_a_line_of_results_that_is_no_object_is_named(tmp_path: Path) -> None:
    text = '{"seed": 0, "acc": 1}\n{"seed": 1, "acc": 1}\n[1]\n'
    with pytest.raises(UnreadableFile, match=r"x.jsonl:3: expected an object"):
        read_seed_table(written(tmp_path, "x.jsonl", text))

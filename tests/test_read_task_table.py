"""Tables of seeds and tasks, as strangers write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ired_diag.errors import UnreadableFile
from ired_diag.readers.reference_scores import read_references
from ired_diag.readers.task_table import read_task_table

LONG = """algorithm,game,seed,score
dqn,Pong,0,18.5
dqn,Pong,1,17.5
dqn,Qbert,0,310
dqn,Qbert,1,300
ppo,Pong,0,20
ppo,Qbert,0,280
"""


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_long_table_has_a_column_for_the_task(tmp_path: Path) -> None:
    table = read_task_table(written(tmp_path, "scores.csv", LONG))
    assert table.column == "game"
    assert table.metric == "score"
    assert table.values["Pong"] == {"dqn": {0: 18.5, 1: 17.5}, "ppo": {0: 20.0}}
    assert list(table.values) == ["Pong", "Qbert"]
    assert "'game' says the task" in table.notes[0]


def test_a_table_of_one_method_is_called_by_its_file(tmp_path: Path) -> None:
    text = "task;seed;return\nwalker;0;800,5\nwalker;1;810,0\nhopper;0;300\nhopper;1;305\n"
    table = read_task_table(written(tmp_path, "sac.csv", text))
    assert table.values == {"walker": {"sac": {0: 800.5, 1: 810.0}}, "hopper": {"sac": {0: 300.0, 1: 305.0}}}


def test_columns_are_tasks_where_no_column_names_one(tmp_path: Path) -> None:
    text = "method,seed,Pong,Qbert,time_s\ndqn,0,18,310,5\ndqn,1,17,300,5\nppo,0,20,280,6\nppo,1,21,270,6\n"
    table = read_task_table(written(tmp_path, "wide.csv", text))
    assert table.are_columns
    assert list(table.values) == ["Pong", "Qbert"]  # a clock is no task
    assert table.values["Qbert"]["ppo"] == {0: 280.0, 1: 270.0}


def test_columns_may_be_groups_next_to_a_column_of_tasks(tmp_path: Path) -> None:
    text = "task,seed,ours,baseline\nPong,0,18,17\nPong,1,19,16\nQbert,0,310,300\nQbert,1,320,305\n"
    table = read_task_table(written(tmp_path, "results.csv", text))
    assert table.values["Pong"] == {"ours": {0: 18.0, 1: 19.0}, "baseline": {0: 17.0, 1: 16.0}}
    assert "the columns ours, baseline as the groups" in table.notes[0]


def test_several_metrics_of_a_long_table_need_a_name(tmp_path: Path) -> None:
    text = "method,task,seed,return,loss\na,x,0,1,2\na,y,0,2,3\nb,x,0,3,4\nb,y,0,4,5\n"
    path = written(tmp_path, "metrics.csv", text)
    with pytest.raises(UnreadableFile, match="which column is compared"):
        read_task_table(path)
    assert read_task_table(path, metric="loss").values["y"] == {"a": {0: 3.0}, "b": {0: 5.0}}


def test_folds_are_said_not_to_be_independent(tmp_path: Path) -> None:
    rows = [f"{m},{t},{f},{0.8 + f / 100}" for m in ("a", "b") for t in ("x", "y") for f in range(3)]
    path = written(tmp_path, "folds.csv", "\n".join(["method,dataset,fold,acc", *rows]) + "\n")
    assert any("fold" in note and "independent" in note for note in read_task_table(path).notes)


def test_seeds_may_be_columns(tmp_path: Path) -> None:
    text = "game,seed_0,seed_1\nPong,18,17\nQbert,310,300\n"
    table = read_task_table(written(tmp_path, "dqn.csv", text))
    assert table.values == {"Pong": {"dqn": {0: 18.0, 1: 17.0}}, "Qbert": {"dqn": {0: 310.0, 1: 300.0}}}


def test_a_column_of_numbers_may_be_named_as_the_task(tmp_path: Path) -> None:
    text = "model,pred_len,seed,mse\nA,96,0,0.3\nA,192,0,0.4\nA,96,1,0.31\nA,192,1,0.42\n"
    table = read_task_table(written(tmp_path, "horizons.csv", text), task="pred_len")
    assert table.values["pred_len=96"] == {"A": {0: 0.3, 1: 0.31}}


def test_json_lines_are_a_table(tmp_path: Path) -> None:
    records = [
        {"method": method, "dataset": dataset, "seed": seed, "acc": 0.5 + seed / 10}
        for method in ("a", "b")
        for dataset in ("cifar", "svhn")
        for seed in (0, 1)
    ]
    path = written(tmp_path, "results.jsonl", "\n".join(map(json.dumps, records)))
    table = read_task_table(path)
    assert table.values["svhn"]["b"] == {0: 0.5, 1: 0.6}


@pytest.mark.parametrize("kind", ["npz", "json"])
def test_arrays_of_runs_and_tasks_are_those_of_rliable(kind: str, tmp_path: Path) -> None:
    scores = {"dqn": np.arange(6.0).reshape(3, 2), "ppo": np.arange(4.0).reshape(2, 2)}
    path = tmp_path / f"scores.{kind}"
    if kind == "npz":
        np.savez(path, dqn=scores["dqn"], ppo=scores["ppo"])
    else:
        path.write_text(json.dumps({name: array.tolist() for name, array in scores.items()}))
    table = read_task_table(path)
    assert table.values["task2"] == {"dqn": {0: 1.0, 1: 3.0, 2: 5.0}, "ppo": {0: 1.0, 1: 3.0}}
    assert "3 runs of dqn" in table.notes[0]


def test_names_of_tasks_may_stand_next_to_arrays(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    np.savez(path, games=np.array(["Pong", "Qbert"]), dqn=np.ones((3, 2)), ppo=np.ones((3, 2)))
    assert list(read_task_table(path).values) == ["Pong", "Qbert"]


def test_lists_by_group_and_task(tmp_path: Path) -> None:
    content = {"a": {"x": [1, 2], "y": [3, None]}, "b": {"x": {"7": 1.5}, "y": {"7": 2}}}
    table = read_task_table(written(tmp_path, "nested.json", json.dumps(content)))
    assert table.values["y"] == {"a": {0: 3.0, 1: None}, "b": {7: 2.0}}
    assert "the outer names (a, b) are taken as groups, the inner ones (x, y) as tasks" in table.notes[0]


def test_arrays_of_python_objects_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    np.savez(path, scores=np.array({"dqn": [1]}, dtype=object))
    with pytest.raises(UnreadableFile, match="may hold code"):
        read_task_table(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": [[1, 2], [3]]}', "rows of one length"),
        ('{"a": [[[1]], [[2]]]}', "last one"),
        ('{"a": [[1], [2]]}', "several tasks"),
        ('{"a": {"x": [1], "y": []}}', "expected a list of numbers"),
        ('{"a": {"x": ["fast"]}}', "expected numbers by seed"),
        ("[1, 2]", "is not an object"),
        ("{", "is not JSON"),
    ],
)
def test_what_is_no_such_file_says_why(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read_task_table(written(tmp_path, "scores.json", text))


def test_one_task_is_refused_with_the_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "one.csv", "method,seed,acc\na,0,1\nb,0,2\n")
    with pytest.raises(UnreadableFile, match=r"one task only.*--tasks COLUMN.*method, seed, acc"):
        read_task_table(path)


def test_an_unknown_column_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    path = written(tmp_path, "scores.csv", LONG)
    with pytest.raises(UnreadableFile, match=r"no column 'env'.*algorithm, game"):
        read_task_table(path, task="env")
    with pytest.raises(UnreadableFile, match="no column of numbers 'acc'"):
        read_task_table(path, columns=["acc"])


def test_a_cell_that_is_no_number_names_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, "scores.csv", LONG.replace("310", "lots"))
    with pytest.raises(UnreadableFile, match="row 4"):
        read_task_table(path)


def test_references_have_a_low_and_a_high_score(tmp_path: Path) -> None:
    path = written(tmp_path, "atari.csv", "game,Random,Human\nPong,-20.7,14.6\nQbert,163.9,13455\n")
    assert read_references(path) == {"Pong": (-20.7, 14.6), "Qbert": (163.9, 13455.0)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("game,mean\nPong,1\n", "columns task, low"),
        ("task,low,high\nPong,1,1\n", "same number"),
        ("task,low,high\nPong,1,2\nPong,1,2\n", "there twice"),
        ("task,low,high\nPong,1,x\n", "row 2: 'x' is not a number"),
        ("task,low,high\nPong,1\n", "has 2 cells"),
        ("", "no line"),
    ],
)
def test_references_that_cannot_be_used_say_why(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read_references(written(tmp_path, "references.csv", text))

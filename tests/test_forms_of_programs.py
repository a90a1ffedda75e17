"""Logs in the forms of well-known programs: the metric that judges, its direction, steps and values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ired_diag.open import open_study
from ired_diag.readers.store_explained import explain_store
from ired_diag.readers.text_explained import explain
from ired_diag.runs.run import Run

EPOCHS = 6
LOSS = [1 / (k + 1) for k in range(EPOCHS)]
SCORE = [0.5 + 0.1 * k for k in range(EPOCHS)]
ALL = list(range(EPOCHS))


def lines(of_epoch: Callable[[int], str]) -> str:
    return "".join(map(of_epoch, range(EPOCHS)))


def read(tmp_path: Path, text: str, name: str = "train.log") -> Run:
    path = tmp_path / "mine" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (run,) = open_study(path).runs
    return run


def nanogpt(k: int) -> str:
    step = 250 * k
    return f"{step} val {LOSS[k] + 3:.4f}\n{step} hella {SCORE[k]:.4f}\n{step} train {LOSS[k] + 3:.6f}\n"


def llm_c(k: int) -> str:
    step = 250 * k
    return f"s:{step} tel:{LOSS[k]:.4f}\ns:{step} eval:{SCORE[k]:.4f}\ns:{step} trl:{LOSS[k]:.4f} lr:0.1\n"


def espnet(k: int) -> str:
    return (
        f"[gpu1] 2026-03-01 10:00:0{k},123 (trainer:338) INFO: {k + 1}epoch results: [train] iter_time=0.1, "
        f"loss={LOSS[k] + 9:.4f}, total_count=100, [valid] loss={LOSS[k]:.4f}, cer=0.2, total_count=10\n"
    )


def marian(k: int) -> str:
    stamp = f"[2026-03-01 10:00:0{k}]"
    return (
        f"{stamp} Ep. 1 : Up. {500 * k} : Sen. 20,000 : Cost {LOSS[k] + 9:.4f} : Time 40.1s : 120 words/s\n"
        f"{stamp} [valid] Ep. 1 : Up. {500 * k} : cross-entropy : {LOSS[k]:.4f} : new best\n"
        f"{stamp} [valid] Ep. 1 : Up. {500 * k} : bleu : {SCORE[k]:.4f} : new best\n"
    )


def swin(k: int) -> str:
    head = "[2026-03-01 10:00:00 swin_tiny] (main.py"
    rows = (
        f"{head} 222): INFO Train: [{k}/300][{b}/100]\teta 0:10:00 lr 0.1\tloss 9.0 (9.0)\n" for b in (0, 50)
    )
    return (
        "".join(rows) + f"{head} 280): INFO Test: [0/9]\tTime 1.2 (1.2)\tLoss {LOSS[k]:.4f} ({LOSS[k]:.4f})\n"
    )


def mxnet(k: int) -> str:
    return (
        f"INFO:root:Epoch[{k}] Batch [100]\tSpeed: 1000.1 samples/sec\taccuracy=0.1\n"
        f"INFO:root:Epoch[{k}] Time cost=10.1\nINFO:root:Epoch[{k}] Validation-accuracy={SCORE[k]:.4f}\n"
    )


def caffe(k: int) -> str:
    head = "I0301 10:00:00.1 12345 solver.cpp"
    return (
        f"{head}:331] Iteration {500 * k}, Testing net (#0)\n"
        f"{head}:398]     Test net output #0: accuracy = {SCORE[k]:.4f}\n"
        f"{head}:398]     Test net output #1: loss = {LOSS[k]:.4f} (* 1 = {LOSS[k]:.4f} loss)\n"
        f"{head}:219] Iteration {500 * k} (10.1 iter/s, 9.9s/100 iters), loss = 9.0\n"
    )


def darknet(k: int) -> str:
    rest = f"0.001000 rate, 3.1 seconds, {k} images, 10.1 hours left"
    return f" {100 * k}: 9.100000, {LOSS[k]:.6f} avg loss, {rest}\n"


def detectron2(k: int) -> str:
    return (
        f"[03/01 10:00:00 d2.utils.events]:  eta: 1:00:00  iter: {20 * k}  total_loss: {LOSS[k]:.4f}  "
        "loss_cls: 0.5  time: 0.3111  last_time: 0.2999  data_time: 0.0101  lr: 0.00019  max_mem: 3000M\n"
    )


def rsl_rl(k: int) -> str:
    return (
        f"#######\n      Learning iteration {k}/1500 \n\n   Mean reward: {SCORE[k]:.4f}\n"
        f"------\n  Total timesteps: {98304 * (k + 1)}\n  Iteration time: 1.20s\n\n"
    )


def catboost(k: int) -> str:
    return f"{k}:\ttest: {SCORE[k]:.7f}\tbest: {SCORE[k]:.7f} ({k})\ttotal: {k}ms\tremaining: 1.2s\n"


def xgboost(k: int) -> str:
    return f"[{k}]\tvalidation_0-logloss:9.0\tvalidation_1-logloss:{LOSS[k]:.5f}\n"


def fastai(k: int) -> str:
    head = "epoch     train_loss  valid_loss  accuracy  time    \n" if k == 0 else ""
    return f"{head}{k:<9d} 9.000000    {LOSS[k]:.6f}    0.500000  00:1{k}     \n"


def spacy(k: int) -> str:
    head = (
        "Pipeline: ['ner']\nE    #       LOSS NER  SCORE \n---  ------  --------  ------\n" if k == 0 else ""
    )
    return f"{head}{k:3d}  {k * 200:6d}  {100.5:8.2f}  {SCORE[k]:6.2f}\n"


@pytest.mark.parametrize(
    ("form", "metric", "lower", "step", "values"),
    [
        (nanogpt, "val", True, 250, [loss + 3 for loss in LOSS]),
        (llm_c, "tel", True, 250, LOSS),
        (espnet, "valid/loss", True, 1, LOSS),
        (marian, "valid/cross-entropy", True, 500, LOSS),
        (swin, "test/Loss", True, 100, LOSS),
        (mxnet, "Validation-accuracy", False, 1, SCORE),
        (caffe, "test/loss", True, 500, LOSS),
        (darknet, "avg loss", True, 100, LOSS),
        (detectron2, "total_loss", True, 20, LOSS),
        (rsl_rl, "Mean reward", False, 1, SCORE),
        (catboost, "test", False, 1, SCORE),
        (xgboost, "validation_1-logloss", True, 1, LOSS),
        (fastai, "valid_loss", True, 1, LOSS),
        (spacy, "SCORE", False, 200, SCORE),
    ],
)
def test_a_program_s_lines(
    tmp_path: Path, form: Callable[[int], str], metric: str, lower: bool, step: int, values: list[float]
) -> None:
    run = read(tmp_path, lines(form))
    assert run.evaluated is not None
    name, series = run.evaluated
    assert (name, run.lower_is_better) == (metric, lower)
    assert list(series.values) == pytest.approx(values, abs=6e-3 if form is spacy else 1e-4)
    assert set((series.steps[1:] - series.steps[:-1]).tolist()) == {step}
    assert run.experiment == "mine" or run.experiment == "train"


def test_training_and_test_numbers_of_caffe_stay_apart(tmp_path: Path) -> None:
    series = read(tmp_path, lines(caffe)).history.series
    assert set(series["loss"].values) == {9.0}
    assert list(series["test/accuracy"].values) == pytest.approx(SCORE)


def test_espnet_names_each_number_by_the_data_before_it(tmp_path: Path) -> None:
    series = read(tmp_path, lines(espnet)).history.series
    assert list(series["train/loss"].values) == pytest.approx([loss + 9 for loss in LOSS], abs=1e-4)
    assert "valid/trainer" not in series  # a line of the source


@pytest.mark.parametrize("text", ["12 apples 3\n13 pears 4\n14 plums 5\n", "1 the 5\n2 of 4\n3 and 2\n"])
def test_words_with_numbers_are_no_log(tmp_path: Path, text: str) -> None:
    (tmp_path / "words.txt").write_text(text)
    assert not open_study(tmp_path).runs


def test_an_evaluation_of_mmengine_keeps_its_place(tmp_path: Path) -> None:
    rows = []
    for k in range(EPOCHS):
        for i in range(5):
            iteration = 5 * k + i + 1
            rows.append(
                {"loss": 1 / iteration, "time": 0.3, "epoch": k + 1, "iter": iteration, "step": iteration}
            )
        rows.append({"coco/bbox_mAP": SCORE[k], "coco/bbox_mAP_50": 0.9, "time": 0.02, "step": k + 1})
    run = read(tmp_path, "".join(f"{json.dumps(row)}\n" for row in rows), "scalars.json")
    assert run.evaluated is not None
    name, series = run.evaluated
    assert name == "coco/bbox_mAP"
    assert series.steps.tolist() == [5 * (k + 1) for k in range(EPOCHS)]
    assert list(series.values) == pytest.approx(SCORE)


def test_a_file_for_each_epoch_is_one_run(tmp_path: Path) -> None:
    for seed in range(2):
        folder = tmp_path / f"run_seed{seed}"
        folder.mkdir()
        for k in range(EPOCHS):
            content = {
                "epoch": k,
                "training_loss": 9.0,
                "validation_loss": LOSS[k],
                "best_validation_loss": LOSS[k],
            }
            (folder / f"metrics_epoch_{k}.json").write_text(json.dumps(content, indent=4))
    study = open_study(tmp_path)
    assert [run.seed for run in study.runs] == [0, 1]
    for run in study.runs:
        assert run.evaluated is not None
        assert run.evaluated[0] == "validation_loss"
        assert run.evaluated[1].steps.tolist() == ALL
        assert list(run.evaluated[1].values) == pytest.approx(LOSS)


@pytest.mark.parametrize("name", ["results_seed0.json", "results_1.json"])
def test_numbers_of_seeds_are_no_steps(tmp_path: Path, name: str) -> None:
    from ired_diag.readers import json_of_step

    path = tmp_path / name
    path.write_text(json.dumps({"val_loss": 0.3}))
    assert not json_of_step.accepts(path)


def quickstart(k: int) -> str:
    return (
        f"Epoch {k + 1}\n-------------------------------\nloss: {9:>7f}  [   64/60000]\n"
        f"Test Error: \n Accuracy: {SCORE[k]:.3f}%, Avg loss: {LOSS[k]:>8f} \n\n"
    )


def test_a_heading_names_the_data_of_the_lines_below(tmp_path: Path) -> None:
    run = read(tmp_path, lines(quickstart))
    assert run.evaluated is not None
    assert run.evaluated[0] == "test/Avg loss"
    assert list(run.evaluated[1].values) == pytest.approx(LOSS, abs=1e-5)
    assert set(run.history.series["loss"].values) == {9.0}


def saved_tag(folder: Path, run: str, tag: str, values: list[float]) -> None:
    folder.mkdir(exist_ok=True)
    rows = "".join(f"{1.7e9 + k},{10 * k},{value}\n" for k, value in enumerate(values))
    (folder / f"run-{run}-tag-{tag}.csv").write_text(f"Wall time,Step,Value\n{rows}")


def test_tags_saved_from_tensorboard_are_one_run_a_seed(tmp_path: Path) -> None:
    for seed in range(2):
        saved_tag(tmp_path / "mine", f"seed{seed}", "val_loss", LOSS)
        saved_tag(tmp_path / "mine", f"seed{seed}", "train_loss", [9.0] * EPOCHS)
    study = open_study(tmp_path)
    assert [(run.experiment, run.seed) for run in study.runs] == [("mine", 0), ("mine", 1)]
    for run in study.runs:
        assert run.evaluated is not None and run.evaluated[0] == "val_loss"
        assert set(run.history.series) == {"val_loss", "train_loss"}
        assert len(run.sources) == 2


def test_saved_runs_of_keras_are_parts_of_one(tmp_path: Path) -> None:
    saved_tag(tmp_path / "mine", "seed3_train", "epoch_loss", [9.0] * EPOCHS)
    saved_tag(tmp_path / "mine", "seed3_validation", "epoch_loss", LOSS)
    (run,) = open_study(tmp_path).runs
    assert run.seed == 3
    assert run.evaluated is not None
    assert run.evaluated[0] == "validation/epoch_loss"
    assert list(run.evaluated[1].values) == pytest.approx(LOSS)


def test_the_index_of_pandas_is_no_metric(tmp_path: Path) -> None:
    run = read(tmp_path, ",epoch,val_loss\n" + lines(lambda k: f"{k},{k + 1},{LOSS[k]}\n"), "log.csv")
    assert set(run.history.series) == {"val_loss"}


def test_a_place_in_the_source_is_no_metric(tmp_path: Path) -> None:
    head = "2026-03-01 10:00:00.123 | INFO     | __main__:train:120 - "
    run = read(tmp_path, lines(lambda k: f"{head}Epoch {k + 1}/6 - val_loss: {LOSS[k]:.4f}\n"))
    assert set(run.history.series) == {"val_loss"}


def geometric(k: int) -> str:
    falling = 0.6 - 0.02 * k
    return f"Epoch: {k:03d}, Loss: {LOSS[k]:.4f}, Train: {SCORE[k]:.4f}, Val: {falling:.4f}, Test: 0.5\n"


def test_a_measure_without_a_name_improves_as_its_training_twin_does(tmp_path: Path) -> None:
    run = read(tmp_path, lines(geometric))  # Val falls: it over-fits
    assert run.evaluated is not None
    assert run.evaluated[0] == "Val"
    assert not run.lower_is_better
    assert run.direction.source == "log"


def test_a_loss_without_a_name_stays_assumed(tmp_path: Path) -> None:
    run = read(tmp_path, lines(lambda k: f"{k} val {LOSS[k]:.4f}\n{k} train {LOSS[k]:.4f}\n"))
    assert run.lower_is_better
    assert run.direction.source == "assumed"


def test_the_fraction_in_brackets_is_the_epoch_and_no_split(tmp_path: Path) -> None:
    run = read(
        tmp_path, lines(lambda k: f"[{k + 1}/6] train {LOSS[k]:.3f} valid {LOSS[k] + 1:.3f} best 0.1\n")
    )
    assert set(run.history.series) == {"train", "valid", "best"}
    assert run.history.last_step == 6


def test_answers_of_a_discriminator_are_no_quality(tmp_path: Path) -> None:
    run = read(tmp_path, lines(lambda k: f"epoch {k} Loss_D: {LOSS[k]:.4f} Loss_G: 0.3 D(x): 0.8\n"))
    assert run.evaluated is None


def write_runs(path: Path, heading: str, row: str) -> None:
    """Write three runs one after another; ``heading`` above each, ``row`` for each of its epochs."""
    path.parent.mkdir()
    text = ""
    for run in range(3):
        text += heading.format(run=run)
        for k in range(EPOCHS):
            text += row.format(run=run, k=k, loss=LOSS[k], score=SCORE[k] + 0.01 * run)
    path.write_text(text)


@pytest.mark.parametrize(
    ("heading", "row", "seeds"),
    [
        ("", "Run: {run:02d}, Epoch: {k:02d}, Loss: {loss:.4f}, val_acc: {score:.4f}\n", [None] * 3),
        ("=== Seed {run} ===\n", "epoch {k} loss {loss:.4f} val_acc {score:.4f}\n", [0, 1, 2]),
        ("\nStarting run {run}/3\n", "epoch {k} loss {loss:.4f} val_acc {score:.4f}\n", [None] * 3),
        ("seed: {run}\n", "epoch {k} loss {loss:.4f} val_acc {score:.4f}\n", [0, 1, 2]),
    ],
)
def test_runs_of_one_log_are_taken_apart_by_their_numbers(
    tmp_path: Path, heading: str, row: str, seeds: list[int | None]
) -> None:
    write_runs(tmp_path / "mine/out.log", heading, row)
    runs = open_study(tmp_path).runs
    assert [run.seed for run in runs] == seeds
    assert len({run.label for run in runs}) == 3
    for number, run in enumerate(runs):
        assert run.evaluated is not None
        assert run.evaluated[1].values[-1] == pytest.approx(SCORE[-1] + 0.01 * number)
        assert len(run.evaluated[1]) == EPOCHS
    assert runs[0].ending.complete and runs[1].ending.complete  # the next one began


def test_a_number_that_changes_without_a_new_start_parts_nothing(tmp_path: Path) -> None:
    run = read(tmp_path, lines(lambda k: f"epoch {k} trial {k // 2} loss {LOSS[k]:.4f}\n"))
    assert run.history.last_step == EPOCHS - 1


def test_the_seed_that_a_line_states_is_the_seed(tmp_path: Path) -> None:
    run = read(tmp_path, "Seed set to 42\n" + lines(lambda k: f"epoch {k} val_loss {LOSS[k]:.4f}\n"))
    assert run.seed == 42


@pytest.mark.parametrize(
    "after", ["Train stats:\n  loss: 9.0\n", "Training loss 9.0\nloss 9.0\n", "Summary:\n  loss: 9.0\n"]
)
def test_a_heading_ends_where_another_one_or_training_begins(tmp_path: Path, after: str) -> None:
    run = read(
        tmp_path, lines(lambda k: f"Epoch {k}\nEvaluation:\n  loss: {LOSS[k]:.4f}\n{after}  loss: 9.0\n")
    )
    assert run.evaluated is not None
    assert run.evaluated[0] == "evaluation/loss"
    assert list(run.evaluated[1].values) == pytest.approx(LOSS, abs=1e-4)


def test_the_mean_in_brackets_is_an_evaluation_s_number(tmp_path: Path) -> None:
    form = "Epoch: [{k}][90/100]\tLoss 9.0 (9.0)\nTest: [90/98]\tLoss 2.0 ({loss:.4f})\tAcc@1 10.0 (50.0)\n"
    run = read(tmp_path, lines(lambda k: form.format(k=k, loss=LOSS[k])))
    assert run.evaluated is not None
    assert run.evaluated[0] == "test/Loss"
    assert list(run.evaluated[1].values) == pytest.approx(LOSS, abs=1e-4)
    assert set(run.history.series["test/Loss of the batch"].values) == {2.0}


def test_a_resumed_training_that_prints_another_seed_is_one_run(tmp_path: Path) -> None:
    text = "Random seed: 17\n" + lines(lambda k: f"step {k} val_loss {LOSS[k]:.4f}\n")
    text += "Random seed: 18\nresuming\n" + "".join(f"step {k} val_loss 0.1\n" for k in range(4, 12))
    run = read(tmp_path, text)
    assert run.seed == 17
    assert run.history.last_step == 11


def test_a_run_that_ends_early_before_the_next_is_not_complete(tmp_path: Path) -> None:
    text = ""
    for number, epochs in enumerate((6, 2, 6)):
        text += f"Run {number}\n" + "".join(f"epoch {k} val_acc 0.{k + 1}\n" for k in range(epochs))
    (tmp_path / "out.log").write_text(text)
    first, second, _ = open_study(tmp_path).runs
    assert first.ending.complete
    assert second.ending.state == "unexplained"


def test_trials_are_settings_and_no_seeds(tmp_path: Path) -> None:
    write_runs(tmp_path / "mine/out.log", "Trial {run}\n", "epoch {k} loss {loss:.4f} val_acc {score:.4f}\n")
    (run,) = open_study(tmp_path).runs
    assert any(finding.rule == "several_trainings" for finding in run.findings)


def test_a_direction_that_some_logs_show_holds_for_all(tmp_path: Path) -> None:
    for seed in range(3):
        rows = ""
        for k in range(EPOCHS):
            train = 1.0 if seed == 0 else SCORE[k]
            rows += f"Epoch: {k:03d}, Loss: {LOSS[k]:.4f}, Train: {train:.4f}, Val: {SCORE[k]:.4f}\n"
        (tmp_path / f"x_seed{seed}.log").write_text(rows)
    assert {run.lower_is_better for run in open_study(tmp_path).runs} == {False}


def test_the_loss_of_a_critic_shows_no_direction(tmp_path: Path) -> None:
    run = read(tmp_path, lines(lambda k: f"epoch {k}, Loss: {k}.5, Train: {10 * k}.1, Eval: {9 * k}.1\n"))
    assert run.direction.source == "assumed"


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{k * 37 % 100} error {400 + k}\n" for k in range(9)),  # uniq -c
        "".join(f"{10 + k} train {12 + k}.30\n" for k in range(9)),  # a timetable
        "".join(f"{k} cat {k * 2}\n{k} dog {k}\n" for k in range(9)),
    ],
)
def test_lists_of_a_number_a_word_and_a_number_are_no_logs(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.txt").write_text(text)
    assert not open_study(tmp_path).runs


def test_horizons_keep_their_names(tmp_path: Path) -> None:
    run = read(tmp_path, lines(lambda k: f"epoch {k} | val_loss {LOSS[k]:.4f} | 10step acc {SCORE[k]:.4f}\n"))
    assert run.history.last_step == EPOCHS - 1
    assert "10step acc" in run.history.series


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["bert_epoch{k}", "gpt_epoch{k}"], 2),
        (["seed0_epoch{k}", "seed1_epoch{k}", "seed2_epoch{k}"], 3),
        (["train_epoch_{k}", "val_epoch_{k}"], 1),
    ],
)
def test_files_of_steps_are_grouped_by_their_names(tmp_path: Path, names: list[str], runs: int) -> None:
    for number, name in enumerate(names):
        for k in range(EPOCHS):
            content = {"epoch": k, "loss": LOSS[k] + number}
            (tmp_path / f"{name.format(k=k)}.json").write_text(json.dumps(content))
    study = open_study(tmp_path)
    assert len(study.runs) == runs
    assert all(run.history.last_step == EPOCHS - 1 for run in study.runs)


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["reward_seed0", "reward_seed1", "reward_seed2"], 3),
        (["dqn_reward", "ppo_reward"], 2),
        (["val_loss", "train_loss"], 1),
        (["run-a-tag-acc", "run-a_test-tag-acc"], 2),
    ],
)
def test_renamed_files_of_tensorboard(tmp_path: Path, names: list[str], runs: int) -> None:
    for number, name in enumerate(names):
        rows = "".join(f"{1.7e9 + k},{10 * k},{LOSS[k] + number}\n" for k in range(EPOCHS))
        (tmp_path / f"{name}.csv").write_text(f"Wall time,Step,Value\n{rows}")
    study = open_study(tmp_path)
    assert len(study.runs) == runs
    assert all(run.evaluated is not None for run in study.runs)


def test_how_such_logs_are_read_is_explained(tmp_path: Path) -> None:
    write_runs(
        tmp_path / "mine/out.log", "=== Seed {run} ===\n", "epoch {k} loss {loss:.4f} val_acc {score:.4f}\n"
    )
    explained = explain(tmp_path / "mine/out.log")
    assert explained.runs == ["seed 0", "seed 1", "seed 2"]
    assert not explained.notes
    (tmp_path / "cat.log").write_text("Namespace(lr=0.1, seed=3)\n" + lines(catboost))
    explained = explain(tmp_path / "cat.log")
    assert explained.settings == "lr = 0.1, seed = 3"
    assert explained.judged_by == "test"
    (tmp_path / "spacy.log").write_text(lines(spacy))
    assert "SCORE (6)" in explain_store("printed_columns", tmp_path / "spacy.log")


def test_a_seed_that_is_printed_once_is_not_that_of_each_run(tmp_path: Path) -> None:
    write_runs(tmp_path / "mine/out.log", "", "Run: {run:02d}, Epoch: {k:02d}, val_acc: {score:.4f}\n")
    path = tmp_path / "mine/out.log"
    path.write_text("Namespace(seed=0, lr=0.1, runs=3)\n" + path.read_text())
    runs = open_study(path).runs
    assert [run.seed for run in runs] == [None] * 3
    assert [run.configuration for run in runs] == [{"lr": 0.1, "runs": 3}] * 3


def test_runs_with_a_number_and_a_seed_have_both(tmp_path: Path) -> None:
    row = "Run: {run:02d}, Epoch: {k:02d}, val_acc: {score:.4f}\n"
    write_runs(tmp_path / "mine/out.log", "Seed: {run}7\n", row)
    assert [run.seed for run in open_study(tmp_path).runs] == [7, 17, 27]


def test_what_is_odd_about_the_lines_of_several_runs_is_said(tmp_path: Path) -> None:
    row = "Run: {run:02d}, Epoch: {k:02d}, val_acc: {score:.4f}\n"
    write_runs(tmp_path / "mine/out.log", "", row)
    path = tmp_path / "mine/out.log"
    path.write_text(path.read_text() + "Run: 02, Epoch: 06, val_a")
    last = open_study(path).runs[-1]
    assert "torn_tail" in {finding.rule for finding in last.findings}


def test_a_ratio_is_no_progress_of_an_evaluation(tmp_path: Path) -> None:
    run = read(tmp_path, lines(lambda k: f"epoch {k}\n[val] loss {LOSS[k]:.4f} (0.8) Accuracy: {k}/1000\n"))
    assert list(run.history.series["val/loss"].values) == pytest.approx(LOSS, abs=1e-4)


def test_one_log_of_many_does_not_turn_the_direction(tmp_path: Path) -> None:
    for seed in range(6):
        sign = -1 if seed == 0 else 1
        rows = ""
        for k in range(EPOCHS):
            train = 0.5 + sign * 0.05 * k
            rows += f"Epoch: {k:03d}, Loss: {LOSS[k]:.4f}, Train: {train:.4f}, Val: {SCORE[k]:.4f}\n"
        (tmp_path / f"x_seed{seed}.log").write_text(rows)
    assert {run.lower_is_better for run in open_study(tmp_path).runs} == {False}

"""Bars that start again with each epoch, evaluate in between, move their counter first, or were requeued."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ired_diag.open import open_run, open_study
from ired_diag.readers import progress_series, slurm


def draw(n: int, total: int, *, title: str = "", post: str = "") -> str:
    described = f"{title}: " if title else ""
    stated = f", {post}" if post else ""
    percent = f"{n / total * 100:3.0f}"
    return (
        f"\r{described}{percent}%|{'#' * (n * 10 // total):10}| {n}/{total} [00:01<00:02, 30.00it/s{stated}]"
    )


def text_first(values: Iterable[float], total: int, *, title: str = "", start: int = 0) -> str:
    """Return the records of ``for x in bar: bar.set_postfix(loss=…)``."""
    drawn = draw(start, total, title=title)
    for n, value in enumerate(values, start=start):
        drawn += draw(n, total, title=title, post=f"loss={value}")
        drawn += draw(n + 1, total, title=title, post=f"loss={value}")
    return drawn + "\n"


def written(folder: Path, content: str, name: str = "net_seed1_4242.err") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def points(path: Path) -> dict[str, dict[int, float]]:
    series, _ = progress_series.read(path)
    return {name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in series.items()}


def rules(path: Path) -> list[str]:
    return [finding.rule for finding in progress_series.read(path)[1]]


COUNTED = {n: float(n) for n in range(1, 61)}


@pytest.mark.parametrize("title", ["", "Epoch {}", "epoch {}/3", "Train Epoch: [{}]"])
def test_bars_of_epochs_are_counted_through(tmp_path: Path, title: str) -> None:
    epochs = (range(20 * e + 1, 20 * e + 21) for e in range(3))
    drawn = "".join(text_first(values, 20, title=title.format(e)) for e, values in enumerate(epochs))
    path = written(tmp_path, drawn)
    assert (points(path), rules(path)) == ({"train/loss": COUNTED}, [])


def test_a_loop_that_moves_the_counter_first_is_read_at_its_own_steps(tmp_path: Path) -> None:
    drawn, post = "", ""
    for epoch in range(3):
        drawn += draw(0, 20, title=f"Epoch {epoch}", post=post)
        for n in range(1, 21):
            drawn += draw(n, 20, title=f"Epoch {epoch}", post=post)
            held = f", val_loss={epoch + 99}.0" if epoch else ""
            post = f"v_num=0, train_loss={20 * epoch + n}.0{held}"
            drawn += draw(n, 20, title=f"Epoch {epoch}", post=post)
        drawn += "".join(draw(n, 5, title="Validation DataLoader 0") for n in range(6))
        post = f"v_num=0, train_loss={20 * epoch + 20}.0, val_loss={epoch + 100}.0"
        drawn += draw(20, 20, title=f"Epoch {epoch}", post=post) + "\n"
    assert points(written(tmp_path, drawn)) == {
        "train_loss": COUNTED,
        "val_loss": {20: 100.0, 40: 101.0, 60: 102.0},
    }


def test_a_bar_that_evaluates_is_not_mixed_into_the_series_and_is_named(tmp_path: Path) -> None:
    drawn = ""
    for epoch in range(3):
        drawn += text_first(range(20 * epoch + 1, 20 * epoch + 21), 20, title=f"train {epoch}")
        drawn += text_first([999.0] * 20, 20, title=f"val {epoch}")
    path = written(tmp_path, drawn)
    assert points(path) == {"train/loss": COUNTED}
    assert rules(path) == ["progress_bars_not_read"]


def test_a_bar_that_a_requeued_job_draws_again_ends_the_steps_from_there_on(tmp_path: Path) -> None:
    drawn = text_first(range(1, 151), 200) + "slurmstepd: requeued\n"
    path = written(tmp_path, drawn + text_first([float(-n) for n in range(101, 121)], 200, start=100))
    assert points(path)["train/loss"] == {n: float(n if n <= 100 else -n) for n in range(1, 121)}
    assert rules(path) == ["log_restarted"]


def test_damaged_records_are_counted_in_a_finding(tmp_path: Path) -> None:
    content = text_first(range(1, 21), 20)
    path = written(tmp_path, content.replace("| 7/20", "! 7/20"))
    series, (finding,) = progress_series.read(path)
    assert (finding.rule, finding.severity, finding.evidence) == (
        "damaged_records",
        "warning",
        {"skipped": 2},
    )
    assert series["train/loss"].steps.tolist() == [n for n in range(1, 21) if n != 8]


def test_bars_are_read_next_to_a_log_without_known_lines_in_it_and_alone(tmp_path: Path) -> None:
    drawn = text_first(range(1, 21), 20)
    for number, (name, other) in enumerate(
        ((".err", "loading data\nstart\n"), (".out", None), (".err", None), (".log", None), (".txt", None))
    ):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        path = written(folder, "start\n" + drawn, f"net_seed1_4242{name}")
        if other is not None:
            path.with_suffix(".out").write_text(other)
        assert slurm.accepts(path) == (other is None)
        (run,) = open_study(folder).runs
        assert (run.label, len(run.history.series["train/loss"])) == ("net/seed1", 20)


def test_errors_without_a_log_and_without_bars_are_listed(tmp_path: Path) -> None:
    written(tmp_path, "Traceback (most recent call last):\n")
    study = open_study(tmp_path)
    (skipped,) = study.skipped
    assert study.runs == ()
    assert skipped.reason.startswith("has no .out file next to it")


@pytest.mark.parametrize(
    ("case", "steps", "last"),
    [
        ("c23_lucidrains_tqdm", 400, 400),
        ("c24_tqdm_in_out", 400, 400),
        ("c25_tqdm_nan", 400, 400),
        ("c41_tqdm_epoch_bars", 150, 150),
        ("c42_tqdm_damaged_untold", 250, 400),
    ],
)
def test_real_bars_of_each_kind_are_read_whole(shared: Path, case: str, steps: int, last: int) -> None:
    run = open_run(shared / "cases" / case)
    series = run.history.series["train/loss"]
    assert (len(series), int(series.steps[-1])) == (steps, last)
    damaged = [f.evidence["skipped"] for f in run.findings if f.rule == "damaged_records"]
    assert damaged == ([300] if case == "c42_tqdm_damaged_untold" else [])
    if case == "c25_tqdm_nan":
        assert sum(value != value for value in series.values) > 0

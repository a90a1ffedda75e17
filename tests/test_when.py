"""When two groups come apart and reach a target: from logs to sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import ired_diag as ird
from app.calls.timing import pictures_of
from app.cli import main
from ired_diag.drawing.curves_apart import curves_apart
from ired_diag.drawing.paper_files import Provenance, write_figure
from ired_diag.errors import DiagError, NotFound

Array = NDArray[np.float64]
Curve = Callable[[Array, np.random.Generator], Array]


def falling(pace: float) -> Curve:
    """Return curves from 3 towards 1 with noise of 0.01; ``pace`` stretches their steps."""

    def curve(steps: Array, generator: np.random.Generator) -> Array:
        noise = 0.01 * generator.standard_normal(len(steps))
        return 1 + 2 * np.exp(-steps / (1000 * pace)) + noise

    return curve


def write_logs(
    folder: Path,
    name: str,
    curve: Curve,
    *,
    seeds: int = 6,
    last: int = 4000,
    every: int = 100,
    seconds: float = 0.1,
    changed: Callable[[int, list[dict[str, float]]], list[dict[str, float]]] | None = None,
) -> str:
    """Write a log of JSON lines for each seed, and return the words that name the group."""
    place = folder / name
    place.mkdir()
    generator = np.random.default_rng(len(name))
    for seed in range(seeds):
        steps = np.arange(every, last + 1, every, dtype=float)
        values = curve(steps, generator)
        rows = []
        for step, value in zip(steps, values, strict=True):
            rows.append({"step": int(step), "val_loss": float(value), "train_time": seconds * float(step)})
        if changed is not None:
            rows = changed(seed, rows)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (place / f"seed{seed}.jsonl").write_text(text)
    return f"{name}={place}/*"


def run(*words: str) -> str:
    said = CliRunner().invoke(main, ["when", *words])
    assert said.exit_code == 0, said.output
    return said.output


def test_a_planted_step_and_a_planted_pace_are_found(tmp_path: Path) -> None:
    def late(steps: Array, generator: np.random.Generator) -> Array:
        return falling(1.0)(steps, generator) - np.where(steps > 2000, 0.2, 0.0)

    new, old = write_logs(tmp_path, "new", late), write_logs(tmp_path, "old", falling(1.0))
    answer = ird.when(new, old)
    assert answer.apart is not None
    assert answer.apart.since is not None
    assert abs(answer.apart.since - 2100) <= 200
    fast = write_logs(tmp_path, "fast", falling(0.8))
    answer = ird.when(fast, old, target=1.5)
    assert answer.reaching is not None
    ratio = answer.reaching.ratio
    assert ratio.method == "Welch"
    assert ratio.low <= 0.8 <= ratio.high
    assert ratio.high - ratio.low < 0.1
    words = run(fast, old, "--target", "1.5")
    assert "fast reaches 1.5 in 2" in words
    assert "fewer steps than old" in words


def test_five_pairs_are_told_that_six_are_needed(tmp_path: Path) -> None:
    new = write_logs(tmp_path, "new", falling(0.5), seeds=5)
    old = write_logs(tmp_path, "old", falling(1.0), seeds=5)
    words = run(new, old, "--paired")
    assert "all 32 exchanges of whole seeds: p = 0.062" in words
    assert "Of 5 pairs nothing can be told apart at 5%" in words
    assert "6 pairs are needed" in words
    assert "Open up to step 4000: so few seeds cannot tell curves apart." in words
    assert "cluster" not in words
    assert "They differ from step" in run(new, old, "--unpaired")


def test_a_seed_that_breaks_down_ends_the_comparison_and_never_arrives(tmp_path: Path) -> None:
    def broken(seed: int, rows: list[dict[str, float]]) -> list[dict[str, float]]:
        for row in rows:
            if seed == 2 and row["step"] > 1000:
                row["val_loss"] = math.nan
        return rows

    new = write_logs(tmp_path, "new", falling(0.8), changed=broken)
    old = write_logs(tmp_path, "old", falling(1.0))
    answer = ird.when(new, old, target=1.3)
    assert answer.apart is not None
    assert answer.apart.places[-1] == 1000
    assert answer.apart.limited_by == "new/seed2"
    assert answer.reaching is not None
    states = [arrival.state for arrival in answer.reaching.a.arrivals]
    assert states.count("failed") == 1
    assert answer.reaching.ratio.method == "ranks"
    words = repr(answer)
    assert "1 of 6 seeds failed (seed2: its val_loss is not finite from step 1100 on" in words
    assert "a mean over the others would be one of survivors; survivors=True leaves" in words
    survivors = ird.when(new, old, survivors=True)
    assert survivors.apart is not None
    assert survivors.apart.seeds == (5, 6)
    assert survivors.apart.places[-1] == 4000
    assert "left out of the curves" in repr(survivors)


def test_runs_that_end_first_are_bounds(tmp_path: Path) -> None:
    new = write_logs(tmp_path, "new", falling(0.8), last=2500)
    old = write_logs(tmp_path, "old", falling(1.0), last=2000)
    answer = ird.when(new, old, target=1.2)  # reached near 1840 and 2300
    assert answer.reaching is not None
    assert (answer.reaching.a.reached, answer.reaching.b.reached) == (6, 0)
    ratio = answer.reaching.ratio
    assert ratio.low == 0
    assert 0.85 < ratio.high < 1
    assert math.isnan(ratio.ratio)
    assert answer.reaching.horizon == 2000
    words = repr(answer)
    assert "6 runs ended first and need longer" in words
    assert "new reaches 1.2 in at least" in words
    assert "The comparison ends at step 2000 of 2500, where old/seed0 has its last evaluation." in words


def test_unreached_targets_are_open_and_say_how_close(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.8)), write_logs(tmp_path, "old", falling(1.0))
    words = run(new, old, "--target", "0.5")
    assert "new: 0 of 6 runs reach it; the closest value is" in words
    assert "is open" in words
    assert "No run reaches it, so there is nothing to test." in words


def test_the_level_at_which_the_old_group_ends_has_noise(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.5)), write_logs(tmp_path, "old", falling(1.0), last=2000)
    answer = ird.when(new, old, target="final")
    assert answer.reaching is not None
    level = answer.reaching.level
    assert level is not None
    assert level.value == pytest.approx(1 + 2 * math.exp(-2), abs=0.02)
    assert level.low < level.value < level.high
    assert level.slowest >= answer.reaching.ratio.high
    assert level.fastest <= answer.reaching.ratio.low
    assert "With its noise counted in" in repr(answer)


def test_curves_at_equal_times(tmp_path: Path) -> None:
    """Equal at equal steps, and half as fast."""
    new = write_logs(tmp_path, "new", falling(1.0), seconds=0.2)
    old = write_logs(tmp_path, "old", falling(1.0), seconds=0.1)
    by_steps, by_time = ird.when(new, old, target=1.5), ird.when(new, old, target=1.5, against_time=True)
    assert by_steps.apart is not None
    assert by_steps.apart.since is None
    assert by_time.axis == "train_time"
    assert by_time.reaching is not None
    assert by_time.reaching.ratio.low <= 2 <= by_time.reaching.ratio.high
    words = run(new, old, "--against-time", "--target", "1.5")
    assert "They differ from train_time" in words
    assert "new is worse than old" in words


def test_the_clock_of_a_resumed_run_goes_on(tmp_path: Path) -> None:
    def resumed(seed: int, rows: list[dict[str, float]]) -> list[dict[str, float]]:
        for row in rows:
            if row["step"] > 2000 and seed == 1:
                row["train_time"] -= 200
        return rows

    new = write_logs(tmp_path, "new", falling(1.0), changed=resumed)
    old = write_logs(tmp_path, "old", falling(1.0))
    answer = ird.when(new, old, time_column="train_time")
    assert answer.apart is not None
    assert answer.apart.places[-1] == 400
    assert "the clock of seed1 starts again" in repr(answer)


def test_a_column_that_is_no_clock_is_refused(tmp_path: Path) -> None:
    def durations(seed: int, rows: list[dict[str, float]]) -> list[dict[str, float]]:
        for place, row in enumerate(rows):
            row["train_time"] = 0.1 + 0.01 * (place % 2)
        return rows

    new = write_logs(tmp_path, "new", falling(1.0), changed=durations)
    old = write_logs(tmp_path, "old", falling(1.0), changed=durations)
    with pytest.raises(DiagError, match="not the time since the start of training"):
        ird.when(new, old, time_column="train_time")
    with pytest.raises(NotFound, match="time_column='NAME'"):
        ird.when(new, old, against_time=True)


def test_steps_that_do_not_meet_are_said_to_be_read_off(tmp_path: Path) -> None:
    new = write_logs(tmp_path, "new", falling(0.8), every=130)
    old = write_logs(tmp_path, "old", falling(1.0), every=70)
    words = run(new, old, "--target", "1.3")
    assert "seeds were not evaluated at the same ones" in words
    assert "One group is evaluated more often than the other" in words


def test_higher_is_better_turns_the_words(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.8)), write_logs(tmp_path, "old", falling(1.0))
    words = run(new, old, "--higher-is-better", "--target", "1.3")
    assert "new is worse than old" in words
    assert "at or above it" in words


def test_json_holds_all_numbers_and_the_sentences(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.8)), write_logs(tmp_path, "old", falling(1.0))
    content = json.loads(run(new, old, "--target", "1.3", "--json"))
    assert content["since"] is not None
    assert content["reaching"]["ratio"]["high"] < 1
    assert len(content["reaching"]["a"]["arrivals"]) == 6
    assert content["in_words"][0].startswith("metric: val_loss")
    assert content["in_words"][-1].startswith("Assumed: seeds are independent")


def test_one_seed_has_no_noise_but_a_time(tmp_path: Path) -> None:
    new = write_logs(tmp_path, "new", falling(0.8), seeds=1)
    old = write_logs(tmp_path, "old", falling(1.0))
    words = run(new, old, "--target", "1.3")
    assert "new has 1 seed with a curve, so the noise of its mean is unknown" in words
    assert "no interval" in words


def test_mistakes_are_named(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.8)), write_logs(tmp_path, "old", falling(1.0))
    for words, expected in (
        (["--target", "low"], "A target is a finite number, or final"),
        (["--target", "nan"], "A target is a finite number, or final"),
        (["--alpha", "0.7"], "alpha lies between 0 and 0.5"),
        (["--time-column", "hours"], "no run logs it"),
    ):
        said = CliRunner().invoke(main, ["when", new, old, *words])
        assert said.exit_code == 1
        assert expected in said.output
    with pytest.raises(DiagError, match="Expected 2 groups, found 1"):
        ird.when(new)


def test_pictures_are_written(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.8)), write_logs(tmp_path, "old", falling(1.0), last=2500)
    answer = ird.when(new, old, target=1.2)
    curves, times = pictures_of(answer)
    means, difference = curves.panels
    assert [line.name for line in means.lines if not line.faint] == ["new", "old"]
    assert difference.segments
    assert answer.apart is not None
    assert difference.segments[-1].x[0] == answer.apart.since
    (panel,) = times.panels
    ticks = [segment for segment in panel.segments if segment.of == "old"]
    assert answer.reaching is not None
    assert len(ticks) == 6 - answer.reaching.b.reached
    for line, group in zip(panel.lines, (answer.reaching.a, answer.reaching.b), strict=True):
        assert line.low is not None and line.high is not None
        survival = group.curve
        is_inside = (survival.share > 0) & (survival.share < 1)
        assert is_inside.any()
        np.testing.assert_array_equal(line.low[1:-1][is_inside], survival.low[is_inside])
        np.testing.assert_array_equal(line.high[1:-1][is_inside], survival.high[is_inside])
        assert np.isnan(line.low[1:-1][~is_inside]).all() and np.isnan(line.low[0])
    assert "Greenwood" in times.method
    assert ("Upright ticks" in times.method) == bool(times.panels[0].segments)
    for figure in (curves, times):
        files = write_figure(figure, tmp_path / "out", Provenance("", [], {}), forms=("png",), width=3.25)
        assert all(file.stat().st_size for file in files)
    words = run(new, old, "--target", "1.2", "--out", str(tmp_path / "pictures"), "--format", "png")
    assert "curves_apart.png" in words
    assert "steps_to_target.png" in words


def test_a_difference_in_half_widths_ends_at_5_and_says_where_it_is_beyond(tmp_path: Path) -> None:
    def decay(pace: float) -> Curve:
        def curve(steps: Array, generator: np.random.Generator) -> Array:
            wiggle = 1 + 0.01 * generator.standard_normal(len(steps))
            return (0.02 + 2 * np.exp(-steps / (300 * pace))) * wiggle

        return curve

    new, old = write_logs(tmp_path, "new", decay(0.7)), write_logs(tmp_path, "old", decay(1.0))
    answer = ird.when(new, old)
    figure = curves_apart(answer)
    difference = figure.panels[1]
    values = difference.lines[0].y
    assert answer.apart is not None
    np.testing.assert_array_equal(values, answer.apart.separation.t / answer.apart.separation.bound)
    assert difference.y_range is not None
    assert difference.y_range[0] == -5.25 and np.abs(values).max() > 5
    places = answer.apart.places[np.abs(values) > 5]
    assert f"between step {places[0]:.0f} and step {places[-1]:.0f}" in figure.method
    assert f"up to {np.abs(values).max():.0f}." in figure.method


def test_labels_and_font_are_those_of_the_paper(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(0.8)), write_logs(tmp_path, "old", falling(1.0), last=2500)
    metric = ird.when(new, old).metric
    labels = {"new": "ours & theirs"}
    answer = ird.when(new, old, target=1.2, labels=labels, metric_labels={metric: "Test error"})
    plain = ird.when(new, old, target=1.2)
    assert (answer.metric, answer.reaching) != (plain.metric, None)
    for figure in pictures_of(answer):
        words = " ".join(
            [figure.title, figure.method, figure.note, *(panel.y_label for panel in figure.panels)]
        )
        assert "Test error" in figure.title
        assert metric not in words
        assert "ours & theirs" in [line.name for line in figure.panels[0].lines]
    assert answer.apart is not None
    assert plain.apart is not None
    np.testing.assert_array_equal(answer.apart.separation.difference, plain.apart.separation.difference)
    out = tmp_path / "pictures"
    arguments = ("--target", "1.2", "--out", str(out), "--format", "pdf", "--font", "serif")
    run(new, old, *arguments, "--label", "new=ours & theirs", "--metric-label", f"{metric}=Test error")
    assert b"STIX" in (out / "curves_apart.pdf").read_bytes()
    assert r"ours \& theirs" in (out / "curves_apart.tex").read_text()


def test_two_records_of_a_speedrun(shared: Path) -> None:
    """The published logs: 3225 and 3300 steps, of which all but one run of the slower reach 3.28."""
    logs = shared / "text_logs"
    answer = ird.when(f"contra={logs}/contra/*", f"newton={logs}/newton/*", target=3.28)
    assert answer.reaching is not None
    assert (answer.reaching.a.reached, answer.reaching.b.reached) == (16, 14)
    ratio = answer.reaching.ratio
    assert 0.975 < ratio.low < ratio.high < 0.99
    assert answer.apart is not None
    assert answer.apart.since == 3000
    assert [stretch.sign for stretch in answer.apart.separation.stretches] == [-1, 1, -1]


def test_seeds_of_the_study_are_pairs(shared: Path) -> None:
    answer = ird.when("q103", "q101", runs=shared / "ired_logs")
    assert answer.apart is not None
    assert answer.apart.is_paired
    assert answer.apart.seeds == (10, 10)
    assert answer.apart.separation.exchanges == 1024
    assert answer.apart.since is not None
    assert answer.apart.since < 20_000
    assert "q103 is worse than q101" in repr(answer)


def test_stretches_before_the_last_one_are_in_the_first_sentence(tmp_path: Path) -> None:
    """The last stretch may be one step, when the curves were apart for most of the training."""

    def gone(steps: Array, generator: np.random.Generator) -> Array:
        bump = ((steps > 1000) & (steps <= 3000)) | (steps == 3500)
        return falling(1.0)(steps, generator) - np.where(bump, 0.3, 0.0)

    text = run(write_logs(tmp_path, "new", gone), write_logs(tmp_path, "old", falling(1.0)))
    first = text.splitlines()[1]
    assert first.startswith("Not apart at the end (step 4000). new is apart from old at steps ")
    assert "1100 to 3000 (better)" in first
    assert "3500 (better)" in first
    answer = ird.when(f"new={tmp_path / 'new'}/*", f"old={tmp_path / 'old'}/*")
    picture = curves_apart(answer)
    bold = picture.panels[1].segments
    assert len(bold) == len(answer.apart.stretches)
    # A single step has a length too, else it could not be seen.
    assert all(start < end for start, end in (segment.x for segment in bold))


def test_a_target_that_all_reach_at_once_is_not_blamed_on_runs_that_ended(tmp_path: Path) -> None:
    new, old = write_logs(tmp_path, "new", falling(1.0)), write_logs(tmp_path, "old", falling(1.0))
    text = run(new, old, "--target", "50")
    assert "all runs are at 50 at their first evaluation already" in text
    assert "ended" not in text


def test_few_seeds_say_once_that_nothing_can_be_told(tmp_path: Path) -> None:
    new = write_logs(tmp_path, "new", falling(0.5), seeds=3)
    text = run(new, write_logs(tmp_path, "old", falling(1.0), seeds=3))
    assert "nothing can be told apart at 5%" in text
    assert "no difference is shown" not in text

"""Energies over training: gaps, shares of seeds, sizes, against plain numpy; names of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ired_diag.drawing import paper, plotly
from ired_diag.drawing.data import FigureData, Line
from ired_diag.drawing.energies import energy_gaps, positive_energies
from ired_diag.drawing.share_above_zero import above_zero
from ired_diag.errors import NotFound
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending
from ired_diag.runs.energy_metrics import EnergyMetrics, energy_gap, energy_metrics, positive_energy
from ired_diag.runs.history import History, Series
from ired_diag.runs.run import Run
from tests.made_runs import made_run

NAMES = ("train/energy_positive", "train/energy_negative")


def series(values: Sequence[float], first: int = 100) -> Series:
    steps = first + 100 * np.arange(len(values), dtype=np.int64)
    return Series(steps, np.asarray(values, dtype=np.float64))


def run_of(
    positive: Sequence[float], negative: Sequence[float], seed: int = 0, names: tuple[str, str] = NAMES
) -> Run:
    curves = {names[0]: series(positive), names[1]: series(negative)}
    return made_run("q1", seed, path=Path("q1"), metrics=curves)


def own_lines(figure: FigureData, panel: int = 0) -> list[Line]:
    return [line for line in figure.panels[panel].lines if not line.faint]


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("CD-DIAG/E_pos", "CD-DIAG/E_neg"),
        ("train/energy_positive", "train/energy_negative"),
        ("E_POS", "E_NEG"),
        ("energy_pos", "energy_neg"),
    ],
)
def test_energies_are_found_by_their_names(positive: str, negative: str) -> None:
    assert list(energy_metrics([negative, positive])) == [EnergyMetrics(positive, negative)]
    assert list(energy_metrics([positive])) == [EnergyMetrics(positive, None)]
    run = run_of([1.0, 2.0], [3.0, 5.0], names=(positive, negative))
    found = energy_gap(run.history)
    assert found is not None
    assert found[1].values.tolist() == [2.0, 3.0]


def test_other_metrics_are_no_energies() -> None:
    assert list(energy_metrics(["train/loss_energy", "mse_pos", "positive", "E_position", "epos"])) == []
    assert energy_gap(History({"E_pos": series([1.0])})) is None
    assert positive_energy(History({"loss": series([1.0])})) is None


def test_a_gap_is_taken_at_steps_that_both_have() -> None:
    history = History({"E_pos": series([1.0, 2.0, 3.0]), "E_neg": series([10.0, 20.0], first=200)})
    found = energy_gap(history)
    assert found is not None
    assert found[1] == Series(np.array([200, 300]), np.array([8.0, 17.0]))


def test_the_gap_is_the_mean_over_seeds_of_negative_less_positive(rng: np.random.Generator) -> None:
    positive, negative = rng.normal(size=(2, 5, 30))
    runs = [run_of(p, n, seed) for seed, (p, n) in enumerate(zip(positive, negative, strict=True))]
    figure = energy_gaps({"q1": runs})
    gap = negative - positive
    (line,) = own_lines(figure)
    np.testing.assert_allclose(line.y, gap.mean(0), rtol=1e-12)
    (share,) = own_lines(figure, 1)
    np.testing.assert_array_equal(share.y, (gap > 0).mean(0))
    assert figure.panels[0].y_scale == "linear"
    assert figure.panels[0].guides[0].y == 0.0
    assert f"above 0 in {(gap[:, -1] > 0).sum()} of 5 seeds" in figure.summary


def test_a_share_counts_only_seeds_with_a_finite_gap_and_a_gap_of_zero_as_none() -> None:
    curves = [series([1.0, np.nan, 0.0]), series([-1.0, 2.0, np.inf]), series([3.0, 2.0, 0.0])]
    np.testing.assert_allclose(above_zero(curves), [2 / 3, 1.0, 0.0])
    np.testing.assert_array_equal(above_zero(curves), above_zero(curves[::-1]))


def test_a_share_over_many_steps_is_in_windows_that_are_told_over_its_own_dots(
    rng: np.random.Generator,
) -> None:
    gap = rng.normal(size=(4, 500))
    gap[3, 250:] = np.nan
    runs = [run_of(np.zeros(500), values, seed) for seed, values in enumerate(gap)]  # type: ignore[arg-type]
    figure = energy_gaps({"q1": runs})
    dots, line = figure.panels[1].lines
    assert dots.drawn == "points"
    assert dots.faint
    naive = [(g[np.isfinite(g)] > 0).mean() for g in np.split(gap, 50, axis=1)]
    np.testing.assert_allclose(line.y, naive, rtol=1e-12)
    np.testing.assert_allclose(line.x[:2], [550.0, 1550.0])
    assert "windows of 10 logged steps" in figure.method
    assert figure.panels[2].y_label == "seeds"


def test_gaps_that_are_all_positive_and_grow_tenfold_have_a_logarithmic_axis() -> None:
    figure = energy_gaps({"q1": [run_of([0.0, 0.0], [1.0, 1000.0])]})
    assert figure.panels[0].y_scale == "log"
    assert figure.panels[0].guides == ()


def test_positive_energies_are_drawn_as_they_are_on_a_logarithmic_axis() -> None:
    runs = [run_of([1.0, 100.0], [0.0, 0.0], seed=i) for i in range(2)]
    figure = positive_energies({"q1": runs})
    assert figure.panels[0].y_scale == "log"
    assert figure.panels[0].y_label == "energy E⁺ of right answers (nat)"
    assert own_lines(figure)[0].y.tolist() == [1.0, 100.0]
    assert "|E⁺|" not in figure.method


def test_of_energies_at_or_below_zero_the_size_is_drawn_and_that_is_said() -> None:
    figure = positive_energies(
        {"q1": [run_of([-10.0, 5.0, 0.0], [0.0] * 3), run_of([20.0, 5.0, 4.0], [0.0] * 3, 1)]}
    )
    assert figure.panels[0].y_label == "energy |E⁺| of right answers (nat)"
    assert own_lines(figure)[0].y.tolist() == [15.0, 5.0, 2.0]
    assert "size |E⁺|: 2 of 6 logged values are 0 or less" in figure.method


def test_a_band_that_reaches_below_zero_is_said_to_be_cut_on_a_logarithmic_axis() -> None:
    values = ([1.0, 2.0], [1.0, 200.0], [1.0, 3.0])
    runs = [run_of(energies, [0.0, 0.0], seed) for seed, energies in enumerate(values)]
    assert "are cut" in positive_energies({"q1": runs}).method
    assert "are cut" not in positive_energies({"q1": runs[:1]}).method


def test_runs_without_energies_are_named_and_none_at_all_is_an_error_with_the_next_command() -> None:
    silent = Run(
        experiment="q2",
        name=None,
        variant=None,
        seed=0,
        path=Path("q2"),
        configuration=None,
        history=History({"loss": series([1.0])}),
        ending=Ending("complete"),
    )
    figure = energy_gaps({"q1": [run_of([1.0], [2.0])], "q2": [silent]})
    assert "left out: q2 (1 run)." in figure.method
    assert figure.order == ("q1", "q2")
    for build in (energy_gaps, positive_energies):
        with pytest.raises(NotFound, match="ired-diag probe"):
            build({"q2": [silent]})


def test_energies_smoothed_keep_their_band_and_their_raw_curves() -> None:
    runs = [run_of([0.0] * 5, [1.0, 9.0, 2.0, 8.0, 3.0])]
    plain, smooth = (energy_gaps({"q1": runs}, smooth=k) for k in (None, 3))
    assert own_lines(smooth)[0].y.tolist() == [5.0, 2.0, 8.0, 3.0, 5.5]
    assert [line.y.tolist() for line in smooth.panels[0].lines if line.faint] == [[1.0, 9.0, 2.0, 8.0, 3.0]]
    assert "running median of 3 steps" in smooth.method
    assert "not smoothed" in plain.method


@pytest.mark.parametrize("width", [paper.COLUMN, paper.TEXT])
@pytest.mark.parametrize("values", [[1.0], [np.nan], [np.inf, 1.0], [0.0, 0.0], [1e300, 1e-300], [-5.0, 5.0]])
def test_odd_energies_are_drawn_by_both(values: list[float], width: float) -> None:
    groups = {"q1": [run_of(values, np.zeros(len(values)))]}  # type: ignore[arg-type]
    for figure in (energy_gaps(groups), positive_energies(groups)):
        paper.draw(figure, width=width).draw_without_rendering()
        screen = plotly.draw(figure)
        shown = [
            t for t in screen.data if t.name == "q1" and np.array_equal(t.y, own_lines(figure)[0].y, True)
        ]
        assert shown


def test_the_study_s_scalar_heads_run_away(shared: Path) -> None:
    groups = open_study(shared / "ired_logs").groups()
    chosen = {name: groups[name] for name in ("q207", "q209")}
    figure = positive_energies(chosen)
    told = groups["q209"][0].history.series["CD-DIAG/E_pos"]
    assert "CD-DIAG/E_pos" in figure.summary
    line = own_lines(figure)[1]
    both = [run.history.series["CD-DIAG/E_pos"] for run in groups["q209"]]
    assert line.y[0] == pytest.approx(np.mean([one.values[0] for one in both]))
    assert told.values[-1] > 1000 * told.values[0]
    gaps = energy_gaps({"q209": groups["q209"]})
    assert own_lines(gaps, 1)[0].y.max() == 0.0  # no mining: negatives are the positives


def test_a_caption_names_only_what_is_drawn() -> None:
    one = energy_gaps({"q1": [run_of([0.0, 0.0], [1.0, -2.0])]})
    assert one.method.count("seed") == 2  # the only one, and the share of it
    assert "band" not in one.method
    runs = [run_of([0.0, 0.0], [1.0, k - 1.0], seed=k) for k in range(3)]
    several = energy_gaps({"q1": runs, "q2": [silent_run(k) for k in range(2)]})
    assert "band: 95% t interval of the mean over seeds; thin lines" in several.method
    assert "n = 3 seeds." in several.method
    assert "more than half" not in several.method
    assert several.method.endswith("Logged no such energy, left out: q2 (2 runs).")
    shorter = energy_gaps({"q1": [*runs, run_of([0.0], [1.0], seed=3)]})
    assert "n = 3 to 4 seeds." in shorter.method


def silent_run(seed: int) -> Run:
    return made_run("q2", seed, path=Path("q2"), metrics={"loss": series([1.0])})


def test_groups_whose_shares_are_the_same_are_both_seen() -> None:
    groups = {name: [run_of([0.0, 0.0], [1.0, 2.0])] for name in ("q1", "q2", "q3")}
    widths = [line.width for line in energy_gaps(groups).panels[1].lines]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 3
    drawn = [line.get_linewidth() for line in paper.draw(energy_gaps(groups)).axes[1].get_lines()]
    assert drawn[0] > drawn[1] > drawn[2] > 0


def test_curves_of_many_steps_are_means_over_windows_on_paper(rng: np.random.Generator) -> None:
    gap = rng.normal(size=(3, 1000)) + 5
    gap[1, 3] = np.nan
    gap[2, 990:] = np.inf  # the whole of the last window
    runs = [run_of(np.zeros(1000), values, seed) for seed, values in enumerate(gap)]  # type: ignore[arg-type]
    plain, drawn = (energy_gaps({"q1": runs}, windowed=told) for told in (False, True))
    (line,) = own_lines(drawn)
    naive = [[part[np.isfinite(part)].mean() for part in np.split(values, 100)] for values in gap[:2]]
    seeds = [other.y for other in drawn.panels[0].lines if other.faint]
    np.testing.assert_allclose(seeds[:2], naive, rtol=1e-12)
    assert np.isnan(seeds[2][-1])
    assert len(line.x) == 100
    assert line.y[0] == pytest.approx(np.mean([seed[0] for seed in seeds]))
    assert line.x[0] == 600  # the middle of 100 to 1100
    assert "each point over one of 100 equal windows of steps" in drawn.method
    assert drawn.summary == plain.summary
    assert own_lines(plain)[0].x.tolist() == list(range(100, 100_001, 100))
    few = [run_of([0.0, 0.0], [1.0, 2.0])]
    assert energy_gaps({"q1": few}, windowed=True).method == energy_gaps({"q1": few}).method

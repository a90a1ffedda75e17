"""Trainings of unequal length: what is said next to the verdict, and curves that are cut at a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from click.testing import CliRunner

from app.cli import main
from ired_diag.comparison import Comparison, compare
from ired_diag.comparison.words import methods_of, verdict_of
from ired_diag.errors import NotFound
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from tests.made_runs import made_run


def falling(name: str, ends: list[int], *, ahead: float = 0.0, sign: float = 1.0) -> list[Run]:
    """Return runs whose metric falls as 3 exp(-step / 2000), each with its own offset, up to its own end."""
    runs = []
    for seed, end in enumerate(ends):
        steps = np.arange(100, end + 1, 100)
        rng = np.random.default_rng([seed, len(name)])
        values = 1 + 3 * np.exp(-steps / 2000) - ahead + 0.001 * rng.standard_normal()
        metric = "val_loss" if sign > 0 else "val_accuracy"
        runs.append(
            made_run(
                name, seed, path=Path(name), metrics={metric: Series(steps.astype(np.int64), sign * values)}
            )
        )
    return runs


def said(found: Comparison) -> str:
    return verdict_of(found.pairs[0], found)


def test_the_longer_training_is_named_and_the_shared_step_decides_nothing_else() -> None:
    groups = {"a": falling("a", [3000] * 4, ahead=0.05), "bb": falling("bb", [4000] * 4)}
    found = compare(groups, readout="last")
    at_3000 = [[run.history.series["val_loss"].values[29] for run in runs] for runs in groups.values()]
    test = scipy.stats.ttest_ind(*at_3000, equal_var=False)
    percent = 100 * (np.mean(at_3000[1]) - np.mean(at_3000[0])) / np.mean(at_3000[1])
    assert said(found).startswith("a is worse than bb by ")
    assert said(found).endswith(
        "bb trained 1000 steps longer (4000, a 3000): at step 3000, the last that all their seeds have, "
        f"a is lower by {percent:.3g}% (p = {test.pvalue:.2g})."
    )


def test_of_a_score_the_higher_group_is_ahead() -> None:
    groups = {"a": falling("a", [3000] * 4, ahead=0.05, sign=-1), "bb": falling("bb", [4000] * 4, sign=-1)}
    found = compare(groups, metric="val_accuracy", lower_is_better=False, readout="last")
    assert "a is higher by" in said(found)


def test_a_difference_that_is_not_shown_is_said_not_to_be() -> None:
    groups = {"a": falling("a", [3000] * 4), "bb": falling("bb", [4000] * 4)}
    assert "not shown to differ), inside the 1% margin." in said(compare(groups, readout="last"))


def test_seeds_of_several_lengths_have_a_range() -> None:
    groups = {"a": falling("a", [2000, 3000, 2500]), "bb": falling("bb", [4000] * 3)}
    ends = "The trainings end at different steps (a 2000 to 3000, bb 4000): at step 2000, the last that all"
    assert ends in said(compare(groups, readout="last"))


def test_equal_lengths_are_not_mentioned_nor_are_readouts_of_shared_steps() -> None:
    equal = {"a": falling("a", [3000] * 3), "bb": falling("bb", [3000] * 3)}
    assert "longer" not in said(compare(equal, readout="last"))
    unequal = {"a": falling("a", [3000] * 3), "bb": falling("bb", [4000] * 3)}
    found = compare(unequal, readout="best")
    assert found.readout == "best"
    assert "longer" not in said(found)


def test_curves_that_are_cut_are_those_of_a_training_that_ended_there() -> None:
    a = falling("a", [3000] * 4)
    cut = compare({"a": a, "bb": falling("bb", [4000] * 4)}, readout="last", until=3050)
    short = compare({"a": a, "bb": falling("bb", [3000] * 4)}, readout="last")
    assert cut.groups[1].values == short.groups[1].values
    assert cut.pairs[0].p == short.pairs[0].p
    assert "longer" not in said(cut)
    assert "last evaluation of val_loss up to step 3050" in methods_of(cut)


def test_a_step_before_the_first_evaluation_is_refused() -> None:
    groups = {"a": falling("a", [3000] * 2), "bb": falling("bb", [4000] * 2)}
    with pytest.raises(NotFound, match="logged val_loss first at step 100, after step 50"):
        compare(groups, until=50)


@pytest.mark.parametrize("command", ["stats", "figures"])
def test_both_commands_take_the_step(command: str, tmp_path: Path) -> None:
    for group, end in (("a", 900), ("b", 1200)):
        for seed in range(3):
            folder = tmp_path / "logs" / group / f"seed{seed}"
            folder.mkdir(parents=True)
            rows = [f"{step},{1 + 300 / step + 0.01 * seed}" for step in range(100, end + 1, 100)]
            (folder / "metrics.csv").write_text("\n".join(["step,val_loss", *rows, ""]))
    words = [command, "a", "b", "--runs", str(tmp_path / "logs"), "--until", "900"]
    if command == "figures":
        words += ["--out", str(tmp_path / "out"), "--only", "learning-curves", "--format", "svg"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    if command == "figures":
        data = (tmp_path / "out" / "learning-curves.csv").read_text()
        assert "900" in data
        assert "1000" not in data
    else:
        assert "up to step 900" in result.output
        assert "longer" not in result.output

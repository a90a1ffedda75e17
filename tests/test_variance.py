"""The command and the call: crossed runs of ours and of strangers, in variance, stats, gate and pictures."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import ired_diag as ird
from app.cli import main
from ired_diag.errors import DiagError

SIZES = (4, 3)


def results(seed: int = 0, *, shift: float = 0.0, init: float = 0.2) -> np.ndarray:
    """Return results of 4 initialisations x 3 data seeds: effects of 0.2 and 0.05, the rest 0.02."""
    rng = np.random.default_rng(seed)
    a, b = SIZES
    effects = init * rng.standard_normal((a, 1)) + 0.05 * rng.standard_normal((1, b))
    values: np.ndarray = 1 + shift + effects + 0.02 * rng.standard_normal((a, b))
    return values


def table(path: Path, groups: dict[str, np.ndarray], header: str = "init_seed,data_seed") -> Path:
    lines = [f"method,{header},val_loss"]
    for name, values in groups.items():
        for i, d in itertools.product(*map(range, values.shape)):
            lines.append(f"{name},{i},{d},{values[i, d]!r}".replace("np.float64(", "").replace(")", ""))
    path.write_text("\n".join(lines) + "\n")
    return path


def logs(folder: Path, *, keys: tuple[str, str] = ("model.seed", "shuffle_seed"), count: int = 40) -> str:
    """Write runs with a configuration next to each log, and return what names them as one group."""
    rng = np.random.default_rng(1)
    for (i, d), value in np.ndenumerate(results()):
        run = folder / f"exp{i}{d}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps({keys[0]: i, keys[1]: d, "lr": 0.1}))
        lines = []
        for step in range(1, count + 1):
            noisy = value + 2 * math.exp(-step / 2) + 0.01 * rng.standard_normal()
            lines.append(json.dumps({"step": 100 * step, "val_loss": noisy}))
        (run / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return f"mine={folder}/*"


def said(*arguments: str | Path, status: int = 0) -> str:
    answer = CliRunner().invoke(main, list(map(str, arguments)))
    assert answer.exit_code == status, answer.output
    return answer.output


def test_a_table_with_columns_of_seeds_is_split(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()})
    answer = ird.variance("a", runs=path)
    values = results()
    rows, columns, grand = values.mean(axis=1), values.mean(axis=0), values.mean()
    residues = values - rows[:, None] - columns[None] + grand
    rest = (residues**2).sum() / 6
    of_init = (3 * ((rows - grand) ** 2).sum() / 3 - rest) / 3
    found = answer.result.components.by_term
    assert found["init",].variance == pytest.approx(of_init, abs=1e-10)
    assert found[()].variance == pytest.approx(rest, abs=1e-10)
    assert answer.result.precision.mean == pytest.approx(grand)
    assert 3 < answer.result.precision.effective < 5


def test_the_command_says_the_design_the_shares_and_what_to_buy(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()})
    output = said("variance", "a", "--runs", path, "--cost", "seeds=1,init=0.5,data=0.5")
    assert "12 runs: 4 initialisations x 3 data seeds." in output
    assert "interaction and the rest" in output
    assert "3 data seeds say little of how far others lie" in output
    assert "prices: seeds 1, init 0.5, data 0.5" in output
    assert "runs with a new initialisation alone" in output


def test_json_has_everything_and_no_nan(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()})
    answer = CliRunner().invoke(main, ["variance", "a", "--runs", str(path), "--json"])
    content = json.loads(answer.stdout, parse_constant=pytest.fail)
    assert content["seeds"]["init"] == [i for i in range(4) for _ in range(3)]
    shares = [component["share"] for component in content["components"]]
    assert sum(shares) == pytest.approx(1)
    assert content["advice"]["recommended"]["counts"]["seeds"] == 12
    assert content["precision"]["low"] < content["precision"]["mean"] < content["precision"]["high"]


def test_rows_of_equal_seeds_are_repeated_evaluations(tmp_path: Path) -> None:
    values = results()
    path = tmp_path / "t.csv"
    lines = ["init_seed,data_seed,val_loss"]
    for (i, d), value in np.ndenumerate(values):
        for repeat in (-0.01, 0.0, 0.01):
            lines.append(f"{i},{d},{float(value) + repeat!r}")
    path.write_text("\n".join(lines) + "\n")
    found = ird.variance(f"g={path}").result.components.by_term
    assert found[()].variance == pytest.approx(1e-4, abs=1e-12)
    assert ("init", "data") in found


def test_an_overall_seed_next_to_a_data_seed_is_the_initialisation(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()}, header="seed,data_seed")
    answer = ird.variance("a", runs=path)
    assert answer.result.levels.keys == {"data": "data_seed", "init": "seed"}
    assert set(answer.result.values) == {f"init{i}-data{d}" for i in range(4) for d in range(3)}


def test_logs_of_strangers_and_the_noise_along_their_steps(tmp_path: Path) -> None:
    answer = ird.variance(logs(tmp_path / "runs"))
    assert answer.result.levels.keys["data"] == "shuffle_seed"
    found = answer.result.components.by_term
    worth = answer.result.evaluations
    assert worth >= 10
    # 0.01 in each of the evaluations that a result is the mean of.
    assert found["evaluations",].variance == pytest.approx(1e-4 / worth, rel=0.6)
    assert "evaluations" in answer.advice.prices


def test_keys_that_nobody_could_guess_are_named(tmp_path: Path) -> None:
    source = logs(tmp_path / "runs", keys=("torch_rng", "np_rng"))
    unnamed = ird.variance(source)
    assert not unnamed.result.levels.varied
    named = ird.variance(source, sources={"init": "torch_rng", "data": "np_rng"})
    assert named.result.design.terms == (("init",), ("data",))
    output = said("variance", source, "--sources", "init=torch,data=np_rng", status=1)
    assert "no configuration has the key 'torch'" in output
    assert "There are: torch_rng, np_rng" in output


def test_a_log_with_columns_of_seeds_is_a_group_of_runs(tmp_path: Path) -> None:
    lines = ["init_seed,data_seed,step,val_loss"]
    for (i, d), value in np.ndenumerate(results()):
        for step in range(1, 6):
            lines.append(f"{i},{d},{step},{float(value) + 1 / step!r}")
    path = tmp_path / "curves.csv"
    path.write_text("\n".join(lines) + "\n")
    study = ird.open_study(path)
    assert {run.group for run in study} == {"curves"}
    assert sorted(run.seed_label for run in study)[:2] == ["init0-data0", "init0-data1"]
    assert ird.variance(str(path)).result.design.terms == (("init",), ("data",))


def test_lost_runs_and_copies_are_counted(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()})
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows[:5], *rows[6:], rows[1]]) + "\n")
    answer = ird.variance("a", runs=path)
    assert len(answer.result.values) == 11
    assert any("repeat another one" in note for note in answer.comparison.notes)
    assert "11 of the 12 combinations" in said("variance", "a", "--runs", path)


def test_differences_from_a_base_are_split_run_by_run(tmp_path: Path) -> None:
    """Both groups have the same effects of the initialisation, which cancel."""
    rng = np.random.default_rng(4)
    base = results()
    new = base - 0.1 + 0.01 * rng.standard_normal(base.shape)
    path = table(tmp_path / "t.csv", {"new": new, "base": base})
    answer = ird.variance("new", against="base", runs=path, paired=True)
    assert answer.result.precision.mean == pytest.approx((new - base).mean())
    assert answer.result.precision.high < 0
    assert answer.result.components.by_term["init",].sd < 0.02
    with pytest.raises(DiagError, match="cannot be compared run by run"):
        ird.variance("new", against="base", runs=path)


def test_stats_takes_shared_seeds_into_account(tmp_path: Path) -> None:
    """Welch's t test calls these different: it takes 4 initialisations for 12 independent runs."""
    rng = np.random.default_rng(2)
    groups = {}
    for name, shift in (("a", 0.0), ("b", 0.3)):
        effects = 0.2 * rng.standard_normal((4, 1))
        groups[name] = 1 + shift + effects - effects.mean() + 0.001 * rng.standard_normal((4, 3))
    comparison = ird.compare("a", "b", runs=table(tmp_path / "t.csv", groups))
    (pair,) = comparison.pairs
    assert comparison.sharing_seeds == ("a", "b")
    assert pair.shares_seeds
    assert pair.student.p < 0.01 < 0.05 < pair.p
    assert pair.verdict.decision == "undecided"
    assert pair.welch.low < 0 < 0.3 < pair.welch.high + 0.7
    notes = " ".join(comparison.notes)
    assert "a: 12 runs: 4 initialisations x 3 data seeds" in notes
    assert "as precise as that of 4 independent runs" in notes
    # The interval of a mean widens too: that of 12 independent runs is a half as wide.
    summary = comparison.groups[0].summary
    independent = 2.2 * summary.sd / math.sqrt(12)
    assert (summary.high - summary.low) / 2 > 1.5 * independent


def test_gate_refuses_runs_that_share_seeds(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results(), "b": results(1)})
    assert "needs independent ones" in said("gate", "a", "--against", "b", "--runs", path, status=1)


def test_crossed_runs_are_not_accused_of_a_repeated_seed(tmp_path: Path) -> None:
    """Four runs state one seed and differ in another one; with that one equal too, they are accused."""
    crossed = tmp_path / "crossed"
    logs(crossed, keys=("seed", "data_seed"))
    assert "repeated_seed" not in {finding.rule for finding in ird.diagnose(str(crossed))}
    for place in crossed.glob("exp*/config.json"):
        place.write_text(json.dumps({"seed": 0, "data_seed": 42, "lr": 0.1}))
    assert "repeated_seed" in {finding.rule for finding in ird.diagnose(f"mine={crossed}/*")}


def test_plain_seeds_stay_what_they_were(tmp_path: Path) -> None:
    lines = ["method,seed,val_loss"]
    for name, seed in itertools.product("ab", range(5)):
        lines.append(f"{name},{seed},{1 + 0.1 * seed + (name == 'b')}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    comparison = ird.compare("a", "b", runs=path)
    assert not comparison.sharing_seeds
    assert not comparison.pairs[0].shares_seeds
    output = said("variance", "a", "--runs", path)
    assert "5 runs, taken as independent" in output


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["a", "--cost", "gpus=1"], 1, "expected a price of seeds, init, data, eval"),
        (["a", "--cost", "init"], 2, "expected NAME=VALUE"),
        (["a", "--cost", "init=x"], 2, "'x' is not a number"),
        (["a", "--budget", "-1"], 1, "--budget: expected a positive"),
        (["a", "--budget", "0.1"], 0, "buys nothing"),
        (["a", "--sources", "init=nothing"], 1, "no configuration has the key 'nothing'"),
        (["nobody"], 1, "nobody"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: list[str], status: int, message: str, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()})
    assert message in said("variance", *arguments, "--runs", path, status=status)


def test_a_spread_whose_square_is_no_number_is_said(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": 1e-300 * results(), "b": 1e-300 * (1 + results())})
    assert "log the metric in another unit" in said("variance", "a", "--runs", path)
    said("stats", "a", "b", "--runs", path)


def test_a_table_is_not_said_to_lack_a_plateau(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()})
    assert "plateau" not in said("variance", "a", "--runs", path)


def test_new_seeds_are_those_of_what_varies(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": np.vstack([results()[:1]] * 1)})
    output = said("variance", "a", "--runs", path)
    assert "All runs have initialisation 0" in output
    assert "new seeds below are seeds of the rest" in output


def test_two_by_two_says_that_nothing_can_be_told(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results()[:2, :2]})
    output = said("variance", "a", "--runs", path, "--cost", "seeds=1,init=0.5,data=0.5")
    assert "2 initialisations and 2 data seeds say little" in output
    assert "Cannot tell what is best" in output


def test_the_picture_shows_each_source_with_its_interval(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": results(), "b": results(1)})
    pictures = ird.figures("a", "b", runs=path, only="variance-components")
    (figure,) = pictures.figures
    deviations, shares = figure.panels
    assert [name for _, name in deviations.x_ticks] == ["init seed", "data seed", "rest"]
    assert {line.name for line in deviations.lines} == {"a", "b"}
    for line in shares.lines:
        assert line.low is not None
        assert line.high is not None
        assert 0 <= line.low[0] <= line.y[0] <= line.high[0] <= 100

"""The page Sweeps, and which sweeps a study holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.dashboard.address import View
from ired_diag.comparison import compare
from ired_diag.comparison.knobs import sweeps_in
from ired_diag.open import open_study
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.runs.run import Run
from tests.made_runs import made_run

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]
SETTINGS = {1: 0.3, 3: 0.1, 10: 0.2}  # mining_opt_steps, and the error it comes to


def write_run(root: Path, variant: str, seed: int, knobs: Mapping[str, Any], error: float) -> None:
    folder = root / "q301" / variant / f"seed{seed}"
    folder.mkdir(parents=True)
    told = {"format": 1, "experiment": "q301", "variant": variant, "seed": seed, "config": knobs}
    (folder / "config.json").write_text(json.dumps({**told, "ending": {"state": "complete"}}))
    values = error * (1 + 2.0 ** -np.arange(12))
    rows = [Row(100 * i, {"validation/mse": float(v), "extra": 1.0 / i}) for i, v in enumerate(values, 1)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """q301 with three settings of mining_opt_steps, four seeds each."""
    root = tmp_path / "runs"
    for steps, error in SETTINGS.items():
        for seed in range(4):
            knobs = {"mining_opt_steps": steps, "rank": 8, "mining_strategy": "adversarial"}
            write_run(root, f"mining_opt_steps={steps}", seed, knobs, error + seed / 1000)
    return root


def groups(**told: Mapping[str, Any]) -> dict[str, list[Run]]:
    """Return a group of two seeds for each configuration, all of one experiment."""
    by_name: dict[str, list[Run]] = {}
    for name, knobs in told.items():
        members = []
        for seed in range(2):
            config = {**knobs, "seed": seed}
            members.append(made_run("q9", seed, config=config, variant=name, path=Path()))
        by_name[f"q9@{name}"] = members
    return by_name


def words(tree: Any) -> str:
    if isinstance(tree, list):
        return " ".join(words(one) for one in tree)
    return words(tree["props"].get("children")) if isinstance(tree, dict) else str(tree or "")


def page(ask: Ask, client: Any, query: str = "?page=sweeps") -> dict[str, Any]:
    return ask(client, "sweeps-controls.children", address_search=query, version_data=1)


def figure(ask: Ask, client: Any, query: str = "?page=sweeps") -> dict[str, Any]:
    return ask(client, "sweeps-response-graph.figure", address_search=query, version_data=1)


def test_groups_that_differ_in_one_number_are_a_sweep_in_the_order_of_its_values() -> None:
    (sweep,) = sweeps_in(groups(a={"k": 10, "r": 1}, b={"k": 2, "r": 1}, c={"k": 0.5, "r": 1}))
    assert (sweep.experiment, sweep.knob, list(sweep.groups)) == ("q9", "k", ["q9@c", "q9@b", "q9@a"])
    assert sweep.also == () and sweep.left_out == ()


def test_a_grid_is_a_sweep_over_each_knob_with_the_others_left_out() -> None:
    grid = {f"{k}{r}": {"k": i, "r": j} for i, k in enumerate("abc") for j, r in enumerate("xy")}
    over_k, over_r = sweeps_in(groups(**grid))
    assert (over_k.knob, len(over_k.groups), len(over_k.left_out)) == ("k", 3, 3)
    assert (over_r.knob, len(over_r.groups), len(over_r.left_out)) == ("r", 2, 4)
    assert over_k.also == over_r.also == ()


def test_knobs_that_were_turned_together_are_told() -> None:
    over_k, over_r = sweeps_in(groups(a={"k": 1, "r": 5}, b={"k": 2, "r": 6}))
    assert (over_k.knob, over_k.also) == ("k", ("r",))
    assert (over_r.knob, over_r.also) == ("r", ("k",))


@pytest.mark.parametrize(
    "told",
    [
        {"a": {"k": 1}},
        {"a": {"k": 1}, "b": {"k": 1}},
        {"a": {"strategy": "none"}, "b": {"strategy": "random"}},
        {"a": {"on": True}, "b": {"on": False}},
        {"a": {"k": 1}, "b": {}},
        {"a": {"notes": 1}, "b": {"notes": 2}},
    ],
)
def test_what_is_no_sweep(told: Mapping[str, Mapping[str, Any]]) -> None:
    assert sweeps_in(groups(**told)) == []


def test_a_value_that_stands_twice_is_left_out_and_a_knob_that_a_groups_runs_tell_apart_is_none() -> None:
    (sweep,) = sweeps_in(groups(a={"k": 1}, b={"k": 2}, again={"k": 2}))
    assert sweep.left_out == ("q9@again",)
    some = groups(a={"k": 1}, b={"k": 2})
    mixed = {**some, "q9@b": [some["q9@b"][0], some["q9@a"][1]]}
    assert sweeps_in(mixed) == []


def test_the_response_is_the_mean_over_seeds_of_each_setting(root: Path, browse: Browse, ask: Ask) -> None:
    client = browse(root)
    table = page(ask, client)["sweeps-table"]["children"]
    text = words(table)
    for error in SETTINGS.values():
        last = np.mean([(error + seed / 1000) * (1 + 2.0**-11) for seed in range(4)])
        assert f"{last:.6g}" in words(
            page(ask, client, "?page=sweeps&readout=last")["sweeps-table"]["children"]
        )
    assert "ired-diag stats q301" in text and "--sweep mining_opt_steps" in text
    told = figure(ask, client, "?page=sweeps&readout=last")
    assert "Best is mining_opt_steps = 3" in words(told["sweeps-response-words"]["children"])
    runs = open_study(root).variants("q301")
    best = compare(runs, readout="last", knob="mining_opt_steps").sweep
    assert best is not None and f"{best.response.apparent:.4g}" in words(
        told["sweeps-response-words"]["children"]
    )


def test_a_higher_metric_may_be_the_better_one(root: Path, browse: Browse, ask: Ask) -> None:
    told = figure(ask, browse(root), "?page=sweeps&readout=last&higher=1")
    assert "Best is mining_opt_steps = 1" in words(told["sweeps-response-words"]["children"])


def test_the_controls_offer_experiments_knobs_metrics_and_readouts(
    root: Path, browse: Browse, ask: Ask
) -> None:
    told = page(
        ask, browse(root), View(page="sweeps", experiment="gone", knob="gone", metric="gone").to_query()
    )
    text = json.dumps(told["sweeps-controls"])
    for part in ('"q301"', '"mining_opt_steps"', '"extra"', '"validation/mse"', '"higher"'):
        assert part in text
    assert told["sweeps-drawn"]["hidden"] is False


def test_without_a_sweep_it_is_said_how_to_train_one(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    (tmp_path / "empty").mkdir()
    write_run(tmp_path / "one", "a", 0, {"k": 1}, 0.5)
    for root in (tmp_path / "empty", tmp_path / "one"):
        told = page(ask, browse(root))
        assert "ired-diag train q301" in words(told["sweeps-table"]["children"])
        assert told["sweeps-drawn"]["hidden"] is True


def test_logs_of_other_programs_get_no_advice_to_train_a_sweep(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    rows = "".join(f"step {k} val_loss {1 / (k + 1):.4f}\n" for k in range(9))
    (tmp_path / "a.log").write_text(rows)
    said = words(page(ask, browse(tmp_path))["sweeps-table"]["children"])
    assert "No sweep here" in said
    assert "train q301" not in said


def test_it_is_compared_once_while_no_run_of_the_sweep_changes(
    root: Path, browse: Browse, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(*told: Any, **keys: Any) -> Any:
        calls.append(keys["knob"])
        return compare(*told, **keys)

    monkeypatch.setattr("ired_diag.comparison.compare", counted)
    client = browse(root)
    for _ in range(2):
        page(ask, client)
        figure(ask, client)
    assert calls == ["mining_opt_steps"]
    write_run(
        root,
        "mining_opt_steps=1",
        9,
        {"mining_opt_steps": 1, "rank": 8, "mining_strategy": "adversarial"},
        0.4,
    )
    ask(client, "version.data")
    assert " 5 " in words(page(ask, client)["sweeps-table"]["children"])
    assert len(calls) == 2


def test_the_real_study_opens(shared: Path, browse: Browse, ask: Ask) -> None:
    assert words(page(ask, browse(shared / "ired_logs"))["sweeps-table"]["children"])

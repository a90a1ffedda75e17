"""Rules about configurations: idle keys, several differences, quoted numbers; planted, and their twins."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli.demo import sample_runs
from ired_diag.finding import Finding
from ired_diag.forensics import idle_keys, quoted_number, several_differences
from ired_diag.forensics.idle_keys import differing_keys, idle_keys_of, moved_settings, value_of
from ired_diag.forensics.quoted_number import quoted_in
from ired_diag.open import open_study
from ired_diag.runs.ending import Ending
from ired_diag.runs.history import History
from ired_diag.runs.run import Run
from ired_diag.runs.study import Study
from tests.cpu_time import cpu_ratio
from tests.made_runs import made_run

RULES = (idle_keys, several_differences, quoted_number)
BASE = {
    "rank": 20,
    "ood": False,
    "mining_strategy": "adversarial",
    "learning_rate": 1e-4,
    "diffusion_steps": 10,
}


def run(
    experiment: str,
    config: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    values: Sequence[float] = (1.0, 0.5, 0.25),
    commit: str = "abc",
    **keys: Any,
) -> Run:
    return made_run(
        experiment,
        seed,
        every=1000,
        config={**(BASE if config is None else config), **keys},
        path=Path(experiment),
        provenance={"git_commit": commit},
        validation__mse=values,
    )


def found(rule: Any, *runs: Run) -> list[Finding]:
    return list(rule.find(Study.of(runs)))


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, str(finding.evidence.get("keys", ""))) for finding in findings]


def test_a_factorial_study_with_one_change_at_a_time_is_left_in_peace() -> None:
    runs = [
        run(
            f"{strategy}{steps}{scalar}",
            seed=seed,
            values=[1.0, seed + steps + 0.1],
            mining_strategy=strategy,
            mining_opt_steps=steps,
            use_scalar_energy=scalar,
            notes="Baseline of Table 2, lr=0.00125, 3 seeds.",
        )
        for strategy in ("none", "random", "adversarial")
        for steps in ((2, 5) if strategy == "adversarial" else (2,))
        for scalar in (False, True)
        for seed in range(3)
    ]
    assert [finding for rule in RULES for finding in found(rule, *runs)] == []


@pytest.mark.parametrize(
    ("shared_keys", "key", "values", "idle"),
    [
        ({"mining_strategy": "none"}, "mining_opt_steps", (5, 10), True),
        ({"mining_strategy": "none"}, "mining_noise_scale", (1.5, 2.0), True),
        ({"mining_strategy": "none"}, "energy_loss_weight", (0.1, 0.2), True),
        ({"mining_strategy": "none"}, "pgd_delta", (0.1, 0.2), True),
        ({"mining_strategy": "adversarial"}, "mining_opt_steps", (5, 10), False),
        ({"mining_strategy": "random"}, "mining_opt_steps", (5, 10), True),
        ({"mining_strategy": "random"}, "mining_noise_scale", (1.5, 2.0), True),
        (
            {"mining_strategy": "random", "random_negative": "noised_start"},
            "mining_noise_scale",
            (1, 2),
            False,
        ),
        ({"mining_strategy": "mixed"}, "mining_opt_steps", (5, 10), False),
        ({"energy_loss_weight": 0.0}, "mining_opt_steps", (5, 10), True),
        ({"energy_loss_weight": 0.0}, "mining_strategy", ("random", "adversarial"), True),
        ({"energy_loss_weight": 0.0, "energy_reg_weight": 0.1}, "mining_opt_steps", (5, 10), False),
        ({"energy_loss_weight": 0.0, "use_recovery_loss": True}, "mining_opt_steps", (5, 10), False),
        ({"energy_loss_weight": 0.0, "mining_strategy": "tam"}, "mining_opt_steps", (5, 10), False),
        ({"use_replay_buffer": False}, "replay_buffer_size", (5, 10), True),
        ({"use_replay_buffer": True}, "replay_buffer_size", (5, 10), False),
        ({"mining_strategy": "cd"}, "langevin_sigma_multiplier", (1.0, 2.0), False),  # no switch is told
        ({"lr_schedule": "constant"}, "lr_floor", (0.1, 0.2), True),
        ({"lr_schedule": "cosine"}, "lr_floor", (0.1, 0.2), False),
        ({}, "momentum", (0.5, 0.9), True),
        ({}, "energy_reg_norm", ("l1", "l3"), True),
    ],
)
def test_two_groups_that_differ_in_a_key_are_one_experiment_exactly_where_it_is_idle(
    shared_keys: dict[str, Any], key: str, values: tuple[Any, Any], idle: bool
) -> None:
    runs = [
        run(name, seed=seed, values=[1.0, 0.5, 0.1 + seed + 0.01 * i], **shared_keys, **{key: value})
        for i, (name, value) in enumerate(zip("ab", values, strict=True))
        for seed in range(3)
    ]
    warnings = [finding for finding in found(idle_keys, *runs) if finding.severity == "warning"]
    assert told(warnings) == ([("warning", key)] if idle else [])
    assert (key in idle_keys_of({**BASE, **shared_keys, key: values[0]})) == idle


@pytest.mark.parametrize(
    ("shared_keys", "key", "values"),
    [
        ({"lr": 1e-3}, "weight_decay", (0.0, 0.01)),
        ({"optimizer": "adam", "lr": 1e-3}, "weight_decay", (0.0, 1e-4)),  # torch's Adam uses it
        ({"learning_rate": 1e-3, "batch_size": 64}, "momentum", (0.0, 0.9)),
        ({"optimizer": "adam", "rank": 8, "lora_alpha": 16, "learning_rate": 1e-4}, "weight_decay", (0, 0.1)),
        ({"mining_strategy": "none", "margin": 0.2}, "mining_noise_scale", (1.5, 2.0)),  # a triplet loss
        ({"use_langevin": False}, "langevin_grad_clip", (0.1, 0.2)),
    ],
)
def test_the_keys_of_another_program_are_not_called_idle(
    shared_keys: dict[str, Any], key: str, values: tuple[Any, Any]
) -> None:
    runs = [run(name, shared_keys, **{key: value}) for name, value in zip("ab", values, strict=True)]
    assert found(idle_keys, *runs) == []
    assert idle_keys_of({**shared_keys, key: values[1]}) == {}


@pytest.mark.parametrize("scatter", [0.0, 0.001])
@pytest.mark.parametrize("apart", [0.0005, 0.05])
def test_groups_that_end_apart_are_not_one_experiment(scatter: float, apart: float) -> None:
    runs = [
        run(name, seed=seed, values=[1.0, 0.5 + i, 0.2 + i * apart + scatter * seed], momentum=0.9 * i)
        for i, name in enumerate("ab")
        for seed in range(3)
    ]
    warnings = [finding for finding in found(idle_keys, *runs) if finding.severity == "warning"]
    assert bool(warnings) == (scatter > apart)


def test_an_idle_key_that_one_of_two_groups_does_not_tell_is_found_too() -> None:
    cases: tuple[dict[str, Any], ...] = (
        {"momentum": 0.9},
        {"use_replay_buffer": False, "replay_buffer_size": 9},
    )
    for keys in cases:
        pair = run("a"), run("b", values=[1.0, 0.5, 0.2], **keys)
        warnings = [finding for finding in found(idle_keys, *pair) if finding.severity == "warning"]
        assert told(warnings) == [("warning", list(keys)[-1])]


def test_a_pair_whose_curves_are_identical_is_left_to_the_rule_that_says_so() -> None:
    digits = [1.0, 0.5123456, 0.2512345, 0.2012345]
    a, b = (
        run(name, mining_strategy="none", mining_opt_steps=k, values=digits)
        for name, k in (("a", 2), ("b", 9))
    )
    assert not [finding for finding in found(idle_keys, a, b) if finding.severity == "warning"]
    other = run("b", mining_strategy="none", mining_opt_steps=9, values=[1.0, 0.5, 0.24])
    assert [f.severity for f in found(idle_keys, a, other)] == ["warning", "note"]


def test_an_idle_key_at_its_default_or_untold_is_no_finding_and_another_is_a_note() -> None:
    assert (
        found(idle_keys, run("a", mining_strategy="none", mining_opt_steps=2, energy_loss_weight=0.5)) == []
    )
    assert found(idle_keys, run("a", mining_strategy="none"), run("b", mining_strategy="none")) == []
    ten = [run("a", seed=seed, mining_strategy="none", mining_opt_steps=10) for seed in range(10)]
    (finding,) = found(idle_keys, *ten)
    assert (finding.severity, finding.evidence["keys"]) == ("note", "mining_opt_steps")
    assert "mining_opt_steps 10" in finding.statement


def test_a_slip_is_named_with_the_key_meant_once_for_the_whole_study() -> None:
    runs = [run(f"e{i}", seed=seed, mining_opt_step=3, values=[1.0, i]) for i in range(40) for seed in (0, 1)]
    (finding,) = found(idle_keys, *runs)
    assert finding.severity == "warning"
    assert "mining_opt_step (meant: mining_opt_steps?)" in finding.statement
    assert finding.evidence["groups"] == 40


def test_an_unknown_key_is_a_note_and_those_of_another_program_are_not_judged() -> None:
    assert told(found(idle_keys, run("a", curriculum=3))) == [("note", "curriculum")]
    both = run("a", mining_opt_steps=2, mining_opt_stepz=3)
    assert [finding.severity for finding in found(idle_keys, both)] == ["note"]  # the key meant is there
    slip = {"rank": 3, "mining_stategy": "none", "learning_rate": 1e-4}
    assert told(found(idle_keys, run("a", slip))) == [("warning", "mining_stategy (meant: mining_strategy?)")]
    foreign = {"rank": 3, "n_layers": 4, "optim": "x", "learning_rat": 1, "warmup": 2}
    assert found(idle_keys, run("a", foreign)) == []


@pytest.mark.parametrize(
    ("x", "y", "keys"),
    [
        ({}, {"mining_opt_steps": 2, "use_langevin": False, "adam_betas": [0.9, 0.99]}, []),
        ({"notes": "a", "seed": 1}, {"notes": "b", "seed": 2}, []),
        ({}, {"mining_opt_steps": 3, "replay_buffer_size": 5}, ["mining_opt_steps", "replay_buffer_size"]),
        ({"dataset": "inverse", "x": math.nan}, {"dataset": "ired", "x": math.nan}, []),
        ({"mining_noise_scale": 3}, {"mining_noise_scale": 1}, ["mining_noise_scale"]),
    ],
)
def test_settings_are_compared_with_defaults_filled_in(
    x: dict[str, Any], y: dict[str, Any], keys: list[str]
) -> None:
    assert differing_keys(moved_settings(x), moved_settings(y)) == keys


def test_a_word_for_nothing_is_nothing() -> None:
    assert value_of({"early_stopping_patience": "none"}, "early_stopping_patience") is None


def test_two_changes_at_once_are_told_with_both_keys_and_the_commits() -> None:
    runs = [run("a", seed=s) for s in range(3)]
    runs += [run("b", seed=s, mining_opt_steps=10, mining_noise_scale=1.5, commit="def") for s in range(3)]
    (finding,) = found(several_differences, *runs)
    assert told([finding]) == [("warning", "mining_opt_steps, mining_noise_scale")]
    assert "mining_opt_steps (2 by default, 10)" in finding.statement
    assert finding.evidence["commits_differ"] is True
    bridge = run("c", mining_opt_steps=10)
    assert found(several_differences, *runs, bridge) == []


@pytest.mark.parametrize(
    ("keys", "is_told"),
    [
        ({"learning_rate": 1e-3}, False),
        ({"learning_rate": 1e-3, "batch_size": 64}, True),
        ({"learning_rate": 1e-3, "seed": 4, "notes": "x", "log_every": 7, "output_dir": "y"}, False),
        ({"learning_rate": 1e-3, "rank": 8}, False),  # other data
        ({"mining_strategy": "none", "mining_opt_steps": 9, "mining_noise_scale": 2.0}, False),
        ({"mining_strategy": "none", "use_scalar_energy": True}, True),
        ({"mining_strategy": "cd", "use_langevin": True, "langevin_sigma_multiplier": 2.0}, False),
        ({"mining_strategy": "cd", "use_langevin": True, "use_cd_loss": True}, True),
        ({"mining_strategy": "cd", "use_cd_loss": True}, False),
        ({"use_replay_buffer": False, "replay_buffer_size": 9, "learning_rate": 1e-3}, False),
    ],
)
def test_only_differences_that_count_are_counted(keys: dict[str, Any], is_told: bool) -> None:
    assert bool(found(several_differences, run("a"), run("b", **keys))) == is_told


def test_a_slip_in_a_key_is_no_second_difference() -> None:
    runs = [run("a", mining_opt_step=20), run("b", mining_opt_steps=5)]
    assert found(several_differences, *runs) == []


def test_settings_of_one_strategy_are_compared_though_another_strategy_is_nearer() -> None:
    runs = [run("n", mining_strategy="none"), run("a"), run("b", mining_opt_steps=10, mining_noise_scale=1.5)]
    (finding,) = found(several_differences, *runs)
    assert {finding.evidence["a"], finding.evidence["b"]} == {"a", "b"}
    again = [run("a2", commit="def"), run("b2", mining_opt_steps=10, mining_noise_scale=1.5, commit="def")]
    (finding,) = found(several_differences, *runs, *again)  # the same two configurations, at another commit
    assert {finding.evidence["a"], finding.evidence["b"]} == {"a, a2", "b, b2"}
    assert finding.evidence["commits_differ"] is False


@pytest.mark.slow
def test_twice_as_many_configurations_take_four_times_as_long_and_not_eight_times() -> None:
    runs = [run(f"e{i}", mining_opt_steps=i + 3, mining_noise_scale=1 + i / 8) for i in range(200)]

    def compared(count: int) -> None:
        assert len(found(several_differences, *runs[:count])) == 1
        assert found(idle_keys, *runs[:count]) == []

    assert cpu_ratio(lambda: compared(200), lambda: compared(100)) < 8


def test_a_search_over_many_knobs_is_one_finding() -> None:
    runs = [run(f"t{i}", batch_size=64 + i, width=128 + 3 * i, mining_opt_steps=3 + i) for i in range(30)]
    (finding,) = found(several_differences, *runs)
    assert int(finding.evidence["pairs"] or 0) > 8
    assert len(finding.statement) < 600


PAPER = "IRED Table 2 harder: 10 steps=0.2110, 40=0.2063. Our baseline OOD={} with 5 steps."


@pytest.mark.parametrize(
    ("own", "value", "severities"),
    [
        ("0.2063", 0.25, ["warning"]),
        ("0.2063", 0.20634, []),  # measured, to the digits given
        ("0.2063", 0.20636, ["warning"]),
        ("0.2135", 0.25, ["note"]),
        ("0.2135", 0.21349, []),
        ("0.21", 0.25, []),  # two digits tell nothing
    ],
)
def test_a_number_called_ours_is_held_against_what_runs_measured(
    own: str, value: float, severities: list[str]
) -> None:
    runs = [run("a", seed=s, notes=PAPER.format(own), values=[1.0, value]) for s in range(3)]
    findings = found(quoted_number, *runs)
    assert [finding.severity for finding in findings] == severities
    if severities:
        assert f"Our baseline OOD={own}" in findings[0].statement


def test_the_notes_of_an_evaluation_are_read_too() -> None:
    attempt = Run(
        path=Path("x.out"),
        experiment="e",
        seed=0,
        configuration={"notes": PAPER.format("0.2063")},
        ending=Ending("unexplained"),
    )
    (finding,) = quoted_number.find(Study.of([run("a")], evaluations=[attempt]))
    assert (finding.severity, finding.evidence["group"]) == ("warning", "e")


@pytest.mark.parametrize(
    "text",
    [
        "Baseline with learning rate 0.00125 and noise_scale=1.125.",
        "Our target: val MSE < 0.00969, p = 0.0428.",
        "Our baseline improves the error by 12.25% in 48.92 hours with 1.153 M parameters.",
        "Baseline MSE at lr 0.000125 with torch 2.13.0, betas 0.125.",
        "Measured MSE 0.00969.",  # whose?
        "The paper's Table 2 reports an MSE of 0.2063.",
        "Baseline error for weight of 0.125; our run of v1.25.3.",
        "Baseline MSE, gradients divided by 0.375 as set here.",
    ],
)
def test_settings_targets_shares_units_and_versions_are_no_results(text: str) -> None:
    assert found(quoted_number, run("a", notes=text, energy_clamp=0.375)) == []


def test_a_number_belongs_to_the_word_of_origin_before_it_in_its_sentence() -> None:
    text = "Baseline 0.111 and published 0.222. Then 0.333! It was 0.444 in the paper, ours 4.44e-1."
    assert [(n.text, n.ours) for n in quoted_in(text, {})] == [
        ("0.111", True),
        ("0.222", False),
        ("0.444", False),
        ("4.44e-1", True),
    ]
    assert quoted_in("ours 4.44e-1", {})[0].half_a_digit == pytest.approx(5e-4)


def test_nothing_depends_on_names_or_on_the_order_of_runs() -> None:
    runs = [
        run("a", mining_strategy="none", mining_opt_steps=5, values=[1.0, 0.3, 0.2]),
        run("b", mining_strategy="none", mining_opt_steps=7),
        run("c", mining_opt_steps=7, mining_noise_scale=2.0, notes=PAPER.format("0.2063")),
        run("d", typo_key=3),
    ]
    shuffled = [replace(one, experiment=f"z{one.experiment}") for one in runs]
    random.Random(3).shuffle(shuffled)

    def seen(some: Sequence[Run]) -> list[list[tuple[str, int, frozenset[str]]]]:
        return [
            sorted(
                (
                    f.severity,
                    int(f.evidence.get("count") or 0),
                    frozenset(str(f.evidence.get("keys")).split(", ")),
                )
                for f in found(rule, *some)
            )
            for rule in RULES
        ]

    assert seen(runs) == seen(shuffled)
    assert all(seen(runs))


@pytest.mark.parametrize(
    "configuration",
    [
        None,
        {},
        {"mining_strategy": ["none"], "rank": {"a": [1]}, "energy_loss_weight": "high", "notes": 3},
        {"mining_strategy": None, "weight_decay": [1], "energy_reg_weight": math.nan, "use_cd_loss": {}},
        {"notes": "Our baseline: .1234e, 1.2.3.4, 9.999e999, 0.000, .", "lr_schedule": 5, "dataset": ["x"]},
        {"notes": "our mse 1.234e400 1.234e-400", "description": ["x"]},
    ],
)
def test_odd_configurations_do_no_harm(configuration: dict[str, Any] | None) -> None:
    odd = [replace(run(name), configuration=configuration, history=History()) for name in "ab"]
    odd.append(run("c", values=[math.nan, math.inf]))
    for rule in RULES:
        assert all(finding.severity != "error" for finding in found(rule, *odd))


def test_a_long_text_is_read_in_no_time() -> None:
    words = "our baseline lr=======  0.2063, " * 3000 + "=" * 100_000 + "0.2063"
    assert len(quoted_in(words, {})) == 1  # only the last is no learning rate


@pytest.mark.parametrize("folder", ["", "slurm_logs"])
def test_nothing_is_found_in_the_sample_runs(folder: str) -> None:
    study = open_study(sample_runs() / folder)
    assert [finding for rule in RULES for finding in rule.find(study)] == []


def test_the_studys_configurations_show_their_mistakes(shared: Path) -> None:
    study = open_study(shared / "ired_logs")
    pairs = {
        (str(f.evidence["a"]), str(f.evidence["b"])): str(f.evidence["keys"])
        for f in several_differences.find(study)
    }
    (keys,) = [k for (a, b), k in pairs.items() if "q103" in a + b and "q201@61186975" in a + b]
    assert keys == "mining_opt_steps, mining_noise_scale"
    # q203 and q204 logged the same curves: nothing is different between their results
    assert {a[:4] + b[:4] for a, b in pairs} == {"q001q209", "q003q201", "q203q203", "q207q201"}
    assert [(f.severity, f.evidence["group"]) for f in idle_keys.find(study)] == [("note", "q209")]
    (quoted,) = quoted_number.find(study)
    assert (quoted.severity, quoted.evidence["group"], quoted.evidence["number"]) == (
        "warning",
        "q245",
        0.2063,
    )


@pytest.mark.parametrize("label", ["name", "group", "exp_name"])
def test_a_label_next_to_one_setting_is_no_second_difference(label: str) -> None:
    first, second = {label: "first", "width": 64}, {label: "second", "width": 128}
    assert found(several_differences, run("a", {**BASE, **first}), run("b", {**BASE, **second})) == []
    second["depth"] = 2
    assert len(found(several_differences, run("a", {**BASE, **first}), run("b", {**BASE, **second}))) == 1


@pytest.mark.parametrize("label", ["variant", "method", "model.variant"])
def test_a_word_that_names_the_other_settings_is_no_second_difference(label: str) -> None:
    base, ours = {label: "base", "dropout": 0.1, "ours": False}, {label: "ours", "dropout": 0.1, "ours": True}
    without = {**ours, label: "ours_nodrop", "dropout": 0.0}
    groups = [run("base", base), run("ours", ours), run("ours_nodrop", without)]
    assert found(several_differences, *groups) == []
    other_data = [run(f"{i}", {**keys, "rank": 8}) for i, keys in enumerate((base, ours))]
    assert found(several_differences, *groups, *other_data) == []  # a name that several groups share
    (finding,) = found(several_differences, run("a", base), run("b", {**without, "ours": True}))
    assert finding.evidence["keys"] == "dropout, ours"


def test_a_method_is_a_setting_where_it_differs_alone_or_is_a_number() -> None:
    sgd, adam = run("a", {"method": "sgd", "lr": 0.1}), run("b", {"method": "adam", "lr": 0.1})
    lion = run("c", {"method": "lion", "lr": 0.3})
    assert found(several_differences, sgd, adam) == []
    assert {f.evidence["keys"] for f in found(several_differences, sgd, adam, lion)} == {"method, lr"}
    numbers = [run(f"{i}", {"method": i, "lr": 0.1 * i}) for i in (1, 2)]
    assert [f.evidence["keys"] for f in found(several_differences, *numbers)] == ["method, lr"]


def test_another_program_has_no_mining_strategy_and_no_defaults_of_ours() -> None:
    runs = [run("a", {"lr": 0.1}), run("b", {"lr": 0.2, "weight_decay": 0.1, "depth": 3})]
    (finding,) = found(several_differences, *runs)
    assert "weight_decay (not set, 0.1), depth (not set, 3)" in finding.statement
    assert "mining" not in finding.statement
    (of_ours,) = found(several_differences, run("a"), run("b", mining_opt_steps=9, width=64))
    assert "of the same mining strategy" in of_ours.statement

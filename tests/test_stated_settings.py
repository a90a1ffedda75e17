"""Tests of what configurations state."""

from __future__ import annotations

from ired_diag.runs.stated_settings import TEXTS, differing_settings, first_settings, keys_of, notes_of
from tests.made_runs import made_run

CONFIGURATIONS = ((0, None), (1, {"lr": 0.1}), (2, {"lr": 0.2}))


def test_keys_keep_the_order_in_which_configurations_state_them() -> None:
    assert keys_of([{"lr": 1, "rank": 20}, {"seed": 3, "lr": 2}]) == ["lr", "rank", "seed"]


def test_a_key_of_one_configuration_alone_differs_and_a_note_does_not() -> None:
    a = {"lr": 0.1, "rank": 20, "notes": "first try"}
    b = {"lr": 0.1, "batch_size": 64, "notes": "second try"}
    assert differing_settings(a, b) == {"rank", "batch_size"}
    assert differing_settings(a, b) == differing_settings(b, a)


def test_notes_are_the_texts_of_a_configuration_and_no_numbers() -> None:
    configuration = dict.fromkeys(TEXTS, "words") | {"name": 7, "lr": "0.1"}
    assert notes_of(configuration) == ["words"] * (len(TEXTS) - 1)
    assert notes_of(None) == []


def test_the_first_settings_are_those_of_the_first_run_that_states_any() -> None:
    silent, first, second = (made_run("a", seed, config=config) for seed, config in CONFIGURATIONS)
    assert first_settings([silent, first, second]) == {"lr": 0.1}
    assert first_settings([silent]) == {}

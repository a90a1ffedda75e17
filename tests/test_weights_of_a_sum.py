"""The weights of a sum of losses: configured where they hold, and not accused for what a fit leaves."""

from __future__ import annotations

import numpy as np
import pytest

from tests.made_runs import findings_of, made_run

STEPS = 200


def terms(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fall = 10 ** np.linspace(0, -5, STEPS)
    a, b = (
        fall * np.exp(0.2 * rng.standard_normal(STEPS)),
        fall**1.2 * np.exp(0.2 * rng.standard_normal(STEPS)),
    )
    return a, b


def printed(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.4e}") for value in values])


@pytest.mark.parametrize("key", ["lambda_bc", "w_bc", "bc_weight", "unrelated"])
def test_a_weighted_sum_over_five_decades_is_left_alone(key: str) -> None:
    for seed in range(6):
        a, b = terms(seed)
        logged = {"loss": printed(a + 10 * b), "loss_pde": printed(a), "loss_bc": printed(b)}
        assert (
            findings_of("logged_identities", [made_run("pinn", seed, config={key: 10.0}, metrics=logged)])
            == []
        )


@pytest.mark.parametrize("term", ["loss_kl", "kl_loss"])
def test_a_configured_weight_that_is_not_in_effect_is_told_for_both_orders_of_words(term: str) -> None:
    a, b = terms(0)
    logged = {"loss": a + 0.1 * b, "loss_ce": a, term: b}
    (finding,) = findings_of("logged_identities", [made_run("a", config={"kl_weight": 0.7}, metrics=logged)])
    assert "kl_weight = 0.7" in finding.statement
    assert "The weight in effect is 0.1." in finding.statement


def test_a_weighted_term_that_is_logged_weighted_is_left_alone() -> None:
    a, b = terms(0)
    logged = {"loss": a + b, "loss_ce": a, "kl_loss": b}
    assert findings_of("logged_identities", [made_run("a", config={"kl_weight": 0.7}, metrics=logged)]) == []

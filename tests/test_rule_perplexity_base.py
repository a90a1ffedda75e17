"""The rule about perplexities of two bases: powers of a loss, and ratios that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ired_diag.forensics.perplexity_base import base_of
from ired_diag.runs.history import Series
from ired_diag.runs.run import Run
from tests.made_runs import findings_of, made_run

RULE = "perplexity_base"
LOSS = 3.0 + 4 * np.exp(-np.arange(20) / 5)


def _run(group: str, perplexity: Any, *, loss: Any = LOSS, seed: int = 0, **config: Any) -> Run:
    metrics = {"val_loss": loss, "val_ppl": perplexity}
    return made_run(group, seed, config=config or None, metrics=metrics)


@pytest.mark.parametrize(("base", "number"), [("2", 2.0), ("e", np.e), ("10", 10.0)])
def test_the_base_is_read_off_the_rows(base: str, number: float) -> None:
    steps = np.arange(20)
    printed = np.array([float(f"{value:.4g}") for value in number**LOSS])
    power = base_of(Series(steps, printed), Series(steps, np.round(LOSS, 3)))
    assert power is not None
    assert power[0] == base


def test_two_bases_are_a_warning_that_names_groups_and_units() -> None:
    runs = [_run("rope", np.exp(LOSS), seed=seed) for seed in range(3)]
    runs += [_run("alibi", 2**LOSS, seed=seed) for seed in range(3)]
    (finding,) = findings_of(RULE, runs)
    assert finding.severity == "warning"
    assert "val_ppl is 2^val_loss in alibi and exp(val_loss) in rope" in finding.statement
    assert "val_loss is in bits in the first and in nats in the other" in finding.statement
    assert "val_ppl is probably the wrong power" in finding.statement
    assert len(finding.runs) == 6


def test_equal_perplexities_of_losses_in_two_units_point_at_the_losses() -> None:
    runs = [_run("a", np.exp(LOSS)), _run("b", 1.01 * np.exp(LOSS), loss=np.log2(1.01 * np.exp(LOSS)))]
    (finding,) = findings_of(RULE, runs)
    assert "val_loss is probably in two units" in finding.statement


def test_one_seed_of_another_base_is_named_by_its_run() -> None:
    (finding,) = findings_of(RULE, [_run("a", np.exp(LOSS)), _run("a", 2**LOSS, seed=1)])
    assert "2^val_loss in a/seed1" in finding.statement


def test_bits_next_to_a_mean_of_exponentials_are_two_bases() -> None:
    assert len(findings_of(RULE, [_run("a", 1.02 * np.exp(LOSS)), _run("b", 2**LOSS)])) == 1


@pytest.mark.parametrize(
    "other",
    [
        _run("b", np.exp(LOSS)),
        _run("b", np.exp(1.31 * LOSS)),  # per word, next to a loss per token
        _run("b", np.exp(0.25 * LOSS)),  # per byte
        _run("b", np.exp(0.8 * LOSS + 0.4)),  # label smoothing
        _run("b", np.exp(LOSS - 0.5 + 0.1 * np.random.default_rng(0).standard_normal(20))),  # another split
        _run("b", np.exp(np.convolve(LOSS, np.full(3, 1 / 3), "same"))),  # smoothed
        made_run("b", metrics={"test_loss": LOSS, "test_ppl": 2**LOSS}),  # other metrics
        made_run("b", metrics={"val_ppl": 2**LOSS}),
    ],
)
def test_another_ratio_is_no_other_base(other: Run) -> None:
    assert findings_of(RULE, [_run("a", np.exp(LOSS)), other]) == []


def test_groups_of_other_data_keep_their_units() -> None:
    runs = [_run("a", np.exp(LOSS), dataset="wikitext-103"), _run("b", 2**LOSS, dataset="enwik8")]
    assert findings_of(RULE, runs) == []


def test_losses_in_bits_in_all_groups_are_left_alone() -> None:
    assert findings_of(RULE, [_run("a", 2**LOSS), _run("b", 2 ** (LOSS - 0.1), loss=LOSS - 0.1)]) == []


def test_a_perplexity_per_byte_next_to_a_loss_per_token_is_only_a_note() -> None:
    metrics = {"val_nll": LOSS, "val_ppl": np.exp(0.25 * LOSS)}
    (finding,) = findings_of("contradictory_metrics", [made_run("a", metrics=metrics)])
    assert finding.severity == "note"
    assert "exp(0.25 val_nll) throughout" in finding.statement

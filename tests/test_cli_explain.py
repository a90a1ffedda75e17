"""Each rule can be explained: what it asks, what refutes it, and the near miss that it leaves alone."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag import forensics


@pytest.mark.parametrize("name", forensics.names())
def test_every_rule_says_what_refutes_it_its_near_miss_and_an_example(name: str) -> None:
    rule = forensics.load(name)
    result = CliRunner().invoke(main, ["diagnose", "--explain", name])
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    for text in (rule.question, rule.refuted_by, rule.near_miss, rule.example):
        assert len(text) > 20
        assert " ".join(text.split()) in words
    assert " ".join(forensics.theory(name).split()) in words


def test_a_rule_can_be_explained_as_json_and_an_unknown_one_names_the_nearest() -> None:
    result = CliRunner().invoke(main, ["diagnose", "--explain", "same_name", "--json"])
    told = json.loads(result.stdout)
    assert (told["rule"], told["Would refute it"]) == ("same_name", forensics.load("same_name").refuted_by)
    wrong = CliRunner().invoke(main, ["diagnose", "--explain", "same_nam"])
    assert wrong.exit_code == 1
    assert "Did you mean same_name?" in wrong.stderr

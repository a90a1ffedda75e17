"""``ired-diag ls CHECKPOINT``: what is in it, in 80 columns and as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from app.cli import main

KEPT = Path(__file__).parent / "formats" / "checkpoints"


def ls(*arguments: object, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["ls", *map(str, arguments)])


@pytest.mark.parametrize("name", sorted(path.name for path in KEPT.iterdir() if path.suffix != ".json"))
def test_each_kept_checkpoint_is_listed_within_80_columns(name: str) -> None:
    result = ls(KEPT / name)
    assert result.exit_code == 0, result.output
    assert "tensor" in result.output
    path = str(KEPT / name)
    assert all(len(line) <= 80 or path in line for line in result.output.splitlines())


def test_step_numbers_settings_and_what_was_not_built_are_said() -> None:
    output = ls(KEPT / "trainer.pth", width=200).output
    assert "step: 1234 (global_step)" in output
    assert "23 parameters (raw)" in output
    assert "args.rate=0.1" in output
    assert "not built, and nothing of them was run: " in output and "argparse.Namespace (1)" in output


def test_json_holds_every_tensor_with_its_shape_and_type() -> None:
    (contents,) = json.loads(ls("--json", KEPT / "distributed").output)["checkpoints"]
    tensors = {tensor["name"]: tensor for tensor in contents["tensors"]}
    assert tensors["model.0.weight"] == {
        "name": "model.0.weight",
        "shape": [3, 4],
        "type": "float32",
        "numbers": 12,
        "not_finite": 2,
        "damage": "",
    }
    assert (contents["step"], contents["step_source"], contents["numbers"]) == (42, "step", 23)


def many(folder: Path) -> Path:
    state = {}
    for layer in range(50):
        state[f"model.layers.{layer}.weight"] = torch.full((2, 2), math.nan if layer == 7 else 1.0)
        state[f"model.layers.{layer}.bias"] = torch.zeros(2)
    torch.save({"state_dict": state | {"model.head.weight": torch.ones(3)}}, folder / "many.pt")
    return folder / "many.pt"


def test_long_lists_are_folded_by_name_and_full_lists_each(tmp_path: Path) -> None:
    folded = ls(many(tmp_path)).output
    assert "state_dict.model.layers.*" in folded and "100 tensors" in folded
    assert "state_dict.model.head.weight" in folded
    assert "--full lists each" in folded
    assert "NaN or infinite: 4 numbers" in folded
    full = ls("--full", many(tmp_path), width=120).output
    assert all(f"state_dict.model.layers.{layer}.bias" in full for layer in range(50))


def test_several_checkpoints_are_listed_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    (tmp_path / "torn.pt").write_bytes((KEPT / "trainer.pth").read_bytes()[:500])
    result = ls(KEPT / "plain.pkl", tmp_path / "torn.pt", KEPT / "omegaconf.pt")
    assert result.exit_code == 1
    assert "plain.pkl" in result.output and "omegaconf.pt" in result.output
    assert "torn.pt: is not a whole PyTorch file" in result.output


def test_names_that_a_terminal_would_obey_are_shown_as_escapes(tmp_path: Path) -> None:
    torch.save({"model": {"a\x1b[2J": torch.ones(1)}, "args": {"b\nc": "\x1b[31m"}}, tmp_path / "odd.pt")
    for output in (ls(tmp_path / "odd.pt").output, ls("--json", tmp_path / "odd.pt").output):
        assert "\x1b" not in output


def test_runs_next_to_a_checkpoint_are_listed_too(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n1,0.5\n2,0.25\n", encoding="utf-8")
    output = ls(KEPT / "plain.pkl", tmp_path / "log.csv", width=120).output
    assert "state dictionary (pickle)" in output and "0.25" in output

"""Energies of a user's own: read from a file, differentiated, probed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import probes
from app.cli import main
from ired_diag.errors import DiagError, NotApplicable, NotFound, UnreadableFile
from ired_diag.model.autograd_energy import AutogradEnergy
from ired_diag.own_model import fingerprint, read_own_model

DOCUMENT = Path(__file__).parents[1] / "docs" / "own-energies.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example of the documentation, as a file."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "my_energy.py"
    path.write_text(code)
    return path


def test_the_documented_example_is_an_energy_with_the_gradient_it_should_have(example: Path) -> None:
    subject = read_own_model(f"{example}:build")
    x, answer = subject.problems.draw(5, generator=subject.generator("test"))
    y = answer + 0.3 * torch.randn(5, 4, generator=subject.generator("noise"))
    energy, gradient = subject.energy.landscape(x, torch.zeros(5, dtype=torch.long)).energy_and_gradient(y)
    bump = torch.exp(-(y - 1).square().sum(-1))
    torch.testing.assert_close(energy, 0.5 * (y - answer).square().sum(-1) - 0.3 * bump)
    torch.testing.assert_close(gradient, (y - answer) + 0.6 * bump[:, None] * (y - 1))


@pytest.mark.parametrize("name", [name for name in probes.names() if probes.load(name).own_energies])
def test_every_probe_of_own_energies_answers_about_the_example(name: str, example: Path) -> None:
    out = example.parent / "out"
    arguments = ["probe", name, "--model", f"{example}:build", "--samples", "24", "--out", str(out)]
    result = CliRunner().invoke(main, [*arguments, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert (out / f"{name}.parquet").is_file()
    assert "nan" not in result.output.split("\n")[2].lower()


def test_the_five_probes_of_the_documentation_are_for_own_energies() -> None:
    named = ("energy_gap", "diversity", "mining_dynamics", "energy_judge", "curvature")
    assert all(probes.load(name).own_energies for name in named)


def test_other_energies_have_another_fingerprint(example: Path) -> None:
    first = fingerprint(read_own_model(f"{example}:build"))
    assert fingerprint(read_own_model(f"{example}:build")) == first
    example.write_text(example.read_text().replace("0.3 *", "0.4 *"))
    assert fingerprint(read_own_model(f"{example}:build")) != first


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def build(): return 3", "must return an ired_diag.own_model.OwnModel, found int"),
        ("def build(): raise KeyError('w')", r"build\(\) failed: KeyError: 'w' \(own.py, line 1\)"),
        ("import torch\n1 / 0", r"cannot be run: ZeroDivisionError.*line 2"),
    ],
)
def test_a_file_that_makes_no_model_says_what_and_where(code: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(code)
    with pytest.raises((DiagError, UnreadableFile), match=said):
        read_own_model(f"{path}:build")


def test_a_missing_file_or_function_is_named(example: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"expected FILE\.py:FUNCTION"):
        read_own_model(str(tmp_path / "none.py"))
    with pytest.raises(NotFound, match="holds no function 'make'"):
        read_own_model(f"{example}:make")


def test_an_energy_of_the_wrong_shape_or_without_gradient_is_refused() -> None:
    x, t = torch.zeros(3, 2), torch.zeros(3, dtype=torch.long)
    with pytest.raises(NotApplicable, match=r"shape \(3,\); found \(3, 2\)"):
        AutogradEnergy(lambda x, y, t: y, 1).landscape(x, t).energy(x)
    with pytest.raises(NotApplicable, match="differentiably"):
        AutogradEnergy(lambda x, y, t: x.sum(-1), 1).landscape(x, t).energy_and_gradient(x)

"""What is kept in caches is asked for with the state of the source, whatever Python compiles meanwhile."""

from pathlib import Path

import pytest

from ired_diag.runs import code_state


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(code_state, "ROOT", tmp_path)
    folder = tmp_path / "ired_diag"
    folder.mkdir()
    (folder / "energy.py").write_text("GAP = 1\n")
    return folder


def digest() -> str:
    return code_state.state_of_code.__wrapped__()


def test_another_source_is_another_state(package: Path) -> None:
    before = digest()
    (package / "energy.py").write_text("GAP = 22\n")
    changed = digest()
    (package / "gaps.py").write_text("")
    assert len({before, changed, digest()}) == 3


def test_what_another_process_compiles_is_no_other_state(package: Path) -> None:
    before = digest()
    compiled = package / "__pycache__"
    compiled.mkdir()
    (compiled / "energy.cpython-311.pyc.139651").write_bytes(b"half")
    (compiled / "energy.cpython-311.pyc").write_bytes(b"whole")
    assert digest() == before

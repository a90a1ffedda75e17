from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ired_diag.errors import CannotWrite, UnreadableFile
from ired_diag.runs.files import FORMAT, check_format, write_atomically

OLD = b"the old content, whole"

WRITE_ON_A_DISK_OF_1000_BYTES = """
import resource, sys
from pathlib import Path
from ired_diag.errors import CannotWrite
from ired_diag.runs.files import write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path(sys.argv[1]), bytes(int(sys.argv[2])))
except CannotWrite as error:
    sys.exit(f"refused: {error}")
"""


@pytest.fixture
def umask() -> Iterator[Any]:
    """The function that sets the umask; it is set back afterwards."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_on_a_small_disk(path: Path, size: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WRITE_ON_A_DISK_OF_1000_BYTES, str(path), str(size)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_file_is_written_and_its_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.json"
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert names(path.parent) == ["config.json"]


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_atomically(path, OLD)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["config.json"]


@pytest.mark.parametrize("size", [1001, 1_000_000])
def test_a_full_disk_leaves_the_old_content_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(OLD)
    result = write_on_a_small_disk(path, size)
    assert result.returncode == 1
    assert result.stderr.startswith(f"refused: {path}: cannot be written: ")
    assert "--runs DIR or --out DIR" in result.stderr
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["config.json"]


def test_what_fits_on_the_small_disk_is_written(tmp_path: Path) -> None:
    result = write_on_a_small_disk(tmp_path / "config.json", 1000)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "config.json").read_bytes() == bytes(1000)


def test_a_failing_rename_leaves_the_old_content_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(OLD)

    def fail(self: Path, target: Path) -> Path:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(CannotWrite, match=r"config\.json: cannot be written: Input/output error"):
        write_atomically(path, b"new")
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["config.json"]


def test_the_new_content_is_on_the_disk_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(OLD)
    seen: list[bytes] = []
    fsync = os.fsync

    def flushed(descriptor: int) -> None:
        (temporary,) = (p for p in tmp_path.iterdir() if p != path)
        seen.extend([path.read_bytes(), temporary.read_bytes()])
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flushed)
    write_atomically(path, b"new")
    assert seen == [OLD, b"new"]


def test_a_file_in_place_of_a_folder_cannot_be_written_under(tmp_path: Path) -> None:
    (tmp_path / "runs").write_bytes(OLD)
    for path in (tmp_path / "runs" / "config.json", tmp_path / "runs" / "q900" / "config.json"):
        with pytest.raises(CannotWrite) as caught:
            write_atomically(path, b"new")
        assert str(caught.value).startswith(f"{path}: cannot be written: ")
    assert (tmp_path / "runs").read_bytes() == OLD


def test_a_folder_in_place_of_the_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(CannotWrite, match="cannot be written: Is a directory"):
        write_atomically(tmp_path / "config.json", b"new")
    assert names(tmp_path) == ["config.json"]
    assert names(tmp_path / "config.json") == []


def test_a_folder_without_permission_cannot_be_written(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("permissions do not bind this user")
    with pytest.raises(CannotWrite, match="Permission denied"):
        write_atomically(locked / "config.json", b"new")


def test_a_name_that_is_too_long_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="File name too long"):
        write_atomically(tmp_path / ("x" * 300), b"new")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0, 0o666)])
def test_permissions_follow_the_umask(tmp_path: Path, umask: Any, mask: int, mode: int) -> None:
    umask(mask)
    path = tmp_path / "config.json"
    write_atomically(path, b"new")
    assert path.stat().st_mode & 0o777 == mode
    assert umask(mask) == mask  # writing left it as it was


def test_the_current_format_is_read() -> None:
    for version in range(1, FORMAT + 1):
        check_format(version, "config.json")


def test_a_newer_format_is_refused_by_name() -> None:
    newer = FORMAT + 1
    with pytest.raises(UnreadableFile) as caught:
        check_format(newer, "runs/q900/config.json")
    assert str(caught.value).startswith(f"runs/q900/config.json: is of format {newer}; ")
    assert f"reads up to {FORMAT}. Upgrade it." in str(caught.value)


@pytest.mark.parametrize("version", [None, 0, -1, "1", 1.0, True, [1]])
def test_a_format_that_is_no_version_is_refused(version: object) -> None:
    with pytest.raises(UnreadableFile) as caught:
        check_format(version, "config.json")
    expected = f"config.json: expected a format version (1 to {FORMAT}), found {version!r}."
    assert str(caught.value) == expected

"""The first picture of a session that follows another: kept as it was sent, else drawn again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.dashboard import catalog, kept_picture
from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.history_cache import HistoryCache, cache_folder
from app.dashboard.security import cookie_name
from app.dashboard.server import create_app
from ired_diag.runs.history import Row, to_jsonl
from tests.browser import write_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(catalog, "UNSETTLED", 0.0)  # the files are written just before they are read
    for seed in range(3):
        write_run(tmp_path / "runs", "q901", seed, [0.9, 0.4 + seed / 100])
    return tmp_path / "runs"


def session(root: Path) -> Any:
    """Return a client of a new dashboard that keeps what it draws."""
    app = create_app(root, token="the key", port=8050, cache=HistoryCache(cache_folder()))
    client = app.server.test_client()
    client.set_cookie(cookie_name(8050), "the key", domain="127.0.0.1")
    return client


def first_picture(ask: Callable[..., Any], root: Path, search: str = "") -> Any:
    client = session(root)
    client.open = lambda *args, _open=client.open, **keys: _open(
        *args, base_url="http://127.0.0.1:8050", **keys
    )
    return ask(client, "overview-curves-graph.figure", address_search=search, version_data=1)


def kept() -> list[Path]:
    return sorted(cache_folder().with_name("pictures").glob("*.picture"))


def test_a_later_session_sends_what_was_sent_and_computes_nothing(
    runs: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = first_picture(ask, runs)
    assert first["overview-curves-graph"]["figure"]["data"] and len(kept()) == 1
    monkeypatch.setattr("app.dashboard.curve_figures.learning_curves", None)  # drawing would fail
    assert first_picture(ask, runs) == first


def test_a_file_that_changed_is_another_picture(runs: Path, ask: Any) -> None:
    first = first_picture(ask, runs)
    rows = [Row(100, {"validation/mse": 0.9}), Row(200, {"validation/mse": 0.05})]
    (runs / "q901" / "seed0" / "metrics.jsonl").write_bytes(to_jsonl(rows))
    later = first_picture(ask, runs)
    assert later["overview-curves-words"] != first["overview-curves-words"] and len(kept()) == 2


def test_a_damaged_picture_is_drawn_again(runs: Path, ask: Any) -> None:
    first = first_picture(ask, runs)
    (path,) = kept()
    for content in (b"", b"[1]", b'{"figure": 1}', path.read_bytes()[:-9]):
        path.write_bytes(content)
        assert first_picture(ask, runs) == first
        assert len(path.read_bytes()) > 1000


def test_another_view_or_another_way_to_judge_is_another_picture(runs: Path, ask: Any) -> None:
    first = first_picture(ask, runs)
    higher = first_picture(ask, runs, "?higher=1")
    assert higher["overview-curves-words"] != first["overview-curves-words"] and len(kept()) == 2


def test_a_study_whose_files_just_changed_is_not_kept(
    runs: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "UNSETTLED", 3600.0)
    assert first_picture(ask, runs)["overview-curves-graph"]["figure"]["data"] and not kept()


def test_a_picture_is_not_kept_where_a_file_changed_while_it_was_drawn(runs: Path) -> None:
    study = Catalog(runs, cache=HistoryCache(cache_folder()))
    study.refresh()
    pictures = kept_picture.KeptPictures(study, "chart")

    def draw() -> tuple[Any, ...]:
        write_run(runs, "q901", 3, [0.9, 0.1])
        study.refresh()
        return {"data": []}, {}, [], None, {"axes": ""}

    assert pictures.get(View(), draw)[0] == {"data": []} and not kept()


def test_a_cache_that_cannot_be_written_stops_no_page(runs: Path, ask: Any) -> None:
    cache_folder().parent.parent.write_text("a file stands where the cache would be")
    assert first_picture(ask, runs)["overview-curves-graph"]["figure"]["data"]

"""Menu pages that hold nothing for a folder are grey, with the reason; the others never are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.dashboard.address import View
from app.dashboard.catalog import Catalog
from app.dashboard.empty_pages import empty_pages
from app.dashboard.shell import navigation

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def write_logs(folder: Path, *columns: str) -> None:
    for group in ("a", "b"):
        for seed in range(2):
            run = folder / group / f"seed{seed}"
            run.mkdir(parents=True)
            rows = [",".join([str(step), *[str(1 / step)] * len(columns)]) for step in range(1, 12)]
            (run / "metrics.csv").write_text("\n".join([",".join(["step", *columns]), *rows, ""]))


def reasons(folder: Path) -> dict[str, str]:
    catalog = Catalog(folder)
    return empty_pages(catalog.refresh(), catalog.records)


def test_plain_logs_have_five_pages_with_nothing(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs", "val_loss")
    assert set(reasons(tmp_path / "logs")) == {"negatives", "energy", "optimizer", "sweeps", "journal"}


@pytest.mark.parametrize("page", ["energy", "journal"])
def test_content_of_a_page_keeps_it_black(page: str, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write_logs(logs, "val_loss", *(["energy_pos", "energy_neg"] if page == "energy" else []))
    if page == "journal":
        (logs / "journal.md").write_text("# Notes\n")
    assert page not in reasons(logs)


def test_runs_with_checkpoints_may_have_every_probe() -> None:
    assert not {"negatives", "energy", "optimizer"} & set(reasons(SAMPLES))


def test_a_grey_link_still_leads_there_and_says_why() -> None:
    links: dict[Any, Any] = {
        link.children: link for link in navigation(View(), {"sweeps": "Nothing to show: no sweep."})
    }
    assert links["Sweeps"].className == "nav-link nothing"
    assert links["Sweeps"].title == "Nothing to show: no sweep."
    assert "page=sweeps" in links["Sweeps"].href
    assert links["Curves"].className == "nav-link"


def test_an_empty_folder_greys_nothing(tmp_path: Path) -> None:
    assert reasons(tmp_path) == {}

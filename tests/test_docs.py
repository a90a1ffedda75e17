"""The documentation: each page is listed, and each link leads to a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links_in(page: Path) -> list[str]:
    return [link for link in LINK.findall(page.read_text()) if "://" not in link]


def test_every_page_is_listed() -> None:
    listed = set(links_in(DOCS / "README.md"))
    assert {page.name for page in PAGES} - listed == {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [link for link in links_in(page) if not (DOCS / link).exists()]
    assert missing == []

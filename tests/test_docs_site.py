"""The documentation as a site: every page is in it, every link leads somewhere, it opens from a folder."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs_site.contents import address_of, all_sources
from docs_site.page import anchor_of, parse, render
from docs_site.site import INDEX, BrokenLink, write_site

ROOT = Path(__file__).parents[1]


class Links(HTMLParser):
    """What a page leads to, loads, and can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in ("href", "src"):
            if values.get(name):
                self.links.append(str(values[name]))
        if values.get("id"):
            self.ids.add(str(values["id"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "pages"
    assert write_site(ROOT, out) == len(all_sources())
    return out


def small_project(root: Path, text: str) -> Path:
    """Write a project whose pages are empty but for the first."""
    for source in all_sources():
        path = root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# A page\n\n## A part\n\nWords.\n")
    (root / "README.md").write_text(text)
    return root


def test_each_file_of_the_documentation_is_one_page() -> None:
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")]
    listed = all_sources()
    assert sorted(files) == sorted(source for source in listed if source.startswith("docs/"))
    assert len(set(map(address_of, listed))) == len(listed)


def test_every_link_leads_to_a_file_of_the_site_and_to_a_place_on_its_page(site: Path) -> None:
    pages = {path: Links(path.read_text()) for path in site.rglob("*.html")}
    checked = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http"), (path, link)
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), (path, link)
            assert target.is_relative_to(site.resolve()), (path, link)
            if parts.fragment:
                assert parts.fragment in pages[target].ids, (path, link)
            checked += 1
    assert checked > 3000


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(?:https?:)?//', text), path
    for path in [*site.glob("*.css"), *site.glob("*.js")]:
        if path.name != INDEX:
            assert "://" not in path.read_text(), path


def test_the_gallery_the_probes_the_formats_and_the_glossary_are_there(site: Path) -> None:
    gallery = Links((site / "gallery.html").read_text())
    shown = {Path(link).name for link in gallery.links if link.endswith(".png")}
    assert shown == {path.name for path in (ROOT / "docs" / "gallery").glob("*.png")}
    assert len(list((site / "probes").glob("*.html"))) == len(list((ROOT / "docs" / "probes").glob("*.md")))
    assert "Weights &amp; Biases" in (site / "formats.html").read_text()
    assert "<strong>" in (site / "glossary.html").read_text()


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("[x](docs/nothing.md)", "docs/nothing.md leads to no page and no file"),
        ("[x](docs/gate.md#no-such-part)", "no heading of docs/gate.md has the address #no-such-part"),
        ("![x](docs/images/none.png)", "leads to no page and no file"),
        ("[x](#nowhere)", "#nowhere"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, link: str, reason: str) -> None:
    root = small_project(tmp_path / "project", f"# Home\n\n{link}\n")
    with pytest.raises(BrokenLink, match=re.escape(reason)):
        write_site(root, tmp_path / "out")
    small_project(root, "# Home\n\n[good](docs/gate.md#a-part)\n")
    write_site(root, tmp_path / "out")
    assert 'href="gate.html#a-part"' in (tmp_path / "out" / "index.html").read_text()


def test_a_folder_of_somebody_else_is_left_alone_and_an_earlier_site_replaced(tmp_path: Path) -> None:
    root = small_project(tmp_path / "project", "# Home\n")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(BrokenLink, match="found other files"):
        write_site(root, mine)
    assert (mine / "thesis.tex").read_text() == "years of work"
    write_site(root, tmp_path / "out")
    (tmp_path / "out" / "stale.html").touch()
    write_site(root, tmp_path / "out")
    assert not (tmp_path / "out" / "stale.html").exists()


def test_markdown_becomes_what_github_makes_of_it() -> None:
    text = "# T\n\n## `NAME=GLOB`, twice\n\n## `NAME=GLOB`, twice\n\n<script>x</script>\n<!-- unseen -->\n"
    page = parse(f"{text}\n```\n$ ired-diag ls  # a remark\nout <b>\n```\n")
    assert [heading.anchor for heading in page.headings] == ["t", "nameglob-twice", "nameglob-twice-1"]
    html = render(page, str)
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "unseen" not in html
    assert "$ <b>ired-diag ls</b><i>  # a remark</i>\nout &lt;b&gt;" in html
    assert anchor_of("Q & A: 100% of it") == "q--a-100-of-it"

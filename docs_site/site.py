"""All pages: links between them, pictures and files that they show, the search."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from docs_site.contents import CONTENTS, HOME, address_of, all_sources
from docs_site.page import Page, parse, parts_of, render

HERE = Path(__file__).parent
STYLES, SEARCH, INDEX = "site.css", "search.js", "search-index.js"
MARKER = ".made-by-docs-site"  # a folder with it may be emptied
FILES = "files"  # where pictures and other files of the project go
ELSEWHERE = ("http://", "https://", "mailto:")
DEEPEST_LISTED = 3  # level of a heading


class BrokenLink(Exception):
    """A link of a page leads nowhere."""


@dataclass
class Site:
    """The pages of a site while it is written.

    Attributes:
        root: The project.
        out: The folder of the site.
        pages: Each page by its source.
        copied: Files of the project that pages show, and where they are in the site.
    """

    root: Path
    out: Path
    pages: Mapping[str, Page]
    copied: dict[Path, str] = field(default_factory=dict)

    def resolve(self, source: str, target: str) -> str:
        """Return what a link on a page leads to.

        Args:
            source: The page that it is on.
            target: What its Markdown says.

        Raises:
            BrokenLink: There is no such page, heading or file.
        """
        if target.startswith(ELSEWHERE):
            return target
        path, _, anchor = target.partition("#")
        linked = _normal(PurePosixPath(source).parent / path) if path else source
        here = address_of(source)
        if linked in self.pages:
            if anchor and anchor not in self.pages[linked].anchors:
                raise BrokenLink(f"{source}: no heading of {linked} has the address #{anchor}.")
            address = _seen_from(here, address_of(linked))
            return f"{address}#{anchor}" if anchor else address
        file = self.root / linked
        if not file.is_file():
            raise BrokenLink(f"{source}: {target} leads to no page and no file.")
        self.copied[file] = f"{FILES}/{linked}"
        return _seen_from(here, self.copied[file])


def write_site(root: Path, out: Path) -> int:
    """Write the site, and return the number of its pages.

    Args:
        root: The project.
        out: Folder for the pages. What an earlier call wrote there is removed.

    Raises:
        BrokenLink: A link leads nowhere; or the folder holds files of somebody else.
    """
    pages: dict[str, Page] = {}
    for source in all_sources():
        pages[source] = parse((root / source).read_text(encoding="utf-8"))
    site = Site(root, out, pages)
    written: dict[str, str] = {}
    template = _template()
    for source in pages:
        content = render(pages[source], partial(site.resolve, source))
        address = address_of(source)
        written[address] = template.render(
            title=pages[source].title,
            is_home=source == HOME,
            content=content,
            sections=_sections(site, source),
            headings=[h for h in pages[source].headings[1:] if h.level <= DEEPEST_LISTED],
            top=_seen_from(address, "."),
        )
    _make_empty(out)
    for address, text in written.items():
        path = out / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for file, place in site.copied.items():
        path = out / place
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
    for name in (STYLES, SEARCH):
        shutil.copyfile(HERE / name, out / name)
    (out / INDEX).write_text(_index(site), encoding="utf-8")
    return len(pages)


def _make_empty(out: Path) -> None:
    """Remove an earlier site; a folder that holds anything else is left alone.

    Raises:
        BrokenLink: The folder is not empty, and no site.
    """
    if out.exists() and any(out.iterdir()):
        if not (out / MARKER).is_file():
            raise BrokenLink(f"{out}: expected an empty folder or an earlier site, found other files.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).touch()


def _sections(site: Site, here: str) -> list[dict[str, object]]:
    """Return the table of contents as the page shows it."""
    sections: list[dict[str, object]] = []
    for section in CONTENTS:
        links: list[dict[str, object]] = []
        for source in section.sources:
            link = {
                "title": site.pages[source].title,
                "address": _seen_from(address_of(here), address_of(source)),
                "is_here": source == here,
                "is_probe": source.startswith("docs/probes/"),
            }
            links.append(link)
        sections.append({"title": section.title, "links": links, "is_here": here in section.sources})
    return sections


def _index(site: Site) -> str:
    """Return the script that holds the words of all pages, part by part."""
    entries: list[dict[str, str]] = []
    for source, page in site.pages.items():
        for part in parts_of(page):
            address = address_of(source)
            if part.heading.level > 1:
                address = f"{address}#{part.heading.anchor}"
            entry = {
                "address": address,
                "page": page.title,
                "heading": part.heading.text,
                "text": " ".join(part.words),
            }
            entries.append(entry)
    # A page from a folder may run a script next to it, and may not read a file.
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    return f"window.SEARCH_INDEX = {text};\n"


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja")


def _seen_from(here: str, there: str) -> str:
    """Return the relative address of one place in the site, seen from a page.

    >>> _seen_from("probes/gap.html", "index.html"), _seen_from("index.html", "probes/gap.html")
    ('../index.html', 'probes/gap.html')
    """
    folder = str(PurePosixPath(here).parent)
    return os.path.relpath(there, folder).replace(os.sep, "/")


def _normal(path: PurePosixPath) -> str:
    """Return a path from the root of the project, without ``..``."""
    return os.path.normpath(path).replace(os.sep, "/")

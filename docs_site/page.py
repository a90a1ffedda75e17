"""One page: Markdown in, HTML out, with an address for each heading as GitHub gives it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

COMMAND_LINE = re.compile(r"(?P<prompt>\$ )?(?P<command>(?:ired-diag|make|pip|git|python|cd)\b.*)")
REMARK = re.compile(r"(?P<before>.*?\S)(?P<remark>\s{2,}# .*)")
COMMENT = re.compile(r"<!--.*?-->\n?", flags=re.DOTALL)
LONGEST_UNBROKEN = 28  # characters
NOT_IN_ADDRESS = re.compile(r"[^\w\- ]")

Resolve = Callable[[str], str]  # the target of a link or picture, as written, to what the page shall hold


@dataclass(frozen=True)
class Heading:
    """A heading.

    Attributes:
        level: 1 for the title of the page.
        text: What it says.
        anchor: Its address within the page.
    """

    level: int
    text: str
    anchor: str


@dataclass
class Part:
    """A heading, and the words below it up to the next: what a search finds."""

    heading: Heading
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        tokens: Its Markdown, parsed.
        headings: Its headings, in their order; the first is its title.
    """

    tokens: Sequence[Token]
    headings: Sequence[Heading]

    @property
    def title(self) -> str:
        """The page's first heading."""
        return self.headings[0].text

    @property
    def anchors(self) -> set[str]:
        """All addresses within the page."""
        return {heading.anchor for heading in self.headings}


def parse(text: str) -> Page:
    """Return a page, its headings with the addresses that GitHub gives them."""
    tokens = _parser().parse(COMMENT.sub("", text))
    headings: list[Heading] = []
    counts: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        words = _text_of(tokens[place + 1])
        plain = anchor_of(words)
        repeated = counts.get(plain, 0)
        counts[plain] = repeated + 1
        anchor = f"{plain}-{repeated}" if repeated else plain
        token.attrSet("id", anchor)
        level = int(token.tag.removeprefix("h"))
        headings.append(Heading(level, words, anchor))
    return Page(tokens, headings)


def anchor_of(heading: str) -> str:
    """Return the address of a heading within its page.

    >>> anchor_of("What a file may ask for"), anchor_of("`NAME=GLOB`, and more")
    ('what-a-file-may-ask-for', 'nameglob-and-more')
    """
    plain = NOT_IN_ADDRESS.sub("", heading.strip().lower())
    return plain.replace(" ", "-")


def render(page: Page, resolve: Resolve) -> str:
    """Return the HTML of a page.

    Args:
        page: The page.
        resolve: Returns what a link or a picture leads to, seen from the page in the site.
    """
    for token in page.tokens:
        for child in token.children or ():
            _resolve_in(child, resolve)
    parser = _parser()
    rendered: str = parser.renderer.render(list(page.tokens), parser.options, {})
    return rendered


def _resolve_in(token: Token, resolve: Resolve) -> None:
    if token.type == "link_open":
        target = str(token.attrGet("href"))
        token.attrSet("href", resolve(target))
    elif token.type == "image":
        target = str(token.attrGet("src"))
        token.attrSet("src", resolve(target))
        token.attrSet("loading", "lazy")


def parts_of(page: Page) -> list[Part]:
    """Return the words of a page by the heading above them."""
    headings = iter(page.headings)
    parts: list[Part] = []
    is_heading = False
    for token in page.tokens:
        if token.type == "heading_open":
            parts.append(Part(next(headings)))
            is_heading = True
        elif token.type == "heading_close":
            is_heading = False
        elif parts and not is_heading:
            parts[-1].words += _text_of(token).split()
    return parts


def _text_of(token: Token) -> str:
    """Return the words of a token without marks."""
    if token.type in ("fence", "code_block"):
        return token.content
    texts: list[str] = []
    for child in token.children or ():
        is_break = child.type in ("softbreak", "hardbreak")
        texts.append(" " if is_break else child.content)
    return "".join(texts)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    renderer = RendererHTML(parser)
    rules: dict[str, Any] = {
        "code_block": _fence,
        "code_inline": _code_inline,
        "fence": _fence,
        "table_open": _table_open,
        "table_close": _table_close,
        "heading_close": _heading_close,
    }
    renderer.rules.update(rules)
    parser.renderer = renderer
    return parser


def _code_inline(tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    """Return code within a sentence; a short piece is not broken after its hyphens."""
    content = tokens[place].content
    kind = ' class="short"' if len(content) <= LONGEST_UNBROKEN else ""
    return f"<code{kind}>{html.escape(content)}</code>"


def _fence(tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    token = tokens[place]
    language = token.info.strip()
    if language:
        return _highlighted(token.content, language)
    lines = [_terminal_line(line) for line in token.content.splitlines()]
    body = "\n".join(lines)
    return f'<pre class="terminal" tabindex="0"><code>{body}</code></pre>\n'


def _highlighted(code: str, language: str) -> str:
    """Return code of a programming language, its words in colours."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    formatter = HtmlFormatter(nowrap=True)
    body = highlight(code, get_lexer_by_name(language), formatter)
    return f'<pre class="code" tabindex="0"><code>{body}</code></pre>\n'


def _terminal_line(line: str) -> str:
    """Return a line of a terminal: what is typed in bold, a remark behind it in grey."""
    command = COMMAND_LINE.fullmatch(line)
    if command is None:
        return html.escape(line)
    text, remark = command["command"], ""
    if split := REMARK.fullmatch(text):
        text, remark = split["before"], split["remark"]
    prompt = html.escape(command["prompt"] or "")
    typed = f"<b>{html.escape(text)}</b>"
    said = f"<i>{html.escape(remark)}</i>" if remark else ""
    return f"{prompt}{typed}{said}"


def _table_open(tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    pictures = 0
    for token in tokens[place:]:
        if token.type == "table_close":
            break
        pictures += sum(child.type == "image" for child in token.children or ())
    kind = "pictures" if pictures else "wide"
    return f'<div class="{kind}" tabindex="0" role="group" aria-label="table"><table>\n'


def _table_close(tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    return "</table></div>\n"


def _heading_close(tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    """Close a heading with a link to itself, so that its address can be copied."""
    token = tokens[place]
    if token.tag == "h1":
        return "</h1>\n"
    anchor = tokens[place - 2].attrGet("id")
    words = html.escape(_text_of(tokens[place - 1]), quote=True)
    link = f'<a class="anchor" href="#{anchor}" aria-label="Link to: {words}">#</a>'
    return f"{link}</{token.tag}>\n"

"""A page in HTML as Markdown, line by line, so that line numbers stay.

Headings become Markdown's, paragraphs and list items start a part of their own, ``<pre>`` becomes a code
block. Scripts, styles and comments are taken out. Tables stay as they are (``html_tables``). A text that is
no page, and no part of one (Markdown with a table in HTML) is not changed, its comments apart.
"""

from __future__ import annotations

import html
import re

PAGE = re.compile(r"<(?:!doctype html|html|body)\b", re.IGNORECASE)
UNSEEN = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
TABLE = re.compile(r"(<table\b.*?</table\s*>)", re.IGNORECASE | re.DOTALL)
FRAGMENT = re.compile(r"\s*<(?:h[1-6]|p|div|ul|ol|section|article|main|header|table)\b", re.IGNORECASE)
MARKDOWN = re.compile(r"^(?:#{1,6} |\||[-*+] |```|~~~|\d+\. )|\*\*\S|\[[^\]\n]+\]\(", re.MULTILINE)
HEADING = re.compile(
    r"^[^\S\n]*<h([1-6])\b[^>]*>(.*?)</h\1\s*>\s*(?:</?[a-z]+[^<>]*>\s*)*$", re.IGNORECASE | re.MULTILINE
)
PART = re.compile(
    r"^[^\S\n]*<(?:p|li|div|dd|dt|blockquote)\b[^>]*>[^\S\n]*(?=\S)", re.IGNORECASE | re.MULTILINE
)
LINES_OF_CODE = re.compile(r"^[^\S\n]*<(/?)pre\b[^>]*>[^\S\n]*$", re.IGNORECASE | re.MULTILINE)
BOLD = re.compile(r"</?(?:b|strong)\b[^>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def without_html_prose(text: str) -> str:
    r"""Return a page in HTML as Markdown, its tables left as they are.

    >>> without_html_prose("<html><body>\n<h2>Results</h2>\n<p>p &lt; 0.05</p>\n</body></html>")
    '\n# Results\n- p < 0.05\n'
    """
    if not _is_html(text):
        return COMMENT.sub(_blank, text)
    parts = []
    for part in TABLE.split(UNSEEN.sub(_blank, text)):
        if not TABLE.fullmatch(part):
            part = _prose(part)
        parts.append(part)
    return "".join(parts)


def _is_html(text: str) -> bool:
    """Say whether a text is a page or a part of one; Markdown may hold HTML, too."""
    if PAGE.search(text):
        return True
    starts_as_html = FRAGMENT.match(text) is not None
    return starts_as_html and not MARKDOWN.search(text)


def _prose(text: str) -> str:
    text = HEADING.sub(_heading, text)
    text = LINES_OF_CODE.sub("```", text)
    text = PART.sub("- ", text)
    text = BOLD.sub("**", text)
    text = TAG.sub("", text)
    # Last, so that no "<" that the text means is taken for a tag.
    return html.unescape(text)


def _heading(hit: re.Match[str]) -> str:
    words = TAG.sub("", hit[2])
    return f"# {words.strip()}"


def _blank(hit: re.Match[str]) -> str:
    return "\n" * hit[0].count("\n")

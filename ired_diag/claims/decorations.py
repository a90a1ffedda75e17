r"""What is set on a number and is no part of it: a spread in a subscript, a mark of significance, a colour.

    $0.442_{\pm 0.014}$, 0.442$^{\pm 0.014}$, 0.442<sub>±0.014</sub>, 0.442\std{0.014}  →  0.442 ± 0.014
    0.442$^{*}$, 0.442<sup>1</sup>, 0.442†, 0.442[^1], \cellcolor{gray!20} 0.442         →  0.442

Each of them stays on its line, so that line numbers stay. A power (10^{-3}, R^2) is no decoration: what is
raised is a mark only where it stands on a number with decimals and outside of its mathematics, or is a sign.
"""

from __future__ import annotations

import re

NUMBER = r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?\s*(?:\\?%)?"
SIZES = r"\\(?:tiny|scriptsize|footnotesize|small|scriptstyle|scriptscriptstyle|mathrm|text|rm|textnormal)\b"
BODY = r"\{(?P<body>(?:[^{}\n]|\{(?:[^{}\n]|\{[^{}\n]*\})*\})*)\}"
RAISED = re.compile(
    rf"(?P<before>\d\}}?\s*(?:\\?%)?\s*)(?P<dollar>\$?)\s*(?P<mark>[_^])\s*{BODY}(?P<after>\$?)"
)
IN_TAGS = re.compile(
    r"(?P<before>\d\s*%?\s*)<(?P<tag>sub|sup|small)>\s*(?P<body>[^<>\n]*?)\s*</(?P=tag)>", re.IGNORECASE
)
SPREAD = re.compile(rf"^(?:±|\+/-|\+-)\s*({NUMBER})$")
DECIMAL = re.compile(r"\d*\.\d+\}?\s*(?:\\?%)?\s*$")
MARK = re.compile(
    r"^(?:\\(?:ast|star|dagger|ddagger|dag|ddag|S|P|circ|sharp)|[*\u2217†‡§¶#]|[a-e]|n\.?s\.?)+$"
)
UP_AND_DOWN = re.compile(r"\s*\$?\s*\^\s*\{\s*\+\s*[\d.]+\s*\}\s*_\s*\{\s*-\s*[\d.]+\s*\}")
MACRO = re.compile(r"\\(?:std|stddev|stdev|sd|pms|pmstd|err)\{\s*(?:\$?\\pm\$?\s*)?([\d.]+)\s*\}")
COLOUR = re.compile(r"\\(?:cell|row)?color(?:\[[^\]\n]*\])?\{[^{}\n]*\}|\\(?:highlight|hl)\b(?=\{)")
COLOURED = re.compile(r"\\textcolor(?:\[[^\]\n]*\])?\{[^{}\n]*\}\{([^{}\n]*)\}")
STACKED = re.compile(r"\\(?:makecell|shortstack|thead)(?:\[[^\]\n]*\])?\{((?:[^{}\n]|\{[^{}\n]*\})*)\}")
FOOTNOTE = re.compile(r"(?<=[\d%*])\s?\[\^[\w-]+\]")
DAGGERS = re.compile(r"(?<=[\d%])\s?(?:[†‡§¶]|\$?\^?\\d?dag(?:ger)?\$?)+")
SUPERSCRIPT = re.compile(r"(?<=\d)\s?\\text(?:super|sub)script\{\s*([^{}\n]*)\}")
PICTURES = re.compile("[\u2705\u2714\u2713\u274c\u2b50\u26a0\ufe0f\u2b06\u2b07\U0001f300-\U0001faff]+")
BRACKET = re.compile(
    r"\s*[(\[]\s*(?:rank\s*#?\s*\d+|#\s*\d+|\d+(?:st|nd|rd|th)|\d+\s*/\s*\d+(?:\s*seeds)?|[-+]\s*[\d.]+\s*%?)\s*[)\]]\s*$",
    re.IGNORECASE,
)
SHORT_NUMBERS = re.compile(r"\d{1,2}(?:\s*,\s*\d{1,2})*")  # of footnotes or of references
SPREAD_IN_BRACKETS = re.compile(r"\d*\.\d+")
REACH = 12  # letters before a raised text in which its number stands


def undecorated(text: str) -> str:
    r"""Return a text, spreads in subscripts written after a ± and marks on numbers left out.

    >>> undecorated(r"$0.442_{\pm 0.014}$, 0.43$^{*}$, 0.5<sup>1</sup>, \cellcolor{red!20} 0.6, $10^{-5}$")
    '$0.442 ± 0.014$, 0.43*, 0.5,  0.6, $10^{-5}$'
    """
    if not re.search(r"[\\^_<†‡§¶]", text):
        return text
    # A stacked cell first: its lines may each hold one of the decorations below.
    text = STACKED.sub(_in_one_line, text)
    text = COLOUR.sub("", text)
    text = COLOURED.sub(r"\1", text)
    text = MACRO.sub(r" ± \1", text)
    text = SUPERSCRIPT.sub(r"$^{\1}$", text)
    text = UP_AND_DOWN.sub("", text)
    text = RAISED.sub(_of_script, text)
    text = IN_TAGS.sub(_of_tag, text)
    text = FOOTNOTE.sub("", text)
    return DAGGERS.sub("", text)


def _in_one_line(hit: re.Match[str]) -> str:
    """Return the words of a stacked cell, its lines next to each other."""
    return re.sub(r"\\\\(?:\[[^\]]*\])?", " ", hit[1])


def bare_cell(text: str) -> str:
    """Return a cell that ``plain`` returned without what is no number: stars, arrows, pictures, its rank.

    >>> bare_cell("0.442*"), bare_cell("≈ 0.442 ↓"), bare_cell("0.442 (5/5)"), bare_cell("0.44 ± 0.01 ✅")
    ('0.442', '0.442', '0.442', '0.44 ± 0.01')
    """
    text = PICTURES.sub("", text).strip()
    text = re.sub(r"(?<=[\d%)])\s?(?:\*{1,3}|\u2217+|[↓↑])$", "", text)
    text = re.sub(r"^[≈~]\s*(?=[-+\d.])", "", text.strip())
    return BRACKET.sub("", text).strip()


def _of_script(hit: re.Match[str]) -> str:
    """Return what a raised or lowered text is: a spread, a mark that is left out, or as it stands."""
    body = _words(hit["body"])
    before = hit["before"].rstrip()
    # A dollar sign before the mark has opened the mathematics that the one behind it closes.
    behind = "" if hit["dollar"] else hit["after"]
    if spread := SPREAD.match(body):
        return f"{hit['before']} ± {spread[1]}{behind}".replace("  ", " ")
    if MARK.match(body):
        stars = len(re.findall(r"[*\u2217]|\\ast|\\star", body))
        return f"{before}{'*' * stars}{behind}"
    if not _stands_on_decimals(hit):
        return hit[0]
    if hit["dollar"] and hit["mark"] == "^" and SHORT_NUMBERS.fullmatch(body):
        return before
    if hit["mark"] == "_" and SPREAD_IN_BRACKETS.fullmatch(body):
        return f"{before} ({body}){behind}"
    return hit[0]


def _stands_on_decimals(hit: re.Match[str]) -> bool:
    """Say whether the number before a raised or lowered text has decimals."""
    start = max(0, hit.start() - REACH)
    return DECIMAL.search(hit.string[start : hit.end("before")]) is not None


def _of_tag(hit: re.Match[str]) -> str:
    """Return what a text in tags is: a spread, a mark that is left out, or as it stands."""
    body = hit["body"].replace("&plusmn;", "±")
    before = hit["before"].rstrip()
    tag = hit["tag"].lower()
    if spread := SPREAD.match(body):
        return f"{before} ± {spread[1]}"
    if tag == "small" or not _stands_on_decimals(hit):
        return hit[0]
    if tag == "sub" and SPREAD_IN_BRACKETS.fullmatch(body):
        return f"{before} ({body})"
    if tag == "sub":
        return hit[0]
    if re.fullmatch(r"\*+", body):
        return f"{before}{body}"
    if MARK.match(body) or re.fullmatch(r"\d{1,2}", body):
        return before
    return hit[0]


def _words(body: str) -> str:
    text = re.sub(SIZES, "", body)
    text = re.sub(r"\\pm(?![a-zA-Z])", "±", text)
    return re.sub(r"[{}$~]|\\[,;:! ]", "", text).strip()

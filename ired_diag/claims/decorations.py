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


def undecorated(text: str) -> str:
    r"""Return a text, spreads in subscripts written after a ± and marks on numbers left out.

    >>> undecorated(r"$0.442_{\pm 0.014}$, 0.43$^{*}$, 0.5<sup>1</sup>, \cellcolor{red!20} 0.6, $10^{-5}$")
    '$0.442 ± 0.014$, 0.43*, 0.5,  0.6, $10^{-5}$'
    """
    if not re.search(r"[\\^_<†‡§¶]", text):
        return text
    text = STACKED.sub(lambda hit: re.sub(r"\\\\(?:\[[^\]]*\])?", " ", hit[1]), text)
    text = COLOURED.sub(r"\1", COLOUR.sub("", text))
    text = SUPERSCRIPT.sub(r"$^{\1}$", MACRO.sub(r" ± \1", text))
    text = UP_AND_DOWN.sub("", text)
    text = IN_TAGS.sub(_of_tag, RAISED.sub(_of_script, text))
    return DAGGERS.sub("", FOOTNOTE.sub("", text))


def bare_cell(text: str) -> str:
    """Return a cell that ``plain`` returned without what is no number: stars, arrows, pictures, its rank.

    >>> bare_cell("0.442*"), bare_cell("≈ 0.442 ↓"), bare_cell("0.442 (5/5)"), bare_cell("0.44 ± 0.01 ✅")
    ('0.442', '0.442', '0.442', '0.44 ± 0.01')
    """
    text = re.sub(r"(?<=[\d%)])\s?(?:\*{1,3}|\u2217+|[↓↑])$", "", PICTURES.sub("", text).strip())
    return BRACKET.sub("", re.sub(r"^[≈~]\s*(?=[-+\d.])", "", text.strip())).strip()


def _of_script(hit: re.Match[str]) -> str:
    """Return what a raised or lowered text is: a spread, a mark that is left out, or as it stands."""
    body = _words(hit["body"])
    spread = SPREAD.match(body)
    outside = bool(hit["dollar"])
    if spread:
        return f"{hit['before']} ± {spread[1]}{'' if outside else hit['after']}".replace("  ", " ")
    if MARK.match(body):
        stars = "*" * len(re.findall(r"[*\u2217]|\\ast|\\star", body))
        return f"{hit['before'].rstrip()}{stars}{'' if outside else hit['after']}"
    if not DECIMAL.search(hit.string[max(0, hit.start() - 12) : hit.end("before")]):
        return hit[0]
    if outside and hit["mark"] == "^" and re.fullmatch(r"\d{1,2}(?:\s*,\s*\d{1,2})*", body):
        return hit["before"].rstrip()
    if hit["mark"] == "_" and re.fullmatch(r"\d*\.\d+", body):
        return f"{hit['before'].rstrip()} ({body}){'' if outside else hit['after']}"
    return hit[0]


def _of_tag(hit: re.Match[str]) -> str:
    body = hit["body"].replace("&plusmn;", "±")
    if spread := SPREAD.match(body):
        return f"{hit['before'].rstrip()} ± {spread[1]}"
    decimal = DECIMAL.search(hit.string[max(0, hit.start() - 12) : hit.end("before")])
    if not decimal or hit["tag"].lower() == "small":
        return hit[0]
    if hit["tag"].lower() == "sub":
        return f"{hit['before'].rstrip()} ({body})" if re.fullmatch(r"\d*\.\d+", body) else hit[0]
    if re.fullmatch(r"\*+", body):
        return f"{hit['before'].rstrip()}{body}"
    return hit["before"].rstrip() if MARK.match(body) or re.fullmatch(r"\d{1,2}", body) else hit[0]


def _words(body: str) -> str:
    text = re.sub(r"\\pm(?![a-zA-Z])", "±", re.sub(SIZES, "", body))
    return re.sub(r"[{}$~]|\\[,;:! ]", "", text).strip()

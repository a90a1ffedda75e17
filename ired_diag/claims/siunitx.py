r"""Numbers as LaTeX's siunitx writes them, as plain ones.

    \num{1.2e-3}  →  1.2e-3         \SI{41.6}{\percent}, \qty{41.6}{\percent}  →  41.6 %
    \num{0.416(10)}, \num{0.416 +- 0.010}  →  0.416 ± 0.010

In 0.416(10) the digits in brackets are the uncertainty in the last digits of the number. Outside of siunitx
(a column of type S, ``\num``) brackets may mean something else: ``with_uncertainty`` is called only there,
or where the head of a column says that a spread is in brackets.

Reference: the siunitx manual, section 3.1 (numbers) and 3.9 (tabular material).
"""

from __future__ import annotations

import re

OPTIONS = r"(?:\[[^\]]*\])?"
BRACED = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
NUM = re.compile(rf"\\(?:num|tablenum){OPTIONS}{BRACED}")
QUANTITY = re.compile(rf"\\(?:SI|qty){OPTIONS}{BRACED}(?:\[[^\]]*\])?{BRACED}")
RANGE = re.compile(rf"\\(?:num|SI|qty)range{OPTIONS}{BRACED}{BRACED}(?:{BRACED})?")
UNIT = re.compile(rf"\\(?:si|unit){OPTIONS}{BRACED}")
POWER = r"(?:e[-+]?\d+|\s*(?:\\times|\u00d7|x)\s*10\^\{?[-+]?\d+\}?)?"
UNCERTAIN = re.compile(
    rf"^\s*(?P<number>[-+]?\d*\.\d+)\s*\((?P<digits>\d{{1,4}})\)(?P<power>{POWER})\s*$", re.IGNORECASE
)
SHORT = {"percent": "%", "second": "s", "hour": "h", "minute": "min", "milli": "m", "micro": "u", "per": "/"}
THOUSANDS = re.compile(r"(?<=\d)[ ~](?=\d{3}\b)")
PLUS_MINUS = re.compile(r"\+-|\\pm(?![a-zA-Z])")
FORTRAN = str.maketrans("dD", "ee")  # its exponent, which siunitx accepts


def without_siunitx(text: str) -> str:
    r"""Return a text with siunitx's commands replaced by what they print.

    >>> without_siunitx(r"\num{0.416(10)} in \SI{1.5}{\hour}, \qty{4.1}{\percent}; \num{1.2e-3}")
    '0.416 ± 0.010 in 1.5 h, 4.1 %; 1.2e-3'
    """
    if "\\" not in text:
        return text
    text = RANGE.sub(_range, text)
    text = QUANTITY.sub(_quantity, text)
    text = NUM.sub(_number_of, text)
    return UNIT.sub(_unit_of, text)


def _number_of(hit: re.Match[str]) -> str:
    return _number(hit[1])


def _unit_of(hit: re.Match[str]) -> str:
    return _unit(hit[1])


def _range(hit: re.Match[str]) -> str:
    first = _number(hit[1])
    last = _number(hit[2])
    unit = _unit(hit[3] or "")
    return f"{first} to {last} {unit}".rstrip()


def _quantity(hit: re.Match[str]) -> str:
    number = _number(hit[1])
    unit = _unit(hit[2])
    return f"{number} {unit}".rstrip()


def with_uncertainty(number: str) -> str:
    """Return a number with its uncertainty in brackets as mean ± uncertainty; any other text as it is.

    >>> with_uncertainty("0.416(10)"), with_uncertainty("1.23(4)e-3"), with_uncertainty("0.416 (0.010)")
    ('0.416 ± 0.010', '1.23e-3 ± 0.04e-3', '0.416 (0.010)')
    """
    hit = UNCERTAIN.match(number)
    if hit is None:
        return number
    mean = hit["number"]
    power = hit["power"]
    _, _, fraction = mean.partition(".")
    decimals = len(fraction)
    digits = hit["digits"].rjust(decimals + 1, "0")
    spread = f"{digits[:-decimals]}.{digits[-decimals:]}"
    return f"{mean}{power} ± {spread}{power}"


def _number(text: str) -> str:
    text = PLUS_MINUS.sub(" ± ", text)
    text = text.replace("\\,", "")
    text = THOUSANDS.sub("", text)
    text = text.translate(FORTRAN)
    text = with_uncertainty(text.strip())
    return re.sub(r"\s*±\s*", " ± ", text)


def _unit(text: str) -> str:
    bare = text.replace("\\%", "%")
    shown = []
    for word in re.findall(r"[A-Za-z]+|%|/", bare):
        shown.append(SHORT.get(word, word))
    return "".join(shown)

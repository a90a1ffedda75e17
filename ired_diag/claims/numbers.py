r"""Numbers as a report prints them: what they say, and how finely.

A printed number stands for an interval: 0.0097 says "between 0.00965 and 0.00975". Read are plain, signed
and scientific notation (1.2e-5, 1.2 × 10⁻⁵, LaTeX's 1.2 \times 10^{-5}), thousands separators, and decimal
commas in a text that writes them.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ired_diag.claims.siunitx import without_siunitx

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
POWER = r"(?:\s*[x\u00d7·*]\s*10\s*\^\s*[-+]?\d{1,3}|[eE][-+]?\d{1,3})?"
LARGEST, SMALLEST = 1e100, 1e-300  # what can be squared
SPACE = "\u202f"  # between groups of thousands
POINT = rf"(?:\d{{1,3}}(?:[,'{SPACE}]\d{{3}})+(?:\.\d+)?|\d+\.\d+|\d+|\.\d+)"
COMMA = rf"(?:\d{{1,3}}(?:[.'{SPACE}]\d{{3}})+(?:,\d+)?|\d+,\d+|\d+)"
NUMBER = (
    r"(?:(?P<relation>[<>≤≥≈~]\s*)|(?<![\w.,^]))(?P<number>[-+]?{digits}{power})"
    r"(?!(?!x\b|fold\b)[\w^])\s?(?P<percent>%)?"
)
LATEX = (
    (r"\\(?:mathrm|mathbf|text|textbf|mathit|operatorname|bm|boldsymbol)\s*\{([^{}]*)\}", r"\1"),
    (r"\\(?:times|cdot)(?![a-zA-Z])", "\u00d7"),
    (r"\\pm(?![a-zA-Z])|\+/-|\+-(?=\s*\d)", "±"),
    (r"\\chi(?![a-zA-Z])", "χ"),
    (r"\\downarrow(?![a-zA-Z])", "↓"),
    (r"\\uparrow(?![a-zA-Z])", "↑"),
    (r"\\alpha(?![a-zA-Z])", "\u03b1"),
    (r"\\(?:leq?)(?![a-zA-Z])", "≤"),
    (r"\\(?:geq?)(?![a-zA-Z])", "≥"),
    (r"\\(?:lt)(?![a-zA-Z])", "<"),
    (r"\\(?:approx|sim)(?![a-zA-Z])", "≈"),
    (r"\\(?:sigma)(?![a-zA-Z])", "\u03c3"),
    (r"\\(?:mu)(?![a-zA-Z])", "μ"),
    (r"\\(?:Delta)(?![a-zA-Z])", "Δ"),
    (r"\\[,;:! ]", " "),
    (r"\\%", "%"),
    (r"\{,\}", ","),
    (r"\^\{\s*([-+]?\d+)\s*\}", r"^\1"),
    (r"<sup>\s*([-+]?\d+)\s*</sup>", r"^\1"),
    (r"\$|\\[()]", ""),
)


@dataclass(frozen=True)
class Printed:
    """A number as it stands in a report.

    Attributes:
        text: As it is printed.
        value: What it says; a percentage in percent.
        unit: The worth of its last digit.
        percent: Whether a percent sign follows.
        relation: ``<``, ``>``, or nothing.
        start: Where it starts in its text.
        end: Where it ends.
    """

    text: str
    value: float
    unit: float
    percent: bool = False
    relation: str = ""
    start: int = 0
    end: int = 0

    def scaled(self, factor: float) -> Printed:
        """Return the number in another unit."""
        return replace(self, value=self.value * factor, unit=self.unit * factor)


def plain(text: str) -> str:
    r"""Return a text with LaTeX, superscripts and odd signs in the one spelling that is read here.

    >>> plain(r"$1.2 \times 10^{-5}$ and 3×10⁻⁴")
    '1.2 × 10^-5 and 3×10^-4'
    """
    text = html.unescape(without_siunitx(text))
    text = re.sub(r"(?<=10)[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}", lambda hit: "^" + hit[0].translate(SUPERSCRIPT), text)
    text = re.sub("[\u2212\u2011\ufe63]", "-", text)
    text = re.sub("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))", SPACE, text)
    text = re.sub("[\u00a0\u2009]|&nbsp;", " ", text)
    # Most texts have none of these signs, and so many substitutions are slow.
    for pattern, spelled in LATEX if re.search(r"[\\$^<{+]", text) else ():
        text = re.sub(pattern, spelled, text)
    return text


def writes_decimal_commas(text: str) -> bool:
    """Say whether a text writes 0,5 and not 0.5, by which of the two it has more of.

    >>> writes_decimal_commas("im Mittel 0,00969 (p = 0,088)"), writes_decimal_commas("0.5, 1,000")
    (True, False)
    """
    commas = len(re.findall(r"(?<![\d.,])\d+,(?:\d{1,2}|\d{4,})(?![\d.,]*\d)|(?<![\d.,])0,\d+", text))
    return commas > len(re.findall(r"(?<![\d.,])\d+\.\d+", text))


def numbers_in(text: str, *, comma: bool = False) -> Iterator[Printed]:
    """Yield the numbers in a text that ``plain`` returned.

    >>> [n.value for n in numbers_in("p = 2.42e-07, 1.5 × 10^-3, 100,000 steps, q101")]
    [2.42e-07, 0.0015, 100000.0]
    >>> [n.value for n in numbers_in("up by 12.9pp, version 1.2.3")]
    []
    """
    pattern = NUMBER.replace("{digits}", COMMA + r"(?!\.\d)" if comma else POINT + r"(?![,.]\d)").replace(
        "{power}", POWER
    )
    for hit in re.finditer(pattern, text):
        read = _read(hit["number"], comma)
        if abs(read.value) < LARGEST and SMALLEST < read.unit < LARGEST:
            relation = (hit["relation"] or "").strip().replace("≤", "<").replace("≥", ">")
            yield replace(
                read,
                percent=bool(hit["percent"]),
                relation=relation if relation in ("<", ">") else "",
                start=hit.start("number"),
                end=hit.end(),
            )


def number_of(text: str, *, comma: bool = False) -> Printed | None:
    """Return the first number in a text, None where there is none."""
    return next(numbers_in(text, comma=comma), None)


def as_printed(value: float, like: Printed) -> str:
    """Return a number with as many decimals as a printed one.

    >>> as_printed(0.0280144, Printed("0.07", 0.07, 0.01)), as_printed(12.3, Printed("7", 7.0, 1.0))
    ('0.03', '12')
    """
    decimals = max(0, round(-math.log10(like.unit)))
    return f"{value:.{decimals}f}"


def _read(text: str, comma: bool) -> Printed:
    digits, exponent = text, 0
    # 2 × 10^-5 and 2e-5 have their last digit at 1e-5.
    if power := re.search(r"(?:\s*[x\u00d7·*]\s*10\s*\^\s*|[eE])([-+]?\d+)$", text):
        digits, exponent = text[: power.start()], int(power[1])
    digits = re.sub(rf"['{SPACE}]", "", digits)
    digits = digits.replace(".", "").replace(",", ".") if comma else digits.replace(",", "")
    decimals = len(digits.partition(".")[2])
    return Printed(text, float(f"{digits}e{exponent}"), float(f"1e{exponent - decimals}"))

r"""Numbers as LaTeX sets them: a true minus, and powers of ten instead of an exponent."""

from __future__ import annotations

import re

NUMBER = re.compile(r"(?<![^\s(\[])(-?)(\d+(?:\.\d+)?)(?:e([+-]?)0*(\d+))?(?![\w.]*\w)")


def numbers_in_latex(text: str) -> str:
    r"""Return a text whose numbers, where they stand alone, are set as formulas; names that hold some stay.

    >>> numbers_in_latex("sd 3.58e-06, from -0.0177 to 1e+07 (-2%)")
    'sd $3.58\\times10^{-6}$, from $-0.0177$ to $10^{7}$ ($-2$%)'
    >>> numbers_in_latex("lr=1e-3 q101 - q102 n - 1 step 27000 v1.5e-3b")
    'lr=1e-3 q101 - q102 n - 1 step 27000 v1.5e-3b'
    """
    return NUMBER.sub(_in_latex, text)


def _in_latex(match: re.Match[str]) -> str:
    minus, digits, sign, power = match.groups()
    if power is None:
        return f"${minus}{digits}$" if minus else match[0]
    ten = f"10^{{{sign.replace('+', '')}{power}}}"
    factor = "" if digits == "1" else rf"{digits}\times"
    return f"${minus}{factor}{ten}$"

"""Text as LaTeX takes it: signs that are commands are escaped, letters that fonts lack are formulas."""

from __future__ import annotations

import re

NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho final sigma tau "
    "upsilon phi chi psi omega"
).split()  # in the order of the code points from U+03B1 on
ALPHA = 0x03B1  # the code point of the first name
NOT_IN_LATEX = ("omicron", "final")
GREEK = {chr(point): name for point, name in enumerate(NAMES, start=ALPHA) if name not in NOT_IN_LATEX}
SIGNS = {
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "--": "-{}-",
    "±": r"$\pm$",
    "\u00d7": r"$\times$",
    "\u2212": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "≡": r"$\equiv$",
    "²": "$^2$",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    "…": r"\dots{}",
    **{letter: rf"$\{name}$" for letter, name in GREEK.items()},
}
SPECIAL = re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))))


def escaped(text: str) -> str:
    r"""Return text for the body of a LaTeX document.

    >>> print(escaped("a_b 5% --paired ρ ≤ 1"))
    a\_b 5\% -{}-paired $\rho$ $\leq$ 1
    """
    return SPECIAL.sub(lambda match: SIGNS[match[0]], text)


def comment(text: str) -> str:
    """Return text as comments, one a line: LaTeX leaves them out."""
    return "\n".join(f"% {line}".rstrip() for line in text.splitlines())

r"""Text as LaTeX takes it: signs that are commands are escaped, letters that fonts lack are formulas.

pdflatex stops at a letter that its fonts lack. So signs next to each other become one formula: ``σ²`` is
``$\sigma ^2$``, ``x̄`` is ``$\bar{x}$``, and raised and lowered letters are found by their decomposition in
Unicode. Quotation marks and dashes are written in TeX's way, and letters with the accents of European
languages as commands (an ogonek, as in ą, needs the fonts of T1). Those of other scripts are left, and need
XeLaTeX or LuaLaTeX.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho final sigma tau "
    "upsilon phi chi psi omega"
).split()  # in the order of the code points from U+03B1 on
ALPHA = 0x03B1  # the code point of the first name
CAPITALS = {
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Ξ": "Xi",
    "Π": "Pi",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
NOT_IN_LATEX = ("omicron", "final")
GREEK = {chr(point): name for point, name in enumerate(NAMES, start=ALPHA) if name not in NOT_IN_LATEX}
OPERATORS = {
    "±": r"\pm", "\u00d7": r"\times", "·": r"\cdot", "\u2212": "-", "≤": r"\leq", "≥": r"\geq",
    "≈": r"\approx", "≡": r"\equiv", "≠": r"\neq", "∝": r"\propto", "∞": r"\infty", "∇": r"\nabla",
    "∂": r"\partial", "∫": r"\int", "√": r"\sqrt{}", "‖": r"\|", "\u2113": r"\ell",
    "⊙": r"\odot", "∈": r"\in",
    "→": r"\rightarrow", "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow", "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "°": r"^\circ",
    "\u00b5": r"\mu",
}  # fmt: skip
FORMULAS = {
    **OPERATORS,
    **{letter: rf"\{name}" for letter, name in {**GREEK, **CAPITALS}.items()},
}
LATIN_ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=", "\u0306": r"\u",
    "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H", "\u030c": r"\v", "\u0327": r"\c",
    "\u0328": r"\k",
}  # fmt: skip
LATIN_LETTERS = {
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}",
    "œ": r"\oe{}", "Œ": r"\OE{}", "\u0131": r"\i{}", "¿": "?`", "¡": "!`", "£": r"\pounds{}",
    "©": r"\copyright{}", "«": r"\textless{}\textless{}", "»": r"\textgreater{}\textgreater{}",
}  # fmt: skip
ACCENTS = {"\u0304": "bar", "\u0302": "hat", "\u0303": "tilde", "\u0307": "dot"}
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
    "…": r"\dots{}",
    "“": "``",
    "”": "''",
    "„": ",,",
    "\u2018": "`",
    "\u2019": "'",
    "\u2013": "--",
    "\u2014": "---",
    "\u00a0": "~",
    "§": r"\S{}",
    "¶": r"\P{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
}
SPECIAL = re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))))
EUROPEAN = 0x0180  # the code points below are letters of European languages
RAISED, LOWERED, FRACTION = "<super>", "<sub>", "<fraction>"


def escaped(text: str) -> str:
    r"""Return text for the body of a LaTeX document.

    >>> print(escaped("a_b 5% --paired ρ ≤ 1"))
    a\_b 5\% -{}-paired $\rho$ $\leq$ 1
    >>> print(escaped("‖A⁻¹‖ of “σ²”, x̄ and Ŷᵀ"))
    $\|$A$^{-1} \|$ of ``$\sigma ^2$'', $\bar{x}$ and $\hat{Y} ^T$
    """
    pieces = []
    for is_formula, letters in groupby(_letters_with_accents(text), key=_is_formula):
        run = list(letters)
        if is_formula:
            pieces.append(f"${' '.join(_formulas(run))}$")
        else:
            text_of_run = SPECIAL.sub(lambda match: SIGNS[match[0]], "".join(run))
            pieces.append("".join(map(_in_ascii, text_of_run)))
    return "".join(pieces)


def _in_ascii(letter: str) -> str:
    """Return a letter of a European language as a command; others as they are."""
    if letter.isascii():
        return letter
    if letter in LATIN_LETTERS:
        return LATIN_LETTERS[letter]
    base, *accents = list(unicodedata.normalize("NFD", letter))
    if base.isascii() and len(accents) == 1 and accents[0] in LATIN_ACCENTS:
        return f"{LATIN_ACCENTS[accents[0]]}{{{base}}}"
    return letter


def _letters_with_accents(text: str) -> list[str]:
    """Return the letters of a text, each with the accents that follow it and that a formula has."""
    letters: list[str] = []
    for letter in text:
        if letter in ACCENTS and letters and letters[-1].isalpha():
            letters[-1] += letter
            continue
        decomposed = unicodedata.normalize("NFD", letter)
        has_accent = len(decomposed) == 2 and decomposed[1] in ACCENTS
        # Y with a circumflex and its like mean an estimate here; no language that pdflatex knows has them.
        is_symbol = has_accent and (ord(letter) >= EUROPEAN or decomposed[0] in "YyHh")
        letters.append(decomposed if is_symbol else letter)
    return letters


def _script(letter: str) -> str:
    """Return how Unicode says that a letter is made of others: raised, lowered, a fraction; or nothing."""
    kind, _, _ = unicodedata.decomposition(letter[0]).partition(" ")
    return kind if kind in (RAISED, LOWERED, FRACTION) else ""


def _is_formula(letter: str) -> bool:
    return letter in FORMULAS or len(letter) > 1 or bool(_script(letter))


def _formulas(letters: list[str]) -> list[str]:
    """Return formulas for letters next to each other: those raised, or lowered, together as one."""
    formulas: list[str] = []
    for script, run in groupby(letters, key=_script):
        if script in (RAISED, LOWERED):
            inner = "".join(_unraised(letter) for letter in run)
            sign = "^" if script == RAISED else "_"
            formulas.append(sign + (inner if len(inner) == 1 else f"{{{inner}}}"))
        else:
            formulas += map(_formula, run)
    return formulas


def _unraised(letter: str) -> str:
    """Return the letter of the usual height that a raised or lowered one is made of."""
    usual = unicodedata.normalize("NFKD", letter)
    return "".join(FORMULAS.get(part, part) for part in usual)


def _formula(letter: str) -> str:
    if _script(letter) == FRACTION:
        above, _, below = unicodedata.normalize("NFKD", letter).partition("\u2044")
        return rf"\frac{{{above}}}{{{below}}}"
    formula = FORMULAS.get(letter[0], letter[0])
    for accent in letter[1:]:
        formula = rf"\{ACCENTS[accent]}{{{formula}}}"
    return formula


def comment(text: str) -> str:
    """Return text as comments, one a line: LaTeX leaves them out."""
    return "\n".join(f"% {line}".rstrip() for line in text.splitlines())

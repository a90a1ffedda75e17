"""Text for LaTeX: pdflatex knows every letter of it, and its formulas can be set."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from matplotlib.mathtext import MathTextParser

from ired_diag.latex_text import escaped

HERE = Path(__file__).resolve().parent.parent
FORMULA = re.compile(r"(?<!\\)\$([^$]*)\$")
WORDS_OF_A_LIBRARY = (
    "d² = ‖Δx/ε‖², x̄ ± 1.96·s/√n",
    "∇ᵧE(ŷ) at ᾱₜ: E⁺ - E⁻, “low”, ½",
    "A ← RRᵀ + ε, λ ≥ 10⁻³, Σᵢ wᵢ, Ŷ ≈ Y",
    '40 µs at 20 °C … 5% of a_b — {x} \\ ~ ^ < > | "q" §¶†‡ ⌊n/2⌋ ∞',
)


@pytest.mark.parametrize("text", WORDS_OF_A_LIBRARY)
def test_no_letter_is_left_that_pdflatex_stops_at(text: str) -> None:
    left = [letter for letter in escaped(text) if ord(letter) > 0x17F]
    assert left == []


@pytest.mark.parametrize("text", WORDS_OF_A_LIBRARY)
def test_every_formula_can_be_set(text: str) -> None:
    parser = MathTextParser("path")
    formulas = FORMULA.findall(escaped(text))
    assert formulas
    for formula in formulas:
        # matplotlib's mathtext refuses an empty root, which LaTeX sets.
        parser.parse(f"${formula.replace('sqrt{}', 'sqrt{x}')}$")


def test_every_sign_that_a_caption_of_ours_may_hold_is_known() -> None:
    unknown = set()
    for path in (HERE / "ired_diag" / "drawing").glob("*.py"):
        for letter in path.read_text():
            is_sign = unicodedata.category(letter)[0] not in "Z" and letter not in "\n"
            if is_sign and ord(escaped(letter)[0]) > 0x17F:
                unknown.add(letter)
    assert unknown <= {"\u0304"}, unknown  # a bar belongs to the letter before it


def test_letters_with_the_accents_of_languages_are_commands() -> None:
    assert escaped("Vető, Šimek & Müller") == r"Vet\H{o}, \v{S}imek \& M\"{u}ller"
    assert escaped("Strauß, Łukasz, Bjørn, ça") == r"Strau\ss{}, \L{}ukasz, Bj\o{}rn, \c{c}a"


@pytest.mark.parametrize("letter", [chr(point) for point in range(0xC0, 0x180)])
def test_a_letter_of_a_european_language_is_ascii_or_left_whole(letter: str) -> None:
    written = escaped(letter)
    assert written.isascii() or written == letter

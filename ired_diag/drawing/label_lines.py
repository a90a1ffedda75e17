"""Names in lines: of an axis, whose unit in brackets has a line of its own, and of places on an axis."""

from __future__ import annotations

import re
import textwrap

# Of a name, which may be broken after each; not within a number.
PARTS = re.compile(r"(?:[^\s+_,=.-]|\.(?=\d))*(?:[\s+_,=-]|\.(?!\d))*")
MOST_LINES = 3  # of such a name, before it is turned


def label_in_lines(label: str, letters: int) -> list[str]:
    """Return a name in lines of at most so many letters.

    >>> label_in_lines("validation/mse (per entry)", 25)
    ['validation/mse', '(per entry)']
    >>> label_in_lines("mean squared error of the answer", 25), label_in_lines("loss (nat)", 25)
    (['mean squared error', 'of the answer'], ['loss (nat)'])
    """
    if len(label) <= letters or not label.endswith(")"):
        return _even_lines(label, letters)
    name, bracket, unit = label.rpartition(" (")
    apart = [*_even_lines(name, letters), *_even_lines(f"({unit}", letters)]
    together = _even_lines(label, letters)
    return apart if bracket and len(apart) <= len(together) else together


def _even_lines(text: str, letters: int) -> list[str]:
    """Return a text in as few lines as fit, about equally long, so that no word stands alone in the last."""
    lines = textwrap.wrap(text, letters)
    for fewer in range(len(text) // max(1, len(lines)), letters):
        even = textwrap.wrap(text, max(1, fewer))
        if len(even) == len(lines):
            return even
    return lines


def broken_name(name: str, letters: int, most_lines: int = MOST_LINES) -> str:
    r"""Return a name in lines of at most so many letters; empty where it does not fit.

    >>> broken_name("adversarial mining: better", 12), broken_name("baseline+mixup", 9)
    ('adversarial\nmining:\nbetter', 'baseline+\nmixup')
    >>> broken_name("layer1.weight", 9), broken_name("lr=0.125", 6), broken_name("transformer", 6)
    ('layer1.\nweight', 'lr=\n0.125', '')
    """
    if not name:
        return " "
    lines = [""]
    for part in PARTS.findall(name):
        if len(lines[-1] + part.rstrip()) > letters and lines[-1]:
            lines.append("")
        lines[-1] += part
    stripped = [line.rstrip() for line in lines]
    longest = max(map(len, stripped))
    if len(stripped) > most_lines or longest > letters:
        return ""
    return "\n".join(stripped)

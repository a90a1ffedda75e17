"""Numbers with their names in one printed line: ``MSE: 0.213 ± 0.081``, ``Test: loss=0.12, acc=93.2%``.

What stands in brackets belongs to the name before a colon (``% Solved (MSE<0.01): 0%``) and to the number
after it (``0.265 (std 0.09, n=1024)``, ``9921/10000 (99%)``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ired_diag.readers.measure_names import MeasureName, data_in, measure_name, spread_kind_in

NUMBER = (
    r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|NaN|NAN|inf|Inf|infinity)|None|null|N/A|n/a"
)
PAIR = re.compile(
    r"(?<![\w.])(?P<name>[%A-Za-z][^:=,;{}'\"|]*?)['\"]?\s*(?:[:=]|\bis\b)\s*"
    rf"(?P<value>{NUMBER})(?:\s*/\s*(?P<of>\d+))?(?![\w.]*[A-Za-z_]\w*(?<!dB))"
    r"\s*(?P<unit>%|dB\b)?"
    rf"(?:\s*(?:±|\+/-|\+-|\\pm)\s*(?P<spread>{NUMBER})\s*%?)?"
    r"(?P<rest>(?:\s*\x00\d+\x00|\s+(?:std|sd|stderr|s\.e\.m\.|sem|95% CI)\b)?)"
)
BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
MASKED = re.compile(r"\x00(\d+)\x00")
WITHIN = re.compile(rf"(?i)(?:std(?:ev)?|sd|stderr|sem|±|\+/-)\s*[=:]?\s*({NUMBER})")
SAMPLES = re.compile(
    r"(?i)\bn\s*=\s*(\d+)\b|\b(\d+)\s+(?:samples|examples|images|matrices|problems|episodes)\b"
)
ACC_AT = re.compile(rf"\b(Acc@\d)\s+({NUMBER})(?![\w.(])")  # torchvision's, without a colon
SO_FAR = re.compile(r"(?i)\b(?:current|running|cumulative|so far)\b")
RUNNING = re.compile(
    rf"(?i)(?:\b(?:batch|sample|example|image|processed|evaluated)\w*\s*[:#\[]?|^\[)\s*(?P<at>\d+)(?:\s*/\s*\d+)?"
    rf"[^\n=]*?[\s:,|\]]"
    rf"(?:(?:current|running|cumulative|avg|average|mean)[ _](?P<name>[\w@ -]+?)|(?P<so_far>[\w@-]+) so far)"
    rf"\s*[:=]?\s*(?P<value>{NUMBER})\s*(?P<unit>%)?"
)


@dataclass(frozen=True, kw_only=True)
class PrintedNumber:
    """A number and what its line says about it.

    Attributes:
        name: Name of the number, understood.
        value: The number; None where none was measured.
        unit: ``%``, ``dB`` or nothing.
        spread: What stands after ``±``, or in brackets as ``std``.
        spread_kind: The kind of spread, where the line says it.
        n: Number of samples.
        batch: After which batch a running value was printed.
        marked: Whether a spread, or the brackets of an average precision, mark it as a result.
    """

    name: MeasureName
    value: float | None
    unit: str = ""
    spread: float | None = None
    spread_kind: str = ""
    n: int | None = None
    batch: int | None = None
    marked: bool = False


def has_number(text: str) -> bool:
    """Say whether a line holds a name with a number."""
    return PAIR.search(_masked(text)[0]) is not None


def numbers_in(text: str) -> Iterator[PrintedNumber]:
    """Yield the numbers of a line; those of settings, times and training are left out."""
    masked, brackets = _masked(text)
    pairs = list(PAIR.finditer(masked))
    if not pairs:
        yield from _accuracies_in(text)
        return
    label = data_in(masked[: pairs[0].start()])
    for pair in pairs:
        name = measure_name(_unmasked(pair["name"], brackets))
        if name is not None and not SO_FAR.search(pair["name"]):
            named = replace(name, data=name.data or label)
            yield _number_of(pair, named, brackets)


def _accuracies_in(text: str) -> Iterator[PrintedNumber]:
    """Yield the accuracies ``Acc@1 76.1`` of a line; a line with square brackets shows progress."""
    if "[" in text:
        return
    for text_of_name, value in ACC_AT.findall(text):
        name = measure_name(text_of_name)
        if name:
            yield PrintedNumber(name=name, value=float_of(value), unit="%")


def running_number(text: str) -> PrintedNumber | None:
    """Return the running value that a line states, None where it states none.

    >>> number = running_number("Batch 300: current MSE = 0.213")
    >>> number.name.measure, number.value, number.batch
    ('mse', 0.213, 300)
    """
    running = RUNNING.search(text)
    if running is None:
        return None
    name = measure_name(running["name"] or running["so_far"])
    if name is None:
        return None
    return PrintedNumber(
        name=name,
        value=float_of(running["value"]),
        unit=running["unit"] or "",
        batch=int(running["at"]),
    )


def samples_in(text: str) -> int | None:
    """Return the number of samples that a text states: ``n=1024``, ``5632 matrices``."""
    samples = SAMPLES.search(text)
    return int(samples[1] or samples[2]) if samples else None


def float_of(text: str) -> float | None:
    """Return a printed number, None for ``None``, ``null`` and ``N/A``."""
    try:
        return float(text)
    except ValueError:
        return None


def _number_of(pair: re.Match[str], name: MeasureName, brackets: Sequence[str]) -> PrintedNumber:
    rest = _unmasked(pair["rest"] or "", brackets)
    number = PrintedNumber(
        name=name,
        value=float_of(pair["value"]),
        unit=pair["unit"] or "",
        n=samples_in(rest) or name.n,
        marked=pair["spread"] is not None or "@" in MASKED.sub("", pair["name"]),
    )
    spread = pair["spread"] or _spread_in(rest)
    if spread is not None:
        kind = spread_kind_in(rest) or spread_kind_in(name.note)
        number = replace(number, spread=float_of(spread), spread_kind=kind)
    if pair["of"]:
        return _as_percentage(number, int(pair["of"]))
    return number


def _spread_in(text: str) -> str | None:
    within = WITHIN.search(text)
    return within[1] if within else None


def _as_percentage(number: PrintedNumber, of: int) -> PrintedNumber:
    """Return ``9921/10000`` as 99.21% of 10000 samples."""
    value = None
    if number.value is not None and of:
        value = 100 * number.value / of
    return replace(number, value=value, unit="%", n=of)


def _masked(text: str) -> tuple[str, list[str]]:
    """Return a text with placeholders for what stands in brackets, and those brackets."""
    brackets: list[str] = []

    def mask(match: re.Match[str]) -> str:
        """Keep a bracket and return its placeholder."""
        number = len(brackets)
        brackets.append(match[0])
        return f"\x00{number}\x00"

    masked = BRACKETS.sub(mask, text.replace("\x00", ""))
    return masked, brackets


def _unmasked(text: str, brackets: Sequence[str]) -> str:
    return MASKED.sub(lambda match: brackets[int(match[1])], text)

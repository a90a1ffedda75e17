"""What change of a setting a text claims: ``lr -10%``, ``lr_p10pct``, ``plus_10pct``, ``x1.1``, ``1.1x``.

A name or a note can name the setting (``lr_plus10``); a name alone can also leave it out (``base_x1.1``), and
then claims something of the only setting that differs. Without the setting's name only what cannot be much
else is a claim: a percentage with a sign, a factor with decimals (``2x`` may be two devices), ``plus10``.
A number without a unit may be meant otherwise: ``minus4`` as 10⁻⁴ or as 4 less, ``x1.5`` as the value 1.5.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

ALIASES = {
    "learning_rate": ("lr", "learning rate", "learningrate"),
    "lr": ("learning_rate", "learning rate"),
    "weight_decay": ("wd", "weight decay"),
    "batch_size": ("bs", "batch size", "batch"),
    "momentum": ("mom", "beta"),
}
MINUS = "\u2212"
LETTERS = ("p", "m")  # plus and minus, where a unit follows
WORDED = ("plus", "minus", "up", "down", "higher", "lower")
DOWN = ("-", MINUS, "minus", "down", "lower", "m")
EITHER = ("+/-", "+-", "±")
SIGN = rf"(?P<sign>\+/-|\+-|±|\+|-|{MINUS}|plus|minus|up|down|higher|lower|p|m)"
PERCENT = r"(?P<percent>\d{1,2}(?:\.\d+)?)[ _]?(?P<unit>%|pct|percent)?"
NUMBER = r"\d+(?:[.p]\d+)?"
FACTOR = rf"(?:x(?P<after>{NUMBER})|(?P<before>{NUMBER})x)"
EDGE, END = r"(?<![a-z0-9.])", r"(?![a-z0-9]|\.\d)"
BY_PERCENT = re.compile(rf"(?i)(?<![a-z0-9]){SIGN}[ _]*{PERCENT}{END}")
BY_FACTOR = re.compile(rf"(?i){EDGE}{FACTOR}{END}")
NO_NAME = re.compile(r"(?i)(?:run|exp|experiment|trial|sweep|variant|config|version|seed|[a-z]?\d+|lr|the)")
TOO_FAR, TOO_NEAR = 2.0, 0.5  # of the claimed change
ALIKE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claimed change.

    Attributes:
        direction: Up (1), down (-1) or either (0).
        share: The change as a share of the old value: 0.1 of 10%.
        words: The claim as it stands in the text.
        number: The number in it.
        has_unit: Whether it says that the number is a percentage.
        is_factor: Whether the number is what the old value is multiplied by.
    """

    direction: int
    share: float
    words: str
    number: float = math.nan
    has_unit: bool = True
    is_factor: bool = False

    @property
    def change(self) -> str:
        """The claim as a sentence says it: ``a change of 10%``."""
        if self.is_factor:
            return f"a factor of {self.number:g}"
        return f"a change of {100 * self.share:g}%"

    def factors(self) -> tuple[float, ...]:
        """Return what the old value is claimed to be multiplied by."""
        if self.is_factor:
            return (self.number,)
        signs = (self.direction,) if self.direction else (1, -1)
        return tuple(1 + sign * self.share for sign in signs)

    def agrees(self, value: float, base: float) -> bool:
        """Say whether a value is what the claim says, or what its number may mean instead."""
        if self._is_meant_otherwise(value, base):
            return True
        if self.is_factor:
            ratio = math.log(value / base) / math.log(self.number)
            return TOO_NEAR <= ratio <= TOO_FAR
        is_right_way = self.direction == 0 or (value > base) == (self.direction > 0)
        change = max(value / base, base / value) - 1
        is_near = TOO_NEAR * self.share <= change <= TOO_FAR * self.share
        return is_right_way and is_near

    def _is_meant_otherwise(self, value: float, base: float) -> bool:
        meanings: list[float] = []
        if self.is_factor or not self.has_unit:
            meanings.append(self.number)
        if not self.has_unit:
            meanings += [
                10.0**-self.number,
                base + self.number,
                base - self.number,
            ]
        return any(math.isclose(value, meaning, rel_tol=ALIKE) for meaning in meanings)


def claim_in(text: str, key: str) -> Claim | None:
    """Return the change that a text claims of a setting that it names; None where it claims none.

    >>> claim_in("rosenbrock lr -10%", "learning_rate").factors(), claim_in("lr_m10pct", "lr").factors()
    ((0.9,), (0.9,))
    >>> claim_in("10% of the data, lr 0.1", "lr"), claim_in("lr-10", "lr")
    (None, None)
    """
    for name in _names_of(key):
        start = rf"(?i)(?<![a-z0-9]){re.escape(name)}(?:[ _=:]|\bby\b)*"
        for match in re.finditer(f"{start}{SIGN}[ _]*{PERCENT}", text):
            if claim := _by_percent(match):
                return claim
    return None


def claim_in_name(name: str, key: str) -> Claim | None:
    """Return the change that a run's name claims of a setting, which stands before or after it.

    >>> claim_in_name("lr_x1.1", "lr").factors(), claim_in_name("plus_10pct_lr", "lr").factors()
    ((1.1,), (1.1,))
    """
    for alias in _names_of(key):
        word = re.escape(alias)
        before = rf"(?<![a-z0-9]){word}[ _=:-]*"
        after = rf"[ _-]*{word}(?![a-z])"
        ways = (
            (f"{before}{FACTOR}{END}", _by_factor),
            (f"{EDGE}{FACTOR}{after}", _by_factor),
            (rf"(?<![a-z0-9]){SIGN}[ _]*{PERCENT}{after}", _by_percent),
        )
        for pattern, read in ways:
            match = re.search(f"(?i){pattern}", name)
            claim = read(match) if match else None
            if claim:
                return claim
    return None


def claim_without_setting(name: str, plain_names: Iterable[str]) -> Claim | None:
    """Return the change that a run's name claims of something, where it says nothing else.

    Args:
        name: The run's name.
        plain_names: Names of runs that claim nothing: words that they have too say nothing of a setting.

    >>> claim_without_setting("adam_p10pct", ["adam"]).factors()
    (1.1,)
    >>> claim_without_setting("data_p10pct", ["adam"]), claim_without_setting("net_2x", ["net"])
    (None, None)
    """
    for pattern, read in ((BY_PERCENT, _by_percent), (BY_FACTOR, _by_factor)):
        match = pattern.search(name)
        claim = read(match) if match else None
        if match is None or claim is None or _is_whole_factor(claim):
            continue
        before = name[: match.start()]
        after = name[match.end() :]
        rest = _words(f"{before} {after}")
        if any(rest <= _words(other) for other in plain_names):
            return claim
    return None


def _is_whole_factor(claim: Claim) -> bool:
    return claim.is_factor and claim.number == int(claim.number)


def _words(name: str) -> set[str]:
    words = filter(None, re.split(r"[^a-z0-9]+", name.lower()))
    return {word for word in words if not NO_NAME.fullmatch(word)}


def _names_of(key: str) -> tuple[str, ...]:
    last = key.rpartition(".")[2]
    return (last, *ALIASES.get(last, ()))


def _by_percent(match: re.Match[str]) -> Claim | None:
    sign = match["sign"].lower()
    number = float(match["percent"])
    has_unit = bool(match["unit"])
    if not has_unit and sign not in WORDED:
        return None
    return Claim(
        direction=_direction_of(sign),
        share=number / 100,
        words=match[0].strip(" _"),
        number=number,
        has_unit=has_unit,
    )


def _direction_of(sign: str) -> int:
    if sign in EITHER:
        return 0
    return -1 if sign in DOWN else 1


def _by_factor(match: re.Match[str]) -> Claim | None:
    digits = match["after"] or match["before"]
    number = float(digits.lower().replace("p", "."))
    if number <= 0 or number == 1:
        return None
    return Claim(
        direction=1 if number > 1 else -1,
        share=abs(number - 1),
        words=match[0].strip(" _-"),
        number=number,
        has_unit=False,
        is_factor=True,
    )

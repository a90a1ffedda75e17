"""Claims in code blocks: lists of numbers, and what a program printed about them.

    accs = [3.2776, 3.2781, 3.2790]
    print('p=%.4f' % scipy.stats.ttest_1samp(accs, 3.28, alternative='less').pvalue)
    # p=0.0132
    print(torch.std_mean(torch.tensor(accs)))
    # (tensor(0.0007), tensor(3.2782))

Nothing is run. A list is a sample by itself, named by its variable and the line of its block; a printed
number belongs to the call before it, up to the next call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ired_diag.claims.claim import Claim, Kind
from ired_diag.claims.numbers import Printed, number_of

FENCE = re.compile(r"^\s*(```|~~~)")
LIST = re.compile(
    r"^[^\S\n]*(?:#\s*)?([A-Za-z_]\w*)\s*=\s*(?:np\.array\(|torch\.tensor\()?\[([-+\d.,\seE#]+?)\]",
    re.MULTILINE,
)
NUMBER = r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?"
ONE_SAMPLE = re.compile(
    rf"ttest_1samp\(\s*(?:np\.array\()?(\w+)\)?\s*,\s*(?:popmean\s*=\s*)?({NUMBER})\s*(?:,\s*alternative\s*=\s*['\"]([\w-]+)['\"])?\s*\)"
)
STD_MEAN = re.compile(r"(?:torch\.)?std_mean\(\s*(?:torch\.tensor\()?(\w+)\)?")
MEAN = re.compile(r"(?:np|numpy|statistics|torch)\.mean\(\s*(?:torch\.tensor\()?(\w+)\)?")
TWO_SAMPLES = re.compile(r"ttest_(ind|rel)\(\s*(\w+)\s*,\s*(\w+)\s*((?:,[^()]*)?)\)")
T_PRINTED = re.compile(rf"(?<![\w])(?:t|statistic|t-stat\w*)\s*[=:]\s*({NUMBER})", re.IGNORECASE)
CALL = re.compile(r"^(?![^\n(]*Result\()[^#\n]*\w\([^\n]*$", re.MULTILINE)  # the next one, not its result
P_PRINTED = re.compile(rf"p(?:value|-value)?\s*[=:]\s*({NUMBER})", re.IGNORECASE)
TENSORS = re.compile(rf"tensor\(({NUMBER})[^)]*\)\s*,\s*tensor\(({NUMBER})")
FEWEST = 2  # values of a list that is a sample
COMMENT = re.compile(r"#.*")
MEAN_PRINTED = re.compile(rf"\s*#\s*(?:mean\s*[=:]\s*)?({NUMBER})\s*$", re.MULTILINE)
PRINTED: tuple[tuple[Kind, re.Pattern[str]], ...] = (("t", T_PRINTED), ("p", P_PRINTED))
UNEQUAL = re.compile(r"equal_var\s*=\s*False")


@dataclass(frozen=True)
class Block:
    """A code block, and the line of its first line."""

    text: str
    line: int

    def line_at(self, place: int) -> int:
        """Return the line of a place in it."""
        return self.line + self.text.count("\n", 0, place)

    def line_of_output(self, place: int) -> int:
        """Return the line of the first output at or after a place, empty lines left out."""
        rest = self.text[place:]
        blank = len(rest) - len(rest.lstrip("\n"))
        return self.line_at(place + blank)

    def end_of_output(self, start: int) -> int:
        """Return where the output that starts at a place ends: at the next call, or with the block."""
        call = CALL.search(self.text, start)
        if call is None:
            return len(self.text)
        return call.start()


def claims_of(text: str) -> Iterator[Claim]:
    """Yield the claims of all code blocks of a text; their blocks are numbered by their lines."""
    for block in _blocks(text):
        names = {}
        for hit in LIST.finditer(block.text):
            numbers = _numbers_of(hit[2])
            if len(numbers) >= FEWEST:
                names[hit[1]] = f"list {hit[1]} of line {block.line_at(hit.start())}"
                yield from _values(block, hit, names[hit[1]], numbers)
        yield from _printed(block, names)
        yield from _of_two(block, names)


def _numbers_of(written: str) -> list[Printed]:
    """Return the numbers of a list as it is written; none if one of its values is no number."""
    numbers = []
    for part in COMMENT.sub("", written).split(","):
        value = part.strip()
        if not value:
            continue
        number = number_of(value)
        if number is None:
            return []
        numbers.append(number)
    return numbers


def _values(block: Block, hit: re.Match[str], label: str, numbers: list[Printed]) -> Iterator[Claim]:
    line = block.line_at(hit.start())
    for place, number in enumerate(numbers, start=1):
        yield Claim(
            "value",
            line,
            number.text,
            groups=(label,),
            numbers=(number,),
            block=line,
            seed=f"value {place}",
            context=hit[1],
            table=line,
        )


def _printed(block: Block, names: dict[str, str]) -> Iterator[Claim]:
    """Yield what was printed after each call about a list that is known."""
    readers = {ONE_SAMPLE: _of_one_sample, STD_MEAN: _of_std_mean, MEAN: _of_mean}
    for pattern, read in readers.items():
        for hit in pattern.finditer(block.text):
            start = block.text.find("\n", hit.end())
            if hit[1] in names and start >= 0:
                yield from read(block, hit, names[hit[1]], start)


def _of_two(block: Block, names: dict[str, str]) -> Iterator[Claim]:
    """Yield t and p printed next to, or below, a t test of two lists that are known."""
    for hit in TWO_SAMPLES.finditer(block.text):
        if hit[2] not in names or hit[3] not in names or "alternative" in hit[4]:
            continue
        start = hit.end()
        end_of_line = block.text.find("\n", start)
        end = block.end_of_output(max(start, end_of_line))
        groups = names[hit[2]], names[hit[3]]
        for kind, pattern in PRINTED:
            shown = pattern.search(block.text[start:end])
            number = number_of(shown[1]) if shown else None
            if shown is None or number is None:
                continue
            line = block.line_at(start + shown.start())
            yield Claim(
                kind,
                line,
                number.text,
                groups=groups,
                numbers=(number,),
                context=_test_of(hit),
                block=line,
                table=line,
            )


def _test_of(hit: re.Match[str]) -> str:
    """Return the name of the t test that a call of scipy makes."""
    if hit[1] == "rel":
        return "paired t test"
    if UNEQUAL.search(hit[4]):
        return "Welch's t test"
    return "Student's t test"


def _of_one_sample(block: Block, hit: re.Match[str], label: str, start: int) -> Iterator[Claim]:
    """Yield the p that was printed below a one-sample test, with the target of the test."""
    p = P_PRINTED.search(block.text[start : block.end_of_output(start)])
    if p is not None:
        yield from _claim(
            block,
            start + p.start(),
            label,
            "one sample p",
            p[1],
            hit[2],
            test=hit[3] or "two-sided",
        )


def _of_std_mean(block: Block, hit: re.Match[str], label: str, start: int) -> Iterator[Claim]:
    """Yield the sd and the mean that were printed below a call of torch."""
    tensors = TENSORS.search(block.text[start : block.end_of_output(start)])
    if tensors is not None:
        place = start + tensors.start()
        yield from _claim(block, place, label, "sd", tensors[1])
        yield from _claim(block, place, label, "mean", tensors[2])


def _of_mean(block: Block, hit: re.Match[str], label: str, start: int) -> Iterator[Claim]:
    """Yield the mean that was printed as a comment below its call."""
    value = MEAN_PRINTED.match(block.text[start : block.end_of_output(start)])
    if value is not None:
        yield from _claim(block, start + value.start(), label, "mean", value[1])


def _claim(
    block: Block, place: int, label: str, kind: Kind, *written: str, test: str = ""
) -> Iterator[Claim]:
    """Yield a claim of numbers as they are written; none if one of them is no number.

    Args:
        block: Where it stands.
        place: In the block.
        label: Of the list that it is about.
        kind: What the first number is.
        written: The numbers.
        test: The alternative of a test.
    """
    line = block.line_of_output(place)
    numbers = [number_of(text) for text in written]
    shown = tuple(number for number in numbers if number is not None)
    if len(shown) == len(written):
        yield Claim(
            kind,
            line,
            shown[0].text,
            groups=(label,),
            numbers=shown,
            block=line,
            test=test,
            table=line,
        )


def _blocks(text: str) -> Iterator[Block]:
    lines = re.split(r"\r\n|\r|\n", text)
    start = None
    for number, line in enumerate(lines):
        if not FENCE.match(line):
            continue
        if start is None:
            start = number + 1
        else:
            yield Block("\n".join(lines[start:number]), start + 1)
            start = None

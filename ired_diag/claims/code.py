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


@dataclass(frozen=True)
class Block:
    """A code block, and the line of its first line."""

    text: str
    line: int

    def line_at(self, place: int) -> int:
        """Return the line of a place in it."""
        return self.line + self.text.count("\n", 0, place)


def claims_of(text: str) -> Iterator[Claim]:
    """Yield the claims of all code blocks of a text; their blocks are numbered by their lines."""
    for block in _blocks(text):
        names = {}
        for hit in LIST.finditer(block.text):
            written = [part.strip() for part in re.sub(r"#.*", "", hit[2]).split(",") if part.strip()]
            numbers = [number for part in written if (number := number_of(part))]
            if len(numbers) == len(written) >= FEWEST:
                names[hit[1]] = f"list {hit[1]} of line {block.line_at(hit.start())}"
                yield from _values(block, hit, names[hit[1]], numbers)
        yield from _printed(block, names)
        yield from _of_two(block, names)


def _values(block: Block, hit: re.Match[str], label: str, numbers: list[Printed]) -> Iterator[Claim]:
    line = block.line_at(hit.start())
    for place, number in enumerate(numbers, start=1):
        yield Claim(
            "value", line, number.text, groups=(label,), numbers=(number,), block=line, seed=f"value {place}",
            context=f"{hit[1]}", table=line,
        )  # fmt: skip


def _printed(block: Block, names: dict[str, str]) -> Iterator[Claim]:
    """Yield what was printed after each call about a list that is known."""
    for pattern in (ONE_SAMPLE, STD_MEAN, MEAN):
        for hit in pattern.finditer(block.text):
            if hit[1] not in names:
                continue
            start = block.text.find("\n", hit.end())
            call = CALL.search(block.text, start) if start >= 0 else None
            end = call.start() if call else len(block.text)
            yield from _of_call(block, pattern, hit, names[hit[1]], (start, end) if start >= 0 else (0, 0))


def _of_two(block: Block, names: dict[str, str]) -> Iterator[Claim]:
    """Yield t and p printed next to, or below, a t test of two lists that are known."""
    for hit in TWO_SAMPLES.finditer(block.text):
        if hit[2] not in names or hit[3] not in names or "alternative" in hit[4]:
            continue
        call = CALL.search(block.text, max(hit.end(), block.text.find("\n", hit.end())))
        output = block.text[hit.end() : call.start() if call else len(block.text)]
        welch = re.search(r"equal_var\s*=\s*False", hit[4])
        test = "paired t test" if hit[1] == "rel" else ("Welch's t test" if welch else "Student's t test")
        kinds: tuple[tuple[Kind, re.Pattern[str]], ...] = (("t", T_PRINTED), ("p", P_PRINTED))
        for kind, pattern in kinds:
            number = number_of(shown[1]) if (shown := pattern.search(output)) else None
            if shown and number:
                line = block.line_at(hit.end() + shown.start())
                yield Claim(
                    kind, line, number.text, groups=(names[hit[2]], names[hit[3]]), numbers=(number,),
                    context=test, block=line, table=line,
                )  # fmt: skip


def _of_call(
    block: Block, pattern: re.Pattern[str], hit: re.Match[str], label: str, span: tuple[int, int]
) -> Iterator[Claim]:
    output = block.text[span[0] : span[1]]
    if pattern is ONE_SAMPLE and (p := P_PRINTED.search(output)):
        numbers = number_of(p[1]), number_of(hit[2])
        yield from _claim(
            block, span[0] + p.start(), label, "one sample p", *numbers, test=hit[3] or "two-sided"
        )
    elif pattern is STD_MEAN and (tensors := TENSORS.search(output)):
        place = span[0] + tensors.start()
        yield from _claim(block, place, label, "sd", number_of(tensors[1]))
        yield from _claim(block, place, label, "mean", number_of(tensors[2]))
    elif pattern is MEAN and (
        value := re.match(rf"\s*#\s*(?:mean\s*[=:]\s*)?({NUMBER})\s*$", output, re.MULTILINE)
    ):
        yield from _claim(block, span[0] + value.start(), label, "mean", number_of(value[1]))


def _claim(
    block: Block, place: int, label: str, kind: Kind, *numbers: Printed | None, test: str = ""
) -> Iterator[Claim]:
    shown = tuple(number for number in numbers if number is not None)
    line = block.line_at(place + len(block.text[place:]) - len(block.text[place:].lstrip("\n")))
    if len(shown) == len(numbers):
        yield Claim(
            kind, line, shown[0].text, groups=(label,), numbers=shown, block=line, test=test, table=line
        )


def _blocks(text: str) -> Iterator[Block]:
    lines, inside, start = re.split(r"\r\n|\r|\n", text), False, 0
    for number, line in enumerate(lines):
        if FENCE.match(line):
            if inside:
                yield Block("\n".join(lines[start:number]), start + 1)
            inside, start = not inside, number + 1

"""What a session of Python printed: the lines after its last prompt.

In [4]: df.groupby("variant")["loss"].agg(["mean", "std"])
Out[4]:
           mean    std
baseline  3.284  0.003
"""

from __future__ import annotations

import re
from collections.abc import Sequence

PROMPT = re.compile(r"^\s*(?:In \[\d*\]:|Out\[\d*\]:|>>> |\.\.\. |\s*\.\.\.:)")
FOOTER = re.compile(r"^\s*(?:\[\d+ rows x \d+ columns\]|(?:Name: .*)?dtype: \w+)\s*$")


def has_prompts(lines: Sequence[str]) -> bool:
    """Say whether lines are a session of Python or IPython."""
    return any(map(PROMPT.match, lines))


def output_of(lines: Sequence[str]) -> tuple[int, list[str]]:
    """Return where the output after the last prompt starts, and its lines, without what pandas adds below.

    >>> output_of(["In [1]: df", "Out[1]:", "   mean", "a  0.1", "", "[1 rows x 1 columns]"])
    (2, ['   mean', 'a  0.1'])
    """
    prompts = [number for number, line in enumerate(lines) if PROMPT.match(line)]
    start = prompts[-1] + 1 if prompts else 0
    output = [line for line in lines[start:] if not FOOTER.match(line)]
    while output and not output[-1].strip():
        output.pop()
    return start, output

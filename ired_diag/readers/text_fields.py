r"""What the numbers of a line are: counters of steps, metrics, or neither.

    iteration 20/ 1000 | lm loss: 6.1E+00      counter "iteration" 20 of 1000, metric "lm loss"
    Epoch: [2][ 100/5005] Loss 0.5 (0.6)       counters "Epoch", "batch", metrics "Loss", "Loss in brackets"
    step 1/19560 | 3000.00 ms | 174 tok/s      counter "step" 1 of 19560, metrics "ms" and "tok/s"

A number is named by the words before it, up to the number, bracket or separator before them; one without such
words is named by the words or the unit that follow it within ``| … |``. A counter is named as one
(``step_key``), ``N/M`` in brackets next to an epoch counts its batches. The data on which a line measures
stand in a word that is no part of a name (``valid on``, ``[eval]``, ``Test:``): they become a part of the
names, ``valid/loss``. ``N/M`` of a metric of accuracy is their ratio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ired_diag.readers.step_key import STEP_KEYS
from ired_diag.readers.text_tokens import UNITS, Token, tokens
from ired_diag.runs.metric_words import SPLITS, TEST_SPLITS, TRAINING, measures_in, words_of

Role = Literal["step", "epoch", "batch", "metric"]

FURTHER_STEPS = (
    "itr",
    "it",
    "iters",
    "n_iter",
    "minibatches",
    "tick",
    "episode",
    "episodes",
    "round",
    "generation",
)
COUNTING = (*STEP_KEYS, *FURTHER_STEPS)
LAST_WORDS = {
    **dict.fromkeys(("step", "iter", "iteration", "itr", "update", "episode", "round", "tick"), "step"),
    "epoch": "epoch",
    **dict.fromkeys(("batch", "minibatch", "batches", "batch_idx"), "batch"),
}
NO_COUNTER = frozenset(
    """
    max total per num number of every each warmup best last time skipped nan consumed min save interval size
    remaining left until lr optim in_epoch
    """.split()
)
GLUED = re.compile(rb"(?i)((?:global_?)?step|iter|iteration|epoch)[-_#]?(\d{1,18})")
GLUED_BEFORE = re.compile(rb"(\d{1,18})(epoch)")  # ESPnet's "3epoch results:"
SHORTENED = {b"Ep.": "epoch", b"Up.": "update"}  # Marian's
SPLIT_WORDS = frozenset(
    (*SPLITS, *TEST_SPLITS, *TRAINING, "train_inner", "testing", "validating", "evaluating")
)
OF_TRAINING = frozenset((*TRAINING, "train_inner"))
# Words of a sentence that stand before a name and are no part of it.
STOPS = frozenset(
    """
    a achieved after an and are at by for from got got: has in is its of on our reached the to was were with
    info debug warning error critical notice results result
    """.split()
)
NEXT = 8  # letters between a number and the bracket that belongs to it, blanks included
OF_CAFFE = ["net", "output"]  # "Test net output #1: loss = 0.3": the number is that of the output
OF_A_PROCESS = frozenset(("rank", "host", "pid", "node", "worker", "process", "thread"))
MEASURED_BY_COUNT = frozenset(("acc", "accuracy", "correct"))
IN_BRACKETS = " in brackets"
BEFORE_NAN = frozenset("of no any for num number skip skipped has contains".split())


@dataclass(frozen=True)
class Field:
    """A number of a line.

    Attributes:
        name: What it is called.
        role: What it is.
        start: Its first byte in the line.
        end: The byte after its last.
        unit: The unit that follows it.
        total: Where the number after a slash stands, its first byte and the byte after its last.
        is_named: Whether the line names it; a number at its start may count the steps without a name.
    """

    name: str
    role: Role
    start: int
    end: int
    unit: str = ""
    total: tuple[int, int] | None = None
    is_named: bool = True


@dataclass(frozen=True)
class Fields:
    """The numbers of a line.

    Attributes:
        counters: Those that count steps, epochs or batches.
        metrics: The others.
        strays: The words that name nothing.
        split: The word that says on which data the line measures.
        assigned: How many metrics stand behind a colon or an equals sign.
    """

    counters: tuple[Field, ...] = ()
    metrics: tuple[Field, ...] = ()
    strays: tuple[str, ...] = ()
    split: str = ""
    assigned: int = 0


@dataclass
class _Reading:
    """A line, read token by token."""

    fields: list[Field] = field(default_factory=list)
    unnamed: list[tuple[Token, str, int, tuple[int, int] | None]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    has_assign: bool = False
    bracket: str = ""
    pending: int | None = None  # a number without a name, which the words after it may name
    assigned: int = 0
    last: Literal["named", "unnamed", ""] = ""
    after_slash: bool = False
    is_in_box: bool = False
    splits: list[tuple[int, str]] = field(default_factory=list)  # in brackets: where, and which data

    def number(self, token: Token, following: Token | None) -> None:
        """Add a number."""
        place = (token.start, token.end)
        if self.after_slash and self.last:
            self._add_total(place)
            return
        words = self._words()
        unit = token.unit.decode("utf-8", "replace")
        if [word.lower() for word in words[-2:]] == OF_CAFFE:
            self.strays += words
        elif words:
            self.assigned += self.has_assign
            name = " ".join(words)
            self.fields.append(Field(name, role_of(name), *place, unit))
            self.last = "named"
        elif self.bracket == "(" and self.last == "named" and unit != "%":
            self._add_bracketed(token, unit, following)
        elif self.bracket != "(" or not self.last:
            is_followed = following is None or following.kind in ("assign", "boundary", "slash", "close")
            others = sum(not (bracket == self.bracket == "[") for _, bracket, _, _ in self.unnamed)
            before = len(self.fields) + len(self.strays) + others + (bool(unit) or not is_followed)
            self.unnamed.append((token, self.bracket, before, None))
            self.pending = len(self.unnamed) - 1
            self.last = "unnamed"
        self.words = []
        self.has_assign = False

    def _add_bracketed(self, token: Token, unit: str, following: Token | None) -> None:
        """Add a number in brackets after another: its mean so far, or what the words after it say."""
        before = self.fields[-1]
        name = f"{before.name}{IN_BRACKETS}"
        if following is not None and following.kind == "word":
            name = following.text.decode("utf-8", "replace").rstrip(".-/")
        if before.role == "metric" and before.name != name and role_of(name) == "metric":
            self.fields.append(Field(name, "metric", token.start, token.end, unit))

    def _add_total(self, place: tuple[int, int]) -> None:
        if self.last == "named":
            self.fields[-1] = replace(self.fields[-1], total=place)
        else:
            token, bracket, before, _ = self.unnamed[-1]
            self.unnamed[-1] = (token, bracket, before, place)
        self.after_slash = False

    def _words(self) -> list[str]:
        """Return the words of a name, without those of the sentence around them."""
        words = list(self.words)
        while words and words[-1].lower() in STOPS:
            words.pop()
        for place in range(len(words) - 1, -1, -1):
            if words[place].lower() in STOPS and words[place].lower() != "of":
                self.strays += words[: place + 1]
                words = words[place + 1 :]
                break
        while len(words) > 1 and self.last and words[0] in UNITS:
            words = words[1:]
        if len(words) == 1 and words[0] in UNITS and self.last and not self.has_assign:
            return []
        return words

    def end_segment(self, separator: bytes = b"") -> None:
        """End what stands between two separators."""
        if self.pending is not None and separator in (b"|", b",", b"\t", b""):
            self._name_by_words_after(separator)
        self.strays += self.words
        self.words = []
        self.has_assign = False
        self.pending = None

    def _name_by_words_after(self, separator: bytes) -> None:
        if self.pending is None:
            return
        token, bracket, _, total = self.unnamed[self.pending]
        glued = token.unit.decode("utf-8", "replace")
        words = self.words
        name = " ".join(words) or (f"1{glued}" if glued.startswith("/") else glued)
        role = LAST_WORDS.get(words[0].lower().removesuffix("s"), "") if words else ""
        if total and words and (role or words[0].lower() == "batches"):
            role = role or "batch"
        elif (
            not name
            or bracket
            or not (glued in UNITS - {"%"} or name in UNITS or _names_a_number_before_it(words, separator))
        ):
            return
        else:
            role = "metric"
        self.fields.append(Field(name, role, token.start, token.end, glued, total))  # type: ignore[arg-type]
        del self.unnamed[self.pending]
        self.words = []


def _names_a_number_before_it(words: Sequence[str], separator: bytes) -> bool:
    """Say whether words name the number before them: in a cell, or as darknet's ``2.13 avg loss,``."""
    if separator == b"|":
        return bool(words)
    return separator == b"," and bool(words) and bool(measures_in(words_of(" ".join(words))))


def fields_of(line: bytes) -> Fields:
    """Return what the numbers of a line are.

    >>> fields = fields_of(b"[eval] step 100/3000: loss 3.1, time 159ms")
    >>> [(field.name, field.role) for field in fields.counters + fields.metrics]
    [('step', 'step'), ('eval/loss', 'metric'), ('eval/time', 'metric')]
    """
    reading = _Reading(is_in_box=line.lstrip().startswith((b"|", b"\xe2\x94")))
    listed = list(tokens(line))
    for place, token in enumerate(listed):
        following = listed[place + 1] if place + 1 < len(listed) else None
        _read_token(reading, token, following)
    reading.end_segment()
    return _settled(reading)


def _read_token(reading: _Reading, token: Token, following: Token | None) -> None:
    kind = token.kind
    if kind == "number" and _is_word_nan(reading, token, following):
        kind = "word"
    if kind == "number":
        reading.number(token, following)
        return
    if kind == "none":  # a metric that was not measured
        reading.words = []
        reading.has_assign = False
        return
    if kind == "slash":
        reading.after_slash = bool(reading.last) and not reading.words
        return
    reading.after_slash = False
    text = token.text.decode("utf-8", "replace")
    if kind == "word":
        _read_word(reading, token, text, following)
    elif kind == "aside":
        if reading.words and following is not None and following.kind == "assign":
            reading.words.append(text)
        else:
            words = re.findall(r"[^\s()\[\].]+", text)
            reading.strays += words
            if text.startswith("[") and len(words) == 1 and words[0].lower() in SPLIT_WORDS:
                reading.splits.append((token.start, words[0].lower()))
    elif kind == "assign":
        reading.has_assign = bool(reading.words)
        if not reading.words:
            reading.pending = None
    elif kind == "open":
        reading.bracket = text
    elif kind == "close":
        reading.bracket = ""
        reading.end_segment(token.text)
        if token.text == b"]":
            reading.last = ""
    elif kind == "boundary":
        reading.end_segment(token.text)
        reading.last = ""


def _read_word(reading: _Reading, token: Token, text: str, following: Token | None) -> None:
    if reading.has_assign:
        reading.strays += reading.words
        reading.words = []
        reading.has_assign = False
    if (counter := _glued_counter(token, following)) and not reading.words:
        reading.fields.append(counter)
        reading.last = "named"
        return
    text = SHORTENED.get(token.text, text)
    reading.words.append(text.rstrip("-./*#&"))


def _glued_counter(token: Token, following: Token | None) -> Field | None:
    """Return the counter in ``epoch3``, or in ``3epoch`` before "results" or a colon; None of other words."""
    places = (1, 2)
    glued = GLUED.fullmatch(token.text)
    if glued is None:
        places = (2, 1)
        is_heading = following is not None and (following.kind == "assign" or following.text == b"results")
        glued = GLUED_BEFORE.fullmatch(token.text) if is_heading else None
    if glued is None:
        return None
    name = glued[places[0]].decode()
    start = token.start + glued.start(places[1])
    role: Role = "epoch" if name.lower() == "epoch" else "step"
    return Field(name, role, start, start + len(glued[places[1]]))


def _is_word_nan(reading: _Reading, token: Token, following: Token | None) -> bool:
    """Say whether a ``nan`` is a word of a name: ``number of nan iterations: 0``."""
    if re.search(rb"\d", token.text):
        return False
    if reading.has_assign:
        return False
    if not reading.words or reading.words[-1].lower() in BEFORE_NAN:
        return True
    return False


def _settled(reading: _Reading) -> Fields:
    """Return the fields of a line that was read to its end."""
    numbers = [*reading.fields, *_unnamed_counters(reading)]
    split = _split_of(reading.strays)
    counters: list[Field] = []
    metrics: list[Field] = []
    for number in numbers:
        words = number.name.lower().split()
        is_split = len(words) == 1 and words[0] in SPLIT_WORDS
        is_epoch = is_split and _is_followed_by_batches(reading, number)
        if number.role != "metric":
            counters.append(number)
            split = split or _split_of(words)
        elif is_split and (number.total or is_epoch):
            split = split or words[0]
            if is_epoch:  # "Train: 0 [100/1251]", "Train: [0/300][100/1251]"
                counters.append(replace(number, name="epoch", role="epoch"))
        elif words[-1] not in OF_A_PROCESS:
            metrics.append(replace(number, name=_full_name(number.name, metrics)))
    if len({word for _, word in reading.splits}) > 1:  # "[train] loss=1, [valid] loss=2"
        metrics = _by_split(metrics, reading.splits, split)
    elif split:
        metrics = [replace(metric, name=with_split(metric.name, split)) for metric in metrics]
    if split and split not in OF_TRAINING and _has_progress(reading):
        metrics = _with_means(metrics)
    return Fields(
        counters=tuple(counters),
        metrics=tuple(_unique(metrics)),
        strays=tuple(reading.strays),
        split=split,
        assigned=reading.assigned,
    )


def _has_progress(reading: _Reading) -> bool:
    """Say whether ``[90/98]`` stands in a line: how far an evaluation is."""
    named = any(number.total and number.name.lower() in SPLIT_WORDS for number in reading.fields)
    return named or any(bracket == "[" and total for _, bracket, _, total in reading.unnamed)


def _with_means(metrics: Sequence[Field]) -> list[Field]:
    """Return the metrics of a line of an evaluation: the mean so far, in brackets, is the metric.

    ``Test: [90/98] Loss 2.0 (1.1)``: the number before it is that of one batch.
    """
    means = {metric.name.removesuffix(IN_BRACKETS) for metric in metrics if metric.name.endswith(IN_BRACKETS)}
    renamed = []
    for metric in metrics:
        if metric.name in means:
            metric = replace(metric, name=f"{metric.name} of the batch")
        else:
            metric = replace(metric, name=metric.name.removesuffix(IN_BRACKETS))
        renamed.append(metric)
    return renamed


def _by_split(metrics: Sequence[Field], splits: Sequence[tuple[int, str]], before: str) -> list[Field]:
    """Return metrics named with the data that stand before each of them in the line."""
    named = []
    for metric in metrics:
        split = next((word for place, word in reversed(splits) if place < metric.start), before)
        named.append(replace(metric, name=with_split(metric.name, split) if split else metric.name))
    return named


def _is_followed_by_batches(reading: _Reading, number: Field) -> bool:
    """Say whether ``[100/1251 …]`` stands right after a number: ``Train: 0 [100/1251]`` is an epoch."""
    _, end = number.total or (0, number.end)
    for token, bracket, _, total in reading.unnamed:
        if bracket == "[" and total and 0 <= token.start - end <= NEXT:
            return True
    return False


def _unnamed_counters(reading: _Reading) -> list[Field]:
    """Return the counters among the numbers without a name."""
    roles = {number.role for number in reading.fields}
    counters: list[Field] = []
    if reading.is_in_box:
        return []
    has_epoch = "epoch" in roles or any(
        number.name.lower() in SPLIT_WORDS and _is_followed_by_batches(reading, number)
        for number in reading.fields
    )
    at_start = [number for number in reading.unnamed if number[2] == 0]
    if not roles - {"metric"} and not has_epoch and at_start:
        pair = len(at_start) > 1 and at_start[0][1] == at_start[1][1] == "["
        names: list[tuple[str, Role]] = (
            [("epoch", "epoch"), ("batch", "batch")] if pair else [("step", "step")]
        )
        for (token, _, _, total), (name, role) in zip(at_start, names, strict=False):
            counters.append(Field(name, role, token.start, token.end, total=total, is_named=False))
        return counters
    in_brackets = [number for number in reading.unnamed if number[1] == "[" and number[3]]
    if len(in_brackets) > 1 and not roles & {"step", "epoch", "batch"}:  # "[0/300][100/1251]"
        (epoch, _, _, epochs), (batch, _, _, batches) = in_brackets[:2]
        return [
            Field("epoch", "epoch", epoch.start, epoch.end, total=epochs, is_named=False),
            Field("batch", "batch", batch.start, batch.end, total=batches, is_named=False),
        ]
    for token, _, _, total in reading.unnamed:
        if total and has_epoch and not counters and "step" not in roles and "batch" not in roles:
            counters.append(Field("batch", "batch", token.start, token.end, "", total))
    return counters


def _split_of(words: Sequence[str]) -> str:
    """Return the word that says on which data a line measures; one of an evaluation comes first."""
    splits = [word.lower().strip("'\"") for word in words]
    splits = [word for word in splits if word in SPLIT_WORDS]
    evaluations = [word for word in splits if word not in OF_TRAINING]
    return (evaluations or splits or [""])[0]


def _full_name(name: str, before: Sequence[Field]) -> str:
    """Return the name of a metric of which only the data stand in the line: ``loss train: 1.9, val: 2.0``."""
    if name.lower() not in SPLIT_WORDS or not before:
        return name
    *measure, last = before[-1].name.split()
    if measure and last.lower() in SPLIT_WORDS:
        return " ".join([*measure, name])
    return name


def with_split(name: str, split: str) -> str:
    """Return the name of a metric with the data that its line names, unless its own name says the data."""
    if SPLIT_WORDS.isdisjoint(words_of(name)):
        return f"{split}/{name}"
    return name


def _unique(metrics: Sequence[Field]) -> list[Field]:
    """Return metrics; a name that stands twice in a line is numbered."""
    counts: dict[str, int] = {}
    unique = []
    for metric in metrics:
        counts[metric.name] = counts.get(metric.name, 0) + 1
        number = counts[metric.name]
        unique.append(metric if number == 1 else replace(metric, name=f"{metric.name} ({number})"))
    return unique


def role_of(name: str) -> Role:
    """Return whether a name is that of a counter, or of a metric.

    >>> role_of("Train Epoch"), role_of("global step"), role_of("elapsed time per iteration (ms)")
    ('epoch', 'step', 'metric')
    """
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    if plain in COUNTING:
        return "epoch" if "epoch" in plain else "step"
    if "/" in name:  # "ms/batch"
        return "metric"
    words = re.split(r"[\s_-]+", name.lower())
    if not NO_COUNTER.isdisjoint(words):
        return "metric"
    role = LAST_WORDS.get(words[-1], "metric")
    return role  # type: ignore[return-value]

"""Results that an evaluation prints: ``✓ MSE: 0.213 ± 0.081``, ``Test accuracy: 93.2%``, ``| mse | 0.1 |``.

A line is a result where it says so itself (a name such as ``test accuracy`` or ``OOD MSE``; a known measure
with ``±`` or a tick), or where it stands in an evaluation's section: below ``Evaluating: …``, ``Evaluation
Summary``, ``Test results`` or ``***** eval metrics *****``. A line that counts epochs or steps belongs to
training and is left to the readers of training logs, and so is ``Validation loss: …`` in a log that shows
training.

``Batch 300: current MSE = 0.213`` is a running value; it counts, with its batch, where no final value of that
model follows. What a summary repeats is given once, with the line where it was printed first. The lines
before a result say to what it belongs (``evaluation_context``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ired_diag.json_text import parse_first_json
from ired_diag.readers.evaluation_context import Context, context_after, context_of, model_of
from ired_diag.readers.measure_names import (
    OF_A_FINISHED_MODEL,
    MeasureName,
    data_in,
    measure_name,
    spread_kind_in,
)
from ired_diag.readers.printed_tables import TableRow, rows_of_table
from ired_diag.readers.repeated_results import without_repeats
from ired_diag.readers.result_lines import (
    PrintedNumber,
    has_number,
    numbers_in,
    running_number,
    samples_in,
)
from ired_diag.readers.wording import DIGITS_AS_ZEROS, Wording, remembered_by_line, wording_of
from ired_diag.runs.evaluation_result import EvaluationResult

# What every log with a result holds somewhere; a log without it is not read line by line.
SPREADS = (b"\xc2\xb1", b"+/-")
RESULT_WORDS = (b"eval", b"test", b"ood", b"current ", b"of-distribution", b"held", b") @[")
RESULT_SOMEWHERE = re.compile(  # in lower case, in a line with one of these words
    rb"\bevaluating\b|\beval\w*[ _](?:metrics|results|summary)"
    rb"|\b(?:test|ood|eval)\b[^\r\n]{0,120}[:=|]|\b(?:test|eval)_\w+|test metric|current \w+ *[=:]"
    rb"|of-distribution|heldout|held-out|\(a[pr]\) @\["
)
OF_THE_STUDY = (b"Validation Result @ Iteration ", b"DIAG step=")
CANDIDATE = re.compile(
    rb"[:=|]|\xc2\xb1|\+/-|\xe2\x94"
    rb"|(?i:acc@|accuracy|evaluat|checkpoint|loaded|restored|results?|metrics|summary)"
)
AMID_TRAINING = re.compile(
    rb"[Tt]est|TEST|[Ff]inal|FINAL|OOD|[Ee]valuating|eval_|[Mm]etric|[Rr]esults|[Hh]eld|istribution"
    rb"|[Cc]heckpoint|\xc2\xb1|\+/-|Acc@1|\(A[PR]\) @"
)
OF_TRAINING = re.compile(
    rb"\[[\w-]*DIAG step=|Running Evaluation|Validation Result @|mse\w*  |-+[ -]*$|\s*\""
)
TRAINS = re.compile(
    rb"(?i)^Training for \d|Validation Result @ Iteration |DIAG step="
    rb"|(?<!evaluating )\b(?:epoch|global_step|step|iter(?:ation)?)['\"]?\b\s*[:=#\[]?\s*\d"
    rb"[^\r\n]{0,200}?\bloss"
    rb"|\bloss[^\r\n]{0,200}?\b(?:epoch|step)['\"]?\s*[:=]\s*\d",
    re.MULTILINE,
)
COUNTS_TRAINING = re.compile(
    r"(?i)\b(?:epoch|global_step|step|iter(?:ation)?|it)['\"]?\s*[:=#\[]?\s*\d|\bepoch['\"]\s*:"
)
PREFIX = re.compile(  # what logging puts before the message
    r"^(?:\[(?:INFO|WARNING)\|[^\]]*\][\s\d:.,-]*>>\s*"
    r"|[\[(]?\d{4}-\d\d-\d\d[ T:]\d\d:\d\d:\d\d[\d.,]*[^\s\]]*[\])]?[\s|:-]*|\[?\d\d:\d\d:\d\d\]?\s+"
    r"|[\[(]?(?:INFO|WARNING|DEBUG)[\])]?[\s|:-]+(?:[\w.]+(?::\d+)?:(?=\S))?|\[?rank ?\d+\]?:?\s+"
    r"|[\w./]+\.py:\d+[\])]?[\s:|-]+|\w+(?:\.\w+)+\s+-\s+)+"
)
TICK = re.compile(r"^\s*[✓✔✅☑]\s*")
BULLET = re.compile(r"^\s*(?:[-*•·>→➜]+\s+|[✓✔✅☑✗✘❌]\s*)+")
ERROR = re.compile(r"^(?P<mark>[✗✘❌]\s*)?(?:(?P<model>[^\s:][^:]*?):\s*)?ERROR\b\s*[:-]?\s*(?P<error>\S.*)$")
EVALUATING_MODEL = re.compile(
    r"(?i)^evaluating (?:the )?model\b\s*[:=]?\s*(?P<name>\S.*)?$|^model(?: name)?\s*[:=]\s*(?P<named>\S+)$"
)
EVALUATING = re.compile(r"(?i)^(?:now |start(?:ing)? )?evaluating\b\s*[:=]?\s*(?P<name>.*)$")
PROGRESS_BAR = re.compile(r"\d%\|")
SUMMARY = re.compile(
    r"(?i)\b(?:evaluation|eval|test|ood|final|robustness)\b[\w -]*"
    r"\b(?:summary|results?|metrics?|report|scores?)\b"
    r"\s*(?:\([^)]*\))?\s*(?::\s*(?P<name>\S.*)?)?$"
    r"|^(?:final )?results?\s*(?:on|for)\b\s*.*?:?$|^results?:$"
)
HEADED = re.compile(r"(?i)^(?:[\w -]* )?(?:evaluation|test(?:ing)?)(?: set)?\s*(?:\([^)]*\))?\s*:?$")
TRAIN_SECTION = re.compile(
    r"(?i)\btrain(?:ing)?\b (?:metrics|results|summary)|^(?:start(?:ing)? )?training\b"
)
MODEL_HEAD = re.compile(r"^(?P<name>[^\s:=|][^:=|]*):$")
SAVED = re.compile(r"(?i)\b(?:sav|writ|wrote)\w*\b[^:]*?\b(?:to|in)\b\s*:?\s*['\"]?(\S+\.json)\b")
CONFIGURATION = re.compile(r"^(?:Configuration|Config)\s*:\s*(?=\{|$)")
ANNOUNCED = re.compile(
    r"(?i)^(?:start(?:ing)?|running|launching|begin(?:ning)?)\b(?!.*\btrain)[^.\n]*\b(?:evaluation|eval)\b"
)
LOG_NAMED = re.compile(r"(?i)eval|test|results?|log|output|stdout|score")
# A number that is no part of a name, such as acc@5; words after which another number is of another meaning.
FREE_NUMBER = re.compile(rb"(?<![\w@.])\d++(?:\.\d++)?(?![\w.])")
MEANS_MORE = re.compile(rb"(?i)ood|rank")
END = 1 << 16  # bytes
OBJECT = b'{"'
DATA_BY_OOD = {True: "ood", False: "id", None: ""}


@dataclass(frozen=True)
class Printed:
    """What a log's lines say about an evaluation.

    Attributes:
        results: Each number once, running values only where no final one follows, and errors.
        trains: Whether the log shows training.
        announced: Whether a line says that an evaluation is started, in a log that shows no training.
        saved_to: Files that the log says it saved its results to.
        finished: Whether every evaluation that the log began printed its result or its error.
    """

    results: tuple[EvaluationResult, ...] = ()
    trains: bool = False
    announced: bool = False
    saved_to: tuple[str, ...] = ()
    finished: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the evaluation came to its end and printed what it measured: a summary is an end."""
        has_number = any(not result.error for result in self.results)
        return self.finished and has_number

    @property
    def errors(self) -> list[EvaluationResult]:
        """The errors that stand in place of numbers."""
        return [result for result in self.results if result.error]


def read_results(content: bytes, path: Path) -> Printed:
    """Return what a log prints about evaluations.

    Args:
        content: The log. A last line without a newline is not read: it may hold half a number.
        path: Its path, which each result names.
    """
    whole = content[: content.rfind(b"\n") + 1]
    wording = wording_of(whole)
    trains = _shows_training(whole, wording)
    announced = not trains and _announces_evaluation(whole, wording)
    if not _may_hold_results(whole, wording):
        return Printed(trains=trains, announced=announced)
    scan = _Scan(path=path, trains=trains)
    scan.read(whole)
    results = without_repeats(scan.results, last_counts=trains)
    return Printed(
        results=tuple(results),
        trains=trains,
        announced=announced,
        saved_to=tuple(dict.fromkeys(scan.saved_to)),
        finished=bool(scan.results) and not scan.begun,
    )


def _announces_evaluation(content: bytes, wording: Wording) -> bool:
    words = (b"valuation", b"eval")
    if not wording.may_hold(*words):
        return False
    lines = _lines_holding(content, *words)
    return any(ANNOUNCED.match(_message(line)) for line in lines)


def _shows_training(content: bytes, wording: Wording) -> bool:
    """Say whether a log shows training: by the study's own lines, else by a line with a loss and its step."""
    if wording.may_hold(*OF_THE_STUDY):
        return True
    words = (b"loss", b"Loss", b"LOSS", b"raining for ", b"RAINING FOR ")
    if not wording.may_hold(*words):
        return False
    lines: Iterable[bytes] = wording.distinct  # digits are alike to the pattern
    if b"\r" in content:  # which ends no line here
        lines = _lines_holding(content, *words)
    for line in lines:
        if b"%|" not in line and TRAINS.search(line):
            return True
    return False


def _may_hold_results(content: bytes, wording: Wording) -> bool:
    """Say whether a log holds what every log with a result holds somewhere."""
    if wording.may_hold(*SPREADS):
        return True
    if b"acc@0" in wording.lower and b"acc@1" in content.lower():
        return True
    lines = _lines_holding(wording.lower, *RESULT_WORDS)
    return any(RESULT_SOMEWHERE.search(line) for line in lines)


def read_job_results(out: bytes, errors: bytes | None, path: Path) -> Printed:
    """Return what a job's output prints about evaluations, else its error stream, where logging writes.

    Args:
        out: The output.
        errors: The error stream, where there is a file of it.
        path: The output's path; the error stream's has the suffix ``.err``.
    """
    printed = read_results(out, path)
    if printed.results or not errors:
        return printed
    logged = read_results(errors, path.with_suffix(".err"))
    trains = printed.trains or logged.trains
    has_final_result = any(result.final for result in logged.results)
    if trains and not has_final_result:
        return replace(printed, trains=trains, announced=False)
    announced = (printed.announced or logged.announced) and not trains
    return replace(logged, trains=trains, announced=announced)


def is_evaluation_log(path: Path) -> bool:
    """Say whether a text file by a log's name holds printed results and no training, by both of its ends."""
    if path.suffix != ".log" and not (path.suffix == ".txt" and LOG_NAMED.search(path.stem)):
        return False
    with path.open("rb") as file:
        head = file.read(END)
        if head.lstrip().startswith(OBJECT):
            return False  # JSON lines are rows of a log, and other readers' business
        size = file.seek(0, 2)
        file.seek(max(len(head), size - END))
        printed = read_results(head + b"\n" + file.read() + b"\n", path)
    return bool(printed.results) and not printed.trains


def _lines_holding(content: bytes, *words: bytes) -> Iterator[bytes]:
    """Yield the lines that hold one of some words; a line with several of them comes several times."""
    for word in words:
        at = content.find(word)
        while at >= 0:
            start = content.rfind(b"\n", 0, at) + 1
            end = content.find(b"\n", at)
            if end < 0:
                end = len(content)
            yield content[start:end]
            at = content.find(word, end)


def _message(line: bytes) -> str:
    """Return a line without what logging puts before it, and as a terminal shows it last."""
    _, _, last_drawn = line.rstrip(b"\r").rpartition(b"\r")
    text = last_drawn.decode("utf-8", "replace")
    return PREFIX.sub("", text).strip()


def _is_candidate(line: bytes) -> bool:
    """Say whether a line may hold a result where an evaluation prints, or say to what it belongs."""
    return CANDIDATE.search(line) is not None


def _matters_amid_training(line: bytes) -> bool:
    """Say the same of a line of training, most of which do not."""
    if OF_TRAINING.match(line):  # first, because it is quick and most lines are such
        return False
    return line.startswith(b"Config") or AMID_TRAINING.search(line) is not None


@remembered_by_line
def _form_may_matter(form: bytes) -> tuple[bool, bool]:
    """Say of all lines of a form, with 0 for each digit, whether they may matter, amid training and else."""
    amid_training = _matters_amid_training(form) or b"Acc@0" in form
    return amid_training, _is_candidate(form)


@dataclass(kw_only=True)
class _Scan:
    """The lines of one log, read from the top."""

    path: Path
    trains: bool
    results: list[EvaluationResult] = field(default_factory=list)
    running: dict[tuple[str, str, str], EvaluationResult] = field(default_factory=dict)
    saved_to: list[str] = field(default_factory=list)
    context: Context = field(default_factory=Context)
    inside: bool = False  # an evaluation's section
    in_summary: bool = False
    begun: bool = False  # an evaluation, of which no final result is printed yet
    data: str = ""  # that the section's header names
    spread_kind: str = ""
    n: int | None = None
    first_of_section: int = 0
    is_running_alone: bool = False  # whether the last line stated a running value and nothing else
    running_form: bytes = b""  # such a line, with 0 for each number

    def read(self, content: bytes) -> None:
        """Read all lines, tables and configuration blocks.

        Of running values that are printed one after another in the same words, the first and the last are
        read: each replaces the one before it.
        """
        lines = content.split(b"\n")
        forms = content.translate(DIGITS_AS_ZEROS).split(b"\n")
        may_matter = {form: _form_may_matter(form) for form in set(forms)}
        skip_to = 0
        waiting: int | None = None
        reads_all = self.reads_all
        for index, form in enumerate(forms):
            if not may_matter[form][reads_all] or index < skip_to:
                continue
            line = lines[index]
            if not reads_all and not _matters_amid_training(line):
                continue
            if self.running_form and FREE_NUMBER.sub(b"0", line) == self.running_form:
                waiting = index
                continue
            if waiting is not None:
                self._read_line(_message(lines[waiting]), waiting + 1)
                waiting = None
            self.running_form = b""
            message = _message(line)
            if CONFIGURATION.match(message):
                skip_to = self._read_configuration(lines, index)
            elif message[:1] in ("|", "│", "┃"):
                skip_to = self._read_table(lines, index)
            else:
                self._read_line(message, index + 1)
                if self.is_running_alone and not MEANS_MORE.search(line):
                    self.running_form = FREE_NUMBER.sub(b"0", line)
            reads_all = self.reads_all
        if waiting is not None:
            self._read_line(_message(lines[waiting]), waiting + 1)
        self.results.extend(self.running.values())

    @property
    def reads_all(self) -> bool:
        """Whether an evaluation may print on any line."""
        return not self.trains or self.inside

    def _read_configuration(self, lines: Sequence[bytes], index: int) -> int:
        """Take the configuration that begins on a line; return the line after it."""
        text = b"\n".join(lines[index : index + 2000]).decode("utf-8", "replace")
        start = text.find("{")
        block: object = None
        length = 0
        if start >= 0:
            try:
                block, length = parse_first_json(text[start:])
            except ValueError:
                return index + 1
        if isinstance(block, dict):
            self.context = context_of(block)
            self.inside = False
            self.in_summary = False
            self.data = ""
            self.spread_kind = ""
        newlines = text[: start + length].count("\n")
        return index + newlines + 1

    def _read_table(self, lines: Sequence[bytes], index: int) -> int:
        """Read the table that begins on a line; return the line after it."""
        end = index
        while end < len(lines) and lines[end].strip()[:1] in (b"|", b"+", b"\xe2"):
            end += 1
        texts = [line.decode("utf-8", "replace") for line in lines[index:end]]
        for row in rows_of_table(texts, certain=self.inside):
            self._add_table_row(row, index + row.row + 1)
        return max(end, index + 1)

    def _add_table_row(self, row: TableRow, line: int) -> None:
        name = measure_name(row.name)
        if name is None or not name.certain:
            return
        if not (self.inside or row.is_test or self._says_so(name)):
            return
        number = PrintedNumber(
            name=name,
            value=row.value,
            unit=row.unit,
            spread=row.spread,
            spread_kind=row.spread_kind,
        )
        own = {}
        if row.model:
            own["model"] = row.model
        if row.dataset:
            own["dataset"] = row.dataset
        self._add(number, line, **own)

    def _read_line(self, message: str, line: int) -> None:
        text = BULLET.sub("", message)
        self.is_running_alone = False
        context = self.context
        self._take_context(text)
        if self._read_error(message, line) or self._read_header(text):
            return
        running = running_number(text) if self.inside and not self.trains else None
        if running:
            self._add_running(running, line)
            self.is_running_alone = self.context is context
            return
        if COUNTS_TRAINING.search(text) or TRAIN_SECTION.search(text):
            return
        is_ticked = bool(TICK.match(message))
        for number in numbers_in(text):
            if self._is_result(number, ticked=is_ticked):
                self._add(number, line)

    def _take_context(self, text: str) -> None:
        """Take what a line says; the number of samples may follow the results of its section."""
        samples_before = self.context.n
        self.context = context_after(self.context, text)
        samples = self.context.n
        if samples == samples_before:
            return
        for place in range(self.first_of_section, len(self.results)):
            result = self.results[place]
            self.results[place] = replace(result, n=result.n or samples)

    def _read_error(self, message: str, line: int) -> bool:
        error = ERROR.match(message)
        if not error or not (self.inside or self.context.evaluation_mode):
            return False
        stands_for_result = error["mark"] or error["model"] or self.in_summary
        if not stands_for_result:
            return False
        stated = self.context.stated()
        if error["model"]:
            stated["model"] = error["model"]
        result = EvaluationResult(
            **stated,
            metric="",
            value=None,
            error=error["error"].strip(),
            line=line,
            source=self.path,
        )
        self.results.append(result)
        self.begun = False
        return True

    def _read_header(self, text: str) -> bool:
        """Take what a header says, and say whether the line is a header; a line with a result is not."""
        if TRAIN_SECTION.search(text) and not has_number(text):
            self.inside = False
            return True
        saved = SAVED.search(text)
        if saved:
            is_configuration = "config" in Path(saved[1]).name
            if not is_configuration:
                self.saved_to.append(saved[1])
            return True
        bare = text.strip("=*#~- \t")
        if self._begins_evaluation(bare):
            return True
        return not has_number(bare) and self._begins_section(text, bare)

    def _begins_evaluation(self, bare: str) -> bool:
        model = EVALUATING_MODEL.match(bare)
        if model and (model["name"] or (model["named"] and self.inside)):
            name = model_of(model["name"] or model["named"])
            self.context = self.context.of_model(name)
            self.inside = True
            self.in_summary = False
            self.begun = True
            return True
        evaluating = EVALUATING.match(bare)
        if not evaluating or PROGRESS_BAR.search(bare):
            return False
        name = evaluating["name"]
        is_phrase = " " in name
        header = bare if is_phrase else bare[: evaluating.start("name")]
        self._enter(header, name)
        self.begun = True
        return True

    def _begins_section(self, text: str, bare: str) -> bool:
        summary = SUMMARY.search(bare)
        if summary:
            name = summary["name"] or ""
            self._enter(bare.removesuffix(name), name)
            self.in_summary = bool(name) or "summary" in bare.lower()
            return True
        is_framed = bare != text
        if is_framed and HEADED.match(bare) and not self.trains:
            self._enter(bare, "")
            return True
        head = MODEL_HEAD.match(text) if self.in_summary else None
        if not head:
            return False
        if self.context.model != head["name"]:
            self.context = self.context.of_model(head["name"])
        return True

    def _enter(self, header: str, name: str) -> None:
        """Begin a section; its header may name the data, the kind of spreads and the number of samples."""
        self.inside = True
        self.in_summary = False
        self.data = data_in(header)
        self.spread_kind = spread_kind_in(header)
        self.n = samples_in(header)
        self.first_of_section = len(self.results)
        name = name.strip()
        if not self.context.experiment and re.fullmatch(r"[\w.@=+/-]+", name):
            self.context = replace(self.context, experiment=name)

    def _is_result(self, number: PrintedNumber, *, ticked: bool) -> bool:
        marked = number.marked or ticked
        if number.name.certain:
            return self.inside or marked or self._says_so(number.name)
        return self.inside and marked

    def _says_so(self, name: MeasureName) -> bool:
        """Say whether a name itself makes a result of a line outside any section."""
        names_data = bool(name.data)
        if name.data in OF_A_FINISHED_MODEL or (names_data and name.final):
            return True
        has_no_colon = "@" in name.measure
        return not self.trains and (names_data or has_no_colon)

    def _add_running(self, number: PrintedNumber, line: int) -> None:
        result = self._result_of(number, line)
        result = replace(result, batches=number.batch, last_batch=number.batch)
        self.running[result.experiment, result.model, result.measure] = result
        self.begun = True

    def _add(self, number: PrintedNumber, line: int, **own: str) -> None:
        result = self._result_of(number, line, **own)
        if number.name.spread_kind:
            self._add_spread(result, number.name.spread_kind)
            return
        running = self.running.pop((result.experiment, result.model, result.measure), None)
        if running:
            result = replace(result, last_batch=running.last_batch)
        self.results.append(result)
        self.begun = self.begun and bool(self.running)

    def _add_spread(self, spread: EvaluationResult, kind: str) -> None:
        """Give a number that is named as a spread to the last result of that metric."""
        own = (spread.metric, spread.model, spread.dataset)
        for place in range(len(self.results) - 1, -1, -1):
            other = self.results[place]
            if (other.metric, other.model, other.dataset) == own:
                self.results[place] = replace(other, spread=spread.value, spread_kind=kind)
                return

    def _result_of(self, number: PrintedNumber, line: int, **own: str) -> EvaluationResult:
        """Return a number as a result of the model and the data that the lines before it name."""
        name = number.name
        stated = self.context.stated() | own
        data = name.data or self.data or DATA_BY_OOD[stated.get("ood")]
        if data in ("ood", "id"):
            stated["ood"] = data == "ood"
        samples = number.n or self.n
        if samples:
            stated["n"] = samples
        if number.spread is not None:
            stated["spread"] = number.spread
            stated["spread_kind"] = number.spread_kind or self.spread_kind
        return EvaluationResult(
            **stated,
            metric=replace(name, data=data).metric,
            value=number.value,
            unit=number.unit,
            note=name.note,
            final=name.final,
            source=self.path,
            line=line,
        )

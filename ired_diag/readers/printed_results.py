"""Results that an evaluation prints: ``✓ MSE: 0.213141 ± 0.081284``, ``Test accuracy: 93.2%``, ``| mse | 0.1 |``.

A line is a result where it says so itself (a name such as ``test accuracy`` or ``OOD MSE``; a known measure with
``±`` or a tick), or where it stands in an evaluation's section: below ``Evaluating: …``, ``Evaluation Summary``,
``Test results`` or ``***** eval metrics *****``. A line that counts epochs or steps belongs to training and is
left to the readers of training logs, and so is ``Validation loss: …`` in a log that shows training.

``Batch 300: current MSE = 0.213`` is a running value; it counts, with its batch, where no final value of that
model follows. The lines around say to what a result belongs: a configuration block, ``Evaluating model: …``,
``Loading checkpoint from: …``, ``Difficulty: ood=True, rank=20``, a summary's ``<model>:``.

What a summary repeats is the same result, and is given once, with the line where it was printed first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ired_diag.readers.measure_names import (
    OF_A_FINISHED_MODEL,
    MeasureName,
    data_in,
    measure_name,
    spread_kind_in,
)
from ired_diag.readers.printed_tables import TableRow, rows_of_table
from ired_diag.runs.evaluation_result import EvaluationResult

NUMBER = (
    r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|NaN|NAN|inf|Inf|infinity)|None|null|N/A|n/a"
)

# What every log with a result holds somewhere; a log without it is not read line by line.
RESULT_SOMEWHERE = re.compile(
    rb"\xc2\xb1|\+/-|(?i:\bevaluating\b|\beval\w*[ _](?:metrics|results|summary)|\b(?:test|ood|eval)\b[^\n]*[:=|]"
    rb"|\b(?:test|eval)_\w+|test metric|current \w+ *[=:]|of-distribution|heldout|held-out|Acc@1|\(A[PR]\) @\[)"
)
CANDIDATE = re.compile(
    rb"[:=|]|\xc2\xb1|\+/-|\xe2\x94|(?i:acc@|accuracy|evaluat|checkpoint|loaded|restored|results?|metrics|summary)"
)
TRAINS = re.compile(
    rb"(?i)^Training for \d|Validation Result @ Iteration |DIAG step="
    rb"|(?<!evaluating )\b(?:epoch|global_step|step|iter(?:ation)?)['\"]?\b\s*[:=#\[]?\s*\d[^\n]*\bloss"
    rb"|\bloss[^\n]*\b(?:epoch|step)['\"]?\s*[:=]\s*\d",
    re.MULTILINE,
)
COUNTS_TRAINING = re.compile(
    r"(?i)\b(?:epoch|global_step|step|iter(?:ation)?|it)['\"]?\s*[:=#\[]?\s*\d|\bepoch['\"]\s*:"
)
PREFIX = re.compile(  # what logging puts before the message
    r"^(?:\[(?:INFO|WARNING)\|[^\]]*\][\s\d:.,-]*>>\s*|[\[(]?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[\d.,]*[^\s\]]*[\])]?[\s|:-]*|\[?\d\d:\d\d:\d\d\]?\s+"
    r"|[\[(]?(?:INFO|WARNING|DEBUG)[\])]?[\s|:-]+(?:[\w.]+(?::\d+)?:(?=\S))?|\[?rank ?\d+\]?:?\s+"
    r"|[\w./]+\.py:\d+[\])]?[\s:|-]+|\w+(?:\.\w+)+\s+-\s+)+"
)
TICK = re.compile(r"^\s*[✓✔✅☑]\s*")
BULLET = re.compile(r"^\s*(?:[-*•·>→➜]+\s+|[✓✔✅☑✗✘❌]\s*)+")
RULE_LINE = re.compile(r"[=*#~_\s-]*")

PAIR = re.compile(
    r"(?<![\w.])(?P<name>[%A-Za-z][^:=,;{}'\"|]*?)['\"]?\s*(?:[:=]|\bis\b)\s*"
    rf"(?P<value>{NUMBER})(?:\s*/\s*(?P<of>\d+))?(?![\w.]*[A-Za-z_]\w*(?<!dB))"
    r"\s*(?P<unit>%|dB\b)?"
    rf"(?:\s*(?:±|\+/-|\+-|\\pm)\s*(?P<spread>{NUMBER})\s*%?)?"
    r"(?P<rest>(?:\s*\x00\d+\x00|\s+(?:std|sd|stderr|s\.e\.m\.|sem|95% CI)\b)?)"
)
BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
MASKED = re.compile(r"\x00(\d+)\x00")
SHARE = re.compile(r"^\((\d+(?:\.\d*)?)\s*%\)$")
WITHIN = re.compile(rf"(?i)(?P<name>std(?:ev)?|sd|stderr|sem|±|\+/-)\s*[=:]?\s*(?P<value>{NUMBER})")
ACC_AT = re.compile(rf"\b(Acc@\d)\s+({NUMBER})(?![\w.(])")

RUNNING = re.compile(
    rf"(?i)\b(?:batch|sample|example|image|processed|evaluated)\w*\s*[:#\[]?\s*(?P<at>\d+)(?:\s*/\s*\d+)?"
    rf"[^\n=]*?[\s:,|\]]"
    rf"(?:(?:current|running|cumulative|avg|average|mean)[ _](?P<name>[\w@ -]+?)|(?P<so_far>[\w@-]+) so far)"
    rf"\s*[:=]?\s*(?P<value>{NUMBER})\s*(?P<unit>%)?"
)
ERROR = re.compile(r"^(?:[✗✘❌]\s*)?(?:(?P<model>[^\s:][^:]*?):\s*)?ERROR\b\s*[:-]?\s*(?P<error>\S.*)$")

EVALUATING_MODEL = re.compile(
    r"(?i)^evaluating (?:the )?model\b\s*[:=]?\s*(?P<name>\S.*)?$|^model(?: name)?\s*[:=]\s*(?P<named>\S+)$"
)
EVALUATING = re.compile(r"(?i)^(?:now |start(?:ing)? )?evaluating\b\s*[:=]?\s*(?P<name>.*)$")
SUMMARY = re.compile(
    r"(?i)\b(?:evaluation|eval|test|ood|final|robustness)\b[\w -]*\b(?:summary|results?|metrics?|report|scores?)\b"
    r"\s*(?:\([^)]*\))?\s*(?::\s*(?P<name>\S.*)?)?$"
    r"|^(?:final )?results?\s*(?:on|for)\b\s*(?P<on>.*?):?$|^results?:$"
)
HEADED = re.compile(r"(?i)^(?:[\w -]* )?(?:evaluation|test(?:ing)?)(?: set)?\s*(?:\([^)]*\))?\s*:?$")
TRAIN_SECTION = re.compile(
    r"(?i)\btrain(?:ing)?\b (?:metrics|results|summary)|^(?:start(?:ing)? )?training\b"
)
CHECKPOINT = re.compile(
    r"(?i)\b(?:load(?:ing|ed)|restor(?:ing|ed)|using|evaluat(?:ing|ed)|test(?:ing|ed)?)\b[^:=]*?\b(?:checkpoint|model|weights|ckpt)s?\b"
    r"(?: path)?(?: from| at)?(?:\s*[:=]\s*|\s+)['\"]?(?P<path>[^\s'\",]*[./][^\s'\",]+)|^(?:checkpoint|ckpt)(?: path)?\s*[:=]\s*(?P<named>\S+)"
)
DIFFICULTY = re.compile(r"(?i)\bood\s*[=:]\s*(?P<ood>true|false|yes|no|1|0)\b")
RANK = re.compile(r"(?i)\brank\s*[=:]\s*(\d{1,5})\b")
DATASET = re.compile(
    r"(?i)^(?:test |eval(?:uation)? )?data ?set\s*[:=]\s*(?P<name>[^,;]+?)\s*(?:\((?P<rows>\d+)x(?P=rows)\))?$"
)
INVERSE = re.compile(r"(?i)^inverse(?: matrices)?$|^matrix inver\w+$")
SAMPLES = re.compile(
    r"(?i)\b(?:num(?:ber of)?[ _]?(?:test[ _]|eval\w*[ _])?(?:examples|samples|images)|(?:eval|test|predict)_samples"
    r"|num_test_samples)\s*[:=]\s*(\d+)\b"
)
ON_SAMPLES = re.compile(
    r"(?i)\b(?:on|over)\s+(\d+)\s+(?:\w+ )?(?:images|samples|examples|problems|matrices|episodes)\b"
)
N_EQUALS = re.compile(
    r"(?i)\bn\s*=\s*(\d+)\b|\b(\d+)\s+(?:samples|examples|images|matrices|problems|episodes)\b"
)
MODEL_HEAD = re.compile(r"^(?P<name>[^\s:=|][^:=|]*):$")
SAVED = re.compile(r"(?i)\b(?:sav|writ|wrote)\w*\b[^:]*?\b(?:to|in)\b\s*:?\s*['\"]?(\S+\.json)\b")
CONFIGURATION = re.compile(r"^(?:Configuration|Config)\s*:\s*(?=\{|$)")
WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".pkl", ".h5")
USUAL_FILE = re.compile(  # names that every run's checkpoint has
    r"(?i)(?:final|best|last)?[_-]?(?:model|checkpoint|ckpt|weights|pytorch_model)?s?[_-]?(?:best|last|final|ema)?[_-]?\d*"
    r"|epoch=\d+.*|step[=_-]?\d+"
)
LOG_NAMED = re.compile(r"(?i)eval|test|results?|log|output|stdout|score")
END = 1 << 16  # bytes
STARTS_EVALUATION = re.compile(
    r"(?i)^(?:start(?:ing)?|running|launching|begin(?:ning)?)\b(?!.*\btrain)[^.\n]*\b(?:evaluation|eval)\b"
)


@dataclass(frozen=True)
class Printed:
    """What a log's lines say about an evaluation.

    Attributes:
        results: Each number once, running values only where no final one follows, and errors.
        trains: Whether the log shows training.
        evaluates: Whether a line says that an evaluation is started.
        saved_to: Files that the log says it saved its results to.
        finished: Whether every evaluation that the log began printed its result or its error.
    """

    results: tuple[EvaluationResult, ...] = ()
    trains: bool = False
    evaluates: bool = False
    saved_to: tuple[str, ...] = ()
    finished: bool = False

    @property
    def prints_summary(self) -> bool:
        """Whether the log's evaluation came to its end and printed what it measured."""
        return self.finished and any(not result.error for result in self.results)

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
    evaluates = any(
        STARTS_EVALUATION.match(_message(line)) for line in _lines_with(whole, b"valuation", b"eval")
    )
    trains = bool(TRAINS.search(whole))
    if not RESULT_SOMEWHERE.search(whole):
        return Printed(trains=trains, evaluates=evaluates and not trains)
    scan = _Scan(path, trains=trains)
    scan.read(whole)
    return Printed(
        results=tuple(_without_repeats(scan.results)),
        trains=trains,
        evaluates=evaluates and not trains,
        saved_to=tuple(dict.fromkeys(scan.saved_to)),
        finished=bool(scan.results) and not scan.begun,
    )


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
    if trains and not any(result.final for result in logged.results):
        return replace(printed, trains=trains)
    return replace(logged, trains=trains, evaluates=(printed.evaluates or logged.evaluates) and not trains)


def is_evaluation_log(path: Path) -> bool:
    """Say whether a text file by a log's name holds printed results and no training, by both of its ends."""
    if path.suffix != ".log" and not (path.suffix == ".txt" and LOG_NAMED.search(path.stem)):
        return False
    with path.open("rb") as file:
        head = file.read(END)
        size = file.seek(0, 2)
        file.seek(max(len(head), size - END))
        printed = read_results(head + b"\n" + file.read() + b"\n", path)
    return bool(printed.results) and not printed.trains


def _lines_with(content: bytes, *words: bytes) -> Iterator[str]:
    for word in words:
        at = content.find(word)
        while at >= 0:
            start, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at)
            yield content[start:end].decode("utf-8", "replace")
            at = content.find(word, end)


def _message(line: str) -> str:
    return PREFIX.sub("", line.rpartition("\r")[2]).strip()


@dataclass
class _Scan:
    """The lines of one log, read from the top; what is said of a model holds until something else is said."""

    path: Path
    trains: bool
    results: list[EvaluationResult] = field(default_factory=list)
    saved_to: list[str] = field(default_factory=list)
    inside: bool = False  # an evaluation's section
    in_summary: bool = False
    begun: bool = False  # an evaluation, of which no final result is printed yet
    data: str = ""  # that a header names
    spread_kind: str = ""
    first_of_section: int = 0
    context: dict[str, Any] = field(default_factory=dict)
    running: dict[tuple[str, str, str], EvaluationResult] = field(default_factory=dict)

    def read(self, content: bytes) -> None:
        """Read all lines, tables and configuration blocks."""
        lines = content.split(b"\n")
        skip_to = 0
        for index, raw in enumerate(lines):
            if index < skip_to or not CANDIDATE.search(raw):
                continue
            text = raw.rpartition(b"\r")[2] if not raw.endswith(b"\r") else raw[:-1].rpartition(b"\r")[2]
            line = text.decode("utf-8", "replace")
            message = PREFIX.sub("", line).strip()
            if CONFIGURATION.match(message):
                skip_to = self._read_configuration(lines, index)
            elif message[:1] in ("|", "│", "┃"):
                skip_to = self._read_table(lines, index)
            else:
                self._read_line(message, index + 1)
        self.results.extend(self.running.values())

    def _read_configuration(self, lines: Sequence[bytes], index: int) -> int:
        """Take the configuration that begins on a line; return the line after it."""
        text = b"\n".join(lines[index : index + 2000]).decode("utf-8", "replace")
        start = text.find("{")
        try:
            block, end = json.JSONDecoder().raw_decode(text[start:]) if start >= 0 else ({}, 0)
        except (json.JSONDecodeError, RecursionError):
            return index + 1
        if isinstance(block, dict):
            self.context = context_of(block)
            self.inside, self.in_summary, self.data, self.spread_kind = False, False, "", ""
        return index + text[: start + end].count("\n") + 1

    def _read_table(self, lines: Sequence[bytes], index: int) -> int:
        """Read the table that begins on a line; return the line after it."""
        end = index
        while end < len(lines) and lines[end].strip()[:3] and lines[end].strip()[:1] in (b"|", b"+", b"\xe2"):
            end += 1
        texts = [line.decode("utf-8", "replace") for line in lines[index:end]]
        for row in rows_of_table(texts, certain=self.inside):
            self._add_table_row(row, index + row.row + 1)
        return max(end, index + 1)

    def _add_table_row(self, row: TableRow, line: int) -> None:
        name = measure_name(row.name)
        if name is None or not name.certain or not (self.inside or row.is_test or self._says_so(name)):
            return
        context = {"model": row.model} if row.model else {}
        context |= {"dataset": row.dataset} if row.dataset else {}
        kind = row.spread_kind or (self.spread_kind if row.spread is not None else "")
        self._add(name, row.value, line, unit=row.unit, spread=row.spread, spread_kind=kind, **context)

    def _read_line(self, message: str, number: int) -> None:
        text = BULLET.sub("", message)
        self._read_context(text)
        if self._read_error(message, number) or self._read_header(text):
            return
        if self.inside and (running := RUNNING.search(text)) and not self.trains:
            self._add_running(running, number)
            return
        if COUNTS_TRAINING.search(text) or TRAIN_SECTION.search(text):
            return
        self._read_pairs(text, number, ticked=bool(TICK.match(message)))

    def _read_error(self, message: str, number: int) -> bool:
        error = ERROR.match(message)
        if not error or not (self.inside or self.context.get("evaluates")):
            return False
        model = (error["model"] or "").strip() or self.context.get("model", "")
        self._result(metric="", value=None, line=number, error=error["error"].strip(), model=model)
        self.begun = False
        return True

    def _read_header(self, text: str) -> bool:
        """Take what a header says; a line with a result in it is no header."""
        if TRAIN_SECTION.search(text) and not PAIR.search(text):
            self.inside = False
            return True
        bare = text.strip("=*#~- \t")
        if saved := SAVED.search(text):
            self.saved_to.extend([] if "config" in Path(saved[1]).name else [saved[1]])
            return True
        if model := EVALUATING_MODEL.match(bare):
            named = model["name"] or model["named"]
            if named and (self.inside or model["name"]):
                self._begin(model=model_of(named))
                return True
        if evaluating := EVALUATING.match(bare):
            header, name = bare[: evaluating.start("name")], evaluating["name"]
            self._enter(bare if " " in name else header, name)
            self.begun = True
            return True
        if PAIR.search(_masked(bare)[0]):
            return False
        if summary := SUMMARY.search(bare):
            header, name = bare, summary["name"] or ""
            self._enter(header.removesuffix(name) if name else header, name)
            self.in_summary = bool(summary["name"]) or "summary" in bare.lower()
            return True
        if bare != text and HEADED.match(bare) and not self.trains:
            self._enter(bare, "")
            return True
        if self.in_summary and (head := MODEL_HEAD.match(text)):
            self.context = {**self.context, "model": head["name"]}
            return True
        return False

    def _enter(self, header: str, name: str) -> None:
        self.inside, self.in_summary = True, False
        self.data, self.spread_kind = data_in(header), spread_kind_in(header)
        self.first_of_section = len(self.results)
        name = name.strip()
        if name and re.fullmatch(r"[\w.@=+/-]+", name) and "experiment" not in self.context:
            self.context = {**self.context, "experiment": name}
        if told := N_EQUALS.search(header):
            self.context = {**self.context, "n": int(told[1] or told[2])}

    def _begin(self, *, model: str) -> None:
        self.inside, self.in_summary, self.begun = True, False, True
        self.context = {**self.context, "model": model}
        self.context.pop("checkpoint", None)
        if len(paths := self.context.get("checkpoints", ())) == 1:
            self.context["checkpoint"] = paths[0]

    def _read_context(self, text: str) -> None:
        """Take what a line says about the model and the data."""
        if path := CHECKPOINT.search(text):
            self.context = {**self.context, "checkpoint": path["path"] or path["named"]}
            if not self.context.get("model"):
                self.context["model"] = model_of(self.context["checkpoint"])
        if ood := DIFFICULTY.search(text):
            self.context = {**self.context, "ood": ood["ood"].lower() in ("true", "yes", "1")}
        if self.inside and (rank := RANK.search(text)):
            self.context = {**self.context, "rank": int(rank[1])}
        if dataset := DATASET.match(text):
            name = "inverse" if INVERSE.match(dataset["name"]) else dataset["name"]
            self.context = {**self.context, "dataset": name}
            if dataset["rows"]:
                self.context["rank"] = int(dataset["rows"])
        self._read_samples(text)

    def _read_samples(self, text: str) -> None:
        samples = SAMPLES.search(text) or ON_SAMPLES.search(text)
        if samples and (self.inside or ON_SAMPLES.search(text)):
            n = int(samples[1])
            self.context = {**self.context, "n": n}
            of_section = self.results[self.first_of_section :]
            self.results[self.first_of_section :] = [replace(r, n=r.n if r.n else n) for r in of_section]

    def _add_running(self, running: re.Match[str], number: int) -> None:
        name = measure_name(running["name"] or running["so_far"])
        if name is None:
            return
        result = self._made(name, _number(running["value"]), number, unit=running["unit"] or "")
        key = (result.experiment, result.model, result.metric)
        self.running[key] = replace(result, batches=int(running["at"]))
        self.begun = True

    def _read_pairs(self, text: str, number: int, *, ticked: bool) -> None:
        masked, brackets = _masked(text)
        pairs = [*PAIR.finditer(masked)]
        if not pairs:
            self._read_acc_at(text, number)
            return
        label = masked[: pairs[0].start()]
        for pair in pairs:
            name = measure_name(_unmasked(pair["name"], brackets))
            if name is None:
                continue
            labelled = replace(name, data=name.data or data_in(label))
            sure = pair["spread"] is not None or ticked or "@\x00" in pair["name"].replace(" ", "")
            if not (
                name.certain and (self.inside or sure or self._says_so(labelled)) or sure and self.inside
            ):
                continue
            self._add_pair(labelled, pair, brackets, number)

    def _read_acc_at(self, text: str, number: int) -> None:
        if self.trains and not self.inside:
            return
        for name, value in ACC_AT.findall(text):
            if understood := measure_name(name):
                self._add(understood, _number(value), number, unit="%")

    def _says_so(self, name: MeasureName) -> bool:
        """Say whether a name itself makes a result of a line outside any section."""
        if name.data in OF_A_FINISHED_MODEL:
            return True
        return bool(name.data) and (name.final or not self.trains)

    def _add_pair(self, name: MeasureName, pair: re.Match[str], brackets: Sequence[str], number: int) -> None:
        rest = _unmasked(pair["rest"] or "", brackets)
        value, unit, n = _number(pair["value"]), pair["unit"] or "", name.n
        spread = None if pair["spread"] is None else _number(pair["spread"])
        kind = spread_kind_in(rest) or spread_kind_in(name.note)
        if pair["of"]:
            n = int(pair["of"])
            share = SHARE.match(rest.strip())
            value = None if value is None or not n else 100 * value / n
            unit = "%" if share or value is not None else unit
        if spread is None and (within := WITHIN.search(rest)):
            spread, kind = _number(within["value"]), kind
        if told := N_EQUALS.search(rest):
            n = int(told[1] or told[2])
        kind = kind or (self.spread_kind if spread is not None else "")
        self._add(
            name, value, number, unit=unit, spread=spread, spread_kind=kind if spread is not None else "", n=n
        )

    def _add(self, name: MeasureName, value: float | None, line: int, **told: Any) -> None:
        result = self._made(name, value, line, **told)
        if name.spread_kind and (twin := self._twin(result)) is not None:
            self.results[twin] = replace(self.results[twin], spread=value, spread_kind=name.spread_kind)
            return
        self.results.append(result)
        self.running = {
            key: running
            for key, running in self.running.items()
            if not (key[1] == result.model and running.measure == result.measure)
        }
        self.begun = self.begun and bool(self.running)

    def _twin(self, result: EvaluationResult) -> int | None:
        """Return the place of the result whose spread this is."""
        for place in range(len(self.results) - 1, -1, -1):
            other = self.results[place]
            if (other.metric, other.model, other.dataset) == (result.metric, result.model, result.dataset):
                return place
        return None

    def _made(self, name: MeasureName, value: float | None, line: int, **told: Any) -> EvaluationResult:
        ood = self.context.get("ood")
        data = name.data or self.data or {True: "ood", False: "id", None: ""}[ood]
        metric = replace(name, data=data).metric
        if data in ("ood", "id"):
            ood = data == "ood"
        told = {key: item for key, item in told.items() if item is not None}
        return self._of_context(
            metric=metric, value=value, line=line, note=name.note, final=name.final, ood=ood, **told
        )

    def _of_context(self, **told: Any) -> EvaluationResult:
        names = ("model", "checkpoint", "experiment", "dataset", "rank", "ood", "n")
        known = {name: self.context[name] for name in names if self.context.get(name) is not None}
        return EvaluationResult(**{**known, **told, "source": self.path})

    def _result(self, **told: Any) -> None:
        self.results.append(self._of_context(**told))


def context_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a configuration says about the model and the data of an evaluation."""
    context: dict[str, Any] = {"evaluates": bool(configuration.get("evaluation_mode"))}
    for key, kind in (("rank", int), ("ood", bool), ("dataset", str)):
        value = configuration.get(key)
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            context[key] = value
    if isinstance(name := configuration.get("experiment_name"), str):
        context["experiment"] = name
    paths = configuration.get("model_checkpoints")
    if isinstance(paths, list) and all(isinstance(path, str) for path in paths):
        context["checkpoints"] = paths
    for key in ("checkpoint", "checkpoint_path", "ckpt_path", "model_path", "resume"):
        if isinstance(path := configuration.get(key), str) and path:
            context["checkpoint"] = path
            context["model"] = model_of(path)
    return context


def model_of(named: str) -> str:
    """Return a model's name: a path's folder where the file is named like every other.

    >>> model_of("results/q103_seed3/model-100.pt"), model_of("weights/resnet50.pth"), model_of("gpt2")
    ('q103_seed3', 'resnet50', 'gpt2')
    """
    named = named.strip().rstrip("./…").strip("'\"")
    if not re.search(r"[/.]", named):
        return named
    path = Path(named)
    while USUAL_FILE.fullmatch(path.stem) and path.parent.name:
        path = path.parent
    return path.stem if path.suffix in WEIGHTS else path.name


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # None, null, N/A: not measured


def _masked(text: str) -> tuple[str, list[str]]:
    """Return a text with placeholders for what stands in brackets, and those brackets."""
    brackets: list[str] = []

    def mask(match: re.Match[str]) -> str:
        brackets.append(match[0])
        return f"\x00{len(brackets) - 1}\x00"

    return BRACKETS.sub(mask, text), brackets


def _unmasked(text: str, brackets: Sequence[str]) -> str:
    restore: Callable[[re.Match[str]], str] = lambda match: brackets[int(match[1])]
    return MASKED.sub(restore, text)


def _without_repeats(results: Sequence[EvaluationResult]) -> Iterator[EvaluationResult]:
    """Yield each result once: what is printed again is the same, unless its number differs."""
    last: dict[tuple[str, ...], EvaluationResult] = {}
    for result in results:
        key = (result.experiment, result.model, result.dataset, result.metric, result.error)
        before = last.get(key)
        if before is None:
            last[key] = result
        elif _same_number(before, result):
            last[key] = _joined(before, result)
        elif before.note == result.note or not (before.note and result.note):
            last[key] = result
        else:
            last[(*key, result.note)] = result
    kept = sorted(last.values(), key=lambda result: result.line or 0)
    named = {r.metric for r in kept if r.model}
    yield from (r for r in kept if r.model or not (r.metric in named and _repeats_a_model(r, kept)))


def _repeats_a_model(result: EvaluationResult, others: Sequence[EvaluationResult]) -> bool:
    same = [o for o in others if o.model and o.metric == result.metric and o.experiment == result.experiment]
    return any(_same_number(result, other) for other in same)


def _same_number(a: EvaluationResult, b: EvaluationResult) -> bool:
    if a.error or b.error:
        return a.error == b.error
    if a.value is None or b.value is None:
        return a.value is b.value
    same = a.value == b.value or (a.value != a.value and b.value != b.value)
    return same or abs(a.value - b.value) <= 1e-9 * abs(a.value)


def _joined(first: EvaluationResult, again: EvaluationResult) -> EvaluationResult:
    """Return the first of two printings of one result, with what only the second says."""
    changes: dict[str, Any] = {
        name: getattr(again, name)
        for name in ("spread", "n", "note", "spread_kind", "checkpoint", "dataset", "rank", "ood")
        if getattr(first, name) in (None, "") and getattr(again, name) not in (None, "")
    }
    return replace(first, **changes)

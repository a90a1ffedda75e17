"""What a plan may say: hypotheses with predictions, and criteria of success.

A prediction is about one number for each seed. The number is read off a curve (``metric`` and ``readout``),
off the kept table of a probe (``probe``, ``column``, ``where``, ``statistic``), or is about the run itself
(``of_run``: how long it trained, whether it finished). The prediction says of the mean of these numbers
over seeds that it is higher than, lower than, or equivalent to that of another group (``against``) or a
number (``threshold``), and by which margin.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ired_diag.errors import WrongConfiguration
from ired_diag.plans.located import Located, Location, locate, read_located

FORMAT = 1
IDENTIFIER = re.compile(r"[A-Za-z][\w.-]{0,63}")
PERCENT = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*%")
TOO_MANY = 10  # complaints in one message

Cell = str | int | float | bool
Identifier = Annotated[str, Field(pattern=rf"^{IDENTIFIER.pattern}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _text_of_a_line(cls, value: object) -> object:
        """Where a text breaks its lines is no part of its meaning."""
        if isinstance(value, str):
            return " ".join(value.split())
        return value


class Prediction(_Part):
    """One prediction; the module says what its parts are.

    Attributes:
        id: What it is called.
        statement: What it says, in words.
        primary: Whether it counts towards the verdict of its hypothesis, and in the correction for several.
        metric: Name of a logged metric.
        readout: Which number of its curve.
        higher_is_better: Direction in which the metric improves, for whether a curve diverges. Default: by
            configuration and name.
        probe: Name of a probe.
        column: Column of its table.
        where: Values of other columns that choose rows.
        minus: Values that choose the rows to compare these with, row by row.
        statistic: What is taken of the rows: their mean, their median, or the share in which the value of
            ``where`` is larger than that of ``minus``.
        checkpoint: Step of the checkpoint, or ``last``.
        weights: Weights that the probe looked at. Default: the only ones there are.
        of_run: Seconds that it trained, or whether it finished.
        group: Group of runs, as for ``ired-diag stats``.
        against: Another group.
        threshold: Instead: a number that was fixed beforehand.
        direction: What the mean is predicted to be.
        margin: By how much, in the unit of the number; ``5%``: as a share of the other group's mean. A
            negative margin of ``higher`` or ``lower`` says how far it may lie on the other side.
        test: Whether equal seeds are pairs. Default: where the configurations state the same data.
        n: Seeds of each group; of sequential predictions, the most.
        stopping: Judged once, at n seeds, or at any number of seeds up to n.
        make: Command that makes the runs; it is printed where they are missing, and never run.
    """

    id: Identifier
    statement: str = ""
    primary: bool = True
    metric: str = ""
    readout: Literal["last", "best", "last10", "area", "plateau"] = "last"
    higher_is_better: bool | None = None
    probe: str = ""
    column: str = ""
    where: dict[str, Cell] = {}
    minus: dict[str, Cell] = {}
    statistic: Literal["mean", "median", "share_larger"] = "mean"
    checkpoint: int | Literal["last"] = "last"
    weights: Literal["raw", "ema"] | None = None
    of_run: Literal["seconds", "finished"] | None = None
    group: str = Field(min_length=1)
    against: str = ""
    threshold: float | None = None
    direction: Literal["higher", "lower", "equivalent"]
    margin: float | str = 0.0
    test: Literal["auto", "paired", "unpaired"] = "auto"
    n: int = Field(ge=2, le=10_000)
    stopping: Literal["fixed", "sequential"] = "fixed"
    make: str = ""

    @field_validator("margin")
    @classmethod
    def _is_a_margin(cls, value: float | str) -> float | str:
        if isinstance(value, str) and not PERCENT.fullmatch(value):
            raise ValueError("expected a number in the unit of what is measured, or a percentage such as 5%")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        complaints = [*self._of_the_number(), *self._of_the_comparison()]
        if complaints:
            raise ValueError("; ".join(complaints))
        return self

    def _of_the_number(self) -> Iterator[str]:
        sources = [name for name in ("metric", "probe", "of_run") if getattr(self, name)]
        if len(sources) != 1:
            written = " and ".join(sources) or "none"
            yield f"expected exactly one of metric, probe and of_run, found {written}"
        if self.probe and not self.column:
            yield "a probe needs the column of its table"
        if not self.probe and (self.column or self.where or self.minus):
            yield "column, where and minus are about the table of a probe, and no probe is named"
        if self.statistic == "share_larger" and not self.minus:
            yield "share_larger compares the rows of where with those of minus, which is missing"

    def _of_the_comparison(self) -> Iterator[str]:
        if bool(self.against) == (self.threshold is not None):
            yield "expected either against or threshold"
        if self.against == self.group:
            yield f"group and against are both {self.group!r}"
        share, size = self.margin_parts
        if self.direction == "equivalent" and not size > 0:
            yield "equivalent needs a margin above 0: what is too small to matter"
        if self.direction == "lower" and share and size >= 1:
            yield "no mean is lower by 100% or more"
        if self.direction == "equivalent" and share and size >= 1:
            yield "a margin of 100% or more calls any two means equivalent"
        if share and self.threshold is not None:
            yield "a margin in percent is one of the other group's mean; with a threshold, write a number"
        if self.stopping == "sequential" and self.readout == "plateau" and self.metric:
            yield (
                "a plateau is found again with every seed, so a sequential prediction needs another readout "
                "(last, best, last10, area)"
            )
        if self.of_run == "finished":
            yield from self._of_the_finished()

    def _of_the_finished(self) -> Iterator[str]:
        if self.threshold is None or not 0 < self.threshold < 1:
            yield "finished is a share of seeds: it needs a threshold between 0 and 1"
        if self.direction == "equivalent" or self.stopping == "sequential":
            yield "finished is tested as higher or lower, with fixed stopping"
        if self.margin != 0:
            yield "finished takes no margin: put it into the threshold"

    @property
    def margin_parts(self) -> tuple[bool, float]:
        """Whether the margin is a share of the other group's mean, and its size."""
        if isinstance(self.margin, str):
            hit = PERCENT.fullmatch(self.margin)
            if hit is not None:
                return True, float(hit[1]) / 100
        return False, float(self.margin)


class Hypothesis(_Part):
    """A hypothesis: supported where all of its primary predictions are, refuted where one of them is."""

    id: Identifier
    statement: str = Field(min_length=1)
    predictions: tuple[Prediction, ...] = Field(min_length=1)

    @field_validator("predictions", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class Criterion(_Part):
    """A criterion of success: predictions or hypotheses of which all, or any, must be supported."""

    id: Identifier
    statement: str = ""
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    @field_validator("all_of", "any_of", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if bool(self.all_of) == bool(self.any_of):
            raise ValueError("expected either all_of or any_of, with ids of predictions or hypotheses")
        return self

    def secondary_of(self, predictions: Sequence[Prediction]) -> list[str]:
        """Return which of its predictions are secondary, so that no correction holds for them.

        Args:
            predictions: All predictions of the plan.
        """
        names = [*self.all_of, *self.any_of]
        return [each.id for each in predictions if each.id in names and not each.primary]


class Plan(_Part):
    """A declared analysis.

    Attributes:
        format: Version of the form, 1.
        title: What it is about.
        runs: Folder where names of groups are looked up, from the folder of the plan.
        alpha: Chance of any wrong "supported", and of any wrong "refuted", over all primary predictions.
        hypotheses: What is believed, and how it would show.
        success: When the work has succeeded.
    """

    format: Literal[1]
    title: str = ""
    runs: str = "runs"
    alpha: float = Field(0.05, gt=0, lt=0.5)
    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)
    success: tuple[Criterion, ...] = ()

    @field_validator("hypotheses", "success", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @property
    def predictions(self) -> list[Prediction]:
        """All predictions, in their order."""
        predictions: list[Prediction] = []
        for hypothesis in self.hypotheses:
            predictions += hypothesis.predictions
        return predictions


def read_plan(path: Path) -> Plan:
    """Return the plan in a file.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, or is too large.
        WrongConfiguration: With the line of each mistake, and what is allowed there.
    """
    return _plan_of(read_located(path))


def parse_plan(text: str, where: str = "plan.yaml") -> Plan:
    """Return the plan that a text states; errors as of ``read_plan``."""
    return _plan_of(locate(text, where))


def _plan_of(document: Located) -> Plan:
    if not isinstance(document.content, dict):
        raise WrongConfiguration(
            f"{document.where}: expected a plan, which begins with 'format: {FORMAT}', found "
            f"{_short(document.content)}. An example: ired-diag plan new"
        )
    try:
        plan = Plan(**document.content)
    except ValidationError as error:
        complaints = []
        for problem in _first_of_each_value(error):
            # A list that lost its items to other mistakes is not a mistake of its own.
            if problem["type"] != "too_short" or not problem["input"]:
                complaints.append(_complaint(problem, document))
        raise _refusal(list(dict.fromkeys(complaints))) from error
    except TypeError as error:  # a key that is no name
        raise WrongConfiguration(f"{document.where}: {error}.") from error
    complaints = list(_of_identifiers(plan, document))
    if complaints:
        raise _refusal(complaints)
    return plan


def _first_of_each_value(error: ValidationError) -> Iterator[Mapping[str, Any]]:
    """Yield pydantic's complaints, of a value that may be of several kinds only the first."""
    seen: set[tuple[Location, str]] = set()
    for problem in error.errors():
        location = _location_of(problem)
        is_alternative = len(location) < len(problem["loc"])
        key = (location, "" if is_alternative else str(problem["msg"]))
        if key not in seen:
            seen.add(key)
            yield problem


def _refusal(complaints: Sequence[str]) -> WrongConfiguration:
    shown = list(complaints[:TOO_MANY])
    if len(complaints) > TOO_MANY:
        shown.append(f"and {len(complaints) - TOO_MANY} more")
    return WrongConfiguration("; ".join(shown).rstrip(".") + ".")


def _of_identifiers(plan: Plan, document: Located) -> Iterator[str]:
    """Yield which names stand twice, and which criteria name nothing."""
    taken: dict[str, str] = {}
    for name, location in _identifiers(plan):
        place = document.place(location)
        if name in taken:
            yield f"{place}: the id {name!r} is taken at {taken[name]}"
        taken.setdefault(name, place)
    usable = list(_names_of_predictions(plan))
    for number, criterion in enumerate(plan.success):
        for name in (*criterion.all_of, *criterion.any_of):
            if name not in usable:
                place = document.place(("success", number))
                listed = ", ".join(usable)
                yield f"{place}: {criterion.id}: there is no {name!r}; there are {listed}"


def _identifiers(plan: Plan) -> Iterator[tuple[str, Location]]:
    for number, hypothesis in enumerate(plan.hypotheses):
        at = ("hypotheses", number)
        yield hypothesis.id, (*at, "id")
        for place, prediction in enumerate(hypothesis.predictions):
            yield prediction.id, (*at, "predictions", place, "id")
    for number, criterion in enumerate(plan.success):
        yield criterion.id, ("success", number, "id")


def _names_of_predictions(plan: Plan) -> Iterator[str]:
    for hypothesis in plan.hypotheses:
        yield hypothesis.id
        for prediction in hypothesis.predictions:
            yield prediction.id


def _complaint(problem: Mapping[str, Any], document: Located) -> str:
    """Return one of pydantic's complaints with its line and what is allowed."""
    location = _location_of(problem)
    kind = str(problem["type"])
    key = "plan"
    if location:
        key = str(location[-1])
    place = document.place(location)
    given = problem["input"]
    if kind == "missing":
        return f"{place}: {_owner(location)}{key!r} is missing"
    if kind == "extra_forbidden":
        return f"{place}: {key!r} is not a key here; {_keys_at(location)}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if kind == "value_error" and isinstance(given, dict):  # of a part as a whole
        return f"{place}: {_name_of(given)}{message}"
    expected = _expected(kind, message, problem)
    return f"{place}: {key}: {expected}, found {_short(given)}"


def _location_of(problem: Mapping[str, Any]) -> Location:
    """Return the keys and places that lead to a mistake.

    Where a value may be of several kinds, pydantic adds the kind that it tried last: no key is called so.
    """
    location: list[str | int] = []
    for part in problem["loc"]:
        is_kind = str(part) in ("int", "float", "str", "bool") or str(part).startswith("literal[")
        if not is_kind:
            location.append(part)
    return tuple(location)


def _expected(kind: str, message: str, problem: Mapping[str, Any]) -> str:
    if kind == "too_short":
        return "expected at least one"
    if kind == "literal_error":
        allowed = str(problem["ctx"]["expected"]).replace("'", "")
        return f"expected {allowed}"
    if kind == "string_type":
        return "expected text; put a number or a word like yes and on into quotes"
    if kind == "string_pattern_mismatch":
        return "expected a name of letters, digits, '.', '_' and '-' that begins with a letter"
    if kind == "tuple_type":
        return "expected a list, each item after a '-'"
    if kind in ("int_type", "int_parsing"):
        return "expected a whole number"
    if kind in ("bool_type", "bool_parsing"):
        return "expected true or false"
    if kind == "model_type":
        return "expected keys with values, such as 'id: H1'"
    return message[0].lower() + message[1:]


def _owner(location: Location) -> str:
    """Return of what part a key is missing."""
    parts = {"hypotheses": "hypothesis", "predictions": "prediction", "success": "criterion"}
    for part in reversed(location[:-1]):
        if part in parts:
            return f"of this {parts[str(part)]}, "
    return ""


def _keys_at(location: Location) -> str:
    """Return the keys that are allowed where an unknown one stands, the nearest first."""
    part: type[_Part] = Plan
    parts: dict[str, type[_Part]] = {
        "hypotheses": Hypothesis,
        "predictions": Prediction,
        "success": Criterion,
    }
    for step in location[:-1]:
        part = parts.get(str(step), part)
    keys = list(part.model_fields)
    close = difflib.get_close_matches(str(location[-1]), keys, n=1)
    listed = ", ".join(keys)
    if close:
        return f"did you mean {close[0]!r}? There are {listed}"
    return f"there are {listed}"


def _name_of(content: object) -> str:
    if isinstance(content, dict) and isinstance(content.get("id"), str):
        return f"{content['id']}: "
    return ""


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    text = json.dumps(value, default=str, ensure_ascii=False)
    if len(text) > 60:
        return f"{text[:57]}…"
    return text

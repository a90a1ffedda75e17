"""A study file: which experiments are trained, with which seeds and settings, and how they are compared.

    title: Three strategies, in a pilot
    experiments: [q001, q002, q003]
    seeds: 0-2
    set: {train_steps: 10000, rank: 10}
    probes: [conditioning]

One command trains what the file names, compares it and writes the report; called again, it goes on from what
is there.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ired_diag.comparison.margin import parse_margin
from ired_diag.comparison.readouts import READOUTS
from ired_diag.errors import WrongConfiguration
from ired_diag.plans.located import Located, locate, read_located
from ired_diag.training.plan import PlannedRun, check_apart, parse_seeds, parse_settings, plan

Setting = str | int | float | bool | list[float] | None

TOO_MANY = 10  # complaints in one message


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Trained(_Part):
    """An experiment that is trained.

    Attributes:
        experiment: A named experiment, a variant of a sweep, or a JSON file.
        name: Another name for it, under which its runs are kept.
        set: Settings of its own, which count for more than those of the study.
    """

    experiment: str = Field(min_length=1)
    name: str | None = Field(None, min_length=1)
    set: dict[str, Setting] = {}


class StudyFile(_Part):
    """What a study trains, and how it compares.

    Attributes:
        title: Title of the report.
        question: What the study asks.
        experiments: What is trained, in the order in which it is compared.
        seeds: Seeds of each: ``0-4``, ``0,2,5`` or ``[0, 2, 5]``.
        set: Settings of all of them.
        probes: Probes that are put to the last checkpoints.
        metric: Metric that is compared. Default: found by its name.
        readout: Which number of its curve.
        margin: Smallest difference that matters, as for ``ired-diag stats``.
        runs: Runs folder, as seen from the folder of the file.
        report: Page that is written, likewise.
    """

    title: str = ""
    question: str = ""
    experiments: tuple[Trained, ...] = Field(min_length=1)
    seeds: str = "0"
    set: dict[str, Setting] = {}
    probes: tuple[str, ...] = ()
    metric: str | None = None
    readout: str = "plateau"
    margin: str = "1%"
    runs: str = "runs"
    report: str = "report.html"

    @field_validator("experiments", mode="before")
    @classmethod
    def _names_stand_alone(cls, value: object) -> object:
        if not isinstance(value, list) or not value:
            raise ValueError(
                f"expected a list of experiments, such as [q001, q002], found {_in_brief(value)}"
            )
        entries = []
        for entry in value:
            entries.append({"experiment": entry} if isinstance(entry, str) else entry)
        return tuple(entries)

    @field_validator("probes", mode="before")
    @classmethod
    def _several_probes(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("seeds", mode="before")
    @classmethod
    def _numbers_in_a_list_are_seeds(cls, value: object) -> object:
        parts = value if isinstance(value, list) else [value]
        if not parts or not all(map(_states_seeds, parts)):
            raise ValueError(f"expected seeds, such as 0-4 or [0, 2, 5], found {_in_brief(value)}")
        return ",".join(map(str, parts))

    @field_validator("margin", mode="before")
    @classmethod
    def _margin_may_be_a_number(cls, value: object) -> object:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if is_number else value

    @field_validator("margin")
    @classmethod
    def _is_a_margin(cls, value: str) -> str:
        try:
            parse_margin(value)
        except ValueError as error:
            raise ValueError(
                "expected a share such as 1% or 0.01, or 0.05abs in the metric's unit"
            ) from error
        return value

    @field_validator("readout")
    @classmethod
    def _is_a_readout(cls, value: str) -> str:
        if value not in READOUTS:
            raise ValueError(f"expected one of {', '.join(READOUTS)}, found {value!r}")
        return value

    def planned(self, runs: Path) -> list[PlannedRun]:
        """Return the runs that the study trains; those that are there go on.

        Args:
            runs: The runs folder.

        Raises:
            DiagError: An experiment, a seed or a setting cannot be used, or a run was trained otherwise.
        """
        planned: list[PlannedRun] = []
        for trained in self.experiments:
            settings = _as_texts({**self.set, **trained.set})
            planned += plan(
                trained.experiment,
                self.seeds,
                settings,
                name=trained.name,
                runs=runs,
                resume=True,
                may_all_be_new=True,
            )
        check_apart(planned)
        return planned


def _states_seeds(part: object) -> bool:
    """Say whether a value is a seed, or a text that may state seeds: ``0-4``."""
    return isinstance(part, int | str) and not isinstance(part, bool)


def _in_brief(value: object) -> str:
    return json.dumps(value, default=str)[:60]


def _as_texts(settings: Mapping[str, Setting]) -> list[str]:
    texts = []
    for key, value in settings.items():
        text = value if isinstance(value, str) else json.dumps(value)
        texts.append(f"{key}={text}")
    return texts


def read_study_file(path: Path) -> StudyFile:
    """Return the study that a YAML file describes.

    Raises:
        NotFound: There is no such file.
        UnreadableFile: It cannot be read, or is too large.
        WrongConfiguration: With the line of each mistake.
    """
    return _study_of(read_located(path, of="study", first=f"ired-diag study {path} --new"))


def parse_study(text: str, where: str = "study.yaml") -> StudyFile:
    """Return the study that a text describes; errors as of ``read_study_file``."""
    return _study_of(locate(text, where))


def first_study() -> str:
    """Return the text of the study that ``--new`` writes: three strategies in a pilot."""
    return files("ired_diag.plans.examples").joinpath("pilot.yaml").read_text(encoding="utf-8")


def _study_of(document: Located) -> StudyFile:
    if not isinstance(document.content, dict):
        raise WrongConfiguration(
            f"{document.where}: expected a study, such as 'experiments: [q001, q002]', found "
            f"{json.dumps(document.content)[:60]}."
        )
    try:
        study = StudyFile(**document.content)
    except ValidationError as error:
        complaints = [_complaint(problem, document) for problem in error.errors()]
        shown = list(dict.fromkeys(complaints))[:TOO_MANY]
        raise WrongConfiguration("; ".join(shown) + ".") from error
    parse_seeds(study.seeds, option=f"{document.place(('seeds',))}: seeds")
    for trained in study.experiments:
        parse_settings(_as_texts(trained.set))
    return study


def _complaint(problem: Mapping[str, Any], document: Located) -> str:
    location = tuple(part for part in problem["loc"] if isinstance(part, int) or part.islower())
    place = document.place(location)
    key = ".".join(str(part) for part in problem["loc"] if isinstance(part, str))
    if problem["type"] == "extra_forbidden":
        names = Trained.model_fields if "experiments" in problem["loc"] else StudyFile.model_fields
        close = difflib.get_close_matches(str(problem["loc"][-1]), names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"
        return f"{place}: {key!r} is not a key{hint}"
    if problem["type"] == "missing":
        return f"{place}: {key!r} is missing"
    if problem["type"] == "tuple_type":
        return f"{place}: {key}: expected a list, such as [conditioning]"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {key}: {message[:1].lower()}{message[1:]}"

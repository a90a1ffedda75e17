"""Results files: one JSON object with what an evaluation measured, of one model or nested by model.

Read are numbers whose names are known measures (``mse_mean``, ``eval_accuracy``), ``null`` and the words
``NaN`` and ``Infinity`` in their place, and ``"error"`` texts. ``mse_std`` is the spread of ``mse_mean``, and
``{"mse": {"mean": 0.2, "std": 0.1}}`` is the same. A name above numbers is a model's, unless it names data
(``ood``), is a container's (``results``, ``models``), or the file is lm-eval's, where it is a task's.
Settings (``config``, ``args``) say to what the numbers belong and are not results.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import read_json
from ired_diag.readers.evaluation_context import Context, context_of, model_of
from ired_diag.readers.measure_names import DATA, MeasureName, measure_name
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult
from ired_diag.runs.labels import experiment_number
from ired_diag.runs.run import Run

FORMAT_NAME = "results_json"
HEAD = 4096
NAMED = re.compile(r"(?i)(?:^|[_.-])(?:results?|eval\w*|evaluation|scores?|test_metrics)(?:[_.-]|$)")
TRAINING = re.compile(r"(?i)^(?:train|all_train)")
LINES = re.compile(rb"\}\s*\n\s*\{")  # JSON lines, and rows of training, are other readers'
OF_TRAINING = re.compile(rb'"(?:training_iteration|_?step|iteration|log_history)"\s*:')
SETTINGS = frozenset(
    "config configs configuration args arguments hyperparameters hparams params settings difficulty versions "
    "environment metadata provenance git_hash config_general n-shot higher_is_better group_subtasks".split()
)
CONTAINERS = frozenset(
    "results result models model_results evaluations evaluation metrics summary scores".split()
)
SAMPLES = (
    "n",
    "num_samples",
    "n_samples",
    "samples",
    "num_examples",
    "eval_samples",
    "test_samples",
    "count",
)
MEANS = ("mean", "value", "avg", "average")
NAMES = ("model", "model_name", "name")
DESCRIBING = ("config", "configuration", "difficulty", "args")
NUMBERS_AS_WORDS = {
    "nan": math.nan,
    "inf": math.inf,
    "infinity": math.inf,
    "-inf": -math.inf,
    "-infinity": -math.inf,
}
SEED = re.compile(r"(?i)(?:^|[^a-z])seed[_=-]?(\d{1,9})(?!\d)")
LM_EVAL = ("n-shot", "versions", "lm_eval_version")
DATA_BY_OOD = {True: "ood", False: "id", None: ""}


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a results file, by its name and its first 4 KiB."""
    if path.suffix.lower() != ".json" or not NAMED.search(path.stem) or TRAINING.match(path.stem):
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    return head.lstrip()[:1] == b"{" and not (LINES.search(head) or OF_TRAINING.search(head))


def read(path: Path) -> Run:
    """Return the evaluation in a results file.

    Raises:
        UnreadableFile: It is not a JSON object, or holds no number by the name of a measure.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: is not a JSON object ({error}).") from error
    if not isinstance(content, dict):
        raise UnreadableFile(f"{path}: expected a JSON object, found {type(content).__name__}.")
    results = results_in(content, path)
    if not results:
        raise UnreadableFile(
            f"{path}: holds no number by the name of a known measure, such as mse or accuracy."
        )
    configuration = _object(content, "config")
    if configuration is None:
        configuration = _object(content, "configuration")
    name = next((result.experiment for result in results if result.experiment), "")
    return Run(
        path=path,
        sources=(path,),
        experiment=_experiment(name, path),
        name=name or None,
        seed=_seed(content, configuration, path),
        configuration=configuration,
        ending=_ending(results),
        format=FORMAT_NAME,
        results=results,
    )


def _experiment(name: str, path: Path) -> str:
    numbered = experiment_number(name) or name or experiment_number(path.stem)
    return numbered or path.resolve().parent.name


def _ending(results: Sequence[EvaluationResult]) -> Ending:
    for result in results:
        if result.error:
            return Ending("unexplained", failure_of(result))
    return Ending("complete", "a results file")


def failure_of(result: EvaluationResult) -> str:
    """Return an error as a summary prints it: ``q230: ERROR - no such key``."""
    failure = f"ERROR - {result.error}"
    return f"{result.model}: {failure}" if result.model else failure


def results_in(content: Mapping[str, Any], path: Path) -> tuple[EvaluationResult, ...]:
    """Return the results in a JSON object.

    Args:
        content: The object.
        path: The file, which each result names.
    """
    collected = _Collected(path, of_tasks=any(key in content for key in LM_EVAL))
    collected.read(content, Context(), "")
    return tuple(collected.results)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where in a file an object stands.

    Attributes:
        context: What is said of the numbers in it.
        data: The data that a name above it says, such as ``ood``.
        first: Place of the first result of the object among all results.
    """

    context: Context
    data: str
    first: int = 0


@dataclass
class _Collected:
    """The results of one file, collected from the top object down."""

    path: Path
    of_tasks: bool
    results: list[EvaluationResult] = field(default_factory=list)

    def read(self, node: Mapping[str, Any], above: Context, data: str) -> None:
        """Read an object's numbers, and the objects in it.

        Args:
            node: The object.
            above: What is said of it by the objects above.
            data: The data that a name above it says, such as ``ood``.
        """
        place = _Place(
            context=_context(node, above),
            data=_split(node) or data,
            first=len(self.results),
        )
        for key, value in node.items():
            if key not in SETTINGS:
                self._read_value(key, value, place)

    def _read_value(self, key: str, value: Any, place: _Place) -> None:
        if isinstance(value, Mapping):
            self._enter(key, value, place)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, Mapping):
                    self.read(item, place.context, place.data)
        elif key.lower() == "error" and isinstance(value, str) and value:
            self._append(place.context, metric="", value=None, error=value)
        elif _is_number(value):
            name = measure_name(key)
            if name and name.certain:
                self._add(name, _number(value), place)

    def _enter(self, key: str, value: Mapping[str, Any], place: _Place) -> None:
        """Read an object by what its name is: a measure, data, a container, a task or a model."""
        context = place.context
        data = place.data
        name = measure_name(key)
        has_numbers = any(map(_is_number, value.values()))
        if name is not None and name.certain and has_numbers:
            inner = _Place(context=_context(value, context), data=data, first=len(self.results))
            self._read_measure(name, value, inner)
        elif key.lower() in CONTAINERS:
            self.read(value, context, data)
        elif key.lower() in DATA:
            self.read(value, context, DATA[key.lower()])
        elif self.of_tasks:
            self.read(value, replace(context, dataset=key), data)
        else:
            self.read(value, context.of_model(model_of(key)), data)

    def _read_measure(self, name: MeasureName, value: Mapping[str, Any], place: _Place) -> None:
        """Read ``{"mean": …, "std": …, "n": …}``, or a number for each kind of data."""
        for key, item in value.items():
            if not _is_number(item):
                continue
            role = measure_name(f"{name.measure}_{key}")
            spread_kind = role.spread_kind if role else ""
            if key.lower() in DATA:
                named = replace(name, data=DATA[key.lower()])
                self._add(named, _number(item), place)
            elif key.lower() in MEANS or spread_kind:
                named = replace(name, spread_kind=spread_kind)
                self._add(named, _number(item), place)

    def _add(self, name: MeasureName, value: float | None, place: _Place) -> None:
        """Add a number, or give it as the spread to that result of its object that it belongs to."""
        data = name.data or place.data or DATA_BY_OOD[place.context.ood]
        metric = replace(name, data=data).metric
        if name.spread_kind:
            self._add_spread(metric, value, name.spread_kind, first=place.first)
            return
        own = {"ood": data == "ood"} if data in ("ood", "id") else {}
        self._append(place.context, metric=metric, value=value, final=name.final, note=name.note, **own)

    def _add_spread(self, metric: str, spread: float | None, kind: str, *, first: int) -> None:
        for place in range(first, len(self.results)):
            result = self.results[place]
            if result.metric == metric:
                self.results[place] = replace(result, spread=spread, spread_kind=kind)

    def _append(self, context: Context, **stated: Any) -> None:
        fields = {**context.stated(), **stated, "source": self.path}
        self.results.append(EvaluationResult(**fields))


def _context(node: Mapping[str, Any], above: Context) -> Context:
    """Return what is said of the numbers in an object, by it and by what stands above it."""
    context = above
    for key in DESCRIBING:
        part = _object(node, key)
        if part is not None:
            context = replace(context, **context_of(part).stated())
    context = replace(context, **context_of(node).stated())
    model = _first_text(node, NAMES)
    samples = _first_count(node, SAMPLES)
    return replace(
        context,
        model=model_of(model) if model else context.model,
        n=context.n if samples is None else samples,
    )


def _first_text(node: Mapping[str, Any], keys: Sequence[str]) -> str:
    for key in keys:
        value = node.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _first_count(node: Mapping[str, Any], keys: Sequence[str]) -> int | None:
    for key in keys:
        value = node.get(key)
        if type(value) is int and value > 0:
            return value
    return None


def _split(node: Mapping[str, Any]) -> str:
    """Return the data that an object says it was measured on."""
    return DATA.get(str(node.get("split")).lower(), "")


def _object(node: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value = node.get(key)
    return value if isinstance(value, dict) else None


def _is_number(value: object) -> bool:
    """Say whether a value is a number, or stands in the place of one."""
    if isinstance(value, str):
        return value.strip().lower() in NUMBERS_AS_WORDS
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        return NUMBERS_AS_WORDS[value.strip().lower()]
    return float(value)


def _seed(content: Mapping[str, Any], configuration: Mapping[str, Any] | None, path: Path) -> int | None:
    for seed in (content.get("seed"), (configuration or {}).get("seed")):
        if isinstance(seed, int) and not isinstance(seed, bool):
            return seed
    for name in (path.stem, path.resolve().parent.name):
        match = SEED.search(name)
        if match:
            return int(match[1])
    return None

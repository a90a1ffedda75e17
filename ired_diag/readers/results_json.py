"""Results files: one JSON object with what an evaluation measured, of one model or nested by model.

Read are numbers whose names are known measures (``mse_mean``, ``eval_accuracy``), ``null`` and the words
``NaN`` and ``Infinity`` in their place, and ``"error"`` texts. ``mse_std`` is the spread of ``mse_mean``, and
``{"mse": {"mean": 0.2, "std": 0.1}}`` is the same. A name above numbers is a model's, unless it names data
(``ood``), is a container's (``results``, ``models``), or the file is lm-eval's, where it is a task's.
Settings (``config``, ``args``) say to what the numbers belong and are no results.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.json_text import read_json
from ired_diag.readers.evaluation_context import Context, context_of, model_of
from ired_diag.readers.measure_names import DATA, MeasureName, measure_name
from ired_diag.runs.attempt import Attempt, experiment_number
from ired_diag.runs.ending import Ending
from ired_diag.runs.evaluation_result import EvaluationResult

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


def accepts(path: Path) -> bool:
    """Say whether ``path`` is a results file, by its name and its first 4 KiB."""
    if path.suffix.lower() != ".json" or not NAMED.search(path.stem) or TRAINING.match(path.stem):
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    return head.lstrip()[:1] == b"{" and not (LINES.search(head) or OF_TRAINING.search(head))


def read(path: Path) -> Attempt:
    """Return the evaluation that a results file tells of.

    Raises:
        UnreadableFile: It is no JSON object, or holds no number by the name of a measure.
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
    configuration = next(
        (content[key] for key in ("config", "configuration") if isinstance(content.get(key), dict)), None
    )
    name = next((result.experiment for result in results if result.experiment), "")
    errors = [result for result in results if result.error]
    return Attempt(
        source=(path,),
        experiment=experiment_number(name)
        or name
        or experiment_number(path.stem)
        or path.resolve().parent.name,
        name=name or None,
        seed=_seed(content, configuration, path),
        job=None,
        configuration=configuration,
        rows=(),
        evaluations=0,
        ending=Ending("unexplained", failure_of(errors[0]))
        if errors
        else Ending("complete", "a results file"),
        format=FORMAT_NAME,
        results=results,
    )


def failure_of(result: EvaluationResult) -> str:
    """Return an error as a summary prints it: ``q230: ERROR - no such key``."""
    return f"{result.model}: ERROR - {result.error}" if result.model else f"ERROR - {result.error}"


def results_in(content: Mapping[str, Any], path: Path) -> tuple[EvaluationResult, ...]:
    """Return the results in a JSON object.

    Args:
        content: The object.
        path: The file, which each result names.
    """
    collected = _Collected(path, of_tasks=any(key in content for key in LM_EVAL))
    collected.read(content, Context(), "")
    return tuple(collected.results)


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
            above: What is known from where it stands.
            data: The data that a name above it says, such as ``ood``.
        """
        context, data = _context(node, above), _split(node) or data
        first = len(self.results)
        for key, value in node.items():
            if key in SETTINGS:
                continue
            if isinstance(value, Mapping):
                self._enter(key, value, context, data)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, Mapping):
                        self.read(item, context, data)
            elif key.lower() == "error" and isinstance(value, str) and value:
                self._append(context, metric="", value=None, error=value)
            elif _is_number(value) and (name := measure_name(key)) and name.certain:
                self._add(name, _number(value), context, data, first)

    def _enter(self, key: str, value: Mapping[str, Any], context: Context, data: str) -> None:
        """Read an object by what its name is: a measure, data, a container, a task or a model."""
        name = measure_name(key)
        if name is not None and name.certain and any(map(_is_number, value.values())):
            self._read_measure(name, value, _context(value, context), data)
        elif key.lower() in CONTAINERS:
            self.read(value, context, data)
        elif key.lower() in DATA:
            self.read(value, context, DATA[key.lower()])
        elif self.of_tasks:
            self.read(value, replace(context, dataset=key), data)
        else:
            self.read(value, context.of_model(model_of(key)), data)

    def _read_measure(self, name: MeasureName, value: Mapping[str, Any], context: Context, data: str) -> None:
        """Read ``{"mean": …, "std": …, "n": …}``, or a number for each kind of data."""
        first = len(self.results)
        for key, item in value.items():
            if not _is_number(item):
                continue
            role = measure_name(f"{name.measure}_{key}")
            if key.lower() in DATA:
                self._add(replace(name, data=DATA[key.lower()]), _number(item), context, data, first)
            elif key.lower() in MEANS or (role is not None and role.spread_kind):
                kind = role.spread_kind if role else ""
                self._add(replace(name, spread_kind=kind), _number(item), context, data, first)

    def _add(self, name: MeasureName, value: float | None, context: Context, data: str, first: int) -> None:
        """Add a number, or give it as the spread to that one of its object that it belongs to."""
        data = name.data or data or {True: "ood", False: "id", None: ""}[context.ood]
        metric = replace(name, data=data).metric
        if not name.spread_kind:
            own = {"ood": data == "ood"} if data in ("ood", "id") else {}
            self._append(context, metric=metric, value=value, final=name.final, note=name.note, **own)
            return
        for place in range(first, len(self.results)):
            if self.results[place].metric == metric:
                self.results[place] = replace(self.results[place], spread=value, spread_kind=name.spread_kind)

    def _append(self, context: Context, **told: Any) -> None:
        self.results.append(EvaluationResult(**{**context.known(), **told, "source": self.path}))


def _context(node: Mapping[str, Any], above: Context) -> Context:
    """Return what is known of the numbers in an object, from it and from what stands above it."""
    parts: list[Mapping[str, Any]] = [node[key] for key in DESCRIBING if _object(node, key) is not None]
    context = above
    for part in (*parts, node):
        context = replace(context, **context_of(part).known())
    named = next((name for key in NAMES if isinstance(name := node.get(key), str) and name), "")
    counted = next((n for key in SAMPLES if type(n := node.get(key)) is int and n > 0), context.n)
    return replace(context, model=model_of(named) if named else context.model, n=counted)


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
    if isinstance(value, str):
        return NUMBERS_AS_WORDS[value.strip().lower()]
    return None if value is None else float(value)


def _seed(content: Mapping[str, Any], configuration: Mapping[str, Any] | None, path: Path) -> int | None:
    for told in (content.get("seed"), (configuration or {}).get("seed")):
        if isinstance(told, int) and not isinstance(told, bool):
            return told
    names = (path.stem, path.resolve().parent.name)
    named = next((match for name in names if (match := SEED.search(name))), None)
    return int(named[1]) if named else None

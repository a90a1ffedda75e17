"""Results files: one JSON object with what an evaluation measured, of one model or nested by model.

Read are numbers whose names are known measures (``mse_mean``, ``eval_accuracy``), ``null`` and the words
``NaN`` and ``Infinity`` in their place, and ``"error"`` texts. ``mse_std`` is the spread of ``mse_mean``, and
``{"mse": {"mean": 0.2, "std": 0.1}}`` is the same. A name above numbers is a model's, unless it names data
(``ood``), is a container's (``results``, ``models``), or the file is lm-eval's, where it is a task's. Settings
(``config``, ``args``) say to what the numbers belong and are no results.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ired_diag.errors import UnreadableFile
from ired_diag.readers.measure_names import DATA, MeasureName, measure_name
from ired_diag.readers.printed_results import context_of, model_of
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
SAMPLES = frozenset(
    "n num_samples n_samples samples num_examples eval_samples test_samples count num_evaluated".split()
)
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
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
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
    context = {"source": path, "of_tasks": any(key in content for key in LM_EVAL)}
    results: list[EvaluationResult] = []
    _walk(content, context, results)
    return tuple(results)


def _walk(node: Mapping[str, Any], above: Mapping[str, Any], results: list[EvaluationResult]) -> None:
    context = _context(node, above)
    first = len(results)
    for key, value in node.items():
        if key in SETTINGS:
            continue
        if isinstance(value, Mapping):
            _enter(key, value, context, results)
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            for item in value:
                _walk(item, context, results)
        elif key.lower() == "error" and isinstance(value, str) and value:
            results.append(_result(context, metric="", value=None, error=value))
        elif (number := _number(value)) is not NO_NUMBER and (name := measure_name(key)) and name.certain:
            _add(results, first, context, name, number)


def _enter(
    key: str, value: Mapping[str, Any], context: Mapping[str, Any], results: list[EvaluationResult]
) -> None:
    """Read an object by what its name is: a measure, data, a container, a task or a model."""
    name = measure_name(key)
    if name is not None and name.certain and any(_number(v) is not NO_NUMBER for v in value.values()):
        _read_measure(name, value, context, results)
    elif key.lower() in CONTAINERS:
        _walk(value, context, results)
    elif key.lower() in DATA:
        _walk(value, {**context, "data": DATA[key.lower()]}, results)
    elif context["of_tasks"]:
        _walk(value, {**context, "dataset": key}, results)
    else:
        _walk(value, {**context, "model": model_of(key)}, results)


def _read_measure(
    name: MeasureName, value: Mapping[str, Any], context: Mapping[str, Any], results: list[EvaluationResult]
) -> None:
    """Read ``{"mean": …, "std": …, "n": …}``, or a number for each kind of data."""
    context = _context(value, context)
    first = len(results)
    for key, item in value.items():
        if (number := _number(item)) is NO_NUMBER:
            continue
        if key.lower() in ("mean", "value", "avg", "average"):
            _add(results, first, context, name, number)
        elif key.lower() in DATA:
            _add(results, first, context, replace(name, data=DATA[key.lower()]), number)
        elif (spread := measure_name(f"{name.measure}_{key}")) and spread.spread_kind:
            _add(results, first, context, replace(name, spread_kind=spread.spread_kind), number)


def _add(
    results: list[EvaluationResult],
    first: int,
    context: Mapping[str, Any],
    name: MeasureName,
    number: float | None,
) -> None:
    data = name.data or context.get("data") or {True: "ood", False: "id", None: ""}[context.get("ood")]
    metric = replace(name, data=data).metric
    ood = data == "ood" if data in ("ood", "id") else context.get("ood")
    same = [place for place in range(first, len(results)) if results[place].metric == metric]
    if name.spread_kind and same:
        results[same[0]] = replace(results[same[0]], spread=number, spread_kind=name.spread_kind)
    elif not name.spread_kind:
        results.append(
            _result(context, metric=metric, value=number, ood=ood, final=name.final, note=name.note)
        )


def _result(context: Mapping[str, Any], **told: Any) -> EvaluationResult:
    names = ("model", "checkpoint", "experiment", "dataset", "rank", "ood", "n", "source")
    return EvaluationResult(
        **{**{name: context[name] for name in names if context.get(name) is not None}, **told}
    )


def _context(node: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the numbers in an object, from it and from what stands above it."""
    context = dict(above)
    for part in (
        *(node[key] for key in ("config", "configuration", "difficulty", "args") if key in node),
        node,
    ):
        if isinstance(part, Mapping):
            context |= {
                key: item for key, item in context_of(part).items() if key not in ("evaluates", "checkpoints")
            }
    for key in ("model", "model_name", "name"):
        if isinstance(model := node.get(key), str) and model:
            context["model"] = model_of(model)
            break
    if isinstance(split := node.get("split"), str) and split.lower() in DATA:
        context["data"] = DATA[split.lower()]
    for key in SAMPLES & node.keys():
        if isinstance(n := node[key], int) and not isinstance(n, bool) and n > 0:
            context["n"] = n
    return context


class _NoNumber:
    """What stands for a value that is neither a number nor an absent one."""


NO_NUMBER = _NoNumber()


def _number(value: object) -> float | None | _NoNumber:
    if value is None:
        return None
    if isinstance(value, bool):
        return NO_NUMBER
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return NUMBERS_AS_WORDS.get(value.strip().lower(), NO_NUMBER)
    return NO_NUMBER


def _seed(content: Mapping[str, Any], configuration: Mapping[str, Any] | None, path: Path) -> int | None:
    for told in (content.get("seed"), (configuration or {}).get("seed")):
        if isinstance(told, int) and not isinstance(told, bool):
            return told
    named = next(
        (found for name in (path.stem, path.resolve().parent.name) if (found := SEED.search(name))), None
    )
    return int(named[1]) if named else None

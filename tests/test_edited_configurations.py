"""Any value of a run's config.json may be edited: that run is read or is one line; the others are read."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from ired_diag.errors import UnreadableFile
from ired_diag.runs.store import read_run
from ired_diag.runs.stored_values import brief, value_of_type

Key = tuple[str | int, ...]

STORED: dict[str, Any] = {
    "experiment": "q900",
    "name": "q900_synthetic",
    "variant": None,
    "seed": 0,
    "config": {"experiment_name": "q900_synthetic", "mining_strategy": "none", "rank": 20, "ood": False},
    "validated": True,
    "evaluations": 3,
    "ending": {"state": "complete", "detail": "", "inferred": False, "cause": ""},
    "findings": [
        {
            "rule": "odd",
            "severity": "note",
            "statement": "Odd.",
            "evidence": {"n": 1},
            "advice": "",
            "runs": ["q900 seed0"],
        }
    ],
    "results": [
        {
            "metric": "ood/mse",
            "value": 0.2,
            "source": "x.out",
            "line": 3,
            "spread": 0.01,
            "n": 5,
            "last_batch": 4,
        }
    ],
    "provenance": {
        "job": "17",
        "started": "2026-01-24T00:53:55",
        "git_commit": "0123456",
        "sources": [{"path": "x.out", "bytes": 1}],
    },
    "run_name": "",
    "checkpoints": "",
}
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    2**70,
    10**400,
    math.nan,
    1e308,
    "",
    "x" * 300,
    "x" * 5000,
    "\ud800",
    "a\0b",
    "../..\n",
    [],
    [1],
    [[{}]],
    {},
    {"a": {"b": [1]}},
)


def keys_of(content: dict[str, Any] | list[Any], above: Key = ()) -> Iterator[Key]:
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from keys_of(value, (*above, key))


KEYS = list(keys_of(STORED))


def edited(key: Key, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(STORED)
    place: Any = content
    for part in key[:-1]:
        place = place[part]
    place[key[-1]] = value
    return {"format": 1, **content}


def write(folder: Path, content: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(content))
    rows = [{"step": 100 * k, "validation/mse": 1 / k} for k in range(1, 12)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def listed(runs: Path, *options: str) -> str:
    result = CliRunner().invoke(main, ["ls", str(runs), *options])
    assert result.exception is None, result.exception
    return result.stdout


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(map(str, key)))
def test_a_folder_with_an_edited_run_is_listed_whole(tmp_path: Path, key: Key) -> None:
    write(tmp_path / "good", {"format": 1, **STORED, "experiment": "q901"})
    for number, value in enumerate(ODD):
        write(tmp_path / f"edited{number}", edited(key, value))
    content = json.loads(listed(tmp_path, "--json"))
    assert "q901" in {run["experiment"] for run in content["runs"]}
    places = [run["path"] for run in content["runs"]] + [line["path"] for line in content["skipped"]]
    assert sorted(places) == sorted(map(str, tmp_path.iterdir()))
    for line in content["skipped"]:
        assert line["reason"].startswith("config.json") or str(line["path"]) in line["reason"]
        assert len(line["reason"].splitlines()) == 1 and len(line["reason"]) < 400
    assert "q901" in listed(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (("seed",), True, "seed: expected a whole number, found True"),
        (("seed",), 2**70, "seed: expected a whole number of at most 64 bits"),
        (("seed",), "0", "seed: expected a whole number, found '0'"),
        (("experiment",), 3, "experiment: expected a text, found 3"),
        (("experiment",), None, "experiment: expected a text, found nothing"),
        (("name",), [1], r"name: expected a text, found \[1\]"),
        (("ending",), "complete", "ending: expected an object, found 'complete'"),
        (("ending", "state"), ["complete"], "state: expected a text"),
        (("ending", "cause"), "boredom", "cause: expected a cause that this version knows"),
        (("findings",), {}, "findings: expected a list, found {}"),
        (("findings", 0), 7, "findings: expected a list of objects, found 7"),
        (
            ("findings", 0, "severity"),
            "grave",
            "severity: expected one of note, warning, error",
        ),
        (("findings", 0, "evidence", "n"), [1], "evidence, 'n': expected a number or a text"),
        (("findings", 0, "runs"), "q900", "runs: expected a list, found 'q900'"),
        (("findings", 0, "runs", 0), 7, "findings, runs: expected a list of texts, found 7"),
        (("results", 0, "last_batch"), "4", "last_batch: expected a whole number, found '4'"),
        (("results", 0, "value"), "low", "value: expected a number, found 'low'"),
        (("checkpoints",), "a\0b", "checkpoints: expected a path"),
        (("provenance", "sources", 0), "x.out", "sources: expected a list of objects"),
        (("provenance", "job"), {"id": 1}, "job: expected a text"),
    ],
)
def test_a_wrong_type_is_an_error_that_names_its_key(tmp_path: Path, key: Key, value: Any, said: str) -> None:
    write(tmp_path / "run", edited(key, value))
    with pytest.raises(UnreadableFile, match=said):
        read_run(tmp_path / "run")


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(UnreadableFile) as error:
        value_of_type({"seed": "9" * 5000}, "seed", int, Path("config.json"))
    assert len(str(error.value)) < 150
    assert brief(1.5) == "1.5"


@pytest.mark.parametrize("command", ["stats", "diagnose"])
@pytest.mark.parametrize("value", [{}, [1], "x" * 5000, "\ud800", True, 10**300, 1e308])
def test_a_setting_may_be_anything(tmp_path: Path, command: str, value: object) -> None:
    for seed in range(3):
        for name in ("q900", "q901"):
            settings = {key: value for key in STORED["config"]} if name == "q901" else STORED["config"]
            content = {"format": 1, **STORED, "experiment": name, "seed": seed, "config": settings}
            write(tmp_path / name / str(seed), content)
    arguments = ["stats", "q900", "q901", "--runs"] if command == "stats" else ["diagnose"]
    result = CliRunner().invoke(main, [*arguments, str(tmp_path)])
    assert result.exit_code == 0, result.exception


def test_what_findings_and_results_hold_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path / "run", {"format": 1, **STORED})
    run = read_run(tmp_path / "run")
    assert [json.loads(json.dumps(asdict(finding))) for finding in run.findings] == STORED["findings"]
    assert [result.last_batch for result in run.results] == [4]


def two_groups(runs: Path, value: object) -> Path:
    """Write three seeds of two groups, of which one has ``value`` in every setting, and a run named so."""
    for seed in range(3):
        for name in ("q900", "q901"):
            settings = {key: value for key in STORED["config"]} if name == "q901" else STORED["config"]
            content = {"format": 1, **STORED, "experiment": name, "seed": seed, "config": settings}
            write(runs / name / str(seed), {**content, "run_name": value, "name": value})
    write(runs / "odd", edited(("seed",), value))
    return runs


@pytest.mark.parametrize(
    "value", ["x" * 5000, "\ud800", True, [1]], ids=["long", "surrogate", "true", "list"]
)
def test_reports_figures_and_checks_are_made_whatever_a_setting_is(tmp_path: Path, value: object) -> None:
    runs = two_groups(tmp_path / "runs", value)
    (tmp_path / "report.md").write_text("The mean of q900 is 0.09 and of q901 0.09 (n = 3).\n")
    commands = {
        "check": [str(tmp_path / "report.md"), "--runs", str(runs), "--full"],
        "report": ["q900", "q901", "--runs", str(runs), "--out", str(tmp_path / "page.html")],
        "figures": ["q900", "q901", "--runs", str(runs), "--out", str(tmp_path / "figures")],
        "import": [str(runs), "--runs", str(tmp_path / "imported")],
        "probe": ["floor", "q901", "--runs", str(runs)],
        "train": ["--from", "q901/seed0@100", "--runs", str(runs)],
    }
    for command, arguments in commands.items():
        result = CliRunner().invoke(main, [command, *arguments])
        assert isinstance(result.exception, SystemExit | None), (command, result.exception)
        if result.exit_code:
            assert result.stderr.splitlines()[-1].startswith("ired-diag: ")
            assert len(result.stderr.splitlines()[-1]) < 1000, command


@pytest.mark.parametrize("page", ["study", "curves", "statistics", "findings"])
@pytest.mark.parametrize(
    "value", ["x" * 5000, "\ud800", True, [1]], ids=["long", "surrogate", "true", "list"]
)
def test_the_dashboard_opens_whatever_a_setting_is(
    tmp_path: Path, browse: Any, ask: Any, value: object, page: str
) -> None:
    client = browse(two_groups(tmp_path / "runs", value))
    address = f"?page={page}&groups=q900,q901"
    assert ask(client, "content.children", frame_data={"search": address, "number": 1})["content"]

"""A session with the SDK's own client over standard input and output."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import ired_diag as ird
from app.agents.answers import answer, check, diagnose, gate
from app.agents.confinement import Confinement, Outside
from app.agents.reply import Reply, as_json
from app.cli import main
from app.cli.mcp import INSTALL

ROOT = Path(__file__).parents[1]
Question = tuple[str, dict[str, Any]]
Answers = list[tuple[bool, dict[str, Any], str]]
needs_sdk = pytest.mark.skipif(
    importlib.util.find_spec("mcp") is None, reason="the extra 'agents' is not installed"
)


def table(path: Path, **groups: Sequence[float]) -> Path:
    rows = ["group,seed,val_loss"]
    for group, values in groups.items():
        rows += [f"{group},{seed},{value!r}" for seed, value in enumerate(values)]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    inside.mkdir()
    new = [0.90, 0.92, 0.91, 0.89, 0.905, 0.915]
    old = [1.00, 1.03, 1.01, 0.99, 1.0, 1.02]
    table(inside / "results.csv", new=new, old=old)
    table(inside / "more.csv", new=[*new, 0.91, 0.9], old=[*old, 1.01, 1.0])
    table(inside / "single.csv", lone=[0.5], pair=[0.6, 0.7])
    lines = [f'{{"step": {100 * k}, "val_loss": {1 / (k + 1)}}}' for k in range(30)]
    (inside / "log").mkdir()
    (inside / "log" / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (inside / "report.md").write_text("| group | val_loss |\n|---|---|\n| new | 0.907 |\n| old | 0.5 |\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    table(outside / "secret.csv", a=[1.0, 2.0], b=[2.0, 3.0])
    (inside / "way_out").symlink_to(outside)
    return inside


def ask(
    folder: Path, questions: Sequence[Question], *, server: Sequence[str] = ("-m", "app.cli", "mcp")
) -> Answers:
    """Return of each question whether it failed, its structured answer and its text."""
    import anyio
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        "OMP_NUM_THREADS": "1",
        "IRED_DIAG_TEST_OUTSIDE": str(folder.parent / "outside" / "secret.csv"),
    }
    started = StdioServerParameters(
        command=sys.executable,
        args=[*server, str(folder)],
        env=environment,
        cwd=ROOT,
    )
    answers: Answers = []

    async def session() -> None:
        async with Client(stdio_client(started)) as client:
            for name, arguments in questions:
                if name == "list":
                    listed = await client.list_tools()
                    described = {tool.name: tool.model_dump() for tool in listed.tools}
                    answers.append((False, described, ""))
                elif name == "cancel":
                    with anyio.move_on_after(4):
                        await client.call_tool(arguments["tool"], arguments["arguments"])
                    answers.append((False, {}, "cancelled"))
                else:
                    result = await client.call_tool(name, arguments)
                    text = str(getattr(result.content[0], "text", "")) if result.content else ""
                    answers.append((bool(result.is_error), result.structured_content or {}, text))

    with ThreadPoolExecutor(1) as own:  # a test of a browser leaves a loop in the thread of the tests
        own.submit(anyio.run, session).result()
    return answers


@needs_sdk
@pytest.mark.slow
def test_a_session_lists_and_calls_each_tool(folder: Path) -> None:
    listed, compared, gated, diagnosed, checked, probed = ask(
        folder,
        [
            ("list", {}),
            ("compare", {"groups": ["new", "old"], "runs": "results.csv"}),
            ("gate", {"new": "new", "against": "old", "runs": "more.csv"}),
            ("diagnose", {"paths": ["log"]}),
            ("check", {"report": "report.md", "runs": "results.csv"}),
            ("probe", {"paths": ["log"]}),
        ],
    )
    tools = listed[1]
    assert list(tools) == ["compare", "gate", "diagnose", "check", "probe"]
    for tool in tools.values():
        assert "not" in tool["description"].lower(), "says what it must not be used for"
        assert tool["input_schema"]["additionalProperties"] is False
        assert tool["annotations"]["read_only_hint"] is True
    assert not compared[0], compared[2]
    assert compared[1]["verdict"] == "new is better than old"
    assert compared[1]["n"] == {"new": 6, "old": 6}
    assert compared[1]["noise"]["new"] == pytest.approx(0.0108, rel=0.01)
    assert json.loads(compared[2]) == compared[1]
    assert gated[1]["verdict"] == "keep"
    assert gated[1]["numbers"]["interval"][0] > 0
    assert not diagnosed[0], diagnosed[2]
    assert diagnosed[1]["n"]["runs"] == 1
    assert checked[1]["verdict"] == "1 claim does not hold"
    assert checked[1]["n"]["holds"] == 1
    assert probed[0]
    assert "measures nothing" in probed[2]
    numbers = json.dumps([compared[1], gated[1]])
    assert "0.915" not in numbers, "a row of the table is in an answer"


def test_every_run_that_a_fact_touches_is_counted(tmp_path: Path) -> None:
    losses = [2.0, 1.5, 1.0, 0.5, 0.2, 0.1, 0.1, 0.1, 0.3, 0.9, 2.7, 8.0, 20.0, 21.0, 22.0]
    for name in ("a", "b", "c"):
        lines = [f"{step},{loss}" for step, loss in enumerate(losses, start=ord(name))]
        (tmp_path / f"{name}.csv").write_text("\n".join(["step,val_loss", *lines]) + "\n")
    reply = diagnose(Confinement(tmp_path), [str(tmp_path)], ["curve_shape"])
    assert reply.n["errors"] == 3
    (said,) = [line for line in reply.statements if "diverged" in line]
    assert "2 further findings say the same with other names and numbers. In all 3 runs: a" in said


def test_an_order_that_holds_by_the_means_is_no_proof(folder: Path) -> None:
    table(folder / "noisy.csv", new=[1.0, 1.2], old=[1.1, 1.3])
    (folder / "words.md").write_text("# Results\nnew is better than old.\n")
    reply = check(Confinement(folder), str(folder / "words.md"), str(folder / "noisy.csv"))
    assert reply.n["holds"] == 1
    assert "holds by the means alone" in reply.caveats[0]


def test_what_is_not_known_yet_has_a_reason(folder: Path) -> None:
    table(folder / "few.csv", new=[1.0, 1.2], old=[1.1, 1.3, 1.0])
    reply = gate(Confinement(folder), "new", "old", str(folder / "few.csv"))
    nulls = [name for name, value in reply.numbers.items() if value is None]
    for name in nulls:
        assert any(reason.startswith(f"numbers.{name} is null: ") for reason in reply.unknown), name
    assert "more_seeds" in nulls


@needs_sdk
@pytest.mark.slow
def test_bad_input_is_refused_in_one_line(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    questions: list[Question] = [
        ("gate", {"new": "new", "threshold": 1, "margn": 0.1}),
        ("gate", {"new": "new"}),
        ("compare", {"groups": 3}),
        ("compare", {"groups": ["new", "old"], "readout": "luckiest", "runs": "results.csv"}),
        ("compare", {"groups": ["new", "absent"], "runs": "results.csv"}),
        ("check", {"report": "absent.md"}),
        ("diagnose", {"paths": ["../outside"]}),
        ("diagnose", {"paths": [str(folder.parent / "outside")]}),
        ("diagnose", {"paths": ["way_out/secret.csv"]}),
        ("compare", {"groups": ["a=way_out/*.csv", "b=log"]}),
        ("compare", {"groups": ["a=~/x", "b=log"]}),
        ("check", {"report": "/etc/hostname"}),
        ("probe", {"name": "no_such_probe"}),
    ]
    answers = ask(folder, questions)
    for question, (is_error, _, text) in zip(questions, answers, strict=True):
        assert is_error, question
        assert "\n" not in text, text
        assert "Traceback" not in text
    texts = [text for _, _, text in answers]
    assert "Did you mean 'margin'?" in texts[0]
    assert "--against" in texts[1]
    assert "luckiest" in texts[3]
    assert "new, old" in texts[4]
    for text in texts[6:12]:
        assert "leads out of the folder" in text
    assert sorted(folder.rglob("*")) == before


@needs_sdk
@pytest.mark.slow
def test_a_link_that_leads_out_is_not_followed_on_the_way(folder: Path) -> None:
    ((is_error, reply, text),) = ask(folder, [("diagnose", {})])
    assert not is_error, text
    assert "secret" not in text
    assert reply["n"]["runs"] >= 1


@needs_sdk
@pytest.mark.slow
def test_what_is_not_finite_is_null_with_a_reason(folder: Path) -> None:
    compared, gated = ask(
        folder,
        [
            ("compare", {"groups": ["lone", "pair"], "runs": "single.csv"}),
            ("gate", {"new": "pair", "threshold": 1, "runs": "single.csv"}),
        ],
    )
    assert not compared[0], compared[2]
    assert compared[1]["noise"]["lone"] is None
    assert "noise.lone is null: its noise is unknown: one seed has no spread" in compared[1]["unknown"]
    assert gated[1]["verdict"] == "undecided"
    assert gated[1]["numbers"]["interval"] == [None, None]
    assert any(reason.startswith("numbers.interval[0] is null") for reason in gated[1]["unknown"])


@needs_sdk
@pytest.mark.slow
def test_a_defect_in_a_tool_is_said_and_the_session_goes_on(folder: Path) -> None:
    server = (str(ROOT / "tests" / "agent_server.py"),)
    zero, dead, wrote, read, fine, _cancelled, again = ask(
        folder,
        [
            ("check", {"report": "zero"}),
            ("check", {"report": "die"}),
            ("check", {"report": "write"}),
            ("check", {"report": "read"}),
            ("check", {"report": "fine"}),
            ("cancel", {"tool": "check", "arguments": {"report": "slow"}}),
            ("gate", {"new": "new", "against": "old", "runs": "more.csv"}),
        ],
        server=server,
    )
    assert zero[0]
    assert "defect of ired-diag (ZeroDivisionError)" in zero[2]
    assert dead[0]
    assert "died" in dead[2]
    assert wrote[0]
    assert not (folder / "written.txt").exists()
    assert read[0]
    assert "fine" not in read[2]
    assert fine[1]["numbers"] == {"mean": 0.5, "bound": None, "sd": None, "values": [0, 1]}
    assert len(fine[1]["unknown"]) == 2
    assert again[1]["verdict"] == "keep"


@pytest.mark.slow
def test_the_probe_tool_reads_kept_answers_without_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "q101" / "seed0"
    shutil.copytree(ROOT / "sample_runs" / "q101" / "seed0", run)
    table = ird.probe("conditioning", str(run), samples=64)
    monkeypatch.chdir(tmp_path)
    reply = as_json(answer(str(tmp_path.resolve()), "probe", {"name": "conditioning", "paths": ["."]}))
    assert reply["verdict"] == "1 kept answer"
    (finding,) = table.attrs["findings"]
    assert finding["statement"] in reply["statements"][0]
    assert reply["caveats"] == []
    for checkpoint in (run / "checkpoints").iterdir():
        os.utime(checkpoint)
    later = answer(str(tmp_path.resolve()), "probe", {"name": "all", "paths": ["."]})
    assert "before its newest checkpoint was written" in later.caveats[0]


def test_a_confinement_refuses_what_leads_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    confinement = Confinement(folder.resolve())
    for text in ("q101", "log", "new=log/*.jsonl", "./log", str(folder.resolve() / "log"), "q301@steps=5"):
        assert confinement.check("runs", text) == text
    for text in (
        "..",
        "log/../..",
        "/",
        "~",
        "way_out",
        "x=../*",
        "x=/etc/*",
        "x=way_out/*",
        "x=*/secret.csv",
    ):
        with pytest.raises(Outside):
            confinement.check("runs", text)


def test_numbers_of_numpy_are_python_numbers_and_reasons_stand_next_to_null() -> None:
    import numpy as np

    reply = Reply(verdict="", statements=[], numbers={"p": np.float64(0.5), "low": -np.inf})
    content = as_json(reply)
    assert content["numbers"] == {"p": 0.5, "low": None}
    assert type(content["numbers"]["p"]) is float
    assert content["unknown"] == ["numbers.low is null: infinite, there is no bound yet"]


@contextmanager
def without_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("app.cli.mcp.find_spec", lambda _name: None)
    yield


def test_without_the_sdk_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_sdk(monkeypatch):
        said = CliRunner().invoke(main, ["mcp", str(tmp_path)])
    assert said.exit_code == 1
    assert INSTALL in said.stderr

"""A session with the SDK's own client over standard input and output."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

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

    anyio.run(session)
    return answers


@needs_sdk
@pytest.mark.slow
def test_a_session_lists_and_calls_each_tool(folder: Path) -> None:
    listed, compared, gated, diagnosed, checked, probed = ask(
        folder,
        [
            ("list", {}),
            ("compare", {"groups": ["new", "old"], "runs": "results.csv"}),
            ("gate", {"new": "new", "against": "old", "runs": "results.csv"}),
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
            ("gate", {"new": "new", "against": "old", "runs": "results.csv"}),
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

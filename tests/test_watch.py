"""A watch of logs that grow: each event once, also after a restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import ired_diag as ird
from app.calls.watching import rule_of, watcher_of
from app.cli import main
from app.watching import loop
from app.watching.decisions import Rule
from app.watching.delivery import Command, Webhook
from app.watching.event import Event
from app.watching.memory import Memory, held, memory_file, read_memory
from app.watching.watcher import Watcher
from ired_diag.errors import CannotWrite, DiagError, UnreadableFile
from ired_diag.runs.run import Run
from tests.test_live_rise import DIVERGED

ROOT = Path(__file__).parents[1]
START = 1_700_000_000.0
LOOK = 60.0  # s
CALM = [2.0, 1.5, 1.2, 1.1, 1.05, 1.02, 1.01, 1.0, 0.99, 1.0, 0.99, 1.0]


class Bed:
    """A folder with logs, a clock, and a watcher."""

    def __init__(self, folder: Path, *, rule: Rule | None = None, announce_old: bool = False) -> None:
        self.folder = folder
        self.clock = START
        self.options: dict[str, Any] = {"every": LOOK, "rule": rule, "announce_old": announce_old}
        self.watcher = self.begun(Memory())

    def begun(self, memory: Memory) -> Watcher:
        return watcher_of(self.folder, memory, **self.options)

    def restart(self) -> None:
        """Begin again with what a file would keep."""
        kept = json.loads(self.watcher.memory.as_json())
        self.watcher = self.begun(Memory.of(kept))

    def write(self, name: str, values: Sequence[float], *, tail: str = "") -> Path:
        path = self.folder / name
        lines = [f"{step},{value!r}" for step, value in enumerate(values, start=1)]
        path.write_text("\n".join(["step,val_loss", *lines]) + "\n" + tail)
        os.utime(path, (self.clock, self.clock))
        return path

    def look(self) -> list[tuple[str, str]]:
        events = self.watcher.look(self.clock)
        self.clock += LOOK
        return [(event.kind, event.run) for event in events]

    def grow(self, name: str, values: Sequence[float], *, begin: int = 4) -> dict[str, int]:
        """Let a log grow by a value a look; return at how many values each kind was announced."""
        kinds: dict[str, int] = {}
        for count in range(begin, len(values) + 1):
            self.write(name, values[:count])
            for kind, _ in self.look():
                assert kind not in kinds, f"{kind} twice"
                kinds[kind] = count
        return kinds


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    folder = tmp_path / "logs"
    folder.mkdir()
    return Bed(folder)


def test_a_divergence_is_announced_once_and_not_again_after_a_restart(bed: Bed) -> None:
    kinds = bed.grow("a.csv", DIVERGED)
    assert kinds == {"diverged": 11}
    bed.restart()
    bed.write("a.csv", [*DIVERGED, 1.5])
    assert bed.look() == []


def test_a_run_that_recovers_is_announced_too_and_may_diverge_again(bed: Bed) -> None:
    rest = 0.1 * np.exp(0.02 * np.random.default_rng(0).standard_normal(10))
    back = [*DIVERGED[:11], 0.6, 0.3, 0.12, 0.11, *rest.tolist()]
    kinds = bed.grow("a.csv", back)
    assert list(kinds) == ["diverged", "recovered"]
    again = [*back, *[0.1 * 3**k for k in range(1, 12)]]
    assert "diverged" in bed.grow("a.csv", again, begin=len(back) + 1)


def test_a_healthy_run_is_left_alone_and_its_silence_is_announced_once(bed: Bed) -> None:
    assert bed.grow("a.csv", CALM) == {}
    kinds = [kind for _ in range(12) for kind, _ in bed.look()]
    assert kinds == ["stalled"]
    bed.write("a.csv", [*CALM, 0.99])
    assert bed.look() == [("recovered", "a/unseeded")]


def test_nan_is_announced_after_three_values_and_a_gap_is_not(bed: Bed) -> None:
    nan = float("nan")
    assert bed.grow("a.csv", [*CALM[:6], nan, 1.0, nan, nan, 1.0, 0.99]) == {}
    assert bed.grow("a.csv", [*CALM[:6], nan, nan, nan, nan]) == {"not_finite": 9}
    bed.write("a.csv", [*CALM[:6], nan, nan, nan, nan, 1.0])
    assert ("recovered", "a/unseeded") in bed.look()


def test_a_text_log_that_prints_nan_goes_on_until_it_is_silent(bed: Bed) -> None:
    def write(losses: Sequence[float]) -> None:
        path = bed.folder / "a.log"
        lines = [
            f"step {100 * k} | train loss {loss:.4f} | val loss {loss:.4f}" for k, loss in enumerate(losses)
        ]
        path.write_text("\n".join(lines) + "\n")
        os.utime(path, (bed.clock, bed.clock))

    kinds: list[str] = []
    for count in range(3, 9):
        write([*CALM[:6], *[float("nan")] * count])
        kinds += [kind for kind, _ in bed.look()]
    assert kinds == ["not_finite"]
    kinds += [kind for _ in range(12) for kind, _ in bed.look()]
    assert kinds[:1] + kinds[-1:] == ["not_finite", "ended"]


def test_a_half_written_last_line_waits_for_its_rest(bed: Bed) -> None:
    bed.write("a.csv", CALM, tail="13,10")
    bed.look()
    bed.write("a.csv", CALM, tail="13,1000.0\n14,1000")
    assert bed.look() == []


def test_a_file_that_begins_again_shorter_is_read_again(bed: Bed) -> None:
    """Rotated, truncated, or resumed into a new file of the same name."""
    bed.grow("a.csv", DIVERGED)
    (bed.folder / "a.csv").unlink()
    bed.write("a.csv", CALM[:3])
    (event,) = bed.watcher.look(bed.clock)
    assert "Its log began again" in event.statement
    assert bed.grow("a.csv", DIVERGED) == {"diverged": 11}


def test_a_file_that_appears_later_is_followed(bed: Bed) -> None:
    bed.write("a.csv", CALM)
    bed.look()
    assert bed.grow("b.csv", DIVERGED) == {"diverged": 11}


def test_only_files_that_changed_are_read_again(bed: Bed) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        bed.write(name, CALM)
    bed.look()
    before = bed.watcher.catalog.reader.parses
    bed.look()
    assert bed.watcher.catalog.reader.parses == before
    bed.write("b.csv", [*CALM, 1.0])
    bed.look()
    assert bed.watcher.catalog.reader.parses == before + 1


def test_runs_that_were_over_before_are_counted_and_not_announced(tmp_path: Path) -> None:
    for announce_old, expected in ((False, []), (True, ["diverged", "stalled"])):
        folder = tmp_path / f"logs{announce_old}"
        folder.mkdir()
        bed = Bed(folder, announce_old=announce_old)
        bed.write("a.csv", [*DIVERGED, *[2.0] * 10])
        bed.clock += 7200
        assert [kind for kind, _ in bed.look()] == expected


def test_a_finished_curve_has_the_last_word(bed: Bed) -> None:
    """A rise of 1.8 times is borne while a run goes on, and diagnose calls it diverged: so does the end."""
    rise = [1.0, 1.05, 1.15, 1.3, 1.5, 1.6, 1.7, 1.75, 1.8, 1.8, 1.8, 1.8]
    values = [*np.exp(np.linspace(2, 0, 20)).tolist(), *rise]
    assert bed.grow("a.csv", values) == {}
    kinds = [kind for _ in range(12) for kind, _ in bed.look()]
    assert kinds == ["diverged", "stalled"]
    finding = next(f for f in ird.diagnose(bed.folder) if f.rule == "curve_shape")
    assert "diverged" in finding.statement


def test_over_fitting_is_called_by_its_name(bed: Bed) -> None:
    path = bed.folder / "a.csv"
    kinds = []
    for count in range(4, 40):
        lines = []
        for step in range(1, count + 1):
            validation = 1.0 + 2 * np.exp(-step / 2) + 0.35 * max(0, step - 12)
            lines.append(f"{step},{2 * np.exp(-step / 5):.5f},{validation:.5f}")
        path.write_text("\n".join(["epoch,train_loss,val_loss", *lines]) + "\n")
        os.utime(path, (bed.clock, bed.clock))
        kinds += [kind for kind, _ in bed.look()]
    assert kinds == ["over_fitting"]


def test_a_run_whose_process_is_gone_is_announced(bed: Bed) -> None:
    from ired_diag.runs.history import Row, to_jsonl

    gone = subprocess.Popen(["true"])
    gone.wait()
    folder = bed.folder / "q1" / "seed0"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"format": 1, "seed": 0, "experiment": "q1", "name": "q1"}')
    rows = [Row(step, {"val_loss": value}) for step, value in enumerate(CALM)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    (folder / "lock").write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
    for path in folder.iterdir():
        os.utime(path, (bed.clock, bed.clock))
    assert bed.look() == []
    (folder / "lock").write_text(f"process {gone.pid} on {socket.gethostname()}\n")
    os.utime(folder / "lock", (bed.clock, bed.clock))
    assert [kind for kind, _ in bed.look()] == ["ended"]
    assert bed.look() == []


def finish_seeds(bed: Bed, group: str, level: float, seeds: Sequence[int]) -> list[str]:
    """Write finished seeds one after the other, and return what was announced until all were silent."""
    kinds = []
    rng = np.random.default_rng(0)
    for seed in seeds:
        values = [value * level + 0.001 * rng.standard_normal() for value in CALM]
        path = bed.folder / group / f"seed{seed}"
        path.mkdir(parents=True, exist_ok=True)
        bed.write(f"{group}/seed{seed}/metrics.csv", values)
        for _ in range(40):
            kinds += [f"{kind} {run}" for kind, run in bed.look()]
    return [kind for kind in kinds if not kind.startswith("stalled")]


def test_a_group_is_decided_on_as_its_seeds_finish(tmp_path: Path) -> None:
    bed = Bed(tmp_path, rule=rule_of(None, 0.9))
    assert finish_seeds(bed, "good", 0.5, range(6)) == ["decided good"]
    assert bed.watcher.memory.decided == {"good": "keep"}
    assert finish_seeds(bed, "bad", 2.0, range(5)) == ["decided bad"]
    bed.restart()
    assert bed.look() == []


def test_a_group_is_decided_on_against_another(tmp_path: Path) -> None:
    bed = Bed(tmp_path, rule=rule_of("old", None))
    finish_seeds(bed, "old", 1.0, range(6))
    assert finish_seeds(bed, "new", 0.5, range(6)) == ["decided new"]


@contextmanager
def server(statuses: Sequence[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve posts on this machine with one status after the other; yield the address and what was posted."""
    posted: list[dict[str, Any]] = []
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append(json.loads(content))
            self.send_response(left.pop(0) if left else 200)
            self.send_header("Location", "http://localhost:9/elsewhere")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    service = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{service.server_port}/hooks/SECRET", posted
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


def event() -> Event:
    return Event(
        kind="diverged",
        run="q1/seed0",
        path="logs/a.csv",
        statement="it rose.",
        time=START,
        evidence={"rise": float("inf")},
    )


def test_a_webhook_gets_json_and_is_tried_again_where_that_may_help() -> None:
    with server([500, 200]) as (url, posted):
        assert Webhook(url, pauses=(0.0,)).deliver(event()) == ""
    assert len(posted) == 2
    assert posted[0]["kind"] == "diverged"
    assert posted[0]["text"] == "q1/seed0: diverged: it rose."
    assert posted[0]["evidence"] == {"rise": None}


@pytest.mark.parametrize(("statuses", "posts"), [([404], 1), ([302], 1), ([503] * 3, 3)])
def test_a_webhook_that_fails_is_said_without_its_address(statuses: list[int], posts: int) -> None:
    with server(statuses) as (url, posted):
        said = Webhook(url, pauses=(0.0, 0.0)).deliver(event())
    assert said == f"webhook 127.0.0.1: answered {statuses[0]}"
    assert len(posted) == posts


def test_a_webhook_that_is_not_there_is_said() -> None:
    said = Webhook("http://user:SECRET@127.0.0.1:9/SECRET", pauses=()).deliver(event())
    assert said.startswith("webhook 127.0.0.1: not reached")
    assert "SECRET" not in said


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "host/x", "http://", "http://h:x/"])
def test_only_web_addresses_are_webhooks(url: str) -> None:
    with pytest.raises(DiagError, match="--webhook"):
        Webhook(url)


def test_a_command_reads_the_event_and_is_run_without_a_shell(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    code = "import os,sys; open(sys.argv[1],'w').write(os.environ['IRED_DIAG_KIND']+sys.stdin.read())"
    assert Command([sys.executable, "-c", code, str(out)]).deliver(event()) == ""
    kind, _, text = out.read_text().partition("{")
    assert kind == "diverged"
    assert json.loads("{" + text)["run"] == "q1/seed0"


def test_a_command_that_fails_is_said() -> None:
    assert "exit status 3" in Command(["sh", "-c", "exit 3"]).deliver(event())
    assert "could not be run" in Command(["/no/such/command"]).deliver(event())
    assert "ended after" in Command(["sleep", "30"], timeout=0.1).deliver(event())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_now(folder: Path, values: Sequence[float]) -> None:
    folder.mkdir(exist_ok=True)
    lines = [f"{step},{value!r}" for step, value in enumerate(values, start=1)]
    (folder / "a.csv").write_text("\n".join(["step,val_loss", *lines]) + "\n")


def test_the_command_announces_once_and_writes_nothing_there(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "logs"
    write_now(folder, DIVERGED)
    said = CliRunner().invoke(main, ["watch", str(folder), "--once", "--json"])
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    assert (answer["kind"], answer["run"], answer["severity"]) == ("diverged", "a/unseeded", "alarm")
    assert "Followed: 1 run" in said.stderr
    again = CliRunner().invoke(main, ["watch", str(folder), "--once", "--json"])
    assert again.stdout == ""
    assert list(folder.iterdir()) == [folder / "a.csv"]
    assert list(cache.rglob("*.json"))


def test_a_delivery_that_failed_is_tried_again_at_the_next_look(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "logs"
    write_now(folder, DIVERGED)
    flag, out = tmp_path / "flag", tmp_path / "out"
    command = f"sh -c 'test -e {flag} && cat >> {out}'"
    arguments = ["watch", str(folder), "--once", "--exec", command]
    said = CliRunner().invoke(main, arguments)
    assert "tried again at the next look" in said.stderr
    flag.touch()
    CliRunner().invoke(main, arguments)
    assert json.loads(out.read_text())["kind"] == "diverged"
    CliRunner().invoke(main, arguments)
    assert len(out.read_text().splitlines()) == 1


def test_a_receiver_that_hangs_does_not_blind_the_watch(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LONGEST", 0.04)
    for name in ("a", "b", "c"):
        folder = tmp_path / "logs" / name
        folder.mkdir(parents=True)
        write_now(folder, [*CALM, *[float("nan")] * 3])
    file = tmp_path / "memory.json"
    slow = f"{sys.executable} -c 'import time; time.sleep(0.05)'"
    words = ["watch", str(tmp_path / "logs"), "--once", "--exec", slow, "--memory", str(file)]
    first = CliRunner().invoke(main, words)
    assert "2 announcements left for the next look" in first.output
    assert [item["tries"] for item in read_memory(file).undelivered] == [0, 0]
    monkeypatch.setattr(loop, "LONGEST", 60.0)
    assert CliRunner().invoke(main, words).exit_code == 0
    assert read_memory(file).undelivered == []


def test_two_watches_of_one_kind_are_refused_and_damage_is_said(tmp_path: Path) -> None:
    file = memory_file(tmp_path, ["x"]).with_name("test.json")
    file = tmp_path / "memory" / "m.json"
    with held(file), pytest.raises(CannotWrite, match="another ired-diag watch"), held(file):
        pass
    file.write_text("{")
    with pytest.raises(UnreadableFile, match="damaged"):
        read_memory(file)
    file.write_text('{"format": 1, "runs": 3}')
    with pytest.raises(UnreadableFile, match="damaged"):
        read_memory(file)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--webhook", "ftp://x/y"], "http"),
        (["--webhook", "http://x/y", "--exec", "true"], "either"),
        (["--exec", "'"], "quotation"),
        (["--against", "a", "--threshold", "1"], "either"),
        (["--threshold", "nan"], "finite"),
        (["--false-alarms", "2"], "false alarms"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, cache: Path, options: list[str], word: str) -> None:
    said = CliRunner().invoke(main, ["watch", str(tmp_path), "--once", *options])
    assert said.exit_code in (1, 2)
    assert word in said.stderr


@pytest.mark.slow
def test_an_interruption_ends_it_cleanly(tmp_path: Path) -> None:
    write_now(tmp_path / "logs", CALM)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "app.cli", "watch", str(tmp_path / "logs"), "--every", "0.2"]
    with subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in a shell's background
    ) as watch:
        assert watch.stderr is not None
        assert "Followed: 1 run" in watch.stderr.readline()
        time.sleep(0.3)
        watch.send_signal(signal.SIGINT)
        said = watch.stderr.read()
        assert watch.wait(timeout=20) == 0
    assert "Traceback" not in said
    assert "repeats nothing" in said


def test_a_defect_about_one_run_is_said_and_the_others_are_followed(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ired_diag.live.signs import signs_of

    def broken(run: Run, *arguments: Any, **options: Any) -> Any:
        if run.path.name == "bad.csv":
            raise ZeroDivisionError("planted")
        return signs_of(run, *arguments, **options)

    monkeypatch.setattr("app.watching.watcher.signs_of", broken)
    bed.write("bad.csv", CALM)
    assert bed.grow("a.csv", DIVERGED) == {"diverged": 11}
    (note,) = bed.watcher.notes
    assert "ZeroDivisionError: planted" in note


def test_python_yields_events(tmp_path: Path) -> None:
    write_now(tmp_path / "logs", DIVERGED)
    (found,) = ird.watch(tmp_path / "logs", once=True)
    assert found.kind == "diverged"
    assert found.evidence["best"] == 0.113


def test_a_log_that_vanishes_is_said_once_and_so_is_its_return(bed: Bed) -> None:
    values = [1 + 1 / k for k in range(1, 9)]
    path = bed.write("a.csv", values[:6])
    bed.write("b.csv", values[:6])
    assert bed.look() == []
    path.rename(bed.folder.parent / "elsewhere.csv")
    (event,) = bed.watcher.look(bed.clock)
    assert event.kind == "vanished"
    assert "its log is gone" in event.statement
    assert "Its last step was 6" in event.statement
    bed.clock += LOOK
    assert bed.look() == []
    bed.restart()
    assert bed.look() == []
    bed.write("a.csv", values)
    bed.write("b.csv", values)
    assert [kind for kind, _ in bed.look()] == ["recovered"]


def test_a_log_that_was_over_before_the_watch_began_may_vanish_in_silence(bed: Bed) -> None:
    path = bed.write("a.csv", [2.0, 1.5, 1.2, 1.1])
    bed.write("b.csv", [2.0, 1.5, 1.2, 1.1])
    bed.clock += 10 * 86400
    assert bed.look() == []
    path.unlink()
    assert bed.look() == []

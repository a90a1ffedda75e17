"""Journals: what counts as evidence, what holds of it, and what is run."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import ired_diag as ird
from app.cli import main
from app.cli.demo import sample_runs
from app.dashboard.pages import journal as page
from app.dashboard.records import Recorder, Records
from app.evidence_commands import NotRun, run_again
from app.report_sections import Section
from ired_diag.claims.numbers import numbers_in
from ired_diag.errors import CannotWrite, DiagError, NotFound
from ired_diag.journals.cells import cell_named, read_cell
from ired_diag.journals.entries import entries_of
from ired_diag.journals.quotes import Moved, cleaned, compare
from ired_diag.journals.writing import append, begin

TABLE = "group,seed,val_loss\n" + "".join(
    f"{group},{seed},{value}\n"
    for group, values in (("new", (0.91, 0.92, 0.9, 0.93, 0.89)), ("old", (1.01, 1.03, 1.0, 1.02, 1.04)))
    for seed, value in enumerate(values)
)
GATE = "ired-diag gate new --against old --runs results.csv"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results.csv").write_text(TABLE)
    return tmp_path


def journal(folder: Path, *lines: str, ending: str = "\n") -> Path:
    path = folder / "journal.md"
    text = ending.join(["# Journal", "", "## 2026-11-01 First", "", "**Evidence.**", "", *lines, ""])
    path.write_bytes(text.encode())
    return path


def statuses(path: Path, **options: Any) -> list[str]:
    return [each.status for each in ird.check_journal(path, **options).evidence]


# What holds


@pytest.mark.parametrize(
    ("quote", "output"),
    [
        ("better by 0.034", "q103 is better by 0.03398 than q101"),
        ("better by **0.034**.", "is better by 0.0340"),
        ("1,234.5 steps", "1234.5 steps"),
        ("1\u00a0234\u00a0567 steps", "1234567 steps"),
        ("3.4 % of seeds", "3.4% of seeds"),
        ("share 3.4%", "share 0.034"),
        ("0.034 (95% interval 0.01 to 0.05)", "0.034 (95% interval 0.01 to 0.05)"),
        ("mean 0.090 ± 0.004", "mean 0.090 ± 0.004"),
        ("p = 2.4\u00d710^-5", "p = 2.4e-05"),
        ("p = 2.4 · 10⁻⁵", "p = 2.42e-05"),
        (r"$p = 2.4 \times 10^{-5}$", "p = 2.4e-05"),
        ("p < 0.001", "p = 0.0004"),
        ("\u22120.5 nats", "-0.5 nats"),
        ("better_by: 0.034", '{"decision": {"better_by": 0.0339812}}'),
        ("decision.better_by 0.034", '{"decision": {"better_by": 0.0339812, "n": 5}}'),
        ("undecided", "a and b: undecided."),
        ("we measured a gap of 0.034 here", "difference 0.034"),
    ],
)
def test_a_quote_holds_in_whatever_way_its_numbers_are_written(quote: str, output: str) -> None:
    assert compare(quote, output).status == "holds"


@pytest.mark.parametrize(
    ("quote", "output", "moved"),
    [
        ("better by 0.0340", "is better by 0.0341 than", [Moved("0.0340", "0.0341")]),
        ("better by 0.034, wow", "is better by 0.0431 than", [Moved("0.034", "0.0431")]),
        ("1,234 steps", "1235 steps", [Moved("1,234", "1235")]),
        ("3.4% of seeds", "3.5% of seeds", [Moved("3.4%", "3.5%")]),
        ("mean 0.090 ± 0.004", "mean 0.090 ± 0.005", [Moved("0.004", "0.005")]),
        ("p = 2.4\u00d710^-5", "p = 2.4e-04", [Moved("2.4\u00d710^-5", "2.4e-04")]),
        ("0.5 in all", "x 7, y 8", [Moved("0.5", "")]),
        ("-0.5 nats", "0.5 nats", [Moved("-0.5", "0.5")]),
    ],
)
def test_a_number_that_changed_is_named_with_the_new_one(quote: str, output: str, moved: list[Moved]) -> None:
    compared = compare(quote, output)
    assert compared.status == "changed"
    assert [Moved(each.old.rstrip("%"), each.new.rstrip("%")) for each in compared.moved] == [
        Moved(each.old.rstrip("%"), each.new.rstrip("%")) for each in moved
    ]


@pytest.mark.parametrize(
    "quote",
    ["0.4", "improvement 0.4", "0.02136 ± 0.001", "-0.02136", "better by \u22120.02136"],
)
def test_a_coarse_number_of_the_output_agrees_with_no_finer_one(quote: str) -> None:
    output = "q103 is better than q102 by 0.02136 in the mean of 3 pairs. Margin 0; seed 1."
    assert compare(quote, output).status == "changed"


@pytest.mark.parametrize(
    "quote",
    ["q103 is worse than q102 by 0.02136", "keep: by 0.02136", "decided, by 0.02136"],
)
def test_a_number_does_not_hold_under_another_verdict(quote: str) -> None:
    output = "metric: val_loss (lower is better)\nundecided. q103 is better than q102 by 0.02136"
    assert compare(quote, output).status == "gone"
    turned = output.replace("q103 is better", "q103 is worse")
    assert compare("better by 0.02136", turned).status == "gone"
    assert compare("undecided, better by 0.02136", output).status == "holds"


def test_a_weak_match_says_so_on_the_screen(folder: Path) -> None:
    (folder / "cells.csv").write_text("loss\n0.512\n")
    (folder / "own.md").write_text("# J\nEvidence:\n- `cells.csv[1, loss]` → a loss of 0.512\n")
    screen = CliRunner().invoke(main, ["journal", "check", str(folder / "own.md")]).output
    assert "holds (its numbers are in the output, in other words)" in screen


def test_words_that_are_not_said_any_more_are_gone() -> None:
    assert compare("keep", "drop. The mean is below the margin").status == "gone"


def test_a_quote_of_thousands_of_numbers_is_not_searched_for() -> None:
    compared = compare("1 " * 5000, "1 " * 5000)
    assert compared.status == "not checked"
    assert "quote those that matter" in compared.remark


# What counts as evidence


STRANGE = """\
---
title: Lab book
date: 2026-11-01
---

# Lab book

Some text with `ired-diag gate a --against b` → 0.1 that is no evidence.

## 📅 Entry 1: 2026-11-01, gate

**Observation:** `ired-diag ls` → 99 runs

### 🔍 Evidence collected

1. `ired-diag gate new --against old --runs results.csv` → new is better than old by **0.11** in
   the mean
   - [x] 5 and 5 seeds, not paired
2. ``results.csv[group=new & x, seed=3]`` is nothing, ``results.csv[4, val_loss]``: 0.93
* Text without code, 0.5

| evidence | gave |
|---|---|
| `results.csv[group=old, seed=4, val_loss]` | 1.04 |

~~~console
$ ired-diag gate new --against old --runs results.csv --json
"earliest": 5
~~~

**Evidence to collect:**
- [ ] `ired-diag ls` → 4 more

**Implication.** `ired-diag stats a b` → 0.3

```
ired-diag ls → 3
```

## Entry 2

Evidence: `results.csv[10, val_loss]` = 1.04

Evidence suggests that text is left alone.
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_evidence_is_found_in_the_forms_that_people_write(folder: Path, ending: str) -> None:
    path = folder / "lab.md"
    path.write_bytes(STRANGE.replace("\n", ending).encode())
    checked = ird.check_journal(path)
    sources = [(each.line, each.source, each.status) for each in checked.evidence]
    assert sources == [
        (16, GATE, "holds"),
        (18, GATE, "holds"),
        (19, "results.csv[group=new & x, seed=3]", "not checked"),
        (19, "results.csv[4, val_loss]", "holds"),
        (24, "results.csv[group=old, seed=4, val_loss]", "holds"),
        (28, f"{GATE} --json", "holds"),
        (42, "results.csv[10, val_loss]", "holds"),
    ]
    assert [entry.date for entry in checked.entries] == ["2026-11-01", ""]  # the title is no entry
    assert path.read_bytes() == STRANGE.replace("\n", ending).encode()


@pytest.mark.parametrize(
    "line",
    [
        f"- {GATE} → by 0.11",
        f"- `{GATE}` gave: by 0.11",
        f"- `{GATE}` \u2014 by 0.11",
        f"* [x] **gate**: ``{GATE}`` -> _by 0.11_",
        f"> `{GATE}` => by 0.11",
        f"+ `{GATE}` |by 0.11|",
    ],
)
def test_a_command_and_what_it_gave_may_be_separated_in_many_ways(folder: Path, line: str) -> None:
    assert statuses(journal(folder, line)) == ["holds"]
    assert statuses(journal(folder, line.replace("0.11", "0.12"))) == ["changed"]


def test_a_table_with_a_column_of_evidence_needs_no_label(folder: Path) -> None:
    path = folder / "journal.md"
    path.write_text(f"## Day\n\n| **Evidence** | Result |\n|---|---|\n| `{GATE}` | by 0.12 |\n")
    assert statuses(path) == ["changed"]


def test_a_journal_with_one_altered_number_is_caught(folder: Path) -> None:
    begin(folder / "journal.md")
    ls = "ired-diag ls runs"
    shutil.copytree(next(sample_runs().glob("q101")), folder / "runs/q101")
    said = run(
        "journal", "add", "Gate", "--file", folder / "journal.md", "--evidence", GATE, "--evidence", ls
    )
    assert said.exit_code == 0, said.output
    assert run("journal", "check", folder / "journal.md").exit_code == 0
    text = (folder / "journal.md").read_text()
    assert "by 0.11 in the mean" in text
    (folder / "journal.md").write_text(text.replace("by 0.11 in", "by 0.12 in"))
    caught = run("journal", "check", folder / "journal.md")
    assert caught.exit_code == 3
    assert "0.12 → 0.11" in caught.output
    as_json = json.loads(run("journal", "check", folder / "journal.md", "--json").stdout)
    assert as_json["counts"]["changed"] == 1


def altered_numbers(output: str) -> tuple[int, list[str]]:
    """Return how many numbers were altered by one in their last digit, and the lines that still hold."""
    tried, missed = 0, []
    for line in filter(re.compile(r"\w").search, output.splitlines()):
        assert compare(line, output).status == "holds", line
        text = cleaned(line)
        for number in numbers_in(text):
            last = number.start + len(number.text) - 1
            altered = f"{text[:last]}{(int(text[last]) + 1) % 10}{text[last + 1 :]}"
            tried += 1
            if compare(altered, output).status != "changed":
                missed.append(altered)
    return tried, missed


def test_every_altered_digit_of_an_output_is_caught(folder: Path) -> None:
    tried, missed = altered_numbers(run_again(GATE, folder).text)
    assert tried > 5
    assert missed == []


@pytest.mark.slow
def test_altered_digits_of_whole_screens_are_caught(tmp_path: Path) -> None:
    """All but those that another line of the output says in the same words."""
    shutil.copytree(sample_runs(), tmp_path / "runs")
    total, every_missed = 0, []
    for command in ("stats q102 q103", "stats q101 q102 q103 --full", "ls", "diagnose"):
        tried, missed = altered_numbers(run_again(f"ired-diag {command}", tmp_path).text)
        total += tried
        every_missed += missed
    assert total > 400
    assert len(every_missed) <= 1, every_missed


def test_changed_runs_change_the_evidence(folder: Path) -> None:
    path = journal(folder, f"- `{GATE}` → better than old by 0.11", "- `results.csv[2, val_loss]` → 0.92")
    assert statuses(path) == ["holds", "holds"]
    (folder / "results.csv").write_text(TABLE.replace("0.92", "0.52"))
    checked = ird.check_journal(path)
    assert [each.status for each in checked.evidence] == ["changed", "changed"]
    assert checked.evidence[1].moved == [Moved("0.92", "0.52")]
    (folder / "results.csv").unlink()
    assert statuses(path) == ["gone", "gone"]


def test_corrections_are_appended_and_nothing_is_rewritten(folder: Path) -> None:
    path = journal(
        folder,
        f"- `{GATE}` → better than old by 0.12 in the mean",
        f"- `{GATE} --json` → decision.earliest is 77",
        ending="\r\n",
    )
    before = path.read_bytes()
    said = run("journal", "check", path, "--correct")
    assert said.exit_code == 3
    after = path.read_bytes()
    assert after.startswith(before)
    added = after[len(before) :].decode()
    assert f"## {date.today().isoformat()} Correction: 2 lines of evidence" in added
    assert "\r\n" in added
    assert "\n" not in added.replace("\r\n", "")
    assert statuses(path) == ["corrected", "corrected", "holds", "holds"]


# What is run, and what is not


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("ired-diag train q101", "only stats"),
        ("ired-diag probe floor q101", "only stats"),
        ("ired-diag report q101 --out x.html", "only stats"),
        ("ired-diag plan lock", "only stats"),
        ("ired-diag ls | sh", "needs a shell"),
        ("ired-diag ls; touch sprung", "needs a shell"),
        ("ired-diag ls $(touch sprung)", "needs a shell"),
        ("ired-diag ls > sprung", "needs a shell"),
        ("ired-diag ls 'a", "quotes do not match"),
        ("ired-diag ls /etc", "lies outside"),
        ("ired-diag ls ../", "lies outside"),
        ("ired-diag ls ~", "lies outside"),
        ("ired-diag stats a b --runs=/etc", "lies outside"),
        ("ired-diag stats a=/var/*", "lies outside"),
        ("ired-diag stats a=sub/../../x/*", "lies outside"),
        ("ired-diag ls link", "lies outside"),
        ("ired-diag ls link/x", "lies outside"),
        ("ired-diag ls lin*", "lies outside"),
    ],
)
def test_what_writes_or_reads_elsewhere_is_not_run(folder: Path, command: str, why: str) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (inside / "sub").mkdir()
    (inside / "link").symlink_to(folder)
    with pytest.raises(NotRun, match=why):
        run_again(command, inside)
    path = journal(inside, f"- `{command}` → 3")
    assert statuses(path) == ["not checked"]
    assert run("journal", "check", path).exit_code == 4
    assert not list(folder.rglob("sprung"))


@pytest.mark.parametrize(
    "runs", ["runs: ..", "runs: /etc", "runs: link", "runs: runs\ntitle: 'group x=../*'"]
)
def test_a_plan_whose_runs_lie_elsewhere_is_not_run(folder: Path, runs: str) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(folder)
    group = "'x=../*'" if "group" in runs else "a"
    prediction = f"{{id: a, metric: m, group: {group}, threshold: 1, direction: lower, n: 3}}"
    text = f"format: 1\n{runs}\nhypotheses:\n- {{id: H, statement: s, predictions: [{prediction}]}}\n"
    (inside / "p.yaml").write_text(text)
    with pytest.raises(NotRun, match="outside of"):
        run_again("ired-diag plan check p.yaml --json", inside)
    (inside / "plan.yaml").write_text(text)
    with pytest.raises(NotRun, match="outside of"):
        run_again("ired-diag plan check", inside)


def test_a_wider_folder_is_allowed_by_name(folder: Path) -> None:
    notes = folder / "notes"
    notes.mkdir()
    path = journal(notes, f"- `{GATE}` → by 0.11", "- `../results.csv[1, val_loss]` → 0.91")
    assert statuses(path)[1] == "not checked"
    path = journal(notes, f"- `{GATE}` → by 0.11", "- `results.csv[1, val_loss]` → 0.91")
    assert statuses(path, root=folder) == ["holds", "holds"]


def test_the_working_folder_is_left_as_it_was(folder: Path) -> None:
    before = Path.cwd()
    run_again(GATE, folder)
    with pytest.raises(NotRun):
        run_again("ired-diag ls /etc", folder)
    assert Path.cwd() == before


# Cells


def test_cells_are_named_by_row_or_by_values(folder: Path) -> None:
    path = folder / "results.csv"
    for source in ("results.csv[4, val_loss]", "results.csv[group=new, seed=3.0, val_loss]"):
        assert read_cell(cell_named(source), path) == "0.93"
    for source, message in (
        ("results.csv[11, val_loss]", "no row 11; it has 10"),
        ("results.csv[seed=3, val_loss]", "2 rows have seed=3"),
        ("results.csv[1, loss]", "no column 'loss'. There are: group, seed, val_loss"),
    ):
        with pytest.raises(NotFound, match=message.replace(".", r"\.")):
            read_cell(cell_named(source), path)
    with pytest.raises(DiagError, match="expected a row and a column"):
        cell_named("results.csv[val_loss]")


# Writing


def test_an_entry_keeps_the_form_of_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.md"
    path.write_bytes(b"\xef\xbb\xbf# J\r\n\r\nlast line without an end")
    append(path, "A  title\nof two lines", {"observation": ["seen"]}, today=date(2026, 11, 29))
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# J\r\n\r\nlast line without an end\r\n")
    assert b"\r\n## 2026-11-29 A title of two lines\r\n" in content
    (entry,) = [entry for entry in entries_of(content.decode()) if entry.date]
    assert entry.evidence == ()
    with pytest.raises(CannotWrite, match="is there already"):
        begin(path)


def test_journals_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes("caf\u00e9".encode("latin-1"))
    (tmp_path / "large.md").write_bytes(b"x" * (5 << 20))
    for name in ("latin.md", "large.md", "none.md", "."):
        said = run("journal", "check", tmp_path / name)
        assert (said.exit_code, said.output.count("\n")) == (1, 1), said.output
    (tmp_path / "empty.md").write_text("")
    said = run("journal", "check", tmp_path / "empty.md")
    assert said.exit_code == 4
    assert "no evidence was found" in said.output


# Report and dashboard


def test_the_page_says_what_is_missing_and_marks_what_changed() -> None:
    assert "Checking" in str(page.content(None, is_current=False))
    nothing = page.content(Records((1, ()), [], []), is_current=True)
    assert "ired-diag plan new" in str(nothing[0].to_plotly_json())
    section = Section("Journal: j.md", ("1 line.",), ("status", "today"), (("changed", "1 → 2"),), "status")
    shown = page.content(Records((1, ()), [section], ["plan.yaml:1: no plan"]), is_current=True)
    text = str([part.to_plotly_json() for part in shown])
    assert "mark error" in text
    assert "1 → 2" in text
    assert "plan.yaml:1: no plan" in text


@pytest.mark.slow
def test_report_and_dashboard_show_plan_and_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_runs(), "runs")
    assert run("plan", "new", "--example", "ired").exit_code == 0
    journal(tmp_path, "- `ired-diag gate q103 --against q102` → better than q102 by 0.0231 <b>&")
    said = run("report", "q102", "q103", "--plan", "plan.yaml", "--journal", "journal.md")
    assert said.exit_code == 0, said.output
    html = Path("report.html").read_text()
    assert "Declared analysis: Why does adversarial" in html
    assert '<td class="mark changed">changed</td>' in html
    assert "0.0231 → 0.0213618" in html
    assert "by 0.0231 &lt;b&gt;&amp;" in html
    recorder = Recorder(Path("runs"))
    assert page.content(recorder.newest(1)[0], is_current=False)[0].children == "Checking plan and journal …"
    recorder.wait()
    records, is_current = recorder.newest(1)
    assert is_current
    assert records is not None
    assert not records.failures
    shown = str([part.to_plotly_json() for part in page.content(records, is_current=True)])
    assert "mark error" in shown
    assert "0.0231 → 0.0213618" in shown
    (tmp_path / "plan.yaml").write_text("format: 3")
    recorder.newest(1)
    recorder.wait()
    broken, _ = recorder.newest(1)
    assert broken is not None
    assert "format: expected 1" in broken.failures[0]
    assert len(broken.sections) == 1


def test_the_title_of_a_journal_is_no_entry() -> None:
    entry = "## 2026-11-28: mining helps\n### Evidence\n- `ired-diag ls`: 3 runs\n"
    assert [each.title for each in entries_of(f"# Journal\n\n{entry}")] == ["2026-11-28: mining helps"]
    assert len(entries_of(entry)) == 1
    assert len(entries_of("# 2026-11-27 First\n\n# 2026-11-28 Second\n")) == 2

"""The Statistics page: which groups it compares, what it says, and that it never computes twice."""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from app.cli.stats_markup import as_latex
from app.dashboard import comparisons
from app.dashboard.address import READOUTS, View
from app.dashboard.catalog import Catalog
from app.dashboard.compared_groups import choose, default_groups, family_of, question_of
from app.dashboard.comparisons import Comparisons, Question, answer_to
from app.dashboard.pages.statistics import PICTURES, command_of
from app.dashboard.snapshot import Snapshot
from ired_diag import comparison
from ired_diag.comparison import words as told_of
from ired_diag.comparison.when import when
from ired_diag.comparison.when_words import headline
from ired_diag.runs.history import Row, to_jsonl
from ired_diag.runs.judged import usual_metric
from ired_diag.runs.study import Study

Browse = Callable[[Path], Any]
Ask = Callable[..., dict[str, Any]]


def write_run(root: Path, name: str, seed: int, level: float, *, ending: str = "complete") -> Path:
    """Write a run that falls to a level and stays there, with noise of its own."""
    folder = root / name / f"seed{seed}"
    folder.mkdir(parents=True)
    told = {
        "format": 1,
        "experiment": name,
        "seed": seed,
        "config": {"dataset": "inverse"},
        "ending": {"state": ending},
    }
    (folder / "config.json").write_text(json.dumps(told))
    rng = np.random.default_rng([seed, sum(name.encode())])
    values = level * (1 + 0.002 * rng.standard_normal(60)) + np.exp(-np.arange(60) / 3)
    rows = [
        Row(100 * i, {"validation/mse": float(v), "accuracy": 1 - float(v)}) for i, v in enumerate(values)
    ]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two families: three groups of q1, one of which has one complete seed; two of q2, with fewer seeds."""
    root = tmp_path / "runs"
    for seed in range(4):
        write_run(root, "q101", seed, 1.0)
        write_run(root, "q102", seed, 1.1)
        write_run(root, "q103", seed, 1.0, ending="complete" if seed == 0 else "cut_off")
    for seed in range(2):
        write_run(root, "q201", seed, 1.0)
        write_run(root, "q202", seed, 1.0)
    return root


def settled(ask: Ask, client: Any, query: str = "") -> dict[str, Any]:
    """Return the page's parts after the comparison was computed."""
    ask(client, "statistics-content.children", address_search=query)
    client.application.extensions["catalog"].comparisons.wait()
    parts = ask(client, "statistics-content.children", address_search=query)
    return {**parts, **ask(client, "statistics-latex.disabled", address_search=query)}


def words(tree: Any) -> str:
    if isinstance(tree, dict):
        return words(tree.get("props", {}).get("children"))
    return " ".join(map(words, tree)) if isinstance(tree, list) else str(tree or "")


def buttons(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the properties of every button."""
    for part in tree if isinstance(tree, list) else [tree]:
        if isinstance(part, dict):
            if part.get("type") == "Button":
                yield part["props"]
            yield from buttons(part.get("props", {}).get("children"))


def test_all_groups_that_can_be_compared_are_compared_by_default(runs: Path) -> None:
    snapshot = Catalog(runs).snapshot()
    choice = choose(View(), snapshot)
    assert choice.names == ("q101", "q102", "q201", "q202")
    assert choice.words.startswith("4 of 5 groups chosen: all with 2 or more seeds that can be compared")
    assert choose(View(filter="q20"), snapshot).names == ("q201", "q202")


@pytest.mark.parametrize("names", [("contra", "newton"), ("a-1", "z_2", "Adam"), ("7", "lr=0.1")])
def test_groups_whose_names_begin_differently_are_compared_too(tmp_path: Path, names: Sequence[str]) -> None:
    for name in names:
        for seed in range(2):
            write_run(tmp_path / "runs", name, seed, 1.0)
    assert set(choose(View(), Catalog(tmp_path / "runs").snapshot()).names) == set(names)


def test_groups_of_another_metric_are_not_compared_by_default(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    for seed in range(3):
        write_run(root, "a", seed, 1.0)
        write_run(root, "b", seed, 1.0)
        log = write_run(root, "c", seed, 1.0) / "metrics.jsonl"
        log.write_text(log.read_text().replace("validation/mse", "val_loss").replace("accuracy", "lr"))
    assert choose(View(), Catalog(root).snapshot()).names == ("a", "b")


def test_of_many_groups_without_a_family_the_first_six_are_chosen(tmp_path: Path) -> None:
    for name in "abcdefg":
        for seed in range(2):
            write_run(tmp_path / "runs", name, seed, 1.0)
    choice = choose(View(), Catalog(tmp_path / "runs").snapshot())
    assert choice.names == tuple("abcdef") and "the first 6 of 7" in choice.words


@pytest.mark.parametrize("count", [1, 2])
def test_where_nothing_can_be_compared_one_message_says_so_with_a_command_that_runs(
    tmp_path: Path, browse: Browse, ask: Ask, count: int
) -> None:
    root = tmp_path / "runs"
    for name in ("contra", "newton")[:count]:
        log = write_run(root, name, 0, 1.0) / "metrics.jsonl"
        log.write_text(log.read_text().replace("validation/mse", "val_loss"))
    told = settled(ask, client := browse(root))
    assert told["statistics-pictures"]["hidden"] is True and told["statistics-latex"]["hidden"] is True
    (message,) = told["statistics-content"]["children"]
    command = words(message["props"]["children"][1])
    assert CliRunner().invoke(main, shlex.split(command)[1:]).exit_code == 0
    assert "contra" in command and "q101" not in command
    controls = ask(client, "statistics-controls.children")["statistics-controls"]["children"]
    assert "validation/mse" not in words(controls) and "val_loss" in words(controls)
    (tmp_path / "none").mkdir()
    told = ask(browse(tmp_path / "none"), "statistics-controls.children")
    assert told["statistics-controls"]["children"] == []


def test_at_most_six_groups_are_chosen_by_default_and_it_is_said(tmp_path: Path) -> None:
    for number in range(8):
        for seed in range(2):
            write_run(tmp_path / "runs", f"q10{number}", seed, 1.0)
    choice = choose(View(), Catalog(tmp_path / "runs").snapshot())
    assert len(choice.names) == 6 and "6 of 8 groups chosen: the first 6 of 8 of family q1" in choice.words


def test_where_no_two_groups_can_be_compared_none_is_chosen(tmp_path: Path) -> None:
    assert default_groups({})[0] == ()
    write_run(tmp_path / "runs", "q101", 0, 1.0)
    write_run(tmp_path / "runs", "q102", 0, 1.0)
    assert choose(View(), Catalog(tmp_path / "runs").snapshot()).names == ()


@pytest.mark.parametrize(
    ("name", "family"), [("q101", "q1"), ("q1", "q"), ("lr-3", "lr"), ("_x", "_x"), ("", "")]
)
def test_a_family_begins_alike(name: str, family: str) -> None:
    assert family_of(name) == family


def test_the_address_tells_the_groups_and_their_order(runs: Path) -> None:
    choice = choose(View(groups=("q202", "gone", "q101")), Catalog(runs).snapshot())
    assert choice.names == ("q202", "q101") and choice.absent == ("gone",)


def test_the_readouts_of_the_address_are_those_of_the_comparison() -> None:
    assert set(READOUTS) == set(comparison.READOUTS) == set(told_of.READOUT_NAMES)
    assert View().readout == comparison.PLATEAU


@pytest.mark.parametrize("readout", READOUTS)
def test_the_page_says_what_the_command_says(runs: Path, browse: Browse, ask: Ask, readout: str) -> None:
    client = browse(runs)
    query = View(groups=("q101", "q102"), readout=readout, margin=0.05).to_query()
    page = words(settled(ask, client, query)["statistics-content"]["children"])
    end = settled(ask, client, query)["statistics-end"]["children"]
    (command,) = (button["data-copy"] for button in buttons(end))
    program, *arguments = shlex.split(command)
    assert program == "ired-diag"
    printed = CliRunner().invoke(main, [*arguments, "--full"]).stdout
    verdicts = [line for line in printed.splitlines() if line.startswith("q102") and line.endswith(".")]
    assert verdicts and all(verdict in page for verdict in verdicts)
    caveats = [line.removeprefix("  - ") for line in printed.splitlines() if line.startswith("  - ")]
    assert sum(caveat in page for caveat in caveats) >= 2
    latex = CliRunner().invoke(main, [*arguments, "--latex"]).stdout
    told = ask(client, "statistics-latex-download.data", statistics_latex_n_clicks=1, address_search=query)
    assert told["statistics-latex-download"]["data"]["content"].strip() == latex.strip()


def test_the_first_group_is_the_baseline(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    for groups in (("q101", "q102"), ("q102", "q101")):
        query = View(groups=groups).to_query()
        settled(ask, client, query)
        told = ask(
            client, "statistics-differences-graph.figure", statistics_told_data=[1], address_search=query
        )
        assert f"Differences to {groups[0]}" in words(told["statistics-differences-words"]["children"])


def test_a_higher_metric_may_be_better(runs: Path) -> None:
    snapshot = Catalog(runs).snapshot()

    def verdict(view: View) -> str:
        answer = answer_to(question_of(view, ("q101", "q102"), snapshot), snapshot)
        assert answer.comparison is not None
        return answer.comparison.pairs[0].verdict.decision

    assert verdict(View()) == "worse"  # of q102 in comparison with the baseline q101
    assert verdict(View(metric="accuracy")) == "worse"  # by its name
    assert verdict(View(metric="accuracy", higher="1")) == "worse"
    assert verdict(View(metric="accuracy", higher="0")) == "better"


def test_every_picture_is_drawn_of_the_comparison(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    settled(ask, client)
    for name in PICTURES:
        told = ask(client, f"{name}-graph.figure", statistics_told_data=[1])
        assert told[f"{name}-graph"]["figure"]["data"], name
        again = ask(
            client,
            f"{name}-graph.figure",
            **{f"{name}_drawn_data".replace("-", "_"): told[f"{name}-drawn"]["data"]},
            statistics_told_data=[1],
        )
        assert not again
        csv = ask(client, f"{name}-download.data", **{f"{name}_csv_n_clicks".replace("-", "_"): 1})
        assert csv[f"{name}-download"]["data"]["content"].count("\n") > 1


def test_choosing_other_groups_changes_no_colour(runs: Path, browse: Browse, ask: Ask) -> None:
    client, colours = browse(runs), []
    for groups in (("q101", "q102"), ("q102", "q201")):
        query = View(groups=groups).to_query()
        settled(ask, client, query)
        told = ask(client, "statistics-noise-graph.figure", statistics_told_data=[1], address_search=query)[
            "statistics-noise-graph"
        ]
        colours.append({t["name"]: t["line"]["color"] for t in told["figure"]["data"] if t.get("name")})
    assert colours[0]["q102"] == colours[1]["q102"] != colours[0]["q101"]


def test_a_button_adds_or_takes_out_a_group_and_another_makes_it_the_baseline(
    runs: Path, browse: Browse, ask: Ask
) -> None:
    told = ask(browse(runs), "statistics-picker.children", address_search="?groups=q101&groups=q202")
    members, baselines = told["statistics-picker"]["children"]

    def lists(tree: Any) -> dict[str, list[str]]:
        return {b["data-value"]: json.loads(b["data-values"]) for b in buttons(tree)}

    assert lists(members)["q101"] == ["q202"]
    assert lists(members)["q103"] == ["q101", "q202", "q103"]
    assert lists(baselines) == {"q101": ["q101", "q202"], "q202": ["q202", "q101"]}
    assert {b["data-value"] for b in buttons(members) if b["aria-pressed"] == "true"} == {"q101", "q202"}
    assert {b["data-key"] for b in buttons(members)} == {"groups"}


def test_a_comparison_is_computed_once_in_the_background_and_meanwhile_it_is_said(
    runs: Path, browse: Browse, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, slow = threading.Event(), comparison.compare

    def wait(*arguments: Any, **keys: Any) -> Any:
        assert go.wait(10)
        return slow(*arguments, **keys)

    monkeypatch.setattr("ired_diag.comparison.compare", wait)
    client = browse(runs)
    catalog = client.application.extensions["catalog"]
    catalog.refresh()
    for _ in range(3):
        first = ask(client, "statistics-latex.disabled")
        assert "Comparing 4 groups" in first["statistics-progress"]["children"]
        assert first["statistics-wait"]["disabled"] is False
        told = ask(client, "statistics-ranks-graph.figure", statistics_told_data=[1])
        assert "as soon as the groups are compared" in words(told["statistics-ranks-words"]["children"])
    go.set()  # until here every answer came while the comparison could not end
    done = settled(ask, client)
    assert "q102 is worse than q101" in words(done["statistics-content"]["children"])
    assert done["statistics-wait"]["disabled"] is True
    shown = done["statistics-shown"]["data"]
    same = ask(client, "statistics-latex.disabled", statistics_shown_data=shown)
    assert set(same) == {"statistics-wait", "statistics-progress"}
    assert same["statistics-progress"]["children"] == ""
    assert catalog.comparisons.computed == 1


def test_a_new_evaluation_is_compared_anew_and_the_old_verdict_stands_until_then(
    runs: Path, browse: Browse, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browse(runs)
    catalog = client.application.extensions["catalog"]
    settled(ask, client)
    with next(runs.rglob("q101/seed0/metrics.jsonl")).open("ab") as file:
        file.write(to_jsonl([Row(99999, {"validation/mse": 1.0})]))
    catalog.refresh()
    told = ask(client, "statistics-content.children")
    assert "is worse than" in words(told["statistics-content"]["children"])
    catalog.comparisons.wait()
    assert "different steps" in words(settled(ask, client)["statistics-content"]["children"])
    assert catalog.comparisons.computed == 2


def test_the_question_asked_last_is_answered_next(runs: Path) -> None:
    asked: list[str] = []
    go = threading.Event()

    def note(question: Question, snapshot: Any, **_tell: Any) -> comparisons.Answer[Any]:
        asked.append(question.metric)
        assert go.wait(10)
        return comparisons.Answer(snapshot.version, None)

    found, snapshot = Comparisons(note), Catalog(runs).snapshot()
    for metric in ("first", "second", "third"):
        found.newest(Question(("q101", "q102"), metric, "last", 0.01), snapshot)
        while not asked:
            time.sleep(0.001)
    go.set()
    found.wait()
    assert asked == ["first", "third"]


def test_what_cannot_be_compared_is_said_with_what_to_do(runs: Path, browse: Browse, ask: Ask) -> None:
    client = browse(runs)
    default = settled(ask, client, "?groups=q101&groups=q102")
    told = settled(ask, client, "?groups=q101&groups=q102&metric=nothing")
    assert told["statistics-content"] == default["statistics-content"]
    assert told["statistics-latex"]["disabled"] is False
    one = settled(ask, client, "?groups=q101&groups=gone")
    text = words(one["statistics-content"]["children"])
    assert "needs two groups; 1 chosen" in text and "gone" in text
    assert one["statistics-wait"]["disabled"] is True


def test_a_defect_is_told_on_the_page_and_not_only_to_the_thread(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ired_diag.comparison.compare", lambda *_, **__: 1 / 0)
    answer = answer_to(Question(("q101",), "validation/mse", "last", 0.01), Catalog(runs).snapshot())
    assert "ZeroDivisionError" in answer.failure


def test_the_command_quotes_what_a_shell_would_read() -> None:
    question = Question(("q 1", "$(x)"), "m", "last", 0.005, True)
    told = shlex.split(
        command_of(
            question, Snapshot(version=1, updated=0.0, study=Study(()), entries={}, root=Path("/some runs"))
        )
    )
    assert told[2:4] == ["q 1", "$(x)"] and "/some runs" in told
    assert told[-3:] == ["--margin", "0.5%", "--higher-is-better"]


def test_the_command_groups_as_the_dashboard_does() -> None:
    question = Question(("a", "b"), "validation/mse", "plateau", 0.01)
    patterns = {"a": "a=logs/a*", "b": "b=logs/b*"}
    named = Snapshot(
        version=1, updated=0.0, study=Study(()), entries={}, root=Path("logs"), patterns=patterns
    )
    assert shlex.split(command_of(question, named)) == [
        "ired-diag",
        "stats",
        f"a={Path.cwd()}/logs/a*",
        f"b={Path.cwd()}/logs/b*",
    ]
    by_key = Snapshot(
        version=1, updated=0.0, study=Study(()), entries={}, root=Path("runs"), options=("--group-by", "lr")
    )
    assert shlex.split(command_of(question, by_key)) == [
        "ired-diag",
        "stats",
        "a",
        "b",
        "--runs",
        f"{Path.cwd()}/runs",
        "--group-by",
        "lr",
    ]


def test_the_studys_logs_are_compared_by_default(shared: Path, browse: Browse, ask: Ask) -> None:
    client = browse(shared / "ired_logs")
    text = words(settled(ask, client)["statistics-content"]["children"])
    assert (
        "q102 is worse than q101 by 0.238% (simultaneous 95% interval 0.032% to 0.445% of q101's mean" in text
    )
    catalog = client.application.extensions["catalog"]
    snapshot = catalog.snapshot()
    assert usual_metric(run for run in snapshot.study.runs) == "validation/mse"
    answer = catalog.comparisons.newest(question_of(View(), ("q101", "q102", "q103"), snapshot), snapshot)
    assert answer is not None and answer.comparison is not None and "q103" in as_latex(answer.comparison)


def falling(root: Path) -> Path:
    """Write two groups that still come down at their end, so that they have no plateau."""
    for place, name in enumerate(("contra", "newton")):
        for seed in range(3):
            folder = write_run(root, name, seed, 1.0)
            values = [5 - 0.05 * k + 0.001 * seed + 0.0103 * place for k in range(60)]
            rows = [Row(100 * k, {"val_loss": value}) for k, value in enumerate(values)]
            (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))
    return root


def test_the_readout_that_is_shown_is_the_one_that_is_used(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    client = browse(falling(tmp_path / "runs"))
    told = settled(ask, client)
    assert "last evaluation, because the curves have no plateau" in words(
        told["statistics-content"]["children"]
    )
    controls = ask(client, "statistics-controls.children")["statistics-controls"]["children"]
    assert "last evaluation (no mean over the plateau)" in words(controls)


def test_the_pointer_shows_group_seed_and_value_and_no_place_of_a_jitter(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(falling(tmp_path / "runs"))
    settled(ask, client)
    figure = ask(client, "statistics-differences-graph.figure", statistics_told_data=[1])[
        "statistics-differences-graph"
    ]["figure"]
    dots = [trace for trace in figure["data"] if isinstance(trace.get("text"), list)]
    assert ["contra, seed0", "contra, seed1", "contra, seed2"] in [trace["text"] for trace in dots]
    shown = [trace for trace in figure["data"] if trace.get("hoverinfo") != "skip"]
    assert shown and all(trace["hovertemplate"].startswith("%{text}: %{y") for trace in shown)


def test_a_margin_far_from_all_differences_does_not_shrink_them(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(falling(tmp_path / "runs"))
    for margin, is_drawn in ((0.1, False), (0.001, True)):
        query = View(margin=margin).to_query()
        settled(ask, client, query)
        told = ask(
            client, "statistics-differences-graph.figure", statistics_told_data=[1], address_search=query
        )
        figure = told["statistics-differences-graph"]["figure"]
        assert any("margin" in trace.get("name", "") for trace in figure["data"]) is is_drawn
        assert ("lies outside" in json.dumps(figure["layout"])) is not is_drawn


def test_the_advice_on_the_page_is_for_a_terminal(tmp_path: Path, browse: Browse, ask: Ask) -> None:
    client = browse(falling(tmp_path / "runs"))
    settled(ask, client)
    told = words(
        ask(client, "statistics-ranks-graph.figure", statistics_told_data=[1])["statistics-ranks-words"][
            "children"
        ]
    )
    assert "pass paired=True" not in told


def apart(ask: Ask, client: Any, query: str) -> dict[str, Any]:
    """Return the parts of the card on where curves come apart, after they were compared."""
    ask(client, "statistics-apart-card.hidden", address_search=query)
    client.application.extensions["catalog"].coming_apart.wait()
    card = ask(client, "statistics-apart-card.hidden", address_search=query)
    return {**card, **ask(client, "statistics-apart-graph.figure", address_search=query, version_data=1)}


def test_a_card_says_from_which_step_on_two_groups_are_apart_as_when_does(
    shared: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(shared / "ired_logs")
    told = apart(ask, client, "?groups=q101&groups=q103")
    assert told["statistics-apart-card"]["hidden"] is False
    assert told["statistics-apart-progress"]["children"] == ""
    text = words(told["statistics-apart-words"]["children"])
    groups = client.application.extensions["catalog"].snapshot().runs_of(("q103", "q101"))
    assert headline(when(groups)) in text and "q103 is worse than q101" in text
    assert "ired-diag when q103 q101" in text and "another pair" not in text
    assert told["statistics-apart-graph"]["figure"]["data"]
    many = apart(ask, client, "?groups=q101&groups=q102&groups=q103")
    text = words(many["statistics-apart-words"]["children"])
    assert "q102 against q101, the baseline. Choose two groups above" in text


def test_where_curves_cannot_be_compared_the_card_says_why_or_is_not_there(
    tmp_path: Path, browse: Browse, ask: Ask
) -> None:
    for name in ("q501", "q502"):
        write_run(tmp_path / "runs", name, 0, 0.4)
    client = browse(tmp_path / "runs")
    told = apart(ask, client, "?groups=q501&groups=q502")
    said = words(told["statistics-apart-words"]["children"])
    assert "When do they come apart?" in said and "have 1 pair of seeds with curves" in said
    assert told["statistics-apart-graph"]["style"] == {"display": "none"}
    assert apart(ask, client, "?groups=q501")["statistics-apart-card"]["hidden"] is True


def test_configurations_stand_side_by_side_before_anything_is_compared(
    runs: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(runs)
    told = ask(client, "statistics-configurations.children", address_search="?groups=q101&groups=q102")
    assert "Configurations" in words(told["statistics-configurations"]["children"])
    assert client.application.extensions["catalog"].comparisons.computed == 0


def test_a_reason_that_two_pictures_share_is_given_once(shared: Path, browse: Browse, ask: Ask) -> None:
    client = browse(shared / "ired_logs")
    query = "?groups=q001&groups=q004"  # of two ranks
    settled(ask, client, query)
    said = {}
    for name in PICTURES:
        told = ask(
            client, f"{name}-graph.figure", statistics_told_data=[1], address_search=query, version_data=1
        )
        said[name] = words(told[f"{name}-words"]["children"])
    assert "are not pairs: rank is 10 and 20" in said["statistics-ranks"]
    assert "for the reason that is given under Rank map" in said["statistics-critical"]
    assert len(set(said.values())) == len(said)


def test_the_table_of_differences_names_groups_instead_of_places(
    shared: Path, browse: Browse, ask: Ask
) -> None:
    client = browse(shared / "ired_logs")
    query = "?groups=q101&groups=q103"
    settled(ask, client, query)
    told = ask(
        client,
        "statistics-noise-graph.figure",
        statistics_told_data=[1],
        address_search=query,
        version_data=1,
    )
    table = words(told["statistics-noise-table"]["children"])
    assert " q101 q101 " in table and "0.1 " not in table

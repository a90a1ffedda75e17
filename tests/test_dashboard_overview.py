"""What the Overview sends to the browser: bins, few groups, values at steps; and the numbers of the Study."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.dashboard.address import View
from app.dashboard.binned import BINS, At, binned
from app.dashboard.few_groups import MOST_AT_FIRST, few_groups
from app.dashboard.group_numbers import group_number
from app.dashboard.snapshot import Entry
from app.dashboard.step_values import resting_step, step_values
from app.dashboard.study_groups import StudyGroup, in_order
from app.dashboard.tables import Tables
from app.dashboard.training_time import logged_clock, speeds_in_words, training_time
from ired_diag.comparison import compare, words
from ired_diag.drawing.bounded_bands import limits_of_curves
from ired_diag.drawing.learning_curves import learning_curves
from ired_diag.runs.history import Row, Series, to_jsonl
from ired_diag.runs.run import Run
from ired_diag.table import write_table
from tests.made_runs import made_run


def made(group: str, seed: int, values: list[float], **keys: Any) -> Run:
    metrics = {"validation/mse": np.array(values)}
    return made_run(group, seed, every=100, path=Path(f"/nowhere/{group}/{seed}"), metrics=metrics, **keys)


def write_conditioning(folder: Path, values: np.ndarray, step: int) -> None:
    """Write a table of condition numbers of right answers at one step and level."""
    count = len(values)
    rows = {
        "step": np.full(count, step),
        "weights": np.array(["raw"] * count, dtype=object),
        "settings": np.array(["s"] * count, dtype=object),
        "level": np.zeros(count, dtype=np.int64),
        "kind": np.array(["positive"] * count, dtype=object),
        "cond": values,
        "sigma_min": np.linspace(0.1, 1.0, count),
    }
    (folder / "probes").mkdir(parents=True)
    write_table(folder / "probes" / "conditioning.parquet", rows, {})


def test_bins_hold_every_value_or_say_how_many_they_lack(tmp_path: Path, rng: np.random.Generator) -> None:
    values = np.exp(rng.normal(size=500))
    values[:7] = [np.inf, np.nan, 0.0, -1.0, np.inf, np.nan, np.nan]
    write_conditioning(tmp_path, values, 300)
    run = made_run("q1", 0, every=100, path=tmp_path, metrics={})

    sent = binned({"q1": [run]}, Tables(), At())
    assert sent is not None
    cond = sent["quantities"]["cond"]
    bins = cond["steps"]["300"]["groups"]["q1"]["positive"]
    assert bins["n"] == 500 and bins["lost"] == 7
    assert len(cond["edges"]) == BINS + 1 and len(bins["shares"]) == BINS
    assert sum(bins["shares"]) == pytest.approx(493 / 500, abs=BINS * 5e-5)
    expected, _ = np.histogram(values[np.isfinite(values)], cond["edges"])
    assert np.abs(np.array(bins["shares"]) * 500 - expected).max() <= 1.1  # edges are sent rounded


def test_without_a_table_nothing_is_sent(tmp_path: Path) -> None:
    run = made_run("q1", 0, every=100, path=tmp_path, metrics={})
    assert binned({"q1": [run]}, Tables(), At()) is None


def test_of_many_groups_those_that_started_last_are_drawn_and_it_is_said() -> None:
    kept = {}
    for number in range(12):
        start = {"started": f"2026-01-{28 - number:02}T00:00:00"}
        kept[f"g{number:02}"] = [made(f"g{number:02}", 0, [1.0, 0.5], provenance=start)]
    few = few_groups(View(), kept, lambda run: True)
    assert list(few.groups) == [f"g{number:02}" for number in range(MOST_AT_FIRST)]
    assert few.words == "8 of 12 groups are drawn: those whose runs started last."
    chosen = few_groups(View(groups=("g11", "g10")), kept, lambda run: True)
    assert list(chosen.groups) == ["g10", "g11"] and "2 of 12 groups are chosen" in chosen.words
    only = few_groups(View(), kept, lambda run: run.group == "g09")
    assert list(only.groups) == ["g09"], "a group without the metric takes no place"


def test_values_at_steps_are_means_with_n_and_sd() -> None:
    runs = [made("q1", seed, [1.0 + seed, 2.0 + 2 * seed]) for seed in range(3)]
    (sent,) = step_values({"q1": runs}, "validation/mse", ("q0", "q1"))
    assert sent["steps"] == [100, 200] and sent["n"] == [3, 3]
    assert sent["mean"] == [2.0, 4.0] and sent["sd"] == [1.0, 2.0]


def entry(seed: int, values: list[float], completion: Any) -> Entry:
    return Entry(f"{seed:012x}", made("q1", seed, values), completion)


def test_a_group_s_numbers_are_of_its_complete_seeds() -> None:
    complete = [entry(0, [3.0, 1.0], "complete"), entry(1, [3.0, 2.0], "unknown")]
    number = group_number([*complete, entry(2, [9.0, 8.0], "cut off")], "last")
    assert number.mean == 1.5 and number.sd == pytest.approx(np.sqrt(0.5))
    assert number.seeds_in_words == "2 of 3"
    alone = group_number([entry(2, [9.0, 8.0], "cut off")], "last")
    assert (alone.mean, alone.sd, alone.seeds_in_words) == (8.0, None, "1 unfinished")


def test_means_are_sent_with_the_digits_that_their_standard_error_asks_for() -> None:
    values = (1003.27891, 1003.27895, 1003.27899)
    runs = [made("q1", seed, [1.0, value]) for seed, value in enumerate(values)]
    (sent,) = step_values({"q1": runs}, "validation/mse", ("q1",))
    assert sent["mean"][1] == pytest.approx(1003.27895, abs=1e-6)


def test_a_small_difference_of_two_groups_is_seen_in_the_study(tmp_path: Path, browse: Any, ask: Any) -> None:
    for group, middle in (("q1", 3.27880), ("q2", 3.27826)):
        for seed in range(4):
            write_run(tmp_path / "runs", group, seed, [10.0, middle + 0.0005 * (seed - 1.5)])
    sent = ask(browse(tmp_path / "runs"), "study-content.children", version_data=1)
    table = text_of(sent["study-content"])
    assert "3.27880 ± 0.00065" in table and "3.27826 ± 0.00065" in table


def test_a_band_of_an_mse_ends_at_zero_and_that_of_an_unknown_metric_does_not() -> None:
    runs = [made("q1", seed, [1.0] * 39 + [last]) for seed, last in enumerate((0.001, 0.002, 0.2))]
    figure = learning_curves({"q1": runs})
    mean = next(line for line in figure.panels[0].lines if line.name == "q1")
    assert mean.low is not None and mean.low[-1] == 0.0
    assert "Bands end at 0" in figure.method
    curve = Series(np.array([1]), np.array([0.5]))
    assert limits_of_curves("val_loss", [curve]) is None
    assert limits_of_curves("val_acc", [curve]) == (0.0, 1.0)
    assert limits_of_curves("val_acc", [Series(np.array([1]), np.array([87.0]))]) == (0.0, 100.0)
    assert limits_of_curves("val_acc", [Series(np.array([1]), np.array([-3.0]))]) is None


def test_two_seeds_are_two_lines_and_no_mean() -> None:
    runs = [made("q1", seed, [1.0, 0.5 + seed]) for seed in range(2)]
    lines = learning_curves({"q1": runs}).panels[0].lines
    assert [(line.name, line.faint, line.low) for line in lines] == [
        ("q1 seed0", False, None),
        ("q1 seed1", False, None),
    ]
    by_range = learning_curves({"q1": runs}, band="range").panels[0].lines
    assert any(line.name == "q1" and line.low is not None for line in by_range)


def write_run(root: Path, group: str, seed: int, values: list[float]) -> None:
    folder = root / group / f"seed{seed}"
    folder.mkdir(parents=True)
    facts = {"format": 1, "experiment": group, "seed": seed, "config": {}, "ending": {"state": "complete"}}
    (folder / "config.json").write_text(json.dumps(facts))
    rows = [Row(100 * place, {"validation/mse": value}) for place, value in enumerate(values, start=1)]
    (folder / "metrics.jsonl").write_bytes(to_jsonl(rows))


@pytest.fixture
def two_groups(tmp_path: Path) -> Path:
    """Three seeds of a worse group, three of a better one, and a file that is no run."""
    for seed in range(3):
        write_run(tmp_path / "runs", "q901", seed, [0.9, 0.4, 0.2 + seed / 1000])
        write_run(tmp_path / "runs", "q902", seed, [0.9, 0.4, 0.1 + seed / 1000])
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "config.json").write_text('{"format": 1, ')
    return tmp_path / "runs"


def test_the_overview_says_how_many_runs_in_how_many_groups(two_groups: Path, browse: Any, ask: Any) -> None:
    client = browse(two_groups)
    first = "6 runs in 2 groups; metric: validation/mse (lower is better, by its name)."
    assert first in text_of(ask(client, "overview-runs.children", version_data=1)["overview-runs"])
    few = ask(client, "overview-runs.children", address_search="?filter=q902", version_data=1)
    assert "3 of 6 runs in 1 group" in text_of(few["overview-runs"])


def test_the_overview_gives_the_verdict_of_stats_and_leads_to_it(
    two_groups: Path, browse: Any, ask: Any
) -> None:
    client = browse(two_groups)
    asked: dict[str, Any] = {"version_data": 1, "overview_curves_drawn_data": {"axes": ""}}
    waiting = ask(client, "overview-verdict.children", **asked)
    assert "Comparing 2 groups, 6 runs" in text_of(waiting["overview-verdict"])
    assert waiting["overview-compares"]["disabled"] is False
    catalog = client.application.extensions["catalog"]
    catalog.comparisons.wait()
    verdict = ask(client, "overview-verdict.children", **asked)
    groups = catalog.snapshot().study.groups()
    answer = compare(dict(reversed(groups.items())))  # the first group is the baseline, and stands last
    assert words.verdict_of(answer.pairs[0], answer) in text_of(verdict["overview-verdict"])
    assert "?page=statistics" in json.dumps(verdict["overview-verdict"])
    assert verdict["overview-compares"]["disabled"] is True


def test_a_single_group_has_no_verdict_and_no_link(tmp_path: Path, browse: Any, ask: Any) -> None:
    write_run(tmp_path / "runs", "q901", 0, [0.9, 0.4])
    asked = {"version_data": 1, "overview_curves_drawn_data": {"axes": ""}}
    sent = ask(browse(tmp_path / "runs"), "overview-verdict.children", **asked)
    assert sent["overview-verdict"]["children"] is None and sent["overview-compares"]["disabled"] is True


def test_overview_and_findings_count_the_same_findings(two_groups: Path, browse: Any, ask: Any) -> None:
    client = browse(two_groups)
    diagnosis = client.application.extensions["catalog"].diagnosis
    diagnosis.newest()
    diagnosis.wait()
    page = text_of(ask(client, "findings-content.children", version_data=1)["findings-content"])
    (count,) = re.findall(r"of (\d+) findings", page)
    asked = {"version_data": 1, "overview_curves_drawn_data": {"axes": ""}}
    overview = text_of(ask(client, "overview-findings.children", **asked)["overview-findings"])
    assert int(count) > 0
    assert [int(number) for number in re.findall(r"(\d+) finding", overview)] == [int(count)]


@pytest.fixture
def first_fall(tmp_path: Path) -> Path:
    """Two groups that start at 10.8 and end near 3.28, the second one on twice as many steps."""
    for group, length in (("q901", 20), ("q902", 40)):
        for seed in range(3):
            later = np.linspace(3.6, 3.28 + seed / 1000, length)
            write_run(tmp_path / "runs", group, seed, [10.8, *later.tolist()])
    return tmp_path / "runs"


@pytest.mark.parametrize("page", ["overview", "curves"])
def test_the_y_axis_leaves_out_the_first_fall_says_so_and_shows_all_on_request(
    first_fall: Path, browse: Any, ask: Any, page: str
) -> None:
    client = browse(first_fall)
    chart = "curves" if page == "curves" else "overview-curves"
    cut = ask(client, f"{chart}-graph.figure", address_search=f"?page={page}", version_data=1)
    low, high = cut[f"{chart}-graph"]["figure"]["layout"]["yaxis"]["range"]
    assert 3.2 < low < 3.28 and 3.5 < high < 4
    said = text_of(cut[f"{chart}-words"])
    assert f"leaves out values above {high:.4g} in the first 20% of a curve" in said
    query = f"?page={page}&whole=1"
    whole = ask(client, f"{chart}-graph.figure", address_search=query, version_data=1)
    assert "range" not in whole[f"{chart}-graph"]["figure"]["layout"]["yaxis"]
    assert "shows all values" in text_of(whole[f"{chart}-words"])


def test_small_pictures_of_groups_have_one_scale_without_the_first_fall(
    first_fall: Path, browse: Any, ask: Any
) -> None:
    sent = ask(browse(first_fall), "study-content.children", version_data=1)
    table = json.dumps(sent["study-content"])
    words = re.findall(r'"alt": "([^"]*)"', table)
    pictures = [b64decode(text).decode() for text in re.findall(r"svg\+xml;base64,([^\"]+)", table)]
    ends = [max(map(float, re.findall(r"([0-9.]+),", picture))) for picture in pictures]
    assert len(words) == 2 and len(set(words)) == 1 and "first values that lie outside" in words[0]
    assert ends[0] == pytest.approx(60, abs=5) and ends[1] == pytest.approx(118), ends


def test_marks_of_verdicts_add_up_to_the_runs(tmp_path: Path, browse: Any, ask: Any) -> None:
    for seed, values in enumerate(([0.9, 0.4], [0.9, 0.3], [])):
        write_run(tmp_path / "runs", "q901", seed, values)
    sent = ask(browse(tmp_path / "runs"), "study-content.children", version_data=1)
    assert "2 too short1 not judged" in text_of(sent["study-content"])


def timed(group: str, seed: int, times: list[float], completion: Any = "complete") -> Entry:
    metrics = {"validation/mse": np.array([3.0, 2.0, 1.0]), "train_time": np.array(times)}
    path = Path(f"/nowhere/{group}/{seed}")
    run = made_run(group, seed, every=100, path=path, metrics=metrics)
    return Entry(f"{seed:012x}", run, completion)


def test_the_time_of_a_group_is_the_median_of_its_finished_runs() -> None:
    entries = [timed("q1", seed, [10.0, 20.0, 30.0 + seed]) for seed in range(3)]
    entries.append(timed("q1", 3, [10.0, 20.0, 9000.0], "cut off"))
    assert logged_clock(entries) == "train_time"
    time = training_time(entries, "train_time")
    assert time is not None and (time.total, time.n) == (31.0, 3)
    assert time.per_step == pytest.approx(31 / 300)
    resumed = training_time([timed("q1", 0, [10.0, 40.0, 5.0])], "train_time")
    assert resumed is not None and resumed.total == 45.0, "the time of both jobs"


def test_without_a_logged_time_there_is_no_column(two_groups: Path, browse: Any, ask: Any) -> None:
    assert logged_clock([entry(0, [3.0, 1.0], "complete")]) is None
    sent = ask(browse(two_groups), "study-content.children", version_data=1)
    assert "Time (" not in text_of(sent["study-content"])


def text_of(tree: Any) -> str:
    """Return the words of a part of a page, as Dash sends it."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, list):
        return "".join(map(text_of, tree))
    if not isinstance(tree, dict):
        return ""
    return text_of(tree.get("props", tree).get("children"))


def test_a_difference_in_speed_is_said_with_its_ranges_where_times_do_not_overlap() -> None:
    slow = [timed("q2", seed, [20.0, 40.0 + seed]) for seed in range(3)]
    fast = [timed("q1", seed, [10.0, 20.0 + seed]) for seed in range(3)]
    words = speeds_in_words({"q2": slow, "q1": fast}, "train_time")
    assert "a step of q2 takes 0.205 (0.2 to 0.21, 3 runs)" in words
    assert "one of q1 0.105 (0.1 to 0.11, 3 runs): 2 times as long" in words and "machine" in words
    overlapping = [timed("q3", seed, [10.0, 20.0 + 25 * seed]) for seed in range(3)]
    assert speeds_in_words({"q2": slow, "q3": overlapping}, "train_time") == ""
    assert speeds_in_words({"q2": slow, "q1": fast[:1]}, "train_time") == "", "one run has no range"
    nearly = [timed("q4", seed, [20.0, 43.0 + seed / 10]) for seed in range(3)]
    assert speeds_in_words({"q2": slow[:2], "q4": nearly}, "train_time").endswith("was on.")
    assert speeds_in_words({"q2": slow}, "train_time") == ""


def test_groups_are_sorted_by_time_and_those_without_one_stand_last() -> None:
    groups = []
    for name, times in (("q1", [10.0, 40.0]), ("q2", [10.0, 20.0]), ("q3", [10.0, 30.0])):
        groups.append(StudyGroup(name, [timed(name, 0, times)]))
    groups.insert(0, StudyGroup("q0", [entry(0, [1.0], "complete")]))
    for descending, names in ((False, ["q2", "q3", "q1", "q0"]), (True, ["q1", "q3", "q2", "q0"])):
        view = View(sort="time", descending=descending)
        assert [group.name for group in in_order(groups, view, {}, "train_time")] == names
    assert [group.name for group in in_order(groups, View(sort="time"), {}, None)] == ["q0", "q1", "q2", "q3"]


@pytest.mark.parametrize("page", ["overview", "study", "curves", "statistics", "findings"])
def test_a_metric_that_no_run_logs_is_named_once_and_the_default_is_shown(
    two_groups: Path, browse: Any, ask: Any, page: str
) -> None:
    client = browse(two_groups)
    said = "No run here logs 'val/nothing', the metric in the address: the page shows the default metric."
    for metric, count in (("val/nothing", 1), ("validation/mse", 0)):
        frame = {"search": f"?page={page}&metric={metric}", "number": 1}
        assert text_of(ask(client, "content.children", frame_data=frame)["content"]).count(said) == count
    told = ask(client, "not-logged.children", address_search="?metric=validation/mse", version_data=1)
    assert told["not-logged"]["children"] == "", "another metric was chosen meanwhile"


def test_values_rest_where_every_group_has_one_unless_a_group_ended_long_before() -> None:
    def groups(*ends: int) -> list[dict[str, Any]]:
        return [{"steps": list(range(100, end + 1, 100))} for end in ends]

    assert resting_step(groups(400, 400)) == {"rest": 400, "rest_words": ""}
    assert resting_step(groups(400, 300))["rest"] == 300
    assert resting_step(groups(400, 100))["rest"] == 400
    assert resting_step([{"steps": [100, 200]}, {"steps": [300, 400]}])["rest"] == 400
    assert resting_step([]) == {}

"""Findings as clusters: one fact once, its runs folded, what makes a conclusion wrong first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.demo import sample_runs
from app.cli.diagnose_screen import SCREEN, screen
from app.cli.diagnosis import Diagnosis
from app.dashboard.components.finding_badges import findings_by_run
from app.next_command import Place, next_command
from ired_diag import forensics
from ired_diag.finding import Finding
from ired_diag.finding_clusters import clusters_of
from ired_diag.folded_labels import folded
from ired_diag.forensics.rule import GRAVEST_FIRST
from ired_diag.grouping import open_arguments
from ired_diag.open import open_study
from ired_diag.runs.study import Study
from ired_diag.touched_runs import touched_by
from ired_diag.verdict import verdict_of
from tests.made_runs import made_run

WIDTHS = (100, 80, None)


def study_of(groups: int, seeds: int) -> Study:
    runs = []
    for group in range(groups):
        runs += [made_run(f"q{group}", seed) for seed in range(seeds)]
    return Study.of(runs)


def findings_of(rng: random.Random, rules: list[str], groups: int, words: int) -> Iterator[Finding]:
    """Yield findings with statements of some length, many to a rule, as on a large study."""
    for rule in rules:
        severity = rng.choice(["error", "warning", "note"])
        text = " ".join(rng.choice(["energy", "validation", "exceeds", "its", "best"]) for _ in range(words))
        for group in rng.sample(range(groups), groups // 2):
            statement = f"q{group}: {text} by {rng.random():.3g} (seed0, seed1)."
            advice = rng.choice(["", "Look at it: ired-diag ls --attempts", "Train it again."])
            yield Finding(rule, severity, statement, {"group": f"q{group}"}, advice)  # type: ignore[arg-type]


def height(lines: list[str], width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [5, 40, 200])
def test_a_screen_is_enough_for_600_runs_and_40_rules(width: int | None, words: int) -> None:
    rules = [*forensics.names(), *(f"rule_{number}" for number in range(40 - len(forensics.names())))]
    study = study_of(60, 10)
    findings = list(findings_of(random.Random(words), rules, 60, words))
    verdicts = [verdict_of(run) for run in study.runs]
    diagnosis = Diagnosis(study, findings, verdicts, Place(paths=("some/where",)))
    lines = [line.text for line in screen(diagnosis, width)]
    assert height(lines, width or 100) <= SCREEN
    if width:
        assert all(len(line) <= width for line in lines if "ired-diag " not in line)
    text = "\n".join(lines)
    shown = [cluster for cluster in diagnosis.clusters if f"[{cluster.rule}]" in text]
    errors_first = sorted(diagnosis.clusters, key=lambda cluster: forensics.WORST_FIRST[cluster.severity])
    assert shown == [c for c in diagnosis.clusters if c in errors_first[: len(shown)]]
    hidden = sum(len(cluster.findings) for cluster in errors_first[len(shown) :])
    assert f"and {hidden} more findings" in text
    assert "No finding does not mean no problem; --list" in text.replace("\n", " ")


def test_few_findings_stand_on_the_screen_whole_and_nothing_is_said_to_be_folded() -> None:
    study = study_of(2, 2)
    finding = Finding("curve_shape", "error", "q1/seed0: it diverged.", {"run": "q1/seed0"})
    lines = [line.text for line in screen(Diagnosis(study, [finding], [], Place()), 100)]
    assert lines[0] == "1. error, wrong number [curve_shape] q1/seed0: it diverged."
    assert not any("more finding" in line for line in lines)


def test_each_fact_stands_once_with_all_its_runs() -> None:
    study = study_of(3, 4)
    late = [
        Finding(
            "late", "warning", f"q{group}: {group + 1} of 4 runs are late ({seeds}).", {"group": f"q{group}"}
        )
        for group, seeds in ((0, "seed0"), (1, "seed0, seed2"), (2, "seed1, seed2, seed3"))
    ]
    other = Finding("late", "warning", "q2: the clock goes backwards.", {"group": "q2"})
    (cluster,) = clusters_of([*late, other], study)
    first, second = cluster.facts
    assert first.statement == late[2].statement  # of the most runs
    assert first.runs == ("q0/seed0", "q1/seed0", "q1/seed2", "q2/seed1", "q2/seed2", "q2/seed3")
    assert second.findings == (other,)


def test_the_order_is_consequence_then_severity_then_runs_and_notes_come_last() -> None:
    study = study_of(3, 4)
    findings = [
        Finding("underpowered", "note", "q0: a note.", {"group": "q0"}),
        Finding("files_read", "error", "q0: hygiene.", {"group": "q0"}),
        Finding("incomplete", "error", "q0: compute.", {"group": "q0"}),
        Finding("curve_shape", "error", "q0: number.", {"group": "q0"}),
        Finding("evaluation_noise", "warning", "q0: conclusion.", {"group": "q0"}),
        Finding("trivial_floor", "error", "q0/seed1: conclusion.", {"run": "q0/seed1"}),
        Finding("identical_curves", "error", "q0: conclusion.", {"group": "q0"}),
    ]
    rules = [cluster.rule for cluster in clusters_of(findings, study)]
    assert rules == [
        "identical_curves",
        "trivial_floor",
        "evaluation_noise",
        "curve_shape",
        "incomplete",
        "files_read",
        "underpowered",
    ]


def test_every_rule_states_its_consequence() -> None:
    assert {forensics.load(name).consequence for name in forensics.names()} == set(GRAVEST_FIRST)


def test_the_runs_of_a_finding_are_exact_only_where_they_are_named() -> None:
    study = study_of(2, 3)
    whole = touched_by(Finding("r", "note", "q1: all of it.", {"group": "q1"}), study)
    assert (len(whole.runs), whole.exact) == (3, False)
    listed = touched_by(Finding("r", "note", "q1: this (seed0, seed2).", {"group": "q1"}), study)
    assert (listed.runs, listed.exact) == (("q1/seed0", "q1/seed2"), True)
    cut = touched_by(Finding("r", "note", "q1: this (seed0, seed2 and 1 more).", {"group": "q1"}), study)
    assert not cut.exact
    own = touched_by(Finding("r", "note", "They differ.", runs=("q0/seed1",)), study)
    assert (own.runs, own.exact) == (("q0/seed1",), True)
    assert touched_by(Finding("r", "note", "Nothing is named here.", {"x": 1}), study).runs == ()


def test_folded_labels_name_or_count_every_run() -> None:
    rng = random.Random(7)
    for _ in range(200):
        labels = [f"q{rng.randint(1, 3)}/seed{rng.randint(0, 9)}" for _ in range(rng.randint(1, 15))]
        labels = sorted(set(labels), key=lambda label: (label.split("/")[0], int(label.rpartition("d")[2])))
        assert unfolded(folded(labels)) == labels
        width = rng.randint(30, 60)
        short = folded(labels, width=width)
        named, _, more = short.partition(" and ")
        assert len(short) <= width or "," not in named.replace(", seed", "")
        assert len(unfolded(named)) + int(more.split()[0] if more else 0) == len(labels)


def unfolded(text: str) -> list[str]:
    """Return the labels that a folded line names: the reader's way back."""
    labels: list[str] = []
    group = ""
    for part in text.split(", "):
        group, _, rest = part.rpartition("/") if "/" in part else (group, "", part)
        first, _, last = rest.partition(" … ")
        low, high = int(first[4:]), int((last or first)[4:])
        labels += [f"{group}/seed{number}" for number in range(low, high + 1)]
    return labels


def test_the_studys_gravest_findings_come_first(shared: Path) -> None:
    study = open_arguments([str(shared / "ired_logs")])
    clusters = clusters_of(forensics.diagnose(study), study)
    rules = [cluster.rule for cluster in clusters[:3]]
    assert rules == ["trivial_floor", "identical_curves", "evaluation_noise"]
    assert "linear regression" in clusters[0].facts[0].statement
    assert clusters[2].runs == tuple(f"q101/seed{seed}" for seed in range(10))
    lines = screen(Diagnosis(study, [f for c in clusters for f in c.findings], [], Place()), 100)
    assert len(lines) <= SCREEN


def test_badges_accuse_only_the_runs_that_a_finding_names() -> None:
    study = open_study(sample_runs())
    by_run = findings_by_run(forensics.diagnose(study), study)

    def accused(rule: str) -> set[str]:
        return {name for name, findings in by_run.items() for each in findings if each.rule == rule}

    assert accused("identical_curves") == {"q900/seed0", "q900/seed6"}
    incomplete = {run.label for run in study.runs if run.group == "q900" and not run.ending.may_be_complete}
    assert accused("incomplete") == incomplete - {"q900/seed1"}  # it may still run: a note


def test_a_finding_on_a_group_is_a_badge_of_the_group_and_of_no_run() -> None:
    whole = Finding("r", "warning", "q1: all of it.", {"group": "q1"})
    assert findings_by_run([whole], study_of(2, 3)) == {"q1": [whole]}


def test_a_statement_that_cuts_its_list_of_seeds_short_is_exact_all_the_same() -> None:
    study = open_study(sample_runs())
    for finding in forensics.diagnose(study):
        if " more)" in finding.statement:
            assert touched_by(finding, study).exact, finding


def shape_of(group: str, seeds: tuple[str, ...], words: str) -> Finding:
    listed = ", ".join(seeds[:2]) + (f" and {len(seeds) - 2} more" if len(seeds) > 2 else "")
    runs = tuple(f"{group}/{seed}" for seed in seeds)
    return Finding("r", "note", f"{group}: {words} ({listed}).", {"group": group}, runs=runs)


def test_a_merged_statement_holds_for_all_groups_that_it_names() -> None:
    study = study_of(3, 4)
    seeds = ("seed0", "seed1", "seed2")
    same = [shape_of(f"q{group}", seeds, "loss is still coming down") for group in range(2)]
    (fact,) = clusters_of(same, study)[0].facts
    assert fact.merged == "q0, q1: loss is still coming down (6 runs)."
    other = [same[0], shape_of("q1", seeds[:2], "loss is still coming down by 3%")]
    for fact in clusters_of(other, study)[0].facts:
        assert fact.merged == fact.statement
    numbers = [shape_of(f"q{group}", seeds, f"ends at {group}.5") for group in range(3)]
    (fact,) = clusters_of(numbers, study)[0].facts
    assert fact.merged == fact.statement  # each group has a number of its own


def test_names_without_an_order_are_cut_short_in_each_group() -> None:
    hashes = [f"{group}/{17 * n % 97:02x}ab{n:03d}z" for group in ("contra", "newton") for n in range(16)]
    line = folded(hashes, most=4)
    assert line.count("/") == 2 and line.endswith("and 28 more") and len(line) < 80


def test_runs_that_ended_as_planned_are_not_told_to_train_longer(tmp_path: Path) -> None:
    for group in ("contra", "newton"):
        for seed in range(3):
            path = tmp_path / group / f"seed{seed}.txt"
            path.parent.mkdir(exist_ok=True)
            values = [5 - 0.06 * k + 0.001 * seed for k in range(1, 31)]
            rows = [f"step:{10 * k}/300 val_loss:{value:.5f}\n" for k, value in enumerate(values, start=1)]
            path.write_text("".join(rows))
    study = open_study(tmp_path)
    findings = [each for each in forensics.diagnose(study) if each.rule == "curve_shape"]
    (cluster,) = clusters_of(findings, study)
    command = next_command(cluster, study, Place(paths=(str(tmp_path),)))
    assert "Train longer" not in cluster.advice
    assert command.startswith("ired-diag stats contra newton ") and "--readout last" in command

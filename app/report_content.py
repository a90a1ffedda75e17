"""What a report on groups of runs says: verdicts, findings, pictures, tables and paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from app.cli.stats_groups import group_columns, group_rows
from app.cli.stats_skill import skill_rows, skill_title
from app.cli.stats_tables import criteria_rows
from app.cli.stats_tests import TEST_COLUMNS, test_rows
from app.next_command import Place, advice_in_words, command_of_fact
from app.pictures import Material, make_pictures
from app.provenance import provenance_of
from app.report import Advised, Report, Table
from app.report_groups import group_table
from app.report_sections import Section
from app.run_groups import all_runs
from ired_diag.comparison import Comparison, words
from ired_diag.finding import Finding
from ired_diag.finding_clusters import clusters_of
from ired_diag.runs.study import Study


def report_on(
    material: Material,
    *,
    findings: Sequence[Finding],
    place: Place,
    command: Sequence[str],
    notes: Sequence[str] = (),
    title: str | None = None,
    question: str | None = None,
    sections: Sequence[Section] = (),
) -> Report:
    """Return the report on groups of runs.

    Args:
        material: The groups and their comparison.
        findings: What the rules find in the runs.
        place: Where the runs are, for the next commands.
        command: Words of the command line, for the provenance.
        notes: What is to be said before the results.
        title: Title of the page. Default: the names of the groups.
        question: Question of the study. Default: what differs between the groups.
        sections: Sections on a plan and a journal.
    """
    every_run = all_runs(material.groups)
    pictures = make_pictures(material)
    report = Report(
        title=title or f"{', '.join(material.groups)}: what the runs say",
        question=question or _usual_question(material),
        caveats=list(notes),
        findings=_advised(findings, Study.of(every_run), place),
        figures=pictures.figures,
        not_drawn=[f"{name}: {reason}" for name, reason in pictures.not_drawn.items()],
        provenance=provenance_of(command, every_run),
        metric=_metric_lines(material),
        groups=group_table(material.groups, material.names),
        names=material.names,
        metric_names=material.metric_names,
        sections=sections,
    )
    if material.comparison is not None:
        report = _with_comparison(report, material.comparison)
    return report


def _metric_lines(material: Material) -> list[str]:
    """Return what the runs are judged by, and what the logs call it where it has a label."""
    lines = list(material.metric_lines)
    if material.metric_label:
        lines.append(f"{material.metric_label}: {material.metric} in the logs")
    return lines


def _usual_question(material: Material) -> str:
    """Return the question of a report where the command line asks none."""
    *others, last = material.groups
    if material.comparison is not None:
        return f"What differs between {', '.join(others)} and {last}?"
    return f"What does {last} show?"


def _with_comparison(report: Report, comparison: Comparison) -> Report:
    """Return a report with the verdicts, caveats, tables and paragraphs of a comparison."""
    verdicts = []
    caveats = list(report.caveats)
    by_pair = {}
    for pair in comparison.pairs:
        verdicts.append(words.verdict_of(pair, comparison))
        by_pair[f"{pair.a} and {pair.b}"] = list(words.caveats_of(pair, comparison))
    caveats += _for_all_pairs(by_pair)
    return replace(
        report,
        verdicts=verdicts,
        caveats=_each_once(caveats, verdicts),
        tables=list(_tables(comparison)),
        methods=words.methods_of(comparison),
        results=words.results_of(comparison),
    )


def _for_all_pairs(by_pair: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the caveats on pairs: what is said in the same words of several pairs, once for all of them.

    >>> _for_all_pairs({"a and b": ["1 seed of a and b."], "a and c": ["1 seed of a and c.", "c is short."]})
    ['1 seed of a and b (also a and c).', 'c is short.']
    """
    pairs_by_caveat: dict[tuple[str, ...], list[str]] = {}
    for pair, caveats in by_pair.items():
        for caveat in caveats:
            around = tuple(caveat.split(pair, maxsplit=1))
            pairs_by_caveat.setdefault(around, []).append(pair)
    merged = []
    for around, pairs in pairs_by_caveat.items():
        first, *others = pairs
        also = f" (also {', '.join(others)})" if others else ""
        merged.append(f"{first}{also}".join(around))
    return merged


def _each_once(caveats: Sequence[str], verdicts: Sequence[str]) -> list[str]:
    """Return caveats without those that are said before, by another one or in a verdict."""
    said: list[str] = list(verdicts)
    kept = []
    for caveat in caveats:
        if any(caveat in earlier for earlier in said):
            continue
        said.append(caveat)
        kept.append(caveat)
    return kept


def _advised(findings: Sequence[Finding], study: Study, place: Place) -> list[Advised]:
    advised = []
    for cluster in clusters_of(findings, study):
        advice = [
            (advice_in_words(fact.advice), command_of_fact(fact, study, place)) for fact in cluster.facts
        ]
        advised.append(Advised(cluster, advice))
    return advised


def _tables(comparison: Comparison) -> Iterator[Table]:
    if comparison.skill is not None:
        rows = skill_rows(comparison.skill)
        yield Table(skill_title(comparison.skill), ("", *comparison.skill.problems), rows)
    title = f"{words.readout_of_metric(comparison)}, each {comparison.run_noun}"
    yield Table(title, group_columns(comparison), list(group_rows(comparison)))
    for pair in comparison.compared_pairs:
        yield Table(f"{pair.a} - {pair.b}, two-sided tests", TEST_COLUMNS[1:], list(test_rows(pair)))
        if pair.criteria:
            title = f"Success, of {pair.a} as a remedy for {pair.b}"
            yield Table(title, ("criterion", "met", "why"), criteria_rows(pair))

"""What each tool answers: the library's verdicts, cut to what an agent needs to decide.

These functions run in a process of their own (``working``), whose working folder is the folder of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.agents.confinement import Confinement
from app.agents.reply import Reply
from app.calls.comparing import compare as compare_groups
from app.calls.diagnosing import check as check_report
from app.calls.diagnosing import diagnose as diagnose_paths
from app.calls.gating import gate as decide_on
from app.calls.opening import study_at
from ired_diag.comparison import Comparison
from ired_diag.comparison.answer_words import (
    cautions_of,
    cautions_of_many,
    means_in_words,
    readout_in_words,
)
from ired_diag.comparison.gate import Decision
from ired_diag.comparison.words import readout_name, verdict_of
from ired_diag.errors import DiagError, NotFound
from ired_diag.finding_clusters import Fact
from ired_diag.runs.name_list import counted, first_names

MOST = 20  # statements of one kind
ONE_SEED = "its noise is unknown: one seed has no spread"
ASSUMED = "Assumed: seeds are independent and roughly symmetric around their mean."
BY_MEANS = "A claim that one group is better holds by the means alone: ask compare about noise."
SILENCE = "No finding does not mean no problem: only what the rules ask was looked at."


def compare(folder: Confinement, groups: Sequence[str], runs: str, **choices: Any) -> Reply:
    """Return which of several groups is better.

    Args:
        folder: What may be read.
        groups: Names, paths, or ``NAME=GLOB``.
        runs: Folder in which names are looked up.
        choices: Those of ``ird.compare``.
    """
    names = [folder.check("groups", group) for group in groups]
    if len(names) < 2:
        raise DiagError(
            f"groups: expected two groups or more, found {len(names)}. One table of several is two."
        )
    comparison = compare_groups(*names, runs=folder.check("runs", runs), **choices)
    statements = [comparison.metric_words, readout_in_words(comparison), means_in_words(comparison)]
    statements += [verdict_of(pair, comparison) for pair in comparison.pairs]
    cautions = cautions_of_many(comparison)
    if len(comparison.pairs) == 1:
        cautions = cautions_of(comparison.pairs[0], comparison)
    return _of_comparison(
        comparison,
        verdict=_verdict(comparison),
        statements=_first(statements),
        numbers={"pairs": _pairs(comparison)},
        cautions=[*cautions],
    )


def _verdict(comparison: Comparison) -> str:
    """Return the decisions on all pairs in a few words."""
    decisions = []
    for pair in comparison.pairs:
        match pair.verdict.decision:
            case "better" | "worse" as word:
                decisions.append(f"{pair.a} is {word} than {pair.b}")
            case word:
                decisions.append(f"{pair.a} and {pair.b}: {word}")
    return "; ".join(_first(decisions)) or "nothing to compare"


def _pairs(comparison: Comparison) -> list[dict[str, Any]]:
    pairs = []
    for pair in comparison.pairs[:MOST]:
        pairs.append(
            {
                "a": pair.a,
                "b": pair.b,
                "decision_on_a": pair.verdict.decision,
                "smaller_than_margin": pair.verdict.smaller_than_margin,
                "a_minus_b": pair.difference,
                "interval_95_of_all_pairs_together": [pair.simultaneous_low, pair.simultaneous_high],
                "p_corrected_for_all_pairs": pair.p_holm,
                "test": pair.test_name,
            }
        )
    return pairs


def _of_comparison(
    comparison: Comparison,
    *,
    verdict: str,
    statements: list[str],
    numbers: dict[str, Any],
    cautions: Sequence[str],
) -> Reply:
    """Return a reply with the sample sizes and the noise of the groups of a comparison."""
    n = {group.name: len(group.values) for group in comparison.groups}
    noise: dict[str, float | None] = {}
    unknown = []
    for group in comparison.groups:
        noise[group.name] = None
        if n[group.name] > 1:
            noise[group.name] = group.summary.sd
        else:
            unknown.append(f"noise.{group.name} is null: {ONE_SEED}")
    return Reply(
        verdict=verdict,
        statements=statements,
        n=n,
        noise=noise,
        numbers=numbers,
        caveats=_first([*comparison.left_out, *cautions, *comparison.notes]),
        unknown=unknown,
    )


def gate(folder: Confinement, new: str, against: str | None, runs: str, **choices: Any) -> Reply:
    """Return whether to keep a change, at any number of seeds looked at.

    Args:
        folder: What may be read.
        new: The new group.
        against: The old group; None with a threshold.
        runs: Folder in which names are looked up.
        choices: Those of ``ird.gate``.
    """
    old = None if against is None else folder.check("against", against)
    answer = decide_on(
        folder.check("new", new),
        against=old,
        runs=folder.check("runs", runs),
        **choices,
    )
    decision = answer.decision
    word = "better" if decision.better_by >= 0 else "worse"
    statements = [
        answer.comparison.metric_words,
        f"{answer.new} is {word} than {answer.against} by {abs(decision.better_by):.6g} in the mean of "
        f"{counted(decision.n, 'seed')}, judged by the {readout_name(answer.comparison)} of each.",
        decision.reason,
    ]
    if decision.more:
        statements.append(f"Run {counted(decision.more, 'more seed')}, then ask again.")
    numbers = {
        "improvement": decision.better_by,
        "interval": [decision.low, decision.high],
        "level_of_interval": decision.level,
        "margin": decision.margin,
        "decided_at_seed": decision.decided_at,
        "first_seed_that_can_decide": decision.earliest,
        "more_seeds": decision.more,
        "design": decision.design,
    }
    reply = _of_comparison(
        answer.comparison,
        verdict=decision.verdict,
        statements=statements,
        numbers=numbers,
        cautions=[ASSUMED],
    )
    if decision.decided_at is None:
        reply.unknown.append("numbers.decided_at_seed is null: nothing is decided yet")
    if decision.more is None:
        reply.unknown.append(f"numbers.more_seeds is null: {_why_no_number(decision)}")
    return reply


def _why_no_number(decision: Decision) -> str:
    """Return why it is not said how many further seeds would decide."""
    if decision.verdict != "undecided":
        return "no further seed is needed"
    return "no number of seeds within the budget is expected to decide, or too few are there to say"


def diagnose(folder: Confinement, paths: Sequence[str], rules: Sequence[str] | None, **choices: Any) -> Reply:
    """Return the mistakes that runs show.

    Args:
        folder: What may be read.
        paths: Run folders, logs, folders of them, or ``NAME=GLOB``.
        rules: Names of rules; None: all.
        choices: Those of ``ird.diagnose``.
    """
    study = study_at([folder.check("paths", path) for path in paths])
    findings = diagnose_paths(study, rules=rules, **choices)
    statements = []
    for cluster in findings.clusters:
        for fact in cluster.facts[:MOST]:
            statements.append(f"{cluster.severity} [{cluster.rule}]: {fact.statement}{_also(fact)}")
    counts = {level: sum(f.severity == level for f in findings) for level in ("error", "warning", "note")}
    worst = next((level for level, count in counts.items() if count), None)
    caveats = [SILENCE]
    caveats += [place.statement for place in study.unreadable[:MOST]]
    if study.skipped:
        caveats.append(f"Not runs, and not looked at: {counted(len(study.skipped), 'file')}.")
    return Reply(
        verdict=f"{worst}s found" if worst else "no finding",
        statements=_first(statements),
        n={"runs": len(study.runs), **{f"{level}s": count for level, count in counts.items()}},
        caveats=caveats,
        next=f"ired-diag diagnose {' '.join(paths)} --full",
    )


def _also(fact: Fact) -> str:
    """Return what else a fact is true of than the finding that states it; empty where there is nothing."""
    count = len(fact.findings) - 1
    if not count:
        return ""
    found = counted(count, "further finding")
    say = "says" if count == 1 else "say"
    touched = (
        f" In all {counted(len(fact.runs), 'run')}: {first_names(fact.runs, MOST)}." if fact.runs else ""
    )
    return f" {found} {say} the same with other names and numbers.{touched}"


def check(folder: Confinement, report: str, runs: str | None, **choices: Any) -> Reply:
    """Return which claims of a report hold.

    Args:
        folder: What may be read.
        report: The report.
        runs: Runs that it is about; None: it is checked against itself.
        choices: Those of ``ird.check``.
    """
    file = folder.check("report", report)
    place = None if runs is None else folder.check("runs", runs)
    checked = check_report(file, place, **choices)
    counts = checked.counts
    verdict = "every claim that could be checked holds"
    if counts["fails"]:
        verb = "does not hold" if counts["fails"] == 1 else "do not hold"
        verdict = f"{counted(counts['fails'], 'claim')} {verb}"
    elif not counts["holds"]:
        verdict = "nothing could be checked"
    statements = [f"{finding.severity} [{finding.rule}]: {finding.statement}" for finding in checked.findings]
    reasons = dict.fromkeys(claim.why for claim in checked.verdicts if claim.outcome == "unchecked")
    caveats = [f"Not checked: {reason}" for reason in reasons]
    if any(claim.outcome == "holds" and claim.claim.kind == "ranking" for claim in checked.verdicts):
        caveats.insert(0, BY_MEANS)
    if place is None:
        caveats.insert(0, "The report was checked against itself alone: pass runs to check it against them.")
    return Reply(
        verdict=verdict,
        statements=_first([*checked.metric, *statements]),
        n={"claims": len(checked.verdicts), **counts, "numbers_not_read": checked.not_read},
        caveats=_first(caveats),
        next=f"ired-diag check {report} --full",
    )


def probe(folder: Confinement, name: str, paths: Sequence[str]) -> Reply:
    """Return what probes that were measured before say; nothing is measured.

    Args:
        folder: What may be read.
        name: A probe, or ``all``.
        paths: Run folders, or folders of them.
    """
    from app.agents.kept_probes import kept_answers

    study = study_at([folder.check("paths", path) for path in paths])
    answers, caveats = kept_answers(study, name)
    if not answers:
        raise NotFound(
            f"No table of the probe {name!r} is kept next to these runs. This tool reads what was measured "
            f"before and measures nothing: a person can run ired-diag probe {name} {' '.join(paths)}."
        )
    statements = [answer.statement for answer in answers[:MOST]]
    if len(answers) > MOST:
        caveats.append(f"{len(answers) - MOST} more answers were left out: name one probe, or fewer runs.")
    return Reply(
        verdict=counted(len(answers), "kept answer"),
        statements=statements,
        n={"answers": len(answers), "runs": len({answer.run for answer in answers})},
        numbers={"answers": [answer.numbers for answer in answers[:MOST]]},
        caveats=caveats,
    )


def _first(sentences: Sequence[str]) -> list[str]:
    """Return the first sentences, and how many were left out."""
    kept = [sentence for sentence in sentences[:MOST] if sentence]
    if len(sentences) > MOST:
        kept.append(f"and {len(sentences) - MOST} more")
    return kept


ANSWERS: Mapping[str, Callable[..., Reply]] = {
    "compare": compare,
    "gate": gate,
    "diagnose": diagnose,
    "check": check,
    "probe": probe,
}


def answer(root: str, tool: str, arguments: Mapping[str, Any]) -> Reply:
    """Return the answer of a tool.

    Args:
        root: The folder of the server, resolved.
        tool: Name of the tool.
        arguments: Its arguments.
    """
    return ANSWERS[tool](Confinement(Path(root)), **arguments)

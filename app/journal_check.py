"""A journal checked: every line of its evidence, run again and held against what it says.

A journal is a record, and is not rewritten. A number that changed is corrected by a later entry, whose
heading begins with its date and "Correction", and whose evidence quotes the same words of the same command
with the new number. Then the old line counts as corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

from app.evidence_commands import NotRun, Output, run_again
from ired_diag.errors import DiagError
from ired_diag.journals.cells import cell_named, read_cell
from ired_diag.journals.entries import Entry, Evidence, entries_of
from ired_diag.journals.quotes import Compared, Moved, compare, shape_of
from ired_diag.journals.writing import append, read_journal

Status = Literal["holds", "changed", "gone", "corrected", "not checked"]
CORRECTION = "Correction"
MOST_COMMANDS = 200
MOST_LINES = 20  # of an output that is quoted


@dataclass(frozen=True, kw_only=True)
class CheckedEvidence:
    """A line of evidence and what became of it.

    Attributes:
        entry: Title of its entry.
        line: Number of the line.
        source: Command or cell.
        quote: What the journal says.
        status: ``holds``, ``changed``, ``gone`` (words, row or run are not there), ``corrected`` by a later
            entry, or ``not checked``.
        moved: Numbers that are others today.
        remark: Why it is gone or was not checked, or how it was compared.
        quote_today: The quote with today's numbers; empty where they are unknown.
    """

    entry: str
    line: int
    source: str
    quote: str
    status: Status
    moved: Sequence[Moved]
    remark: str
    quote_today: str


@dataclass(frozen=True)
class CheckedJournal:
    """A journal and what became of its evidence.

    Attributes:
        path: Its file.
        entries: Its entries.
        evidence: All evidence, in its order.
    """

    path: Path
    entries: Sequence[Entry]
    evidence: Sequence[CheckedEvidence]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many lines of evidence have each status."""
        return Counter(each.status for each in self.evidence)

    @property
    def counts_in_words(self) -> str:
        """The counts as a sentence lists them."""
        words = []
        for status, count in self.counts.items():
            verb = "hold" if status == "holds" and count != 1 else status
            words.append(f"{count} {verb}")
        return ", ".join(words)

    @property
    def broken(self) -> Sequence[CheckedEvidence]:
        """Evidence that does not hold any more and is not corrected."""
        return [each for each in self.evidence if each.status in ("changed", "gone")]


def check_journal(
    path: Path,
    *,
    root: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CheckedJournal:
    """Return what became of the evidence of a journal.

    Args:
        path: The journal.
        root: Folder in which commands run and paths must lie. Default: the folder of the journal.
        progress: Called with how many lines were checked, and how many there are.

    Raises:
        NotFound: There is no such journal.
        UnreadableFile: It cannot be read.
        DiagError: It holds too many different commands.
    """
    folder = root or path.parent
    entries = entries_of(read_journal(path))
    every = [(entry, evidence) for entry in entries for evidence in entry.evidence]
    commands = {evidence.source for _, evidence in every if evidence.is_command}
    if len(commands) > MOST_COMMANDS:
        raise DiagError(f"{path}: more than {MOST_COMMANDS} different commands. Divide the journal.")
    outputs: dict[str, Output | NotRun] = {}
    checked = []
    for done, (entry, evidence) in enumerate(every):
        progress(done, len(every))
        compared = _compared(evidence, folder, outputs)
        checked.append(_checked(entry, evidence, compared))
    return CheckedJournal(path, entries, _with_corrections(checked))


def correct(checked: CheckedJournal, *, today: date) -> int:
    """Append an entry that corrects what changed, and return how many lines it corrects.

    Args:
        checked: The journal, as it was just checked.
        today: Date of the entry.

    Raises:
        CannotWrite: The journal cannot be written.
    """
    lines = []
    unknown = []
    for each in checked.broken:
        if each.quote_today:
            old = ", ".join(moved.old for moved in each.moved)
            today_says = f"`{each.source}` → {each.quote_today}"
            lines.append(f"- {today_says} (was {old}, line {each.line})")
        else:
            unknown.append(f"line {each.line}")
    if not lines:
        return 0
    numbers = "1 line of evidence" if len(lines) == 1 else f"{len(lines)} lines of evidence"
    observation = f"{numbers} gave other numbers when run again."
    if unknown:
        observation += f" What else no longer holds is to be looked at by hand: {', '.join(unknown)}."
    parts = {"observation": [observation], "evidence": lines}
    append(checked.path, f"{CORRECTION}: {numbers}", parts, today=today, with_hints=False)
    return len(lines)


def _compared(evidence: Evidence, root: Path, outputs: dict[str, Output | NotRun]) -> Compared:
    """Return what became of a line; a command is run once, however often it stands in the journal."""
    if not evidence.quote:
        return Compared("not checked", remark="it quotes nothing: write → and what it gave behind it")
    # A cell is read every time: files are small, and tables may be many.
    if not evidence.is_command:
        return _of_cell(evidence, root)
    if evidence.source not in outputs:
        try:
            outputs[evidence.source] = run_again(evidence.source, root)
        except NotRun as refusal:
            outputs[evidence.source] = refusal
    output = outputs[evidence.source]
    if isinstance(output, NotRun):
        return Compared("not checked", remark=str(output))
    if output.error:
        return Compared("gone", remark=f"cannot be run again: {output.error}")
    return compare(evidence.quote, output.text)


def _of_cell(evidence: Evidence, root: Path) -> Compared:
    try:
        name = cell_named(evidence.source)
        place = root.resolve()
        path = (place / Path(name.path).expanduser()).resolve()
        if not path.is_relative_to(place):
            remark = f"{name.path} lies outside of {place}; --root DIR allows a wider folder"
            return Compared("not checked", remark=remark)
        content = read_cell(name, path)
    except DiagError as error:
        return Compared("gone", remark=str(error))
    return compare(evidence.quote, content)


def _checked(entry: Entry, evidence: Evidence, compared: Compared) -> CheckedEvidence:
    return CheckedEvidence(
        entry=entry.title,
        line=evidence.line,
        source=evidence.source,
        quote=evidence.quote,
        status=compared.status,
        moved=compared.moved,
        remark=compared.remark,
        quote_today=compared.quote_today,
    )


def _with_corrections(checked: Sequence[CheckedEvidence]) -> list[CheckedEvidence]:
    """Return the evidence in which what a later correction quotes again counts as corrected."""
    corrected = []
    for place, each in enumerate(checked):
        is_broken = each.status in ("changed", "gone")
        rest = checked[place + 1 :] if is_broken else []
        later = [other for other in rest if _corrects(other, each)]
        if later:
            remark = f"by line {later[-1].line}"
            each = replace(each, status="corrected", remark=remark)
        corrected.append(each)
    return corrected


def _corrects(correction: CheckedEvidence, old: CheckedEvidence) -> bool:
    if CORRECTION not in correction.entry or correction.status != "holds":
        return False
    if correction.entry == old.entry or correction.source != old.source:
        return False
    return shape_of(correction.quote) == shape_of(old.quote)


def evidence_lines(command: str, root: Path) -> list[str]:
    """Return a command and what it prints as evidence in Markdown.

    Args:
        command: A reading command of this program.
        root: Folder in which it runs.

    Raises:
        DiagError: It is not one, or it fails.
    """
    words = command if command.startswith("ired-diag ") else f"ired-diag {command}"
    output = run_again(words, root)
    if output.error:
        raise DiagError(f"{words}: {output.error}")
    printed = [line.rstrip() for line in output.text.splitlines() if line.strip()]
    shown = printed[:MOST_LINES]
    if len(printed) > MOST_LINES:
        shown.append(f"(and {len(printed) - MOST_LINES} more lines)")
    return [f"- `{words}`", "", "```", *shown, "```", ""]

"""Which records of logs are runs, which are earlier attempts at them, which are variants.

Two logs are attempts at one run only where something says so:

- the same job and array task;
- the same configuration, git commit and seed, and a later start in the same folder: of two SLURM jobs by
  their dates or ids, of numbered folders (``version_0``, ``version_1``) where the later one goes on or
  repeats the earlier one;
- a log without an evaluation is of an attempt at the run of its seed that was started next.

The complete record is the run (``earlier_attempts``). All others are runs of their own: without a seed, two
logs are two runs. Trained runs of one experiment that differ in configuration or commit are variants of it
(``variant_labels``). Keys that only identify a run make no variant (``identity_keys``). An experiment whose
number stands for several full names is several experiments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ired_diag.runs.cross_validation import named_by_fold
from ired_diag.runs.earlier_attempts import may_be_attempt_at, with_attempts
from ired_diag.runs.fold import fold_of
from ired_diag.runs.grouped import by_experiment, grouped
from ired_diag.runs.identity_keys import Labelled, identity_keys
from ired_diag.runs.place import parse_place
from ired_diag.runs.run import Run
from ired_diag.runs.run_names import Names, distinct_labels, path_names
from ired_diag.runs.variant_labels import variant_labels, version_of


def arrange(records: Iterable[Run], *, ignored_keys: Iterable[str] = ()) -> list[Run]:
    """Return the runs among the records of logs, sorted by experiment, variant and seed.

    Args:
        records: One for each log, of all that are read together.
        ignored_keys: Keys of the configurations that make no variant, besides those that only identify a run.
    """
    ignored_keys = frozenset(ignored_keys)
    runs: list[Run] = []
    for number, members in by_experiment(records).items():
        for experiment, namesakes in _by_full_name(number, members).items():
            runs.extend(_arrange_experiment(experiment, namesakes, ignored_keys))
    return sorted(_with_distinct_names(runs), key=_reading_order)


def _reading_order(run: Run) -> tuple[str, str, int, str, str]:
    return (
        run.experiment,
        run.variant or "",
        -1 if run.seed is None else run.seed,
        run.seed_label,
        str(run.path),
    )


def _with_distinct_names(runs: Iterable[Run]) -> list[Run]:
    """Name the runs of one variant that have the same seed by what else distinguishes them."""
    variants = grouped(runs, key=lambda run: (run.experiment, run.variant))
    renamed: list[Run] = []
    for of_variant in variants.values():
        members = named_by_fold(of_variant)
        labels = [run.seed_label for run in members]
        alternatives = [
            list(map(_file_label, members)),
            list(map(_job_and_task, members)),
            list(map(_job_and_label, members)),
            list(map(_names_of_place, members)),
        ]
        names = distinct_labels(labels, alternatives)
        for run, label, name in zip(members, labels, names, strict=True):
            is_named_by_file = run.seed is None and run.file_label and not run.run_name
            if name != label or is_named_by_file:
                run = replace(run, run_name=name)
            renamed.append(run)
    return renamed


def _file_label(run: Run) -> Names:
    return (run.file_label,) if run.file_label else ()


def _job_and_task(run: Run) -> Names:
    task = run.provenance.get("task")
    if run.seed is not None or run.job is None or task is None:
        return ()
    return (f"unseeded-{run.job}_{task}",)


def _job_and_label(run: Run) -> Names:
    return (f"{run.job}-{run.seed_label}",) if run.job else ()


def _names_of_place(run: Run) -> Names:
    return path_names(run.path)


def _by_full_name(number: str, records: Sequence[Run]) -> dict[str, list[Run]]:
    """Split the records of an experiment's number by full name where it has several.

    A record without a name goes with its neighbour among the logs of the same file name; without such a log,
    it stays with the number.
    """
    named = [record for record in records if record.name]
    if len({record.name for record in named}) <= 1:
        return {number: list(records)}
    named_by_file = grouped(named, key=_file_name)
    experiments: dict[str, list[Run]] = defaultdict(list)
    for record in records:
        alike = named_by_file.get(_file_name(record))
        if record.name:
            experiment = record.name
        elif alike:
            experiment = str(_neighbour(record, alike).name)
        else:
            experiment = number
        experiments[experiment].append(record)
    return experiments


def _file_name(record: Run) -> str:
    """Return the name of a log without the numbers of its job."""
    return parse_place(record.path.stem).name


def _neighbour(record: Run, others: Sequence[Run]) -> Run:
    """Return which of ``others`` was started next after ``record``, else the last before it."""
    ordered = sorted(others, key=_start_order)
    for other in ordered:
        if other.start_order >= record.start_order:
            return other
    return ordered[-1]


def _arrange_experiment(
    experiment: str,
    records: Sequence[Run],
    ignored_keys: frozenset[str],
) -> list[Run]:
    trained = [record for record in records if _is_trained(record)]
    untrained = [record for record in records if not _is_trained(record)]
    identifying = ignored_keys | _identity_keys(records)
    versions = grouped(trained, key=lambda record: version_of(record, identifying))
    labels = variant_labels(versions)
    runs: list[Run] = []
    for version, members in versions.items():
        variant = labels[version]
        # Another fold of one seed and configuration is no other attempt.
        for of_fold in grouped(members, key=fold_of).values():
            for run in with_attempts(of_fold):
                runs.append(replace(run, experiment=experiment, variant=variant))
    return _attach_untrained(experiment, runs, untrained)


def _is_trained(record: Run) -> bool:
    """Say whether a log counts as one of a training: that of a job does only with an evaluation."""
    return bool(record.evaluations) or record.job is None


def _identity_keys(records: Sequence[Run]) -> frozenset[str]:
    """Return the keys that only identify a run among those of an experiment."""
    labelled: list[Labelled] = []
    for record in records:
        if record.configuration:
            labelled.append(Labelled(record.configuration, record.seed, record.file_label))
    return identity_keys(labelled)


def _attach_untrained(
    experiment: str,
    runs: Sequence[Run],
    untrained: Sequence[Run],
) -> list[Run]:
    """Give each record that never logged an evaluation to the run that it was an attempt at."""
    attempts_of = {id(run): list(run.attempts) for run in runs}
    orphans: list[Run] = []
    runs_of_seed = grouped(runs, key=lambda run: run.seed)
    for record in untrained:
        of_seed = runs if record.seed is None else runs_of_seed.get(record.seed, [])
        of_fold = [run for run in of_seed if fold_of(record) in (None, fold_of(run))]
        candidates = [run for run in of_fold if may_be_attempt_at(run, record)]
        if candidates:
            heir = _neighbour(record, candidates)
            attempts_of[id(heir)].append(record)
        else:
            orphans.append(record)
    arranged: list[Run] = []
    for run in runs:
        attempts = _closed(attempts_of[id(run)], run)
        arranged.append(replace(run, attempts=attempts))
    for records in grouped(orphans, key=_orphans_key).values():
        *earlier, last = sorted(records, key=_start_order)
        orphan = replace(
            last,
            experiment=experiment,
            variant=None,
            attempts=_closed(earlier, last),
        )
        arranged.append(orphan)
    return arranged


def _start_order(record: Run) -> tuple[str, int]:
    return record.start_order


def _orphans_key(record: Run) -> object:
    """Return what attempts at a run that never logged an evaluation share: the seed, or the array task."""
    if record.seed is not None:
        return "seed", record.seed
    return "task", record.provenance.get("task")


def _closed(attempts: Sequence[Run], run: Run) -> tuple[Run, ...]:
    """Return attempts in order; those that just stop before the run began are known to have ended."""
    ordered = sorted(attempts, key=_start_order)
    return tuple(_superseded(attempt, run) for attempt in ordered)


def _superseded(attempt: Run, run: Run) -> Run:
    if attempt.start_order >= run.start_order:
        return attempt
    ending = attempt.ending.superseded_by(
        run.job or "?",
        seeded=attempt.seed is not None,
    )
    return replace(attempt, ending=ending)

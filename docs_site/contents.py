"""Which pages the site has, in the order in which they are listed. Each file of ``docs`` stands here once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

HOME = "README.md"


@dataclass(frozen=True)
class Section:
    """A part of the table of contents.

    Attributes:
        title: Its heading.
        sources: Markdown files, from the root of the project.
    """

    title: str
    sources: tuple[str, ...]


def _docs(*names: str) -> tuple[str, ...]:
    return tuple(f"docs/{name}.md" for name in names)


CONTENTS = (
    Section("Start", (HOME, *_docs("commands", "completion", "glossary"))),
    Section(
        "Your logs",
        _docs("foreign-logs", "formats", "slurm-logs", "checkpoints", "whose-run", "run-folders"),
    ),
    Section("Compare", _docs("stats", "gate", "when", "across", "variance")),
    Section("Find mistakes", _docs("diagnose", "check", "watch")),
    Section("Show", _docs("gallery", "figures", "dashboard")),
    Section("Write and automate", _docs("plan", "journal", "python", "agents")),
    Section(
        "Probe a checkpoint",
        (
            *_docs("probes", "own-energies"),
            *_docs("probes/accuracy", "probes/conditioning", "probes/curvature", "probes/diversity"),
            *_docs("probes/energy_gap", "probes/energy_judge", "probes/energy_scale"),
            *_docs("probes/false_negatives", "probes/floor", "probes/gap", "probes/gradients"),
            *_docs("probes/inference_time"),
            *_docs("probes/invariance", "probes/layers", "probes/mining_dynamics", "probes/saddles"),
            *_docs("probes/representation", "probes/sharpness", "probes/stability", "probes/steps"),
        ),
    ),
    Section(
        "Train",
        _docs("training", "slurm-training", "own-tasks", "optimizer-lab", "verify"),
    ),
    Section("At scale", _docs("performance", "scale", "many-checkpoints")),
    Section(
        "Evidence",
        _docs("the-study", "pilot", "coverage", "findings-revisited", "reliability", "dependencies"),
    ),
    Section("The project", ("docs/README.md", "docs/house.md", "CONTRIBUTING.md", "CHANGELOG.md")),
)


def address_of(source: str) -> str:
    """Return the place of a page in the site.

    >>> address_of("README.md"), address_of("docs/probes/gap.md"), address_of("CHANGELOG.md")
    ('index.html', 'probes/gap.html', 'changelog.html')
    """
    if source == HOME:
        return "index.html"
    if source == "docs/README.md":
        return "all-pages.html"
    path = PurePosixPath(source)
    if path.parts[0] == "docs":
        path = path.relative_to("docs")
    else:
        path = PurePosixPath(path.name.lower())
    return str(path.with_suffix(".html"))


def all_sources() -> list[str]:
    """Return the sources of all pages, in their order."""
    sources: list[str] = []
    for section in CONTENTS:
        sources.extend(section.sources)
    return sources

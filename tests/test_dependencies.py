"""No pinned version, and no lower bound of a direct dependency, is one that an advisory in docs names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
Row = tuple[str, str, str, str]  # package, version that is fixed, pin, advisory


def advisories() -> list[Row]:
    lines = (ROOT / "docs" / "dependencies.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [(package, fixed, pin, name) for package, fixed, pin, name, _, _ in rows[1:]]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {canonicalize_name(name): version for name, version in pairs}


def lower_bounds() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(text) for text in project["dependencies"]]
    return {
        canonicalize_name(requirement.name): specifier.version
        for requirement in requirements
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }


def affected(versions: Mapping[str, str], rows: list[Row]) -> list[str]:
    return [
        f"{package} {versions[package]} is older than {fixed} ({name})"
        for package, fixed, _, name in rows
        if package in versions and Version(versions[package]) < Version(fixed)
    ]


def test_no_pin_is_older_than_the_fix_of_an_advisory() -> None:
    rows = advisories()
    assert len(rows) >= 30
    assert {package for package, *_ in rows} <= pins().keys()
    assert affected(pins(), rows) == []


def test_no_lower_bound_of_a_direct_dependency_allows_an_affected_version() -> None:
    assert "torch" in lower_bounds()
    assert affected(lower_bounds(), advisories()) == []


def test_the_page_shows_the_pins_that_are_installed() -> None:
    shown = {package: pin for package, _, pin, _ in advisories()}
    assert shown == {package: pins()[package] for package in shown}


@pytest.mark.parametrize(("package", "older"), [("torch", "2.9.1"), ("pyarrow", "14.0.0"), ("dash", "4.4.0")])
def test_an_older_pin_is_an_error_that_names_the_advisory(package: str, older: str) -> None:
    lines = affected({**pins(), package: older}, advisories())
    assert lines
    assert all(line.startswith(f"{package} {older} is older than") for line in lines)

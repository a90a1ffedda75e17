"""The next command of a finding has a button that copies it, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import ROOT, axe_problems

pytestmark = pytest.mark.slow


def test_each_next_command_of_the_findings_is_copied_as_it_stands(
    serving: Callable[..., Any], opened: Callable[..., Any]
) -> None:
    visit = opened(serving(ROOT / "sample_runs"), "?page=findings")
    buttons = visit.page.locator(".findings button[data-copy]")
    visit.until(lambda: buttons.count() >= 3)
    for button in buttons.all():
        command = button.locator("xpath=preceding-sibling::pre").inner_text()
        assert command.startswith("ired-diag ")
        assert button.get_attribute("data-copy") == command
    buttons.first.focus()
    visit.page.keyboard.press("Enter")
    status = buttons.first.locator("xpath=following-sibling::span")
    visit.until(lambda: status.inner_text() in ("Copied", "Selected: press Ctrl-C"))
    assert axe_problems(visit.page) == []

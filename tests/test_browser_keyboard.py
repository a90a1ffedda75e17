"""The keyboard: ``/`` filters, j and k move, Enter opens, Esc goes back, t changes the theme, ? helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import ROOT, Visit

pytestmark = pytest.mark.slow

FOCUSED = "document.activeElement.dataset.value || document.activeElement.innerText"


@pytest.fixture
def visit(serving: Callable[..., Any], opened: Callable[..., Visit]) -> Visit:
    return opened(serving(ROOT / "sample_runs"), "?page=study")


def press(visit: Visit, *keys: str) -> str:
    """Press keys and return what has the focus."""
    for key in keys:
        visit.page.keyboard.press(key)
    return str(visit.page.evaluate(FOCUSED))


def test_slash_goes_to_the_filter_and_esc_leaves_it_filled(visit: Visit) -> None:
    press(visit, "/")
    visit.page.keyboard.type("q102 jt?/", delay=40)  # letters, not commands
    assert visit.page.evaluate("document.activeElement.value") == "q102 jt?/"
    press(visit, "Escape")
    assert visit.page.evaluate("document.activeElement === document.body")
    assert visit.page.input_value("#filter-box input") == "q102 jt?/"
    visit.until(lambda: visit.view().filter == "q102 jt?/")  # while one types, the page follows in parts
    assert visit.view().theme == "auto"


def test_j_and_k_move_enter_opens_and_the_focus_stays(visit: Visit) -> None:
    rows = visit.page.eval_on_selector_all("[data-row]", "all => all.map(row => row.dataset.value)")
    assert press(visit, "j") == rows[0]
    assert press(visit, "j", "j") == rows[2]
    assert press(visit, "k") == rows[1]
    press(visit, "Enter")
    visit.settle()
    assert visit.view().open == (rows[1],)
    assert visit.page.get_attribute(f"[data-value='{rows[1]}']", "aria-expanded") == "true"
    assert visit.page.evaluate(FOCUSED) == rows[1]
    assert "seed" in press(visit, "j").lower()
    for _ in range(40):
        press(visit, "k")
    assert visit.page.evaluate(FOCUSED) == rows[0]


def test_enter_opens_a_run_and_esc_goes_back(visit: Visit) -> None:
    press(visit, "j", "Enter")
    visit.settle()
    press(visit, "j", "Enter")
    visit.until(lambda: visit.view().page == "run")
    visit.settle()
    before = visit.page.inner_text("h1")
    press(visit, "Escape")
    visit.until(lambda: visit.view().page == "study")
    visit.settle()
    assert visit.page.inner_text("h1") == "Study" != before


def test_t_goes_through_the_themes(visit: Visit) -> None:
    seen = []
    for _ in range(3):
        press(visit, "t")
        seen.append((visit.view().theme, visit.page.inner_text("#theme-button")))
    assert seen == [("light", "Theme: light"), ("dark", "Theme: dark"), ("auto", "Theme: system")]


def test_a_question_mark_helps_and_esc_closes(visit: Visit) -> None:
    press(visit, "?")
    told = visit.page.inner_text("dialog[open]")
    assert all(key in told for key in ("/", "j", "k", "Enter", "Esc", "t", "?"))
    press(visit, "j", "t")  # the page behind does nothing
    assert visit.view().theme == "auto"
    press(visit, "Escape")
    assert visit.page.query_selector("dialog[open]") is None


def test_tab_reaches_the_content_at_once_and_every_stop_is_seen(visit: Visit) -> None:
    assert press(visit, "Tab") == "Skip to the content"
    press(visit, "Enter")
    assert visit.page.evaluate("document.activeElement.id") == "content"
    unseen = []
    while press(visit, "Tab") and visit.page.evaluate("document.activeElement !== document.body"):
        outline = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if outline == "none":
            unseen.append(visit.page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
    assert unseen == []

"""The address holds the whole view."""

from __future__ import annotations

from dataclasses import fields
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dashboard.address import BANDS, READOUTS, SCALES, THEMES, View
from ired_diag.comparison.margin import Margin

words = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40)
lists = st.lists(words.filter(bool), unique=True, max_size=5).map(tuple)
names = st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z")
ends = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
views = st.builds(
    View,
    page=names,
    filter=words,
    groups=lists,
    hidden=lists,
    open=lists,
    metric=words,
    readout=st.sampled_from(READOUTS),
    margin=st.floats(0, 1, exclude_min=True, exclude_max=True),
    higher=st.sampled_from(["", "1", "0"]),
    smooth=st.integers(0, 1000),
    log=st.booleans(),
    scale=st.sampled_from(SCALES),
    band=st.sampled_from(BANDS),
    x=st.none() | st.tuples(ends, ends).filter(lambda pair: pair[0] < pair[1]),
    run=st.just("") | st.from_regex(r"\A[0-9a-f]{12}\Z"),
    probe=st.just("") | names,
    level=st.none() | st.integers(0, 999),
    step=st.none() | st.integers(0, 10**9),
    theme=st.sampled_from(THEMES),
    sort=st.just("") | names,
    descending=st.booleans(),
    severity=lists,
    rule=st.just("") | names,
)


@given(views)
def test_a_view_comes_back_from_its_address(view: View) -> None:
    assert View.from_query(view.to_query()) == view


@given(st.text(max_size=300))
def test_any_address_is_a_view_and_stays_that_view(query: str) -> None:
    view = View.from_query(query)
    assert View.from_query(view.to_query()) == view


@given(st.sampled_from([f.name for f in fields(View)]), st.text(max_size=60))
def test_any_value_of_any_key_is_a_view_and_stays_that_view(key: str, value: str) -> None:
    view = View.from_query("?" + urlencode({key: value.encode("utf-8", "surrogatepass")}))
    assert View.from_query(view.to_query()) == view


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("run=../../etc/passwd", "run"),
        ("run=%2Fetc%2Fpasswd", "run"),
        ("page=../x", "page"),
        ("page=__init__", "page"),
        ("page=os.path", "page"),
        ("probe=a/b", "probe"),
        ("rule=%3Cimg%20onerror%3D1%3E", "rule"),
        ("theme=url(x)", "theme"),
        ("x=nan,1", "x"),
        ("x=1,inf", "x"),
        ("x=5,1", "x"),
        ("x=1", "x"),
        ("level=-1", "level"),
        ("level=1e9", "level"),
        ("step=٣", "step"),
        ("log=yes", "log"),
        ("smooth=x", "smooth"),
        ("margin=0", "margin"),
        ("margin=nan", "margin"),
        ("margin=1%25", "margin"),
        ("margin=0abs", "margin"),
        ("margin=xabs", "margin"),
    ],
)
def test_what_is_not_understood_becomes_the_default(query: str, key: str) -> None:
    assert getattr(View.from_query(query), key) == getattr(View(), key)


def test_an_absolute_margin_stands_in_the_address() -> None:
    view = View.from_query("margin=0.05abs")
    assert view.margin == Margin(0.05, absolute=True)
    assert View.from_query(view.to_query()) == view


def test_a_view_at_its_defaults_has_an_empty_address() -> None:
    assert View().to_query() == ""
    assert View.from_query("") == View.from_query(None) == View.from_query("?") == View()


def test_no_key_is_left_out_of_the_address() -> None:
    from app.dashboard.address import _READ

    assert set(_READ) == {field.name for field in fields(View)}


def test_too_many_values_are_no_error() -> None:
    assert View.from_query("&".join(["groups=a"] * 10_000)) == View()

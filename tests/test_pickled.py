"""Pickles as data: plain values are Python's own, everything that is named stays a placeholder."""

from __future__ import annotations

import argparse
import collections
import copyreg
import dataclasses
import datetime
import enum
import io
import pathlib
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ired_diag.pickled.machine import Machine
from ired_diag.pickled.numpy_constructors import NUMPY_CONSTRUCTORS
from ired_diag.pickled.plain_constructors import PLAIN_CONSTRUCTORS
from ired_diag.pickled.settings import settings_of
from ired_diag.pickled.values import DamagedPickle, Foreign, Name, NumpyArray
from ired_diag.pickled.walk import walk

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(0, 999), inner)
    ),
    max_leaves=20,
)


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


class OwnDictionary(dict[str, Any]):
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1
        self.b = "two"


def read(content: bytes) -> Any:
    return Machine({**PLAIN_CONSTRUCTORS, **NUMPY_CONSTRUCTORS}).read(io.BytesIO(content))


def again(value: object, protocol: int = 2) -> Any:
    return read(pickle.dumps(value, protocol))


@given(value=PLAIN, protocol=st.sampled_from(list(PROTOCOLS)))
def test_plain_values_are_what_python_reads(value: object, protocol: int) -> None:
    assert again(value, protocol) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_containers_of_the_standard_library_become_plain_ones(protocol: int) -> None:
    value = {
        "ordered": collections.OrderedDict(b=1, a=2),
        "default": collections.defaultdict(list, {"k": [1]}),
        "set": {5},
        "frozen": frozenset([6]),
        "bytes": b"\x00\xff",
        "array": bytearray(b"ab"),
        "path": pathlib.PurePosixPath("/a/b/c.pt"),
        "huge": 1 << 200,
    }
    assert again(value, protocol) == {
        **value,
        "set": [5],
        "frozen": [6],
        "array": b"ab",
        "path": "/a/b/c.pt",
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_shared_values_stay_shared_and_cycles_end(protocol: int) -> None:
    shared = [1]
    value: list[Any] = [shared, shared]
    value.append(value)
    result = again(value, protocol)
    assert result[0] is result[1] and result[2] is result
    assert [name for name, _ in walk(result)] == ["", "0", "1", "2"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("code", ["f8", "f4", "f2", "i8", "u1", "b1"])
def test_numbers_of_numpy_are_read_to_the_last_bit(protocol: int, order: str, code: str) -> None:
    values = np.array([[0, 1, 2], [3, 4, np.nan if code[0] == "f" else 5]]).astype(f"{order}{code}")
    for array in (values, np.asfortranarray(values), values[:0], np.array(values[0, 0])):
        result = again(array, protocol)
        assert isinstance(result, NumpyArray) and result.values is not None
        np.testing.assert_array_equal(result.values, array)
        assert result.values.dtype == array.dtype
    assert again(values[1, 1], protocol) == values[1, 1]


def test_arrays_of_objects_and_texts_are_not_built() -> None:
    assert again(np.array([{}, None], dtype=object)).values is None
    assert again(np.array(["a"])).values is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_objects_become_placeholders_with_their_attributes(protocol: int) -> None:
    namespace = again(argparse.Namespace(rate=0.1, sizes=[3, 4], inner=argparse.Namespace(x=1)), protocol)
    assert isinstance(namespace, Foreign) and namespace.of == "argparse.Namespace"
    assert settings_of(namespace) == {"rate": 0.1, "sizes.0": 3, "sizes.1": 4, "inner.x": 1}
    assert settings_of(again(Point(3), protocol)) == {"x": 3, "y": 0.5}
    assert settings_of(again(OwnDictionary(a=1), protocol)) == {"a": 1}
    assert settings_of({"day": again(datetime.date(2020, 1, 2), protocol)})["day"]
    if protocol >= 2:
        assert settings_of(again(Slotted(), protocol)) == {"a": 1, "b": "two"}
        assert settings_of({"color": again(Color.RED, protocol)})["color"].endswith("Color(1)")  # type: ignore[union-attr]


def test_a_class_or_function_stays_its_name() -> None:
    assert again(pathlib.Path.exists, 4) is not None
    assert again(argparse.Namespace) == Name("argparse", "Namespace")


def touch(path: str) -> None:
    """Make a file: what a planted call would do."""
    Path(path).touch()


class Reduced:
    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return touch, (self.marker,)


class Built:
    """Runs where its state is set."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __setstate__(self, state: dict[str, Any]) -> None:
        touch(state["marker"])


class Made:
    """Runs where it is made."""

    marker: str

    def __new__(cls, marker: str | None = None) -> Made:
        if marker:
            touch(marker)
        return object.__new__(cls)

    def __getnewargs__(self) -> tuple[str]:
        return (self.marker,)


class MadeWithKeywords(Made):
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, str]]:
        return (), {"marker": self.marker}


class Filled(list[Any]):
    """Runs where values are appended."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Filled, (), None, iter(list(self))

    def append(self, value: Any) -> None:
        touch(value)

    def extend(self, values: Any) -> None:
        for value in values:
            touch(value)


class Stored(dict[str, Any]):
    """Runs where values are stored by key."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Stored, (), None, None, iter([("marker", self["marker"])])

    def __setitem__(self, key: str, value: Any) -> None:
        touch(value)


def planted(kind: type, marker: Path) -> Any:
    if issubclass(kind, Made):
        value = kind()
        value.marker = str(marker)
        return value
    if kind is Filled:
        filled = Filled()
        list.append(filled, str(marker))
        return filled
    if kind is Stored:
        stored = Stored()
        dict.__setitem__(stored, "marker", str(marker))
        return stored
    return Reduced(marker) if kind is Reduced else Built(marker)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", [Reduced, Built, Made, MadeWithKeywords, Filled, Stored])
def test_no_planted_code_runs(tmp_path: Path, kind: type, protocol: int) -> None:
    marker = tmp_path / "marker"
    value = planted(kind, marker)
    marker.unlink(missing_ok=True)
    content = pickle.dumps({"weights": [1.0, 2.0], "planted": value}, protocol)
    assert not marker.exists()
    result = read(content)
    assert result["weights"] == [1.0, 2.0]
    assert isinstance(result["planted"], Foreign)
    assert not marker.exists()
    pickle.loads(content)
    assert marker.exists()  # the code does run where it is let


@pytest.mark.parametrize(
    "form", ["(S'{0}'\ni{1}\ntouch\n.", "(c{1}\ntouch\nS'{0}'\no.", "c{1}\ntouch\n(S'{0}'\ntR."]
)
def test_no_planted_code_of_the_oldest_protocol_runs(tmp_path: Path, form: str) -> None:
    marker = tmp_path / "marker"
    content = form.format(marker, __name__).encode()
    result = read(content)
    assert isinstance(result, Foreign) and result.of == f"{__name__}.touch"
    assert result.arguments == (str(marker),)
    assert not marker.exists()


def test_extensions_that_a_program_registers_are_not_looked_up() -> None:
    copyreg.add_extension(__name__, "Point", 240)
    try:
        content = pickle.dumps(Point(1), 2)
    finally:
        copyreg.remove_extension(__name__, "Point", 240)
    assert b"\x82\xf0" in content
    assert again_of(content).of == "copyreg.extension 240"


def again_of(content: bytes) -> Foreign:
    result = read(content)
    assert isinstance(result, Foreign)
    return result


def test_nothing_that_a_pickle_names_is_imported() -> None:
    content = b"cantigravity\nfly\n(tR."
    assert again_of(content).of == "antigravity.fly"
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_truncated_pickle_is_damaged_at_every_length(protocol: int) -> None:
    content = pickle.dumps({"a": [1.5, "text", b"bytes"], "n": argparse.Namespace(x=(1, 2))}, protocol)
    for length in range(len(content)):
        with pytest.raises(DamagedPickle):
            read(content[:length])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"h\x05.", "refers to a value that it does not hold"),
        (b".", "pop from empty list"),
        (b"]N0a.", "pop from empty list|index out of range|not a list"),
        (b"Na.", "pop|not a list|index"),
        (b"}(Nu.", "a key without a value"),
        (b"cmath\nsqrt\nNR.", "a call without arguments"),
        (b"NNs.", "not a dictionary|index"),
        (b"NQ.", "refers to what is outside"),
        (b"\x80\x05\x97.", "keeps buffers outside"),
        (b"NN\x93.", "names a class by what is not a text"),
    ],
)
def test_impossible_operations_are_damage(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedPickle, match=reason):
        read(content)


def test_a_size_beyond_the_file_takes_no_memory(tmp_path: Path) -> None:
    """The length of a text is stated in eight bytes; a file is not asked for more than it has."""
    path = tmp_path / "text.pkl"
    path.write_bytes(b"\x8d" + (1 << 40).to_bytes(8, "little") + b"abc.")
    with path.open("rb") as file, pytest.raises(DamagedPickle, match="but only 4 remain"):
        Machine({}).read(file)


def test_a_value_that_is_copied_over_and_over_is_refused() -> None:
    large = b"(" + b"K\x01" * 1000 + b"lq\x00\x85q\x01"  # a list of 1000 numbers, as the argument of a call
    content = large + b"cbuiltins\nlist\nq\x02" + b"h\x02h\x01R" * 1000 + b"."
    with pytest.raises(DamagedPickle, match="over and over"):
        read(content)


def test_calls_of_calls_keep_short_names() -> None:
    result = read(b"cm\nb\n)R" + b")R" * 1000 + b".")
    assert isinstance(result, Foreign) and result.of == "m.b(…)"


def test_a_state_that_is_set_again_and_again_is_damage() -> None:
    with pytest.raises(DamagedPickle, match="again and again"):
        read(b"cm\nb\n)R" + b"}b" * 3 + b".")


def test_keys_that_are_no_texts_keep_their_values() -> None:
    value = {1.5: "a", (1, 2): "b", Color.RED: "c", None: "d", 1 << 70: "e", b"k": "f"}
    result = again(value)
    assert sorted(result.values()) == list("abcdef")
    assert {key for key in result if isinstance(key, str)} == {"1.5", "(1, 2)", str(1 << 70)}


def test_names_in_a_walk_stay_short_however_deep_the_value() -> None:
    value: Any = 1
    for _ in range(100):
        value = {"k" * 5000: [value]}
    names = [name for name, _ in walk(again(value))]
    assert max(map(len, names)) < 60 * 210
    assert not any(re.search("k{201}", name) for name in names)


def test_settings_are_bounded() -> None:
    assert len(settings_of({"values": list(range(100_000))})) == 2000
    assert settings_of({"text": "a" * 10_000})["text"] == "a" * 500

"""Plain values of Python's own library that pickles write as calls: built here, by our own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ired_diag.pickled.machine import Constructor, key_of, name_of
from ired_diag.pickled.values import Foreign

LATIN = ("latin1", "latin-1", "iso-8859-1", "utf-8", "utf8", "ascii")


def _dictionary(*arguments: Any) -> dict[Any, Any]:
    """Return a dictionary from nothing, from pairs, or from a dictionary."""
    dictionary: dict[Any, Any] = {}
    if not arguments:
        return dictionary
    (pairs,) = arguments
    for key, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        dictionary[key_of(key)] = value
    return dictionary


def _default_dictionary(*_: Any) -> dict[Any, Any]:
    """Return a dictionary; what makes its missing values is left out."""
    return {}


def _list(*arguments: Any) -> list[Any]:
    if not arguments:
        return []
    (values,) = arguments
    if not isinstance(values, list | tuple):
        raise TypeError("a list is made of another one")
    return list(values)


def _tuple(*arguments: Any) -> tuple[Any, ...]:
    return tuple(_list(*arguments))


def _bytes(*arguments: Any) -> bytes:
    """Return bytes, which protocols 0 to 2 write as a text and its encoding."""
    if not arguments:
        return b""
    text, encoding = arguments
    if encoding not in LATIN:
        raise ValueError(f"{encoding!r} is not an encoding of bytes")
    content: bytes = text.encode(encoding)
    return content


def _byte_array(*arguments: Any) -> bytes:
    match arguments:
        case (bytes() as content,) | (bytearray() as content,):
            return bytes(content)
        case _:
            return _bytes(*arguments)


def _reconstructed(kind: Any, base: Any, state: Any) -> Any:
    """Return what stands for an object that protocols 0 and 1 make without its constructor."""
    if state is None:
        return Foreign(name_of(kind))
    if isinstance(state, dict):
        return Foreign(name_of(kind), items=state)
    if isinstance(state, list):
        return Foreign(name_of(kind), entries=state)
    return Foreign(name_of(kind), (state,))


def _new_object(kind: Any, *arguments: Any) -> Any:
    return Foreign(name_of(kind), arguments)


def _joined_path(*parts: str) -> str:
    if not all(isinstance(part, str) for part in parts):
        raise TypeError("a path is made of texts")
    return "/".join(parts).replace("//", "/", 1)


def _complex(real: float, imaginary: float) -> str:
    return f"{float(real)}{float(imaginary):+}j"


OF_PYTHON: Mapping[str, Constructor] = {
    "dict": _dictionary,
    "list": _list,
    "set": _list,
    "frozenset": _list,
    "tuple": _tuple,
    "bytes": _bytes,
    "bytearray": _byte_array,
    "complex": _complex,
}
PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath")

PLAIN_CONSTRUCTORS: Mapping[str, Constructor] = {
    "collections.OrderedDict": _dictionary,
    "collections.defaultdict": _default_dictionary,
    "_codecs.encode": _bytes,
    "torch.Size": _tuple,
    "copy_reg._reconstructor": _reconstructed,
    "copyreg._reconstructor": _reconstructed,
    "copyreg.__newobj__": _new_object,
    **{f"builtins.{kind}": constructor for kind, constructor in OF_PYTHON.items()},
    **{f"__builtin__.{kind}": constructor for kind, constructor in OF_PYTHON.items()},
    **{f"pathlib.{kind}": _joined_path for kind in PATHS},
    **{f"pathlib._local.{kind}": _joined_path for kind in PATHS},
}

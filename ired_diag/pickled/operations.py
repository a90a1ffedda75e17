"""The operations of a pickle, by the names that ``pickletools`` gives them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ired_diag.pickled.machine import Machine, key_of
from ired_diag.pickled.numpy_constructors import fill_numpy
from ired_diag.pickled.values import DamagedPickle, Foreign, Name, NumpyArray, NumpyType

Operation = Callable[[Machine, Any], None]

LITERALS = (
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES "
    "BINBYTES8 BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 FLOAT BINFLOAT"
).split()
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
MOST_STATES = 2  # of an object: a pickle sets it once
EXTENSIONS = ("EXT1", "EXT2", "EXT4")


def _push_argument(machine: Machine, argument: Any) -> None:
    machine.push(argument)


def _pushing(constant: Any) -> Operation:
    return lambda machine, _: machine.push(constant)


def _nothing(machine: Machine, _: Any) -> None:
    """Do nothing: the operation concerns how the bytes are laid out."""


def _mark(machine: Machine, _: Any) -> None:
    machine.marks.append(len(machine.stack))


def _pop(machine: Machine, _: Any) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _pop_mark(machine: Machine, _: Any) -> None:
    machine.since_mark()


def _duplicate(machine: Machine, _: Any) -> None:
    machine.push(machine.stack[-1])


def _list(machine: Machine, _: Any) -> None:
    machine.push(machine.since_mark())


def _new_list(machine: Machine, _: Any) -> None:
    machine.push([])


def _append(machine: Machine, _: Any) -> None:
    value = machine.pop()
    _extend(machine.stack[-1], [value])


def _appends(machine: Machine, _: Any) -> None:
    values = machine.since_mark()
    _extend(machine.stack[-1], values)


def _extend(container: Any, values: list[Any]) -> None:
    if isinstance(container, list):
        container.extend(values)
    elif isinstance(container, Foreign):
        container.entries.extend(values)
    else:
        raise DamagedPickle("appends to what is not a list")


def _tuple(machine: Machine, _: Any) -> None:
    machine.push(tuple(machine.since_mark()))


def _tuple_of(count: int) -> Operation:
    def operation(machine: Machine, _: Any) -> None:
        values = [machine.pop() for _ in range(count)]
        machine.push(tuple(reversed(values)))

    return operation


def _new_dictionary(machine: Machine, _: Any) -> None:
    machine.push({})


def _dictionary(machine: Machine, _: Any) -> None:
    dictionary: dict[Any, Any] = {}
    _store(dictionary, machine.since_mark())
    machine.push(dictionary)


def _set_item(machine: Machine, _: Any) -> None:
    value = machine.pop()
    key = machine.pop()
    _store(machine.stack[-1], [key, value])


def _set_items(machine: Machine, _: Any) -> None:
    values = machine.since_mark()
    _store(machine.stack[-1], values)


def _store(container: Any, values: Sequence[Any]) -> None:
    if len(values) % 2:
        raise DamagedPickle("has a key without a value")
    target = container.items if isinstance(container, Foreign) else container
    if not isinstance(target, dict):
        raise DamagedPickle("stores by key in what is not a dictionary")
    for key, value in _pairs(values):
        target[key_of(key)] = value


def _pairs(values: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(values[::2], values[1::2], strict=True)


def _get(machine: Machine, argument: Any) -> None:
    if argument not in machine.memo:
        raise DamagedPickle(f"refers to a value that it does not hold ({argument})")
    machine.push(machine.memo[argument])


def _put(machine: Machine, argument: Any) -> None:
    machine.memo[argument] = machine.stack[-1]


def _memoize(machine: Machine, _: Any) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _global(machine: Machine, argument: str) -> None:
    machine.push(_name(*argument.split(" ", 1)))


def _stack_global(machine: Machine, _: Any) -> None:
    name = machine.pop()
    machine.push(_name(machine.pop(), name))


def _name(module: Any, name: Any) -> Name:
    if not (isinstance(module, str) and isinstance(name, str)):
        raise DamagedPickle("names a class by what is not a text")
    return Name(sys.intern(module), sys.intern(name))


def _reduce(machine: Machine, _: Any) -> None:
    arguments = machine.pop()
    machine.push(machine.call(machine.pop(), arguments))


def _new_object_with_keywords(machine: Machine, _: Any) -> None:
    keywords = machine.pop()
    arguments = machine.pop()
    value = machine.call(machine.pop(), arguments)
    if isinstance(value, Foreign) and isinstance(keywords, dict):
        value.state.append(keywords)
    machine.push(value)


def _instance(machine: Machine, argument: str) -> None:
    arguments = tuple(machine.since_mark())
    machine.push(machine.call(_name(*argument.split(" ", 1)), arguments))


def _object(machine: Machine, _: Any) -> None:
    function, *arguments = machine.since_mark()
    machine.push(machine.call(function, tuple(arguments)))


def _build(machine: Machine, _: Any) -> None:
    state = machine.pop()
    target = machine.stack[-1]
    if isinstance(target, Foreign):
        if len(target.state) >= MOST_STATES:
            raise DamagedPickle("sets the state of an object again and again")
        target.state.append(state)
    elif isinstance(target, NumpyArray | NumpyType):
        if isinstance(state, tuple):
            machine.spend(state)
        fill_numpy(target, state)
    # A plain container may carry attributes (a state dictionary's _metadata): no tensor is among them.


def _persistent(machine: Machine, identifier: Any) -> None:
    if machine.persistent is None:
        raise DamagedPickle("refers to what is outside of it")
    machine.push(machine.persistent(identifier))


def _persistent_on_stack(machine: Machine, _: Any) -> None:
    _persistent(machine, machine.pop())


def _extension(machine: Machine, argument: Any) -> None:
    machine.push(Name("copyreg", f"extension {argument}"))


def _buffer(machine: Machine, _: Any) -> None:
    raise DamagedPickle("keeps buffers outside of it")


OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(LITERALS, _push_argument),
    **{name: _pushing(constant) for name, constant in CONSTANTS.items()},
    **dict.fromkeys(("PROTO", "FRAME", "STOP", "READONLY_BUFFER"), _nothing),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), _new_list),
    **dict.fromkeys(("LIST", "FROZENSET"), _list),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), _appends),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _reduce),
    **dict.fromkeys(EXTENSIONS, _extension),
    **{f"TUPLE{count}": _tuple_of(count) for count in (1, 2, 3)},
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _duplicate,
    "APPEND": _append,
    "TUPLE": _tuple,
    "EMPTY_DICT": _new_dictionary,
    "DICT": _dictionary,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "MEMOIZE": _memoize,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "NEWOBJ_EX": _new_object_with_keywords,
    "INST": _instance,
    "OBJ": _object,
    "BUILD": _build,
    "PERSID": _persistent,
    "BINPERSID": _persistent_on_stack,
    "NEXT_BUFFER": _buffer,
}

"""A second embedding model, of fewer dimensions: the bundled one with the end of each vector cut.

The ONNX file is protobuf, of which little need be understood: a node that cuts is added to the
graph, and its output takes the place of the graph's own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from mcp_memory.embedding.loader import BUNDLED_FOLDER

DIMENSIONS = 128
_GRAPH, _NODE, _INITIALIZER, _OUTPUT = 7, 1, 5, 12
_BYTES = 2  # the wire type of texts, tensors and messages
_CUT = b"cut_hidden_state"


def made(folder: Path, dimensions: int = DIMENSIONS) -> Path:
    """The folder with the model in it."""
    folder.mkdir(parents=True)
    for file in BUNDLED_FOLDER.glob("*.json"):
        shutil.copy(file, folder / file.name)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": dimensions}), "utf-8")
    (folder / "model.onnx").write_bytes(
        _cut((BUNDLED_FOLDER / "model.onnx").read_bytes(), dimensions)
    )
    return folder


def _cut(model: bytes, dimensions: int) -> bytes:
    return b"".join(
        _field(_GRAPH, _cut_graph(value, dimensions)) if number == _GRAPH else raw
        for number, value, raw in _fields(model)
    )


def _cut_graph(graph: bytes, dimensions: int) -> bytes:
    fields = list(_fields(graph))
    output = next(value for number, value, _ in fields if number == _OUTPUT)
    name = next(value for number, value, _ in _fields(output) if number == 1)
    bounds = {b"cut_from": 0, b"cut_to": dimensions, b"cut_axis": 2}
    node = b"".join(_field(1, text) for text in (name, *bounds)) + _field(2, _CUT)
    node += _field(4, b"Slice")
    kind = _field(1, _number(1, 1))  # a tensor of floats
    return b"".join(
        (
            *(raw for number, _, raw in fields if number != _OUTPUT),
            _field(_NODE, node),
            *(_field(_INITIALIZER, _tensor(*bound)) for bound in bounds.items()),
            _field(_OUTPUT, _field(1, _CUT) + _field(2, kind)),
        )
    )


def _tensor(name: bytes, value: int) -> bytes:
    """One whole number, as a list of one."""
    return _number(1, 1) + _number(2, 7) + _field(7, _varint(value)) + _field(8, name)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The number, the value and the bytes of each field."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _read(message, place)
        begin = place
        if tag & 7 == _BYTES:
            size, begin = _read(message, place)
            place = begin + size
        elif tag & 7 == 0:
            _, place = _read(message, place)
        else:
            place += 8 if tag & 7 == 1 else 4
        yield tag >> 3, message[begin:place], message[start:place]


def _read(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)

"""Our reader and writer against the format's own library, and against damaged files."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

from shared.decoding.errors import FileKind
from shared.decoding.tensors import decode_tensors, encode_tensors, read_tensors
from shared.errors import PlacidError

KIND = FileKind("an edit", "fit it again", lambda text: PlacidError("bad_file", text))

DRAW = np.random.default_rng(0)
ARRAYS = {
    "a": DRAW.normal(size=(3, 4)).astype(np.float32),
    "b": DRAW.normal(size=5).astype(np.float16),
    "rows": np.array([3, 1, 2]),
    "scalar": np.array(2.5),
    "none": np.zeros((0, 4), np.float32),
    "flags": np.array([True, False]),
    "bytes": np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::2],
}


def _same(found):
    assert found.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        assert (found[name].dtype, found[name].shape) == (values.dtype, values.shape)
        assert (found[name] == values).all()


def test_the_library_reads_what_is_written_and_the_other_way_round():
    data = encode_tensors(ARRAYS, {"edit": '{"a": 1}'})
    metadata, found = decode_tensors(data)
    assert metadata == {"edit": '{"a": 1}'}
    _same(found)
    found["a"][0] = 1  # a copy of its own
    _same(safetensors.numpy.load(data))
    whole = {name: values.copy() for name, values in ARRAYS.items()}
    metadata, found = decode_tensors(safetensors.numpy.save(whole, {"k": "v"}))
    assert metadata == {"k": "v"}
    _same(found)


def _file(header, values=b"\0" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


def _entry(**changes):
    return {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        _file(b"\xff\xfe{}"),
        _file(b"[" * 100_000),
        _file(b'{"x": ' * 50_000),
        _file([1]),
        _file({"x": 3}),
        _file({"__metadata__": {"edit": 3}}),
        _file(_entry(dtype="F99")),
        _file(_entry(shape=[3])),
        _file(_entry(shape=[2**40])),
        _file(_entry(shape=[-2, -1])),
        _file(_entry(shape=[1] * 64)),
        _file(_entry(shape=[10**400])),
        _file(_entry(data_offsets=[0, 2**40])),
        _file(_entry(data_offsets=[-8, 0])),
        _file(_entry(data_offsets=[8, 0])),
        _file(_entry(data_offsets=[0, 8, 16])),
        _file(_entry(), values=b"\0" * 4),
    ],
    ids=str,
)
def test_what_is_no_such_file_is_refused_with_a_sentence(data, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(PlacidError, match="; fit it again") as refused, KIND.reading(path):
        read_tensors(path)
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 400


def test_every_single_flipped_byte_is_read_or_refused():
    whole = encode_tensors({"a": np.arange(3, dtype=np.float32)}, {"edit": "{}"})
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:
            with KIND.reading("sample"):
                decode_tensors(bytes(damaged))
        except PlacidError:
            pass


def test_a_folder_an_absent_and_an_overlarge_file_are_said_to_be(tmp_path):
    with pytest.raises(PlacidError, match="is a folder"), KIND.reading(tmp_path):
        read_tensors(tmp_path)
    with pytest.raises(PlacidError, match="exist; check the path"), KIND.reading("absent"):
        read_tensors(tmp_path / "absent")
    path = tmp_path / "large"
    path.write_bytes(encode_tensors(ARRAYS, {}))
    with pytest.raises(PlacidError, match="is larger than"), KIND.reading(path):
        read_tensors(path, 100)
